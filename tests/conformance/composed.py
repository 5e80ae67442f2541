"""Systems that no scenario can say, put together from the lives that the product has."""

from simulator.engine.simulate import Simulation
from simulator.processes.clock import POLICIES
from simulator.processes.producers import OpenLoop
from simulator.processes.senders import Outgoing, Sender, Service
from simulator.recording.tables import NONE


def send_live(simulation: Simulation, service: Service) -> None:
    """Let the only producer call *service* at the instants offered, once a message."""
    (producer,) = simulation.messaging.producers
    assert isinstance(producer, OpenLoop)
    producer.send_by(
        Sender(
            simulation.clock,
            service,
            simulation.ledger,
            ahead=False,
            answers=None,
            max_attempts=1,
            backoff_cap_us=0,
            batch_size=1,
            batch_bytes=0,
            linger_us=0,
            chance=lambda: 0.0,
            ended=producer.ended,
        ),
        1 << 40,
    )


class Room:
    """A queue that takes no more than *places* messages, those in work among them."""

    def __init__(self, simulation: Simulation, queue: str, places: int) -> None:
        self._dispatcher = simulation.messaging.dispatchers[queue]
        self._places = places

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Accept while there is room; the others are refused."""
        refused = []
        for one in batch:
            if self._dispatcher.outstanding() >= self._places:
                refused.append(one)
                continue
            self._dispatcher.send_alone(one.message, now)
            one.accept(now, 1, stored=True)
        return refused

    def hand_over(self) -> None:
        """The queue has all there is."""


class WakesUp:
    """A queue whose fleet is started by a message that finds none, and gone when there is nothing to do.

    Parameters
    ----------
    woken : list of int
        Gets the instant [us] of each start.
    """

    def __init__(self, simulation: Simulation, queue: str, fleet: str, woken: list[int]) -> None:
        self._clock = simulation.clock
        self._dispatcher = simulation.messaging.dispatchers[queue]
        self._fleet = simulation.consumers.groups.fleets[fleet]
        self._woken = woken
        self._looked_at = NONE
        delete = self._dispatcher.delete

        def delete_and_look(receipt, copies):
            gone = delete(receipt, copies)
            self._clock.at(self._clock.now, POLICIES, self._look)
            return gone

        self._dispatcher.delete = delete_and_look  # type: ignore[method-assign]

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Accept all; start an instance if there is none."""
        for one in batch:
            self._dispatcher.send_alone(one.message, now)
            one.accept(now, 1, stored=True)
        if not self._fleet.desired:
            self._woken.append(now)
            self._fleet.resize(1)
        return []

    def hand_over(self) -> None:
        """The queue has all there is."""

    def _look(self, _: object) -> None:
        if not self._dispatcher.outstanding():
            self._fleet.resize(0)
