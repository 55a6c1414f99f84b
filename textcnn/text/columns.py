"""Columns: every accepted container becomes one list of str per column and a mask of missing cells.

Containers are taken apart column by column and never indexed cell by cell: pandas' Arrow strings
would make a Python object through several layers at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, validate_data

__all__ = ["TextColumn", "read_columns"]


@dataclass(frozen=True, eq=False)
class TextColumn:
    """One column of text.

    Attributes
    ----------
    name : str or None
        Name of the column; None where the input has none.
    cells : list of str
        One text per row; a missing cell is ``""``.
    missing : ndarray of bool, shape (n_rows,)
        True where the cell was missing (None, NaN, NaT, ``pd.NA``), False where it was empty text.
    """

    name: str | None
    cells: list[str]
    missing: np.ndarray
    # What is made of the cells for several members of a table is made once and kept here.
    memo: dict | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.cells)

    def once(self, key: Hashable, make: Callable[[], Any]):
        """Return what ``make()`` returns; a column with a memo makes it once per key."""
        return once(self.memo, key, make)

    def label(self, number: int) -> str:
        """Return the name as features and messages show it."""
        return self.name if self.name is not None else f"x{number}"


def takes_texts(tags):
    """Return an estimator's tags; they say that cells may be strings or missing."""
    tags.input_tags.string = True
    tags.input_tags.allow_nan = True
    return tags


def once(memo: dict | None, key: Hashable, make: Callable[[], Any]):
    """Return what ``make()`` returns, made once per key where there is a memo."""
    if memo is None:
        return make()
    if key not in memo:
        memo[key] = make()
    return memo[key]


def read_columns(estimator: object, X: object, *, reset: bool) -> list[TextColumn]:
    """Validate the input of an estimator and return its columns as text.

    Parameters
    ----------
    estimator : estimator instance
        Its ``n_features_in_`` and, where all column names are str, ``feature_names_in_`` are set
        (``reset=True``) or compared with those of `X` (``reset=False``).
    X : list, tuple, array, series or frame
        One column: a list or tuple of cells, a 1-D NumPy array of text or objects, a Series or
        Index or extension array of pandas, a polars Series, a pyarrow array. Several columns: a
        2-D NumPy array, a list of rows, a DataFrame of pandas or polars, a pyarrow Table. A named
        Series is the column of that name. Columns are of any dtype.
    reset : bool
        True in ``fit``, False in every method after it.

    Returns
    -------
    list of TextColumn, length n_features
        In the order of `X`.

    Raises
    ------
    ValueError
        No rows or columns, 1-D numbers, infinite numbers in an array, two columns of one name,
        other columns than in ``fit``: with scikit-learn's own words where it has some.
    TypeError
        A single str, a sparse matrix, an unknown container, or a cell that is bytes or a list;
        the message names column and row, counted from 0.

    Notes
    -----
    A cell that is no text becomes text by `str`: numbers (3 becomes ``"3"``, 3.0 becomes
    ``"3.0"``, so a column of integers that holds a NaN should be nullable ``Int64``), booleans,
    dates, decimals, dicts. Masked cells of a masked array are missing. When an error is raised in
    ``fit``, the attributes of `estimator` are as before.

    Memory is one list of references per column, plus the strings where the container keeps none
    of its own (Arrow). A column of str takes less than a microsecond per cell.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.base import BaseEstimator
    >>> estimator = BaseEstimator()
    >>> [column] = read_columns(estimator, pd.Series(["good", None], name="review"), reset=True)
    >>> column.name, column.cells, column.missing.tolist()
    ('review', ['good', ''], [False, True])
    >>> estimator.feature_names_in_
    array(['review'], dtype=object)
    """
    names, columns, stand_in = _take_apart(X)
    # Only text arrays and shapes reach it, so this costs nothing; the words are scikit-learn's.
    check_array(
        stand_in, dtype=None, ensure_all_finite="allow-nan", input_name="X", estimator=estimator
    )
    if len(set(names or ())) < len(names or ()):
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"Several columns of X are named {repeated!r}. Received: columns={names}. Expected "
            "distinct names. Rename them, or keep the first of each by "
            "X.loc[:, ~X.columns.duplicated()]."
        )
    header = _header(names, len(columns))
    if not reset:
        validate_data(estimator, header, reset=False, skip_check_array=True)
    labels = names or [None] * len(columns)
    read = [_read_column(label, i, columns[i]) for i, label in enumerate(labels)]
    # Last, so that input with an unreadable cell leaves the estimator as it was.
    if reset:
        validate_data(estimator, header, reset=True, skip_check_array=True)
    return read


