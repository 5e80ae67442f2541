"""The first line of an answer: the verdict in words, with three significant figures."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from simulator.analysis.answer import (
    Certainty,
    Consumer,
    Estimate,
    Event,
    FaultSpan,
    Setting,
    ThresholdResult,
    Verdict,
)

_OF_COSTS: Final = {"run": "of the run", "month": "a month", "per_million": "a million messages"}
_NAMES: Final[Mapping[str, str]] = {
    "end_to_end": "end-to-end",
    "send_delay": "send delay",
    "in_flight": "in flight",
    "duplicate_delivery": "duplicate deliveries",
    "duplicate_processing": "processed twice",
    "dead_lettered": "dead-lettered",
    "filtered_out": "filtered out",
    "invocation": "invocations",
    "out_of_order": "out of order",
    "failed_attempt": "failed attempts",
    "cold_start": "cold starts",
    "throttle": "throttles",
    "empty_receive": "empty receives",
    "throughput": "processed",
    "receives_per_copy": "receives per message",
    "in_service": "in service",
}
_LIMITS: Final[Mapping[str, str]] = {
    "ramp": "the polling ramp",
    "scaling_rate": "Lambda's scaling rate",
    "group_locked": "the message group lock",
    "call_tokens": "the queue's calls per second",
    "in_flight_cap": "the in-flight limit",
    "metric_lag": "the lag of metric and alarm",
    "booting": "booting instances",
    "maximum_size": "the maximum size",
    "mapping_cap": "the event source mapping's cap",
    "access_denied": "denied access",
    "provisioned_pollers": "the provisioned pollers",
    "error_backoff": "the back-off after errors",
    "downstream": "a downstream",
    "consumer_down": "a consumer that is down",
    "policy": "the scaling policy",
    "cooldown": "the cooldown",
    "rate_cap": "the requests a second of its concurrency",
    "transitions": "the quota of transitions",
    "starts": "the quota of StartExecution",
    "map_start_rate": "the start rate of the Map's children",
    "map_concurrency": "the concurrency of the Map",
    "prefetched": "the prefetch of other consumers",
    "failover": "the failover of the broker",
}
"""What a limit is called where its consumer has no words with its number."""
_BINDS: Final = 0.01
"""A limit that binds for a smaller share of the time explains nothing."""
_EXPLAINS: Final = 0.1
"""A limit that held a smaller share of the drain is not named with it."""


def significant(value: float, half_width: float = 0.0) -> str:
    """*value* with three significant figures, or as many as *half_width* of its interval supports.

    Without an exponent or zeros at the end.
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "-"
    order = math.floor(math.log10(abs(value)))
    figures = 3
    if 0 < half_width < math.inf:
        supported = math.floor(math.log10(half_width))
        supported -= half_width < 1.95 * 10.0**supported  # one digit of it, two where it starts with 1
        figures = min(3, max(1, order - supported + 1))
    text = f"{float(f'{value:.{figures}g}'):,.{max(0, figures - 1 - order)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float, half_width_s: float = 0.0) -> str:
    """A duration in the unit people would use: ``350 ms``, ``43.2 s``, ``4.64 min``, ``1.5 h``, ``3 d``."""
    for unit, name in ((86_400.0 * 2, "d"), (7_200.0, "h"), (59.95, "min"), (0.9995, "s")):
        if seconds >= unit:
            length = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0}[name]
            return f"{significant(max(1.0, seconds / length), half_width_s / length)} {name}"
    return f"{significant(seconds * 1e3, half_width_s * 1e3)} ms"


def quantity(value: float, unit: str, half_width: float = 0.0) -> str:
    """A number with its unit, no finer than the *half_width* of its interval supports."""
    if unit == "s":
        return duration(value, half_width)
    if unit == "share":
        return f"{significant(100 * value, 100 * half_width)}%"
    if unit == "USD":
        return f"{value:,.2f} USD"
    return f"{significant(value, half_width)}{'/s' if unit == '1/s' else ''}"


def in_words(estimate: Estimate) -> str:
    """An estimate's number."""
    if estimate.certainty is Certainty.NO_DATA:
        return "no data"
    if estimate.certainty is Certainty.NEVER:
        return "never"
    mark = "> " if estimate.certainty is Certainty.AT_LEAST else ""
    half_width = (estimate.high - estimate.low) / 2
    return mark + quantity(estimate.mean, estimate.unit, half_width if math.isfinite(half_width) else 0.0)


