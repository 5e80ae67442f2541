"""What tasks of workflows send: each call is a message of its own, a child of the execution's."""

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.processes.children import Child, Send
from simulator.sampling.streams import mix


class TaskSend(Send):
    """What one task sends: to a queue, to a topic, to another workflow, or as its calls of a function."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._waiting: dict[int, Callable[[str], None]] = {}  # who waits for answers, by message

    def say(self, now: int, parent: int, key: int, accepted: Callable[[str], None] | None = None) -> int:
        """Send one message for the execution whose copy is *parent*, at *now* [us]; give its number.

        *key* is that of the task's entry or try; *accepted* is called with "" when the service has it.
        """
        ledger = self._children.ledger
        message = ledger.message_of[parent]
        block = ledger.block_of(message)
        known = self._bases.get(block.producer)
        base = 0 if known is None else known[block.attributes[message - block.first]]
        said = ledger.messages
        if accepted is not None:
            self._waiting[said] = accepted
        self._say(now, [parent], np.array([mix(key, self._stage)], dtype=np.uint64), [base])
        return said

    def over(self, message: int, copies: int) -> None:
        """A task has ended with a function, whose calls for *message* were so many *copies*."""
        child = self._open.get(message)
        if child is not None:
            self.told(child, self._children.ledger.offered_at[message], copies)

    def told(self, child: Child, now: int, copies: int) -> None:
        """A child was accepted at *now* [us] and becomes *copies*."""
        super().told(child, now, copies)
        accepted = self._waiting.pop(child.message, None)
        if accepted is not None:
            accepted("")
