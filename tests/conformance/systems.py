"""Queueing cases of unlimited consumers, several queues, groups, quotas and functions."""

import itertools

import numpy as np

from simulator.recording.tables import Fate, Outcome, Quantity
from simulator.scenario.rules import dated
from tests.conformance import lab
from tests.conformance.estimates import Replicate
from tests.conformance.lab import SECOND, Parameters, steady
from tests.conformance.running import NotBuilt

# -- unlimited consumers -----------------------------------------------------------------------------


def busy_ramp(p: Parameters) -> Replicate:
    """Many short systems beside each other in one run, each with streams of its own."""
    files: dict[str, str] = {}
    work, offered = lab.distribution(p["service"], files), lab.arrivals(p["interarrival"], files)
    beside = lab.MESSAGES // 2000
    names = [f"n{number}" for number in range(beside)]
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
            busy = np.bincount(queues[there], minlength=beside)
            numbers[f"mean_busy_{at:g}"] = float(busy.mean())
            numbers[f"var_busy_{at:g}"] = float(busy.var(ddof=1))
        return numbers

    return replicate


PIECES = 36


def busy_wave(p: Parameters) -> Replicate:
    """The sine is given as short ramps; its first harmonic is read off the number busy."""
    files: dict[str, str] = {}
    periods = max(8, lab.MESSAGES // 3000)
    edges = p["rate_mean"] + p["rate_amplitude"] * np.sin(2 * np.pi * np.arange(PIECES + 1) / PIECES)
    piece = lab.time(p["period"] / PIECES)
    wave = [
        {"for": piece, "rate": lab.rate(one), "ramp_to": lab.rate(other)}
        for one, other in itertools.pairwise(edges.tolist())
    ]
    duration_s = round(p["period"] / PIECES * SECOND) * PIECES * periods / SECOND
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": wave * periods}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), None)},
    )
    period = round(duration_s * SECOND / periods)
    first = max(3, int(np.ceil(20 * lab.mean(p["service"]) / p["period"])))
    window = (first * period, periods * period)

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


_STALE_DELETES = "sqs.model.p_stale_delete_works"


def redelivery(p: Parameters) -> Replicate:
    """Arrivals are far enough apart for messages not to matter to each other."""
    fifo = p["queue_type"] == "fifo"
    if not fifo and p["late_delete"] == "accepted" and _STALE_DELETES not in dated().names():
        raise NotBuilt(f"deletes by an older handle that work ({_STALE_DELETES})")
    files: dict[str, str] = {}
    work = lab.distribution(p["service"], files)
    limits = {} if fifo or p["late_delete"] != "accepted" else {_STALE_DELETES: "100%"}
    queue = {"type": p["queue_type"], "visibility_timeout": lab.time(p["visibility_timeout"])}
    queues = {"q": queue}
    if "max_receive_count" in p:
        queue["redrive"] = {"queue": "d", "max_receive_count": p["max_receive_count"]}
        queues["d"] = {"type": p["queue_type"]}
    message = {"group": {"count": 100_000}} if fifo else {}
    asked = lab.scenario(
        lab.MESSAGES / 20,
        files,
        limits=limits,
        producers={"p": {"target": "q", "arrivals": {"rate": "2/s"}, "message": message}},
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


# -- several queues, groups --------------------------------------------------------------------------


def join(p: Parameters) -> Replicate:
    """A topic with k queues: the time until the last copy of a message is deleted."""
    files: dict[str, str] = {}
    interarrival = p.get("interarrival", {"dist": "exponential", "mean": 0.05})
    duration_s, window = steady(lab.mean(interarrival), p["k"])
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


def fifo_groups(p: Parameters) -> Replicate:
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
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


def token_bucket_wait(p: Parameters) -> Replicate:
    """A topic waits for the calls of its FIFO queue; time is stretched where the rate is not whole."""
    rate = int(np.ceil(p["rate"]))
    stretch = p["rate"] / rate
    between_s = lab.mean(p["interarrival"]) * stretch
    duration_s, window = steady(between_s)
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
                "message": {"group": {"count": 1000}},
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


def token_bucket_reject(p: Parameters) -> Replicate:
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


def _function(work: object, failures: object = None, **source: object) -> dict[str, object]:
    about = {"runtime": "python3.13", "timeout": "15m", "work": work, "event_sources": {"q": source}}
    return {"f": about if failures is None else {**about, "failures": failures}}


def failures(p: Parameters) -> Replicate:
    """A backlog worked in full batches; its last fifth, where batches run short, does not count.

    A batch that fails comes back together and is received together: its messages share their fates,
    which changes no mean.
    """
    backlog = lab.MESSAGES // 10
    functions = _function(
        {"per_message": "0s", "per_invocation": "5m"},
        {"transient": lab.share(p["p_fail"])},
        batch_size=p["batch"],
        maximum_concurrency=20,
        report_batch_item_failures=p["partial_batch_response"],
        **({"maximum_batching_window": "1s"} if p["batch"] > 10 else {}),
    )
    redrive = {"queue": "d", "max_receive_count": p["max_receive_count"]}
    asked = lab.scenario(
        86400,
        queues={
            "q": {"visibility_timeout": "90m", "backlog": {"messages": backlog}, "redrive": redrive},
            "d": {"retention": "14d"},
        },
        functions=functions,
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "deliveries"))
        copies, deliveries = rows.table("copies"), rows.table("deliveries")
        here = (copies["queue"] == copies["queue"].min()) & (copies["copy"] < 0.8 * backlog)
        counted = deliveries["copy"] < 0.8 * backlog
        return {
            "p_attempt_ok": float(deliveries["deleted"][counted].mean()),
            "receives": float(copies["receives"][here].mean()),
            "p_dlq": float(np.mean(copies["fate"][here] == Fate.DEAD_LETTERED)),
        }

    return replicate


def esm_ramp(p: Parameters) -> Replicate:
    """A standing backlog and a mapping that grows while it lasts."""
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


def keep_alive(p: Parameters) -> Replicate:
    """A cold start is told by the microsecond it takes here."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
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
