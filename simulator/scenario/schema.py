"""The scenario: what a user asks, as a frozen value with every default in place."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, PrivateAttr, StrictBool, ValidationInfo, WithJsonSchema, field_validator

from simulator.scenario import dumping, sends, work
from simulator.scenario import rules as dated_rules
from simulator.scenario.access import PolicyChange
from simulator.scenario.alarms import Alarm
from simulator.scenario.auto_scaling import AutoScalingGroup
from simulator.scenario.brokers import Broker
from simulator.scenario.deployments import Deployment
from simulator.scenario.downstreams import Downstream
from simulator.scenario.ecs_services import EcsService
from simulator.scenario.email import Email
from simulator.scenario.faults import Fault
from simulator.scenario.functions import Function
from simulator.scenario.messaging import Queue, Topic
from simulator.scenario.problems import refuse
from simulator.scenario.producers import Producer
from simulator.scenario.reading import KeyPath, Mark
from simulator.scenario.redrive import RedriveTask
from simulator.scenario.rules import Rules
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.thresholds import ThresholdText
from simulator.scenario.units import DURATION, Count, Duration, Name, Seed, Text, kind_of
from simulator.scenario.workflows import Workflow

SECTIONS: Final = (
    "producers",
    "topics",
    "queues",
    "functions",
    "auto_scaling_groups",
    "ecs_services",
    "deployments",
    "downstreams",
    "email",
    "brokers",
    "workflows",
)
_MOST_THINGS: Final = 1_000
MOST_VARIANTS: Final = 100


def _flat(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        example = "{queues.orders.type: fifo}"
        raise refuse(f"is {kind_of(value)}; a map of paths with their values is due, such as {example}")
    return value


Variant = Annotated[dict[str, Any], BeforeValidator(_flat), WithJsonSchema({"type": "object"})]
DatedRules = Annotated[Any, WithJsonSchema({"type": ["integer", "string"]})]
Discard = Annotated[
    int | Literal["auto"] | None,
    DURATION,
    BeforeValidator(lambda value: value if value in (None, "auto") else DURATION.parse(value)),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "string", "pattern": DURATION.pattern}]}),
]


class Scenario(Spec):
    """A system of AWS messaging and its traffic, with a question about it."""

    name: Name = required("its name: reports go to `reports/<name>/`", alias="scenario")
    question: Text | None = option("the question it answers, in words")
    description: Text | None = option("what else a reader should know")
    given_rules: DatedRules = option(
        "date of AWS's limits, ramps, latencies and defaults", default="2026", alias="rules", what="a year"
    )
    region: Text = option("AWS region", default="us-east-1")
    ideal: StrictBool = option(
        "no latencies, no ramps, no cold starts: the service of the textbooks", default=False
    )
    limits: dict[str, Any] = option(
        "other values for entries of the rules, by their names", default={}, what="map of rules"
    )
    free_tier: StrictBool = option(
        "costs of a month leave out what AWS gives free each month, as if nothing else used it", default=False
    )
    duration: Duration = required("how long arrivals last", low="1ms", high="400d")
    after: Literal["drain", "stop"] = option(
        "what happens when the duration ends: `drain` (go on until all is worked, at most the duration "
        "again) or `stop`",
        default="drain",
    )
    drain_from: Duration | None = option(
        "the instant from which drain is counted; the end of the last phase above the mean rate if left out",
        low="0s",
        high="400d",
    )
    discard: Discard = option(
        "start of the run that is left out of the statistics: a duration, or `auto`; for one constant phase "
        "only",
        what="a duration or `auto`",
    )
    replications: Count = option(
        "independent runs; intervals come from them", default=10, low="1", high="10000"
    )
    seed: Seed = option("seed of all chance; the same seed gives the same bytes", default=1)
    producers: dict[Name, Producer] = option("who sends", default={})
    topics: dict[Name, Topic] = option("SNS topics", default={})
    queues: dict[Name, Queue] = required("SQS queues")
    redrive_tasks: dict[Name, RedriveTask] = option(
        "message move tasks: what dead-letter queues hold is sent anew", default={}
    )
    functions: dict[Name, Function] = option("Lambda functions", default={})
    auto_scaling_groups: dict[Name, AutoScalingGroup] = option("EC2 Auto Scaling groups", default={})
    ecs_services: dict[Name, EcsService] = option("ECS services on Fargate", default={})
    deployments: dict[Name, Deployment] = option("Kubernetes deployments, scaled by KEDA", default={})
    alarms: dict[Name, Alarm] = option("CloudWatch alarms", default={})
    downstreams: dict[Name, Downstream] = option(
        "systems that consumers call: databases, APIs of others", default={}
    )
    email: dict[Name, Email] = option("SES accounts that consumers send mails through", default={})
    workflows: dict[Name, Workflow] = option("state machines of Step Functions, workflows of SWF", default={})
    brokers: dict[Name, Broker] = option("brokers of Amazon MQ for ActiveMQ", default={})
    access: dict[Name, PolicyChange] = option(
        "policies that do not allow what they should, from when to when", default={}
    )
    faults: dict[Name, Fault] = option("what goes wrong when", default={})
    thresholds: tuple[ThresholdText, ...] = option(
        "promises; the exit status says whether they hold", default=[], what="list of thresholds"
    )
    variants: dict[Name, Variant] = option(
        "other versions of the scenario: paths with their values, as in --set",
        default={},
        what="map of names to maps of paths",
    )

    _rules: Rules | None = PrivateAttr(None)
    _variant: str = PrivateAttr("")
    _source: Path = PrivateAttr(Path())
    _marks: dict[KeyPath, Mark] = PrivateAttr({})

    @property
    def rules(self) -> Rules:
        """AWS's rules for this run: dated, with the scenario's limits, ideal or not."""
        return self._rules or dated_rules.dated()

    @property
    def rules_name(self) -> str:
        """The date of the rules."""
        return self.rules.name

    @property
    def variant(self) -> str:
        """Name of the variant that is in place; "" for the base."""
        return self._variant

    @property
    def source(self) -> Path:
        """The file it was read from."""
        return self._source

    @property
    def marks(self) -> dict[KeyPath, Mark]:
        """Where each of its values was written."""
        return self._marks

    def loaded(self, source: Path, rules: Rules, variant: str, marks: dict[KeyPath, Mark]) -> None:
        """Remember where it comes from."""
        self._source, self._rules, self._variant, self._marks = source, rules, variant, marks
        work.weigh(self._works(), self._sent())

    def _works(self) -> Iterator[work.Work]:
        for function in self.functions.values():
            yield function.work
        for fleets in (self.auto_scaling_groups, self.ecs_services, self.deployments):
            for fleet in fleets.values():
                yield from (fleet.work, *fleet.work_by_queue.values())

    def _sent(self) -> list[tuple[float, Mapping[str, Mapping[str, float]]]]:
        """The messages expected of everybody who sends some, with the shares of their attributes' values."""
        sent: list[tuple[float, Mapping[str, Mapping[str, float]]]] = [
            (producer.expected(self.duration), producer.traits) for producer in self.producers.values()
        ]
        backlogs = [queue.backlog for queue in self.queues.values() if queue.backlog is not None]
        total = sum(messages for messages, _ in sent)
        sent += [
            (total * send.mean_count, send.attributes)
            for sender in sends.senders(self)
            for send in sender.given.sends.values()
            if send.attributes is not None
        ]
        return sent + [(float(backlog.messages), backlog.attributes) for backlog in backlogs]

    def dead_letter_queues(self) -> frozenset[str]:
        """Give the names of the dead-letter queues: of queues, of subscriptions, of functions."""
        found = {queue.redrive.queue for queue in self.queues.values() if queue.redrive}
        for topic in self.topics.values():
            found |= {one.dead_letter for one in topic.subscriptions.values() if one.dead_letter is not None}
        for function in self.functions.values():
            asynchronous = function.asynchronous
            for destination in (asynchronous.dead_letter, asynchronous.on_failure):
                if destination is not None and destination.queue is not None:
                    found.add(destination.queue)
        return frozenset(found)

    def dump(self) -> dict[str, Any]:
        """Give the scenario with its defaults in its own words and units; it reads back as itself."""
        return dumping.words(self)

    @field_validator("region")
    @classmethod
    def _region_looks_like_one(cls, value: str) -> str:
        parts = value.split("-")
        if len(parts) < 3 or not parts[-1].isdigit() or not all(part.isalnum() for part in parts):
            raise refuse(f"is {value}; a region such as us-east-1 is due")
        return value

    @field_validator(*SECTIONS, "variants", mode="after")
    @classmethod
    def _not_too_many(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        most = MOST_VARIANTS if info.field_name == "variants" else _MOST_THINGS
        if len(value) > most:
            raise refuse(f"has {len(value):,} entries; at most {most:,} are allowed")
        return value
