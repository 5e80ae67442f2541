"""Workers that poll queues: how they receive, what they do, whatever they run on."""

from typing import Literal

from pydantic import model_validator

from simulator.scenario.downstreams import Calls
from simulator.scenario.loops import Denied, Heartbeat, Loop, Priority
from simulator.scenario.problems import refuse
from simulator.scenario.sends import Send
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Share
from simulator.scenario.work import Failures, Work


class Receive(Spec):
    """How a worker receives and deletes."""

    max_messages: Count = setting("poller.max_messages", "messages in one receive, at most")
    wait_time: Duration = setting(
        "poller.wait_time", "how long a receive waits for messages; with 0s it is a short poll"
    )
    poll_pause: Duration = option(
        "with short polls: pause after a receive that found nothing", default="1s", low="10ms", high="1h"
    )
    delete: Literal["each", "batch"] = option(
        "delete `each` message when it is done, or all of a receive at its end (`batch`)", default="each"
    )
    lost_answers: Share = option(
        "share of receives and deletes whose answer is lost: a receive counts as received and is made again "
        "after the client's time-out, a delete has deleted and is made again",
        default="0%",
        low="0%",
        high="90%",
    )
    error_pause: Duration = setting("client.error_pause", "pause after a receive that was denied")


class Workers(Calls):
    """Workers on some kind of machine that poll a queue, or several by priority."""

    queue: Name | None = option("the queue its workers poll; left out with `priority`")
    priority: Priority | None = option("several queues its workers poll, and how they choose among them")
    receive: Receive = option("how a worker receives and deletes", default={})
    loop: Loop = option("the shape of a worker's loop", default="sequential")
    heartbeat: Heartbeat | None = option("workers extend the visibility timeout while they work")
    denied: dict[Name, Denied] = option("times in which its role lacks a permission", default={})
    work: Work = required("how long its work takes")
    work_by_queue: dict[Name, Work] = option(
        "with `priority`: how long the work of a queue's messages takes, where it is not `work`", default={}
    )
    failures: Failures = option("how its work fails", default={})
    on_failure: Literal["keep", "release"] = option(
        "a message that failed stays hidden until its visibility timeout ends (`keep`), or is made visible "
        "at once (`release`: ChangeMessageVisibility to 0)",
        default="keep",
    )
    sends: dict[Name, Send] = option(
        "what a worker sends for each message it has worked, before it deletes that one",
        default={},
        what="map of names",
    )

    @model_validator(mode="after")
    def _polls_something(self) -> "Workers":
        if (self.queue is None) == (self.priority is None):
            has = "neither queue nor priority" if self.queue is None else "both queue and priority"
            raise refuse(f"has {has}; give exactly one")
        return self

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues its workers poll, the highest class first."""
        return (self.queue,) if self.queue is not None else self.priority.queues if self.priority else ()

    def work_of(self, queue: str) -> Work:
        """How long the messages of one of its queues take."""
        return self.work_by_queue.get(queue, self.work)
