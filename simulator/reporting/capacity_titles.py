"""What the chart of capacity has found: how long capacity was short, and what that time was made of."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulator.analysis.answer import Consumer, Event
from simulator.reporting import findings, words
from simulator.reporting.frames import Frames, Stretch

UNITS: Final = {
    "auto_scaling_groups": "instances",
    "ecs_services": "tasks",
    "deployments": "pods",
}
"""What the fleets of a kind are made of."""


def consumer_of(frames: Frames) -> Consumer | None:
    """Return whose capacity is charted: fleets before functions, the headline's queue's before others.

    The endpoint of a subscription has none that anybody knew of.
    """
    consumers = [one for one in frames.setting.consumers if not one.path.startswith("topics.")]
    return min(consumers, key=lambda c: (not is_fleet(c), c.queue != frames.queue), default=None)


def is_fleet(consumer: Consumer) -> bool:
    """Whether a consumer is made of instances, tasks or pods."""
    return consumer.path.partition(".")[0] in UNITS


def units(consumer: Consumer) -> str:
    """Return what a consumer has more or less of: ``instances``, ``tasks``, ``concurrency``."""
    return UNITS.get(consumer.path.partition(".")[0], "concurrency")


def title(frames: Frames, consumer: Consumer) -> str:
    """Return the finding: how long the capacity was short, and what that time was made of."""
    needed, there = _needed_and_there(frames, consumer)
    fleet, noun = is_fleet(consumer), units(consumer)
    there_is = f"{noun} in service" if fleet else "slots allowed"
    if there.empty:
        return f"No {noun} to show"
    most = words.number(float(there.max()), 2)
    stretch = frames.behind(consumer.queue)
    if stretch is None:
        keeps = "keep" if fleet else "keeps"
        return f"{noun.capitalize()} {keeps} up with the arrivals: at most {most} {there_is}"
    if len(frames.stretches(consumer.queue)) > 1:
        span = f"between {words.number(float(there.min()), 2)} and {most}"
        asked = (
            f"; the arrivals need {words.number(float(needed.max()), 2)} at most"
            if needed.notna().any()
            else ""
        )
        whose = f"The {words.thing(consumer.path).partition(' ')[0]}"
        name = f"{whose} swings" if fleet else "Allowed concurrency swings"
        return f"{name} {span}{f' {noun}' * fleet}{asked}"
    if _prefetched(frames, consumer, stretch):
        return _beside(frames, consumer, stretch, there)
    event = findings.event_name(frames.event_of(stretch), frames.marked)
    start = findings.began_at(frames, stretch)
    ready = _enough_at(needed, there, start)
    parts = _parts(frames, consumer, start, ready if ready is not None else stretch.until_s)
    trouble = frames.event_of(stretch)
    if trouble is not None and trouble.until_s > trouble.from_s and trouble.fault and ready in (None, start):
        return _after_fault(frames, consumer, stretch, trouble)
    if ready is None:
        need = words.number(float(needed[needed.index >= start].max()), 2)
        limit = (
            findings.binding(frames, consumer, stretch)
            or f"the {words.thing(consumer.path).partition(' ')[0] if fleet else 'mapping'}"
        )
        lasting = words.duration(findings.behind_s(frames, stretch, consumer.queue), 2)
        queue = f"{words.queue_words(consumer.queue, 28)} behind for {lasting}"
        reached = most if fleet else _busiest(frames, consumer, stretch, limit)
        held = f"keeps it at {reached} and {queue}" if reached else f"keeps {queue}"
        if limit.endswith(f" {reached}"):
            held = f"keeps {queue}"
        if trouble is not None and trouble.fault:
            event = ""
        who = findings.capitalised(f"{event} needs" if event else "arrivals need")
        return f"{who} {need} {there_is if fleet else 'busy slots'}; {limit} {held}"
    if ready <= start:
        limit = findings.binding(frames, consumer, stretch)
        enough = f"{'are' if fleet else 'is'} enough for the arrivals"
        if not limit:
            return f"{noun.capitalize()} {enough}: at most {most} {there_is}"
        return f"The {noun} {enough} alone, but not for what comes back or waits: {limit} holds back"
    behind_s = findings.behind_s(frames, stretch, consumer.queue)
    if not event and behind_s > 3 * (ready - start):
        whole = _parts(frames, consumer, start, start + behind_s)
        return f"The backlog lasts {words.duration(behind_s, 2)}: {words.listed(whole)}"
    late = words.duration(ready - start, 2)
    if trouble is not None and trouble.fault and trouble.until_s <= trouble.from_s:
        made_of = f": {words.listed(parts)}" if parts else ""
        return f"Short of {noun} for {late} after {event}{made_of}"
    when = f"{late} into {event}" if event else f"after {late}"
    if not parts:
        return f"Enough {noun} {when}: at most {most} {there_is}"
    return f"Enough {noun} only {when}: {words.listed(parts)}"


def _prefetched(frames: Frames, consumer: Consumer, stretch: Stretch) -> bool:
    """Whether most of the time in which capacity was short went by while messages were pushed to others."""
    times = frames.seconds_at(consumer, stretch.from_s, stretch.until_s)
    times.pop("arrivals", None)
    return max(sorted(times), key=lambda name: times[name], default="") == "prefetched"


def _beside(frames: Frames, consumer: Consumer, stretch: Stretch, there: pd.Series) -> str:
    """Return how few of those that were there had anything of what a broker had pushed already."""
    during = there.loc[stretch.from_s : stretch.until_s]
    all_there = during[during >= 0.9 * float(during.max())].index
    busy = frames.curve(consumer.path, "busy")["mean"].reindex(all_there).dropna()
    workers = consumer.workers_per_instance
    few = words.number(float(busy.mean()) / workers, 2) if len(busy) else words.DASH
    whose = f"{few} of {words.number(float(during.max()), 2)} {units(consumer)} are busy"
    lasting = words.duration(findings.behind_s(frames, stretch, consumer.queue), 2)
    queue = words.queue_words(consumer.queue, 28)
    return f"{whose} while {queue} is behind for {lasting}: the prefetch"


def _after_fault(frames: Frames, consumer: Consumer, stretch: Stretch, fault: Event) -> str:
    """Return what a fault that lasts has left behind, and what holds back the work on that."""
    first = findings.faulty(fault)
    after = findings.caught_up_at(frames, stretch, consumer.queue) - fault.until_s
    times = frames.seconds_at(consumer, fault.until_s, stretch.until_s)
    times.pop("arrivals", None)
    if not times or not after >= frames.bin_s:
        return first
    limit = words.limit(max(sorted(times), key=lambda name: times[name]), consumer.limit_words)
    queue = words.queue_words(consumer.queue, 28)
    still = "" if stretch.ended else "at least "
    return f"{first}; {limit} then keeps {queue} behind for {still}{words.duration(after, 2)}"


def _needed_and_there(frames: Frames, consumer: Consumer) -> tuple[pd.Series, pd.Series]:
    there = frames.curve(consumer.path, "in_service" if is_fleet(consumer) else "concurrency")[
        "mean"
    ].dropna()
    return frames.curve(consumer.path, "needed")["mean"].reindex(there.index), there


def _enough_at(needed: pd.Series, there: pd.Series, start: float) -> float | None:
    """Return when there was first as much as is needed after *start*, while it was needed; None if never."""
    short = (needed > there).to_numpy()
    at = there.index.to_numpy(dtype=float)
    later = np.flatnonzero(at >= start)
    first = next((k for k in later if short[k]), None)
    if first is None:
        return start
    peak = float(np.nanmax(needed.to_numpy()[later]))
    end = next((k for k in range(first, at.size) if not short[k]), None)
    if end is None or not needed.iloc[end] > 0.5 * peak:
        return None
    # between two bins, where the lines cross
    gap_before = float(needed.iloc[end - 1] - there.iloc[end - 1])
    gap_after = float(there.iloc[end] - needed.iloc[end])
    return float(at[end - 1] + (at[end] - at[end - 1]) * gap_before / max(gap_before + gap_after, 1e-12))


def _busiest(frames: Frames, consumer: Consumer, stretch: Stretch, limit: str) -> str:
    """Return how many were busy at most, where it was *limit* that allowed no more at that time; else ""."""
    busy = frames.curve(consumer.path, "busy")["mean"].loc[stretch.from_s : stretch.until_s].dropna()
    if busy.empty:
        return ""
    at = float(busy.index[int(busy.to_numpy().argmax())])
    times = frames.seconds_at(consumer, at - frames.bin_s / 2, at + frames.bin_s / 2)
    then = max(sorted(times), key=lambda name: times[name], default="")
    if words.limit(then, consumer.limit_words) != limit:
        return ""
    return words.number(float(busy.max()), 2)


def _parts(frames: Frames, consumer: Consumer, start: float, until: float) -> list[str]:
    """Return what the time between was spent on, the longest first: ``3.1 min metric + alarm lag``."""
    times = frames.seconds_at(consumer, start, until)
    times.pop("arrivals", None)
    total = sum(times.values())
    parts = sorted(
        ((s, n) for n, s in times.items() if s >= 0.1 * max(total, 1e-9) and s >= 1), reverse=True
    )[:3]
    return [f"{words.duration(s, 2)} {words.limit(n, consumer.limit_words)}" for s, n in parts]
