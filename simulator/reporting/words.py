"""Numbers as people write them: three significant figures, k and M, durations, intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from simulator.analysis.answer import Certainty, Estimate

DASH: Final = "–"
"""No data."""

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86400.0

METRICS: Final = {
    "end_to_end": "end-to-end",
    "wait": "wait",
    "send_delay": "send delay",
    "backlog": "backlog",
    "in_flight": "in flight",
    "duplicate_delivery": "duplicate deliveries",
    "duplicate_processing": "processed twice",
    "dead_lettered": "dead-lettered",
    "lost": "lost",
    "filtered_out": "filtered out",
    "invocation": "invocations",
    "out_of_order": "out of order",
    "failed_attempt": "failed attempts",
    "cold_start": "cold starts",
    "throttle": "throttles",
    "empty_receive": "empty receives",
    "drain": "drain",
    "cost": "cost",
    "idle_cost": "cost of waiting",
    "sent": "sent",
    "offered": "offered",
    "throughput": "processed",
    "utilisation": "utilisation",
    "own_work": "own work a message",
    "downstream": "at downstreams a message",
    "waiting": "waiting for downstreams a message",
    "calls": "calls",
    "failed_calls": "calls failed for good",
    "tries": "tries of calls",
    "answered_tries": "tries answered",
    "refused_tries": "tries refused (429)",
    "timed_out_tries": "tries timed out",
    "failed_tries": "tries answered with an error",
    "served": "calls in service",
    "line": "calls in line",
    "try_time": "time of a try",
    "open_breakers": "open circuit breakers",
    "published": "published",
    "delivered": "delivered",
    "retried": "retries of deliveries",
    "dead_letter_failed": "refused by the dead-letter queue",
    "under_way": "under way",
    "delivery_latency": "delivery latency",
    "recipients": "recipients",
    "over_quota": "refused by SES",
    "daily_used": "recipients in 24 h",
    "hard_bounce": "hard bounces",
    "soft_bounce": "given up by SES",
    "complaint": "complaints",
    "arrived": "mails that arrived",
    "bounce_rate": "bounce rate",
    "complaint_rate": "complaint rate",
    "standing": "time",
    "transitions": "transitions",
    "throttled_transitions": "throttled transitions",
    "refused_starts": "refused starts",
    "executions": "open executions",
    "map_children": "children of Maps",
    "waiting_transitions": "waiting transitions",
    "entries": "entries of the state",
    "retries": "retries",
    "failed_entries": "failures not tried again",
    "in_state": "time in the state",
    "prefetched": "pushed and not begun",
    "store": "store, MiB",
    "memory": "memory, MiB",
    "connections": "connections",
    "sends_waiting": "sends without an answer",
    "per_sync": "messages of a sync",
    "failing_over": "failing over",
}
"""What people call a metric."""

COSTS: Final = {"run": "of the run", "month": "a month", "per_million": "a million messages", "share": ""}

LIMITS: Final = {
    "arrivals": "arrivals",
    "ramp": "polling ramp",
    "maximum_concurrency": "maximum concurrency",
    "reserved_concurrency": "reserved concurrency",
    "account_concurrency": "account concurrency",
    "scaling_rate": "scaling rate",
    "group_locked": "locked message group",
    "call_tokens": "calls per second",
    "in_flight_cap": "in-flight limit",
    "metric_lag": "metric + alarm lag",
    "booting": "boot",
    "maximum_size": "maximum size",
    "mapping_cap": "event source mapping cap",
    "access_denied": "access denied",
    "provisioned_pollers": "provisioned pollers",
    "error_backoff": "back-off after errors",
    "downstream": "downstream",
    "consumer_down": "consumer down",
    "policy": "scaling policy",
    "cooldown": "cooldown",
    "rate_cap": "requests a second",
    "transitions": "transitions/s",
    "starts": "StartExecution quota",
    "map_start_rate": "start rate of the Map",
    "map_concurrency": "concurrency of the Map",
    "prefetched": "prefetch of others",
    "store_sync": "syncs of the store",
    "memory_full": "memory full",
    "store_full": "store full",
    "failover": "failover",
}
"""What people call a binding limit, where the answer gives no words with its number."""


def significant(value: float, digits: int = 3) -> str:
    """Return *value* with *digits* significant figures, grouped by thousands, without an exponent."""
    if value < 0:
        return f"−{significant(-value, digits)}"
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else DASH
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    places = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, places)}f}"


def number(value: float, digits: int = 3) -> str:
    """Return a count or a rate: ``0.35``, ``667``, ``14,900``, ``389 k``, ``2.45 M``."""
    if not math.isfinite(value):
        return DASH
    if value < 0:
        return f"−{number(-value, digits)}"
    if value == round(value) and abs(value) < 10**digits:
        return f"{value:,.0f}"
    divisor, suffix = _thousands(value)
    return significant(value / divisor, digits) + suffix


def money(usd: float) -> str:
    """Return US dollars: to the cent, less than ten cents with three figures: ``1,234.56``, ``0.00187``."""
    if not math.isfinite(usd):
        return DASH
    return significant(usd) if 0 < abs(usd) < 0.1 else f"{usd:,.2f}".replace("-", "−")


def tick(value: float, largest: float) -> str:
    """Return a count as a tick of an axis that ends at *largest*: ``400 k`` on one to 430,000."""
    if value == 0:
        return "0"
    divisor, suffix = (1.0, "")
    for candidate, word in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if largest >= max(candidate, 1e4):
            divisor, suffix = candidate, word
            break
    return f"{value / divisor:,.10g}{suffix}"


def duration(seconds: float, digits: int = 3) -> str:
    """Return a duration: ``350 ms``, ``43.2 s``, ``4.64 min``, ``1 h 30``, ``2 d 3 h``."""
    if not math.isfinite(seconds):
        return "never" if seconds > 0 else DASH
    if seconds == 0:
        return "0 s"
    if seconds < 0:
        return f"−{duration(-seconds, digits)}"
    unit, name = _time_unit(seconds)
    if unit < _HOUR:
        # 59.97 s is past the border of rounding: 1 min, not 0.999 min
        amount = max(1.0, seconds / unit) if unit > 1e-6 else seconds / unit
        return f"{_trimmed(amount, digits)} {name}"
    if unit < _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / _HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def instant(seconds: float) -> str:
    """Return an instant of a run as a tick says it: ``0``, ``45 min``, ``1 h``, ``1 h 30``."""
    if seconds == 0:
        return "0"
    if seconds < 2 * _MINUTE and seconds % _MINUTE:
        return f"{seconds:g} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.3g} min"
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"


def percent(share: float, digits: int = 3) -> str:
    """Return a share in percent: ``1.07 %``."""
    return f"{_trimmed(100 * share, digits)} %" if math.isfinite(share) else DASH


def one_in(share: float) -> str:
    """Return a share as people grasp it: ``98.8 %``, ``1 in 93``, ``1 in 13,000``."""
    if not math.isfinite(share) or share <= 0:
        return "none" if share == 0 else DASH
    return percent(share) if share >= 0.1 else f"1 in {significant(1 / share, 2)}"


def value(estimate: Estimate) -> str:
    """Return an estimate's number with no more digits than its interval supports."""
    certainty = estimate.certainty
    if certainty is Certainty.NO_DATA:
        return DASH
    if certainty is Certainty.NEVER or estimate.mean == math.inf:
        return "never"
    if certainty is Certainty.NONE_SEEN:
        return "0"
    if math.isnan(estimate.mean):
        return DASH
    text = _scaled(estimate, estimate.mean, _value_digits(estimate))
    return f"> {text}" if certainty is Certainty.AT_LEAST else text


