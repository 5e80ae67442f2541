"""Rows on disk: a sink that writes each table of a run to one Parquet file."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.recording import tables
from simulator.recording.recorder import Sink
from simulator.recording.tables import NONE, TABLES, Column

ROW_GROUP: Final = 65_536

_INTEGERS: Final[dict[str, Any]] = {"q": pa.int64(), "i": pa.int32(), "h": pa.int16(), "b": pa.int8()}
_LETTERS: Final[dict[str, Any]] = {code: np.dtype(code) for code in _INTEGERS}


def _words_of(kind: type[IntEnum]) -> list[str]:
    """The words of an enumeration by its values; a value that none has stands for itself."""
    names = {int(member): member.name.lower() for member in kind}
    return [names.get(value, str(value)) for value in range(max(names) + 1)]


_WORDS: Final[dict[str, Sequence[str]]] = {
    kind.__name__: _words_of(kind)
    for kind in vars(tables).values()
    if isinstance(kind, type) and issubclass(kind, IntEnum) and kind is not IntEnum
}


class Tee:
    """Hands each chunk to several sinks."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Hand the next rows of *table* to every sink."""
        for sink in self._sinks:
            sink.chunk(table, columns)


class ParquetRows:
    """Writes ``<table>.parquet`` for every table; row groups are cut by rows, however the chunks come.

    Enumerations become words, things their paths (numbers where *things* is not given), and NONE null.
    The files hold no dates and no paths: equal rows are equal bytes.

    Parameters
    ----------
    folder : Path
        Where the files go; it must exist.
    things : sequence of str
        The run's things; rows carry their index.
    """

    def __init__(self, folder: Path, things: Sequence[str] = ()) -> None:
        words = {**_WORDS, "thing": things} if things else _WORDS
        self._tables = {name: _Table(folder / f"{name}.parquet", TABLES[name], words) for name in TABLES}

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take the next rows of *table*."""
        self._tables[table].take(columns)

    def close(self) -> None:
        """Write what is left and finish the files."""
        for table in self._tables.values():
            table.close()

    def __enter__(self) -> "ParquetRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Table:
    """One file, and the rows that do not fill a row group yet."""

    def __init__(self, path: Path, columns: Sequence[Column], words: Mapping[str, Sequence[str]]) -> None:
        self._columns = columns
        self._words = {
            column.name: pa.array(list(words[column.unit]), pa.string())
            for column in columns
            if column.unit in words
        }
        self._schema = pa.schema([self._field(column) for column in columns])
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(self._words),
            column_encoding=cast(
                Any,
                {
                    c.name: "DELTA_BINARY_PACKED"
                    for c in columns
                    if c.code in "qi" and c.name not in self._words
                },
            ),
        )
        self._waiting: list[Mapping[str, np.ndarray]] = []
        self._rows = 0

    def _field(self, column: Column) -> Any:
        kind = _INTEGERS[column.code]
        if column.name in self._words:
            kind = pa.dictionary(kind, pa.string())
        elif column.unit == "bool":
            kind = pa.bool_()
        about = {"unit": column.unit, "meaning": column.meaning}
        return pa.field(column.name, kind, nullable=_nullable(column), metadata=cast(Any, about))

    def take(self, columns: Mapping[str, np.ndarray]) -> None:
        """Add rows, and write all full row groups."""
        self._waiting.append(columns)
        self._rows += len(columns[self._columns[0].name])
        if self._rows >= ROW_GROUP:
            joined = self._join()
            full = self._rows - self._rows % ROW_GROUP
            for first in range(0, full, ROW_GROUP):
                self._write({name: values[first : first + ROW_GROUP] for name, values in joined.items()})
            self._waiting = [{name: values[full:].copy() for name, values in joined.items()}]
            self._rows -= full

    def close(self) -> None:
        """Write the last row group."""
        if self._rows:
            self._write(self._join())
            self._rows = 0
        self._writer.close()

    def _join(self) -> dict[str, np.ndarray]:
        return {
            column.name: np.concatenate([rows[column.name] for rows in self._waiting])
            for column in self._columns
        }

    def _write(self, rows: Mapping[str, np.ndarray]) -> None:
        arrays = [self._array(column, rows[column.name]) for column in self._columns]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP)

    def _array(self, column: Column, values: np.ndarray) -> Any:
        typed = values.astype(_LETTERS[column.code], copy=False)
        missing = typed == NONE if _nullable(column) else None
        if column.name in self._words:
            return pa.DictionaryArray.from_arrays(
                pa.array(typed, mask=missing), cast(Any, self._words[column.name])
            )
        if column.unit == "bool":
            return pa.array(typed != 0)
        return pa.array(typed, mask=missing)


def _nullable(column: Column) -> bool:
    """Whether -1 means nothing in the column; where a standing backlog was sent, it is an instant."""
    return "NONE" in column.meaning or column.name == "left_at"
