"""Runs that ended, kept where an interruption does not lose them."""

import os
import pickle
from pathlib import Path

from simulator.analysis.partial import Partial
from simulator.engine import Run
from simulator.experiments.errands import Errand

Result = tuple[Partial, Run]


class Finished:
    """A folder with one file a run, written aside and put in place when the run has ended.

    Parameters
    ----------
    folder : Path
        Made with the first result; only files of ours are read, so it must be nobody else's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, errand: Errand) -> Result | None:
        """Return what *errand* brought when it was carried out earlier; None if it was not."""
        try:
            data = self._path(errand).read_bytes()
        except FileNotFoundError:
            return None
        result: Result = pickle.loads(data)
        return result

    def put(self, errand: Errand, result: Result) -> None:
        """Keep what *errand* brought."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(errand)
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(result))
        os.replace(part, path)

    def count(self) -> int:
        """How many runs are kept."""
        return len(list(self.folder.glob("*.run")))

    def clear(self) -> None:
        """Forget all: the report is written."""
        if self.folder.exists():
            for path in [*self.folder.glob("*.run"), *self.folder.glob("*.part")]:
                path.unlink()
            self.folder.rmdir()

    def _path(self, errand: Errand) -> Path:
        return self.folder / f"{errand.key}.run"
