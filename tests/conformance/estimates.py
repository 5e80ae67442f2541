"""Runs until a number is known well enough, and the comparison with what a case wants."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import stdtrit

Replicate = Callable[[int], dict[str, float]]
"""Numbers of the replication with this number."""

FEWEST = 8
USUAL = 40
MOST = 400


def tolerance(case: Mapping[str, Any], key: str) -> float:
    """How far *key* may be off."""
    low, high = bounds(case["expected"][key])
    return float(
        max(case["tolerance_rel"] * max(abs(low), abs(high)), case.get("tolerance_abs", {}).get(key, 0.0))
    )


def bounds(wanted: Any) -> tuple[float, float]:
    """A bracket, or a number as one."""
    return (wanted["min"], wanted["max"]) if isinstance(wanted, dict) else (wanted, wanted)


def estimate(
    case: Mapping[str, Any], replicate: Replicate, usual: int = USUAL, most: int = MOST
) -> dict[str, float]:
    """Means over replications of every expected number.

    Replications go on until each 99% half-width is below half the tolerance. Rare events would take
    hours: after *usual* replications it is enough to be within the tolerance, and what is not goes on
    to *most*, so that chance alone is not called a failure.
    """
    keys = list(case["expected"])
    enough = np.array([tolerance(case, key) for key in keys]) / 2
    values: list[list[float]] = []
    for replication in range(most):
        numbers = replicate(replication)
        values.append([numbers.get(key, np.nan) for key in keys])
        n = len(values)
        if n < FEWEST:
            continue
        half_widths = stdtrit(n - 1, 0.995) * np.std(values, axis=0, ddof=1) / np.sqrt(n)
        got = dict(zip(keys, np.mean(values, axis=0).tolist(), strict=True))
        if not (half_widths > enough).any() or (n >= usual and not differences(case, got)):
            break
    return got


def differences(case: Mapping[str, Any], got: Mapping[str, float]) -> list[str]:
    """What is not as the case wants it."""
    failures = []
    for key, wanted in case["expected"].items():
        low, high = bounds(wanted)
        allowed = tolerance(case, key)
        if not low - allowed <= got[key] <= high + allowed:
            failures.append(f"{key}: wanted {wanted}, got {got[key]:.7g}")
    return failures
