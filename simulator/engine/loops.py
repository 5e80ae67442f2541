"""Builds the workers of Auto Scaling groups whose loop is not the plain one."""

from collections.abc import Callable, Sequence

from simulator.engine.taken import Taken
from simulator.processes.clock import Clock
from simulator.processes.draws import Work
from simulator.processes.gauges import Gauge
from simulator.processes.lanes import Lane
from simulator.processes.loop_pools import LoopPool
from simulator.processes.loops import ClientCalls, Heartbeat, Loop, Span
from simulator.processes.open_polls import OpenPolls
from simulator.processes.priorities import Classes, Credits, Strict, Turns, Weighted
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit
from simulator.scenario.loops import Loop as LoopSpec
from simulator.scenario.loops import Priority
from simulator.scenario.workers import Workers


def is_plain(group: Workers) -> bool:
    """Whether a group's workers receive one batch after another from one queue, and nothing goes wrong."""
    return (
        group.loop.kind == "sequential"
        and group.priority is None
        and group.heartbeat is None
        and not group.denied
        and not group.receive.lost_answers
        and group.on_failure == "keep"
    )


class Loops:
    """Makes the workers of groups in one run."""

    def __init__(self, taken: Taken, clock: Clock, recorder: Recorder) -> None:
        self._taken = taken
        self._clock = clock
        self._recorder = recorder

    def pool(
        self,
        name: str,
        group: Workers,
        thing: int,
        workers: int,
        limit: Callable[[], Limit],
        limit_gauge: Gauge,
        dispatchers: Sequence[Dispatcher],
        works: Sequence[Work],
    ) -> LoopPool:
        """The workers of one group, consumers of their queues from now on; *works* by queue."""
        receive, priority = group.receive, group.priority
        lanes = [
            Lane(dispatcher, work, receive.max_messages)
            for dispatcher, work in zip(dispatchers, works, strict=True)
        ]
        for lane in lanes:
            polls = OpenPolls(self._recorder, lane.dispatcher.thing, thing, receive.wait_time)
            lane.dispatcher.polls[lane.index] = polls
        return LoopPool(
            self._clock,
            lanes,
            thing,
            self._calls(name, group),
            self._taken.calls(f"{name}/instance"),
            limit,
            limit_gauge,
            workers=workers,
            loop=_shape(group.loop),
            delete_each=receive.delete == "each",
            heartbeat=self._heartbeat(group),
            turns=None if priority is None else self._turns(name, priority),
            classes=None if priority is None else Classes(self._recorder, lanes),
            short_pause_us=None if receive.wait_time else receive.poll_pause,
            wait_us=0 if priority is None else priority.wait,
            ageing_us=None if priority is None else priority.ageing,
            releases=group.on_failure == "release",
        )

    def _calls(self, name: str, group: Workers) -> ClientCalls:
        taken, receive = self._taken, group.receive
        spans = {
            call: sorted(
                Span(denied.at, denied.at + denied.for_us)
                for denied in group.denied.values()
                if denied.call == call
            )
            for call in ("receive", "delete")
        }
        return ClientCalls(
            taken.durations(f"{name}/receive", taken.latency("lat.sqs_receive")),
            taken.durations(f"{name}/delete", taken.latency("lat.sqs_delete")),
            p_lost=receive.lost_answers,
            chance=taken.calls(f"{name}/lost"),
            timeout_us=taken.rule("client.timeout") if receive.lost_answers else 0,
            receive_denied=spans["receive"],
            delete_denied=spans["delete"],
            pause_us=receive.error_pause,
        )

    def _heartbeat(self, group: Workers) -> Heartbeat | None:
        given = group.heartbeat
        if given is None:
            return None
        return Heartbeat(given.every, given.extend_to, self._taken.rule("sqs.max_hold"))

    def _turns(self, name: str, priority: Priority) -> Callable[[], Turns]:
        weights = list(priority.weights.values())
        if priority.strict is not None:
            queues = len(priority.strict)
            return lambda: Strict(queues)
        if priority.credits is not None:
            return lambda: Credits(weights)
        chance = self._taken.calls(f"{name}/turn").next
        return lambda: Weighted(weights, chance)


def _shape(loop: LoopSpec) -> Loop:
    if loop.permits is not None:
        return Loop(parallel=True, permits=loop.permits)
    return Loop(parallel=loop.kind == "barrier", receives=1 + (loop.prefetch or 0))
