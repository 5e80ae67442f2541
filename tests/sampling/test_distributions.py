"""Distributions: their means, their percentiles, and how drawn values become whole."""

from typing import cast

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaincinv

from simulator.sampling.distributions import (
    LARGEST,
    BoundedPareto,
    Categorical,
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Mixable,
    Mixture,
    Quantiles,
    Uniform,
    Weibull,
    draw,
    whole,
    zipf_weights,
)
from simulator.sampling.streams import stream_key, uniform

MEASURED = ((0.10, 12_000.0), (0.50, 25_000.0), (0.90, 60_000.0), (0.99, 200_000.0))
ALL: dict[str, Distribution] = {
    "constant": Constant(120_000),
    "exponential": Exponential(120_000),
    "lognormal": Lognormal(120_000, 600_000),
    "lognormal without spread": Lognormal(120_000, 120_000),
    "erlang": Gamma(4, 120_000),
    "gamma": Gamma(0.5, 120_000),
    "uniform": Uniform(50_000, 150_000),
    "empirical": Empirical([5_000, 1_000, 9_000, 1_000]),
    "quantiles": Quantiles(MEASURED),
    "weibull": Weibull(0.7, 120_000),
    "pareto": BoundedPareto(1.5, 20_000, 30_000_000),
    "pareto of shape one": BoundedPareto(1.0, 20_000, 2_000_000),
    "mixture": Mixture([(0.95, Lognormal(120_000, 600_000)), (0.05, Uniform(2_000_000, 4_000_000))]),
    "mixture with steps": Mixture(
        [(0.5, Constant(10_000)), (0.3, Empirical([5_000, 70_000])), (0.2, Exponential(20_000))]
    ),
}
MIXABLE = [name for name in ALL if name != "quantiles" and "mixture" not in name]
EXTREMES = np.array([0.0, 2.0**-53, 1e-9, 0.01, 0.5, 0.99, 1 - 1e-9, 1 - 2.0**-53])


def keys(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


@pytest.mark.parametrize("name", ALL)
def test_mean_of_many_draws_is_the_mean(name):
    values = draw(ALL[name], stream_key(1, 0, name), keys(400_000)).astype(float)
    error = values.std() / np.sqrt(values.size)
    assert abs(values.mean() - ALL[name].mean) <= 4 * error
    assert error < 0.01 * ALL[name].mean


@pytest.mark.parametrize("name", ALL)
def test_quantile_rises_and_stays_finite_at_the_ends(name):
    values = ALL[name].quantile(np.concatenate((EXTREMES[:3], np.linspace(0.001, 0.999, 999), EXTREMES[-2:])))
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert (values >= 0).all()


def test_constant_draws_exactly_its_value():
    assert set(draw(Constant(123_457), 5, keys(1_000)).tolist()) == {123_457}


def test_lognormal_meets_its_median_and_99th_percentile():
    assert Lognormal(120, 1_500).quantile(np.array([0.5, 0.99])) == pytest.approx([120, 1_500], rel=1e-12)


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 37.5])
def test_gamma_is_the_inverse_of_the_incomplete_gamma_function(shape):
    u = np.linspace(0.0005, 0.9995, 5_000)
    expected = gammaincinv(shape, u) * (120_000 / shape)
    assert Gamma(shape, 120_000).quantile(u) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Weibull(0.7, 80), stats.weibull_min(0.7, scale=80 / 1.2658235060572878)),
        (Weibull(3, 80), stats.weibull_min(3, scale=80 / 0.8929795115692493)),
        (BoundedPareto(1.5, 10, 1e5), stats.truncpareto(1.5, 1e4, scale=10)),
        (BoundedPareto(0.6, 10, 1e5), stats.truncpareto(0.6, 1e4, scale=10)),
    ],
)
def test_weibull_and_pareto_are_those_of_scipy(ours, theirs):
    u = np.linspace(0.0005, 0.9995, 2_000)
    assert ours.quantile(u) == pytest.approx(theirs.ppf(u), rel=1e-9)
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-9)
    assert ours.share(theirs.ppf(u)) == pytest.approx(u, abs=1e-9)


@pytest.mark.parametrize("name", MIXABLE)
def test_share_and_quantile_are_inverse_to_each_other(name):
    u = np.linspace(0.0005, 0.9995, 2_000)
    mixable = cast(Mixable, ALL[name])
    values = mixable.quantile(u)
    assert (mixable.share(values) >= u - 1e-6).all()
    assert (mixable.share(np.nextafter(values * (1 - 2e-6), 0)) <= u + 1e-9).all()


def test_a_mixture_has_the_shares_of_its_parts_everywhere():
    parts: list[tuple[float, Mixable]] = [
        (0.9, Lognormal(120, 600)),
        (0.08, Weibull(0.7, 500)),
        (0.02, BoundedPareto(1.1, 1_000, 60_000)),
    ]
    u = np.concatenate((np.linspace(0.0005, 0.9995, 2_000), 1 - np.logspace(-3, -9, 50)))
    values = Mixture(parts).quantile(u)
    shares = np.sum([share * part.share(values) for share, part in parts], axis=0)
    assert shares == pytest.approx(u, abs=2e-6)
    assert (1 - shares)[-50:] == pytest.approx((1 - u)[-50:], rel=1e-3)


