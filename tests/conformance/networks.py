"""Queueing cases of several stages, of messages that come back, and of systems that turn messages away."""

import numpy as np

from simulator.engine.simulate import Simulation
from simulator.recording.tables import NONE, Outcome
from tests.conformance import lab
from tests.conformance.composed import Room, WakesUp, send_live
from tests.conformance.estimates import Replicate
from tests.conformance.lab import SECOND, Columns, Parameters, steady


def _sent_in(window: tuple[int, int], at: np.ndarray) -> np.ndarray:
    return (at >= window[0]) & (at < window[1])


# -- several stages ----------------------------------------------------------------------------------


def tandem(p: Parameters) -> Replicate:
    """Each stage is a queue with a group, which sends to the next queue; a chain is followed by parents."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]), len(p["stages"]))
    names = [f"q{place}" for place in range(len(p["stages"]))]
    groups = {}
    for place, (name, stage) in enumerate(zip(names, p["stages"], strict=True)):
        sends = {"sends": {"next": {"to": names[place + 1]}}} if place + 1 < len(names) else {}
        work = lab.distribution(stage["service"], files)
        groups[name] = lab.workers(name, work, stage["servers"], **sends)
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": names[0], "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={name: {"visibility_timeout": "12h"} for name in names},
        auto_scaling_groups=groups,
    )

    def replicate(replication: int) -> dict[str, float]:
        copies = lab.run(asked, replication).table("copies")
        chains = followed(copies, len(names))
        counted = _sent_in(window, copies["sent_at"][chains[0]])
        numbers, total = {}, np.zeros(int(counted.sum()))
        for place, rows in enumerate(chains, 1):
            stayed = ((copies["ended_at"] - copies["sent_at"])[rows] / SECOND)[counted]
            numbers[f"w{place}"] = float(stayed.mean())
            total += stayed
        return {**numbers, "w_total": float(total.mean())}

    return replicate


def followed(copies: Columns, stages: int) -> list[np.ndarray]:
    """Rows of the copies of each stage, those of one chain at one place: from the last stage by parents."""
    row_of = np.empty(copies["copy"].max() + 1, dtype=np.int64)
    row_of[copies["copy"]] = np.arange(len(copies["copy"]))
    rows = np.flatnonzero(copies["queue"] == copies["queue"].max())
    chains = [rows]
    for _ in range(stages - 1):
        parents = copies["parent"][chains[0]]
        assert (parents != NONE).all()
        chains.insert(0, row_of[parents])
    assert (copies["parent"][chains[0]] == NONE).all()
    return chains


def feedback(p: Parameters) -> Replicate:
    """A worker that fails releases its message; the visibility timeout plays no part."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    group = lab.workers("q", lab.distribution(p["service"], files), p["servers"])
    group |= {"failures": {"transient": lab.share(p["p_fail"])}, "on_failure": "release"}
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h", "retention": "14d"}},
        auto_scaling_groups={"g": group},
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("copies", "deliveries"))
        deliveries = rows.table("deliveries")
        busy = lab.mean_number(deliveries["started_at"], deliveries["ended_at"], window)
        numbers = lab.sojourns(rows.table("copies"), window)
        return {**numbers, "lq": numbers["l"] - busy, "utilisation": busy / p["servers"]}

    return replicate


# -- systems that are full, or asleep ------------------------------------------------------------------


def loss(p: Parameters) -> Replicate:
    """Callers that wait for a function and take a throttle for an answer."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    function = {
        "runtime": "python3.13",
        "timeout": "15m",
        "work": lab.distribution(p["service"], files),
        "reserved_concurrency": p["places"],
    }
    producer = {
        "target": "f",
        "invocation": "request_response",
        "arrivals": lab.arrivals(p["interarrival"], files),
        "client": {"timeout": "1h", "max_attempts": 1},
    }
    asked = lab.scenario(
        duration_s,
        files,
        limits={"lambda.account_concurrency": 1_000_000},
        producers={"p": producer},
        queues={"unused": {}},
        functions={"f": function},
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(asked, replication, ("messages", "copies"))
        messages, copies = rows.table("messages"), rows.table("copies")
        counted = _sent_in(window, messages["offered_at"])
        return {
            "blocking": float(np.mean(messages["outcome"][counted] == Outcome.REFUSED)),
            "carried": lab.mean_number(copies["first_started_at"], copies["ended_at"], window),
        }

    return replicate


def finite_buffer(p: Parameters) -> Replicate:
    """Nothing of AWS has so little room: the producer's calls go to a queue with a door."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", lab.distribution(p["service"], files), p["servers"])},
    )

    def replicate(replication: int) -> dict[str, float]:
        rows = lab.run(
            asked,
            replication,
            ("messages", "copies"),
            lambda simulation: send_live(simulation, Room(simulation, "q", p["places"])),
        )
        messages, copies = rows.table("messages"), rows.table("copies")
        counted = _sent_in(window, messages["offered_at"])
        done = _sent_in(window, copies["ended_at"])
        return {
            **lab.sojourns(copies, window),
            "blocking": float(np.mean(messages["outcome"][counted] == Outcome.REFUSED)),
            "throughput": float(done.sum()) / (window[1] - window[0]) * SECOND,
        }

    return replicate


def scale_to_zero(p: Parameters) -> Replicate:
    """A fleet of one instance at most, that a message starts and the end of work ends."""
    files: dict[str, str] = {}
    duration_s, window = steady(lab.mean(p["interarrival"]))
    group = lab.workers("q", lab.distribution(p["service"], files), 1)
    group |= {
        "capacity": {"min": 0, "max": 1, "desired": 0},
        "boot": lab.distribution(p["setup"], files),
        "instance_warmup": "0s",
    }
    asked = lab.scenario(
        duration_s,
        files,
        producers={"p": {"target": "q", "arrivals": lab.arrivals(p["interarrival"], files)}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": group},
    )

    def replicate(replication: int) -> dict[str, float]:
        woken: list[int] = []

        def compose(simulation: Simulation) -> None:
            send_live(simulation, WakesUp(simulation, "q", "auto_scaling_groups.g", woken))

        copies = lab.run(asked, replication, beside=compose).table("copies")
        numbers = lab.sojourns(copies, window)
        sent = int(_sent_in(window, copies["sent_at"]).sum())
        return {**numbers, "p_cold": float(_sent_in(window, np.array(woken)).sum()) / sent}

    return replicate
