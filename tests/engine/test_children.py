"""What consumers send on: whose child, how many, with what, and when they send once more."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from simulator.engine.simulate import Simulation
from simulator.engine.things import things_of
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Outcome
from simulator.scenario.schema import Scenario
from tests.engine.running import Kept, Rows, read, run

FUNCTION = (
    "{runtime: python3.13, timeout: 5s, work: 100ms, event_sources: {a: {batch_size: 5}}, sends: SENDS}"
)
GROUP = "{queue: a, instance_type: ideal, workers_per_instance: 20, capacity: {min: 1, max: 1}, work: 100ms, MORE sends: SENDS}"  # noqa: E501
TWO = "{next: {to: b, count: {1: 25%, 3: rest}, size: {lognormal: {median: 1KiB, p99: 9KiB}}}}"


def pipeline(
    tmp_path: Path, consumer: str, sends: str = TWO, more: str = "", b: str = "{}", **keys: str
) -> Scenario:
    """A queue `a` that *consumer* works, and a queue `b` that a group works."""
    section = "functions" if "runtime" in consumer else "auto_scaling_groups"
    first = consumer.replace("SENDS", sends).replace("MORE", more)
    sink = "sink: {queue: b, instance_type: ideal, workers_per_instance: 50, capacity: {min: 1, max: 1}, work: {exponential: {mean: 50ms}}}"  # noqa: E501
    text = {
        "arrivals": "{rate: 20/s}",
        "a": "{visibility_timeout: 30s}",
        "extra": "",
        "message": "{group: {count: 7}, attributes: {kind: {x: 30%, y: rest}}}",
    } | keys
    functions, groups = ("", "") if section == "functions" else ("", f"  first: {first}\n")
    if section == "functions":
        functions = f"functions:\n  first: {first}\n"
    return read(
        tmp_path,
        f"""\
scenario: hops
duration: 20s
ideal: true
producers:
  p: {{target: a, arrivals: {text["arrivals"]}, message: {text["message"]}}}
