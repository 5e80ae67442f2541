"""What a report must know of brokers, and of consumers of their queues."""

from simulator.analysis.answer import Broker
from simulator.experiments.traffic import amount, span
from simulator.scenario.broker_checks import connections_of
from simulator.scenario.messaging import Queue
from simulator.scenario.schema import Scenario

_MIB = 1 << 20


def brokers_of(scenario: Scenario) -> tuple[Broker, ...]:
    """Every broker of a scenario."""
    rules = scenario.rules
    found = []
    for name, one in scenario.brokers.items():
        its = {
            queue: given.broker
            for queue, given in scenario.queues.items()
            if given.broker is not None and given.broker.name == name
        }
        dead = scenario.dead_letter_queues()
        prefetch = {given.prefetch for queue, given in its.items() if queue not in dead}
        sync_us = rules.value(f"mq.sync.{one.storage}")
        words = [
            one.instance,
            one.deployment.replace("_", "/" if "standby" in one.deployment else " "),
            f"{one.storage.upper()}, {amount(1e6 / sync_us)} sends/s a connection"
            if sync_us
            else one.storage.upper(),
            f"prefetch {amount(min(prefetch))}" if len(prefetch) == 1 else f"{len(its)} queues",
        ]
        found.append(
            Broker(
                path=f"brokers.{name}",
                settings=", ".join(words),
                queues=tuple(f"queues.{queue}" for queue in its),
                memory_mib=one.memory_bytes(rules) / _MIB if one.producer_flow_control else float("inf"),
                store_mib=one.store_bytes(rules) / _MIB,
                connections=connections_of(scenario, name),
            )
        )
    return tuple(found)


def held_words(queue: Queue) -> str:
    """Say how a queue's messages are held by those who have them: ``visibility timeout 30 s``."""
    if queue.broker is None:
        return f"visibility timeout {span(queue.visibility_timeout)}"
    return f"prefetch {amount(queue.broker.prefetch)}"
