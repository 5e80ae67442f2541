"""Numbers that belong to messages, and numbers that belong to a thing's calls."""

from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.processes.conditions import Conditions
from simulator.processes.kinds import Chances, WorkByKind, WorkOfAll
from simulator.processes.ledger import Block, Ledger
from simulator.sampling.distributions import Constant, Distribution, draw
from simulator.sampling.streams import mix, uniform, uniform_one

if TYPE_CHECKING:
    from simulator.processes.called_work import CalledWork

_CALLS: Final = 1024
_BLOCKS: Final = 64


class CallDurations:
    """Durations [us] of a thing's calls, by its own call counter."""

    def __init__(self, distribution: Distribution, stream_key: int) -> None:
        self._distribution = distribution
        self._stream_key = stream_key
        self._made = 0
        self._ready: list[int] = []
        self._constant = int(distribution.mean) if isinstance(distribution, Constant) else None

    def next(self) -> int:
        """The duration of the next call [us]."""
        if self._constant is not None:
            return self._constant
        if not self._ready:
            keys = np.arange(self._made, self._made + _CALLS, dtype=np.uint64)
            self._made += _CALLS
            self._ready = draw(self._distribution, self._stream_key, keys).tolist()[::-1]
        return self._ready.pop()


class Work:
    """How long a message is worked on, and whether the attempt fails, for the consumer of one queue.

    Both belong to the message and the attempt, so another consumer, batch size or queue type meets the
    same work. First attempts are drawn a block of messages at a time.

    Parameters
    ----------
    per_message : WorkOfAll or WorkByKind
        Work [us] of a message.
    per_invocation : Distribution
        Work [us] of an invocation besides its messages.
    chances : Chances
        Of an attempt to fail.
    work_key, failure_key, invocation_key : int
        Their streams.
    conditions : Conditions, optional
        How its consumer is doing: what begins meanwhile is slower, or fails more often.
    error_key : int
        Stream of the failures that conditions bring.
    """

    def __init__(
        self,
        ledger: Ledger,
        per_message: WorkOfAll | WorkByKind,
        per_invocation: Distribution,
        chances: Chances,
        work_key: int,
        failure_key: int,
        invocation_key: int,
        conditions: Conditions | None = None,
        error_key: int = 0,
    ) -> None:
        self.called: CalledWork | None = None
        """Takes its batches through their messages where these call downstreams."""
        self._ledger = ledger
        self._conditions = conditions
        self._error_key = error_key
        self._per_message = per_message
        self._per_invocation = per_invocation
        self._chances = chances
        self._work_key = work_key
        self._failure_key = failure_key
        self._invocation_key = invocation_key
        self._constant_invocation = int(per_invocation.mean) if isinstance(per_invocation, Constant) else None
        self._blocks: dict[int, tuple[list[int], bytes]] = {}
        self._first = self._end = 0
        self._work: list[int] = []
        self._fails = b""

    def of(self, copies: list[int], again: dict[int, int]) -> tuple[list[int], list[int]]:
        """Work [us] of each of *copies*, and the indices of those whose attempt fails.

        *again* holds the receive count of those received before.
        """
        message_of = self._ledger.message_of
        first, end, work, fails = self._first, self._end, self._work, self._fails
        durations: list[int] = []
        failed: list[int] = []
        for copy in copies:
            message = message_of[copy]
            if not first <= message < end:
                self._turn_to(message)
                first, end, work, fails = self._first, self._end, self._work, self._fails
            if fails[message - first]:
                failed.append(len(durations))
            durations.append(work[message - first])
        if again or self._ledger.redrives:
            self._draw_again(copies, again, durations, failed)
        conditions = self._conditions
        if conditions is not None and (conditions.slow != 1.0 or conditions.errors):
            return self._under(conditions, copies, again, durations, failed)
        return durations, failed

    def _under(
        self,
        conditions: Conditions,
        copies: list[int],
        again: dict[int, int],
        durations: list[int],
        failed: list[int],
    ) -> tuple[list[int], list[int]]:
        """The same attempts under conditions that are not the usual ones."""
        if conditions.slow != 1.0:
            durations = [round(duration * conditions.slow) for duration in durations]
        if conditions.errors:
            broken = {
                index
                for index, copy in enumerate(copies)
                if uniform_one(self._error_key, self._attempt_key(copy, again.get(copy, 1)))
                < conditions.errors
            }
            failed = sorted(broken.union(failed))
        return durations, failed

    def per_invocation_us(self, copies: list[int], again: dict[int, int]) -> int:
        """Work [us] of the invocation itself; it belongs to its first message and attempt."""
        if self._constant_invocation is not None:
            duration_us = self._constant_invocation
        else:
            key = self._attempt_key(copies[0], again.get(copies[0], 1))
            duration_us = self._draw_one(self._per_invocation, self._invocation_key, key)
        if self._conditions is None or self._conditions.slow == 1.0:
            return duration_us
        return round(duration_us * self._conditions.slow)

    @staticmethod
    def _draw_one(distribution: Distribution, stream_key: int, key: int) -> int:
        return int(draw(distribution, stream_key, np.array([key], dtype=np.uint64))[0])

    def _key(self, copy: int) -> int:
        message = self._ledger.message_of[copy]
        return self._ledger.block_of(message).key_of(message)

    def _attempt_key(self, copy: int, count: int) -> int:
        """Key of an attempt; what was redriven is new to its consumer, and meets another chance."""
        redrives = self._ledger.redrives.get(copy)
        return mix(self._key(copy), count, *(() if redrives is None else (redrives,)))

    def _turn_to(self, message: int) -> None:
        block = self._ledger.block_of(message)
        drawn = self._blocks.get(block.first)
        if drawn is None or block.first + len(drawn[0]) <= message:
            drawn = self._draw(block)
            if len(self._blocks) >= _BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[block.first] = drawn
        self._work, self._fails = drawn
        self._first, self._end = block.first, block.first + len(self._work)

    def _draw(self, block: Block) -> tuple[list[int], bytes]:
        keys = block.keys()
        fails = block.poison
        chance = self._chances.first(block)
        if not isinstance(chance, float) or chance:
            fails = fails | (uniform(self._failure_key, keys) < chance)
        return self._per_message.draw(block, self._work_key, keys).tolist(), fails.tobytes()

    def _draw_again(
        self, copies: list[int], again: dict[int, int], durations: list[int], failed: list[int]
    ) -> None:
        """Later attempts, and those after a redrive, are drawn one by one: they are rare."""
        for index, copy in enumerate(copies):
            count = again.get(copy, 1)
            if count == 1 and copy not in self._ledger.redrives:
                continue
            message = self._ledger.message_of[copy]
            block = self._ledger.block_of(message)
            key = self._attempt_key(copy, count)
            durations[index] = self._draw_one(self._per_message.part(block, message), self._work_key, key)
            poison = bool(block.poison[message - block.first])
            chance = self._chances.of_attempt(block, message, count)
            fails = poison or (chance > 0 and uniform_one(self._failure_key, key) < chance)
            if fails != (index in failed):
                if fails:
                    failed.append(index)
                else:
                    failed.remove(index)
        failed.sort()
