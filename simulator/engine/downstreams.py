"""Builds downstreams, and the calls of their consumers."""

from typing import TYPE_CHECKING

from simulator.aws.quotas import TokenBucket
from simulator.engine.email import mailing
from simulator.engine.taken import sampler
from simulator.processes.call_draws import CallDraws
from simulator.processes.called_work import CalledWork
from simulator.processes.conditions import Conditions
from simulator.processes.downstream_clients import Backoff, Breaker, Client, RetryBudget
from simulator.processes.downstream_figures import Figures
from simulator.processes.downstreams import Downstream
from simulator.processes.errands import Calls, Step
from simulator.processes.gauges import Gauge
from simulator.recording.tables import Quantity
from simulator.scenario import downstreams as spec
from simulator.scenario.email import called

if TYPE_CHECKING:
    from simulator.engine.parts import Parts


class Downstreams:
    """The downstreams of a run. Draws are streams of downstream and queue: any caller meets the same."""

    def __init__(self, parts: "Parts") -> None:
        given = parts.scenario.downstreams
        self._given = called(parts.scenario)
        self._taken = parts.taken
        self._clock = parts.clock
        self._ledger = parts.ledger
        self._made: dict[str, Downstream] = {}
        self._breakers: dict[str, Gauge] = {}
        self._clients: dict[tuple[str, str], Client] = {}
        for name, one in given.items():
            thing = parts.things[f"downstreams.{name}"]
            bucket = None
            if one.rate is not None:
                bucket = TokenBucket(int(one.rate), int(one.rate) if one.burst is None else one.burst)
            self._made[name] = Downstream(
                parts.clock,
                Figures(parts.recorder, thing),
                parts.conditions_of(f"downstreams.{name}") or Conditions(),
                connections=one.connections,
                parallelism=one.parallelism,
                bucket=bucket,
                waits=one.when_full == "wait",
                cancels=one.abandoned == "cancel",
            )
            self._breakers[name] = Gauge(parts.recorder, thing, Quantity.OPEN_BREAKERS, 0)
        self.mailings = {name: mailing(parts, name, one) for name, one in parts.scenario.email.items()}
        self._made |= self.mailings
        for name in self.mailings:
            thing = parts.things[f"email.{name}"]
            self._breakers[name] = Gauge(parts.recorder, thing, Quantity.OPEN_BREAKERS, 0)

    def called(self, caller: str, queue: str, consumer: spec.Calls) -> CalledWork | None:
        """What takes batches of *queue* through the calls of the consumer at the path *caller*."""
        if not consumer.calls:
            return None
        names = [name for name, count in consumer.calls.items() for _ in range(count)]
        steps = [self._step(caller, queue, consumer, name, number) for number, name in enumerate(names)]
        return CalledWork(Calls(self._clock, steps))

    def delivered(self, path: str, name: str, timeout_us: int) -> Calls:
        """The calls by which the subscription at *path* delivers to the downstream *name*: one try each."""
        client = Client(self._made[name], timeout_us, 1, Backoff(0, 0, "none"), None, None)
        return Calls(self._clock, [Step(client, self._draws(name, path, 0), self._given[name].errors)])

    def _step(self, caller: str, queue: str, consumer: spec.Calls, name: str, number: int) -> Step:
        if (caller, name) not in self._clients:
            self._clients[caller, name] = self._client(name, consumer.client)
        return Step(self._clients[caller, name], self._draws(name, queue, number), self._given[name].errors)

    def _draws(self, name: str, queue: str, number: int) -> CallDraws:
        return CallDraws(
            self._ledger,
            sampler(self._given[name].latency),
            number,
            *(self._taken.stream(f"{name}/{queue}/{what}") for what in ("latency", "error", "pause")),
        )

    def _client(self, name: str, given: spec.Client) -> Client:
        breaker = None
        if given.circuit_breaker is not None:
            breaker = Breaker(
                self._clock,
                self._breakers[name],
                share=given.circuit_breaker.failures,
                of_last=given.circuit_breaker.of_last,
                open_us=given.circuit_breaker.open_for,
                trials=given.circuit_breaker.trials,
            )
        return Client(
            self._made[name],
            given.timeout,
            given.max_attempts,
            Backoff(given.backoff, given.max_backoff, given.jitter),
            breaker,
            None if given.retry_budget is None else RetryBudget(given.retry_budget),
        )

    def finish_run(self) -> None:
        """Write down what is open at the end of the run."""
        now = self._clock.now
        for name, one in self._made.items():
            one.figures.close(now)
            self._breakers[name].close(now)
