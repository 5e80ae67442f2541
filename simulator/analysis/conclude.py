"""From the partials of all replications to an answer."""

from collections.abc import Sequence

from simulator.analysis import fluid, overload, series
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
    thresholds = judge(scenario.thresholds, measures.estimates)
    growths = overload.overloaded(measures, setting)
    return Answer(
        setting=setting,
        estimates=measures.estimates,
        thresholds=thresholds,
        series=curves.frame(),
        tails=series.tails(measures, curves.group),
        limits=series.limits(measures, curves.group),
        assumptions=tuple(assumptions),
        warnings=tuple(overload.warning(growth, setting) for growth in growths),
        sentence=sentence(setting, thresholds, measures.estimates, [growth.queue for growth in growths]),
        bin_s=curves.bin_s,
        points=points(measures),
        closed_forms=tuple(fluid.closed_forms(scenario, setting)),
    )
