"""What a comparison is about: the variants of one file, or several files; the first is the base."""

from collections.abc import Sequence
from pathlib import Path

from simulator.scenario import load
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.schema import Scenario


def sides(paths: Sequence[Path], sets: Sequence[str] = ()) -> list[Scenario]:
    """Load what is to be compared, the base first; *sets* hold for all of them.

    Raises
    ------
    ScenarioError
        All that is wrong with any of them; or a single file without variants.
    """
    loaded, problems = _each([(path, None) for path in paths], sets)
    if len(paths) == 1 and loaded:
        base = loaded[0]
        if not base.variants:
            message = "is missing; one scenario is compared with its variants (or give several)"
            raise ScenarioError([Problem(str(paths[0]), 0, "variants", message)])
        variants, problems = _each([(paths[0], variant) for variant in base.variants], sets)
        loaded += variants
    if problems:
        raise ScenarioError(problems)
    return loaded


def _each(
    wanted: Sequence[tuple[Path, str | None]], sets: Sequence[str]
) -> tuple[list[Scenario], list[Problem]]:
    loaded: list[Scenario] = []
    problems: dict[Problem, None] = {}
    for path, variant in wanted:
        try:
            loaded.append(load(path, sets=sets, variant=variant))
        except ScenarioError as error:
            problems.update(dict.fromkeys(error.problems))
    return loaded, list(problems)
