"""Services of AWS that publish on their own: what happens there, and what they say of it.

The arrivals of such a producer are uploads, jobs or mails. What is published comes later, and may be nothing
or several messages. It is told apart by *traits*, which work and failures may depend on; message attributes
it has none, as AWS gives it none, so filters look at the body.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import model_validator

from simulator.aws.media import jobs
from simulator.aws.s3 import notifications
from simulator.aws.ses import feedback
from simulator.scenario.bodies import Shares
from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Share, Text

Traits = dict[str, dict[str, float]]

Created = Literal[
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
]


class Announced(NamedTuple):
    """What a service says: bodies with their shares, by the number of their combination of traits."""

    bodies: tuple[Any, ...]
    shares: tuple[float, ...]

    @property
    def attributes(self) -> Traits:
        """Message attributes: a service sends none."""
        return {}

    @property
    def body(self) -> Any:
        """One of the bodies, for its keys."""
        return self.bodies[0]


class Source(Spec):
    """A service that publishes.

    ``word`` is its key in a producer, ``service`` its name, ``happening`` what its arrivals are, ``ends`` the
    sections of a scenario that it can publish to.
    """

    word: ClassVar[str]
    happening: ClassVar[str]
    service: ClassVar[str]
    ends: ClassVar[tuple[str, ...]]

    @property
    def each(self) -> float:
        """Messages that come of one arrival, on average."""
        raise NotImplementedError

    @property
    def traits(self) -> Traits:
        """What tells its messages apart: words with their shares; the last trait varies fastest."""
        raise NotImplementedError

    @property
    def said(self) -> Announced:
        """What its messages say."""
        raise NotImplementedError


# -- S3 ----------------------------------------------------------------------------------------------


class KeyFilter(Spec):
    """Which keys a bucket tells of."""

    prefix: tuple[Text, ...] = option("how keys begin; one rule each", default=[], what="list of words")
    suffix: tuple[Text, ...] = option("how keys end; one rule each", default=[], what="list of words")

    @model_validator(mode="after")
    def _fits_together(self) -> "KeyFilter":
        if why := notifications.overlap(self.prefix, self.suffix):
            raise refuse(why)
        return self


class S3Events(Source):
    """A bucket that tells of new objects: every arrival is an upload."""

    word = "s3"
    happening = "uploads"
    service = "S3"
    ends = ("topics", "queues", "functions")

    prefix: Shares = option(
        "how keys begin, with shares", default={"": "100%"}, what="map of words to shares"
    )
    suffix: Shares = option("how keys end, with shares", default={"": "100%"}, what="map of words to shares")
    event: Created = option("what kind of event it is", default="ObjectCreated:Put")
    filter: KeyFilter = option("which keys the bucket tells of; without it of all", default={})
    delay: TimeDistribution = setting("s3.model.event_delay", "from the end of an upload to the publish")
    duplicates: Share = setting("s3.model.p_duplicate", "share of the events that S3 says twice")
    duplicate_after: TimeDistribution = setting(
        "s3.model.duplicate_after", "from an event to the same event said again"
    )

    def is_told(self) -> list[list[bool]]:
        """Say of each beginning, and in it of each ending, whether the bucket tells of such keys."""
        return [
            [
                notifications.is_told(
                    notifications.key_of(start, end), self.filter.prefix, self.filter.suffix
                )
                for end in self.suffix
            ]
            for start in self.prefix
        ]

    @model_validator(mode="after")
    def _says_something(self) -> "S3Events":
        if not self._told_shares():
            starts, ends = (", ".join(words) for words in (self.prefix, self.suffix))
            message = f"lets nothing through: keys begin with {starts or 'anything'}"
            raise refuse(Finding(("filter",), f"{message} and end with {ends or 'anything'}"))
        return self

    def _told_shares(self) -> list[tuple[str, str, float]]:
        """Beginnings and endings of the keys that are told of, with their shares of all uploads."""
        return [
            (start, end, first * last)
            for (start, first), told in zip(self.prefix.items(), self.is_told(), strict=True)
            for (end, last), is_told in zip(self.suffix.items(), told, strict=True)
            if is_told and first * last > 0
        ]

    @property
    def each(self) -> float:
        """Share of the uploads that the bucket tells of; duplicates are the same message said twice."""
        return sum(share for _, _, share in self._told_shares())

    @property
    def traits(self) -> Traits:
        """Beginnings and endings of keys, as far as the bucket tells of them."""
        told = self._told_shares()
        return {
            "prefix": _normalised([(start, share) for start, _, share in told]),
            "suffix": _normalised([(end, share) for _, end, share in told]),
        }

    @property
    def said(self) -> Announced:
        """The events, by beginning and ending of the key."""
        traits = self.traits
        pairs = product(traits["prefix"].items(), traits["suffix"].items())
        keys = [(notifications.key_of(start, end), one * two) for (start, one), (end, two) in pairs]
        bodies = tuple(notifications.body(self.event, key) for key, _ in keys)
        return Announced(bodies, tuple(share for _, share in keys))


# -- media transcoding -------------------------------------------------------------------------------


class Transcoding(Source):
    """A queue of transcoding jobs: every arrival is a job."""

    happening = "jobs"

    job: TimeDistribution = required("how long a job runs, from its start to its end or its error")
    errors: Share = option("share of the jobs that end in an error", default="0%", low="0%", high="100%")

    #: of the subclasses: how many jobs run at once, which states are told, and how late
    concurrent_jobs: Any
    notify: Any
    delay: Any

    def per_job(self) -> Mapping[str, float]:
        """Notifications of each state that come of one job, on average."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _tells_something(self) -> "Transcoding":
        if not self.notify:
            raise refuse(Finding(("notify",), "is an empty list; give at least one state"))
        if len(set(self.notify)) < len(self.notify):
            twice = next(state for state in self.notify if self.notify.count(state) > 1)
            raise refuse(Finding(("notify",), f"names {twice} twice"))
        if not self.each:
            raise refuse(Finding(("notify",), f"never happens: no job comes to {self.notify[0]}"))
        return self

    @property
    def each(self) -> float:
        """Notifications that come of one job, on average."""
        per_job = self.per_job()
        return sum(per_job[state] for state in self.notify)

    def _states(self) -> dict[str, float]:
        per_job, each = self.per_job(), self.each
        return {state: per_job[state] / each for state in self.notify}


