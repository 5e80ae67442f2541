"""What consumers send on when they have worked a message: the hops of a pipeline."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from simulator.scenario.bodies import Body, Shares, bodies_of, shares_of
from simulator.scenario.distributions import SizeDistribution, largest
from simulator.scenario.filters import Said, said_by
from simulator.scenario.problems import Finding, read_at, refuse
from simulator.scenario.producers import Group
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.units import COUNT, SHARE, Name, write_size
from simulator.scenario.workflows import called

if TYPE_CHECKING:
    from simulator.scenario.functions import Function
    from simulator.scenario.schema import Scenario
    from simulator.scenario.workers import Workers

SOURCE: Final = "sends"
"""By this name the ledger knows the messages that consumers send, whoever it was."""
SENDERS: Final = ("functions", "auto_scaling_groups", "ecs_services", "deployments")
_MOST: Final = 100


def _counts(value: object) -> dict[int, float]:
    """Read a whole number, or a map of whole numbers to shares of which one may be the rest."""
    if not isinstance(value, Mapping):
        shares = {str(COUNT.parse(value)): 1.0}
    else:
        shares = shares_of({str(key): share for key, share in value.items()})
    counts: dict[int, float] = {}
    for word, share in shares.items():
        place = (word,) if isinstance(value, Mapping) else ()
        number = read_at(place, COUNT.parse, word)
        if number > _MOST:
            raise refuse(Finding(place, f"is {number}; allowed: 0 to {_MOST}"))
        counts[number] = share
    return counts


Counts = Annotated[
    dict[int, float],
    SHARE,
    BeforeValidator(_counts),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["integer", "string"]},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    ),
]


class Send(Spec):
    """Messages a consumer sends for each message it has worked, before it deletes that one."""

    to: Name = required("the topic or queue it sends to, or the function it invokes asynchronously")
    count: Counts = option(
        "messages for each one worked: a number, or numbers with shares such as `{0: 30%, 1: rest}`",
        default=1,
        what="a number, or a map of numbers to shares",
    )
    size: SizeDistribution = option("body and attributes together", default="1KiB")
    group: Group | None = option("ordering key; that of the message worked if left out")
    attributes: dict[Name, Shares] | None = option(
        "each attribute's values with their shares; those of the message worked if left out",
        what="map of names to values with shares",
    )
    body: Body | None = option("a small JSON object, as that of a producer's messages", what="map")

    @property
    def mean_count(self) -> float:
        """Messages for each one worked, on average."""
        return sum(count * share for count, share in self.count.items())


class Sender(NamedTuple):
    """A consumer that sends."""

    section: str
    name: str
    given: "Function | Workers"

    @property
    def path(self) -> str:
        """Its path, as rows name it."""
        return f"{self.section}.{self.name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The queues it works."""
        sources = getattr(self.given, "event_sources", None)
        return tuple(sources) if sources is not None else self.given.queues  # type: ignore[union-attr]


def senders(scenario: "Scenario") -> Iterator[Sender]:
    """Give every consumer that sends."""
    for section in SENDERS:
        for name, given in getattr(scenario, section, {}).items():
            if given.sends:
                yield Sender(section, name, given)


def end_of(scenario: "Scenario", send: Send) -> str:
    """Give the section of what a send goes to; "" where nothing has that name."""
    sections = ("topics", "queues", "functions", "workflows")
    return next((section for section in sections if send.to in getattr(scenario, section)), "")


def invoked_by_sends(scenario: "Scenario") -> frozenset[str]:
    """Give the functions that consumers invoke asynchronously."""
    return frozenset(
        send.to
        for sender in senders(scenario)
        for send in sender.given.sends.values()
        if end_of(scenario, send) == "functions"
    )


def reached(scenario: "Scenario", send: Send) -> Iterator[tuple[str, str, Any]]:
    """Give what a send comes to: ``queues`` or ``functions``, the name, and by which subscription."""
    section = end_of(scenario, send)
    if section != "topics":
        if section:
            yield section, send.to, None
        return
    for subscription in scenario.topics[send.to].subscriptions.values():
        for kind in ("queue", "function"):
            if (name := getattr(subscription, kind)) is not None:
                yield f"{kind}s", name, subscription


