"""From the rows that passes over a run have kept to one message's life."""

import itertools
from collections.abc import Mapping, Sequence

from simulator.analysis.consumers import takers_of
from simulator.analysis.life import Copy, Delivery, Invocation, Life, Silence, Stay, Wait
from simulator.analysis.trace import Deliveries, Queued, Row, Window
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit, Outcome
from simulator.scenario.endpoints import LINES
from simulator.scenario.filters import bodies_each, judge, said_by
from simulator.scenario.invoked import function_of
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import SENDERS, ChildWords, end_of, reached, senders
from simulator.scenario.subscriptions import Subscription


def windows(
    stays: Sequence[Row], deliveries: Sequence[Row], scenario: Scenario, things: Sequence[str]
) -> list[Window]:
    """Every stretch in which a copy was visible and no consumer had it, stay by stay.

    The wait before a delivery is one for the consumer that got it; one that no receive ended is for all
    consumers of the queue. A message given out twice at once has waited 0 before the second.
    """
    found = []
    for stay in stays:
        everybody = tuple(consumers_of(scenario, things, stay["queue"]))
        free_at = visible_at(stay, scenario, things)
        for row in _of_stay(stay, stays, deliveries):
            until_at = row["received_at"]
            found.append(Window(min(free_at, until_at), until_at, (row["consumer"],)))
            free_at = row["left_at"]
        if stay["fate"] != Fate.DELETED and free_at < stay["ended_at"]:
            found.append(Window(free_at, stay["ended_at"], everybody))
    return found


def visible_at(stay: Row, scenario: Scenario, things: Sequence[str]) -> int:
    """When a copy could first be received in this stay [us]: a queue's delay is for what is sent to it."""
    queue = scenario.queues.get(things[stay["queue"]].removeprefix("queues."))
    delay_us = 0 if queue is None or stay["arrival"] != Arrival.SEND else queue.delay
    at = stay["arrived_at"] + delay_us
    first_at = stay["ended_at"] if stay["first_received_at"] == NONE else stay["first_received_at"]
    return min(at, first_at)


def consumers_of(scenario: Scenario, things: Sequence[str], queue: int) -> list[int]:
    """Numbers of the things that poll a queue; a function's own events have no others."""
    if not things[queue].startswith("queues."):
        return [queue]
    paths = takers_of(scenario, things[queue].removeprefix("queues."))
    return [number for number, path in enumerate(things) if path in paths]


def _of_stay(stay: Row, stays: Sequence[Row], deliveries: Sequence[Row]) -> list[Row]:
    """Deliveries of one stay in the order of their receives (a copy may come to a queue again)."""
    later = [
        other["arrived_at"]
        for other in stays
        if other["copy"] == stay["copy"]
        and other["queue"] == stay["queue"]
        and other["arrived_at"] > stay["arrived_at"]
    ]
    until_at = min(later, default=None)
    mine = [
        row
        for row in deliveries
        if row["copy"] == stay["copy"]
        and row["queue"] == stay["queue"]
        and row["received_at"] >= stay["arrived_at"]
        and (until_at is None or row["received_at"] < until_at)
    ]
    return sorted(mine, key=lambda row: (row["received_at"], row["receive_count"], row["delivery"]))