def interval(estimate: Estimate) -> str:
    """Return an estimate's interval in the unit of its value: ``[4.2, 5.1]``; what stands in its place."""
    certainty = estimate.certainty
    if certainty is Certainty.NONE_SEEN:
        return f"[0, {_bound(estimate)}]" if math.isfinite(estimate.high) else "none seen"
    if certainty is Certainty.EXACT:
        return "exact"
    if certainty is Certainty.NO_DATA or certainty is Certainty.NEVER:
        return ""
    if certainty is Certainty.AT_LEAST:
        return "at least"
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return "one run" if estimate.replications == 1 else "no interval"
    low, high = ends(estimate)
    return f"[{low}, {high}]"


def ends(estimate: Estimate) -> tuple[str, str]:
    """Return both ends of an interval in the unit of the mean, with digits of their own."""
    if estimate.unit == "USD":
        return money(estimate.low), money(estimate.high)
    divisor = _divisor(estimate)
    if estimate.unit == "s" and divisor >= _HOUR:
        return duration(estimate.low), duration(estimate.high)
    half = (estimate.high - estimate.low) / 2 / divisor
    largest = max(abs(estimate.low), abs(estimate.high)) / divisor
    if half <= 0 or largest == 0:
        text = _plain(estimate.mean / divisor, _places(largest, 3))
        return text, text
    # four figures, or as many more as it takes to tell the ends apart
    places = min(_interval_places(half), max(_places(largest, 4), -math.floor(math.log10(half))))
    if estimate.unit == "1" and divisor == 1 and largest >= 10:
        places = min(places, 1)
    return _plain(estimate.low / divisor, places), _plain(estimate.high / divisor, places)


