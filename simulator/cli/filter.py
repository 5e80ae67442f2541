"""``simulator filter``: does a message pass a filter policy, and which key decides?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.main import ExitStatus
from simulator.cli.options import scenario_file

if TYPE_CHECKING:
    from simulator.client.filters import FilterScope


@click.command()
@click.argument("policy", type=scenario_file, metavar="POLICY.json")
@click.argument("message", type=scenario_file, metavar="MESSAGE.json")
@click.option(
    "--scope",
    type=click.Choice(["attributes", "body", "event"]),
    default="attributes",
    show_default=True,
    help="What the filter looks at: message attributes, the body, or an event (an event pattern).",
)
@click.option("--check", is_flag=True, help="End with status 99 if the message does not match.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the verdict is printed.",
)
def filter(policy: Path, message: Path, scope: "FilterScope", check: bool, output: str) -> int:
    """Say whether a message passes a filter, and which key decides.

    A filter is a filter policy of an SNS subscription, or an event pattern as Lambda's event filters are.
    Attributes are plain values or `{"type": ..., "value": ...}` by their names. Status 0 once the verdict
    is printed, 2 for a file that cannot be read or a policy that AWS refuses.
    """
    from simulator.client.filters import check as judge

    verdict = judge(policy, message, scope)
    if output == "json":
        found = {"match": verdict.accepted, "key": verdict.key, "reason": verdict.reason}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif verdict.accepted:
        click.echo(f"match: {verdict.reason}")
    else:
        click.echo(f"no match: {verdict.key}{' ' if verdict.key else ''}{verdict.reason}")
    return ExitStatus.CROSSED if check and not verdict.accepted else ExitStatus.HOLDS
