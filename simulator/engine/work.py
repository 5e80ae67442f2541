"""Builds what a message's work and failures are drawn from."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from simulator.engine.taken import sampler
from simulator.processes.kinds import Chances, Kinds, WorkByKind, WorkOfAll
from simulator.scenario import work as spec
from simulator.scenario.bodies import choices_of
from simulator.scenario.distributions import ByAttribute, Distribution
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import SOURCE, ChildWords, speaks


def work_of(scenario: Scenario, given: Distribution | ByAttribute) -> WorkOfAll | WorkByKind:
    """The work of messages: the same for all, or by the value of an attribute."""
    if not isinstance(given, ByAttribute):
        return WorkOfAll(sampler(given))
    parts = [sampler(part) for part in (*given.values.values(), given.rest)]
    return WorkByKind(_kinds(scenario, given.attribute, list(given.values)), parts)


def chances_of(scenario: Scenario, failures: spec.Failures) -> Chances:
    """The chance that an attempt fails."""
    if failures.attribute is None:
        return Chances(failures.transient, failures.on_receive)
    shares = failures.by[failures.attribute]
    kinds = _kinds(scenario, failures.attribute, list(shares))
    return Chances(failures.transient, kinds=kinds, by_kind=[*shares.values(), failures.transient])


def _kinds(scenario: Scenario, attribute: str, values: Sequence[str]) -> Kinds:
    """Number the messages of every producer by the value of an attribute; all others are the last kind."""
    rest = len(values)
    return Kinds(
        {
            source: _numbers(attributes, bodies, attribute, values)
            for source, attributes, bodies in _sources(scenario)
            if attribute in attributes
        }
        | _children(scenario, attribute, values),
        rest,
    )


def _children(scenario: Scenario, attribute: str, values: Sequence[str]) -> dict[str, list[int]]:
    """Kind of each combination of what consumers send on."""
    if not speaks(scenario):
        return {}
    kinds = {value: kind for kind, value in enumerate(values)}
    said = (one.attributes.get(attribute, {}).get("value", "") for one in ChildWords(scenario).said)
    return {SOURCE: [kinds.get(value, len(values)) for value in said]}


def _sources(scenario: Scenario) -> Iterator[tuple[str, Mapping[str, Mapping[str, float]], int]]:
    """Who says messages, by the name in the ledger, with its attributes and its number of bodies."""
    for name, producer in scenario.producers.items():
        body = None if producer.source else producer.message.body
        yield name, producer.traits, prod(len(choice) for choice in choices_of(body).values())
    for name, queue in scenario.queues.items():
        if queue.backlog is not None:
            yield f"queues.{name}/backlog", queue.backlog.attributes, 1


def _numbers(
    attributes: Mapping[str, Mapping[str, float]], bodies: int, attribute: str, values: Sequence[str]
) -> list[int]:
    """Kind of each combination: the last attribute varies faster than those before it, bodies fastest."""
    place = list(attributes).index(attribute)
    return [
        values.index(combination[place]) if combination[place] in values else len(values)
        for combination in product(*attributes.values())
        for _ in range(bodies)
    ]
