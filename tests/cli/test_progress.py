import re

from simulator.cli.progress import Progress, hours
from simulator.experiments.executors import Standing

HOUR = 3_600_000_000


def test_spans_are_written_as_people_say_them():
    assert [hours(us) for us in (0, 45e6, 12 * 60e6, 1.5 * HOUR, 25 * HOUR)] == [
        "0 s",
        "45 s",
        "12 min",
        "90 min",
        "25 h 00",
    ]


def test_words_say_runs_simulated_time_pace_and_time_left():
    progress = Progress([HOUR, HOUR], quiet=True)
    progress(Standing((HOUR, 0), 30_000, 1))
    assert progress.words(10.0) == "1 of 2 runs · simulated 60 min of 2 h 00 · 3,000 msg/s · 10 s left"


def test_a_drain_is_not_counted_as_more_than_the_whole():
    progress = Progress([HOUR], quiet=True)
    progress(Standing((HOUR + 1,), 30_000, 0))
    assert progress.words(10.0).endswith("simulated 60 min of 60 min · 3,000 msg/s · draining")


def test_where_stderr_is_no_terminal_one_line_stands_at_the_end(capsys):
    with Progress([HOUR], quiet=False) as progress:
        progress(Standing((HOUR,), 1_234_567, 1))
    seen = capsys.readouterr()
    assert seen.out == ""
    assert re.fullmatch(r"1 run, 1,234,567 messages in \d+\.\d s \([\d,]+ a second\)\n", seen.err)


def test_a_terminal_sees_progress_move(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    with Progress([HOUR, HOUR], quiet=False) as progress:
        progress(Standing((HOUR, 0), 1_000, 1))
        seen = capsys.readouterr()
    assert "1 of 2 runs" in seen.err
    assert seen.out == ""
