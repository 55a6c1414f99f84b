"""Join several text columns: one network reads the cells of a row one after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from textcnn.text.tokens import make_tokenizer

# A control character that separates units, which is no word of any text.
SEPARATOR = "\x1f"


class Remembering:
    """What is made of cells for several members of a table is made once, where there is a memo."""

    memo: dict | None

    def once(self, key: Hashable, make: Callable[[], Any]):
        """Return what ``make()`` returns; with a memo it is made once per key."""
        if self.memo is None:
            return make()
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]


@dataclass(frozen=True, eq=False)
class JoinedColumns(Remembering):
    """Joined text columns, with the interface of one :class:`TextColumn`."""

    columns: Sequence  # of TextColumn
    memo: dict | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    def take(self, rows) -> JoinedColumns:
        """Return some rows as joined columns."""
        return JoinedColumns([column.take(rows) for column in self.columns])

    @cached_property
    def cells(self) -> list[tuple[str, ...]]:
        """One tuple of texts per row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    def named_cells(self, number: int) -> list[tuple[str, list[str]]]:
        """Return name and cells of each column; ``number`` is ignored."""
        return [(column.label(place), column.cells) for place, column in enumerate(self.columns)]

    def label(self, number: int) -> str:
        """Return all names for messages and the report; ``number`` is ignored."""
        return ", ".join(column.label(place) for place, column in enumerate(self.columns))


@dataclass(frozen=True)
class JoinedTokenizer:
    """Tokenizes each cell of a row separately, so that no word spans two cells.

    Attributes
    ----------
    tokenizer : {"word", "char"} or callable
        Tokenizer of one cell.
    max_length : int or None
        Number of tokens that are read of each cell.
    """

    tokenizer: str | Callable
    max_length: int | None

    def __call__(self, cells: tuple[str, ...]) -> list[str]:
        """Return all tokens with a separator between cells; none if all cells are empty.

        An empty cell keeps its separator, so that the column of a text can be recognised.
        """
        parts = [cell[: self.max_length] for cell in self._parts(cells)]
        if not any(parts):
            return []
        tokens = parts[0]
        for part in parts[1:]:
            tokens = [*tokens, SEPARATOR, *part]
        return tokens

    def cuts(self, cells: tuple[str, ...]) -> bool:
        """Return whether a cell of a row has more tokens than are read."""
        if self.max_length is None:
            return False
        # A token has a character at least.
        long = [cell for cell in cells if len(cell) > self.max_length]
        return any(len(part) > self.max_length for part in self._parts(long))

    def _parts(self, cells) -> list[list[str]]:
        split = make_tokenizer(self.tokenizer)
        return [split(cell) for cell in cells]