queues:
  a: {text["a"]}
  b: {b}
{text["extra"]}
{functions}auto_scaling_groups:
{groups}  {sink}
""",
    )


def of(rows: Rows, scenario: Scenario, table: str, column: str, path: str) -> dict[str, np.ndarray]:
    """Rows of a table whose *column* is the thing at *path*."""
    chosen = rows[table][column] == things_of(scenario).index(path)
    return {name: values[chosen] for name, values in rows[table].items()}


def children_each(rows: Rows, scenario: Scenario) -> Counter[int]:
    """How many copies in `b` each copy was parent of."""
    return Counter(of(rows, scenario, "copies", "queue", "queues.b")["parent"].tolist())


def successes(rows: Rows, scenario: Scenario, queue: str = "queues.a") -> Counter[int]:
    """How often each copy of a queue was worked."""
    done = of(rows, scenario, "deliveries", "queue", queue)
    return Counter(done["copy"][done["attempt"] == Attempt.SUCCEEDED].tolist())


# -- who is whose child ------------------------------------------------------------------------------


@pytest.mark.parametrize("consumer", [FUNCTION, GROUP])
def test_each_worked_message_has_as_many_children_as_the_shares_say(tmp_path, consumer):
    scenario = pipeline(tmp_path, consumer)
    rows = run(scenario)
    each = children_each(rows, scenario)
    worked = successes(rows, scenario)
    assert set(each) == set(worked)
    assert set(each.values()) == {1, 3}
    share = np.mean([number == 1 for number in each.values()])
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(each))
    assert len(each) > 300


@pytest.mark.parametrize("consumer", [FUNCTION, GROUP])
def test_a_child_has_a_row_of_its_own_and_what_it_inherits(tmp_path, consumer):
    scenario = pipeline(tmp_path, consumer)
    rows = run(scenario)
    path = "functions.first" if consumer is FUNCTION else "auto_scaling_groups.first"
    said = of(rows, scenario, "messages", "producer", path)
    assert (said["outcome"] == Outcome.ACCEPTED).all()
    assert (said["copies"] == 1).all()
    assert said["serial"].tolist() == list(range(len(said["serial"])))
    here = of(rows, scenario, "copies", "queue", "queues.b")
    group_of = dict(zip(rows["copies"]["copy"].tolist(), rows["copies"]["group"].tolist(), strict=True))
    assert here["group"].tolist() == [group_of[parent] for parent in here["parent"].tolist()]
    assert sorted(here["message"].tolist()) == sorted(said["message"].tolist())
    ends = dict(zip(rows["copies"]["copy"].tolist(), rows["copies"]["ended_at"].tolist(), strict=True))
    assert here["sent_at"].tolist() == [ends[parent] for parent in here["parent"].tolist()]
    assert here["offered_at"].tolist() == here["sent_at"].tolist()


def by_parent(rows: Rows, scenario: Scenario) -> dict[tuple[int, int], list[tuple[int, ...]]]:
    """Children by the serial of their parent: size, group, attributes, work."""
    messages, copies, deliveries = rows["messages"], rows["copies"], rows["deliveries"]
    fact = {
        message: facts
        for message, *facts in zip(
            *(messages[name].tolist() for name in ("message", "size_bytes", "group", "attributes", "serial")),
            strict=True,
        )
    }
    message_of = dict(zip(copies["copy"].tolist(), copies["message"].tolist(), strict=True))
    worked = dict(
        zip(
            deliveries["copy"].tolist(),
            (deliveries["ended_at"] - deliveries["started_at"]).tolist(),
            strict=True,
        )
    )
    found: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    here = of(rows, scenario, "copies", "queue", "queues.b")
    for copy, message, parent in zip(
        *(here[name].tolist() for name in ("copy", "message", "parent")), strict=True
    ):
        serial = fact[message_of[parent]][3]
        found.setdefault((serial, 0), []).append((*fact[message][:3], worked[copy]))
    return {key: sorted(values) for key, values in found.items()}


def test_stage_two_meets_the_same_messages_whatever_works_stage_one(tmp_path):
    function = pipeline(tmp_path, FUNCTION)
    group = pipeline(tmp_path, GROUP, more="receive: {max_messages: 10, delete: batch},")
    one, other = by_parent(run(function), function), by_parent(run(group), group)
    assert one == other
    assert len(one) > 300


def test_another_seed_is_other_children(tmp_path):
    scenario = pipeline(tmp_path, FUNCTION)
    assert by_parent(run(scenario), scenario) != by_parent(run(scenario, seed=2), scenario)


@pytest.mark.parametrize("consumer", [FUNCTION, GROUP])
def test_order_of_equals_and_of_chunks_changes_no_parent(tmp_path, consumer):
    scenario = pipeline(tmp_path, consumer)
    plain = by_parent(run(scenario), scenario)
    assert by_parent(run(scenario, reverse_ties=True), scenario) == plain
    assert by_parent(run(scenario, chunk_rows=7), scenario) == plain


# -- worked twice, failed, killed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "consumer",
    [FUNCTION.replace("work: 100ms", "work: {lognormal: {median: 200ms, p99: 4s}}"),
     GROUP.replace("work: 100ms", "work: {lognormal: {median: 200ms, p99: 4s}}")],
    ids=["function", "group"],
)  # fmt: skip
def test_a_parent_worked_twice_sends_twice_and_other_children(tmp_path, consumer):
    slow = consumer.replace("timeout: 5s", "timeout: 1s") if "runtime" in consumer else consumer
    scenario = pipeline(tmp_path, slow, sends=TWO.replace("count: {1: 25%, 3: rest}", "count: 2"),
                        a="{visibility_timeout: 1s}")  # fmt: skip
    rows = run(scenario)
    worked = successes(rows, scenario)
    each = children_each(rows, scenario)
    assert each == Counter({copy: 2 * times for copy, times in worked.items()})
    if "runtime" not in consumer:  # a function that ends in time deletes in time here
        again = [copy for copy, times in worked.items() if times > 1]
        assert len(again) > 10
        here = of(rows, scenario, "copies", "queue", "queues.b")
        size = dict(
            zip(rows["messages"]["message"].tolist(), rows["messages"]["size_bytes"].tolist(), strict=True)
        )
        for copy in again[:10]:
            sizes = [size[message] for message in here["message"][here["parent"] == copy].tolist()]
            assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("partial", ["true", "false"])
def test_a_batch_sends_for_what_it_has_worked_and_a_failed_one_for_nothing(tmp_path, partial):
    function = FUNCTION.replace("work: 100ms", "work: 100ms, failures: {transient: 10%}")
    function = function.replace("batch_size: 5", f"batch_size: 5, report_batch_item_failures: {partial}")
    scenario = pipeline(tmp_path, function, sends="{next: {to: b}}", a="{visibility_timeout: 5s}",
                        arrivals="{rate: 60/s}")  # fmt: skip
    rows = run(scenario)
    assert children_each(rows, scenario) == successes(rows, scenario)
    deliveries = of(rows, scenario, "deliveries", "queue", "queues.a")
    assert (deliveries["attempt"] == Attempt.FAILED).sum() > 50


@pytest.mark.parametrize(
    "more",
    [
        "receive: {max_messages: 5, delete: batch},",
        "loop: barrier,",
        "loop: {permits: 8},",
        "loop: {prefetch: 2},",
        "on_failure: release,",
        "receive: {max_messages: 5, delete: batch}, on_failure: release,",
        "receive: {lost_answers: 5%},",
        "calls: {db: 1},",
        "calls: {db: 1}, receive: {max_messages: 5, delete: batch},",
    ],
)
def test_every_loop_sends_once_a_success(tmp_path, more):
    group = GROUP.replace("work: 100ms", "work: 100ms, failures: {transient: 10%}")
    scenario = pipeline(tmp_path, group, sends="{next: {to: b}}", more=more, a="{visibility_timeout: 5s}",
                        extra="downstreams: {db: {latency: 5ms}}")  # fmt: skip
    rows = run(scenario)
    worked = successes(rows, scenario)
    assert children_each(rows, scenario) == worked
    assert len(worked) > 150


@pytest.mark.parametrize("more", ["", "loop: barrier,", "calls: {db: 1},"])
def test_what_is_killed_has_sent_for_what_it_had_worked_by_then(tmp_path, more):
    group = GROUP.replace("work: 100ms", "work: 500ms").replace(
        "capacity: {min: 1, max: 1}", "capacity: {min: 2, max: 2}, boot: 1s"
    )
    extra = (
        "downstreams: {db: {latency: 5ms}}\nfaults: {boom: {at: 5s, auto_scaling_group: first, crash: 50%}}"
    )
    scenario = pipeline(tmp_path, group, sends="{next: {to: b}}", more=more, extra=extra,
                        a="{visibility_timeout: 5s}")  # fmt: skip
    rows = run(scenario)
    deliveries = of(rows, scenario, "deliveries", "queue", "queues.a")
    assert (deliveries["attempt"] == Attempt.CRASHED).any()
    assert children_each(rows, scenario) == successes(rows, scenario)


def test_a_worker_that_releases_gives_its_message_back_at_once(tmp_path):
    group = GROUP.replace("work: 100ms", "work: 100ms, failures: {transient: 30%}")
    scenario = pipeline(
        tmp_path, group, sends="{next: {to: b}}", more="on_failure: release,", a="{visibility_timeout: 12h}"
    )
    rows = run(scenario)
    deliveries = of(rows, scenario, "deliveries", "queue", "queues.a")
    failed = deliveries["attempt"] == Attempt.FAILED
    assert failed.sum() > 80
    assert (deliveries["left_at"] == deliveries["ended_at"])[failed].all()
    again = deliveries["receive_count"] > 1
    assert again.sum() == failed.sum()
    assert (deliveries["cause"][again] == Cause.FAILURE).all()
    copies = of(rows, scenario, "copies", "queue", "queues.a")
    assert (copies["fate"] == Fate.DELETED).all()
    assert (copies["ended_at"] - copies["sent_at"]).max() < 3_000_000


# -- where children go -----------------------------------------------------------------------------------


def test_a_fifo_queue_gets_children_of_a_group_in_the_order_of_their_parents(tmp_path):
    group = GROUP.replace("workers_per_instance: 20", "workers_per_instance: 1")
    scenario = pipeline(tmp_path, group, sends="{next: {to: b}}", a="{type: fifo}", b="{type: fifo}",
                        arrivals="{rate: 5/s}")  # fmt: skip
    rows = run(scenario)
    here = of(rows, scenario, "copies", "queue", "queues.b")
    assert len(here["copy"]) > 60
    order = np.argsort(here["sent_at"], kind="stable")
    for group_number in set(here["group"].tolist()):
        mine = here["parent"][order][here["group"][order] == group_number]
        assert (np.diff(mine) > 0).all()


def test_calls_to_a_fifo_queue_wait_for_their_tokens(tmp_path):
    scenario = pipeline(
        tmp_path, GROUP, sends="{next: {to: b, count: 30}}", b="{type: fifo}", arrivals="{rate: 10/s}",
        extra="limits: {sqs.fifo.tps: 20/s, sqs.fifo.burst: 1s}",
    )  # fmt: skip
    rows = run(scenario)
    here = of(rows, scenario, "copies", "queue", "queues.b")
    said = of(rows, scenario, "messages", "producer", "auto_scaling_groups.first")
    delay = here["sent_at"] - here["offered_at"]
    assert delay.max() > 1_000_000  # 300 messages a second, in calls of ten: 30 calls, of which 20 go
    assert (said["outcome"] == Outcome.ACCEPTED).sum() == len(here["copy"])


def test_a_topic_filters_children_by_what_they_inherit(tmp_path):
    extra = """
  c: {}
