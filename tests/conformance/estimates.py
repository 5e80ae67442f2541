"""Runs until a number is known well enough, and the comparison with what a case wants."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import stdtrit

Replicate = Callable[[int], dict[str, float]]
"""Numbers of the replication with this number."""

FEWEST = 8
MOST = 60


def tolerance(case: Mapping[str, Any], key: str) -> float:
    """How far *key* may be off."""
    wanted = case["expected"][key]
    size = max(abs(wanted["min"]), abs(wanted["max"])) if isinstance(wanted, dict) else abs(wanted)
    return max(case["tolerance_rel"] * size, case.get("tolerance_abs", {}).get(key, 0.0))


def estimate(
    case: Mapping[str, Any], replicate: Replicate, most: int = MOST
) -> tuple[dict[str, float], dict[str, float]]:
    """Means over replications, and their 99% half-widths.

    Replications go on until every half-width is below half the tolerance, or to *most* of them.
    """
    keys = list(case["expected"])
    wanted = np.array([tolerance(case, key) for key in keys])
    values: list[list[float]] = []
    half_widths = np.zeros(len(keys))
    for replication in range(most):
        numbers = replicate(replication)
        values.append([numbers.get(key, np.nan) for key in keys])
        n = len(values)
        if n > 1:
            half_widths = stdtrit(n - 1, 0.995) * np.std(values, axis=0, ddof=1) / np.sqrt(n)
        if n >= min(FEWEST, most) and not (half_widths > wanted / 2).any():
            break
    means = np.mean(values, axis=0)
    return dict(zip(keys, means.tolist(), strict=True)), dict(zip(keys, half_widths.tolist(), strict=True))


def differences(case: Mapping[str, Any], got: Mapping[str, float]) -> list[str]:
    """What is not as the case wants it."""
    failures = []
    for key, wanted in case["expected"].items():
        low, high = (wanted["min"], wanted["max"]) if isinstance(wanted, dict) else (wanted, wanted)
        allowed = tolerance(case, key)
        if not low - allowed <= got[key] <= high + allowed:
            failures.append(f"{key}: wanted {wanted}, got {got[key]:.7g}")
    return failures
