"""Find the separator and the rows of CSV and TSV, where quotes may be a part of the text."""

from __future__ import annotations

import contextlib
import csv
import itertools
import re
import warnings
from collections.abc import Callable, Iterator

from textcnn.command_line.files import TableFormat
from textcnn.command_line.messages import BadInputError

_SEPARATORS = ",;\t|"
# Lines after which an open quote is taken for a part of the text, if each line alone is a row.
_MOST_QUOTED_LINES = 1000
_EXCEL_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n')


class Lines:
    """Lines of a text, which remembers those of the row that is being read."""

    def __init__(self, text):
        self._text = text
        self.number = 0
        self.of_row: list[str] = []
        self.is_row: Callable[[str], bool] | None = None

    def __iter__(self):
        """Return itself, as `csv.reader` asks."""
        return self

    def __next__(self) -> str:
        """Return the next line."""
        line = next(self._text)
        self.number += 1
        self.of_row.append(line)
        if len(self.of_row) % _MOST_QUOTED_LINES == 0 and self.are_rows():
            raise csv.Error("a quote is not closed")
        return line

    def are_rows(self) -> bool:
        """Return whether each line that was read for one row is a row by itself."""
        return self.is_row is not None and all(map(self.is_row, self.of_row))

    def again(self, used: list[str]) -> Iterator[str]:
        """Return the lines of the row again, and new ones; those that are used go into a list."""
        for line in itertools.chain(list(self.of_row), self):
            used.append(line)
            yield line

    def put_back(self, used: list[str]) -> None:
        """Let lines that were read after the used ones be read as the next row."""
        left = self.of_row[len(used) :]
        self.number -= len(left)
        self._text = itertools.chain(left, self._text)


def header_of(
    lines: Lines, table_format: TableFormat, path: str, required
) -> tuple[str, list[str]]:
    """Return the separator and the column names.

    Without --sep the separator is the first that gives the header line the required columns.
    """
    first = next(lines, "")
    while first and not first.strip("\r\n"):
        first = next(lines, "")
    usual = table_format.separator(path)
    candidates = table_format.sep or "".join(dict.fromkeys(usual + _SEPARATORS))
    if excel := _EXCEL_SEPARATOR.fullmatch(first):
        candidates, first = table_format.sep or excel[1], next(lines, "")
    if not first:
        raise BadInputError(f"{path!r} is empty; expected a header line with column names")
    lines.of_row = [first]
    found: list[tuple[str, list[str], list[str]]] = []
    refusal: Exception | None = None
    for sep in candidates:
        used: list[str] = []
        try:
            header = next(_reader(lines.again(used), sep, table_format))
        except csv.Error as error:
            refusal = refusal or error
            continue
        found.append((sep, header, used))
        if set(required) <= set(distinct_names(header)):
            break
    else:
        # The error about a column names those of the most likely separator.
        found.sort(key=lambda way: len(way[1]))
    if not found:
        raise refusal
    sep, header, used = found[-1]
    lines.put_back(used)
    return sep, header


def _reader(lines, sep: str, table_format: TableFormat):
    quoting = csv.QUOTE_NONE if table_format.quoting == "none" else csv.QUOTE_MINIMAL
    return csv.reader(lines, delimiter=sep, quoting=quoting, strict=True)


def distinct_names(header: list[str]) -> list[str]:
    """Return distinct column names: empty and repeated ones are called as in pandas."""
    names: list[str] = []
    for place, name in enumerate(header):
        name = name or f"Unnamed: {place}"
        number, distinct = 0, name
        while distinct in names:
            number += 1
            distinct = f"{name}.{number}"
        names.append(distinct)
    return names


def rows_of(lines: Lines, sep: str, table_format: TableFormat, width: int, path: str) -> Iterator:
    """Yield the rows of a CSV file after its header; empty lines are left out.

    A quote at the start of a cell may be a part of the text, in a file without quoting. Where all
    lines between two quotes are rows by themselves, those of a TSV file are read as rows; those of
    other files, and of a single column, as one cell with a warning.
    """
    is_tsv, has_warned = sep == "\t", False
    if table_format.quoting == "auto" and (width > 1 or is_tsv):
        lines.is_row = lambda line: line.count(sep) == width - 1 or not line.strip("\r\n")
    reader, is_split = _reader(lines, sep, table_format), is_tsv and width > 1
    while True:
        lines.of_row.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if not (is_split and lines.are_rows()):
                raise
            row = None
        if row is not None and not (len(lines.of_row) > 1 and lines.are_rows()):
            if row:
                yield row
            continue
        if is_split:
            texts = [line for line in lines.of_row if line.strip("\r\n")]
            yield from (_unquoted(line, sep, width) for line in texts)
            continue
        if not has_warned:
            has_warned = True
            begin = lines.number - len(lines.of_row) + 1
            warnings.warn(
                f"lines {begin} to {lines.number} of {path!r} are one row, because they are "
                "between quotes, but each would be a row by itself. If quotes are a part of the "
                "text, type --quoting none; if not, --quoting minimal",
                UserWarning,
                stacklevel=2,
            )
        yield row


def _unquoted(line: str, sep: str, width: int) -> list[str]:
    """Read a line as a row; its quotes are a part of the text, unless they enclose a cell."""
    with contextlib.suppress(csv.Error):
        [row] = csv.reader([line], delimiter=sep, strict=True)
        if len(row) == width:
            return row
    return line.rstrip("\r\n").split(sep)
