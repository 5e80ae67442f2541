import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis import theory


def test_erlang_c_of_one_server_is_its_load():
    assert theory.erlang_c(1, 0.7) == pytest.approx(0.7)


@pytest.mark.parametrize(("servers", "wait"), [(3, 0.4444), (4, 0.0870), (5, 0.0199)])
def test_mean_wait_of_mmc_meets_published_tables_at_an_offered_load_of_two(servers, wait):
    assert theory.mmc_mean_wait(servers, 2 / servers) == pytest.approx(wait, abs=5e-5)


def test_two_servers_at_an_offered_load_of_two_never_settle():
    assert theory.mmc_mean_wait(2, 1.0) == math.inf
    assert theory.mmc_wait_quantile(0.5, 2, 1.0) == math.inf
    assert theory.md1_mean_wait(1.0) == math.inf


def test_mm1_is_the_special_case_of_all():
    assert theory.mmc_mean_wait(1, 0.9, 2.0) == pytest.approx(18.0)
    assert theory.pollaczek_khinchine_wait(0.9, 2.0) == pytest.approx(18.0)
    assert theory.mmc_wait_quantile(0.99, 1, 0.9, 2.0) == pytest.approx(math.log(90) * 20)


def test_constant_work_halves_the_wait():
    assert theory.md1_mean_wait(0.8) == pytest.approx(theory.mmc_mean_wait(1, 0.8) / 2)


def test_messages_that_do_not_wait_have_a_quantile_of_zero():
    assert theory.mmc_wait_quantile(0.5, 10, 0.5) == 0.0


def test_quantiles_of_the_wait_integrate_to_its_mean():
    shares = [(k + 0.5) / 200_000 for k in range(200_000)]
    mean = math.fsum(theory.mmc_wait_quantile(share, 4, 0.9) for share in shares) / len(shares)
    assert mean == pytest.approx(theory.mmc_mean_wait(4, 0.9), rel=1e-4)


def test_erlang_b_is_the_textbook_recursion():
    assert theory.erlang_b(5, 3.0) == pytest.approx(
        3**5 / 120 / sum(3**k / math.factorial(k) for k in range(6))
    )


def test_littles_law_and_its_form_for_work():
    assert theory.little(200.0, 0.25) == 50.0
    assert theory.slots_needed(200.0, 0.25) == 50.0


@pytest.mark.parametrize(("slots", "batch", "per_second"), [(320, 10, 1422.2), (5, 1, 5 / 0.3)])
def test_the_ceiling_is_slots_times_batch_over_the_length_of_an_invocation(slots, batch, per_second):
    work = 0.2 if batch == 10 else 0.05
    assert theory.ceiling_per_s(slots, work, 0.25, batch) == pytest.approx(per_second, abs=0.05)


@pytest.mark.parametrize(("work_s", "minutes"), [(0.1, 3.3), (0.5, 8.7), (1.0, 15.4), (2.0, 28.7)])
def test_a_million_messages_drain_as_the_ramp_of_event_source_mappings_allows(work_s, minutes):
    """Growth of 300 a minute from 5, cap 1,250 (AWS's numbers of 2023)."""
    assert theory.ramp_drain_time(1e6 * work_s, 5, 5, 1_250) / 60 == pytest.approx(minutes, abs=0.05)


def test_the_slower_ramp_of_2022_takes_five_and_a_half_minutes_for_fifty_thousand_slot_seconds():
    seconds = theory.ramp_drain_time(50_000, 5, 1)
    assert seconds / 60 == pytest.approx(5.2, abs=0.1)
    assert 5 + seconds == pytest.approx(316, abs=2)


@given(st.floats(1, 1e6), st.floats(1, 50), st.floats(0, 20), st.floats(1, 2_000))
def test_drain_time_undoes_the_area_of_the_ramp(area, start, growth, cap):
    start = min(start, cap)
    seconds = theory.ramp_drain_time(area, start, growth, cap)
    assert theory.ramp_area(seconds, start, growth, cap) == pytest.approx(area, rel=1e-9)


def test_a_queue_of_water_peaks_when_the_burst_ends():
    """500 a minute worked; 200 a minute with twenty minutes of 1,200: 14,000, gone after 46.7 minutes."""
    minute = 1 / 60
    peak, at, empty = theory.fluid_queue(
        [
            (600, 200 * minute, 200 * minute),
            (1_800, 1_200 * minute, 1_200 * minute),
            (9_000, 200 * minute, 200 * minute),
        ],
        500 * minute,
    )
    assert peak == pytest.approx(14_000)
    assert at == 1_800
    assert (empty - 1_800) / 60 == pytest.approx(46.67, abs=0.01)


def test_a_ramp_of_arrivals_adds_up_from_where_it_passes_the_capacity():
    peak, at, empty = theory.fluid_queue([(100, 0.0, 200.0)], 100.0)
    assert peak == pytest.approx(2_500)
    assert at == 100
    assert empty == pytest.approx(125)


def test_a_falling_rate_peaks_where_it_crosses_the_capacity_and_then_empties():
    peak, at, empty = theory.fluid_queue([(200, 200.0, 0.0)], 100.0)
    assert peak == pytest.approx(5_000)
    assert at == pytest.approx(100)
    assert empty == pytest.approx(200)


def test_a_backlog_without_arrivals_takes_messages_over_capacity():
    assert theory.fluid_queue([], 50.0, backlog=1_000.0) == (1_000.0, 0.0, 20.0)
    assert theory.fluid_queue([], 0.0, backlog=1.0).empty_at_s == math.inf
