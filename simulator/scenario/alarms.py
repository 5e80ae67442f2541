"""CloudWatch alarms, and the metrics they can be about."""

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from simulator.scenario.problems import Finding, refuse, shown
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.units import (
    DURATION,
    NUMBER,
    SHARE,
    Duration,
    Name,
    Text,
    Unit,
    kind_of,
)

QUEUE_METRICS: Final = (
    "visible",
    "in_flight",
    "delayed",
    "oldest",
    "sent",
    "received",
    "deleted",
    "empty_receives",
)
FUNCTION_METRICS: Final = ("concurrent", "invocations", "errors", "throttles", "duration")
FLEET_METRICS: Final = ("backlog_per_instance", "in_service", "desired", "busy_share")
METRICS: Final = {
    "queues": QUEUE_METRICS,
    "functions": FUNCTION_METRICS,
    "auto_scaling_groups": FLEET_METRICS,
    "ecs_services": FLEET_METRICS,
    "deployments": FLEET_METRICS,
}
"""What CloudWatch knows of each thing, by the section it stands in."""
COUNTED: Final = {"sent", "received", "deleted", "empty_receives", "invocations", "errors", "throttles"}
"""Metrics whose points count what happened in their minute: the points of a period add up."""

UNIT_OF: Final = {"oldest": DURATION.name, "duration": DURATION.name, "busy_share": SHARE.name}
"""Metrics whose values are no plain numbers."""
EXAMPLES: Final = {NUMBER.name: "100", DURATION.name: "5m", SHARE.name: "80%"}
_IN_MILLISECONDS: Final = "duration"
"""The one metric that CloudWatch gives in milliseconds."""

COMPARISONS: Final = ("above", "at_least", "below", "at_most")
_LASTING: Final = re.compile(r"(\d{1,4})(?: of (\d{1,4}))?")
_MOST_PERIODS: Final = 1_440


class Amount(float):
    """A number with what it was written as: ``unit`` is the name of a unit, durations are in seconds."""

    unit: str
    text: str


def unit_of(metric: str) -> str:
    """What the values of a metric are, by its path: the name of a unit."""
    return UNIT_OF.get(metric.rpartition(".")[2], NUMBER.name)


def _read_level(text: str) -> Amount:
    for unit, scale in ((NUMBER, 1.0), (DURATION, 1e-6), (SHARE, 1.0)):
        try:
            amount = Amount(unit.parse(text) * scale)
        except PydanticCustomError:
            continue
        amount.unit, amount.text = unit.name, text
        return amount
    raise refuse(f"is {shown(text)}; a number is due, or a duration (300s) or share (80%) for such a metric")


LEVEL: Final = Unit("a number, duration or share", _read_level, lambda amount: amount.text)
Level = Annotated[
    Amount,
    LEVEL,
    BeforeValidator(LEVEL.parse),
    WithJsonSchema({"type": ["number", "string"]}),
]


def _lasting(value: object) -> str:
    """Read how long: ``3 of 5`` points, or ``3``, which is 3 of 3."""
    text = str(value)
    found = _LASTING.fullmatch(text) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if not found:
        raise refuse(f"is {kind_of(value)}; points are due, such as 3, or 3 of 5")
    needed, periods = int(found[1]), int(found[2] or found[1])
    if not 1 <= needed <= periods <= _MOST_PERIODS:
        raise refuse(f"is {text}; allowed: 1 to {_MOST_PERIODS} points, and no more needed than looked at")
    return text


Lasting = Annotated[
    str,
    BeforeValidator(_lasting),
    WithJsonSchema({"type": ["integer", "string"], "pattern": f"^{_LASTING.pattern}$"}),
]


class Alarm(Spec):
    """A CloudWatch alarm on one metric, as others see it: one point a minute, a minute late, approximate.

    It changes nothing by itself: it is rehearsed, it can notify a topic, and scaling policies can act on it.
    """

    metric: Text = required("path of the metric, such as `queues.orders.oldest`")
    above: Level | None = option("in alarm while the metric is above it", low="0", high="1000000000k")
    at_least: Level | None = option("in alarm while the metric is this or more", low="0", high="1000000000k")
    below: Level | None = option("in alarm while the metric is below it", low="0", high="1000000000k")
    at_most: Level | None = option("in alarm while the metric is this or less", low="0", high="1000000000k")
    lasting: Lasting = option(
        "points that must breach, such as `3` or `3 of 5`", default="1", alias="for", what="`M of N` points"
    )
    period: Duration = option("length of a point, a multiple of a minute", default="1m", low="1s", high="1d")
    statistic: Literal["average", "sum", "maximum", "minimum"] | None = option(
        "what the minutes of a longer period are made into; `sum` of counts, `average` of levels if left out"
    )
    missing: Literal["missing", "ignore", "breaching", "not_breaching"] = option(
        "what a missing point counts as", default="missing"
    )
    notify: Name | None = option("topic that is told when it goes into alarm")
    notify_ok: StrictBool = option("tell the topic when it is over as well", default=False)

    @model_validator(mode="after")
    def _one_comparison(self) -> "Alarm":
        given = [word for word in COMPARISONS if getattr(self, word) is not None]
        if not given:
            raise refuse("compares with nothing; one of above, at_least, below, at_most is due")
        if len(given) > 1:
            raise refuse(Finding((given[1],), f"stands beside {given[0]}; an alarm has one threshold"))
        if self.notify_ok and self.notify is None:
            raise refuse(Finding(("notify_ok",), "is true, but there is no notify: no topic would be told"))
        return self

    @property
    def comparison(self) -> str:
        """How it compares: one of `COMPARISONS`."""
        return next(word for word in COMPARISONS if getattr(self, word) is not None)

    @property
    def threshold(self) -> float:
        """What it compares with, in the metric's own unit: a count, a share, seconds, of ``duration`` ms."""
        scale = 1_000 if self.metric.rpartition(".")[2] == _IN_MILLISECONDS else 1
        return float(self.level) * scale

    @property
    def level(self) -> Amount:
        """The same as it was written."""
        level: Amount = getattr(self, self.comparison)
        return level

    @property
    def needed(self) -> int:
        """Points that must breach (DatapointsToAlarm)."""
        return int(self.lasting.split(" of ")[0])

    @property
    def periods(self) -> int:
        """Points it looks at (EvaluationPeriods)."""
        return int(self.lasting.split(" of ")[-1])

    @property
    def made_into(self) -> str:
        """The statistic in place."""
        return self.statistic or ("sum" if self.metric.rpartition(".")[2] in COUNTED else "average")
