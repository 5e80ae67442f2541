"""Message move tasks of an account: where the messages go, and what is told of a task."""

from typing import TYPE_CHECKING, Any

from simulator.aws.sqs.move_tasks import MoveTask
from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.requests import Send
from simulator.client.attributes import name_of, queue_arn
from simulator.client.errors import ClientError
from simulator.client.messages import Answer
from simulator.client.queue import Queue

if TYPE_CHECKING:
    from simulator.client.account import Account


class _Task:
    """A task by its handle."""

    def __init__(self, handle: str, source: Queue, destination: Queue | None, per_s: int, now: int) -> None:
        self.handle = handle
        self.source = source
        self.destination = destination
        self.per_s = per_s
        self.started_at = now
        self.model = MoveTask(source.model, now, per_s)
        self.failure: str | None = None
        self.to_move = int(source.model.visible(now))

    @property
    def status(self) -> str:
        return self.model.status if self.failure is None else "FAILED"

    def fail(self, reason: str) -> None:
        self.model.cancel()
        self.failure = reason


class MoveTasks:
    """All tasks there were; at most one runs for each source queue."""

    def __init__(self, account: "Account") -> None:
        self._account = account
        self._tasks: list[_Task] = []

    def running(self, source: str) -> bool:
        """Whether a task of that queue runs."""
        return any(task.status == "RUNNING" and task.source.name == source for task in self._tasks)

    def start(self, source: Queue, destination: Queue | None, per_s: int) -> str:
        """Start a task, whose first message moves now; its handle."""
        account = self._account
        handle = account.new_id("task", len(self._tasks))
        self._tasks.append(_Task(handle, source, destination, per_s, account.now))
        self.run(account.now)
        return handle

    def cancel(self, handle: str) -> int:
        """Stop the task; how many messages it has moved."""
        for task in self._tasks:
            if task.handle == handle and task.status == "RUNNING":
                task.model.cancel()
                return task.model.moved
        raise ClientError("ResourceNotFoundException", "There is no such task that runs.")

    def stop(self, queue: str, failure: str) -> None:
        """Let the tasks from or to a queue that is gone fail."""
        for task in self._tasks:
            ends = (task.source.name, task.destination.name if task.destination else None)
            if task.status == "RUNNING" and queue in ends:
                task.fail(failure)

    def listed(self, source: str, most: int) -> list[Answer]:
        """What is told of the latest tasks of a queue, the newest first."""
        found = [task for task in reversed(self._tasks) if task.source.name == source]
        return [_told(task) for task in found[:most]]

    def next_at(self) -> int:
        """When a task moves its next message [us]; NEVER when none runs."""
        return min((task.model.next_at() for task in self._tasks if task.status == "RUNNING"), default=NEVER)

    def run(self, now: int) -> None:
        """Move what is due at *now* [us]."""
        for task in self._tasks:
            if task.status == "RUNNING":
                self._run(task, now)

    def _run(self, task: _Task, now: int) -> None:
        account = self._account
        for number in task.model.take(now):
            message = account.messages[number]
            target = task.destination
            if target is None and message.source is not None:
                target = account.queues.get(name_of(message.source))
            if target is None:
                task.source.take_in(now, [message])
                task.fail("CouldNotDetermineMessageSource")
                return
            message.queue = None
            account.send(
                target, Send(message.body, message.attributes, None, message.group, message.deduplication_id)
            )


def _told(task: _Task) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Status": task.status,
        "SourceArn": queue_arn(task.source.name),
        "MaxNumberOfMessagesPerSecond": task.per_s,
        "ApproximateNumberOfMessagesMoved": task.model.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_at // 1000,
    }
    if task.status == "RUNNING":
        told["TaskHandle"] = task.handle
    if task.destination is not None:
        told["DestinationArn"] = queue_arn(task.destination.name)
    if task.failure is not None:
        told["FailureReason"] = task.failure
    return told
