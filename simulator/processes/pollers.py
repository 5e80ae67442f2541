"""Workers of an Auto Scaling group: each receives, works through its batch, deletes, and polls again."""

from collections.abc import Callable, Iterable

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.called_work import CalledWork, Walk
from simulator.processes.children import Sends
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Instance
from simulator.processes.outboxes import Outbox
from simulator.processes.queues import Dispatcher
from simulator.processes.stories import Batch
from simulator.recording.tables import NONE, Attempt, Limit
from simulator.sampling.streams import Calls


class WorkerBatch(Batch):
    """A receive in the hands of one worker, with its timeline."""

    __slots__ = ("alive", "instance", "next_delete", "outbox", "walk")

    def __init__(self, receipt: Receipt, causes: dict[int, int], instance: Instance) -> None:
        super().__init__(receipt, causes)
        self.instance = instance
        self.alive = True
        self.next_delete = 0
        self.walk: Walk | None = None
        self.outbox: Outbox | None = None


class WorkerPool:
    """The workers of all instances in service, polling one queue.

    A worker handles its messages one after another and deletes ``each`` when it is done, or the whole
    ``batch`` at the end; receive and delete calls take their time in between. One event stands for a
    batch, unless its timeout ends first or the queue is FIFO, where each delete is an instant of its own.
    """

    def __init__(
        self,
        clock: Clock,
        dispatcher: Dispatcher,
        index: int,
        thing: int,
        work: Work,
        receive: CallDurations,
        delete: CallDurations,
        chance: Calls,
        limit: Callable[[], Limit],
        limit_gauge: Gauge,
        *,
        workers: int,
        max_messages: int,
        delete_each: bool,
    ) -> None:
        self.thing = thing
        self.max_messages = max_messages
        self.visibility_timeout_us: int | None = None
        self.limit = limit if work.called is None else self._limit_of_calls
        self._limit_of_others = limit
        self.limit_gauge = limit_gauge
        self._clock = clock
        self._dispatcher = dispatcher
        self._index = index
        self._work = work
        self._receive = receive
        self._delete = delete
        self._chance = chance
        self._workers = workers
        self._delete_each = delete_each
        self._stepwise = dispatcher.stepwise
        self._delete_tokens = dispatcher.delete_tokens
        self._idle: list[Instance] = []  # one entry a worker in a long poll
        self._open: set[WorkerBatch] = set()
        self.sends: Sends | None = None

    # -- instances come and go ---------------------------------------------------------------------

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers poll."""
        self._idle.extend([instance] * self._workers)
        self._dispatcher.open(self._index, self._workers)

    def leave(self, instance: Instance) -> None:
        """An instance stops polling; its workers finish what they have."""
        instance.leaving = True
        stay = [other for other in self._idle if other is not instance]
        self._dispatcher.close(self._index, len(self._idle) - len(stay))
        self._idle = stay

    def kill(self, instance: Instance) -> None:
        """An instance is gone: work in hand is lost, its messages return when their timeout ends."""
        for batch in self._in_order(batch for batch in self._open if batch.instance is instance):
            self._cut(batch, Attempt.CRASHED)
        instance.busy = 0

    @staticmethod
    def _in_order(batches: Iterable[WorkerBatch]) -> list[WorkerBatch]:
        return sorted(batches, key=lambda batch: (batch.receipts[0].received_at, batch.copies[0]))

    # -- a batch -----------------------------------------------------------------------------------

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """A worker takes up a receive."""
        idle = self._idle
        if len(idle) > 1:
            chosen = int(self._chance.next() * len(idle))
            idle[chosen], idle[-1] = idle[-1], idle[chosen]
        instance = idle.pop()
        batch = WorkerBatch(receipt, causes, instance)
        instance.busy += 1
        self._open.add(batch)
        if self._work.called is not None:
            self._walk(batch, self._work.called)
            return
        self._plan(batch)
        if self.sends is not None:
            batch.outbox = Outbox(self._clock, self.sends, batch, together=not self._delete_each)
        if batch.over_at < receipt.visible_at and not self._stepwise:
            self._clock.at(batch.over_at, COMPLETIONS, self._finish, batch)
        else:
            self._next_delete(batch)

    def _plan(self, batch: WorkerBatch) -> None:
        """Lay out the batch's timeline: message after message, with the calls in between."""
        copies, again = batch.copies, batch.receipts[0].again
        durations, failed = self._work.of(copies, again)
        at = self._clock.now + self._receive.next() + self._work.per_invocation_us(copies, again)
        batch.began_at = at
        started_at: list[int] = []
        ended_at: list[int] = []
        deleted_at: list[int] = []
        batch.started_at, batch.ended_at, batch.deleted_at = started_at, ended_at, deleted_at
        for index, duration_us in enumerate(durations):
            started_at.append(at)
            at += duration_us
            ended_at.append(at)
            if self._delete_each and index not in failed:
                at += self._delete.next()
                deleted_at.append(at)
            else:
                deleted_at.append(NONE)
        if failed:
            batch.attempts = [int(Attempt.SUCCEEDED)] * len(copies)
            for index in failed:
                batch.attempts[index] = int(Attempt.FAILED)
        if not self._delete_each and len(failed) < len(copies):
            at += self._delete.next()
            batch.deleted_at = [NONE if index in failed else at for index in range(len(copies))]
        batch.over_at = at

    def _next_delete(self, batch: WorkerBatch) -> None:
        """Put down the next delete of a batch that deletes step by step, or its end."""
        deleted_at = batch.deleted_at
        while batch.next_delete < len(deleted_at) and deleted_at[batch.next_delete] == NONE:
            batch.next_delete += 1
        if batch.next_delete < len(deleted_at):
            self._clock.at(deleted_at[batch.next_delete], COMPLETIONS, self._delete_next, batch)
        else:
            self._clock.at(batch.over_at, COMPLETIONS, self._finish, batch)

    def _delete_next(self, batch: WorkerBatch) -> None:
        if not batch.alive:
            return
        now = self._clock.now
        at = batch.deleted_at[batch.next_delete]
        copies: list[int] = []
        after = batch.next_delete
        while after < len(batch.deleted_at) and batch.deleted_at[after] in (at, NONE):
            if batch.deleted_at[after] == at:
                copies.append(batch.copies[after])
            after += 1
        tokens = self._delete_tokens
        if tokens is not None and not tokens.take_for(now, self._dispatcher.groups_of(copies)):
            self._wait_for_token(batch, tokens.next_for(now, self._dispatcher.groups_of(copies)) - now)
            return
        batch.next_delete = after
        batch.gone.extend(self._dispatcher.delete(batch.receipts[0], copies))
        self._next_delete(batch)

    def _wait_for_token(self, batch: WorkerBatch, wait_us: int) -> None:
        """The delete call was throttled: everything still to come of this batch is that much later."""
        first = batch.next_delete
        for times in (batch.started_at, batch.ended_at):
            for index in range(first + 1, len(times)):
                times[index] += wait_us
        for index in range(first, len(batch.deleted_at)):
            if batch.deleted_at[index] != NONE:
                batch.deleted_at[index] += wait_us
        batch.over_at += wait_us
        self._next_delete(batch)

    def _finish(self, batch: WorkerBatch) -> None:
        if not batch.alive:
            return
        if batch.outbox is not None:
            batch.outbox.flush()
        if not batch.next_delete:
            self._delete_at_once(batch, batch.over_at)
        self._settle(batch)
        instance = batch.instance
        instance.busy -= 1
        if not instance.leaving:
            self._await(instance)
        elif not instance.busy:
            instance.drained.succeed()

    def _await(self, instance: Instance) -> None:
        """A worker is done with a batch: it polls again."""
        self._idle.append(instance)
        self._dispatcher.open(self._index, 1)

    def _delete_at_once(self, batch: WorkerBatch, until_at: int) -> None:
        """Delete everything that was to be deleted by *until_at* [us]."""
        done = batch.copies
        if batch.attempts is not None or until_at < batch.over_at:
            times = zip(batch.copies, batch.deleted_at, strict=True)
            done = [copy for copy, at in times if NONE < at <= until_at]
        if done:
            batch.gone = self._dispatcher.delete(batch.receipts[0], done)

    # -- a batch whose messages call downstreams: its timeline is known when it is over ----------------

    def _walk(self, batch: WorkerBatch, called: CalledWork) -> None:
        copies, again = batch.copies, batch.receipts[0].again
        durations, failed = self._work.of(copies, again)
        batch.began_at = self._clock.now + self._receive.next() + self._work.per_invocation_us(copies, again)
        batch.deleted_at = [NONE] * len(copies)
        batch.next_delete = len(copies)  # none is planned
        each = self._walked_one if self._delete_each else called.go_on
        batch.walk = Walk(batch, again, durations, failed, each, self._walked_all)
        called.go(batch.walk, batch.began_at)

    def _walked_one(self, walk: Walk) -> None:
        """A message is done with: delete it, unless it failed."""
        now, place = self._clock.now, walk.place - 1
        assert self._work.called is not None
        if place in walk.failed:
            self._work.called.go_on(walk)
        else:
            if self.sends is not None:
                self.sends.after(now, [walk.batch.copies[place]])
            self._clock.at(now + self._delete.next(), COMPLETIONS, self._delete_walked, (walk, [place]))

    def _walked_all(self, walk: Walk) -> None:
        """All messages are done with, and deleted if each is; else they are deleted now, once."""
        places = [place for place in range(len(walk.batch.copies)) if place not in walk.failed]
        if places and not self._delete_each and walk.batch.deleted_at[places[0]] == NONE:
            if self.sends is not None:
                self.sends.after(self._clock.now, [walk.batch.copies[place] for place in places])
            at = self._clock.now + self._delete.next()
            self._clock.at(at, COMPLETIONS, self._delete_walked, (walk, places))
            return
        batch = walk.batch
        assert isinstance(batch, WorkerBatch)
        walk.alive = False
        batch.over_at = self._clock.now
        if walk.failed:
            batch.attempts = walk.attempts(Attempt.UNFINISHED)
        self._finish(batch)

    def _delete_walked(self, due: tuple[Walk, list[int]]) -> None:
        walk, places = due
        batch, now, tokens = walk.batch, self._clock.now, self._delete_tokens
        if not walk.alive:
            return
        copies = [batch.copies[place] for place in places]
        if tokens is not None and not tokens.take_for(now, self._dispatcher.groups_of(copies)):
            next_at = tokens.next_for(now, self._dispatcher.groups_of(copies))
            self._clock.at(next_at, COMPLETIONS, self._delete_walked, due)
            return
        batch.gone.extend(self._dispatcher.delete(batch.receipts[0], copies))
        for place in places:
            batch.deleted_at[place] = now
        assert self._work.called is not None
        self._work.called.go_on(walk)

    def _settle(self, batch: WorkerBatch) -> None:
        batch.alive = False
        self._open.discard(batch)
        self._dispatcher.stories.settle(self._clock.now, self.thing, batch)
        if self.sends is not None:
            self.sends.forget(batch.gone, self._dispatcher.stories)

    def _cut(self, batch: WorkerBatch, how: Attempt) -> None:
        """End a batch now: what was done is done, though what was not deleted will come again."""
        now = self._clock.now
        if batch.outbox is not None and how is Attempt.CRASHED:
            batch.outbox.flush()  # what ends at this very instant is worked
        if batch.walk is not None and self._work.called is not None:
            self._work.called.stop(batch.walk)
            batch.attempts = batch.walk.attempts(how)
        elif not batch.next_delete:
            self._delete_at_once(batch, now)
        attempts = batch.attempts or [int(Attempt.SUCCEEDED)] * len(batch.copies)
        for index, ended_at in enumerate(batch.ended_at):
            if NONE < ended_at <= now:
                continue
            attempts[index] = int(how)
            begun = NONE < batch.started_at[index] < now
            batch.started_at[index] = batch.started_at[index] if begun else NONE
            batch.ended_at[index] = now if begun and how is Attempt.CRASHED else NONE
        batch.attempts = attempts
        batch.attempt = how
        begun = batch.began_at < now
        batch.began_at = batch.began_at if begun else NONE
        batch.over_at = now if begun else NONE
        self._settle(batch)

    def _limit_of_calls(self) -> Limit:
        """A downstream holds back a group most of whose batches wait on it."""
        called = self._work.called
        if called is not None and called.holds_up(len(self._open)):
            return Limit.DOWNSTREAM
        return self._limit_of_others()

    def in_hand(self) -> int:
        """Batches being worked on."""
        return len(self._open)

    def finish_run(self) -> None:
        """Write down the batches still in hand at the end of the run."""
        for batch in self._in_order(self._open):
            self._cut(batch, Attempt.UNFINISHED)
        self.limit_gauge.close(self._clock.now)
