"""The calls of a script: boto3's parameters in snake case, names where AWS has URLs and handles."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from simulator.client import script_words as words
from simulator.client.attributes import queue_arn
from simulator.client.script_words import ACTIONS, ENTRY, REFERENCE, SUBSCRIPTION, Reference, Step
from simulator.client.sns import SNS
from simulator.scenario.problems import nearest_or_known
from simulator.scenario.reading import KeyPath
from simulator.scenario.units import NAME, kind_of

if TYPE_CHECKING:
    from simulator.client.script_file import Reader

_SECONDS: Final = ("DelaySeconds", "WaitTimeSeconds", "VisibilityTimeout")
_WHOLE: Final = ("MaxNumberOfMessages", "MaxNumberOfMessagesPerSecond", "MaxResults")
_LISTS: Final = ("AttributeNames", "MessageSystemAttributeNames", "MessageAttributeNames")
_QUEUES: Final = ("QueueUrl", "SourceArn", "DestinationArn")
_ALIASES: Final = {
    "queue_url": "queue",
    "topic_arn": "topic",
    "source_arn": "source",
    "destination_arn": "destination",
}
_LONGEST_S: Final = 400 * 86_400
_THINGS: Final = ("queue", "topic", "source", "destination")
_CREATE: Final = {"create_queue": ("QueueName", "FifoQueue"), "create_topic": ("Name", "FifoTopic")}
"""Calls after which there is another queue or topic: its name, and the attribute that makes it FIFO."""


class Steps:
    """Reads the list under ``script:``; *reader* knows the queues and topics and collects what is wrong."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader
        self._saved: dict[str, str] = {}
        self._convert: dict[str, Callable[[KeyPath, str, Any], Any]] = {
            "Entries": self._entries,
            "MessageAttributes": self._message_attributes,
            "ReceiptHandle": self._handle,
            "TaskHandle": self._task,
            "TopicArn": self._topic,
        }

    def read(self, value: Any) -> list[Step]:
        """Read all steps; their times do not go back."""
        if not isinstance(value, list) or not value:
            what = "is missing" if value is None else f"is {kind_of(value)}"
            self._reader.say(
                ("script",), f"{what}; a list of calls is due, such as {{at: 0s, purge_queue: {{queue: q}}}}"
            )
            return []
        steps: list[Step] = []
        for place, given in enumerate(value):
            step = self._step(("script", place), given)
            if step is None:
                continue
            if steps and step.at < steps[-1].at:
                self._reader.say(
                    ("script", place, "at"), "goes back; calls stand in the order of their times"
                )
            steps.append(step)
        return steps

    def _step(self, path: KeyPath, given: Any) -> Step | None:
        reader = self._reader
        data = reader.map(path, given, ("at", "as", *ACTIONS))
        actions = [key for key in data if key in ACTIONS]
        if len(actions) != 1:
            if data or isinstance(given, Mapping):
                what = "has no call" if not actions else f"has {len(actions)} calls"
                reader.say(path, f"{what}; a step has an at and one call, such as send_message")
            return None
        if "at" not in data:
            reader.say(path, "has no at: when the call is made, such as at: 0s")
        at = reader.take((*path, "at"), words.seconds, data.get("at", 0)) or 0
        if not 0 <= at <= _LONGEST_S:
            reader.say((*path, "at"), f"is {at:g}; allowed: 0s to {_LONGEST_S // 86_400}d")
        name = ""
        if "as" in data:
            name = reader.take((*path, "as"), NAME.parse, str(data["as"])) or ""
            if name in self._saved:
                reader.say((*path, "as"), f"is {name}, as an earlier step is")
        action, given = actions[0], data[actions[0]]
        parameters = self._parameters((*path, action), action, given)
        if name:
            self._saved[name] = action
        words_of = given if isinstance(given, Mapping) else {}
        about = {word: str(words_of[key]) for key in words_of if (word := _ALIASES.get(key, key)) in _THINGS}
        return Step(round(min(max(0, at), _LONGEST_S) * words.SECOND), action, parameters, name, about)

    def _parameters(self, path: KeyPath, action: str, given: Any) -> dict[str, Any]:
        reader = self._reader
        if action == "subscribe":
            return self._subscribe(path, given)
        _, named, needed = ACTIONS[action]
        aliases = [alias for alias, word in _ALIASES.items() if word in named]
        known = [*named, *(["type"] if action in _CREATE else []), *aliases]
        data = reader.map(path, given, known)
        parameters: dict[str, Any] = {}
        for key, value in data.items():
            word = _ALIASES.get(key, key)
            if word not in named:
                if key != "type":
                    reader.say(
                        (*path, key), f"is not a parameter of {action}; {nearest_or_known(key, named)}"
                    )
                continue
            parameters[named[word]] = self._value((*path, key), action, named[word], value, data)
        for word in sorted(needed - {_ALIASES.get(key, key) for key in data}):
            reader.say(path, f"has no {word}")
        if action in _CREATE:
            self._create(path, action, data, parameters)
        elif "QueueName" in parameters:
            parameters["QueueName"] = reader.full(parameters["QueueName"])
        return parameters

    def _create(
        self, path: KeyPath, action: str, data: Mapping[str, Any], parameters: dict[str, Any]
    ) -> None:
        """Let later steps know the queue or topic that this one creates."""
        reader, name_key, fifo_key = self._reader, *_CREATE[action]
        if data.get("type", "standard") not in ("standard", "fifo"):
            reader.say((*path, "type"), f"is {kind_of(data['type'])}; allowed: standard, fifo")
        name = str(parameters.get(name_key, ""))
        fifo = data.get("type") == "fifo" or name.endswith(".fifo")
        names = reader.fifo if action == "create_queue" else reader.topics
        names[name] = fifo
        if fifo:
            parameters[name_key] = f"{name.removesuffix('.fifo')}.fifo"
            parameters["Attributes"] = {**(parameters.get("Attributes") or {}), fifo_key: "true"}

    def _value(self, path: KeyPath, action: str, name: str, value: Any, data: Mapping[str, Any]) -> Any:
        reader = self._reader
        if name in self._convert:
            return self._convert[name](path, action, value)
        if name in _QUEUES:
            return self._queue(path, name, value)
        if name in _SECONDS:
            return reader.take(path, words.seconds, value)
        if name in _WHOLE:
            return reader.take(path, words.whole, value)
        if name in _LISTS:
            listed = value if isinstance(value, list) else [value]
            return [str(one) for one in listed]
        if name == "Attributes" and action in ("create_queue", "set_queue_attributes"):
            queue = str(data.get("queue", data.get("queue_url", data.get("queue_name", ""))))
            fifo = reader.fifo.get(queue, data.get("type") == "fifo" or queue.endswith(".fifo"))
            return reader.attributes(path, value, (), fifo)
        if name == "Attributes":
            return self._topic_attributes(path, value)
        return reader.text(path, value)

    def _queue(self, path: KeyPath, name: str, value: Any) -> str:
        queue = str(value)
        if queue not in self._reader.fifo:
            self._reader.say(path, self._reader.unknown("queue", queue))
        full = self._reader.full(queue)
        return full if name == "QueueUrl" else queue_arn(full)

    def _topic(self, path: KeyPath, action: str, value: Any) -> str:
        topic = str(value)
        if topic not in self._reader.topics:
            self._reader.say(path, self._reader.unknown("topic", topic))
        return self._reader.full_topic(topic)

    def _topic_attributes(self, path: KeyPath, value: Any) -> dict[str, str]:
        names = {"content_based_deduplication": "ContentBasedDeduplication", "fifo_topic": "FifoTopic"}
        given = self._reader.map(path, value, (*names, *names.values()))
        read = {key: self._reader.take((*path, key), words.truth, one) for key, one in given.items()}
        return {names.get(key, key): str(one).lower() for key, one in read.items()}

    def _subscribe(self, path: KeyPath, given: Any) -> dict[str, Any]:
        data = self._reader.map(path, given, ("topic", *SUBSCRIPTION))
        if "topic" not in data:
            self._reader.say(path, "has no topic")
        topic = str(data.get("topic", ""))
        if "topic" in data:
            self._topic((*path, "topic"), "subscribe", topic)
        return self._reader.subscription(path, topic, data)

    def _handle(self, path: KeyPath, action: str, value: Any) -> Any:
        """``r1[0]``: the handle of message 0 of the receive saved as r1; any other text is the handle."""
        text = str(value)
        found = REFERENCE.fullmatch(text)
        if found is None:
            return text
        receives = [name for name, call in self._saved.items() if call == "receive_message"]
        if found[1] not in receives:
            said = f"is {text}, and no earlier receive_message is saved as {found[1]}"
            self._reader.say(path, f"{said}; {nearest_or_known(found[1], receives)}")
        return Reference(found[1], int(found[2]))

    def _task(self, path: KeyPath, action: str, value: Any) -> Any:
        text = str(value)
        return Reference(text, None) if self._saved.get(text) == "start_message_move_task" else text

    def _entries(self, path: KeyPath, action: str, value: Any) -> list[dict[str, Any]]:
        reader = self._reader
        if not isinstance(value, list):
            reader.say(path, f"is {kind_of(value)}; a list of entries is due")
            return []
        entries = []
        for place, given in enumerate(value):
            at = (*path, place)
            data = reader.map(at, given, ENTRY[action])
            entry = {
                _camel(word): self._value((*at, word), action, _camel(word), one, data)
                for word, one in data.items()
            }
            for word in ("id", *(word for word in ENTRY[action] if word == "receipt_handle")):
                if word not in data:
                    reader.say(at, f"has no {word}")
            entries.append(entry)
        return entries

    def _message_attributes(self, path: KeyPath, action: str, value: Any) -> dict[str, dict[str, str]]:
        """boto3's shape, or just a text: ``kind: order``."""
        reader = self._reader
        shapes: dict[str, dict[str, str]] = {}
        if not isinstance(value, Mapping):
            reader.say(path, f"is {kind_of(value)}; a map of attributes is due")
            return shapes
        for name, given in value.items():
            at = (*path, name)
            if isinstance(given, Mapping):
                data = reader.map(at, given, ("data_type", "string_value", "DataType", "StringValue"))
                shapes[name] = {_camel(word): reader.text((*at, word), one) for word, one in data.items()}
            else:
                shapes[name] = {"DataType": "String", "StringValue": reader.text(at, given)}
        return shapes


def _camel(word: str) -> str:
    """boto3's name for a word: ``receipt_handle`` is ``ReceiptHandle``."""
    return "".join(part[:1].upper() + part[1:] for part in word.split("_"))


CLIENT_OF: Final = {action: "sns" if found[0] is SNS else "sqs" for action, found in ACTIONS.items()}
"""Which client makes a call."""