def plus_minus(estimate: Estimate) -> str:
    """Return the half-width with two digits of its own: ``± 0.35``."""
    half = (estimate.high - estimate.low) / 2 / _divisor(estimate)
    return f"± {significant(half, 2)}" if math.isfinite(half) else ""


def signed(estimate: Estimate) -> str:
    """Return a difference with its sign: ``+8.33 min``, ``−1,064``."""
    text = value(estimate)
    return f"+{text}" if estimate.mean > 0 and not text.startswith(">") else text


def in_millionths(estimate: Estimate) -> Estimate:
    """Return a share as an estimate of messages per million."""
    mean, low, high = (1e6 * share for share in (estimate.mean, estimate.low, estimate.high))
    return replace(estimate, mean=mean, low=low, high=high, unit="1")


def shortened(name: str, length: int = 28) -> str:
    """Return *name*, its middle left out where it is longer than *length*."""
    if len(name) <= length:
        return name
    half = (length - 1) // 2
    return f"{name[: length - 1 - half]}…{name[-half:]}"


EVENTS: Final = {"async": "events", "invoke": "calls", "tasks": "tasks"}
"""What comes to a function without a queue, by the last part of its path."""


def plain_name(path: str) -> str:
    """Return the last part of a path, ``billing`` of ``queues.billing``; or ``charge events``."""
    name = path.rpartition(".")[2]
    if path.startswith("functions.") and name in EVENTS:
        return f"{path.split('.')[1]} {EVENTS[name]}"
    return name


def queue_words(path: str, length: int = 24) -> str:
    """Return where something waits: ``queue billing``, ``function charge events``."""
    kinds = {"functions": "function", "topics": "subscription", "workflows": "workflow"}
    kind = kinds.get(path.partition(".")[0], "queue")
    return f"{kind} {shortened(plain_name(path), length)}"


def thing(path: str) -> str:
    """Return what people call a thing: ``function charge``, ``group fraud``, ``queue billing``."""
    if ".subscriptions." in path:
        return f"subscription {plain_name(path)}"
    kind, _, name = path.partition(".")
    kind = {"auto_scaling_groups": "group", "ecs_services": "service"}.get(kind, kind.removesuffix("s"))
    return f"{kind} {name.partition('.')[0]}"


