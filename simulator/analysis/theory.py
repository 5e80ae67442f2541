"""Closed forms to stand beside simulated values: Erlang B and C, Pollaczek-Khinchine, Little, ramps, fluids.

Times are in whatever unit the service time is given in (its default of 1 counts in service times).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


def erlang_b(servers: int, offered: float) -> float:
    """Share of calls lost by *servers* without a queue at *offered* load [Erlang] (recursion of Erlang B)."""
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered * blocked / (busy + offered * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability that a message waits: M/M/c at utilisation *load* (1 and above: all wait)."""
    if load >= 1:
        return 1.0
    blocked = erlang_b(servers, servers * load)
    return blocked / (1 - load * (1 - blocked))


def mmc_mean_wait(servers: int, load: float, service: float = 1.0) -> float:
    """Mean wait of M/M/c, all messages counted; inf at a load of 1 and above."""
    if load >= 1:
        return math.inf
    return erlang_c(servers, load) * service / (servers * (1 - load))


def mmc_wait_quantile(share: float, servers: int, load: float, service: float = 1.0) -> float:
    """Wait that *share* of messages do not exceed in M/M/c, first come first served."""
    if load >= 1:
        return math.inf
    waits = erlang_c(servers, load)
    if share <= 1 - waits:
        return 0.0
    return math.log(waits / (1 - share)) * service / (servers * (1 - load))


class FullSystem(NamedTuple):
    """A system with room for so many: share turned away, mean number there and waiting."""

    blocking: float
    present: float
    waiting: float


def mmck(servers: int, places: int, offered: float) -> FullSystem:
    """M/M/c/K: *places* in all, those in service among them, at *offered* load [Erlang].

    What finds all places taken is lost (a birth-death chain; Kleinrock 1975, 3.7).
    """
    weights = [1.0]
    for number in range(1, places + 1):
        weights.append(weights[-1] * offered / min(number, servers))
    total = math.fsum(weights)
    shares = [weight / total for weight in weights]
    return FullSystem(
        shares[-1],
        math.fsum(number * share for number, share in enumerate(shares)),
        math.fsum((number - servers) * share for number, share in enumerate(shares) if number > servers),
    )


def tandem_times(rate: float, stages: Sequence[tuple[int, float]]) -> list[float]:
    """Mean time in each stage of a line of M/M/c queues, each *(servers, mean service)*.

    What leaves an M/M/c queue is Poisson with its arrival rate (Burke 1956), so each stage is one by itself.
    """
    return [
        service + mmc_mean_wait(servers, rate * service / servers, service) for servers, service in stages
    ]


def feedback_time(rate: float, servers: int, service: float, again: float) -> float:
    """Mean time until the last of its visits is over in M/M/c whose messages come *again* with that chance.

    The number there is that of M/M/c at rate / (1 - again) (Jackson 1957); Little's law gives the time.
    """
    visits = 1 / (1 - again)
    load = rate * visits * service / servers
    return visits * (service + mmc_mean_wait(servers, load, service))


def setup_wait(load: float, service: float, scv: float, setup: float, setup_scv: float) -> float:
    """Mean wait of M/G/1 whose server sleeps when idle and takes *setup* to wake (Welch 1964; Doshi 1986)."""
    if load >= 1:
        return math.inf
    rate = load / service
    square = setup**2 * (1 + setup_scv)
    return pollaczek_khinchine_wait(load, service, scv) + (2 * setup + rate * square) / (
        2 * (1 + rate * setup)
    )


def setup_share(load: float, service: float, setup: float) -> float:
    """Share of messages that find such a server asleep."""
    return (1 - load) / (1 + load / service * setup)


def pollaczek_khinchine_wait(load: float, service: float = 1.0, scv: float = 1.0) -> float:
    """Mean wait of M/G/1; *scv* is the squared coefficient of variation of the service time."""
    return math.inf if load >= 1 else load * service * (1 + scv) / (2 * (1 - load))


def md1_mean_wait(load: float, service: float = 1.0) -> float:
    """Mean wait of M/D/1: constant service."""
    return pollaczek_khinchine_wait(load, service, 0.0)


def cobham_waits(loads: Sequence[float], residual: float) -> list[float]:
    """Mean wait of each class under non-pre-emptive priorities, highest first (Cobham 1954).

    Parameters
    ----------
    loads : sequence of float
        Utilisation by each class, all servers together: 1 is all of them.
    residual : float
        Mean time until a server is free for a message that comes first in line: sum of rate x mean square
        of service / 2 with one server, Erlang C x service / servers with several that are alike.
    """
    waits, above = [], 0.0
    for load in loads:
        below = above + load
        waits.append(math.inf if below >= 1 else residual / ((1 - above) * (1 - below)))
        above = below
    return waits


