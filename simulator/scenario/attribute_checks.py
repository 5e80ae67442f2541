"""Checks of work and failures that depend on attributes: somebody sends them, with these values."""

from collections.abc import Iterable, Iterator

from simulator.scenario import sends
from simulator.scenario.distributions import ByAttribute
from simulator.scenario.fleets import FLEETS
from simulator.scenario.problems import Finding, nearest_or_known
from simulator.scenario.schema import Scenario
from simulator.scenario.work import Failures, Work

Path = tuple[str | int, ...]


def attribute_findings(scenario: Scenario) -> Iterator[Finding]:
    """Give every attribute, and every value of one, that work or failures name and no message has."""
    sent: dict[str, set[str]] = {}
    senders = [producer.traits for producer in scenario.producers.values()]
    senders += [queue.backlog.attributes for queue in scenario.queues.values() if queue.backlog is not None]
    senders += [
        send.attributes
        for sender in sends.senders(scenario)
        for send in sender.given.sends.values()
        if send.attributes is not None
    ]
    for attributes in senders:
        for attribute, values in attributes.items():
            sent.setdefault(attribute, set()).update(values)
    for path, work in _works(scenario):
        if isinstance(given := work.per_message, ByAttribute):
            by: Path = (*path, "per_message", "by")
            yield from _unknown((*by, "attribute"), (*by, "values"), given.attribute, given.values, sent)
    for path, failures in _failures(scenario):
        for attribute, shares in failures.by.items():
            place = (*path, "by", attribute)
            yield from _unknown(place, place, attribute, shares, sent)


def _unknown(
    path: Path, below: Path, attribute: str, values: Iterable[str], sent: dict[str, set[str]]
) -> Iterator[Finding]:
    if attribute not in sent:
        message = (
            f"is {attribute}; no message has such an attribute, {nearest_or_known(attribute, sorted(sent))}"
        )
        yield Finding(path, message)
        return
    for value in values:
        if value not in sent[attribute]:
            hint = nearest_or_known(value, sorted(sent[attribute]))
            yield Finding((*below, value), f"is no value of {attribute} that a message has; {hint}")


def _works(scenario: Scenario) -> Iterator[tuple[Path, Work]]:
    for name, function in scenario.functions.items():
        yield ("functions", name, "work"), function.work
    for section in FLEETS:
        for name, fleet in getattr(scenario, section).items():
            yield (section, name, "work"), fleet.work
            for queue, work in fleet.work_by_queue.items():
                yield (section, name, "work_by_queue", queue), work


def _failures(scenario: Scenario) -> Iterator[tuple[Path, Failures]]:
    for section in ("functions", *FLEETS):
        for name, consumer in getattr(scenario, section).items():
            yield (section, name, "failures"), consumer.failures
