"""Write tables in parts to files and standard output; a file is complete or not written."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import math
import os
import sys
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np

from textcnn.command_line.files import TableFormat, import_pyarrow
from textcnn.command_line.messages import BadInputError, one_line

_FLOAT = (float, np.floating)


@contextlib.contextmanager
def table_writer(path: str, table_format: TableFormat) -> Iterator:
    """Yield a writer for parts of a table: an object with ``write(columns)``.

    Parameters
    ----------
    path : str
        ``"-"`` is standard output.
    table_format : TableFormat

    Raises
    ------
    BadInputError
        If the file cannot be written.
    """
    from textcnn.persistence.atomic import atomic_write

    writers = {"csv": _CsvWriter, "jsonl": _JsonLinesWriter, "parquet": _ParquetWriter}
    kind = table_format.kind(path)
    compressed = _compression(path, kind)
    try:
        with contextlib.ExitStack() as files:
            file = sys.stdout.buffer if path == "-" else files.enter_context(atomic_write(path))
            if compressed is not None:
                file = files.enter_context(compressed(file))
            writer = writers[kind](file, path, table_format)
            yield files.enter_context(contextlib.closing(writer))
        if path == "-":
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except (OSError, UnicodeEncodeError, csv.Error) as error:
        raise BadInputError(f"cannot write {path!r}: {one_line(error)}") from error


def _compression(path: str, kind: str):
    """Return what opens the file for compression by its name, or None."""
    suffix = PurePath(path).suffix.lower()
    compressions = {
        ".gz": lambda file: gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0),
        ".bz2": lambda file: bz2.open(file, "wb"),
        ".xz": lambda file: lzma.open(file, "wb"),
        ".zst": _zstandard,
    }
    if suffix == ".zip":
        raise BadInputError(f"cannot write {path!r}; expected .gz, .bz2, .xz or .zst to compress")
    if suffix in compressions and kind == "parquet":
        plain = path[: -len(suffix)]
        raise BadInputError(f"Parquet files are already compressed; write {plain!r}")
    return compressions.get(suffix)


def _zstandard(file):
    """Return Arrow's stream, which closes what it writes to: a duplicate of the file."""
    pyarrow = import_pyarrow("Zstandard files")
    return pyarrow.CompressedOutputStream(open(os.dup(file.fileno()), "wb"), "zstd")


class _CsvWriter:
    def __init__(self, file, path: str, table_format: TableFormat):
        encoding = table_format.encoding or "utf-8"
        self._text = io.TextIOWrapper(file, encoding, newline="", write_through=True)
        self._decimal = table_format.decimal
        quotes = table_format.quoting != "none"
        self._rows = csv.writer(
            _UnixLines(self._text),
            delimiter=table_format.separator(path),
            lineterminator="\r\n",  # cells with either of both are quoted
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
            quotechar='"' if quotes else None,
        )
        self._has_header = False

    def write(self, columns: dict) -> None:
        """Write rows, after a header line at the start."""
        if not self._has_header:
            self._has_header = True
            self._rows.writerow(columns)
        self._rows.writerows(zip(*map(self._shown, columns.values()), strict=True))

    def close(self) -> None:
        """Flush and leave the file open."""
        self._text.flush()
        self._text.detach()

    def _shown(self, column) -> list:
        """Return cells as written in CSV: shortest digits, empty for None and NaN."""
        shown = [
            "" if cell is None or cell != cell else str(cell) if isinstance(cell, _FLOAT) else cell
            for cell in column
        ]
        if self._decimal == ".":
            return shown
        return [
            cell.replace(".", self._decimal) if isinstance(given, _FLOAT) else cell
            for cell, given in zip(shown, column, strict=True)
        ]


class _UnixLines:
    """Writes lines with the line ends of Unix."""

    def __init__(self, text: io.TextIOWrapper):
        self._text = text

    def write(self, line: str) -> None:
        """Write a line that ends in both line ends."""
        self._text.write(line[:-2] + "\n")


class _JsonLinesWriter:
    def __init__(self, file, path: str, table_format: TableFormat):
        self._file, self._path = file, path

    def write(self, columns: dict) -> None:
        """Write one object per row."""
        cells = [
            [
                (None if math.isnan(cell) else float(str(cell)))
                if isinstance(cell, _FLOAT)
                else cell
                for cell in (column if _is_float(column) else _as_list(column))
            ]
            for column in columns.values()
        ]
        rows = (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))
        try:
            lines = [json.dumps(row, default=str, allow_nan=False) + "\n" for row in rows]
        except ValueError as error:
            raise BadInputError(
                f"cannot write {self._path!r}: JSON has no infinite numbers; write .csv"
            ) from error
        self._file.write("".join(lines).encode("utf-8"))

    def close(self) -> None:
        """Leave the file open."""


def _is_float(column) -> bool:
    return isinstance(column, np.ndarray) and column.dtype.kind == "f"


def _as_list(column) -> list:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


class _ParquetWriter:
    def __init__(self, file, path: str, table_format: TableFormat):
        self._pyarrow = import_pyarrow("Parquet files")
        self._file, self._path, self._writer = file, path, None

    def write(self, columns: dict) -> None:
        """Write a group of rows; the first group determines the type of each column."""
        schema = None if self._writer is None else self._writer.schema
        arrays = {
            name: self._array(name, cells, None if schema is None else schema.field(name).type)
            for name, cells in columns.items()
        }
        table = self._pyarrow.table(arrays)
        if self._writer is None:
            self._writer = self._pyarrow.parquet.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)

    def _array(self, name: str, cells, kind):
        try:
            array = self._pyarrow.array(cells, kind)
        except (self._pyarrow.ArrowException, OverflowError) as error:
            raise BadInputError(
                f"cannot write {self._path!r}: column {name!r} has cells of several types, but "
                f"Parquet needs one type ({one_line(error)}); write .csv or .jsonl"
            ) from error
        # A column that starts empty is written as text, its most likely type.
        is_empty = self._pyarrow.types.is_null(array.type)
        return array.cast(self._pyarrow.string()) if is_empty else array

    def close(self) -> None:
        """Write the schema."""
        if self._writer is not None:
            self._writer.close()
