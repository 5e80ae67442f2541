"""Builds topics and their subscriptions."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from simulator.aws.sns.retries import aws_managed
from simulator.aws.sns.topics import FifoTopic, StandardTopic
from simulator.aws.sns.topics import Subscription as SubscriptionRules
from simulator.engine.access import Access
from simulator.engine.deliveries import EndpointLines
from simulator.engine.email import says
from simulator.engine.invocations import Invocations
from simulator.engine.queues import Queues
from simulator.engine.taken import Taken
from simulator.processes.failed_deliveries import FailedDeliveries, Nobody
from simulator.processes.reach import Attempts, Reach
from simulator.processes.topics import Inlet, Subscription, Topic
from simulator.sampling.distributions import Constant, Distribution
from simulator.scenario import messaging as specs
from simulator.scenario import subscriptions
from simulator.scenario.filters import Said, said_by
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import SOURCE, ChildWords, speaks


class Topics:
    """The topics of a run, by name, in ``topics``."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        access: Access,
        queues: Queues,
        invocations: Invocations,
        deliveries: EndpointLines,
        failures: Callable[..., FailedDeliveries],
    ) -> None:
        self._access = access
        self._failures = failures
        self._scenario = scenario
        self._things = things
        self._taken = taken
        self._queues = queues
        self._invocations = invocations
        self._deliveries = deliveries
        self.topics = {name: self._topic(name, topic) for name, topic in scenario.topics.items()}

    def _topic(self, name: str, topic: specs.Topic) -> Topic:
        rules = self._topic_rules(topic)
        subscriptions = []
        for number, (key, subscription) in enumerate(topic.subscriptions.items()):
            path = f"topics.{name}.subscriptions.{key}"
            made = Subscription(
                self._things[path],
                self._inlet(name, key, subscription),
                self._hop(subscription),
                self._taken.stream(f"{name}/{key}/hop"),
                {
                    producer: _passes(rules.subscriptions[number], said_by(one.said))
                    for producer, one in self._scenario.producers.items()
                    if one.target == name
                }
                | self._children_pass(rules.subscriptions[number])
                | {
                    f"alarms.{alarm}": _passes(rules.subscriptions[number], [Said({}, None)])
                    for alarm in self._scenario.alarms
                }
                | {
                    f"email.{email}": _passes(rules.subscriptions[number], says())
                    for email, one in self._scenario.email.items()
                    if one.notify is not None and one.notify.topic == name
                },
            )
            made.confirmed = self._access.stands(name, subscription)
            if subscription.count is not None:
                made.subscribers, made.in_rows = subscription.count, False
            elif subscription.kind in ("queue", "function"):
                self._may_fail(made, name, path, subscription)
            subscriptions.append(made)
        return Topic(self._things[f"topics.{name}"], subscriptions, fifo=topic.type == "fifo")

    def _inlet(self, topic: str, key: str, subscription: subscriptions.Subscription) -> Inlet:
        """A subscription's way into its queue or function, or to its endpoint."""
        if subscription.queue is not None:
            return self._queues.inlet(subscription.queue)
        if subscription.function is not None:
            return self._invocations.asynchronous[subscription.function]
        if subscription.count is not None:
            return Nobody()
        return self._deliveries.lines[topic, key]

    def _may_fail(
        self, made: Subscription, topic: str, path: str, subscription: subscriptions.Subscription
    ) -> None:
        """Let deliveries to a queue or a function fail, where a policy or a fault makes them."""
        reach = self._access.delivers(topic, subscription)
        if reach.always:
            return
        rule, dead = self._taken.rule, subscription.dead_letter
        jitter = rule("sns.retry.jitter")
        jitter_key = self._taken.stream(f"{path}/jitter") if jitter else None
        made.attempts = Attempts(reach, aws_managed(), jitter_key, jitter)
        made.failures = self._failures(
            made.thing,
            made.counts,
            dead_letters=None if dead is None else self._queues.inlet(dead),
            reach=Reach() if dead is None else self._access.redrives(topic, dead),
        )
        self._queues.inlets.insert(0, made.failures)  # what fails reaches its queue within the same window

    def _hop(self, subscription: subscriptions.Subscription) -> Distribution:
        """From the publish to where a subscription's messages come to; a line has them at once."""
        if subscription.queue is not None:
            return self._taken.latency("lat.sns_to_sqs")
        if subscription.function is not None:
            return self._taken.latency("lat.sns_to_function")
        return Constant(0)

    def _children_pass(self, subscription: SubscriptionRules) -> dict[str, np.ndarray]:
        """Which of the messages that consumers publish a subscription gets, whatever topic they go to."""
        if not speaks(self._scenario):
            return {}
        return {SOURCE: _passes(subscription, ChildWords(self._scenario).said)}

    def _topic_rules(self, topic: specs.Topic) -> StandardTopic:
        fifo = topic.type == "fifo"
        rules = FifoTopic(self._taken.rule("sqs.fifo.dedup_window")) if fifo else StandardTopic()
        for subscription in topic.subscriptions.values():
            refused = rules.subscribe(
                SubscriptionRules(
                    to_fifo=subscription.queue is not None
                    and self._scenario.queues[subscription.queue].type == "fifo",
                    filter_policy=subscription.filter_policy,
                    filter_policy_scope=subscription.filter_policy_scope,
                    raw_message_delivery=subscription.raw_message_delivery,
                )
            )
            assert refused is None, refused  # a scenario with such a subscription is not loaded
        return rules


def _passes(subscription: SubscriptionRules, said: Sequence[Said]) -> np.ndarray:
    """Whether a subscription gets each combination of attribute values and bodies."""
    return np.array([subscription.accepts(one.attributes, one.text) for one in said])
