"""Who may send dead letters to a queue, and when they are sent back."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Duration, Name, Rate, kind_of

_MOST_SOURCES = 10


def _allowed(value: object) -> object:
    """Read a redrive allow policy: a word, or the queues it names."""
    if value in ("allow_all", "deny_all"):
        return value
    if not isinstance(value, list) or not value:
        raise refuse(f"is {kind_of(value)}; allow_all, deny_all or a list of queues is due")
    found = [Finding((place,), f"is {kind_of(name)}; the name of a queue is due")
             for place, name in enumerate(value) if not isinstance(name, str)]  # fmt: skip
    if len(value) > _MOST_SOURCES:
        found.append(Finding((), f"names {len(value)} queues; RedriveAllowPolicy allows {_MOST_SOURCES}"))
    if found:
        raise refuse(*found)
    return tuple(value)


RedriveAllow = Annotated[
    Literal["allow_all", "deny_all"] | tuple[str, ...],
    BeforeValidator(_allowed),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["allow_all", "deny_all"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": _MOST_SOURCES},
            ]
        }
    ),
]


class RedriveTask(Spec):
    """A message move task: it sends what a dead-letter queue holds anew, until nothing is visible in it."""

    source: Name = required("the dead-letter queue", alias="from")
    destination: Name | None = option(
        "where its messages go; each where it came from if left out", alias="to"
    )
    at: Duration = required("when it starts", low="0s", high="400d")
    rate: Rate = setting("sqs.redrive.max_per_s", "messages a second, a whole number")
