"""Fleets: the life of instances behind groups, services and deployments.

An instance is launched, boots, works, drains and ends; it may crash, lose its zone or be taken back. How
many there should be, others decide.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from simpy.events import Event, ProcessGenerator

from simulator.aws.ec2.termination import pick, zone_to_grow
from simulator.processes.clock import CHANGES, URGENT, Clock
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Instance, Leaving, Life, Pool, Spot
from simulator.processes.warm_pools import WarmPool
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity
from simulator.sampling.streams import Calls

_LONG_AGO: Final = -(10**18)


class Fleet:
    """Instances whose workers poll one queue, or several by priority.

    Parameters
    ----------
    maximum, desired : int
        Its size limit, and the capacity at the start: those instances are in service and warm.
    life, leaving
        How instances come and go.
    zones : int
        Availability Zones it is spread over.
    chance : Calls
        Who is met when a share of the fleet is.
    spot, warm_pool : optional
        Instances that may be taken back, and instances prepared to start faster.
    notice_us : int
        From the notice that an instance is taken back to its end [us].

    Attributes
    ----------
    waits_for : callable
        Why a fleet that is not at its maximum has no free worker, as who decides its size knows.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        thing: int,
        *,
        maximum: int,
        desired: int,
        life: Life,
        chance: Calls,
        leaving: Leaving = Leaving(),  # noqa: B008 (a frozen value)
        zones: int = 1,
        spot: Spot | None = None,
        notice_us: int,
        warm_pool: WarmPool | None = None,
        shortest_us: int = 0,
    ) -> None:
        self.maximum = maximum
        self.waits_for: Callable[[], Limit] = lambda: Limit.POLICY
        self._clock = clock
        self._life = life
        self._leaving = leaving
        self._zones = list(range(zones))
        self._chance = chance
        self._spot = spot
        self._notice_us = notice_us
        self._warm_pool = warm_pool
        self._shortest_us = shortest_us
        self._missed_us = self._spot_us = 0  # of the shortest life that is billed; on spot instances
        self._recorder, self._thing = recorder, thing
        self._booting: list[Instance] = []
        self._serving: list[Instance] = []
        self._draining: list[Instance] = []
        self._down = False
        self._retrying = False
        self._changed_at = _LONG_AGO
        self._pool: Pool | None = None
        self._desired_gauge = Gauge(recorder, thing, Quantity.DESIRED, desired)
        self._in_service_gauge = Gauge(recorder, thing, Quantity.IN_SERVICE, 0)
        self._booting_gauge = Gauge(recorder, thing, Quantity.BOOTING, 0)
        self._draining_gauge = Gauge(recorder, thing, Quantity.DRAINING, 0)

    # -- what others ask ---------------------------------------------------------------------------

    @property
    def desired(self) -> int:
        """Instances it should have."""
        return self._desired_gauge.value

    @property
    def in_service(self) -> int:
        """Instances in service now."""
        return len(self._serving)

    @property
    def booting(self) -> int:
        """Instances that are launched and not in service yet."""
        return len(self._booting)

    @property
    def busy(self) -> int:
        """Receives in the hands of its workers."""
        return sum(instance.busy for instance in self._serving)

    @property
    def activity_ended_at(self) -> int | None:
        """When the last launch or end was over [us]; None while one is in progress."""
        return None if self._booting or self._draining else self._changed_at

    def warming(self, now: int) -> int:
        """Instances in service that do not count in the metric yet."""
        return sum(instance.warm_at > now for instance in self._serving)

    def limit(self) -> Limit:
        """Why no worker is free while messages wait."""
        if self._down:
            return Limit.CONSUMER_DOWN
        if self._booting:
            return Limit.BOOTING
        return Limit.MAXIMUM_SIZE if self.desired >= self.maximum else self.waits_for()

    # -- its size ----------------------------------------------------------------------------------

    def start(self, pool: Pool) -> None:
        """Put the first instances to work."""
        self._pool = pool
        for _ in range(self.desired):
            first = self._new(0)
            self._booting.append(first)
            self._clock.at(0, URGENT, self._serve, first)
        self._note_warm_pool()

    def resize(self, desired: int) -> None:
        """Launch what is missing to *desired*, or let instances leave."""
        self._desired_gauge.set(self._clock.now, desired)
        self._launch_missing()
        self._trim()
        self._note()

    def _held(self) -> int:
        """Instances that count in the desired capacity."""
        early = self._spot is not None and self._spot.replaces_early
        noticed = sum(one.noticed for one in self._serving) if early else 0
        ending = 0 if early else sum(one.noticed for one in self._draining)
        return len(self._serving) + len(self._booting) - noticed + ending

    def _launch_missing(self) -> list[Instance]:
        """Launch instances up to the desired capacity; which."""
        return [self._launch() for _ in range(self.desired - self._held())]

    def _new(self, warm_at: int) -> Instance:
        present = [*self._serving, *self._booting]
        zone = zone_to_grow([one.zone for one in present], self._zones)
        spots = sum(one.spot for one in present)
        spot = self._spot is not None and spots + 1 <= self._spot.share * (len(present) + 1)
        clock = self._clock
        return Instance(warm_at, clock.event(), launched_at=clock.now, zone=zone, spot=spot)

    def _launch(self) -> Instance:
        life, now = self._life, self._clock.now
        instance = self._new(-1)
        start_us = None if self._warm_pool is None else self._warm_pool.take()
        if start_us is None:
            start_us = life.boot.next() + life.bootstrap.next()
        self._booting.append(instance)
        self._clock.at(now + max(1, life.react_us + start_us), CHANGES, self._serve, instance)
        return instance

    def _serve(self, instance: Instance) -> None:
        """An instance has booted: its workers poll."""
        if instance.gone:
            return
        assert self._pool is not None
        if instance.warm_at < 0:
            instance.warm_at = self._clock.now + self._life.warmup_us
        self._booting.remove(instance)
        self._serving.append(instance)
        self._note()
        if self._down:
            instance.leaving = True
        else:
            self._pool.enter(instance)
        if instance.ready is not None:
            instance.ready.succeed()
        self._await_notice(instance)

    def _await_notice(self, instance: Instance) -> None:
        spot = self._spot
        if spot is not None and instance.spot and spot.lifetime is not None:
            self._clock.at(self._clock.now + spot.lifetime.next(), CHANGES, self._notice, instance)

    def _trim(self) -> None:
        """Let instances leave down to the desired capacity, as far as they may be picked."""
        leaving = self._leaving
        for _ in range(self._held() - self.desired):
            if leaving.booting_first and self._booting:
                self._cancel(self._booting[-1])
                continue
            free = [one for one in self._serving if not (leaving.protects_busy and one.busy)]
            zones = [one.zone for one in self._serving]
            instance = pick(leaving.policies, free, zones, self._clock.now)
            if instance is None:
                if leaving.protects_busy and not self._retrying:
                    self._retrying = True
                    self._clock.at(self._clock.now + leaving.retry_us, CHANGES, self._trim_again, None)
                return
            self._leave(instance, self._life.drain_us)

    def _trim_again(self, _: object) -> None:
        self._retrying = False
        self._trim()
        self._note()

    # -- ends --------------------------------------------------------------------------------------

    def _cancel(self, instance: Instance) -> None:
        """An instance that boots is not wanted any more."""
        self._booting.remove(instance)
        instance.gone = True
        self._count_life(instance)
        if instance.ready is not None:
            instance.ready.succeed()

    def _leave(self, instance: Instance, grace_us: int | None) -> None:
        """An instance leaves; its workers may finish for *grace_us* [us], None: however long it takes."""
        assert self._pool is not None
        self._serving.remove(instance)
        if not instance.leaving:
            self._pool.leave(instance)
        if instance.busy and grace_us != 0:
            self._draining.append(instance)
            self._clock.process(self._drain(instance, grace_us))
        else:
            self._end(instance)

    def _drain(self, instance: Instance, grace_us: int | None) -> ProcessGenerator:
        clock = self._clock
        yield instance.drained if grace_us is None else instance.drained | clock.timeout(grace_us)
        self._end(instance)
        self._note()

    def _end(self, instance: Instance) -> None:
        """An instance is no more; work in hand is lost."""
        assert self._pool is not None
        if instance.gone:
            return
        for list_of in (self._serving, self._draining):
            if instance in list_of:
                list_of.remove(instance)
        if not instance.leaving:
            self._pool.leave(instance)
        if instance.busy:
            self._pool.kill(instance)
        instance.gone = True
        self._count_life(instance)
        self._changed_at = self._clock.now

    def _lose(self, instances: Iterable[Instance]) -> None:
        """Instances are gone from one instant to the next; the fleet launches others."""
        for instance in instances:
            if instance in self._booting:
                self._cancel(instance)
            else:
                self._end(instance)
        self._launch_missing()
        self._note()

    # -- what happens to fleets --------------------------------------------------------------------

    def stop(self) -> None:
        """Its workers die with their work in hand; the instances stay, and count as in service."""
        assert self._pool is not None
        if self._down:
            return
        self._down = True
        for instance in self._serving:
            if not instance.leaving:
                self._pool.leave(instance)
        for instance in [*self._serving, *self._draining]:
            self._pool.kill(instance)
        for instance in [one for one in self._draining if not one.noticed]:
            self._end(instance)
        self._note()

    def resume(self) -> None:
        """Its workers start again."""
        assert self._pool is not None
        self._down = False
        self._serving = [instance.again(self._clock.event()) for instance in self._serving]
        for instance in self._serving:
            self._pool.enter(instance)
            if instance.noticed:
                self._clock.at(self._clock.now + self._notice_us, CHANGES, self._take_back, instance)
            else:
                self._await_notice(instance)

    def crash(self, share: float) -> None:
        """A share of the instances in service dies at once, with the work in hand."""
        self._lose(self._some(self._serving, share))

    def lose_zone(self, share: float) -> None:
        """A share of the zones, at least one, is lost with all that is there; in one zone, of instances.

        New instances go to the zones that are left.
        """
        zones = self._zones
        lost = zones[: min(max(1, round(share * len(zones))), len(zones) - 1)]
        if not lost:
            self.crash(share)
            return
        self._zones = zones[len(lost) :]
        everywhere = [*self._serving, *self._draining, *self._booting]
        self._lose([instance for instance in everywhere if instance.zone in lost])

    def interrupt(self, share: float) -> None:
        """AWS takes back a share of the spot instances, after its notice; without spot, of all."""
        spots = [one for one in self._serving if one.spot] if self._spot is not None else self._serving
        for instance in self._some(spots, share):
            self._notice(instance)

    def replace(self, batch_share: float, drain: bool, pause_us: int = 0) -> None:
        """Replace every instance in service by a new one, a share of them at a time (a deployment).

        With *drain* its workers finish what they have, however long it takes. From one batch in service to
        the next it pauses for *pause_us* [us].
        """
        self._clock.process(self._roll(batch_share, drain, pause_us))

    def _roll(self, batch_share: float, drain: bool, pause_us: int) -> ProcessGenerator:
        old = list(self._serving)
        size = max(1, math.ceil(round(batch_share * len(old), 9)))
        for first in range(0, len(old), size):
            for instance in old[first : first + size]:
                if instance in self._serving:
                    self._leave(instance, None if drain else 0)
            ready: list[Event] = []
            for new in self._launch_missing():
                new.ready = self._clock.event()
                ready.append(new.ready)
            self._note()
            if ready:
                yield self._clock.all_of(ready)
            if pause_us and first + size < len(old):
                yield self._clock.timeout(pause_us)

    def _some(self, instances: Sequence[Instance], share: float) -> list[Instance]:
        """A share of *instances*, rounded up, by chance."""
        left = list(instances)
        number = math.ceil(round(share * len(left), 9))
        return [left.pop(int(self._chance.next() * len(left))) for _ in range(number)]

    def _notice(self, instance: Instance) -> None:
        """AWS says that it takes a spot instance back."""
        assert self._pool is not None
        if instance.gone or instance.noticed or instance not in self._serving:
            return
        spot = self._spot
        instance.noticed = True
        if spot is None or spot.drains:
            self._serving.remove(instance)
            self._draining.append(instance)
            if not instance.leaving:
                self._pool.leave(instance)
        self._clock.at(self._clock.now + self._notice_us, CHANGES, self._take_back, instance)
        self._launch_missing()
        self._note()

    def _take_back(self, instance: Instance) -> None:
        if not instance.gone:
            self._lose([instance])

    # -- books -------------------------------------------------------------------------------------

    def _note(self) -> None:
        now = self._clock.now
        if self._booting_gauge.value and not self._booting:
            self._changed_at = now
        self._in_service_gauge.set(now, len(self._serving))
        self._booting_gauge.set(now, len(self._booting))
        self._draining_gauge.set(now, len(self._draining))
        self._note_warm_pool()

    def _note_warm_pool(self) -> None:
        if self._warm_pool is not None:
            self._warm_pool.refill(self.desired)

    def finish_run(self) -> None:
        """Write down the sizes held at the end of the run."""
        now = self._clock.now
        gauges = (self._desired_gauge, self._in_service_gauge, self._booting_gauge, self._draining_gauge)
        for gauge in gauges:
            gauge.close(now)
        for instance in (*self._booting, *self._serving, *self._draining):
            self._spot_us += instance.spot * (now - instance.launched_at)
        for quantity, us in ((Quantity.SHORT_LIVES_US, self._missed_us), (Quantity.SPOT_US, self._spot_us)):
            if us:
                self._recorder.change(self._thing, int(quantity), us, 0, now)

    def _count_life(self, instance: Instance) -> None:
        """An instance is gone: what its life says to a bill."""
        life_us = self._clock.now - instance.launched_at
        self._missed_us += max(0, self._shortest_us - life_us)
        self._spot_us += instance.spot * life_us
