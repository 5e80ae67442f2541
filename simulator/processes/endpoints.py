"""Endpoints of subscriptions that are no queue and no function: web servers, mailboxes, phones, apps."""

from collections.abc import Callable

import numpy as np

from simulator.aws.sns.endpoints import MailSubscription, Spending, has_expired
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.deliveries import Answer, Delivery
from simulator.processes.errands import Calls, Errand
from simulator.processes.lines import Run
from simulator.recording.tables import Cause
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix, uniform_one

Answered = Callable[[Run, Answer], None]


class _Open:
    """An endpoint that takes whatever comes."""

    def turns_off(self, now: int) -> Cause:
        """Why a message that comes at *now* [us] is never sent: it is."""
        return Cause.NOTHING

    def turns_away(self, published_at: int, now: int) -> Cause:
        """Why a message is not tried at *now* [us], nor ever again: it is."""
        return Cause.NOTHING


class WebServer(_Open):
    """An HTTP/S endpoint: a downstream that each attempt is a call of, with one try.

    Parameters
    ----------
    refuses : float
        Share of messages that it answers with a permanent error: a 4xx other than 429.
    refuses_key : int
        Stream of that; it belongs to the messages.
    """

    def __init__(self, calls: Calls, refuses: float, refuses_key: int) -> None:
        self._calls = calls
        self._refuses = refuses
        self._refuses_key = refuses_key

    def take(self, run: Run, answered: Answered) -> None:
        """Call the downstream."""
        Errand(self._calls, run.event.copy, run.event.runs, self._over, (run, answered)).begin()

    def _over(self, errand: Errand) -> None:
        run, answered = errand.owner
        run.downstream_us, run.waiting_us = errand.service_us, errand.waiting_us
        if errand.failed:
            answered(run, Answer.FAILED)
        elif uniform_one(self._refuses_key, run.event.key) < self._refuses:
            answered(run, Answer.REFUSED)
        else:
            answered(run, Answer.DELIVERED)


class Provider(_Open):
    """Somebody's system that brings messages to people: it is slow, and now and then it fails.

    Parameters
    ----------
    latency : Distribution
        From the attempt until the message is there, or has failed [us].
    fails : float
        Share of attempts that fail and are tried again.
    refuses : float
        Share of messages whose recipient is gone.
    latency_key, fails_key, refuses_key : int
        Streams; the first two belong to message and attempt, the last to the message.
    """

    def __init__(
        self,
        clock: Clock,
        latency: Distribution,
        latency_key: int,
        *,
        fails: float,
        fails_key: int,
        refuses: float = 0.0,
        refuses_key: int = 0,
    ) -> None:
        self._clock = clock
        self._latency = latency
        self._latency_key = latency_key
        self._fails = fails
        self._fails_key = fails_key
        self._refuses = refuses
        self._refuses_key = refuses_key

    def take(self, run: Run, answered: Answered) -> None:
        """Hand the message to the provider."""
        assert isinstance(run.event, Delivery)
        keys = np.array([mix(run.event.key, run.event.runs)], dtype=np.uint64)
        over_at = self._clock.now + int(draw(self._latency, self._latency_key, keys)[0])
        self._clock.at(over_at, COMPLETIONS, self._over, (run, run.event, answered))

    def _over(self, attempt: tuple[Run, Delivery, Answered]) -> None:
        run, delivery, answered = attempt
        if uniform_one(self._refuses_key, delivery.key) < self._refuses:
            answered(run, Answer.REFUSED)
        elif uniform_one(self._fails_key, mix(delivery.key, delivery.runs)) < self._fails:
            answered(run, Answer.FAILED)
        else:
            answered(run, Answer.DELIVERED)


class Mailbox(_Open):
    """An email address.

    Parameters
    ----------
    subscription : MailSubscription
        Whether it still gets what comes.
    """

    def __init__(self, provider: Provider, subscription: MailSubscription) -> None:
        self.take = provider.take
        self._subscription = subscription

    def turns_off(self, now: int) -> Cause:
        """Why a message that comes at *now* [us] is never sent; NOTHING if it is."""
        return Cause.NOTHING if self._subscription.take(now) else Cause.SUBSCRIPTION_DISABLED


class Phone(_Open):
    """A phone that gets text messages.

    Parameters
    ----------
    price : int
        Of a message, in the unit of *spending*.
    """

    def __init__(self, clock: Clock, provider: Provider, spending: Spending, price: int) -> None:
        self._clock = clock
        self._provider = provider
        self._spending = spending
        self._price = price

    def turns_away(self, published_at: int, now: int) -> Cause:
        """Why a message is not tried at *now* [us], nor ever again; NOTHING if it is."""
        return Cause.NOTHING if self._spending.allows(now, self._price) else Cause.SPENDING_LIMIT

    def take(self, run: Run, answered: Answered) -> None:
        """Send the message; an attempt is paid for whether it succeeds or not."""
        self._spending.spend(self._price)
        self._provider.take(run, answered)


class App(_Open):
    """An app on a phone that gets push messages, none older than *ttl_us* [us]."""

    def __init__(self, provider: Provider, ttl_us: int) -> None:
        self.take = provider.take
        self._ttl_us = ttl_us

    def turns_away(self, published_at: int, now: int) -> Cause:
        """Why a message is not tried at *now* [us], nor ever again; NOTHING if it is."""
        return Cause.TIME_TO_LIVE if has_expired(published_at, now, self._ttl_us) else Cause.NOTHING
