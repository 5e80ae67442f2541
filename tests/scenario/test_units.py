import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from simulator.scenario.problems import findings_of
from simulator.scenario.units import (
    COUNT,
    DURATION,
    NAME,
    NUMBER,
    RATE,
    SEED,
    SHARE,
    SIZE,
    Unit,
    write_duration,
    write_rate,
    write_share,
    write_size,
)


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        (DURATION, "250ms", 250_000),
        (DURATION, "0.1s", 100_000),
        (DURATION, "10m", 600_000_000),
        (DURATION, "1h30m", 5_400_000_000),
        (DURATION, "14d", 1_209_600_000_000),
        (DURATION, "7us", 7),
        (RATE, "120/s", 120.0),
        (RATE, "6/m", 0.1),
        (RATE, "1.5k/s", 1_500.0),
        (RATE, "1M/d", 1_000_000 / 86_400),
        (SIZE, "64KiB", 65_536),
        (SIZE, "512MB", 512 * 1024**2),
        (SIZE, "0.5KiB", 512),
        (SHARE, "0.1%", 0.001),
        (SHARE, "100%", 1.0),
        (COUNT, 10, 10),
        (COUNT, "10k", 10_000),
        (COUNT, "1.5M", 1_500_000),
        (NUMBER, 0.5, 0.5),
        (SEED, -3, -3),
        (NAME, "billing-dlq_2", "billing-dlq_2"),
    ],
)
def test_a_quantity_is_read_in_its_unit(unit: Unit, text: object, value: object) -> None:
    assert unit.parse(text) == value


@pytest.mark.parametrize(
    ("unit", "text", "said"),
    [
        (DURATION, 30, "is 30, which has no unit; write 30s (units: us, ms, s, m, h, d)"),
        (DURATION, "30 s", "is 30 s, which is not understood; write for example 30s"),
        (DURATION, "", "is '', which is not understood; write for example 30s"),
        (DURATION, "30m1h", "is 30m1h; larger units come first"),
        (DURATION, "1s1s", "is 1s1s; larger units come first"),
        (DURATION, "-5s", "is -5s; it must not be negative"),
        (DURATION, None, "is empty; a duration is due"),
        (DURATION, True, "is true; a duration is due"),
        (DURATION, ["5s"], "is a list; a duration is due"),
        (RATE, 120, "is 120, which has no unit; write 120/s (units: /s, /m, /h, /d)"),
        (SIZE, 64, "is 64, which has no unit; write 64KiB"),
        (SIZE, "0.3B", "is 0.3B, which is finer than a byte"),
        (SHARE, 0.1, "is 0.1, which has no unit; write 0.1%"),
        (COUNT, 2.5, "is 2.5, which is finer than a whole number"),
        (COUNT, "ten", "is ten; a whole number is due"),
        (NUMBER, "2x", "is 2x; a plain number is due"),
        (NUMBER, -1, "is -1; it must not be negative"),
        (NAME, "a.b", "is a.b; names have 1 to 80 letters, digits, _ or -"),
        (NAME, "x" * 81, "names have 1 to 80"),
    ],
)
def test_a_wrong_quantity_is_told_what_to_write(unit: Unit, text: object, said: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        unit.parse(text)
    assert said in findings_of(refused.value)[0].message


@given(st.integers(0, 10**16))
def test_a_written_duration_reads_back(us: int) -> None:
    assert DURATION.parse(write_duration(us)) == us


@given(st.integers(0, 2**50))
def test_a_written_size_reads_back(size: int) -> None:
    assert SIZE.parse(write_size(size)) == size


@given(st.integers(0, 10**9), st.sampled_from([1, 60, 3_600, 86_400]))
def test_a_written_rate_reads_back_to_the_bit(count: int, per: int) -> None:
    assert RATE.parse(write_rate(count / per)) == count / per


@given(st.integers(0, 10**6))
def test_a_written_share_reads_back_to_the_bit(millionths: int) -> None:
    assert SHARE.parse(write_share(millionths / 10**6)) == millionths / 10**6


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (43_200_000_000, "12h"),
        (90_000_000, "90s"),
        (1_500_000, "1.5s"),
        (2_500, "2.5ms"),
        (7, "7us"),
        (0, "0s"),
    ],
)
def test_a_duration_is_written_as_people_do(us: int, words: str) -> None:
    assert write_duration(us) == words
