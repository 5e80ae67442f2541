"""The agenda does what SimPy's own environment does, and keeps its order at one instant."""

import random
from typing import Any

import pytest
import simpy
from simpy.events import ProcessGenerator

from simulator.processes.clock import CHANGES, COMPLETIONS, POLICIES, RECEIVES, SAMPLES, SENDS, Clock


def random_model(env: simpy.Environment, seed: int, trace: list[tuple[int, str]]) -> None:
    """Processes with delays and ties, resources, stores, conditions, interrupts and failures."""
    rng = random.Random(seed)
    desk = simpy.Resource(env, capacity=rng.randint(1, 3))
    shelf = simpy.Store(env, capacity=rng.randint(1, 4))
    plan = [[rng.randint(0, 5) for _ in range(12)] for _ in range(6)]

    def note(what: str) -> None:
        trace.append((int(env.now), what))

    def worker(name: int, delays: list[int]) -> ProcessGenerator:
        for step, delay in enumerate(delays):
            try:
                with desk.request() as turn:
                    answer: Any = yield turn | env.timeout(delay, value="late")
                    note(f"{name}.{step} {'turn' if turn in answer else 'gave up'}")
                    yield env.timeout(delay)
                if step % 3 == 0:
                    yield shelf.put((name, step)) | env.timeout(4)
                elif step % 3 == 1:
                    got: Any = yield env.any_of([shelf.get(), env.timeout(2)])
                    note(f"{name}.{step} got {len(got.events)}")
            except simpy.Interrupt as interrupt:
                note(f"{name}.{step} interrupted {interrupt.cause}")
        note(f"{name} done")

    workers = [env.process(worker(name, delays)) for name, delays in enumerate(plan)]

    def disturb() -> ProcessGenerator:
        for delay in plan[0]:
            yield env.timeout(delay + 1)
            victim = workers[delay % len(workers)]
            if victim.is_alive and victim is not env.active_process:
                victim.interrupt(delay)

    env.process(disturb())

    def watch() -> ProcessGenerator:
        yield env.all_of(workers[:2])
        note("two are done")

    env.process(watch())


@pytest.mark.parametrize("seed", range(300))
def test_agenda_gives_the_trace_of_simpys_environment(seed: int) -> None:
    ours: list[tuple[int, str]] = []
    theirs: list[tuple[int, str]] = []
    for env, trace in ((Clock(), ours), (simpy.Environment(), theirs)):
        random_model(env, seed, trace)
        env.run(until=200)
    assert ours == theirs
    assert len(ours) > 20


def test_run_until_does_what_is_due_before_the_end_and_stands_there() -> None:
    clock, done = Clock(), list[int]()
    for at in (5, 10, 15):
        clock.at(at, SENDS, done.append, at)
    clock.run_until(10)
    assert (done, clock.now) == ([5], 10)
    clock.run_until(16)
    assert done == [5, 10, 15]


def test_at_one_instant_ranks_decide_then_the_order_of_asking() -> None:
    clock, order = Clock(), list[tuple[int, int]]()
    for rank in (POLICIES, RECEIVES, SENDS, SAMPLES, COMPLETIONS, CHANGES):
        for nth in range(2):
            clock.at(7, rank, order.append, (rank, nth))
    clock.run_until(8)
    ranks = (CHANGES, COMPLETIONS, SENDS, RECEIVES, SAMPLES, POLICIES)
    assert order == [(rank, nth) for rank in ranks for nth in range(2)]


def test_reversed_ties_turn_the_order_inside_a_rank_only() -> None:
    clock, order = Clock(reverse_ties=True), list[tuple[int, int]]()
    for rank in (RECEIVES, SENDS):
        for nth in range(3):
            clock.at(7, rank, order.append, (rank, nth))
    clock.run_until(8)
    assert order == [(rank, nth) for rank in (SENDS, RECEIVES) for nth in (2, 1, 0)]


def test_a_process_waits_for_an_instant_at_its_rank() -> None:
    clock, order = Clock(), list[str]()

    def life() -> ProcessGenerator:
        yield clock.until(7, SAMPLES)
        order.append("process")

    clock.process(life())
    clock.at(7, RECEIVES, order.append, "before")
    clock.at(7, POLICIES, order.append, "after")
    clock.run_until(8)
    assert order == ["before", "process", "after"]


def test_a_failing_process_stops_the_run() -> None:
    clock = Clock()

    def life() -> ProcessGenerator:
        yield clock.timeout(3)
        raise ValueError("broken")

    clock.process(life())
    with pytest.raises(ValueError, match="broken"):
        clock.run_until(10)
