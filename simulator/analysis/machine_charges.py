"""What the machines of fleets cost: instances, tasks and pods, by the hour."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from simulator.analysis.charge_counts import GIB, HOUR_US, Charge, Counts, plus, times
from simulator.analysis.consumers import fleets
from simulator.analysis.partial import QUANTITY, Level
from simulator.recording.tables import Quantity
from simulator.scenario.deployments import Deployment
from simulator.scenario.ecs_services import EcsService
from simulator.scenario.fleets import Fleet
from simulator.scenario.rules import Rules

_PARTS: Final = {"nano": 1, "micro": 2, "small": 4, "medium": 8, "large": 16, "xlarge": 32}
_SIZE: Final = re.compile(r"(\d*)(xlarge)|(nano|micro|small|medium|large)")
_STAGES: Final = (Quantity.BOOTING, Quantity.IN_SERVICE, Quantity.DRAINING)


def machines(count: Counts) -> Iterator[Charge]:
    """Hours of the instances, tasks and pods of every fleet."""
    for fleet in fleets(count.scenario):
        path, given = fleet.path, fleet.workers
        levels = [count.level(QUANTITY + stage, path) for stage in _STAGES]
        short = count.total(Quantity.SHORT_LIVES_US, path)
        run = times(plus(*(whole for whole, _ in levels), short), 1 / HOUR_US)
        window = times(plus(*(part for _, part in levels), short), 1 / HOUR_US)
        busy = times(count.level(int(Level.BUSY), path)[1], 1 / HOUR_US / given.workers_per_instance)
        idle = [
            max(0.0, 1 - part / whole) if whole else 0.0 for part, whole in zip(busy, window, strict=True)
        ]
        spot_hours = times(count.total(Quantity.SPOT_US, path), 1 / HOUR_US)
        spot = [min(1.0, part / whole) if whole else 0.0 for part, whole in zip(spot_hours, run, strict=True)]
        for item in _items(count.rules, path.rpartition(".")[2], given):
            shares = spot if item.spot else [1 - share for share in spot]
            hours = [
                [item.units * hour * share for hour, share in zip(some, shares, strict=True)]
                for some in (run, window)
            ]
            yield count.charge(
                item.service, item.what, item.unit, item.rule, hours[0], window=hours[1], idle=idle, per=1.0,
                price=item.price, note="" if item.rule else "no price is known: give price_per_hour",
            )  # fmt: skip


class _Item(NamedTuple):
    """What an hour of an instance, task or pod consists of: *units* of something with a price [USD/h]."""

    service: str
    what: str
    unit: str
    rule: str
    price: float
    units: float = 1.0
    spot: bool = False


def _items(rules: Rules, name: str, given: Fleet) -> Iterator[_Item]:
    if isinstance(given, EcsService):
        for what, unit, units in (("vCPUs", "vCPU", given.cpu), ("memory", "GB", given.memory / GIB)):
            rule = f"price.fargate.{unit.lower()}_hour"
            yield _Item(
                "Fargate", f"{what} of service {name}", f"{unit}-hour", rule, rules.value(rule), units
            )
        return
    own = "" if given.price_per_hour is None else "price_per_hour"
    if isinstance(given, Deployment):
        yield _Item("Kubernetes", f"pods of {name}", "pod-hour", own, given.price_per_hour or 0.0)
        return
    kind = given.instance_type
    rule, price = hourly(rules, kind) if given.price_per_hour is None else (own, given.price_per_hour)
    yield _Item("EC2", f"{kind} of group {name}", "instance-hour", rule, price)
    spot = price * rules.value("price.ec2.spot")
    yield _Item("EC2", f"{kind} of group {name} (spot)", "instance-hour", rule, spot, spot=True)


def hourly(rules: Rules, instance_type: str) -> tuple[str, float]:
    """The entry for an instance type, and its price [USD/h]; each size up doubles it. ("", 0) if unknown."""
    exact = f"price.ec2.{instance_type}"
    if exact in rules.names():
        return exact, rules.value(exact)
    family, _, size = instance_type.partition(".")
    for name in rules.names():
        known, _, its = name.removeprefix("price.ec2.").partition(".")
        if name.startswith("price.ec2.") and known == family and _parts(size) and _parts(its):
            return name, rules.value(name) * _parts(size) / _parts(its)
    return "", 0.0


def _parts(size: str) -> int:
    found = _SIZE.fullmatch(size)
    return 0 if found is None else int(found[1] or 1) * _PARTS[found[2] or found[3]]
