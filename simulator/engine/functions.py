"""Builds functions with their event source mappings."""

from simulator.aws.lambda_.concurrency import Account, Environments, FunctionConcurrency
from simulator.aws.lambda_.event_source_mapping import EventSourceMapping, effective_visibility_us
from simulator.engine.parts import Parts
from simulator.processes.functions import Function
from simulator.processes.gauges import Gauge
from simulator.processes.mappings import Mapping
from simulator.recording.tables import Limit, Quantity
from simulator.scenario import functions as spec


class Functions:
    """The functions of a run, which share the account's concurrency, and their mappings."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.mappings: list[Mapping] = []
        if parts.scenario.functions:
            self._functions(parts.scenario.functions)

    def _functions(self, functions: dict[str, spec.Function]) -> None:
        rule = self._parts.taken.rule
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
            init = self._parts.taken.durations(
                f"{name}/init", self._parts.taken.latency(f"lambda.init.{function.runtime}")
            )
            creation_us = self._creation_us() + function.init_extra
            made = Function(self._parts.clock, concurrency, function.timeout, creation_us, init)
            for queue, source in function.event_sources.items():
                self._mapping(name, function, made, queue, source)

    def _creation_us(self) -> int:
        value = self._parts.taken.rule("lambda.environment_creation")
        assert isinstance(value, int)
        return value

    def _mapping(
        self, name: str, function: spec.Function, made: Function, queue: str, source: spec.EventSource
    ) -> None:
        rule = self._parts.taken.rule
        dispatcher = self._parts.dispatchers[queue]
        fifo = self._parts.scenario.queues[queue].type == "fifo"
        thing = self._parts.things[f"functions.{name}.event_sources.{queue}"]
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
        latency = self._parts.taken.latency(
            "lat.sqs_fifo_to_function" if fifo else "lat.sqs_standard_to_function"
        )
        polling = Mapping(
            self._parts.clock,
            self._parts.recorder,
            dispatcher,
            len(dispatcher.consumers),
            thing,
            mapping,
            made,
            self._parts.work(queue, function.work, function.failures),
            self._parts.taken.durations(f"{queue}/latency", latency),
            Gauge(self._parts.recorder, thing, Quantity.CONCURRENCY, mapping.concurrency),
            Gauge(self._parts.recorder, thing, Quantity.LIMIT, Limit.ARRIVALS),
            visibility_timeout_us=effective_visibility_us(
                self._parts.scenario.queues[queue].visibility_timeout,
                source.maximum_batching_window,
                function.timeout,
            ),
            fifo=fifo,
            throttle_first_us=rule("esm.throttle_backoff_first"),
            throttle_cap_us=rule("esm.throttle_backoff_cap"),
            turnaround_us=source.slot_turnaround,
        )
        self._parts.add_consumer(queue, polling, rule("sqs.long_poll_wait"))
        self.mappings.append(polling)