class Assembly:
    """Puts together what the passes over a run have kept.

    Parameters
    ----------
    things : sequence of str
        The things of the run, by number.
    found : Deliveries
        Rows of deliveries and invocations.
    queued : sequence of Queued
        What was before each of the stays.
    held : sequence of dict
        What bound consumers in each of the `windows`.
    """

    def __init__(
        self,
        scenario: Scenario,
        things: Sequence[str],
        stays: Sequence[Row],
        found: Deliveries,
        queued: Sequence[Queued],
        held: Sequence[Mapping[tuple[int, int], int]],
    ) -> None:
        self._scenario = scenario
        self._things = things
        self._rows = stays
        self._found = found
        spans = windows(stays, found.deliveries, scenario, things)
        self._waits = iter([self._wait(*pair) for pair in zip(spans, held, strict=True)])
        made = [self._stay(*pair) for pair in zip(stays, queued, strict=True)]
        parents = {row["copy"]: row["parent"] for row in stays}
        own = {NONE, *parents}
        self._parent_copy = next((one for one in parents.values() if one not in own), NONE)
        parents = {copy: one if one in own else NONE for copy, one in parents.items()}
        self.copies = tuple(
            Copy(number, parents[number], tuple(sorted(mine, key=lambda stay: stay.arrived_at)))
            for number, mine in (
                (number, [stay for stay in made if stay.copy == number]) for number in sorted(parents)
            )
        )

    def life(self, row: Row, messages: int, found_in: int = NONE, copy: int = NONE) -> Life:
        """The life of the message with this *row*, one of *messages*; shown is *copy*, or that of a queue.

        Without either it is the copy that came to the worst end, and of these the one that took longest.
        """
        source = self._things[row["producer"]]
        target, attributes = self._content(source, row["attributes"])
        places = range(len(self.copies))
        if copy != NONE:
            places = range(*next((k, k + 1) for k in places if self.copies[k].number == copy))
        elif found_in != NONE:
            queue = self._things[found_in]
            there = [
                place for place in places if any(stay.queue == queue for stay in self.copies[place].stays)
            ]
            places = range(there[0], there[0] + 1) if len(there) == 1 else places
        shown = min(places, key=self._badness, default=0)
        return Life(
            message=row["message"],
            messages=messages,
            source=source,
            target=target,
            offered_at=row["offered_at"],
            accepted_at=row["accepted_at"],
            size_bytes=row["size_bytes"],
            group=row["group"],
            attributes=attributes,
            poison=bool(row["poison"]),
            tries=row["tries"],
            outcome=Outcome(row["outcome"]),
            copies=self.copies,
            silent=self._silent(target, row),
            shown=shown,
            parent_copy=self._parent_copy,
        )

    def _badness(self, place: int) -> tuple[int, int]:
        copy = self.copies[place]
        return copy.ending, copy.stays[0].arrived_at - copy.stays[-1].ended_at

    def _content(self, source: str, combination: int) -> tuple[str, dict[str, str]]:
        """Where it was sent, and its attribute values: the last attribute varies fastest, but for bodies."""
        kind, _, name = source.partition(".")
        if kind == "queues":
            backlog = self._scenario.queues[name].backlog
            target, given = source, backlog.attributes if backlog is not None else {}
        elif kind == "alarms":
            return f"topics.{self._scenario.alarms[name].notify}", {}
        elif kind in SENDERS:
            return self._sent_on(source, combination)
        else:
            producer = self._scenario.producers[name]
            is_topic = producer.target in self._scenario.topics
            target = f"{'topics' if is_topic else 'queues'}.{producer.target}"
            if function := function_of(self._scenario, producer):
                target = f"functions.{function}"
            given = producer.traits
            combination //= 1 if producer.source else bodies_each(producer.message)
        values = next(itertools.islice(itertools.product(*given.values()), combination, None), ())
        return target, dict(zip(given, values, strict=True)) if values else {}

    def _sent_on(self, source: str, combination: int) -> tuple[str, dict[str, str]]:
        """The same of a message that a consumer sent: it went where its copies came to."""
        said = ChildWords(self._scenario).said[combination]
        ends = {copy.stays[0].queue for copy in self.copies}
        target = ""
        for sender in senders(self._scenario):
            for send in sender.given.sends.values() if sender.path == source else ():
                reach = {f"{kind}.{name}" for kind, name, _ in reached(self._scenario, send)}
                if not target or any(end.removesuffix(".async") in reach for end in ends):
                    target = f"{end_of(self._scenario, send)}.{send.to}"
        return target, {name: one["value"] for name, one in said.attributes.items()}

    def _silent(self, target: str, row: Row) -> tuple[Silence, ...]:
        topic = self._scenario.topics.get(target.removeprefix("topics.")) if "topics." in target else None
        if topic is None or row["accepted_at"] == NONE:
            return ()
        reached = {copy.stays[0].queue for copy in self.copies if copy.parent == NONE}
        under_way = row["copies"] > sum(copy.parent == NONE for copy in self.copies)
        ends = {name: f"{target}.subscriptions.{name}" for name in topic.subscriptions}
        return tuple(
            Silence(
                ends[name],
                _end_of(ends[name], subscription),
                self._why(subscription, row),
                bool(subscription.filter_policy) and not under_way,
            )
            for name, subscription in topic.subscriptions.items()
            if _end_of(ends[name], subscription) not in reached
        )

    def _why(self, subscription: Subscription, row: Row) -> str:
        """Why the filter policy of a subscription refuses the message, if it does."""
        producer = self._scenario.producers.get(self._things[row["producer"]].removeprefix("producers."))
        if producer is None:
            return ""
        said = said_by(producer.said)[row["attributes"]]
        verdict = judge(subscription.filter_policy, subscription.filter_policy_scope, said)
        return "" if verdict.accepted else f"{verdict.key} {verdict.reason}".strip()

    def _wait(self, window: Window, held: Mapping[tuple[int, int], int]) -> Wait:
        told = tuple((self._things[thing], Limit(limit), us) for (thing, limit), us in sorted(held.items()))
        return Wait(window.from_at, window.until_at, told)

    def _stay(self, row: Row, queued: Queued) -> Stay:
        deliveries = tuple(self._delivery(mine) for mine in _of_stay(row, self._rows, self._found.deliveries))
        free_at = deliveries[-1].left_at if deliveries else visible_at(row, self._scenario, self._things)
        open_end = row["fate"] != Fate.DELETED and free_at < row["ended_at"]
        waits = tuple(itertools.islice(self._waits, len(deliveries) + open_end))
        return Stay(
            copy=row["copy"],
            queue=self._things[row["queue"]],
            arrival=Arrival(row["arrival"]),
            sent_at=row["sent_at"],
            arrived_at=row["arrived_at"],
            visible_at=visible_at(row, self._scenario, self._things),
            started_at=row["first_started_at"],
            succeeded_at=row["succeeded_at"],
            ended_at=max([row["ended_at"], *(one.ended_at for one in deliveries if one.deleted)]),
            fate=Fate(row["fate"]),
            cause=Cause(row["cause"]),
            out_of_order=bool(row["out_of_order"]),
            group=row["group"],
            queued=queued,
            deliveries=deliveries,
            waits=waits,
            pushed=self._is_pushed(self._things[row["queue"]]),
        )

    def _is_pushed(self, path: str) -> bool:
        queue = self._scenario.queues.get(path.removeprefix("queues."))
        return queue is not None and queue.broker is not None

    def _delivery(self, row: Row) -> Delivery:
        batch = self._found.invocations[row["invocation"]]
        return Delivery(
            consumer=self._things[row["consumer"]],
            receive_count=row["receive_count"],
            received_at=row["received_at"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            left_at=row["left_at"],
            attempt=Attempt(row["attempt"]),
            deleted=bool(row["deleted"]),
            cause=Cause(row["cause"]),
            repeated=bool(row["repeated"]),
            invocation=Invocation(
                began_at=batch["started_at"],
                over_at=batch["ended_at"],
                init_us=batch["init_us"],
                messages=batch["messages"],
                attempt=Attempt(batch["attempt"]),
                mates=self._found.mates[row["delivery"]],
            ),
        )


def _end_of(path: str, subscription: Subscription) -> str:
    """Where the copies of the subscription at *path* wait."""
    if subscription.kind in LINES:
        return path
    function = subscription.function
    return f"queues.{subscription.queue}" if function is None else f"functions.{function}.async"
