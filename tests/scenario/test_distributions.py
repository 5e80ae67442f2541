import math
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from simulator.engine.taken import sampler
from simulator.scenario.distributions import (
    ConstantSpec,
    Distribution,
    EmpiricalSpec,
    ExponentialSpec,
    GammaSpec,
    LognormalSpec,
    MixSpec,
    ParetoSpec,
    UniformSpec,
    WeibullSpec,
    largest,
    mean_of,
    parse,
    write,
)
from simulator.scenario.problems import findings_of
from simulator.scenario.units import DURATION, SIZE

FOLDER = Path(__file__).parent


@pytest.mark.parametrize(
    ("written", "spec", "most"),
    [
        ("80ms", ConstantSpec(80_000), 80_000),
        ({"exponential": {"mean": "80ms"}}, ExponentialSpec(80_000), 80_000),
        ({"lognormal": {"median": "120ms", "p99": "1.5s"}}, LognormalSpec(120_000, 1_500_000), 1_500_000),
        ({"gamma": {"mean": "80ms", "shape": 2}}, GammaSpec(80_000, 2.0), 80_000),
        ({"weibull": {"mean": "80ms", "shape": 0.7}}, WeibullSpec(80_000, 0.7), 80_000),
        (
            {"pareto": {"low": "20ms", "high": "3s", "shape": 1.2}},
            ParetoSpec(20_000, 3_000_000, 1.2),
            3_000_000,
        ),
        (
            {"mix": [{"share": "95%", "of": "80ms"}, {"share": "5%", "of": {"exponential": {"mean": "2s"}}}]},
            MixSpec(((0.95, ConstantSpec(80_000)), (0.05, ExponentialSpec(2_000_000)))),
            2_000_000,
        ),
        ({"uniform": {"low": "50ms", "high": "150ms"}}, UniformSpec(50_000, 150_000), 150_000),
        (
            {"empirical": {"file": "durations.csv", "column": "duration", "unit": "ms"}},
            EmpiricalSpec((80_000, 120_500, 90_000), "durations.csv", "duration", "ms"),
            120_500,
        ),
    ],
)
def test_a_distribution_is_read_and_written(written: object, spec: Distribution, most: int) -> None:
    assert parse(written, DURATION, FOLDER) == spec
    assert write(spec, DURATION) == written
    assert largest(spec) == most


def test_a_constant_may_be_called_one() -> None:
    assert parse({"constant": "2KiB"}, SIZE) == ConstantSpec(2_048)


def test_the_mean_of_a_lognormal_is_above_its_median() -> None:
    sigma = math.log(12.5) / 2.3263478740408408
    assert mean_of(LognormalSpec(120_000, 1_500_000)) == pytest.approx(120_000 * math.exp(sigma**2 / 2))
    assert mean_of(UniformSpec(50, 150)) == 100
    assert mean_of(EmpiricalSpec((1, 2, 6), "", "", "")) == 3


def test_the_mean_that_is_said_is_the_mean_that_is_drawn() -> None:
    for spec in (
        WeibullSpec(80_000, 0.7),
        ParetoSpec(20_000, 3_000_000, 1.2),
        ParetoSpec(20_000, 3_000_000, 1.0),
        MixSpec(((0.95, ConstantSpec(80_000)), (0.05, ParetoSpec(20_000, 3_000_000, 0.5)))),
    ):
        assert mean_of(spec) == pytest.approx(sampler(spec).mean, rel=1e-12)


def test_the_rest_of_a_mix_is_what_the_other_shares_leave() -> None:
    mixed = parse({"mix": [{"share": "rest", "of": "80ms"}, {"share": "0.1%", "of": "2s"}]}, DURATION)
    assert mixed == MixSpec(((0.999, ConstantSpec(80_000)), (0.001, ConstantSpec(2_000_000))))


