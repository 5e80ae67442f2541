"""Workers that ask without waiting: each short poll is a call at its instant, answered with what it finds."""

from typing import Any

from simulator.processes.clock import RECEIVES
from simulator.processes.instances import Instance
from simulator.processes.pollers import WorkerPool


class ShortPollingPool(WorkerPool):
    """Workers whose receives do not wait for messages.

    Parameters
    ----------
    pause_us : int
        From a receive that found nothing to the next call [us].
    pool
        As of `WorkerPool`.
    """

    def __init__(self, *pool: Any, pause_us: int, **settings: Any) -> None:
        super().__init__(*pool, **settings)
        self._pause_us = pause_us

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers ask, one after another within the first pause."""
        for worker in range(self._workers):
            first_at = self._clock.now + worker * self._pause_us // self._workers
            self._clock.at(first_at, RECEIVES, self._poll, instance)

    def leave(self, instance: Instance) -> None:
        """An instance stops asking; its workers finish what they have."""
        instance.leaving = True

    def _await(self, instance: Instance) -> None:
        """A worker is done with a batch: it asks again at once."""
        self._clock.at(self._clock.now, RECEIVES, self._poll, instance)

    def _poll(self, instance: Instance) -> None:
        if instance.leaving:
            return
        self._idle.append(instance)
        if not self._dispatcher.short_poll(self._index):
            self._idle.clear()
            next_at = self._clock.now + self._receive.next() + self._pause_us
            self._clock.at(next_at, RECEIVES, self._poll, instance)
