"""Cases of whole runs of an event source mapping: queue, mapping, function, dead-letter queue."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np

from simulator.aws.lambda_.event_source_mapping import item_failures
from simulator.aws.sqs.fifo import FifoQueue
from simulator.engine.simulate import Simulation
from simulator.processes.clock import CHANGES, SAMPLES, SENDS, Clock
from simulator.processes.mappings import Mapping
from simulator.processes.queues import Dispatcher
from simulator.recording.tables import Attempt, Fate
from simulator.scenario.rules import dated
from tests.conformance.lab import SECOND, Rows, scenario, time
from tests.conformance.running import Case

_LONGEST_S = 15 * 86400
_QUEUE_KEYS = ("visibility_timeout", "delay", "retention")
_REAL = ("esm.start_concurrency", "esm.growth_per_minute", "esm.max_concurrency_cap", "esm.idle_concurrency")
"""Not ideal: that a mapping starts with five batches is one of the rules looked at."""


def run(case: Case) -> list[str]:
    """Failures of one case; with a list of batch sizes it is run once with each."""
    sizes = case["mapping"].get("batch_size", 10)
    if not isinstance(sizes, list):
        return _differences(case["expect"], _observe(case, sizes))
    return [
        f"batch_size {size}: {failure}"
        for size in sizes
        for failure in _differences(case["expect"], _observe(case, size))
    ]


# -- the function -------------------------------------------------------------------------------------


class Script:
    """The function of a case, in the place of ``Work``: how long an invocation takes and what it answers."""

    def __init__(self, function: dict[str, Any], bodies: list[str], *, reports: bool) -> None:
        self.calls: list[tuple[list[int], list[int], bool]] = []
        self._function = function
        self._bodies = bodies
        self._reports = reports

    def of(self, copies: list[int], again: dict[int, int]) -> tuple[list[int], list[int]]:
        """Work of each message, and the places of those that fail."""
        bodies = [self._bodies[copy] for copy in copies]
        counts = [again.get(copy, 1) for copy in copies]
        failed = self._reported(bodies, counts)
        raises = self._raises(counts) or (bool(failed) and not self._reports)
        self.calls.append((copies, counts, raises))
        return [0] * len(copies), list(range(len(copies))) if raises else failed

    def per_invocation_us(self, copies: list[int], again: dict[int, int]) -> int:
        """How long the invocation takes [us]."""
        return round(float(self._function.get("duration", 0)) * SECOND)

    def _raises(self, counts: list[int]) -> bool:
        fails_up_to = self._function.get("fails_while_receive_count_at_most", 0)
        return self._function.get("always") == "error" or min(counts) <= fails_up_to

    def _reported(self, bodies: list[str], counts: list[int]) -> list[int]:
        if "always_returns" in self._function:
            if not self._reports:
                return []
            ids = [f"id-{place}" for place in range(len(bodies))]
            returned = item_failures(json.dumps(self._function["always_returns"]), ids)
            return [place for place, name in enumerate(ids) if name in returned]
        fails = self._function.get("per_message_fail_attempts", {})
        return [place for place, body in enumerate(bodies) if counts[place] <= fails.get(body, 0)]


# -- a run --------------------------------------------------------------------------------------------


class Observed:
    """What a run did: invocations in the order of their starts, and what is left."""

    def __init__(self, rows: Rows, bodies: list[str], calls: list[tuple[list[int], list[int], bool]]) -> None:
        deliveries = rows.table("deliveries")
        names = ("copy", "receive_count", "started_at", "ended_at", "attempt")
        told = {
            (copy, count): (start, end, how)
            for copy, count, start, end, how in zip(
                *(deliveries[name].tolist() for name in names), strict=True
            )
        }
        self.invocations: list[dict[str, Any]] = []
        for copies, counts, raised in calls:
            fates = [told[key] for key in zip(copies, counts, strict=True)]
            crashed = any(how == Attempt.CRASHED for _, _, how in fates)
            self.invocations.append(
                {
                    "records": [bodies[copy] for copy in copies],
                    "receive_counts": counts,
                    "result": "error" if raised or crashed else "ok",
                    "failures": [
                        bodies[copy]
                        for copy, (_, _, how) in zip(copies, fates, strict=True)
                        if how != Attempt.SUCCEEDED
                    ],
                    "start": fates[0][0],
                    "end": fates[0][1],
                }
            )
        self.bodies = bodies
        self.groups: dict[str, list[str]] = {}
        self.moved_at: list[int] = []
        self.dlq: list[str] = []
        self.left = 0
        self.quiet = True

    @property
    def records(self) -> list[str]:
        """Bodies of all records, by start."""
        return [body for invocation in self.invocations for body in invocation["records"]]

    @property
    def deliveries(self) -> dict[str, int]:
        """How often each body was delivered."""
        return dict.fromkeys(self.bodies, 0) | Counter(self.records)


def _observe(case: Case, batch_size: int) -> Observed:
    mapping, function = case["mapping"], case["function"]
    messages = list(_messages(case))
    bodies: list[str] = []
    reports = mapping.get("report_batch_item_failures", False)
    script = Script(function, bodies, reports=reports)
    rows = Rows(("deliveries", "copies"))
    with (
        patch("simulator.engine.parts.Work", lambda *_: script),
        patch.object(Mapping, "start", lambda _: None),
    ):
        simulation = Simulation(_scenario(case, batch_size), seed=1, replication=0, sink=rows)
    clock, dispatcher = simulation.clock, simulation.messaging.dispatchers["q"]
    (polling,) = simulation.consumers.mappings
    polling._fifo = False  # what comes back after a failure is what this case's function answers
    enabled_at = round(case.get("mapping_enabled_at", 0) * SECOND)
    clock.at(enabled_at, CHANGES, lambda _: Mapping.start(polling))
    sender = Sender(simulation, dispatcher, bodies)
    for message in messages:
        clock.at(round(message["t"] * SECOND), SENDS, sender.send, message)
    while busy(clock) and clock.next_at() < _LONGEST_S * SECOND:
        clock.step()
    queues = {name: each.queue for name, each in simulation.messaging.dispatchers.items()}
    now, queue = clock.now, dispatcher.queue
    left = queue.visible(now) + queue.delayed(now) + queue.in_flight(now)
    dlq = [bodies[copy] for copy, _ in queues["d"].contents(now)] if "d" in queues else []
    for each in simulation.messaging.dispatchers.values():
        each.finish_run()
    simulation.recorder.flush()
    observed = Observed(rows, bodies, script.calls)
    copies = rows.table("copies")
    observed.moved_at = copies["ended_at"][copies["fate"] == Fate.DEAD_LETTERED].tolist()
    observed.left, observed.dlq, observed.groups = left, sorted(dlq), sender.sent
    observed.quiet = not busy(clock)
    return observed


def busy(clock: Clock) -> bool:
    """Whether anything is still to happen but the sampling of metrics, which never ends."""
    return any(rank < SAMPLES for _, rank, _, _, _ in clock._agenda)


class Sender:
    """Sends a case's messages, with groups and deduplication ids as the case says."""

    def __init__(self, simulation: Simulation, dispatcher: Dispatcher, bodies: list[str]) -> None:
        self._ledger = simulation.ledger
        self._clock = simulation.clock
        self._dispatcher = dispatcher
        self._bodies = bodies
        self.sent: dict[str, list[str]] = {}
        self._groups: dict[str, int] = {}

    def send(self, message: dict[str, Any]) -> None:
        """One message, now; its body is remembered by its copy's number."""
        now = self._clock.now
        group = self._groups.setdefault(message.get("group", ""), len(self._groups))
        offered_at, groups, attributes = (np.array([value]) for value in (now, group, 0))
        serial, poison = self._ledger.messages, np.zeros(1, dtype=bool)
        block = self._ledger.add_messages("p", serial, offered_at, groups, attributes, poison)
        dispatcher = self._dispatcher
        if isinstance(dispatcher.queue, FifoQueue):
            copy = self._ledger.copies
            identity = message.get("dedup", message["body"])
            if dispatcher.queue.send_message(now, copy, group, identity) != copy:
                return
            self._ledger.add_copy(block.first, now)
            dispatcher.arrived += 1
            dispatcher.stir()
        else:
            dispatcher.send(np.array([block.first]), np.array([now]))
        self._bodies.append(message["body"])
        self.sent.setdefault(message.get("group", ""), []).append(message["body"])