def name_of(key: str) -> str:
    """What people call a key: ``p99 end-to-end``, ``billing dead-lettered (throttle)``."""
    scope, _, tail = key.rpartition(" ")
    metric, brace, rest = tail.partition("{")
    label, _, statistic = rest.partition("}") if brace else ("", "", "")
    if not brace:
        metric, _, statistic = tail.partition(".")
    statistic = statistic.removeprefix(".")
    words = _NAMES.get(metric, metric.replace("_", " "))
    if label:
        words += f" ({label.partition('=')[2].replace('_', ' ')})"
    if metric in ("cost", "idle_cost") and statistic != "share":
        return f"{words} {_OF_COSTS.get(statistic, statistic)}"
    if statistic and statistic not in ("count", "share", "rate"):
        words = f"{statistic} {words}"
    return f"{_named(scope)} {words}" if scope else words


def _named(scope: str) -> str:
    """What people call a scope: the last part of its path, or the function whose own events it is about."""
    parts = scope.split(".")
    return parts[1] if parts[0] == "functions" and len(parts) == 3 else parts[-1]


def limit_words(limit: str, setting: Setting, queue: str) -> str:
    """What the consumers of a queue call a limit."""
    for consumer in setting.consumers:
        if consumer.queue == queue and limit in consumer.limit_words:
            return consumer.limit_words[limit]
    return _LIMITS.get(limit, limit.replace("_", " "))


def sentence(
    setting: Setting,
    thresholds: Sequence[ThresholdResult],
    estimates: Mapping[str, Estimate],
    overloaded: Sequence[str],
) -> str:
    """Verdict, cause, headline number and drain, in words.

    Parameters
    ----------
    overloaded : sequence of str
        Queues whose backlog still grows when arrivals end.
    """
    cause = _cause(setting, estimates, overloaded)
    numbers = _numbers(setting, estimates, thresholds, cause)
    parts = [part for part in (cause, ", ".join(numbers)) if part]
    text = "; ".join(parts)
    verdict = _verdict(thresholds)
    if not verdict:
        return text[:1].upper() + text[1:] if text else "No data"
    link = ", though" if cause and verdict.startswith("Holds") else ":"
    return f"{verdict}{link} {text}" if text else verdict


def _verdict(thresholds: Sequence[ThresholdResult]) -> str:
    count = len(thresholds)
    if not count:
        return ""
    crossed = sum(result.verdict is Verdict.CROSSED for result in thresholds)
    undecided = sum(result.verdict is Verdict.UNDECIDED for result in thresholds)
    if crossed:
        also = f", {undecided} undecided" if undecided else ""
        return f"Fails {f'{crossed} of {count} thresholds' if count > 1 else 'its threshold'}{also}"
    if undecided:
        return f"Undecided on {f'{undecided} of {count} thresholds' if count > 1 else 'its threshold'}"
    return f"Holds all {count} thresholds" if count > 1 else "Holds its threshold"


def _cause(setting: Setting, estimates: Mapping[str, Estimate], overloaded: Sequence[str]) -> str:
    """Name what outran which limit, where a backlog worth the name stood."""
    queue = _worst_queue(setting, estimates, overloaded)
    if not queue:
        return ""
    consumers = [consumer for consumer in setting.consumers if consumer.queue == queue]
    longest = longest_limit(consumers, estimates, queue)
    binds = longest is not None and longest[1].mean > _BINDS
    limit = limit_words(longest[0], setting, queue) if longest is not None and binds else ""
    if queue in overloaded:
        if not consumers:
            return f"{_named(queue)} has no consumer"
        return f"traffic outruns {limit or 'the consumers'} for good"
    event, fault = _event(setting), _fault(setting)
    if not limit:
        return ""
    if event is not None:
        label = f"peak of {event.label}" if event.label[:1].isdigit() else event.label
        return f"the {label} outruns {limit}"
    if fault is None:
        return f"traffic outruns {limit} at times"
    lasting = f" for {duration(fault.until_s - fault.from_s)}" if fault.until_s > fault.from_s else ""
    held = longest is not None and longest[0] not in ("consumer_down", "downstream")
    return f"{fault.words}{lasting}{f', then {limit} holds back' if held else ''}"


