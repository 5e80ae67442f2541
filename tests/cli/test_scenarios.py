"""``simulator scenarios``: the gallery of a folder."""

from pathlib import Path

from tests.cli.typed import typed

ROOT = Path(__file__).parents[2]
SMALL = (ROOT / "tests" / "cli" / "small.yaml").read_text(encoding="utf-8")
OTHER = SMALL.replace("Does the command line say what it should?", "Is it late?")


def test_each_scenario_of_a_folder_stands_with_its_question(tmp_path: Path):
    (tmp_path / "b.yaml").write_text(OTHER)
    (tmp_path / "a.yaml").write_text(SMALL)
    seen = typed("scenarios", str(tmp_path))
    assert seen.status == 0
    first, second = seen.out.splitlines()
    assert first == f"{tmp_path}/a.yaml  Does the command line say what it should?"
    assert second == f"{tmp_path}/b.yaml  Is it late?"
    assert "| `b` | Is it late? | `slow`, `narrow` |" in typed("scenarios", str(tmp_path), "-o", "md").out


def test_a_broken_one_is_named_and_the_others_stand(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(SMALL)
    (tmp_path / "b.yaml").write_text("scenario: b\n")
    seen = typed("scenarios", str(tmp_path))
    assert seen.status == 2
    assert "b.yaml" in seen.err
    assert len(seen.out.splitlines()) == 1


def test_a_folder_without_scenarios_is_said(tmp_path: Path):
    seen = typed("scenarios", str(tmp_path))
    assert seen.status == 2
    assert "no scenario" in seen.err


def test_the_page_of_scenarios_is_what_the_command_says():
    """`make docs` writes it anew."""
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert page == typed("scenarios", str(ROOT / "scenarios"), "-o", "md").out
