import pytest

from simulator.scenario import ScenarioError
from simulator.scenario.reading import mark_at, read_text


def test_yaml_is_1_2() -> None:
    document = read_text("[no, yes, on, 010, 0x10, 1_000, 12:30, 2014-04-16, ~, true, 1.5, -3]", "x")
    assert document.value == [
        "no", "yes", "on", 10, "0x10", "1_000", "12:30", "2014-04-16", None, True, 1.5, -3,
    ]  # fmt: skip


def test_quotes_make_a_text() -> None:
    assert read_text("""{a: "10", b: 'true', c: !!str 10}""", "x").value == {
        "a": "10",
        "b": "true",
        "c": "10",
    }


def test_keys_are_texts() -> None:
    assert read_text("{404: a, true: b, ~: c}", "x").value == {"404": "a", "true": "b", "~": "c"}


def test_every_value_knows_its_line() -> None:
    document = read_text("a:\n  b: 1\n  c:\n    - 2\n    - d: 3\n\n\ne: {f: 4,\n  g: 5}\n", "x")
    assert {".".join(map(str, path)): mark.line for path, mark in document.marks.items()} == {
        "": 1,
        "a": 1,
        "a.b": 2,
        "a.c": 3,
        "a.c.0": 4,
        "a.c.1": 5,
        "a.c.1.d": 5,
        "e": 8,
        "e.f": 8,
        "e.g": 9,
    }


def test_what_was_not_written_has_the_line_of_what_is_around_it() -> None:
    document = read_text("a:\n  b:\n    c: 1\n", "x")
    assert mark_at(document.marks, ("a", "b", "d", "e")).line == 2


def test_an_alias_repeats_its_anchor_and_its_lines() -> None:
    document = read_text("a: &x\n  b: 1\nc: *x\n", "x")
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.marks[("c", "b")].line == 2


def test_a_copy_shares_nothing() -> None:
    document = read_text("a: &x {b: 1}\nc: *x\n", "x")
    copy = document.copy()
    copy.value["a"]["b"] = 2
    assert (copy.value["c"]["b"], document.value["a"]["b"]) == (1, 1)


def test_a_number_too_long_to_be_one_stays_a_text() -> None:
    assert read_text("9" * 5_000, "x").value == "9" * 5_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: *b", "x:1: has the alias *b, which stands for nothing before it"),
        ("a: &a [*a]", "has the alias *a"),
        ("? [a]\n: b", "has a map or list as a key"),
        ("a: &k b\n? *k\n: c", "has an alias as a key"),
        ("a: 1\na: 2\nb: !x 1", "x:2: a is given twice (first on line 1)"),
        ("a: {b: !!binary aGVsbG8=}", "x:1: a.b has the tag !!binary"),
        ("a: !!set {b}", "has the tag !!set"),
        ("a: [1, 2", "x:1: is not YAML"),
        ("\ta: 1", "is not YAML"),
        ("a: '\x07'", "is not YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        read_text(text, "x")
    assert said in str(refused.value)


def test_ninety_nine_aliases_are_allowed() -> None:
    assert read_text(f"a: &a 1\nb: [{', '.join(['*a'] * 99)}]", "x").value["b"] == [1] * 99


def test_aliases_of_aliases_count_as_deep_as_they_are_written_out() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    with pytest.raises(ScenarioError, match="nested more than 40 deep, aliases counted in full"):
        read_text("\n".join(lines), "x")
