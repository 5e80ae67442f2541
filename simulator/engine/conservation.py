"""Nothing is lost and nothing is made: checked at the end of every run."""

from simulator.engine.consumers import Consumers
from simulator.engine.messaging import Messaging
from simulator.processes.lines import Line
from simulator.processes.topics import Subscription
from simulator.recording.tables import Fate


class ConservationError(AssertionError):
    """The books of a run do not balance: a bug of the simulator, never of the scenario."""


def check(messaging: Messaging, consumers: Consumers) -> None:
    """Close the books of a run, write what is unfinished, and compare both sides of each.

    Producer: offered = accepted + deduplicated + refused + unfinished.
    Topic: published = pending + what each subscription was given.
    Subscription: published = filtered out + delivered + dead-lettered + lost + under way.
    Queue: arrived = deleted + moved out + redriven + expired + delayed + visible + in flight + in transit.
    Broker: what its store holds = the sizes of the persistent messages that are there.
    Children of a consumer: offered = accepted + unfinished.
    Events of a function, or for an endpoint: arrived = deleted + moved out + dropped + waiting + running.
    """
    now = messaging.clock.now
    for producer in messaging.producers:
        unfinished = producer.finish_run()
        ended = producer.accepted + producer.deduplicated + producer.refused
        _equal(f"producers.{producer.name}", producer.offered, ended + unfinished)
    for name, topic in messaging.topics.items():
        for subscription in topic.subscriptions:
            _close(f"topics.{name}", topic.published, subscription, now)
    for gauges in messaging.tenants:
        gauges.finish_run()
    for age in messaging.ages:
        age.finish_run()
    for name, dispatcher in messaging.dispatchers.items():
        left = dispatcher.finish_run()
        gone = dispatcher.deleted + dispatcher.moved_out + dispatcher.redriven + dispatcher.expired
        _equal(f"queues.{name}", dispatcher.arrived, gone + sum(left.values()))
        queue, now = dispatcher.queue, dispatcher.clock.now
        _equal(f"queues.{name} visible", queue.visible(now), left[Fate.VISIBLE])
        _equal(f"queues.{name} delayed", queue.delayed(now), left[Fate.DELAYED])
        _equal(f"queues.{name} in flight", queue.in_flight(now), left[Fate.IN_FLIGHT])
    lines: list[tuple[str, Line]] = [(path, line) for path, _, line in messaging.invocations.lines()]
    for path, line in [*lines, *messaging.deliveries.paths(), *messaging.workflows.paths()]:
        left = line.finish_run()
        gone = line.deleted + line.moved_out + line.dropped
        _equal(path, line.arrived, gone + sum(left.values()))
    for topic in messaging.topics.values():
        for subscription in topic.subscriptions:
            subscription.counts.finish_run(messaging.recorder, subscription.thing, now)
    for path, holds, sizes in messaging.brokers.finish_run():
        _equal(f"{path}: bytes of its store", holds, sizes)
    consumers.groups.finish_run()
    consumers.downstreams.finish_run()
    for name, mailing in consumers.downstreams.mailings.items():
        _equal(f"email.{name}: recipients", mailing.mails.taken, mailing.mails.gone + mailing.finish_run())
    for path, send in consumers.sends.items():
        _equal(path, send.offered, send.accepted + send.finish_run())


def _close(topic: str, published: int, subscription: Subscription, now: int) -> None:
    """Close the books of a subscription, which count each of its endpoints."""
    counts = subscription.counts
    got = counts.published // subscription.subscribers
    _equal(f"{topic} to its subscriptions", published, got + subscription.pending)
    under_way = subscription.finish_run(now)
    if subscription.settles:
        gone = counts.filtered_out + counts.delivered + counts.dead_lettered + sum(counts.lost.values())
        _equal(f"{topic}: deliveries", counts.published, gone + under_way)


def _equal(what: str, came: int, went: int) -> None:
    if came != went:
        raise ConservationError(f"{what}: {came} came in, {went} are accounted for")
