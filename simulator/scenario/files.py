"""CSV files that a scenario names: read only below its folder."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from simulator.scenario.problems import nearest_or_known, shown

MAX_BYTES: Final = 64 * 1024**2


class FileProblem(Exception):
    """What is wrong with a file a scenario names; ``about`` is the role (file, or a column) that is wrong."""

    def __init__(self, about: str, message: str) -> None:
        self.about = about
        self.message = message
        super().__init__(message)


def read_inside(folder: Path | None, name: str) -> str:
    """Read the text of file *name*, a path relative to *folder* that does not leave it."""
    try:
        base = (folder or Path()).resolve()
        path = (base / name).resolve()
        if not path.is_relative_to(base):
            raise FileProblem(
                "file", f"is {shown(name)}, outside the scenario's folder; copy the file below it"
            )
        if not path.is_file():
            raise FileProblem("file", f"is {shown(name)}; there is no such file below the scenario's folder")
        if path.stat().st_size > MAX_BYTES:
            raise FileProblem("file", f"is {shown(name)}, longer than {MAX_BYTES // 1024**2}MiB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem("file", f"is {shown(name)}, which is not a text in UTF-8") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise FileProblem("file", f"is {shown(name)}, which cannot be read: {reason}") from None


def rows(text: str, columns: Sequence[tuple[str, str]]) -> Iterator[tuple[int, list[str]]]:
    """Give line number and cells of each row; *columns* are pairs of role and column name.

    Raises `FileProblem` about the role whose column is missing, or about the file.
    """
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise FileProblem("file", "is an empty file")
        names = [name.strip() for name in header]
        for role, column in columns:
            if column not in names:
                raise FileProblem(
                    role, f"is {shown(column)}; {nearest_or_known(column, names)} in the file's first line"
                )
        places = [names.index(column) for _, column in columns]
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise FileProblem(
                    "file", f"has {len(cells)} cells on its line {reader.line_num}; {len(names)} are due"
                )
            yield reader.line_num, [cells[place].strip() for place in places]
    except csv.Error as error:
        raise FileProblem("file", f"is not CSV on its line {reader.line_num}: {error}") from None
