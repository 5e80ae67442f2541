"""Puts the faults of a scenario into a run."""

from collections.abc import Callable
from functools import partial

from simulator.engine.consumers import Consumers
from simulator.engine.messaging import Messaging
from simulator.engine.parts import Parts
from simulator.processes.cloudwatch import Metrics
from simulator.processes.conditions import Trouble
from simulator.processes.faults import Faults, Refusals
from simulator.processes.fleets import Fleet
from simulator.processes.producers import Poisoning
from simulator.scenario.faults import CONDITIONS, Fault


class FaultsOfRun:
    """The faults of a run: those that meet queues and producers are built before consumers are.

    Consumers and downstreams look up their conditions when they are built (``Parts.conditions_of``).
    """

    def __init__(self, parts: Parts, messaging: Messaging) -> None:
        self._parts = parts
        self._messaging = messaging
        self._faults = Faults(parts.clock)
        self._refusals: dict[str, Refusals] = {}
        for name, fault in parts.scenario.faults.items():
            if fault.kind == "producer":
                self._poison(name, fault)
            elif fault.kind == "queue":
                self._refuse(fault)

    def meet(self, consumers: Consumers, metrics: Metrics) -> None:
        """Let the other faults meet the consumers, who are all there now."""
        for fault in self._parts.scenario.faults.values():
            if fault.kind == "metrics":
                self._span(fault, lambda: _blind(metrics, True), lambda: _blind(metrics, False))
            elif fault.path in consumers.groups.fleets and CONDITIONS.isdisjoint(fault.effects):
                self._meet_fleet(fault, consumers.groups.fleets[fault.path])
            elif fault.kind == "function" and CONDITIONS.isdisjoint(fault.effects):
                self._meet_function(fault, consumers)
            elif fault.failover is not None:
                self._fail_over(fault, fault.failover)
            elif fault.path in self._parts.conditions:
                self._trouble(fault)

    def _span(self, fault: Fault, begin: Callable[[], object], end: Callable[[], object]) -> None:
        self._faults.between(fault.at, fault.until, begin, end)

    # -- queues and producers ----------------------------------------------------------------------

    def _poison(self, name: str, fault: Fault) -> None:
        """A share of what a producer offers meanwhile is poison."""
        assert fault.poison is not None
        bad = Poisoning(fault.at, fault.until, fault.poison, self._parts.taken.stream(f"{name}/poison"))
        for producer in self._messaging.producers:
            if producer.name == fault.target:
                producer.content.poisonings.append(bad)

    def _refuse(self, fault: Fault) -> None:
        """Calls to a queue are throttled or denied; an unavailable one is a matter of SNS's deliveries."""
        if fault.unavailable:
            return
        if fault.denied == "send":
            self._deny_sends(fault)
            return
        if fault.target not in self._refusals:
            self._refusals[fault.target] = Refusals(self._messaging.dispatchers[fault.target])
        refusals = self._refusals[fault.target]
        if fault.throttle is not None:
            assert fault.call is not None
            refusals.throttle(self._faults, fault.at, fault.until, fault.call, int(fault.throttle))
        elif fault.denied == "receive":
            refusals.deny_receives(self._faults, fault.at, fault.until)
        else:
            refusals.deny_deletes(self._faults, fault.at, fault.until)

    def _deny_sends(self, fault: Fault) -> None:
        for producer in self._messaging.producers:
            if self._parts.scenario.producers[producer.name].target == fault.target:
                producer.denied.append((fault.at, fault.until))
                if producer.sender is not None:
                    producer.sender.denied = producer.denied

    # -- consumers and downstreams -----------------------------------------------------------------

    def _meet_fleet(self, fault: Fault, fleet: Fleet) -> None:
        """Instances stop, die, are taken back, or are replaced."""
        if fault.down:
            self._span(fault, fleet.stop, fleet.resume)
        elif fault.crash is not None:
            self._faults.at(fault.at, partial(fleet.crash, fault.crash))
        elif fault.zone_loss is not None:
            self._faults.at(fault.at, partial(fleet.lose_zone, fault.zone_loss))
        elif fault.spot is not None:
            self._faults.at(fault.at, partial(fleet.interrupt, fault.spot))
        elif fault.deploy is not None:
            given = fault.deploy
            self._faults.at(fault.at, partial(fleet.replace, given.batch, given.drain, given.pause))

    def _meet_function(self, fault: Fault, consumers: Consumers) -> None:
        """A function's mappings are disabled, or all its environments are new."""
        if fault.deploy is not None:
            environments = consumers.functions[fault.target].concurrency.environments
            self._faults.at(fault.at, partial(environments.renew, fault.at))
            return
        sources = self._parts.scenario.functions[fault.target].event_sources
        things = {self._parts.things[f"{fault.path}.event_sources.{queue}"] for queue in sources}
        for mapping in consumers.mappings:
            if mapping.thing in things:
                self._span(fault, mapping.pause, mapping.resume)
        for at_broker in consumers.broker_mappings:
            if at_broker.thing in things:
                self._span(fault, at_broker.pause, at_broker.resume)

    def _fail_over(self, fault: Fault, kind: str) -> None:
        """The active broker stops until the other is up."""
        brokers = self._messaging.brokers
        broker, lasts = brokers.made[fault.target], brokers.failover(fault.target, kind)
        self._faults.at(fault.at, lambda: broker.fail(lasts.next()))

    def _trouble(self, fault: Fault) -> None:
        """A consumer or a downstream is slower, fails more often, or does not answer."""
        conditions = self._parts.conditions[fault.path]
        trouble = Trouble(
            slow=fault.slow or 1.0,
            errors=fault.errors or 0.0,
            down=bool(fault.down),
            hang=bool(fault.hang),
        )
        self._faults.trouble(fault.at, fault.until, conditions, trouble)


def _blind(metrics: Metrics, blackout: bool) -> None:
    metrics.blackout = blackout
