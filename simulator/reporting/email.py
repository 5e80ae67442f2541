"""Did SES take the mails, and how does the account stand? Rate, the day's quota, bounces, complaints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from simulator.analysis.answer import EmailAccount
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

Plot = Callable[["Sheet", "Axes", Frames, EmailAccount], None]


def figure(frames: Frames) -> Figure | None:
    """Return the chart of the account that is in the most trouble; None without any."""
    account = shown(frames)
    if account is None:
        return None
    parts = list(_parts(frames, account))
    about = f"{words.plain_name(account.path)}: {account.settings}"
    sheet = style.Sheet(frames.setting, title(frames, account), about, tall=True)
    top = sheet.top_in + 0.35
    bottom = style.PLOT_BOTTOM_IN
    height = (sheet.height_in - bottom - top - _GAP_IN * (len(parts) - 1)) / len(parts)
    panels = []
    for row, (heading, plot) in enumerate(parts):
        at, last = top + row * (height + _GAP_IN), row == len(parts) - 1
        axes = sheet.panel(at, bottom if last else sheet.height_in - at - height)
        scales.time_axis(axes, frames.end_s, labels=last)
        sheet.heading(heading, below_in=at - 0.13) if row else sheet.heading(heading)
        plot(sheet, axes, frames, account)
        panels.append(axes)
    timeline.events_row(sheet, panels, frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, panels[-1], frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    return sheet.figure


def shown(frames: Frames) -> EmailAccount | None:
    """Return the account that is paused or under review longest, of equals the one that refuses most."""

    def trouble(one: EmailAccount) -> tuple[float, ...]:
        tails = ("standing{as=paused}.share", "standing{as=under_review}.share", "over_quota.share")
        return tuple(_number(frames, one, tail) for tail in tails)

    return max(frames.setting.email, key=trouble, default=None)


def _number(frames: Frames, one: EmailAccount, tail: str) -> float:
    found = frames.answer.estimates.get(f"{one.path} {tail}")
    return 0.0 if found is None or found.mean != found.mean else found.mean


def title(frames: Frames, one: EmailAccount) -> str:
    """Return the finding: paused, under review, refused, or that all is well."""
    name = words.shortened(words.plain_name(one.path), 24)
    taken = _number(frames, one, "recipients.count")
    bounced = _number(frames, one, "bounce_rate.max")
    why = f"{words.percent(bounced, 2)} of the last {words.number(one.volume)} bounced"
    if _number(frames, one, "complaint_rate.max") / one.complaint_pause > bounced / one.bounce_pause:
        complained = _number(frames, one, "complaint_rate.max")
        why = f"{words.percent(complained, 2)} of the last {words.number(one.volume)} complained"
    if _number(frames, one, "standing{as=paused}.share") > 0:
        lost = _number(frames, one, "over_quota{quota=paused}.count")
        return f"SES pauses {name}: {why}, and {words.number(lost, 2)} tries fail from then on"
    if _number(frames, one, "standing{as=under_review}.share") > 0:
        return f"SES takes {words.number(taken)} mails of {name} and puts it under review: {why}"
    refused = _number(frames, one, "over_quota.share")
    if refused >= 0.005:
        daily = _number(frames, one, "over_quota{quota=daily}.share")
        quota = "the day's quota" if daily > refused / 2 else "the rate"
        share = words.percent(refused)
        return f"SES takes {words.number(taken)} recipients of {name}; {quota} refuses {share} of the calls"
    return f"SES takes {words.number(taken)} recipients of {name} and refuses next to nothing"


def _parts(frames: Frames, one: EmailAccount) -> list[tuple[str, Plot]]:
    """Headings and plots of the panels that have something to show."""
    parts: list[tuple[str, Plot]] = [("recipients per second", _plot_rate)]
    if _number(frames, one, "daily_used.max") > _WORTH_DRAWING * one.daily:
        parts.append(("recipients in the last 24 h", _plot_day))
    over = f"of the last {words.number(one.volume)} recipients"
    if _number(frames, one, "bounce_rate.max") > _WORTH_DRAWING * one.bounce_review:
        parts.append((f"hard bounces, % {over}", _plot_bounces))
    if _number(frames, one, "complaint_rate.max") > _WORTH_DRAWING * one.complaint_review:
        parts.append((f"complaints, % {over}", _plot_complaints))
    return parts


def _plot_rate(sheet: Sheet, axes: Axes, frames: Frames, one: EmailAccount) -> None:
    taken = frames.curve(one.path, "recipients_per_s")
    refused = frames.curve(one.path, "over_rate_per_s")
    for quota in ("daily", "paused"):
        refused = refused + frames.curve(one.path, f"over_{quota}_per_s")
    style.line(axes, taken, style.PROCESSED, width=2.2, zorder=5)
    fails = bool((refused["mean"] > 0.005 * max(1e-9, float(taken["mean"].max()))).any())
    if fails:
        style.line(axes, refused, style.FAILED, width=2.0, zorder=4, band=False)
    largest = max(_top(taken), float(refused["mean"].max()) if fails else 0.0, one.rate_per_s)
    scales.count_axis(axes, largest, most=4)
    labels = Labels(sheet, axes)
    numbers = labels.curve(taken.index, taken["mean"])
    second = labels.curve(refused.index, refused["mean"]) if fails else None
    _bound(axes, labels, one.rate_per_s, f"{words.number(one.rate_per_s)} a second", style.AWS)
    labels.beside("taken", numbers, style.PROCESSED, sides="below above on")
    if second is not None:
        labels.beside("calls refused", second, style.FAILED, sides="above below on")


def _plot_day(sheet: Sheet, axes: Axes, frames: Frames, one: EmailAccount) -> None:
    used = frames.curve(one.path, "daily_used")
    axes.fill_between(used.index, 0, used["mean"], color=style.PROCESSED, alpha=0.15, linewidth=0, zorder=2)
    style.line(axes, used, style.PROCESSED, width=2.0, zorder=4)
    scales.count_axis(axes, max(one.daily, _top(used)), most=4)
    labels = Labels(sheet, axes)
    labels.curve(used.index, used["mean"])
    _bound(axes, labels, one.daily, f"quota {words.number(one.daily)}", style.AWS)


def _plot_bounces(sheet: Sheet, axes: Axes, frames: Frames, one: EmailAccount) -> None:
    _plot_share(sheet, axes, frames, one, "bounce_rate", (one.bounce_review, one.bounce_pause))


def _plot_complaints(sheet: Sheet, axes: Axes, frames: Frames, one: EmailAccount) -> None:
    _plot_share(sheet, axes, frames, one, "complaint_rate", (one.complaint_review, one.complaint_pause))


def _plot_share(
    sheet: Sheet, axes: Axes, frames: Frames, one: EmailAccount, quantity: str, bounds: tuple[float, float]
) -> None:
    shares = 100 * frames.curve(one.path, quantity)
    style.line(axes, shares, style.FAILED, width=2.2, zorder=4)
    highest = _top(shares)
    near = [bound for bound in bounds if 100 * bound <= max(2.5 * highest, 100 * bounds[0])]
    scales.count_axis(axes, max(highest, *(100 * bound for bound in near)), most=4)
    labels = Labels(sheet, axes)
    labels.curve(shares.index, shares["mean"])
    for bound, what in zip(near, ("under review from", "paused from"), strict=False):
        _bound(axes, labels, 100 * bound, f"{what} {words.percent(bound)}", style.CROSSED)


def _top(curve: pd.DataFrame) -> float:
    """Return the highest that is drawn; one run has no band."""
    return float(np.nanmax([curve["mean"].max(), curve["high"].max(), 0.0]))


def _bound(axes: Axes, labels: Labels, value: float, text: str, colour: str) -> None:
    axes.axhline(value, color=colour, linewidth=1.1, linestyle=(0, (4, 3)), zorder=3)
    labels.curve(axes.get_xlim(), [value] * 2)
    labels.along(text, value, colour, prefer=1.0)