class MediaConvert(Transcoding):
    """An on-demand queue of Elemental MediaConvert; a rule of EventBridge passes its events on."""

    word = "media_convert"
    service = "MediaConvert"
    ends = ("topics", "queues", "functions")

    concurrent_jobs: Count = setting(
        "media_convert.concurrent_jobs", "jobs of the queue that run at once; the others wait in their order"
    )
    notify: tuple[Literal["PROGRESSING", "COMPLETE", "ERROR"], ...] = option(
        "states of a job that are told", default=["COMPLETE", "ERROR"], what="list of states"
    )
    delay: TimeDistribution = setting(
        "media_convert.model.event_delay", "from a change of state to the publish"
    )

    def per_job(self) -> Mapping[str, float]:
        """Notifications of each state that come of one job, on average."""
        return {jobs.PROGRESSING: 1.0, jobs.COMPLETE: 1 - self.errors, jobs.ERROR: self.errors}

    @property
    def traits(self) -> Traits:
        """The states that are told."""
        return {"status": self._states()}

    @property
    def said(self) -> Announced:
        """The events, by state."""
        states = self._states()
        return Announced(tuple(map(jobs.media_convert_body, states)), tuple(states.values()))


class ElasticTranscoder(Transcoding):
    """A pipeline of Elastic Transcoder, which AWS ended on 2025-11-13."""

    word = "elastic_transcoder"
    service = "Elastic Transcoder"
    ends = ("topics",)

    warnings: Share = option(
        "share of the jobs without error that end with a warning", default="0%", low="0%", high="100%"
    )
    concurrent_jobs: Count = setting(
        "elastic_transcoder.concurrent_jobs",
        "jobs of the pipeline that run at once; the others wait in their order",
    )
    notify: tuple[Literal["PROGRESSING", "WARNING", "COMPLETED", "ERROR"], ...] = option(
        "states of a job that are told", default=["COMPLETED", "ERROR"], what="list of states"
    )
    delay: TimeDistribution = setting(
        "elastic_transcoder.model.notify_delay", "from a change of state to the publish"
    )

    def per_job(self) -> Mapping[str, float]:
        """Notifications of each state that come of one job, on average."""
        well = 1 - self.errors
        return {
            jobs.PROGRESSING: 1.0,
            jobs.WARNING: well * self.warnings,
            jobs.COMPLETED: well,
            jobs.ERROR: self.errors,
        }

    @property
    def traits(self) -> Traits:
        """The states that are told."""
        return {"state": self._states()}

    @property
    def said(self) -> Announced:
        """The notifications, by state."""
        states = self._states()
        return Announced(tuple(map(jobs.elastic_transcoder_body, states)), tuple(states.values()))


