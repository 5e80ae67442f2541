"""``simulator explain`` as a person types it."""

import json
from pathlib import Path

import pytest

from tests.cli.typed import typed
from tests.experiments.lives import TEXTS


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "shop.yaml"
    file.write_text("scenario: shop\nduration: 1m\nseed: 42\n" + TEXTS["overdue"])
    return file


def test_the_finding_comes_first_then_the_steps_and_the_pictures_place_last(shop):
    seen = typed("explain", shop, "--duplicate", "--quiet")
    lines = seen.out.splitlines()
    assert seen.status == 0 and not seen.err
    assert lines[0].startswith("Processed twice: its batch of 10 was in hand for 32.0 s")
    assert lines[-1] == "reports/shop-explain.png" and Path(lines[-1]).exists()
    assert any(line.startswith("It would not have happened with queues.orders.visibility") for line in lines)


def test_json_holds_every_step_in_seconds_and_markdown_is_a_table(shop):
    told = json.loads(typed("explain", shop, "--message", "50", "-o", "json", "--quiet").out)
    assert told["message"] == 50 and told["ending"] == "processed_twice"
    steps = told["copies"][0]["steps"]
    assert [step["what"] for step in steps].count("received") == 2
    assert steps[0]["at_s"] == pytest.approx(told["offered_at_s"] + steps[0]["since_offered_s"])
    assert told["avoided_by"][0] == {
        "path": "queues.orders.visibility_timeout",
        "relation": "≥",
        "value": 32.0,
        "unit": "s",
    }
    page = typed("explain", shop, "--message", "50", "-o", "md", "--quiet").out
    assert page.startswith("## Processed twice") and "| +8.471 s | receive 1:" in page


def test_a_setting_a_seed_and_a_replication_choose_the_run(shop):
    seen = typed("explain", shop, "--worst", "wait", "--set", "auto_scaling_groups.fleet.capacity.max=3")
    assert seen.status == 0 and "3 passes" not in seen.out and "messages in" in seen.err
    other = typed("explain", shop, "--message", "3", "--seed", "7", "--replication", "1", "--quiet").out
    assert "seed 7, replication 1" in other


def test_the_picture_goes_where_it_is_asked_for_whole(shop, tmp_path):
    place = tmp_path / "deep" / "why.png"
    assert typed("explain", shop, "--message", "0", "--out", place, "--quiet").status == 0
    assert place.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in place.parent.iterdir()] == ["why.png"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "say which message"),
        (("--message", "1", "--lost"), "say which message"),
        (("--message", "5000"), "this run has 179 messages, numbered 0 to 178; there is no 5000"),
        (("--dead-lettered",), "no message was dead-lettered in this run (seed 42, replication 0)"),
        (("--lost", "--queue", "orders"), "no message was lost in queue orders in this run"),
        (("--lost", "--queue", "nowhere"), "there is no queue nowhere; there are orders"),
        (("--message", "1", "--out", "why.txt"), "why.txt is not the name of a PNG file"),
        (("--message", "1", "--set", "queues.orders.retention=1"), "queues.orders.retention"),
    ],
)
def test_what_cannot_be_told_is_said_in_one_line_and_nothing_is_drawn(shop, options, told):
    seen = typed("explain", shop, *options, "--quiet")
    assert seen.status == 2 and not seen.out
    assert told in seen.err and "Traceback" not in seen.err
    assert not list(shop.parent.rglob("*.png"))
