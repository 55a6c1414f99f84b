"""Read text columns: a list of str per column and a mask of missing cells, from any container.

Containers are converted column by column and never indexed cell by cell, which is slow for pandas'
Arrow strings.
"""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Number, Real

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, validate_data

from textcnn.text.cells import composed, number_text
from textcnn.text.joining import Remembering
from textcnn.utils.frames import frame_columns, is_column, is_foreign, library_of, python_cells

__all__ = ["TextColumn", "read_columns"]

# What the cells of a column are before they are read as text.
TEXT, EMPTY, NUMBERS, DATES, BOOLEANS = "text", "no cells", "numbers", "dates", "booleans"
_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


@dataclass(frozen=True, eq=False)
class TextColumn(Remembering):
    """One column of text.

    Attributes
    ----------
    name : str or None
        Name of the column, or None.
    cells : list of str
        One text per row; a missing cell is ``""``.
    missing : ndarray of bool, shape (n_rows,)
        True for missing cells (None, NaN, NaT, ``pd.NA``), False for empty texts.
    kind : {"text", "no cells", "numbers", "dates", "booleans"}
        What the cells were: ``"text"`` if any was a str (or of a type that is none of these), and
        ``"no cells"`` if all were missing.
    """

    name: str | None
    cells: list[str]
    missing: np.ndarray
    memo: dict | None = field(default=None, repr=False)
    kind: str = TEXT

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.cells)

    def take(self, rows: np.ndarray) -> TextColumn:
        """Return some rows as a column."""
        return TextColumn(self.name, [self.cells[row] for row in rows], self.missing[rows])

    def label(self, number: int) -> str:
        """Return the name for features and messages."""
        return self.name if self.name is not None else f"x{number}"

    def named_cells(self, number: int) -> list[tuple[str, list[str]]]:
        """Return name and cells, in a list as joined columns do."""
        return [(self.label(number), self.cells)]


def takes_texts(tags):
    """Return an estimator's tags: cells may be strings or missing."""
    tags.input_tags.string = True
    tags.input_tags.allow_nan = True
    return tags


