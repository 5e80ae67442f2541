"""The back of a run: everything that polls queues."""

from simulator.engine.functions import Functions
from simulator.engine.groups import Groups
from simulator.engine.parts import Parts


class Consumers:
    """Functions and groups, each polling its queues."""

    def __init__(self, parts: Parts) -> None:
        self.mappings = Functions(parts).mappings
        self.groups = Groups(parts).groups
