"""Mails sent through SES: taken or refused by quotas and standing, then delivered, bounced, complained of."""

from typing import NamedTuple

import numpy as np

from simulator.aws.ses.reputation import Reputation, Standing
from simulator.aws.ses.sending import Refusal, SendingQuota
from simulator.processes.announcements import Announcer
from simulator.processes.clock import CHANGES, SAMPLES, Clock
from simulator.processes.conditions import Conditions
from simulator.processes.downstream_figures import Figures, SecondCount
from simulator.processes.downstreams import Downstream, Ending, Try
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix, uniform_one

_MINUTE_US = 60_000_000
MILLION = 1_000_000


class Chances(NamedTuple):
    """Of recipients: bounce for good, given up in the end, late; of those reached: complain."""

    hard: float
    soft: float
    deferred: float
    complaint: float


class Delays(NamedTuple):
    """From a mail to what becomes of it [us]; ``deferral`` comes on top of ``delivery``."""

    hard: Distribution
    soft: Distribution
    complaint: Distribution
    delivery: Distribution
    deferral: Distribution


class Keys(NamedTuple):
    """Streams of the draws that belong to recipients."""

    outcome: int
    complaint: int
    delay: int


class Told(NamedTuple):
    """Numbers of the bodies by which a topic is told of each; None: it is not told."""

    hard: int | None
    soft: int | None
    complaint: int | None
    delivery: int | None


class Ledgers:
    """What is written down about an account: counts by the second, its standing by the minute."""

    def __init__(self, recorder: Recorder, thing: int) -> None:
        def count(quantity: Quantity) -> SecondCount:
            return SecondCount(recorder, thing, quantity)

        def gauge(quantity: Quantity) -> Gauge:
            return Gauge(recorder, thing, quantity, 0)

        self.taken = count(Quantity.RECIPIENTS)
        self.refused = {
            Refusal.RATE: count(Quantity.OVER_RATE),
            Refusal.DAILY: count(Quantity.OVER_DAILY_QUOTA),
            Refusal.PAUSED: count(Quantity.WHILE_PAUSED),
        }
        self.delivered = count(Quantity.MAILS_DELIVERED)
        self.hard = count(Quantity.HARD_BOUNCES)
        self.soft = count(Quantity.SOFT_BOUNCES)
        self.complaints = count(Quantity.COMPLAINTS)
        self.used = gauge(Quantity.DAILY_USED)
        self.bounce_share = gauge(Quantity.BOUNCE_SHARE)
        self.complaint_share = gauge(Quantity.COMPLAINT_SHARE)
        self.under_review = gauge(Quantity.UNDER_REVIEW)
        self.paused = gauge(Quantity.SENDING_PAUSED)

    def close(self, now: int) -> None:
        """The run ends at *now* [us]."""
        counts = (self.taken, *self.refused.values(), self.delivered, self.hard, self.soft, self.complaints)
        gauges = (self.used, self.bounce_share, self.complaint_share, self.under_review, self.paused)
        for count in counts:
            count.close(now)
        for gauge in gauges:
            gauge.close(now)


