"""The pages say what the code does: every command is carried out, every link leads somewhere."""

import json
import re
import shlex
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from simulator.scenario import load
from tests.cli.typed import typed
from tests.scenarios.test_every_scenario import SHORTER

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines() -> list[tuple[str, str]]:
    """Page and line of everything that a page tells a person to type."""
    found = []
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if line := line.partition("  #")[0].strip():
                    found.append((page.name, line))
    return found


@pytest.mark.parametrize(("page", "line"), [pair for pair in lines() if pair[1].startswith("make ")])
def test_make_has_what_a_page_tells_to_make(page: str, line: str):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line.split()[1] in targets, f"{page}: {line}"


@pytest.mark.parametrize(("page", "line"), [pair for pair in lines() if "simulator " in pair[1]])
def test_a_command_of_a_page_does_what_it_says(page: str, line: str, tmp_path: Path, monkeypatch):
    """One replication of a shorter scenario, so that the pages stay free to show whole runs."""
    words = shlex.split(line)
    arguments = words[[Path(word).name for word in words].index("simulator") + 1 :]
    if arguments[0] in ("run", "compare", "sweep", "size"):
        arguments += ["--replications", "1", "--jobs", "1"]
        shorter_scenarios(tmp_path / "scenarios", [Path(word).stem for word in arguments])
    else:
        (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    seen = typed(*arguments)
    assert seen.status in (0, 99), f"{page}: {line}\n{seen.err}"
    assert seen.out


def shorter_scenarios(folder: Path, names: Collection[str]) -> None:
    """Fill *folder* with the ready scenarios, those of *names* as short as their own tests run them."""
    folder.mkdir()
    for path in (ROOT / "scenarios").iterdir():
        if path.stem in names and path.stem in SHORTER:
            shorter = load(path, sets=SHORTER[path.stem])
            (folder / path.name).write_text(json.dumps(shorter.dump()), encoding="utf-8")
        elif path.is_dir():
            # A scenario reads only what is below its folder; a link would lead out of it.
            shutil.copytree(path, folder / path.name)
        else:
            (folder / path.name).symlink_to(path)


def test_a_page_tells_only_what_is_tested():
    assert all(line.startswith("make ") or "simulator " in line for _, line in lines())


def test_the_scenario_reference_is_what_the_schema_says():
    """`make docs` writes it anew."""
    page = (ROOT / "docs" / "scenario-reference.md").read_text(encoding="utf-8")
    assert page == typed("schema", "-o", "md").out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_of_a_page_are_there(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points at {target}"
