"""Builds the subscriptions that are no queue and no function: their lines, and the endpoints behind them."""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.aws.quotas import TokenBucket
from simulator.aws.sns.endpoints import MailSubscription, Spending, parts_of
from simulator.aws.sns.retries import customer_managed
from simulator.engine.access import Access
from simulator.engine.parts import Parts
from simulator.engine.taken import Taken
from simulator.processes.clock import Clock
from simulator.processes.deliveries import Deliveries, Endpoint, Way
from simulator.processes.destinations import QueueDestination
from simulator.processes.endpoints import App, Mailbox, Phone, Provider, WebServer
from simulator.processes.ledger import Ledger
from simulator.processes.reach import Reach
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Constant, Distribution
from simulator.scenario import endpoints as spec
from simulator.scenario.schema import Scenario
from simulator.scenario.subscriptions import Subscription

_NOTHING_US: Final = Constant(0)
_DOLLAR: Final = 1_000_000


class EndpointLines:
    """The lines of a run by (topic, subscription); they are made before downstreams are, and joined later."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        access: Access,
    ) -> None:
        self._access = access
        self._scenario = scenario
        self._taken = taken
        self._clock = clock
        self.lines: dict[tuple[str, str], Deliveries] = {}
        for path, topic, name in spec.endpoint_lines(scenario):
            way = self._way(path, scenario.topics[topic].subscriptions[name])
            self.lines[topic, name] = Deliveries(clock, ledger, recorder, things[path], way)

    def paths(self) -> Iterator[tuple[str, Deliveries]]:
        """Every line with its path."""
        for (topic, name), line in self.lines.items():
            yield f"topics.{topic}.subscriptions.{name}", line

    def _way(self, path: str, given: Subscription) -> Way:
        """How often, how fast and by which retries a subscription sends."""
        rule, stream = self._taken.rule, self._taken.stream
        policy, bucket, weight = customer_managed(), None, 1
        hop: Distribution = _NOTHING_US
        if given.http is not None:
            policy, hop = given.http.delivery_policy.policy(), self._taken.latency("lat.sns_to_http")
            if (rate := given.http.max_receives_per_second) is not None:
                bucket = TokenBucket(int(rate), max(1, int(rate) * rule("sns.http.burst") // 1_000_000))
        elif given.sms is not None:
            weight = parts_of(given.sms.size, rule("sns.sms.part"))
            parts_per_s = rule(f"sns.sms.{given.sms.sender}")
            bucket = TokenBucket(parts_per_s, max(weight, parts_per_s))
        return Way(
            policy,
            rule("sns.retry.jitter"),
            stream(f"{path}/jitter"),
            hop,
            stream(f"{path}/hop"),
            bucket,
            weight,
        )

    # -- endpoints -------------------------------------------------------------------------------------

    def join(self, parts: Parts, topics: Mapping[str, Topic]) -> None:
        """Let the lines deliver: to the downstreams of *parts*, to mailboxes and phones."""
        for (topic, name), line in self.lines.items():
            given = self._scenario.topics[topic].subscriptions
            path = f"topics.{topic}.subscriptions.{name}"
            dead_letter = given[name].dead_letter
            subscription = topics[topic].subscriptions[list(given).index(name)]
            subscription.settles = False
            line.deliver_to(
                self._endpoint(path, given[name], parts),
                None if dead_letter is None else QueueDestination(parts.dispatchers[dead_letter]),
                Reach() if dead_letter is None else self._access.redrives(topic, dead_letter),
                subscription.counts,
            )

    def _endpoint(self, path: str, given: Subscription, parts: Parts) -> Endpoint:
        rule = self._taken.rule
        if given.http is not None:
            calls = parts.downstreams.delivered(path, given.http.downstream, rule("sns.http.timeout"))
            return WebServer(calls, given.http.client_errors, self._taken.stream(f"{path}/refuses"))
        if given.email is not None:
            subscription = MailSubscription(rule("sns.email.most_per_second"))
            return Mailbox(self._provider(path, "email", given.email.fails), subscription)
        if given.sms is not None:
            spending = Spending(round(given.sms.monthly_spend * _DOLLAR), rule("sns.sms.month"))
            price = parts_of(given.sms.size, rule("sns.sms.part")) * round(given.sms.price * _DOLLAR)
            return Phone(self._clock, self._provider(path, "sms", given.sms.fails), spending, price)
        assert given.push is not None
        return App(self._provider(path, "push", given.push.fails, given.push.disabled), given.push.ttl)

    def _provider(self, path: str, kind: str, fails: float, refuses: float = 0.0) -> Provider:
        stream = self._taken.stream
        return Provider(
            self._clock,
            self._taken.latency(f"lat.sns_to_{kind}"),
            stream(f"{path}/latency"),
            fails=fails,
            fails_key=stream(f"{path}/fails"),
            refuses=refuses,
            refuses_key=stream(f"{path}/refuses"),
        )
