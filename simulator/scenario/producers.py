"""Producers: when they send, and what."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, PrivateAttr, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from simulator.scenario.bodies import Body, Shares, choices_of
from simulator.scenario.brokers import Jms
from simulator.scenario.distributions import SizeDistribution, TimeDistribution, largest, mean_of
from simulator.scenario.problems import Finding, read_at, refuse
from simulator.scenario.senders import Batch, Client, ClosedLoop
from simulator.scenario.sources import (
    Announced,
    ElasticTranscoder,
    MediaConvert,
    S3Events,
    SesFeedback,
    SesReceipt,
    Source,
    Traits,
)
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.traces import Trace
from simulator.scenario.units import (
    DURATION,
    NUMBER,
    SHARE,
    Count,
    Duration,
    Name,
    Number,
    Rate,
    Share,
    kind_of,
    write_duration,
    write_size,
)

_SOME_TIME: Final = 1_000_000
_MOST_COMBINATIONS: Final = 10_000


class Bursts(Spec):
    """A rate that comes in bursts; the mean rate of the phase is kept."""

    factor: Number = required(
        "the rate in a burst, as a multiple of the phase's mean rate", low="1", high="1000000"
    )
    lasting: Duration = required("length of a burst", low="1ms", high="30d")
    every: Duration = required("from the start of a burst to the start of the next", low="1ms", high="30d")

    @model_validator(mode="after")
    def _mean_can_be_kept(self) -> "Bursts":
        if self.factor * self.lasting > self.every:
            most = self.every / self.lasting
            raise refuse(
                Finding(("factor",), f"is {self.factor:g}; bursts of {write_duration(self.lasting)} every "
                        f"{write_duration(self.every)} can be at most {most:g} times the mean")
            )  # fmt: skip
        return self


class Phase(Spec):
    """A stretch of time with one rate, or a rate that changes evenly."""

    for_us: Duration = required(
        "how long; the last phase may leave it out: the rest of the duration",
        alias="for",
        low="1us",
        high="400d",
    )
    rate: Rate = required(
        "arrivals, at the start of the phase where `ramp_to` is given", low="0/s", high="1M/s"
    )
    ramp_to: Rate | None = option("rate at the end of the phase, reached evenly", low="0/s", high="1M/s")
    process: Literal["poisson", "even"] = option(
        "`poisson` (at random) or `even` (equal distances)", default="poisson"
    )
    bursts: Bursts | None = option("bursts within the phase")

    @model_validator(mode="after")
    def _one_shape(self) -> "Phase":
        if self.bursts and self.ramp_to is not None:
            raise refuse(Finding(("bursts",), "cannot stand beside ramp_to; use two phases"))
        return self


class Arrivals(Spec):
    """Phases (a list, or one map for the whole duration) or times between arrivals."""

    shorthand = "a list of phases, one phase, or `{interarrival: <distribution>}`"

    phases: tuple[Phase, ...] | None = option("one after another")
    interarrival: TimeDistribution | None = option("time between two arrivals, drawn each time")

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn a phase or a list of them into the whole form; the last may last the rest of the duration."""
        if isinstance(data, Mapping):
            if "interarrival" in data:
                return data
            data = [data]
        if not isinstance(data, list):
            raise refuse(f"is {kind_of(data)}; {cls.shorthand} is due")
        if not data:
            raise refuse("is an empty list; give at least one phase")
        last = data[-1]
        if isinstance(last, Mapping) and "for" not in last:
            rest = _SOME_TIME  # stands in for a duration that is wrong, which is reported elsewhere
            if context and context.duration:
                rest = context.duration - sum(_length(phase) for phase in data[:-1])
            if rest <= 0:
                raise refuse(
                    Finding((len(data) - 1,), "has no time left: the phases before it last the duration")
                )
            data = [*data[:-1], {**last, "for": write_duration(rest)}]
        return {"phases": data}

    @classmethod
    def item(cls) -> Any:
        """Give the type of a phase."""
        return Phase

    @classmethod
    def keys(cls) -> dict[str, Any]:
        """Give the keys of a single phase beside `interarrival`."""
        return {"interarrival": TimeDistribution, **Phase.keys()}

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> "Arrivals":
        if self.interarrival is not None and mean_of(self.interarrival) < 1:
            raise refuse(Finding(("interarrival",), "has a mean of 0s; it must be above"))
        if not self.phases:
            return self
        total = sum(phase.for_us for phase in self.phases)
        duration = info.context.duration if info.context else None
        if duration and total != duration:
            message = f"lasts {write_duration(total)} in all, but duration is {write_duration(duration)}"
            raise refuse(f"{message}; leave `for` out of the last phase, or add {{rate: 0/s}}")
        return self