def little(rate: float, time: float) -> float:
    """Mean number present: arrival rate times mean time there."""
    return rate * time


def slots_needed(rate_per_s: float, work_s: float) -> float:
    """Mean number of slots that *rate_per_s* keeps busy with *work_s* each: Little's law for work."""
    return rate_per_s * work_s


def ceiling_per_s(
    slots: float, per_message_s: float, per_invocation_s: float = 0.0, batch: float = 1.0
) -> float:
    """Messages a second that *slots* can work in full batches, one message after another."""
    return slots * batch / (per_invocation_s + batch * per_message_s)


def ramp_area(seconds: float, start: float, growth_per_s: float, cap: float = math.inf) -> float:
    """Slot-seconds that a ramp from *start* by *growth_per_s* up to *cap* has offered after *seconds*."""
    rising = min(seconds, _rise(start, growth_per_s, cap))
    at_cap = (seconds - rising) * cap if seconds > rising else 0.0
    return start * rising + growth_per_s * rising**2 / 2 + at_cap


def ramp_drain_time(slot_seconds: float, start: float, growth_per_s: float, cap: float = math.inf) -> float:
    """Time in which such a ramp works off *slot_seconds* (messages x work / batch) [s]."""
    rising = _rise(start, growth_per_s, cap)
    risen = (start + cap) / 2 * rising if math.isfinite(rising) else math.inf
    if slot_seconds > risen:
        return rising + (slot_seconds - risen) / cap
    # the root of start t + growth t^2 / 2, in the form that does not cancel where growth is small
    return 2 * slot_seconds / (start + math.sqrt(start**2 + 2 * growth_per_s * slot_seconds))


def _rise(start: float, growth_per_s: float, cap: float) -> float:
    """How long the ramp rises [s]."""
    if cap <= start:
        return 0.0
    return (cap - start) / growth_per_s if growth_per_s > 0 else math.inf


class Fluid(NamedTuple):
    """A queue of water: its highest level, when, and when it is empty for good (inf: never)."""

    peak: float
    peak_at_s: float
    empty_at_s: float


def fluid_queue(
    segments: Sequence[tuple[float, float, float]], capacity_per_s: float, backlog: float = 0.0
) -> Fluid:
    """Backlog of arrivals that flow in evenly and are worked at *capacity_per_s*.

    Parameters
    ----------
    segments : sequence of (until_s, start_per_s, end_per_s)
        Rate of arrivals, linear in each segment, from 0 on; after the last nothing arrives.
    capacity_per_s : float
        Messages worked a second.
    backlog : float
        Messages standing at 0.
    """
    peak, peak_at, empty_at, now, level = backlog, 0.0, 0.0 if backlog <= 0 else math.nan, 0.0, backlog
    for until, start, end in segments:
        for part_until, part_start, part_end in _split(now, until, start, end, capacity_per_s):
            length = part_until - now
            change = ((part_start + part_end) / 2 - capacity_per_s) * length
            if level + change <= 0 < level:
                empty_at = now + _time_to_empty(level, part_start, part_end, length, capacity_per_s)
            elif level + change > 0:
                empty_at = math.nan
            level, now = max(0.0, level + change), part_until
            if level > peak:
                peak, peak_at = level, now
    if level > 0:
        empty_at = now + level / capacity_per_s if capacity_per_s > 0 else math.inf
    return Fluid(peak, peak_at, empty_at)


def _split(
    start_s: float, until_s: float, start: float, end: float, capacity: float
) -> list[tuple[float, float, float]]:
    """Cut a segment where its rate crosses the capacity."""
    if (start - capacity) * (end - capacity) >= 0:
        return [(until_s, start, end)]
    crossing = start_s + (until_s - start_s) * (capacity - start) / (end - start)
    return [(crossing, start, capacity), (until_s, capacity, end)]


def _time_to_empty(level: float, start: float, end: float, length: float, capacity: float) -> float:
    """When *level* reaches 0 under a rate that changes evenly from *start* to *end* [s]."""
    slope, excess = (end - start) / length, start - capacity
    if slope == 0:
        return level / -excess
    # level + excess t + slope t^2 / 2 = 0, the first root ahead; stable where slope is tiny
    root = math.sqrt(max(0.0, excess**2 - 2 * slope * level))
    return 2 * level / (root - excess)