topics:
  t: {subscriptions: {all: {queue: b}, some: {queue: c, filter_policy: {kind: [x]}}}}"""
    scenario = pipeline(tmp_path, FUNCTION, sends="{next: {to: t}}", extra=extra)
    rows = run(scenario)
    said = of(rows, scenario, "messages", "producer", "functions.first")
    everything = of(rows, scenario, "copies", "queue", "queues.b")
    some = of(rows, scenario, "copies", "queue", "queues.c")
    assert len(everything["copy"]) == len(said["message"])
    assert len(some["copy"]) == (said["copies"] == 2).sum()
    share = len(some["copy"]) / len(said["message"])
    assert abs(share - 0.3) < 4 * np.sqrt(0.21 / len(said["message"]))


def test_attributes_of_its_own_decide_the_work_of_a_child(tmp_path):
    sends = "{next: {to: b, attributes: {kind: {x: 50%, y: rest}}}}"
    scenario = pipeline(tmp_path, FUNCTION, sends=sends)
    text = (tmp_path / "scenario.yaml").read_text()
    by = "{by: {attribute: kind, values: {x: 10ms}, rest: 70ms}}"
    scenario = read(tmp_path, text.replace("{exponential: {mean: 50ms}}", by))
    rows = run(scenario)
    deliveries = of(rows, scenario, "deliveries", "queue", "queues.b")
    took = Counter((deliveries["ended_at"] - deliveries["started_at"]).tolist())
    assert set(took) == {10_000, 70_000}
    n = took.total()
    assert abs(took[10_000] / n - 0.5) < 4 * np.sqrt(0.25 / n)


def test_a_function_is_invoked_with_children(tmp_path):
    extra = "functions: {last: {runtime: python3.13, work: 20ms}}"
    scenario = pipeline(tmp_path, GROUP, sends="{next: {to: last}, other: {to: b}}", extra=extra)
    rows = run(scenario)
    line = of(rows, scenario, "copies", "queue", "functions.last.async")
    assert Counter(line["parent"].tolist()) == successes(rows, scenario)
    assert (line["fate"] == Fate.DELETED).all()


def test_a_delay_of_the_queue_holds_for_children_among_other_messages(tmp_path):
    scenario = pipeline(tmp_path, FUNCTION, sends="{next: {to: b}}", b="{delay: 3s}")
    text = (
        (tmp_path / "scenario.yaml")
        .read_text()
        .replace("queues:\n", "  q: {target: b, arrivals: {rate: 1/s}}\nqueues:\n")
    )
    for asked in (scenario, read(tmp_path, text)):
        rows = run(asked)
        here = of(rows, asked, "copies", "queue", "queues.b")
        assert (here["first_received_at"] - here["sent_at"]).min() >= 3_000_000
        assert (here["parent"] != NONE).sum() > 300


# -- loops ---------------------------------------------------------------------------------------------


def loop(tmp_path: Path, function: str = "", queue: str = "", sends: str = "{again: {to: a}}") -> Scenario:
    return read(
        tmp_path,
        f"""\
