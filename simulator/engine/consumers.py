"""Builds functions with their event source mappings, and Auto Scaling groups."""

from collections.abc import Callable, Mapping
from functools import partial

from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.aws.ec2.auto_scaling import TargetTracking
from simulator.aws.lambda_.concurrency import Account, Environments, FunctionConcurrency
from simulator.aws.lambda_.event_source_mapping import EventSourceMapping, effective_visibility_us
from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.loops import Loops, is_plain
from simulator.engine.standard_queues import counters
from simulator.engine.taken import Taken, sampler
from simulator.processes.auto_scaling import AutoScalingGroup
from simulator.processes.clock import Clock
from simulator.processes.draws import Work
from simulator.processes.functions import Function
from simulator.processes.functions import Mapping as PollingMapping
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.processes.open_polls import OpenPolls
from simulator.processes.partitioned import QueueByChance
from simulator.processes.pollers import WorkerPool
from simulator.processes.queues import Consumer, Dispatcher
from simulator.processes.short_polls import ShortPollingPool
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity
from simulator.scenario import consumers as spec
from simulator.scenario.schema import Scenario


class Consumers:
    """The back of a run: functions and groups, each polling its queues."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        dispatchers: Mapping[str, Dispatcher],
    ) -> None:
        self._scenario = scenario
        self._things = things
        self._taken = taken
        self._clock = clock
        self._ledger = ledger
        self._recorder = recorder
        self._dispatchers = dispatchers
        self.mappings: list[PollingMapping] = []
        self.groups: list[AutoScalingGroup] = []
        if scenario.functions:
            self._functions()
        if scenario.auto_scaling_groups:
            phase_us = int(taken.calls("cloudwatch/phase").next() * taken.rule("cw.period"))
            for name, group in scenario.auto_scaling_groups.items():
                self._group(name, group, phase_us)

    def _work(self, queue: str, work: spec.Work, failures: spec.Failures) -> Work:
        """Work and failures are streams of the queue: another consumer meets the same."""
        stream = self._taken.stream
        return Work(
            self._ledger,
            sampler(work.per_message),
            sampler(work.per_invocation),
            failures.transient,
            stream(f"{queue}/work"),
            stream(f"{queue}/failure"),
            stream(f"{queue}/invocation"),
        )

    def _add(self, queue: str, consumer: Consumer, wait_us: int) -> None:
        dispatcher = self._dispatchers[queue]
        polls = OpenPolls(self._recorder, dispatcher.thing, consumer.thing, wait_us)
        dispatcher.polls[len(dispatcher.consumers)] = polls
        dispatcher.consumers.append(consumer)

    # -- functions ---------------------------------------------------------------------------------

    def _functions(self) -> None:
        rule = self._taken.rule
        functions = self._scenario.functions
        account = Account(
            rule("lambda.account_concurrency"),
            {
                name: function.reserved_concurrency
                for name, function in functions.items()
                if function.reserved_concurrency is not None
            },
            unreserved_minimum=rule("lambda.unreserved_minimum"),
            rps_per_concurrency=rule("lambda.rps_per_concurrency"),
        )
        for name, function in functions.items():
            concurrency = FunctionConcurrency(
                account,
                function.reserved_concurrency,
                Environments(rule("lambda.idle_lifetime")),
                rule("lambda.scale_per_10s"),
            )
            init = self._taken.durations(
                f"{name}/init", self._taken.latency(f"lambda.init.{function.runtime}")
            )
            creation_us = self._creation_us() + function.init_extra
            made = Function(concurrency, function.timeout, creation_us, init)
            for queue, source in function.event_sources.items():
                self._mapping(name, function, made, queue, source)

    def _creation_us(self) -> int:
        value = self._taken.rule("lambda.environment_creation")
        assert isinstance(value, int)
        return value

    def _mapping(
        self, name: str, function: spec.Function, made: Function, queue: str, source: spec.EventSource
    ) -> None:
        rule = self._taken.rule
        dispatcher = self._dispatchers[queue]
        fifo = self._scenario.queues[queue].type == "fifo"
        thing = self._things[f"functions.{name}.event_sources.{queue}"]
        mapping = EventSourceMapping(
            batch_size=source.batch_size,
            window_us=source.maximum_batching_window,
            maximum_concurrency=source.maximum_concurrency,
            report_batch_item_failures=source.report_batch_item_failures,
            start_concurrency=rule("esm.start_concurrency"),
            growth_per_minute=rule("esm.growth_per_minute"),
            cap=rule("esm.max_concurrency_cap"),
            idle_after_us=rule("esm.idle_after"),
            idle_concurrency=rule("esm.idle_concurrency"),
        )
        latency = self._taken.latency("lat.sqs_fifo_to_function" if fifo else "lat.sqs_standard_to_function")
        polling = PollingMapping(
            self._clock,
            self._recorder,
            dispatcher,
            len(dispatcher.consumers),
            thing,
            mapping,
            made,
            self._work(queue, function.work, function.failures),
            self._taken.durations(f"{queue}/latency", latency),
            Gauge(self._recorder, thing, Quantity.CONCURRENCY, mapping.concurrency),
            Gauge(self._recorder, thing, Quantity.LIMIT, Limit.ARRIVALS),
            visibility_timeout_us=effective_visibility_us(
                self._scenario.queues[queue].visibility_timeout,
                source.maximum_batching_window,
                function.timeout,
            ),
            fifo=fifo,
            throttle_first_us=rule("esm.throttle_backoff_first"),
            throttle_cap_us=rule("esm.throttle_backoff_cap"),
            turnaround_us=source.slot_turnaround,
        )
        self._add(queue, polling, rule("sqs.long_poll_wait"))
        self.mappings.append(polling)

    # -- groups ------------------------------------------------------------------------------------

    def _group(self, name: str, group: spec.AutoScalingGroup, phase_us: int) -> None:
        taken, rule = self._taken, self._taken.rule
        thing = self._things[f"auto_scaling_groups.{name}"]
        dispatchers = [self._dispatchers[queue] for queue in group.queues]
        capacity = group.capacity
        made = AutoScalingGroup(
            self._clock,
            self._recorder,
            thing,
            maximum=capacity.max,
            desired=capacity.min if capacity.desired is None else capacity.desired,
            react_us=rule("asg.react"),
            boot=taken.durations(f"{name}/boot", sampler(group.boot)),
            bootstrap=taken.durations(f"{name}/bootstrap", sampler(group.bootstrap)),
            warmup_us=group.instance_warmup,
            drain_us=group.drain,
        )
        limit_gauge = Gauge(self._recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        if is_plain(group):
            made.start(self._plain_pool(name, group, thing, made, limit_gauge))
        else:
            works = [self._work(queue, group.work_of(queue), group.failures) for queue in group.queues]
            loops = Loops(taken, self._clock, self._recorder)
            made.start(loops.pool(name, group, thing, made, limit_gauge, dispatchers, works))
        policies = [
            TargetTracking(
                tracking.target,
                capacity.min,
                capacity.max,
                rule("asg.tt.out_points"),
                rule("asg.tt.in_points"),
                rule("asg.tt.in_ratio"),
                tracking.disable_scale_in,
            )
            for tracking in group.policies.values()
        ]
        if policies:
            for queue, dispatcher in zip(group.queues, dispatchers, strict=True):
                if isinstance(dispatcher.queue, StandardQueue | QueueByChance):
                    dispatcher.counters = counters(queue, dispatcher.queue, taken)
            published = PublishedSeries(rule("cw.period"), rule("cw.publish_delay"))
            self._clock.process(made.track(dispatchers, policies, published, phase_us))
        self.groups.append(made)

    def _plain_pool(
        self,
        name: str,
        group: spec.AutoScalingGroup,
        thing: int,
        made: AutoScalingGroup,
        limit_gauge: Gauge,
    ) -> WorkerPool:
        taken, queue = self._taken, group.queues[0]
        dispatcher = self._dispatchers[queue]
        pool = _plain_pool(group.receive)(
            self._clock,
            dispatcher,
            len(dispatcher.consumers),
            thing,
            self._work(queue, group.work_of(queue), group.failures),
            taken.durations(f"{name}/receive", taken.latency("lat.sqs_receive")),
            taken.durations(f"{name}/delete", taken.latency("lat.sqs_delete")),
            taken.calls(f"{name}/instance"),
            made.limit,
            limit_gauge,
            workers=group.workers_per_instance,
            max_messages=group.receive.max_messages,
            delete_each=group.receive.delete == "each",
        )
        self._add(queue, pool, group.receive.wait_time)
        return pool


def _plain_pool(receive: spec.Receive) -> Callable[..., WorkerPool]:
    """Workers with a plain loop: by long polls, or by short ones."""
    if receive.wait_time:
        return WorkerPool
    return partial(ShortPollingPool, pause_us=receive.poll_pause)
