"""Choose and read the text and image columns of a table: by kind, by name, or by a selector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from textcnn.table.frames import Table
from textcnn.table.kinds import ColumnKind, names_files
from textcnn.text.columns import TextColumn, read_columns
from textcnn.text.joining import JoinedColumns

JOINED = "joined"


@dataclass(frozen=True, eq=False)
class JoinedTexts(JoinedColumns):
    """All text columns of a table, for a member that joins them."""

    name: str = JOINED  # what messages call it

    @property
    def has_text(self) -> bool:
        """Whether any cell is not empty."""
        return any(any(column.cells) for column in self.columns)

    @property
    def n_characters(self) -> int:
        """Number of characters in all cells."""
        return sum(sum(map(len, column.cells)) for column in self.columns)


def text_columns(columns, table: Table, kinds: Sequence[ColumnKind] | None) -> list[int]:
    """Return the numbers of the text columns, ascending.

    Parameters
    ----------
    columns : "auto", "all", str, list of str or int, or selector
        ``"auto"``: the columns that :func:`~textcnn.table.kinds.kind_of` takes for text.
    table : Table
    kinds : sequence of ColumnKind or None
        What each column holds; needed for ``"auto"``.

    Raises
    ------
    ValueError
        If a name or number is not a column of the table, or is repeated.
    TypeError
        If ``columns`` has another type.
    """
    if isinstance(columns, str) and columns == "auto":
        return [number for number, kind in enumerate(kinds) if kind.kind == "text"]
    if isinstance(columns, str) and columns == "all":
        return list(range(len(table.names)))
    if isinstance(columns, str):
        columns = [columns]
    elif hasattr(columns, "expand"):  # a selector of skrub
        columns = _numbers_of(columns.expand(_as_frame(table)), table)
    elif callable(columns):  # sklearn.compose.make_column_selector, or the user's function
        columns = _numbers_of(columns(_as_frame(table)), table)
    if isinstance(columns, np.ndarray | pd.Index):
        columns = columns.tolist()
    if not isinstance(columns, list | tuple):
        raise TypeError(
            'columns must be "auto", "all", a name, a list of names or numbers, or a selector '
            "(of skrub, or make_column_selector of scikit-learn). "
            f"Received: columns={columns!r} of type {type(columns).__name__}."
        )
    numbers = [_number(name, table) for name in columns]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"columns names a column twice. Received: columns={list(columns)!r}.")
    return sorted(numbers)


def columns_of_members(
    columns, table: Table, kinds, *, reads_text: bool, reads_images: bool
) -> tuple[list, list]:
    """Return the numbers of all columns that members encode, and of those with image files."""
    numbers = text_columns(columns, table, kinds)
    if not reads_images:
        return numbers, []
    images = [number for number, kind in enumerate(kinds) if kind.kind == "image"]
    if isinstance(columns, str) and columns == "auto":
        numbers = sorted({*numbers, *images})
    if not reads_text:
        numbers = [number for number in numbers if number in images]
    return numbers, images


def read_text(table: Table, number: int) -> TextColumn:
    """Return a column of a table as text; cells of other types are converted by ``str``."""
    column = table.column(number)
    if table.container == "numpy" and column.dtype.kind not in "OUS":
        column = column.astype(object)
    try:
        is_files = names_files(column)
        [text] = read_columns(BaseEstimator(), column, reset=True, as_written=is_files)
    except Exception as error:
        error.add_note(f"while reading column {table.names[number]!r}")
        raise
    return TextColumn(table.names[number], text.cells, text.missing, kind=text.kind)


def _as_frame(table: Table):
    """Return a DataFrame for selectors, which do not support arrays."""
    if table.container != "numpy":
        return table.data
    return pd.DataFrame(table.data, columns=table.names).infer_objects()


def _numbers_of(labels, table: Table) -> list:
    """Return the numbers of the columns that a selector returns by label."""
    places = {label: number for number, label in enumerate(_as_frame(table).columns)}
    return [places.get(label, label) for label in labels]


def _number(name, table: Table) -> int:
    """Return the number of a column given by name or number."""
    if isinstance(name, str) and name in table.names:
        return table.names.index(name)
    if isinstance(name, int | np.integer) and not isinstance(name, bool):
        if 0 <= name < len(table.names):
            return int(name)
    shown = table.names if len(table.names) <= 20 else [*table.names[:20], "…"]
    raise ValueError(
        "columns contains a value that is not a column of X. Expected some of "
        f"{shown}, or their numbers. Received: {name!r}."
    )
