"""Checks of X and y together, before any training: their order, and y among the columns of X."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import pandas as pd

from textcnn.crossfit import Target
from textcnn.crossfit.target_columns import check_columns


def warn_of_another_order(X, **others) -> None:
    """Warn where y, or another argument per row, has the index labels of X in another order.

    Rows are paired by position, as everywhere in scikit-learn.

    Parameters
    ----------
    X : any container
        Only pandas has index labels.
    **others : y, groups, sample_weight, time
        Warned of are Series and DataFrames.
    """
    if not isinstance(X, pd.DataFrame | pd.Series):
        return
    for name, values in others.items():
        if not isinstance(values, pd.DataFrame | pd.Series) or len(values) != len(X):
            continue
        if values.index.equals(X.index) or not _has_the_same_labels(X.index, values.index):
            continue
        by_label = f"{name}.loc[X.index]"
        if not X.index.is_unique:
            by_label = f"one table with X and {name}, whose rows you shuffle together"
        warnings.warn(
            f"X and {name} have the same index labels in another order, and rows are paired by "
            f"position, not by label. Expected: {name} in the order of X. If row i of X belongs to "
            f"the row of {name} with the same label, type {by_label}; if it belongs to row i of "
            f"{name}, type {name}.to_numpy().",
            UserWarning,
            stacklevel=5,
        )


def check_for_target(columns: Sequence, target: Target) -> None:
    """Refuse columns that equal y and warn of those that determine it alone.

    Parameters
    ----------
    columns : sequence of column
        As an estimator reads them; columns of images have no ``named_cells``.
    target : Target
    """
    check_columns(_named_cells(columns), target, stacklevel=6)


def _named_cells(columns) -> Iterator:
    for number, column in enumerate(columns):
        if hasattr(column, "named_cells"):
            yield from column.named_cells(number)


def _has_the_same_labels(first: pd.Index, second: pd.Index) -> bool:
    try:
        return first.sort_values().equals(second.sort_values())
    except TypeError:  # labels of several types have no order
        return set(first) == set(second)
