"""Lambda concurrency: account pool, reservations, request rate, scaling rate, warm environments.

Rules (AWS Lambda developer guide, "Understanding Lambda function scaling", "Lambda scaling behavior",
"Configuring reserved concurrency", "Lambda quotas"): an account has a concurrency quota, of which 100 must
stay unreserved; a function gets at most 1,000 new execution environments every 10 seconds, refilled
continuously and not saved up; the quota also allows 10 requests a second for each unit of it. Which idle
environment is reused and how long it lives is not published: the most recently used one, for a fixed time.
"""

from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum

from simulator.aws.quotas import TokenBucket

_TENTHS = 10  # an environment in tokens of the scaling bucket: N every 10 s is N tenths a second


class Admission(IntEnum):
    """What became of an invocation: run, warm or cold, or refused, and by which gate."""

    WARM = 0
    COLD = 1
    THROTTLED_RESERVED = 2
    THROTTLED_ACCOUNT = 3
    THROTTLED_SCALING = 4
    THROTTLED_RATE = 5

    @property
    def admitted(self) -> bool:
        """Whether the invocation runs."""
        return self <= Admission.COLD


class Environments:
    """Idle execution environments of one function; the most recently used one is reused first.

    An environment that stayed idle for its whole lifetime is gone at that very instant.

    Parameters
    ----------
    idle_lifetime_us : int
        How long an idle environment stays warm [us].
    """

    __slots__ = ("_idle_from", "idle_lifetime_us")

    def __init__(self, idle_lifetime_us: int) -> None:
        self.idle_lifetime_us = idle_lifetime_us
        self._idle_from: list[int] = []  # ascending: the last one was used most recently

    def acquire(self, now: int) -> bool:
        """Take the most recently used warm environment; False when there is none."""
        idle_from = self._idle_from
        if not idle_from:
            return False
        if idle_from[-1] + self.idle_lifetime_us > now:
            idle_from.pop()
            return True
        idle_from.clear()  # the youngest is past its lifetime, so all are
        return False

    def release(self, now: int) -> None:
        """Keep an environment warm from *now* [us] on; calls come in the order of time."""
        self._idle_from.append(now)

    def idle(self, now: int) -> int:
        """Number of warm idle environments."""
        return len(self._idle_from) - bisect_right(self._idle_from, now - self.idle_lifetime_us)


def reservation_problem(limit: int | None, reserved: Mapping[str, int], unreserved_minimum: int = 100) -> str:
    """Why AWS refuses these reservations, or an empty string.

    Parameters
    ----------
    limit : int or None
        Concurrency quota of the account; None: none.
    reserved : mapping
        Reserved concurrency by function.
    unreserved_minimum : int
        What must be left to functions without a reservation.
    """
    total = sum(reserved.values())
    if limit is None or not total or limit - total >= unreserved_minimum:
        return ""
    names = ", ".join(f"{name} {count}" for name, count in reserved.items())
    most = max(0, limit - unreserved_minimum)
    return (
        f"reserved concurrency adds up to {total} ({names}) of the account's {limit}; "
        f"at least {unreserved_minimum} must stay unreserved, so at most {most} can be reserved"
    )


class Account:
    """Concurrency of an account in one region: what is reserved, and the pool of all other functions.

    Parameters
    ----------
    limit : int or None
        Concurrency quota; None: no limit (and then no request rate either).
    reserved : mapping
        Reserved concurrency by function; ValueError with the reason where AWS refuses it.
    unreserved_minimum : int
        What must be left unreserved.
    rps_per_concurrency : int or None
        Requests a second allowed for each unit of concurrency quota; None: any number.
    """

    __slots__ = ("limit", "rate", "rps_per_concurrency", "unreserved", "unreserved_running")

    def __init__(
        self,
        limit: int | None,
        reserved: Mapping[str, int],
        *,
        unreserved_minimum: int = 100,
        rps_per_concurrency: int | None = 10,
    ) -> None:
        problem = reservation_problem(limit, reserved, unreserved_minimum)
        if problem:
            raise ValueError(problem)
        self.limit = limit
        self.rps_per_concurrency = rps_per_concurrency
        self.unreserved = None if limit is None else limit - sum(reserved.values())
        self.unreserved_running = 0
        self.rate = self.request_rate(limit)

    def request_rate(self, concurrency: int | None) -> TokenBucket | None:
        """The bucket of requests that *concurrency* units of quota allow: a second's worth at once."""
        if concurrency is None or self.rps_per_concurrency is None:
            return None
        per_s = concurrency * self.rps_per_concurrency
        return TokenBucket(per_s, per_s)


class FunctionConcurrency:
    """Admission of one function's invocations, gate by gate.

    The gates are asked in this order: reserved concurrency (or the account's unreserved pool), request
    rate, warm environment, scaling rate. An invocation that the scaling rate refuses has spent its request.

    Parameters
    ----------
    account : Account
        Where the function runs; shared by its functions.
    reserved : int or None
        Reserved concurrency of this function; None: it draws on the unreserved pool.
    environments : Environments
        Its idle execution environments.
    scale_per_10s : int or None
        New environments every 10 seconds; None: any number.
    """

    __slots__ = ("_account", "_rate", "_scaling", "environments", "reserved", "running")

    def __init__(
        self,
        account: Account,
        reserved: int | None,
        environments: Environments,
        scale_per_10s: int | None = 1000,
    ) -> None:
        self._account = account
        self.reserved = reserved
        self.environments = environments
        self.running = 0
        # A reservation is the function's own quota: its request rate is counted apart too.
        self._rate = account.rate if reserved is None else account.request_rate(reserved)
        self._scaling = None if scale_per_10s is None else TokenBucket(scale_per_10s, scale_per_10s * _TENTHS)

    def invoke(self, now: int) -> Admission:
        """Ask for one invocation at *now* [us]; when admitted it runs until ``end``."""
        reserved = self.reserved
        account = self._account
        if reserved is not None:
            if self.running >= reserved:
                return Admission.THROTTLED_RESERVED
        elif account.unreserved is not None and account.unreserved_running >= account.unreserved:
            return Admission.THROTTLED_ACCOUNT
        if self._rate is not None and not self._rate.take(now):
            return Admission.THROTTLED_RATE
        admission = Admission.WARM
        if not self.environments.acquire(now):
            if self._scaling is not None and not self._scaling.take(now, _TENTHS):
                return Admission.THROTTLED_SCALING
            admission = Admission.COLD
        self.running += 1
        if reserved is None:
            account.unreserved_running += 1
        return admission

    def end(self, now: int) -> None:
        """An invocation ends at *now* [us]; its environment stays warm."""
        self.running -= 1
        if self.reserved is None:
            self._account.unreserved_running -= 1
        self.environments.release(now)

    def next_admission_at(self, now: int) -> int:
        """The first instant [us] from *now* at which neither request rate nor scaling rate refuses.

        Says nothing of reserved and account concurrency: those are free again when an invocation ends.
        """
        at = now if self._rate is None else self._rate.next_at(now)
        if self._scaling is not None and not self.environments.idle(now):
            at = max(at, self._scaling.next_at(now, _TENTHS))
        return at
