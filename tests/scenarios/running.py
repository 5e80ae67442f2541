"""Runs of written-out scenarios, with their rows and their partial at hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulator.analysis.partial import Partial
from simulator.analysis.reduce import Reducer
from simulator.analysis.replication import Replication
from simulator.analysis.window import frame_of
from simulator.engine import simulate, things_of
from simulator.recording.tables import TABLES
from simulator.scenario import Scenario, load

SECOND = 1_000_000
MINUTE = 60 * SECOND
Columns = Mapping[str, np.ndarray]


class Ran:
    """A run as a sink keeps it: ``ran["copies"]["sent_at"]`` is a whole column.

    ``things`` gives the number of a path, ``partial`` what is left of the rows, ``read`` that partial read.
    """

    def __init__(self, scenario: Scenario, *, seed: int = 1, replication: int = 0) -> None:
        things = things_of(scenario)
        self.scenario = scenario
        self.frame = frame_of(scenario, things)
        self.things = {path: number for number, path in enumerate(things)}
        self._chunks: dict[str, list[Columns]] = {name: [] for name in TABLES}
        self._reducer = Reducer(self.frame)
        self.run = simulate(scenario, seed=seed, replication=replication, sink=self)
        self.partial: Partial = self._reducer.partial()
        self.read = Replication(self.frame, self.partial)

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        self._chunks[table].append(columns)
        self._reducer.chunk(table, columns)

    def __getitem__(self, table: str) -> dict[str, np.ndarray]:
        """All rows of *table* by column."""
        chunks = self._chunks[table]
        return {
            column.name: np.concatenate([chunk[column.name] for chunk in chunks] or [np.zeros(0, np.int64)])
            for column in TABLES[table]
        }


def written(folder: Path, text: str, **sets: str) -> Scenario:
    """The scenario of *text*, kept in *folder*; in the names of *sets* two underscores stand for a dot."""
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, sets={name.replace("__", "."): value for name, value in sets.items()})
