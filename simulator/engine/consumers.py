"""The back of a run: everything that polls queues."""

from simulator.engine.functions import Functions
from simulator.engine.groups import Groups
from simulator.engine.parts import Parts
from simulator.processes.children import Send


class Consumers:
    """Functions and fleets, each polling its queues."""

    def __init__(self, parts: Parts) -> None:
        self.downstreams = parts.downstreams
        functions = Functions(parts)
        self.functions = functions.made
        self.mappings = functions.mappings
        self.broker_mappings = functions.broker_mappings
        self.groups = Groups(parts)
        self.sends: dict[str, Send] = {}
        """What they send on, by consumer, input and name."""
