"""A made-up answer in the shape that analysis gives: a fluid queue with noise, no simulation.

Only for tests of how things look; no number in it means anything.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from simulator.analysis.answer import (
    Answer,
    Certainty,
    ClosedForm,
    Consumer,
    Estimate,
    Event,
    Setting,
    ThresholdResult,
    Verdict,
)

BILLING, FRAUD = "queues.billing", "queues.fraud"
CHARGE = "functions.charge.event_sources.billing"
FLEET = "auto_scaling_groups.fraud"
NAN = math.nan


def estimate(values, unit="1", note=""):
    """An estimate as over replications: mean and Student's t interval."""
    values = [float(v) for v in values]
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < len(values):
        if not finite:
            return Estimate(math.inf, NAN, NAN, unit, Certainty.NEVER, len(values), note, tuple(values))
        return Estimate(
            float(np.mean(finite)), NAN, NAN, unit, Certainty.AT_LEAST, len(values), note, tuple(values)
        )
    mean = float(np.mean(finite)) if finite else NAN
    if len(finite) < 2:
        certainty = Certainty.INTERVAL if finite else Certainty.NO_DATA
        return Estimate(mean, NAN, NAN, unit, certainty, len(values), note, tuple(values))
    half = 2.262 * float(np.std(finite, ddof=1)) / math.sqrt(len(finite))
    return Estimate(
        mean, mean - half, mean + half, unit, Certainty.INTERVAL, len(values), note, tuple(values)
    )


def fluid(rate, cap, runs, bin_s, duration_s, kind, seed, pause=None):
    """A queue before one consumer: arrays of bins x runs."""
    rng = np.random.default_rng(seed)
    dt = bin_s / 6
    steps = round(2 * duration_s / dt)
    per_slot = 10 / 2.25 if kind == "function" else 8 / 0.080
    speed = 1 + 0.012 * rng.standard_normal(runs)
    backlog = np.zeros(runs)
    allowed = np.full(runs, 5.0 if kind == "function" else 2.0)
    desired, phase = allowed.copy(), rng.uniform(0, 60, runs)
    out: dict[str, list[np.ndarray]] = {
        name: [] for name in ("sent", "done", "backlog", "allowed", "desired", "needed", "busy", "limit")
    }
    since = np.full(runs, -1.0)
    for k in range(steps):
        t = k * dt
        mean = rate(t) if t < duration_s else 0.0
        if pause and pause[0] <= t < pause[1]:
            mean = 0.0
        sent = rng.poisson(mean * dt, runs) / dt
        room = allowed * per_slot * speed
        done = np.minimum(room, sent + backlog / dt)
        full = backlog > 50
        limit = np.full(runs, "arrivals", dtype=object)
        if kind == "function":
            allowed = np.where(full, np.minimum(cap, allowed + 5 * dt), np.maximum(60, allowed - dt))
            limit[full & (allowed < cap)] = "ramp"
            limit[full & (allowed >= cap)] = "maximum_concurrency"
            desired = allowed
        else:
            since = np.where(backlog / np.maximum(allowed, 1) > 100, np.where(since < 0, t, since), -1.0)
            tick = np.floor((t + dt + phase) / 60) > np.floor((t + phase) / 60)
            out_now = tick & (since >= 0) & (t - since > 180)
            desired = np.where(out_now, np.minimum(cap, np.ceil(np.maximum(desired, backlog / 100))), desired)
            slow = tick & (backlog < 10) & (rng.random(runs) < 0.2)
            desired = np.where(slow, np.maximum(2, np.floor(desired * 0.8)), desired)
            allowed = np.where(
                desired > allowed, np.minimum(desired, allowed + (desired - allowed) * dt / 40), desired
            )
            limit[full] = "metric_lag"
            limit[full & (desired > allowed + 0.5)] = "booting"
            limit[full & (allowed >= cap - 0.5)] = "maximum_size"
        backlog = np.maximum(0.0, backlog + (sent - done) * dt)
        busy = done / per_slot
        for name, value in zip(
            out,
            (sent, done, backlog, allowed, desired, np.full(runs, mean / per_slot), busy, limit),
            strict=True,
        ):
            out[name].append(value)
    return out, per_slot


