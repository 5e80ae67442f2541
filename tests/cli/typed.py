"""What a person types and sees, without the price of a process a command."""

import contextlib
import io
from typing import NamedTuple

from simulator.cli.main import exit_status


class Seen(NamedTuple):
    """What a command left behind on the terminal."""

    status: int
    out: str
    err: str


def typed(*arguments: object) -> Seen:
    """Carry out ``simulator ARGUMENTS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = exit_status([str(argument) for argument in arguments])
    return Seen(status, out.getvalue(), err.getvalue())
