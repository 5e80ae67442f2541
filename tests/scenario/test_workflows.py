"""Workflows: state machines in own words and in Amazon States Language, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.aws.step_functions.states import Call, Choice, Data, Machine, Map, Parallel, State, Task
from simulator.scenario import Scenario, ScenarioError, load
from simulator.scenario.lint import lint
from simulator.scenario.workflows import called, quota

DEFINITIONS = Path(__file__).parents[2] / "scenarios" / "asl"
FUNCTION = "{runtime: python3.13, work: 100ms}"

BESIDE = {
    "order": """\
    input: {sku: s, customer: {known: 80%, new: rest}, total: {one_of: [20, 900]}, parcels: [1, 2]}
    tasks:
      ReserveStock: {work: 8ms, failures: {DynamoDB.ConditionalCheckFailedException: 1%}}
      ReleaseStock: {work: 8ms}
      LookForFraud: {work: 2s, result: {suspect: {"true": 10%, "false": rest}}}
      ChargeCard: {work: 300ms, failures: {CardDeclined: 2%}}
      PackParcel: {queue: packing}
      TellCustomer: {topic: orders}
""",
    "job_poller": """\
    input: {wait_s: 30}
    tasks:
      SubmitJob: {work: 200ms, result: {status: RUNNING}}
      GetJobStatus: {work: 100ms, result: {status: {SUCCEEDED: 25%, FAILED: 1%, RUNNING: rest}}}
""",
    "approval": """\
    tasks:
      AskReviewer:
        queue: packing
        answer: {exponential: {mean: 2d}}
        result: {approved: {"true": 70%, "false": rest}}
      RemindManager: {topic: orders, answer: 1d, result: {approved: true}}
      CarryOut: {work: 1s}
""",
    "distributed_map": """\
    items: {EachObject: 100k}
    tasks:
      MakeThumbnails: {function: thumbnails}
      TellOwner: {topic: orders}
""",
    "trip_saga": """\
    input: {flight: f, nights: {one_of: [0, 3]}, company: {"true": 50%, "false": rest}}
    tasks:
      BookFlight: {work: 1s, result: {price: {one_of: [200, 2000]}}}
      BookHotel: {work: 2s, result: {price: 300}}
      TakePayment: {work: 500ms, failures: {Declined: 3%}}
      CancelBookings: {work: 1s}
""",
}
"""What is stated beside each example: times, answers and things of the scenario."""


def written(folder: Path, beside: str, definition: str, more: str = "") -> Path:
    """Write a scenario with one workflow of a definition."""
    file = folder / "flow.yaml"
    file.write_text(f"""\
