"""A broker's message store and memory: group commit, how fast it is, and when producers have to wait."""


class GroupCommit:
    """Persistent sends wait for the sync of the disk; all that wait when one begins share it.

    So one producer that waits for each answer sends 1 / *sync_us*, and k of them k times that, until the
    transfer of their bytes or the broker's processor is what lasts (Amazon MQ guide, storage).

    Parameters
    ----------
    sync_us : int
        Latency of a sync [us]: EFS about 12.5 ms, EBS about 2 ms (1 / published rate of a producer).
    bytes_per_s : int
        Throughput of the storage, which binds instead when all bytes of a sync last longer. 0: no bound.
    message_us : float
        Processor time of the broker for a message [us].
    """

    __slots__ = ("_bytes_per_s", "_message_us", "_sync_us", "_waiting", "busy_until")

    def __init__(self, sync_us: int, bytes_per_s: int, message_us: float) -> None:
        self._sync_us = sync_us
        self._bytes_per_s = bytes_per_s
        self._message_us = message_us
        self._waiting: dict[int, int] = {}
        self.busy_until = 0

    @property
    def waiting(self) -> int:
        """Sends that wait for the next sync."""
        return len(self._waiting)

    def add(self, number: int, size_bytes: int) -> None:
        """The send *number* waits for a sync."""
        self._waiting[number] = size_bytes

    def skip(self, number: int) -> bool:
        """A consumer acknowledged before the sync began: nothing is written; False if it was too late."""
        return self._waiting.pop(number, None) is not None

    def begin(self, now: int) -> list[int]:
        """Begin a sync at *now* [us], which ends at ``busy_until``; the sends it is for."""
        numbers, size_bytes = list(self._waiting), sum(self._waiting.values())
        self._waiting.clear()
        transfer_us = size_bytes * 1_000_000 // self._bytes_per_s if self._bytes_per_s else 0
        self.busy_until = now + max(self._sync_us, transfer_us, int(len(numbers) * self._message_us))
        return numbers


class Processor:
    """Sends that wait for no disk: each producer's own rate, and the broker's processor for all.

    Parameters
    ----------
    send_us : int
        How long a producer's send takes [us]: 1 / 5,000 s (1 / published rate of a producer in memory).
    message_us : float
        Processor time of the broker for a message [us].
    """

    __slots__ = ("_busy_until", "_message_us", "_send_us")

    def __init__(self, send_us: int, message_us: float) -> None:
        self._send_us = send_us
        self._message_us = message_us
        self._busy_until = 0.0

    def send(self, now: int) -> int:
        """When a send that begins at *now* [us] is done [us]."""
        self._busy_until = max(self._busy_until, float(now)) + self._message_us
        return max(now + self._send_us, round(self._busy_until))


class Usage:
    """What a broker holds, against its limits: producers wait while one is reached (flow control).

    The store has every persistent message that is not acknowledged. Memory has all that are not persistent,
    and of the others those that were pushed to consumers.

    Parameters
    ----------
    memory_bytes, store_bytes : int
        The limits; a memory limit of 0 stands for none (producerFlowControl off).
    """

    __slots__ = ("memory", "memory_bytes", "store", "store_bytes")

    def __init__(self, memory_bytes: int, store_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self.store_bytes = store_bytes
        self.memory = self.store = 0

    @property
    def memory_full(self) -> bool:
        """Whether producers wait for memory."""
        return 0 < self.memory_bytes <= self.memory

    @property
    def store_full(self) -> bool:
        """Whether producers of persistent messages wait for the store."""
        return self.store >= self.store_bytes
