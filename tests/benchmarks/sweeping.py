"""What a second core brings a sweep of a hundred runs, as a person waits for it: from Enter to the report.

``make bench`` prints it. Both sweeps are whole commands in processes of their own, start and picture
included, and must leave the same bytes.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

HERE = Path(__file__).parent
SCENARIO = HERE.parents[1] / "scenarios" / "quickstart.yaml"
VARY = "functions.charge.event_sources.billing.maximum_concurrency=10..200:10"
REPLICATIONS = 5
RUNS = 20 * REPLICATIONS
SHORTER = ("duration=10m", "producers.checkout.arrivals=[{for: 4m, rate: 20/s}, {rate: 60/s}]")
"""Nearly a second a run, so that what is measured is work and not the start of workers."""


class Measured(NamedTuple):
    """Seconds that 100 runs took, and whether the reports are the same."""

    one_s: float
    two_s: float
    same: bool

    @property
    def speed_up(self) -> float:
        """How many times as fast two cores are as one."""
        return self.one_s / self.two_s


def seconds(jobs: int, out: Path) -> float:
    """Carry out the sweep with so many runs at once and return how long that takes [s]."""
    words = ["--vary", VARY, "--replications", str(REPLICATIONS), "--jobs", str(jobs), "--out", str(out)]
    sets = [word for one in SHORTER for word in ("--set", one)]
    began_at = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "sweep", str(SCENARIO), *words, *sets, "--quiet"],
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 99):
        raise RuntimeError(done.stderr)
    return time.perf_counter() - began_at


def measure() -> Measured:
    """Sweep with one core and with two."""
    with TemporaryDirectory() as folder:
        outs = [Path(folder, name) for name in ("one", "two")]
        one_s, two_s = (seconds(jobs, out) for jobs, out in enumerate(outs, 1))
        one, two = ({path.name: path.read_bytes() for path in out.iterdir()} for out in outs)
        return Measured(one_s, two_s, one == two)


def main() -> None:
    """Print the line."""
    found = measure()
    print(
        f"sweep of {RUNS} runs: {found.one_s:.1f} s on one core, {found.two_s:.1f} s on two,"
        f" {found.speed_up:.2f} times as fast; reports {'are the same' if found.same else 'DIFFER'}"
    )


if __name__ == "__main__":
    main()
