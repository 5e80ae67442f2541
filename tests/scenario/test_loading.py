import pickle
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from simulator.scenario import Problem, Scenario, ScenarioError, load
from simulator.scenario.distributions import ConstantSpec, EmpiricalSpec, GammaSpec, LognormalSpec
from tests.scenario.cases import REPAIRED

CHECKOUT = Path(__file__).parent / "checkout.yaml"
TINY = REPAIRED / "01-bare-number.yaml"


def problems(path: Path, **how: object) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        load(path, **how)  # type: ignore[arg-type]
    return [str(problem).replace(f"{path.parent}/", "") for problem in refused.value.problems]


def test_every_quantity_is_in_the_simulators_units() -> None:
    scenario = load(CHECKOUT)
    assert scenario.name == "checkout"
    assert scenario.duration == 7_200_000_000
    assert scenario.queues["billing"].visibility_timeout == 60_000_000
    assert scenario.functions["charge"].memory == 512 * 1024**2
    assert scenario.functions["charge"].failures.transient == 0.005
    assert scenario.functions["charge"].work.per_message == LognormalSpec(120_000, 1_500_000)
    assert scenario.functions["charge"].work.per_invocation == ConstantSpec(15_000)
    assert scenario.producers["checkout"].message.attributes["kind"] == {"order": 0.8, "refund": 0.2}
    assert scenario.producers["returns"].interarrival == GammaSpec(2_000_000, 2.0)
    assert scenario.auto_scaling_groups["fraud"].policies["backlog"].target == 1000
    work = scenario.auto_scaling_groups["fraud"].work.per_message
    assert isinstance(work, EmpiricalSpec)
    assert work.values == (80_000, 120_500, 90_000)


def test_defaults_are_those_of_aws() -> None:
    queue = load(TINY).queues["orders-dlq"]
    assert (queue.type, queue.visibility_timeout, queue.delay) == ("standard", 30_000_000, 0)
    source = load(TINY).functions["ship"].event_sources["orders"]
    assert (source.maximum_batching_window, source.maximum_concurrency) == (0, None)
    assert source.report_batch_item_failures is False


