"""Who got what a topic published: counts of each subscription, and how long its deliveries took."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty, Estimate, Setting, Subscriber
from simulator.analysis.histogram import joined
from simulator.analysis.partial import QUANTITY, Ending, Field, Frame
from simulator.analysis.replication import Durations, Quantile, Replication
from simulator.recording.tables import Cause, Quantity
from simulator.scenario.schema import Scenario
from simulator.scenario.subscriptions import Subscription

_S: Final = 1e6

COUNTS: Final = {
    "published": Quantity.PUBLISHED,
    "filtered_out": Quantity.KEPT_OUT,
    "delivered": Quantity.DELIVERED,
    "retried": Quantity.RETRIED,
    "failed_attempt": Quantity.FAILED_TO_DELIVER,
    "dead_lettered": Quantity.DEAD_LETTERED,
    "dead_letter_failed": Quantity.DEAD_LETTER_FAILED,
    "lost": Quantity.LOST,
}
"""Totals of a run by the metric that they are asked for as."""

FATES: Final = ("filtered_out", "delivered", "dead_lettered", "lost", "under_way")
"""What becomes of a published message: each is one of these."""

CAUSES: Final = (
    Cause.ACCESS_DENIED,
    Cause.RETRIES_USED_UP,
    Cause.CLIENT_ERROR,
    Cause.FAILURE,
    Cause.TIME_TO_LIVE,
    Cause.SUBSCRIPTION_DISABLED,
    Cause.SPENDING_LIMIT,
)
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def endings(scenario: Scenario) -> dict[str, Ending]:
    """Where the times of each subscription's deliveries are found, by its path."""
    found = {}
    for name, topic in scenario.topics.items():
        for key, one in topic.subscriptions.items():
            path = f"topics.{name}.subscriptions.{key}"
            found[path] = Ending(
                _timed(path, one), one.http is not None, _shared(scenario, name, key), one.count or 1
            )
    return found


def _timed(path: str, one: Subscription) -> str:
    if one.queue is not None:
        return f"queues.{one.queue}"
    if one.function is not None:
        return f"functions.{one.function}.async"
    return "" if one.kind == "count" else path


def _shared(scenario: Scenario, topic: str, key: str) -> bool:
    """Whether its queue or function gets messages from others too."""
    mine = scenario.topics[topic].subscriptions[key]
    end = mine.queue or mine.function
    if end is None:
        return False
    fed = [
        one
        for given in scenario.topics.values()
        for one in given.subscriptions.values()
        if end in (one.queue, one.function)
    ]
    return len(fed) > 1 or any(producer.target == end for producer in scenario.producers.values())


# -- estimates -----------------------------------------------------------------------------------


def estimates(frame: Frame, runs: Sequence[Replication], first_bin: int) -> Iterator[tuple[str, Estimate]]:
    """Every number of every subscription with its key; counts are of the whole run."""
    for path in frame.subscriptions:
        thing = frame.things.index(path)
        counts = [counted(run, thing) for run in runs]
        for tail, estimate in (*_counts(runs, thing, counts), *_latency(frame, runs, path, first_bin)):
            yield f"{path} {tail}", estimate


def counted(run: Replication, thing: int) -> dict[str, int]:
    """The totals of one run, and what was still under way when it ended."""
    found = {
        name: run.total(Field.START, [thing], buckets=[QUANTITY + quantity])
        for name, quantity in COUNTS.items()
    }
    found["under_way"] = 0
    found["under_way"] = found["published"] - sum(found[fate] for fate in FATES)
    return found


def _counts(
    runs: Sequence[Replication], thing: int, counts: Sequence[Mapping[str, int]]
) -> Iterator[tuple[str, Estimate]]:
    published = [one["published"] for one in counts]
    tried = [one["delivered"] + one["failed_attempt"] for one in counts]
    for name in (*COUNTS, "under_way"):
        found = [one[name] for one in counts]
        yield f"{name}.count", intervals.of_counts(found, [1.0] * len(found), "1")
        if name in FATES:
            yield f"{name}.share", intervals.of_counts(found, published, "share", most=1.0)
        if name == "failed_attempt":
            yield f"{name}.share", intervals.of_counts(found, tried, "share", most=1.0)
    for name, what in (("dead_lettered", Field.DEAD_LETTERED), ("lost", Field.LOST)):
        for cause in CAUSES:
            found = [run.total(what, [thing], buckets=[cause]) for run in runs]
            key = f"{name}{{cause={cause.name.lower()}}}"
            yield f"{key}.count", intervals.of_counts(found, [1.0] * len(found), "1")
            yield f"{key}.share", intervals.of_counts(found, published, "share", most=1.0)


