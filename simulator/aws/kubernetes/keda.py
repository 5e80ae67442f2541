"""KEDA: activation of a deployment by an SQS queue.

Rules (keda.sh, "AWS SQS Queue" scaler; "Scaling Deployments": polling interval and cooldown period): the
queue length is the visible messages and, unless told otherwise, those in flight; above the activation
threshold KEDA goes from zero to one pod, and an HPA does the rest from there; back to zero it goes when the
queue has not been above the threshold for the cooldown period.
"""


def queue_length(
    visible: int,
    in_flight: int,
    delayed: int,
    *,
    scale_on_in_flight: bool = True,
    scale_on_delayed: bool = False,
) -> int:
    """What the scaler reports of a queue, by GetQueueAttributes' approximate counts."""
    return visible + in_flight * scale_on_in_flight + delayed * scale_on_delayed


class Activation:
    """Scaling between zero and one.

    Parameters
    ----------
    minimum : int
        ``minReplicaCount``.
    threshold : int
        ``activationQueueLength``: the queue is active above it.
    cooldown_us : int
        ``cooldownPeriod`` [us].
    """

    __slots__ = ("_active_at", "_cooldown_us", "_minimum", "_threshold")

    def __init__(self, minimum: int, threshold: int, cooldown_us: int) -> None:
        self._minimum = minimum
        self._threshold = threshold
        self._cooldown_us = cooldown_us
        self._active_at = 0

    def replicas(self, now: int, length: int, current: int) -> int:
        """Replicas after a poll at *now* [us] that found *length* messages."""
        if length > self._threshold:
            self._active_at = now
            return current or max(1, self._minimum)
        if current and not self._minimum and now >= self._active_at + self._cooldown_us:
            return 0
        return max(current, self._minimum)
