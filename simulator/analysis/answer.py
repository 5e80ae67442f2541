"""What an experiment answers: numbers with their uncertainty, verdicts, series; all a report needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import pandas as pd


class Certainty(Enum):
    """What kind of number an estimate is."""

    INTERVAL = "interval"
    """mean with a 95% interval over replications"""
    EXACT = "exact"
    """no chance in it (one value in every replication)"""
    AT_LEAST = "at_least"
    """censored: the true value is above ``mean``; no interval"""
    NEVER = "never"
    """falls among messages that were dead-lettered or lost, or a drain that does not come"""
    NONE_SEEN = "none_seen"
    """a count of zero in all runs; ``high`` is the bound 3/n"""
    NO_DATA = "no_data"
    """nothing to say: prints as a dash"""


@dataclass(frozen=True)
class Estimate:
    """One number of an answer.

    ``mean``, ``low`` and ``high`` are in ``unit`` (``s``, ``1/s``, ``1``, ``share``, ``bytes``);
    ``nan`` where there is none. ``replications`` is the number of runs behind it, ``note`` what a
    person must know beside it ("empty in 7 of 10 runs"). ``values`` has one number a replication, in
    their order (``nan``: no data, ``inf``: never or unfinished), where the range over runs is of use.
    """

    mean: float
    low: float
    high: float
    unit: str
    certainty: Certainty
    replications: int
    note: str = ""
    values: Sequence[float] = ()


class Verdict(Enum):
    """What became of a threshold."""

    HOLDS = "holds"
    CROSSED = "crossed"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class ThresholdResult:
    """A threshold in the scenario's own words, the number it was held against, and the verdict."""

    text: str
    key: str
    bound: float
    estimate: Estimate
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True)
class Event:
    """A span (or an instant, where both are equal) worth marking under every time chart [s].

    ``fault`` is the name of the fault that it is, if it is one.
    """

    label: str
    from_s: float
    until_s: float
    fault: str = ""


@dataclass(frozen=True)
class FaultSpan:
    """A fault, for charts: its name, what it does in words, and when [s]; an instant has equal ends.

    ``path`` is what it meets: ``functions.charge``, ``queues.billing``, ``metrics``.
    """

    name: str
    words: str
    from_s: float
    until_s: float
    path: str = ""


@dataclass(frozen=True)
class Consumer:
    """A consumer of the scenario, in the words of charts.

    ``path`` is ``functions.charge.event_sources.billing`` or ``auto_scaling_groups.fraud``,
    ``settings`` one line for a subtitle, ``ceiling_per_s`` the messages a second its largest size
    can work (nan if unknown) and ``ceiling`` the same as arithmetic in words. ``limit_words`` are
    what a chart calls its limits: ``{"ramp": "ramp +300/min", "maximum_size": "fleet max 40"}``.
    ``start_up`` has the expected stages from the decision to service, in order, and ``warm_up_s`` how long
    its policies do not count on a new instance after that [s]. ``caps`` are ceilings besides ``maximum``,
    in the unit of it: ``{"account concurrency": 1000}``.
    """

    path: str
    kind: str
    queue: str
    settings: str
    ceiling_per_s: float
    ceiling: str
    maximum: float
    workers_per_instance: int = 1
    limit_words: Mapping[str, str] = field(default_factory=dict)
    start_up: Mapping[str, float] = field(default_factory=dict)
    warm_up_s: float = 0.0
    caps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class EmailAccount:
    """An SES account, in the words of charts: quotas in recipients, and the shares that AWS acts at.

    ``volume`` is how many recipients these shares are taken over.
    """

    path: str
    settings: str
    rate_per_s: float
    daily: float
    volume: int
    bounce_review: float
    bounce_pause: float
    complaint_review: float
    complaint_pause: float


@dataclass(frozen=True)
class Workflow:
    """A workflow of Step Functions or SWF, in the words of charts.

    ``states`` are its tasks and waits by path; ``transitions_per_s`` is the account's refill for transitions
    (nan: no such quota).
    """

    path: str
    settings: str
    states: Mapping[str, str]
    transitions_per_s: float


@dataclass(frozen=True)
class Broker:
    """A broker of Amazon MQ, in the words of charts; ``queues`` are the paths of its queues.

    ``memory_mib`` (inf: no limit) and ``store_mib`` are what it may hold before producers wait [MiB],
    ``connections`` the most that the scenario has.
    """

    path: str
    settings: str
    queues: Sequence[str]
    memory_mib: float
    store_mib: float
    connections: int


@dataclass(frozen=True)
class Downstream:
    """A downstream, in the words of charts; nan where it has no such bound.

    ``connections`` is its pool, ``parallelism`` the calls it serves at full speed, ``rate_per_s`` the calls a
    second that it takes.
    """

    path: str
    settings: str
    connections: float
    parallelism: float
    rate_per_s: float


@dataclass(frozen=True)
class Subscriber:
    """A subscription, in the words of reports.

    ``endpoint`` is what it delivers to: ``queue billing``; ``dead_letter`` is the name of its dead-letter
    queue ("": none), ``subscribers`` how many endpoints get each message.
    """

    path: str
    topic: str
    name: str
    endpoint: str
    dead_letter: str = ""
    subscribers: int = 1


