"""Builds the ways into functions that no queue feeds: asynchronous events, and callers that wait."""

from collections.abc import Callable, Iterator, Mapping

from simulator.aws.lambda_.asynchronous import AsynchronousInvocation
from simulator.engine.parts import Parts
from simulator.engine.taken import Taken
from simulator.processes.async_invocations import AsyncInvocations, Invoker
from simulator.processes.at_least_once import Misses
from simulator.processes.clock import Clock
from simulator.processes.destinations import Destination, QueueDestination, TopicDestination
from simulator.processes.direct_invocations import Caller, DirectInvocations
from simulator.processes.fed_lines import FedLine
from simulator.processes.functions import Function
from simulator.processes.ledger import Ledger
from simulator.processes.lines import Line
from simulator.processes.producers import Producer
from simulator.processes.senders import Answers
from simulator.processes.task_calls import TaskCalls
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Constant, Distribution
from simulator.scenario import asynchronous as spec
from simulator.scenario import invoked, producers
from simulator.scenario.schema import Scenario


class Invocations:
    """The lines of a run, by function; they are made before the functions, and joined to them later."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
    ) -> None:
        self._scenario = scenario
        self._taken = taken
        self._clock = clock
        self._ledger = ledger
        self.asynchronous = {
            name: AsyncInvocations(
                clock,
                ledger,
                recorder,
                things[f"functions.{name}.async"],
                self._rule(name),
                self._repeated(name),
            )
            for name in invoked.asynchronous(scenario)
        }
        self.direct = {
            name: DirectInvocations(
                clock,
                ledger,
                recorder,
                things[f"functions.{name}.invoke"],
                taken.durations(f"{name}/call", taken.latency("lat.call_to_function")),
            )
            for name in invoked.synchronous(scenario)
        }

        self.tasks = {
            name: TaskCalls(clock, ledger, recorder, things[f"functions.{name}.tasks"])
            for name in invoked.by_tasks(scenario)
        }

    def lines(self) -> Iterator[tuple[str, str, Line]]:
        """Every line with its path and the name of its function."""
        for name, line in self.asynchronous.items():
            yield f"functions.{name}.async", name, line
        for name, direct in self.direct.items():
            yield f"functions.{name}.invoke", name, direct
        for name, tasks in self.tasks.items():
            yield f"functions.{name}.tasks", name, tasks

    def _rule(self, name: str) -> AsynchronousInvocation:
        rule, asked = self._taken.rule, self._scenario.functions[name].asynchronous
        return AsynchronousInvocation(
            retries=asked.retries,
            maximum_event_age_us=asked.maximum_event_age,
            error_delays_us=(rule("lambda.async.first_retry"), rule("lambda.async.second_retry")),
            backoff_first_us=rule("lambda.async.backoff_first"),
            backoff_cap_us=rule("lambda.async.backoff_cap"),
        )

    def _repeated(self, name: str) -> Misses | None:
        share = self._taken.rule("lambda.async.p_dup")
        return Misses(share, self._taken.calls(f"{name}/repeated").next) if share else None

    # -- producers ---------------------------------------------------------------------------------

    def invoker(self, producer: str, function: str) -> Invoker:
        """The way of a producer that invokes a function asynchronously."""
        taken = self._taken
        return Invoker(
            self.asynchronous[function],
            self._ledger,
            taken.rule("lambda.max_event_bytes"),
            taken.latency("lat.event_to_function"),
            taken.stream(f"{producer}/{function}/hop"),
        )

    def caller(self, made: Producer, asked: producers.Producer, function: str) -> Caller:
        """What calls a function with the messages of *made* and waits; without a client it calls once."""
        taken, client = self._taken, asked.client
        return Caller(
            self._clock,
            self.direct[function],
            self._ledger,
            answers=Answers(Constant(0), 0, 0.0, taken.stream(""), taken.stream("")),  # known at the end
            timeout_us=None if client is None else client.timeout,
            max_attempts=1 if client is None else client.max_attempts,
            backoff_cap_us=taken.rule("client.backoff_cap"),
            chance=taken.calls(f"{made.name}/pause").next,
            ended=made.ended,
        )

    # -- functions ---------------------------------------------------------------------------------

    def join(
        self,
        functions: Mapping[str, Function],
        parts: Parts,
        topics: Mapping[str, Topic],
        endpoints: Mapping[tuple[str, str], FedLine],
    ) -> None:
        """Let *functions* work the lines, and these send records to queues and *topics*.

        *endpoints* are the subscriptions, by topic and name, that are no queue and no function.
        """
        self._endpoints = endpoints
        for path, name, line in self.lines():
            asked = self._scenario.functions[name]
            work = parts.work(path, asked.work, asked.failures, parts.conditions_of(f"functions.{name}"),
                              (f"functions.{name}", asked))  # fmt: skip
            line.serve(functions[name], work, self._most(asked.reserved_concurrency))
        for name, events in self.asynchronous.items():
            given = self._scenario.functions[name].asynchronous
            events.report_to(
                self._destinations(name, parts, topics, given.dead_letter, given.on_failure),
                self._destinations(name, parts, topics, given.on_success),
            )

    def _most(self, reserved: int | None) -> int | None:
        """What a function may have at once: its reservation, or what none has reserved of the account's."""
        limit: int | None = self._taken.rule("lambda.account_concurrency")
        if reserved is not None or limit is None:
            return reserved
        return limit - sum(one.reserved_concurrency or 0 for one in self._scenario.functions.values())

    def _destinations(
        self, name: str, parts: Parts, topics: Mapping[str, Topic], *given: spec.Destination | None
    ) -> list[Destination]:
        found: list[Destination] = []
        for destination in given:
            if destination is not None and destination.queue is not None:
                found.append(QueueDestination(parts.dispatchers[destination.queue]))
            elif destination is not None and destination.topic is not None:
                topic = destination.topic
                ways = list(self._ways(name, topic, parts))
                found.append(TopicDestination(self._clock, self._ledger, topics[topic], ways))
        return found

    def _ways(
        self, name: str, topic: str, parts: Parts
    ) -> Iterator[tuple[Distribution, int, Callable[[int], None]] | None]:
        """How a record gets from a topic to each of its subscriptions."""
        taken = self._taken
        for key, subscription in self._scenario.topics[topic].subscriptions.items():
            stream = taken.stream(f"{name}/{topic}/{key}/hop")
            if subscription.filter_policy:
                yield None
            elif subscription.function is not None:
                line = self.asynchronous[subscription.function]
                yield taken.latency("lat.sns_to_function"), stream, line.send_anew
            elif subscription.queue is not None:
                queue = parts.dispatchers[subscription.queue]
                yield taken.latency("lat.sns_to_sqs"), stream, queue.send_anew
            else:
                yield Constant(0), stream, self._endpoints[topic, key].send_anew
