"""The smallest size that keeps a promise: what a search looks at, and that it finds what Erlang C says."""

import math

import pytest

from simulator.analysis import theory
from simulator.analysis.answer import Verdict
from simulator.experiments.executors import Local
from simulator.experiments.first_guess import first_guess
from simulator.experiments.size import DEAREST, Looks, _search, size
from simulator.scenario import load
from tests.cli.typed import typed

STAFF = """
scenario: staff
ideal: true
duration: {duration}
after: stop
replications: 4
seed: 3
producers: {{callers: {{target: calls, arrivals: {{rate: {rate}/s}}}}}}
queues: {{calls: {{visibility_timeout: 1h}}}}
auto_scaling_groups:
  staff:
    queue: calls
    instance_type: c6i.large
    workers_per_instance: 1
    receive: {{max_messages: 1}}
    work: {{exponential: {{mean: {work}}}}}
    capacity: {{min: 1, max: 1}}
thresholds: [wait.p95 < {target}ms]
"""
PATH = "auto_scaling_groups.staff.workers_per_instance"


def staffing(tmp_path, rate: int, work_s: float, target_s: float, duration: str = "6m"):
    path = tmp_path / "staff.yaml"
    text = STAFF.format(rate=rate, work=f"{work_s:g}s", target=round(target_s * 1000), duration=duration)
    path.write_text(text, encoding="utf-8")
    return path, lambda value: load(path, sets={PATH: value})


def needed(rate: float, work_s: float) -> tuple[int, float]:
    """A number of servers, and a target well between its 95% quantile of the wait and that of one less."""
    servers = math.ceil(rate * work_s) + 1
    waits = [theory.mmc_wait_quantile(0.95, n, rate * work_s / n, work_s) for n in (servers - 1, servers)]
    assert waits[1] > 0
    return servers, math.sqrt(waits[1] * min(waits[0], 25 * waits[1]))


@pytest.mark.parametrize(("rate", "work_s"), [(4, 0.45), (10, 1.3)])
def test_a_search_finds_erlang_cs_servers_in_at_most_twice_the_runs_of_bisection(tmp_path, rate, work_s):
    servers, target_s = needed(rate, work_s)
    _, loaded = staffing(tmp_path, rate, work_s, target_s)
    values = [str(n) for n in range(1, 41)]
    found = size(PATH, values, loaded, replications=4, seed=None, executor=Local(1), told=lambda _: None)
    assert found.found is not None and found.found.values == (str(servers),)
    assert found.before is not None and found.before.verdict is not Verdict.HOLDS
    assert found.guess == str(servers), "an M/M/c queue is what the formula is about"
    assert found.monotone
    assert found.bisection_runs == 6 * 4
    assert found.runs <= DEAREST * found.bisection_runs


def test_the_guess_is_erlang_cs_and_says_nothing_where_nothing_of_the_range_would_do(tmp_path):
    servers, target_s = needed(8, 0.6)
    _, loaded = staffing(tmp_path, 8, 0.6, target_s)
    assert first_guess([str(n) for n in range(1, 31)], loaded) == servers - 1
    assert first_guess([str(n) for n in range(30, 0, -1)], loaded) is None
    assert first_guess(["1", "2", "3"], loaded) is None


