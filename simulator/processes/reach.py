"""Whether SNS reaches an endpoint: when it may not, when it cannot, and what becomes of deliveries by that.

An instant has a state. A delivery that begins while access is denied fails for good (a client-side error);
one that begins while the endpoint is unavailable is tried again by the retry policy (a server-side error).
"""

import itertools
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from simulator.aws.sns.retries import RetryPolicy
from simulator.aws.sqs.receipt import NEVER
from simulator.recording.tables import Cause
from simulator.sampling.streams import UInts, mix, mix_array, uniform, uniform_one

OPEN: Final = 0
DENIED: Final = 1
UNAVAILABLE: Final = 2
_CAUSES: Final = np.array([Cause.NOTHING, Cause.ACCESS_DENIED, Cause.RETRIES_USED_UP], dtype=np.int64)


class Reach:
    """States of an endpoint over the run; where spans overlap, a denial is what counts.

    Parameters
    ----------
    denied, unavailable : iterable of (int, int)
        Spans of time [us], half-open.
    """

    def __init__(
        self,
        denied: Iterable[tuple[int, int]] = (),
        unavailable: Iterable[tuple[int, int]] = (),
    ) -> None:
        denied, unavailable = list(denied), list(unavailable)
        edges = sorted({0, *itertools.chain(*denied, *unavailable)} - {NEVER})
        states = [_state(at, denied, unavailable) for at in edges]
        self.always = not any(states)
        self._edges = np.array(edges, dtype=np.int64)
        self._states = np.array(states, dtype=np.int64)
        self._ends = np.array([*edges[1:], NEVER], dtype=np.int64)

    def at(self, instants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """State at each of *instants* [us], and when it ends [us]; all of shape (n,)."""
        index = np.searchsorted(self._edges, instants, side="right") - 1
        return self._states[index], self._ends[index]

    def at_one(self, instant: int) -> tuple[int, int]:
        """The same of one instant."""
        index = int(np.searchsorted(self._edges, instant, side="right")) - 1
        return int(self._states[index]), int(self._ends[index])


def _state(at: int, denied: list[tuple[int, int]], unavailable: list[tuple[int, int]]) -> int:
    if any(begin <= at < end for begin, end in denied):
        return DENIED
    return UNAVAILABLE if any(begin <= at < end for begin, end in unavailable) else OPEN


class Tried(NamedTuple):
    """How deliveries ended: when [us], after how many attempts, and why in vain (NOTHING: delivered)."""

    ended_at: np.ndarray
    attempts: np.ndarray
    cause: np.ndarray


class Attempts:
    """Tries deliveries to an endpoint until one succeeds, one is refused for good, or none is left.

    The jitter of the growing delays belongs to (message, retry). The many tries of the last phase are
    counted, not drawn: AWS's 23 days are 100,000 whole delays, so there jitter lies about the delay and
    evens out.

    Parameters
    ----------
    jitter_key : int, optional
        Stream of the jitter; None: delays have none.
    jitter : float
        The part of a delay that is drawn.
    """

    def __init__(
        self, reach: Reach, policy: RetryPolicy, jitter_key: int | None, jitter: float = 0.5
    ) -> None:
        self.reach = reach
        self._policy = policy
        self._jitter_key = jitter_key
        self._jitter = jitter
        self._drawn = policy.retries - policy.max_delay

    def try_all(self, first_at: np.ndarray, keys: UInts) -> Tried:
        """Try deliveries whose first attempts are at *first_at* [us]; both of shape (n,)."""
        policy, reach = self._policy, self.reach
        at, retries = first_at.astype(np.int64), np.zeros(len(first_at), dtype=np.int64)
        state, end = reach.at(at)
        active = np.flatnonzero(state == UNAVAILABLE)
        for retry in range(1, self._drawn + 1):
            if not len(active):
                break
            at[active] += self._delays(retry, keys[active])
            retries[active] = retry
            state[active], end[active] = reach.at(at[active])
            active = active[state[active] == UNAVAILABLE]
        while policy.max_delay and len(active):
            left = policy.retries - retries[active]
            until_end = -((at[active] - end[active]) // policy.max_delay_us)
            steps = np.minimum(until_end, left)
            at[active] += steps * policy.max_delay_us
            retries[active] += steps
            state[active], end[active] = reach.at(at[active])
            active = active[(state[active] == UNAVAILABLE) & (retries[active] < policy.retries)]
        return Tried(at, retries + 1, _CAUSES[state])

    def _delays(self, retry: int, keys: UInts) -> np.ndarray:
        delay = self._policy.delay_us(retry)
        assert delay is not None
        if self._jitter_key is None:
            return np.full(len(keys), delay)
        chance = uniform(self._jitter_key, mix_array(keys, retry))
        return np.rint(delay * (1 - self._jitter + self._jitter * chance)).astype(np.int64)

    def try_in_order(
        self, first_at: np.ndarray, keys: UInts, groups: np.ndarray, last: dict[int, int]
    ) -> Tried:
        """The same where a message waits until the one before it in its group has ended.

        *last* has by group when that was [us], and is brought up to date.
        """
        ended_at, attempts = np.empty_like(first_at), np.empty_like(first_at)
        cause = np.empty_like(first_at)
        facts = zip(first_at.tolist(), keys.tolist(), groups.tolist(), strict=True)
        for index, (at, key, group) in enumerate(facts):
            tried = self.try_one(max(at, last.get(group, 0)), key)
            ended_at[index], attempts[index], cause[index] = tried
            last[group] = tried[0]
        return Tried(ended_at, attempts, cause)

    def try_one(self, first_at: int, key: int) -> tuple[int, int, Cause]:
        """The same of one delivery, to the bit: when it ended [us], its attempts, and why in vain."""
        policy, at, retries = self._policy, first_at, 0
        state, end = self.reach.at_one(at)
        while state == UNAVAILABLE and retries < policy.retries:
            if retries < self._drawn:
                retries += 1
                chance = None
                if self._jitter_key is not None:
                    chance = uniform_one(self._jitter_key, mix(key, retries))
                at += policy.delay_us(retries, chance, self._jitter) or 0
            else:
                steps = min(-((at - end) // policy.max_delay_us), policy.retries - retries)
                retries += steps
                at += steps * policy.max_delay_us
            state, end = self.reach.at_one(at)
        return at, retries + 1, Cause(int(_CAUSES[state]))
