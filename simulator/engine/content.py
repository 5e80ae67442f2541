"""Builds what messages are made of: sizes, groups, attributes, bodies."""

from collections.abc import Mapping
from typing import Any

from simulator.engine.taken import Taken
from simulator.processes.producers import Content
from simulator.sampling.distributions import Categorical, Distribution
from simulator.scenario import producers
from simulator.scenario.bodies import choices_of


def content_of(
    taken: Taken,
    source: str,
    size: Distribution,
    group: producers.Group | None,
    attributes: Mapping[str, Mapping[str, float]],
    poison: float,
    body: Mapping[str, Any] | None = None,
) -> Content:
    """What the messages of *source* are made of."""
    stream = taken.stream
    choices = choices_of(body)
    return Content(
        size,
        None if group is None else Categorical(group.shares),
        [Categorical(list(values.values())) for values in attributes.values()]
        + [Categorical([share for _, share in choice]) for choice in choices.values()],
        poison,
        stream(f"{source}/size"),
        stream(f"{source}/group"),
        stream(f"{source}/poison"),
        [stream(f"{source}/attribute/{attribute}") for attribute in attributes]
        + [stream(f"{source}/body/{'/'.join(path)}") for path in choices],
    )