def test_the_last_phase_lasts_the_rest_of_the_duration() -> None:
    phases = load(CHECKOUT).producers["checkout"].phases
    assert phases is not None
    assert [phase.for_us // 60_000_000 for phase in phases] == [30, 10, 80]


def test_a_scenario_is_frozen() -> None:
    scenario = load(TINY)
    with pytest.raises(Exception, match="frozen"):
        scenario.seed = 2


def test_a_scenario_crosses_processes() -> None:
    scenario = load(CHECKOUT, variant="fifo", sets={"seed": "7"})
    copy: Scenario = pickle.loads(pickle.dumps(scenario))
    assert copy.dump() == scenario.dump()
    assert (copy.variant, copy.source, copy.rules) == ("fifo", CHECKOUT, scenario.rules)
    assert copy.producers["replay"].trace == scenario.producers["replay"].trace
    assert copy.rules.value("sqs.max_inflight") == 100_000


def test_an_error_crosses_processes() -> None:
    error = ScenarioError([Problem("x.yaml", 3, "queues.a", "is wrong")])
    assert str(pickle.loads(pickle.dumps(error))) == "x.yaml:3: queues.a is wrong"


@pytest.mark.parametrize("variant", [None, "fifo", "without-fraud-group"])
def test_a_dump_reads_back_as_the_same_scenario(tmp_path: Path, variant: str | None) -> None:
    for name in ("counts.csv", "durations.csv"):
        (tmp_path / name).write_bytes((CHECKOUT.parent / name).read_bytes())
    scenario = load(CHECKOUT, variant=variant)
    words = scenario.dump()
    with (tmp_path / "dump.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(words | {"variants": {}}, file)
    again = load(tmp_path / "dump.yaml")
    assert again.dump() | {"variants": words["variants"]} == words
    assert again.producers == scenario.producers
    assert again.queues == scenario.queues


def test_a_dump_has_the_defaults_in_a_scenarios_words() -> None:
    words = load(TINY).dump()
    assert words["queues"]["orders"] == {
        "type": "standard",
        "visibility_timeout": "30s",
        "retention": "4d",
        "delay": "0s",
        "redrive": {"queue": "orders-dlq", "max_receive_count": 5},
        "redrive_allow": "allow_all",
        "high_throughput": False,
        "fair": False,
    }
    assert words["producers"]["web"]["arrivals"] == [{"for": "5s", "rate": "20/s", "process": "poisson"}]


def test_set_puts_a_value_at_a_path() -> None:
    scenario = load(TINY, sets=["queues.orders.delay=5s", "producers.web.arrivals.rate=1/m", "seed=-3"])
    assert scenario.queues["orders"].delay == 5_000_000
    phases = scenario.producers["web"].phases
    assert phases is not None
    assert phases[0].rate == pytest.approx(1 / 60)
    assert scenario.seed == -3


def test_set_makes_the_parts_on_its_way() -> None:
    scenario = load(
        TINY, sets={"functions.ship.failures.transient": "1%", "producers.web.message.poison": "2%"}
    )
    assert scenario.functions["ship"].failures.transient == 0.01
    assert scenario.producers["web"].message.poison == 0.02


def test_set_reaches_into_lists_and_limits() -> None:
    sets = [
        "producers.checkout.arrivals.1.ramp_to=1k/s",
        "limits.sqs.max_inflight=20k",
        "thresholds.0=wait.p99 < 1s",
    ]
    scenario = load(CHECKOUT, sets=sets)
    phases = scenario.producers["checkout"].phases
    assert phases is not None
    assert phases[1].ramp_to == 1_000
    assert scenario.rules.value("sqs.max_inflight") == 20_000
    assert scenario.thresholds[0].key == "wait.p99"


def test_set_takes_maps_and_lists() -> None:
    scenario = load(
        TINY, sets=["producers.web.message={attributes: {kind: {a: 50%, b: rest}}}", "thresholds=[]"]
    )
    assert scenario.producers["web"].message.attributes == {"kind": {"a": 0.5, "b": 0.5}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed", "--set seed: is not understood; write --set path=value"),
        ("=5", "--set '': is not understood; write --set path=value"),
        ("sed=5", "--set sed=5: sed is no path; nearest is seed"),
        ("queues.order.delya=5s", "queues.order.delya is no path; nearest is queues.orders.delay"),
        ("queues.orders.delay=16m", "queues.orders.delay is 16m; DelaySeconds allows 0s to 15m"),
        ("queues.orders.delay=5", "queues.orders.delay is 5, which has no unit; write 5s"),
        ("queues.orders.delay.x=5", "is no path: queues.orders.delay has no parts here; set it whole"),
        ("producers.web.arrivals.2.rate=5/s", "producers.web.arrivals.2.rate is no path"),
        ("functions.ship.work=[", "is not YAML"),
        ("queues.new.delay=5s", "queues.new.delay is no path; at queues: known: orders, orders-dlq"),
        ("queues=null", "queues is empty; a map is due"),
    ],
)
def test_a_wrong_set_is_named(text: str, said: str) -> None:
    found = problems(TINY, sets=[text])
    assert said in found[-1]
    assert found[-1].startswith("--set ")


def test_what_a_set_breaks_elsewhere_is_blamed_on_it() -> None:
    (found,) = problems(TINY, sets=["functions.ship.timeout=1m"])
    assert found.startswith(
        "01-bare-number.yaml:13: --set functions.ship.timeout=1m: queues.orders.visibility"
    )


def test_a_variant_changes_what_it_names_and_nothing_else() -> None:
    base, fifo = load(CHECKOUT), load(CHECKOUT, variant="fifo")
    assert (base.variant, fifo.variant) == ("", "fifo")
    assert {queue.type for queue in base.queues.values()} == {"standard"}
    assert {queue.type for queue in fifo.queues.values()} == {"fifo"}
    assert fifo.producers == base.producers
    assert fifo.auto_scaling_groups == base.auto_scaling_groups


def test_a_variant_takes_a_thing_away_with_null() -> None:
    variant = load(CHECKOUT, variant="without-fraud-group")
    assert not variant.auto_scaling_groups
    assert list(variant.functions["charge"].event_sources) == ["billing", "fraud"]


def test_a_set_holds_in_a_variant_and_wins() -> None:
    scenario = load(CHECKOUT, variant="fifo", sets=["functions.charge.event_sources.billing.batch_size=5"])
    assert scenario.functions["charge"].event_sources["billing"].batch_size == 5


def test_an_unknown_variant_is_told_the_nearest() -> None:
    assert problems(CHECKOUT, variant="fifi") == ["checkout.yaml: has no variant fifi; nearest is fifo"]
    assert problems(TINY, variant="fifo") == ["01-bare-number.yaml: has no variant fifo; there is none"]


def test_what_is_wrong_with_the_base_is_said_once(tmp_path: Path) -> None:
    file = tmp_path / "base.yaml"
    text = TINY.read_text().replace("retention: 14d", "retention: 15d")
    file.write_text(text + "variants: {a: {seed: 2}, b: {seed: x}}\n")
    assert problems(file) == [
        "base.yaml:15: queues.orders-dlq.retention is 15d; MessageRetentionPeriod allows 1m to 14d",
        "base.yaml:24: variant b: seed is x; a whole number is due",
    ]


def test_a_variant_is_blamed_for_what_it_breaks_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "base.yaml"
    file.write_text(TINY.read_text() + "variants: {slow: {functions.ship.timeout: 1m}}\n")
    assert problems(file)[0].startswith("base.yaml:13: variant slow: queues.orders.visibility_timeout is 30s")
    assert problems(file, variant="slow") == problems(file)


def test_a_file_is_read_from_the_folder_of_the_scenario_wherever_it_is_called_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    trace = load(CHECKOUT).producers["replay"].trace
    assert trace is not None
    assert trace.counts[0] == 50.0


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_bytes((REPAIRED / "counts.csv").read_bytes())
    (inside / "counts.csv").symlink_to(tmp_path / "secret.csv")
    text = (REPAIRED / "42-trace-outside-the-folder.yaml").read_text()
    (inside / "link.yaml").write_text(text)
    assert "outside the scenario's folder" in problems(inside / "link.yaml")[0]


def test_a_small_account_without_reservations_is_allowed(tmp_path: Path) -> None:
    """New accounts get a concurrency quota below the 100 that a reservation must leave."""
    file = tmp_path / "small.yaml"
    file.write_text(TINY.read_text() + "limits: {lambda.account_concurrency: 50}\n")
    assert load(file).rules.value("lambda.account_concurrency") == 50
