"""Lambda concurrency, gate by gate.

Sources: AWS Lambda developer guide ("Understanding Lambda function scaling", "Lambda scaling behavior",
"Configuring reserved concurrency", "Lambda quotas"), edition of 2025-26.
"""

import pytest

from simulator.aws.lambda_.concurrency import (
    NO_ENVIRONMENT,
    PROVISIONED,
    Account,
    Admission,
    Environments,
    FunctionConcurrency,
    reservation_problem,
)

SECOND = 1_000_000
LIFETIME = 600 * SECOND


def function(
    limit: int | None = 1000,
    *,
    reserved: int | None = None,
    rps: int | None = 10,
    scale_per_10s: int | None = 1000,
    lifetime: int = LIFETIME,
) -> FunctionConcurrency:
    account = Account(limit, {} if reserved is None else {"f": reserved}, rps_per_concurrency=rps)
    return FunctionConcurrency(account, reserved, Environments(lifetime), scale_per_10s)


def end(f: FunctionConcurrency, now: int) -> None:
    """End an invocation that ran in the environment given out last."""
    f.end(now, f.environment)


def admit_all(f: FunctionConcurrency, now: int, most: int) -> int:
    """Invoke until refused, at most *most* times; how many were admitted."""
    for count in range(most):
        if not f.invoke(now).admitted:
            return count
    return most


def test_first_invocation_is_cold_and_the_next_one_reuses_its_environment():
    f = function()
    assert f.invoke(0) is Admission.COLD
    end(f, SECOND)
    assert f.invoke(SECOND) is Admission.WARM


def test_a_busy_environment_is_not_shared():
    f = function()
    assert [f.invoke(0), f.invoke(0)] == [Admission.COLD, Admission.COLD]
    assert f.running == 2


def test_an_idle_environment_is_gone_the_instant_its_lifetime_ends():
    environments = Environments(LIFETIME)
    environments.release(0, 0)
    assert environments.idle(LIFETIME - 1) == 1
    assert environments.idle(LIFETIME) == 0
    assert environments.acquire(LIFETIME) == NO_ENVIRONMENT
    environments.release(0, 0)
    assert environments.acquire(LIFETIME - 1) == 0


def test_the_most_recently_used_environment_is_reused_so_that_the_rest_idles_out():
    environments = Environments(100)
    environments.release(0, 0)
    environments.release(50, 10)
    assert environments.acquire(60) == 10
    environments.release(70, 10)
    assert environments.idle(99) == 2
    assert environments.idle(100) == 1  # the one of 0 was never touched


def test_expired_environments_do_not_pile_up():
    environments = Environments(10)
    for now in range(0, 1000, 100):
        for _ in range(5):
            environments.acquire(now)
        for _ in range(5):
            environments.release(now, now)
    assert len(environments._idle_from) == 5


def test_an_environment_is_recycled_at_its_age_however_busy_it_is():
    environments = Environments(LIFETIME, 7200 * SECOND)
    for now in range(0, 7200, 60):
        environments.release(now * SECOND, 0)
        assert environments.acquire((now + 30) * SECOND) == 0
    environments.release(7199 * SECOND, 0)
    assert environments.idle(7200 * SECOND) == 0
    assert environments.acquire(7200 * SECOND) == NO_ENVIRONMENT
    environments.release(7201 * SECOND, 0)
    assert environments.idle(7201 * SECOND) == 0


def test_of_idle_environments_an_old_one_does_not_hide_a_young_one():
    environments = Environments(LIFETIME, 100)
    environments.release(50, 40)
    environments.release(60, 0)
    assert environments.acquire(101) == 40


def test_provisioned_environments_are_warm_taken_first_and_never_go():
    environments = Environments(100, 1000, provisioned=2)
    assert [environments.acquire(10**9) for _ in range(3)] == [PROVISIONED, PROVISIONED, NO_ENVIRONMENT]
    environments.release(10**9, PROVISIONED)
    assert environments.idle(10**12) == 1


def test_provisioned_concurrency_has_no_cold_start_up_to_its_number_and_overflows_on_demand():
    account = Account(1000, {})
    f = FunctionConcurrency(account, None, Environments(LIFETIME, provisioned=50), provisioned=50)
    assert [f.invoke(0) for _ in range(60)] == [Admission.WARM] * 50 + [Admission.COLD] * 10


def test_provisioned_environments_that_are_not_set_up_yet_start_cold():
    environments = Environments(LIFETIME, provisioned=5, ready_at=120 * SECOND)
    f = FunctionConcurrency(Account(1000, {}), None, environments, provisioned=5)
    assert f.invoke(119 * SECOND) is Admission.COLD
    assert f.invoke(120 * SECOND) is Admission.WARM


def test_provisioned_concurrency_is_kept_from_all_others_whether_it_is_used_or_not():
    account = Account(1000, {})
    kept = FunctionConcurrency(account, None, Environments(LIFETIME, provisioned=300), provisioned=300)
    other = FunctionConcurrency(account, None, Environments(LIFETIME))
    assert admit_all(other, 0, 1000) == 700
    assert admit_all(kept, 0, 1000) == 300
    assert kept.invoke(0) is Admission.THROTTLED_ACCOUNT
    end(kept, 1)
    assert other.invoke(1) is Admission.THROTTLED_ACCOUNT
    end(other, 2)
    assert admit_all(kept, 2, 10) == 2  # its own unit, and one of the pool


