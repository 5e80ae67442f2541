"""Cooldowns of Application Auto Scaling (its user guide, "Define cooldown periods")."""

from simulator.aws.ecs.application_auto_scaling import Cooldowns

MINUTE = 60_000_000


def test_what_was_added_counts_on_top_until_the_cooldown_is_over():
    cooldowns = Cooldowns(5 * MINUTE, 5 * MINUTE)
    cooldowns.scaled(10 * MINUTE, 4, 7)
    assert cooldowns.added(15 * MINUTE - 1) == 3
    assert cooldowns.added(15 * MINUTE) == 0
    cooldowns.scaled(12 * MINUTE, 7, 9)  # a larger wish: the guide lets it through
    assert cooldowns.added(13 * MINUTE) == 5


def test_no_other_scale_in_starts_during_its_cooldown_but_a_scale_out_does():
    cooldowns = Cooldowns(5 * MINUTE, 5 * MINUTE)
    cooldowns.scaled(10 * MINUTE, 7, 6)
    assert not cooldowns.allows(15 * MINUTE - 1, 6, 5)
    assert cooldowns.allows(11 * MINUTE, 6, 8)
    assert cooldowns.allows(15 * MINUTE, 6, 5)


def test_a_scale_out_ends_the_cooldown_of_the_scale_in():
    cooldowns = Cooldowns(MINUTE, 60 * MINUTE)
    cooldowns.scaled(10 * MINUTE, 7, 6)
    assert not cooldowns.allows(20 * MINUTE, 6, 5)
    cooldowns.scaled(20 * MINUTE, 6, 9)
    assert cooldowns.allows(22 * MINUTE, 9, 8)
