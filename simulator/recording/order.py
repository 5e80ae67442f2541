"""Which successes came out of order, told from chunk to chunk."""

import numpy as np

_GROUPS = 1 << 32


class SuccessOrder:
    """Remembers, for every queue and group, the latest send time among copies that succeeded.

    A copy is out of order when it succeeds after a later-sent copy of its group, or of its queue where
    there are no groups. Rows come in the order their fates were known, so the answer does not depend on
    where a chunk ends.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}

    def late(
        self, queue: np.ndarray, group: np.ndarray, sent_at: np.ndarray, succeeded: np.ndarray
    ) -> np.ndarray:
        """Whether each success is out of order; all arrays of shape (n,), result int8 of shape (n,)."""
        late = np.zeros(len(queue), dtype=np.int8)
        rows = np.flatnonzero(succeeded)
        if not len(rows):
            return late
        line = queue[rows].astype(np.int64) * _GROUPS + group[rows] + 1
        by_line = np.argsort(line, kind="stable")
        rows, line = rows[by_line], line[by_line]
        starts = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
        keys = line[starts].tolist()
        sent = sent_at[rows]
        never = int(sent.min()) - 1
        before = np.array([self._latest.get(key, never) for key in keys], dtype=np.int64)
        # One running maximum serves all lines: each gets a floor above everything in the line before.
        # A line's memory stands in front of its copies.
        lowest = min(never, int(before.min()))
        span = max(int(sent.max()), int(before.max())) - lowest + 1
        floor = np.repeat(np.arange(len(keys)) * span, np.diff(np.r_[starts, len(line)]) + 1)
        memory = starts + np.arange(len(keys))
        values = np.insert(sent, starts, before) - lowest + floor
        running = np.maximum.accumulate(values)
        copies = np.ones(len(values), dtype=bool)
        copies[memory] = False
        late[rows] = (values[1:] < running[:-1])[copies[1:]]
        last = np.r_[memory[1:], len(values)] - 1
        self._latest.update(zip(keys, (running[last] - floor[last] + lowest).tolist(), strict=True))
        return late
