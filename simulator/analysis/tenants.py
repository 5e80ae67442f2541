"""Quiet and noisy tenants: who is who in a scenario, and how long either's messages wait.

A tenant is a message group. The noisy ones are known before a run, from what the scenario has them send, so
that all variants speak of the same messages; whom a fair queue marks is another matter (`noisy_tenants`).
"""

from collections.abc import Iterator

import numpy as np

from simulator.scenario.producers import Group
from simulator.scenario.schema import Scenario


def noisy_groups(scenario: Scenario) -> frozenset[int] | None:
    """Groups with more of all messages than ``sqs.fair.share``; None where nobody asks for them.

    They are asked for where a queue is fair, also in a variant, and where a threshold is about tenants.
    """
    asked = any(queue.fair for queue in scenario.queues.values())
    asked |= any(str(path).endswith(".fair") for variant in scenario.variants.values() for path in variant)
    asked |= any(threshold.label and threshold.label[0] == "tenants" for threshold in scenario.thresholds)
    if not asked:
        return None
    sources = list(_sources(scenario))
    sent = np.zeros(max((group.count for group, _ in sources if group), default=0))
    for group, messages in sources:
        if group:
            sent[: group.count] += messages * np.array(group.shares)
    most = scenario.rules.value("sqs.fair.share") * sum(messages for _, messages in sources)
    return frozenset(np.flatnonzero(sent > most).tolist())


def _sources(scenario: Scenario) -> Iterator[tuple[Group | None, float]]:
    """Groups and messages of every producer and every standing backlog."""
    for producer in scenario.producers.values():
        yield producer.message.group, producer.expected(scenario.duration)
    for queue in scenario.queues.values():
        if queue.backlog is not None:
            yield queue.backlog.group, float(queue.backlog.messages)
