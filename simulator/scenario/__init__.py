"""What a user may ask: the scenario language, its checks, and the dated rules of AWS."""

from simulator.scenario.loading import load
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.schema import Scenario

__all__ = ["Problem", "Scenario", "ScenarioError", "load"]
