"""Standard queues in whole runs, against what others measured, documented or worked out."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import OLDEST_S, Measures
from simulator.analysis.replication import Replication
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Limit, Quantity
from simulator.scenario import load
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written

ROOT = Path(__file__).parents[2]
DAY = 86_400 * SECOND
LAB = """
scenario: lab
duration: 800s
producers:
  burst: {target: queue, arrivals: [{for: 2s, rate: 2500/s, process: even}, {rate: 0/s}]}
  probes: {target: queue, arrivals: [{for: 600s, rate: 2/s, process: even}, {rate: 0/s}]}
queues:
  queue: {visibility_timeout: 180s}
functions:
  work:
    runtime: python3.13
    memory: 256MB
    timeout: 30s
    work: 2s
    event_sources:
      queue: {batch_size: 1, maximum_concurrency: 20, slot_turnaround: 400ms}
"""


def lab(tmp_path: Path, replication: int = 0, /, **sets: str) -> Ran:
    return Ran(written(tmp_path, LAB, **sets), replication=replication)


def test_v13_a_slot_turnaround_of_400_ms_drains_the_burst_of_the_lab_when_it_did(tmp_path: Path):
    """Measured (one lab, July 2026): drained in 741 to 750 s, 16.5 to 16.8 of 20 slots busy."""
    run = lab(tmp_path)
    ended = run["deliveries"]["ended_at"]
    assert len(ended) == 6200
    assert ended.max() / SECOND == pytest.approx(745, rel=0.05)
    assert 6200 * 2 / (ended.max() / SECOND) == pytest.approx(16.6, rel=0.05)


def test_v13_without_a_turnaround_the_burst_drains_in_work_over_slots(tmp_path: Path):
    run = lab(tmp_path, functions__work__event_sources__queue__slot_turnaround="0s")
    assert run["deliveries"]["ended_at"].max() / SECOND == pytest.approx(620, rel=0.02)


def overtaking(run: Ran) -> float:
    """Share of late probes that were received before half of the messages sent before them."""
    copies = run["copies"]
    probes = copies["message"][np.isin(copies["message"], probes_of(run))]
    order = np.argsort(copies["message"])
    received = copies["first_received_at"][order]
    sent = copies["sent_at"][order]
    burst = sent[np.setdiff1d(np.arange(len(sent)), probes)]
    backlog = np.sort(received[np.setdiff1d(np.arange(len(sent)), probes)])
    late = probes[(sent[probes] > 10 * SECOND) & (sent[probes] < 300 * SECOND)]
    assert len(burst) == 5000
    waiting = 5000 - np.searchsorted(backlog, sent[late])
    passed = 5000 - np.searchsorted(backlog, received[late])
    return float(np.mean(passed > waiting / 2))


def probes_of(run: Ran) -> np.ndarray:
    messages = run["messages"]
    probes: np.ndarray = messages["message"][messages["producer"] == run.things["producers.probes"]]
    return probes


def burst_in_order(run: Ran) -> float:
    """Share of pairs of the burst that were received in the order they were sent."""
    copies = run["copies"]
    burst = ~np.isin(copies["message"], probes_of(run))
    received = copies["first_received_at"][burst][np.argsort(copies["sent_at"][burst], kind="stable")][::5]
    one, other = np.triu_indices(len(received), 1)
    return float(np.mean(received[one] <= received[other]))


def test_v13_fingerprint_in_two_of_three_runs_a_third_to_half_of_late_probes_overtake_the_burst(
    tmp_path: Path,
):
    """Measured: 34 to 53% in two of three runs, else none; 0.93 to 0.97 of the burst's pairs in order."""
    runs = [lab(tmp_path, replication, limits="{sqs.model.partitions: 8}") for replication in range(9)]
    shares = [overtaking(run) for run in runs]
    order = [burst_in_order(run) for run in runs]
    split = [share for share in shares if share > 0.1]
    assert all(0.27 <= share <= 0.58 for share in split)
    assert all(share <= 0.02 for share in shares if share <= 0.1)
    assert 4 <= len(split) <= 8
    assert min(order) >= 0.92 and max(order) <= 0.985
    assert_rows_add_up(runs[0])


def test_by_default_a_standard_queue_is_one_line_that_nothing_overtakes(tmp_path: Path):
    run = lab(tmp_path)
    assert overtaking(run) == 0
    assert burst_in_order(run) == 1


def test_v14_on_a_quiet_path_half_of_the_messages_wait_16_ms(tmp_path: Path):
    """Measured: 15 to 17 ms at two a second, warm."""
    run = lab(tmp_path, producers="{probes: {target: queue, arrivals: {rate: 2/s}}}")
    copies, deliveries = run["copies"], run["deliveries"]
    waited = (copies["first_started_at"] - copies["sent_at"])[copies["sent_at"] > 100 * SECOND]
    assert np.median(waited) / 1_000 == pytest.approx(16, rel=0.2)
    assert set(deliveries["attempt"].tolist()) == {Attempt.SUCCEEDED}


@pytest.mark.parametrize(("kind", "p50", "p90"), [("standard", 16.2, 33.8), ("fifo", 28.1, 61.2)])
def test_v15_a_single_hop_takes_what_was_measured(tmp_path: Path, kind: str, p50: float, p90: float):
    """Measured in eu-west-1 (Serverless Messaging: Latency Compared)."""
    sets = {
        "duration": "2000s",
        "producers": "{probes: {target: queue, arrivals: {rate: 5/s}, message: {group: {count: 1000}}}}",
        "queues__queue__type": kind,
        "functions__work__work": "10ms",
    }
    run = lab(tmp_path, functions__work__event_sources__queue__slot_turnaround="0s", **sets)
    copies = run["copies"]
    waited = (copies["first_started_at"] - copies["sent_at"])[copies["sent_at"] > 100 * SECOND] / 1_000
    assert np.percentile(waited, 50) == pytest.approx(p50, rel=0.2)
    assert np.percentile(waited, 90) == pytest.approx(p90, rel=0.2)


