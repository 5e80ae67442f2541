"""What a chart's title says: the finding in words, computed from the same numbers as the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from simulator.analysis.answer import Answer, Consumer, Event, Verdict
from simulator.reporting import words
from simulator.reporting.frames import Frames, Stretch


def event_name(event: Event | None, events: Sequence[Event] = ()) -> str:
    """Return an event as a noun in a sentence: ``the burst``, ``a burst``, ``the peak``."""
    if event is None:
        return ""
    if event.fault:
        return f"fault {event.fault}"
    alike = sum(other.label == event.label for other in events)
    label = event.label.split(" ×")[0].strip().lower()
    noun = label if label and not any(character.isdigit() for character in label) else "peak"
    return f"{'a' if alike > 1 else 'the'} {noun}"


def faulty(fault: Event) -> str:
    """Return what a fault did at the start of a sentence: ``Fraud down for 4 h``."""
    lasting = (
        f" for {words.duration(fault.until_s - fault.from_s, 2)}" if fault.until_s > fault.from_s else ""
    )
    return f"{capitalised(fault.label)}{lasting}"


def capitalised(sentence: str) -> str:
    """Return *sentence* with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def binding(frames: Frames, consumer: Consumer | None, stretch: Stretch) -> str:
    """Return the limit that bound longest while processing was behind, in words; '' if none did."""
    times = frames.seconds_at(consumer, stretch.from_s, stretch.until_s)
    times.pop("arrivals", None)
    if consumer is None or not times:
        return ""
    name = max(sorted(times), key=lambda limit: times[limit])
    return words.limit(name, consumer.limit_words)


def drain_ends_with(frames: Frames, stretch: Stretch, queue: str | None = None) -> bool:
    """Whether the drain (no message of before unprocessed) ends when the backlog does.

    It may end a bin earlier or three later. Messages that come back after failures can be done long after
    nothing is visible any more; those that came while it lasted can still wait when it is over.
    """
    late_s = frames.setting.drain_from_s + frames.estimate("drain", queue).mean - stretch.until_s
    return math.isfinite(late_s) and -frames.bin_s <= late_s <= 3 * frames.bin_s


def caught_up_at(frames: Frames, stretch: Stretch, queue: str | None = None) -> float:
    """Return when processing had caught up [s]: the drain's end where that is the moment, else the bin's."""
    if drain_ends_with(frames, stretch, queue):
        return frames.setting.drain_from_s + frames.estimate("drain", queue).mean
    return stretch.until_s


def behind_s(frames: Frames, stretch: Stretch, queue: str | None = None) -> float:
    """Return how long processing was behind [s], from the event that began it."""
    return caught_up_at(frames, stretch, queue) - began_at(frames, stretch)


def began_at(frames: Frames, stretch: Stretch) -> float:
    """Return when a stretch began [s]: with its event, where that is later than the last quiet bin."""
    event = frames.event_of(stretch)
    return event.from_s if event is not None and event.from_s > stretch.from_s else stretch.from_s


def thresholds(answer: Answer) -> str:
    """Return ``Fails 2 of 4 thresholds: ``; nothing where none are set."""
    count = len(answer.thresholds)
    if not count:
        return ""
    crossed = sum(result.verdict is Verdict.CROSSED for result in answer.thresholds)
    undecided = sum(result.verdict is Verdict.UNDECIDED for result in answer.thresholds)
    noun = "threshold" if count == 1 else "thresholds"
    if crossed:
        also = f", {undecided} undecided" if undecided else ""
        return f"Fails {crossed} of {count} {noun}{also}: "
    if undecided:
        return f"{undecided} of {count} {noun} undecided: "
    return f"Holds {'the' if count == 1 else 'all ' + str(count)} {noun}: "


def since(frames: Frames) -> str:
    """Return from when the drain counts: ``after the burst``, ``after arrivals end``, ``past 40 min``."""
    start, duration_s = frames.setting.drain_from_s, frames.setting.duration_s
    cause = next((e for e in reversed(frames.marked) if abs(e.until_s - start) <= frames.bin_s), None)
    if cause is not None:
        return f"after {event_name(cause, frames.marked)}"
    if start == 0:
        return "after the start"
    ended = not math.isfinite(start) or abs(start - duration_s) <= frames.bin_s
    return "after arrivals end" if ended else f"past {words.duration(start)}"


def nothing_sent(frames: Frames) -> bool:
    """Whether no message reached the chosen queue."""
    sent = frames.curve(frames.queue, "sent_per_s")["mean"]
    backlog = frames.curve(frames.queue, "backlog")["mean"]
    return not (sent > 0).any() and not (backlog > 0).any()
