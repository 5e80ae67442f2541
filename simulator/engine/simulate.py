"""One run of a scenario: the only door between what is asked and the rows that answer it."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.engine import bills
from simulator.engine.alarms import alarms
from simulator.engine.children import ChildrenOfRun
from simulator.engine.cloudwatch import metrics
from simulator.engine.conservation import check
from simulator.engine.consumers import Consumers
from simulator.engine.faults import FaultsOfRun
from simulator.engine.messaging import Messaging
from simulator.engine.parts import Parts
from simulator.engine.taken import Taken
from simulator.engine.things import things_of
from simulator.processes.clock import Clock
from simulator.processes.ledger import Ledger
from simulator.processes.producers import intake
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import CHUNK_ROWS, Recorder, Sink
from simulator.scenario.schema import Scenario

_SECOND_US = 1_000_000
_WINDOW_MESSAGES = 4096
_LONGEST_WINDOW_US = 3600 * _SECOND_US
_STEPS = 400  # how often a run looks whether it is done, and tells how far it is

Progress = Callable[[int, int], None]
"""Told now and then: simulated time [us], messages so far."""


@dataclass(frozen=True)
class Run:
    """Facts about one run.

    ``end_at`` is when it ended [us]; ``messages`` and ``copies`` how many there were, ``entries`` what
    was put on the agenda, ``taken`` the names of the rules it took.
    """

    seed: int
    replication: int
    end_at: int
    messages: int
    copies: int
    entries: int
    taken: tuple[str, ...]


class Simulation:
    """A scenario built and ready to run once."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int,
        replication: int,
        sink: Sink,
        chunk_rows: int = CHUNK_ROWS,
        reverse_ties: bool = False,
    ) -> None:
        self.scenario = scenario
        self.clock = Clock(reverse_ties=reverse_ties)
        self.ledger = Ledger()
        self.recorder = Recorder(self.ledger, sink, chunk_rows)
        self.taken = Taken(scenario.rules, seed, replication)
        things = {path: number for number, path in enumerate(things_of(scenario))}
        parts = (scenario, things, self.taken, self.clock, self.ledger, self.recorder)
        self.messaging = Messaging(*parts)
        bills.weigh_receives(scenario, self.taken, self.ledger, self.messaging.dispatchers)
        self.metrics = metrics(self.taken, self.clock, self.messaging.dispatchers)
        self.alarms = alarms(*parts, self.metrics, self.messaging.topics)
        messaging = self.messaging
        whole = Parts(*parts, messaging.dispatchers, self.metrics, self.alarms, messaging.topics)
        faults = FaultsOfRun(whole, self.messaging)
        self.consumers = Consumers(whole)
        self.alarms.start()
        deliveries = messaging.deliveries
        messaging.invocations.join(self.consumers.functions, whole, messaging.topics, deliveries.lines)
        deliveries.join(whole, messaging.topics)
        self.consumers.sends = ChildrenOfRun(whole, self.messaging, self.consumers).sends
        self.consumers.sends |= messaging.workflows.join(whole, messaging)
        faults.meet(self.consumers, self.metrics)
        self.clock.process(
            intake(
                self.clock,
                self.messaging.producers,
                self.messaging.inlets,
                _window_us(scenario),
                scenario.duration,
                self._latest_at(),
            )
        )
        for mapping in self.consumers.mappings:
            mapping.start()
        for at_broker in self.consumers.broker_mappings:
            at_broker.start()

    def run(self, progress: Progress | None = None) -> int:
        """Run to the end; when that was [us]."""
        scenario, clock = self.scenario, self.clock
        step_us = max(_SECOND_US, scenario.duration // _STEPS)
        latest = self._latest_at()
        at = 0
        while at < latest and not (at >= scenario.duration and self.drained()):
            at = min(at + step_us, latest if at >= scenario.duration else scenario.duration)
            clock.run_until(at)
            for dispatcher in self.messaging.dispatchers.values():
                dispatcher.expire()
            if progress is not None:
                progress(at, self.ledger.messages)
        self.alarms.finish_run()
        messaging = self.messaging
        bills.finish_run(self.recorder, messaging.dispatchers.values(), messaging.producers, at)
        return at

    def _latest_at(self) -> int:
        """When the run ends at the latest [us]."""
        return self.scenario.duration * (2 if self.scenario.after == "drain" else 1)

    def drained(self) -> bool:
        """Whether nothing is left to do for any consumer."""
        messaging = self.messaging
        under_way = any(way.under_way() for way in messaging.inlets) or any(
            producer.under_way() for producer in messaging.producers
        )
        under_way = under_way or any(task.under_way() for task in messaging.redrive_tasks)
        under_way = under_way or any(line.in_hand() for _, _, line in messaging.invocations.lines())
        return not under_way and not any(
            _unfinished(dispatcher) for dispatcher in messaging.dispatchers.values()
        )


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    replication: int,
    sink: Sink,
    progress: Progress | None = None,
) -> Run:
    """Run *scenario* once and hand its rows to *sink*.

    Parameters
    ----------
    scenario : Scenario
        What is asked.
    seed, replication : int
        Together they are all the chance there is: the same pair gives the same rows.
    sink : Sink
        Gets closed chunks of the five tables.
    progress : callable, optional
        Told simulated time [us] and messages so far, now and then.

    Raises
    ------
    ConservationError
        Something was lost or made: a bug of the simulator.
    """
    with _collecting_only_its_own():
        return _simulate(
            Simulation(scenario, seed=seed, replication=replication, sink=sink), seed, replication, progress
        )


@contextmanager
def _collecting_only_its_own() -> Iterator[None]:
    """Look for garbage once, after the run, and only among what it made: what was there before is aside.

    During the run nothing is looked for: it makes millions of objects and hardly a cycle.
    """
    collected = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if collected:
            gc.enable()


def _simulate(simulation: Simulation, seed: int, replication: int, progress: Progress | None) -> Run:
    end_at = simulation.run(progress)
    check(simulation.messaging, simulation.consumers)
    simulation.recorder.flush()
    return Run(
        seed=seed,
        replication=replication,
        end_at=end_at,
        messages=simulation.ledger.messages,
        copies=simulation.ledger.copies,
        entries=simulation.clock.entries,
        taken=tuple(simulation.taken.names),
    )


def _unfinished(dispatcher: Dispatcher) -> bool:
    in_hand = any(consumer.in_hand() for consumer in dispatcher.consumers)
    return in_hand or (bool(dispatcher.consumers) and dispatcher.outstanding() > 0)


def _window_us(scenario: Scenario) -> int:
    """How far producers work ahead: a few thousand messages, and never so long that memory minds."""
    per_us = sum(p.expected(scenario.duration) for p in scenario.producers.values()) / scenario.duration
    if not per_us:
        return _LONGEST_WINDOW_US
    return int(min(max(_WINDOW_MESSAGES / per_us, _SECOND_US), _LONGEST_WINDOW_US))
