"""Encode the columns of a table that are not text: numbers, booleans, dates, categories."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context

from textcnn.table.kinds import (
    MOST_CATEGORIES,
    ColumnKind,
    are_numbers,
    known_strings,
    may_hold_strings,
    means_missing,
    strings_of,
)

# Booleans as pandas writes and reads them in CSV.
_WRITTEN_TRUTH = {"true": 1.0, "false": 0.0}
CATEGORIES = ("ordinal", "category", "one-hot")


@dataclass
class EncodedColumn:
    """How a column is encoded; fitted on training rows.

    Attributes
    ----------
    name : str
        Name of the column.
    number : int
        Its place in the table.
    kind : str
        ``"number"``, ``"boolean"``, ``"date"`` or ``"category"``.
    names : list of str
        Names of the output columns.
    form : str
        For categories: ``"ordinal"``, ``"category"`` or ``"one-hot"``.
    categories : list of str
        The categories seen in fit, sorted or in the order of an ordered categorical dtype.
    date_format : str or None
        Format of dates given as strings.
    time_zone : str or None
        Time zone of the dates seen in fit.
    dates : skrub.DatetimeEncoder or None
    """

    name: str
    number: int
    kind: str
    names: list[str]
    form: str = "ordinal"
    categories: list[str] = field(default_factory=list)
    date_format: str | None = None
    time_zone: str | None = None
    dates: Any = None

    def transform(self, column: pd.Series) -> list:
        """Return the output columns: arrays of numbers, or one ``pandas.Categorical``.

        Parameters
        ----------
        column : pandas.Series
            As :func:`~textcnn.table.kinds.as_series` returns it.
        """
        if self.kind == "number":
            numbers = _numbers(column)
            self._warn_of_unread(column, np.isnan(numbers), "numbers")
            return [numbers]
        if self.kind == "boolean":
            truth = _numbers(_truth(column)).astype(np.float32)
            self._warn_of_unread(column, np.isnan(truth), "booleans")
            return [truth]
        if self.kind == "date":
            dates = self._dates(column)
            form = f"dates of the format {self.date_format}" if self.date_format else "dates"
            self._warn_of_unread(column, dates.isna(), form)
            with config_context(transform_output="default"):
                parts = self.dates.transform(dates)
            return [parts[part].to_numpy(np.float32) for part in parts]
        known = pd.Index(self.categories, dtype=object)
        codes = known.get_indexer(
            pd.Index(_keys(column), dtype=object)
        )  # -1 for missing and new categories
        if (codes < 0).all() and self._were_strings() and not may_hold_strings(column):
            self._warn_of_unread(column, codes < 0, "categories of fit, which are strings")
        if self.form == "category":
            return [pd.Categorical.from_codes(codes, known)]
        if self.form == "ordinal":
            return [codes.astype(np.float32)]
        return [(codes == code).astype(np.float32) for code in range(len(known))]

    def _warn_of_unread(self, column: pd.Series, is_missing, expected: str) -> None:
        """Warn of cells that became missing values, but for those that mean missing."""
        if not np.any(is_missing):
            return
        cells = strings_of(column[np.asarray(is_missing)]).dropna()
        unread = [cell for cell in cells.unique() if not means_missing(cell)]
        if self.kind == "number":
            unread = [cell for cell in unread if not _is_infinite(cell)]
        if unread:
            n_unread = int(cells.isin(unread).sum())
            warnings.warn(
                f"Column {self.name!r}: {n_unread} of {len(column)} cells are not {expected}, for "
                f"example {unread[0]!r}. They are missing values now. Expected: cells as in fit.",
                UserWarning,
                stacklevel=2,
            )

    def _were_strings(self) -> bool:
        """Return whether some category of fit is neither a number nor a boolean."""
        names = [name for name in self.categories if name not in ("True", "False")]
        return not are_numbers(pd.Series(names, dtype=object))

    def _dates(self, column: pd.Series) -> pd.Series:
        """Return dates without a time zone; cells that are no dates become missing."""
        dates = _as_dates(column, self.date_format)
        if dates.dt.tz is not None:
            dates = dates.dt.tz_convert(self.time_zone or "UTC").dt.tz_localize(None)
        return dates.rename(self.name)


def encode_column(kind: ColumnKind, number: int, column: pd.Series, form: str) -> EncodedColumn:
    """Return the fitted encoding of a column that is not text.

    Parameters
    ----------
    kind : ColumnKind
        A text is encoded as a category.
    number : int
        Its place in the table.
    column : pandas.Series
        As :func:`~textcnn.table.kinds.as_series` returns it.
    form : {"ordinal", "category", "one-hot"}
    """
    name = kind.name
    if kind.kind in ("number", "boolean"):
        return EncodedColumn(name, number, kind.kind, [name])
    if kind.kind == "date":
        return _encoded_dates(name, number, column)
    categories = _categories(column)
    if form == "one-hot":
        counts = Counter(key for key in _keys(column) if key is not None)
        frequent = {category for category, _ in counts.most_common(MOST_CATEGORIES)}
        categories = [category for category in categories if category in frequent]
    names = [f"{name}_{value}" for value in categories] if form == "one-hot" else [name]
    return EncodedColumn(name, number, "category", names, form, categories)


def _encoded_dates(name: str, number: int, column: pd.Series) -> EncodedColumn:
    from skrub import DatetimeEncoder, ToDatetime

    encoded = EncodedColumn(name, number, "date", [], dates=DatetimeEncoder())
    if not pd.api.types.is_datetime64_any_dtype(column.dtype) and _holds_strings(column):
        strings = strings_of(column).dropna().drop_duplicates().rename(name)
        known = known_strings(strings)
        encoded.date_format = ToDatetime().fit(strings.iloc[known.index]).format_
    dates = _as_dates(column, encoded.date_format)
    if dates.dt.tz is not None:
        encoded.time_zone = str(dates.dt.tz)
    with config_context(transform_output="default"):
        encoded.dates.fit(encoded._dates(column))
    encoded.names = [str(part) for part in encoded.dates.get_feature_names_out()]
    return encoded


def _is_infinite(cell: str) -> bool:
    """Return whether a cell is infinity, which is a missing number."""
    return cell.strip().lower().lstrip("+-") in ("inf", "infinity")


def _holds_strings(column: pd.Series) -> bool:
    cells = column.astype(object)
    return pd.api.types.infer_dtype(cells, skipna=True) == "string"


def _as_dates(column: pd.Series, date_format: str | None) -> pd.Series:
    """Return a column as dates; cells that are no dates become missing, and so do numbers."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(pd.NaT, column.index, dtype="datetime64[ns]")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    is_text = date_format is not None
    dates = pd.to_datetime(column, format=date_format if is_text else None, errors="coerce")
    if dates.dtype == object:  # several time zones
        dates = pd.to_datetime(column, errors="coerce", utc=True)
    return dates


