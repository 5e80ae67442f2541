"""Arrivals: offered load is offered load (design, section 10, no. 5)."""

import numpy as np
import pytest

from simulator.sampling.arrivals import (
    Arrivals,
    Bursts,
    Phase,
    RateCurve,
    Renewal,
    phase_arrivals,
    phase_curve,
    steps,
)
from simulator.sampling.distributions import Constant, Exponential, Gamma
from simulator.sampling.streams import stream_key

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = [
    Phase(10 * MINUTE, 200.0),
    Phase(5 * MINUTE, 200.0, ramp_to_per_s=2_000.0),
    Phase(3 * MINUTE, 0.0),
    Phase(5 * MINUTE, 2_000.0, ramp_to_per_s=0.0),
    Phase(20 * MINUTE, 300.0, bursts=Bursts(5.0, 30 * SECOND, 5 * MINUTE)),
    Phase(7 * MINUTE, 0.5),
]
END = sum(phase.for_us for phase in DAY)


def poisson(phases, seed=1, replication=0):
    return phase_arrivals(phases, stream_key(seed, replication, "checkout/arrivals"))


def even(*phases):
    return phase_arrivals([phase._replace(poisson=False) for phase in phases], 0)


def exact_expected(curve, edges):
    return np.diff([curve.expected(int(at)) for at in edges])


@pytest.mark.parametrize("replication", range(3))
@pytest.mark.parametrize("window_us", [10 * SECOND, 37 * SECOND, 60 * SECOND])
def test_offered_load_is_offered_load(replication, window_us):
    """Counts per window against the integral of the rate, across edges, ramps, gaps and bursts."""
    offered = poisson(DAY, replication=replication).until(2 * END)
    edges = np.append(np.arange(0, END, window_us), END)
    counts = np.histogram(offered, bins=edges)[0]
    expected = exact_expected(phase_curve(DAY), edges)
    assert counts.sum() == offered.size
    assert (counts[expected == 0] == 0).all()
    z = (counts - expected)[expected > 20] / np.sqrt(expected[expected > 20])
    assert np.abs(z).max() < 4.5
    assert abs((z**2).sum() - z.size) < 4 * np.sqrt(2 * z.size)
    assert abs(offered.size - expected.sum()) < 4 * np.sqrt(expected.sum())
    assert np.sqrt(expected.sum()) < 0.01 * expected.sum()


def test_integral_of_the_rate_is_the_arithmetic_of_the_phases():
    curve = phase_curve(DAY)
    minutes = {10: 120_000.0, 15: 450_000.0, 18: 450_000.0, 23: 750_000.0, 43: 1_110_000.0, 50: 1_110_210.0}
    assert {m: curve.expected(m * MINUTE) for m in minutes} == pytest.approx(minutes, rel=1e-12)
    assert curve.total == pytest.approx(1_110_210.0, rel=1e-12)
    assert curve.expected(-1) == 0.0
    assert curve.expected(END + 10**12) == curve.total
    assert curve.expected(12 * MINUTE + 30 * SECOND) == pytest.approx(120_000 + 150 * (200 + 1_100) / 2)


def test_bursts_multiply_the_rate_and_keep_the_mean():
    curve = phase_curve([Phase(20 * MINUTE, 300.0, bursts=Bursts(5.0, 30 * SECOND, 5 * MINUTE))])
    for start in range(0, 20, 5):
        before = curve.expected(start * MINUTE)
        assert curve.expected(start * MINUTE + 30 * SECOND) - before == pytest.approx(5 * 300 * 30)
        assert curve.expected((start + 5) * MINUTE) - before == pytest.approx(300 * 300)


def test_bursts_may_take_all_of_the_mean_but_no_more():
    curve = phase_curve([Phase(MINUTE, 10.0, bursts=Bursts(4.0, 5 * SECOND, 20 * SECOND))])
    assert curve.expected(20 * SECOND) - curve.expected(5 * SECOND) == 0
    with pytest.raises(ValueError, match="above the mean"):
        phase_curve([Phase(MINUTE, 10.0, bursts=Bursts(4.1, 5 * SECOND, 20 * SECOND))])


def test_bursts_that_last_all_the_time_are_none():
    curve = phase_curve([Phase(MINUTE, 10.0, bursts=Bursts(1.0, 20 * SECOND, 20 * SECOND))])
    assert curve.expected(10 * SECOND) == pytest.approx(100)


