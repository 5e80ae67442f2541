"""Every ready scenario loads, runs and keeps its books, also in each of its variants.

A run that does not conserve raises of itself; here its rows are added up, without the engine's counters.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from simulator.scenario import load
from simulator.scenario.sends import SENDERS
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import Ran

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
SHORTER = {
    "quickstart": {
        "duration": "10m",
        "producers.checkout.arrivals": "[{for: 2m, rate: 20/s}, {for: 3m, rate: 200/s}, {rate: 20/s}]",
    },
    "human_approval": {"duration": "1d", "discard": "0s", "producers.staff.arrivals": "{rate: 2k/d}"},
    "real_traffic": {"duration": "90m", "producers.city.trace.for": "90m"},
    "standard_vs_fifo": {"duration": "2m"},
    "priority_queues": {
        "duration": "6m",
        "producers.office.arrivals": "[{for: 1m, rate: 6/s}, {for: 1m, rate: 36/s}, {rate: 6/s}]",
    },
    "hot_group": {
        "duration": "8m",
        "producers.import.arrivals": "[{for: 1m, rate: 0/s}, {for: 20s, rate: 150/s}, {rate: 0/s}]",
        "limits": "{sqs.fifo.scan_depth: 2k}",
    },
    "noisy_neighbour": {
        "duration": "6m",
        "producers.import.arrivals": "[{for: 30s, rate: 0/s}, {for: 20s, rate: 200/s}, {rate: 0/s}]",
        "limits": "{sqs.fair.reaction: 20s}",
    },
    "redrive_storm": {
        "duration": "3m",
        "redrive_tasks.back.at": "30s",
        "queues.orders-dlq.backlog.messages": "2k",
    },
    "consumers_down": {
        "duration": "50m",
        "faults.friday": "{at: 5m, for: 12m, auto_scaling_group: ship, down: true}",
    },
    "heavy_tail": {"duration": "90s"},
    "pipeline": {
        "duration": "5m",
        "drain_from": "3m",
        "producers.uploads.arrivals": "[{for: 1m, rate: 1/s}, {for: 2m, rate: 4/s}, {rate: 1/s}]",
    },
    "rolling_deploy": {"duration": "4m", "faults.deploy.at": "30s", "queues.orders.visibility_timeout": "2m"},
    "sender_retries": {"duration": "30s"},
    "s3_uploads": {
        "duration": "5m",
        "producers.uploads.arrivals": "[{for: 1m, rate: 10/s}, {for: 1m, rate: 150/s}, {rate: 10/s}]",
        "producers.uploads.s3.delay": "{lognormal: {median: 2s, p99: 20s}}",
        "producers.uploads.s3.duplicates": "1%",
    },
    "transcoding": {
        "duration": "2h",
        "producers.videos.arrivals": "[{for: 15m, rate: 10/m}, {for: 20m, rate: 40/m}, {rate: 10/m}]",
    },
    "database_limit": {
        "duration": "3m",
        "producers.portal.arrivals": "[{for: 30s, rate: 15/s}, {for: 30s, rate: 150/s}, {rate: 15/s}]",
    },
    "retry_storm": {"duration": "6m", "faults.brown-out.at": "1m", "faults.brown-out.for": "2m"},
    "poison_message": {"duration": "2m"},
    "lambda_burst": {
        "duration": "4m",
        "producers.campaign.arrivals": "[{for: 30s, rate: 5/s}, {for: 20s, rate: 300/s}, {rate: 5/s}]",
    },
    "backlog_drain": {"duration": "3m", "queues.orders.backlog.messages": "10k"},
    "partial_batch": {"duration": "4m"},
    "visibility_timeout": {"duration": "6m"},
    "account_concurrency": {
        "duration": "3m",
        "drain_from": "1m",
        "producers.web.arrivals": "{rate: 20/s}",
        "producers.upload.arrivals": "[{for: 10s, rate: 0/s}, {for: 50s, rate: 40/s}, {rate: 0/s}]",
    },
    "ec2_backlog_per_instance": {
        "duration": "40m",
        "producers.shop.arrivals": "[{for: 4m, rate: 3/s}, {for: 6m, rate: 20/s}, {rate: 3/s}]",
    },
    "retention_loss": {"duration": "3d", "queues.readings.retention": "12h"},
    "fan_out": {
        "duration": "9m",
        "faults.queue-away": "{queue: billing, unavailable: true, at: 2m, for: 3m}",
        "faults.partner-away": "{downstream: partner, down: true, at: 2m, for: 3m}",
    },
    "http_webhooks": {"duration": "8m", "faults.outage.at": "1m", "faults.outage.for": "3m"},
    "capacity_planning": {
        "duration": "6m",
        "producers.portal.arrivals": "[{for: 1m, rate: 4/s}, {for: 2m, rate: 20/s}, {rate: 4/s}]",
    },
    "email_campaign": {
        "duration": "5m",
        "producers.campaign.arrivals": "[{for: 30s, rate: 100/s}, {rate: 0/s}]",
        "queues.mails.visibility_timeout": "30s",
    },
    "bounce_storm": {
        "duration": "6m",
        "producers.campaign.arrivals": "[{for: 1m, rate: 0/s}, {for: 2m, rate: 40/s}, {rate: 0/s}]",
        "queues.confirmations.visibility_timeout": "20s",
        "limits": "{ses.model.reputation_volume: 1k}",
    },
    "mq_prefetch": {
        "duration": "10m",
        "producers.studio.arrivals": "[{for: 30s, rate: 1/s}, {for: 1m, rate: 15/s}, {rate: 1/s}]",
    },
    "mq_or_sqs": {
        "duration": "190s",
        "producers.shop.arrivals": "[{for: 1m, rate: 20/s}, {for: 20s, rate: 100/s}, {rate: 20/s}]",
        "limits": "{mq.failover.crash: 20s}",
    },
    "map_state": {"duration": "2m", "producers.nightly.arrivals": "{rate: 2/m}"},
    "alarm_rehearsal": {"duration": "15m", "faults.bad-deploy.at": "2m", "faults.bad-deploy.for": "10m"},
}
"""What makes a scenario short enough for a test; one that is not named here runs as it is."""


def sides() -> list[tuple[Path, str]]:
    return [(path, variant) for path in FILES for variant in ("", *load(path).variants)]


def name_of(part: Path | str | int) -> str:
    return part.stem if isinstance(part, Path) else str(part) or "base"


COMPARED = ("messages", "copies", "deliveries", "invocations", "changes")
OF_A_MESSAGE = ("producer", "serial", "offered_at", "size_bytes", "group", "attributes", "poison")
Digests = dict[str, bytes]
_DIGESTS: dict[tuple[Path, str, int], Digests] = {}


def short(path: Path, variant: str, replication: int = 0) -> Ran:
    """A short run of a scenario; what it was remains in _DIGESTS."""
    scenario = load(path, sets=SHORTER.get(path.stem, {}), variant=variant)
    run = Ran(scenario, seed=scenario.seed, replication=replication)
    _DIGESTS[path, variant, replication] = digests(run)
    return run


def digests(run: Ran) -> Digests:
    """What every column is, and what those of messages are by producer and serial.

    Rows of messages come in the order in which their fates were known. What consumers send on, or alarms
    say, comes by what happens in the run, so it is left out of the second
    (`tests/engine/test_children.py` compares it by parent).
    """
    made = {f"{table}.{name}": digest(values) for table in COMPARED for name, values in run[table].items()}
    messages = run["messages"]
    senders = (*SENDERS, "alarms.", "workflows.", "email.")
    sent_on = [number for path, number in run.things.items() if path.startswith(senders)]
    order = np.lexsort((messages["serial"], messages["producer"]))
    order = order[~np.isin(messages["producer"][order], sent_on)]
    return made | {name: digest(messages[name][order]) for name in OF_A_MESSAGE}


def digest(values: np.ndarray) -> bytes:
    return hashlib.sha256(values.tobytes()).digest()


def told(path: Path, variant: str, replication: int = 0) -> Digests:
    """Digests of a run: of the last one with this seed, if a test has made one."""
    if (path, variant, replication) not in _DIGESTS:
        short(path, variant, replication)
    return _DIGESTS[path, variant, replication]


def test_the_scenarios_that_the_pages_name_are_there():
    assert {path.stem for path in FILES} >= {"quickstart", "standard_vs_fifo", "real_traffic"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_scenario_asks_a_question_and_is_named_as_its_file(path: Path):
    scenario = load(path)
    assert scenario.question and scenario.question.endswith("?")
    assert scenario.name == path.stem


@pytest.mark.parametrize("replication", [0, 1])
@pytest.mark.parametrize(("path", "variant"), sides(), ids=name_of)
def test_a_scenario_runs_and_its_rows_add_up(path: Path, variant: str, replication: int):
    run = short(path, variant, replication)
    # Of an export each message is a list of hundreds.
    assert len(run["messages"]["message"]) > (1 if path.stem == "map_state" else 1000)
    assert_rows_add_up(run)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_same_seed_gives_the_same_rows_and_another_replication_others(path: Path):
    one, other = told(path, ""), told(path, "", 1)
    again = digests(short(path, ""))
    assert [name for name in one if one[name] != again[name]] == []
    assert one["messages.offered_at"] != other["messages.offered_at"]
    assert one["offered_at"] != other["offered_at"]


def sides_with_the_same_traffic() -> list[tuple[Path, str]]:
    return [
        (path, variant)
        for path in FILES
        for variant, values in load(path).variants.items()
        if not any(key.startswith("producers.") for key in values)
    ]


@pytest.mark.parametrize(("path", "variant"), sides_with_the_same_traffic(), ids=name_of)
def test_a_variant_with_the_same_traffic_meets_the_same_messages(path: Path, variant: str):
    """Common numbers: instant, size, group and poison belong to the message, whoever works it."""
    base, other = told(path, ""), told(path, variant)
    assert [name for name in OF_A_MESSAGE if base[name] != other[name]] == []
