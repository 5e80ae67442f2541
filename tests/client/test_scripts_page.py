"""docs/scripts.md: its scripts print what it says, its Python runs."""

import re
from pathlib import Path

import pytest

from tests.cli.typed import typed

PAGE = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
SCRIPTS = [text for kind, text in BLOCKS if kind == "yaml"]
PRINTED = [text for kind, text in BLOCKS if kind == "text"]


@pytest.mark.parametrize(("script", "printed"), list(zip(SCRIPTS, PRINTED, strict=True)))
def test_a_script_of_the_page_prints_what_the_page_says(script: str, printed: str, tmp_path: Path):
    file = tmp_path / "late.yaml"
    file.write_text(script, encoding="utf-8")
    seen = typed("script", file)
    assert seen.status == 0
    assert seen.out == printed


@pytest.mark.parametrize("code", [text for kind, text in BLOCKS if kind == "python"])
def test_the_python_of_the_page_runs(code: str):
    exec(compile(code, "scripts.md", "exec"), {})
