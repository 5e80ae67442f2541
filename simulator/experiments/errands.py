"""One run to be carried out somewhere, and what tells it from all others."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import simulator
from simulator.scenario.schema import Scenario


@dataclass(frozen=True)
class Errand:
    """One run: ``rows`` is the folder for its rows, if they are kept; ``digest`` as of `digest_of`."""

    scenario: Scenario
    seed: int
    replication: int
    rows: Path | None
    digest: str = ""

    @property
    def name(self) -> str:
        """What it is, in words."""
        variant = f" ({self.scenario.variant})" if self.scenario.variant else ""
        return f"{self.scenario.name}{variant}, replication {self.replication}"

    @property
    def key(self) -> str:
        """Tells it from all runs that may have another result; a name that a file may have."""
        assert self.digest, "of a run that is kept, the digest is given"
        return f"{self.digest}-{self.seed}-{self.replication}"


def digest_of(scenario: Scenario) -> str:
    """A digest of all that a run depends on but seed and replication: settings, files it names, our code."""
    written = scenario.dump()
    # Words, promises and variants change no run.
    for said in ("question", "description", "thresholds", "variants", "replications", "seed"):
        written.pop(said, None)
    digest = hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode())
    for name in sorted(_files(written)):
        digest.update((scenario.source.parent / name).read_bytes())
    digest.update(code_digest())
    return digest.hexdigest()


def _files(written: Any) -> Iterator[str]:
    """Names of the files that a scenario reads: whatever stands under a key ``file``."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key == "file" and isinstance(value, str):
                yield value
            else:
                yield from _files(value)
    elif isinstance(written, list):
        for value in written:
            yield from _files(value)


@cache
def code_digest() -> bytes:
    """Digest of this program's own text and rules: results of another one are not taken for its own."""
    package = Path(simulator.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".yaml"):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.digest()
