"""A file's rows are the same, whatever it is written in and however it is packed."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from corpus.errors import EmptyFileError, ImportFileError
from corpus.importers.files.opening import check_whole, facts_of, is_array, is_table, rows_of

ROWS: list[dict[str, Any]] = [
    {"prompt": "Why?", "answer": 'Be"cause,\nso.', "note": "ä 漢 שלום"},
    {"prompt": "Who?", "answer": "", "note": "x" * 70_000},
    {"prompt": "How?", "answer": "Like so.", "note": "; , | \t"},
]


def jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def csv_of(rows: Sequence[dict[str, Any]], delimiter: str) -> bytes:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [delimiter.join(rows[0])]
    lines += [delimiter.join(cell(row[name]) for name in rows[0]) for row in rows]
    return b"\xef\xbb\xbf" + "\r\n".join(lines).encode()


def parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path)


def arrow_stream(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def arrow_file(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def zstandard(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(jsonl(ROWS))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("part/one.jsonl", jsonl(ROWS[:1]))
        archive.writestr("__MACOSX/part/._one.jsonl", b"\x00\x05")
        archive.writestr("part/.hidden", b"{")
        archive.writestr("part/two.json", json.dumps(ROWS[1:]))


def packed_parquet(path: Path) -> None:
    parquet(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


WRITERS: dict[str, Callable[[Path], object]] = {
    "lines": lambda path: path.write_bytes(jsonl(ROWS)),
    "lines with BOM and CRLF": lambda path: path.write_bytes(
        b"\xef\xbb\xbf" + jsonl(ROWS).replace(b"\n", b"\r\n")
    ),
    "array": lambda path: path.write_text(json.dumps(ROWS, indent=1)),
    "array on one line": lambda path: path.write_text(json.dumps(ROWS)),
    "csv": lambda path: path.write_bytes(csv_of(ROWS, ",")),
    "semicolons": lambda path: path.write_bytes(csv_of(ROWS, ";")),
    "tsv": lambda path: path.write_bytes(csv_of(ROWS, "\t")),
    "parquet": parquet,
    "arrow stream": arrow_stream,
    "arrow file": arrow_file,
    "gzip": lambda path: path.write_bytes(gzip.compress(jsonl(ROWS))),
    "gzipped csv": lambda path: path.write_bytes(gzip.compress(csv_of(ROWS, ","))),
    "gzipped parquet": packed_parquet,
    "zstandard": zstandard,
    "zip": zipped,
}


@pytest.mark.parametrize("how", WRITERS)
def test_rows_are_the_same_in_every_encoding(tmp_path: Path, how: str) -> None:
    # A name that says nothing: what a file is, is seen from its bytes.
    path = tmp_path / "data.bin"
    WRITERS[how](path)

    check_whole(path)
    rows = list(rows_of(path))

    assert [row.reason for row in rows] == ["", "", ""]
    # An empty cell of a table is a missing value.
    assert [
        {**row.fields, "answer": row.fields["answer"] or ""} for row in rows if row.fields
    ] == ROWS
    assert [row.number for row in rows] == sorted({row.number for row in rows})


def test_lines_of_a_table_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n"x\ny",4\n\n5\n6,7\n')

    rows = list(rows_of(path))

    assert [row.number for row in rows] == [2, 3, 6, 7]
    assert "1 cells for 2 columns" in rows[2].reason
    assert rows[3].fields == {"a": "6", "b": "7"}


def test_what_is_no_number_in_json_is_missing(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": NaN, "b": [Infinity, 1]}\n')
    table = tmp_path / "b.parquet"
    pq.write_table(pa.table({"a": [float("nan")], "b": [[float("inf"), 1.0]]}), table)

    for path in (lines, table):
        assert next(rows_of(path)).fields == {"a": None, "b": [None, 1]}


def test_columns_that_hold_bytes_are_said_to_be_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [{"bytes": b"\x89PNG", "path": "a.png"}]}), path)

    assert "only text can be labelled" in next(rows_of(path)).reason


def broken_array(path: Path) -> None:
    path.write_text('[{"a": 1}, {"a": ')


def cut_parquet(path: Path) -> None:
    parquet(path)
    path.write_bytes(path.read_bytes()[:-20])


def encrypted(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jsonl", jsonl(ROWS))
    raw = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.find(magic) + place] |= 1
    path.write_bytes(raw)


def read_all(path: Path) -> None:
    facts_of(path)
    check_whole(path)
    list(rows_of(path))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "blank": (lambda path: path.write_bytes(b"\n \n"), "empty"),
    "gzip of nothing": (lambda path: path.write_bytes(gzip.compress(b"")), "empty"),
    "cut gzip": (lambda path: path.write_bytes(gzip.compress(jsonl(ROWS))[:-9]), "Cannot read"),
    "cut parquet": (cut_parquet, "Parquet"),
    "broken array": (broken_array, "after element 1"),
    "encrypted": (encrypted, "encrypted"),
    "empty zip": (lambda path: zipfile.ZipFile(path, "w").writestr("a/", b""), "no file"),
    "not there": (lambda path: None, "Cannot read"),
    "latin-1": (lambda path: path.write_bytes("a,b\nä,ö\n".encode("latin-1")), "not UTF-8"),
    "nameless column": (lambda path: path.write_text("a,,c\n1,2,3\n"), "column 2 has no name"),
    "doubled column": (lambda path: path.write_text("a,b,a\n1,2,3\n"), "two columns"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path: Path, how: str) -> None:
    path = tmp_path / "data"
    write, words = BROKEN[how]
    written = write(path)
    if hasattr(written, "close"):
        written.close()

    with pytest.raises(ImportFileError, match=words) as caught:
        read_all(path)

    assert "\n" not in str(caught.value)


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 1_000
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", b" " * 10_000)

    with pytest.raises(ImportFileError, match="IMPORT_MAX_UNPACKED_BYTES"):
        list(rows_of(path))


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(raw)

    try:
        check_whole(path)
        rows = list(rows_of(path))
    except ImportFileError:
        return
    assert all((row.fields is None) == bool(row.reason) for row in rows)


@pytest.mark.parametrize(
    "magic",
    [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1", b"ARROW1", b"[{", b"\xff" * 4],
)
@given(tail=st.binary(max_size=200))
def test_any_bytes_after_a_known_beginning_are_one_clear_error_at_most(
    tmp_path_factory: pytest.TempPathFactory, magic: bytes, tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(magic + tail)

    try:
        check_whole(path)
        list(rows_of(path))
    except ImportFileError:
        return


def test_lines_that_are_lists_are_no_array_and_lines_of_objects_no_table() -> None:
    assert not is_array(b'[1, 2]\n{"a": 1}\n')
    assert is_array(b' [\n {"a": 1}')
    assert is_table(b"a,b\n1,2\n")
    assert not is_table(b'oops, not json\n{"prompt": "x"}\n')
    assert not is_table(b"one column\nonly\n")


@pytest.mark.parametrize("text", ["[" * 60_000, "[\n" + '{"a":' * 60_000])
def test_an_array_nested_without_end_is_refused_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep.json"
    path.write_text(text)

    with pytest.raises(ImportFileError, match="nested more than"):
        list(rows_of(path))


def test_elements_of_an_array_are_whole_and_what_is_no_object_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"a": [1, {"b": []}], "c": {}}, 5, [], {}, "x", null, {"d": 1.5}]')

    rows = list(rows_of(path))

    assert [row.fields for row in rows] == [
        *({"a": [1, {"b": []}], "c": {}}, None, None, {}, None, None, {"d": 1.5}),
    ]
    assert [row.number for row in rows if row.reason] == [2, 3, 5, 6]


def test_an_empty_file_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    with pytest.raises(EmptyFileError):
        facts_of(tmp_path / "a")


def test_the_names_of_columns_may_be_long_and_go_on_over_lines(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    names = [f"column {place}" for place in range(9_000)]
    path.write_text(f'{",".join(names)},"pro\nmpt"\n{"1," * len(names)}Why?\n')

    [row] = rows_of(path)

    assert row.number == 3
    assert row.fields == {"pro\nmpt": "Why?", **dict.fromkeys(names, "1")}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (",".join(f"c{place}" for place in range(20_000)), "has 20,000 columns; the limit is"),
        ("x" * 5_000_000 + ",b", "the first line, which should name the columns, is longer than"),
        ('a,"b\n' + "1,2\n" * 200, "a quote in the first line is never closed"),
    ],
)
def test_a_first_line_that_names_no_columns_says_why(tmp_path: Path, head: str, said: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(f"{'a,b' if head.startswith('x') else ''}{head}\n1,2\n")

    with pytest.raises(ImportFileError, match=re.escape(said)):
        list(rows_of(path))


def test_an_object_of_very_many_names_is_refused_in_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "names.jsonl"
    path.write_text("{" + ",".join(f'"c{place}":1' for place in range(200_000)) + ',"c199999":2}')

    [row] = rows_of(path)

    assert row.reason.startswith("not usable JSON: the name 'c199999' appears twice")


def test_what_is_nested_too_deeply_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_bytes(b"[" * 60_000)

    with pytest.raises(ImportFileError):
        list(rows_of(path))


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@given(st.lists(st.tuples(st.integers(4, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_archive_is_one_clear_error_at_most(
    tmp_path_factory: pytest.TempPathFactory, how: int, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "rows.zip"
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("röws.jsonl", jsonl([ROWS[0], ROWS[2]]))
    damaged = bytearray(path.read_bytes())
    for place, byte in changes:
        damaged[4 + place % (len(damaged) - 4)] = byte
    path.write_bytes(damaged)

    with suppress(ImportFileError):
        list(rows_of(path))
    with suppress(ImportFileError):
        check_whole(path)


@pytest.mark.parametrize("how", ["gzip", "zstandard", "gzip in a zip"])
def test_a_packed_file_that_would_fill_the_disk_is_refused(
    tmp_path: Path, settings: Settings, how: str
) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 500_000
    array = b'[{"a": 1},' + b" " * 2_000_000 + b"{}]"
    path = tmp_path / "bomb"
    if how == "gzip":
        path.write_bytes(gzip.compress(array))
    elif how == "zstandard":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(array)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("array.json.gz", gzip.compress(array))

    with pytest.raises(ImportFileError, match="more than 500,000 bytes unpacked"):
        list(rows_of(path))