def _messages(case: Case) -> Iterator[dict[str, Any]]:
    number = 0
    for message in case["messages"]:
        for _ in range(message.get("count", 1)):
            yield {"body": f"body-{number}", **message}
            number += 1


def _scenario(case: Case, batch_size: int) -> Any:
    mapping, function, queue = case["mapping"], case["function"], case["queue"]
    source = {
        "batch_size": batch_size,
        "maximum_batching_window": time(mapping.get("window", 0)),
        "report_batch_item_failures": mapping.get("report_batch_item_failures", False),
    }
    if "max_concurrency" in mapping:
        source["maximum_concurrency"] = mapping["max_concurrency"]
    settings = {"type": queue["type"], **{key: time(queue[key]) for key in _QUEUE_KEYS if key in queue}}
    queues = {"q": settings}
    if "dlq" in queue:
        queues["d"] = {"type": queue["type"]}
        settings["redrive"] = {"queue": "d", "max_receive_count": queue["dlq"]["max_receive_count"]}
    about = {
        "runtime": "python3.13",
        "timeout": time(function["timeout"]),
        "work": "0s",
        "event_sources": {"q": source},
    }
    if "reserved_concurrency" in function:
        about["reserved_concurrency"] = function["reserved_concurrency"]
    limits = {name: dated().rule(name).text for name in _REAL}
    nobody = {"target": "q", "arrivals": {"rate": "0/s"}, "message": {"group": {"count": 1}}}
    return scenario(1, limits=limits, producers={"nobody": nobody}, queues=queues, functions={"f": about})


