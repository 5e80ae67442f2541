"""From the partials of all replications to an answer."""

from collections.abc import Sequence

from simulator.analysis import (
    alarms,
    bill,
    evidence,
    fluid,
    limits,
    overload,
    reaction,
    refusals,
    series,
    subscriptions,
)
from simulator.analysis.answer import Answer, Setting
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame, Partial
from simulator.analysis.points import points
from simulator.analysis.replication import Replication
from simulator.analysis.sentence import sentence
from simulator.analysis.thresholds import judge
from simulator.analysis.window import first_bin
from simulator.scenario.schema import Scenario


def answer(
    setting: Setting,
    scenario: Scenario,
    frame: Frame,
    partials: Sequence[Partial],
    *,
    assumptions: Sequence[str] = (),
) -> Answer:
    """Everything that can be said of *scenario* after its runs.

    Parameters
    ----------
    setting : Setting
        What a report must know of the scenario.
    frame : Frame
        As the runs were reduced with.
    partials : sequence of Partial
        One a replication, in their order.
    assumptions : sequence of str
        What a reader must know about values that are not AWS's own.
    """
    start = first_bin(frame, [Replication(frame, partial) for partial in partials])
    workers = {consumer.path: consumer.workers_per_instance for consumer in setting.consumers}
    measures = Measures(frame, partials, workers, start)
    curves = series.Curves(measures)
    since = reaction.since_s(scenario, setting)
    rehearsed = alarms.rehearse(scenario, frame, partials)
    estimates = measures.estimates | reaction.estimates(measures, setting, since)
    estimates |= alarms.estimates(rehearsed)
    costs = bill.bill(scenario, frame, measures.runs)
    estimates |= dict(bill.estimates(costs))
    thresholds = judge(scenario.thresholds, estimates)
    growths = overload.overloaded(measures, setting)
    return Answer(
        setting=setting,
        estimates=estimates,
        thresholds=thresholds,
        series=curves.frame(),
        tails=series.tails(measures, curves.group),
        limits=limits.by_bin(measures, curves.group),
        assumptions=(*assumptions, *bill.assumptions(costs, scenario.rules)),
        warnings=(
            *(overload.warning(growth, setting) for growth in growths),
            *refusals.warnings(estimates),
            *subscriptions.warnings(setting, estimates),
            *bill.warnings(costs),
            *evidence.warnings(setting, thresholds, estimates),
        ),
        sentence=sentence(setting, thresholds, estimates, [growth.queue for growth in growths]),
        bin_s=curves.bin_s,
        points=points(measures),
        closed_forms=tuple(fluid.closed_forms(scenario, setting)),
        alarms=tuple(rehearsed),
        bill=costs,
    )
