"""``simulator scenarios``: what there is to run, and the question each answers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from simulator.cli.main import ExitStatus


class Listed(NamedTuple):
    """One scenario of a folder: its file, the question it answers, its variants."""

    path: Path
    question: str
    variants: tuple[str, ...]


@click.command()
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("scenarios")
)
@click.option(
    "-o", "--output", type=click.Choice(["table", "md"]), default="table", help="Lines, or a Markdown page."
)
def scenarios(folder: Path, output: str) -> int:
    """List what there is to run, and the question each answers."""
    from simulator.scenario import ScenarioError, load

    listed: list[Listed] = []
    status = ExitStatus.HOLDS
    for path in sorted(folder.glob("*.yaml")):
        try:
            loaded = load(path)
        except ScenarioError as error:
            click.echo(str(error), err=True)
            status = ExitStatus.BAD_INPUT
            continue
        listed.append(Listed(path, loaded.question or "", tuple(loaded.variants)))
    if not listed and status is ExitStatus.HOLDS:
        raise click.BadParameter(f"no scenario (*.yaml) is in {folder}", param_hint="FOLDER")
    for line in _markdown(listed) if output == "md" else _plain(listed):
        click.echo(line)
    return status


def _plain(listed: Sequence[Listed]) -> Iterator[str]:
    width = max((len(str(one.path)) for one in listed), default=0)
    for one in listed:
        yield f"{one.path!s:{width}}  {one.question}".rstrip()


def _markdown(listed: Sequence[Listed]) -> Iterator[str]:
    yield "# Ready scenarios"
    yield ""
    yield "Each answers one question; `simulator run` takes its base, `simulator compare` its variants too."
    yield ""
    yield "| scenario | question | variants |"
    yield "|---|---|---|"
    for one in listed:
        variants = ", ".join(f"`{name}`" for name in one.variants)
        yield f"| `{one.path.stem}` | {one.question} | {variants} |"
