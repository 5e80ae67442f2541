import hashlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator.recording.parquet import ROW_GROUP, ParquetRows, Tee
from simulator.recording.tables import NONE, TABLES
from tests.analysis.rows import ORDERS, THINGS, S, a_run, copies, cut


def written(folder, run, size, things=THINGS):
    folder.mkdir()
    with ParquetRows(folder, things) as rows:
        for name, columns in run.items():
            for chunk in cut(columns, size):
                rows.chunk(name, chunk)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_row_groups_are_cut_by_rows_whatever_the_chunks(tmp_path):
    run = a_run(150_000)
    by_size = [written(tmp_path / str(size), run, size) for size in (999, 65_536, 200_000)]
    assert by_size[0] == by_size[1] == by_size[2]
    file = pq.ParquetFile(tmp_path / "999" / "copies.parquet")
    groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert groups == [ROW_GROUP, ROW_GROUP, 150_000 - 2 * ROW_GROUP]


def test_every_table_has_a_file_also_without_rows(tmp_path):
    assert set(written(tmp_path / "none", {}, 1)) == {f"{name}.parquet" for name in TABLES}
    for name, columns in TABLES.items():
        table = pq.read_table(tmp_path / "none" / f"{name}.parquet")
        assert table.column_names == [column.name for column in columns]
        assert table.num_rows == 0


def test_rows_come_back_as_they_were(tmp_path):
    run = a_run(1_000)
    written(tmp_path / "rows", run, 100)
    for name, columns in run.items():
        table = pq.read_table(tmp_path / "rows" / f"{name}.parquet")
        for column in TABLES[name]:
            values = table[column.name]
            if column.unit in ("us", "1", "id", "bytes"):
                back = values.fill_null(NONE).to_numpy()
                assert (back == columns[column.name]).all(), (name, column.name)


def test_none_is_null_but_an_instant_before_the_start_is_not(tmp_path):
    run = {"copies": copies([-1, 5], ended_at=S, queue=ORDERS)}
    written(tmp_path / "rows", run, 2)
    table = pq.read_table(tmp_path / "rows" / "copies.parquet")
    assert table["offered_at"].to_pylist() == [-1, 5]
    assert table["succeeded_at"].to_pylist() == [None, None]
    assert table["group"].to_pylist() == [None, None]


def test_enumerations_are_words_and_things_are_paths(tmp_path):
    run = a_run(50)
    written(tmp_path / "rows", run, 50)
    table = pq.read_table(tmp_path / "rows" / "deliveries.parquet")
    assert set(table["queue"].to_pylist()) == {"queues.orders", "queues.mail"}
    assert set(table["cause"].to_pylist()) <= {"nothing", "visibility_timeout"}
    assert set(table["repeated"].to_pylist()) <= {True, False}


def test_without_names_things_stay_numbers(tmp_path):
    written(tmp_path / "rows", a_run(50), 50, things=())
    table = pq.read_table(tmp_path / "rows" / "copies.parquet")
    assert ORDERS in table["queue"].to_pylist()


def test_every_column_says_its_unit_and_meaning(tmp_path):
    written(tmp_path / "rows", {}, 1)
    schema = pq.read_schema(tmp_path / "rows" / "copies.parquet")
    assert schema.field("sent_at").metadata[b"unit"] == b"us"
    assert schema.field("sent_at").metadata[b"meaning"]


def test_files_name_neither_a_path_nor_a_date(tmp_path):
    written(tmp_path / "rows", a_run(50), 50)
    for path in (tmp_path / "rows").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_what_is_waiting_is_written_when_an_error_ends_the_run(tmp_path):
    rows = tmp_path / "rows"
    rows.mkdir()

    def ends():
        with ParquetRows(rows, THINGS) as sink:
            sink.chunk("copies", copies([0, 1]))
            raise KeyError

    with pytest.raises(KeyError):
        ends()
    assert pq.read_table(rows / "copies.parquet").num_rows == 2


def test_a_tee_hands_every_chunk_to_all():
    class Kept:
        def __init__(self):
            self.chunks = []

        def chunk(self, table, columns):
            self.chunks.append((table, columns))

    first, second = Kept(), Kept()
    tee = Tee(first, second)
    tee.chunk("changes", {"value": np.arange(3)})
    assert first.chunks == second.chunks == [("changes", first.chunks[0][1])]
