"""What every builder of a part of a run is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.engine.taken import Taken, sampler
from simulator.processes.clock import Clock
from simulator.processes.draws import Work
from simulator.processes.ledger import Ledger
from simulator.processes.open_polls import OpenPolls
from simulator.processes.queues import Consumer, Dispatcher
from simulator.recording.recorder import Recorder
from simulator.scenario import work as spec
from simulator.scenario.schema import Scenario


@dataclass(frozen=True)
class Parts:
    """The run that is being built: its scenario, numbers of its things, clock, books and queues."""

    scenario: Scenario
    things: Mapping[str, int]
    taken: Taken
    clock: Clock
    ledger: Ledger
    recorder: Recorder
    dispatchers: Mapping[str, Dispatcher]

    def work(self, queue: str, work: spec.Work, failures: spec.Failures) -> Work:
        """Work and failures are streams of the queue: another consumer meets the same."""
        stream = self.taken.stream
        return Work(
            self.ledger,
            sampler(work.per_message),
            sampler(work.per_invocation),
            failures.transient,
            stream(f"{queue}/work"),
            stream(f"{queue}/failure"),
            stream(f"{queue}/invocation"),
        )

    def add_consumer(self, queue: str, consumer: Consumer, wait_us: int) -> None:
        """Let *consumer* poll *queue* from now on, with long polls of *wait_us*."""
        dispatcher = self.dispatchers[queue]
        polls = OpenPolls(self.recorder, dispatcher.thing, consumer.thing, wait_us)
        dispatcher.polls[len(dispatcher.consumers)] = polls
        dispatcher.consumers.append(consumer)
