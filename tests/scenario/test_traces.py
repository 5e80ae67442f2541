from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load
from simulator.scenario.traces import Trace

TEXT = """\
scenario: replay
duration: 50m
producers:
  city: {target: q, trace: {file: counts.csv, within: even, TRACE}}
queues:
  q: {}
"""
TEN_MINUTES = "timestamp,value\n" + "".join(
    f"2026-01-01 00:{minute:02d}:00,{count}\n"
    for minute, count in ((0, 6), (10, 12), (30, 20), (40, 8), (50, 1))
)


def trace(folder: Path, settings: str, counts: str = TEN_MINUTES) -> Trace:
    (folder / "counts.csv").write_text(counts)
    file = folder / "replay.yaml"
    file.write_text(TEXT.replace("TRACE", settings))
    found = load(file).producers["city"].trace
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("policy", "third"),
    [("zero", 0.0), ("previous", 12.0), ("interpolate", 16.0)],
)
def test_a_gap_is_filled_by_the_written_policy(tmp_path: Path, policy: str, third: float) -> None:
    found = trace(tmp_path, f"gaps: {policy}")
    assert found.counts == (6.0, 12.0, third, 20.0, 8.0)
    assert (found.interval_us, found.missing, found.for_us) == (600_000_000, 1, 3_000_000_000)


def test_a_gap_is_refused_unless_a_policy_is_written(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"1 of 5 points are missing \(2026-01-01 00:20:00\)"):
        trace(tmp_path, "scale: 1")


def test_counts_are_scaled(tmp_path: Path) -> None:
    assert trace(tmp_path, "gaps: zero, scale: 2.5").counts == (15.0, 30.0, 0.0, 50.0, 20.0)


def test_a_trace_can_start_at_any_of_its_points(tmp_path: Path) -> None:
    found = trace(tmp_path, 'first: "2026-01-01 00:30:00", for: 30m')
    assert found.counts == (20.0, 8.0, 1.0)
    assert found.missing == 0


def test_the_last_interval_may_be_cut(tmp_path: Path) -> None:
    found = trace(tmp_path, "for: 15m")
    assert (found.counts, found.for_us) == ((6.0, 12.0), 900_000_000)


def test_timestamps_may_have_a_zone(tmp_path: Path) -> None:
    counts = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T02:10:00+02:00,2\n2026-01-01T00:20:00Z,3\n"
    assert trace(tmp_path, "for: 30m", counts).counts == (1.0, 2.0, 3.0)


def test_what_is_missing_at_the_end_is_a_gap_too(tmp_path: Path) -> None:
    assert trace(tmp_path, 'first: "2026-01-01 00:40:00", gaps: zero').counts == (8.0, 1.0, 0.0, 0.0, 0.0)
    with pytest.raises(ScenarioError, match="there is no point after the gap"):
        trace(tmp_path, 'first: "2026-01-01 00:40:00", gaps: interpolate')


@pytest.mark.parametrize(
    ("settings", "counts", "said"),
    [
        ('first: "2026-01-01 00:05:00"', TEN_MINUTES, "first is 2026-01-01 00:05:00, between two points"),
        ('first: "2027-01-01"', TEN_MINUTES, "first is 2027-01-01; the file has 2026-01-01 00:00:00 to"),
        ("first: noon", TEN_MINUTES, "first is noon; a timestamp such as 2026-01-01 00:00:00 is due"),
        ("scale: 0", TEN_MINUTES, "scale is 0; allowed: 0.000001 to 1000000"),
        ("for: 51d", TEN_MINUTES, "gaps is refuse"),
        ("gaps: none", TEN_MINUTES, "gaps is none; allowed: refuse, zero, previous, interpolate"),
        ("gaps: zero", "", "file is an empty file"),
        ("gaps: zero", "timestamp,value\n", "file has 0 points; at least two are due"),
        ("gaps: zero", "time,value\n", "time is timestamp; nearest is time"),
        ("gaps: zero", "timestamp,value\n2026-01-01\n", "file has 1 cells on its line 2; 2 are due"),
        ("gaps: zero", "timestamp,value\nnoon,1\n", "time is noon on line 2 of the file; a timestamp is due"),
        ("gaps: zero", "timestamp,value\n2026-01-01,-1\n", "value is -1 on line 2 of the file"),
        ("gaps: zero", "timestamp,value\n2026-01-01,nan\n", "value is nan on line 2 of the file"),
        ("gaps: zero", "timestamp,value\n2026-01-02,1\n2026-01-01,1\n", "not after the line before"),
        ("gaps: zero", 'timestamp,value\n2026-01-02,"1\n', "file is not CSV on its line 2"),
        (
            "gaps: zero",
            "timestamp,value\n" + "".join(f"2026-01-01 00:{minute:02d},1\n" for minute in (0, 10, 20, 25)),
            "has a point at 2026-01-01 00:25:00, off its step of 10m",
        ),
    ],
)
def test_a_wrong_trace_is_told_why(tmp_path: Path, settings: str, counts: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        trace(tmp_path, settings, counts)
    assert said in str(refused.value)


def test_a_trace_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_bytes(b"timestamp,value\n\xff\xfe\n")
    (tmp_path / "replay.yaml").write_text(TEXT.replace("TRACE", "gaps: zero"))
    with pytest.raises(ScenarioError, match="which is not a text in UTF-8"):
        load(tmp_path / "replay.yaml")