scenario: flow
duration: 1m
after: stop
queues: {{packing: {{}}}}
topics: {{orders: {{subscriptions: {{all: {{queue: packing}}}}}}}}
producers: {{shop: {{target: flow, arrivals: {{rate: 1/s}}}}}}
{more}workflows:
  flow:
    definition: {definition}
{beside}""")
    return file


def example(folder: Path, name: str) -> Scenario:
    """Load an example of `scenarios/asl` unchanged, with what is stated beside it."""
    (folder / "it.asl.json").write_bytes((DEFINITIONS / f"{name}.asl.json").read_bytes())
    more = f"functions: {{thumbnails: {FUNCTION}}}\n" if name == "distributed_map" else ""
    return load(written(folder, BESIDE[name], "it.asl.json", more))


def machine_of(scenario: Scenario) -> tuple[Machine, dict[str, State]]:
    machine = scenario.workflows["flow"].machine(scenario)
    return machine, {state.name: state for state in machine.whole()}


def said(file: Path) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        load(file)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("name", BESIDE)
def test_examples_in_amazon_states_language_load_unchanged(tmp_path: Path, name: str) -> None:
    """Every state of the JSON is a state of the machine, and what is loaded reads back as itself."""
    scenario = example(tmp_path, name)
    _, states = machine_of(scenario)

    def names(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        if not isinstance(value, dict):
            return set()
        own = set(value["States"]) if "States" in value else set()
        return own.union(*map(names, value.values()))

    text = (DEFINITIONS / f"{name}.asl.json").read_text()
    assert set(states) == names(json.loads(text))
    again = Scenario.model_validate(scenario.dump())
    assert again.workflows == scenario.workflows


def test_every_example_is_tried() -> None:
    assert {path.name.removesuffix(".asl.json") for path in DEFINITIONS.glob("*.json")} == set(BESIDE)


def test_calls_are_things_of_the_scenario_or_take_their_stated_time(tmp_path: Path) -> None:
    _, states = machine_of(example(tmp_path, "order"))
    calls = {name: state.call for name, state in states.items() if isinstance(state, Task)}
    assert calls["PackParcel"] == Call("queue", "packing")
    assert calls["TellCustomer"] == Call("topic", "orders")
    assert calls["ChargeCard"] == Call("service", "charge-card")
    assert calls["ReserveStock"] == Call("service", "dynamodb:updateItem")


def test_a_function_of_the_definitions_name_is_that_of_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "it.asl.json").write_bytes((DEFINITIONS / "job_poller.asl.json").read_bytes())
    beside = "    input: {wait_s: 5}\n    tasks: {GetJobStatus: {work: 1s, result: {status: FAILED}}}\n"
    scenario = load(written(tmp_path, beside, "it.asl.json", f"functions: {{submit-job: {FUNCTION}}}\n"))
    _, states = machine_of(scenario)
    submit = states["SubmitJob"]
    assert isinstance(submit, Task) and submit.call == Call("function", "submit-job", lambda_arn=True)
    assert called(scenario, "function") == {"submit-job"}


def test_rules_of_a_choice_are_evaluated_on_the_input(tmp_path: Path) -> None:
    """Above 500 and not known: to the look for fraud; else to the charge."""
    _, states = machine_of(example(tmp_path, "order"))
    choice = states["IsLarge"]
    assert isinstance(choice, Choice)
    for total, customer, following in (
        (900, "new", "LookForFraud"),
        (900, "known", "ChargeCard"),
        (20, "new", "ChargeCard"),
    ):
        assert choice.decided(Data({"total": total, "customer": customer}))[0] == following


def test_queries_of_jsonata_are_evaluated_with_variables(tmp_path: Path) -> None:
    _, states = machine_of(example(tmp_path, "trip_saga"))
    both, dear = states["BookBoth"], states["IsDear"]
    assert isinstance(both, Parallel) and isinstance(dear, Choice) and both.flow is not None
    data = both.flow.leave(Data({"company": False}), {}, [{"price": 900}, {"price": 300}])
    assert data == Data({"company": False}, {"total": 1200})
    assert dear.decided(data)[0] == "WaitForBank"
    assert dear.decided(Data({"company": True}, {"total": 1200}))[0] == "TakePayment"


def test_what_a_definition_says_of_retries_times_and_patterns_is_taken(tmp_path: Path) -> None:
    _, states = machine_of(example(tmp_path, "approval"))
    ask, carry = states["AskReviewer"], states["CarryOut"]
    assert isinstance(ask, Task) and isinstance(carry, Task)
    assert (ask.call.pattern, ask.timeout_us) == ("callback", 10 * 86_400_000_000)
    assert [(one.next, set(one.errors)) for one in ask.catchers] == [("RemindManager", {"States.Timeout"})]
    (retrier,) = carry.retriers
    assert (retrier.interval_us, retrier.max_attempts, retrier.jitter) == (1_000_000, 3, "FULL")


def test_a_distributed_map_is_taken_with_its_batches_and_tolerance(tmp_path: Path) -> None:
    machine, states = machine_of(example(tmp_path, "distributed_map"))
    each = states["EachObject"]
    assert isinstance(each, Map) and each.distributed and each.express
    assert (each.max_concurrency, each.tolerated_share, each.tolerated_items) == (500, 0.05, None)
    assert each.batching is not None and (each.batching.items, each.batching.input_bytes) == (25, 65_536)
    assert each.counts == ((100_000, 1.0),)
    assert not machine.follows_data, "the number of items is stated, and there is no choice"


def test_where_shares_are_stated_no_data_are_needed(tmp_path: Path) -> None:
    (tmp_path / "it.asl.json").write_bytes((DEFINITIONS / "job_poller.asl.json").read_bytes().replace(
        b'"SecondsPath": "$.wait_s"', b'"Seconds": 30'))  # fmt: skip
    beside = """\
    shares: {HasJobEnded: {JobSucceeded: 25%, WaitForJob: rest}}
    tasks: {SubmitJob: {work: 1s}, GetJobStatus: {work: 1s}}
