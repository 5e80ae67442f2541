"""Systems with an exact answer, simulated through scenarios until the answer is narrow enough."""

import inspect
from collections.abc import Callable
from unittest.mock import patch

import numpy as np

from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.simulate import Simulation
from simulator.processes.clock import SAMPLES
from simulator.recording.tables import Fate, Outcome, Quantity
from simulator.sampling.arrivals import Renewal
from simulator.sampling.distributions import Distribution, whole
from simulator.sampling.streams import Floats, uniform
from tests.conformance import lab
from tests.conformance.estimates import Replicate, differences, estimate
from tests.conformance.lab import SECOND, Parameters
from tests.conformance.running import Case, NotBuilt

MESSAGES = 200_000
"""Messages of one replication of a system in its steady state."""

WARM_UP = 0.05
_LONGEST_S = 390 * 86400


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    return judge(case)


def judge(case: Case, most: int | None = None) -> list[str]:
    """As ``run_case``, with at most *most* replications."""
    kind = case["kind"]
    if kind not in _KINDS:
        raise NotBuilt(f"kind {kind}")
    replicate = _KINDS[kind](case["parameters"])
    got, _ = estimate(case, replicate) if most is None else estimate(case, replicate, most)
    return differences(case, got)


def _steady(interarrival_s: float, copies: int = 1) -> tuple[float, tuple[int, int]]:
    """Duration [s] of a run with MESSAGES copies, and the part of it that counts [us]."""
    duration_s = min(MESSAGES / copies * interarrival_s, _LONGEST_S)
    return duration_s, (round(WARM_UP * duration_s * SECOND), round(duration_s * SECOND))


# -- one queue ---------------------------------------------------------------------------------------