def read_columns(
    estimator: object, X: object, *, reset: bool, as_written: bool = False
) -> list[TextColumn]:
    """Validate the input of an estimator and return its columns as text.

    Parameters
    ----------
    estimator : estimator instance
        Its ``n_features_in_`` and, if all column names are str, ``feature_names_in_`` are set
        (``reset=True``) or compared with those of `X` (``reset=False``).
    X : list, tuple, array, series or frame
        One column: a list or tuple of cells, a 1-D NumPy array of text or objects, a Series or
        Index or extension array of pandas, a polars Series, a pyarrow array. Several columns: a
        2-D NumPy array, a list of rows, a DataFrame of pandas or polars, a pyarrow Table. A named
        Series is a column with that name. Columns may have any dtype.
    reset : bool
        True in ``fit``, False in every method after it.
    as_written : bool, default=False
        Whether texts keep their Unicode form, which names of files need. By default accented
        letters become single characters (NFC), so that texts that look alike are alike.

    Returns
    -------
    list of TextColumn, length n_features
        In the order of `X`.

    Raises
    ------
    ValueError
        No rows or columns, 1-D numbers, infinite numbers in an array, two columns with the same
        name, other columns than in ``fit``; with scikit-learn's messages if possible.
    TypeError
        A single str, a sparse matrix, an unsupported container, or a cell that is bytes or a list;
        the message names column and row, counted from 0.

    Notes
    -----
    Other cells are converted by `str`: booleans, dates, decimals, numbers. Whole numbers are
    written alike in every type: 3 and 3.0 become ``"3"``. Masked cells of a masked array are
    missing. After an error in ``fit``, the attributes of `estimator` are unchanged.

    Memory is one list of references per column, plus the strings if the container has no Python
    strings (Arrow). A column of str takes less than a microsecond per cell.

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
    # Only text arrays and shapes are checked, which is cheap, for scikit-learn's messages.
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
    read = [_read_column(label, i, columns[i], as_written) for i, label in enumerate(labels)]
    # Last, so that an unreadable cell leaves the estimator unchanged.
    if reset:
        validate_data(estimator, header, reset=True, skip_check_array=True)
    return read


def _take_apart(X: object) -> tuple[list[Hashable] | None, Sequence, object]:
    """Return the column names, the columns, and an array that scikit-learn checks instead of X."""
    if isinstance(X, str | bytes):
        raise TypeError(
            f"X is a single text. Received: X={_shorten(X)} of type {type(X).__name__}. Expected "
            "a list, array, Series or DataFrame with one text per row. Type [text] instead of text."
        )
    if (frame := frame_columns(X)) is not None:
        return *frame, _shape_only((len(X), len(frame[1])))
    if isinstance(X, pd.MultiIndex):
        raise _unknown_container(X, "X.to_frame()")
    if isinstance(X, pd.Series | pd.Index):
        return _one_name(X.name), [X], _shape_only((len(X), 1))
    if isinstance(X, pd.api.extensions.ExtensionArray):
        return None, [pd.Series(X)], _shape_only((len(X), 1))
    if is_column(X):
        return _one_name(getattr(X, "name", None)), [X], _shape_only((len(X), 1))
    if is_foreign(X):
        conversion = "X.collect()" if library_of(X) == "polars" else "X.to_pylist()"
        raise _unknown_container(X, conversion)
    if isinstance(X, list | tuple):
        return _take_list_apart(X)
    if issparse(X):
        # scikit-learn's check refuses it.
        return None, [], X
    if isinstance(X, np.ndarray) or hasattr(X, "__array__"):
        return _take_array_apart(X)
    raise _unknown_container(X, "list(X)")


def _take_list_apart(X: list | tuple) -> tuple[None, Sequence, object]:
    """Read a list of cells as one column, or a list of rows as a table."""
    if len(X) and set(map(type, X)) == {dict}:
        raise TypeError(
            "X is a list of dicts, one per row. Expected: a list of texts, or a table. Received: "
            f"X[0] with the keys {_shorten(list(X[0]))}. Type pd.DataFrame(X) instead of X."
        )
    # Check the set of types first, which is fast: most lists contain only str.
    can_be_rows = any(issubclass(kind, list | tuple | np.ndarray) for kind in set(map(type, X)))
    if not can_be_rows or not any(map(_is_row, X)):
        return None, [list(X)], _shape_only((len(X), 1))
    width = len(X[0]) if _is_row(X[0]) else None
    for i, row in enumerate(X):
        if width is None or not _is_row(row) or len(row) != width:
            raise ValueError(
                f"The rows of X have different lengths. Received: X[0]={_shorten(X[0])} and "
                f"X[{i}]={_shorten(row)}. Expected a list of texts (one column), or a list of "
                "rows with one cell per column. To make one text from a list of words type "
                "' '.join(words)."
            )
    table = np.empty((len(X), width), dtype=object)
    for j in range(width):
        # Cell by cell: assigning a whole column would unpack cells that are sequences.
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
        # np.asarray, which scikit-learn uses, would restore the masked values.
        masked = np.ma.getmaskarray(array)
        array = array.data.astype(object)
        array[masked] = None
    if array.ndim == 1 and array.dtype.kind in "biuf" and len(array):
        raise ValueError(
            "Expected 2D array, got 1D array instead: X is an array of numbers, not of texts. "
            f"Received: X of shape {array.shape}, dtype {array.dtype}. Type X.astype(str) to read "
            "numbers as texts. Reshape your data if X is one row: X.reshape(1, -1)."
        )
    if array.dtype.kind == "T":
        # scikit-learn cannot check NumPy's own string dtype.
        array = array.astype(object)
    if array.ndim == 1 and array.dtype.kind in "OUS":
        return None, [array], _shape_only((len(array), 1))
    return None, list(array.T) if array.ndim == 2 else [], array


def _read_column(
    label: Hashable | None, position: int, column: object, as_written: bool
) -> TextColumn:
    """Convert one column of any container to text."""
    name = str(label) if isinstance(label, str) else None
    shown = f"column {position}" if label is None else f"column {label!r}"
    if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
        return _read_categorical(name, shown, pd.Series(column).array, as_written)
    cells, missing, kind = _read_cells(shown, _python_cells(column))
    return TextColumn(name, cells if as_written else composed(cells), missing, kind=kind)


def _read_categorical(
    name: str | None, shown: str, column: pd.Categorical, as_written: bool
) -> TextColumn:
    """Convert each category once."""
    categories, _, kind = _read_cells(shown, _python_cells(column.categories), unit="category")
    # One more entry, because the code of a missing cell is -1.
    table = np.array([*(categories if as_written else composed(categories)), ""], dtype=object)
    missing = np.asarray(column.codes) == -1
    return TextColumn(name, table[column.codes].tolist(), missing, kind=kind)


def _python_cells(column: object) -> list:
    """Convert the cells to Python objects, with the container's conversion of whole columns."""
    if isinstance(column, list):
        return column
    if isinstance(column, np.ndarray):
        return _array_cells(column)
    if is_foreign(column):
        dtype = str(column.dtype if library_of(column) == "polars" else column.type)
        is_short = dtype in {"Float32", "float", "halffloat"}
        return _array_cells(np.asarray(column)) if is_short else python_cells(column)
    dtype = column.dtype
    if not isinstance(dtype, np.dtype) and pd.api.types.is_float_dtype(dtype):
        numpy_dtype = getattr(dtype, "numpy_dtype", np.dtype(np.float64))
        return _array_cells(column.to_numpy(dtype=numpy_dtype, na_value=np.nan))
    if isinstance(dtype, np.dtype) and dtype.kind not in "mM":
        return _array_cells(column.to_numpy())
    # Converts dates to Timestamps and Arrow strings to str.
    return column.to_numpy(dtype=object).tolist()


