"""Runs on the workers of a Dask cluster, which need share neither a disk nor a clock with this machine.

A worker reduces where it runs and sends a partial back, as a process of this machine does. Kept rows are
written to a folder of the worker's own and their bytes come back with the result.
"""

import platform
import queue
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from simulator.experiments.errands import code_digest
from simulator.experiments.executors import WATCH_S, Keep, Named, Report, Standing, Watch, WorkerDied

Client: TypeAlias = Any
"""Of distributed, most of whose calls have no types."""
CONNECT_S: Final = 10.0
"""How long a scheduler may take to answer, and its first worker to be there [s]."""
NOBODY_S: Final = 60.0
"""How long a cluster may be without any worker while runs wait: one that died comes back sooner [s]."""
TELL_S: Final = 0.25
"""A run on a worker tells how far it is at most this often [s]."""
SAME: Final = ("simulator", "numpy", "pandas", "pyarrow", "scipy", "simpy")
"""Packages that must be the same on client and workers: each can change a byte of a result."""
STARTS: Final = 2
"""How often a run is begun before the workers that it ends are laid to it."""

Task = TypeVar("Task", bound=Named)
Result = TypeVar("Result")
Files = dict[str, bytes]


class ClusterError(RuntimeError):
    """The cluster cannot carry out runs: not there, without workers, or not the same program."""


