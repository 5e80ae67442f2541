"""``simulator schema``: the scenario language, for editors and for people."""

import json

import click


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["json", "md"]),
    default="json",
    show_default=True,
    help="JSON Schema (editors complete and check with it), or the reference page.",
)
def schema(output: str) -> None:
    """Print what a scenario may say, as JSON Schema or as a page."""
    from simulator.scenario.reference import json_schema, reference

    if output == "md":
        click.echo(reference(), nl=False)
    else:
        click.echo(json.dumps(json_schema(), indent=2))
