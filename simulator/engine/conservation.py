"""Nothing is lost and nothing is made: checked at the end of every run."""

from simulator.engine.consumers import Consumers
from simulator.engine.messaging import Messaging
from simulator.recording.tables import Fate


class ConservationError(AssertionError):
    """The books of a run do not balance: a bug of the simulator, never of the scenario."""


def check(messaging: Messaging, consumers: Consumers) -> None:
    """Close the books of a run, write what is unfinished, and compare both sides of each.

    Producer: offered = accepted + deduplicated + refused + unfinished.
    Topic: published x subscriptions = filtered out + delivered.
    Queue: arrived = deleted + moved out + redriven + expired + delayed + visible + in flight + in transit.
    Events of a function: arrived = deleted + moved out + dropped + waiting + running.
    """
    for producer in messaging.producers:
        unfinished = producer.finish_run()
        ended = producer.accepted + producer.deduplicated + producer.refused
        _equal(f"producers.{producer.name}", producer.offered, ended + unfinished)
    for name, topic in messaging.topics.items():
        for subscription in topic.subscriptions:
            _equal(f"topics.{name}", topic.published, subscription.filtered_out + subscription.delivered)
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
    for path, _, line in messaging.invocations.lines():
        left = line.finish_run()
        gone = line.deleted + line.moved_out + line.dropped
        _equal(path, line.arrived, gone + sum(left.values()))
    consumers.groups.finish_run()
    consumers.downstreams.finish_run()


def _equal(what: str, came: int, went: int) -> None:
    if came != went:
        raise ConservationError(f"{what}: {came} came in, {went} are accounted for")
