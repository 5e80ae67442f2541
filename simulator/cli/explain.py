"""``simulator explain``: one message's life, in words and as a picture."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.options import scenario_file
from simulator.cli.progress import Progress
from simulator.experiments.executors import Standing

if TYPE_CHECKING:
    from simulator.analysis.life import Life
    from simulator.analysis.trace import Wanted
    from simulator.experiments.tracing import Tracer
    from simulator.scenario import Scenario


@click.command()
@click.argument("scenario", type=scenario_file)
@click.option("--message", type=click.IntRange(0), help="The message of this number, counted from 0.")
@click.option(
    "--worst",
    type=click.Choice(["end_to_end", "wait"]),
    help="The message that took longest, dead-lettered and lost ones aside.",
)
@click.option("--duplicate", is_flag=True, help="The first processed twice, else the first delivered twice.")
@click.option("--dead-lettered", is_flag=True, help="The first that was moved to a dead-letter queue.")
@click.option("--lost", is_flag=True, help="The first that was gone unprocessed.")
@click.option("--queue", metavar="NAME", help="Look in this queue only, and draw the copy in it.")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Put VALUE at PATH, as in queues.orders.visibility_timeout=30s; may be repeated.",
)
@click.option("--seed", type=int, help="Replace the scenario's seed.")
@click.option("--replication", type=click.IntRange(0), default=0, show_default=True, help="Of which run.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Where the picture goes.  [default: reports/<scenario>-explain.png]",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "md"]),
    default="text",
    show_default=True,
    help="How the life is printed.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def explain(
    scenario: Path,
    message: int | None,
    worst: "Wanted | None",
    duplicate: bool,
    dead_lettered: bool,
    lost: bool,
    queue: str | None,
    sets: tuple[str, ...],
    seed: int | None,
    replication: int,
    out: Path | None,
    output: str,
    quiet: bool,
) -> None:
    """Tell one message's life, and what would have avoided how it ended.

    Each step with its instant and its reason, copy by copy. Ask for it by its number, or for the worst,
    a duplicate, a dead-lettered or a lost one. The run is carried out a few times over, always the
    same; it is replication 0 of what `simulator run` reports unless another is asked for.
    """
    from simulator.experiments.tracing import Tracer
    from simulator.scenario import load

    asked: dict[Wanted, bool] = {"duplicate": duplicate, "dead_lettered": dead_lettered, "lost": lost}
    wanted = [name for name, typed in asked.items() if typed] + ([worst] if worst else [])
    if len(wanted) + (message is not None) != 1:
        raise click.UsageError(
            "say which message: one of --message, --worst, --duplicate, --dead-lettered, --lost"
        )
    loaded = load(scenario, sets=sets)
    if queue is not None and queue not in loaded.queues:
        names = ", ".join(loaded.queues)
        raise click.BadParameter(f"there is no queue {queue}; there are {names}", param_hint="--queue")
    place = _place(out, loaded)
    seed = loaded.seed if seed is None else seed
    passes = 3 if message is not None else 5 if duplicate else 4  # at most
    with Progress([loaded.duration] * passes, quiet=quiet) as progress:

        def watch(standing: Standing) -> None:
            yet = (0,) * (passes - len(standing.simulated_at))
            progress(Standing((*standing.simulated_at, *yet), standing.messages, standing.finished))

        tracer = Tracer(loaded, seed=seed, replication=replication, progress=watch)
        life = _life(tracer, message, wanted, queue)
        progress.durations_us = [loaded.duration] * tracer.passes
    click.echo(_told(loaded, life, seed, replication, place, output), nl=False)


def _life(tracer: "Tracer", message: int | None, wanted: "list[Wanted]", queue: str | None) -> "Life":
    from simulator.experiments.tracing import NoSuchMessage

    try:
        if message is not None:
            return tracer.follow(message, queue=queue)
        return tracer.find(wanted[0], queue)
    except NoSuchMessage as error:
        raise click.ClickException(str(error)) from None


def _place(out: Path | None, scenario: "Scenario") -> Path:
    """Return where the picture goes; nothing is run for a place that cannot be written."""
    place = out or Path("reports") / f"{scenario.name}-explain.png"
    if place.suffix.lower() != ".png" or place.is_dir():
        raise click.BadParameter(f"{place} is not the name of a PNG file", param_hint="--out")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place.parent):
            pass
    except OSError as error:
        raise click.BadParameter(f"{place} cannot be written: {error.strerror}", param_hint="--out") from None
    return place


def _told(scenario: "Scenario", life: "Life", seed: int, replication: int, place: Path, output: str) -> str:
    """Draw the picture and return the words."""
    from simulator.analysis.remedies import avoidance
    from simulator.experiments.setting import setting_of
    from simulator.reporting import explain as drawing
    from simulator.reporting.life_pages import LifePage

    setting = setting_of(scenario, seed=seed, replications=1)
    found = avoidance(life, scenario)
    _write(place, drawing.png(life, setting, found, replication))
    page = LifePage(life, setting, found, replication=replication, picture=place)
    return {"text": page.as_text, "md": page.as_markdown, "json": page.as_json}[output]()


def _write(place: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, place)
        except BaseException:
            os.unlink(file.name)
            raise
