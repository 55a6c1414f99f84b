"""Read and check groups, time and weights, with one value per row."""

from __future__ import annotations

import numbers

import numpy as np
import pandas as pd

from textcnn.crossfit.messages import listed, name_rows
from textcnn.utils.frames import is_column, python_cells


def read_groups(groups, n_rows: int) -> np.ndarray | None:
    """Return group codes of shape (n_rows,), int64, in the sorted order of the groups."""
    if groups is None:
        return None
    series = _series(groups, "groups", n_rows)
    missing = np.flatnonzero(series.isna())
    if len(missing):
        raise ValueError(
            f"groups has no value in {name_rows(missing)}. Every row needs a group: drop those "
            "rows, or give each its own group."
        )
    codes, found = pd.factorize(series, sort=True)
    if len(found) < 2:
        raise ValueError(
            f"groups has one group only. Received: {listed(found[:1])} on all {n_rows} rows. "
            "Expected at least two groups, or groups=None."
        )
    return codes.astype(np.int64)


def read_time(time, n_rows: int) -> np.ndarray | None:
    """Return ranks of shape (n_rows,), int64; equal times have equal ranks."""
    if time is None:
        return None
    series = _series(time, "time", n_rows)
    if series.dtype == object or pd.api.types.is_string_dtype(series.dtype):
        series = _dates(series)
    is_ordered = pd.api.types.is_datetime64_any_dtype(series.dtype) or (
        pd.api.types.is_numeric_dtype(series.dtype)
        and not pd.api.types.is_bool_dtype(series.dtype)
        and not pd.api.types.is_complex_dtype(series.dtype)
    )
    if not (is_ordered or pd.api.types.is_timedelta64_dtype(series.dtype)):
        raise ValueError(
            "time must be numbers or dates. "
            f"Received: time of dtype {series.dtype}. Convert it with pandas.to_datetime(time)."
        )
    missing = np.flatnonzero(series.isna())
    if len(missing):
        raise ValueError(
            f"time has no value in {name_rows(missing)}. Every row needs one: drop or fill those "
            "rows."
        )
    return series.rank(method="dense").to_numpy(dtype=np.int64) - 1


def read_sample_weight(sample_weight, n_rows: int) -> np.ndarray | None:
    """Return weights of shape (n_rows,), float64, finite, not negative, not all zero."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_rows, sample_weight)
    series = _series(sample_weight, "sample_weight", n_rows)
    try:
        weights = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"sample_weight must be numbers. Received: dtype {series.dtype}, {series.iloc[0]!r} in "
            "the first row."
        ) from error
    unusable = np.flatnonzero(~np.isfinite(weights))
    if len(unusable):
        raise ValueError(
            "sample_weight must be finite numbers. Received: "
            f"{listed(weights[unusable].tolist(), 3)} in {name_rows(unusable)}. Use 0 for a row "
            "that must not be used for training."
        )
    negative = np.flatnonzero(weights < 0)
    if len(negative):
        raise ValueError(
            "sample_weight must not be negative. Received: "
            f"{listed(weights[negative].tolist(), 3)} in {name_rows(negative)}. Use 0 for a row "
            "that must not be used for training."
        )
    if not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number. "
            f"Received: sample_weight of zero on all {n_rows} rows."
        )
    return weights


def _series(values, name: str, n_rows: int) -> pd.Series:
    """Return one-dimensional values of the right length, without their index."""
    if is_column(values):
        values = python_cells(values)
    if not hasattr(values, "__len__") and hasattr(values, "__array__"):
        values = np.asarray(values)
    shape = getattr(values, "shape", None)
    if isinstance(values, str) or not (hasattr(values, "__len__") or shape):
        raise ValueError(
            f"{name} must be an array with one value per row, or None. Received: {name}={values!r}."
        )
    if shape is not None and len(shape) != 1:
        raise ValueError(
            f"{name} must be a 1D array with one value per row: shape ({n_rows},). "
            f"Received: shape {tuple(shape)}."
        )
    if len(values) != n_rows:
        raise ValueError(
            f"{name} must have one value per row: {n_rows}. Received: {len(values)} values."
        )
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    return pd.Series(values if hasattr(values, "dtype") else list(values))


def _dates(series: pd.Series) -> pd.Series:
    """Convert objects to dates; strings are refused, because they do not sort by time."""
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    if inferred in ("datetime", "datetime64", "date"):
        return pd.to_datetime(series)
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal"):
        return series.astype(np.float64)
    first = series.dropna().iloc[0] if series.notna().any() else None
    raise ValueError(
        "time must be numbers or dates; strings do not sort by time. "
        f"Received: {first!r} ({inferred}). Convert it with pandas.to_datetime(time)."
    )
