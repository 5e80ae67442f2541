"""Words of a workflow's states: what they do, and what a definition does not say of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator

from simulator.scenario.bodies import Body, Shares, shares_of
from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, read_at, refuse
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.units import (
    COUNT,
    SHARE,
    TEXT,
    Count,
    Duration,
    Name,
    Number,
    Share,
    Size,
    Text,
    kind_of,
)

END: Final = "end"
_MOST_NAME: Final = 80
_MOST_ITEMS: Final = 10_000_000


def _state_name(value: object) -> str:
    text: str = TEXT.parse(value)
    if len(text) > _MOST_NAME:
        raise refuse(f"has {len(text)} characters; the name of a state has 80 at most")
    return text


StateName = Annotated[
    str, BeforeValidator(_state_name), WithJsonSchema({"type": "string", "maxLength": _MOST_NAME})
]


def _item_counts(value: object) -> dict[int, float]:
    """Read a whole number, or a map of whole numbers to shares of which one may be the rest."""
    if not isinstance(value, Mapping):
        shares = {str(COUNT.parse(value)): 1.0}
    else:
        shares = shares_of({str(key): share for key, share in value.items()})
    counts: dict[int, float] = {}
    for word, share in shares.items():
        place = (word,) if isinstance(value, Mapping) else ()
        number = read_at(place, COUNT.parse, word)
        if number > _MOST_ITEMS:
            raise refuse(Finding(place, f"is {number}; allowed: 0 to {_MOST_ITEMS:,}"))
        counts[number] = share
    return counts


ItemCounts = Annotated[
    dict[int, float],
    SHARE,
    BeforeValidator(_item_counts),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["integer", "string"]},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    ),
]


class TaskWork(Spec):
    """What a task meets when it is run: what it calls here, how long that takes, what comes of it."""

    function: Name | None = option("the function of `functions:` that it invokes")
    queue: Name | None = option("the queue it sends a message to")
    topic: Name | None = option("the topic it publishes to")
    workflow: Name | None = option("the workflow of `workflows:` that it starts")
    work: TimeDistribution | None = option(
        "how long its work takes, where that is not a function's: until the service answers, or with `sync` "
        "until the job is over"
    )
    failures: dict[Text, Share] = option(
        "errors with the shares of tries that fail with them, beside those of the function itself",
        default={},
        what="map of errors to shares",
    )
    answer: TimeDistribution | None = option(
        "with a task token: from the call until the token comes back; a person may take days"
    )
    unanswered: Share = option("tokens that never come back", default="0%", low="0%", high="100%")
    heartbeats: Duration | None = option(
        "with a task token: whoever holds it sends a heartbeat this often; never if left out",
        low="1s",
        high="400d",
    )
    result: Body | None = option(
        "what it answers: a small JSON object as a producer's `body`, for rules of a choice", what="map"
    )

    @model_validator(mode="after")
    def _one_thing(self) -> "TaskWork":
        given = [key for key in ("function", "queue", "topic", "workflow") if getattr(self, key) is not None]
        if len(given) > 1:
            raise refuse(f"calls {' and '.join(given)}; a task calls one thing")
        if sum(self.failures.values()) > 1:
            raise refuse(Finding(("failures",), "add up to more than 100%"))
        return self


class Retry(Spec):
    """One retrier of a state."""

    errors: tuple[Text, ...] = option("ErrorEquals", default=["States.ALL"], what="list of errors")
    interval: Duration = option("IntervalSeconds: the first wait", default="1s", low="1s", high="400d")
    backoff_rate: Number = option(
        "BackoffRate: each wait is this many times the one before", default=2, low="1", high="1M"
    )
    max_attempts: Count = option(
        "MaxAttempts: tries after the first; 0: never", default=3, low="0", high="99999999"
    )
    max_delay: Duration | None = option("MaxDelaySeconds: no wait is longer", low="1s", high="366d")
    jitter: Literal["none", "full"] = option("JitterStrategy", default="none")


class When(Spec):
    """One rule of a choice."""

    when: Text = required(
        "a JSONata expression over the document that is true or false, such as `total > 100`"
    )
    next: StateName = required("the state that comes then", what="name of a state")


class Each(Spec):
    """A Map: a branch that is run for each item."""

    branch: Name = required("the branch of `branches:` that is run for an item, or for a batch")
    items: ItemCounts = required(
        "how many items: a number, or numbers with shares", what="a number, or a map of numbers to shares"
    )
    item_size: Size = option("size of an item, for `batch_bytes`", default="1KiB", low="1B", high="256KiB")
    mode: Literal["inline", "distributed"] = option(
        "`distributed`: each item or batch is an execution of its own", default="inline"
    )
    children: Literal["standard", "express"] = option(
        "kind of the executions of a distributed map", default="standard"
    )
    concurrency: Count = option(
        "at once at most; 0: as many as the service allows (40 inline, 10,000 distributed)",
        default=0,
        low="0",
        high="10M",
    )
    batch_items: Count | None = option("MaxItemsPerBatch; distributed only", low="1", high="100M")
    batch_bytes: Size | None = option("MaxInputBytesPerBatch; distributed only", low="1B", high="256KiB")
    tolerated_items: Count | None = option("ToleratedFailureCount; distributed only", low="0", high="10M")
    tolerated_share: Share | None = option(
        "ToleratedFailurePercentage; distributed only", low="0%", high="100%"
    )

    @model_validator(mode="after")
    def _distributed_only(self) -> "Each":
        if self.mode == "inline":
            for key in ("batch_items", "batch_bytes", "tolerated_items", "tolerated_share"):
                if getattr(self, key) is not None:
                    raise refuse(Finding((key,), "is for mode: distributed"))
        return self


_KINDS: Final = ("choice", "rules", "wait", "parallel", "map", "succeed", "fail", "do_nothing")
_CALLS: Final = ("function", "queue", "topic", "workflow", "activity", "work")


class Step(TaskWork):
    """A state in a scenario's own words: a task if it calls something or has work, else what its key says."""

    shorthand = "`succeed`, or a map"

    activity: Name | None = option("the task list of `task_lists:` whose workers do it")
    pattern: Literal["request_response", "sync", "callback"] = option(
        "how the task waits: for the answer of the call, until the job is over, until its token comes back",
        default="request_response",
    )
    timeout: Duration | None = option(
        "TimeoutSeconds of a try; never if left out", low="1s", high="99999999s"
    )
    heartbeat: Duration | None = option(
        "HeartbeatSeconds: a token or worker silent for longer has failed", low="1s", high="99999999s"
    )
    choice: Shares | None = option("next states with their shares", what="map of states to shares")
    rules: tuple[When, ...] | None = option(
        "next states by rules over the document; the first that holds counts"
    )
    otherwise: StateName | None = option("the next state where no rule holds", what="name of a state")
    wait: Duration | None = option("waits so long", low="0s", high="99999999s")
    parallel: tuple[Name, ...] | None = option(
        "branches of `branches:` that run at once", what="list of branches"
    )
    map: Each | None = option("a branch that is run for each item")
    succeed: StrictBool = option("ends in success", default=False)
    fail: Text | None = option("fails with this error")
    do_nothing: StrictBool = option("a Pass", default=False)
    retry: tuple[Retry, ...] = option(
        "when it is tried again after errors", default=[], what="list of retriers"
    )
    catch: dict[Text, StateName] = option(
        "errors with the state that takes over", default={}, what="map of errors to states"
    )
    next: StateName | None = option(
        "the state after it, or `end`; the one written after it if left out, the last one ends",
        what="name of a state, or `end`",
    )

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Take ``succeed`` for a state that ends."""
        if data == "succeed":
            return {"succeed": True}
        if isinstance(data, str | list) or data is None:
            raise refuse(f"is {kind_of(data)}; {cls.shorthand} is due")
        return data

    @property
    def kind(self) -> str:
        """What it is: the key that says so, or ``task``."""
        return next((key for key in _KINDS if getattr(self, key) not in (None, False)), "task")

    @model_validator(mode="after")
    def _one_kind(self) -> "Step":
        kinds = [key for key in _KINDS if getattr(self, key) not in (None, False)]
        calls = [key for key in _CALLS if getattr(self, key) is not None]
        if len(kinds) > 1:
            raise refuse(f"is {' and '.join(kinds)}; a state is one of them")
        if kinds and calls:
            raise refuse(Finding((calls[0],), f"cannot stand beside {kinds[0]}: the state would be two"))
        if not kinds and not calls:
            raise refuse(f"does nothing; give one of {', '.join((*_CALLS, *_KINDS))}")
        if kinds and self.kind not in ("parallel", "map") and (self.retry or self.catch):
            key = "retry" if self.retry else "catch"
            raise refuse(Finding((key,), "is of tasks, parallel and map only"))
        if self.kind in ("choice", "rules", "succeed", "fail") and self.next is not None:
            raise refuse(Finding(("next",), f"cannot stand beside {self.kind}"))
        if self.otherwise is not None and self.rules is None:
            raise refuse(Finding(("otherwise",), "is of rules only"))
        if self.heartbeat is not None and self.heartbeat >= (self.timeout or 10**18):
            raise refuse(Finding(("heartbeat",), "must be less than timeout"))
        return self
