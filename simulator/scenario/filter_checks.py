"""Filters against what is said: those that let nothing through are mistakes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from simulator.scenario.filters import ATTRIBUTES, Sayable, passes, said_by, worked
from simulator.scenario.problems import Finding, nearest_or_known
from simulator.scenario.sends import comes_to, sent_on

if TYPE_CHECKING:
    from simulator.scenario.functions import EventSource
    from simulator.scenario.schema import Scenario
    from simulator.scenario.subscriptions import Subscription


def reaching(
    scenario: "Scenario", queue: str, seen: frozenset[str] = frozenset()
) -> dict[str, tuple[Sayable, bool]]:
    """Give what may come into *queue*, by its source: what it says, and whether without SNS's envelope.

    Sources are producers and standing backlogs (``queues.<name>/backlog``), also those of queues whose
    dead letters come here.
    """
    found: dict[str, tuple[Sayable, bool]] = {}
    for name, producer in scenario.producers.items():
        if producer.target == queue and producer.target not in scenario.topics:
            found[name] = (producer.said, True)
        elif topic := scenario.topics.get(producer.target):
            for subscription in topic.subscriptions.values():
                if subscription.queue == queue:
                    found[name] = (producer.said, subscription.raw_message_delivery)
    own = scenario.queues.get(queue)
    if own is not None and own.backlog is not None:
        found[f"queues.{queue}/backlog"] = (own.backlog, True)
    sources = [name for name, one in scenario.queues.items() if one.redrive and one.redrive.queue == queue]
    sources += [task.source for task in scenario.redrive_tasks.values() if task.destination == queue]
    for source in sources:
        if source not in seen and source in scenario.queues:
            found = reaching(scenario, source, seen | {queue}) | found
    return found


def filter_findings(scenario: "Scenario", broken: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    """Find filters that let nothing through, unless what they should meet is among the *broken* things."""
    if any(section == "producers" for section, _ in broken):
        return
    for topic_name, topic in scenario.topics.items():
        said = [one.said for one in scenario.producers.values() if one.target == topic_name]
        for name, subscription in topic.subscriptions.items():
            path = ("topics", topic_name, "subscriptions", name, "filter_policy")
            if said and not sent_on(scenario, topic_name):
                yield from _of_subscription(path, topic_name, subscription, said)
    for name, function in scenario.functions.items() if not broken else ():
        for queue, source in function.event_sources.items():
            if source.filters:
                yield from _of_source(
                    ("functions", name, "event_sources", queue, "filters"), scenario, queue, source
                )


def _of_subscription(
    path: tuple[str, ...], topic: str, subscription: "Subscription", said: Sequence[Any]
) -> Iterator[Finding]:
    policy, scope = subscription.filter_policy, subscription.filter_policy_scope
    if not policy or any(any(passes(policy, scope, one)) for one in said):
        return
    if scope != ATTRIBUTES and all(one.body is None for one in said):
        yield Finding(path, f"lets nothing through: no producer of {topic} has a message.body to look at")
        return
    deaf = [
        key for key, value in policy.items() if not any(any(passes({key: value}, scope, one)) for one in said)
    ]
    for key in deaf:
        yield Finding((*path, key), _why(key, policy[key], topic, scope == ATTRIBUTES, said))
    if not deaf:
        yield Finding(path, f"lets nothing through: no producer of {topic} sends such values together")


def _why(key: str, entries: Any, topic: str, of_attributes: bool, said: Sequence[Any]) -> str:
    """Say why a key of a policy matches nothing that producers say."""
    known = {name for one in said for name in (one.attributes if of_attributes else one.body or ())}
    if key not in known and key != "$or":
        what = "an attribute that no producer of" if of_attributes else "a key that no body of a producer of"
        does = "sends" if of_attributes else "has"
        return f"is {what} {topic} {does}; {nearest_or_known(key, sorted(known))}"
    message = f"lets nothing through: no producer of {topic} sends such a value"
    words = [one for one in entries if isinstance(one, str)] if isinstance(entries, list) else []
    if not of_attributes or key == "$or":
        return message
    values = sorted({value for one in said for value in one.attributes.get(key, ())})
    kinds = {
        found.attributes[key]["type"] for one in said for found in said_by(one)[:1] if key in found.attributes
    }
    if kinds == {"Number"} and (quoted := [word for word in words if word in values]):
        return f"{message}; {key} is a Number attribute: write {quoted[0]} without quotes"
    nearest = nearest_or_known(words[0], values) if words else f"known: {', '.join(values[:12])}"
    return f"{message}; {nearest}"


def _of_source(
    path: tuple[str, ...], scenario: "Scenario", queue: str, source: "EventSource"
) -> Iterator[Finding]:
    if comes_to(scenario, queue):
        return
    reached, patterns = reaching(scenario, queue), source.filters or ()
    through = [any(worked(patterns, one, raw=raw)) for one, raw in reached.values()]
    if not reached or any(through):
        return
    message = f"let nothing through: of all that comes into {queue} nothing fits, and it would be deleted"
    if any(not raw and any(worked(patterns, one)) for one, raw in reached.values()):
        message += "; the bodies are in SNS's envelope: give the subscription raw_message_delivery: true"
    elif all(getattr(one, "body", None) is None for one, _ in reached.values()):
        message += "; no message has a body in JSON: give producers a message.body"
    yield Finding(path, message)
