import json
from collections.abc import Iterator
from typing import Any

from simulator.scenario import rules
from simulator.scenario.producers import Arrivals
from simulator.scenario.reference import json_schema, reference
from simulator.scenario.schema import Scenario
from simulator.scenario.spec import Spec, about, inner
from simulator.scenario.thresholds import METRICS


def parts(spec: type[Spec], seen: set[type[Spec]]) -> Iterator[type[Spec]]:
    """Walk the schema by the types of its fields, not as the reference does."""
    if spec in seen:
        return
    seen.add(spec)
    yield spec
    for field in spec.model_fields.values():
        kind, below = inner(field.annotation)
        while kind in ("names", "items"):
            kind, below = inner(below)
        if kind == "part":
            yield from parts(below, seen)


def test_every_key_is_in_the_reference_with_its_meaning() -> None:
    page = reference()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for spec in parts(Scenario, set()):
        for name, field in spec.model_fields.items():
            if spec is not Arrivals or name != "phases":
                key, meaning = field.alias or name, about(field).meaning
                assert any(row.startswith(f"| `{key}` |") and meaning in row for row in rows), (spec, key)


def test_aws_names_ranges_and_defaults_are_in_the_reference() -> None:
    assert (
        "| `visibility_timeout` | a duration | `30s` | 0s to 12h | `VisibilityTimeout` | how long a received "
        "message stays hidden from other receives |"
    ) in reference()


def test_every_metric_and_every_rule_is_in_the_reference() -> None:
    page = reference()
    assert all(f"| `{name}` |" in page for name in METRICS)
    assert all(f"| `{name}` |" in page for name in rules.dated().names())


def test_every_row_has_the_cells_of_its_table() -> None:
    cells = 0
    for line in reference().splitlines():
        if line.startswith("|"):
            cells = cells or line.count("|")
            assert line.count("|") == cells, line
        else:
            cells = 0


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_json_schema_is_whole() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert {one.removeprefix("#/$defs/") for one in references(schema)} <= set(schema["$defs"])
    assert set(schema["required"]) == {"scenario", "duration", "queues"}
    assert set(schema["properties"]) == set(Scenario.keys())


def test_the_json_schema_is_in_a_scenarios_words() -> None:
    queue = json_schema()["$defs"]["Queue"]
    assert queue["properties"]["visibility_timeout"]["default"] == "30s"
    assert "VisibilityTimeout allows 0s to 12h" in queue["properties"]["visibility_timeout"]["description"]
    assert queue["additionalProperties"] is False
