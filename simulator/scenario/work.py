"""Work: how long it takes and how it fails."""

from collections.abc import Mapping
from typing import Any

from simulator.scenario.distributions import SHAPES, TimeDistribution
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.units import Share


class Work(Spec):
    """How long work takes: a batch takes ``per_invocation`` and the sum of its messages' ``per_message``."""

    shorthand = "a duration or a distribution of durations: the work per message"

    per_message: TimeDistribution = required("work of one message")
    per_invocation: TimeDistribution = option("what a batch costs beside its messages", default="0s")

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Take a duration or a distribution for the work per message."""
        if isinstance(data, str | int | float) or (
            isinstance(data, Mapping) and any(key in SHAPES for key in data)
        ):
            return {"per_message": data}
        return data


class Failures(Spec):
    """How work fails."""

    transient: Share = option(
        "share of attempts that fail, drawn per message and attempt", default="0%", low="0%", high="100%"
    )
