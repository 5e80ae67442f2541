"""What SNS refuses about topics and subscriptions: sizes, numbers, dead-letter queues, accounts."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from simulator.scenario.distributions import largest
from simulator.scenario.messaging import Topic
from simulator.scenario.problems import Finding
from simulator.scenario.subscriptions import Subscription
from simulator.scenario.units import write_duration, write_size

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

Path = tuple[str, ...]
Reference = Callable[..., Iterator[Finding]]


def topic_findings(scenario: "Scenario", reference: Reference) -> Iterator[Finding]:
    """Give what is wrong with topics and their subscriptions; *reference* checks that a name is known."""
    for name, topic in scenario.topics.items():
        path = ("topics", name)
        if topic.type == "standard" and topic.fifo_throughput_scope != "topic":
            message = f"is {topic.fifo_throughput_scope}; {name} is standard, and only FIFO topics have it"
            yield Finding((*path, "fifo_throughput_scope"), message)
        yield from _numbers(scenario, path, topic)
        yield from _big_messages(scenario, path, topic)
        for key, subscription in topic.subscriptions.items():
            place = (*path, "subscriptions", key)
            if subscription.dead_letter is not None:
                yield from reference((*place, "dead_letter"), subscription.dead_letter, "queues")
                yield from _dead_letter(scenario, place, topic, subscription)
            yield from _accounts(scenario, place, topic, subscription)
    for name, producer in scenario.producers.items():
        sent_to = scenario.topics.get(producer.target)
        if sent_to is not None and largest(producer.message.size) > (most := most_bytes(scenario, sent_to)):
            message = (
                f"goes to {write_size(largest(producer.message.size))}; SNS allows 1B to {write_size(most)}"
            )
            if sent_to.max_message_size is None:
                message += f" unless topics.{producer.target} has a max_message_size"
            yield Finding(("producers", name, "message", "size"), message)


def most_bytes(scenario: "Scenario", topic: Topic) -> int:
    """Give the largest message a topic takes [bytes]."""
    return int(topic.max_message_size or scenario.rules.value("sns.max_message_bytes"))


def _numbers(scenario: "Scenario", path: Path, topic: Topic) -> Iterator[Finding]:
    """Check how many subscriptions a topic has."""
    rule = "sns.fifo.max_subscriptions" if topic.type == "fifo" else "sns.max_subscriptions"
    most, number = scenario.rules.value(rule), subscribers(topic)
    if number > most:
        message = f"are {number:,} in all; a {topic.type} topic has {most:,} at most"
        yield Finding((*path, "subscriptions"), message)
    for key, subscription in topic.subscriptions.items():
        if topic.type == "fifo" and (subscription.count or subscription.function):
            kind = subscription.kind
            message = "cannot stand here: a FIFO topic delivers to queues only"
            yield Finding((*path, "subscriptions", key, kind), message)


def subscribers(topic: Topic) -> int:
    """Give how many endpoints a topic delivers to."""
    return sum(subscription.count or 1 for subscription in topic.subscriptions.values())


def _big_messages(scenario: "Scenario", path: Path, topic: Topic) -> Iterator[Finding]:
    """Check what a topic may have subscribed that takes messages above the usual size."""
    rules, size = scenario.rules, topic.max_message_size
    usual, longest = rules.value("sns.max_message_bytes"), rules.value("sns.max_message_bytes_by_choice")
    if size is None or size <= usual:
        return
    place = (*path, "max_message_size")
    if size > longest:
        yield Finding(place, f"is {write_size(size)}; allowed: 1KiB to {write_size(longest)}")
    most = rules.value("sns.big_message_subscriptions")
    if subscribers(topic) > most:
        message = (
            f"is {write_size(size)}, with {subscribers(topic):,} subscriptions; above {write_size(usual)} "
        )
        yield Finding(place, f"{message}a topic has {most:,} at most")
    others = [key for key, one in topic.subscriptions.items() if one.kind not in ("queue", "function")]
    if others:
        message = (
            f"is {write_size(size)}; above {write_size(usual)} SNS delivers to queues and functions only"
        )
        yield Finding(place, f"{message}, and {others[0]} is neither")


def _dead_letter(scenario: "Scenario", place: Path, topic: Topic, one: Subscription) -> Iterator[Finding]:
    """Check the dead-letter queue of a subscription: its account, its type, and that it is another queue."""
    dead = scenario.queues.get(one.dead_letter or "")
    if dead is None:
        return
    place = (*place, "dead_letter")
    if one.count is not None:
        yield Finding(place, "has no meaning beside count: nothing is said of how these deliveries fare")
    if one.dead_letter == one.queue:
        yield Finding(place, f"is {one.dead_letter}, the queue it delivers to; give another")
    queue = scenario.queues.get(one.queue or "")
    due = queue.type if queue is not None and topic.type == "fifo" else "standard"
    if dead.type != due:
        yield Finding(place, f"is {one.dead_letter}, a {dead.type} queue; a {due} one is due here")
    if dead.account != topic.account:
        message = f"is {one.dead_letter}, in another account; it is to be in that of the topic"
        yield Finding(place, message)


def _accounts(scenario: "Scenario", place: Path, topic: Topic, one: Subscription) -> Iterator[Finding]:
    """Check what is said of a confirmation: only what the topic's owner subscribed elsewhere needs one."""
    queue = scenario.queues.get(one.queue or "")
    across = queue is not None and queue.account != topic.account
    if one.subscribed_by == "topic_owner" and not across:
        yield Finding(
            (*place, "subscribed_by"), "is topic_owner; that matters for a queue in another account only"
        )
    elif one.confirmed_at is not None and one.subscribed_by != "topic_owner":
        message = "has no meaning: only what the topic's owner subscribed in another account needs it; "
        yield Finding((*place, "confirmed_at"), f"{message}see subscribed_by")
    elif one.subscribed_by == "topic_owner" and one.confirmed_at is None:
        ttl = write_duration(scenario.rules.value("sns.confirm_ttl"))
        message = f"is missing; say when the queue's owner confirms, at most {ttl} after the start"
        yield Finding((*place, "confirmed_at"), message)
