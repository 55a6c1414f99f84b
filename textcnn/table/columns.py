"""Find the text and image columns of a table: by a rule, by name, or by a selector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from textcnn.image.folders import SUFFIXES
from textcnn.table.frames import Table
from textcnn.text.columns import TextColumn, is_missing, read_columns
from textcnn.text.joining import JoinedColumns
from textcnn.text.tokens import word_tokens

JOINED = "joined"
FEWEST_WORDS = 3.0
SMALLEST_SHARE = 0.05
_MOST_CELLS = 1000


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


def text_columns(columns, table: Table) -> list[int]:
    """Return the numbers of the text columns, ascending.

    Parameters
    ----------
    columns : "auto", "all", str, list of str or int, or selector
        ``"auto"``: columns of strings with at least 5 % distinct values and at least three words
        per cell on average, ignoring empty cells. A word contains a letter; in scripts without
        spaces each character is a word. Words are counted in 1,000 evenly spaced cells. Columns of
        image file names are not text.
    table : Table

    Raises
    ------
    ValueError
        If a name or number is not a column of the table, or is repeated.
    TypeError
        If ``columns`` has another type.
    """
    if isinstance(columns, str) and columns == "auto":
        columns = map(table.column, range(len(table.names)))
        # Paths are not text, and folder names may contain the class.
        return [n for n, cells in enumerate(columns) if _is_text(cells) and not _names_files(cells)]
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
    columns, table: Table, *, reads_text: bool, reads_images: bool
) -> tuple[list, list]:
    """Return the numbers of all columns that members encode, and of those with image files."""
    numbers = text_columns(columns, table)
    if not reads_images:
        return numbers, []
    images = image_columns(table)
    if isinstance(columns, str) and columns == "auto":
        numbers = sorted({*numbers, *images})
    if not reads_text:
        numbers = [number for number in numbers if number in images]
    return numbers, images


def image_columns(table: Table) -> list[int]:
    """Return the numbers of the columns of image file names, ascending.

    These are columns of strings whose cells, except empty ones, all have the extension of an
    image, for example ``.jpg`` or ``.png``. Files need not exist.
    """
    return [number for number in range(len(table.names)) if _names_files(table.column(number))]


def _names_files(column) -> bool:
    """Return whether a column has image file names, by the rule of :func:`image_columns`."""
    if not _may_hold_strings(column):
        return False
    cells = column.to_list() if hasattr(column, "to_list") else column.tolist()
    filled = [cell for cell in cells if not is_missing(cell) and cell != ""]
    return bool(filled) and all(
        isinstance(cell, str) and cell.lower().endswith(SUFFIXES) for cell in filled
    )


def read_text(table: Table, number: int) -> TextColumn:
    """Return a column of a table as text; cells of other types are converted by ``str``."""
    column = table.column(number)
    if table.container == "numpy" and column.dtype.kind not in "OUS":
        column = column.astype(object)
    try:
        is_files = _names_files(column)
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


def _is_text(column) -> bool:
    """Return whether a column is text, by the rule of :func:`text_columns`."""
    if not _may_hold_strings(column):
        return False
    cells = column.to_list() if hasattr(column, "to_list") else column.tolist()
    filled = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    # An object column of mostly other types is not text.
    others = sum(not isinstance(cell, str) and not is_missing(cell) for cell in cells)
    if not filled or others > len(filled):
        return False
    if len(set(filled)) < SMALLEST_SHARE * len(filled):
        return False
    sample = filled[:: -(-len(filled) // _MOST_CELLS)]
    n_words = [sum(any(map(str.isalpha, word)) for word in word_tokens(cell)) for cell in sample]
    return float(np.mean(n_words)) >= FEWEST_WORDS


def _may_hold_strings(column) -> bool:
    """Return whether the dtype can contain strings."""
    if type(column).__module__.partition(".")[0] == "polars":
        return str(column.dtype).startswith(("String", "Utf8", "Categorical", "Enum", "Object"))
    if isinstance(column, np.ndarray):
        return column.dtype.kind in "OUST"
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.categories
    return pd.api.types.is_string_dtype(column.dtype)  # objects, strings of pandas and of Arrow
