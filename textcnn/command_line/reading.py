"""Read tables from files and standard input in chunks; errors name row and column."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from textcnn.command_line.messages import BadInputError, check_column, one_line

FORMATS = ("csv", "jsonl", "parquet")
ROWS_AT_A_TIME = 4096
_BYTES_AT_A_TIME = 32 * 2**20
LARGEST_CELL = 256 * 2**20
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# Invalid UTF-8 bytes are decoded to surrogates, so that errors can name row and column.
_NO_TEXT = re.compile("[\ud800-\udfff]")

Chunk = dict[str, list]


def format_of(path: str, given: str | None) -> str:
    """Return the format of a file by its name, unless one is given."""
    if given is not None:
        return given
    if path == "-":
        return "csv"
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    found = _SUFFIXES.get(suffixes[-1] if suffixes else "")
    if found is None:
        raise BadInputError(
            f"unknown file format of {path!r}; expected a name in .csv, .tsv, .jsonl (also .gz) "
            "or .parquet, or --format"
        )
    return found


@contextlib.contextmanager
def read_chunks(
    path: str, columns: list[str], *, format: str | None = None
) -> Iterator[Iterator[Chunk]]:
    """Yield an iterator over chunks of a table: lists of cells by column.

    Parameters
    ----------
    path : str
        ``"-"`` is standard input.
    columns : list of str
        The columns to read.
    format : {"csv", "jsonl", "parquet"}, optional
        By the file's name if None.

    Raises
    ------
    BadInputError
    """
    kind = format_of(path, format)
    columns = list(dict.fromkeys(columns))
    readers = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}
    with contextlib.ExitStack() as files:
        try:
            file = files.enter_context(_opened(path, kind))
        except OSError as error:
            raise BadInputError(f"cannot read {path!r}: {one_line(error)}") from error
        # Closed before the file.
        yield files.enter_context(
            contextlib.closing(_with_file_name(readers[kind](file, columns, path), path))
        )


def _with_file_name(chunks: Iterator[Chunk], path: str) -> Iterator[Chunk]:
    """Add the file's name to errors of reading."""
    try:
        yield from chunks
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(
            f"cannot read {path!r}: {type(error).__name__}: {one_line(error)}"
        ) from error


def _opened(path: str, kind: str):
    if path == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    if path.lower().endswith(".gz") and kind != "parquet":
        return gzip.open(path, "rb")
    return open(path, "rb")


def _text(file, *, newline: str | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline=newline)


def _read_csv(file, columns, path) -> Iterator[Chunk]:
    text = _text(file, newline="")
    csv.field_size_limit(LARGEST_CELL)
    rows = csv.reader(text, delimiter="\t" if ".tsv" in path.lower() else ",", strict=True)
    number = 0
    try:
        header = next(rows, None)
        if not header:
            raise BadInputError(f"{path!r} is empty; expected a header line with column names")
        repeated = next((name for name in header if header.count(name) > 1), None)
        if repeated is not None:
            raise BadInputError(f"{path!r} has two columns named {repeated!r}")
        places = _places(header, columns)
        cells: list[list[str]] = [[] for _ in places]
        size = 0
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                if not row:  # an empty line
                    continue
                raise BadInputError(
                    f"row {number} of {path!r} (line {rows.line_num}) has {len(row)} cells; "
                    f"expected {len(header)}, as in the first line"
                )
            for column, (name, place) in zip(cells, places, strict=True):
                cell = row[place]
                _check_text(cell, name, number, path)
                column.append(cell)
                size += len(cell)
            if len(cells[0]) >= ROWS_AT_A_TIME or size > _BYTES_AT_A_TIME:
                yield {name: column for (name, _), column in zip(places, cells, strict=True)}
                cells, size = [[] for _ in places], 0
        if cells[0]:
            yield {name: column for (name, _), column in zip(places, cells, strict=True)}
    except csv.Error as error:
        raise BadInputError(
            f"row {number + 1} of {path!r} (line {rows.line_num}) cannot be read: {error}"
        ) from error
    finally:
        text.detach()


def _places(header: list[str], columns: list[str]) -> list[tuple[str, int]]:
    for column in columns:
        check_column(header, column)
    return [(name, header.index(name)) for name in columns]


def _check_text(cell: str, column: str, row: int, path: str) -> None:
    """Refuse invalid UTF-8."""
    if not cell.isascii() and _NO_TEXT.search(cell):
        raise BadInputError(
            f"row {row}, column {column!r} of {path!r} is not valid UTF-8; convert the table to "
            "UTF-8"
        )


def _read_json_lines(file, columns, path) -> Iterator[Chunk]:
    chunk: Chunk = {}
    n_rows = size = number = 0
    text = _text(file, newline=None)
    try:
        for line_number, line in enumerate(text, start=1):
            if not line.strip():
                continue
            number += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInputError(
                    f"line {line_number} of {path!r} is not valid JSON: {one_line(error)}"
                ) from error
            if not isinstance(row, dict):
                raise BadInputError(
                    f"line {line_number} of {path!r} is not a JSON object; expected one object "
                    "per row"
                )
            for column in columns:
                if number == 1:
                    check_column(list(row), column)
                cell = row.get(column)
                if isinstance(cell, str):
                    _check_text(cell, column, number, path)
                elif isinstance(cell, dict | list):
                    raise BadInputError(
                        f"row {number}, column {column!r} of {path!r} is a "
                        f"{type(cell).__name__}; expected text, a number or null"
                    )
                chunk.setdefault(column, []).append(cell)
            n_rows, size = n_rows + 1, size + len(line)
            if n_rows >= ROWS_AT_A_TIME or size > _BYTES_AT_A_TIME:
                yield chunk
                chunk, n_rows, size = {}, 0, 0
        if n_rows:
            yield chunk
    finally:
        text.detach()


def _read_parquet(file, columns, path) -> Iterator[Chunk]:
    pyarrow, parquet = import_parquet()
    if path == "-":
        file = io.BytesIO(file.read())  # the schema is at the end
    try:
        table = parquet.ParquetFile(file)
        names = table.schema_arrow.names
        for column in columns or ():
            check_column(names, column)
        n_rows = 0
        for batch in table.iter_batches(ROWS_AT_A_TIME, columns=columns):
            yield {name: _cells(batch, name, n_rows, path) for name in columns or names}
            n_rows += len(batch)
    except pyarrow.ArrowException as error:
        raise BadInputError(f"cannot read {path!r}: {one_line(error)}") from error


def _cells(batch, name: str, n_before: int, path: str) -> list:
    """Return a column's cells as Python objects; Arrow checks neither text nor dates on reading."""
    try:
        return batch.column(name).to_pylist()
    except (ValueError, OverflowError):
        for row, cell in enumerate(batch.column(name), start=n_before + 1):
            try:
                cell.as_py()
            except (ValueError, OverflowError) as error:
                raise BadInputError(
                    f"row {row}, column {name!r} of {path!r} cannot be read: {one_line(error)}"
                ) from error
        raise


def import_parquet():
    """Import pyarrow, or raise an error that says how to install it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInputError(
            f"Parquet files need pyarrow: {error}. Type: pip install pyarrow"
        ) from error
    return pyarrow, pyarrow.parquet
