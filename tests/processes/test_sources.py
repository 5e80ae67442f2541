"""What services say of what happens there, held against arithmetic and queueing theory."""

from typing import Any

import numpy as np
import pytest

from simulator.aws.media.jobs import JobSlots
from simulator.processes.email_feedback import COMPLAINT, EmailFeedback, Kind
from simulator.processes.s3_events import S3Events
from simulator.processes.transcoding import ENDED_WELL, FAILED, STARTED, WARNED, Transcoding
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Categorical, Constant, Exponential, Lognormal
from simulator.sampling.streams import message_keys, stream_key
from tests.theory.test_queues import meets

SECOND = 1_000_000


def keys(n: int):
    return message_keys("source", 0, n)


def share_meets(found: int, n: int, share: float) -> bool:
    """Whether a count is within four standard errors of a share of *n* that are told apart by it."""
    error = np.sqrt(n * share * (1 - share))
    assert error < 0.1 * n * share
    return bool(abs(found - n * share) < 4 * error)


def poisson(n: int, per_s: float, seed: int):
    gaps = np.random.default_rng(seed).exponential(SECOND / per_s, n)
    return np.cumsum(gaps).astype(np.int64)


# -- S3 ----------------------------------------------------------------------------------------------


def bucket(**changed) -> S3Events:
    settings: dict[str, Any] = {
        "delay": Lognormal(2 * SECOND, 30 * SECOND),
        "p_again": 0.02,
        "again": Constant(10 * SECOND),
        "start_key": stream_key(1, 0, "start"),
        "end_key": stream_key(1, 0, "end"),
        "delay_key": stream_key(1, 0, "delay"),
        "p_again_key": stream_key(1, 0, "twice"),
        "again_key": stream_key(1, 0, "again"),
    }
    combinations = changed.pop("combinations", np.array([[0, NONE], [1, NONE]]))
    return S3Events(Categorical([0.7, 0.3]), Categorical([0.9, 0.1]), combinations, **settings | changed)


def test_events_are_as_many_as_uploads_with_such_keys_and_as_late_as_the_distribution():
    n = 20_000
    uploaded_at = np.arange(n) * SECOND
    told = bucket().told(uploaded_at, keys(n))
    assert share_meets(len(told.origin), n, 0.9)
    assert share_meets(int((told.combination == 0).sum()), len(told.origin), 0.7)
    assert share_meets(int((told.again_us != NONE).sum()), len(told.origin), 0.02)
    delay = told.said_at - uploaded_at[told.origin]
    assert share_meets(int((delay > 30 * SECOND).sum()), len(delay), 0.01)
    assert share_meets(int((delay > 2 * SECOND).sum()), len(delay), 0.5)


def test_a_filter_changes_nothing_about_the_uploads_it_lets_through():
    n = 2_000
    uploaded_at = np.arange(n) * SECOND
    everything = bucket(combinations=np.array([[0, 1], [2, 3]])).told(uploaded_at, keys(n))
    some = bucket(combinations=np.array([[NONE, NONE], [0, 1]])).told(uploaded_at, keys(n))
    same = np.isin(everything.origin, some.origin)
    assert 0 < len(some.origin) < n
    assert np.array_equal(everything.said_at[same], some.said_at)
    assert np.array_equal(everything.again_us[same], some.again_us)


# -- transcoding -------------------------------------------------------------------------------------


def transcoding(job, slots: int, seed: int = 1, **changed) -> Transcoding:
    settings: dict[str, Any] = {
        "p_error": 0.0,
        "p_warning": 0.0,
        "told": (0, NONE, NONE, NONE),
        "delay": Constant(0),
        "job_key": stream_key(seed, 0, "job"),
        "error_key": stream_key(seed, 0, "error"),
        "warning_key": stream_key(seed, 0, "warning"),
        "delay_key": stream_key(seed, 0, "delay"),
    }
    return Transcoding(JobSlots(slots), job, **settings | changed)


