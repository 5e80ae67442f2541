"""Workers of a fleet at a broker's queue: each is a consumer with a prefetch, and works one at a time."""

from collections.abc import Callable

from simulator.aws.mq.acknowledgement import Acknowledgement
from simulator.aws.mq.prefetch import Prefetch
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.processes.broker_queues import BrokerDispatcher, Subscription
from simulator.processes.called_work import Walk
from simulator.processes.children import Sends
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import Work
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Instance
from simulator.processes.stories import Batch
from simulator.recording.tables import NONE, Attempt, Cause, Limit


class Session(Subscription):
    """The consumer of one worker of an instance.

    ``current`` is what its listener has in hand, ``done`` what it has worked and not acknowledged, ``paused``
    a copy that failed and waits for its redelivery.
    """

    __slots__ = ("closed", "current", "done", "instance", "paused")

    def __init__(self, owner: "SessionPool", window: Prefetch, instance: Instance) -> None:
        super().__init__(owner, window)
        self.instance = instance
        self.current: Held | None = None
        self.done: list[Held] = []
        self.paused = NONE
        self.closed = False


class Held(Batch):
    """One message in the hands of a listener; ``orphan`` says that the broker gave it to others meanwhile."""

    __slots__ = ("alive", "orphan", "session", "walk", "why")

    def __init__(self, receipt: Receipt, causes: dict[int, int], session: Session) -> None:
        super().__init__(receipt, causes)
        self.session = session
        self.alive = True
        self.orphan = False
        self.walk: Walk | None = None
        self.why = Cause.NOTHING
        self.started_at, self.ended_at, self.deleted_at = [NONE], [NONE], [NONE]

    def cause_after(self, how: Attempt) -> Cause:
        """Why a copy that it left comes again."""
        return super().cause_after(how) if self.why is Cause.NOTHING else self.why


