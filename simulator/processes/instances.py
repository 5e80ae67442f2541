"""An instance: a machine, task or pod on which workers run."""

from simpy.events import Event


class Instance:
    """One instance of the group: how many of its workers are busy.

    ``warm_at`` is the instant [us] from which it counts in the group's metric; ``drained`` happens when an
    instance that is leaving has no work left.
    """

    __slots__ = ("busy", "drained", "leaving", "warm_at")

    def __init__(self, warm_at: int, drained: Event) -> None:
        self.warm_at = warm_at
        self.busy = 0
        self.leaving = False
        self.drained = drained
