"""Step Functions: what states make of the data that passes through them."""

import pytest

from simulator.aws.step_functions.data_flow import DROPPED, Paths, Queries, Template
from simulator.aws.step_functions.expressions import Path, Query
from simulator.aws.step_functions.states import Data, DataError, Machine, Map, Wait

ORDER = {"id": 7, "card": {"number": "x"}, "parcels": [{"kg": 1}, {"kg": 2}], "wait_s": 90}


def test_by_default_the_result_goes_on_instead_of_the_input() -> None:
    flow = Paths()
    assert flow.enter(Data(ORDER)) == ORDER
    assert flow.leave(Data(ORDER), ORDER, {"ok": True}).document == {"ok": True}


def test_a_result_is_put_into_the_input_as_it_came() -> None:
    """Not into what InputPath and Parameters made of it."""
    flow = Paths(input_path=Path("$.card"), result_path=("payment", "answer"))
    assert flow.enter(Data(ORDER)) == {"number": "x"}
    left = flow.leave(Data(ORDER), {"number": "x"}, 1).document
    assert left == {**ORDER, "payment": {"answer": 1}}


def test_a_null_result_path_drops_the_result_and_a_null_input_path_the_input() -> None:
    assert Paths(result_path=DROPPED).leave(Data(ORDER), ORDER, 1).document == ORDER
    assert Paths(input_path=DROPPED).enter(Data(ORDER)) == {}


def test_parameters_and_selectors_are_filled_from_paths() -> None:
    made = Template({"who": Path("$.id"), "kg": Path("$.parcels[*].kg"), "fixed": (1, "two")})
    assert made.of(Data(ORDER), ORDER) == {"who": 7, "kg": [1, 2], "fixed": [1, "two"]}
    flow = Paths(selector=Template({"ok": Path("$.Payload.ok")}), result_path=("answer",), payload=True)
    assert flow.leave(Data(ORDER), ORDER, {"ok": True}).document == {**ORDER, "answer": {"ok": True}}


def test_an_output_path_takes_a_part_of_what_would_go_on() -> None:
    flow = Paths(result_path=("answer",), output_path=Path("$.answer"))
    assert flow.leave(Data(ORDER), ORDER, 5).document == 5


def test_a_path_to_nothing_fails_the_state() -> None:
    with pytest.raises(DataError) as raised:
        Paths(input_path=Path("$.nothing")).enter(Data(ORDER))
    assert raised.value.error == "States.ParameterPathFailure"


def test_queries_make_output_and_variables_of_input_and_result() -> None:
    flow = Queries(
        output=Template({"sum": Query("$states.result + $states.input.id")}),
        assign=Template({"last": Query("$states.result")}),
    )
    left = flow.leave(Data(ORDER, {"first": 1}), ORDER, 5)
    assert left.document == {"sum": 12}
    assert left.variables == {"first": 1, "last": 5}


def test_a_catcher_sees_the_error() -> None:
    flow = Queries(output=Template(Query("$states.errorOutput.Error")), error=True)
    assert flow.leave(Data(ORDER), ORDER, {"Error": "Boom", "Cause": ""}).document == "Boom"


def test_iterations_begin_with_their_items_or_what_is_selected_of_them() -> None:
    inside, data = Machine("", {}), Data(ORDER)
    plain = Map("M", None, inside, items=Path("$.parcels"))
    assert plain.found(data, ORDER) == [{"kg": 1}, {"kg": 2}]
    assert plain.iteration(data, ORDER, 1, {"kg": 2}).document == {"kg": 2}
    selected = Template(
        {"kg": Path("$$.Map.Item.Value.kg"), "no": Path("$$.Map.Item.Index"), "id": Path("$.id")}
    )
    chosen = Map("M", None, inside, items=Path("$.parcels"), item_flow=selected)
    assert chosen.iteration(data, ORDER, 1, {"kg": 2}).document == {"kg": 2, "no": 1, "id": 7}
    counted = Map("M", None, inside, counts=((3, 1.0),))
    assert counted.iteration(data, ORDER, 1).document == ORDER


def test_a_map_needs_a_list() -> None:
    with pytest.raises(DataError):
        Map("M", None, Machine("", {}), items=Path("$.card")).found(Data(ORDER), ORDER)


def test_a_wait_finds_its_seconds_in_the_data() -> None:
    assert Wait("W", None, None, Path("$.wait_s")).waits_us(Data(ORDER), ORDER) == 90_000_000
    with pytest.raises(DataError):
        Wait("W", None, None, Path("$.card")).waits_us(Data(ORDER), ORDER)