def workers_of(scenario: "Scenario", section: str, name: str) -> list[Sender]:
    """Give the senders that work what comes to a queue, or to a function directly."""
    return [
        sender
        for sender in senders(scenario)
        if (section == "queues" and name in sender.inputs) or sender.path == f"{section}.{name}"
    ]


def speaks(scenario: "Scenario") -> bool:
    """Whether anything says messages while a run goes on: consumers that send, tasks of workflows."""
    return bool(scenario.workflows) or any(senders(scenario))


def comes_to(scenario: "Scenario", queue: str) -> bool:
    """Whether a consumer or a task of a workflow sends to *queue*, directly or by a topic."""
    if scenario.workflows and _by_task(scenario, queue):
        return True
    return any(
        (section, name) == ("queues", queue)
        for sender in senders(scenario)
        for send in sender.given.sends.values()
        for section, name, _ in reached(scenario, send)
    )


def _by_task(scenario: "Scenario", queue: str) -> bool:
    return queue in called(scenario, "queue") or any(
        subscription.queue == queue
        for topic in called(scenario, "topic") & scenario.topics.keys()
        for subscription in scenario.topics[topic].subscriptions.values()
    )


def sent_on(scenario: "Scenario", topic: str) -> bool:
    """Whether a consumer or a task of a workflow publishes to *topic*."""
    if scenario.workflows and topic in called(scenario, "topic"):
        return True
    return any(
        send.to == topic and end_of(scenario, send) == "topics"
        for sender in senders(scenario)
        for send in sender.given.sends.values()
    )


def comes_raw(scenario: "Scenario", queue: str) -> bool:
    """Whether what consumers send to *queue* comes without SNS's envelope."""
    return all(
        subscription is None or subscription.raw_message_delivery
        for sender in senders(scenario)
        for send in sender.given.sends.values()
        for section, name, subscription in reached(scenario, send)
        if (section, name) == ("queues", queue)
    )


def loops(scenario: "Scenario") -> list[tuple[Sender, ...]]:
    """Give the cycles: senders of which each sends to the next, and the last to the first, shortest first."""
    after = {
        sender.path: [
            other
            for send in sender.given.sends.values()
            for section, name, _ in reached(scenario, send)
            for other in workers_of(scenario, section, name)
        ]
        for sender in senders(scenario)
    }
    found: dict[frozenset[str], tuple[Sender, ...]] = {}
    for start in senders(scenario):
        lines: list[tuple[Sender, ...]] = [(start,)]
        seen = {start.path}
        while lines:
            line = lines.pop(0)
            for other in after[line[-1].path]:
                if other.path == start.path:
                    found.setdefault(frozenset(sender.path for sender in line), line)
                elif other.path not in seen:
                    seen.add(other.path)
                    lines.append((*line, other))
    return sorted(found.values(), key=len)


def guarded(scenario: "Scenario") -> frozenset[str]:
    """Give the functions whose turns Lambda counts: those in a cycle of functions alone.

    Workers elsewhere do not hand on the header in which Lambda counts.
    """
    return frozenset(
        sender.name
        for line in loops(scenario)
        if all(sender.section == "functions" for sender in line)
        for sender in line
        if getattr(sender.given, "recursive_loop", "") == "terminate"
    )


# -- what children say -------------------------------------------------------------------------------


