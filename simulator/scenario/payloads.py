"""How large the messages of a scenario may be, where a bill counts payload."""

from collections.abc import Iterator
from typing import Any, Final

from simulator.scenario import sends
from simulator.scenario.schema import Scenario
from simulator.scenario.shapes import ConstantSpec, largest

_TAIL: Final = 20
"""A size without a bound is less than so many times its mean, or its 99th percentile."""


def heavy(size: Any, messages: int, chunk_bytes: int) -> bool:
    """Whether so many *messages* of a distribution of sizes may have more than *chunk_bytes* together."""
    tail = 1 if isinstance(size, ConstantSpec) else _TAIL
    return messages * largest(size) * tail > chunk_bytes


def sizes_said(scenario: Scenario) -> Iterator[Any]:
    """The distribution of sizes of each producer, and of all that consumers send."""
    for producer in scenario.producers.values():
        yield producer.message.size
    for sender in sends.senders(scenario):
        for send in sender.given.sends.values():
            yield send.size
