"""Write tables in parts to files and standard output; a file is complete or not written."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import math
import sys
from collections.abc import Iterator

import numpy as np

from textcnn.command_line.messages import BadInputError, one_line
from textcnn.command_line.reading import format_of, import_parquet


@contextlib.contextmanager
def table_writer(path: str, *, format: str | None = None) -> Iterator:
    """Yield a writer for parts of a table: an object with ``write(columns)``.

    Parameters
    ----------
    path : str
        ``"-"`` is standard output.
    format : {"csv", "jsonl", "parquet"}, optional
        By the file's name if None.

    Raises
    ------
    BadInputError
        If the file cannot be written.
    """
    from textcnn.persistence.atomic import atomic_write

    writers = {"csv": _CsvWriter, "jsonl": _JsonLinesWriter, "parquet": _ParquetWriter}
    kind = format_of(path, format)
    if kind == "parquet" and path.lower().endswith(".gz"):
        raise BadInputError(f"Parquet files are already compressed; write {path[:-3]!r}")
    writer = writers[kind]
    if path == "-":
        with contextlib.closing(writer(sys.stdout.buffer, path)) as open_writer:
            yield open_writer
        sys.stdout.buffer.flush()
        return
    try:
        with contextlib.ExitStack() as files:
            file = files.enter_context(atomic_write(path))
            if path.lower().endswith(".gz"):
                file = files.enter_context(gzip.GzipFile(fileobj=file, mode="wb", filename=""))
            yield files.enter_context(contextlib.closing(writer(file, path)))
    except (OSError, UnicodeEncodeError) as error:
        raise BadInputError(f"cannot write {path!r}: {one_line(error)}") from error


class _CsvWriter:
    def __init__(self, file, path: str):
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        delimiter = "\t" if ".tsv" in path.lower() else ","
        self._rows = csv.writer(self._text, delimiter=delimiter, lineterminator="\n")
        self._names: list[str] | None = None

    def write(self, columns: dict) -> None:
        """Write rows, after a header line at the start."""
        if self._names is None:
            self._names = list(columns)
            self._rows.writerow(self._names)
        self._rows.writerows(zip(*map(_shown, columns.values()), strict=True))

    def close(self) -> None:
        """Flush and leave the file open."""
        self._text.flush()
        self._text.detach()


def _shown(column) -> list:
    """Return cells as written in CSV: shortest digits, empty for NaN."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return ["" if math.isnan(cell) else str(cell) for cell in column]
    return ["" if cell is None else cell for cell in column]


class _JsonLinesWriter:
    def __init__(self, file, path: str):
        self._file = file

    def write(self, columns: dict) -> None:
        """Write one object per row."""
        cells = [
            [None if math.isnan(cell) else float(str(cell)) for cell in column]
            if isinstance(column, np.ndarray) and column.dtype.kind == "f"
            else [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in column]
            for column in columns.values()
        ]
        lines = [
            json.dumps(dict(zip(columns, row, strict=True)), default=str, allow_nan=False) + "\n"
            for row in zip(*cells, strict=True)
        ]
        self._file.write("".join(lines).encode("utf-8"))

    def close(self) -> None:
        """Leave the file open."""


class _ParquetWriter:
    def __init__(self, file, path: str):
        self._pyarrow, self._parquet = import_parquet()
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
            self._writer = self._parquet.ParquetWriter(self._file, table.schema)
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
