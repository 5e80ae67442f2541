"""What the picture of a life shows: lanes of bars, arrows, marks and the one decisive instant; no drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.life import Copy, Delivery, Ending, Life, Stay
from simulator.recording.tables import NONE, Arrival, Attempt, Fate
from simulator.reporting import event_words, style, words
from simulator.reporting.life_findings import decisive
from simulator.reporting.life_words import LifeWords, count, span
from simulator.reporting.words import thing

BEFORE: Final = "#D4D8DE"
"""A delivery in a consumer's hands while the message itself is not worked on."""
_OWN_LANES: Final = 3
"""Up to so many deliveries have a lane each; more share lanes where they do not overlap."""
_DWARFS: Final = 0.6
"""A first wait of more than this share of a life is not shown whole, where the life's end is the point,"""
_BEFORE_IT: Final = 0.35
"""but only for this share of what comes after it."""
_LEFT_IN_DLQ: Final = 0.12
"""A message that lies in a dead-letter queue at the end is shown there for this share of its life before."""

_COLOURS: Final = {
    Attempt.SUCCEEDED: style.PROCESSED,
    Attempt.FAILED: style.FAILED,
    Attempt.BATCH_MATE: style.CAUSES["batch_mate"],
    Attempt.CRASHED: style.CAUSES["crash"],
    Attempt.THROTTLED: style.CAUSES["throttle"],
    Attempt.STOPPED: style.CAUSES["throttle"],
}
_ENDED: Final = {
    Attempt.FAILED: "failed",
    Attempt.BATCH_MATE: "batch mate failed",
    Attempt.CRASHED: "killed",
    Attempt.THROTTLED: "throttled",
    Attempt.STOPPED: "a loop, stopped",
    Attempt.UNANSWERED: "answer lost",
    Attempt.FILTERED_OUT: "filtered out",
}


@dataclass(frozen=True)
class Bar:
    """A stretch [us since offered], and what may stand in it: the first text that fits."""

    from_us: int
    until_us: int
    colour: str
    texts: tuple[str, ...] = ()
    after: str = ""


@dataclass(frozen=True)
class Lane:
    """One row of the picture; ``arrows`` are receives [us since offered] from the lane ``source``."""

    name: str
    about: str
    bars: tuple[Bar, ...]
    arrows: tuple[tuple[int, str], ...] = ()
    source: int = NONE
    deleted_us: int = NONE


@dataclass(frozen=True)
class Mark:
    """A point of the outcome [us since offered], its words (the first that fit), the lane it comes from."""

    at_us: int
    texts: tuple[str, ...]
    colour: str
    lane: int


@dataclass(frozen=True)
class Picture:
    """Everything a picture shows; ``decisive`` is the red line: instant [us since offered] and words.

    Time is shown from ``begin_us``, which is later than the offer where a wait would dwarf all the rest.
    """

    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    decisive: tuple[int, str] | None
    end_us: int
    begin_us: int = 0


def picture(said: LifeWords) -> Picture:
    """Return what is to be drawn of the copy that is shown, or of a message without copies."""
    life = said.life
    if not life.copies:
        at = max(life.accepted_at, life.offered_at) - life.offered_at
        mark = Mark(at, (life.ending.name.lower().replace("_", " "),), style.CROSSED, 0)
        sent = Lane(words.plain_name(life.target), "sent to", (Bar(0, at, BEFORE),))
        return Picture((sent,), (mark,), None, max(at, 1_000_000))
    return _Story(said, life.copies[life.shown]).picture()


