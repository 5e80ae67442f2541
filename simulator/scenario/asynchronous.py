"""How a function is invoked asynchronously: retries, the age of events, where they go in the end."""

from pydantic import model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, setting
from simulator.scenario.units import Count, Duration, Name


class Destination(Spec):
    """Where Lambda sends a record of an event: a standard queue or a standard topic."""

    queue: Name | None = option("the queue")
    topic: Name | None = option("the topic, instead of `queue`")

    @model_validator(mode="after")
    def _one(self) -> "Destination":
        if self.queue is None and self.topic is None:
            raise refuse("has neither queue nor topic; say where records go")
        if self.queue is not None and self.topic is not None:
            raise refuse(Finding(("topic",), "cannot stand beside queue; give one of them"))
        return self


class Asynchronous(Spec):
    """What Lambda does with a function's asynchronous events."""

    retries: Count = setting("lambda.async.retries", "runs after a first one that failed, at most")
    maximum_event_age: Duration = setting(
        "lambda.async.maximum_event_age", "an older event is not tried any more"
    )
    dead_letter: Destination | None = option("where events go that are given up; without it they are dropped")
    on_failure: Destination | None = option("destination of events that are given up")
    on_success: Destination | None = option("destination of events that were worked")
