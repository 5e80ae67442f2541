"""What a queue of water would show: closed-form peaks that stand beside simulated backlogs.

Arrivals flow in at their expected rate and are worked at the consumer's ceiling. Nothing fails, and
chance is left out.
"""

import math
from typing import Final

from simulator.analysis import theory
from simulator.analysis.answer import ClosedForm, Consumer, Setting
from simulator.analysis.arrivals import arrivals
from simulator.analysis.consumers import fleet_of
from simulator.scenario.schema import Scenario

_US: Final = 1e6
_WORTH_S: Final = 5.0
"""A peak below this many seconds of traffic is chance, which water does not show."""


def closed_forms(scenario: Scenario, setting: Setting) -> list[ClosedForm]:
    """Peaks of the backlogs whose one consumer has a fixed ceiling.

    A fleet's ceiling changes with its size, which follows what is waiting; and the ramp
    of an event source mapping is left out only where there is none (``ideal``).
    """
    found: list[ClosedForm] = []
    if setting.faults:  # water knows of none
        return found
    for consumer in setting.consumers:
        if not consumer.queue.startswith("queues."):
            continue
        alone = sum(other.queue == consumer.queue for other in setting.consumers) == 1
        if alone and _fixed(scenario, consumer) and math.isfinite(consumer.ceiling_per_s):
            peak = _peak(scenario, consumer)
            if peak is not None:
                found.append(peak)
    return found


def _fixed(scenario: Scenario, consumer: Consumer) -> bool:
    fleet = fleet_of(scenario, consumer.path)
    if fleet is not None:
        capacity = getattr(fleet, "capacity", None)
        return capacity is not None and bool(capacity.min == capacity.max)
    return scenario.ideal or consumer.maximum <= scenario.rules.value("esm.start_concurrency")


def _peak(scenario: Scenario, consumer: Consumer) -> ClosedForm | None:
    name = consumer.queue.removeprefix("queues.")
    stretches = arrivals(scenario, name)
    backlog = scenario.queues[name].backlog
    standing = float(backlog.messages) if backlog is not None else 0.0
    messages = math.fsum(stretch.messages for stretch in stretches)
    water = theory.fluid_queue(
        [(s.until_at / _US, s.start_per_s, s.end_per_s) for s in stretches], consumer.ceiling_per_s, standing
    )
    if water.peak <= max(10.0, _WORTH_S * messages * _US / scenario.duration) or water.peak_at_s == 0:
        return None
    text = f"arrivals over {consumer.ceiling_per_s:,.0f}/s, added up"
    return ClosedForm(consumer.queue, "backlog", water.peak_at_s, water.peak, text)
