"""Lambda concurrency: account pool, reservations, request rate, scaling rate, warm environments.

Rules (AWS Lambda developer guide, "Understanding Lambda function scaling", "Lambda scaling behavior",
"Configuring reserved concurrency", "Lambda quotas"): an account has a concurrency quota, of which 100 must
stay unreserved; a function gets at most 1,000 new execution environments every 10 seconds, refilled
continuously and not saved up; the quota also allows 10 requests a second for each unit of it. Until November
2023 all functions of an account shared a burst of environments, refilled by 500 a minute. Which idle
environment is reused and how long it lives is not published: the most recently used one, for a fixed time.
Provisioned concurrency is taken from the account's pool whether it is used or not.
"""

from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from simulator.aws.quotas import TokenBucket

_SIXTIETHS: Final = 60
_TENTHS: Final = 10  # an environment in tokens of the scaling bucket: N every 10 s is N tenths a second


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


NO_ENVIRONMENT: Final = -1
PROVISIONED: Final = -2


class Environments:
    """Execution environments of one function that are idle; the most recently used one is reused first.

    An environment that stayed idle for its whole lifetime is gone at that very instant. One that is older
    than *max_age_us* is not used again: Lambda recycles environments every few hours, also busy functions'.

    Parameters
    ----------
    idle_lifetime_us : int
        How long an idle environment stays warm [us].
    max_age_us : int, optional
        Age [us] at which one is recycled; None: never.
    provisioned : int
        Environments of provisioned concurrency: always warm, and taken first.
    ready_at : int
        When those are set up [us].
    """

    __slots__ = (
        "_born_at",
        "_idle_from",
        "_provisioned",
        "_ready_at",
        "_renewed_at",
        "idle_lifetime_us",
        "max_age_us",
    )

    def __init__(
        self,
        idle_lifetime_us: int,
        max_age_us: int | None = None,
        *,
        provisioned: int = 0,
        ready_at: int = 0,
    ) -> None:
        self.idle_lifetime_us = idle_lifetime_us
        self.max_age_us = max_age_us
        self._provisioned = provisioned
        self._ready_at = ready_at
        self._idle_from: list[int] = []  # ascending: the last one was used most recently
        self._born_at: list[int] = []  # of the same environments
        self._renewed_at = 0  # older ones are not used again

    def renew(self, now: int) -> None:
        """New code at *now* [us]: no environment of before is used again, provisioned ones aside."""
        self._idle_from.clear()
        self._born_at.clear()
        self._renewed_at = now

    def acquire(self, now: int) -> int:
        """Take a warm environment: `PROVISIONED` or when it was created [us]; else `NO_ENVIRONMENT`."""
        if self._provisioned and now >= self._ready_at:
            self._provisioned -= 1
            return PROVISIONED
        idle_from, born = self._idle_from, self._born_at
        while idle_from:
            if idle_from[-1] + self.idle_lifetime_us <= now:
                idle_from.clear()  # the youngest is past its lifetime, so all are
                born.clear()
                break
            idle_from.pop()
            born_at = born.pop()
            if self.max_age_us is None or born_at + self.max_age_us > now:
                return born_at
        return NO_ENVIRONMENT

    def release(self, now: int, environment: int) -> None:
        """Keep an environment warm from *now* [us] on; calls come in the order of time."""
        if environment == PROVISIONED:
            self._provisioned += 1
        elif environment >= self._renewed_at and (
            self.max_age_us is None or environment + self.max_age_us > now
        ):
            self._idle_from.append(now)
            self._born_at.append(environment)

    def idle(self, now: int) -> int:
        """Number of warm idle environments."""
        ready = self._provisioned if now >= self._ready_at else 0
        warm = bisect_right(self._idle_from, now - self.idle_lifetime_us)
        if self.max_age_us is None:
            return ready + len(self._idle_from) - warm
        return ready + sum(born_at + self.max_age_us > now for born_at in self._born_at[warm:])


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
    burst, burst_per_minute : int
        New environments of all functions at once, and a minute after that (rules until November 2023);
        None: no such limit.
    """

    __slots__ = ("burst", "limit", "rate", "rps_per_concurrency", "unreserved", "unreserved_running")

    def __init__(
        self,
        limit: int | None,
        reserved: Mapping[str, int],
        *,
        unreserved_minimum: int = 100,
        rps_per_concurrency: int | None = 10,
        burst: int | None = None,
        burst_per_minute: int = 500,
    ) -> None:
        problem = reservation_problem(limit, reserved, unreserved_minimum)
        if problem:
            raise ValueError(problem)
        self.limit = limit
        self.rps_per_concurrency = rps_per_concurrency
        self.unreserved = None if limit is None else limit - sum(reserved.values())
        self.unreserved_running = 0
        self.rate = self.request_rate(limit)
        # An environment is sixty tokens: N a minute is N tokens a second.
        self.burst = None if burst is None else TokenBucket(burst_per_minute, burst * _SIXTIETHS)

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
    provisioned : int
        Its provisioned concurrency: without a reservation, units of the pool that are its own.

    Attributes
    ----------
    environment : int
        What the last invocation that was admitted runs in; to be given back with ``end``.
    """

    __slots__ = (
        "_account",
        "_provisioned",
        "_rate",
        "_scale",
        "_scale_cost",
        "environment",
        "environments",
        "reserved",
        "running",
    )

    def __init__(
        self,
        account: Account,
        reserved: int | None,
        environments: Environments,
        scale_per_10s: int | None = 1000,
        *,
        provisioned: int = 0,
    ) -> None:
        self._account = account
        self.reserved = reserved
        self.environments = environments
        self.environment = NO_ENVIRONMENT
        self.running = 0
        # A reservation is the function's own quota: its request rate is counted apart too.
        self._rate = account.rate if reserved is None else account.request_rate(reserved)
        self._scale, self._scale_cost = account.burst, _SIXTIETHS
        if self._scale is None and scale_per_10s is not None:
            self._scale, self._scale_cost = TokenBucket(scale_per_10s, scale_per_10s * _TENTHS), _TENTHS
        self._provisioned = provisioned if reserved is None else 0
        account.unreserved_running += self._provisioned

    def invoke(self, now: int) -> Admission:
        """Ask for one invocation at *now* [us]; when admitted it runs until ``end``."""
        reserved = self.reserved
        account = self._account
        pooled = reserved is None and self.running >= self._provisioned
        if reserved is not None:
            if self.running >= reserved:
                return Admission.THROTTLED_RESERVED
        elif pooled and account.unreserved is not None and account.unreserved_running >= account.unreserved:
            return Admission.THROTTLED_ACCOUNT
        if self._rate is not None and not self._rate.take(now):
            return Admission.THROTTLED_RATE
        admission = Admission.WARM
        environment = self.environments.acquire(now)
        if environment == NO_ENVIRONMENT:
            if self._scale is not None and not self._scale.take(now, self._scale_cost):
                return Admission.THROTTLED_SCALING
            admission = Admission.COLD
            environment = now
        self.environment = environment
        self.running += 1
        if pooled:
            account.unreserved_running += 1
        return admission

    def end(self, now: int, environment: int) -> None:
        """The invocation in *environment* ends at *now* [us]; the environment stays warm."""
        self.running -= 1
        if self.reserved is None and self.running >= self._provisioned:
            self._account.unreserved_running -= 1
        self.environments.release(now, environment)

    def next_admission_at(self, now: int) -> int:
        """The first instant [us] from *now* at which neither request rate nor scaling rate refuses.

        Says nothing of reserved and account concurrency: those are free again when an invocation ends.
        """
        at = now if self._rate is None else self._rate.next_at(now)
        if self._scale is not None and not self.environments.idle(now):
            at = max(at, self._scale.next_at(now, self._scale_cost))
        return at
