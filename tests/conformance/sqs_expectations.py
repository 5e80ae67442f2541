"""What a step of a timed case expects, held against what came of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.conformance.running import NotBuilt

TOLERANCE_S = 1e-6
NOT_COMPARED = {"ok", "error", "order", "aws_observed_order"}


@dataclass
class Message:
    """One message of an answer, in the words of the case; times in seconds."""

    message_id: str
    body: str
    group: str | None
    deduplication_id: str | None
    receive_count: int
    sent_at: float
    first_received_at: float
    dlq_source: str | None
    handle: str


@dataclass
class Outcome:
    """What came of a step: what applies to its call is filled in."""

    error: str | None = None
    message_id: str | None = None
    sequence_number: str | None = None
    messages: list[Message] = field(default_factory=list)
    returned_at: float | None = None
    polls: list["Outcome"] = field(default_factory=list)
    ok_ids: list[str] = field(default_factory=list)
    failed_ids: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def bodies(self) -> list[str]:
        """The bodies of the answer, in order."""
        return [message.body for message in self.messages]


Saved = Mapping[str, Outcome]


def differences(expect: dict[str, Any], outcome: Outcome, saved: Saved) -> Iterator[str]:
    """Each key that does not hold, as ``key: wanted ..., got ...``."""
    if "error" in expect:
        if expect["error"] not in (outcome.error or ""):
            yield f"error: wanted {expect['error']}, got {outcome.error or 'success'}"
        return
    if outcome.error is not None:
        yield f"ok: wanted success, got {outcome.error}"
        return
    for key, wanted in expect.items():
        if key in NOT_COMPARED:
            continue
        if key not in READERS:
            raise NotBuilt(f"expectation {key}")
        got = READERS[key](outcome, wanted, saved)
        if not _holds(key, wanted, got, expect, outcome):
            yield f"{key}: wanted {wanted}, got {got}"


def _holds(key: str, wanted: Any, got: Any, expect: dict[str, Any], outcome: Outcome) -> bool:
    if key == "bodies":
        return _bodies_hold(wanted, outcome.messages, expect.get("order", "exact"))
    if key == "one_of":
        return got in wanted
    if key in ("count_range", "nonempty_polls_range"):
        return bool(wanted[0] <= got <= wanted[1])
    if key == "subset_of":
        return set(got) <= set(wanted)
    if key in ("ok_ids", "failed_ids"):
        return set(got) == set(wanted)
    if key == "total_bodies":
        return Counter(got) == Counter(wanted)
    if key == "receipt_differs_from":
        return bool(got)
    if key in ("nonempty_returned_at", "empty_returned_at"):
        return all(_close(wanted, at) for at in got)
    return _close(wanted, got)


def _close(wanted: Any, got: Any) -> bool:
    """Equality, down through lists and mappings, with bounds where wanted and a tolerance of time."""
    if isinstance(wanted, dict) and not isinstance(got, dict):
        return bool(wanted.get("min", got) <= got <= wanted.get("max", got) + TOLERANCE_S)
    if isinstance(wanted, dict):
        return all(_close(value, got.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(_close, wanted, got))
    if isinstance(wanted, float | int) and isinstance(got, float | int):
        return abs(wanted - got) <= TOLERANCE_S
    return bool(wanted == got)


def _bodies_hold(wanted: list[str], messages: list[Message], order: str) -> bool:
    got = [message.body for message in messages]
    if order == "exact":
        return got == wanted
    if Counter(got) != Counter(wanted):
        return False
    if order == "any":
        return True
    groups = [message.group for message in messages]
    runs = sum(1 for k, group in enumerate(groups) if k == 0 or group != groups[k - 1])
    in_order = all(
        [body for body in wanted if body in members] == members
        for members in ([m.body for m in messages if m.group == group] for group in set(groups))
    )
    return in_order and runs == len(set(groups))


def _ids(outcome: Outcome, wanted: str | list[str], saved: Saved) -> Any:
    """The names wanted where they are the same messages, else what the message ids are."""
    if isinstance(wanted, str):
        return wanted if outcome.message_id == saved[wanted].message_id else outcome.message_id
    ids = [message.message_id for message in outcome.messages]
    return wanted if ids == [saved[name].message_id for name in wanted] else ids


def _deduplication_ids(outcome: Outcome, wanted: list[str], saved: Saved) -> list[str | None]:
    """The ids, those that are a saved message's id in the words of the case."""
    got: list[str | None] = []
    for place, message in enumerate(outcome.messages):
        name = wanted[place] if place < len(wanted) else ""
        is_id = name.startswith("@id:") and message.deduplication_id == saved[name[4:]].message_id
        got.append(name if is_id else message.deduplication_id)
    return got


