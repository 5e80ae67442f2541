"""Builds functions with their event source mappings."""

from simulator.aws.lambda_.concurrency import Account, Environments, FunctionConcurrency
from simulator.engine.cloudwatch import declare_function
from simulator.engine.mappings import Mappings
from simulator.engine.parts import Parts
from simulator.processes.broker_mappings import BrokerMapping
from simulator.processes.functions import Function
from simulator.processes.mappings import Mapping
from simulator.scenario import functions as spec

_BURST_REFILL = "lambda.account_burst_per_minute"


class Functions:
    """The functions of a run, which share the account's concurrency, and their mappings."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._mappings = Mappings(parts)
        self.made: dict[str, Function] = {}
        if parts.scenario.functions:
            self._functions(parts.scenario.functions)

    @property
    def mappings(self) -> list[Mapping]:
        """Their event source mappings of queues of SQS."""
        return self._mappings.made

    @property
    def broker_mappings(self) -> list[BrokerMapping]:
        """Those of queues of brokers."""
        return self._mappings.at_brokers

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
            burst=self._burst(),
            burst_per_minute=rule(_BURST_REFILL) if self._parts.taken.knows(_BURST_REFILL) else 0,
        )
        for name, function in functions.items():
            concurrency = FunctionConcurrency(
                account,
                function.reserved_concurrency,
                self._environments(function),
                rule("lambda.scale_per_10s"),
                provisioned=function.provisioned_concurrency or 0,
            )
            init = self._parts.taken.durations(
                f"{name}/init", self._parts.taken.latency(f"lambda.init.{function.runtime}")
            )
            creation_us = self._creation_us() + function.init_extra
            made = Function(self._parts.clock, concurrency, function.timeout, creation_us, init)
            self.made[name] = made
            declare_function(self._parts.metrics, name, made)
            for queue, source in function.event_sources.items():
                self._mappings.add(name, function, made, queue, source)

    def _environments(self, function: spec.Function) -> Environments:
        rule = self._parts.taken.rule
        provisioned = function.provisioned_concurrency or 0
        return Environments(
            rule("lambda.idle_lifetime"),
            rule("lambda.max_environment_age"),
            provisioned=provisioned,
            ready_at=rule("lambda.provisioned_ready") if provisioned else 0,
        )

    def _burst(self) -> int | None:
        """New environments at once that all functions share, where the rules have such a limit."""
        taken = self._parts.taken
        own = f"lambda.account_burst.{self._parts.scenario.region}"
        name = own if taken.knows(own) else "lambda.account_burst.other"
        return taken.rule(name) if taken.knows(name) else None

    def _creation_us(self) -> int:
        value = self._parts.taken.rule("lambda.environment_creation")
        assert isinstance(value, int)
        return value