class Mails:
    """What becomes of the mails that SES has taken.

    Parameters
    ----------
    announcer : Announcer, optional
        What tells a topic; None: nobody is told.
    """

    def __init__(
        self,
        clock: Clock,
        reputation: Reputation,
        written: Ledgers,
        chances: Chances,
        delays: Delays,
        keys: Keys,
        told: Told,
        announcer: Announcer | None,
    ) -> None:
        self.taken = self.gone = 0
        """Recipients so far, and those whose fate is known."""
        self.reputation = reputation
        self.written = written
        self._clock = clock
        self._chances = chances
        self._delays = delays
        self._keys = keys
        self._told = told
        self._announcer = announcer

    def take(self, now: int, key: int, recipients: int) -> None:
        """SES takes a mail with the *key* of its draws at *now* [us]."""
        self.written.taken.add(now, recipients)
        self.taken += recipients
        for place in range(recipients):
            self._reach(now, self.reputation.send(), mix(key, place))

    def _reach(self, now: int, number: int, key: int) -> None:
        chance, chances = uniform_one(self._keys.outcome, key), self._chances
        if chance < chances.hard:
            self._clock.at(now + self._delay(self._delays.hard, key, 0), CHANGES, self._bounce, (number, key))
        elif chance < chances.hard + chances.soft:
            self._clock.at(
                now + self._delay(self._delays.soft, key, 1), CHANGES, self._give_up, (number, key)
            )
        else:
            at = now + self._delay(self._delays.delivery, key, 3)
            if chance < chances.hard + chances.soft + chances.deferred:
                at += self._delay(self._delays.deferral, key, 4)
            self._clock.at(at, CHANGES, self._arrive, (number, key))

    def _delay(self, delay: Distribution, key: int, kind: int) -> int:
        return int(draw(delay, self._keys.delay, np.array([mix(key, kind)], dtype=np.uint64))[0])

    def _tell(self, body: int | None) -> None:
        if body is not None and self._announcer is not None:
            self._announcer.say(self._clock.now, body)

    def _bounce(self, of: tuple[int, int]) -> None:
        self.gone += 1
        self.written.hard.add(self._clock.now)
        self.reputation.bounce(of[0])
        self.judge()
        self._tell(self._told.hard)

    def _give_up(self, _: object) -> None:
        self.gone += 1
        self.written.soft.add(self._clock.now)
        self._tell(self._told.soft)

    def _arrive(self, of: tuple[int, int]) -> None:
        now = self._clock.now
        self.gone += 1
        self.written.delivered.add(now)
        self._tell(self._told.delivery)
        if uniform_one(self._keys.complaint, of[1]) < self._chances.complaint:
            self._clock.at(now + self._delay(self._delays.complaint, of[1], 2), CHANGES, self._complain, of)

    def _complain(self, of: tuple[int, int]) -> None:
        self.written.complaints.add(self._clock.now)
        self.reputation.complain(of[0])
        self.judge()
        self._tell(self._told.complaint)

    def judge(self) -> None:
        """Write down how the account stands."""
        now, reputation, written = self._clock.now, self.reputation, self.written
        written.bounce_share.set(now, round(reputation.bounce_share * MILLION))
        written.complaint_share.set(now, round(reputation.complaint_share * MILLION))
        written.under_review.set(now, int(reputation.standing is Standing.UNDER_REVIEW))
        written.paused.set(now, int(reputation.standing is Standing.PAUSED))


class Mailing(Downstream):
    """An SES account as consumers call it: each call sends one mail to so many *recipients*."""

    def __init__(
        self, clock: Clock, figures: Figures, quota: SendingQuota, recipients: int, mails: Mails
    ) -> None:
        super().__init__(clock, figures, Conditions())
        self.mails = mails
        self._quota = quota
        self._recipients = recipients
        clock.at(0, SAMPLES, self._look, None)

    def take(self, one: Try) -> Ending | None:
        """Take a try: refused at once, or answered later; the mail goes out whoever waits for the answer."""
        now = self._clock.now
        self.figures.tries.add(now)
        if self.mails.reputation.standing is Standing.PAUSED:
            self.mails.written.refused[Refusal.PAUSED].add(now)
            return Ending.FAILED
        refusal = self._quota.send(now, self._recipients)
        if refusal is not None:
            self.mails.written.refused[refusal].add(now)
            return Ending.REFUSED
        self.mails.take(now, one.errand.key, self._recipients)
        self._serve(one)
        return None

    def _look(self, _: object) -> None:
        """Once a minute: what of the day's quota is used, and how the account stands."""
        now = self._clock.now
        self.mails.written.used.set(now, self._quota.used(now))
        self.mails.judge()
        self._clock.at(now + _MINUTE_US, SAMPLES, self._look, None)

    def finish_run(self) -> int:
        """Close its books; recipients whose fate is not known yet."""
        now = self._clock.now
        self.mails.judge()
        self.mails.written.used.set(now, self._quota.used(now))
        self.mails.written.close(now)
        return self.mails.taken - self.mails.gone
