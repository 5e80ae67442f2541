"""Builds what producers send by: batches, clients that wait for answers, closed loops."""

from simulator.engine.taken import Taken, sampler
from simulator.processes.clock import Clock
from simulator.processes.closed_loop import ClosedLoop
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Content, Producer
from simulator.processes.senders import Answers, FifoCalls, Sender, Service
from simulator.recording.recorder import Recorder
from simulator.scenario import producers
from simulator.scenario import senders as specs
from simulator.scenario.payloads import heavy


class Senders:
    """Makes the senders of a run.

    Parameters
    ----------
    duration_us : int
        From then on closed loops send nothing more [us].
    """

    def __init__(self, taken: Taken, clock: Clock, ledger: Ledger, duration_us: int) -> None:
        self._taken = taken
        self._clock = clock
        self._ledger = ledger
        self._duration_us = duration_us

    def closed_loop(
        self, name: str, thing: int, loop: specs.ClosedLoop, content: Content, recorder: Recorder
    ) -> ClosedLoop:
        """Clients that send, wait, think, and send again; their sender is given to them later."""
        return ClosedLoop(
            name,
            thing,
            loop.clients,
            sampler(loop.think),
            self._taken.stream(f"{name}/think"),
            self._taken.stream(f"{name}/start"),
            self._duration_us,
            content,
            self._ledger,
            recorder,
        )

    def sender(self, made: Producer, asked: producers.Producer, service: Service, to_topic: bool) -> Sender:
        """The sender of the producer *made*; what meets quotas lives on the run's clock."""
        rule = self._taken.rule
        ahead = not (isinstance(service, FifoCalls) or getattr(service, "quota", None))
        batch, client = asked.batch, asked.client
        chunk = rule("price.chunk")
        most_bytes = "sns.batch_max_bytes" if to_topic else "sqs.batch_max_bytes"
        return Sender(
            Clock() if ahead else self._clock,
            service,
            self._ledger,
            ahead=ahead,
            answers=self._answers(made.name, asked),
            max_attempts=rule("client.max_attempts") if client is None else client.max_attempts,
            backoff_cap_us=rule("client.backoff_cap"),
            batch_size=1 if batch is None else batch.size,
            batch_bytes=0 if batch is None else rule(most_bytes),
            chunk_bytes=chunk if heavy(asked.message.size, 1 if batch is None else batch.size, chunk) else 0,
            linger_us=0 if batch is None else batch.linger,
            chance=self._taken.calls(f"{made.name}/pause").next,
            ended=made.ended,
        )

    def _answers(self, name: str, asked: producers.Producer) -> Answers | None:
        """Answers take time only where somebody waits for them."""
        client = asked.client
        if client is None and asked.closed_loop is None:
            return None
        return Answers(
            self._taken.latency("lat.sqs_send"),
            self._taken.rule("client.timeout") if client is None else client.timeout,
            0.0 if client is None else client.lost_answers,
            self._taken.stream(f"{name}/answer"),
            self._taken.stream(f"{name}/lost"),
        )
