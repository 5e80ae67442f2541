"""The front of a run: producers, topics, queues, and the ways into functions that no queue feeds."""

from collections.abc import Mapping
from functools import partial

from simulator.engine.access import Access
from simulator.engine.deliveries import EndpointLines
from simulator.engine.invocations import Invocations
from simulator.engine.producers import Producers
from simulator.engine.queues import Queues
from simulator.engine.taken import Taken
from simulator.engine.topics import Topics
from simulator.engine.workflows import Workflows
from simulator.processes.clock import Clock
from simulator.processes.failed_deliveries import FailedDeliveries
from simulator.processes.ledger import Ledger
from simulator.recording.recorder import Recorder
from simulator.scenario.schema import Scenario


class Messaging:
    """Queues first, then what leads into them, then who says what.

    Attributes
    ----------
    dispatchers, topics : dict
        By queue name, by topic name.
    producers, redrive_tasks : list
        Who sends; what moves messages between queues.
    inlets : list
        Every way into a queue, a function or an endpoint for messages that are under way.
    workflows : Workflows
        Those of Step Functions and SWF.
    brokers : Brokers
        Those of Amazon MQ.
    ages, tenants : list
        What is read off every queue, and off the fair ones.
    """

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
    ) -> None:
        self.clock, self.recorder = clock, recorder
        parts = (scenario, things, taken, clock, ledger, recorder)
        queues = Queues(*parts)
        self.dispatchers, self.redrive_tasks = queues.dispatchers, queues.redrive_tasks
        self.brokers = queues.brokers
        self.ages, self.tenants, self.inlets = queues.ages, queues.tenants, queues.inlets
        self.is_told_ahead = queues.is_told_ahead
        self.invocations = Invocations(*parts)
        self.workflows = Workflows(*parts)
        self.inlets += self.workflows.lines.values()
        access = Access(scenario, taken)
        self.deliveries = EndpointLines(*parts, access)
        self.inlets += [*self.invocations.asynchronous.values(), *self.deliveries.lines.values()]
        latest_at = scenario.duration * (2 if scenario.after == "drain" else 1)
        failures = partial(FailedDeliveries, clock, ledger, recorder, latest_at=latest_at)
        ways = (queues, self.invocations, self.deliveries)
        self.topics = Topics(scenario, things, taken, access, *ways, failures).topics
        made = Producers(
            *parts,
            access=access,
            queues=queues,
            topics=self.topics,
            invocations=self.invocations,
            workflows=self.workflows,
        )
        self.producers = made.producers