# -- SES ---------------------------------------------------------------------------------------------


class Bounces(Spec):
    """Mails that do not arrive, as shares of those sent."""

    hard: Share = option("bounce for good, at once", default="0%", low="0%", high="100%")
    soft: Share = option(
        "fail for the time being, and are given up by SES in the end", default="0%", low="0%", high="100%"
    )


class FeedbackDelays(Spec):
    """From a mail to what is said of it."""

    hard_bounce: TimeDistribution = setting("ses.model.hard_bounce_delay", "to a hard bounce")
    soft_bounce: TimeDistribution = setting("ses.soft_bounce_delay", "until SES gives a mail up")
    complaint: TimeDistribution = setting("ses.model.complaint_delay", "until a reader complains")
    delivery: TimeDistribution = setting("ses.model.delivery_delay", "until the receiver takes it")


class SesFeedback(Source):
    """SES that tells what became of mails: every arrival is a mail to one recipient."""

    word = "ses_feedback"
    happening = "mails"
    service = "SES"
    ends = ("topics",)

    bounces: Bounces = option("mails that do not arrive", default={})
    complaints: Share = option(
        "share of the mails that arrive and that their readers complain of",
        default="0%",
        low="0%",
        high="100%",
    )
    deliveries: bool = option("whether mails that arrive are told as well", default=False)
    delay: FeedbackDelays = option("from the mail to each kind of notification", default={})

    @model_validator(mode="after")
    def _says_something(self) -> "SesFeedback":
        if self.bounces.hard + self.bounces.soft > 1:
            raise refuse(Finding(("bounces",), "add up to more than 100%"))
        if not self.each:
            raise refuse("says nothing: give bounces, complaints or deliveries")
        return self

    def per_mail(self) -> dict[str, float]:
        """Notifications of each kind that come of one mail, on average; only those that happen."""
        arrives = 1 - self.bounces.hard - self.bounces.soft
        shares = (self.bounces.hard, self.bounces.soft, arrives * self.complaints, arrives * self.deliveries)
        return {kind: share for kind, share in zip(feedback.KINDS, shares, strict=True) if share > 0}

    @property
    def each(self) -> float:
        """Notifications that come of one mail, on average."""
        return sum(self.per_mail().values())

    @property
    def traits(self) -> Traits:
        """The kinds of notification."""
        return {"feedback": _normalised(list(self.per_mail().items()))}

    @property
    def said(self) -> Announced:
        """The notifications, by kind."""
        kinds = self.traits["feedback"]
        return Announced(tuple(map(feedback.body, kinds)), tuple(kinds.values()))


class SesReceipt(Source):
    """SES that receives mail: every arrival is a mail; a receipt rule hands it to a topic or a function.

    A rule's action to a bucket is `s3` instead: the bucket tells of the mail as of any object.
    """

    word = "ses_receipt"
    happening = "mails received"
    service = "SES"
    ends = ("topics", "functions")

    dropped: Share = option(
        "share of the mails that the rule set drops: no rule for the recipient, or a spam or virus verdict",
        default="0%",
        low="0%",
        high="99.9%",
    )
    delay: TimeDistribution = setting("ses.model.receipt_delay", "from the mail's arrival to the action")

    @property
    def each(self) -> float:
        """Share of the mails that are handed on."""
        return 1 - self.dropped

    @property
    def traits(self) -> Traits:
        """Nothing tells them apart."""
        return {}

    @property
    def said(self) -> Announced:
        """The notification."""
        return Announced((feedback.RECEIVED,), (1.0,))


def _normalised(shares: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Shares of each word, so that they add up to 1; in the order of the words' first places."""
    total = sum(share for _, share in shares)
    found: dict[str, float] = {}
    for word, share in shares:
        found[word] = found.get(word, 0.0) + share / total
    return found
