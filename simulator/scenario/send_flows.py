"""How many messages consumers send on, as expected: what each message of a producer brings about."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from simulator.scenario.filters import judge, said_by, shares_of_said
from simulator.scenario.fleets import fleets
from simulator.scenario.sends import (
    SOURCE,
    ChildWords,
    Own,
    Send,
    Sender,
    guarded,
    loops,
    reached,
    senders,
)

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

_MOST_HOPS: Final = 64
"""A loop that nothing ends is followed no further."""
_NOTHING: Final = 1e-9
_ENDLESS: Final = 1e12

Place = tuple[str, str]
"""``queues`` or ``functions``, and a name."""
Rates = dict[Place, dict[int, float]]
"""Messages that come to a place, by what their children may have of them."""


def children_of(scenario: "Scenario", producer: str) -> dict[Place, float]:
    """Give the messages that consumers send to each place for one message of *producer*, all hops together.

    All attempts are taken to succeed in the end, and consumers of one queue to share it evenly.
    """
    if not any(senders(scenario)):
        return {}
    flows = _Flows(scenario)
    coming, total = flows.first(producer), dict[Place, float]()
    for _ in range(_hops(scenario)):
        coming = flows.next(coming)
        for place, rates in coming.items():
            total[place] = total.get(place, 0.0) + sum(rates.values())
        if not _NOTHING < sum(sum(rates.values()) for rates in coming.values()) < _ENDLESS:
            break
    return total


def _hops(scenario: "Scenario") -> int:
    """How often a message is sent on at most: Lambda ends loops of functions."""
    circles, held = loops(scenario), guarded(scenario)
    limit = scenario.rules.value("lambda.loop_limit")
    if circles and limit is not None and all(held & {one.name for one in circle} for circle in circles):
        return int(limit) * max(map(len, circles))
    return _MOST_HOPS


class _Flows:
    def __init__(self, scenario: "Scenario") -> None:
        self._scenario = scenario
        self._words = ChildWords(scenario)
        self._senders = list(senders(scenario))

    def first(self, name: str) -> Rates:
        """What one message of a producer brings to places itself."""
        producer = self._scenario.producers[name]
        coming: Rates = {}
        shares = shares_of_said(producer.said)
        given = Send.model_construct(to=producer.target)
        for base, said, share in zip(self._words.bases[name], said_by(producer.said), shares, strict=True):
            for section, end, subscription in reached(self._scenario, given):
                if (
                    subscription is None
                    or judge(subscription.filter_policy, subscription.filter_policy_scope, said).accepted
                ):
                    rates = coming.setdefault((section, end), {})
                    rates[base] = rates.get(base, 0.0) + share
        return coming

    def next(self, coming: Rates) -> Rates:
        """What is sent on for what comes."""
        after: Rates = {}
        for place, rates in coming.items():
            for sender in self._senders:
                if part := self._part(sender, place):
                    for send in sender.given.sends.values():
                        self._add(after, send, rates, part)
        return after

    def _part(self, sender: Sender, place: Place) -> float:
        """The share of what comes to a place that a sender works."""
        section, name = place
        if section == "functions":
            return float(sender.path == f"functions.{name}")
        consumers = sum(name in function.event_sources for function in self._scenario.functions.values())
        consumers += sum(name in fleet.queues for _, _, fleet in fleets(self._scenario))
        return (name in sender.inputs) / consumers if consumers else 0.0

    def _add(self, after: Rates, send: Send, rates: Mapping[int, float], part: float) -> None:
        rows, bases = self._words.rows(send), self._words.bases[SOURCE]
        shares = shares_of_said(Own(send.attributes or {}, send.body))
        for base, rate in rates.items():
            for number, share in zip(rows[base], shares, strict=True):
                each = rate * part * share * send.mean_count
                said = self._words.said[number]
                for section, end, subscription in reached(self._scenario, send):
                    if (
                        subscription is None
                        or judge(subscription.filter_policy, subscription.filter_policy_scope, said).accepted
                    ):
                        there = after.setdefault((section, end), {})
                        there[bases[number]] = there.get(bases[number], 0.0) + each