class SessionPool:
    """The workers of all instances in service, consumers of one queue of a broker.

    A delivery begins when a message is handed to the listener: what was pushed and not begun waits, as the
    backlog does, though only its own consumer can take it up.

    Parameters
    ----------
    push_us : int
        From the broker's push until the consumer has the message [us].
    workers : int
        On an instance.
    prefetch, refill : int, float
        Window of each consumer, and the share of it after which a full one is pushed to again.
    """

    def __init__(
        self,
        clock: Clock,
        dispatcher: BrokerDispatcher,
        thing: int,
        work: Work,
        limit: Callable[[], Limit],
        limit_gauge: Gauge,
        acknowledgement: Acknowledgement,
        *,
        push_us: int,
        workers: int,
        prefetch: int,
        refill: float,
    ) -> None:
        self.thing = thing
        self.max_messages = prefetch
        self.visibility_timeout_us: int | None = None
        self.limit_gauge = limit_gauge
        self.sends: Sends | None = None
        self._clock = clock
        self._dispatcher = dispatcher
        self._work = work
        self._limit_of_fleet = limit
        self._acknowledgement = acknowledgement
        self._push_us = push_us
        self._workers = workers
        self._window = (prefetch, refill)
        self._sessions: dict[Instance, list[Session]] = {}
        self._prefetched = self._busy = self._open = 0

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Nobody receives from a broker: it pushes."""
        raise NotImplementedError

    # -- instances come and go ---------------------------------------------------------------------

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers subscribe, by one connection."""
        sessions = [Session(self, Prefetch(*self._window), instance) for _ in range(self._workers)]
        self._sessions[instance] = sessions
        self._open += len(sessions)
        self._dispatcher.broker.connections += 1
        for session in sessions:
            self._dispatcher.subscribe(session)

    def leave(self, instance: Instance) -> None:
        """An instance closes its consumers: what was not begun is pending again, the rest is finished."""
        instance.leaving = True
        for session in self._sessions.get(instance, ()):
            self._close(session)
            self._acknowledge(session)
            self._dispatcher.give_back(session, self._unbegun(session))
        if not instance.busy:
            self._forget(instance)

    def _close(self, session: Session) -> None:
        if not session.closed:
            session.closed = True
            self._open -= 1
            self._dispatcher.unsubscribe(session)

    def kill(self, instance: Instance) -> None:
        """An instance is gone: all that it had not acknowledged is pending again at once."""
        for session in self._sessions.get(instance, []):
            self._close(session)
            self._drop(session, Attempt.CRASHED, Cause.CRASH)
        self._forget(instance)
        instance.busy = 0

    def fail_over(self) -> None:
        """The broker failed: all is pending again; listeners go on with what they have, for nothing."""
        for session in self._all():
            self._drop(session, Attempt.CRASHED, Cause.FAILOVER)
            if not session.closed:
                self._dispatcher.make_room(session)

    def _all(self) -> list[Session]:
        return [session for sessions in self._sessions.values() for session in sessions]

    def _forget(self, instance: Instance) -> None:
        """An instance is gone, with its connection."""
        if self._sessions.pop(instance, None) is not None:
            self._dispatcher.broker.connections -= 1

    def _unbegun(self, session: Session) -> list[int]:
        """Take what a session has not begun, and what waits for its redelivery, out of its hands."""
        copies = [copy for copy, _ in session.buffer]
        self._prefetched -= len(copies)
        session.buffer.clear()
        if session.paused != NONE:
            copies.append(session.paused)
            session.paused = NONE
            self._free(session)
        return copies

    def _drop(self, session: Session, how: Attempt, why: Cause) -> None:
        """A session loses all it has; what its listener had begun was a delivery that came to nothing."""
        keeps, over = self._dispatcher.keeps, why is Cause.FAILOVER  # what it had in memory, clients finish
        current = session.current
        done = [held for held in session.done if not over or keeps(held.copies[0])]
        returned, begun = self._unbegun(session), [held.copies[0] for held in done]
        lost = list(done)
        session.done = [held for held in session.done if held not in done]
        if current is not None and (not over or keeps(current.copies[0])):
            if not current.orphan:
                begun.append(current.copies[0])
            if over:
                self._orphan(current)
            else:
                session.current = None
                self._busy -= 1
                lost.append(current)
        for held in lost:
            self._cut(held, how, why)
        if how is Attempt.CRASHED:
            returned += begun
        self._dispatcher.give_back(session, returned)

    def _orphan(self, held: Held) -> None:
        """The broker will give the message to others, while its listener goes on with it."""
        if not held.orphan:
            held.orphan, held.why = True, Cause.FAILOVER
            held.receipts[0].visible_at = self._clock.now
            self._dispatcher.stories.failed_over.add(held.copies[0])

    def _cut(self, held: Held, how: Attempt, why: Cause) -> None:
        """End a delivery now, without an acknowledgement."""
        now = self._clock.now
        if held.walk is not None and self._work.called is not None:
            self._work.called.stop(held.walk)
        held.alive = False
        done = NONE < held.ended_at[0] <= now
        begun = NONE < held.started_at[0] < now
        if not done:
            held.attempts = [int(how)]
            held.started_at = [held.started_at[0] if begun else NONE]
            held.ended_at = [now if begun and how is Attempt.CRASHED else NONE]
            held.over_at = now if begun else NONE
            held.began_at = held.began_at if NONE < held.began_at < now else NONE
        else:
            held.attempts = [int(Attempt.SUCCEEDED)]
        if not (done and why is Cause.FAILOVER):
            held.attempt = how
        held.why = why
        receipt = held.receipts[0]
        receipt.visible_at = min(receipt.visible_at, now if how is Attempt.CRASHED else now + 1)
        held.deleted_at = [NONE]
        self._dispatcher.stories.settle(now, self.thing, held)

    # -- a message ---------------------------------------------------------------------------------

    def push(self, subscription: Subscription, copies: list[int]) -> None:
        """Messages are pushed to one of its workers, who has them a moment later."""
        assert isinstance(subscription, Session)
        now = self._clock.now
        subscription.buffer.extend((copy, now) for copy in copies)
        self._prefetched += len(copies)
        self._next(subscription)

    def _next(self, session: Session) -> None:
        """The listener is given what comes next, if it is idle."""
        if session.current is not None or session.paused != NONE or not session.buffer:
            return
        copy, pushed_at = session.buffer.popleft()
        self._prefetched -= 1
        at = max(self._clock.now, pushed_at + self._push_us)
        self._begin(session, copy, at, at)

    def _held(self, session: Session, copy: int, received_at: int) -> Held:
        count = self._dispatcher.receive_count(copy)
        again = {copy: count} if count > 1 else {}
        place = self._dispatcher.ledger.sent_at[copy]
        receipt = Receipt([copy], received_at, NEVER, received_at, [place], again, [])
        stories = self._dispatcher.stories
        causes = stories.given_again(receipt) if again or stories.following else {}
        return Held(receipt, causes, session)

    def _begin(self, session: Session, copy: int, received_at: int, at: int) -> None:
        held = session.current = self._held(session, copy, received_at)
        self._busy += 1
        session.instance.busy += 1
        again = held.receipts[0].again
        durations, failed = self._work.of([copy], again)
        held.began_at = at
        at += self._work.per_invocation_us([copy], again)
        if self._work.called is not None:
            called = self._work.called
            held.walk = Walk(held, again, durations, failed, called.go_on, self._walked)
            called.go(held.walk, at)
            return
        held.started_at = [at]
        held.ended_at = [at + durations[0]]
        held.over_at = at + durations[0]
        if failed:
            held.attempts = [int(Attempt.FAILED)]
        self._clock.at(held.over_at, COMPLETIONS, self._end, held)

    def _walked(self, walk: Walk) -> None:
        held = walk.batch
        assert isinstance(held, Held)
        walk.alive = False
        held.over_at = self._clock.now
        if walk.failed:
            held.attempts = [int(Attempt.FAILED)]
        self._end(held)

    def _end(self, held: Held) -> None:
        """A listener returns, or throws."""
        if not held.alive:
            return
        session, copy = held.session, held.copies[0]
        self._busy -= 1
        session.current = None
        if held.attempts is None and self.sends is not None:
            self.sends.after(self._clock.now, [copy])
        if held.orphan:
            held.alive = False
            held.attempt = Attempt.SUCCEEDED if held.attempts is None else Attempt.FAILED
            self._dispatcher.stories.settle(self._clock.now, self.thing, held)
        elif held.attempts is not None:
            self._failed(session, held)
        else:
            session.done.append(held)
            if len(session.done) >= self._acknowledgement.every or not session.buffer or session.closed:
                self._acknowledge(session)
        if session.paused == NONE:
            self._free(session)
            self._next(session)
        self._dispatcher.note_limits()

    def _free(self, session: Session) -> None:
        """A worker has nothing in hand."""
        instance = session.instance
        instance.busy -= 1
        if instance.leaving and not instance.busy and not instance.drained.triggered:
            self._forget(instance)
            instance.drained.succeed()

    def _acknowledge(self, session: Session) -> None:
        now, done = self._clock.now, session.done
        if not done:
            return
        session.done = []
        for held in done:
            held.alive = False
            held.gone, held.deleted_at = held.copies, [now]
            self._dispatcher.stories.settle(now, self.thing, held)
            if self.sends is not None:
                self.sends.forget(held.gone, self._dispatcher.stories)
        self._dispatcher.acknowledge(session, [held.copies[0] for held in done])

    def _failed(self, session: Session, held: Held) -> None:
        """A listener threw: the client keeps the message and tries it again, or gives it up."""
        now, copy, dispatcher = self._clock.now, held.copies[0], self._dispatcher
        held.attempt, held.alive = Attempt.FAILED, False
        held.receipts[0].visible_at = now
        dispatcher.stories.settle(now, self.thing, held)
        if self._acknowledgement.rolls_back:
            self._roll_back(session)
        failures = dispatcher.failures[copy] = dispatcher.failures.get(copy, 0) + 1
        pause_us = dispatcher.policy.delay_us(failures)
        if pause_us is None:
            dispatcher.poison(session, copy)
        elif session.closed:
            dispatcher.give_back(session, [copy])
        else:
            session.paused = copy
            self._clock.at(now + pause_us, COMPLETIONS, self._again, (session, copy, now))

    def _roll_back(self, session: Session) -> None:
        """The others of the transaction come again as well, in their order."""
        now = self._clock.now
        for held in session.done:
            held.alive = False
            held.attempt, held.why = Attempt.FAILED, Cause.ROLLBACK
            held.attempts = [int(Attempt.SUCCEEDED)]
            held.receipts[0].visible_at = now
            self._dispatcher.stories.settle(now, self.thing, held)
        session.buffer.extendleft((held.copies[0], now) for held in reversed(session.done))
        self._prefetched += len(session.done)
        session.done = []

    def _again(self, waited: tuple[Session, int, int]) -> None:
        session, copy, failed_at = waited
        if session.paused == copy:
            session.paused = NONE
            session.instance.busy -= 1
            self._begin(session, copy, failed_at, self._clock.now)

    # -- what holds it back ------------------------------------------------------------------------

    def limit(self) -> Limit:
        """Idle workers while messages wait at others: the prefetch; else what limits the fleet."""
        called = self._work.called
        if called is not None and called.holds_up(self._busy):
            return Limit.DOWNSTREAM
        return Limit.PREFETCHED if self._busy < self._open else self._limit_of_fleet()

    def prefetched(self) -> int:
        """Messages pushed to it and not begun."""
        return self._prefetched

    def in_hand(self) -> int:
        """Workers with something in hand."""
        return self._busy

    def finish_run(self) -> None:
        """Write down what is in hand at the end of the run."""
        for session in self._all():
            self._drop(session, Attempt.UNFINISHED, Cause.NOTHING)
        self.limit_gauge.close(self._clock.now)