def _length(phase: object) -> int:
    try:
        return int(DURATION.parse(phase["for"])) if isinstance(phase, Mapping) and "for" in phase else 0
    except PydanticCustomError:
        return 0


Popularity = Annotated[
    Any,
    BeforeValidator(lambda value: _popularity(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "uniform"},
                {
                    "type": "object",
                    "properties": {
                        "zipf": {"type": "number"},
                        "first": {"type": "array", "items": {"type": "string"}},
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


def _popularity(value: object) -> object:
    """Read how popular groups are: "uniform", a Zipf exponent, or the first groups' shares."""
    if value == "uniform":
        return value
    if not isinstance(value, Mapping) or len(value) != 1 or not set(value) <= {"zipf", "first"}:
        raise refuse(f"is {kind_of(value)}; write uniform, {{zipf: 1.1}} or {{first: [20%]}}")
    if "zipf" in value:
        exponent = read_at(("zipf",), NUMBER.parse, value["zipf"])
        if not 0 <= exponent <= 10:
            raise refuse(Finding(("zipf",), f"is {exponent:g}; allowed: 0 to 10"))
        return {"zipf": exponent}
    first = value["first"]
    if not isinstance(first, list) or not first:
        raise refuse(Finding(("first",), f"is {kind_of(first)}; a list of shares is due, such as [20%, 5%]"))
    shares = [read_at(("first", place), SHARE.parse, share) for place, share in enumerate(first)]
    if sum(Decimal(repr(share)) for share in shares) > 1:
        raise refuse(Finding(("first",), "adds up to more than 100%"))
    return {"first": tuple(shares)}


class Group(Spec):
    """The ordering key of the business: what a message belongs to."""

    count: Count = required("number of groups", low="1", high="1M")
    popularity: Popularity = option(
        "how messages fall on groups: `uniform`, `{zipf: 1.1}` or `{first: [20%, 5%]}`, the first groups' "
        "shares, the others sharing the rest evenly",
        default="uniform",
        what="`uniform`, `zipf` or `first`",
    )
    _shares: tuple[float, ...] = PrivateAttr(())

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the messages of each group: ``count`` numbers that add up to 1."""
        return self._shares

    @model_validator(mode="after")
    def _resolve(self) -> "Group":
        count = self.count
        if self.popularity == "uniform":
            self._shares = (1.0 / count,) * count
        elif "zipf" in self.popularity:
            weights = [(place + 1) ** -self.popularity["zipf"] for place in range(count)]
            total = sum(weights)
            self._shares = tuple(weight / total for weight in weights)
        else:
            first = self.popularity["first"]
            rest = 1 - sum(Decimal(repr(share)) for share in first)
            others = count - len(first)
            if others < 0:
                raise refuse(Finding(("popularity", "first"), f"has {len(first)} shares for {count} groups"))
            if others == 0 and rest != 0:
                raise refuse(
                    Finding(("popularity", "first"), "gives every group's share; they must add up to 100%")
                )
            self._shares = first + (float(rest / others),) * others if others else first
        return self


class Message(Spec):
    """What a message is like."""

    size: SizeDistribution = option("body and attributes together", default="1KiB")
    group: Group | None = option("ordering key; sent as MessageGroupId to FIFO queues and fair ones")
    attributes: dict[Name, Shares] = option(
        "each attribute's values with their shares", default={}, what="map of names to values with shares"
    )
    body: Body | None = option(
        "a small JSON object; each of its leaves is a constant, `{one_of: [10, 20]}` or a map of values to "
        "shares; for filters that look at bodies",
        what="map",
    )
    poison: Share = option("share of messages that fail every attempt", default="0%", low="0%", high="100%")

    @model_validator(mode="after")
    def _limits(self, info: ValidationInfo) -> "Message":
        combinations = 1
        for values in self.attributes.values():
            combinations *= len(values)
        for choice in choices_of(self.body).values():
            combinations *= len(choice)
        if combinations > _MOST_COMBINATIONS:
            within = ", those of attributes and body together" if self.body else ""
            message = f"has {combinations:,} combinations of values{within}"
            place = "body" if self.body else "attributes"
            raise refuse(Finding((place,), f"{message}; at most {_MOST_COMBINATIONS:,} are allowed"))
        if info.context:
            most = info.context.rules.value("sqs.max_attributes")
            if len(self.attributes) > most:
                raise refuse(
                    Finding(("attributes",), f"has {len(self.attributes)} attributes; SQS allows {most}")
                )
            limit = info.context.rules.value("sqs.max_message_bytes")
            if not 1 <= largest(self.size) <= limit:
                message = f"goes to {write_size(largest(self.size))}"
                span = f"MaximumMessageSize allows 1B to {write_size(limit)}"
                raise refuse(Finding(("size",), f"{message}; {span}"))
        return self


class Producer(Spec):
    """Who sends messages to a topic or a queue, or invokes a function."""

    target: Name = required("the topic or queue it sends to, or the function it invokes")
    invocation: Literal["event", "request_response"] | None = option(
        "how it invokes a function: `event` (asynchronously; what is meant where it is left out) or "
        "`request_response` (it waits for the answer)"
    )
    arrivals: Arrivals | None = option("when it sends")
    trace: Trace | None = option("when it sends: counts of a real system, instead of `arrivals`")
    closed_loop: ClosedLoop | None = option(
        "clients that each send again after an answer, instead of `arrivals`"
    )
    account: Name | None = option("the AWS account it is in, if not that of the scenario")
    message: Message = option("what it sends", default={})
    batch: Batch | None = option("gather messages into calls; without it each is sent alone, at once")
    client: Client | None = option(
        "wait for answers and retry; without it answers come at once, and only throttled calls are retried"
    )
    jms: Jms | None = option("how it sends to a queue of a broker of Amazon MQ")
    s3: S3Events | None = option("arrivals are uploads, of which a bucket tells")
    media_convert: MediaConvert | None = option("arrivals are transcoding jobs of MediaConvert")
    elastic_transcoder: ElasticTranscoder | None = option("arrivals are jobs of an Elastic Transcoder")
    ses_feedback: SesFeedback | None = option("arrivals are mails; told is what became of them")
    ses_receipt: SesReceipt | None = option("arrivals are mails to SES, which a receipt rule hands on")

    @property
    def source(self) -> Source | None:
        """The service whose messages these are; None: the producer's own."""
        given = (self.s3, self.media_convert, self.elastic_transcoder, self.ses_feedback, self.ses_receipt)
        return next((one for one in given if one is not None), None)

    @property
    def said(self) -> Message | Announced:
        """What its messages say, for filters."""
        return self.source.said if self.source else self.message

    @property
    def traits(self) -> Traits:
        """What work and failures may depend on: attributes, or what tells a service's messages apart."""
        return self.source.traits if self.source else self.message.attributes

    @property
    def each(self) -> float:
        """Messages that come of one arrival, on average."""
        return self.source.each if self.source else 1.0

    @property
    def phases(self) -> tuple[Phase, ...] | None:
        """The phases one after another, together as long as the scenario; None with other arrivals."""
        return self.arrivals.phases if self.arrivals else None

    @property
    def interarrival(self) -> Any:
        """The distribution of the time between two arrivals [us], or None."""
        return self.arrivals.interarrival if self.arrivals else None

    @model_validator(mode="after")
    def _one_kind(self) -> "Producer":
        kinds = {"arrivals": self.arrivals, "trace": self.trace, "closed_loop": self.closed_loop}
        given = [name for name, value in kinds.items() if value is not None]
        if not given:
            raise refuse("has neither arrivals nor trace nor closed_loop; give exactly one")
        if len(given) > 1:
            raise refuse(f"has {'both ' if len(given) == 2 else ''}{' and '.join(given)}; give exactly one")
        if self.closed_loop is not None and self.batch is not None:
            message = "cannot stand beside closed_loop: a client waits for each message's answer"
            raise refuse(Finding(("batch",), message))
        if self.invocation is not None and self.batch is not None:
            raise refuse(Finding(("batch",), "cannot stand beside invocation: a call carries one event"))
        return self

    @model_validator(mode="after")
    def _one_source(self) -> "Producer":
        words = ("s3", "media_convert", "elastic_transcoder", "ses_feedback", "ses_receipt")
        given = [word for word in words if getattr(self, word) is not None]
        if len(given) > 1:
            raise refuse(f"has {' and '.join(given)}; a producer is one service at most")
        if not given:
            return self
        found = [
            Finding((key,), f"cannot stand beside {given[0]}: the service sends in its own way")
            for key in ("closed_loop", "batch", "client", "invocation")
            if getattr(self, key) is not None
        ]
        found += [
            Finding(("message", key), f"cannot stand beside {given[0]}: the service says what it says")
            for key in ("attributes", "body")
            if getattr(self.message, key)
        ]
        if found:
            raise refuse(*found)
        return self

    def expected(self, duration: int) -> float:
        """Give the messages to be expected of the arrivals in *duration* [us]."""
        return self.each * self.arrivals_expected(duration)

    def arrivals_expected(self, duration: int) -> float:
        """Give the arrivals to be expected in *duration* [us]: messages, or uploads, jobs, mails."""
        if self.interarrival is not None:
            return duration / mean_of(self.interarrival)
        if self.trace:
            return sum(self.trace.counts)
        if self.closed_loop:
            return self.closed_loop.per_s * duration / 1e6
        return sum(
            (phase.rate + (phase.rate if phase.ramp_to is None else phase.ramp_to)) / 2 * phase.for_us / 1e6
            for phase in self.phases or ()
        )