def test_before_november_2023_all_functions_shared_a_burst_and_500_environments_a_minute():
    account = Account(20_000, {}, burst=3000, burst_per_minute=500)
    one = FunctionConcurrency(account, None, Environments(LIFETIME), None)
    other = FunctionConcurrency(account, None, Environments(LIFETIME), None)
    assert admit_all(one, 0, 2500) == 2500
    assert admit_all(other, 0, 2500) == 500
    assert other.invoke(0) is Admission.THROTTLED_SCALING
    assert other.next_admission_at(0) == 120_000  # one in 0.12 s is 500 a minute
    for nth in range(1, 501):
        assert one.invoke(nth * 120_000).admitted
    assert one.invoke(60 * SECOND) is Admission.THROTTLED_SCALING


def test_ten_thousand_wanted_get_a_thousand_at_once_and_a_hundred_a_second_so_all_after_90_s():
    """Developer guide: 1,000 environments every 10 s for each function, refilled continuously."""
    f = function(20_000)
    assert admit_all(f, 0, 10_000) == 1000
    assert f.invoke(0) is Admission.THROTTLED_SCALING
    now = 0
    while f.running < 10_000:
        now = f.next_admission_at(now)
        assert f.invoke(now) is Admission.COLD
    assert now == 90 * SECOND


def test_unused_scaling_rate_is_not_saved_up():
    f = function(20_000)
    assert admit_all(f, 3600 * SECOND, 5000) == 1000


def test_warm_environments_need_no_scaling_rate():
    f = function(20_000)
    assert admit_all(f, 0, 5000) == 1000
    for _ in range(1000):
        end(f, 1)
    assert [f.invoke(1) for _ in range(1000)] == [Admission.WARM] * 1000
    assert f.invoke(1) is Admission.THROTTLED_SCALING


def test_each_function_scales_at_its_own_rate():
    account = Account(20_000, {})
    first = FunctionConcurrency(account, None, Environments(LIFETIME))
    second = FunctionConcurrency(account, None, Environments(LIFETIME))
    assert admit_all(first, 0, 5000) == 1000
    assert admit_all(second, 0, 5000) == 1000


def test_reserved_concurrency_is_a_ceiling():
    f = function(reserved=5)
    assert admit_all(f, 0, 100) == 5
    assert f.invoke(0) is Admission.THROTTLED_RESERVED
    end(f, 10)
    assert f.invoke(10) is Admission.WARM


def test_reserved_zero_never_runs():
    assert function(reserved=0).invoke(0) is Admission.THROTTLED_RESERVED


def test_functions_without_a_reservation_share_what_is_not_reserved():
    account = Account(1000, {"important": 400})
    important = FunctionConcurrency(account, 400, Environments(LIFETIME))
    one = FunctionConcurrency(account, None, Environments(LIFETIME))
    other = FunctionConcurrency(account, None, Environments(LIFETIME))
    assert admit_all(one, 0, 500) == 500
    assert admit_all(other, 0, 500) == 100
    assert other.invoke(0) is Admission.THROTTLED_ACCOUNT
    assert admit_all(important, 0, 1000) == 400  # untouched by the others
    end(one, 1)
    assert other.invoke(1) is Admission.COLD


@pytest.mark.parametrize(("reserved", "refused"), [(900, False), (901, True), (0, False)])
def test_a_hundred_must_stay_unreserved(reserved: int, refused: bool):
    problem = reservation_problem(1000, {"f": reserved})
    assert bool(problem) is refused
    if refused:
        assert "901" in problem and "100" in problem
        with pytest.raises(ValueError, match="100 must stay unreserved"):
            Account(1000, {"f": reserved})


def test_a_small_account_without_reservations_is_no_problem():
    assert reservation_problem(10, {}) == ""
    assert admit_all(function(10), 0, 50) == 10


def test_a_unit_of_concurrency_serves_ten_requests_a_second():
    """Functions under 100 ms meet the rate of requests before their concurrency."""
    f = function(100)
    for _ in range(1000):
        assert f.invoke(0).admitted
        end(f, 0)
    assert f.invoke(0) is Admission.THROTTLED_RATE
    assert f.next_admission_at(0) == 1000  # 1,000 a second
    assert f.invoke(1000) is Admission.WARM


def test_the_request_rate_of_the_account_is_shared_and_a_reservation_has_its_own():
    account = Account(110, {"f": 10})
    reserved = FunctionConcurrency(account, 10, Environments(LIFETIME))
    one = FunctionConcurrency(account, None, Environments(LIFETIME))
    other = FunctionConcurrency(account, None, Environments(LIFETIME))
    for _ in range(1100):
        assert one.invoke(0).admitted
        end(one, 0)
    assert other.invoke(0) is Admission.THROTTLED_RATE
    for _ in range(100):
        assert reserved.invoke(0).admitted
        end(reserved, 0)
    assert reserved.invoke(0) is Admission.THROTTLED_RATE


def test_reserved_five_with_half_a_second_of_work_takes_ten_a_second_and_with_two_seconds_two_and_a_half():
    for work, expected in ((SECOND // 2, 1000), (2 * SECOND, 250)):
        f = function(reserved=5)
        ends: list[int] = []
        started = 0
        for now in range(0, 100 * SECOND, 10_000):
            while ends and ends[0] <= now:
                end(f, ends.pop(0))
            while f.invoke(now).admitted:
                started += 1
                ends.append(now + work)
        assert started == expected


def test_gates_are_asked_in_order_and_concurrency_refusals_spend_no_request():
    f = function(110, reserved=10)
    assert admit_all(f, 0, 10) == 10
    for _ in range(1000):
        assert f.invoke(0) is Admission.THROTTLED_RESERVED
    for _ in range(10):
        end(f, 0)
    for _ in range(90):
        assert f.invoke(0).admitted
        end(f, 0)
    assert f.invoke(0) is Admission.THROTTLED_RATE


def test_without_limits_everything_is_admitted():
    f = function(None, rps=None, scale_per_10s=None)
    assert admit_all(f, 0, 20_000) == 20_000
    assert f.next_admission_at(0) == 0