def _rising(outcome: Outcome, wanted: list[str], saved: Saved) -> Any:
    """The names wanted where their sequence numbers rise strictly, else these."""
    numbers = [int(saved[name].sequence_number or 0) for name in wanted]
    return wanted if all(a < b for a, b in pairwise(numbers)) else numbers


def _another_handle(outcome: Outcome, wanted: str, saved: Saved) -> bool:
    name, _, index = wanted.partition("#")
    return bool(outcome.messages) and outcome.messages[0].handle != saved[name].messages[int(index)].handle


def _attributes(outcome: Outcome, wanted: list[dict[str, Any]], saved: Saved) -> list[dict[str, float]]:
    return [{"sent_at": m.sent_at, "first_received_at": m.first_received_at} for m in outcome.messages]


def _source(outcome: Outcome, wanted: str, saved: Saved) -> str | None:
    sources = {message.dlq_source for message in outcome.messages}
    return sources.pop() if len(sources) == 1 else ", ".join(map(str, sources))


def _answers(outcome: Outcome) -> list[Outcome]:
    return sorted((p for p in outcome.polls if p.messages), key=lambda poll: poll.returned_at or 0.0)


def _sequence(outcome: Outcome, wanted: Any, saved: Saved) -> list[Any]:
    answers = _answers(outcome)
    if wanted and isinstance(wanted[0], dict):
        return [{"body": poll.bodies[0], "returned_at": poll.returned_at} for poll in answers]
    return [[poll.bodies[0], poll.returned_at] for poll in answers]


READERS: dict[str, Callable[[Outcome, Any, Saved], Any]] = {
    "bodies": lambda outcome, wanted, saved: outcome.bodies,
    "one_of": lambda outcome, wanted, saved: outcome.bodies,
    "count": lambda outcome, wanted, saved: len(outcome.messages),
    "count_range": lambda outcome, wanted, saved: len(outcome.messages),
    "subset_of": lambda outcome, wanted, saved: outcome.bodies,
    "receive_counts": lambda outcome, wanted, saved: [m.receive_count for m in outcome.messages],
    "same_message_id_as": _ids,
    "receipt_differs_from": _another_handle,
    "attrs": _attributes,
    "dedup_ids": _deduplication_ids,
    "sequence_increasing": _rising,
    "dlq_source": _source,
    "returned_at": lambda outcome, wanted, saved: outcome.returned_at,
    "ok_ids": lambda outcome, wanted, saved: outcome.ok_ids,
    "failed_ids": lambda outcome, wanted, saved: outcome.failed_ids,
    "visible": lambda outcome, wanted, saved: outcome.counts["visible"],
    "in_flight": lambda outcome, wanted, saved: outcome.counts["in_flight"],
    "delayed": lambda outcome, wanted, saved: outcome.counts["delayed"],
    "total_bodies": lambda outcome, wanted, saved: [b for poll in outcome.polls for b in poll.bodies],
    "nonempty_polls": lambda outcome, wanted, saved: len(_answers(outcome)),
    "nonempty_polls_range": lambda outcome, wanted, saved: len(_answers(outcome)),
    "empty_polls": lambda outcome, wanted, saved: len(outcome.polls) - len(_answers(outcome)),
    "nonempty_returned_at": lambda outcome, wanted, saved: [p.returned_at for p in _answers(outcome)],
    "empty_returned_at": lambda outcome, wanted, saved: [
        p.returned_at for p in outcome.polls if not p.messages
    ],
    "sequence": _sequence,
}
