"""Several text columns as one: each row's cells one after another, for one network to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from textcnn.text.columns import TextColumn, once
from textcnn.text.tokens import make_tokenizer

# A control character that separates units, which is no word of any text.
SEPARATOR = "\x1f"


@dataclass(frozen=True, eq=False)
class JoinedColumns:
    """Text columns that stand where one :class:`TextColumn` would."""

    columns: Sequence[TextColumn]
    memo: dict | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    @cached_property
    def cells(self) -> list[tuple[str, ...]]:
        """One tuple of texts per row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    def once(self, key, make):
        """Return what ``make()`` returns, as :meth:`TextColumn.once` does."""
        return once(self.memo, key, make)

    def label(self, number: int) -> str:
        """Return all names as messages and the receipt show them; ``number`` has no say."""
        return ", ".join(column.label(place) for place, column in enumerate(self.columns))


@dataclass(frozen=True)
class JoinedTokenizer:
    """Splits each cell of a row by itself, so that no word reaches over the end of a cell.

    Attributes
    ----------
    tokenizer : {"word", "char"} or callable
        What splits one cell.
    max_length : int or None
        Tokens of each cell after this many are left out.
    """

    tokenizer: str | Callable
    max_length: int | None

    def __call__(self, cells: tuple[str, ...]) -> list[str]:
        """Return all tokens with a separator between cells; none where all cells are empty.

        An empty cell keeps its separator, so that a text's column can be told from what precedes.
        """
        split = make_tokenizer(self.tokenizer)
        parts = [split(cell)[: self.max_length] for cell in cells]
        if not any(parts):
            return []
        tokens = parts[0]
        for part in parts[1:]:
            tokens = [*tokens, SEPARATOR, *part]
        return tokens
