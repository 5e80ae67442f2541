"""Scaling of a Kubernetes deployment: KEDA between zero and one, the HPA above; both ask the queue itself."""

from collections.abc import Callable
from typing import Final

from simulator.aws.kubernetes.hpa import HorizontalPodAutoscaler
from simulator.aws.kubernetes.keda import Activation
from simulator.processes.clock import POLICIES, Clock
from simulator.processes.fleets import Fleet
from simulator.recording.tables import Limit

_SECOND_US: Final = 1_000_000


class PodScaling:
    """KEDA and HPA of one deployment.

    Parameters
    ----------
    length : callable
        ``length(now)`` is the queue length as GetQueueAttributes tells it.
    true : callable
        The same as it is: for saying why messages wait, never for a decision.
    polling_us, sync_us : int
        How often KEDA and the HPA look [us].
    polling_at, sync_at : int
        When each first looks [us].
    """

    def __init__(
        self,
        clock: Clock,
        fleet: Fleet,
        length: Callable[[int], int],
        true: Callable[[int], int],
        activation: Activation,
        autoscaler: HorizontalPodAutoscaler,
        *,
        polling_us: int,
        sync_us: int,
        polling_at: int,
        sync_at: int,
    ) -> None:
        self._clock = clock
        self._fleet = fleet
        self._length = length
        self._true = true
        self._activation = activation
        self._autoscaler = autoscaler
        self._polling_us = polling_us
        self._sync_us = sync_us
        self._known, self._known_until = Limit.POLICY, 0
        fleet.waits_for = self._limit
        clock.at(polling_at, POLICIES, self._poll, None)
        clock.at(sync_at, POLICIES, self._sync, None)

    def _poll(self, _: object) -> None:
        now, fleet = self._clock.now, self._fleet
        replicas = self._activation.replicas(now, self._length(now), fleet.desired)
        if replicas != fleet.desired:
            fleet.resize(replicas)
        self._clock.at(now + self._polling_us, POLICIES, self._poll, None)

    def _sync(self, _: object) -> None:
        now, fleet = self._clock.now, self._fleet
        if fleet.desired:  # at zero the HPA is off
            replicas = self._autoscaler.replicas(now, self._length(now), fleet.desired)
            if replicas != fleet.desired:
                fleet.resize(replicas)
        self._clock.at(now + self._sync_us, POLICIES, self._sync, None)

    def _limit(self) -> Limit:
        """More pods that the next look will ask for, or a length that asks for no more."""
        now, desired = self._clock.now, self._fleet.desired
        if now >= self._known_until:  # it is asked at every receive
            self._known_until = now + _SECOND_US
            lags = self._autoscaler.raw(self._true(now), desired) > desired
            self._known = Limit.METRIC_LAG if lags else Limit.POLICY
        return self._known
