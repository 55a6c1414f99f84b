"""Find out what each column of a table holds: text, category, number, boolean, date or nothing."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn import config_context

from textcnn.image.folders import SUFFIXES
from textcnn.table.frames import Table
from textcnn.table.unread import CODE, unread_cells
from textcnn.text.columns import is_missing
from textcnn.text.tokens import word_splitter
from textcnn.utils.frames import library_of, python_cells

# Columns of strings with more distinct values than this are text.
MOST_CATEGORIES = 40
# Below that, text has at least three words per cell and mostly distinct values.
_FEWEST_WORDS = 3.0
_SMALLEST_SHARE = 0.5
_MOST_CELLS = 1000
_LONGEST_DATE = 40  # characters of a date or number
_DIGIT = re.compile(r"\d")
_MISSING = re.compile(r"[\W_]*|[#<]*n/?an?>?|nan|null|none|nil", re.IGNORECASE)
# What pandas calls the cells of an object column → what they are here.
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
_DATES = ("date", "datetime", "datetime64")


@dataclass(frozen=True)
class ColumnKind:
    """What a column is taken for, and why.

    Attributes
    ----------
    name : str
        Name of the column.
    kind : str
        ``"text"``, ``"category"``, ``"number"``, ``"boolean"``, ``"date"``, ``"image"`` (paths of
        image files), ``"constant"``, ``"empty"`` or ``"unknown"`` (cells of other types).
    reason : str
    advice : str
        What to type to make it one of the other kinds: for ``"unknown"``, and where nearly all
        strings are dates or numbers.
    """

    name: str
    kind: str
    reason: str
    advice: str = ""


def kinds_of(table: Table) -> list[ColumnKind]:
    """Return what each column of a table holds."""
    return [kind_of(name, as_series(table, number)) for number, name in enumerate(table.names)]


def chosen_kinds(
    kinds: Sequence[ColumnKind], texts: Collection[int], images: Collection[int]
) -> list[ColumnKind]:
    """Return kinds as the user chose the text columns."""
    found = []
    for number, kind in enumerate(kinds):
        if number in images and number in texts:
            found.append(replace(kind, kind="image"))
        elif number in texts:
            found.append(ColumnKind(kind.name, "text", "chosen by columns="))
        elif kind.kind == "text":
            reason = f"{kind.reason}, but not chosen by columns="
            found.append(ColumnKind(kind.name, "category", reason))
        else:
            found.append(kind)
    return found


def kind_of(name: str, column: pd.Series) -> ColumnKind:
    """Return what a column holds.

    Numbers, booleans and dates are recognised by their dtype, and strings of numbers and of dates
    by pandas' and skrub's parsers. Other columns of strings are text if they have more than 40
    distinct values, or if more than half of their values are distinct and they have at least three
    words on average (in scripts without spaces each character is a word); otherwise they are
    categories. Categories that are no strings are categories, however many there are. Columns
    without a value are empty, columns of one value without missing cells are constant.

    Parameters
    ----------
    name : str
    column : pandas.Series
        As :func:`as_series` returns it.
    """
    dtype = column.dtype
    if pd.api.types.is_complex_dtype(dtype):
        return ColumnKind(name, "unknown", "cells are complex numbers", f"abs(X[{name!r}])")
    if column.isna().all():
        return ColumnKind(name, "empty", "all cells are missing")
    if isinstance(dtype, pd.CategoricalDtype):
        if not pd.api.types.is_string_dtype(dtype.categories.dtype):
            return _unless_constant(name, column, "category", "categorical dtype")
        return _kind_of_strings(name, column.astype(object))
    if pd.api.types.is_bool_dtype(dtype):
        return _unless_constant(name, column, "boolean", f"dtype {dtype}")
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return _unless_constant(name, column, "number", f"dtype {dtype}")
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _unless_constant(name, column, "date", f"dtype {dtype}")
    cells = pd.api.types.infer_dtype(column, skipna=True)
    if cells != "string":
        unknown = _unknown(name, column)
        if unknown is not None:
            return unknown
    if cells == "boolean":
        return _unless_constant(name, column, "boolean", "cells are booleans")
    if cells in _NUMBERS:
        return _unless_constant(name, column, "number", "cells are numbers")
    if cells in _DATES:
        return _unless_constant(name, column, "date", "cells are dates")
    return _kind_of_strings(name, column)


def as_series(table: Table, number: int) -> pd.Series:
    """Return a column as a pandas Series with one of NumPy's or pandas' own dtypes.

    Columns of polars and of Arrow types are converted, sparse ones become dense, periods dates, and
    object columns get the dtype of their cells if they have one.
    """
    return table.once(("series", number), lambda: _as_series(table, number))


def _as_series(table: Table, number: int) -> pd.Series:
    column = table.column(number)
    if table.container == "polars":
        column = _of_polars(column)
    elif table.container == "numpy":
        column = pd.Series(column)
    dtype = column.dtype
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow

        column = pyarrow.array(column.array).to_pandas()
    elif isinstance(dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    elif isinstance(dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if column.dtype == object:
        # pandas strings cannot hold lone surrogates; such a column stays an object column.
        with contextlib.suppress(UnicodeEncodeError):
            column = column.infer_objects()
    return column.reset_index(drop=True)


def names_files(column) -> bool:
    """Return whether a column has image file names.

    These are columns of strings or paths whose cells, except empty ones, all have the extension of
    an image, for example ``.jpg`` or ``.png``. Files need not exist.
    """
    if not may_hold_strings(column):
        return False
    is_filled = False
    for cell in column:  # of text the first filled cell decides
        if is_missing(cell) or cell == "":
            continue
        if not _is_image_file(cell):
            return False
        is_filled = True
    return is_filled


def may_hold_strings(column) -> bool:
    """Return whether the dtype can contain strings."""
    if library_of(column) == "polars":
        return str(column.dtype).startswith(("String", "Utf8", "Categorical", "Enum", "Object"))
    if isinstance(column, np.ndarray):
        return column.dtype.kind in "OUST"
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    elif isinstance(dtype, pd.ArrowDtype):
        return "string" in str(dtype)  # a dictionary of strings too
    return pd.api.types.is_string_dtype(dtype)  # objects, strings of pandas and of Arrow


def strings_of(column: pd.Series) -> pd.Series:
    """Return the cells of a column as str, categories too; missing cells stay missing."""
    column = column.astype(object)
    if pd.api.types.infer_dtype(column, skipna=True) == "string":
        return column
    return column.map(_as_string, na_action="ignore")


def known_strings(column: pd.Series) -> pd.Series:
    """Return the distinct strings of a column that do not mean missing, as ``"N/A"`` does.

    What means missing is skrub's list. The strings are converted to dates if all are.
    """
    from skrub import Cleaner

    distinct = pd.DataFrame({"column": column.dropna().unique()}, dtype=object)
    with config_context(transform_output="default"):
        cleaned = Cleaner().fit_transform(distinct)
    return cleaned["column"].dropna() if "column" in cleaned else pd.Series([], dtype=object)


def are_numbers(column: pd.Series) -> bool:
    """Return whether all strings of a column are numbers; ``"01"`` is a code."""
    if any(map(CODE.match, map(str, column))):
        return False
    try:
        pd.to_numeric(column)
    except (ValueError, TypeError):
        return False
    return True


def _kind_of_strings(name: str, column: pd.Series) -> ColumnKind:
    """Return what a column of strings holds."""
    if names_files(column):
        return ColumnKind(name, "image", "all cells are names of image files")
    strings = strings_of(column)
    strings = strings[strings.notna()]
    strings = strings[strings.str.strip() != ""]
    distinct = strings.unique()
    if len(distinct) == 0:
        return ColumnKind(name, "empty", "all cells are missing or empty")
    if len(distinct[0]) <= _LONGEST_DATE and _may_be_parsed(distinct):
        known = known_strings(strings)
        if known.empty:
            return ColumnKind(name, "empty", f"all cells mean missing, such as {distinct[0]!r}")
        if pd.api.types.is_datetime64_any_dtype(known.dtype):
            return _unless_constant(name, column, "date", "all strings are dates of one format")
        if are_numbers(known):
            return _unless_constant(name, column, "number", "all strings are numbers")
        kind = _kind_of_words(name, column, strings, distinct)
        nearly = unread_cells(name, strings, known)
        return (
            kind
            if nearly is None
            else replace(kind, reason=f"{nearly.reason}; {kind.reason}", advice=nearly.advice)
        )
    return _kind_of_words(name, column, strings, distinct)


def _kind_of_words(name: str, column: pd.Series, strings: pd.Series, distinct) -> ColumnKind:
    """Return whether strings that are no dates and no numbers are text or categories."""
    counted = f"{len(distinct):,} distinct string{'' if len(distinct) == 1 else 's'}"
    if len(distinct) > MOST_CATEGORIES:
        return ColumnKind(name, "text", f"{counted}, more than {MOST_CATEGORIES}")
    n_words = _words_per_cell(strings)
    if n_words >= _FEWEST_WORDS and len(distinct) > _SMALLEST_SHARE * len(strings):
        reason = f"{counted} in {len(strings)} cells, {n_words:.1f} words on average"
        return ColumnKind(name, "text", reason)
    return _unless_constant(name, column, "category", f"{counted}, at most {MOST_CATEGORIES}")


def _unless_constant(name: str, column: pd.Series, kind: str, reason: str) -> ColumnKind:
    """Return a kind, or that a column has one value and no missing cell."""
    if not column.isna().any() and column.nunique() <= 1:
        return ColumnKind(name, "constant", f"all cells are {_shown(column.iloc[0])}")
    return ColumnKind(name, kind, reason)


def _unknown(name: str, column: pd.Series) -> ColumnKind | None:
    """Return that cells hold several values or bytes, or None if there is no such cell."""
    for number, cell in enumerate(column):
        if isinstance(cell, bytes):
            advice = f'X[{name!r}].str.decode("utf-8")'
        elif isinstance(cell, dict):
            advice = f"X[{name!r}].map(str, na_action='ignore'), or pd.json_normalize(X[{name!r}])"
        elif not isinstance(cell, Hashable) or isinstance(cell, tuple | frozenset):
            joined = 'lambda cell: " ".join(map(str, cell))'
            advice = f"X[{name!r}].map({joined}, na_action='ignore')"
        else:
            continue
        reason = f"row {number}, counted from 0, is of type {type(cell).__name__}: {_shown(cell)}"
        return ColumnKind(name, "unknown", reason, advice)
    return None


def _as_string(cell) -> str:
    """Return a cell as str; whole numbers are the same as int and as float."""
    is_whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if is_whole else str(cell)


def _is_image_file(cell) -> bool:
    return isinstance(cell, str | os.PathLike) and str(cell).lower().endswith(SUFFIXES)


def means_missing(cell: str) -> bool:
    """Return whether a string means a missing value, such as ``"N/A"``."""
    return _MISSING.fullmatch(cell) is not None


def _may_be_parsed(distinct) -> bool:
    """Return whether strings may be dates or numbers, or may all mean missing: a quick look."""
    return any(map(_DIGIT.search, distinct)) or all(map(_MISSING.fullmatch, distinct))


def _words_per_cell(strings: pd.Series) -> float:
    """Return the mean number of words with a letter, in 1,000 evenly spaced cells."""
    sample = strings.iloc[:: -(-len(strings) // _MOST_CELLS)]
    split = word_splitter(sample)
    return float(
        np.mean([sum(any(map(str.isalpha, word)) for word in split(cell)) for cell in sample])
    )


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _of_polars(column) -> pd.Series:
    """Return a Series of polars as one of pandas, without pyarrow."""
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        return pd.Series(column.to_numpy())
    cells = python_cells(column)
    if str(column.dtype).startswith("Enum"):
        return pd.Series(pd.Categorical(cells, column.dtype.categories.to_list(), ordered=True))
    if str(column.dtype).startswith("Categorical"):
        return pd.Series(cells, dtype="category")
    return pd.Series(cells, dtype=None if cells else object)
