"""Step Functions against arithmetic: tokens, start rates, makespans, retries, limits, long waits."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import Attempt, Cause, Fate
from simulator.scenario import ScenarioError
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
ONE = """
scenario: one
ideal: true
queues: {}
duration: 10m
producers: {p: {target: w, arrivals: {interarrival: 5m1s}}}
"""
"""One execution, at 5 min 1 s; ideal: no latencies, no quotas but those that a test sets."""
MANY = ONE.replace("{interarrival: 5m1s}", "{rate: 1000/s, process: even}").replace("10m", "10s")


def numbers(run: Ran, path: str = "workflows.w") -> dict[str, float]:
    found = Measures(run.frame, [run.partial]).estimates
    start = f"{path} "
    return {key.removeprefix(start): one.mean for key, one in found.items() if key.startswith(start)}


def lasted_s(run: Ran) -> list[float]:
    """How long the executions of ``w`` ran, in the order they ended."""
    rows = run["deliveries"]
    mine = rows["queue"] == run.things["workflows.w"]
    found: list[float] = ((rows["ended_at"][mine] - rows["started_at"][mine]) / SECOND).tolist()
    return found


def fates(run: Ran) -> list[tuple[Fate, Cause]]:
    copies = run["copies"]
    mine = copies["queue"] == run.things["workflows.w"]
    return [(Fate(f), Cause(c)) for f, c in zip(copies["fate"][mine], copies["cause"][mine], strict=True)]


# -- transitions -------------------------------------------------------------------------------------


def test_8000_transitions_at_once_happen_5000_now_and_5000_a_second_then(tmp_path: Path):
    """The bucket holds 5,000 and is refilled at 5,000/s: of 8,000 iterations the last begins 0.6 s later."""
    text = ONE + """
limits:
  sfn.transition_bucket.large: 5000
  sfn.transition_refill.large: 5000/s
  sfn.map.inline_concurrency: 10000
workflows:
  w:
    states: {all: {map: {branch: b, items: 8000}}}
    branches: {b: {states: {nothing: {do_nothing: true}}}}
"""  # fmt: skip
    run = Ran(written(tmp_path, text))
    found = numbers(run)
    assert found["transitions.count"] == 8001
    assert found["throttled_transitions.count"] == 8001 - 5000
    assert lasted_s(run) == pytest.approx([3001 / 5000], abs=1e-6)


def test_beyond_the_refill_transitions_back_up_and_none_fails(tmp_path: Path):
    """1,000 starts/s of 3 states ask for 3,000/s; at 2,000/s and a bucket of 100, 10 s of it take 14.95 s."""
    limits = "limits: {sfn.transition_bucket.large: 100, sfn.transition_refill.large: 2000/s}"
    states = "workflows: {w: {states: {a: {do_nothing: true}, b: {do_nothing: true}, c: {do_nothing: true}}}}"
    run = Ran(written(tmp_path, MANY + limits + "\n" + states))
    assert_rows_add_up(run)
    assert set(fates(run)) == {(Fate.DELETED, Cause.NOTHING)}
    executions = len(fates(run))
    last_s = run["deliveries"]["ended_at"].max() / SECOND
    assert last_s == pytest.approx((3 * executions - 100) / 2000, abs=0.01)
    assert numbers(run)["limit{limit=transitions}.share"] > 0.9


def test_express_has_no_quota_of_transitions(tmp_path: Path):
    limits = "limits: {sfn.transition_bucket.large: 100, sfn.transition_refill.large: 2000/s}"
    states = "workflows: {w: {kind: express, states: {a: {do_nothing: true}, b: {do_nothing: true}}}}"
    run = Ran(written(tmp_path, MANY + limits + "\n" + states))
    assert numbers(run)["throttled_transitions.count"] == 0
    assert set(lasted_s(run)) == {0.0}


def test_starts_beyond_the_bucket_are_refused_and_tried_again_by_the_client(tmp_path: Path):
    """Bucket 1,300 and 300/s: of 1,000/s in 10 s at most 1,300 + 3,000 (and what retries find) are taken."""
    limits = "limits: {sfn.start_bucket.large: 1300, sfn.start_refill.large: 300/s}"
    run = Ran(written(tmp_path, MANY + limits + "\nworkflows: {w: {states: {a: {do_nothing: true}}}}"))
    assert_rows_add_up(run)
    taken, last_s = len(fates(run)), run["copies"]["sent_at"].max() / SECOND
    assert 1300 + 3000 - 1 <= taken <= 1300 + 300 * last_s + 1
    tries = run["messages"]["tries"].sum()
    assert numbers(run)["refused_starts.count"] == tries - taken


# -- Map ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("items", "slots"), [(1, 1), (40, 40), (41, 40), (100, 7), (200, 40)])
def test_makespan_of_n_equal_tasks_on_k_slots_is_the_rounded_up_share(tmp_path: Path, items: int, slots: int):
    text = ONE + f"""