class _Story:
    """One copy's picture, lane by lane."""

    def __init__(self, said: LifeWords, copy: Copy) -> None:
        self._said = said
        self._life: Life = said.life
        self._copy = copy
        self._zero = self._life.offered_at
        self._lanes: list[Lane] = []
        self._lane_of: dict[tuple[int, int], int] = {}
        self._end_at = self._last_instant()

    def picture(self) -> Picture:
        for number, stay in enumerate(self._copy.stays):
            source = len(self._lanes)
            self._lanes.append(self._queue(stay))
            for places in _shared(stay.deliveries):
                for place in places:
                    self._lane_of[number, place] = len(self._lanes)
                self._lanes.append(self._deliveries(stay, places, source))
        end_us = max(self._end_at - self._zero, 1)
        return Picture(
            tuple(self._lanes), tuple(self._marks()), self._decisive(), end_us, self._begin_us(end_us)
        )

    def _begin_us(self, end_us: int) -> int:
        """Where to begin: what came of being received again is not to vanish behind the first wait."""
        again = (Ending.PROCESSED_TWICE, Ending.DELIVERED_AGAIN, Ending.DEAD_LETTERED)
        deliveries = self._copy.stays[0].deliveries
        if self._copy.ending not in again or not deliveries:
            return 0
        first_us = self._since(deliveries[0].received_at)
        return int(first_us - _BEFORE_IT * (end_us - first_us)) if first_us > _DWARFS * end_us else 0

    def _since(self, at: int) -> int:
        return at - self._zero

    def _last_instant(self) -> int:
        last = self._copy.stays[-1]
        ends = [stay.ended_at for stay in self._copy.stays if not stay.unfinished]
        ends += [d.over_at for stay in self._copy.stays for d in stay.deliveries]
        if last.unfinished and last.arrival is Arrival.MOVE and not last.deliveries:
            ends.append(last.arrived_at + max(1, int(_LEFT_IN_DLQ * (last.arrived_at - self._zero))))
        elif last.unfinished:
            ends.append(last.ended_at)
        return max(ends)

    # -- lanes -----------------------------------------------------------------------------------------

    def _queue(self, stay: Stay) -> Lane:
        """The states of the copy in one queue."""
        bars: list[Bar] = []
        until_at = min(stay.ended_at, self._end_at)

        def add(from_at: int, to_at: int, colour: str, name: str) -> None:
            if to_at > from_at:
                texts = (f"{name} {span(to_at - from_at)}", span(to_at - from_at))
                if to_at == self._end_at and stay.unfinished:
                    texts = (f"still {name}", name)
                bars.append(Bar(self._since(from_at), self._since(to_at), colour, texts))

        add(stay.arrived_at, min(stay.visible_at, until_at), BEFORE, "delayed")
        at = stay.visible_at
        event = event_words.is_event(stay)
        idle, busy = ("waiting", "at work") if event else ("visible", "in flight")
        for delivery in stay.deliveries:
            add(at, delivery.received_at, style.VISIBLE, idle)
            to_at = min(delivery.left_at, until_at)
            add(max(at, delivery.received_at), to_at, style.IN_FLIGHT, busy)
            at = max(at, to_at)
        add(at, until_at, style.VISIBLE, idle)
        deleted = stay.fate is Fate.DELETED and any(delivery.deleted for delivery in stay.deliveries)
        dead = stay.arrival is Arrival.MOVE
        name = words.plain_name(stay.queue)
        return Lane(
            name if dead or event else f"Queue {name}" if len(name) <= 10 else name,
            "dead-letter queue" if dead else "state of the message",
            tuple(bars),
            deleted_us=self._since(stay.ended_at) if deleted else NONE,
        )

    def _deliveries(self, stay: Stay, places: Sequence[int], source: int) -> Lane:
        made = [stay.deliveries[place] for place in places]
        first, last = made[0], made[-1]
        alone = len(made) == 1
        what = "Attempt" if event_words.is_event(stay) else "Receive"
        name = f"{what} {first.receive_count}"
        if not alone:
            name = f"{what}s {first.receive_count} to {last.receive_count}"
        batch = f", batch of {first.invocation.messages}" if alone and what == "Receive" else ""
        bars = [bar for delivery in made for bar in self._delivery(stay, delivery)]
        label = f"{what.lower()} {{}}" if len(stay.deliveries) <= _OWN_LANES else "{}"
        arrows = [(self._since(d.received_at), label.format(d.receive_count)) for d in made]
        return Lane(
            name, f"{thing(first.consumer).partition(' ')[2]}{batch}", tuple(bars), tuple(arrows), source
        )

    def _delivery(self, stay: Stay, delivery: Delivery) -> list[Bar]:
        """Before its work, its work, and what comes after it in the batch."""
        since, batch = self._since, delivery.invocation
        colour = _COLOURS.get(delivery.attempt, style.NO_DATA)
        ended = self._ending(stay, delivery)
        over_at = max(delivery.over_at, delivery.ended_at)
        if delivery.started_at == NONE:
            at = max(delivery.received_at, over_at)
            return [Bar(since(delivery.received_at), since(at), colour, (), ended)]
        bars = []
        if delivery.started_at > delivery.received_at:
            us = delivery.started_at - delivery.received_at
            texts: tuple[str, ...] = ()
            if batch.init_us:
                texts = (f"cold start {span(batch.init_us)}", "cold start")
            elif delivery.started_at > batch.began_at and batch.mates.before:
                texts = (
                    f"{count(batch.mates.before, 'message')} before it, {span(us)}",
                    f"{batch.mates.before} before",
                )
            bars.append(Bar(since(delivery.received_at), since(delivery.started_at), BEFORE, texts))
        until_at = delivery.ended_at if delivery.ended_at != NONE else max(over_at, self._end_at)
        took = span(until_at - delivery.started_at)
        bars.append(Bar(since(delivery.started_at), since(until_at), colour, (took,), ended))
        if over_at > until_at:
            after = (
                (f"{count(batch.mates.after, 'message')} after it", f"{batch.mates.after} after")
                if batch.mates.after
                else ()
            )
            bars[-1] = Bar(since(delivery.started_at), since(until_at), colour, (took,))
            bars.append(Bar(since(until_at), since(over_at), BEFORE, after, ended))
        return bars

    @staticmethod
    def _ending(stay: Stay, delivery: Delivery) -> str:
        """What stands behind a delivery's bars."""
        if delivery.attempt is Attempt.SUCCEEDED:
            if delivery.deleted:
                return "done" if event_words.is_event(stay) else "deleted"
            return "delete: too late" if delivery.overdue else "not deleted"
        return _ENDED.get(delivery.attempt, "")

    # -- what came of it -------------------------------------------------------------------------------

    def _marks(self) -> list[Mark]:
        marks: list[Mark] = []
        twice = self._copy.ending is Ending.PROCESSED_TWICE
        for number, stay in enumerate(self._copy.stays):
            for place, delivery in enumerate(stay.deliveries):
                if delivery.attempt is Attempt.SUCCEEDED and delivery.ended_at != NONE:
                    marks.append(self._success(delivery, self._lane_of[number, place], twice=twice))
            lane = self._lanes_before(number)
            at = span(self._since(stay.ended_at))
            if stay.fate is Fate.DEAD_LETTERED:
                marks.append(Mark(self._since(stay.ended_at), (f"dead-lettered {at}",), style.TWICE, lane))
            elif stay.fate is Fate.FILTERED_OUT:
                marks.append(Mark(self._since(stay.ended_at), (f"filtered out {at}",), style.GREY, lane))
            elif stay.fate is not Fate.DELETED and not stay.unfinished and stay.succeeded_at == NONE:
                marks.append(Mark(self._since(stay.ended_at), (f"lost {at}",), style.CROSSED, lane))
            elif stay.unfinished and stay.arrival is not Arrival.MOVE:
                text = f"the run ends {span(self._since(stay.ended_at))}"
                marks.append(Mark(self._since(stay.ended_at), (text,), style.GREY, lane))
        return marks

    def _lanes_before(self, number: int) -> int:
        """The lane of the queue of a stay."""
        return sum(1 + len(_shared(stay.deliveries)) for stay in self._copy.stays[:number])

    def _success(self, delivery: Delivery, lane: int, *, twice: bool) -> Mark:
        at = self._since(delivery.ended_at)
        if delivery.repeated:
            again = f"second success {span(at)}"
            return Mark(
                at, (f"{again}: duplicate processing", f"{again}, a duplicate", again), style.TWICE, lane
            )
        name = f"{'first success' if twice else 'processed'} {span(at)}"
        return Mark(at, (f"{name} = end-to-end", name), style.PROCESSED, lane)

    def _decisive(self) -> tuple[int, str] | None:
        copy, ending = self._copy, self._copy.ending
        first, last = copy.stays[0], copy.stays[-1]
        if ending is Ending.LOST:
            words_ = f"retention ends {span(last.ended_at - last.sent_at)} after it was sent"
            return self._since(last.ended_at), words_ if last.fate is Fate.EXPIRED else "given up"
        if ending is Ending.DEAD_LETTERED:
            stay = next(one for one in copy.stays if one.fate is Fate.DEAD_LETTERED)
            if event_words.is_event(stay):
                given_up = f"given up {event_words.after(stay)}"
                return self._since(stay.ended_at), f"{given_up}, {span(self._since(stay.ended_at))}"
            if stay.pushed:
                return self._since(stay.ended_at), f"given up {span(self._since(stay.ended_at))}"
            text = f"receive attempt {len(stay.deliveries) + 1} moves it, {span(self._since(stay.ended_at))}"
            return self._since(stay.ended_at), text
        if ending in (Ending.PROCESSED_TWICE, Ending.DELIVERED_AGAIN):
            found = decisive(copy)
            if found is None:
                return self._since(first.arrived_at), f"in {words.plain_name(first.queue)} once more"
            stay, place = found
            delivery = stay.deliveries[place]
            at = self._since(delivery.left_at)
            if event_words.is_event(stay):
                return self._since(stay.deliveries[place + 1].received_at), "run again"
            if stay.pushed:
                return at, f"pending again {span(at)}"
            if delivery.overdue:
                early = span(delivery.over_at - delivery.left_at)
                return at, f"visibility timeout ends {span(at)}, {early} before its consumer is done"
            return at, f"visible again {span(at)}, when its visibility timeout ends"
        wait = max(first.waits, key=lambda one: one.lasted_us, default=None)
        until_at = first.ended_at if first.succeeded_at == NONE else first.succeeded_at
        if wait is not None and 2 * wait.lasted_us >= self._since(until_at) and not first.unfinished:
            return self._since(wait.until_at), f"received after waiting {span(wait.lasted_us)}"
        return None


def _shared(deliveries: Sequence[Delivery]) -> list[list[int]]:
    """Places of deliveries lane by lane: those of a lane do not overlap in time."""
    if len(deliveries) <= _OWN_LANES:
        return [[place] for place in range(len(deliveries))]
    lanes: list[list[int]] = []
    free_at: list[int] = []
    for place, delivery in enumerate(deliveries):
        over_at = max(delivery.over_at, delivery.ended_at, delivery.received_at)
        lane = next((k for k, at in enumerate(free_at) if at < delivery.received_at), len(lanes))
        if lane == _OWN_LANES:
            lane = _OWN_LANES - 1
        if lane == len(lanes):
            lanes.append([])
            free_at.append(0)
        lanes[lane].append(place)
        free_at[lane] = max(free_at[lane], over_at)
    return lanes
