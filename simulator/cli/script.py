"""``simulator script``: timed API calls, and what AWS would answer to each and when."""

import json
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import scenario_file


@click.command()
@click.argument("file", type=scenario_file)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How the answers are printed.",
)
@click.option("--seed", type=int, help="Replace the script's seed.")
def script(file: Path, output: str, seed: int | None) -> None:
    """Make timed API calls and print what AWS would answer, and when.

    An error of AWS's is an answer like any other; what is wrong with the file itself ends with status 2.
    """
    from simulator.client.script import run_script

    run, outcomes = run_script(file, seed)
    answers = [outcome.as_dict() for outcome in outcomes]
    if output == "json":
        document = {"script": str(file), "rules": run.rules.name, "ideal": run.ideal, "answers": answers}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    rows = [_row(answer) for answer in answers]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        click.echo(
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]])
        )


def _row(answer: dict[str, Any]) -> tuple[str, str, str, str]:
    things = [answer[key] for key in ("topic", "queue", "source", "destination") if key in answer]
    call = " ".join([answer["action"], *things]) + (f" as {answer['as']}" if "as" in answer else "")
    at, answered_at = f"{answer['at']:g}s", f"{answer['answered_at']:g}s"
    return at, call, f"-> {answered_at}", _words(answer)


def _words(answer: dict[str, Any]) -> str:
    """An answer in a line."""
    if "error" in answer:
        return f"{answer['error']}: {answer['message']}"
    content = answer["answer"]
    if answer["action"] == "receive_message":
        return ", ".join(map(_message, content.get("Messages", []))) or "nothing"
    if "Successful" in content:
        failed = [f"{one['Id']}: {one['Code']}" for one in content.get("Failed", [])]
        done = [one["Id"] for one in content["Successful"]]
        return "; ".join([f"done {', '.join(done) or 'none'}", *failed])
    if "Attributes" in content:
        return ", ".join(f"{name} {value}" for name, value in content["Attributes"].items())
    return ", ".join(f"{name} {value}" for name, value in content.items() if "MD5" not in name) or "done"


def _message(message: dict[str, Any]) -> str:
    body = message["Body"] if len(message["Body"]) <= 40 else f"{message['Body'][:37]}..."
    attributes = message.get("Attributes", {})
    count = int(attributes.get("ApproximateReceiveCount", 1))
    source = attributes.get("DeadLetterQueueSourceArn", "").rpartition(":")[2]
    notes = [f"receive {count}"] if count > 1 else []
    notes += [f"from {source}"] if source else []
    return json.dumps(body, ensure_ascii=False) + (f" ({', '.join(notes)})" if notes else "")
