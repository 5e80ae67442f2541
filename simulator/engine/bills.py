"""What a bill counts and no row has: answered receives, calls of senders, changes of visibility."""

from collections.abc import Iterable, Mapping

from simulator.engine.taken import Taken, sampler
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Producer
from simulator.processes.queues import Dispatcher
from simulator.processes.sizes import Sizes
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity
from simulator.sampling.distributions import Constant
from simulator.scenario.payloads import heavy, sizes_said
from simulator.scenario.schema import Scenario

_STANDING_BYTES = 1_024
"""A message that was there before the run; nobody said how large it is."""


def sizes(scenario: Scenario, taken: Taken, ledger: Ledger, record_bytes: int) -> Sizes:
    """Sizes of all messages there can be, drawn as their producers draw them."""
    sources = {
        name: (sampler(producer.message.size), taken.stream(f"{name}/size"))
        for name, producer in scenario.producers.items()
    }
    for name, queue in scenario.queues.items():
        if queue.backlog is not None:
            sources[f"queues.{name}/backlog"] = (Constant(_STANDING_BYTES), 0)
    return Sizes(ledger, sources, record_bytes)


def weigh_receives(
    scenario: Scenario, taken: Taken, ledger: Ledger, dispatchers: Mapping[str, Dispatcher]
) -> None:
    """Count an answered receive once for each started chunk of its payload, where there may be several.

    A scenario of small messages pays nothing for this: ten of them are one request.
    """
    most = scenario.rules.value("sqs.batch_max_entries")
    chunk = scenario.rules.value("price.chunk")
    if not any(heavy(size, most, chunk) for size in sizes_said(scenario)):
        return
    weights = sizes(scenario, taken, ledger, 0)
    for dispatcher in dispatchers.values():
        dispatcher.requests_of = lambda copies: -(-weights.of(copies) // chunk)


def finish_run(
    recorder: Recorder, dispatchers: Iterable[Dispatcher], producers: Iterable[Producer], now: int
) -> None:
    """Write down what was counted until the end of the run, *now* [us]."""
    for dispatcher in dispatchers:
        for quantity, requests in (
            (Quantity.RECEIVE_REQUESTS, dispatcher.receive_requests),
            (Quantity.VISIBILITY_REQUESTS, dispatcher.visibility_requests),
        ):
            if requests:
                recorder.change(dispatcher.thing, int(quantity), requests, 0, now)
    for producer in producers:
        if producer.sender is not None and producer.sender.requests:
            recorder.change(producer.thing, int(Quantity.SEND_CALLS), producer.sender.requests, 0, now)
