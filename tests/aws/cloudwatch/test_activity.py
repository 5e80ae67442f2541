"""Queues that are idle for six hours have no metrics, and wake slowly (SQS developer guide)."""

from simulator.aws.cloudwatch.activity import Activity

HOUR, MINUTE = 3_600, 60


def test_metrics_flow_for_six_hours_after_the_last_activity():
    activity = Activity(6 * HOUR)
    assert activity.flows(HOUR, True, lambda: 0)
    assert activity.flows(7 * HOUR - 1, False, lambda: 0)
    assert not activity.flows(7 * HOUR, False, lambda: 0)


def test_an_inactive_queue_takes_its_time_until_metrics_flow_again():
    activity = Activity(6 * HOUR)
    assert not activity.flows(10 * HOUR, True, lambda: 9 * MINUTE)
    assert not activity.flows(10 * HOUR + 8 * MINUTE, True, lambda: 0)
    assert activity.flows(10 * HOUR + 9 * MINUTE, True, lambda: 0)


def test_how_long_it_takes_is_asked_once_a_wake():
    asked: list[int] = []

    def wakeup() -> int:
        asked.append(1)
        return MINUTE

    activity = Activity(6 * HOUR)
    for hour in (1, 10, 11, 12, 30):
        activity.flows(hour * HOUR, True, wakeup)
    assert len(asked) == 2
