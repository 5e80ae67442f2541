"""What a report must know of functions that get events without a queue."""

from collections.abc import Iterator

from simulator.analysis.answer import Consumer
from simulator.experiments.downstream_words import calls_us
from simulator.experiments.traffic import span
from simulator.scenario.distributions import mean_of
from simulator.scenario.email import called
from simulator.scenario.functions import Function
from simulator.scenario.invoked import lines
from simulator.scenario.schema import Scenario


def event_consumers(scenario: Scenario) -> Iterator[Consumer]:
    """Give what works the events of each function: the function itself."""
    for path, name in lines(scenario):
        yield _consumer(scenario, path, scenario.functions[name])


def _consumer(scenario: Scenario, path: str, function: Function) -> Consumer:
    account, reserved = scenario.rules.value("lambda.account_concurrency"), function.reserved_concurrency
    slots, binding = (
        (account, "account concurrency") if reserved is None else (reserved, "reserved concurrency")
    )
    work_us = mean_of(function.work.per_invocation) + mean_of(function.work.per_message)
    work_us += calls_us(called(scenario), function)
    if path.endswith(".invoke"):
        settings = ["Lambda", "callers wait"]
    elif path.endswith(".tasks"):
        settings = ["Lambda", "called by a workflow"]
    else:
        retries = function.asynchronous.retries
        settings = ["Lambda", "asynchronous", f"{retries} {'retry' if retries == 1 else 'retries'}"]
        settings.append(f"event age {span(function.asynchronous.maximum_event_age)}")
    if reserved is not None:
        settings.append(f"reserved concurrency {reserved:,}")
    return Consumer(
        path=path,
        kind="function",
        queue=path,
        settings=", ".join(settings),
        ceiling_per_s=slots / (work_us / 1e6) if work_us else float("inf"),
        ceiling=f"{slots:,} at once / {span(work_us)}" if work_us else "no work to do",
        maximum=float(slots),
        caps={binding: float(slots)},
        limit_words={
            "reserved_concurrency": f"reserved concurrency {reserved or 0:,}",
            "account_concurrency": f"account concurrency {account:,}",
        },
    )
