"""Task lists of SWF and activities: first come, first worked."""

from simulator.aws.step_functions.task_lists import TaskList


def test_free_workers_take_tasks_at_once_and_the_others_wait_in_order() -> None:
    tasks = TaskList[str](2)
    assert [tasks.schedule(task) for task in "abcd"] == [True, True, False, False]
    assert [tasks.done(), tasks.done(), tasks.done()] == ["c", "d", None]
    assert tasks.free == 1


def test_a_task_that_timed_out_is_not_handed_out() -> None:
    tasks = TaskList[str](1)
    for task in "abc":
        tasks.schedule(task)
    assert tasks.withdraw("b")
    assert not tasks.withdraw("a")
    assert tasks.done() == "c"