# -- what is expected ---------------------------------------------------------------------------------


def _differences(expect: dict[str, Any], observed: Observed) -> list[str]:
    """Everything that is not as expected."""
    failures = []
    for key, wanted in expect.items():
        if key == "invocations":
            failures += _invocations(wanted, observed)
            continue
        got = _OBSERVATIONS[key](observed)
        if key == "deliveries":
            got = {body: got.get(body, 0) for body in wanted}
        if key == "dlq":
            wanted = sorted(wanted)
        if not (got >= wanted - 1e-6 if key in _AT_LEAST else got == wanted):
            failures.append(f"{key}: wanted {wanted}, got {got}")
    return failures


def _invocations(wanted: list[dict[str, Any]], observed: Observed) -> list[str]:
    failures = []
    if len(wanted) != len(observed.invocations):
        failures.append(f"invocations: wanted {len(wanted)}, got {len(observed.invocations)}")
    for number, (want, got) in enumerate(zip(wanted, observed.invocations, strict=False)):
        for key, value in want.items():
            mine = sorted(got[key]) if key == "failures" else got[key]
            if mine != (sorted(value) if key == "failures" else value):
                failures.append(f"invocation {number} {key}: wanted {value}, got {got[key]}")
    return failures


def _min_gap(observed: Observed) -> float:
    """Between the starts of successive invocations that have a record in common."""
    last: dict[str, int] = {}
    gaps = [float("inf")]
    for invocation in observed.invocations:
        for body in invocation["records"]:
            if body in last:
                gaps.append((invocation["start"] - last[body]) / SECOND)
            last[body] = invocation["start"]
    return min(gaps)


def _max_parallel(observed: Observed) -> int:
    """Ends go before starts at one instant; an invocation of no duration is there at its instant."""
    changes = []
    for invocation in observed.invocations:
        start, end = invocation["start"], invocation["end"]
        changes += [(start, 1, 1), (end, 2 if end == start else 0, -1)]
    running = most = 0
    for _, _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def _group_order(observed: Observed) -> bool:
    """Within each group, messages were first seen in the order they were sent."""
    first = {body: place for place, body in reversed(list(enumerate(observed.records)))}
    return all(
        first[one] < first[other]
        for bodies in observed.groups.values()
        for one, other in pairwise(body for body in bodies if body in first)
    )


def _deliveries_each(observed: Observed) -> int | dict[str, int]:
    counts = set(observed.deliveries.values())
    return counts.pop() if len(counts) == 1 else observed.deliveries


def _total_time(observed: Observed) -> float:
    starts = [invocation["start"] for invocation in observed.invocations]
    ends = [invocation["end"] for invocation in observed.invocations]
    return float((max(ends) - min(starts)) / SECOND)


def _dlq_empty_before_second(observed: Observed) -> bool:
    second = observed.invocations[1]["start"]
    return all(at >= second for at in observed.moved_at)


_AT_LEAST = ("min_gap", "no_more_invocations_for", "total_time_at_least")

_OBSERVATIONS: dict[str, Callable[[Observed], Any]] = {
    "invocation_count": lambda o: len(o.invocations),
    "min_gap": _min_gap,
    "no_more_invocations_for": lambda o: float("inf") if o.quiet else 0.0,
    "deliveries": lambda o: o.deliveries,
    "deliveries_each": _deliveries_each,
    "total_records": lambda o: len(o.records),
    "max_records_per_invocation": lambda o: max(len(i["records"]) for i in o.invocations),
    "each_exactly_once": lambda o: set(o.deliveries.values()) == {1},
    "max_parallel": _max_parallel,
    "order": lambda o: o.records,
    "group_order": _group_order,
    "total_time_at_least": _total_time,
    "dlq": lambda o: o.dlq,
    "dlq_empty_before_second": _dlq_empty_before_second,
    "queue_empty": lambda o: o.left == 0,
}
