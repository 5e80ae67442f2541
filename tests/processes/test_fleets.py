"""The life of instances: launch, drain, crash, zones, spot, deployments, warm pools."""

from typing import Any, cast

import pytest

from simulator.aws.ec2.termination import Termination
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import CallDurations
from simulator.processes.fleets import Fleet
from simulator.processes.instances import Instance, Leaving, Life, Spot
from simulator.processes.warm_pools import WarmPool
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity
from simulator.sampling.distributions import Constant
from simulator.sampling.streams import Calls

SECOND = 1_000_000
BOOT = 40 * SECOND


class Rows:
    """Keeps the values of a fleet's gauges."""

    def __init__(self) -> None:
        self.rows: list[tuple[Quantity, int, int, int]] = []

    def change(self, thing: int, quantity: int, value: int, from_at: int, until_at: int) -> None:
        """Take a row."""
        self.rows.append((Quantity(quantity), value, from_at, until_at))


class Workers:
    """A pool of workers whose work the test says."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.log: list[tuple[int, str, Instance]] = []

    def enter(self, instance: Instance) -> None:
        """Polls from now on."""
        self.log.append((self.clock.now, "enter", instance))

    def leave(self, instance: Instance) -> None:
        """Polls no more."""
        instance.leaving = True
        self.log.append((self.clock.now, "leave", instance))

    def kill(self, instance: Instance) -> None:
        """Loses its work."""
        instance.busy = 0
        self.log.append((self.clock.now, "kill", instance))

    def work(self, instance: Instance, until_at: int) -> None:
        """Has work in hand until *until_at*."""
        instance.busy += 1
        self.clock.at(until_at, COMPLETIONS, self._done, instance)

    def _done(self, instance: Instance) -> None:
        if instance.busy:
            instance.busy -= 1
            if instance.leaving and not instance.busy:
                instance.drained.succeed()

    def did(self, what: str) -> list[tuple[int, Instance]]:
        """When it was told *what*, and of whom."""
        return [(at, instance) for at, told, instance in self.log if told == what]

    @property
    def polling(self) -> list[Instance]:
        """Who polls now."""
        left = [instance for _, instance in self.did("leave")]
        return [instance for _, instance in self.did("enter") if instance not in left]


class Lab:
    """A fleet of *desired* instances, all in service at 0."""

    def __init__(self, desired: int = 4, drain_us: int = 0, **settings: Any) -> None:
        self.clock = Clock()
        self.rows = Rows()
        boot = CallDurations(Constant(BOOT), 1)
        life = Life(0, boot, CallDurations(Constant(0), 2), 0, drain_us)
        self.fleet = Fleet(
            self.clock,
            cast(Recorder, self.rows),
            0,
            maximum=100,
            desired=desired,
            life=life,
            chance=Calls(7),
            notice_us=120 * SECOND,
            **settings,
        )
        self.workers = Workers(self.clock)
        self.fleet.start(self.workers)
        self.run(1)

    def run(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.clock.run_until(self.clock.now + round(seconds * SECOND))

    @property
    def all(self) -> list[Instance]:
        """Whoever was in service once."""
        return [instance for _, instance in self.workers.did("enter")]


def test_a_new_instance_serves_when_it_has_booted():
    lab = Lab(1)
    lab.fleet.resize(3)
    assert (lab.fleet.booting, lab.fleet.limit()) == (2, Limit.BOOTING)
    lab.run(60)
    assert [at for at, _ in lab.workers.did("enter")] == [0, SECOND + BOOT, SECOND + BOOT]
    assert (lab.fleet.in_service, lab.fleet.booting) == (3, 0)


def test_without_a_hook_work_in_hand_is_lost_and_with_one_it_may_finish_in_time():
    for drain_us, lost_at in ((0, SECOND), (30 * SECOND, 31 * SECOND), (90 * SECOND, None)):
        lab = Lab(1, drain_us)
        lab.workers.work(lab.all[0], 60 * SECOND)
        lab.fleet.resize(0)
        lab.run(200)
        assert [at for at, _ in lab.workers.did("kill")] == ([] if lost_at is None else [lost_at])
        assert lab.workers.did("leave") == [(SECOND, lab.all[0])]


def test_draining_instances_are_counted_apart():
    lab = Lab(2, 30 * SECOND)
    for instance in lab.all:
        lab.workers.work(instance, 11 * SECOND)
    lab.fleet.resize(0)
    lab.run(60)
    lab.fleet.finish_run()
    draining = [(value, at // SECOND) for what, value, at, _ in lab.rows.rows if what is Quantity.DRAINING]
    assert draining == [(0, 0), (2, 1), (1, 11), (0, 11)]
    assert lab.fleet.in_service == 0


def test_an_instance_with_work_in_hand_is_never_picked_while_that_is_protected():
    lab = Lab(3, leaving=Leaving(protects_busy=True))
    busy = lab.all[0]
    lab.workers.work(busy, 95 * SECOND)
    lab.fleet.resize(0)
    assert {instance for _, instance in lab.workers.did("leave")} == set(lab.all) - {busy}
    lab.run(93)
    assert lab.fleet.in_service == 1
    lab.run(20)  # it looks again every ten seconds
    assert lab.fleet.in_service == 0
    assert not lab.workers.did("kill")


def test_scale_in_keeps_zones_in_balance():
    lab = Lab(6, zones=3)
    lab.fleet.resize(3)
    assert sorted(instance.zone for instance in lab.workers.polling) == [0, 1, 2]


def test_tasks_that_have_not_started_are_taken_back_first_and_then_the_newest():
    lab = Lab(2, leaving=Leaving((Termination.NEWEST,), booting_first=True))
    lab.fleet.resize(5)
    lab.run(1)
    lab.fleet.resize(2)
    lab.run(100)
    assert len(lab.all) == 2
    assert not lab.workers.did("leave")


def test_a_crash_loses_a_share_with_its_work_and_others_are_launched():
    lab = Lab(10)
    for instance in lab.all:
        lab.workers.work(instance, 300 * SECOND)
    lab.fleet.crash(0.25)
    assert [at for at, _ in lab.workers.did("kill")] == [SECOND] * 3  # 2.5, rounded up
    assert (lab.fleet.in_service, lab.fleet.booting) == (7, 3)
    lab.run(50)
    assert lab.fleet.in_service == 10


def test_a_lost_zone_takes_its_instances_and_new_ones_go_elsewhere():
    lab = Lab(9, zones=3)
    lab.fleet.lose_zone(0.33)
    assert lab.fleet.in_service == 6
    lab.run(50)
    assert lab.fleet.in_service == 9
    assert {instance.zone for instance in lab.workers.polling} == {1, 2}


def test_a_fleet_that_is_down_polls_nothing_and_comes_back_with_what_booted_meanwhile():
    lab = Lab(3)
    lab.workers.work(lab.all[0], 300 * SECOND)
    lab.fleet.stop()
    assert [instance for _, instance in lab.workers.did("kill")] == lab.all[:3]
    assert lab.fleet.limit() is Limit.CONSUMER_DOWN
    lab.fleet.resize(5)
    lab.run(60)
    assert lab.workers.polling == []
    assert lab.fleet.in_service == 5
    lab.fleet.resume()
    assert len(lab.workers.polling) == 5
    lab.fleet.resize(1)
    assert len(lab.workers.polling) == 1


def spot(
    share: float = 1.0, drains: bool = True, early: bool = False, lifetime_us: int | None = None
) -> Spot:
    lifetime = None if lifetime_us is None else CallDurations(Constant(lifetime_us), 3)
    return Spot(share, lifetime, drains, early)


def test_at_the_notice_workers_stop_and_two_minutes_later_what_is_left_is_lost():
    """Work of 100 s ends in the notice, work of 200 s does not; the replacement boots after the end."""
    lab = Lab(2, spot=spot())
    quick, slow = lab.all
    lab.workers.work(quick, 101 * SECOND)
    lab.workers.work(slow, 201 * SECOND)
    lab.fleet.interrupt(1.0)
    assert lab.workers.polling == []
    lab.run(300)
    assert lab.workers.did("kill") == [(121 * SECOND, slow)]
    assert [at for at, _ in lab.workers.did("enter")][2:] == [121 * SECOND + BOOT] * 2


def test_who_ignores_the_notice_works_to_the_end_and_loses_what_is_in_hand():
    lab = Lab(1, spot=spot(drains=False))
    lab.fleet.interrupt(1.0)
    lab.run(100)
    assert lab.workers.polling == lab.all
    lab.workers.work(lab.all[0], 130 * SECOND)
    lab.run(100)
    assert [at for at, _ in lab.workers.did("kill")] == [121 * SECOND]


def test_with_rebalancing_the_replacement_is_launched_at_the_notice():
    for drains in (True, False):
        lab = Lab(2, spot=spot(drains=drains, early=True))
        lab.fleet.interrupt(1.0)
        lab.run(300)
        assert [at for at, _ in lab.workers.did("enter")][2:] == [SECOND + BOOT] * 2
        assert lab.fleet.in_service == 2


def test_only_spot_instances_are_taken_back_and_they_are_no_more_than_their_share():
    lab = Lab(10, spot=spot(0.55))
    assert sum(instance.spot for instance in lab.all) == 5
    lab.fleet.interrupt(1.0)
    assert {instance.spot for instance in lab.workers.polling} == {False}
    assert len(lab.workers.polling) == 5


def test_a_spot_instance_lives_until_its_notice_and_two_minutes_more():
    lab = Lab(1, spot=spot(lifetime_us=1000 * SECOND))
    lab.run(1500)
    entered = [at // SECOND for at, _ in lab.workers.did("enter")]
    assert entered == [0, 1000 + 120 + 40]


@pytest.mark.parametrize("drain", [True, False])
def test_a_deployment_replaces_a_batch_when_the_one_before_serves(drain: bool):
    lab = Lab(4)
    for instance in lab.all:
        lab.workers.work(instance, 501 * SECOND)
    lab.fleet.replace(0.5, drain)
    lab.run(700)
    entered = [at for at, _ in lab.workers.did("enter")]
    assert entered[4:] == [SECOND + BOOT] * 2 + [SECOND + 2 * BOOT] * 2
    assert len(lab.workers.did("kill")) == (0 if drain else 4)
    assert lab.fleet.in_service == 4


def test_a_warm_pool_starts_instances_sooner_until_it_is_empty_and_is_filled_again():
    clock = Clock()
    pool = WarmPool(
        clock,
        prepared=5,
        minimum=0,
        start=CallDurations(Constant(10 * SECOND), 4),
        prepare_us=lambda: 100 * SECOND,
    )
    pool.refill(3)
    assert [pool.take(), pool.take(), pool.take()] == [10 * SECOND, 10 * SECOND, None]
    pool.refill(3)
    clock.run_until(100 * SECOND)
    assert pool.take() is None
    clock.run_until(101 * SECOND)
    assert pool.take() == 10 * SECOND


def activity_ended_at(lab: Lab) -> int | None:
    return lab.fleet.activity_ended_at


def test_an_activity_ends_with_the_last_launch_or_end():
    lab = Lab(1, 60 * SECOND)
    lab.fleet.resize(2)
    assert activity_ended_at(lab) is None
    lab.run(100)
    assert activity_ended_at(lab) == SECOND + BOOT
    lab.workers.work(lab.all[0], lab.clock.now + 20 * SECOND)
    left_at = lab.clock.now
    lab.fleet.resize(1)
    assert activity_ended_at(lab) is None
    lab.run(50)
    assert activity_ended_at(lab) == left_at + 20 * SECOND
