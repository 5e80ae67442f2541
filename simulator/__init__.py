"""Discrete-event performance simulator of AWS messaging."""

__version__ = "0.1.0"
