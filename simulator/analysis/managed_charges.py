"""What brokers, workflows and mails cost."""

from collections.abc import Iterator, Sequence
from typing import Final

from simulator.analysis.charge_counts import (
    GIB,
    HOUR_US,
    HOURS_A_MONTH,
    MILLION,
    Charge,
    Counts,
    minus,
    plus,
    times,
)
from simulator.analysis.partial import QUANTITY, Field
from simulator.recording.tables import Quantity

_COUNTED: Final = 1e12
"""Counts by the second are kept as their number times a million, over a second of a million microseconds."""
_THOUSAND: Final = 1e3
_KIB: Final = 1 << 10
_SIZES: Final = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8}
_EXPRESS_GB: Final = 64 / 1024
"""An Express execution is charged for the 64 MB that it has begun to use."""
_EXPRESS_ROUNDING_US: Final = 50_000
"""Durations are rounded up to 100 ms: half of that each, on average."""


def managed(count: Counts) -> Iterator[Charge]:
    """Mails through SES, brokers of Amazon MQ, workflows of Step Functions."""
    yield from _mails(count)
    yield from _brokers(count)
    yield from _workflows(count)


def counted(count: Counts, quantity: Quantity, path: str) -> list[float]:
    """How often something happened that is written down by the second."""
    return times(count.level(QUANTITY + quantity, path)[0], 1 / _COUNTED)


def _mails(count: Counts) -> Iterator[Charge]:
    for name in count.scenario.email:
        sent = counted(count, Quantity.RECIPIENTS, f"email.{name}")
        yield count.charge("SES", f"mails of account {name}", "recipient", "price.ses.recipient", sent)


def _brokers(count: Counts) -> Iterator[Charge]:
    for name, broker in count.scenario.brokers.items():
        instances = 2 if broker.deployment == "active_standby" else 1
        run = [instances * one.end_at / HOUR_US for one in count.runs]
        window = [instances * one.frame.duration_us / HOUR_US for one in count.runs]
        rule, price = _hourly(count, broker.instance)
        yield count.charge(
            "MQ", f"{broker.instance} of broker {name}", "instance-hour", rule, run, window=window, per=1.0,
            price=price, note="" if rule else f"no price of {broker.instance} is known",
        )  # fmt: skip
        whole, part = count.level(QUANTITY + Quantity.STORE_KIB, f"brokers.{name}")
        hours = [times(level, _KIB / GIB / HOUR_US / HOURS_A_MONTH) for level in (whole, part)]
        storage = f"price.mq.{broker.storage}_gb_month"
        yield count.charge(
            "MQ", f"storage of broker {name}", "GB-month", storage, hours[0], window=hours[1], per=1.0
        )


def _hourly(count: Counts, instance: str) -> tuple[str, float]:
    """The entry for an instance type of a broker, and its price [USD/h]; ("", 0) if unknown."""
    exact = f"price.mq.{instance}"
    if exact in count.rules.names():
        return exact, count.rules.value(exact)
    family, _, size = instance.rpartition(".")
    known = f"price.mq.{family}.large"
    if known in count.rules.names() and size in _SIZES:
        return known, count.rules.value(known) * _SIZES[size]
    return "", 0.0


def _workflows(count: Counts) -> Iterator[Charge]:
    """Standard executions by their transitions, Express ones, children of Maps too, by number and time."""
    for name, workflow in count.scenario.workflows.items():
        if workflow.kind == "swf":
            continue
        path = f"workflows.{name}"
        rule = "price.sfn.transition"
        made = counted(count, Quantity.TRANSITIONS, path)
        standard = minus(made, counted(count, Quantity.EXPRESS_TRANSITIONS, path))
        yield count.charge(
            "Step Functions", f"transitions of workflow {name}", "transition", rule, standard,
            free=f"{rule}.free",
        )  # fmt: skip
        children = counted(count, Quantity.EXPRESS_CHILDREN, path)
        lasted_us = times(count.level(QUANTITY + Quantity.EXPRESS_US, path)[0], 1 / MILLION)
        yield from _express(count, f"children of workflow {name}", children, lasted_us)
        if workflow.kind == "express":
            lasted_us = times(count.level(QUANTITY + Quantity.EXECUTIONS, path)[0], 1 / _THOUSAND)
            yield from _express(count, f"workflow {name}", count.of(Field.SENT, path), lasted_us)


def _express(
    count: Counts, whose: str, started: Sequence[float], lasted_us: Sequence[float]
) -> Iterator[Charge]:
    """Executions, and their time of 64 MB each, rounded up to 100 ms."""
    request, rule = "price.sfn.express.request", "price.sfn.express.gb_hour"
    yield count.charge("Step Functions", f"executions of {whose}", "execution", request, started)
    rounded_us = plus(lasted_us, times(started, _EXPRESS_ROUNDING_US))
    yield count.charge(
        "Step Functions", f"duration of {whose}", "GB-hour", rule,
        times(rounded_us, _EXPRESS_GB / HOUR_US), per=1.0,
        tiers=(f"{rule}.tier_2", f"{rule}.tier_3"), note="64 MB each, rounded up to 100 ms on average",
    )  # fmt: skip