class ChildWords:
    """All that children may say, each under a number of its own: their combination in the rows.

    A *base* is what a child may have of its parent: a set of attributes. Base 0 has none.

    Attributes
    ----------
    said : list of Said
        By combination.
    plain : list of int
        By base: the combination of what tasks of workflows say, which have no body.
    bases : dict
        By source: the base of each combination of what it says; those of children under `SOURCE`.
    """

    def __init__(self, scenario: "Scenario") -> None:
        self.said: list[Said] = []
        self.bases: dict[str, list[int]] = {}
        self._base_of: dict[str, int] = {}
        self._bases: list[dict[str, dict[str, str]]] = []
        self._number_of: dict[str, int] = {}
        self._base({})
        for name, producer in scenario.producers.items():
            self.bases[name] = [self._base(said.attributes) for said in said_by(producer.said)]
        for name, queue in scenario.queues.items():
            if queue.backlog is not None:
                self.bases[f"queues.{name}/backlog"] = [
                    self._base(said.attributes) for said in said_by(queue.backlog)
                ]
        given = [(sender, send) for sender in senders(scenario) for send in sender.given.sends.values()]
        for _, send in given:
            for said in self._own(send):
                self._base(said.attributes)
        self.plain = (
            [self._number(Said(dict(base), None)) for base in self._bases] if scenario.workflows else []
        )
        self._rows = {id(send): [list(self._row(send, base)) for base in self._bases] for _, send in given}
        self.bases[SOURCE] = [self._base(said.attributes) for said in self.said]

    def rows(self, send: Send) -> list[list[int]]:
        """Combinations of what *send* says, by the base of its parent and the number of its own choice."""
        return self._rows[id(send)]

    def _own(self, send: Send) -> list[Said]:
        return [] if send.attributes is None else said_by(Own(send.attributes, send.body))

    def _row(self, send: Send, base: Mapping[str, dict[str, str]]) -> Iterator[int]:
        if send.attributes is not None:
            yield from map(self._number, self._own(send))
        else:
            yield from (self._number(Said(dict(base), body)) for body in bodies_of(send.body))

    def _base(self, attributes: dict[str, dict[str, str]]) -> int:
        key = json.dumps(attributes, sort_keys=True)
        if key not in self._base_of:
            self._base_of[key] = len(self._bases)
            self._bases.append(attributes)
        return self._base_of[key]

    def _number(self, said: Said) -> int:
        key = json.dumps([said.attributes, said.body], sort_keys=True)
        if key not in self._number_of:
            self._number_of[key] = len(self.said)
            self.said.append(said)
        return self._number_of[key]


class Own(NamedTuple):
    """Attributes and body that a send gives its messages itself."""

    attributes: Mapping[str, Mapping[str, float]]
    body: Mapping[str, Any] | None


# -- what is wrong -----------------------------------------------------------------------------------


def send_findings(scenario: "Scenario", reference: Any) -> Iterator[Finding]:
    """Give what is wrong with sends; *reference* checks that a name is known."""
    for sender in senders(scenario):
        for name, send in sender.given.sends.items():
            path = (sender.section, sender.name, "sends", name)
            yield from reference((*path, "to"), send.to, "topics", "queues", "functions", "workflows")
            yield from _size(scenario, (*path, "size"), send)
            if send.to in scenario.topics and send.to in scenario.queues:
                yield Finding((*path, "to"), f"is {send.to}, both a topic and a queue; rename one")
            section = end_of(scenario, send)
            found = getattr(scenario, section, {}).get(send.to) if section else None
            needs_group = getattr(found, "type", "") == "fifo" and send.group is None
            if needs_group and (bare := _without_groups(scenario, sender)):
                kind = section.removesuffix("s")
                message = f"is missing; {kind} {send.to} is FIFO, and messages of {bare} have no group"
                yield Finding((*path, "group"), message)


def _size(scenario: "Scenario", path: tuple[str, ...], send: Send) -> Iterator[Finding]:
    rules = {"topics": "sns.max_message_bytes", "functions": "lambda.max_event_bytes"}
    most = scenario.rules.value(rules.get(end_of(scenario, send), "sqs.max_message_bytes"))
    if not 1 <= largest(send.size) <= most:
        message = f"goes to {write_size(largest(send.size))}; allowed: 1B to {write_size(most)}"
        yield Finding(path, message)


def _without_groups(scenario: "Scenario", sender: Sender) -> str:
    """Find an input of a sender that may bring messages without groups."""
    for queue in sender.inputs:
        if queue in scenario.queues and not _grouped(scenario, queue, frozenset()):
            return queue
    return "" if sender.inputs else sender.path


def _grouped(scenario: "Scenario", queue: str, seen: frozenset[str]) -> bool:
    if queue in seen or scenario.queues[queue].type == "fifo":
        return True
    ways = {queue} | {
        name
        for name, topic in scenario.topics.items()
        if any(subscription.queue == queue for subscription in topic.subscriptions.values())
    }
    groups = [one.message.group for one in scenario.producers.values() if one.target in ways]
    if scenario.queues[queue].backlog is not None:
        groups.append(scenario.queues[queue].backlog.group)  # type: ignore[union-attr]
    children = [
        send.group is not None
        or all(_grouped(scenario, one, seen | {queue}) for one in sender.inputs if one in scenario.queues)
        for sender, send in itertools.chain.from_iterable(
            [(sender, send) for send in sender.given.sends.values() if send.to in ways]
            for sender in senders(scenario)
        )
    ]
    return None not in groups and all(children)