scenario: loop
duration: 60s
ideal: true
producers:
  p: {{target: a, arrivals: {{rate: 1/s, process: even, for: 10s}}}}
queues:
  a: {{visibility_timeout: 6s {queue}}}
  dead: {{retention: 14d}}
functions:
  f: {{runtime: python3.13, timeout: 1s, work: 10ms, event_sources: {{a: {{batch_size: 1}}}},
       sends: {sends} {function}}}
""".replace(
            "arrivals: {rate: 1/s, process: even, for: 10s}",
            "arrivals: [{for: 10s, rate: 1/s, process: even}, {rate: 0/s}]",
        ),
    )


def test_lambda_stops_a_loop_after_sixteen_turns_and_the_message_is_dead_lettered(tmp_path):
    rows = run(loop(tmp_path, queue=", redrive: {queue: dead, max_receive_count: 3}"))
    copies, deliveries = rows["copies"], rows["deliveries"]
    roots = 10
    assert (deliveries["attempt"] == Attempt.SUCCEEDED).sum() == 16 * roots
    assert (deliveries["attempt"] == Attempt.STOPPED).sum() == 3 * roots
    dead = copies["fate"] == Fate.DEAD_LETTERED
    assert dead.sum() == roots
    assert (copies["cause"][dead] == Cause.LOOP).all()
    assert (deliveries["cause"][deliveries["receive_count"] > 1] == Cause.LOOP).all()


def test_an_asynchronous_loop_ends_in_the_dead_letter_queue_or_nowhere(tmp_path):
    for asynchronous, fate in (
        ("asynchronous: {dead_letter: {queue: dead}}", Fate.DEAD_LETTERED),
        ("", Fate.DROPPED),
    ):
        function = f", {asynchronous}" if asynchronous else ""
        scenario = loop(tmp_path, function=function, sends="{self: {to: f}}")
        rows = run(scenario)
        line = of(rows, scenario, "copies", "queue", "functions.f.async")
        assert (line["fate"] == Fate.DELETED).sum() == 15 * 10  # the first of 16 turns came by the queue
        assert (line["fate"] == fate).sum() == 10
        assert (line["cause"][line["fate"] == fate] == Cause.LOOP).all()


def test_a_loop_that_is_allowed_goes_on(tmp_path):
    rows = run(loop(tmp_path, function=", recursive_loop: allow", queue=", delay: 1s"))
    deliveries = rows["deliveries"]
    assert (deliveries["attempt"] != Attempt.STOPPED).all()
    assert (deliveries["attempt"] == Attempt.SUCCEEDED).sum() > 16 * 10


def test_workers_in_a_loop_keep_lambda_from_counting(tmp_path):
    scenario = pipeline(
        tmp_path, FUNCTION, sends="{next: {to: b}}", arrivals="[{for: 1s, rate: 5/s}, {rate: 0/s}]"
    )
    text = (tmp_path / "scenario.yaml").read_text()
    back = "work: {exponential: {mean: 50ms}}, sends: {back: {to: a}}}"
    scenario = read(tmp_path, text.replace("work: {exponential: {mean: 50ms}}}", back))
    rows = run(scenario)
    roots = (of(rows, scenario, "copies", "queue", "queues.a")["parent"] == NONE).sum()
    worked = successes(rows, scenario)
    assert (rows["deliveries"]["attempt"] != Attempt.STOPPED).all()
    assert worked.total() > 30 * roots


@pytest.mark.parametrize(("consumer", "most"), [(FUNCTION, 0), (GROUP, 1)])
def test_what_children_cost(tmp_path, consumer, most):
    """A function sends within the event that ends it, a worker in one more a message."""
    entries = {}
    for sends in ("{}", "{next: {to: c}}"):
        scenario = pipeline(tmp_path, consumer, sends=sends, extra="  c: {}")
        simulation = Simulation(scenario, seed=1, replication=0, sink=Kept())
        simulation.run()
        entries[sends] = simulation.clock.entries
    messages = simulation.messaging.dispatchers["a"].deleted
    assert entries["{next: {to: c}}"] - entries["{}"] <= most * messages
    assert messages > 300
