"""``simulator drain``: when is this backlog gone? Answered while the incident lasts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from simulator.cli.options import scenario_file

if TYPE_CHECKING:
    from simulator.analysis.draining import Case

_KINDS: Final = {
    "depth": "COUNT", "age": "DURATION", "rate": "RATE", "slots": "COUNT", "work": "DURATION",
    "batch": "COUNT", "visibility_timeout": "DURATION", "failures": "SHARE", "ramp": "RATE", "start": "COUNT",
    "retention": "DURATION", "max_receive_count": "COUNT",
}  # fmt: skip
_POOL: Final = {
    "slots": "slots", "work": "batch_s", "batch": "batch", "visibility_timeout": "hidden_s",
    "failures": "failed", "ramp": "growth_per_s", "start": "start", "max_receive_count": "receives",
}  # fmt: skip
_BACKLOG: Final = {"depth": "messages", "age": "age_s", "rate": "rate_per_s", "retention": "retention_s"}
_US: Final = 1e6


@click.command()
@click.argument("scenario", type=scenario_file, required=False)
@click.option("--depth", metavar="COUNT", help="Messages that wait.  [default: the scenario's backlog]")
@click.option("--age", metavar="DURATION", help="Of the oldest; the others were sent evenly since.")
@click.option("--rate", metavar="RATE", help="What still comes, as 40/s.  [default: the scenario's mean]")
@click.option("--function", "--consumer", "consumer", metavar="NAME", help="Function or fleet that works it.")
@click.option("--queue", metavar="NAME", help="The queue, where that one has several.")
@click.option("--slots", metavar="COUNT", help="Batches at once, at most.")
@click.option("--work", metavar="DURATION", help="Mean work of one message.")
@click.option("--batch", metavar="COUNT", help="Messages of a batch, worked one after another.  [default: 1]")
@click.option("--start", metavar="COUNT", help="Slots at first, if there is a ramp.  [default: 5]")
@click.option("--ramp", metavar="RATE", help="Slots gained, as 300/m.  [default: all slots at once]")
@click.option("--failures", metavar="SHARE", help="Share of receives that fail.  [default: 0%]")
@click.option("--visibility-timeout", metavar="DURATION", help="After which those come back.  [default: 30s]")
@click.option("--max-receive-count", metavar="COUNT", help="After which they do not.  [default: for ever]")
@click.option("--retention", metavar="DURATION", help="Older messages are lost.  [default: 4d]")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Put VALUE at PATH of the scenario.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the chance in the range.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json", "md"]), default="table", show_default=True,
    help="How the result is printed.",
)  # fmt: skip
def drain(
    scenario: Path | None, consumer: str | None, queue: str | None, sets: tuple[str, ...], seed: int,
    output: str, **typed: str | None,
) -> int:  # fmt: skip
    """Say when a backlog is gone, with a range, or what is missing; in under two seconds.

    Who works it is said by a scenario or by --slots and --work. What is typed stands above what the scenario
    says. Exit status: 0 it gets empty and nothing is lost, 99 never, or messages grow too old meanwhile.
    """
    from simulator.analysis.draining import drain as work_off
    from simulator.analysis.draining import empty_at_mean_s
    from simulator.cli.main import ExitStatus
    from simulator.experiments.drain import case_of
    from simulator.reporting.draining import said, text
    from simulator.scenario import load

    given = _read(typed)
    if scenario is None:
        case = _from_flags(given, consumer)
    else:
        case = _overridden(case_of(load(scenario, sets=sets), consumer, queue), given)
    if case.backlog.messages < 1:
        raise click.UsageError("--depth is missing: how many messages wait?")
    found = work_off(case.backlog, case.pool, seed=seed)
    answer = said(case, found, empty_at_mean_s(case.backlog, case.pool))
    if output == "json":
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(text(answer, markdown=output == "md"), nl=False)
    return ExitStatus.HOLDS if found is not None and not answer["lost"][2] else ExitStatus.CROSSED


def _read(typed: dict[str, str | None]) -> dict[str, Any]:
    """Read what was typed, in the scenario's own words; all that is wrong at once."""
    from pydantic_core import PydanticCustomError

    from simulator.scenario import units
    from simulator.scenario.problems import Problem, ScenarioError, findings_of

    read, problems = {}, []
    for name, text in typed.items():
        if text is None:
            continue
        option = f"--{name.replace('_', '-')}"
        try:
            value = getattr(units, _KINDS[name]).parse(text)
        except PydanticCustomError as error:
            problems += [Problem(option, 0, "", one.message) for one in findings_of(error)]
            continue
        if name in ("slots", "batch", "max_receive_count", "work", "depth", "start") and value < 1:
            problems.append(Problem(option, 0, "", f"is {text}; it must be above 0"))
        elif name == "failures" and value > 1:
            problems.append(Problem(option, 0, "", f"is {text}; allowed: 0% to 100%"))
        read[name] = value / _US if _KINDS[name] == "DURATION" else value
    if problems:
        raise ScenarioError(problems)
    return read


def _from_flags(given: dict[str, Any], consumer: str | None) -> "Case":
    from simulator.analysis.draining import Backlog, Case, Pool

    if consumer is not None:
        raise click.UsageError("--function names a part of a scenario, and none is given")
    missing = [f"--{name}" for name in ("slots", "work") if name not in given]
    if missing:
        raise click.UsageError(f"without a scenario {' and '.join(missing)} must say who works the backlog")
    start = given.get("start", 5 if "ramp" in given else given["slots"])
    slots = float(given["slots"])
    pool = Pool(slots=slots, batch=1, batch_s=given["work"], start=float(start), batch_scv=1.0)
    bare = Case(Backlog(0, retention_s=4 * 86_400.0), pool, "--slots", "", f"{given['slots']:,}")
    return _overridden(bare, {"work": given["work"], "batch": 1, **given, "start": start})


def _overridden(case: "Case", given: dict[str, Any]) -> "Case":
    """Put what was typed above what *case* says."""
    pool = {_POOL[name]: value for name, value in given.items() if name in _POOL}
    batch = pool.get("batch", case.pool.batch)
    if "work" in given:
        pool["batch_s"], pool["batch_scv"] = given["work"] * batch, 1.0 / batch
    elif "batch" in given:
        pool["batch_s"] = case.pool.batch_s * batch / case.pool.batch
        pool["batch_scv"] = case.pool.batch_scv * case.pool.batch / batch
    if "slots" in given and "ramp" not in given and "start" not in given:
        if case.pool.growth_per_s == 0:
            pool["start"] = float(given["slots"])
        else:
            pool["start"] = min(case.pool.start, given["slots"])
    slots = case.slots
    if pool.keys() & {"slots", "start", "growth_per_s"}:
        new = replace(case.pool, **pool)
        rises = new.start < new.slots
        slots = f"{new.start:,.0f} at first, up to {new.slots:,.0f}" if rises else f"{new.slots:,.0f}"
        if new.start < new.slots and new.growth_per_s > 0:
            slots += f" by {new.growth_per_s * 60:,.0f} a minute"
    backlog = {_BACKLOG[name]: value for name, value in given.items() if name in _BACKLOG}
    return replace(
        case, backlog=replace(case.backlog, **backlog), pool=replace(case.pool, **pool), slots=slots
    )
