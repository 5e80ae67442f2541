"""Chance: addressed random numbers, distributions and arrivals."""
