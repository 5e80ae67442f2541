"""What the ready scenarios about services that publish teach, in short versions of them."""

import numpy as np
import pytest

from simulator.recording.tables import NONE, Cause
from tests.scenarios.running import MINUTE, SECOND, Ran
from tests.scenarios.test_every_scenario import FILES, short

SCENARIOS = {path.stem: path for path in FILES}


def ran(name: str, variant: str = "") -> Ran:
    return short(SCENARIOS[name], variant)


def of_queue(run: Ran, queue: str, first: str, last: str) -> np.ndarray:
    """Times between two instants of the copies in a queue [s]."""
    copies = run["copies"]
    here = copies["queue"] == run.things[f"queues.{queue}"]
    assert (copies[last][here] != NONE).all()
    spans: np.ndarray = (copies[last] - copies[first])[here] / SECOND
    return spans


def test_what_s3_says_twice_is_made_twice_in_every_queue_whatever_the_consumers_do():
    for variant in ("", "more_room"):
        run = ran("s3_uploads", variant)
        twice = int((run["messages"]["tries"] == 2).sum())
        n = len(run["messages"]["tries"])
        assert abs(twice - 0.01 * n) < 4 * np.sqrt(0.01 * n)
        copies = run["copies"]
        for queue in ("thumbnails", "index"):
            here = copies["queue"] == run.things[f"queues.{queue}"]
            again = here & (copies["parent"] != NONE)
            assert again.sum() == twice
            assert (copies["succeeded_at"][again] != NONE).all()
        causes = run["deliveries"]["cause"]
        assert (causes == Cause.SENDER_RETRY).sum() == 2 * twice


def test_room_for_the_burst_leaves_the_delay_of_s3():
    base, room = ran("s3_uploads"), ran("s3_uploads", "more_room")
    delay = (room["messages"]["accepted_at"] - room["messages"]["offered_at"]) / SECOND
    told = np.array_equal(base["messages"]["accepted_at"], room["messages"]["accepted_at"])
    assert told  # S3 is as late in both
    late, later = (
        np.quantile(of_queue(run, "thumbnails", "offered_at", "succeeded_at"), 0.5) for run in (room, base)
    )
    assert late < np.median(delay) + 3
    assert later > 2 * late


def test_a_bucket_without_a_filter_has_thumbnails_made_of_what_nobody_sees():
    base, every = ran("s3_uploads"), ran("s3_uploads", "no_filter")
    ratio = len(every["messages"]["serial"]) / len(base["messages"]["serial"])
    assert ratio == pytest.approx(1 / 0.8, rel=0.03)
    assert np.isin(base["messages"]["serial"], every["messages"]["serial"]).all()


def test_videos_wait_for_slots_and_not_for_who_publishes_them():
    """40 jobs a minute for 20 min meet slots for 20 x 60 s / 62.8 s = 19.1 a minute.

    In the end 418 wait, the last of them for 418 / 19.1 = 22 min.
    """
    base, jobs, publishers = (ran("transcoding", variant) for variant in ("", "more_jobs", "more_publishers"))
    done = {run: of_queue(run, "finished", "offered_at", "succeeded_at") for run in (base, jobs, publishers)}
    late = {run: float(np.quantile(times, 0.99)) for run, times in done.items()}
    assert late[base] == pytest.approx(22 * MINUTE / SECOND, rel=0.25)
    assert late[jobs] < 7 * MINUTE / SECOND
    assert late[publishers] == pytest.approx(late[base], rel=0.01)
    assert np.quantile(of_queue(base, "finished", "sent_at", "first_started_at"), 0.99) < 1


def test_errors_and_only_errors_reach_who_asked_for_them():
    run = ran("transcoding")
    messages, copies = run["messages"], run["copies"]
    here = copies["queue"] == run.things["queues.failed"]
    errors = messages["message"][messages["attributes"] == 1]
    assert len(errors) > 10
    assert np.array_equal(np.sort(copies["message"][here]), np.sort(errors))
