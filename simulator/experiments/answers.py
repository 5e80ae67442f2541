"""From runs to what can be said of them."""

from collections.abc import Sequence

from simulator.analysis.answer import Answer
from simulator.analysis.conclude import answer
from simulator.analysis.paired import compared
from simulator.experiments.replications import Experiment
from simulator.experiments.setting import setting_of


def answer_of(experiment: Experiment) -> Answer:
    """Everything that can be said of *experiment*."""
    scenario, runs = experiment.scenario, len(experiment.runs)
    return answer(
        setting_of(scenario, seed=experiment.seed, replications=runs),
        scenario,
        experiment.frame,
        experiment.partials,
        assumptions=experiment.assumptions,
    )


def answers_of(experiments: Sequence[Experiment]) -> list[Answer]:
    """Answers to all; those after the first carry their differences from it, run by run."""
    base, *others = (answer_of(one) for one in experiments)
    return [base, *(compared(base, other) for other in others)]
