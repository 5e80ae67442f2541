"""What is wrong with a scenario, in words that name the place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from pydantic_core import PydanticCustomError

_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where (file, line, path) and what.

    ``line`` is 0 where there is none (a file that cannot be read, a ``--set``). ``context`` names
    what was applied when it went wrong: ``variant fifo``, ``--set seed=x``.
    """

    file: str
    line: int
    path: str
    message: str
    context: str = ""

    def __str__(self) -> str:
        """Say it in a line: ``burst.yaml:14: queues.orders.delay is 16m; DelaySeconds allows 0s to 15m``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        context = f"{self.context}: " if self.context else ""
        return f"{place}: {context}{self.path}{' ' if self.path else ''}{self.message}"


class ScenarioError(Exception):
    """The scenario is wrong; ``problems`` are all that was found, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Say every problem on a line of its own."""
        return "\n".join(str(problem) for problem in self.problems)

    def __reduce__(self) -> tuple[type["ScenarioError"], tuple[tuple[Problem, ...]]]:
        """Let the error cross to another process whole."""
        return ScenarioError, (self.problems,)


@dataclass(frozen=True)
class Finding:
    """Something wrong at a path of keys; it becomes a `Problem` once its line is known."""

    path: tuple[str | int, ...]
    message: str


def refuse(*findings: Finding | str) -> PydanticCustomError:
    """Make the error a validator raises: each finding's path is relative to the value at hand."""
    whole = [Finding((), found) if isinstance(found, str) else found for found in findings]
    return PydanticCustomError("scenario", "refused", {"findings": whole})


def findings_of(error: PydanticCustomError) -> list[Finding]:
    """Give what `refuse` put into an error."""
    found: list[Finding] = (error.context or {})["findings"]
    return found


def read_at(path: tuple[str | int, ...], parse: Callable[[Any], Any], value: Any) -> Any:
    """Parse a value that stands at *path* below the one at hand: its errors name that path."""
    try:
        return parse(value)
    except PydanticCustomError as error:
        raise refuse(
            *(Finding((*path, *found.path), found.message) for found in findings_of(error))
        ) from None


def shown(text: str) -> str:
    """Quote what a person wrote, on one line and not too long; what cannot be seen stands in quotes."""
    if not text.strip():
        return f"'{text}'"
    line = "".join(letter if letter.isprintable() else "?" for letter in text)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def nearest(word: str, known: Iterable[str]) -> str:
    """Give the known word most like *word*, or "" if none is like it."""
    plain = _plain(word)
    best, found = 0.5, ""
    for candidate in known:
        match = SequenceMatcher(None, plain, _plain(candidate))
        # the quick bounds spare most of the work where there are hundreds of names
        if match.real_quick_ratio() > best and match.quick_ratio() > best and match.ratio() > best:
            best, found = match.ratio(), candidate
    return found


def nearest_or_known(word: str, known: Iterable[str]) -> str:
    """Say which known word is meant, or which there are: the end of a sentence about *word*."""
    words = list(known)
    if found := nearest(word, words):
        return f"nearest is {shown(found)}"
    if not words:
        return "there is none"
    return f"known: {', '.join(shown(one) for one in words[:12])}{', ...' if len(words) > 12 else ''}"


def _plain(word: str) -> str:
    return word[:_SHOWN].lower().replace("_", "").replace("-", "")
