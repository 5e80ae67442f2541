"""What does it cost a month, line by line, and how much of that pays for waiting?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from simulator.analysis.answer import Answer, Estimate, Line
from simulator.reporting import style, words
from simulator.reporting.frames import NOTHING, Frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS: Final = 8
COST: Final = "#7A6A2F"
_IDLE: Final = "#D9CF9F"
_LEFT: Final = 0.43
_WORTH_SAYING: Final = 0.005
_HEADER: Final = (
    "", "of the run", "unit", "a month", "of it free", "unit price", "USD of the run", "USD a month",
    "of it waiting",
)  # fmt: skip


# -- the page ------------------------------------------------------------------------------------


def table(answer: Answer) -> list[str]:
    """Return the bill as a table that can be added up again; nothing where nothing is charged for."""
    bill = answer.bill
    if not bill.lines:
        return []
    rows = [f"| {' | '.join(_HEADER)} |", f"|---|---:|---|{'---:|' * (len(_HEADER) - 3)}"]
    for line in bill.lines:
        price = f"{_exact(line.price)}{_per(line)}" if line.rule else "not known"
        cells = (
            f"{line.service}: {line.what}", _quantity(line.run.mean, line), _units(line),
            _quantity(line.month.mean, line), _quantity(line.free.mean, line) if line.free.mean else "",
            price, *(words.money(usd.mean) for usd in (line.run_usd, line.month_usd, line.idle_usd)),
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    totals = [_sum(line.run_usd for line in bill.lines), _sum(line.month_usd for line in bill.lines)]
    idle = _sum(line.idle_usd for line in bill.lines)
    said = (words.money(usd) for usd in (*totals, idle))
    rows.append(f"| **sum** | | | | | | {' | '.join(f'**{usd}**' for usd in said)} |")
    month = answer.estimates.get("cost.month", NOTHING)
    each = answer.estimates.get("cost.per_million", NOTHING)
    free = "with" if bill.free_tier else "without"
    return [
        "## What it costs", "", *rows, "",
        f"A month at this load: {words.value(month)} {words.interval(month)}, {free} the free tier. "
        f"A million messages: {words.value(each)} {words.interval(each)}, at list prices.",
        "",
        "Quantities are means of a run; a month is 730 hours. Amounts are quantity times price, less what is "
        "free, and rounded here only. List prices of us-east-1, before taxes, discounts and data transfer.",
        "",
    ]  # fmt: skip


def in_short(answer: Answer) -> list[str]:
    """Return the bill as a line for the screen; nothing where nothing is charged for."""
    if not answer.bill.lines:
        return []
    month, idle = (answer.estimates.get(f"{key}.month", NOTHING) for key in ("cost", "idle_cost"))
    each = answer.estimates.get("cost.per_million", NOTHING)
    parts = [f"costs {words.value(month)} a month at this load", f"{words.value(idle)} of it for waiting"]
    if math.isfinite(each.mean):
        parts.append(f"{words.value(each)} a million messages")
    return [", ".join(parts)]


def as_json(answer: Answer) -> list[dict[str, Any]]:
    """Return the lines of the bill for another program: means over replications, amounts unrounded."""
    return [
        {
            "service": line.service,
            "what": line.what,
            "unit": line.unit,
            "rule": line.rule,
            "price_usd": line.price,
            "per": line.per,
            "quantity": {"run": line.run.mean, "month": line.month.mean, "free": line.free.mean},
            "usd": {"run": line.run_usd.mean, "month": line.month_usd.mean, "idle": line.idle_usd.mean},
            "note": line.note,
        }
        for line in answer.bill.lines
    ]


def _sum(amounts: Any) -> float:
    return math.fsum(amount.mean for amount in amounts)


def _quantity(value: float, line: Line) -> str:
    return f"{value:,.0f}" if line.per > 1 and value >= 1_000 else f"{value:,.3f}".rstrip("0").rstrip(".")


def _units(line: Line) -> str:
    return line.unit if line.unit in ("GB-s", "GB") else f"{line.unit}s"


def _exact(price: float) -> str:
    return f"{price:,.8f}".rstrip("0").rstrip(".")


def _per(line: Line) -> str:
    return " / million" if line.per > 1 else ""


# -- the picture ---------------------------------------------------------------------------------


class _Row(NamedTuple):
    name: str
    arithmetic: str
    usd: Estimate
    idle: float


def figure(frames: Frames) -> Figure | None:
    """Return the chart; None where a month costs nothing."""
    answer = frames.answer
    rows, rest = _rows(answer)
    if not rows:
        return None
    bill = answer.bill
    sheet = style.Sheet(
        frames.setting,
        title(answer),
        _subtitle(answer, rest),
        tall=len(rows) > 5,
        about=(
            f"seed {frames.setting.seed}",
            f"{frames.setting.replications} replications",
            f"{'with' if bill.free_tier else 'without'} free tier",
            "whiskers: 95 % confidence interval" if frames.setting.replications > 1 else "one run",
        ),
    )
    top = sheet.top_in + 0.2
    axes = sheet.panel(top, 0.78, left=_LEFT, right=0.93)
    sheet.heading("USD a month")
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    largest = max(max(row.usd.mean, row.usd.high if math.isfinite(row.usd.high) else 0.0) for row in rows)
    axes.set_xlim(0, largest * 1.12)
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    row_in = (sheet.height_in - top - 0.78) / len(rows)
    for place, row in enumerate(rows):
        middle_in = top + (place + 0.5) * row_in
        name = words.shortened(row.name, 42)
        sheet.text(style.TEXT_LEFT, middle_in - 0.1, name, size=10, weight="bold", color=style.INK)
        sheet.text(style.TEXT_LEFT, middle_in + 0.1, row.arithmetic, size=8.5, color=style.GREY)
        _bar(axes, place + 0.5, row, min(0.3, 0.6 * row_in) / row_in, largest)
    if any(row.idle > 0 for row in rows):
        text = "lighter: pays for waiting (polls that found nothing, machines that did nothing)"
        sheet.heading(text, x=_LEFT)
    return sheet.figure


def _rows(answer: Answer) -> tuple[list[_Row], int]:
    """Return the lines that are drawn, the dearest first, and how many are left to the page."""
    paid = [line for line in answer.bill.lines if line.month_usd.mean > 0]
    paid.sort(key=lambda line: -line.month_usd.mean)
    whole = _sum(line.month_usd for line in paid)
    shown = [line for line in paid[:MOST_ROWS] if line.month_usd.mean >= _WORTH_SAYING * whole]
    return [_row(line) for line in shown], len(paid) - len(shown)


def _row(line: Line) -> _Row:
    units = line.month.mean - line.free.mean
    free = f" ({words.number(line.free.mean)} more free)" if line.free.mean else ""
    many = f"{words.number(units)} {_units(line)}{free}"
    return _Row(
        line.what, f"{many} × {_exact(line.price)} USD{_per(line)}", line.month_usd, line.idle_usd.mean
    )


def _bar(axes: Axes, at: float, row: _Row, height: float, largest: float) -> None:
    usd, idle = row.usd.mean, min(row.idle, row.usd.mean)
    axes.barh(at, usd - idle, height=height, color=COST, zorder=3)
    axes.barh(at, idle, left=usd - idle, height=height, color=_IDLE, zorder=3)
    end = usd
    if math.isfinite(row.usd.low) and row.usd.high > row.usd.low:
        axes.plot([row.usd.low, row.usd.high], [at, at], color=style.INK, linewidth=1.2, zorder=4)
        end = max(end, row.usd.high)
    axes.text(
        end + 0.008 * largest, at, words.money(usd), size=9.5, va="center_baseline", ha="left",
        weight="bold", color=COST, zorder=5,
    )  # fmt: skip


def title(answer: Answer) -> str:
    """Return the finding: what the month costs, what makes most of it, and what waiting costs."""
    month, idle = (answer.estimates[f"{key}.month"].mean for key in ("cost", "idle_cost"))
    dearest = max(answer.bill.lines, key=lambda line: line.month_usd.mean)
    share = dearest.month_usd.mean / month if month else 0.0
    whole = f"{_round(month)} USD a month"
    first = f"{whole}: {words.percent(share, 2)} is {dearest.what}"
    if idle > _WORTH_SAYING * month:
        return f"{first}; {_round(idle)} USD pay for waiting"
    return f"{first}; waiting costs {'nothing' if idle == 0 else 'next to nothing'}"


def _round(usd: float) -> str:
    return words.significant(usd) if usd < 1e5 else words.number(usd)


def _subtitle(answer: Answer, rest: int) -> str:
    each = answer.estimates["cost.per_million"]
    said: Sequence[str] = (
        answer.setting.traffic.rstrip("."),
        f"{words.value(each)} a million messages" if math.isfinite(each.mean) else "",
        f"{rest} smaller line{'s' * (rest > 1)} in summary.md" if rest else "",
        "list prices of us-east-1",
    )
    return " · ".join(filter(None, said))
