"""Finds columns of X that are the target itself, or that determine it alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import gammaln

from textcnn.crossfit.targets import Target

# A chance pattern of a column without information is this rare.
_LARGEST_CHANCE = 1e-6
# A column with fewer rows per value has values of its own, as an id has.
_ROWS_PER_VALUE = 5
_FEWEST_ROWS = 10
_FIRST_ROWS = 1000


def check_columns(columns: Iterable[tuple[str, Any]], target: Target, *, stacklevel: int = 4):
    """Refuse columns that equal y; warn of columns that determine it alone.

    Such columns are y under another name, or are known only after it, and every score would be
    close to perfect.

    Parameters
    ----------
    columns : iterable of (str, column)
        Name and cells of each column of X: a list, an array, or a column of pandas, polars or
        pyarrow.
    target : Target
    stacklevel : int
        Of the warning.

    Raises
    ------
    ValueError
        If a column has the value of y in every row with a target. Numbers, booleans and their
        texts are compared by value: ``"1"``, ``1``, ``1.0`` and ``True`` are equal.

    Warns
    -----
    UserWarning
        If a column determines y in a way that chance does not make: each value has one class (or
        number) with at least five rows per value, or classes or numbers follow the order of its
        numbers. Texts of several words count only if they are y under other names.
    """
    rows = np.flatnonzero(target.labelled)
    if len(rows) < _FEWEST_ROWS:
        return
    outputs = target.values.reshape(len(target.values), -1)[rows]
    first = slice(0, _FIRST_ROWS)
    for name, cells in columns:
        some = _Column.read(cells, rows[first])
        if some is None or not any(_may_determine(some, values[first]) for values in outputs.T):
            continue
        column = _Column.read(cells, rows)
        found = {_relation(column, values, target) for values in outputs.T} - {""}
        if "equal" in found:
            raise ValueError(
                f"Column {name!r} of X is the target: it equals y in all {len(rows)} rows. "
                "Features made from it would be y itself. Expected: X without its target. "
                f"Type X.drop(columns={name!r})."
            )
        if found:
            warnings.warn(
                f"Column {name!r} of X determines y alone: {min(found)}. Expected: columns that "
                "are known before y. If it is y under another name, or known only after y, type "
                f"X.drop(columns={name!r}).",
                UserWarning,
                stacklevel=stacklevel,
            )


class _Column:
    """The cells of a column in some rows: their codes, distinct values and numbers."""

    def __init__(self, codes, distinct, numbers):
        self.codes = codes  # int, -1 for a missing cell
        self.distinct = distinct
        self.numbers = numbers  # float64 per row, or None
        self.n_values = len(distinct) + bool((codes < 0).any())

    @classmethod
    def read(cls, cells, rows) -> _Column | None:
        """Read the cells of some rows; None if they are not single values."""
        import pandas as pd

        from textcnn.utils.frames import is_column, python_cells

        if is_column(cells):
            cells = python_cells(cells)
        if not isinstance(cells, pd.Series):
            dtype = None if hasattr(cells, "dtype") else object
            cells = pd.Series(cells, dtype=dtype, copy=False)
        cells = cells.iloc[rows] if len(rows) < len(cells) else cells
        if pd.api.types.is_complex_dtype(cells.dtype):
            return None
        is_number = pd.api.types.is_numeric_dtype(cells.dtype)
        try:
            codes, distinct = pd.factorize(cells)
        except TypeError:  # lists, dicts
            return None
        distinct = np.asarray(distinct, dtype=object)
        numbers = None
        if is_number:
            numbers = cells.to_numpy(np.float64, na_value=np.nan)
        elif len(distinct) and _may_be_numbers(distinct):
            by_value = pd.to_numeric(pd.Series(distinct), errors="coerce").to_numpy(np.float64)
            numbers = np.append(by_value, np.nan)[codes]
        return cls(codes, distinct, numbers)

    @property
    def is_text(self) -> bool:
        """Whether cells have several words."""
        return any(isinstance(value, str) and " " in value.strip() for value in self.distinct)


def _may_be_numbers(values) -> bool:
    """Return whether the first values are numbers or look like them."""
    return all(_number(value) is not None for value in list(values)[:10])


def _relation(column: _Column, values: np.ndarray, target: Target) -> str:
    """Return ``"equal"``, how a column determines one output of y, or ``""``."""
    if target.is_regression:
        return _relation_to_numbers(column, values)
    present, classes = np.unique(values, return_inverse=True)
    names = [0, 1] if target.kind == "multilabel" else target.classes
    return _relation_to_classes(column, classes, [names[code] for code in present])


def _may_determine(column: _Column, values: np.ndarray) -> bool:
    """Return whether each value has one y, or the numbers may be sorted by class, in few rows."""
    codes = column.codes + 1
    of_value = np.full(len(column.distinct) + 1, np.nan)
    of_value[codes] = values
    return column.numbers is not None or bool((of_value[codes] == values).all())


def _relation_to_numbers(column: _Column, values: np.ndarray) -> str:
    numbers = column.numbers
    if numbers is not None and np.isfinite(numbers).all():
        if np.allclose(numbers, values, rtol=1e-6, atol=0):
            return "equal"
        _, first, places = np.unique(numbers, return_index=True, return_inverse=True)
        steps = np.diff(values[first])
        is_monotonic = (steps >= 0).all() or (steps <= 0).all()
        if is_monotonic and (values[first][places] == values).all():
            if np.count_nonzero(steps) >= _FEWEST_ROWS:
                return "y rises or falls with its numbers, without exception"
    if not _has_few_values(column, len(values)) or len(np.unique(values)) < 2:
        return ""
    n_pairs = np.unique(np.stack([column.codes, values]), axis=1).shape[1]
    return f"each of its {n_pairs} values has one value of y" if n_pairs == column.n_values else ""


def _relation_to_classes(column: _Column, classes: np.ndarray, names: list) -> str:
    n_classes, n_values = len(names), column.n_values
    if n_classes < 2:
        return ""
    counts = np.bincount(classes)
    log_orders = gammaln(len(classes) + 1) - gammaln(counts + 1).sum()  # of classes over rows
    pairs = np.unique((column.codes + 1) * n_classes + classes)
    determines = len(pairs) == n_values
    if determines and n_values == n_classes and (column.codes >= 0).all():
        of_value = dict(
            zip((pairs // n_classes - 1).tolist(), (pairs % n_classes).tolist(), strict=True)
        )
        if all(_is_same(column.distinct[v], names[c]) for v, c in of_value.items()):
            return "equal"
    is_telling = n_values == n_classes if column.is_text else _has_few_values(column, len(classes))
    chance = n_values * np.log(n_classes) - log_orders
    if determines and is_telling and chance < np.log(_LARGEST_CHANCE):
        return f"each of its {n_values} values has one class"
    chance = gammaln(n_classes + 1) - log_orders
    if column.numbers is not None and chance < np.log(_LARGEST_CHANCE):
        if _is_sorted_by(column.numbers, classes, n_classes):
            return "its numbers are in separate ranges for each class"
    return ""


def _is_sorted_by(numbers: np.ndarray, classes: np.ndarray, n_classes: int) -> bool:
    """Return whether each class has a range of numbers of its own."""
    if not np.isfinite(numbers).all():
        return False
    order = np.argsort(numbers, kind="stable")
    changes = np.flatnonzero(np.diff(classes[order]))
    ordered = numbers[order]
    return len(changes) == n_classes - 1 and bool((ordered[changes] < ordered[changes + 1]).all())


def _has_few_values(column: _Column, n_rows: int) -> bool:
    return column.n_values * _ROWS_PER_VALUE <= n_rows


def _is_same(cell, name) -> bool:
    """Return whether a cell and a class are equal, as values or as texts."""
    if str(cell) == str(name):
        return True
    first, second = _number(cell), _number(name)
    return first is not None and first == second


def _number(value) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
