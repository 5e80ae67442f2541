"""What AWS charges for in a run: how much of what, by whom, at which entry of the price list.

Counts are the run's own, whole. Whatever grows with messages is scaled to a month as it is; what runs with
the clock (instances, polls that find nothing) is taken while messages arrived.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from simulator.analysis.charge_counts import (
    GIB,
    HOUR_US,
    HOURS_A_MONTH,
    MILLION,
    Charge,
    Counts,
    chunk_bytes,
    minus,
    plus,
    times,
)
from simulator.analysis.consumers import fleets
from simulator.analysis.machine_charges import machines
from simulator.analysis.managed_charges import managed
from simulator.analysis.partial import QUANTITY, Field
from simulator.analysis.replication import Replication
from simulator.recording.tables import Attempt, Outcome, Quantity
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import senders

_MILLION_SECONDS_US: Final = 10**12
_RUNS: Final = (Attempt.SUCCEEDED, Attempt.FAILED, Attempt.BATCH_MATE, Attempt.CRASHED, Attempt.UNFINISHED)
_TOLD: Final = (Outcome.ACCEPTED, Outcome.DEDUPLICATED)


def charges(scenario: Scenario, things: Sequence[str], runs: Sequence[Replication]) -> list[Charge]:
    """Everything that AWS charges for in *runs* of *scenario*; what came to nothing in all of them aside."""
    count = Counts(scenario, things, runs)
    services = (_sqs, _sns, _lambda, machines, managed, _alarms)
    found = [charge for service in services for charge in service(count)]
    return [one for one in found if any(one.run)]


# -- SQS -----------------------------------------------------------------------------------------


def _sqs(count: Counts) -> Iterator[Charge]:
    for name, queue in count.scenario.queues.items():
        if queue.broker is not None:  # not SQS's: a broker is paid by the hour
            continue
        path = f"queues.{name}"
        rule = "price.sqs.fifo" if queue.type == "fifo" else "price.sqs.standard"
        sends = _calls(count, name)
        for what, requests in (
            (f"sends to queue {name}", sends),
            (f"receives with messages from queue {name}", count.total(Quantity.RECEIVE_REQUESTS, path)),
            (f"deletes from queue {name}", _deletes(count, name)),
            (f"visibility changes in queue {name}", count.total(Quantity.VISIBILITY_REQUESTS, path)),
        ):
            yield count.charge("SQS", what, "request", rule, requests, free="price.sqs.free")
        empty = [times(one, 1 / _MILLION_SECONDS_US) for one in count.level(_EMPTY, path)]
        yield count.charge(
            "SQS", f"empty receives from queue {name}", "request", rule, empty[0], window=empty[1],
            idle=[1.0] * len(count.runs), free="price.sqs.free",
        )  # fmt: skip
        if queue.fair:
            what = f"group ids in sends to queue {name}"
            yield count.charge("SQS", what, "request", "price.sqs.fair", sends)


_EMPTY: Final = QUANTITY + Quantity.EMPTY_RECEIVES


def _calls(count: Counts, end: str) -> list[float]:
    """Sends to a queue, or publishes to a topic, as they are billed: of producers, and of consumers."""
    scenario = count.scenario
    calls, said = count.none(), count.none()
    for name, producer in scenario.producers.items():
        if producer.target != end:
            continue
        path = f"producers.{name}"
        made, told = count.total(Quantity.SEND_CALLS, path), count.of(Field.MESSAGES, path, _TOLD)
        alone = count.of(Field.CHUNKS, path) if chunk_bytes(scenario) else told
        calls = plus(calls, [by or one for by, one in zip(made, alone, strict=True)])
        said = plus(said, count.of(Field.MESSAGES, path, [Outcome.ACCEPTED]))
    sending = [send.to for sender in senders(scenario) for send in sender.given.sends.values()]
    if end in sending:
        calls = plus(calls, minus(_came(count, end), said))
    return calls


def _came(count: Counts, end: str) -> list[float]:
    """Messages that came to a queue other than through a topic; or that a topic published."""
    topics = count.scenario.topics
    if end in topics:
        paths = [f"topics.{end}.subscriptions.{key}" for key in topics[end].subscriptions]
        subscribers = [one.count or 1 for one in topics[end].subscriptions.values()]
        found = count.total(Quantity.PUBLISHED, paths[0]) if paths else count.none()
        return times(found, 1 / subscribers[0]) if paths else found
    came = count.of(Field.SENT, f"queues.{end}")
    for name, topic in topics.items():
        for key, one in topic.subscriptions.items():
            if one.queue == end:
                came = minus(came, count.total(Quantity.DELIVERED, f"topics.{name}.subscriptions.{key}"))
    return came


def _deletes(count: Counts, queue: str) -> list[float]:
    """Calls that deleted from a queue; those of a fleet with several queues by what left each of them."""
    found = count.none()
    mine = count.of(Field.DELETED, f"queues.{queue}")
    for name, function in count.scenario.functions.items():
        if queue in function.event_sources:
            found = plus(found, count.of(Field.DELETE_REQUESTS, f"functions.{name}.event_sources.{queue}"))
    for fleet in fleets(count.scenario):
        queues = fleet.workers.queues
        if queue in queues:
            calls = count.of(Field.DELETE_REQUESTS, fleet.path)
            all_ = plus(*(count.of(Field.DELETED, f"queues.{one}") for one in queues))
            shares = [part / whole if whole else 0.0 for part, whole in zip(mine, all_, strict=True)]
            found = plus(found, [call * share for call, share in zip(calls, shares, strict=True)])
    return found


# -- SNS -----------------------------------------------------------------------------------------


_SENT: Final = {"http": "calls of web servers", "email": "mails", "push": "push messages"}


def _sns(count: Counts) -> Iterator[Charge]:
    for name, topic in count.scenario.topics.items():
        calls, size_gb = _calls(count, name), _bytes(count, name)
        if topic.type == "fifo":
            yield count.charge(
                "SNS", f"publishes to topic {name}", "message", "price.sns.fifo.publish", calls
            )
            what = f"payload published to topic {name}"
            yield count.charge("SNS", what, "GB", "price.sns.fifo.publish_gb", size_gb, per=1.0)
        else:
            yield count.charge(
                "SNS",
                f"publishes to topic {name}",
                "request",
                "price.sns.publish",
                calls,
                free="price.sns.free",
            )
        for key, one in topic.subscriptions.items():
            to = f"for {key} of topic {name}"
            path = f"topics.{name}.subscriptions.{key}"
            delivered = count.total(Quantity.DELIVERED, path)
            if topic.type == "fifo":
                published = count.total(Quantity.PUBLISHED, path)
                rule = "price.sns.fifo.delivery"
                yield count.charge("SNS", f"messages {to}", "message", rule, published)
                yield count.charge("SNS", f"payload {to}", "GB", f"{rule}_gb", size_gb, per=1.0)
            elif one.filter_policy and one.filter_policy_scope == "MessageBody":
                yield count.charge(
                    "SNS", f"bodies filtered {to}", "GB", "price.sns.filter_gb", size_gb, per=1.0
                )
            if one.kind in ("http", "email", "push"):
                rule = f"price.sns.{one.kind}"
                yield count.charge(
                    "SNS", f"{_SENT[one.kind]} {to}", "message", rule, delivered, free=f"{rule}.free"
                )
            if one.sms is not None:
                tried = plus(delivered, count.total(Quantity.FAILED_TO_DELIVER, path))
                parts = -(-one.sms.size // count.rules.value("sns.sms.part"))
                yield count.charge(
                    "SNS", f"texts {to}", "part", "sns.sms.price", times(tried, parts),
                    per=1.0, price=one.sms.price,
                )  # fmt: skip


def _bytes(count: Counts, topic: str) -> list[float]:
    """Payload that producers published to a topic [GB]."""
    found = count.none()
    for name, producer in count.scenario.producers.items():
        if producer.target == topic and chunk_bytes(count.scenario):
            found = plus(found, times(count.of(Field.BYTES, f"producers.{name}"), 1 / GIB))
    return found


# -- Lambda --------------------------------------------------------------------------------------


def _lambda(count: Counts) -> Iterator[Charge]:
    for name, function in count.scenario.functions.items():
        arch, memory_gb = function.architecture, function.memory / GIB
        paths = [path for path in count.things if path.startswith(f"functions.{name}.")]
        calls, gb_s = count.none(), count.none()
        for path in paths:
            calls = plus(calls, count.of(Field.INVOCATION, path, _RUNS))
            gb_s = plus(gb_s, times(count.of(Field.BILLED_MS, path), memory_gb / 1_000))
        whose = f"of function {name}"
        request = "price.lambda.request"
        yield count.charge(
            "Lambda", f"invocations {whose}", "invocation", request, calls, free=f"{request}.free"
        )
        rule, kept = f"price.lambda.{arch}", function.provisioned_concurrency or 0
        if kept:
            whole = [kept * memory_gb * run.end_at / MILLION for run in count.runs]
            window = [kept * memory_gb * run.frame.duration_us / MILLION for run in count.runs]
            warm = [min(used, held) for used, held in zip(gb_s, whole, strict=True)]
            gb_s = minus(gb_s, warm)
            yield count.charge(
                "Lambda", f"provisioned concurrency {whose}", "GB-s", f"{rule}.held", whole, window=window
            )
            yield count.charge(
                "Lambda", f"duration in it {whose} ({arch})", "GB-s", f"{rule}.provisioned", warm,
                note="as much as fits in it",
            )  # fmt: skip
        yield count.charge(
            "Lambda", f"duration {whose} ({arch})", "GB-s", rule, gb_s, free="price.lambda.gb_s.free",
            tiers=(f"{rule}.tier_2", f"{rule}.tier_3"),
        )  # fmt: skip
        for queue, source in function.event_sources.items():
            if source.provisioned is not None:
                path = f"functions.{name}.event_sources.{queue}"
                hours = [times(one, 1 / HOUR_US) for one in count.level(QUANTITY + Quantity.POLLERS, path)]
                yield count.charge(
                    "Lambda", f"event pollers {whose} at queue {queue}", "poller-hour",
                    "price.lambda.poller_hour", hours[0], window=hours[1], per=1.0,
                )  # fmt: skip


# -- CloudWatch ----------------------------------------------------------------------------------


def _alarms(count: Counts) -> Iterator[Charge]:
    """Alarms of the scenario, one metric each; two for each target-tracking policy, of two metrics each."""
    tracking = sum(len(fleet.workers.policies) for fleet in fleets(count.scenario))
    number = float(len(count.scenario.alarms) + 4 * tracking)
    months = [run.end_at / HOUR_US / HOURS_A_MONTH for run in count.runs]
    yield count.charge(
        "CloudWatch", "alarms, for each metric in them", "alarm-month", "price.cloudwatch.alarm",
        times(months, number), window=times([1.0] * len(months), number), per=1.0, monthly=True,
    )  # fmt: skip
