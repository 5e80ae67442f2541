"""Receive loops as users build them: their shapes, their calls, and the timeline of a receive in hand."""

from collections.abc import Sequence
from typing import NamedTuple

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.draws import CallDurations, Work
from simulator.processes.instances import Instance
from simulator.processes.outboxes import Outbox
from simulator.processes.stories import CAUSE_OF, Batch
from simulator.recording.tables import NONE, Attempt, Cause
from simulator.sampling.streams import Calls


class Loop(NamedTuple):
    """The shape of a worker's loop.

    Attributes
    ----------
    parallel : bool
        The messages of a receive are worked at once, each by a thread of its own.
    permits : int
        Messages in hand at most; it receives as permits free up. 0: receives are what counts.
    receives : int
        Receives in hand at most: the one in work and those in the buffer.
    """

    parallel: bool = False
    permits: int = 0
    receives: int = 1

    def room(self, worker: "Worker", most: int) -> int:
        """How many messages the worker's next receive may ask for, *most* at most; 0: none now."""
        if self.permits:
            return min(most, self.permits - worker.messages)
        return most if len(worker.batches) < self.receives else 0


class Heartbeat(NamedTuple):
    """Every ``every_us`` [us] of work, what is left of a receive is hidden for ``extend_us`` more.

    SQS refuses what goes beyond ``max_hold_us`` [us] from the receive (SQS guide, visibility timeout).
    """

    every_us: int
    extend_us: int
    max_hold_us: int

    def next_at(self, batch: "LoopBatch", since_at: int) -> int:
        """When the next one of *batch* is due [us] after *since_at*; NONE: it is over, or SQS refuses."""
        at = since_at + self.every_us
        allowed = at + self.extend_us <= batch.receipts[0].received_at + self.max_hold_us
        return at if allowed and at < batch.over_at else NONE


class Worker:
    """One loop of an instance.

    ``batches`` are the receives in hand, in order; ``messages`` those of them not done with. ``poll``
    counts its receives, so that what was meant for an earlier one finds out; ``calls_until`` is when the
    last one is over [us].
    """

    __slots__ = ("batches", "calls_until", "instance", "looked_at", "messages", "poll", "waits_at")

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.batches: list[LoopBatch] = []
        self.messages = 0
        self.poll = 0
        self.calls_until = 0
        self.waits_at: list[int] = []  # lanes with an open receive of it
        self.looked_at: list[int] = []  # by lane: when it last received there [us]


class LoopBatch(Batch):
    """A receive in the hands of one worker, with its timeline.

    Attributes
    ----------
    lane : int
        Place of its queue among those the group polls.
    handle : Receipt
        What calls on its messages name: another one after each change of their visibility.
    done_at : list of int
        When each message's thread is free again [us]: it has failed, or its delete has answered.
    stepped_at : int
        Everything due until then [us] has been done.
    denied : bool
        A delete was denied.
    released_at : list of int
        When each message that failed is made visible again [us], or NONE.
    outbox : Outbox, optional
        Sends what its messages bring forth.
    """

    __slots__ = (
        "alive", "denied", "done_at", "handle", "lane", "outbox", "released_at", "stepped_at", "worker",
    )  # fmt: skip

    def __init__(self, lane: int, receipt: Receipt, causes: dict[int, int], worker: Worker) -> None:
        super().__init__(receipt, causes)
        nothing = [NONE] * len(self.copies)
        self.started_at, self.ended_at, self.deleted_at = nothing, nothing, nothing
        self.done_at = nothing
        self.lane = lane
        self.worker = worker
        self.handle = receipt
        self.stepped_at = NONE
        self.alive = True
        self.denied = False
        self.released_at = nothing
        self.outbox: Outbox | None = None

    def left_at(self, index: int, receipt: Receipt) -> int:
        """When its delivery number *index*, which it did not delete, stopped being in flight [us]."""
        at = self.released_at[index]
        return at if NONE < at <= self.stepped_at else receipt.visible_at

    def cause_after(self, how: Attempt) -> Cause:
        """Why a copy comes again that this batch left: a delete that was denied has its own cause."""
        return Cause.ACCESS_DENIED if self.denied and how is Attempt.SUCCEEDED else CAUSE_OF[how]

    def due(self, instants: Sequence[int], now: int) -> list[int]:
        """Places of *instants* [us] that have come since the last step."""
        return [place for place, at in enumerate(instants) if self.stepped_at < at <= now]

    def next_step_at(self, now: int, each_message: bool) -> int:
        """The next instant [us] at which something of it is due."""
        ahead = [at for at in (*self.deleted_at, *self.released_at) if at > now]
        if each_message:
            ahead += [at for at in self.done_at if at > now]
        return min([*ahead, self.over_at])

    def postpone(self, due: list[int], wait_us: int, parallel: bool) -> None:
        """The delete of the messages *due* has to wait, and with it what their thread does after."""
        first = due[0]
        for place in due if parallel else range(first, len(self.copies)):
            if place > first and not parallel:
                self.started_at[place] += wait_us
                self.ended_at[place] += wait_us
            self.done_at[place] += wait_us
            for calls in (self.deleted_at, self.released_at):
                if calls[place] != NONE:
                    calls[place] += wait_us
        self.over_at = max(self.over_at, *self.done_at, *self.deleted_at)

    def cut(self, now: int, how: Attempt) -> None:
        """End it now: what was done is done, though what was not deleted will come again."""
        attempts = self.attempts or [int(Attempt.SUCCEEDED)] * len(self.copies)
        begun = NONE < self.began_at < now
        for place, ended_at in enumerate(self.ended_at):
            if NONE < ended_at <= now:
                continue
            attempts[place] = int(how)
            started = NONE < self.started_at[place] < now
            self.started_at[place] = self.started_at[place] if started else NONE
            self.ended_at[place] = now if started and how is Attempt.CRASHED else NONE
        self.attempts = attempts
        self.attempt = how
        self.began_at = self.began_at if begun else NONE
        self.over_at = now if begun else NONE


