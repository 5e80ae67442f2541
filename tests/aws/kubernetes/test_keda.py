"""KEDA between zero and one (keda.sh, "AWS SQS Queue" and "Scaling Deployments")."""

from simulator.aws.kubernetes.keda import Activation, queue_length

SECOND = 1_000_000


def test_messages_in_flight_count_and_delayed_ones_only_when_told():
    assert queue_length(10, 5, 3) == 15
    assert queue_length(10, 5, 3, scale_on_in_flight=False) == 10
    assert queue_length(10, 5, 3, scale_on_delayed=True) == 18


def test_the_first_pod_starts_above_the_activation_threshold():
    activation = Activation(0, 10, 300 * SECOND)
    assert activation.replicas(0, 10, 0) == 0
    assert activation.replicas(30 * SECOND, 11, 0) == 1


def test_the_last_pod_ends_a_cooldown_after_the_queue_was_active_last():
    activation = Activation(0, 0, 300 * SECOND)
    assert activation.replicas(1000 * SECOND, 1, 4) == 4
    assert activation.replicas(1299 * SECOND, 0, 1) == 1
    assert activation.replicas(1300 * SECOND, 0, 4) == 0


def test_with_a_minimum_nothing_goes_to_zero():
    activation = Activation(2, 0, 0)
    assert activation.replicas(0, 0, 2) == 2
    assert activation.replicas(SECOND, 5, 0) == 2
