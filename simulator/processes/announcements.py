"""What a service of AWS tells a topic in the course of a run: one message at a time."""

from typing import Final

import numpy as np

from simulator.processes.ledger import Ledger
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Outcome
from simulator.sampling.streams import message_keys

_MESSAGE_BYTES: Final = 1024


class Announcer:
    """A service that publishes to one topic.

    Parameters
    ----------
    producer : str
        Path of the service's thing, which is the producer of its messages; *thing* is its number.
    """

    def __init__(self, topic: Topic, producer: str, thing: int, ledger: Ledger, recorder: Recorder) -> None:
        self._topic = topic
        self._producer = producer
        self._thing = thing
        self._ledger = ledger
        self._recorder = recorder
        self.published = 0

    def say(self, now: int, combination: int = 0) -> None:
        """Publish a message with the body of that number at *now* [us]."""
        serial, self.published = self.published, self.published + 1
        message = self._ledger.add_message(self._producer, serial, now, NONE, combination, 0)
        self._topic.publish_messages(
            self._producer,
            np.array([message], dtype=np.int64),
            np.full(1, combination, dtype=np.int64),
            np.array([now], dtype=np.int64),
            np.full(1, NONE, dtype=np.int64),
            message_keys(self._producer, serial, 1),
        )
        copies = self._topic.copies_at(self._producer, combination, now)
        outcome = int(Outcome.ACCEPTED)
        self._recorder.message(
            (message, self._thing, serial, now, now, _MESSAGE_BYTES, NONE, combination, 0, 1, copies, outcome)
        )
