"""Promises a scenario makes: ``queues.billing wait.p95 < 2m``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.scenario.problems import findings_of, nearest_or_known, refuse, shown
from simulator.scenario.units import COUNT, DURATION, MONEY, NUMBER, RATE, SHARE, Unit, kind_of

_QUANTILES: Final = ("p50", "p95", "p99", "p99.9")
_TIMES: Final = dict.fromkeys((*_QUANTILES, "mean", "max"), DURATION)
_AMOUNT: Final = {"count": COUNT, "rate": RATE}
_LEVEL: Final = {"mean": NUMBER, "max": NUMBER}

_MEAN: Final = {"mean": DURATION}
_RARE: Final = {"count": COUNT, "share": SHARE}
_COUNT: Final = {"count": COUNT}
_CAUSES: Final = (
    "visibility_timeout", "failure", "batch_mate", "throttle", "crash", "lost_answer", "access_denied",
)  # fmt: skip

_LIMITS: Final = (
    "arrivals", "ramp", "maximum_concurrency", "reserved_concurrency", "account_concurrency", "scaling_rate",
    "group_locked", "call_tokens", "in_flight_cap", "metric_lag", "booting", "maximum_size", "mapping_cap",
    "access_denied", "provisioned_pollers", "error_backoff", "downstream", "consumer_down", "policy",
    "cooldown", "rate_cap", "transitions", "starts", "map_start_rate", "map_concurrency",
    "prefetched", "store_sync", "memory_full", "store_full", "failover",
)  # fmt: skip

RUN, QUEUE, SOURCE, MAPPING, GROUP = "run", "queue", "source queue", "event source", "group"
ALARM: Final = "alarm"
SUBSCRIPTION: Final = "subscription"
LINE: Final = "function's events"
"""What comes to a function without a queue: asked as a source queue, and as its consumer."""
DOWNSTREAM: Final = "downstream"
EMAIL: Final = "SES account"
BROKER: Final = "broker"
WORKFLOW: Final = "workflow"
STATE: Final = "state of a workflow"
_DOWNSTREAMS: Final = (DOWNSTREAM, EMAIL)
_QUEUES: Final = (RUN, QUEUE, SOURCE)
_FAILING: Final = (*_QUEUES, SUBSCRIPTION)
_CONSUMERS: Final = (MAPPING, GROUP)


class Metric(NamedTuple):
    """A number a threshold can be about.

    ``statistics`` are its statistics with the unit of the bound ("": none is written), ``scopes`` what it
    can be asked of, ``label`` the name of its label and ``values`` what that may be.
    """

    meaning: str
    statistics: Mapping[str, Unit]
    scopes: tuple[str, ...]
    label: str = ""
    values: tuple[str, ...] = ()


METRICS: Final[Mapping[str, Metric]] = {
    "offered": Metric("messages producers wanted to send", _AMOUNT, (RUN,)),
    "accepted": Metric("messages the topic or queue took", _AMOUNT, (RUN,)),
    "refused": Metric("messages refused for good", _AMOUNT, (RUN,)),
    "deduplicated": Metric("messages a FIFO topic or queue had already", _AMOUNT, (RUN,)),
    "sent": Metric("copies that came into queues", _AMOUNT, _QUEUES),
    "throughput": Metric("first successful processings", _AMOUNT, _QUEUES),
    "wait": Metric(
        "from sent to the start of the first processing", _TIMES, (RUN, SOURCE), "tenants", ("quiet", "noisy")
    ),
    "noisy_tenants": Metric("tenants that fair queues have marked as noisy", _LEVEL, (RUN, SOURCE)),
    "end_to_end": Metric("from offered to the end of the first success", _TIMES, (RUN, SOURCE)),
    "send_delay": Metric("from offered to sent", _TIMES, (RUN, SOURCE)),
    "drain": Metric("from the peak's end until its backlog is gone", {"": DURATION}, (RUN, SOURCE)),
    "backlog": Metric("visible and delayed messages", _LEVEL, _QUEUES),
    "in_flight": Metric("received and not yet deleted or visible again", _LEVEL, _QUEUES),
    "duplicate_delivery": Metric(
        "deliveries of a copy after its first", _RARE, _QUEUES, "cause",
        (*_CAUSES, "at_least_once", "redrive", "sender_retry", "loop", "failover", "rollback"),
    ),
    "duplicate_processing": Metric("successes of a copy after its first", _RARE, _QUEUES),
    "published": Metric("messages that its topic published to a subscription", _COUNT, (SUBSCRIPTION,)),
    "delivered": Metric("of these: delivered", _RARE, (SUBSCRIPTION,)),
    "retried": Metric("attempts of deliveries after the first", _COUNT, (SUBSCRIPTION,)),
    "dead_letter_failed": Metric(
        "lost because the dead-letter queue of the subscription refused them", _COUNT, (SUBSCRIPTION,)
    ),
    "under_way": Metric("neither delivered nor given up at the end of the run", _RARE, (SUBSCRIPTION,)),
    "delivery_latency": Metric("from offered to delivered by SNS", _TIMES, (SUBSCRIPTION,)),
    "dead_lettered": Metric(
        "copies moved to a dead-letter queue", _RARE, _FAILING, "cause",
        (*_CAUSES, "event_age", "loop", "retries_used_up", "client_error"),
    ),
    "lost": Metric(
        "copies gone unprocessed", _RARE, _FAILING, "cause",
        (
            "retention", "access_denied", "event_age", "failure", "crash", "throttle", "loop",
            "retries_used_up", "client_error", "time_to_live", "subscription_disabled", "spending_limit",
            "failover_loss", "execution_failed", "execution_timed_out", "history_full",
        ),
    ),
    "filtered_out": Metric(
        "copies deleted by the event filters of a mapping, without an invocation; of a subscription: "
        "messages that its filter policy keeps out",
        _RARE,
        _FAILING,
    ),
    "out_of_order": Metric("copies processed after a later-sent one of their group", _RARE, _QUEUES),
    "failed_attempt": Metric("processings, or tries to deliver, that failed on their own", _RARE, _FAILING),
    "receives_per_copy": Metric("deliveries of a copy", {"mean": NUMBER}, _QUEUES),
    "inversion": Metric("messages received while one of a higher class was visible", _RARE, _QUEUES),
    "starvation": Metric(
        "longest time in which a class had messages waiting and none was received",
        {"": DURATION},
        (RUN, SOURCE),
    ),
    "empty_receive": Metric("receives that found nothing", {"count": COUNT}, (*_QUEUES, *_CONSUMERS)),
    "invocation": Metric("runs of a handler", {"count": COUNT}, (*_QUEUES, *_CONSUMERS)),
    "throttle": Metric("invocations refused by a quota", {"count": COUNT}, (*_QUEUES, *_CONSUMERS)),
    "cold_start": Metric("invocations in a new environment", _RARE, (*_QUEUES, *_CONSUMERS)),
    "busy": Metric("batches worked at once", _LEVEL, _CONSUMERS),
    "utilisation": Metric(
        "busy share of the workers there are; of a downstream: of its connections, else of its parallelism",
        {"": SHARE}, (*_CONSUMERS, DOWNSTREAM),
    ),
    "billed": Metric("billed duration of an invocation of a function, init and run", _MEAN, (MAPPING, LINE)),
    "billed_gb_s": Metric(
        "memory of a function times its billed durations [GB-s]", {"count": COUNT}, (MAPPING, LINE)
    ),
    "own_work": Metric("of an invocation's time per message: its own", _MEAN, _CONSUMERS),
    "downstream": Metric("of an invocation's time per message: served by downstreams", _MEAN, _CONSUMERS),
    "waiting": Metric(
        "of an invocation's time per message: in downstreams' lines, in pauses between tries",
        _MEAN, _CONSUMERS,
    ),
    "calls": Metric("calls that messages needed", _AMOUNT, _DOWNSTREAMS),
    "failed_calls": Metric("calls that failed for good", _AMOUNT | _RARE, _DOWNSTREAMS),
    "tries": Metric("tries of calls", _AMOUNT, _DOWNSTREAMS),
    "answered_tries": Metric("tries answered well and in time", _AMOUNT, _DOWNSTREAMS),
    "refused_tries": Metric("tries beyond the rate (429)", _AMOUNT | _RARE, _DOWNSTREAMS),
    "timed_out_tries": Metric("tries given up by their callers", _AMOUNT | _RARE, _DOWNSTREAMS),
    "failed_tries": Metric("tries answered with an error", _AMOUNT | _RARE, _DOWNSTREAMS),
    "served": Metric("tries in service, each with a connection", _LEVEL, _DOWNSTREAMS),
    "line": Metric("tries in line for a connection or the rate", _LEVEL, _DOWNSTREAMS),
    "try_time": Metric("how long callers waited for a try", _MEAN, _DOWNSTREAMS),
    "open_breakers": Metric("circuit breakers that are not closed", {"mean": NUMBER}, _DOWNSTREAMS),
    "transitions": Metric("transitions of states, retries included", _AMOUNT, (WORKFLOW,)),
    "throttled_transitions": Metric("transitions that waited for a token", _RARE, (WORKFLOW,)),
    "refused_starts": Metric("StartExecution calls refused by the quota", {"count": COUNT}, (WORKFLOW,)),
    "executions": Metric("executions that run", _LEVEL, (WORKFLOW,)),
    "map_children": Metric("children of distributed Maps that run", _LEVEL, (WORKFLOW,)),
    "waiting_transitions": Metric("transitions whose turn has not come", _LEVEL, (WORKFLOW,)),
    "entries": Metric("entries of a state that it was left from", {"count": COUNT}, (STATE,)),
    "retries": Metric("tries of a state after the first of an entry", {"count": COUNT}, (STATE,)),
    "failed_entries": Metric("failures of a state that were not tried again", {"count": COUNT}, (STATE,)),
    "in_state": Metric("how long an entry of a state lasts", {"mean": DURATION, "total": DURATION}, (STATE,)),
    "prefetched": Metric("messages pushed to consumers and not begun", _LEVEL, (BROKER,)),
    "store": Metric("size of the persistent messages a broker holds, in MiB", _LEVEL, (BROKER,)),
    "memory": Metric("size of the messages in a broker's memory, in MiB", _LEVEL, (BROKER,)),
    "connections": Metric("connections to a broker", {"max": NUMBER}, (BROKER,)),
    "sends_waiting": Metric("messages whose producers have no answer of the broker yet", _LEVEL, (BROKER,)),
    "per_sync": Metric("messages that one sync of the store writes", {"mean": NUMBER}, (BROKER,)),
    "failing_over": Metric("share of the time in which the broker failed over", {"share": SHARE}, (BROKER,)),
    "recipients": Metric("recipients of mails that SES took", _AMOUNT, (EMAIL,)),
    "over_quota": Metric(
        "calls that SES refused for a quota", _RARE, (EMAIL,), "quota", ("rate", "daily", "paused")
    ),
    "daily_used": Metric("recipients of the last 24 hours", {"max": NUMBER}, (EMAIL,)),
    "hard_bounce": Metric("recipients that bounced for good", _RARE, (EMAIL,)),
    "soft_bounce": Metric("recipients that SES gave up in the end", _RARE, (EMAIL,)),
    "complaint": Metric("recipients that complained", _RARE, (EMAIL,)),
    "arrived": Metric("recipients that got the mail", _RARE, (EMAIL,)),
    "bounce_rate": Metric("hard bounces among the last recipients", {"max": SHARE}, (EMAIL,)),
    "complaint_rate": Metric("complaints among the last recipients", {"max": SHARE}, (EMAIL,)),
    "standing": Metric(
        "share of the time in which the account stood so", {"share": SHARE}, (EMAIL,), "as",
        ("under_review", "paused"),
    ),
    "concurrency": Metric("batches the mapping may work at once", _LEVEL, (MAPPING,)),
    "in_service": Metric("instances at work", _LEVEL, (GROUP,)),
    "desired": Metric("instances wanted", _LEVEL, (GROUP,)),
    "booting": Metric("instances starting", _LEVEL, (GROUP,)),
    "reaction": Metric(
        "from the burst's start until more instances were asked for, or the first of them was in service",
        {"": DURATION}, (GROUP,), "stage", ("decided", "in_service"),
    ),
    "cost": Metric(
        "what AWS charges: for the run, for a month at this load, for a million messages of producers",
        {"run": MONEY, "month": MONEY, "per_million": MONEY}, (RUN,), "service",
        ("sqs", "sns", "lambda", "ec2", "fargate", "kubernetes", "ses", "mq", "step_functions", "cloudwatch"),
    ),
    "idle_cost": Metric(
        "of a month's cost: polls that found nothing, and machines while they did nothing",
        {"month": MONEY, "share": SHARE}, (RUN,),
    ),
    "fired": Metric("runs in which the alarm rang", {"share": SHARE}, (ALARM,)),
    "missed": Metric("runs with trouble in which it did not ring from then on", {"share": SHARE}, (ALARM,)),
    "alarm_delay": Metric("from the begin of the trouble until it rang", {"": DURATION}, (ALARM,)),
    "alarm_lead": Metric("from its ringing to the first harm", {"": DURATION}, (ALARM,)),
    "false_alarm": Metric("times it rang without trouble or harm nearby", {"count": COUNT}, (ALARM,)),
    "limit": Metric(
        "share of the time this was the binding limit; of a broker: what its producers waited for",
        {"share": SHARE},
        (*_CONSUMERS, BROKER),
        "limit",
        _LIMITS,
    ),
    "drain_limit": Metric(
        "share of the drain this was the binding limit", {"share": SHARE}, _CONSUMERS, "limit", _LIMITS
    ),
}  # fmt: skip
_GRAMMAR: Final = re.compile(
    r"(?:(?P<scope>[A-Za-z0-9_.-]+) +)?(?P<metric>[a-z_]+)(?:\{(?P<label>[a-z_]+)=(?P<value>[a-z_]+)\})?"
    r"(?:\.(?P<statistic>[a-z0-9._]+))? *(?P<op><=|>=|==|<|>) *(?P<bound>\S+)"
)


@dataclass(frozen=True)
class Threshold:
    """A bound on one number of the answer.

    ``key`` is the number's key in ``summary.json``. ``bound`` is in the number's unit there: seconds,
    1/s, a share in 0 to 1, a count.
    """

    text: str
    key: str
    scope: str
    metric: str
    label: tuple[str, str] | None
    statistic: str
    op: str
    bound: float
    unit: str


def parse(text: object) -> Threshold:
    """Read a threshold."""
    if not isinstance(text, str):
        raise refuse(f"is {kind_of(text)}; a threshold such as wait.p95 < 2m is due")
    found = _GRAMMAR.fullmatch(text.strip())
    if not found:
        example = "queues.orders wait.p95 < 2m"
        raise refuse(f"is {shown(text)}; write [scope] metric[.statistic] < quantity, such as {example}")
    name, statistic, scope = found["metric"], found["statistic"] or "", found["scope"] or ""
    if name not in METRICS:
        raise refuse(f"is {shown(text)}; {shown(name)} is no metric, {nearest_or_known(name, METRICS)}")
    metric = METRICS[name]
    if statistic not in metric.statistics:
        due = " or ".join(f"{name}.{known}" if known else name for known in metric.statistics)
        raise refuse(f"is {shown(text)}; write {due}")
    label = _label(text, name, found["label"], found["value"])
    unit = metric.statistics[statistic]
    try:
        bound = float(unit.parse(found["bound"]))
    except PydanticCustomError as error:
        raise refuse(f"is {shown(text)}; its bound {findings_of(error)[0].message}") from None
    return Threshold(
        text=text.strip(),
        key=f"{scope} {name}".strip() + _written(label) + (f".{statistic}" if statistic else ""),
        scope=scope,
        metric=name,
        label=label,
        statistic=statistic,
        op=found["op"],
        bound=bound / 1_000_000 if unit is DURATION else bound,
        unit={DURATION: "s", RATE: "1/s", SHARE: "share", MONEY: "USD"}.get(unit, "1"),
    )


def _written(label: tuple[str, str] | None) -> str:
    return f"{{{label[0]}={label[1]}}}" if label else ""


def _label(text: str, name: str, label: str | None, value: str | None) -> tuple[str, str] | None:
    metric = METRICS[name]
    if label is None or value is None:
        if metric.label in ("limit", "stage", "as"):
            statistic = "" if metric.label == "stage" else ".share"
            example = f"{name}{{{metric.label}={metric.values[1]}}}{statistic}"
            raise refuse(f"is {shown(text)}; say which {metric.label}, such as {example}")
        return None
    if label != metric.label:
        hint = f"write {name}{{{metric.label}=...}}" if metric.label else f"{name} has no labels"
        raise refuse(f"is {shown(text)}; {hint}")
    if value not in metric.values:
        hint = nearest_or_known(value, metric.values)
        raise refuse(f"is {shown(text)}; {value} is no {label} of {name}, {hint}")
    return label, value


def _of_lines(allowed: tuple[str, ...]) -> bool:
    return SOURCE in allowed or set(_CONSUMERS) <= set(allowed)


def scope_problem(threshold: Threshold, scopes: Mapping[str, str]) -> str:
    """Say what is wrong with a threshold's scope; "" if nothing is.

    *scopes* are the paths of a scenario and what each is, one of the scopes of `Metric`.
    """
    allowed = METRICS[threshold.metric].scopes
    of_lines = _of_lines(allowed)
    known = [
        path
        for path, kind in scopes.items()
        if kind in allowed
        or (kind in (LINE, WORKFLOW) and of_lines)
        or (SUBSCRIPTION in allowed and "topics." in path)
    ]
    if not threshold.scope:
        if RUN in allowed:
            return ""
        return f"is {shown(threshold.text)}; say of which consumer, {nearest_or_known('', known)}"
    if threshold.scope not in scopes:
        hint = nearest_or_known(threshold.scope, known)
        return f"is {shown(threshold.text)}; there is no {shown(threshold.scope)}, {hint}"
    if threshold.scope not in known:
        kind = scopes[threshold.scope]
        return f"is {shown(threshold.text)}; {threshold.metric} is not known of {threshold.scope}, a {kind}"
    return ""


ThresholdText = Annotated[
    Threshold,
    BeforeValidator(lambda value: value if isinstance(value, Threshold) else parse(value)),
    WithJsonSchema({"type": "string"}),
]