@dataclass(frozen=True)
class ClosedForm:
    """What a formula says a simulated curve should show, drawn as an open circle beside it.

    ``scope`` and ``quantity`` name the curve as in ``series``; ``text`` is the formula in words.
    """

    scope: str
    quantity: str
    at_s: float
    value: float
    text: str


@dataclass(frozen=True)
class Setting:
    """What a report must know of the scenario it is about.

    ``drain_from_s`` is the instant from which the drain counts [s], ``in_flight_limits`` and
    ``visibility_timeouts_s`` are by queue path, ``held_up`` says that senders may be heard later than they
    wanted: by a FIFO queue's quota, a batch's linger, a retry.
    """

    name: str
    question: str
    duration_s: float
    seed: int
    replications: int
    rules: str
    version: str
    traffic: str
    consumers: Sequence[Consumer]
    queues: Sequence[str]
    dead_letter_queues: Sequence[str]
    events: Sequence[Event]
    headline: str
    variant: str = ""
    drain_from_s: float = float("nan")
    in_flight_limits: Mapping[str, float] = field(default_factory=dict)
    visibility_timeouts_s: Mapping[str, float] = field(default_factory=dict)
    held_up: bool = False
    faults: Sequence[FaultSpan] = ()
    downstreams: Sequence[Downstream] = ()
    subscribers: Sequence[Subscriber] = ()
    email: Sequence[EmailAccount] = ()
    brokers: Sequence[Broker] = ()
    workflows: Sequence[Workflow] = ()


@dataclass(frozen=True)
class Line:
    """A line of a bill: quantity times unit price.

    ``price`` is that of ``per`` units [USD] and ``rule`` its entry in the price list ("": none is known, and
    the line costs nothing; ``note`` says why). ``run`` and ``month`` are quantities, ``free`` is what of the
    month's nothing is paid for; ``idle_usd`` is the part of ``month_usd`` that pays for waiting.
    """

    service: str
    what: str
    unit: str
    price: float
    per: float
    rule: str
    run: Estimate
    run_usd: Estimate
    month: Estimate
    free: Estimate
    month_usd: Estimate
    idle_usd: Estimate
    note: str = ""


@dataclass(frozen=True)
class Bill:
    """What a scenario costs; ``messages`` are those of its producers, by run."""

    lines: Sequence[Line] = ()
    free_tier: bool = False
    messages: Sequence[float] = ()


class Spell(NamedTuple):
    """A time in ALARM [s]."""

    from_s: float
    until_s: float


@dataclass(frozen=True)
class Rehearsal:
    """One alarm after all runs.

    ``fired`` and ``missed`` are shares of the runs: those in which it rang at all, and of those with trouble
    the ones in which it did not ring from then on. ``delay`` is from the first fault to its ringing,
    ``lead`` from its ringing to the first harm (negative: it came after) [s], ``false_alarms`` a number a
    run. ``fitting`` are the thresholds from which to which it would have rung before the first harm in every
    run and never falsely; None where there is none. ``spells``, ``seen`` (instants [s] and published values)
    and the two instants are the first run's.
    """

    name: str
    metric: str
    condition: str
    threshold: float
    fired: Estimate
    delay: Estimate
    lead: Estimate
    false_alarms: Estimate
    missed: Estimate
    fitting: tuple[float, float] | None
    spells: Sequence[Spell]
    seen_s: Sequence[float]
    seen: Sequence[float]
    trouble_s: float
    harm_s: float


@dataclass(frozen=True)
class Answer:
    """Everything said about one scenario (or one variant of it).

    ``estimates`` has keys as in thresholds, ``[scope ' '] metric ['{' cause=... '}'] ['.' statistic]``:
    ``wait.p95``, ``queues.billing wait.p95``, ``duplicate_delivery{cause=failure}.count``.

    ``series`` is long: columns ``scope``, ``quantity``, ``replication``, ``at_s`` (start of the bin),
    ``value``. ``tails`` is long: ``scope``, ``metric``, ``replication``, ``share`` (of messages that
    took longer), ``value_s``. ``limits`` is long: ``scope`` (a consumer), ``replication``, ``at_s``,
    ``limit`` (name), ``share`` of the bin.

    ``bin_s`` is the width of the bins of ``series`` and ``limits`` [s]. ``points`` are what CloudWatch
    would show of replication 0, one a minute: columns ``namespace``, ``metric``, ``dimension``,
    ``name``, ``statistic``, ``at_s``, ``value``. ``differences`` (variant minus base, paired by
    replication, in the estimate's unit) and ``changes`` (the same as a share of the base) are filled
    for the variants of a comparison; an interval that holds 0 is no difference seen. ``alarms`` are
    the scenario's alarms, rehearsed. ``bill`` is what it costs.
    """

    setting: Setting
    estimates: Mapping[str, Estimate]
    thresholds: Sequence[ThresholdResult]
    series: pd.DataFrame
    tails: pd.DataFrame
    limits: pd.DataFrame
    assumptions: Sequence[str] = field(default_factory=tuple)
    warnings: Sequence[str] = field(default_factory=tuple)
    sentence: str = ""
    bin_s: float = float("nan")
    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    closed_forms: Sequence[ClosedForm] = ()
    differences: Mapping[str, Estimate] = field(default_factory=dict)
    changes: Mapping[str, Estimate] = field(default_factory=dict)
    alarms: Sequence[Rehearsal] = ()
    bill: Bill = Bill()