def listed(parts: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def limit(name: str, words: Mapping[str, str] | None = None) -> str:
    """Return what people call a binding limit; *words* are the answer's own."""
    key = name.lower()
    return (words or {}).get(key) or LIMITS.get(key) or key.replace("_", " ")


def key_parts(key: str) -> tuple[str, str, str, str]:
    """Split ``[scope ' '] metric ['{' label '}'] ['.' statistic]`` into its four parts."""
    scope, _, rest = key.rpartition(" ")
    before, brace, after = rest.partition("{")
    if brace:
        label, _, tail = after.partition("}")
        return scope, before, label, tail.removeprefix(".")
    metric, _, statistic = rest.partition(".")
    return scope, metric, "", statistic


def key_name(key: str) -> str:
    """Return what people call a key: ``p99 end-to-end`` of ``queues.billing end_to_end.p99``."""
    _, metric, label, statistic = key_parts(key)
    name = METRICS.get(metric, metric.replace("_", " "))
    if metric in ("cost", "idle_cost"):
        what = "" if not label else f", {label.partition('=')[2]}"
        return f"{name} {COSTS.get(statistic, statistic)}".rstrip() + what
    if label:
        name = f"{name}, {label.partition('=')[2] or label}"
    if statistic in ("", "count", "share", "rate"):
        return name
    if statistic == "max" and metric in ("backlog", "in_flight"):
        return f"{name} peak"
    return f"{statistic} {name}"


def _thousands(value: float) -> tuple[float, str]:
    for divisor, suffix in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        # 999,600 reads 1.00 M, not 1,000 k
        if abs(value) >= 0.9995 * divisor and abs(value) >= 99_950:
            return divisor, suffix
    return 1.0, ""


def _time_unit(seconds: float) -> tuple[float, str]:
    # the borders leave room for rounding: 59.97 s reads 1.00 min, not 60.0 s
    size = abs(seconds)
    if size < 0.9995e-3:
        return 1e-6, "µs"
    if size < 0.9995:
        return 1e-3, "ms"
    if size < 59.95:
        return 1.0, "s"
    if size < 59.95 * _MINUTE:
        return _MINUTE, "min"
    return (_HOUR, "h") if size < 2 * _DAY else (_DAY, "d")


def _trimmed(value: float, digits: int) -> str:
    """Significant figures; a whole number stays one: 15 min, but 7.0 min for 6.98."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 * abs(value) else significant(value, digits)


def _small_share(estimate: Estimate) -> bool:
    return not math.isfinite(estimate.mean) or abs(estimate.mean) < 1e-3


def _divisor(estimate: Estimate) -> float:
    if not math.isfinite(estimate.mean):
        return 1.0
    if estimate.unit == "s":
        return _time_unit(estimate.mean)[0] if estimate.mean else 1.0
    if estimate.unit == "share":
        return 1e-6 * _thousands(estimate.mean * 1e6)[0] if _small_share(estimate) else 0.01
    return _thousands(estimate.mean)[0]


def _scaled(estimate: Estimate, amount: float, digits: int) -> str:
    if estimate.unit == "s":
        return duration(amount, digits)
    if estimate.unit == "share":
        if _small_share(estimate):
            return f"{number(amount * 1e6, digits)} per M" if amount else "0"
        return percent(amount, digits)
    return f"{money(amount)} USD" if estimate.unit == "USD" else number(amount, digits)


def _value_digits(estimate: Estimate) -> int:
    """Return how many significant figures (at most three) the interval supports."""
    divisor = _divisor(estimate)
    half, mean = (estimate.high - estimate.low) / 2 / divisor, abs(estimate.mean) / divisor
    if not math.isfinite(half) or half <= 0 or mean == 0:
        return 3
    return max(1, min(3, math.floor(math.log10(mean)) + 1 + _interval_places(half)))


def _interval_places(half: float) -> int:
    """Return decimal places for an interval: one digit of its half-width, two where that starts with 1."""
    exponent = math.floor(math.log10(half))
    leading = half / 10**exponent
    return -exponent + (1 if leading < 1.95 else 0)


def _places(largest: float, digits: int) -> int:
    return digits - 1 - (math.floor(math.log10(largest)) if largest > 0 else 0)


def _plain(value: float, places: int) -> str:
    text = f"{round(value, places) + 0.0:,.{max(0, places)}f}"
    return "0" if not text.strip("-0.,") else text.replace("-", "−")


def _bound(estimate: Estimate) -> str:
    if estimate.unit == "share":
        return f"{number(estimate.high * 1e6, 2)} per M"
    return significant(estimate.high, 2)