class Span(NamedTuple):
    """From one instant until another [us]."""

    from_at: int
    until_at: int


class ClientCalls:
    """The calls of a group's workers: how long they take, which are denied, which answers are lost.

    Parameters
    ----------
    receive, delete : CallDurations
        Of one call [us].
    p_lost : float
        Chance that an answer is lost: the call has had its effect, the caller tries again after its
        time-out. A receive whose answer is lost has received (SQS guide: why a maxReceiveCount of 1 is a
        bad idea).
    chance : Calls
        By the calls of these workers.
    timeout_us : int
        How long a caller waits for an answer [us].
    receive_denied, delete_denied : sequence of Span
        When access is denied. A denied receive fails at once and is tried again after ``pause_us`` [us].
    """

    def __init__(
        self,
        receive: CallDurations,
        delete: CallDurations,
        *,
        p_lost: float,
        chance: Calls,
        timeout_us: int,
        receive_denied: Sequence[Span] = (),
        delete_denied: Sequence[Span] = (),
        pause_us: int = 0,
    ) -> None:
        self.receive_us = receive.next
        self.timeout_us = timeout_us
        self.receive_denied = receive_denied
        self.denied_receives = 0
        self._delete = delete
        self._p_lost = p_lost
        self._chance = chance
        self._delete_denied = delete_denied
        self._pause_us = pause_us

    def lost(self) -> bool:
        """Whether the answer of this call is lost."""
        return self._p_lost > 0 and self._chance.next() < self._p_lost

    def delete(self, at: int) -> tuple[int, int]:
        """A delete from *at* [us]: when it takes effect, NONE if it is denied, and when it has answered.

        A delete whose answer is lost is tried again, and deletes nothing more.
        """
        effect_at = over_at = at + self._delete.next()
        while self.lost():
            over_at += self.timeout_us + self._delete.next()
        denied = any(span.from_at <= effect_at < span.until_at for span in self._delete_denied)
        return (NONE if denied else effect_at), over_at

    def change(self, at: int) -> int:
        """When a change of visibility called at *at* [us] takes effect."""
        return at + self._delete.next()

    def receive_again_at(self, now: int) -> int:
        """When a receive is tried next [us] that is denied now; *now* itself if it is not denied."""
        for span in self.receive_denied:
            if span.from_at <= now < span.until_at:
                tries = -(-(span.until_at - now) // self._pause_us)
                self.denied_receives += tries
                return self.receive_again_at(now + tries * self._pause_us)
        return now


def plan(
    batch: LoopBatch,
    began_at: int,
    work: Work,
    calls: ClientCalls,
    *,
    parallel: bool,
    delete_each: bool,
    releases: bool = False,
) -> None:
    """Lay out a batch's timeline from *began_at* [us]: its messages one after another, or all at once.

    Where it *releases*, each message that fails is made visible by a call that lasts as a delete does.
    """
    copies, again = batch.copies, batch.receipts[0].again
    durations, failed = work.of(copies, again)
    at = batch.began_at = began_at + work.per_invocation_us(copies, again)
    started_at: list[int] = []
    ended_at: list[int] = []
    deleted_at: list[int] = []
    done_at: list[int] = []
    released_at = [NONE] * len(copies)
    for place, duration_us in enumerate(durations):
        started_at.append(at)
        ended_at.append(at + duration_us)
        effect_at, free_at = NONE, at + duration_us
        if delete_each and place not in failed:
            effect_at, free_at = calls.delete(free_at)
            batch.denied |= effect_at == NONE
        elif releases and place in failed:
            released_at[place] = free_at = calls.change(free_at)
        deleted_at.append(effect_at)
        done_at.append(free_at)
        if not parallel:
            at = free_at
    batch.over_at = max(done_at)
    if failed:
        batch.attempts = [int(Attempt.SUCCEEDED)] * len(copies)
        for place in failed:
            batch.attempts[place] = int(Attempt.FAILED)
    if not delete_each and len(failed) < len(copies):
        effect_at, batch.over_at = calls.delete(batch.over_at)
        batch.denied |= effect_at == NONE
        deleted_at = [NONE if place in failed else effect_at for place in range(len(copies))]
    batch.started_at, batch.ended_at = started_at, ended_at
    batch.deleted_at, batch.done_at, batch.released_at = deleted_at, done_at, released_at
