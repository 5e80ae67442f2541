"""Whatever a person can type gives a scenario or a report of problems, never a traceback."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.scenario import Scenario, ScenarioError, load
from simulator.scenario.reading import read

CHECKOUT = Path(__file__).parent / "checkout.yaml"
TEXT = CHECKOUT.read_text()
DATA = read(CHECKOUT).value
PATHS = sorted((path for path in read(CHECKOUT).marks if path), key=str)
TRIALS = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

WORDS = st.sampled_from(Path(__file__).with_name("words.txt").read_text().split()) | st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


def attempt(path: Path, **how: object) -> None:
    """Load; whatever is wrong is said in single lines that name the file."""
    try:
        scenario = load(path, **how)  # type: ignore[arg-type]
    except ScenarioError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message
            assert "\n" not in str(problem)
            assert "Traceback" not in str(problem)
    else:
        assert isinstance(scenario, Scenario)
        json.dumps(scenario.dump())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("counts.csv", "durations.csv"):
        (tmp_path / name).write_bytes((CHECKOUT.parent / name).read_bytes())
    return tmp_path / "fuzzed.yaml"


@TRIALS
@given(data=st.binary(max_size=200))
def test_any_bytes_are_answered(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    attempt(file)


@TRIALS
@given(text=st.text(alphabet=st.sampled_from(" \n\t:-[]{}&*!|>'\"%@#,?~.ab1<="), max_size=60))
def test_any_punctuation_is_answered(file: Path, text: str) -> None:
    file.write_text(text)
    attempt(file)


@TRIALS
@given(at=st.integers(0, len(TEXT) - 1), gone=st.integers(0, 20), new=st.text(max_size=6))
def test_any_slip_of_the_keyboard_is_answered(file: Path, at: int, gone: int, new: str) -> None:
    file.write_text(TEXT[:at] + new + TEXT[at + gone :], encoding="utf-8", errors="replace")
    attempt(file)


@TRIALS
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_in_any_place_is_answered(file: Path, path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(json.dumps(DATA))
    node = data
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    file.write_text(json.dumps(data))
    attempt(file)


@TRIALS
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_key_in_any_place_is_answered(file: Path, path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(json.dumps(DATA))
    node = data
    for part in path[:-1]:
        node = node[part]
    if isinstance(node, dict):
        node[str(path[-1]) + "x"] = value
        del node[path[-1]]
    file.write_text(json.dumps(data))
    attempt(file)


@TRIALS
@given(
    path=st.sampled_from(PATHS).map(lambda path: ".".join(map(str, path))) | st.text(max_size=20),
    value=SCALARS.map(str) | VALUES.map(str),
)
def test_any_set_is_answered(file: Path, path: str, value: str) -> None:
    file.write_text(TEXT)
    attempt(file, sets={path: value})
    attempt(file, sets=[f"{path}={value}"], variant="fifo")


@TRIALS
@given(rows=st.lists(st.text(alphabet='0123456789-: ,."\n\rae', max_size=25), max_size=6))
def test_any_csv_is_answered(file: Path, rows: list[str]) -> None:
    file.write_text(TEXT)
    (file.parent / "counts.csv").write_text("timestamp,value\n" + "\n".join(rows))
    (file.parent / "durations.csv").write_text("duration\n" + "\n".join(rows))
    attempt(file)