def test_wait_of_jobs_for_a_slot_is_erlang_c():
    slots, load, n = 20, 0.9, 20_000
    waits, waited = [], []
    for seed in range(10):
        submitted_at = poisson(n, slots * load / 60, seed)
        told = transcoding(Exponential(60 * SECOND), slots, seed).told(submitted_at, keys(n))
        wait = (told.said_at - submitted_at)[n // 10 :]
        waits.append(float(wait.mean()) / (60 * SECOND))
        waited.append(float((wait > 0).mean()))
    blocked = erlang_b(slots, slots * load)
    p_wait = blocked / (1 - load * (1 - blocked))
    assert meets(waited, p_wait, narrow=0.05)
    assert meets(waits, p_wait / (slots * (1 - load)), narrow=0.1)


def erlang_b(servers: int, offered: float) -> float:
    """The chance that all servers are busy where nobody waits, by its recursion."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def test_jobs_beyond_the_slots_run_one_round_later_each():
    told = transcoding(Constant(60 * SECOND), 20).told(np.zeros(100, dtype=np.int64), keys(100))
    assert np.array_equal(told.said_at, np.arange(100) // 20 * 60 * SECOND)


def test_windows_make_no_difference_to_jobs():
    submitted_at = poisson(500, 0.3, 7)
    whole = transcoding(Exponential(60 * SECOND), 20).told(submitted_at, keys(500))
    parts = transcoding(Exponential(60 * SECOND), 20)
    first = parts.told(submitted_at[:123], keys(500)[:123])
    rest = parts.told(submitted_at[123:], keys(500)[123:])
    assert np.array_equal(whole.said_at, np.concatenate((first.said_at, rest.said_at)))


def test_each_job_says_what_becomes_of_it():
    n = 20_000
    told = transcoding(
        Constant(10 * SECOND), n, p_error=0.05, p_warning=0.1, told=(0, 1, 2, 3), delay=Constant(SECOND)
    ).told(np.zeros(n, dtype=np.int64), keys(n))
    of = {kind: told.origin[told.kind == kind] for kind in (STARTED, WARNED, ENDED_WELL, FAILED)}
    assert np.array_equal(of[STARTED], np.arange(n))
    assert np.array_equal(np.sort(np.concatenate((of[ENDED_WELL], of[FAILED]))), np.arange(n))
    assert set(of[WARNED]) <= set(of[ENDED_WELL])
    assert share_meets(len(of[FAILED]), n, 0.05)
    assert share_meets(len(of[WARNED]), n, 0.95 * 0.1)
    assert set(told.said_at[told.kind == STARTED].tolist()) == {SECOND}
    assert set(told.said_at[told.kind != STARTED].tolist()) == {11 * SECOND}
    assert np.array_equal(told.combination, told.kind)


# -- mails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [(0, 1, 2, 3), (0, 1, 2, NONE)])
def test_a_mail_bounces_or_arrives_and_only_what_arrived_is_complained_of(told):
    n = 50_000
    late = (3 * SECOND, 14 * 3600 * SECOND, 3 * 3600 * SECOND, 2 * SECOND)
    hard, soft, complaint, delivery = (Kind(one, Constant(us)) for one, us in zip(told, late, strict=True))
    mails = EmailFeedback(
        0.02, 0.03, 0.01, (hard, soft, complaint, delivery), outcome_key=11, complaint_key=12, delay_key=13
    )
    said = mails.told(np.zeros(n, dtype=np.int64), keys(n))
    of = [said.origin[said.kind == kind] for kind in range(4)]
    for found, share in zip(of, (0.02, 0.03, 0.95 * 0.01), strict=False):
        assert share_meets(len(found), n, share)
    bounced = np.concatenate(of[:2])
    assert len(np.unique(bounced)) == len(bounced)
    assert not np.isin(of[COMPLAINT], bounced).any()
    assert len(of[3]) == (n - len(bounced) if told[3] != NONE else 0)
    for kind, us in enumerate(late[:3]):
        assert set(said.said_at[said.kind == kind].tolist()) == {us}
