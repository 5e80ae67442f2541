"""Runs a scenario written in a test and gives its rows whole."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from simulator.engine.conservation import check
from simulator.engine.simulate import Simulation
from simulator.recording.recorder import CHUNK_ROWS
from simulator.recording.tables import TABLES
from simulator.scenario.loading import load
from simulator.scenario.schema import Scenario

Rows = dict[str, dict[str, np.ndarray]]


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.chunks: dict[str, list[Mapping[str, np.ndarray]]] = defaultdict(list)

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Keep the next rows."""
        self.chunks[table].append(columns)

    def rows(self) -> Rows:
        """All rows of each table."""
        none = np.zeros(0, dtype=np.int64)
        return {
            table: {
                c.name: np.concatenate([none, *(chunk[c.name] for chunk in self.chunks[table])])
                for c in columns
            }
            for table, columns in TABLES.items()
        }


def read(tmp_path: Path, text: str, sets: Sequence[str] = ()) -> Scenario:
    """The scenario written in *text*, with *sets* in place."""
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    return load(file, sets=list(sets))


def run(
    scenario: Scenario,
    *,
    seed: int = 1,
    replication: int = 0,
    chunk_rows: int = CHUNK_ROWS,
    reverse_ties: bool = False,
) -> Rows:
    """Rows of one run, its books checked."""
    sink = Kept()
    simulation = Simulation(
        scenario,
        seed=seed,
        replication=replication,
        sink=sink,
        chunk_rows=chunk_rows,
        reverse_ties=reverse_ties,
    )
    simulation.run()
    check(simulation.messaging, simulation.consumers)
    simulation.recorder.flush()
    return sink.rows()
