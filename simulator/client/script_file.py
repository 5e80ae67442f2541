"""From the file of a script to what it says, or to everything that is wrong with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticCustomError

from simulator.client import script_words as words
from simulator.client.attributes import queue_arn
from simulator.client.script_steps import Steps
from simulator.client.script_words import QUEUE, Step
from simulator.client.subscriptions import SCOPES
from simulator.scenario.problems import (
    Finding,
    Problem,
    ScenarioError,
    findings_of,
    nearest_or_known,
    refuse,
    shown,
)
from simulator.scenario.reading import Document, KeyPath, mark_at, read
from simulator.scenario.rules import DEFAULT, Rules, dated, known
from simulator.scenario.units import NAME, NAME_RULE, SEED, kind_of

KEYS: Final = ("description", "ideal", "seed", "rules", "limits", "queues", "topics", "script")


@dataclass
class Script:
    """What a script says, in AWS's names: queues in an order in which they can be created."""

    file: Path
    rules: Rules
    ideal: bool = False
    seed: int = 42
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    document: Document = field(default_factory=lambda: Document({}))


def load(path: Path) -> Script:
    """Read a script.

    Raises
    ------
    ScenarioError
        With every problem found, each naming its place.
    """
    document = read(path)
    reader = Reader(path, document)
    script = reader.script()
    if reader.found:
        raise ScenarioError(sorted(map(reader.problem, reader.found), key=lambda one: one.line))
    return script