class Stand:
    """Looks that know which places hold."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.asked: list[int] = []

    def holds(self, place: int) -> bool:
        assert place not in self.asked, "a place is looked at once"
        self.asked.append(place)
        return place >= self.first


@pytest.mark.parametrize("size_of_range", [1, 2, 3, 7, 64, 200])
def test_without_a_guess_it_is_bisection(size_of_range):
    for first in range(size_of_range + 1):
        stand = Stand(first)
        found = _search(stand, size_of_range - 1, None)  # type: ignore[arg-type]
        assert found == (None if first == size_of_range else first)
        assert len(stand.asked) <= size_of_range.bit_length()


@pytest.mark.parametrize("guess", [0, 1, 20, 98, 99])
def test_a_guess_costs_two_looks_where_it_is_right_and_little_more_than_bisection_where_it_is_not(guess):
    for first in range(101):
        stand = Stand(first)
        found = _search(stand, 99, guess)  # type: ignore[arg-type]
        assert found == (None if first == 100 else first)
        assert len(stand.asked) <= (2 if first == guess else 3 + (100).bit_length())


def test_where_nothing_holds_the_answer_is_no(tmp_path):
    path, _ = staffing(tmp_path, 8, 0.6, 0.1, "1m")
    words = ("--find", f"{PATH}=1..4", "--replications", 2, "--jobs", 1, "-o", "json")
    seen = typed("size", path, *words, "--out", tmp_path / "out")
    assert seen.status == 99
    assert '"found": null' in seen.out


def test_a_response_that_is_not_monotone_is_seen_and_all_values_are_simulated(tmp_path):
    """More work at the one end, too few servers at the other: only the middle keeps the promise."""
    path, _ = staffing(tmp_path, 8, 0.6, 0.5, "2m")

    def loaded(value: str):
        servers, work = {"1": (1, "600ms"), "2": (3, "600ms"), "3": (12, "600ms"), "4": (9, "600ms"),
                         "5": (2, "600ms")}[value]  # fmt: skip
        return load(path, sets={PATH: str(servers), "auto_scaling_groups.staff.work": work})

    values = ["1", "2", "3", "4", "5"]
    found = size(PATH, values, loaded, replications=3, seed=None, executor=Local(1), told=lambda _: None)
    assert not found.monotone
    assert [point.values[0] for point in found.looked] == values
    assert found.found is None, "nothing holds from any value on to the end"


def test_runs_of_a_value_are_kept_and_the_last_look_is_at_fresh_ones(tmp_path):
    _, loaded = staffing(tmp_path, 4, 0.45, 60, "1m")
    looks = Looks(["3"], loaded, 3, None, Local(1), lambda _: None)
    assert looks.holds(0)
    assert looks.holds_again(0)
    assert looks.runs == 6
    point = looks.at(0)
    assert point.answer.setting.replications == 6
    (whole,) = {len(point.number("wait.p95").values)}
    assert whole == 6
    assert len(set(point.number("wait.p95").values)) == 6, "other runs, not the same again"


def test_the_answer_comes_first_then_margin_neighbours_and_what_it_cost(tmp_path):
    servers, target_s = needed(4, 0.45)
    path, _ = staffing(tmp_path, 4, 0.45, target_s, "3m")
    out = tmp_path / "out"
    seen = typed("size", path, "--find", f"{PATH}=1..16", "--jobs", 1, "--out", out)
    assert seen.status == 0
    lines = seen.out.splitlines()
    which = f"{servers} is the smallest workers_per_instance of staff that keeps"
    assert lines[0].startswith(which) and lines[0].endswith("with 95 % confidence.")
    assert lines[2].startswith(f"{servers} holds: p95 wait") and "below the bound" in lines[2]
    assert lines[3].startswith(f"{servers - 1} ") and "held back by fleet max" in lines[3]
    assert "bisection that took this for granted: 20 runs" in seen.out
    assert {path.name for path in out.iterdir()} == {
        "summary.md", "summary.json", "size.csv", "size.png", "manifest.json",
    }  # fmt: skip


def test_the_largest_rate_that_still_holds_is_found_downwards(tmp_path):
    path, _ = staffing(tmp_path, 4, 0.5, 0.3, "3m")
    rates = "producers.callers.arrivals.rate=1/s..9/s:2/s"
    words = ("--find", rates, "--largest", "--set", f"{PATH}=3", "--such-that", "wait.p95 < 2s", "--jobs", 1)
    seen = typed("size", path, *words, "--out", tmp_path / "out")
    assert seen.status == 0, seen.err
    # Three servers of 0.5 s give 6 a second.
    assert theory.mmc_wait_quantile(0.95, 3, 5 * 0.5 / 3, 0.5) > 2
    assert seen.out.startswith("3/s is the largest arrivals.rate of callers that keeps wait.p95 < 2s")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--find", "queues.calls.visibility_timeout=5s..1s"], "has no value"),
        (["--find", "queues.calls.visibility_timout=1s..5s"], "visibility_timeout"),
        (["--find", f"{PATH}=1..4", "--set", "thresholds=[]"], "no promise to keep"),
        (["--find", f"{PATH}=1..4", "--such-that", "wait.p96 < 1s"], "wait.p95"),
    ],
)
def test_what_cannot_be_searched_is_said(tmp_path, words, said):
    path, _ = staffing(tmp_path, 4, 0.5, 0.3)
    seen = typed("size", path, *words, "--out", tmp_path / "out")
    assert seen.status == 2
    assert said in seen.err
    assert not (tmp_path / "out").exists()
