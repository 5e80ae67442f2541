"""Step Functions: events of an execution's history, and the limit."""

from simulator.aws.step_functions import history
from simulator.aws.step_functions.states import Call, Choice, Fail, Machine, Map, Parallel, Pass, Wait

INSIDE = Machine("P", {"P": Pass("P", None)})


def test_a_task_writes_five_events_and_six_where_it_waits_for_a_job_or_a_token() -> None:
    around = history.entered(Pass("P", None)) + history.exited(Pass("P", None))
    assert around + history.of_try(Call("function", "f")) == 5
    assert around + history.of_try(Call("service", "glue", "sync")) == 6
    assert around + history.of_try(Call("queue", "q", "callback")) == 6
    assert around + history.of_try(Call("activity", "a")) == 5


def test_states_that_call_nothing_write_that_they_were_entered_and_exited() -> None:
    for state in (Pass("S", None), Wait("S", None, 1), Choice("S")):
        assert history.entered(state) + history.exited(state) == 2
    assert history.entered(Fail("S")) + history.exited(Fail("S")) == 1


def test_parallel_and_maps_write_that_they_started_and_succeeded_too() -> None:
    around = [
        history.entered(state) + history.exited(state)
        for state in (
            Parallel("S", None, (INSIDE,)),
            Map("S", None, INSIDE),
            Map("S", None, INSIDE, distributed=True),
        )
    ]
    assert around == [4, 4, 6]


def test_an_execution_fails_when_it_would_pass_its_limit() -> None:
    """Of 25,000 events one is the start and one the end: 12,499 states of two events fit."""
    written = history.History(25_000)
    fitting = 0
    while written.write(2):
        fitting += 1
    assert fitting == 12_499
    assert written.events + history.END == 25_000


def test_express_executions_have_no_limit() -> None:
    written = history.History(None)
    assert written.write(10**9)


def test_an_inline_map_of_3_570_tasks_is_too_much_for_one_history() -> None:
    """Each iteration writes 2 events of its own and 5 of its task: (25,000 - 2 - 4) / 7 = 3,570.57."""
    each = history.ITERATION + 2 + history.of_try(Call("function", "f"))
    assert (25_000 - history.START - history.END - 4) // each == 3_570