def binned(values, how="mean"):
    """Six steps a bin: their mean, or the first of them."""
    stacked = np.array(values, dtype=float)
    stacked = stacked[: len(stacked) // 6 * 6].reshape(-1, 6, stacked.shape[1])
    return stacked[:, 0] if how == "first" else stacked.mean(axis=1)


def long(scope, quantity, values, bin_s):
    bins, runs = values.shape
    return pd.DataFrame(
        {
            "scope": scope,
            "quantity": quantity,
            "replication": np.tile(np.arange(runs), bins),
            "at_s": np.repeat(np.arange(bins) * bin_s, runs),
            "value": values.reshape(-1),
        }
    )


def limit_frame(scope, limits, bin_s):
    stacked = np.array(limits, dtype=object)
    stacked = stacked[: len(stacked) // 6 * 6].reshape(-1, 6, stacked.shape[1])
    rows = []
    for name in np.unique(stacked.astype(str)):
        share = (stacked == name).mean(axis=1)
        frame = long(scope, name, share, bin_s).rename(columns={"quantity": "limit", "value": "share"})
        rows.append(frame[frame["share"] > 0])
    return pd.concat(rows)


def queue_parts(queue, consumer, kind, fluid_out, bin_s, duration_s, seed):
    """Series, tails and estimates of one queue."""
    rng = np.random.default_rng(seed + 1)
    out, per_slot = fluid_out
    sent, done, allowed = binned(out["sent"]), binned(out["done"]), binned(out["allowed"])
    backlog = np.where(binned(out["backlog"], "first") < 1e-6, 0.0, binned(out["backlog"], "first"))
    runs = sent.shape[1]
    wait = binned(out["backlog"]) / np.maximum(allowed * per_slot, 1e-9)
    empty = sent <= 0
    quantiles = {"p50": (wait + 0.35), "p95": wait * 1.04 + 0.9, "p99": wait * 1.07 + 1.4}
    series = [
        long(queue, "sent_per_s", sent, bin_s),
        long(queue, "processed_per_s", done, bin_s),
        long(queue, "failed_per_s", done * 0.005 * rng.uniform(0.9, 1.1, sent.shape), bin_s),
        long(queue, "backlog", backlog, bin_s),
        long(queue, "in_flight", binned(out["busy"]) * 12, bin_s),
    ]
    for name, values in quantiles.items():
        noisy = np.where(empty, NAN, values * np.exp(0.03 * rng.standard_normal(values.shape)))
        series += [
            long(queue, f"end_to_end_{name}", noisy, bin_s),
            long(queue, f"wait_{name}", noisy * 0.8, bin_s),
        ]
    causes = {
        "failure": done * 60 * 0.0045,
        "at_least_once": done * 60 * 0.0002,
        "visibility_timeout": np.where(backlog > 50, done * 60 * 0.011, 0.0),
    }
    for cause, values in causes.items():
        series.append(long(queue, f"duplicates_{cause}_per_min", rng.poisson(values).astype(float), bin_s))
    series += [
        long(consumer, "busy", binned(out["busy"]) * (1 if kind == "function" else 8), bin_s),
        long(consumer, "needed", binned(out["needed"]), bin_s),
    ]
    if kind == "function":
        series.append(long(consumer, "concurrency", allowed, bin_s))
        grown = np.diff(allowed, axis=0, prepend=allowed[:1]).clip(0)
        series.append(long(consumer, "cold_starts_per_min", grown * 60 / bin_s, bin_s))
    else:
        series += [
            long(consumer, "in_service", allowed, bin_s),
            long(consumer, "desired", binned(out["desired"]), bin_s),
            long(consumer, "booting", binned(out["desired"]) - allowed, bin_s),
        ]
    estimates, tails = {}, []
    shares = np.logspace(0, -4, 49)
    for metric, factor in (("end_to_end", 1.0), ("wait", 0.8)):
        drawn = []
        for run in range(runs):
            weight = sent[:, run] / max(sent[:, run].sum(), 1e-9)
            picked = (
                rng.choice(len(weight), 12000, p=weight) if sent[:, run].sum() > 0 else np.empty(0, dtype=int)
            )
            steady = backlog[picked, run] < 50
            latency = wait[picked, run] + np.exp(-1.05 + 0.59 * rng.standard_normal(picked.size))
            latency = factor * (latency + np.where(rng.random(picked.size) < 0.004, 30.0, 0.0))
            drawn.append(latency)
            for name, chosen in ((metric, latency), (f"{metric}_steady", latency[steady])):
                if chosen.size:
                    tails.append(
                        pd.DataFrame(
                            {
                                "scope": queue,
                                "metric": name,
                                "replication": run,
                                "share": shares,
                                "value_s": np.quantile(chosen, 1 - shares),
                            }
                        )
                    )
        if all(d.size for d in drawn):
            for statistic, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)):
                estimates[f"{metric}.{statistic}"] = estimate([np.quantile(d, q) for d in drawn], "s")
            estimates[f"{metric}.mean"] = estimate([d.mean() for d in drawn], "s")
    counted = sent.sum(axis=0) * bin_s
    estimates |= {
        "sent.count": estimate(counted),
        "offered.count": estimate(counted),
        "throughput.rate": estimate(done.sum(axis=0) * bin_s / duration_s, "1/s"),
        "backlog.max": estimate(backlog.max(axis=0)),
        "in_flight.max": estimate(binned(out["busy"]).max(axis=0) * 12),
        "out_of_order.share": estimate(rng.uniform(0.030, 0.032, runs), "share"),
        "dead_lettered.count": estimate(rng.poisson(667, runs)),
        "lost.count": Estimate(0.0, 0.0, 0.3, "1", Certainty.NONE_SEEN, runs),
        "duplicate_processing.share": estimate(rng.uniform(2.0e-4, 2.2e-4, runs), "share"),
    }
    total = np.zeros(runs)
    for cause, values in causes.items():
        share = rng.poisson(values).sum(axis=0) / 60 * bin_s / np.maximum(counted, 1)
        estimates[f"duplicate_delivery{{cause={cause}}}.share"] = estimate(share, "share")
        total += share
    estimates["duplicate_delivery.share"] = estimate(total, "share")
    for times, share in (("1", 0.988), ("2", 0.0108), ("3", 0.001), ("4", 3.2e-4), ("5+", 7.7e-5)):
        estimates[f"receives_per_copy{{receives={times}}}.share"] = estimate(
            share * rng.uniform(0.98, 1.02, runs), "share"
        )
    return pd.concat(series), pd.concat(tails) if tails else pd.DataFrame(), estimates