@pytest.mark.parametrize(
    ("written", "path", "said"),
    [
        ([5], (), "is a list; a duration or a distribution"),
        ({}, (), "has 0 keys; give one distribution"),
        ({"gamma": {}, "uniform": {}}, (), "has 2 keys; give one distribution"),
        ({"normal": {}}, ("normal",), "is not a known distribution; nearest is lognormal"),
        ({"gamma": "80ms"}, ("gamma",), "is 80ms; a map with mean and shape is due"),
        ({"gamma": {"mean": "80ms"}}, ("gamma", "shape"), "is missing"),
        ({"gamma": {"mean": "80ms", "shape": 0}}, ("gamma", "shape"), "is 0; allowed: 0.01 to 10000"),
        ({"exponential": {"mean": "0s"}}, ("exponential", "mean"), "is 0s; it must be above 0"),
        ({"lognormal": {"median": "0s", "p99": "1s"}}, ("lognormal", "median"), "is 0s; it must be above 0"),
        ({"uniform": {"low": "2s", "high": "1s"}}, ("uniform", "high"), "is 1s, below the low end 2s"),
        ({"constant": {"gamma": {}}}, ("constant",), "is a map; a duration is due"),
        ({"weibull": {"mean": "80ms", "shape": 0.01}}, ("weibull", "shape"), "is 0.01; allowed: 0.1 to 100"),
        ({"pareto": {"low": "0s", "high": "1s", "shape": 1}}, ("pareto", "low"), "is 0s; it must be above 0"),
        (
            {"pareto": {"low": "2s", "high": "1s", "shape": 1}},
            ("pareto", "high"),
            "is 1s; it must be above the low end 2s",
        ),
        ({"mix": {"a": 1}}, ("mix",), "is a map; 2 to 20 parts are due"),
        ({"mix": [{"share": "10%", "of": "1s"}]}, ("mix",), "has 1 parts; 2 to 20 parts are due"),
        (
            {"mix": [{"share": "10%", "of": "1s"}, {"share": "10%", "of": "2s"}]},
            ("mix",),
            "adds up to 20%; shares add up to 100%",
        ),
        (
            {"mix": [{"share": "rest", "of": "1"}, {"share": "1%", "of": "2s"}]},
            ("mix", 0, "of"),
            "has no unit",
        ),
        (
            {"mix": [{"share": "rest", "of": "1s"}, {"share": "rest", "of": "2s"}]},
            ("mix", 1, "share"),
            "is rest; only one part can be",
        ),
        (
            {"mix": [{"share": "rest", "off": "1s"}, "2s"]},
            ("mix", 0, "off"),
            "is not a known key; nearest is of",
        ),
    ],
)
def test_a_wrong_distribution_is_told_where(written: object, path: tuple[str, ...], said: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse(written, DURATION)
    found = findings_of(refused.value)[0]
    assert found.path == path
    assert said in found.message


@pytest.mark.parametrize(
    ("file", "column", "unit", "said"),
    [
        ("none.csv", "duration", "ms", "is none.csv; there is no such file"),
        ("../test_docs.py", "duration", "ms", "outside the scenario's folder"),
        ("durations.csv", "duratoin", "ms", "is duratoin; nearest is duration"),
        ("durations.csv", "what", "ms", "has a on its line 2; numbers from 0 are due"),
        ("durations.csv", "duration", "KiB", "is 1KiB, which is not understood"),
        ("durations.csv", "duration", "1", "is 1; a unit is due"),
    ],
)
def test_a_wrong_sample_is_told_why(file: str, column: str, unit: str, said: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse({"empirical": {"file": file, "column": column, "unit": unit}}, DURATION, FOLDER)
    assert said in findings_of(refused.value)[0].message


def test_a_sample_without_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("duration\n")
    with pytest.raises(PydanticCustomError) as refused:
        parse({"empirical": {"file": "empty.csv", "column": "duration", "unit": "ms"}}, DURATION, tmp_path)
    assert "has 0 values" in findings_of(refused.value)[0].message
