"""Hashes of the rows of any table: equal rows have equal hashes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.util import hash_array
from scipy.sparse import csr_array, issparse

from textcnn.utils.frames import frame_columns, is_foreign

# With an odd constant, equal texts in two columns do not cancel out.
_COLUMN_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def hash_texts(texts: list[str]) -> np.ndarray:
    """Return a 64-bit hash per text, 0 for an empty one."""
    cells = np.array(texts, dtype=object)
    try:
        hashes = hash_array(cells, categorize=False)
    except UnicodeEncodeError:  # a lone surrogate, which cannot be encoded as UTF-8
        escaped = [cell.encode("utf-8", "backslashreplace").decode() for cell in texts]
        hashes = hash_array(np.array(escaped, dtype=object), categorize=False)
    hashes[cells == ""] = 0
    return hashes


def combine_hashes(column_hashes: Sequence[np.ndarray]) -> np.ndarray:
    """Return a hash per row from those of its cells, uint64; 0 where all are empty."""
    hashes = np.zeros(len(column_hashes[0]), np.uint64)
    for column in column_hashes:
        hashes = hashes * _COLUMN_FACTOR + column
    return hashes


def hash_table(X) -> np.ndarray:
    """Return a 64-bit hash per row of any table, uint64; 0 where all cells are missing or empty.

    Equal numbers have equal hashes in every numeric dtype. For text it is :func:`hash_rows`.

    Parameters
    ----------
    X : DataFrame, Series, array, sparse matrix, polars frame, pyarrow table or list
    """
    if issparse(X):
        return _hash_sparse(csr_array(X))
    columns = columns_of(X)
    hashes = np.zeros(len(columns[0]) if columns else len(X), np.uint64)
    for column in columns:
        hashes = hashes * _COLUMN_FACTOR + _hash_cells(column)
    return hashes


def columns_of(X) -> list[pd.Series]:
    """Return the columns of a table that is not sparse, as Series."""
    frame = frame_columns(X)
    if isinstance(X, pd.DataFrame):
        return frame[1]
    if is_foreign(X):
        columns = [X] if frame is None else frame[1]
        return [pd.Series(np.asarray(column), copy=False) for column in columns]
    if isinstance(X, pd.Series | pd.Index):
        return [pd.Series(X, copy=False)]
    table = np.array(X, dtype=object) if isinstance(X, list | tuple) else np.asarray(X)
    table = table.reshape(len(table), -1)
    # Objects are kept: pandas strings do not accept lone surrogates.
    dtype = object if table.dtype.kind in "OUT" else None
    return [
        pd.Series(table[:, number], dtype=dtype, copy=False) for number in range(table.shape[1])
    ]


def _hash_cells(column: pd.Series) -> np.ndarray:
    """Return a hash per cell: numbers as float64, everything else as text; 0 for missing."""
    missing = column.isna().to_numpy()
    if column.dtype == object and not any(isinstance(cell, str) for cell in column):
        column = column.infer_objects()  # a list of rows of numbers is a table of numbers
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column)
    if is_number:
        hashes = hash_array(column.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        cells = column.to_numpy(dtype=object)
        hashes = hash_texts([cell if isinstance(cell, str) else str(cell) for cell in cells])
    hashes[missing] = 0
    return hashes


def _hash_sparse(X: csr_array) -> np.ndarray:
    """Return a hash per row: the sum over its nonzero cells of hashes of column and value."""
    X.sum_duplicates()
    places = hash_array(X.indices.astype(np.int64))
    cells = hash_array(X.data.astype(np.float64)) * _COLUMN_FACTOR ^ places
    cells[X.data == 0] = 0
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(cells, dtype=np.uint64)])
    return sums[X.indptr[1:]] - sums[X.indptr[:-1]]


def group_hashes(hashes: np.ndarray) -> np.ndarray:
    """Return a group number per row, equal for equal hashes; each empty row is a group."""
    groups = np.unique(hashes, return_inverse=True)[1]
    empty = np.flatnonzero(hashes == 0)
    groups[empty] = groups.max(initial=0) + 1 + np.arange(len(empty))
    return groups
