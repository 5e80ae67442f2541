"""From a scenario to rows: the only door is ``simulate``."""

from simulator.engine.simulate import Run, simulate
from simulator.engine.things import things_of

__all__ = ["Run", "simulate", "things_of"]
