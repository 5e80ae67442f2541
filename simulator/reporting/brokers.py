"""Where are a broker's messages, and do producers wait? Pushed and pending, sends, store and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.analysis.answer import Broker
from simulator.reporting import scales, style, timeline, words
from simulator.reporting.frames import Frames
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_GAP_IN: Final = 0.3
_WORTH_DRAWING: Final = 0.2
"""Of a bound: what stays far below it has no panel."""
_WAITING: Final = 20.0
"""Sends without an answer for each connection: fewer are on their way, more wait for their turn."""
_BINDS: Final = 0.05
_FULL: Final = 0.95
_SEEN: Final = 0.01
"""Of the largest line: what stays below it is not drawn."""

Plot = Callable[["Sheet", "Axes", Frames, Broker], None]


def figure(frames: Frames) -> Figure | None:
    """Return the chart of the broker with the most messages; None without any."""
    used = [one for one in frames.setting.brokers if one.queues]
    broker = max(used, key=lambda one: _number(frames, one, "store.max"), default=None)
    if broker is None:
        return None
    parts = list(_parts(frames, broker))
    about = f"{words.plain_name(broker.path)}: {broker.settings}"
    sheet = style.Sheet(frames.setting, title(frames, broker), about, tall=True)
    top = sheet.top_in + 0.35
    bottom = style.PLOT_BOTTOM_IN
    height = (sheet.height_in - bottom - top - _GAP_IN * (len(parts) - 1)) / len(parts)
    panels = []
    for row, (heading, plot) in enumerate(parts):
        at, last = top + row * (height + _GAP_IN), row == len(parts) - 1
        axes = sheet.panel(at, bottom if last else sheet.height_in - at - height)
        scales.time_axis(axes, frames.end_s, labels=last)
        sheet.heading(heading, below_in=at - 0.13) if row else sheet.heading(heading)
        plot(sheet, axes, frames, broker)
        panels.append(axes)
    timeline.events_row(sheet, panels, frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, panels[-1], frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    return sheet.figure


def _number(frames: Frames, one: Broker, tail: str) -> float:
    return _of(frames, f"{one.path} {tail}")


def _of(frames: Frames, key: str) -> float:
    found = frames.answer.estimates.get(key)
    return 0.0 if found is None or found.mean != found.mean else found.mean


def title(frames: Frames, one: Broker) -> str:
    """Return the finding: a failover, idle consumers beside a prefetch, producers that wait, or none."""
    name = words.shortened(words.plain_name(one.path), 24)
    down = _number(frames, one, "failing_over.share")
    if down > 0:
        twice = words.number(_of(frames, f"{_queue(frames, one)} duplicate_processing.count"), 2)
        lasting = words.duration(down * frames.end_s, 2)
        return f"{name} fails over: nothing moves for {lasting}, and {twice} messages are worked twice"
    consumer, pushed = frames.consumer, _number(frames, one, "prefetched.max")
    held = 0.0 if consumer is None else _of(frames, f"{consumer.path} limit{{limit=prefetched}}.share")
    if held >= _BINDS:
        share = words.percent(held)
        return (
            f"{words.number(pushed)} messages wait at busy consumers while others idle, {share} of the time"
        )
    if _waits(frames, one):
        waiting = words.number(_number(frames, one, "sends_waiting.max"))
        per_s = words.number(float(frames.curve(one.path, "synced_per_s")["mean"].max()))
        return f"Producers wait: up to {waiting} messages have no answer, {name} stores {per_s} a second"
    if _number(frames, one, "memory.max") >= one.memory_mib * _FULL:
        return f"The memory of {name} is full, so producers wait"
    if pushed < 1:
        return f"{name} pushes what comes, and consumers begin it at once"
    return f"{name} pushes what comes: at most {words.number(pushed)} messages wait at their consumers"


def _queue(frames: Frames, one: Broker) -> str:
    return frames.queue if frames.queue in one.queues or not one.queues else one.queues[0]


def _waits(frames: Frames, one: Broker) -> bool:
    """Whether many more messages wait at producers than their connections have on their way."""
    return _number(frames, one, "sends_waiting.max") > _WAITING * max(1, one.connections)


def _parts(frames: Frames, one: Broker) -> list[tuple[str, Plot]]:
    """Headings and plots of the panels that have something to show."""
    where = words.queue_words(_queue(frames, one))
    parts: list[tuple[str, Plot]] = [
        (f"messages that wait: at producers, in {where}, at consumers", _plot_messages)
    ]
    parts.append(("persistent messages stored per second", _plot_sends))
    for name, most in (("memory", one.memory_mib), ("store", one.store_mib)):
        if _number(frames, one, f"{name}.max") > _WORTH_DRAWING * most:
            parts.append((f"{name}, MiB", _plot_memory if name == "memory" else _plot_store))
    return parts


def _shade(axes: Axes, frames: Frames, one: Broker) -> None:
    """Grey where the broker fails over in most runs."""
    down = frames.curve(one.path, "down")["mean"]
    at = np.asarray(down.index, dtype=float)
    for begun, share in zip(at, down, strict=True):
        if share > 0:
            axes.axvspan(
                begun, begun + frames.bin_s, color="#DDDDDD", alpha=min(1.0, float(share)), linewidth=0
            )


def _plot_messages(sheet: Sheet, axes: Axes, frames: Frames, one: Broker) -> None:
    _shade(axes, frames, one)
    drawn = [
        ("at producers", frames.curve(one.path, "sends_waiting"), style.FAILED, 2.0),
        ("in the queue", frames.curve(_queue(frames, one), "backlog"), style.VISIBLE, 4.0),
        ("of these at consumers", frames.curve(one.path, "prefetched"), style.IN_FLIGHT, 1.8),
    ]
    largest = max(float(values["mean"].max()) for _, values, *_ in drawn)
    shown = [each for each in drawn if float(each[1]["mean"].max()) > _SEEN * largest] or drawn[1:2]
    for _, values, colour, width in shown:
        style.line(axes, values, colour, width=width, zorder=4)
    scales.count_axis(axes, max(1.0, *(float(values["high"].max()) for _, values, *_ in shown)), most=4)
    labels = Labels(sheet, axes)
    placed = [labels.curve(values.index, values["mean"]) for _, values, *_ in shown]
    for (name, _, colour, _), number in zip(shown, placed, strict=True):
        text = name if len(shown) > 1 or name != "of these at consumers" else "at consumers"
        labels.beside(text, number, colour, sides="above below on")


def _plot_sends(sheet: Sheet, axes: Axes, frames: Frames, one: Broker) -> None:
    _plot_one(sheet, axes, frames, one, "synced_per_s", style.SENT)


def _plot_memory(sheet: Sheet, axes: Axes, frames: Frames, one: Broker) -> None:
    _plot_one(sheet, axes, frames, one, "memory", style.PROCESSED, one.memory_mib)


def _plot_store(sheet: Sheet, axes: Axes, frames: Frames, one: Broker) -> None:
    _plot_one(sheet, axes, frames, one, "store", style.PROCESSED, one.store_mib)


def _plot_one(
    sheet: Sheet,
    axes: Axes,
    frames: Frames,
    one: Broker,
    quantity: str,
    colour: str,
    bound: float | None = None,
) -> None:
    _shade(axes, frames, one)
    values = frames.curve(one.path, quantity)
    style.line(axes, values, colour, width=2.0, zorder=4)
    scales.count_axis(axes, max(float(values["high"].max()), bound or 0.0, 1.0), most=4)
    if bound is not None:
        labels = Labels(sheet, axes)
        labels.curve(values.index, values["mean"])
        axes.axhline(bound, color=style.CROSSED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=3)
        labels.curve(axes.get_xlim(), [bound] * 2)
        labels.along(f"producers wait at {words.number(bound)}", bound, style.CROSSED, prefer=1.0)