def test_a_phase_may_end_within_a_burst_or_before_its_first_ends():
    assert phase_curve([Phase(22 * SECOND, 10.0, bursts=Bursts(2.0, 5 * SECOND, 20 * SECOND))]).total == 240
    assert phase_curve([Phase(2 * SECOND, 10.0, bursts=Bursts(2.0, 5 * SECOND, 20 * SECOND))]).total == 40


@pytest.mark.parametrize("poisson_process", [True, False])
def test_arrivals_do_not_depend_on_the_blocks_they_are_read_in(poisson_process):
    phases = [phase._replace(poisson=poisson_process) for phase in DAY]
    at_once = poisson(phases).until(END)
    for step in (SECOND, 7 * SECOND + 1, 11 * MINUTE):
        cursor = poisson(phases)
        pieces = [cursor.until(at) for at in range(step, END + step, step)]
        assert np.array_equal(np.concatenate(pieces), at_once)
        for at, piece in zip(range(step, END + step, step), pieces, strict=True):
            assert piece.size == 0 or (at - step <= piece[0] and piece[-1] < at)
    assert (np.diff(at_once) >= 0).all()


def test_an_arrival_at_the_horizon_is_given_by_the_next_call():
    cursor = even(Phase(10 * SECOND, 1.0))
    assert cursor.until(3 * SECOND).tolist() == [0, SECOND, 2 * SECOND]
    assert cursor.until(3 * SECOND).tolist() == []
    assert cursor.until(3 * SECOND + 1).tolist() == [3 * SECOND]


def test_even_arrivals_come_where_the_integral_is_whole():
    assert even(Phase(2 * SECOND, 3.0)).until(END).tolist() == [
        0,
        333_333,
        666_667,
        SECOND,
        1_333_333,
        1_666_667,
    ]


def test_phase_edges_are_exact():
    """A phase of r/s for t seconds holds r x t even arrivals, the first at its very start."""
    arrivals = even(Phase(7 * SECOND, 300.0), Phase(5 * SECOND, 0.0), Phase(3 * SECOND, 70.0)).until(END)
    first, gap, last = np.histogram(arrivals, bins=[0, 7 * SECOND, 12 * SECOND, 15 * SECOND])[0]
    assert (first, gap, last) == (2_100, 0, 210)
    assert arrivals[2_100] == 12 * SECOND


@pytest.mark.parametrize("rate", [0.1, 0.7, 3.3, 299.9, 1_999.7])
def test_phase_edges_are_exact_for_rates_that_floats_miss(rate):
    length = 1_000 * SECOND
    arrivals = even(*[Phase(length, rate), Phase(length, 0.0)] * 5).until(END * 10)
    counts = np.histogram(arrivals, bins=np.arange(11) * length)[0]
    assert counts.tolist() == [round(rate * 1_000), 0] * 5


def test_a_change_of_rate_in_one_phase_leaves_the_arrivals_before_it_alone():
    one, other = (poisson([Phase(MINUTE, 50.0), Phase(MINUTE, rate)]).until(END) for rate in (20.0, 80.0))
    assert np.array_equal(one[one < MINUTE], other[other < MINUTE])
    assert (other >= MINUTE).sum() > 2 * (one >= MINUTE).sum()


def test_message_i_stays_message_i_when_the_rate_changes():
    """Twice the rate halves every instant: the steps belong to the messages."""
    slow = poisson([Phase(10 * MINUTE, 100.0)]).until(END)
    fast = poisson([Phase(10 * MINUTE, 200.0)]).until(END)
    assert np.abs(fast[: slow.size] - slow / 2).max() <= 1


def test_a_ramp_from_zero_and_to_zero_has_all_its_arrivals():
    up = even(Phase(100 * SECOND, 0.0, ramp_to_per_s=10.0)).until(END)
    down = even(Phase(100 * SECOND, 10.0, ramp_to_per_s=0.0)).until(END)
    assert up.size == down.size == 500
    assert up[[0, 125]].tolist() == [0, 50 * SECOND]
    assert down[375] == 50 * SECOND


