"""Workers who poll a task list: those of an activity, and deciders of SWF."""

from simulator.aws.step_functions.task_lists import TaskList
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.executions import Job


class Crew:
    """The workers of one list, of whom each works one job after another, in the order they came."""

    def __init__(self, clock: Clock, workers: int) -> None:
        self._clock = clock
        self._list: TaskList[Job] = TaskList(workers)

    def put(self, job: Job) -> None:
        """A job for the list, now."""
        if self._list.schedule(job):
            self._begin(job)

    def _begin(self, job: Job | None) -> None:
        """A worker takes a job; one that nobody wants any more was taken out when it timed out."""
        while job is not None and job.path.turn != job.turn:
            job = self._list.done()
        if job is not None:
            self._clock.at(self._clock.now + job.lasts_us, COMPLETIONS, self._end, job)

    def _end(self, job: Job) -> None:
        self._begin(self._list.done())
        job.done(job)