def _latency(
    frame: Frame, runs: Sequence[Replication], path: str, first_bin: int
) -> Iterator[tuple[str, Estimate]]:
    ending = frame.subscriptions[path]
    if ending.timed not in frame.things:
        return
    found = [_deliveries(frame, run, path, ending, first_bin) for run in runs]
    note = f"over all that {ending.timed} gets, from others too" if ending.shared else ""
    for statistic, share in _QUANTILES.items():
        yield f"delivery_latency.{statistic}", _censored([one.quantile(share) for one in found], note)
    yield "delivery_latency.mean", _censored([one.mean() for one in found], note)


def _deliveries(frame: Frame, run: Replication, path: str, ending: Ending, first_bin: int) -> Durations:
    """Delivery latencies of messages offered from *first_bin* on; what SNS has given up is not among them.

    A queue or a function has a message when it is sent there, every other endpoint when it has answered well.
    """
    mine, timed = frame.things.index(path), frame.things.index(ending.timed)
    what = Field.END_TO_END if ending.timed == path else Field.SEND_DELAY
    known = run.durations(what, [timed], first_bin)
    open_ = run.durations(Field.END_TO_END, [mine], first_bin)
    return Durations(known.known, joined(open_.open), 0, known.known_us, open_.open_us)


def _censored(found: Sequence[Quantile], note: str) -> Estimate:
    return intervals.of_censored(
        [one.us / _S for one in found],
        [one.unfinished for one in found],
        [one.never for one in found],
        "s",
        note,
    )


# -- words ---------------------------------------------------------------------------------------


def subscribers(scenario: Scenario) -> list[Subscriber]:
    """What reports call the subscriptions of *scenario*."""
    return [
        Subscriber(
            path=f"topics.{name}.subscriptions.{key}",
            topic=name,
            name=key,
            endpoint=f"{one.count:,} counted" if one.count is not None else one.endpoint,
            dead_letter=one.dead_letter or "",
            subscribers=one.count or 1,
        )
        for name, topic in scenario.topics.items()
        for key, one in topic.subscriptions.items()
    ]


def warnings(setting: Setting, found: Mapping[str, Estimate]) -> Iterator[str]:
    """Say of each subscription how many notifications a run were lost, why, and what would have kept them."""
    for one in setting.subscribers:
        lost = found.get(f"{one.path} lost.count")
        if lost is None or not lost.mean > 0:
            continue
        cause = main_cause(one, found, "lost")
        missing = "no dead-letter queue"
        if one.dead_letter:
            refused = found[f"{one.path} dead_letter_failed.count"].mean > 0
            missing = f"{one.dead_letter} refused them" if refused else "such are in no dead-letter queue"
        why = f" ({cause})" if cause else ""
        yield f"{amount(lost)} notifications of {one.path} were lost{why}: {missing}"


def amount(estimate: Estimate) -> str:
    """A mean count of a run: whole above ten, the same as runs that all agree."""
    exact = estimate.certainty is Certainty.EXACT or estimate.mean >= 10
    return f"{estimate.mean:,.0f}" if exact else f"{estimate.mean:.2g}"


def main_cause(one: Subscriber, found: Mapping[str, Estimate], fate: str) -> str:
    """The most frequent cause of a fate in words; "" where none is known."""
    means = {
        cause.name.lower().replace("_", " "): found[key].mean
        for cause in CAUSES
        if (key := f"{one.path} {fate}{{cause={cause.name.lower()}}}.count") in found
    }
    most = max(means, key=lambda cause: means[cause], default="")
    return most if most and means[most] > 0 else ""


# -- CloudWatch ----------------------------------------------------------------------------------


def totals(frame: Frame, run: Replication) -> Iterator[tuple[str, dict[str, float]]]:
    """What CloudWatch's metrics of each topic add up to over the run, by the topic's name.

    Failed notifications are failed tries of web servers, and messages that SNS gave up of all others.
    """
    topics: dict[str, dict[str, float]] = {}
    for path, ending in frame.subscriptions.items():
        found = counted(run, frame.things.index(path))
        given_up = found["dead_lettered"] + found["lost"]
        sums = topics.setdefault(path.split(".")[1], {"NumberOfMessagesPublished": 0.0})
        most = max(sums["NumberOfMessagesPublished"], float(found["published"]) / ending.subscribers)
        sums["NumberOfMessagesPublished"] = most
        for metric, count in (
            ("NumberOfNotificationsDelivered", found["delivered"]),
            ("NumberOfNotificationsFailed", found["failed_attempt"] if ending.web else given_up),
            ("NumberOfNotificationsFilteredOut", found["filtered_out"]),
            ("NumberOfNotificationsRedrivenToDlq", found["dead_lettered"]),
            ("NumberOfNotificationsFailedToRedriveToDlq", found["dead_letter_failed"]),
        ):
            sums[metric] = sums.get(metric, 0.0) + count
    yield from topics.items()