workflows:
  w:
    states: {{all: {{map: {{branch: b, items: {items}, concurrency: {slots}}}}}}}
    branches: {{b: {{states: {{one: {{work: 2s}}}}}}}}
"""
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [2.0 * math.ceil(items / slots)]


def test_inline_map_runs_40_at_once_whatever_is_asked_for(tmp_path: Path):
    text = ONE + """
limits: {sfn.map.inline_concurrency: 40}
workflows:
  w:
    states: {all: {map: {branch: b, items: 80, concurrency: 1000}}}
    branches: {b: {states: {one: {work: 2s}}}}
"""
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [4.0]
    assert numbers(run)["limit{limit=map_concurrency}.share"] > 0


def test_makespan_of_unequal_tasks_is_between_grahams_bounds(tmp_path: Path):
    """List scheduling: at least max(total / k, longest), at most total / k + (1 - 1/k) x longest."""
    text = ONE + """
workflows:
  w:
    states: {all: {map: {branch: b, items: 300, concurrency: 20}}}
    branches: {b: {states: {one: {work: {exponential: {mean: 1s}}}}}}
"""
    run = Ran(written(tmp_path, text))
    makespan, state = lasted_s(run)[0], numbers(run, "workflows.w.states.one")
    total = state["in_state.total"]
    assert state["entries.count"] == 300
    assert total / 20 <= makespan <= total / 20 + 12  # the longest of 300: 99.9 % below 12.6 means
    assert total == pytest.approx(300, abs=5 * math.sqrt(300))


@pytest.mark.parametrize(("children", "seconds"), [("standard", 99.99), ("express", 9.999)])
def test_10000_children_take_100_s_to_start_as_standard_and_10_s_as_express(
    tmp_path: Path, children: str, seconds: float
):
    """Started at 100/s and 1,000/s: child n at (n - 1) / rate; the last one then takes its 1 s."""
    text = ONE.replace("10m", "6m") + f"""
workflows:
  w:
    states: {{all: {{map: {{branch: b, items: 10000, mode: distributed, children: {children}}}}}}}
    branches: {{b: {{states: {{one: {{work: 1s}}}}}}}}
"""
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [pytest.approx(seconds + 1.0, abs=1e-5)]
    assert numbers(run)["map_children.max"] == pytest.approx(1000 if children == "express" else 100, rel=0.01)


def test_batches_share_the_start_rate(tmp_path: Path):
    """10,000 items in batches of 100 are 100 children, started within 0.99 s; tasks of a batch are one."""
    text = ONE + """
workflows:
  w:
    states: {all: {map: {branch: b, items: 10000, mode: distributed, batch_items: 100}}}
    branches: {b: {states: {one: {work: 1s}}}}
"""
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [pytest.approx(1.99, abs=1e-6)]


@pytest.mark.parametrize(("tolerated", "fails"), [("0%", True), ("50%", False)])
def test_a_map_fails_when_more_children_fail_than_tolerated(tmp_path: Path, tolerated: str, fails: bool):
    text = ONE + f"""
workflows:
  w:
    states:
      all: {{map: {{branch: b, items: 100, mode: distributed, tolerated_share: {tolerated}}}}}
    branches: {{b: {{states: {{one: {{work: 1s, failures: {{Bad: 10%}}}}}}}}}}
"""
    run = Ran(written(tmp_path, text))
    failed = (Fate.DROPPED, Cause.EXECUTION_FAILED)
    assert fates(run) == [failed if fails else (Fate.DELETED, Cause.NOTHING)]
    assert numbers(run)["map_children.max"] > 0


# -- retries, time-outs, limits ----------------------------------------------------------------------


def test_retries_wait_1_2_and_4_s_exactly_and_are_three_more_transitions(tmp_path: Path):
    text = ONE + """
