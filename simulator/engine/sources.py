"""Builds services that publish: a bucket, transcoding, SES."""

from typing import Any

import numpy as np

from simulator.aws.media.jobs import COMPLETE, COMPLETED, ERROR, PROGRESSING, WARNING, JobSlots
from simulator.aws.ses.feedback import KINDS
from simulator.engine.taken import Taken, sampler
from simulator.processes.email_feedback import EmailFeedback, Kind
from simulator.processes.email_receipt import EmailReceipt
from simulator.processes.s3_events import S3Events
from simulator.processes.sources import Happenings
from simulator.processes.transcoding import Transcoding
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Categorical
from simulator.scenario import sources
from simulator.scenario.rules import Rules

_STATES = ((PROGRESSING,), (WARNING,), (COMPLETE, COMPLETED), (ERROR,))


def happenings(taken: Taken, rules: Rules, name: str, source: sources.Source) -> Happenings:
    """What the service of producer *name* says of what happens there."""
    match source:
        case sources.S3Events():
            return _s3_events(taken, rules, name, source)
        case sources.MediaConvert() | sources.ElasticTranscoder():
            return _transcoding(taken, rules, name, source)
        case sources.SesFeedback():
            return _email_feedback(taken, rules, name, source)
        case sources.SesReceipt():
            _assume(taken, rules, "ses.model.receipt_delay", source.delay)
            return EmailReceipt(
                source.dropped,
                sampler(source.delay),
                dropped_key=taken.stream(f"{name}/dropped"),
                delay_key=taken.stream(f"{name}/receipt"),
            )
    raise AssertionError(source)


def _assume(taken: Taken, rules: Rules, name: str, value: Any) -> None:
    """Name a rule that a setting was left to, for the list of assumptions."""
    if rules.value(name) == value:
        taken.rule(name)


def _s3_events(taken: Taken, rules: Rules, name: str, source: sources.S3Events) -> S3Events:
    _assume(taken, rules, "s3.model.event_delay", source.delay)
    _assume(taken, rules, "s3.model.p_duplicate", source.duplicates)
    if source.duplicates:
        _assume(taken, rules, "s3.model.duplicate_after", source.duplicate_after)
    starts, ends = (list(words) for words in source.traits.values())
    combinations = np.array(
        [
            [
                starts.index(start) * len(ends) + ends.index(end) if told else NONE
                for end, told in zip(source.suffix, row, strict=True)
            ]
            for start, row in zip(source.prefix, source.is_told(), strict=True)
        ]
    )
    return S3Events(
        Categorical(list(source.prefix.values())),
        Categorical(list(source.suffix.values())),
        combinations,
        delay=sampler(source.delay),
        p_again=source.duplicates,
        again=sampler(source.duplicate_after),
        start_key=taken.stream(f"{name}/prefix"),
        end_key=taken.stream(f"{name}/suffix"),
        delay_key=taken.stream(f"{name}/event"),
        p_again_key=taken.stream(f"{name}/duplicate"),
        again_key=taken.stream(f"{name}/duplicate_after"),
    )


def _transcoding(
    taken: Taken, rules: Rules, name: str, source: sources.MediaConvert | sources.ElasticTranscoder
) -> Transcoding:
    convert = isinstance(source, sources.MediaConvert)
    delay = "media_convert.model.event_delay" if convert else "elastic_transcoder.model.notify_delay"
    _assume(taken, rules, delay, source.delay)
    _assume(taken, rules, f"{source.word}.concurrent_jobs", source.concurrent_jobs)
    notified: list[str] = list(source.notify)
    told = [next((notified.index(one) for one in states if one in notified), NONE) for states in _STATES]
    return Transcoding(
        JobSlots(source.concurrent_jobs),
        sampler(source.job),
        p_error=source.errors,
        p_warning=source.warnings if isinstance(source, sources.ElasticTranscoder) else 0.0,
        told=told,
        delay=sampler(source.delay),
        job_key=taken.stream(f"{name}/job"),
        error_key=taken.stream(f"{name}/error"),
        warning_key=taken.stream(f"{name}/warning"),
        delay_key=taken.stream(f"{name}/event"),
    )


def _email_feedback(taken: Taken, rules: Rules, name: str, source: sources.SesFeedback) -> EmailFeedback:
    told = list(source.traits["feedback"])
    delays = source.delay
    each = (delays.hard_bounce, delays.soft_bounce, delays.complaint, delays.delivery)
    entries = (
        "ses.model.hard_bounce_delay",
        "ses.soft_bounce_delay",
        "ses.model.complaint_delay",
        "ses.model.delivery_delay",
    )
    for kind, entry, delay in zip(KINDS, entries, each, strict=True):
        if kind in told:
            _assume(taken, rules, entry, delay)
    notified = [
        Kind(told.index(kind) if kind in told else NONE, sampler(delay))
        for kind, delay in zip(KINDS, each, strict=True)
    ]
    hard, soft, complaint, delivery = notified
    return EmailFeedback(
        source.bounces.hard,
        source.bounces.soft,
        source.complaints,
        (hard, soft, complaint, delivery),
        outcome_key=taken.stream(f"{name}/outcome"),
        complaint_key=taken.stream(f"{name}/complaint"),
        delay_key=taken.stream(f"{name}/feedback"),
    )
