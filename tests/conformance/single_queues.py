"""Queueing cases of one queue with a fixed number of consumers."""

from unittest.mock import patch

import numpy as np

from simulator.engine import things_of
from simulator.recording.tables import Quantity
from simulator.sampling.arrivals import Renewal
from simulator.sampling.distributions import Distribution, whole
from simulator.sampling.streams import Floats, uniform
from tests.conformance import lab
from tests.conformance.estimates import Replicate
from tests.conformance.lab import SECOND, Parameters, steady
from tests.conformance.running import NotBuilt


def queue(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h", "delay": lab.time(p.get("delay", 0))}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        numbers = lab.sojourns(copies, window)
        numbers["utilisation"] = (numbers["l"] - numbers["lq"]) / p["servers"]
        numbers["p_n_ge_10"] = lab.share_of_time_with(10, copies["sent_at"], copies["ended_at"], window)
        return numbers

    return replicate


def delay_queue(p: Parameters) -> Replicate:
    """How many are delayed is read off the queue once a second."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h", "delay": lab.time(p["delay"])}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def replicate(replication: int) -> dict[str, float]:
        delayed = lab.Watch("q", lambda queue, now: queue.delayed(now), window)
        numbers = lab.sojourns(lab.run(asked, replication, beside=delayed).table("copies"), window)
        return {**numbers, "delayed_mean": delayed.mean()}

    return replicate


class Batches:
    """Arrivals of batches: each instant of *inner* as often as its batch has messages."""

    def __init__(self, inner: Renewal, size: Distribution, stream_key: int) -> None:
        self._inner = inner
        self._size = size
        self._stream_key = stream_key
        self._batches = 0

    def until(self, horizon_us: int) -> np.ndarray:
        instants = self._inner.until(horizon_us)
        keys = np.arange(self._batches, self._batches + instants.size, dtype=np.uint64)
        self._batches += instants.size
        return np.repeat(instants, whole(self._size.quantile(uniform(self._stream_key, keys))))


class BatchSize:
    """Sizes of batches; the scenario language has no such arrivals."""

    def __init__(self, given: Parameters) -> None:
        self.mean = lab.mean(given)
        self._given = given
        self._values = np.sort(lab.sample(given)) if given["dist"] == "discrete" else np.zeros(1)

    def quantile(self, u: Floats) -> Floats:
        """Sizes at shares *u*."""
        if self._given["dist"] == "geometric":
            return np.asarray(np.floor(np.log1p(-u) / np.log1p(-1 / self.mean)) + 1)
        if self._given["dist"] == "constant":
            return np.full(u.shape, self.mean)
        return np.asarray(self._values[(u * self._values.size).astype(int)], dtype=float)


def batch_arrivals(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    size = BatchSize(p["batch_size"])
    duration_s, window = steady(lab.mean(p["interarrival"]) / size.mean)
    asked = lab.scenario(
        duration_s,
        files,
        producers={
            "p": {"target": "q", "arrivals": {"interarrival": lab.distribution(p["interarrival"], files)}}
        },
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def batches(distribution: Distribution, stream_key: int) -> Batches:
        return Batches(Renewal(distribution, stream_key), size, stream_key ^ 1)

    def replicate(replication: int) -> dict[str, float]:
        with patch("simulator.engine.producers.Renewal", batches):
            copies = lab.run(asked, replication).table("copies")
        numbers = lab.sojourns(copies, window)
        return {**numbers, "utilisation": (numbers["l"] - numbers["lq"]) / p["servers"]}

    return replicate


def bulk_service(p: Parameters) -> Replicate:
    if p["max_batch"] > 10:
        raise NotBuilt("receives of more than 10 messages")
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    work = {"per_message": "0s", "per_invocation": lab.distribution(p["batch_service"], files)}
    receive = {"max_messages": p["max_batch"], "delete": "batch"}
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", work, p["servers"], receive=receive)},
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "deliveries"))
        deliveries = rows.table("deliveries")
        _, first, sizes = np.unique(deliveries["invocation"], return_index=True, return_counts=True)
        received, left = deliveries["received_at"][first], deliveries["left_at"][first]
        counted = (received >= window[0]) & (received < window[1])
        return {
            **lab.sojourns(rows.table("copies"), window),
            "p_idle": 1 - lab.share_of_time_with(1, received, left, window),
            "mean_batch": float(sizes[counted].mean()),
        }

    return replicate


def overload_drain(p: Parameters) -> Replicate:
    asked = lab.scenario(
        p["duration"],
        producers={
            "p": {"target": "q", "arrivals": {"rate": lab.rate(p["arrivals_per_s"]), "process": "even"}}
        },
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.time(p["service"]), p["servers"])},
    )
    ends_at = round(p["duration"] * SECOND)

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        last = int(np.argmax(copies["sent_at"]))
        waiting = (copies["sent_at"] < ends_at) & (copies["first_received_at"] > ends_at)
        return {
            "backlog_at_end": float(waiting.sum()),
            "empty_at": float(copies["ended_at"].max() / SECOND),
            "last_sojourn": float(copies["ended_at"][last] - copies["sent_at"][last]) / SECOND,
        }

    return replicate


def long_poll(p: Parameters) -> Replicate:
    """Empty receives are arithmetic on how long the poller waited for each message, as in the product.

    A message at the very end of a poll is in its answer.
    """
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    wait_us = round(p["wait"] * SECOND)
    receive = {"max_messages": 1, "wait_time": lab.time(p["wait"])}
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", "0s", p["pollers"], receive=receive)},
    )
    if p["pollers"] != 1:
        raise NotBuilt("counts of empty receives of several pollers")

    def replicate(replication: int) -> dict[str, float]:
        received = np.sort(lab.run(asked, replication).table("copies")["first_received_at"])
        received = received[received >= window[0]]
        waited = np.diff(received)
        empty = int(np.maximum(-(-waited // wait_us) - 1, 0).sum())
        polls, hours = waited.size + empty, (received[-1] - received[0]) / SECOND / 3600
        return {
            "p_empty": empty / polls,
            "mean_poll": hours * 3600 / polls,
            "receives_per_hour": polls / hours,
            "empty_per_hour": empty / hours,
        }

    return replicate


def short_poll(p: Parameters) -> Replicate:
    """A receive that finds something keeps its poller busy until its turn: calls stay a period apart."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    period = lab.time(p["period"])
    receive = {"max_messages": p["max_batch"], "wait_time": "0s", "poll_pause": period, "delete": "batch"}
    work = {"per_message": "0s", "per_invocation": period}
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", work, p["pollers"], receive=receive)},
    )
    consumer = things_of(asked).index("auto_scaling_groups.g")

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "invocations", "changes"))
        copies, changes = rows.table("copies"), rows.table("changes")
        sent = (copies["sent_at"] >= window[0]) & (copies["sent_at"] < window[1])
        waits = (copies["first_received_at"] - copies["sent_at"])[sent]
        empty = (changes["quantity"] == Quantity.EMPTY_RECEIVES) & (changes["thing"] == consumer)
        lasted_s = (changes["until_at"] - changes["from_at"])[empty] / SECOND
        empties = float((changes["value"][empty] * lasted_s).sum() / 1e6)
        receives = rows.table("invocations")["messages"].size + empties
        hours = rows.table("invocations")["ended_at"].max() / SECOND / 3600
        return {
            "mean_wait": float(waits.mean()) / SECOND,
            "p_empty": empties / receives,
            "receives_per_hour": receives / hours,
        }

    return replicate
