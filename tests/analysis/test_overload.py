import numpy as np

from simulator.analysis.answer import Event
from simulator.analysis.measures import Measures
from simulator.analysis.overload import growth_of, overloaded, warning
from simulator.recording.tables import Fate, Limit, Quantity
from tests.analysis.rows import CHARGE, FRAME, ORDERS, S, copies, reduced, table
from tests.analysis.test_sentence import setting

HOUR = 3_600 * S
THIS = "queues.orders"


def run(sent_per_s, done_per_s, slots, busy, seed=0):
    """Even arrivals and completions for an hour; what is not done by then stays."""
    rng = np.random.default_rng(seed)
    offered = np.sort(rng.integers(0, HOUR, 3_600 * sent_per_s))
    done = min(len(offered), 3_600 * done_per_s)
    ended = np.maximum(np.sort(rng.integers(0, HOUR, done)), offered[:done])
    ok = np.arange(len(offered)) < done
    ended_at = np.full(len(offered), HOUR)
    ended_at[:done] = ended
    return {
        "copies": copies(
            offered,
            queue=ORDERS,
            first_started_at=np.where(ok, ended_at, -1),
            succeeded_at=np.where(ok, ended_at, -1),
            ended_at=ended_at,
            fate=np.where(ok, Fate.DELETED, Fate.VISIBLE),
        ),
        "invocations": table("invocations", started_at=[0] * busy, ended_at=HOUR),
        "changes": table(
            "changes",
            thing=CHARGE,
            quantity=[Quantity.CONCURRENCY, Quantity.LIMIT],
            value=[slots, Limit.MAXIMUM_CONCURRENCY],
            from_at=0,
            until_at=HOUR,
        ),
    }


def measured(sent_per_s, done_per_s, slots, busy):
    runs = [run(sent_per_s, done_per_s, slots, busy, seed) for seed in range(3)]
    return Measures(FRAME, [reduced(FRAME, each) for each in runs])


def test_overload_says_what_is_needed_and_what_is_there():
    measures = measured(11, 10, 10, 10)
    growth = growth_of(measures, THIS)
    assert growth is not None
    assert growth.saturated
    assert abs(growth.per_s - 1.0) < 0.2
    assert abs(growth.needed - 11.0) < 0.3
    (found,) = overloaded(measures, setting())
    words = warning(found, setting())
    assert words.startswith("queues.orders is overloaded: needs 1")
    assert "busy slots, has 10; its backlog grows by " in words
    assert words.endswith("(maximum concurrency binds 100% of the time)")


def test_slots_that_idle_while_the_backlog_grows_are_no_lack_of_slots():
    (found,) = overloaded(measured(11, 10, 100, 10), setting())
    assert warning(found, setting()).startswith("queues.orders falls behind with 10 of 100 slots busy")


def test_a_queue_that_keeps_up_is_no_overload():
    measures = measured(10, 10, 10, 10)
    assert growth_of(measures, THIS) is None
    assert growth_of(measures, "queues.mail") is None
    assert overloaded(measures, setting()) == []


def test_a_burst_at_the_end_is_no_overload():
    late = setting(events=[Event("burst", 3_000.0, 3_600.0)])
    assert overloaded(measured(11, 10, 10, 10), late) == []
