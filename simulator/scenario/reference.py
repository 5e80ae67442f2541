"""The scenario language as a JSON Schema for editors and as a page for people, both made from the schema."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic.fields import FieldInfo

from simulator.scenario import rules as dated_rules
from simulator.scenario.alarms import COUNTED, unit_of
from simulator.scenario.alarms import METRICS as METRICS_SEEN
from simulator.scenario.distributions import SHAPES
from simulator.scenario.producers import Arrivals, Phase
from simulator.scenario.schema import Scenario
from simulator.scenario.spec import Setting, Spec, about, field_unit, inner
from simulator.scenario.thresholds import METRICS
from simulator.scenario.traces import Trace
from simulator.scenario.units import NAME, NAME_RULE

_PARTS_OF_TIME: Final = (Phase, Trace)  # without `for` one lasts as long as is left, once that is known
_INTRODUCTION: Final = f"""\
# Scenario reference

Made from the schema by `simulator schema -o md`; do not edit by hand.

A scenario is one YAML 1.2 document. Every quantity has its unit:

| kind | written | units |
|---|---|---|
| duration | `250ms`, `10m`, `1h30m` | `us` `ms` `s` `m` `h` `d` |
| rate | `120/s`, `1.5k/m` | `/s` `/m` `/h` `/d`, with `k` or `M` before |
| size | `2KiB` | `B` `KiB` `MiB` `GiB` (`KB`, `MB`, `GB` mean the same, as AWS's do) |
| share | `0.1%` | `%`; shares of a whole add up to 100%, and one of them may be `rest` |
| whole number, number | `10`, `10k`, `1M`, `0.5` | `k` `M` |

Names are yours: {NAME_RULE.removeprefix("names have ")}. What is shown as `<name>` below is such a
name. A key without a default must be given, unless its default is a dash. Every setting has one path, such as
`functions.charge.event_sources.billing.batch_size`; `--set path=value` and the variants use it. In a variant,
`null` for a named thing (`auto_scaling_groups.fraud: null`) takes it away.

## Distributions

Where a quantity may vary, write it alone (it is constant) or one of:
"""


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of a scenario file."""
    schema = Scenario.model_json_schema()
    parts = schema["$defs"]
    for spec in _PARTS_OF_TIME:
        parts[spec.__name__]["required"].remove("for")
    phases = {"type": "array", "items": {"$ref": "#/$defs/Phase"}, "minItems": 1}
    interarrival = parts["Arrivals"]["properties"]["interarrival"]
    between = {
        "type": "object",
        "properties": {"interarrival": interarrival},
        "required": ["interarrival"],
        "additionalProperties": False,
    }
    parts["Arrivals"] = {"anyOf": [phases, {"$ref": "#/$defs/Phase"}, between]}
    work = parts["Work"]
    parts["Work"] = {"anyOf": [*work["properties"]["per_message"]["anyOf"], work]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def reference() -> str:
    """Give the reference page in Markdown."""
    lines = [_INTRODUCTION]
    lines += [f"- `{{{kind}: {_example(kind)}}}`" for kind in SHAPES if kind != "constant"]
    lines += [
        "",
        "The file of `empirical` is CSV with a first line of column names, below the scenario's folder.",
        "",
    ]
    for path, spec in _parts("", Scenario, set()):
        lines += _section(path, spec)
    lines += [*_metrics(), *_thresholds(), *_rules()]
    return "\n".join(lines) + "\n"


def _example(kind: str) -> str:
    examples = {
        "exponential": "{mean: 80ms}",
        "lognormal": "{median: 120ms, p99: 1.5s}",
        "gamma": "{mean: 80ms, shape: 2}",
        "weibull": "{mean: 80ms, shape: 0.7}",
        "pareto": "{low: 20ms, high: 30s, shape: 1.2}",
        "uniform": "{low: 50ms, high: 150ms}",
        "empirical": "{file: durations.csv, column: duration, unit: ms}",
        "mix": "[{share: 95%, of: 80ms}, {share: rest, of: {exponential: {mean: 2s}}}]",
    }
    return examples[kind]


def _parts(path: str, spec: type[Spec], seen: set[type[Spec]]) -> Iterator[tuple[str, type[Spec]]]:
    """Walk all parts of a scenario, each once, with the path it is first found at."""
    if spec in seen:
        return
    seen.add(spec)
    yield path, spec
    for key, annotation in spec.keys().items():
        kind, below = inner(annotation)
        place = f"{path}.{key}" if path else key
        if kind == "names":
            place += ".<name>"
            kind, below = inner(below)
        elif kind == "items":
            place += ".<number>"
            kind, below = inner(below)
        if kind == "part":
            yield from _parts(place, below, seen)
    if item := spec.item():
        yield from _parts(f"{path}.<number>", item, seen)


def _section(path: str, spec: type[Spec]) -> list[str]:
    title = f"`{path}`" if path else "Top"
    lines = [f"## {title}", "", " ".join((spec.__doc__ or "").split()), ""]
    if spec.shorthand:
        lines += [f"May be written as {spec.shorthand}.", ""]
    lines += ["| key | what | default | range | AWS name | meaning |", "|---|---|---|---|---|---|"]
    for name, field in spec.model_fields.items():
        if spec is Arrivals and name == "phases":
            continue  # has no key of its own: the list itself
        lines.append(_row(spec, field.alias or name, field))
    return [*lines, ""]


def _row(spec: type[Spec], key: str, field: FieldInfo) -> str:
    declared = about(field)
    rule = dated_rules.dated().rule(declared.rule) if declared.rule else None
    cells = [
        f"`{key}`",
        _kind(field),
        "the rest of the duration" if key == "for" and spec in _PARTS_OF_TIME else _default(declared),
        declared.range_words().partition("allows ")[2] or declared.range_words().removeprefix("allowed: "),
        f"`{rule.aws}`" if rule and rule.aws else "",
        declared.meaning,
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _kind(field: FieldInfo) -> str:
    if what := about(field).what:
        return what
    annotation: Any = field.annotation
    kind, _ = inner(annotation)
    if kind != "value":
        return {"names": "map of names", "items": "list", "part": "map"}[kind]
    if unit := field_unit(field):
        return f"{unit.name}{' or a distribution' if 'Spec' in str(annotation) else ''}"
    for arm in (annotation, *typing.get_args(annotation)):
        if typing.get_origin(arm) is Literal:
            return ", ".join(f"`{word}`" for word in typing.get_args(arm))
    if _has_name(annotation):
        return "name"
    if not _has_truth(annotation):
        raise ValueError(f"the page has no word for {annotation}")
    return "`true` or `false`"


def _has_truth(annotation: Any) -> bool:
    return annotation is bool or any(_has_truth(part) for part in typing.get_args(annotation))


def _has_name(annotation: Any) -> bool:
    """Whether a field's type is a name, or has one among its alternatives."""
    parts = (*getattr(annotation, "__metadata__", ()), *typing.get_args(annotation))
    return any(part is NAME or _has_name(part) for part in parts)


def _default(declared: Setting) -> str:
    if declared.required:
        return ""
    default = declared.default_words()
    if default is None:
        return "-"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{_flow(default)}`"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    return str(value)


def _words(value: object) -> str:
    return "no limit" if value is None else _flow(value)


def _metrics() -> list[str]:
    """What CloudWatch has of each thing, for alarms and scaling policies."""
    lines = [
        "## Metrics",
        "",
        "Alarms and scaling policies name a metric by its path, such as `queues.orders.oldest`. They are",
        "given what CloudWatch would publish: a point a minute, a minute late, approximate. What it is",
        "compared with is written in its unit; a count is what happened in the minute.",
        "",
        "| section | metric | is |",
        "|---|---|---|",
    ]
    for section, metrics in METRICS_SEEN.items():
        for metric in metrics:
            kind = "a count" if metric in COUNTED else unit_of(metric)
            lines.append(f"| `{section}` | `{metric}` | {kind} |")
    return [*lines, ""]


def _thresholds() -> list[str]:
    lines = [
        "## Thresholds",
        "",
        "`[scope ' '] metric ['{' label=value '}'] ['.' statistic] op quantity`, such as `wait.p95 < 2m`,",
        "`queues.billing backlog.max < 10k`, `dead_lettered{cause=throttle}.count == 0`. The scope is the",
        "path of a queue or consumer (`functions.charge.event_sources.billing`, `auto_scaling_groups.x`);",
        "without one, a threshold is about all queues that are no dead-letter queues. `op` is `<` `<=` `==`",
        "`>=` or `>`.",
        "",
        "| metric | statistics | scopes | label | meaning |",
        "|---|---|---|---|---|",
    ]
    for name, metric in METRICS.items():
        statistics = " ".join(f"`{name}.{one}`" if one else f"`{name}`" for one in metric.statistics)
        label = f"`{metric.label}`: {', '.join(metric.values)}" if metric.label else ""
        lines.append(f"| `{name}` | {statistics} | {', '.join(metric.scopes)} | {label} | {metric.meaning} |")
    return [*lines, ""]


def _rules() -> list[str]:
    rules = dated_rules.dated()
    lines = [
        f"## Rules of {rules.name}",
        "",
        "What a run takes from AWS. `limits:` in a scenario gives an entry another value; `ideal: true`",
        "takes the ideal ones. A value that is not `confirmed` is named in the report of a run that took it.",
        "",
        "| name | value | ideal | status | source |",
        "|---|---|---|---|---|",
    ]
    for name in rules.names():
        rule = rules.rule(name)
        ideal = "" if rule.ideal == rule.value else _words(rule.ideal_text)
        lines.append(f"| `{name}` | {rules.text(name)} | {ideal} | {rule.status} | {rule.source} |")
    return lines