def _queue(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
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


def _delay_queue(p: Parameters) -> Replicate:
    """How many are delayed is read off the queue once a second."""
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h", "delay": lab.time(p["delay"])}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def replicate(replication: int) -> dict[str, float]:
        delayed: list[int] = []

        def beside(simulation: Simulation) -> None:
            queue, clock = simulation.messaging.dispatchers["q"].queue, simulation.clock

            def look(at: int) -> None:
                delayed.append(queue.delayed(at))
                if at + SECOND < window[1]:
                    clock.at(at + SECOND, SAMPLES, look, at + SECOND)

            clock.at(window[0], SAMPLES, look, window[0])

        numbers = lab.sojourns(lab.run(asked, replication, beside=beside).table("copies"), window)
        return {**numbers, "delayed_mean": float(np.mean(delayed))}

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
            return np.floor(np.log1p(-u) / np.log1p(-1 / self.mean)) + 1
        if self._given["dist"] == "constant":
            return np.full(u.shape, self.mean)
        return self._values[(u * self._values.size).astype(int)].astype(float)


def _batch_arrivals(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    size = BatchSize(p["batch_size"])
    duration_s, window = _steady(lab.mean(p["interarrival"]) / size.mean)
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
        with patch("simulator.engine.messaging.Renewal", batches):
            copies = lab.run(asked, replication).table("copies")
        numbers = lab.sojourns(copies, window)
        return {**numbers, "utilisation": (numbers["l"] - numbers["lq"]) / p["servers"]}

    return replicate


def _bulk_service(p: Parameters) -> Replicate:
    if p["max_batch"] > 10:
        raise NotBuilt("receives of more than 10 messages")
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
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


def _overload_drain(p: Parameters) -> Replicate:
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


def _long_poll(p: Parameters) -> Replicate:
    """Empty receives are arithmetic on how long the poller waited for each message, as in the product.

    A message at the very end of a poll is in its answer.
    """
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
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


# -- unlimited consumers -----------------------------------------------------------------------------

RUNS_AT_ONCE = 100


def _busy_ramp(p: Parameters) -> Replicate:
    """Many short systems beside each other in one run, each with streams of its own."""
    files: dict[str, str] = {}
    work, offered = lab.distribution(p["service"], files), lab.arrivals(p["interarrival"], files)
    names = [f"n{number}" for number in range(RUNS_AT_ONCE)]
    asked = lab.scenario(
        max(p["times"]) + 1,
        files,
        producers={name: {"target": name, "arrivals": offered} for name in names},
        queues={name: {"visibility_timeout": "12h"} for name in names},
        auto_scaling_groups={name: lab.workers(name, work, None) for name in names},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        numbers = {}
        queues = copies["queue"] - copies["queue"].min()
        for at in p["times"]:
            at_us = round(at * SECOND)
            there = (copies["first_started_at"] <= at_us) & (copies["ended_at"] > at_us)
            busy = np.bincount(queues[there], minlength=RUNS_AT_ONCE)
            numbers[f"mean_busy_{at:g}"] = float(busy.mean())
            numbers[f"var_busy_{at:g}"] = float(busy.var(ddof=1))
        return numbers

    return replicate


PERIODS = 60
PIECES = 36


def _busy_wave(p: Parameters) -> Replicate:
    """The sine is given as short ramps; its first harmonic is read off the number busy."""
    files: dict[str, str] = {}
    edges = p["rate_mean"] + p["rate_amplitude"] * np.sin(2 * np.pi * np.arange(PIECES + 1) / PIECES)
    piece = lab.time(p["period"] / PIECES)
    wave = [
        {"for": piece, "rate": lab.rate(one), "ramp_to": lab.rate(other)}
        for one, other in zip(edges[:-1], edges[1:], strict=True)
    ]
    duration_s = round(p["period"] / PIECES * SECOND) * PIECES * PERIODS / SECOND
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": wave * PERIODS}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), None)},
    )
    period = round(duration_s * SECOND / PERIODS)
    first = max(3, int(np.ceil(20 * lab.mean(p["service"]) / p["period"])))
    window = (first * period, PERIODS * period)

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        starts, ends = copies["first_started_at"], copies["ended_at"]
        mean = lab.mean_number(starts, ends, window)
        low, high = (np.clip(at, *window) for at in (starts, ends))
        turn = 2j * np.pi / period
        harmonic = (np.exp(turn * high) - np.exp(turn * low)).sum() / turn * 2 / (window[1] - window[0])
        amplitude = abs(harmonic)  # busy = mean + Re(conj(harmonic) exp(turn t))
        lag = (np.angle(harmonic) - np.pi / 2) % (2 * np.pi) / (2 * np.pi) * p["period"]
        return {
            "mean": mean,
            "amplitude": amplitude,
            "lag": lag,
            "peak": mean + amplitude,
            "trough": mean - amplitude,
        }

    return replicate


def _redelivery(p: Parameters) -> Replicate:
    """Arrivals are far enough apart for messages not to matter to each other."""
    fifo = p["queue_type"] == "fifo"
    if not fifo and p["late_delete"] == "accepted" and not _stale_deletes_can_work():
        raise NotBuilt("deletes by an older handle that work (sqs.model.p_stale_delete_works = 1)")
    files: dict[str, str] = {}
    work = lab.distribution(p["service"], files)
    limits = {} if fifo or p["late_delete"] != "accepted" else {"sqs.model.p_stale_delete_works": "100%"}
    queue = {"type": p["queue_type"], "visibility_timeout": lab.time(p["visibility_timeout"])}
    queues = {"q": queue}
    if "max_receive_count" in p:
        queue["redrive"] = {"queue": "d", "max_receive_count": p["max_receive_count"]}
        queues["d"] = {"type": p["queue_type"]}
    message = {"group": {"count": 1_000_000}} if fifo else {}
    asked = lab.scenario(
        MESSAGES / 20,
        files,
        limits=limits,
        producers={"p": {"target": "q", "arrivals": {"rate": "20/s"}, "message": message}},
        queues=queues,
        auto_scaling_groups={"g": lab.workers("q", work, None)},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        here = copies["queue"] == copies["queue"].min()
        receives = copies["receives"][here]
        return {
            "receives": float(receives.mean()),
            "wasted_executions": float(receives.mean()) - 1,
            "p_second": float(np.mean(receives > 1)),
            "p_dlq": float(np.mean(copies["fate"][here] == Fate.DEAD_LETTERED)),
        }

    return replicate


def _stale_deletes_can_work() -> bool:
    return "stale_delete_works" in inspect.signature(StandardQueue).parameters


# -- several queues, groups --------------------------------------------------------------------------


def _join(p: Parameters) -> Replicate:
    """A topic with k queues: the time until the last copy of a message is deleted."""
    files: dict[str, str] = {}
    interarrival = p.get("interarrival", {"dist": "exponential", "mean": 0.05})
    duration_s, window = _steady(lab.mean(interarrival), p["k"])
    names = [f"q{number}" for number in range(p["k"])]
    work = lab.distribution(p["service"], files)
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "t", "arrivals": lab.arrivals(interarrival, files)}},
        topics={"t": {"subscriptions": {name: {"queue": name} for name in names}}},
        queues={name: {"visibility_timeout": "12h"} for name in names},
        auto_scaling_groups={name: lab.workers(name, work, p.get("servers_each")) for name in names},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        order = np.argsort(copies["message"], kind="stable")
        sent = copies["sent_at"][order].reshape(-1, p["k"])
        ended = copies["ended_at"][order].reshape(-1, p["k"])
        counted = (sent[:, 0] >= window[0]) & (sent[:, 0] < window[1])
        whole_s = (ended.max(axis=1) - sent.min(axis=1))[counted] / SECOND
        p50, p95, p99 = np.percentile(whole_s, (50, 95, 99))
        each = float((ended - sent)[counted].mean() / SECOND)
        return {"mean": float(whole_s.mean()), "p50": p50, "p95": p95, "p99": p99, "w_each": each}

    return replicate


def _fifo_groups(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
    weights = np.array(p["weights"]) / sum(p["weights"])
    shares = [lab.share(weight) for weight in weights[:-1]]
    group = {"count": len(weights), "popularity": {"first": shares}} if shares else {"count": 1}
    asked = lab.scenario(
        duration_s,
        files,
        producers={
            "p": {
                "target": "q",
                "arrivals": lab.arrivals(p["interarrival"], files),
                "message": {"group": group},
            }
        },
        queues={"q": {"type": "fifo", "visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        numbers = lab.sojourns(copies, window)
        classes = {"mean": np.ones(len(copies["copy"]), dtype=bool)}
        if weights[0] > weights[1:].max(initial=0):
            classes["hot"] = copies["group"] == 0
            classes["cold"] = ~classes["hot"]
        for name, chosen in classes.items():
            if chosen.any():
                own = lab.sojourns({column: values[chosen] for column, values in copies.items()}, window)
                numbers |= {f"w_{name}": own["w"], f"wq_{name}": own["wq"]}
        return numbers

    return replicate


# -- quotas ------------------------------------------------------------------------------------------


def _fifo_calls(rate: int, depth: float) -> dict[str, str]:
    """A FIFO queue's quota of calls: *rate* a second, *depth* at once."""
    return {"sqs.fifo.tps": f"{rate}/s", "sqs.fifo.burst": lab.time(depth / rate)}


def _token_bucket_wait(p: Parameters) -> Replicate:
    """A topic waits for the calls of its FIFO queue; time is stretched where the rate is not whole."""
    rate = int(np.ceil(p["rate"]))
    stretch = p["rate"] / rate
    between_s = lab.mean(p["interarrival"]) * stretch
    duration_s, window = _steady(between_s)
    files: dict[str, str] = {}
    given = {
        key: value if key in ("dist", "shape", "scv") else value * stretch
        for key, value in p["interarrival"].items()
    }
    asked = lab.scenario(
        duration_s,
        files,
        limits={**_fifo_calls(rate, p["depth"]), "sns.deliver_batch": 1},
        producers={
            "p": {
                "target": "t",
                "arrivals": lab.arrivals(given, files),
                "message": {"group": {"count": 1_000_000}},
            }
        },
        topics={"t": {"type": "fifo", "subscriptions": {"q": {"queue": "q"}}}},
        queues={"q": {"type": "fifo"}},
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        counted = (copies["offered_at"] >= window[0]) & (copies["offered_at"] < window[1])
        delay = (copies["sent_at"] - copies["offered_at"])[counted]
        return {"p_delayed": float(np.mean(delay > 0)), "mean_delay": float(delay.mean() / SECOND / stretch)}

    return replicate


def _token_bucket_reject(p: Parameters) -> Replicate:
    """A producer's calls to a FIFO queue, not retried."""
    rate = int(np.ceil(p["rate"]))
    stretch = p["rate"] / rate
    offered = {"rate": lab.rate(p["offered_rate"] / stretch), "process": "even"}
    asked = lab.scenario(
        p["duration"] * stretch,
        limits={**_fifo_calls(rate, p["depth"]), "client.max_attempts": 1},
        producers={"p": {"target": "q", "arrivals": offered, "message": {"group": {"count": 1000}}}},
        queues={"q": {"type": "fifo"}},
    )

    def replicate(replication: int) -> dict[str, float]:
        outcomes = lab.run(asked, replication, ("messages",)).table("messages")["outcome"]
        return {
            "accepted": float((outcomes == Outcome.ACCEPTED).sum()),
            "rejected": float((outcomes == Outcome.REFUSED).sum()),
        }

    return replicate


# -- functions ---------------------------------------------------------------------------------------


def _function(work: object, **source: object) -> dict[str, object]:
    return {
        "f": {
            "runtime": "python3.13",
            "timeout": "15m",
            "work": work,
            "event_sources": {"q": source},
        }
    }


BACKLOG = 100_000


def _failures(p: Parameters) -> Replicate:
    """A backlog worked in full batches; its last fifth, where batches run short, does not count."""
    asked = lab.scenario(
        86400,
        queues={
            "q": {
                "visibility_timeout": "15m",
                "backlog": {"messages": BACKLOG},
                "redrive": {"queue": "d", "max_receive_count": p["max_receive_count"]},
            },
            "d": {"retention": "14d"},
        },
        functions={
            "f": {
                **_function(
                    {"per_message": "0s", "per_invocation": "5m"},
                    batch_size=p["batch"],
                    maximum_concurrency=100,
                    report_batch_item_failures=p["partial_batch_response"],
                )["f"],
                "failures": {"transient": lab.share(p["p_fail"])},
            }
        },
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "deliveries"))
        copies, deliveries = rows.table("copies"), rows.table("deliveries")
        here = (copies["queue"] == copies["queue"].min()) & (copies["copy"] < 0.8 * BACKLOG)
        counted = deliveries["copy"] < 0.8 * BACKLOG
        return {
            "p_attempt_ok": float(deliveries["deleted"][counted].mean()),
            "receives": float(copies["receives"][here].mean()),
            "p_dlq": float(np.mean(copies["fate"][here] == Fate.DEAD_LETTERED)),
        }

    return replicate


def _esm_ramp(p: Parameters) -> Replicate:
    asked = lab.scenario(
        86400,
        limits={
            "esm.start_concurrency": p["start"],
            "esm.growth_per_minute": round(60 * p["growth_per_s"]),
            "esm.max_concurrency_cap": p["cap"],
            "lambda.account_concurrency": 1_000_000,
        },
        queues={"q": {"visibility_timeout": "12h", "backlog": {"messages": p["backlog"]}}},
        functions=_function(
            {"per_message": "0s", "per_invocation": lab.time(p["batch_time"])}, batch_size=p["batch"]
        ),
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "changes"))
        drained_at, changes = rows.table("copies")["ended_at"].max(), rows.table("changes")
        held = (
            (changes["quantity"] == Quantity.CONCURRENCY)
            & (changes["from_at"] <= drained_at)
            & (changes["until_at"] > drained_at)
        )
        return {
            "drain_time": float(drained_at / SECOND),
            "concurrency_at_end": float(changes["value"][held][0]),
        }

    return replicate


def _keep_alive(p: Parameters) -> Replicate:
    """A cold start is told by the microsecond it takes here."""
    files: dict[str, str] = {}
    duration_s, window = _steady(lab.mean(p["interarrival"]))
    asked = lab.scenario(
        duration_s,
        files,
        limits={"lambda.idle_lifetime": lab.time(p["keep_alive"]), "lambda.environment_creation": "1us"},
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        functions=_function("0s", batch_size=1),
    )

    def replicate(replication: int) -> dict[str, float]:
        invocations = lab.run(asked, replication, ("invocations",)).table("invocations")
        counted = invocations["started_at"] >= window[0]
        return {"p_cold": float(np.mean(invocations["init_us"][counted] > 0))}

    return replicate


_KINDS: dict[str, Callable[[Parameters], Replicate]] = {
    "queue": _queue,
    "batch_arrivals": _batch_arrivals,
    "bulk_service": _bulk_service,
    "busy_ramp": _busy_ramp,
    "busy_wave": _busy_wave,
    "redelivery": _redelivery,
    "failures": _failures,
    "token_bucket_wait": _token_bucket_wait,
    "token_bucket_reject": _token_bucket_reject,
    "overload_drain": _overload_drain,
    "fifo_groups": _fifo_groups,
    "fan_out_join": _join,
    "fork_join": _join,
    "delay_queue": _delay_queue,
    "long_poll": _long_poll,
    "esm_ramp": _esm_ramp,
    "keep_alive": _keep_alive,
}