def _take_apart(X: object) -> tuple[list[Hashable] | None, Sequence, object]:
    """Return the column names, the columns, and what scikit-learn shall check in place of X."""
    if isinstance(X, str | bytes):
        raise TypeError(
            f"X is a single text. Received: X={_shorten(X)} of type {type(X).__name__}. Expected "
            "a list, array, series or frame with one text per row. Type [text] in place of text."
        )
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, i] for i in range(X.shape[1])]
        return list(X.columns), columns, _shape_only(X.shape)
    if isinstance(X, pd.MultiIndex):
        raise _unknown_container(X, "X.to_frame()")
    if isinstance(X, pd.Series | pd.Index):
        return _one_name(X.name), [X], _shape_only((len(X), 1))
    if isinstance(X, pd.api.extensions.ExtensionArray):
        return None, [pd.Series(X)], _shape_only((len(X), 1))
    # polars and pyarrow are known by module name, so that neither has to be installed.
    library = type(X).__module__.partition(".")[0]
    if library == "polars":
        if hasattr(X, "get_columns"):
            return list(X.columns), X.get_columns(), _shape_only(X.shape)
        if hasattr(X, "to_list"):
            return _one_name(X.name), [X], _shape_only((len(X), 1))
        raise _unknown_container(X, "X.collect()")
    if library == "pyarrow":
        if hasattr(X, "column_names"):
            shape = (X.num_rows, X.num_columns)
            return list(X.column_names), X.columns, _shape_only(shape)
        if hasattr(X, "to_pylist"):
            return None, [X], _shape_only((len(X), 1))
        raise _unknown_container(X, "X.to_pylist()")
    if isinstance(X, list | tuple):
        return _take_list_apart(X)
    if issparse(X):
        # scikit-learn's check refuses it before any column is read.
        return None, [], X
    if isinstance(X, np.ndarray) or hasattr(X, "__array__"):
        return _take_array_apart(X)
    raise _unknown_container(X, "list(X)")


def _take_list_apart(X: list | tuple) -> tuple[None, Sequence, object]:
    """Read a list of cells as one column, a list of rows as a table."""
    # By the set of types first: most lists hold text only, and there are few types.
    can_be_rows = any(issubclass(kind, list | tuple | np.ndarray) for kind in set(map(type, X)))
    if not can_be_rows or not any(map(_is_row, X)):
        return None, [list(X)], _shape_only((len(X), 1))
    width = len(X[0]) if _is_row(X[0]) else None
    for i, row in enumerate(X):
        if width is None or not _is_row(row) or len(row) != width:
            raise ValueError(
                f"The rows of X are not of one length. Received: X[0]={_shorten(X[0])} and "
                f"X[{i}]={_shorten(row)}. Expected a list of texts (one column), or a list of "
                "rows with one cell per column each. To make one text of a list of words type "
                "' '.join(words)."
            )
    table = np.empty((len(X), width), dtype=object)
    for j in range(width):
        # By slots: an assignment of the whole column would spread cells that are sequences.
        for i, row in enumerate(X):
            table[i, j] = row[j]
    return None, list(table.T), table


def _is_row(value: object) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _take_array_apart(X: object) -> tuple[None, Sequence, object]:
    array = X if isinstance(X, np.ndarray) else np.asarray(X)
    if isinstance(array, np.matrix):
        return None, [], array
    if isinstance(array, np.ma.MaskedArray) and (array.ndim == 2 or array.dtype.kind in "OUS"):
        # np.asarray, as scikit-learn uses it, would bring the masked values back.
        masked = np.ma.getmaskarray(array)
        array = array.data.astype(object)
        array[masked] = None
    if array.dtype.kind == "T":
        # scikit-learn cannot check NumPy's own string dtype.
        array = array.astype(object)
    if array.ndim == 1 and array.dtype.kind in "OUS":
        return None, [array], _shape_only((len(array), 1))
    return None, list(array.T) if array.ndim == 2 else [], array


def _read_column(label: Hashable | None, position: int, column: object) -> TextColumn:
    """Turn one column of any container into text."""
    name = str(label) if isinstance(label, str) else None
    shown = f"column {position}" if label is None else f"column {label!r}"
    if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
        return _read_categorical(name, shown, pd.Series(column).array)
    cells, missing = _read_cells(shown, _python_cells(column))
    return TextColumn(name, cells, missing)


