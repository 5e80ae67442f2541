"""Workers whose loop is not the plain one: threads, permits, buffers, heartbeats, several queues, trouble."""

from collections.abc import Callable, Sequence
from itertools import chain

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.children import Sends
from simulator.processes.clock import CHANGES, COMPLETIONS, RECEIVES, Clock
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Instance
from simulator.processes.lanes import Lane, LaneConsumer, MutedGauge
from simulator.processes.loops import ClientCalls, Heartbeat, Loop, LoopBatch, Worker, plan
from simulator.processes.outboxes import Outbox
from simulator.processes.priorities import Classes, Turns, overdue
from simulator.recording.tables import NONE, Attempt, Limit
from simulator.sampling.streams import Calls


class LoopPool:
    """The workers of all instances in service, each running the loop its users built.

    With several queues (*turns*) a worker that may receive asks them one after another at one instant,
    in the order of its turn. If none has anything, its receive of the last one asked waits for
    ``wait_us``; with 0 it asks all of them on and on, so that whatever comes first finds it.

    Parameters
    ----------
    lanes : sequence of Lane
        The queues, the highest class first.
    loop : Loop
        When a worker may receive, and whether it works messages at once.
    limit : callable
        Why no worker is free while messages wait.
    short_pause_us : int, optional
        With one queue: its receives do not wait, and pause that long [us] when they found nothing.
    turns : callable, optional
        Makes a worker's order of the queues.
    ageing_us : int, optional
        A queue a worker has not asked for this long [us] comes first.
    releases : bool
        A message that failed is made visible at once.
    """

    def __init__(
        self,
        clock: Clock,
        lanes: Sequence[Lane],
        thing: int,
        calls: ClientCalls,
        chance: Calls,
        limit: Callable[[], Limit],
        limit_gauge: Gauge,
        *,
        workers: int,
        loop: Loop,
        delete_each: bool,
        heartbeat: Heartbeat | None = None,
        turns: Callable[[], Turns] | None = None,
        classes: Classes | None = None,
        short_pause_us: int | None = None,
        wait_us: int = 0,
        ageing_us: int | None = None,
        releases: bool = False,
    ) -> None:
        self.thing = thing
        self._clock = clock
        self._lanes = lanes
        self._calls = calls
        self._chance = chance
        self._limit = limit
        self._limit_gauge = limit_gauge
        self._workers_each = workers
        self._loop = loop
        self._delete_each = delete_each
        self._heartbeat = heartbeat
        self._new_turns = turns
        self._classes = classes
        self._short_pause_us = short_pause_us
        self._wait_us = wait_us
        self._ageing_us = ageing_us
        self._releases = releases
        self._workers: dict[Instance, list[Worker]] = {}
        self._turns: dict[Worker, Turns] = {}
        self._open = [0] * len(lanes)
        self._asking: Worker | None = None  # it asks a queue at this very instant
        self._got = 0  # messages it got
        self._calls_us = 0  # what its empty receives of this turn took
        self._consumers = [
            LaneConsumer(self, place, limit_gauge if turns is None else MutedGauge())
            for place in range(len(lanes))
        ]
        for lane, consumer in zip(lanes, self._consumers, strict=True):
            lane.dispatcher.consumers.append(consumer)
        for span in calls.receive_denied:
            clock.at(span.from_at, CHANGES, self._deny)

    # -- instances come and go ---------------------------------------------------------------------

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers receive."""
        workers = self._workers[instance] = [Worker(instance) for _ in range(self._workers_each)]
        for worker in workers:
            worker.looked_at = [self._clock.now] * len(self._lanes)
            if self._new_turns is not None:
                self._turns[worker] = self._new_turns()
            self._receive_soon(worker)

    def leave(self, instance: Instance) -> None:
        """An instance stops receiving; its workers finish what they have, their buffers too."""
        instance.leaving = True
        for worker in self._workers[instance]:
            self._withdraw(worker)

    def kill(self, instance: Instance) -> None:
        """An instance is gone: work in hand is lost, its messages return when their timeout ends."""
        for worker in self._workers[instance]:
            for batch in worker.batches:
                self._cut(batch, Attempt.CRASHED)
            worker.batches = []
        instance.busy = 0

    # -- receiving ---------------------------------------------------------------------------------

    def _receive_soon(self, worker: Worker) -> None:
        """Let a worker receive when its last call is over, after all else that happens at that instant."""
        at = max(self._clock.now, worker.calls_until)
        self._clock.at(at, RECEIVES, self._receive, (worker, worker.poll))

    def _receive(self, meant: tuple[Worker, int]) -> None:
        """Start the next receive of a worker, if it may have one."""
        worker, poll = meant
        now = self._clock.now
        if poll != worker.poll or worker.instance.leaving:
            return
        self._withdraw(worker)
        if not self._room(worker, 0):
            return
        if (again_at := self._calls.receive_again_at(now)) > now:
            worker.calls_until = again_at
            self._receive_soon(worker)
            return
        if self._new_turns is not None:
            self._ask(worker, self._turns[worker])
            self._note_limit()
        elif self._short_pause_us is None:
            self._wait(worker, [0])
        else:
            self._ask_once(worker, self._short_pause_us)

    def _ask_once(self, worker: Worker, pause_us: int) -> None:
        """A short poll of the only queue."""
        self._asking, self._calls_us = worker, 0
        self._consumers[0].max_messages = self._room(worker, 0)
        if not self._lanes[0].dispatcher.short_poll(self._lanes[0].index):
            worker.calls_until = self._clock.now + self._calls.receive_us() + pause_us
            self._receive_soon(worker)
        self._asking = None

    def _ask(self, worker: Worker, turns: Turns) -> None:
        """Ask the queues in the order of the worker's turn, and wait at the last one if none has anything."""
        now = self._clock.now
        due = overdue(worker.looked_at, now, self._ageing_us)
        last = 0
        self._asking, self._calls_us = worker, 0
        for turn, place in enumerate(chain(due, turns.order())):
            is_due = turn < len(due)
            if not is_due and place in due:
                continue
            lane, room, last = self._lanes[place], self._room(worker, place), place
            self._consumers[place].max_messages = room if is_due else turns.most(place, room)
            worker.looked_at[place] = now
            found = lane.dispatcher.short_poll(lane.index)
            self._offer(place)
            if found:
                if not is_due:
                    turns.served(place, self._got)
                self._asking = None
                return
            self._calls_us += self._calls.receive_us()
        self._asking = None
        if not self._wait_us:
            self._wait(worker, list(range(len(self._lanes))))
            return
        self._clock.at(now + self._wait_us, RECEIVES, self._receive, (worker, worker.poll))
        self._wait(worker, [last])

    def _room(self, worker: Worker, place: int) -> int:
        return self._loop.room(worker, self._lanes[place].most)

    def _wait(self, worker: Worker, places: list[int]) -> None:
        """The worker has a receive open at each of these queues."""
        worker.waits_at = places
        lanes = [self._lanes[place] for place in places]
        for place, lane in zip(places, lanes, strict=True):
            lane.idle.append(worker)
            self._line_up(place)
        if len(lanes) == 1:
            lanes[0].dispatcher.open(lanes[0].index, 1)
            return
        for lane in lanes:
            lane.dispatcher.waiters.wait(lane.index)
        for lane in lanes:
            if worker.waits_at is places:
                lane.dispatcher.stir()

    def _withdraw(self, worker: Worker, answered: int = NONE) -> None:
        """Close the receives a worker has open, but for the one that is being *answered*."""
        worker.poll += 1
        for place in worker.waits_at:
            lane = self._lanes[place]
            lane.idle.remove(worker)
            if place != answered:
                lane.dispatcher.close(lane.index, 1)
            self._line_up(place)
        worker.waits_at = []

    def _line_up(self, place: int) -> None:
        """Draw whose receive the queue answers next."""
        idle = self._lanes[place].idle
        if len(idle) > 1:
            chosen = int(self._chance.next() * len(idle))
            idle[chosen], idle[-1] = idle[-1], idle[chosen]
        self._offer(place)

    def _offer(self, place: int) -> None:
        """The queue's next answer may hold what the worker next in line has room for."""
        if idle := self._lanes[place].idle:
            self._consumers[place].max_messages = self._room(idle[-1], place)

    def _deny(self, _: object) -> None:
        """Access is denied from now on: open receives fail, and are tried again and again."""
        for workers in self._workers.values():
            for worker in workers:
                if worker.waits_at:
                    self._withdraw(worker)
                    self._receive_soon(worker)
        for consumer in self._consumers:
            consumer.limit_gauge.set(self._clock.now, Limit.ACCESS_DENIED)
        self._limit_gauge.set(self._clock.now, Limit.ACCESS_DENIED)

    # -- a receive in hand -------------------------------------------------------------------------

    def begin(self, place: int, receipt: Receipt, causes: dict[int, int]) -> None:
        """A receive is answered."""
        lane, now = self._lanes[place], self._clock.now
        worker = self._asking
        call_us = self._calls.receive_us()
        if worker is None:
            worker = lane.idle[-1]
            self._withdraw(worker, answered=place)
        else:
            worker.poll += 1
            call_us += self._calls_us
            self._got = len(receipt.received)
        if self._classes is not None:
            self._classes.received(now, place, receipt)
        batch = LoopBatch(place, receipt, causes, worker)
        if self._calls.lost():
            batch.cut(now, Attempt.UNANSWERED)
            lane.dispatcher.stories.settle(now, self.thing, batch)
            worker.calls_until = now + self._calls.timeout_us
            self._receive_soon(worker)
            return
        worker.calls_until = now + call_us
        self._open[place] += 1
        worker.instance.busy += 1
        worker.batches.append(batch)
        worker.messages += len(batch.copies)
        if self._loop.permits or len(worker.batches) == 1:
            self._start(batch, now + call_us)
        if self._room(worker, place):
            self._receive_soon(worker)

    def _start(self, batch: LoopBatch, at: int) -> None:
        """Work a batch from *at* [us] on."""
        lane, loop, heartbeat = self._lanes[batch.lane], self._loop, self._heartbeat
        plan(
            batch,
            at,
            lane.work,
            self._calls,
            parallel=loop.parallel,
            delete_each=self._delete_each,
            releases=self._releases,
        )
        if lane.sends is not None:
            batch.outbox = Outbox(self._clock, lane.sends, batch, together=not self._delete_each)
        if heartbeat is not None and (beat_at := heartbeat.next_at(batch, batch.began_at)) != NONE:
            self._clock.at(beat_at, COMPLETIONS, self._beat, batch)
        if loop.permits or lane.stepwise or self._releases or batch.over_at >= batch.handle.visible_at:
            self._clock.at(batch.next_step_at(NONE, bool(loop.permits)), COMPLETIONS, self._step, batch)
        else:
            self._clock.at(batch.over_at, COMPLETIONS, self._step, batch)

    def _beat(self, batch: LoopBatch) -> None:
        """A heartbeat: hide what is left of the receive for longer."""
        if not batch.alive:
            return
        now, heartbeat = self._clock.now, self._heartbeat
        assert heartbeat is not None
        gone = set(batch.gone)
        left = [copy for copy in batch.copies if copy not in gone]
        handle = self._lanes[batch.lane].dispatcher.change_visibility(batch.handle, left, heartbeat.extend_us)
        if handle.copies:
            batch.handle = handle
            batch.receipts[0].visible_at = handle.visible_at  # of which nothing is left in the queue's hands
        if (beat_at := heartbeat.next_at(batch, now)) != NONE:
            self._clock.at(beat_at, COMPLETIONS, self._beat, batch)

    def _step(self, batch: LoopBatch) -> None:
        """Do what is due of a batch: delete messages, free permits, end it."""
        if not batch.alive:
            return
        now, lane, loop, worker = self._clock.now, self._lanes[batch.lane], self._loop, batch.worker
        due = batch.due(batch.deleted_at, now)
        tokens = lane.delete_tokens
        copies = [batch.copies[place] for place in due]
        if due and tokens is not None and not tokens.take_for(now, lane.dispatcher.groups_of(copies)):
            next_at = tokens.next_for(now, lane.dispatcher.groups_of(copies))
            batch.postpone(due, next_at - now, loop.parallel)
            self._clock.at(batch.next_step_at(now, bool(loop.permits)), COMPLETIONS, self._step, batch)
            return
        if batch.outbox is not None:
            batch.outbox.flush()
        self._delete(batch, due)
        if self._releases and (failed := batch.due(batch.released_at, now)):
            self._release(batch, failed)
        if loop.permits:
            freed = len(batch.due(batch.done_at, now))
            full = not self._room(worker, batch.lane)
            worker.messages -= freed
            if freed and full and now < batch.over_at:
                self._receive_soon(worker)
            for place in worker.waits_at:
                self._offer(place)
        batch.stepped_at = now
        if now >= batch.over_at:
            self._finish(batch)
        else:
            self._clock.at(batch.next_step_at(now, bool(loop.permits)), COMPLETIONS, self._step, batch)

    def _delete(self, batch: LoopBatch, due: list[int]) -> None:
        if due:
            copies = [batch.copies[place] for place in due]
            batch.gone.extend(self._lanes[batch.lane].dispatcher.delete(batch.handle, copies))

    def _release(self, batch: LoopBatch, places: list[int]) -> None:
        """Make messages that failed visible."""
        dispatcher = self._lanes[batch.lane].dispatcher
        copies = [batch.copies[place] for place in places]
        if changed := dispatcher.change_visibility(batch.handle, copies, 0).received:
            dispatcher.stories.released.update(changed)
        dispatcher.stir()

    def _finish(self, batch: LoopBatch) -> None:
        worker, instance = batch.worker, batch.worker.instance
        self._settle(batch)
        worker.batches.remove(batch)
        if not self._loop.permits:
            worker.messages -= len(batch.copies)
            if worker.batches:
                self._start(worker.batches[0], self._clock.now)
        instance.busy -= 1
        if not instance.leaving:
            if not worker.waits_at:
                self._receive_soon(worker)
        elif not instance.busy:
            instance.drained.succeed()

    def _settle(self, batch: LoopBatch) -> None:
        batch.alive = False
        self._open[batch.lane] -= 1
        lane = self._lanes[batch.lane]
        lane.dispatcher.stories.settle(self._clock.now, self.thing, batch)
        if lane.sends is not None:
            lane.sends.forget(batch.gone, lane.dispatcher.stories)

    def _cut(self, batch: LoopBatch, how: Attempt) -> None:
        """End a batch now; deletes that are due have been made."""
        if batch.outbox is not None and how is Attempt.CRASHED:
            batch.outbox.flush()
        self._delete(batch, batch.due(batch.deleted_at, self._clock.now))
        batch.cut(self._clock.now, how)
        self._settle(batch)

    # -- what others ask ---------------------------------------------------------------------------

    def limit(self) -> Limit:
        """Why no worker is free while messages wait."""
        now = self._clock.now
        if any(span.from_at <= now < span.until_at for span in self._calls.receive_denied):
            return Limit.ACCESS_DENIED
        return self._limit()

    def _note_limit(self) -> None:
        """With several queues: messages wait at one of them, and no worker does."""
        now = self._clock.now
        idle = any(lane.idle for lane in self._lanes)
        waiting = not idle and any(lane.visible(now) for lane in self._lanes)
        self._limit_gauge.set(now, self.limit() if waiting else Limit.ARRIVALS)

    def let_send(self, place: int, sends: Sends) -> None:
        """Send on for the messages of the queue at *place*."""
        self._lanes[place].sends = sends

    def in_hand(self, place: int) -> int:
        """Receives from the queue at *place* in hand."""
        return self._open[place]

    def finish_run(self, place: int) -> None:
        """Write down what is in hand from the queue at *place* at the end of the run."""
        for workers in self._workers.values():
            for worker in workers:
                for batch in [batch for batch in worker.batches if batch.lane == place]:
                    self._cut(batch, Attempt.UNFINISHED)
                    worker.batches.remove(batch)
        if place == 0:
            self._limit_gauge.close(self._clock.now)
            if self._classes is not None:
                self._classes.finish_run(self._clock.now)