workflows: {w: {states: {bad: {work: 100ms, failures: {Bad: 100%}, retry: [{errors: [Bad]}]}}}}
"""
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [0.1 * 4 + 1 + 2 + 4]
    assert numbers(run)["transitions.count"] == 4
    assert numbers(run, "workflows.w.states.bad")["retries.count"] == 3
    assert fates(run) == [(Fate.DROPPED, Cause.EXECUTION_FAILED)]


def test_a_function_called_again_is_another_run_over_the_same_copy(tmp_path: Path):
    text = ONE + """
functions: {f: {runtime: python3.13, timeout: 10s, work: 100ms, failures: {transient: 100%}}}
workflows: {w: {states: {call: {function: f, retry: [{}], catch: {States.ALL: sorry}}, sorry: {work: 1s}}}}
"""
    run = Ran(written(tmp_path, text))
    assert_rows_add_up(run)
    rows = run["deliveries"]
    tries = rows["queue"] == run.things["functions.f.tasks"]
    assert (np.diff(rows["started_at"][tries]) / SECOND).tolist() == [1.1, 2.1, 4.1]
    assert rows["receive_count"][tries].tolist() == [1, 2, 3, 4]
    assert fates(run) == [(Fate.DELETED, Cause.NOTHING)]  # the error was caught


def test_a_task_that_times_out_is_called_anew_while_its_function_works_on(tmp_path: Path):
    text = ONE + """
functions: {f: {runtime: python3.13, timeout: 10s, work: 5s}}
workflows: {w: {states: {call: {function: f, timeout: 2s, retry: [{max_attempts: 1}]}}}}
"""
    run = Ran(written(tmp_path, text))
    assert_rows_add_up(run)
    assert lasted_s(run) == [2 + 1 + 2]
    calls = run["invocations"]["consumer"] == run.things["functions.f.tasks"]
    assert (run["invocations"]["attempt"][calls] == Attempt.SUCCEEDED).sum() == 2  # nobody waits for them
    assert fates(run) == [(Fate.DROPPED, Cause.EXECUTION_FAILED)]


def test_what_is_throttled_by_concurrency_comes_again_by_its_retrier(tmp_path: Path):
    """One slot, two branches of 3 s: the second is refused at 0 s and 1 s, and runs at 3 s."""
    text = ONE + """
functions: {f: {runtime: python3.13, timeout: 10s, work: 3s, reserved_concurrency: 1}}
workflows:
  w:
    states: {both: {parallel: [a, b]}}
    branches:
      a: {states: {one: {function: f, retry: [{}]}}}
      b: {states: {two: {function: f, retry: [{}]}}}
"""
    run = Ran(written(tmp_path, text))
    assert_rows_add_up(run)
    assert lasted_s(run) == [3.0 + 3.0]
    calls = run["invocations"]["consumer"] == run.things["functions.f.tasks"]
    assert (run["invocations"]["attempt"][calls] == Attempt.THROTTLED).sum() == 2


def test_an_execution_fails_when_its_history_has_25000_events(tmp_path: Path):
    """A loop of two states writes 2 events each, and one of its start: the limit comes in turn 6,250."""
    text = ONE + """
limits: {sfn.max_events: 25000}
workflows: {w: {states: {a: {wait: 1s}, b: {choice: {a: 100%}}}}}
"""
    longer = text.replace("10m", "3h").replace("5m1s", "90m1s").replace("queues", "after: drain\nqueues")
    run = Ran(written(tmp_path, longer))
    assert fates(run) == [(Fate.DROPPED, Cause.HISTORY_FULL)]
    assert lasted_s(run)[0] == pytest.approx(25_000 / 4, abs=2)


def test_an_express_execution_ends_after_five_minutes(tmp_path: Path):
    flow = "workflows: {w: {kind: express, states: {a: {wait: 6m}}}}"
    run = Ran(written(tmp_path, ONE.replace("10m", "11m").replace("5m1s", "5m31s") + flow))
    assert fates(run) == [(Fate.DROPPED, Cause.EXECUTION_TIMED_OUT)]
    assert lasted_s(run) == [300.0]


# -- task tokens -------------------------------------------------------------------------------------

APPROVAL = """
scenario: year
ideal: true
queues: {}
duration: 365d
producers: {p: {target: w, arrivals: {rate: 0.0005/s}}}
workflows:
  w:
    states:
      ask: {work: 0s, pattern: callback, answer: {exponential: {mean: 3d}}}
