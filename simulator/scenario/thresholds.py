"""Promises a scenario makes: ``queues.billing wait.p95 < 2m``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.scenario.problems import findings_of, nearest_or_known, refuse, shown
from simulator.scenario.units import COUNT, DURATION, NUMBER, RATE, SHARE, Unit, kind_of

_QUANTILES: Final = ("p50", "p95", "p99", "p99.9")
_TIMES: Final = {statistic: DURATION for statistic in (*_QUANTILES, "mean", "max")}
_COUNT_AND_RATE: Final = {"count": COUNT, "rate": RATE}
_COUNT_AND_SHARE: Final = {"count": COUNT, "share": SHARE}
_LEVEL: Final = {"mean": NUMBER, "max": NUMBER}

#: statistics of each metric with the unit of its bound; "" is the metric without a statistic
METRICS: Final[Mapping[str, Mapping[str, Unit]]] = {
    "offered": _COUNT_AND_RATE,
    "accepted": _COUNT_AND_RATE,
    "refused": _COUNT_AND_RATE,
    "deduplicated": _COUNT_AND_RATE,
    "sent": _COUNT_AND_RATE,
    "throughput": {"rate": RATE},
    "wait": _TIMES,
    "end_to_end": _TIMES,
    "send_delay": _TIMES,
    "backlog": _LEVEL,
    "in_flight": _LEVEL,
    "duplicate_delivery": _COUNT_AND_SHARE,
    "duplicate_processing": _COUNT_AND_SHARE,
    "dead_lettered": _COUNT_AND_SHARE,
    "lost": _COUNT_AND_SHARE,
    "out_of_order": _COUNT_AND_SHARE,
    "failed_attempt": _COUNT_AND_SHARE,
    "throttle": {"count": COUNT},
    "cold_start": _COUNT_AND_SHARE,
    "drain": {"": DURATION},
    "utilisation": {"": SHARE},
    "busy": _LEVEL,
    "in_service": _LEVEL,
    "desired": _LEVEL,
    "receives_per_copy": {"mean": NUMBER, "max": NUMBER},
    "limit": {"share": SHARE},
}
#: metrics that may be asked for one label value, and the label's name
LABELS: Final = {"duplicate_delivery": "cause", "dead_lettered": "cause", "lost": "cause", "limit": "limit"}
LABEL_VALUES: Final = {
    "duplicate_delivery": ("visibility_timeout", "failure", "batch_mate", "throttle", "crash", "at_least_once"),
    "dead_lettered": ("visibility_timeout", "failure", "batch_mate", "throttle", "crash"),
    "lost": ("retention",),
    "limit": (
        "arrivals", "ramp", "maximum_concurrency", "reserved_concurrency", "account_concurrency", "scaling_rate",
        "group_locked", "call_tokens", "in_flight_cap", "metric_lag", "booting", "maximum_size", "mapping_cap",
    ),
}  # fmt: skip
_GRAMMAR: Final = re.compile(
    r"(?:(?P<scope>[A-Za-z0-9_.-]+) +)?(?P<metric>[a-z_]+)(?:\{(?P<label>[a-z_]+)=(?P<value>[a-z_]+)\})?"
    r"(?:\.(?P<statistic>[a-z0-9.]+))? *(?P<op><=|>=|==|<|>) *(?P<bound>\S+)"
)


@dataclass(frozen=True)
class Threshold:
    """A bound on one number of the answer.

    ``key`` is the number's key in ``summary.json``. ``bound`` is in the number's unit there: seconds,
    1/s, a share in 0 to 1, a count.
    """

    text: str
    key: str
    scope: str
    metric: str
    label: tuple[str, str] | None
    statistic: str
    op: str
    bound: float
    unit: str


def parse(text: object) -> Threshold:
    """Read a threshold."""
    if not isinstance(text, str):
        raise refuse(f"is {kind_of(text)}; a threshold such as wait.p95 < 2m is due")
    found = _GRAMMAR.fullmatch(text.strip())
    if not found:
        raise refuse(f"is {shown(text)}; write [scope] metric[.statistic] < quantity, such as queues.orders wait.p95 < 2m")
    metric, statistic = found["metric"], found["statistic"] or ""
    if metric not in METRICS:
        raise refuse(f"is {shown(text)}; {shown(metric)} is no metric, {nearest_or_known(metric, METRICS)}")
    if statistic not in METRICS[metric]:
        due = " or ".join(f"{metric}.{known}" if known else metric for known in METRICS[metric])
        raise refuse(f"is {shown(text)}; write {due}")
    label = _label(text, metric, found["label"], found["value"])
    unit = METRICS[metric][statistic]
    try:
        bound = unit.parse(found["bound"])
    except PydanticCustomError as error:
        raise refuse(f"is {shown(text)}; its bound {findings_of(error)[0].message}") from None
    if unit is DURATION:
        bound = bound / 1_000_000
    key = f"{found['scope']} {metric}" if found["scope"] else metric
    key += f"{{{label[0]}={label[1]}}}" if label else ""
    key += f".{statistic}" if statistic else ""
    in_answer = {DURATION: "s", RATE: "1/s", SHARE: "share"}.get(unit, "1")
    return Threshold(text.strip(), key, found["scope"] or "", metric, label, statistic, found["op"], float(bound), in_answer)


def _label(text: str, metric: str, label: str | None, value: str | None) -> tuple[str, str] | None:
    due = LABELS.get(metric)
    if label is None:
        if metric == "limit":
            raise refuse(f"is {shown(text)}; say which limit: limit{{limit=ramp}}.share")
        return None
    if label != due:
        hint = f"write {metric}{{{due}=...}}" if due else f"{metric} has no labels"
        raise refuse(f"is {shown(text)}; {hint}")
    assert value is not None
    if value not in LABEL_VALUES[metric]:
        raise refuse(f"is {shown(text)}; {value} is no {label} of {metric}, {nearest_or_known(value, LABEL_VALUES[metric])}")
    return label, value


def scope_problem(threshold: Threshold, queues: Iterable[str], consumers: Iterable[str]) -> str:
    """Say what is wrong with a threshold's scope, given the paths there are; "" if nothing is."""
    scopes = [*queues, *consumers]
    if threshold.scope and threshold.scope not in scopes:
        return f"is {shown(threshold.text)}; there is no {threshold.scope}, {nearest_or_known(threshold.scope, scopes)}"
    return ""


ThresholdText = Annotated[
    Threshold,
    BeforeValidator(lambda value: value if isinstance(value, Threshold) else parse(value)),
    WithJsonSchema({"type": "string"}),
]