class Reader:
    """Reads the parts of a script and collects what is wrong with them."""

    def __init__(self, path: Path, document: Document) -> None:
        self.found: list[Finding] = []
        self._path = path
        self.document = document
        self.fifo: dict[str, bool] = {}  # of each queue by its name
        self.topics: dict[str, bool] = {}
        self._rules = dated()

    def problem(self, finding: Finding) -> Problem:
        """Give a finding its line."""
        mark = mark_at(self.document.marks, finding.path)
        return Problem(mark.file, mark.line, ".".join(map(str, finding.path)), finding.message)

    def script(self) -> Script:
        """Read all of it."""
        data = self.map((), self.document.value, KEYS)
        script = Script(self._path, self._rules, document=self.document)
        script.rules = self._rules = self._read_rules(data)
        if "ideal" in data:
            script.ideal = bool(self.take(("ideal",), words.truth, data["ideal"]))
        if "seed" in data:
            script.seed = self.take(("seed",), SEED.parse, data["seed"]) or 0
        queues = self._named("queues", data)
        topics = self._named("topics", data)
        self.fifo = {name: isinstance(one, Mapping) and _is_fifo(one) for name, one in queues.items()}
        self.topics = {name: isinstance(one, Mapping) and _is_fifo(one) for name, one in topics.items()}
        made = {name: self._queue(("queues", name), name, one) for name, one in queues.items()}
        script.queues = {self.full(name): made[name] for name in self._in_order(queues)}
        for name, given in topics.items():
            self._topic(script, ("topics", name), name, given)
        script.steps = Steps(self).read(data.get("script"))
        return script

    # -- helpers -----------------------------------------------------------------------------------

    def say(self, path: KeyPath, message: str) -> None:
        """Note what is wrong at a path."""
        self.found.append(Finding(path, message))

    def take(self, path: KeyPath, parse: Callable[[Any], Any], value: Any) -> Any:
        """What *parse* reads of a value; None, and a note, when it cannot."""
        try:
            return parse(value)
        except PydanticCustomError as error:
            self.found += [Finding((*path, *one.path), one.message) for one in findings_of(error)]
            return None

    def map(self, path: KeyPath, value: Any, known_words: Iterable[str]) -> dict[str, Any]:
        """The known keys of a map, and notes about the others."""
        known_words = list(known_words)
        if not isinstance(value, Mapping):
            self.say(path, f"is {kind_of(value)}; a map is due, with {', '.join(known_words[:8])}")
            return {}
        for key in value:
            if key not in known_words:
                self.say((*path, key), f"is not a known key; {nearest_or_known(key, known_words)}")
        return {key: value[key] for key in value if key in known_words}

    def _named(self, section: str, data: Mapping[str, Any]) -> dict[str, Any]:
        value = data.get(section, {})
        if not isinstance(value, Mapping):
            self.say((section,), f"is {kind_of(value)}; a map of names is due")
            return {}
        for name in value:
            if self.take((section, name), NAME.parse, name.removesuffix(".fifo")) is None:
                self.found[-1] = Finding((section, name), f"is no name; {NAME_RULE}")
        return dict(value)

    def text(self, path: KeyPath, value: Any) -> str:
        """A text as it was written: ``010`` stays that."""
        if isinstance(value, Mapping | list):
            self.say(path, f"is {kind_of(value)}; a text is due")
            return ""
        return mark_at(self.document.marks, path).text

    def full(self, queue: str) -> str:
        """The name of a queue on AWS: that of a FIFO queue ends with .fifo."""
        return queue if not self.fifo.get(queue) else f"{queue.removesuffix('.fifo')}.fifo"

    def _read_rules(self, data: Mapping[str, Any]) -> Rules:
        name = str(data.get("rules", DEFAULT))
        if name not in known():
            self.say(("rules",), f"is {shown(name)}; {nearest_or_known(name, known())}")
            return dated()
        limits = self.map(("limits",), data.get("limits", {}), dated(name).names())
        overridden = self.take(("limits",), dated(name).overridden, limits)
        return overridden or dated(name)

    # -- queues and topics ---------------------------------------------------------------------------

    def _in_order(self, queues: Mapping[str, Any]) -> list[str]:
        """Names of queues, each after its dead-letter queue."""
        graph: dict[str, list[str]] = {}
        for name, given in queues.items():
            redrive = (
                given.get("redrive", given.get("redrive_policy")) if isinstance(given, Mapping) else None
            )
            target = str(redrive.get("queue")) if isinstance(redrive, Mapping) else ""
            graph[name] = [target] if target in queues else []
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle = " to ".join(error.args[1])
            self.say(("queues", error.args[1][0]), f"has dead letters that go in a circle: {circle}")
            return []

    def _queue(self, path: KeyPath, name: str, given: Any) -> dict[str, Any]:
        attributes = self.attributes(path, given, ("type",), self.fifo.get(name, False))
        if isinstance(given, Mapping) and given.get("type", "standard") not in ("standard", "fifo"):
            self.say((*path, "type"), f"is {kind_of(given['type'])}; allowed: standard, fifo")
        if self.fifo.get(name):
            attributes["FifoQueue"] = "true"
        return attributes

    def attributes(self, path: KeyPath, given: Any, also: tuple[str, ...], fifo: bool) -> dict[str, Any]:
        """Attributes of a queue in AWS's names."""
        if isinstance(given, Mapping):
            known_words = [*also, *QUEUE]
            given = {key: value for key, value in given.items() if key not in also or key == "type"}
            for key in given:
                if words.attribute_word(key) not in known_words:
                    self.say((*path, key), f"is not a known key; {nearest_or_known(key, known_words)}")
        else:
            self.say(path, f"is {kind_of(given)}; a map of attributes is due")
            return {}
        attributes: dict[str, Any] = {}
        for key, value in given.items():
            word = words.attribute_word(key)
            if word in QUEUE:
                read_value = self.take((*path, key), self._attribute(word, fifo), value)
                attributes |= read_value if isinstance(read_value, dict) else {}
        return attributes

    def _attribute(self, word: str, fifo: bool) -> Callable[[Any], dict[str, Any]]:
        name = QUEUE[word]

        def parse(value: Any) -> dict[str, Any]:
            if word == "high_throughput":
                high = words.truth(value)
                scope, limit = ("messageGroup", "perMessageGroupId") if high else ("queue", "perQueue")
                return {"DeduplicationScope": scope, "FifoThroughputLimit": limit}
            if word in ("content_based_deduplication", "high_throughput"):
                return {name: str(words.truth(value)).lower()}
            if word == "redrive":
                return {name: self._redrive(value, fifo)}
            if word == "redrive_allow":
                return {name: self._redrive_allow(value)}
            if word in ("deduplication_scope", "fifo_throughput_limit", "policy"):
                return {name: value}
            return {name: words.number(self._rules, word, value)}

        return parse

    def _redrive(self, value: Any, fifo: bool) -> Any:
        if value in (None, ""):
            return ""
        if not isinstance(value, Mapping) or not set(value) <= {"queue", "max_receive_count"}:
            raise refuse(f"is {kind_of(value)}; write {{queue: NAME, max_receive_count: 3}}")
        target = str(value.get("queue", ""))
        if target not in self.fifo:
            raise refuse(Finding(("queue",) if "queue" in value else (), self.unknown("queue", target)))
        if self.fifo[target] != fifo:
            raise refuse(Finding(("queue",), f"is {target}; a dead-letter queue is of its source's type"))
        rule = self._rules.rule("sqs.queue.max_receive_count")
        count = words.whole(value.get("max_receive_count", rule.value))
        if not rule.low <= count <= rule.high:
            raise refuse(Finding(("max_receive_count",), f"is {count}; {rule.range_words()}"))
        return {"deadLetterTargetArn": queue_arn(self.full(target)), "maxReceiveCount": count}

    def _redrive_allow(self, value: Any) -> Any:
        permissions = {"allow_all": "allowAll", "deny_all": "denyAll"}
        if isinstance(value, str) and value in permissions:
            return {"redrivePermission": permissions[value]}
        if not isinstance(value, list) or not all(str(one) in self.fifo for one in value):
            raise refuse(f"is {kind_of(value)}; allow_all, deny_all or a list of queues is due")
        return {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [queue_arn(self.full(one)) for one in value],
        }

    def unknown(self, kind: str, name: str) -> str:
        """Say that a queue or topic is not there."""
        names = self.fifo if kind == "queue" else self.topics
        return f"is {shown(name)}, which is no {kind} of this script; {nearest_or_known(name, names)}"

    def _topic(self, script: Script, path: KeyPath, name: str, given: Any) -> None:
        data = self.map(path, given, ("type", "content_based_deduplication", "subscriptions"))
        fifo = self.topics[name]
        attributes = {"FifoTopic": "true"} if fifo else {}
        if "content_based_deduplication" in data:
            found = self.take(
                (*path, "content_based_deduplication"), words.truth, data["content_based_deduplication"]
            )
            attributes["ContentBasedDeduplication"] = str(found).lower()
        script.topics[f"{name}.fifo" if fifo and not name.endswith(".fifo") else name] = attributes
        for key, one in self._map_of_maps((*path, "subscriptions"), data.get("subscriptions", {})):
            subscription = self.map((*path, "subscriptions", key), one, words.SUBSCRIPTION)
            read_one = self.subscription((*path, "subscriptions", key), name, subscription)
            script.subscriptions.append(read_one)

    def _map_of_maps(self, path: KeyPath, value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, Mapping):
            self.say(path, f"is {kind_of(value)}; a map of names to subscriptions is due")
            return []
        return list(value.items())

    def subscription(self, path: KeyPath, topic: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a Subscribe."""
        attributes: dict[str, Any] = {}
        if "raw_message_delivery" in given:
            raw = self.take((*path, "raw_message_delivery"), words.truth, given["raw_message_delivery"])
            attributes["RawMessageDelivery"] = str(raw).lower()
        if "filter_policy" in given:
            policy = attributes["FilterPolicy"] = given["filter_policy"]
            if not isinstance(policy, Mapping):
                self.say((*path, "filter_policy"), f"is {kind_of(policy)}; a map of keys to lists is due")
        if "filter_policy_scope" in given:
            scope = attributes["FilterPolicyScope"] = given["filter_policy_scope"]
            if scope not in SCOPES:
                self.say(
                    (*path, "filter_policy_scope"), f"is {kind_of(scope)}; allowed: {' or '.join(SCOPES)}"
                )
        if isinstance(redrive := given.get("redrive"), Mapping) and str(redrive.get("queue")) in self.fifo:
            attributes["RedrivePolicy"] = {"deadLetterTargetArn": queue_arn(self.full(str(redrive["queue"])))}
        elif "redrive" in given:
            self.say(
                (*path, "redrive"), f"is {kind_of(redrive)}; write {{queue: NAME}} of a queue that there is"
            )
        queue = str(given.get("queue", ""))
        if queue not in self.fifo:
            self.say((*path, "queue") if "queue" in given else path, self.unknown("queue", queue))
        return {
            "TopicArn": self.full_topic(topic),
            "Protocol": "sqs",
            "Endpoint": queue_arn(self.full(queue)),
            "Attributes": attributes,
        }

    def full_topic(self, topic: str) -> str:
        """The name of a topic on AWS."""
        return topic if not self.topics.get(topic) else f"{topic.removesuffix('.fifo')}.fifo"


def _is_fifo(given: Mapping[str, Any]) -> bool:
    return given.get("type") == "fifo"