def make(
    *,
    runs=10,
    duration_s=7200.0,
    bin_s=60.0,
    peak=2000.0,
    base=200.0,
    from_s=1800.0,
    until_s=2400.0,
    maximum=320.0,
    fleet=30.0,
    both=True,
    thresholds=True,
    pause=None,
    name="checkout",
    variant="",
    seed=42,
):
    """An answer: *peak* messages/s between *from_s* and *until_s*, *base* otherwise."""

    def rate(t):
        return peak if from_s <= t < until_s else base

    series, tails, limits, consumers = [], [], [], []
    estimates: dict[str, Estimate] = {}
    plan = [(BILLING, CHARGE, "function", maximum)] + ([(FRAUD, FLEET, "group", fleet)] if both else [])
    drain_from = until_s if peak > base else duration_s
    for k, (queue, consumer, kind, cap) in enumerate(plan):
        out = fluid(rate, cap, runs, bin_s, duration_s, kind, seed + k, pause)
        part, tail, numbers = queue_parts(queue, consumer, kind, out, bin_s, duration_s, seed + k)
        levels = np.array(out[0]["backlog"])
        start = round(drain_from / (bin_s / 6))
        after = levels[start:] < 1
        drains = [
            float(np.argmax(after[:, r]) * bin_s / 6) if after[:, r].any() else math.inf for r in range(runs)
        ]
        numbers["drain"] = estimate(drains, "s")
        series.append(part)
        tails.append(tail)
        estimates |= {f"{queue} {key}": value for key, value in numbers.items()}
        if kind == "group" and peak > base:
            estimates |= reaction(consumer, out[0], bin_s / 6, from_s, runs)
        limits.append(limit_frame(consumer, out[0]["limit"], bin_s))
        consumers.append(consumer_of(queue, consumer, kind, cap, out[1]))
    mean = estimates.get(f"{BILLING} end_to_end.p99", Estimate(NAN, NAN, NAN, "s", Certainty.NO_DATA, runs))
    events = [Event(f"burst ×{peak / base:g}", from_s, until_s)] if peak > base > 0 else []
    setting = Setting(
        name=name,
        question="Does the ten-minute sale drain in time?",
        duration_s=duration_s,
        seed=seed,
        replications=runs,
        rules="2026",
        version="0.1.0",
        traffic=f"{base:,.0f} msg/s with a 10 min burst of {peak:,.0f} msg/s",
        consumers=consumers,
        queues=[p[0] for p in plan],
        dead_letter_queues=["queues.billing-dlq"],
        events=events,
        headline=f"{BILLING} end_to_end.p99",
        variant=variant,
        drain_from_s=drain_from,
        in_flight_limits={q: 120_000.0 for q, *_ in plan},
        visibility_timeouts_s={q: 30.0 for q, *_ in plan},
    )
    fluid_peak = (until_s - from_s - 60) * (peak - maximum * 4.444) + 60 * (peak - 700)
    held = thresholds_for(mean, estimates, runs) if thresholds else ()
    return Answer(
        setting=setting,
        estimates=estimates,
        thresholds=held,
        series=pd.concat(series, ignore_index=True),
        sentence="Fails 2 of 4 thresholds: the burst ×10 outruns maximum concurrency 320; p99 4.49 min",
        tails=pd.concat(tails, ignore_index=True),
        limits=pd.concat(limits, ignore_index=True),
        bin_s=bin_s,
        assumptions=("lat.sqs_receive is a model, not a measurement", "esm.idle_after 60 s is contested"),
        closed_forms=[ClosedForm(BILLING, "backlog", until_s, fluid_peak, "ramp, then 2,000 − 1,422 msg/s")]
        if events
        else (),
    )


