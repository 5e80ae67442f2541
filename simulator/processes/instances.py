"""An instance, a machine, task or pod on which workers run, and the terms of its life."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from simpy.events import Event

from simulator.aws.ec2.termination import Termination
from simulator.processes.draws import CallDurations


class Instance:
    """One instance of a fleet: where it is in its life, and how many of its workers are busy.

    ``warm_at`` is the instant [us] from which it counts in the fleet's metric; ``drained`` happens when an
    instance that is leaving has no work left. ``leaving`` says that its workers receive nothing more,
    ``noticed`` that it is a spot instance which AWS takes back, ``gone`` that it is no more.
    """

    __slots__ = (
        "busy",
        "drained",
        "gone",
        "launched_at",
        "leaving",
        "noticed",
        "ready",
        "spot",
        "warm_at",
        "zone",
    )

    def __init__(
        self, warm_at: int, drained: Event, *, launched_at: int = 0, zone: int = 0, spot: bool = False
    ) -> None:
        self.warm_at = warm_at
        self.launched_at = launched_at
        self.zone = zone
        self.spot = spot
        self.busy = 0
        self.leaving = False
        self.noticed = False
        self.gone = False
        self.drained = drained
        self.ready: Event | None = None  # happens when it has booted, where somebody waits for that

    def again(self, drained: Event) -> "Instance":
        """The same instance with workers that start anew."""
        new = Instance(self.warm_at, drained, launched_at=self.launched_at, zone=self.zone, spot=self.spot)
        new.noticed = self.noticed
        return new


class Pool(Protocol):
    """The workers of the instances in service."""

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers poll."""

    def leave(self, instance: Instance) -> None:
        """An instance stops polling; its workers finish what they have."""

    def kill(self, instance: Instance) -> None:
        """An instance is gone, with the work in hand."""


class Life(NamedTuple):
    """How long the stages of an instance's life last [us].

    Attributes
    ----------
    react_us : int
        From a decision to the launch.
    boot, bootstrap : CallDurations
        From launch to running, and from there to service.
    warmup_us : int
        Time in service before an instance counts in the metric.
    drain_us : int
        How long an instance may finish its work when it leaves; 0: work in hand is lost.
    """

    react_us: int
    boot: CallDurations
    bootstrap: CallDurations
    warmup_us: int
    drain_us: int


class Spot(NamedTuple):
    """Instances that AWS may take back.

    Attributes
    ----------
    share : float
        Of the fleet, at most.
    lifetime : CallDurations
        From service to the notice [us].
    drains : bool
        At the notice workers stop receiving and finish what they can.
    replaces_early : bool
        A new instance is launched at the notice (capacity rebalancing), not at the end.
    """

    share: float
    lifetime: CallDurations | None
    drains: bool
    replaces_early: bool


class Leaving(NamedTuple):
    """Who leaves at scale-in.

    Attributes
    ----------
    policies : sequence of Termination
        In their order; zones come first.
    protects_busy : bool
        An instance with work in hand is never picked.
    booting_first : bool
        Those that boot go before those in service, the newest first.
    retry_us : int
        When none may be picked, the fleet looks again so much later [us].
    """

    policies: Sequence[Termination] = (Termination.DEFAULT,)
    protects_busy: bool = False
    booting_first: bool = False
    retry_us: int = 10_000_000