"""
    machine, states = machine_of(load(written(tmp_path, beside, "it.asl.json")))
    assert not machine.follows_data
    assert states["HasJobEnded"].shares == (("JobSucceeded", 0.25), ("WaitForJob", 0.75))  # type: ignore[union-attr]


def test_what_an_execution_would_miss_is_found_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "it.asl.json").write_bytes((DEFINITIONS / "job_poller.asl.json").read_bytes())
    beside = "    input: {wait_s: 30}\n    tasks: {SubmitJob: {work: 1s}, GetJobStatus: {work: 1s}}\n"
    (line,) = said(written(tmp_path, beside, "it.asl.json"))
    assert line.endswith(
        "it.asl.json:20: workflows.flow.definition.States.HasJobEnded would fail with States.Runtime: "
        "the variable $.job.status of a rule is not there; state the input, or a result in "
        "workflows.flow.tasks"
    )


BROKEN = [
    ('"Seconds": 5', '"Second": 5', "8: {at}.States.Pause.Second is not a field here; nearest is Seconds"),
    ('"Type": "Wait"', '"Type": "Wiat"', "6: {at}.States.Pause.Type is Wiat; nearest is Wait"),
    ('"Next": "Done"', '"Next": "Dune"', "9: {at}.States.Pause.Next is Dune; there is no such state here"),
    (
        '"StartAt": "Pause"',
        '"StartAt": "Pose"',
        "2: {at}.StartAt is Pose; there is no such state, nearest is Pause",
    ),
    ('"StartAt": "Pause"', '"StartAt": "Done"', "4: {at}.States.Pause cannot be reached from StartAt"),
    ('"Next": "Done"', '"Comment": "x"', "4: {at}.States.Pause has neither Next nor End; one of them is due"),
    (
        '"Seconds": 5',
        '"Timestamp": "2026-01-01T00:00:00Z"',
        "8: {at}.States.Pause.Timestamp is not supported; a run has no calendar; write Seconds",
    ),
    ('"Seconds": 5', '"Seconds": -1', "8: {at}.States.Pause.Seconds is -1; allowed: 0 to 99,999,999"),
    (
        '"Seconds": 5',
        '"Seconds": 5, "Output": {}',
        "8: {at}.States.Pause.Output is not supported; it is a field of JSONata",
    ),
    ('"Seconds": 5', '"Seconds": 5,,', "8: is not JSON: Expecting property name enclosed in double quotes"),
]


@pytest.mark.parametrize(("good", "bad", "message"), BROKEN)
def test_what_is_wrong_in_a_definition_is_said_with_its_file_line_and_path(
    tmp_path: Path, good: str, bad: str, message: str
) -> None:
    text = """\
{
  "StartAt": "Pause",
  "States": {
    "Pause":
    {
      "Type": "Wait",
      "Comment": "",
      "Seconds": 5,
      "Next": "Done"
    },
    "Done": {"Type": "Succeed"}
  }
}
""".replace('      "Comment": "",\n', "\n")
    assert load(_with(tmp_path, text)).workflows["flow"].machine().start == "Pause"
    lines = said(_with(tmp_path, text.replace(good, bad)))
    due = f"{tmp_path / 'it.asl.json'}:{message.format(at='workflows.flow.definition')}"
    assert any(line.startswith(due) for line in lines), lines


def _with(folder: Path, text: str) -> Path:
    (folder / "it.asl.json").write_text(text)
    return written(folder, "", "it.asl.json")


def test_functions_that_only_aws_has_are_named_where_data_matter(tmp_path: Path) -> None:
    text = """\
{"StartAt": "Make", "States": {
  "Make": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "Next": "Is"},
  "Is": {"Type": "Choice", "Choices": [{"Variable": "$.id", "IsNull": true, "Next": "End"}],
    "Default": "End"},
  "End": {"Type": "Succeed"}}}
