"""Read tables in chunks of cells as they are written; errors name row and column."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence

from textcnn.command_line.csv_rows import Lines, distinct_names, header_of, rows_of
from textcnn.command_line.files import Part, TableFormat, as_text, import_pyarrow, opened, parts_of
from textcnn.command_line.messages import BadInputError, check_column, one_line

ROWS_AT_A_TIME = 4096
_BYTES_AT_A_TIME = 32 * 2**20
LARGEST_CELL = 256 * 2**20
# Invalid UTF-8 bytes are decoded to surrogates, so that errors can name row and column.
_NO_TEXT = re.compile("[\ud800-\udfff]")

Chunk = dict[str, list]


@contextlib.contextmanager
def read_chunks(
    path: str,
    columns: Sequence[str],
    table_format: TableFormat = TableFormat(),  # noqa: B008 - it is frozen
    *,
    others: bool = False,
    without: Collection[str] = (),
) -> Iterator[Chunks]:
    """Yield an iterator over chunks of a table: lists of cells by column.

    Its attribute ``part`` is the part that the last chunk is from.

    Parameters
    ----------
    path : str
        A file or a folder of parts; ``"-"`` is standard input.
    columns : sequence of str
        Columns that the table must have.
    table_format : TableFormat
    others : bool, default=False
        Whether to read the other columns too, except those of ``without``, which must exist.
    without : collection of str

    Raises
    ------
    BadInputError
    """
    table = _Table(path, list(dict.fromkeys(columns)), table_format, others, frozenset(without))
    with contextlib.closing(Chunks(table)) as chunks:  # closed before the file
        yield chunks


def read_whole(path: str, columns: Sequence[str], table_format: TableFormat, **which) -> Chunk:
    """Return all rows of a table, as :func:`read_chunks` does."""
    return read_parts(path, columns, table_format, **which)[0]


def read_parts(
    path: str, columns: Sequence[str], table_format: TableFormat, **which
) -> tuple[Chunk, list[tuple[Part, int]]]:
    """Return all rows of a table, and the number of rows of each part."""
    cells: Chunk = {}
    n_rows = 0
    sizes: list[tuple[Part, int]] = []
    with read_chunks(path, columns, table_format, **which) as chunks:
        for chunk in chunks:
            for name, column in chunk.items():
                cells.setdefault(name, [None] * n_rows).extend(column)
            n_before, n_rows = n_rows, max(map(len, cells.values()), default=0)
            if sizes and sizes[-1][0] is chunks.part:
                n_before -= sizes.pop()[1]
            sizes.append((chunks.part, n_rows - n_before))
            for column in cells.values():  # a key that this chunk lacks
                column.extend([None] * (n_rows - len(column)))
    if not n_rows:
        raise BadInputError(f"{path!r} has no rows")
    return cells, sizes


class Chunks:
    """An iterator over the chunks of a table, which knows the part that it reads."""

    def __init__(self, table: _Table):
        self._table, self._chunks = table, table.chunks()

    def __iter__(self) -> Chunks:
        """Return itself."""
        return self

    def __next__(self) -> Chunk:
        """Return the next chunk."""
        return next(self._chunks)

    @property
    def part(self) -> Part:
        """The part of the last chunk."""
        return self._table.part

    def close(self) -> None:
        """Close the file that is read."""
        self._chunks.close()


class _Table:
    """A table that is read part by part."""

    part: Part

    def __init__(self, path, columns, table_format: TableFormat, others: bool, without):
        self._parts = parts_of(path)
        self._format = table_format
        self._columns, self._others, self._without = columns, others, without
        self._keys: dict[str, None] = {}  # those of all JSON objects

    def chunks(self) -> Iterator[Chunk]:
        """Yield the cells of all parts."""
        for part in self._parts:
            self.part = part
            constants = {k: v for k, v in part.constants.items() if self._takes(k)}
            for chunk in self._chunks_of(part):
                n_rows = len(next(iter(chunk.values()), ()))
                yield chunk | {name: [cell] * n_rows for name, cell in constants.items()}
        if self._keys:
            for column in self._required(self._parts[0]):
                check_column(list(self._keys), column)

    def _takes(self, column: str) -> bool:
        return column in self._columns or self._others and column not in self._without

    def _required(self, part: Part) -> list[str]:
        """Return the columns that the file of a part must have."""
        named = [*self._columns, *self._without]
        return [name for name in named if name not in part.constants]

    def _chosen(self, names: Sequence[str], part: Part) -> list[str]:
        """Return the columns to read of a part that has columns of these names."""
        for column in self._required(part):
            check_column(names, column)
        return [name for name in names if self._takes(name)]

    def _chunks_of(self, part: Part) -> Iterator[Chunk]:
        """Read a file; the errors of the system get its name."""
        path = part.path
        kind = self._format.kind(path)
        try:
            with contextlib.ExitStack() as files:
                file = opened(path, files)
                if file.peek(4)[:4] == b"PAR1":
                    kind = "parquet"
                if kind == "parquet":
                    yield from self._read_parquet(file, part)
                    return
                text = as_text(file, self._format.encoding)
                files.callback(text.detach)
                read = self._read_csv if kind == "csv" else self._read_json_lines
                yield from read(text, part)
        except UnicodeDecodeError as error:
            raise BadInputError(
                f"{path!r} is not valid {error.encoding}: {one_line(error)}. Name the right one by "
                "--encoding"
            ) from error
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            reason = f"{type(error).__name__}: {one_line(error)}"
            raise BadInputError(f"cannot read {path!r}: {reason}") from error

    def _read_csv(self, text: io.TextIOWrapper, part: Part) -> Iterator[Chunk]:
        path, lines = part.path, Lines(text)
        csv.field_size_limit(LARGEST_CELL)
        number = 0
        try:
            sep, header = header_of(lines, self._format, path, self._required(part))
            names = distinct_names(header)
            places = [(name, names.index(name)) for name in self._chosen(names, part)]
            if repeated := next((n for n in self._columns if header.count(n) > 1), None):
                raise BadInputError(f"{path!r} has two columns named {repeated!r}")
            cells: list[list[str]] = [[] for _ in places]
            size = 0
            for number, row in enumerate(rows_of(lines, sep, self._format, len(header), path), 1):
                if len(row) != len(header) and (len(row) < len(header) or any(row[len(header) :])):
                    raise BadInputError(
                        f"row {number} of {path!r} (line {lines.number}) has {len(row)} cells; "
                        f"expected {len(header)}, as in the first line"
                    )
                for column, (name, place) in zip(cells, places, strict=True):
                    cell = row[place]
                    _check_text(cell, name, number, path)
                    column.append(cell)
                    size += len(cell)
                if number % ROWS_AT_A_TIME == 0 or size > _BYTES_AT_A_TIME:
                    yield {name: column for (name, _), column in zip(places, cells, strict=True)}
                    cells, size = [[] for _ in places], 0
            if any(cells):
                yield {name: column for (name, _), column in zip(places, cells, strict=True)}
        except csv.Error as error:
            raise BadInputError(
                f"row {number + 1} of {path!r} (line {lines.number}) cannot be read: {error}. If "
                "quotes are a part of the text, type --quoting none"
            ) from error

    def _read_json_lines(self, text: io.TextIOWrapper, part: Part) -> Iterator[Chunk]:
        path, number, size, rows = part.path, 0, 0, []
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
            self._keys |= dict.fromkeys(row)
            row = {name: cell for name, cell in row.items() if self._takes(name)}
            for name, cell in row.items():
                if isinstance(cell, str):
                    _check_text(cell, name, number, path)
                elif isinstance(cell, dict | list):
                    raise BadInputError(
                        f"row {number}, column {name!r} of {path!r} is a "
                        f"{type(cell).__name__}; expected text, a number or null"
                    )
            rows.append(row)
            size += len(line)
            if len(rows) >= ROWS_AT_A_TIME or size > _BYTES_AT_A_TIME:
                yield self._columns_of(rows, part)
                rows, size = [], 0
        if rows:
            yield self._columns_of(rows, part)

    def _columns_of(self, rows: list[dict], part: Part) -> Chunk:
        """Turn rows into columns; a key that a row lacks is None."""
        required = (name for name in self._columns if name not in part.constants)
        names = dict.fromkeys([*required, *(name for row in rows for name in row)])
        return {name: [row.get(name) for row in rows] for name in names}

    def _read_parquet(self, file, part: Part) -> Iterator[Chunk]:
        path, pyarrow = part.path, import_pyarrow("Parquet files")
        if not file.seekable():
            file = io.BytesIO(file.read())  # the schema is at the end
        try:
            table = pyarrow.parquet.ParquetFile(file)
            chosen = self._chosen(table.schema_arrow.names, part)
            n_rows = 0
            for batch in table.iter_batches(ROWS_AT_A_TIME, columns=chosen):
                yield {name: _cells(batch, name, n_rows, path) for name in chosen}
                n_rows += len(batch)
        except pyarrow.ArrowException as error:
            raise BadInputError(f"cannot read {path!r}: {one_line(error)}") from error


def _check_text(cell: str, column: str, row: int, path: str) -> None:
    """Refuse invalid UTF-8."""
    if not cell.isascii() and _NO_TEXT.search(cell):
        raise BadInputError(
            f"row {row}, column {column!r} of {path!r} is not valid UTF-8; name its encoding, for "
            "example --encoding cp1252"
        )


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
