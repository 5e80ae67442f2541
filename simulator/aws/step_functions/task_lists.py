"""Task lists of SWF and activities of Step Functions: tasks that wait for a worker who polls for them.

Rules (SWF developer guide, "Task lists"; Step Functions guide, "Activities"): tasks of a list are handed out
in the order they came; a worker polls, works what it gets, answers and polls again. A worker that polls an
empty list hangs on until a task comes, so a free worker gets a task at once.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class TaskList(Generic[T]):
    """Tasks of one list and the workers who poll it.

    Parameters
    ----------
    workers : int
        Tasks that are worked at once at most.
    """

    __slots__ = ("_waiting", "free", "workers")

    def __init__(self, workers: int) -> None:
        self.workers = self.free = workers
        self._waiting: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def schedule(self, task: T) -> bool:
        """Put a task in; True where a free worker takes it at once."""
        if self.free:
            self.free -= 1
            return True
        self._waiting.append(task)
        return False

    def done(self) -> T | None:
        """A worker is free again; give the task it takes next, None where none waits."""
        if self._waiting:
            return self._waiting.popleft()
        self.free += 1
        return None

    def withdraw(self, task: T) -> bool:
        """Take out a task that timed out before a worker took it; False where it does not wait here."""
        try:
            self._waiting.remove(task)
        except ValueError:
            return False
        return True