def _numbers(column: pd.Series) -> np.ndarray:
    """Return numbers: of NumPy's dtype as they are, others as float64; infinity is missing."""
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds().to_numpy(np.float64)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        column = pd.to_numeric(column.astype(object), errors="coerce")
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return column.to_numpy()
    kind = column.dtype if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f" else None
    numbers = column.to_numpy(kind or np.float64, na_value=np.nan)
    return np.where(np.isinf(numbers), np.asarray(np.nan, numbers.dtype), numbers)


def _truth(column: pd.Series) -> pd.Series:
    """Return booleans as numbers; other cells are missing."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype(object).map(float, na_action="ignore")
    return column.astype(object).map(_as_truth)


def _as_truth(cell) -> float:
    if isinstance(cell, str):
        return _WRITTEN_TRUTH.get(cell.strip().lower(), np.nan)
    is_truth = isinstance(cell, bool | np.bool_) or cell in (0, 1)
    return float(cell) if is_truth else np.nan


def _keys(column: pd.Series) -> np.ndarray:
    """Return the cells of a category as str, missing and empty cells as None."""
    strings = strings_of(column)
    return np.array([cell if _is_filled(cell) else None for cell in strings], dtype=object)


def _is_filled(cell) -> bool:
    return isinstance(cell, str) and cell.strip() != ""


def _categories(column: pd.Series) -> list[str]:
    """Return the distinct categories; those of an ordered dtype keep their order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        names = strings_of(pd.Series(used.cat.categories)).tolist()
        return names if used.cat.ordered else sorted(names)
    return sorted({key for key in _keys(column) if key is not None})
