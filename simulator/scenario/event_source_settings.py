"""What AWS accepts as settings of an event source mapping for SQS.

Rules: CreateEventSourceMapping (SDK ranges) and AWS Lambda developer guide, "Using Lambda with Amazon SQS".
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from simulator.scenario.rules import Rules

_SECOND_US: Final = 1_000_000


class SettingRanges(NamedTuple):
    """What AWS allows for the settings of a mapping, both ends included."""

    default_batch_size: int = 10
    largest_batch: int = 10_000
    largest_fifo_batch: int = 10
    largest_batch_without_window: int = 10
    smallest_window_us: int = _SECOND_US
    largest_window_us: int = 300 * _SECOND_US
    maximum_concurrency: tuple[int, int] = (2, 1000)
    minimum_pollers: tuple[int, int] = (2, 200)
    maximum_pollers: tuple[int, int] = (2, 10_000)


def ranges_of(rules: Rules) -> SettingRanges:
    """Give what is allowed by dated rules."""
    batch, window = rules.rule("esm.batch_size"), rules.rule("esm.window")
    fifo, most = rules.rule("esm.fifo_batch_size"), rules.rule("esm.maximum_concurrency")
    fewest_pollers, most_pollers = (rules.rule(f"esm.provisioned.{end}") for end in ("minimum", "maximum"))
    return SettingRanges(
        default_batch_size=batch.value,
        largest_batch=batch.high,
        largest_fifo_batch=fifo.high,
        largest_batch_without_window=fifo.high,
        smallest_window_us=rules.value("esm.window_for_big_batches"),
        largest_window_us=window.high,
        maximum_concurrency=(most.low, most.high),
        minimum_pollers=(fewest_pollers.low, fewest_pollers.high),
        maximum_pollers=(most_pollers.low, most_pollers.high),
    )


class Settings(NamedTuple):
    """Settings of a mapping as they are given; None: not given.

    ``queue_type`` is ``standard`` or ``fifo``; ``window_us`` and the two timeouts, of the queue and of the
    function, are in [us].
    """

    queue_type: str
    batch_size: int | None = None
    window_us: int = 0
    maximum_concurrency: int | None = None
    visibility_timeout_us: int | None = None
    function_timeout_us: int | None = None
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None


class Problem(NamedTuple):
    """One thing AWS refuses: the name AWS has for the setting, and why."""

    setting: str
    message: str


RANGES: Final = SettingRanges()


def setting_problems(given: Settings, ranges: SettingRanges = RANGES) -> Iterator[Problem]:
    """Say what AWS would refuse in creating a mapping with these settings."""
    size = ranges.default_batch_size if given.batch_size is None else given.batch_size
    fifo = given.queue_type == "fifo"
    largest = ranges.largest_fifo_batch if fifo else ranges.largest_batch
    if not 1 <= size <= largest:
        yield Problem("BatchSize", f"is {size}; BatchSize allows 1 to {largest} for a {_type(fifo)} queue")
    yield from _window_problems(given, size, ranges, fifo=fifo)
    yield from _concurrency_problems(given, ranges)
    visible_us, function_us = given.visibility_timeout_us, given.function_timeout_us
    if visible_us is not None and function_us is not None and function_us > visible_us:
        timeouts = f"the function's timeout ({_seconds(function_us)}) is above the queue's visibility timeout"
        yield Problem("Timeout", f"{timeouts} ({_seconds(visible_us)})")


def _window_problems(given: Settings, size: int, ranges: SettingRanges, *, fifo: bool) -> Iterator[Problem]:
    window_us = given.window_us
    setting = "MaximumBatchingWindowInSeconds"
    if fifo:
        if window_us:
            message = f"is {_seconds(window_us)}; a FIFO queue has no batching window"
            yield Problem(setting, message)
        return
    if not 0 <= window_us <= ranges.largest_window_us or window_us % _SECOND_US:
        span = f"whole seconds from 0s to {_seconds(ranges.largest_window_us)}"
        yield Problem(setting, f"is {_seconds(window_us)}; {setting} allows {span}")
    if size > ranges.largest_batch_without_window and window_us < ranges.smallest_window_us:
        batch = f"a batch_size of {size}, above {ranges.largest_batch_without_window}"
        least = _seconds(ranges.smallest_window_us)
        yield Problem(setting, f"is {_seconds(window_us)}; {batch}, needs {least} or more")


def _concurrency_problems(given: Settings, ranges: SettingRanges) -> Iterator[Problem]:
    most = given.maximum_concurrency
    low, high = ranges.maximum_concurrency
    if most is not None and not low <= most <= high:
        yield Problem("MaximumConcurrency", f"is {most}; MaximumConcurrency allows {low} to {high}")
    fewest_pollers, most_pollers = given.minimum_pollers, given.maximum_pollers
    provisioned = fewest_pollers is not None or most_pollers is not None
    if most is not None and provisioned:
        yield Problem("MaximumConcurrency", "goes with the scaling of AWS; provisioned pollers exclude it")
    for name, value, (low, high) in (
        ("MinimumPollers", fewest_pollers, ranges.minimum_pollers),
        ("MaximumPollers", most_pollers, ranges.maximum_pollers),
    ):
        if value is not None and not low <= value <= high:
            yield Problem(name, f"is {value}; {name} allows {low} to {high}")
    if fewest_pollers is not None and most_pollers is not None and fewest_pollers > most_pollers:
        yield Problem("MinimumPollers", f"is {fewest_pollers}, above MaximumPollers, {most_pollers}")


def check_settings(
    queue_type: str,
    batch_size: int | None = None,
    window_us: int = 0,
    maximum_concurrency: int | None = None,
    visibility_timeout_us: int | None = None,
    function_timeout_us: int | None = None,
    ranges: SettingRanges = RANGES,
) -> tuple[list[str], int]:
    """What AWS would refuse in creating this mapping, and its batch size; see `Settings`."""
    given = Settings(
        queue_type, batch_size, window_us, maximum_concurrency, visibility_timeout_us, function_timeout_us
    )
    problems = [f"{problem.setting}: {problem.message}" for problem in setting_problems(given, ranges)]
    return problems, ranges.default_batch_size if batch_size is None else batch_size


def _type(fifo: bool) -> str:
    return "FIFO" if fifo else "standard"


def _seconds(duration_us: int) -> str:
    return f"{duration_us / _SECOND_US:g}s"