def _read_categorical(name: str | None, shown: str, column: pd.Categorical) -> TextColumn:
    """Convert each category once."""
    categories, _ = _read_cells(shown, _python_cells(column.categories), unit="category")
    # One more slot: the code of a missing cell is -1.
    table = np.array([*categories, ""], dtype=object)
    return TextColumn(name, table[column.codes].tolist(), np.asarray(column.codes) == -1)


def _python_cells(column: object) -> list:
    """List the cells as Python objects, by the container's own conversion of a whole column."""
    if isinstance(column, list):
        return column
    if isinstance(column, np.ndarray):
        return _array_cells(column)
    library = type(column).__module__.partition(".")[0]
    if library == "polars":
        is_short = str(column.dtype) == "Float32"
        return _array_cells(column.to_numpy()) if is_short else column.to_list()
    if library == "pyarrow":
        is_short = str(column.type) in {"float", "halffloat"}
        return _array_cells(np.asarray(column)) if is_short else column.to_pylist()
    dtype = column.dtype
    if not isinstance(dtype, np.dtype) and pd.api.types.is_float_dtype(dtype):
        numpy_dtype = getattr(dtype, "numpy_dtype", np.dtype(np.float64))
        return _array_cells(column.to_numpy(dtype=numpy_dtype, na_value=np.nan))
    if isinstance(dtype, np.dtype) and dtype.kind not in "mM":
        return _array_cells(column.to_numpy())
    # Dates become Timestamps this way, Arrow strings str.
    return column.to_numpy(dtype=object).tolist()


def _array_cells(array: np.ndarray) -> list:
    # As Python floats the short floats show digits they never had: 0.1 as 0.10000000149011612.
    # Dates as Python objects lose their unit.
    keeps_type = array.dtype.kind == "f" and array.dtype.itemsize != 8
    return list(array) if keeps_type or array.dtype.kind in "mM" else array.tolist()


def _read_cells(shown: str, cells: list, unit: str = "row") -> tuple[list[str], np.ndarray]:
    """Turn cells into str and mark the missing ones."""
    missing = np.zeros(len(cells), dtype=bool)
    kinds = set(map(type, cells))
    if kinds <= {str}:
        return cells, missing
    if kinds <= {int, bool}:
        return list(map(str, cells)), missing
    texts = list(cells)
    for i, cell in enumerate(texts):
        if type(cell) is str:
            continue
        if is_missing(cell):
            texts[i] = ""
            missing[i] = True
        else:
            texts[i] = _cell_text(cell, shown, f"{unit} {i}")
    return texts, missing


def is_missing(cell: object) -> bool:
    """Tell whether a cell holds nothing; a list or an array holds something."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if type(cell) is float:
        return cell != cell
    if isinstance(cell, Real | np.datetime64 | np.timedelta64):
        return bool(cell != cell)
    # What is left are rare kinds, such as Decimal("NaN").
    return pd.api.types.is_scalar(cell) and bool(pd.isna(cell))


def _cell_text(cell: object, shown: str, place: str) -> str:
    if isinstance(cell, bytes | bytearray | memoryview):
        raise TypeError(
            f"A cell holds bytes, not text. Received: {_shorten(cell)} in {shown}, {place}. "
            "Expected str. Decode it first, for example by cell.decode('utf-8')."
        )
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray | pd.Series):
        raise TypeError(
            f"A cell holds a collection, not text. Received: {_shorten(cell)} of type "
            f"{type(cell).__name__} in {shown}, {place}. Expected str. Make one text of it, for "
            "example by ' '.join(cell)."
        )
    return str(cell)


def _header(names: list[Hashable] | None, n_columns: int) -> object:
    """Build an empty table that shows scikit-learn the names and their number."""
    if names is None:
        return np.empty((0, n_columns))
    return pd.DataFrame(columns=pd.Index(names, dtype=object, tupleize_cols=False))


def _shape_only(shape: tuple[int, int]) -> np.ndarray:
    """Build an array of this shape that occupies one byte."""
    return np.broadcast_to(np.zeros((), dtype=bool), shape)


def _one_name(name: Hashable) -> list[Hashable] | None:
    # polars calls a nameless series "".
    return [name] if isinstance(name, str) and name else None


def _unknown_container(X: object, way_out: str) -> TypeError:
    return TypeError(
        f"X is no container of texts known here. Received: X of type {type(X).__module__}."
        f"{type(X).__qualname__}. Expected a list, NumPy array, series or frame of pandas or "
        f"polars, or a pyarrow array or table. Type {way_out} in place of X."
    )


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
