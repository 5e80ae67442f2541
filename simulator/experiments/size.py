"""The smallest value of a setting that keeps every promise with 95% confidence, in few runs.

A look at a value is some runs and the verdict of every threshold: *holds* when the whole 95% interval is on
the good side. The search begins where theory guesses, goes on by doubling steps until it has a value
that holds above one that does not, and halves the gap. Several looks are several chances to be lucky, so
the value found must hold once more in runs of its own, which had no part in choosing it; else the next one
is tried. Both ends of the range are looked at as well: where a value that holds stands before one
that is crossed, the response is not monotone, and all values are simulated.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from simulator.analysis.answer import Verdict
from simulator.analysis.sizing import Sizing, is_monotone
from simulator.analysis.sweeps import Point
from simulator.experiments.answers import answer_of
from simulator.experiments.executors import Executor
from simulator.experiments.first_guess import first_guess
from simulator.experiments.replications import Experiment, replicate_all
from simulator.scenario.schema import Scenario

LEAST_RUNS: Final = 2
"""One run has no interval, so nothing would ever hold."""
MORE: Final = 3
"""A value at the edge that is undecided gets so many times the runs of a look, if there is room for them."""
DEAREST: Final = 2
"""So many times the runs of a bisection at most go into a search of a monotone response."""

Told = Callable[[Point], None]


class Looks:
    """Values that are simulated when they are asked for; runs of a value are never thrown away."""

    def __init__(
        self,
        values: Sequence[str],
        load: Callable[[str], Scenario],
        runs: int,
        seed: int | None,
        executor: Executor,
        told: Told,
    ) -> None:
        self.values = values
        self.runs = 0
        self.bisection = len(values).bit_length() * runs
        """What a bisection would take that knows the response to be monotone."""
        self.places: list[int] = []
        """Places looked at, ascending."""
        self._load = load
        self._each = runs
        self._seed = seed
        self._executor = executor
        self._told = told
        self._found: dict[int, Experiment] = {}
        self._points: dict[int, Point] = {}

    def at(self, place: int) -> Point:
        """What the value at *place* says; it is simulated if it was not yet."""
        if place not in self._points:
            insort(self.places, place)
            self._take(place, self._simulate(place, 0, self._each))
        return self._points[place]

    def holds(self, place: int) -> bool:
        """Whether every threshold holds there."""
        return self.at(place).verdict is Verdict.HOLDS

    def holds_again(self, place: int) -> bool:
        """Whether it holds in as many runs again, judged without the ones that chose it."""
        before = self._found[place]
        fresh = self._simulate(place, len(before.runs), self._each)
        self._take(place, _joined(before, fresh))
        return Point((self.values[place],), answer_of(fresh)).verdict is Verdict.HOLDS

    def decide(self, place: int) -> Verdict:
        """The verdict there after more runs, where it is undecided and they leave some for the last look."""
        before = self._found[place]
        more = MORE * self._each - len(before.runs)
        room = DEAREST * self.bisection - self.runs - self._each
        if self.at(place).verdict is Verdict.UNDECIDED and 0 < more <= room:
            self._take(place, _joined(before, self._simulate(place, len(before.runs), more)))
        return self.at(place).verdict

    def _simulate(self, place: int, first: int, runs: int) -> Experiment:
        self.runs += runs
        scenario = self._load(self.values[place])
        (found,) = replicate_all(
            [scenario], replications=runs, first=first, seed=self._seed, executor=self._executor
        )
        return found

    def _take(self, place: int, experiment: Experiment) -> None:
        self._found[place] = experiment
        self._points[place] = Point((self.values[place],), answer_of(experiment))
        self._told(self._points[place])


def _joined(one: Experiment, other: Experiment) -> Experiment:
    return replace(one, partials=one.partials + other.partials, runs=one.runs + other.runs)


def size(
    path: str,
    values: Sequence[str],
    load: Callable[[str], Scenario],
    *,
    replications: int,
    seed: int | None,
    executor: Executor,
    told: Told,
) -> Sizing:
    """Search *values* of the setting at *path* for the first that keeps every promise.

    Parameters
    ----------
    values : sequence of str
        From where promises are hardest to keep to where they are easiest.
    load : callable
        Gives the scenario with a value in place.
    replications : int
        Runs of a look.
    told : callable
        Told every point when it has new runs.
    """
    runs = max(LEAST_RUNS, replications)
    looks = Looks(values, load, runs, seed, executor, told)
    guess = first_guess(values, load)
    last = len(values) - 1
    found = _search(looks, last, guess)
    looks.at(0)
    looks.at(last)
    monotone = is_monotone([looks.at(place) for place in looks.places])
    if not monotone:
        for place in range(len(values)):
            looks.at(place)
        found = next((k for k in range(len(values)) if all(map(looks.holds, range(k, len(values))))), None)
    found = _confirmed(looks, found, last)
    looked = [looks.at(place) for place in looks.places]
    metric = looked[0].answer.setting.headline
    return Sizing(
        path,
        tuple(values),
        tuple(looked),
        metric,
        None if found is None else looks.at(found),
        monotone,
        looks.runs,
        looks.bisection,
        "" if guess is None else values[guess],
    )


def _search(looks: Looks, last: int, guess: int | None) -> int | None:
    """Place of the first value that holds, as far as single looks say; None where the last does not.

    Around a guess two steps of 1 and 4 find a value on its other side, if it was good; all else is halving.
    """
    fails, holds = -1, last + 1
    steps = [] if guess is None else [4, 1]
    place = last // 2 if guess is None else guess
    while holds - fails > 1:
        if looks.holds(place):
            holds = place
        else:
            fails = place
        if steps and fails == -1:
            place = max(0, holds - steps.pop())
        elif steps and holds > last:
            place = min(last, fails + steps.pop())
        else:
            place = (fails + holds) // 2
    return holds if holds <= last else None


def _confirmed(looks: Looks, found: int | None, last: int) -> int | None:
    """The first value from *found* on that holds in fresh runs as well, and none before it that holds."""
    if found is None:
        found = last + 1
    # What was undecided just before may hold, and then is the answer.
    while found > 0 and looks.at(found - 1).verdict is Verdict.UNDECIDED:
        if looks.decide(found - 1) is not Verdict.HOLDS:
            break
        found -= 1
    while found <= last:
        if looks.holds(found) and looks.holds_again(found):
            return found
        found += 1
    return None