def test_time_between_poisson_arrivals_is_exponential():
    gaps = np.diff(poisson([Phase(100 * MINUTE, 50.0)]).until(END * 10)) / (SECOND / 50)
    assert gaps.size > 290_000
    error = 1 / np.sqrt(gaps.size)
    assert abs(gaps.mean() - 1) < 4 * error
    assert abs(gaps.std() - 1) < 4 * np.sqrt(2) * error
    for share in (0.1, 0.5, 0.9, 0.99):
        found = np.mean(gaps < -np.log1p(-share))
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / gaps.size)


def test_phases_of_both_processes_follow_each_other():
    phases = [Phase(MINUTE, 50.0), Phase(MINUTE, 10.0, poisson=False), Phase(MINUTE, 50.0)]
    arrivals = phase_arrivals(phases, stream_key(1, 0, "checkout/arrivals")).until(END)
    middle = arrivals[(arrivals >= MINUTE) & (arrivals < 2 * MINUTE)]
    assert np.array_equal(middle, MINUTE + np.arange(600) * SECOND // 10)
    assert (np.diff(arrivals) >= 0).all()
    first, last = arrivals[arrivals < MINUTE], arrivals[arrivals >= 2 * MINUTE] - 2 * MINUTE
    assert min(first.size, last.size) > 2_500
    assert not np.array_equal(first[:100], last[:100])


def test_no_rate_is_no_arrivals():
    assert poisson([Phase(MINUTE, 0.0)]).until(END).size == 0
    assert even(Phase(MINUTE, 0.0), Phase(MINUTE, 0.0)).until(END).size == 0


def test_trace_counts_are_exact_when_spread_evenly():
    counts = [120, 0, 7, 0, 0, 1_000]
    curve = steps(5 * MINUTE, counts, "even")
    arrivals = Arrivals(curve, poisson=False, stream_key=0).until(END * 10)
    assert np.histogram(arrivals, bins=np.arange(7) * 5 * MINUTE)[0].tolist() == counts
    assert curve.total == sum(counts)


def test_trace_counts_in_the_first_second_stay_in_it():
    counts = [120, 0, 7, 1_000]
    arrivals = Arrivals(steps(5 * MINUTE, counts, "first_second"), poisson=False, stream_key=0).until(
        END * 10
    )
    assert (arrivals % (5 * MINUTE) < SECOND).all()
    assert np.histogram(arrivals, bins=np.arange(5) * 5 * MINUTE)[0].tolist() == counts


def test_trace_counts_are_means_of_a_poisson_process():
    counts = np.array([1_000.0, 3_000.0, 0.0, 2_500.5])
    cursor = Arrivals(steps(MINUTE, counts, "poisson"), poisson=True, stream_key=stream_key(1, 0, "day"))
    found = np.histogram(cursor.until(END), bins=np.arange(5) * MINUTE)[0]
    assert (np.abs(found - counts) <= 4 * np.sqrt(counts)).all()
    assert not np.array_equal(found, counts)


def test_renewals_come_after_whole_times_and_in_any_block():
    assert Renewal(Constant(250), 1).until(1_001).tolist() == [250, 500, 750, 1_000]
    at_once = Renewal(Gamma(2, 1_000), 5).until(20_000_000)
    cursor = Renewal(Gamma(2, 1_000), 5)
    pieces = [cursor.until(at) for at in range(0, 20_000_001, 12_345)] + [cursor.until(20_000_000)]
    assert np.array_equal(np.concatenate(pieces), at_once)
    gaps = np.diff(at_once)
    assert abs(gaps.mean() - 1_000) < 4 * gaps.std() / np.sqrt(gaps.size)


def test_renewals_of_an_exponential_are_poisson():
    counts = np.histogram(
        Renewal(Exponential(20_000), 3).until(1_000 * SECOND), bins=np.arange(1_001) * SECOND
    )[0]
    assert abs(counts.sum() - 50_000) < 4 * np.sqrt(50_000)
    assert abs(counts.var() / counts.mean() - 1) < 4 * np.sqrt(2 / 1_000)


def test_renewals_without_time_between_them_are_refused():
    with pytest.raises(ValueError, match="never end"):
        Renewal(Constant(0), 1).until(1)


def test_pieces_of_no_length_hold_nothing():
    curve = RateCurve([0, 0, SECOND, SECOND], [5.0, 2.0, 9.0], [5.0, 2.0, 9.0])
    assert Arrivals(curve, poisson=False, stream_key=0).until(END).tolist() == [0, SECOND // 2]
