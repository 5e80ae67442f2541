"""A downstream on its own: errands sent to it at given instants, with service times that a test names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from simulator.processes.clock import SENDS, Clock
from simulator.processes.conditions import Conditions
from simulator.processes.downstream_clients import Backoff, Breaker, Client, RetryBudget
from simulator.processes.downstream_figures import Figures
from simulator.processes.downstreams import Downstream
from simulator.processes.errands import Calls, Errand, Step
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

MS = 1_000
SECOND = 1_000_000


class Draws:
    """What a test says: service [us] by copy and try, who fails, and the chance of every pause."""

    def __init__(
        self,
        service_us: Callable[[int, int], int],
        fails: Callable[[int, int], bool] = lambda copy, tries: False,
        pause: Callable[[int], float] = lambda tries: 0.5,
    ) -> None:
        self._service_us = service_us
        self._fails = fails
        self._pause = pause

    def of(self, copy: int, count: int, tries: int) -> tuple[int, float]:
        return self._service_us(copy, tries), -1.0 if self._fails(copy, tries) else 1.0

    def pause(self, copy: int, count: int, tries: int) -> float:
        return self._pause(tries)


class Changes:
    """A sink that keeps the rows of ``changes``."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Keep quantity, value, from and until."""
        names = ("quantity", "value", "from_at", "until_at")
        self.rows += zip(*(columns[name].tolist() for name in names), strict=True)


class System:
    """A clock, one downstream and one client of it."""

    def __init__(
        self,
        draws: Draws,
        *,
        timeout_us: int = 3600 * SECOND,
        max_tries: int = 1,
        backoff: tuple[int, int, Literal["none", "full", "decorrelated"]] = (100 * MS, 20 * SECOND, "none"),
        breaker: dict[str, Any] | None = None,
        budget: float | None = None,
        calls: int = 1,
        **downstream: Any,
    ) -> None:
        self.kept = Changes()
        self.clock = Clock()
        recorder = Recorder(Ledger(), self.kept)
        self.recorder = recorder
        self.conditions = Conditions()
        self.figures = Figures(recorder, 0)
        self.downstream = Downstream(self.clock, self.figures, self.conditions, **downstream)
        self.gauge = Gauge(recorder, 0, Quantity.OPEN_BREAKERS, 0)
        self.breaker = None if breaker is None else Breaker(self.clock, self.gauge, **breaker)
        client = Client(
            self.downstream,
            timeout_us,
            max_tries,
            Backoff(*backoff),
            self.breaker,
            None if budget is None else RetryBudget(budget),
        )
        self.calls = Calls(self.clock, [Step(client, draws, 0.0)] * calls)  # type: ignore[arg-type]
        self.errands: list[Errand] = []
        self.over: dict[int, int] = {}

    def send(self, at: Sequence[int]) -> "System":
        """Begin an errand at each of these instants [us]."""
        for copy, instant in enumerate(at, len(self.errands)):
            errand = Errand(self.calls, copy, 1, self._done, copy)
            self.errands.append(errand)
            self.clock.at(instant, SENDS, lambda one: one.begin(), errand)
        return self

    def run(self, until: int = 10**15) -> "System":
        """Let everything happen that is due before *until* [us]."""
        while self.clock.next_at() < until:
            self.clock.step()
        return self

    def _done(self, errand: Errand) -> None:
        self.over[errand.owner] = self.clock.now

    def counted(self, quantity: Quantity) -> float:
        """What the rows of a quantity add up to: a count; of a level its integral [s]; of TRY_US seconds."""
        self.figures.close(self.clock.now)
        self.gauge.close(self.clock.now)
        self.recorder.flush()
        mine = [row for row in self.kept.rows if row[0] == quantity]
        area = sum(value * (until_at - from_at) for _, value, from_at, until_at in mine)
        levels = (Quantity.SERVED_TRIES, Quantity.WAITING_TRIES)
        return area / (1e9 if quantity in levels else 1e6 if quantity is Quantity.OPEN_BREAKERS else 1e12)


def constant(us: int) -> Draws:
    """Every try is served for so long [us]."""
    return Draws(lambda copy, tries: us)
