"""Waits of quiet and noisy tenants as a chart."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from simulator.reporting import style, tenants
from simulator.reporting.frames import Frames
from tests.reporting.cases import burst


def with_tenants(quiet_s: np.ndarray, noisy_s: np.ndarray, marked: np.ndarray | None = None) -> Frames:
    """The answer of a burst, with waits by tenants every minute."""
    answer = burst()
    at_s = np.arange(len(quiet_s)) * answer.bin_s
    curves = {"wait_quiet_p50": quiet_s / 2, "wait_quiet_p95": quiet_s, "wait_noisy_p95": noisy_s}
    if marked is not None:
        curves["noisy_tenants"] = marked
    rows = [
        pd.DataFrame({"scope": "", "quantity": name, "replication": run, "at_s": at_s, "value": values})
        for name, values in curves.items()
        for run in range(2)
    ]
    return Frames(dataclasses.replace(answer, series=pd.concat([answer.series, *rows], ignore_index=True)))


def waits(peak_s: float) -> np.ndarray:
    found = np.full(60, 0.02)
    found[20:24] = peak_s
    return found


def drawn(frames: Frames):
    with style.context():
        figure = tenants.figure(frames)
        if figure is not None:
            figure.canvas.draw()
    return figure


def test_there_is_no_chart_where_nobody_asked_for_tenants():
    assert drawn(Frames(burst())) is None


def test_the_title_says_how_long_quiet_and_noisy_tenants_wait():
    frames = with_tenants(waits(180.0), waits(540.0))
    assert tenants.title(frames).startswith("p95 wait of quiet tenants reaches 3 min at ")
    assert tenants.title(frames).endswith(", a noisy one's 9 min")


def test_what_quiet_tenants_never_get_is_said_first():
    assert "is not begun within the run" in tenants.title(with_tenants(waits(np.inf), waits(1.0)))


@pytest.mark.parametrize("marked", [None, np.repeat([0.0, 1.0, 0.0], 20)])
def test_marks_have_a_panel_of_their_own_on_fair_queues(marked):
    figure = drawn(with_tenants(waits(180.0), waits(540.0), marked))
    texts = {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}
    assert ("tenants marked as noisy" in texts) == (marked is not None)
    assert {"quiet p95", "noisy p95"} <= texts


def test_equal_answers_give_equal_bytes():
    drawings = []
    for _ in range(2):
        with style.context():
            figure = tenants.figure(with_tenants(waits(180.0), waits(540.0), np.ones(60)))
            assert figure is not None
            drawings.append(style.png(figure))
    assert drawings[0] == drawings[1]