"""
    (line,) = said(_with(tmp_path, text))
    place = f"{tmp_path / 'it.asl.json'}:2: workflows.flow.definition.States.Make.Parameters.id.$"
    assert line == f"{place} is States.UUID(); the function States.UUID is not supported"
    file = written(tmp_path, "    shares: {Is: {End: 100%}}\n", "it.asl.json")
    assert not load(file).workflows["flow"].machine().follows_data


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        (
            "    tasks: {Sumbit: {work: 1s}}\n",
            "tasks.Sumbit is no state of the definition; nearest is Submit",
        ),
        ("    tasks: {Ends: {work: 1s}}\n", "tasks.Ends is a state of type Choice; of type Task is due"),
        (
            "    shares: {Ends: {Submti: 50%, Done: rest}}\n",
            "shares.Ends.Submti does not come after Ends",
        ),
        (
            "    tasks: {Submit: {function: sumbit-job}}\n",
            "tasks.Submit.function is sumbit-job; there is no",
        ),
        ("    items: {Ends: 5}\n", "items.Ends is a state of type Choice; of type Map is due"),
        ("    timeout: 5s\n", "timeout cannot stand beside a definition, which says it itself"),
        ("", "definition.States.Submit calls glue-job; there is no such function"),
    ],
)
def test_what_is_wrong_beside_a_definition_is_named(tmp_path: Path, beside: str, message: str) -> None:
    text = """\
{"StartAt": "Submit", "States": {
  "Submit": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:1:function:glue-job", "Next": "Ends"},
  "Ends": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": true, "Next": "Submit"}],
    "Default": "Done"},
  "Done": {"Type": "Succeed"}}}
"""
    (tmp_path / "it.asl.json").write_text(text)
    lines = said(written(tmp_path, beside, "it.asl.json"))
    assert any(f"workflows.flow.{message}" in line for line in lines), lines


OWN = """\
scenario: own
duration: 1m
queues: {}
functions: {charge: {runtime: python3.13, work: 100ms}}
producers: {shop: {target: flow, arrivals: {rate: 1/s}, message: {body: {total: {one_of: [20, 900]}}}}}
workflows:
  flow:
    states:
      Charge: {function: charge, retry: [{errors: [CardDown], max_attempts: 2}], catch: {States.ALL: Failed}}
      Large: {rules: [{when: total > 500, next: Review}], otherwise: Pack}
      Review: {work: 10m, result: {fine: {"true": 90%, "false": rest}}}
      Pack: {map: {branch: parcel, items: {1: 80%, 3: rest}, concurrency: 2}, next: end}
      Failed: {fail: NotPaid}
    branches:
      parcel: {states: {PackOne: {work: 1m}}}