def _array_cells(array: np.ndarray) -> list:
    # float32 as Python floats would print spurious digits: 0.1 as 0.10000000149011612. Dates as
    # Python objects would lose their unit.
    keeps_type = array.dtype.kind == "f" and array.dtype.itemsize != 8
    return list(array) if keeps_type or array.dtype.kind in "mM" else array.tolist()


def _read_cells(shown: str, cells: list, unit: str = "row") -> tuple[list[str], np.ndarray, str]:
    """Convert cells to str, mark the missing ones, and return the kind of the cells."""
    missing = np.zeros(len(cells), dtype=bool)
    types = set(map(type, cells))
    if types <= {str}:
        return cells, missing, TEXT if types else EMPTY
    if types <= {int, bool}:
        return list(map(str, cells)), missing, _kind_of(types)
    texts = list(cells)
    types = {str} if str in types else set()
    for i, cell in enumerate(texts):
        if type(cell) is str:
            continue
        if is_missing(cell):
            texts[i] = ""
            missing[i] = True
        else:
            types.add(type(cell))
            texts[i] = _cell_text(cell, shown, f"{unit} {i}")
    return texts, missing, _kind_of(types)


def _kind_of(types: set[type]) -> str:
    """Return the kind of the cells of a column, by the types of those that are not missing."""
    if not types:
        return EMPTY
    if all(issubclass(kind, bool | np.bool_) for kind in types):
        return BOOLEANS
    if all(issubclass(kind, _DATES) for kind in types):
        return DATES
    # NumPy's durations are numbers to Python.
    if all(issubclass(kind, Number | Decimal | np.bool_) for kind in types):
        return NUMBERS
    return TEXT


def is_missing(cell: object) -> bool:
    """Return whether a cell is a missing value; lists and arrays are not."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if type(cell) is float:
        return cell != cell
    if isinstance(cell, Real | np.datetime64 | np.timedelta64):
        return bool(cell != cell)
    # Rare types, such as Decimal("NaN").
    return pd.api.types.is_scalar(cell) and bool(pd.isna(cell))


def _cell_text(cell: object, shown: str, place: str) -> str:
    if isinstance(cell, bytes | bytearray | memoryview):
        raise TypeError(
            f"A cell contains bytes, not text. Received: {_shorten(cell)} in {shown}, {place}. "
            "Expected str. Decode it first, for example by cell.decode('utf-8')."
        )
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray | pd.Series):
        raise TypeError(
            f"A cell contains a collection, not text. Received: {_shorten(cell)} of type "
            f"{type(cell).__name__} in {shown}, {place}. Expected str. Make one text from it, for "
            "example by ' '.join(cell)."
        )
    is_number = isinstance(cell, Real) and not isinstance(cell, np.timedelta64)
    return number_text(cell) if is_number else str(cell)


def _header(names: list[Hashable] | None, n_columns: int) -> object:
    """Build an empty table with the names, for scikit-learn."""
    if names is None:
        return np.empty((0, n_columns))
    return pd.DataFrame(columns=pd.Index(names, dtype=object, tupleize_cols=False))


def _shape_only(shape: tuple[int, int]) -> np.ndarray:
    """Build an array of this shape that needs one byte of memory."""
    return np.broadcast_to(np.zeros((), dtype=bool), shape)


def _one_name(name: Hashable) -> list[Hashable] | None:
    # In polars the name of a Series without name is "".
    return [name] if isinstance(name, str) and name else None


def _unknown_container(X: object, conversion: str) -> TypeError:
    return TypeError(
        f"Unsupported type of X. Received: X of type {type(X).__module__}."
        f"{type(X).__qualname__}. Expected a list, NumPy array, Series or DataFrame of pandas or "
        f"polars, or a pyarrow array or table. Type {conversion} instead of X."
    )


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
