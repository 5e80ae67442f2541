"""Builds the quotas of publishes, where producers may go beyond them."""

from simulator.aws.quotas import TokenBucket
from simulator.aws.sns.quotas import PublishQuota, bucket
from simulator.engine.taken import Taken
from simulator.scenario.publish_rates import quota_of, throttled
from simulator.scenario.schema import Scenario


class PublishQuotas:
    """Who may be throttled (``throttled``, names of producers), and by which quotas."""

    def __init__(self, scenario: Scenario, taken: Taken) -> None:
        self._scenario = scenario
        self._taken = taken
        self.throttled = throttled(scenario)
        self._accounts: dict[tuple[str | None, str], TokenBucket | None] = {}
        self._topics: dict[str, PublishQuota] = {}

    def of(self, name: str) -> PublishQuota:
        """The quotas of publishes to the topic *name*; the account's is shared by its topics of one type."""
        if name not in self._topics:
            self._topics[name] = self._quota(name)
        return self._topics[name]

    def _quota(self, name: str) -> PublishQuota:
        topic, rule = self._scenario.topics[name], quota_of(self._scenario, name)
        account = (topic.account, rule)
        if account not in self._accounts:
            self._accounts[account] = self._bucket(rule)
        if topic.type == "standard":
            return PublishQuota(self._accounts[account])
        whole = topic.fifo_throughput_scope == "topic"
        return PublishQuota(
            self._accounts[account],
            topic=self._bucket("sns.fifo.topic_tps") if whole else None,
            topic_bytes=self._bucket("sns.fifo.topic_bytes") if whole else None,
            group_per_s=self._taken.rule("sns.fifo.group_tps"),
            burst_us=self._taken.rule("sns.publish_burst"),
        )

    def _bucket(self, rule: str) -> TokenBucket | None:
        per_s = self._taken.rule(rule)
        return None if per_s is None else bucket(int(per_s), self._taken.rule("sns.publish_burst"))
