"""When a backlog is gone, in words: the range, the arithmetic, what is missing."""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from simulator.analysis.draining import Backlog, Case, Drain, first_lost_s

_RANGE: Final = (0.025, 0.5, 0.975)


def said(case: Case, found: Drain | None, mean_s: float) -> dict[str, Any]:
    """Everything that is said, as data: [low, middle, high] each [s] or messages."""

    def three(values: Any) -> list[float]:
        return [round(float(one), 3) for one in np.quantile(values, _RANGE, method="nearest")]

    backlog, pool = case.backlog, case.pool
    needs = pool.slots_for(backlog.rate_per_s)
    open_ = "never" if found is None else None
    return {
        "empty_s": open_ or three(found.empty_s),  # type: ignore[union-attr]
        "begun_s": open_ or three(found.begun_s),  # type: ignore[union-attr]
        "done_s": open_ or three(found.done_s),  # type: ignore[union-attr]
        "lost": [0, 0, 0] if found is None else [int(one) for one in three(found.lost)],
        "empty_by_the_mean_s": None if math.isinf(mean_s) else round(mean_s, 3),
        "arithmetic": list(_arithmetic(case, needs)),
        "missing": _missing(case, needs) if found is None else "",
        "left_out": list(case.left_out),
        "runs": 0 if found is None else len(found.empty_s),
    }


def _arithmetic(case: Case, needs: float) -> Iterator[str]:
    backlog, pool = case.backlog, case.pool
    oldest = f"the oldest for {_time(backlog.age_s)}"
    yield f"wait: {backlog.messages:,}, {oldest}; {backlog.rate_per_s:,.4g}/s still come"
    where = f" ({case.consumer})" if case.consumer.startswith(("functions", "auto", "ecs", "depl")) else ""
    yield f"slots{where}: {case.slots}"
    yield (
        f"one slot: {pool.batch} messages / {pool.batch_s:.4g} s = {pool.slot_per_s:,.4g} receives/s; "
        f"{pool.failed:.3g} of them fail, so {pool.attempts:.4g} a message"
    )
    all_ = f"{pool.slots:,.4g} slots x {pool.slot_per_s:,.4g}/s"
    if pool.most_per_s < pool.slots * pool.slot_per_s:
        all_ = f"a downstream allows {pool.most_per_s:,.4g}/s"
    yield f"at most: {all_} / {pool.attempts:.4g} = {pool.ceiling_per_s:,.4g} messages/s"
    yield f"the {backlog.rate_per_s:,.4g}/s alone keep {needs:,.4g} slots busy"
    spare = pool.ceiling_per_s - backlog.rate_per_s
    if spare > 0:
        yield (
            f"at that rate from the start: {backlog.messages:,} / ({pool.ceiling_per_s:,.4g} - "
            f"{backlog.rate_per_s:,.4g})/s = {_time(backlog.messages / spare)}"
        )


def _missing(case: Case, needs: float) -> str:
    """Say what would end it."""
    backlog, pool = case.backlog, case.pool
    if not math.isfinite(needs):
        return "every receive fails and no max_receive_count ends it: no number of slots is enough"
    if pool.growth_per_s == 0 and pool.start < pool.slots:
        has, ceiling = pool.start, pool.start * pool.slot_per_s / pool.attempts
    else:
        has, ceiling = pool.slots, pool.ceiling_per_s
    lack = f"{backlog.rate_per_s:,.4g}/s come and {ceiling:,.4g}/s is the most that is worked"
    if pool.most_per_s / pool.attempts <= backlog.rate_per_s:
        return f"{lack}: the downstream must allow more than {backlog.rate_per_s * pool.attempts:,.4g}/s"
    hour = pool.slots_for(backlog.rate_per_s + backlog.messages / 3600)
    return (
        f"{lack}: the backlog grows by {backlog.rate_per_s - ceiling:,.4g}/s. It needs more than "
        f"{needs:,.4g} slots and has {has:,.4g}; {math.ceil(hour):,} slots would be done in an hour, or "
        f"less than {ceiling:,.4g}/s may come. {_growing_old(backlog, ceiling)}"
    )


def _growing_old(backlog: Backlog, per_s: float) -> str:
    at = first_lost_s(backlog, per_s)
    kept = f"the retention of {_time(backlog.retention_s)}"
    return (
        f"From {_time(at)} on messages are lost to {kept}" if at else f"Messages are lost to {kept} already"
    )


def text(said: dict[str, Any], *, markdown: bool) -> str:
    """Return the answer for the screen, or for a page."""
    never = said["empty_s"] == "never"
    first = f"Never: {said['missing']}." if never else f"Empty in {_range(said['empty_s'])}."
    lines = [f"**{first}**" if markdown else first, ""]
    dash = "- " if markdown else "  "
    if not never:
        lines.append(f"{dash}the newest of the backlog is begun after {_range(said['begun_s'])}")
        lines.append(f"{dash}the last of it is done, retries too, after {_range(said['done_s'])}")
        low, lost, high = said["lost"]
        gone = f"{lost:,} [{low:,}, {high:,}] messages grow older than that" if high else "nothing"
        lines.append(f"{dash}lost to retention meanwhile: {gone}")
    lines += [f"{dash}{line}" for line in said["arithmetic"]]
    lines += [f"{dash}left out: {line}" for line in said["left_out"]]
    if not never:
        lines += [
            "",
            f"95 % of {said['runs']} coarse runs lie in the range: chance of arrivals, work and failures, "
            "not of the numbers given.",
        ]
    return "\n".join(lines) + "\n"


def _range(three: list[float]) -> str:
    low, middle, high = (_time(one) for one in three)
    return middle if low == high else f"{middle} [{low}, {high}]"


def _time(seconds: float) -> str:
    """Write a time in its two largest units: ``9.4s``, ``4m2s``, ``1h46m``, ``2d3h``."""
    if not math.isfinite(seconds):
        return "no end in sight"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    for large, name, small, below in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        whole = round(seconds / small) * small
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large}{name}" + (f"{rest}{below}" if rest else "")
    return f"{round(seconds)}s"
