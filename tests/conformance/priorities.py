"""Queueing cases of one group that polls several queues by priority."""

import numpy as np

from tests.conformance import lab
from tests.conformance.estimates import Replicate
from tests.conformance.lab import Parameters, steady


def priority(p: Parameters) -> Replicate:
    """A queue for each class, asked strictly in their order, on and on."""
    files: dict[str, str] = {}
    classes = {one["name"]: one for one in p["classes"]}
    rates = sum(1 / lab.mean(one["interarrival"]) for one in classes.values())
    duration_s, window = steady(1 / rates)
    work = {name: lab.distribution(one["service"], files) for name, one in classes.items()}
    group = {
        "instance_type": "ideal",
        "priority": {"strict": list(classes), "wait": "0s"},
        "work": "0s",
        "work_by_queue": work,
        "workers_per_instance": p["servers"],
        "capacity": {"min": 1, "max": 1},
    }
    asked = lab.scenario(
        duration_s,
        files,
        producers={
            name: {"target": name, "arrivals": lab.arrivals(one["interarrival"], files)}
            for name, one in classes.items()
        },
        queues={name: {"visibility_timeout": "12h"} for name in classes},
        auto_scaling_groups={"g": group},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        first = copies["queue"].min()
        everyone = lab.sojourns(copies, window)
        numbers = {"w_mean": everyone["w"], "wq_mean": everyone["wq"]}
        for place, name in enumerate(classes):
            chosen = np.flatnonzero(copies["queue"] == first + place)
            own = lab.sojourns({column: values[chosen] for column, values in copies.items()}, window)
            numbers |= {f"{key}_{name}": value for key, value in own.items()}
        return numbers

    return replicate
