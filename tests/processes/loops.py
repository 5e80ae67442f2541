"""Groups with loops of every shape, run and their books checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.engine.conservation import check
from simulator.engine.simulate import Simulation
from tests.conformance import lab

S = lab.SECOND
TABLES = ("messages", "copies", "deliveries", "invocations", "changes")


@dataclass
class Ran:
    """A run: its rows, and the simulation."""

    rows: lab.Rows
    simulation: Simulation

    def __getitem__(self, table: str) -> lab.Columns:
        return self.rows.table(table)

    def per_copy(self) -> float:
        """Entries of the agenda a copy."""
        return self.simulation.clock.entries / self.simulation.ledger.copies


def run(replication: int = 0, reverse_ties: bool = False, **sections: Any) -> Ran:
    """Run an ideal scenario, its books checked."""
    rows = lab.Rows(TABLES)
    duration_s = sections.pop("duration_s")
    asked = lab.scenario(duration_s, **sections)
    simulation = Simulation(asked, seed=1, replication=replication, sink=rows, reverse_ties=reverse_ties)
    simulation.run()
    check(simulation.messaging, simulation.consumers)
    simulation.recorder.flush()
    return Ran(rows, simulation)


def standing(
    messages: int, duration_s: float, *, queue: dict[str, Any] | None = None, ideal: bool = True, **group: Any
) -> Ran:
    """A standing backlog and one instance with one worker, unless told otherwise."""
    limits = group.pop("limits", {})
    about = {"queue": "q", "instance_type": "x", "capacity": {"min": 1, "max": 1}, "work": "1s"} | group
    queues = {"q": {"visibility_timeout": "12h"} | (queue or {}) | {"backlog": {"messages": messages}}}
    if "redrive" in queues["q"]:
        queues["dead"] = {"retention": "14d"}
    return run(
        duration_s=duration_s,
        ideal=ideal,
        limits=limits,
        after="stop",
        queues=queues,
        auto_scaling_groups={"g": about},
    )


def started(ran: Ran) -> np.ndarray:
    """Starts of all processings in their order [us]."""
    at = ran["deliveries"]["started_at"]
    return np.sort(at[at >= 0])
