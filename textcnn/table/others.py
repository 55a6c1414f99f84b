"""The columns of a table that are not text: encoded as numbers, unchanged, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.feature_names import safe_names
from textcnn.table.encoding import EncodedColumn, encode_column
from textcnn.table.frames import Table
from textcnn.table.kinds import ColumnKind, as_series

OTHERS = ("encode", "passthrough", "drop")
# Kinds of columns that an encoded table does not have.
_LEFT_OUT = ("empty", "constant", "image")


@dataclass
class OtherColumns:
    """How the columns beside the text come out; fitted on training rows.

    Attributes
    ----------
    unchanged : list of int
        Numbers of the columns whose cells are not touched.
    encoded : list of EncodedColumn
        The others, in their order.
    is_encoding : bool
        Whether the whole output has names that boosting libraries accept.
    """

    unchanged: list[int]
    encoded: list[EncodedColumn]
    is_encoding: bool

    @property
    def numbers(self) -> list[int]:
        """Numbers of all columns that are read, ascending."""
        return sorted([*self.unchanged, *(column.number for column in self.encoded)])

    def names(self, labels: Sequence[str]) -> list[str]:
        """Return the names of the output columns, given those of the table's columns."""
        if not self.is_encoding:
            return [labels[number] for number in self.unchanged]
        return safe_names([name for _, names in self._named(labels) for name in names])

    def n_outputs(self) -> dict[int, int]:
        """Return how many output columns each column has."""
        return {number: 1 for number in self.unchanged} | {
            column.number: len(column.names) for column in self.encoded
        }

    def beside(self, table: Table, features: np.ndarray, names: list[str]):
        """Return these columns of a table and the features behind them, in its container."""
        if not self.is_encoding:
            return table.with_features(self.unchanged, features, names)
        found: list = []
        by_number = {column.number: column for column in self.encoded}
        for number in self.numbers:
            if number in by_number:
                found += by_number[number].transform(as_series(table, number))
            else:
                found.append(table.column(number))
        own = self.names(table.names)
        return table.replaced_by(dict(zip(own, found, strict=True)), features, names)

    def _named(self, labels: Sequence[str]) -> list[tuple[int, list[str]]]:
        """Return each column's number with its output names, in the order of the output."""
        named = [(number, [labels[number]]) for number in self.unchanged]
        for column in self.encoded:
            endings = [name[len(column.name) :] for name in column.names]
            named.append((column.number, [f"{labels[column.number]}{end}" for end in endings]))
        return sorted(named)


def other_columns_of(
    table: Table,
    kinds: Sequence[ColumnKind],
    texts: Sequence[int],
    rest: Sequence[int],
    *,
    others: str,
    categories: str,
    keep_text: bool,
) -> OtherColumns:
    """Fit the encoding of the columns beside the text.

    Parameters
    ----------
    table : Table
    kinds : sequence of ColumnKind
        What each column is taken for.
    texts, rest : sequence of int
        Numbers of the columns that members read, and of all others.
    others : {"encode", "passthrough", "drop"}
    categories : {"ordinal", "category", "one-hot"}
    keep_text : bool

    Raises
    ------
    TypeError
        If a column to encode has cells that are no text, number, date or category.
    """
    unchanged = list(texts) if keep_text else []
    encoded: list[EncodedColumn] = []
    if others == "passthrough":
        unchanged = sorted([*unchanged, *rest])
    elif others == "encode":
        _check_known([kinds[number] for number in rest])
        encoded = [
            encode_column(kinds[number], number, as_series(table, number), categories)
            for number in rest
            if kinds[number].kind not in _LEFT_OUT
        ]
    return OtherColumns(unchanged, encoded, is_encoding=others == "encode")


def _check_known(kinds: Sequence[ColumnKind]) -> None:
    """Refuse columns that cannot be encoded."""
    for kind in kinds:
        if kind.kind == "unknown":
            raise TypeError(
                f"Column {kind.name!r} cannot be encoded: {kind.reason}. Expected text, numbers, "
                f"dates or categories. Type X[{kind.name!r}] = {kind.advice}, drop the column, or "
                'leave it as it is by TableFeatures(others="passthrough").'
            )
