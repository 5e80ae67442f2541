"""Who got what a topic published? A bar of each subscription's fates, and how long its deliveries took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from simulator.analysis import subscriptions
from simulator.analysis.answer import Answer, Certainty, Subscriber
from simulator.reporting import style, words
from simulator.reporting.frames import NOTHING, Frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

MOST_ROWS: Final = 7
_BARS: Final = (0.205, 0.645)
_TIMES: Final = (0.70, 0.96)
_BAR_SHARE: Final = 0.3
_MOST_BAR_IN: Final = 0.42
_LIGHT: Final = "#C9CED6"
_COLOURS: Final = {
    "delivered": style.PROCESSED,
    "filtered_out": _LIGHT,
    "dead_lettered": style.TWICE,
    "lost": style.CROSSED,
    "under_way": style.VISIBLE,
}
_NAMES: Final = {
    "delivered": "delivered",
    "filtered_out": "filtered out",
    "dead_lettered": "dead-lettered",
    "lost": "lost",
    "under_way": "under way",
}
_QUANTILES: Final = ("p50", "p95", "p99")
_TICKS_S: Final = (1e-3, 1e-2, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0, 86_400.0, 864_000.0)
_HEADER: Final = (
    "published", "filtered out", "delivered", "retries", "failed attempts", "dead-lettered", "lost",
    "under way", "p50", "p99",
)  # fmt: skip
_KEYS: Final = (
    "published.count", "filtered_out.count", "delivered.count", "retried.count", "failed_attempt.count",
    "dead_lettered.count", "lost.count", "under_way.count", "delivery_latency.p50", "delivery_latency.p99",
)  # fmt: skip


class Part(NamedTuple):
    """A part of a bar: what became of so many *messages* a run, and why."""

    fate: str
    messages: float
    cause: str = ""

    @property
    def text(self) -> str:
        """Count and fate: ``412 lost (access denied)``."""
        cause = f" ({self.cause})" if self.cause else ""
        return f"{words.number(self.messages)} {_NAMES[self.fate]}{cause}"


def mean(answer: Answer, one: Subscriber, tail: str) -> float:
    """Return the mean of a number of a subscription; 0 where there is none."""
    found = answer.estimates.get(f"{one.path} {tail}", NOTHING).mean
    return 0.0 if math.isnan(found) else found


def parts(answer: Answer, one: Subscriber) -> list[Part]:
    """Return what became of the messages of a subscription; what was lost by its causes, the most first."""
    found = []
    for fate in _COLOURS:
        count = mean(answer, one, f"{fate}.count")
        causes = _by_cause(answer, one, fate) if fate in ("lost", "dead_lettered") else []
        rest = count - sum(part.messages for part in causes)
        found += causes
        if rest > 1e-6 * max(1.0, count):
            found.append(Part(fate, rest))
    return found


def _by_cause(answer: Answer, one: Subscriber, fate: str) -> list[Part]:
    found = []
    for cause in subscriptions.CAUSES:
        name = cause.name.lower()
        count = mean(answer, one, f"{fate}{{cause={name}}}.count")
        if count > 0:
            found.append(Part(fate, count, name.replace("_", " ")))
    return sorted(found, key=lambda part: -part.messages)


# -- the page ------------------------------------------------------------------------------------


def table(answer: Answer) -> list[str]:
    """Return who got what as a table, and why what was given up; nothing without subscriptions."""
    if not answer.setting.subscribers:
        return []
    lines = ["## Who got what", "", f"| subscription | to | {' | '.join(_HEADER)} |"]
    lines.append(f"|---|---|{'---:|' * len(_HEADER)}")
    for one in answer.setting.subscribers:
        cells = [_cell(answer, one, tail) for tail in _KEYS]
        lines.append(f"| {one.topic}: {one.name} | {one.endpoint} | {' | '.join(cells)} |")
    lines.append("")
    why = [
        f"- {one.topic}: {one.name}: {words.listed(given_up)}"
        for one in answer.setting.subscribers
        if (given_up := [part.text for part in parts(answer, one) if part.cause])
    ]
    lines += [*why, ""] if why else []
    lines += [
        "Means a run, of the whole run. Latency is from offered to delivered by SNS, of all that it has not "
        "given up.",
        "",
    ]
    return lines


def _cell(answer: Answer, one: Subscriber, tail: str) -> str:
    found = answer.estimates.get(f"{one.path} {tail}", NOTHING)
    return words.value(found)


# -- the picture ---------------------------------------------------------------------------------


def figure(frames: Frames) -> Figure | None:
    """Return the chart; None where no topic has anything to tell."""
    answer = frames.answer
    told = [one for one in answer.setting.subscribers if mean(answer, one, "published.count") > 0]
    if not told or (len(told) < 2 and not _trouble(answer, told[0])):
        return None
    shown = chosen(answer, told)
    sheet = style.Sheet(
        frames.setting,
        title(answer, told),
        subtitle(answer, told, len(shown)),
        tall=len(shown) > 4,
        about=(
            f"seed {frames.setting.seed}",
            f"{frames.setting.replications} replications",
            "bars and numbers: means of a run",
        ),
    )
    top = sheet.top_in + 0.2
    bars = sheet.panel(top, 0.78, left=_BARS[0], right=_BARS[1])
    times = sheet.panel(top, 0.78, left=_TIMES[0], right=_TIMES[1])
    sheet.heading("what became of what was published", x=_BARS[0])
    sheet.heading("delivery latency, p50 p95 p99", x=_TIMES[0])
    for axes in (bars, times):
        axes.set_ylim(len(shown), 0)
        axes.set_yticks([])
    _plot_bars(sheet, bars, answer, shown, top)
    _plot_times(sheet, times, answer, shown, top)
    return sheet.figure


def _trouble(answer: Answer, one: Subscriber) -> float:
    """Return how much went wrong with a subscription; lost weighs most."""
    weights = {"lost": 1e6, "dead_lettered": 1e3, "retried": 1.0}
    return sum(weight * mean(answer, one, f"{fate}.count") for fate, weight in weights.items())


def chosen(answer: Answer, told: Sequence[Subscriber]) -> list[Subscriber]:
    """Return the subscriptions that are drawn, in their order: those with the most trouble first of all."""
    first = sorted(told, key=lambda one: -_trouble(answer, one))[:MOST_ROWS]
    return [one for one in told if one in first]


def title(answer: Answer, told: Sequence[Subscriber]) -> str:
    """Return the finding: what was lost, dead-lettered or late, else who got everything."""
    worst = max(told, key=lambda one: _trouble(answer, one))
    name = words.shortened(worst.name, 28)
    kept_out = mean(answer, worst, "filtered_out.count")
    passed = words.number(mean(answer, worst, "published.count") - kept_out)
    for fate, verb in (("lost", "are lost"), ("dead_lettered", f"end in {worst.dead_letter}")):
        if (count := mean(answer, worst, f"{fate}.count")) > 0:
            cause = subscriptions.main_cause(worst, answer.estimates, fate)
            said = f"{words.number(count)} of {passed} notifications to {name} {verb}"
            missing = "; no dead-letter queue" if fate == "lost" and not worst.dead_letter else ""
            return f"{said}{f': {cause}' if cause else ''}{missing}"
    if any(mean(answer, one, "under_way.count") > 0.5 for one in told):
        late = max(told, key=lambda one: mean(answer, one, "under_way.count"))
        left = words.number(mean(answer, late, "under_way.count"))
        late_name = words.shortened(late.name, 28)
        return f"Nothing is lost; {left} notifications to {late_name} are still under way"
    slowest = max(told, key=lambda one: mean(answer, one, "delivery_latency.p99"))
    slow = words.duration(mean(answer, slowest, "delivery_latency.p99"))
    late_words = f"the slowest p99 is {slow}, to {words.shortened(slowest.name, 28)}"
    if _trouble(answer, worst) > 0:
        retries = words.number(mean(answer, worst, "retried.count"))
        return f"Nothing is lost: {name} takes {retries} retries, and {late_words}"
    kept = [mean(answer, one, "filtered_out.share") for one in told]
    if max(kept) > 0:
        most = told[kept.index(max(kept))]
        filtered = f"Filters keep {words.percent(max(kept))} from {words.shortened(most.name, 28)}"
        return f"{filtered}; all the rest is delivered, and {late_words}"
    return f"All {len(told)} subscriptions get everything; {late_words}"


def subtitle(answer: Answer, told: Sequence[Subscriber], shown: int) -> str:
    """Return how many messages each topic published to how many subscriptions."""
    topics: dict[str, list[Subscriber]] = {}
    for one in told:
        topics.setdefault(one.topic, []).append(one)
    said = [
        f"topic {words.shortened(name, 28)}: {_messages(answer, mine)} messages "
        f"to {len(mine)} {'subscription' if len(mine) == 1 else 'subscriptions'}"
        for name, mine in topics.items()
    ]
    rest = f"; {len(told) - shown} more in summary.md" if len(told) > shown else ""
    return "; ".join(said) + rest


def _messages(answer: Answer, mine: Sequence[Subscriber]) -> str:
    """Return how many messages a topic published: those that each of its subscriptions was told of."""
    return words.number(min(mean(answer, one, "published.count") / one.subscribers for one in mine))


def _plot_bars(sheet: Sheet, axes: Axes, answer: Answer, shown: Sequence[Subscriber], top_in: float) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.xaxis.get_ticklabels()[-1].set_horizontalalignment("right")
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    row_in = (sheet.height_in - top_in - 0.78) / len(shown)
    bar_in = min(_MOST_BAR_IN, _BAR_SHARE * row_in)
    for row, one in enumerate(shown):
        whole = mean(answer, one, "published.count")
        middle_in = top_in + (row + 0.36) * row_in
        name = words.shortened(one.name, 20)
        sheet.text(style.TEXT_LEFT, middle_in, name, size=10, weight="bold", color=style.INK)
        end = words.shortened(one.endpoint, 26)
        sheet.text(style.TEXT_LEFT, middle_in + 0.2, end, size=8.5, color=style.GREY)
        left = 0.0
        found = parts(answer, one)
        for part in found:
            width = part.messages / whole
            axes.barh(
                row + 0.36, width, left=left, height=bar_in / row_in, color=_COLOURS[part.fate],
                edgecolor="white", linewidth=0.6, zorder=3,
            )  # fmt: skip
            left += width
        _caption(sheet, found, middle_in + bar_in / 2 + 0.11)


def _caption(sheet: Sheet, found: Sequence[Part], at_in: float) -> None:
    """Name the parts of a bar under it, each in its colour, as many as there is room for."""
    x, size = _BARS[0], 8.5
    for place, part in enumerate(found):
        text = part.text + (" · " if place + 1 < len(found) else "")
        if x + sheet.width(text, size=size) > _TIMES[0] - 0.01:
            sheet.text(x, at_in, "…", size=size, color=style.GREY)
            return
        colour = style.GREY if part.fate == "filtered_out" else style.text_colour(_COLOURS[part.fate])
        sheet.text(x, at_in, text, size=size, color=colour)
        x += sheet.width(text, size=size) + 0.002


def _plot_times(sheet: Sheet, axes: Axes, answer: Answer, shown: Sequence[Subscriber], top_in: float) -> None:
    """Draw p50, p95 and p99 of each subscription [s] on one log axis."""
    row_in = (sheet.height_in - top_in - 0.78) / len(shown)
    times = [[_time(answer, one, name) for name in _QUANTILES] for one in shown]
    known = [value for mine in times for value in mine if value > 0]
    _log_axis(axes, min(known, default=0.01), max(known, default=1.0))
    for row, mine in enumerate(times):
        at = row + 0.36
        drawn = [value for value in mine if value > 0]
        if not drawn:
            sheet.text(_TIMES[0], top_in + at * row_in, "nothing delivered", size=8.5, color=style.GREY)
            continue
        axes.plot(
            [min(drawn), max(drawn)], [at, at], color=style.PERCENTILES["p50"], linewidth=5,
            solid_capstyle="round", zorder=3,
        )  # fmt: skip
        for name, value in zip(_QUANTILES, mine, strict=True):
            if value > 0:
                axes.plot([value], [at], "o", color=style.PERCENTILES[name], markersize=7, zorder=4)
        said = " · ".join(_time_words(answer, shown[row], name) for name in _QUANTILES)
        below_in = min(_MOST_BAR_IN, _BAR_SHARE * row_in) / 2 + 0.11
        sheet.text(_TIMES[0], top_in + at * row_in + below_in, said, size=8.5, color=style.GREY)


def _time(answer: Answer, one: Subscriber, name: str) -> float:
    found = answer.estimates.get(f"{one.path} delivery_latency.{name}", NOTHING)
    return 0.0 if math.isnan(found.mean) else found.mean


def _time_words(answer: Answer, one: Subscriber, name: str) -> str:
    found = answer.estimates.get(f"{one.path} delivery_latency.{name}", NOTHING)
    at_least = "> " if found.certainty is Certainty.AT_LEAST else ""
    return f"{at_least}{words.duration(found.mean)}"


def _log_axis(axes: Axes, least: float, largest: float) -> None:
    """Make x a latency: logarithmic, from the tick at or below *least* to the one above *largest* [s]."""
    from matplotlib.ticker import NullLocator

    low = max((tick for tick in _TICKS_S if tick <= least), default=least / 2)
    high = min((tick for tick in _TICKS_S if tick >= largest), default=largest * 2)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15)
    ticks = [tick for tick in _TICKS_S if low <= tick <= high]
    if len(ticks) > 6:
        ticks = ticks[::2]
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [words.duration(tick) for tick in ticks])
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
