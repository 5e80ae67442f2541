"""How far a run is, on stderr: simulated time, messages a second, time left."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from simulator.experiments.executors import Standing

REDRAW_S: Final = 0.1
"""A picture of progress is drawn at most this often [s]."""


def hours(us: float) -> str:
    """Write a span [us] as people say it: 45 s, 12 min, 1 h 30."""
    seconds = round(us / 1e6)
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02}"


class Progress:
    """A line on stderr while runs are carried out; on a terminal it moves, elsewhere it stands at the end.

    Parameters
    ----------
    durations_us : sequence of int
        Planned duration of each run [us]; a drain after it is shown as waiting.
    quiet : bool
        Say nothing.
    """

    def __init__(self, durations_us: Sequence[int], *, quiet: bool) -> None:
        self.durations_us = durations_us
        self.quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._began_at = self._drawn_at = 0.0
        self._last = Standing((0,) * len(durations_us), 0, 0)

    def __enter__(self) -> Self:
        self._began_at = time.monotonic()
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                BarColumn(bar_width=8),
                TextColumn("{task.fields[told]}"),
                console=Console(stderr=True),
                transient=True,
                auto_refresh=False,
            )
            self._task = self._bar.add_task("simulating", total=sum(self.durations_us), told="")
            self._bar.start()
        return self

    def __call__(self, standing: Standing) -> None:
        """Take in how far all runs are."""
        self._last = standing
        now = time.monotonic()
        if self._live and now - self._drawn_at >= REDRAW_S:
            self._drawn_at = now
            self._bar.update(self._task, completed=self._done_us(), told=self.words(now - self._began_at))
            self._bar.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()
        if kind is None and not self.quiet:
            elapsed_s = max(time.monotonic() - self._began_at, 1e-9)
            runs, messages = len(self.durations_us), self._last.messages
            print(
                f"{runs} {'run' if runs == 1 else 'runs'}, {messages:,} messages in {elapsed_s:.1f} s"
                f" ({messages / elapsed_s:,.0f} a second)",
                file=sys.stderr,
            )

    def words(self, elapsed_s: float) -> str:
        """Say how far it is after *elapsed_s* [s]."""
        done_us, total_us = self._done_us(), sum(self.durations_us)
        parts = [f"{self._last.finished} of {len(self.durations_us)} runs"]
        parts.append(f"simulated {hours(done_us)} of {hours(total_us)}")
        parts.append(f"{self._last.messages / max(elapsed_s, 1e-9):,.0f} msg/s")
        if done_us >= total_us:
            parts.append("draining")
        elif done_us > 0:
            parts.append(f"{hours(elapsed_s * 1e6 * (total_us / done_us - 1))} left")
        return " · ".join(parts)

    def _done_us(self) -> int:
        pairs = zip(self._last.simulated_at, self.durations_us, strict=True)
        return sum(min(at, duration_us) for at, duration_us in pairs)
