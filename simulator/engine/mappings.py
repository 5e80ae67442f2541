"""Builds event source mappings."""

from typing import Any

from simulator.aws.lambda_.event_source_mapping import (
    ErrorBackoff,
    EventSourceMapping,
    effective_visibility_us,
)
from simulator.aws.lambda_.provisioned_pollers import Pace, Poller, ProvisionedMapping
from simulator.engine.bills import sizes
from simulator.engine.brokers import broker_mapping
from simulator.engine.parts import Parts
from simulator.processes.broker_mappings import BrokerMapping
from simulator.processes.broker_queues import BrokerDispatcher
from simulator.processes.filtering import Filtering
from simulator.processes.functions import Function
from simulator.processes.gathering import Gathering
from simulator.processes.gauges import Gauge
from simulator.processes.mappings import Mapping
from simulator.processes.polls import PacedPolls, Polls
from simulator.processes.provisioned import ProvisionedPolling
from simulator.processes.sizes import Sizes
from simulator.recording.tables import Limit, Quantity
from simulator.scenario import functions as spec
from simulator.scenario.filter_checks import reaching
from simulator.scenario.filters import fitting, worked
from simulator.scenario.sends import SOURCE, ChildWords, comes_raw, comes_to


class Mappings:
    """The event source mappings of a run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sizes: Sizes | None = None
        self.made: list[Mapping] = []
        self.at_brokers: list[BrokerMapping] = []

    def add(
        self, name: str, function: spec.Function, made: Function, queue: str, source: spec.EventSource
    ) -> None:
        """Let *made*, the function of this *name*, be invoked with what *queue* holds."""
        if isinstance(at_broker := self._parts.dispatchers[queue], BrokerDispatcher):
            self.at_brokers.append(broker_mapping(self._parts, name, made, queue, at_broker))
            return
        rule, recorder = self._parts.taken.rule, self._parts.recorder
        clock, dispatcher = self._parts.clock, self._parts.dispatchers[queue]
        fifo = self._parts.scenario.queues[queue].type == "fifo"
        thing = self._parts.things[f"functions.{name}.event_sources.{queue}"]
        index = len(dispatcher.consumers)
        mapping = self._provisioned(source) if source.provisioned else self._standard(source)
        polls = Polls(dispatcher, index)
        kind: type[Mapping] = Mapping
        more: dict[str, Any] = {}
        if isinstance(mapping, ProvisionedMapping):
            polls = PacedPolls(clock, dispatcher, index, Pace(mapping.poller, mapping.pollers))
            kind = ProvisionedPolling
            more["provisioned"], more["paced"], more["sizes"] = mapping, polls, self._sizes_of()
            more["pollers_gauge"] = Gauge(recorder, thing, Quantity.POLLERS, mapping.pollers)
        latency = self._parts.taken.latency(
            "lat.sqs_fifo_to_function" if fifo else "lat.sqs_standard_to_function"
        )
        polling = kind(
            clock,
            recorder,
            dispatcher,
            index,
            thing,
            mapping,
            polls,
            made,
            self._parts.work(
                queue,
                function.work,
                function.failures,
                self._parts.conditions_of(f"functions.{name}"),
                (f"functions.{name}", function),
            ),
            self._parts.taken.durations(f"{queue}/latency", latency),
            Gauge(recorder, thing, Quantity.CONCURRENCY, mapping.concurrency),
            Gauge(recorder, thing, Quantity.LIMIT, Limit.ARRIVALS),
            visibility_timeout_us=effective_visibility_us(
                self._parts.scenario.queues[queue].visibility_timeout,
                source.maximum_batching_window,
                function.timeout,
            ),
            fifo=fifo,
            throttle_first_us=rule("esm.throttle_backoff_first"),
            throttle_cap_us=rule("esm.throttle_backoff_cap"),
            turnaround_us=source.slot_turnaround,
            gathering=self._gathering(polls, queue, source),
            **more,
        )
        if source.filters:
            polling.filtering = self._filtering(queue, thing, source)
        self._parts.add_consumer(queue, polling, rule("sqs.long_poll_wait"))
        self.made.append(polling)

    def _filtering(self, queue: str, thing: int, source: spec.EventSource) -> Filtering:
        parts = self._parts
        fits = {
            name: worked(source.filters or (), message, raw=raw)
            for name, (message, raw) in reaching(parts.scenario, queue).items()
        }
        if comes_to(parts.scenario, queue):
            raw = comes_raw(parts.scenario, queue)
            fits[SOURCE] = fitting(source.filters or (), ChildWords(parts.scenario).said, raw=raw)
        deletes = parts.taken.durations(f"{queue}/filtered", parts.taken.latency("lat.sqs_delete"))
        return Filtering(parts.clock, parts.ledger, parts.dispatchers[queue], thing, fits, deletes)

    def _backoff(self) -> ErrorBackoff | None:
        rule = self._parts.taken.rule
        shrink = rule("esm.error_shrink")
        return ErrorBackoff(rule("esm.error_share"), shrink, rule("esm.error_hold")) if shrink else None

    def _standard(self, source: spec.EventSource) -> EventSourceMapping:
        rule = self._parts.taken.rule
        return EventSourceMapping(
            batch_size=source.batch_size,
            window_us=source.maximum_batching_window,
            maximum_concurrency=source.maximum_concurrency,
            report_batch_item_failures=source.report_batch_item_failures,
            start_concurrency=rule("esm.start_concurrency"),
            growth_per_minute=rule("esm.growth_per_minute"),
            cap=rule("esm.max_concurrency_cap"),
            account=rule("lambda.account_concurrency"),
            idle_after_us=rule("esm.idle_after"),
            idle_concurrency=rule("esm.idle_concurrency"),
            backoff=self._backoff(),
        )

    def _provisioned(self, source: spec.EventSource) -> ProvisionedMapping:
        rule = self._parts.taken.rule
        assert source.provisioned is not None
        return ProvisionedMapping(
            source.provisioned.minimum,
            source.provisioned.maximum,
            Poller(
                rule("esm.provisioned.concurrency"),
                rule("esm.provisioned.calls"),
                rule("esm.provisioned.bytes"),
            ),
            batch_size=source.batch_size,
            window_us=source.maximum_batching_window,
            report_batch_item_failures=source.report_batch_item_failures,
            growth_per_minute=rule("esm.provisioned.growth_per_minute"),
            account=rule("lambda.account_concurrency"),
            idle_after_us=rule("esm.provisioned.idle_after"),
            backoff=self._backoff(),
        )

    def _gathering(self, polls: Polls, queue: str, source: spec.EventSource) -> Gathering | None:
        if not source.maximum_batching_window:
            return None
        rule = self._parts.taken.rule
        return Gathering(
            self._parts.clock,
            polls,
            source.batch_size,
            source.maximum_batching_window,
            flush_bytes=rule("esm.flush_bytes"),
            wait_us=rule("esm.gather_wait"),
            most=rule("esm.gather_slots"),
            size_of=self._sizes_of().of,
            chance=self._parts.taken.calls(f"{queue}/gathering").next,
        )

    def _sizes_of(self) -> Sizes:
        """Sizes of all messages there can be, drawn as their producers draw them."""
        if self._sizes is None:
            parts = self._parts
            record_bytes = parts.taken.rule("esm.record_bytes")
            self._sizes = sizes(parts.scenario, parts.taken, parts.ledger, record_bytes)
        return self._sizes