def test_steps_of_a_mixture_stay_steps():
    mixed = Mixture([(0.5, Constant(10)), (0.5, Empirical([5, 7, 20]))])
    ends = np.array([1 / 6, 2 / 6, 5 / 6, 1.0])
    values = mixed.quantile(np.concatenate((ends[:-1] - 1e-6, ends[:-1] + 1e-6)))
    assert values.tolist() == [5, 7, 10, 7, 10, 20]


def test_a_message_keeps_its_rank_when_a_part_changes():
    u = uniform(7, keys(1_000))
    slow = Mixture([(0.9, Exponential(100)), (0.1, Exponential(5_000))]).quantile(u)
    slower = Mixture([(0.9, Exponential(100)), (0.1, Exponential(9_000))]).quantile(u)
    assert (np.argsort(slow) == np.argsort(slower)).all()
    assert (slower >= slow).all()


def test_gamma_of_shape_one_is_exponential():
    assert Gamma(1, 50).quantile(EXTREMES[1:-1]) == pytest.approx(
        Exponential(50).quantile(EXTREMES[1:-1]), rel=1e-5
    )


def test_quantiles_go_through_their_points_and_on_beyond_them():
    measured = Quantiles(MEASURED)
    shares, values = np.array(MEASURED).T
    assert measured.quantile(shares) == pytest.approx(values, rel=1e-12)
    below, above = measured.quantile(np.array([0.01, 0.999]))
    assert 0 < below < 12_000
    assert above > 200_000


def test_one_quantile_alone_is_a_constant():
    assert draw(Quantiles([(0.5, 10_000)]), 3, keys(100)).tolist() == [10_000] * 100
    assert Quantiles([(0.5, 10_000)]).mean == pytest.approx(10_000)


def test_quantiles_may_be_level_for_a_while():
    level = Quantiles([(0.1, 5.0), (0.5, 5.0), (0.9, 50.0)])
    assert level.quantile(np.array([0.01, 0.1, 0.3, 0.5, 0.9])) == pytest.approx([5, 5, 5, 5, 50])


def test_quantiles_of_a_lognormal_are_that_lognormal():
    wanted = Lognormal(100, 900)
    shares = np.array([0.1, 0.5, 0.9, 0.99])
    joined = Quantiles(list(zip(shares.tolist(), wanted.quantile(shares).tolist(), strict=True)))
    u = np.linspace(0.01, 0.999, 500)
    assert joined.quantile(u) == pytest.approx(wanted.quantile(u), rel=1e-9)
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert joined.mean == pytest.approx(joined.quantile(u).mean(), rel=1e-4)


def test_quantiles_say_nothing_beyond_ten_times_rarer_than_their_last_point():
    measured = Quantiles(MEASURED)
    at_the_end = measured.quantile(np.array([0.01, 0.999]))
    assert measured.quantile(np.array([1e-9, 1 - 1e-9])) == pytest.approx(at_the_end, rel=1e-9)


def test_empirical_gives_measured_values_only_each_with_its_share():
    values = draw(Empirical([7, 3, 3, 20]), 11, keys(40_000))
    found, counts = np.unique(values, return_counts=True)
    assert found.tolist() == [3, 7, 20]
    assert np.abs(counts / 40_000 - [0.5, 0.25, 0.25]).max() < 4 * np.sqrt(0.25 / 40_000)
    assert Empirical([7, 3, 3, 20]).quantile(np.array([0.0, 0.4999, 0.5, 0.75])).tolist() == [3, 3, 7, 20]


def test_whole_rounds_half_up_between_zero_and_the_largest():
    values = np.array([-3.0, -0.5, 0.49, 0.5, 1.5, 2.5, 1e300, np.inf])
    assert whole(values).tolist() == [0, 0, 0, 1, 2, 3, LARGEST, LARGEST]


def test_draws_are_the_same_in_every_block_size():
    for name, distribution in ALL.items():
        stream = stream_key(3, 1, name)
        at_once = draw(distribution, stream, keys(5_000))
        for block in (1, 7, 1_024):
            pieces = [draw(distribution, stream, keys(5_000)[k : k + block]) for k in range(0, 2_048, block)]
            assert np.array_equal(np.concatenate(pieces), at_once[: sum(p.size for p in pieces)]), name


def test_categorical_follows_its_weights():
    weights = [0.0, 5.0, 0.0, 3.0, 2.0, 0.0]
    indices = Categorical(weights).index(uniform(8, keys(100_000)))
    shares = np.bincount(indices, minlength=6) / 100_000
    assert np.abs(shares - np.array(weights) / 10).max() < 4 * np.sqrt(0.25 / 100_000)
    assert shares[[0, 2, 5]].tolist() == [0.0, 0.0, 0.0]
    assert Categorical(weights).index(np.array([0.0, 1 - 2.0**-53])).tolist() == [1, 4]


def test_categorical_keeps_the_shape_of_its_argument():
    assert Categorical([1, 1]).index(np.array([[0.0, 0.5], [0.49, 0.99]])).tolist() == [[0, 1], [0, 1]]


def test_zipf_weights_fall_with_rank():
    assert zipf_weights(4, 1.0).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert zipf_weights(3, 0.0).tolist() == [1, 1, 1]