def reaction(consumer, out, step_s, from_s, runs):
    """When more was asked for after the burst began, and when the first of it was there."""
    start = round(from_s / step_s)
    found = {}
    for stage, name in (("decided", "desired"), ("in_service", "allowed")):
        level = np.array(out[name])[start:]
        risen = level >= level[:1] + 1
        times = [float(np.argmax(risen[:, r]) * step_s) if risen[:, r].any() else NAN for r in range(runs)]
        found[f"{consumer} reaction{{stage={stage}}}"] = estimate([t for t in times if t == t], "s")
    return found


def against(base, variant):
    """The variant with its paired differences and changes, as compare fills them."""
    differences, changes = {}, {}
    for key, b in base.estimates.items():
        v = variant.estimates.get(key)
        if v is None or not b.values or not v.values:
            continue
        pairs = list(zip(b.values, v.values, strict=True))
        if all(math.isfinite(x) for pair in pairs for x in pair):
            differences[key] = estimate([y - x for x, y in pairs], b.unit)
            if all(x for x, _ in pairs):
                changes[key] = estimate([y / x - 1 for x, y in pairs], "share")
    return replace(variant, differences=differences, changes=changes)


def consumer_of(queue, path, kind, cap, per_slot):
    if kind == "function":
        return Consumer(
            path,
            "Lambda",
            queue,
            f"Lambda, batch size 10, maximum concurrency {cap:g}, visibility timeout 30 s",
            cap * per_slot,
            f"{cap:g} slots × 10 messages ÷ 2.25 s a batch",
            cap,
            limit_words={"ramp": "ramp +300/min", "maximum_concurrency": f"maximum concurrency {cap:g}"},
            caps={"maximum concurrency": cap, "account concurrency": 1000.0},
        )
    return Consumer(
        path,
        "EC2 Auto Scaling",
        queue,
        f"c6i.large × 2 to {cap:g}, 8 workers each, 80 ms of work, target 100 per instance",
        cap * per_slot,
        f"{cap:g} instances × 8 workers ÷ 80 ms a message",
        cap,
        8,
        limit_words={"maximum_size": f"fleet max {cap:g}"},
        start_up={"launch": 13.0, "boot": 31.0, "bootstrap": 0.0},
        warm_up_s=300.0,
    )


def thresholds_for(mean, estimates, runs):
    none = Estimate(0.0, 0.0, 0.3, "1", Certainty.NONE_SEEN, runs)
    drain = estimates[f"{BILLING} drain"]
    late = Verdict.CROSSED if not mean.high < 2 else Verdict.HOLDS
    return (
        ThresholdResult("queues.billing end_to_end.p99 < 2s", f"{BILLING} end_to_end.p99", 2.0, mean, late),
        ThresholdResult(
            "queues.billing dead_lettered.count == 0",
            f"{BILLING} dead_lettered.count",
            0.0,
            estimates[f"{BILLING} dead_lettered.count"],
            Verdict.CROSSED,
        ),
        ThresholdResult(
            "queues.billing drain < 15m",
            f"{BILLING} drain",
            900.0,
            drain,
            Verdict.HOLDS if drain.high < 900 else Verdict.UNDECIDED,
        ),
        ThresholdResult("lost.count == 0", "lost.count", 0.0, none, Verdict.HOLDS),
    )
