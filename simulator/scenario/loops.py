"""How a group's workers receive: the shape of their loop, heartbeats, priorities, denied access."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.units import NAME, Count, Duration, Name, Number, kind_of

_SIZES: Final = ("permits", "prefetch")
_ORDERS: Final = ("strict", "weighted", "credits")
_LEAST: Final = 0.001
_MOST: Final = 1000.0


class Loop(Spec):
    """The shape of a worker's loop."""

    shorthand = "`sequential` or `barrier`"

    kind: Literal["sequential", "barrier", "permits", "prefetch"] = option(
        "`sequential`: the messages of a receive one after another, then the next receive; `barrier`: all at "
        "once by threads, the next receive when the last is done; `permits`: each by a thread, receives as "
        "threads fall free; `prefetch`: one after another, while a buffer is filled ahead",
        default="sequential",
    )
    permits: Count | None = option("messages in hand at most, for `permits`", low="1", high="100000")
    prefetch: Count | None = option(
        "receives in the buffer, for `prefetch`: their visibility timeout runs while they wait",
        low="1",
        high="1000",
    )

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Take the kind alone, or the size of a kind that has one."""
        if isinstance(data, str):
            return {"kind": data}
        if isinstance(data, Mapping) and "kind" not in data:
            given = [name for name in _SIZES if name in data]
            return {"kind": given[0], **data} if given else data
        return data

    @model_validator(mode="after")
    def _sized(self) -> "Loop":
        for name in _SIZES:
            if (getattr(self, name) is not None) != (self.kind == name):
                missing = f"is missing; write {{{name}: 10}}"
                raise refuse(
                    Finding((name,), missing if self.kind == name else f"has no meaning for {self.kind}")
                )
        return self


class Heartbeat(Spec):
    """A worker extends the visibility timeout of what it works on (ChangeMessageVisibility)."""

    every: Duration = required("from the start of work, and then", low="1s", high="12h")
    extend_to: Duration = required(
        "the visibility timeout it sets, counted from the call", low="1s", high="12h"
    )


class Denied(Spec):
    """A time in which the group's role lacks a permission."""

    call: Literal["receive", "delete"] = required("the call that is denied")
    at: Duration = required("when it begins", low="0s", high="400d")
    for_us: Duration = required("how long it lasts", low="1ms", high="400d", alias="for")


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        what = "an empty list" if isinstance(value, list) else kind_of(value)
        raise refuse(f"is {what}; a list of queues is due, the highest class first")
    return tuple(NAME.parse(name) for name in value)


Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1}),
]


class Priority(Spec):
    """How a worker chooses among several queues; what it has received it works to the end."""

    strict: Names | None = option(
        "queues, the highest class first: a lower one is asked when the higher ones gave nothing",
        what="list of queues",
    )
    weighted: dict[Name, Number] | None = option(
        "queues with weights: each turn draws the one that is asked first",
        what="map of queues to weights",
    )
    credits: dict[Name, Number] | None = option(
        "queues with weights: deficit round robin, a message costs a credit",
        what="map of queues to weights",
    )
    ageing: Duration | None = option(
        "a queue that a worker has not asked for this long is asked first", low="1s", high="14d"
    )
    wait: Duration = option(
        "how long the receive of the last queue asked waits when all were empty: no other is asked "
        "meanwhile; with 0s all are asked on and on",
        default="1s",
        low="0s",
        high="20s",
    )

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues, the highest class first."""
        return self.strict or tuple(self.weights)

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights of the queues, where they have some."""
        return self.weighted or self.credits or {}

    @model_validator(mode="after")
    def _one_order(self) -> "Priority":
        given = [name for name in _ORDERS if getattr(self, name) is not None]
        if len(given) != 1:
            has = f"has {' and '.join(given)}" if given else f"has none of {', '.join(_ORDERS)}"
            raise refuse(f"{has}; give exactly one")
        if len(self.queues) < 2:
            raise refuse(Finding((given[0],), "names one queue; a priority needs at least two"))
        if len(set(self.queues)) < len(self.queues):
            raise refuse(Finding((given[0],), "names a queue twice"))
        for name, weight in self.weights.items():
            if not _LEAST <= weight <= _MOST:
                raise refuse(Finding((given[0], name), f"is {weight:g}; allowed: {_LEAST:g} to {_MOST:g}"))
        return self
