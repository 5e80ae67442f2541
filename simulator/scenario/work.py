"""Work: how long it takes and how it fails."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from simulator.scenario.distributions import BY, SHAPES, ByAttribute, MessageDistribution, TimeDistribution
from simulator.scenario.problems import Finding, read_at, refuse
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.units import COUNT, SHARE, Name, Share, kind_of, write_share

_MOST_RECEIVES: Final = 1_000


class Work(Spec):
    """How long work takes: a batch takes ``per_invocation`` and the sum of its messages' ``per_message``."""

    shorthand = "a duration or a distribution of durations: the work per message"

    per_message: MessageDistribution = required(
        "work of one message; where it depends on an attribute: "
        "`{by: {attribute: kind, values: {refund: 1s}, rest: 120ms}}`"
    )
    per_invocation: TimeDistribution = option("what a batch costs beside its messages", default="0s")

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Take a duration or a distribution for the work per message."""
        if isinstance(data, str | int | float) or (
            isinstance(data, Mapping) and any(key in SHAPES or key == BY for key in data)
        ):
            return {"per_message": data}
        return data


def _shares_by_receive(value: object) -> dict[int, float]:
    if not isinstance(value, Mapping):
        raise refuse(f"is {kind_of(value)}; a map of receive counts to shares is due, such as {{1: 20%}}")
    shares: dict[int, float] = {}
    for key, text in value.items():
        count = read_at((str(key),), COUNT.parse, key)
        if not 1 <= count <= _MOST_RECEIVES:
            raise refuse(Finding((str(key),), f"is no receive count; allowed: 1 to {_MOST_RECEIVES:,}"))
        shares[count] = read_at((str(key),), SHARE.parse, text)
    return shares


SharesByReceive = Annotated[
    dict[int, float],
    SHARE,
    BeforeValidator(_shares_by_receive),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string", "pattern": SHARE.pattern}}),
]


class Failures(Spec):
    """How work fails."""

    transient: Share = option(
        "share of attempts that fail, drawn per message and attempt", default="0%", low="0%", high="100%"
    )
    by: dict[Name, dict[Name, Share]] = option(
        "shares for values of one attribute, `{kind: {refund: 5%}}`, instead of `transient`",
        default={},
        what="map of an attribute to a map of values to shares",
    )
    on_receive: SharesByReceive = option(
        "shares for receive counts, `{1: 20%, 2: 5%}`, instead of `transient`",
        default={},
        what="map of receive counts to shares",
    )

    @model_validator(mode="after")
    def _one_reason(self) -> "Failures":
        if self.by and self.on_receive:
            raise refuse(Finding(("on_receive",), "cannot stand beside `by`; give one of them"))
        if len(self.by) > 1:
            raise refuse(Finding(("by",), f"names {len(self.by)} attributes; give one"))
        shares: list[tuple[tuple[str, ...], float]] = [
            (("by", attribute, value), share)
            for attribute, values in self.by.items()
            for value, share in values.items()
        ]
        shares += [(("on_receive", str(count)), share) for count, share in self.on_receive.items()]
        wrong = [
            Finding(path, f"is {write_share(share)}; allowed: 0% to 100%")
            for path, share in shares
            if share > 1
        ]
        if wrong:
            raise refuse(*wrong)
        return self

    @property
    def attribute(self) -> str | None:
        """The attribute that failures depend on, if they depend on one."""
        return next(iter(self.by), None)


def weigh(works: Iterable[Work], sent: Sequence[tuple[float, Mapping[str, Mapping[str, float]]]]) -> None:
    """Tell the work that depends on attributes how many messages have which value.

    *sent* are the messages expected of each producer, with the shares of its attributes' values.
    """
    for work in works:
        spec = work.per_message
        if not isinstance(spec, ByAttribute):
            continue
        spec.weights.clear()
        for messages, attributes in sent:
            for value, share in attributes.get(spec.attribute, {"": 1.0}).items():
                known = value if value in spec.values else ""
                spec.weights[known] = spec.weights.get(known, 0.0) + messages * share