@dataclass(frozen=True)
class Dask:
    """The cluster of the Dask scheduler at an address, as ``tcp://10.0.0.5:8786``; see `Executor`.

    Raises, besides what a run raises: `ClusterError` where nobody answers, no worker is there, or one has
    other versions; `WorkerDied` with the name of a run whose worker ended twice.
    """

    scheduler: str

    def carry_out(
        self,
        work: Callable[[Task, Report], Result],
        tasks: Sequence[Task],
        *,
        watch: Watch | None = None,
        keep: Keep | None = None,
    ) -> list[Result]:
        """Carry out *work* on every task and return the results in the order of *tasks*."""
        if not tasks:
            return []
        with _connected(self.scheduler) as client:
            _wait_for_workers(client, self.scheduler)
            _refuse_others(client)
            return _Errands(client, work, tasks, watch, keep).results()


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False, name="simulator")
    except (OSError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise ClusterError(f"no Dask scheduler answers at {address}: {why}") from None
    try:
        yield client
    finally:
        client.close()


def _wait_for_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        raise ClusterError(f"the Dask scheduler at {address} has no worker") from None


def _refuse_others(client: Client) -> None:
    found = client.get_versions(packages=list(SAME))
    workers = {address: worker["packages"] for address, worker in found["workers"].items()}
    if wrong := mismatches(found["client"]["packages"], workers):
        raise ClusterError("; ".join(wrong[:5]) + "; results would differ: install the same on both")


def mismatches(here: Mapping[str, str | None], there: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    """Name what is not the same on this machine and on workers, by their addresses.

    Versions are by package; of ``python`` only the minor release counts.
    """
    return [
        f"{name} is {theirs or 'missing'} on worker {address} and {ours or 'missing'} here"
        for address, packages in sorted(there.items())
        for name in ("python", *SAME)
        for ours, theirs in [(_version(here, name), _version(packages, name))]
        if ours != theirs
    ]


def _version(packages: Mapping[str, str | None], name: str) -> str | None:
    found = packages.get(name)
    return ".".join(found.split(".")[:2]) if name == "python" and found else found


class _Errands:
    """The tasks of one call, while the cluster is at them."""

    def __init__(
        self,
        client: Client,
        work: Callable[[Any, Report], Any],
        tasks: Sequence[Any],
        watch: Watch | None,
        keep: Keep | None,
    ) -> None:
        self.client = client
        self.tasks = tasks
        self.watch = watch
        self.keep = keep
        # Events and counts of starts are the cluster's: those of another client must not be taken for ours.
        self.topic = f"simulator-{uuid.uuid4().hex}"
        self._far = [(0, 0)] * len(tasks)
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._found: dict[int, Any] = {}
        self._nobody_since: float | None = None
        here = code_digest()
        self._each = partial(_on_worker, work, topic=self.topic, code=here)

    def results(self) -> list[Any]:
        """Wait for all, telling how far they are; what was not begun is taken back on the way out."""
        self.client.subscribe_topic(self.topic, self._hear)
        runs = {
            self.client.submit(self._each, task, run, key=f"{self.topic}-{run}", pure=False): run
            for run, task in enumerate(map(_without_folder, self.tasks))
        }
        try:
            for future in runs:
                future.add_done_callback(self._ended.put)
            while len(self._found) < len(self.tasks):
                try:
                    future = self._ended.get(timeout=WATCH_S)
                except queue.Empty:
                    self._notice_nobody()
                else:
                    self._take(future, runs[future])
                if self.watch is not None:
                    self.watch(self._standing())
        finally:
            self.client.cancel(list(runs))
            self.client.unsubscribe_topic(self.topic)
        return [self._found[run] for run in range(len(self.tasks))]

    def _hear(self, event: tuple[object, tuple[int, int, int]]) -> None:
        run, at, messages = event[1]
        if run not in self._found:
            self._far[run] = (at, messages)

    def _take(self, future: Any, run: int) -> None:
        """Take in a result, and the rows that came with it."""
        from distributed import KilledWorker

        if future.status == "cancelled":
            raise ClusterError("the Dask scheduler dropped the runs: was it restarted?")
        try:
            result, files, far = future.result()
        except KilledWorker:
            raise _died(self.tasks[run].name) from None
        if files:
            folder: Path = self.tasks[run].rows
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                (folder / name).write_bytes(data)
        self._found[run] = result
        self._far[run] = far
        if self.keep is not None:
            self.keep(run, result)

    def _standing(self) -> Standing:
        instants, messages = zip(*self._far, strict=True)
        return Standing(tuple(instants), sum(messages), len(self._found))

    def _notice_nobody(self) -> None:
        """Give up on a cluster that lost its last worker and got none back."""
        now = time.monotonic()
        if self.client.nthreads():
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = now
        elif now - self._nobody_since > NOBODY_S:
            raise ClusterError(f"the Dask cluster has had no worker for {NOBODY_S:.0f} s")


def _died(name: str) -> WorkerDied:
    return WorkerDied(f"the Dask worker of {name} was ended from outside, twice (out of memory?)")


def _without_folder(task: Any) -> Any:
    """Put a folder's bare name for the folder: the path of this machine means nothing on another."""
    rows = getattr(task, "rows", None)
    return task if rows is None else replace(task, rows=Path(rows.name))


def _on_worker(
    work: Callable[[Any, Report], Any], task: Any, run: int, *, topic: str, code: bytes
) -> tuple[Any, Files, tuple[int, int]]:
    """Carry out one task on a worker: its result, the files it wrote, and how far it came."""
    from distributed import get_client, get_worker

    worker = get_worker()
    if code_digest() != code:
        raise ClusterError(
            f"worker {worker.address} ({platform.node()}) has another program text than the client"
        )
    _count_start(get_client(), [topic, str(run)], task)
    far, told_at = (0, 0), 0.0

    def report(at: int, messages: int) -> None:
        nonlocal far, told_at
        far = (at, messages)
        if time.monotonic() - told_at >= TELL_S:
            told_at = time.monotonic()
            worker.log_event(topic, (run, int(at), int(messages)))

    if getattr(task, "rows", None) is None:
        return work(task, report), {}, far
    with tempfile.TemporaryDirectory(prefix="simulator-rows-") as folder:
        result = work(replace(task, rows=Path(folder)), report)
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    return result, files, far


def _count_start(client: Client, key: list[str], task: Named) -> None:
    """Note at the scheduler, which outlives workers, that a run begins; refuse one that ended its workers."""
    starts = int(client.get_metadata(key, 0))
    if starts >= STARTS:
        raise _died(task.name)
    client.set_metadata(key, starts + 1)
