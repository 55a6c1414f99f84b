"""Errors that the user can mend, and what a terminal is shown."""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Sequence

_SECONDS_BETWEEN = 0.2


class BadInputError(Exception):
    """Input that the user can mend; its message is one line."""


def one_line(error: BaseException) -> str:
    """Return an error's message without line breaks."""
    return " ".join(str(error).split())


def check_column(columns: Sequence[str], column: str) -> None:
    """Refuse a column that a table lacks, naming the nearest."""
    if column in columns:
        return
    names = [str(name) for name in columns]
    close = difflib.get_close_matches(column, names, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"It has: {', '.join(names)}."
    raise BadInputError(f"the table has no column {column!r}. {hint}")


class RowCounter:
    """Tells a terminal how many rows are done; says nothing to a pipe or file."""

    def __init__(self, what: str):
        self._what = what
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._shown = 0.0
        self._started = time.monotonic()

    def show(self, n_rows: int) -> None:
        """Write the number over the one before, a few times a second."""
        now = time.monotonic()
        if self._shows and now - self._shown >= _SECONDS_BETWEEN:
            self._shown = now
            speed = n_rows / max(now - self._started, 1e-9)
            sys.stderr.write(f"\r{self._what}: {n_rows:,} rows, {speed:,.0f} a second ")
            sys.stderr.flush()

    def end(self, n_rows: int) -> None:
        """Write the last number and a line break."""
        self._shown = 0.0
        self.show(n_rows)
        if self._shows:
            sys.stderr.write("\n")
