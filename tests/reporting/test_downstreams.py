"""The chart of a downstream: its title says what became of the calls, its panels what was there for them."""

import dataclasses
import math

import numpy as np
import pandas as pd
from matplotlib.text import Text

from simulator.analysis.answer import Certainty, Downstream, Estimate
from simulator.reporting import downstream_tables, downstreams, style
from simulator.reporting.frames import Frames
from tests.reporting.cases import burst

PATH = "downstreams.database"
POOL = Downstream(PATH, "300 connections, 60 ms a call", 300.0, math.nan, math.nan)


def number(mean: float, unit: str = "share") -> Estimate:
    return Estimate(mean, mean, mean, unit, Certainty.EXACT, 2)


def called(
    *, timed_out: float = 0.0, failed: float = 0.0, line: float = 0.0, one: Downstream = POOL
) -> Frames:
    """The answer of a burst with one downstream: 200 places in use at most, 1,000 tries for 800 calls."""
    answer = burst()
    at_s = np.arange(60) * answer.bin_s
    hump = np.where((at_s > 600) & (at_s < 1200), 1.0, 0.1)
    curves = {
        "served": 200 * hump,
        "line": line * hump,
        "tries_per_s": 1_000 * hump,
        "timed_out_tries_per_s": 1_000 * timed_out * hump,
        "refused_tries_per_s": 0 * hump,
        "failed_tries_per_s": 0 * hump,
        "try_s": 0.06 / hump,
    }
    rows = [
        pd.DataFrame({"scope": PATH, "quantity": name, "replication": run, "at_s": at_s, "value": values})
        for name, values in curves.items()
        for run in range(2)
    ]
    numbers = {
        "tries.count": number(1_000.0, "1"),
        "calls.count": number(800.0, "1"),
        "failed_calls.share": number(failed),
        "timed_out_tries.share": number(timed_out),
        "refused_tries.share": number(0.0),
        "failed_tries.share": number(0.0),
    }
    return Frames(
        dataclasses.replace(
            answer,
            setting=dataclasses.replace(answer.setting, downstreams=(one,)),
            series=pd.concat([answer.series, *rows], ignore_index=True),
            estimates={**answer.estimates, **{f"{PATH} {tail}": found for tail, found in numbers.items()}},
        )
    )


def texts(frames: Frames) -> set[str]:
    with style.context():
        figure = downstreams.figure(frames)
        assert figure is not None
        figure.canvas.draw()
        return {text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}


def test_there_is_no_chart_where_nothing_is_called():
    with style.context():
        assert downstreams.figure(Frames(burst())) is None


def test_the_title_says_how_tries_end_and_what_that_does_to_calls():
    title = downstreams.title(called(timed_out=0.2, failed=0.03), POOL)
    assert title.startswith("20 % of the tries at database time out; a call takes 1.25 tries")
    assert title.endswith(", and 3 % of the calls fail for good")


def test_without_trouble_the_title_says_how_full_it_is():
    assert downstreams.title(called(), POOL) == (
        "Up to 200 of 300 places at database are in use, and none waits in line"
    )
    assert "up to 40 wait in line" in downstreams.title(called(line=40.0), POOL)


def test_pool_line_and_what_times_out_are_named_in_the_chart():
    found = texts(called(timed_out=0.3, line=80.0))
    assert {"in service", "in line", "300 connections", "tries", "timed out"} <= found


def test_what_is_not_there_is_not_named():
    found = texts(called())
    assert not {"in line", "timed out", "refused (429)"} & found


def test_a_rate_is_drawn_where_the_tries_come_near_it():
    near = dataclasses.replace(POOL, rate_per_s=1_200.0)
    far = dataclasses.replace(POOL, rate_per_s=90_000.0)
    assert "1,200 a second" in texts(called(one=near))
    assert "90,000 a second" not in texts(called(one=far))


def test_the_summary_has_a_table_of_each_downstream_without_what_did_not_happen():
    found = "\n".join(downstream_tables.tables(called(timed_out=0.2, failed=0.03).answer))
    assert "## Downstream database (300 connections, 60 ms a call)" in found
    assert "| tries timed out, share | 20 % |" in found
    assert "refused" not in found
    assert "Time of an invocation" not in found


def test_the_summary_says_nothing_of_downstreams_where_there_are_none():
    assert downstream_tables.tables(burst()) == []