FLEET = """
scenario: fleet
ideal: true
duration: 60s
after: stop
limits: {sqs.max_inflight: 100}
producers:
  source: {target: queue, arrivals: {rate: 50/s, process: even}}
queues:
  queue: {visibility_timeout: 12h}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 500
    work: 1h
    capacity: {min: 1, max: 1}
"""


@pytest.mark.parametrize("receive", ["{wait_time: 20s}", "{wait_time: 0s, poll_pause: 100ms}"])
def test_v18_at_the_in_flight_limit_further_receives_find_nothing(tmp_path: Path, receive: str):
    """Documented: silence for long polls; short ones are refused with OverLimit."""
    run = Ran(written(tmp_path, FLEET, auto_scaling_groups__work__receive=receive))
    assert_rows_add_up(run)
    assert len(run["deliveries"]["delivery"]) == 100
    changes = run["changes"]
    bound = changes["value"][changes["quantity"] == Quantity.LIMIT]
    assert Limit.IN_FLIGHT_CAP in bound
    assert np.sum(run["copies"]["fate"] == Fate.VISIBLE) == 2900


def test_v35_loss_starts_at_8_days_and_goes_on_at_half_the_rate(tmp_path: Path):
    """Arithmetic: 100 in, 50 out, retention 4 d (here a thousandth of it): 50 a second lost from 8 d on."""
    run = Ran(load(ROOT / "scenarios" / "retention_loss.yaml"))
    copies = run["copies"]
    lost = copies["ended_at"][(copies["fate"] == Fate.EXPIRED) & (copies["succeeded_at"] == NONE)]
    assert lost.min() / DAY == pytest.approx(8, rel=0.02)
    assert len(lost) / (6 * 86_400) == pytest.approx(0.05, rel=0.03)
    # what CloudWatch would have told in time: the age of the oldest message rises to the retention period
    oldest_s = Replication(run.frame, run.partial).steps(OLDEST_S, [run.things["queues.readings"]]).edges
    assert oldest_s[4 * 1440] == pytest.approx(2 * 86_400, rel=0.02)
    assert oldest_s.max() == pytest.approx(4 * 86_400, rel=0.001)


def test_v11_an_idle_mapping_makes_15_empty_receives_a_minute_and_6_when_it_has_fallen_back(tmp_path: Path):
    """Documented: five long polls of 20 s, and two of them (Lambda guide)."""
    sets = {"producers": "{probes: {target: queue, arrivals: {rate: 0.000001/s}}}", "duration": "3600s"}
    for kept, expected in (("5", 15 * 60), ("2", 5 * 3 * 2 + 6 * 58)):
        limits = f"{{esm.idle_concurrency: {kept}}}"
        run = lab(tmp_path, limits=limits, functions__work__event_sources="{queue: {batch_size: 1}}", **sets)
        empty = Measures(run.frame, [run.partial]).estimates["queues.queue empty_receive.count"].mean
        assert empty == expected


def test_copies_that_servers_miss_come_again_by_at_least_once_delivery(tmp_path: Path):
    """Documented cause, rate of ours: a receive that did not hide its copy, a delete that left one behind."""
    sets = {
        "producers": "{probes: {target: queue, arrivals: {rate: 20/s}}}",
        "functions__work__work": "500ms",
        "functions__work__event_sources": "{queue: {batch_size: 10}}",
    }
    for rule in ("p_dup_receive", "p_resurrect"):
        run = lab(tmp_path, limits=f"{{sqs.model.{rule}: 2%}}", **sets)
        assert_rows_add_up(run)
        deliveries = run["deliveries"]
        again = deliveries["cause"][deliveries["receive_count"] > 1]
        assert set(again.tolist()) == {Cause.AT_LEAST_ONCE}
        assert len(again) / len(run["copies"]["copy"]) == pytest.approx(0.02, rel=0.2)
        assert set(run["copies"]["fate"].tolist()) == {Fate.DELETED}


def test_rates_of_missed_copies_change_no_message(tmp_path: Path):
    """Common random numbers: what was offered, when and how large stays, whatever the queue does."""
    sets = {"duration": "60s", "producers": "{probes: {target: queue, arrivals: {rate: 20/s}}}"}
    plain = lab(tmp_path, **sets)
    for limits in ("{sqs.model.p_dup_receive: 5%}", "{sqs.model.partitions: 8}"):
        run = lab(tmp_path, limits=limits, **sets)
        for column in ("message", "offered_at", "size_bytes"):
            assert np.array_equal(run["messages"][column], plain["messages"][column])


def test_short_polls_miss_messages_that_exist_unless_the_run_is_ideal(tmp_path: Path):
    sets = {
        "limits": "{}",
        "auto_scaling_groups__work__work": "1ms",
        "auto_scaling_groups__work__workers_per_instance": "1",
        "auto_scaling_groups__work__receive": "{wait_time: 0s, poll_pause: 1s, max_messages: 10}",
        "producers__source__arrivals": "{rate: 0.5/s, process: even}",
        "duration": "600s",
    }

    def mean_wait(ideal: str) -> float:
        copies = Ran(written(tmp_path, FLEET, ideal=ideal, **sets))["copies"]
        got = copies["first_received_at"] >= 0
        return float((copies["first_received_at"] - copies["sent_at"])[got].mean()) / SECOND

    assert mean_wait("true") <= 1.0
    assert mean_wait("false") == pytest.approx(4.0, rel=0.3)  # a quarter of the servers: four polls
