"""Denied and throttled calls of a queue: what of them gets through, and what comes again for it."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Cause, Fate, Outcome
from tests.engine.drills import FUNCTION, GROUP, MINUTE, S, between, drill


@pytest.mark.parametrize(("text", "wait"), [(GROUP, "20s"), (GROUP, "0s"), (FUNCTION, None)])
def test_throttled_receives_let_through_what_the_throttle_allows(
    tmp_path: Path, text: str, wait: str | None
) -> None:
    """5/s for five minutes are 1,500 of 3,000, a second's worth more at once; then the rest catches up."""
    sets = () if wait is None else (f"auto_scaling_groups.ship.receive.wait_time={wait}",)
    rows = drill(tmp_path, text, "{at: 5m, for: 5m, queue: orders, throttle: 5/s, call: receive}", sets=sets)
    received = np.sort(rows["deliveries"]["received_at"])
    assert between(received, 5 * MINUTE, 10 * MINUTE) == pytest.approx(1_503, abs=3)
    assert between(received, 0, 5 * MINUTE) == pytest.approx(3_000, abs=10)
    assert (rows["copies"]["fate"] == Fate.DELETED).all()


@pytest.mark.parametrize("text", [GROUP, FUNCTION])
def test_denied_receives_bring_nothing(tmp_path: Path, text: str) -> None:
    rows = drill(tmp_path, text, "{at: 5m, for: 5m, queue: orders, denied: receive}")
    received = rows["deliveries"]["received_at"]
    assert between(received, 5 * MINUTE, 10 * MINUTE) == 0
    assert between(received, 10 * MINUTE, 10 * MINUTE + 2 * S) >= 20


@pytest.mark.parametrize(
    ("text", "sets"), [(GROUP, ()), (FUNCTION, ()), (GROUP, ("auto_scaling_groups.ship.loop=barrier",))]
)
def test_denied_deletes_bring_messages_back_after_their_timeout_with_the_cause(
    tmp_path: Path, text: str, sets: tuple[str, ...]
) -> None:
    rows = drill(tmp_path, text, "{at: 5m, for: 30s, queue: orders, denied: delete}", sets=sets)
    deliveries = rows["deliveries"]
    again = deliveries["receive_count"] == 2
    assert again.sum() == pytest.approx(300, abs=10)
    assert (deliveries["cause"][again] == Cause.ACCESS_DENIED).all()
    assert (deliveries["repeated"][again] == 1).all()
    assert (rows["copies"]["fate"] == Fate.DELETED).all()


@pytest.mark.parametrize("text", [GROUP, FUNCTION])
def test_throttled_deletes_hold_consumers_up(tmp_path: Path, text: str) -> None:
    """Each message costs a delete: 4/s of them are all that is finished."""
    rows = drill(tmp_path, text, "{at: 5m, for: 5m, queue: orders, throttle: 4/s, call: delete}")
    deleted = rows["deliveries"]["left_at"][rows["deliveries"]["deleted"] == 1]
    assert between(deleted, 5 * MINUTE, 10 * MINUTE) == pytest.approx(4 * 300 + 4, abs=3)


@pytest.mark.parametrize(
    "sets", [(), ("producers.shop.client={}",), ("producers.shop.batch={size: 10, linger: 1s}",)]
)
def test_denied_sends_are_refused_and_not_tried_again(tmp_path: Path, sets: tuple[str, ...]) -> None:
    rows = drill(tmp_path, FUNCTION, "{at: 5m, for: 1m, queue: orders, denied: send}", sets=sets)
    messages = rows["messages"]
    refused = messages["outcome"] == Outcome.REFUSED
    assert refused.sum() == pytest.approx(600, abs=20)
    assert (messages["offered_at"][refused] >= 5 * MINUTE - S).all()
    assert (messages["offered_at"][refused] < 6 * MINUTE).all()
    assert len(messages["message"]) == 12_000


SHAPES = ("{}", "{wait_time: 0s}", "barrier", "{permits: 3}", "{prefetch: 2}", "calls")


@pytest.mark.parametrize("kind", ["standard", "fifo"])
@pytest.mark.parametrize("shape", SHAPES)
def test_denied_and_throttled_calls_meet_loops_of_every_shape(tmp_path: Path, shape: str, kind: str) -> None:
    """What cannot be deleted comes again, with the cause; in the end all is done."""
    text = GROUP.replace("{visibility_timeout: 1m,", f"{{type: {kind}, visibility_timeout: 1m,")
    text = text.replace("dead: {}", f"dead: {{type: {kind}}}")
    sets = ["producers.shop.message.group={count: 500}", "duration=6m"]
    if shape == "calls":
        text += "downstreams: {database: {latency: 50ms}}\n"
        sets.append("auto_scaling_groups.ship.calls={database: 1}")
    else:
        key = "receive" if "wait" in shape or shape == "{}" else "loop"
        sets.append(f"auto_scaling_groups.ship.{key}={shape}")
    rows = drill(
        tmp_path,
        text,
        "{at: 1m, for: 20s, queue: orders, denied: receive}",
        "{at: 2m, for: 20s, queue: orders, denied: delete}",
        "{at: 4m, for: 20s, queue: orders, throttle: 2/s, call: receive}",
        "{at: 5m, for: 20s, queue: orders, throttle: 2/s, call: delete}",
        sets=tuple(sets),
    )
    deliveries = rows["deliveries"]
    assert between(deliveries["received_at"], 1 * MINUTE, 1 * MINUTE + 20 * S) == 0
    again = deliveries["cause"] == Cause.ACCESS_DENIED
    assert again.sum() >= 100
    assert (rows["copies"]["fate"] == Fate.DELETED).all()
    left = deliveries["left_at"][deliveries["deleted"] == 1]
    calls = len(np.unique(left[(left >= 5 * MINUTE) & (left < 5 * MINUTE + 20 * S)]))
    assert calls <= 42
