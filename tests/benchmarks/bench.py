"""How fast it is, on this machine, beside a plain SimPy script of a chain like the quickstart's.

``make bench`` prints it; each measurement has a process of its own, so that its memory is its own. The
script (``textbook.py``) is a process per message with Stores and Resources, and records nothing.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import sweeping

HERE = Path(__file__).parent
QUICKSTART = HERE.parents[1] / "scenarios" / "quickstart.yaml"
CHAINS = {
    "quickstart": QUICKSTART,
    "batches of one": HERE / "light.yaml",
    "saturated": HERE / "saturated.yaml",
}


class Counting:
    """A sink that reduces as a run does, and counts what a benchmark must state."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.deliveries = 0
        self.invocations = 0

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Count rows and hand them on."""
        if table == "deliveries":
            self.deliveries += len(columns["delivery"])
        elif table == "invocations":
            self.invocations += len(columns["invocation"])
        self.inner.chunk(table, columns)


def peak_bytes() -> int:
    """Return the largest memory this process has had [bytes] (Linux counts in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(path: Path, *options: str) -> dict[str, float]:
    """Run one replication in this process and say what it took."""
    from simulator.analysis.reduce import Reducer
    from simulator.analysis.window import frame_of
    from simulator.engine import simulate, things_of
    from simulator.scenario import load

    scenario = load(path, sets=list(options))
    sink = Counting(Reducer(frame_of(scenario, things_of(scenario))))
    before = peak_bytes()
    began_at = time.perf_counter()
    run = simulate(scenario, seed=scenario.seed, replication=0, sink=sink)
    sink.inner.partial()
    elapsed_s = time.perf_counter() - began_at
    return {
        "s": elapsed_s,
        "messages": run.messages,
        "copies": run.copies,
        "deliveries": sink.deliveries,
        "batch": sink.deliveries / sink.invocations,
        "entries": run.entries,
        "bytes": peak_bytes() - before,
    }


def in_a_process(*arguments: str) -> dict[str, float]:
    """Run a Python command that prints one line of JSON, and return that."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def main() -> None:
    """Print the table."""
    textbook = in_a_process(str(HERE / "textbook.py"))
    print(
        f"{'':16}{'messages':>10}{'copies':>10}{'messages/s':>12}{'copies/s':>11}{'x textbook':>11}", end=""
    )
    print(f"{'batch':>7}{'events/copy':>13}{'bytes/copy':>12}")
    for name, path in CHAINS.items():
        m = in_a_process("-m", "tests.benchmarks.bench", str(path))
        per_s = m["copies"] / m["s"]
        print(
            f"{name:16}{m['messages']:>10,}{m['copies']:>10,}{m['messages'] / m['s']:>12,.0f}{per_s:>11,.0f}"
            f"{per_s / textbook['per_s']:>11.1f}{m['batch']:>7.2f}{m['entries'] / m['copies']:>13.3f}"
            f"{m['bytes'] / m['copies']:>12.0f}"
        )
    print(
        f"{'textbook.py':16}{'':>10}{textbook['deliveries']:>10,}{'':>12}{textbook['per_s']:>11,}{1:>11.1f}"
        f"{'':>7}{textbook['ev_per_delivery']:>13}{textbook['bytes_per_delivery']:>12}"
    )
    print("copies are deliveries in textbook.py; bytes: growth of the peak memory of the process")
    sweeping.main()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]), *sys.argv[2:])))
    else:
        main()