"""


def test_a_year_of_people_who_answer_after_days_is_cheap_and_obeys_littles_law(tmp_path: Path):
    """M/G/inf: open executions are Poisson with mean rate x 3 days; the year costs few steps an execution."""
    began = time.process_time()
    run = Ran(written(tmp_path, APPROVAL))
    took_s = time.process_time() - began
    executions = len(fates(run))
    assert executions == pytest.approx(0.0005 * 365 * 86400, abs=5 * math.sqrt(15768))
    assert run.run.entries < 12 * executions + 9000 + 3000  # and one an hour for the intake
    assert took_s < 20
    expected = 0.0005 * 3 * 86400
    open_ = numbers(run)["executions.mean"]
    assert open_ == pytest.approx(expected, rel=0.1)


def test_a_lost_token_hangs_until_the_heartbeat_tells(tmp_path: Path):
    text = ONE + """
workflows:
  w:
    states:
      ask:
        {work: 0s, pattern: callback, answer: 1s, unanswered: 100%,
        heartbeat: 60s, catch: {States.HeartbeatTimeout: remind}}
      remind: {wait: 2s}
"""  # fmt: skip
    run = Ran(written(tmp_path, text))
    assert lasted_s(run) == [62.0]
    without = Ran(written(tmp_path, text.replace("heartbeat: 60s, ", "")))
    assert fates(without) == [(Fate.IN_FLIGHT, Cause.NOTHING)]


def test_activities_are_worked_in_order_by_so_many_workers(tmp_path: Path):
    """Two workers, five tasks of 3 s: three rounds."""
    text = ONE + """
workflows:
  w:
    task_lists: {people: {workers: 2}}
    states: {all: {map: {branch: b, items: 5}}}
    branches: {b: {states: {one: {activity: people, work: 3s}}}}
"""
    assert lasted_s(Ran(written(tmp_path, text))) == [9.0]


def test_swf_decides_on_every_state(tmp_path: Path):
    """Three activities and a decision of 20 ms before each."""
    text = ONE + """
workflows:
  w:
    kind: swf
    task_lists: {people: {workers: 1}}
    states:
      a: {activity: people, work: 1s}
      b: {activity: people, work: 1s}
      c: {activity: people, work: 1s}
"""
    run = Ran(written(tmp_path, text))
    rows = run["deliveries"]
    assert (rows["ended_at"] - rows["received_at"]).tolist() == [3 * SECOND + 60_000]


def test_a_token_without_a_time_to_come_back_is_refused(tmp_path: Path):
    text = ONE.replace("queues: {}", "queues: {q: {}}") + """
functions: {f: {runtime: python3.13, timeout: 10s, work: 1s, event_sources: {q: {batch_size: 1}}}}
workflows: {w: {states: {ask: {queue: q, pattern: callback}}}}
"""
    with pytest.raises(ScenarioError, match="has no answer: state when its token comes back"):
        written(tmp_path, text)


def test_an_item_whose_data_do_not_fit_fails_the_map_and_not_the_run(tmp_path: Path):
    """The last of 41 items begins only when one of 40 is done: it lacks the field that is asked for."""
    items = ", ".join(["{a: 1}"] * 40 + ["{b: 1}"])
    text = ONE + """
workflows:
  w:
    input: {items: [ITEMS]}
    definition:
      StartAt: M
      States:
        M:
          Type: Map
          ItemsPath: $.items
          ItemSelector: {"x.$": "$$.Map.Item.Value.a"}
          ItemProcessor:
            ProcessorConfig: {Mode: INLINE}
            StartAt: P
            States: {P: {Type: Wait, Seconds: 1, End: true}}
          End: true
""".replace("ITEMS", items)
    run = Ran(written(tmp_path, text))
    assert fates(run) == [(Fate.DROPPED, Cause.EXECUTION_FAILED)]
    assert lasted_s(run) == [1.0]