def _worst_queue(setting: Setting, estimates: Mapping[str, Estimate], overloaded: Sequence[str]) -> str:
    """The overloaded queue, or the one with the highest backlog above five seconds of its traffic."""

    def peak(queue: str) -> float:
        found, sent = estimates.get(f"{queue} backlog.max"), estimates.get(f"{queue} sent.count")
        if found is None or sent is None or math.isnan(found.mean):
            return 0.0
        return found.mean if found.mean > max(10.0, 5 * sent.mean / setting.duration_s) else 0.0

    scope = setting.headline.rpartition(" ")[0]
    candidates = [queue for queue in overloaded if queue in setting.queues] or list(setting.queues)
    if scope in candidates:
        candidates = [scope]
    worst = max(candidates, key=peak, default="")
    return worst if worst and (worst in overloaded or peak(worst) > 0) else ""


def _event(setting: Setting) -> Event | None:
    """The event from whose end the drain counts."""
    ended = [event for event in setting.events if math.isclose(event.until_s, setting.drain_from_s)]
    return ended[-1] if ended else None


def _fault(setting: Setting) -> FaultSpan | None:
    """The fault from whose end the drain counts."""
    ended = [fault for fault in setting.faults if math.isclose(fault.until_s, setting.drain_from_s)]
    return ended[-1] if ended else None


def _numbers(
    setting: Setting,
    estimates: Mapping[str, Estimate],
    thresholds: Sequence[ThresholdResult],
    cause: str,
) -> list[str]:
    """The headline, the first threshold that is crossed, and when it is empty."""
    crossed = [result.key for result in thresholds if result.verdict is Verdict.CROSSED][:1]
    keys = [key for key in dict.fromkeys([setting.headline, *crossed]) if key in estimates]
    numbers = [f"{name_of(key)} {in_words(estimates[key])}" for key in keys if not key.endswith("drain")]
    scope = setting.headline.rpartition(" ")[0]
    drain = estimates.get(f"{scope} drain".strip(), estimates.get("drain"))
    if drain is None or drain.certainty is Certainty.NO_DATA:
        return numbers
    event = _event(setting)
    if drain.certainty is Certainty.NEVER:
        numbers.append("never drained")
    elif drain.certainty is Certainty.AT_LEAST:
        numbers.append(drain.note.partition(",")[0])
    else:
        since = "it" if event or _fault(setting) else _instant(setting)
        numbers.append(f"drained {in_words(drain)} after {since}{_held(setting, estimates, scope, cause)}")
    return numbers


def _held(setting: Setting, estimates: Mapping[str, Estimate], scope: str, cause: str) -> str:
    """What held most of the drain: ``, 68% of that held by the polling ramp``; or nothing.

    A limit that the *cause* has named is not named again.
    """

    def drained(queue: str) -> float:
        found = estimates.get(f"{queue} drain")
        return -1.0 if found is None or math.isnan(found.mean) else found.mean

    queue = scope if scope in setting.queues else max(setting.queues, key=drained, default="")
    found = longest_limit(setting.consumers, estimates, queue, "drain_limit")
    if found is None or not found[1].mean >= _EXPLAINS:
        return ""
    limit, share = found
    name = limit_words(limit, setting, queue)
    held = "at that limit" if f" {name}" in cause else f"held by {name}"
    most = in_words(share)
    return f", {'all' if most == '100%' else most} of that {held}"


def longest_limit(
    consumers: Sequence[Consumer], estimates: Mapping[str, Estimate], queue: str, metric: str = "limit"
) -> tuple[str, Estimate] | None:
    """The limit that bound any consumer of a queue longest, arrivals left out, with its share.

    *metric* is ``limit`` for the run or ``drain_limit``; None where none ever bound.
    """
    best: tuple[str, Estimate] | None = None
    for consumer in consumers:
        prefix = f"{consumer.path} {metric}{{limit="
        for key, estimate in estimates.items():
            limit = key[len(prefix) :].partition("}")[0] if key.startswith(prefix) else "arrivals"
            if consumer.queue != queue or limit == "arrivals":
                continue
            if estimate.mean > (best[1].mean if best is not None else 0.0):
                best = limit, estimate
    return best


def _instant(setting: Setting) -> str:
    if setting.drain_from_s == 0:
        return "the start"
    return "arrivals end" if setting.drain_from_s >= setting.duration_s else duration(setting.drain_from_s)
