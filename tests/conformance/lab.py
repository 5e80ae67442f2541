"""What the runners share: scenarios from data, the rows of a run, and numbers made of rows."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from simulator.engine.conservation import check
from simulator.engine.simulate import Simulation
from simulator.processes.clock import SAMPLES
from simulator.processes.queues import Queue
from simulator.recording.tables import TABLES
from simulator.scenario.loading import load
from simulator.scenario.schema import Scenario

SECOND = 1_000_000
SEED = 1
MESSAGES = 200_000
"""Copies of one replication of a system in its steady state."""

WARM_UP = 0.05
_LONGEST_S = 390 * 86400

UNLIMITED = {"workers_per_instance": 1000, "capacity": {"min": 20, "max": 20}}
"""A group that never runs out of consumers, at the rates that cases have."""

_POINTS = 200_000

Parameters = Mapping[str, Any]
Columns = dict[str, np.ndarray]


class Rows:
    """A sink that keeps the tables it is asked for."""

    def __init__(self, tables: Iterable[str]) -> None:
        self._chunks: dict[str, list[Mapping[str, np.ndarray]]] = {table: [] for table in tables}

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        if table in self._chunks:
            self._chunks[table].append(columns)

    def table(self, name: str) -> Columns:
        chunks = self._chunks[name] or [{column.name: np.zeros(0, dtype=np.int64) for column in TABLES[name]}]
        return {column: np.concatenate([chunk[column] for chunk in chunks]) for column in chunks[0]}


def scenario(duration_s: float, files: Mapping[str, str] | None = None, **sections: Any) -> Scenario:
    """An ideal scenario of *sections*, in the words of the scenario language; *files* stand beside it."""
    words = {"scenario": "case", "ideal": True, "duration": time(duration_s), **sections}
    with TemporaryDirectory() as folder:
        path = Path(folder, "case.yaml")
        path.write_text(json.dumps(words), encoding="utf-8")
        for name, text in (files or {}).items():
            Path(folder, name).write_text(text, encoding="utf-8")
        return load(path)


def run(
    asked: Scenario,
    replication: int,
    tables: Iterable[str] = ("copies",),
    beside: Callable[[Simulation], None] | None = None,
) -> Rows:
    """The rows of one run; *beside* may put something on the agenda before it starts."""
    rows = Rows(tables)
    simulation = Simulation(asked, seed=SEED, replication=replication, sink=rows)
    if beside is not None:
        beside(simulation)
    simulation.run()
    check(simulation.messaging, simulation.consumers)
    simulation.recorder.flush()
    return rows


def steady(interarrival_s: float, copies: int = 1) -> tuple[float, tuple[int, int]]:
    """Duration [s] of a run with MESSAGES copies, and the part of it that counts [us]."""
    duration_s = min(MESSAGES / copies * interarrival_s, _LONGEST_S)
    return duration_s, (round(WARM_UP * duration_s * SECOND), round(duration_s * SECOND))


class Watch:
    """Reads a queue once a second in *window* [us], as somebody outside would; goes *beside* a run."""

    def __init__(self, name: str, read: Callable[[Queue, int], int], window: tuple[int, int]) -> None:
        self._name = name
        self._read = read
        self._window = window
        self._values: list[int] = []

    def __call__(self, simulation: Simulation) -> None:
        """Put the first look on the agenda."""
        clock = simulation.clock
        queue = simulation.messaging.dispatchers[self._name].queue

        def look(at: int) -> None:
            self._values.append(self._read(queue, at))
            if at + SECOND < self._window[1]:
                clock.at(at + SECOND, SAMPLES, look, at + SECOND)

        clock.at(self._window[0], SAMPLES, look, self._window[0])

    def mean(self) -> float:
        """Mean of what it read."""
        return float(np.mean(self._values))


# -- in the words of the scenario language -----------------------------------------------------------


def time(seconds: float) -> str:
    """A duration."""
    return f"{round(seconds * SECOND)}us"


def rate(per_s: float) -> str:
    """A rate, to nine digits."""
    return f"{per_s:.9f}/s"


def share(of_one: float) -> str:
    """A share, to nine digits."""
    return f"{100 * of_one:.9f}%"


def distribution(given: Parameters, files: dict[str, str]) -> Any:
    """A distribution of times; what the language has no word for becomes a sample in *files*."""
    kind = given["dist"]
    if kind == "constant":
        return time(given["value"])
    if kind == "exponential":
        return {"exponential": {"mean": time(given["mean"])}}
    if kind == "gamma":
        return {"gamma": {"shape": given["shape"], "mean": time(given["mean"])}}
    if kind == "uniform":
        return {"uniform": {"low": time(given["low"]), "high": time(given["high"])}}
    if kind == "lognormal":
        sigma = np.sqrt(np.log1p(given["scv"]))
        median = given["mean"] / np.sqrt(1 + given["scv"])
        return {
            "lognormal": {"median": time(median), "p99": time(median * np.exp(2.3263478740408408 * sigma))}
        }
    name = f"sample-{len(files)}.csv"
    values = (sample(given) * SECOND).round().astype(int)
    files[name] = "value\n" + "\n".join(map(str, values.tolist())) + "\n"
    return {"empirical": {"file": name, "column": "value", "unit": "us"}}


def sample(given: Parameters) -> np.ndarray:
    """Values that stand for a distribution, each equally likely."""
    if given["dist"] == "discrete":
        shares = [Fraction(share).limit_denominator(1000) for share in given["probs"]]
        whole = int(np.lcm.reduce([share.denominator for share in shares]))
        return np.repeat(given["values"], [int(share * whole) for share in shares])
    u = (np.arange(_POINTS) + 0.5) / _POINTS
    if given["dist"] == "weibull":
        return np.asarray(given["scale"] * (-np.log1p(-u)) ** (1 / given["shape"]))
    raise ValueError(f"unknown distribution {given['dist']}")


def mean(given: Parameters) -> float:
    """Mean of a distribution."""
    return _moments(given)[0]


def scv(given: Parameters) -> float:
    """Squared coefficient of variation of a distribution."""
    first, second = _moments(given)
    return second / first**2 - 1


def _moments(given: Parameters) -> tuple[float, float]:
    """Mean, and mean of the square."""
    kind = given["dist"]
    if kind == "discrete":
        values, shares = np.array(given["values"]), np.array(given["probs"])
        return float((values * shares).sum()), float((values**2 * shares).sum())
    if kind == "weibull":
        scale, shape = given["scale"], given["shape"]
        return scale * math.gamma(1 + 1 / shape), scale**2 * math.gamma(1 + 2 / shape)
    if kind == "uniform":
        low, high = given["low"], given["high"]
        return (low + high) / 2, (low**2 + low * high + high**2) / 3
    first = float(given["value"] if kind == "constant" else given["mean"])
    known = {"constant": 0.0, "exponential": 1.0, "geometric": 1 - 1 / first}
    spread = known[kind] if kind in known else 1 / given["shape"] if kind == "gamma" else given["scv"]
    return first, first**2 * (1 + spread)


def arrivals(interarrival: Parameters, files: dict[str, str]) -> Any:
    """Arrivals with this time between them: a Poisson process has a rate, which need not be whole."""
    if interarrival["dist"] == "exponential":
        return {"rate": rate(1 / interarrival["mean"])}
    return {"interarrival": distribution(interarrival, files)}


def workers(queue: str, work: Any, servers: int | None, **more: Any) -> dict[str, Any]:
    """A group of *servers* consumers of *queue* with batch size 1 unless told otherwise; None: unlimited."""
    size = (
        UNLIMITED if servers is None else {"workers_per_instance": servers, "capacity": {"min": 1, "max": 1}}
    )
    return {"queue": queue, "instance_type": "ideal", "work": work, **size, **more}


# -- numbers made of rows ----------------------------------------------------------------------------


def mean_number(starts: np.ndarray, ends: np.ndarray, window: tuple[int, int]) -> float:
    """Mean number of things there in *window* [us], each from its start to its end."""
    low, high = window
    inside = np.minimum(ends, high) - np.maximum(starts, low)
    return float(np.maximum(inside, 0).sum() / (high - low))


def share_of_time_with(number: int, starts: np.ndarray, ends: np.ndarray, window: tuple[int, int]) -> float:
    """Share of *window* [us] with *number* or more things there.

    There are *number* from the i-th start on until the (i - number + 1)-th end, if the next start is
    not earlier.
    """
    starts, ends = np.sort(starts), np.sort(ends)
    from_at = starts[number - 1 :]
    until_at = np.minimum(ends[: from_at.size], np.append(from_at[1:], ends[-1]))
    return mean_number(from_at, until_at, window)


def sojourns(copies: Columns, window: tuple[int, int]) -> dict[str, float]:
    """Times and numbers in system and waiting, of copies sent in *window* [us] and over it."""
    sent, received, ended = copies["sent_at"], copies["first_received_at"], copies["ended_at"]
    chosen = (sent >= window[0]) & (sent < window[1])
    numbers: dict[str, float] = {}
    for name, values in (("w", ended - sent), ("wq", received - sent)):
        seconds = values[chosen] / SECOND
        numbers[name] = float(seconds.mean())
        for percent, value in zip((50, 95, 99), np.percentile(seconds, (50, 95, 99)), strict=True):
            numbers[f"{name}_p{percent}"] = float(value)
    numbers["p_wait"] = float(np.mean(received[chosen] > sent[chosen]))
    numbers["l"] = mean_number(sent, ended, window)
    numbers["lq"] = mean_number(sent, received, window)
    return numbers