"""


def test_a_workflow_in_own_words_is_the_same_kind_of_machine(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    scenario = load(file)
    machine, states = machine_of(scenario)
    assert (machine.start, machine.follows_data) == ("Charge", True)
    assert {name: state.next for name, state in states.items()} == {
        "Charge": "Large", "Large": None, "Review": "Pack", "Pack": None, "Failed": None, "PackOne": None,
    }  # fmt: skip
    large, review, pack = states["Large"], states["Review"], states["Pack"]
    assert isinstance(large, Choice) and isinstance(review, Task) and isinstance(pack, Map)
    assert [large.decided(Data({"total": total}))[0] for total in (500, 501)] == ["Pack", "Review"]
    assert review.flow is not None
    assert review.flow.leave(Data({"total": 1}), None, {"fine": True}).document == {"total": 1, "fine": True}
    assert [pack.count(chance) for chance in (0.79, 0.81)] == [1, 3]
    assert scenario.workflows["flow"].task("PackOne").work is not None
    assert Scenario.model_validate(scenario.dump()).workflows == scenario.workflows


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("function: charge,", "function: chrge,", "9: @Charge.function is chrge; there is no such function"),
        ("next: Review", "next: Reveiw", "10: @Large.rules.0.next is Reveiw; there is no such state here"),
        ("total > 500", "total >", "10: @Large.rules.0.when is total >; is no JSONata"),
        ("total > 500", "amount > 500", "10: @Large would fail with States.QueryEvaluationError"),
        ("branch: parcel", "branch: parcle", "12: @Pack.map.branch is parcle; there is no such branch"),
        (
            "{work: 1m}",
            "{wrok: 1m}",
            "15: workflows.flow.branches.parcel.states.PackOne.wrok is not a known key; nearest is work",
        ),
        ("{fail: NotPaid}", "{fail: NotPaid, work: 1s}", "13: @Failed.work cannot stand beside fail"),
        ("catch: {States.ALL: Failed}", "next: end", "10: @Large cannot be reached from the first state"),
        ("concurrency: 2", "tolerated_items: 2", "12: @Pack.map.tolerated_items is for mode: distributed"),
        ("work: 10m,", "work: 10m, pattern: callback,", "11: @Review has no answer"),
    ],
)
def test_what_is_wrong_in_own_words_is_named(tmp_path: Path, good: str, bad: str, message: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace(good, bad))
    lines = said(file)
    assert any(
        line.startswith(f"{file}:{message.replace('@', 'workflows.flow.states.')}") for line in lines
    ), lines


def test_express_and_swf_refuse_what_they_cannot_have(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    for kind, state, message in (
        ("express", "{work: 1m, pattern: sync}", "has the pattern sync; an Express workflow"),
        ("swf", "{work: 1m}", "is no activity; in SWF"),
        ("standard", "{activity: hands, work: 1m}", "is worked by hands; there is no such list"),
    ):
        text = OWN.replace("{work: 1m}", state).replace("  flow:\n", f"  flow:\n    kind: {kind}\n")
        file.write_text(text)
        assert any(message in line for line in said(file))


def test_quotas_are_those_of_the_region(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    depths = {}
    for region in ("us-east-1", "eu-west-1", "eu-central-1"):
        file.write_text(f"region: {region}\n{OWN}")
        scenario = load(file)
        depths[region] = scenario.rules.value(quota(scenario, "sfn.transition_bucket"))
    assert depths == {"us-east-1": 5_000, "eu-west-1": 5_000, "eu-central-1": 800}


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("{3: rest", "{3571: rest", None),
        ("items: {1: 80%, 3: rest}", "items: 4000", "writes 28,000 events and more for its 4,000 items"),
        ("{work: 1m}", "{work: 1m, pattern: callback, answer: 1d, unanswered: 1%}", "stays open for 365d"),
        (
            "catch: {States.ALL: Failed}",
            "catch: {CardDown: Failed}",
            "one throttled call fails the execution",
        ),
        (
            "    states:\n      Charge",
            "    kind: express\n    states:\n      Charge",
            "lasts 10m: an Express execution",
        ),
    ],
)
def test_what_is_allowed_and_hurts_is_warned_of(
    tmp_path: Path, good: str, bad: str, message: str | None
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    assert lint(load(file)) == []
    file.write_text(OWN.replace(good, bad, 1))
    notes = [str(note) for note in lint(load(file))]
    assert len(notes) == (message is not None)
    assert all(str(message) in note for note in notes), notes
