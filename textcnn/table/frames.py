"""Tables of pandas, polars and NumPy: read columns, and add features in the same container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, validate_data

from textcnn.text.joining import Remembering
from textcnn.utils.frames import library_of


@dataclass(frozen=True, eq=False)
class Table(Remembering):
    """A table in its own container.

    Attributes
    ----------
    data : pandas.DataFrame, polars.DataFrame or ndarray of shape (n_rows, n_columns)
    names : list of str
        ``x0``, ``x1``, … for arrays and for frames whose names are not str.
    places : list of int or None
        The place in ``data`` of each name; -1 for a column that is absent. None if they are all
        there, in this order.
    memo : dict or None
        For what is made of columns several times in a fit.
    """

    data: Any
    names: list[str]
    places: list[int] | None = None
    memo: dict | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.data.shape[0]

    @cached_property
    def container(self) -> str:
        """The type of the table: ``"pandas"``, ``"polars"`` or ``"numpy"``."""
        if isinstance(self.data, np.ndarray):
            return "numpy"
        return "pandas" if isinstance(self.data, pd.DataFrame) else "polars"

    @property
    def index(self) -> pd.Index:
        """Labels of the rows: numbers unless the table is a frame of pandas."""
        return self.data.index if self.container == "pandas" else pd.RangeIndex(len(self))

    def column(self, number: int):
        """Return one column as a Series, or as an array for a NumPy table."""
        if self.places is not None:
            number = self.places[number]
        if self.container == "numpy":
            return self.data[:, number]
        if self.container == "pandas":
            return self.data.iloc[:, number]
        return self.data.to_series(number)

    def named_cells(self, number: int) -> list[tuple[str, Any]]:
        """Return name and cells of each column; ``number`` is ignored."""
        return [(name, self.column(place)) for place, name in enumerate(self.names)]

    def as_container(self, container: str) -> Table:
        """Return the table in another container; ``"default"`` is its own."""
        if container in ("default", self.container):
            return self
        frame = self.data
        if self.container == "numpy":
            frame = pd.DataFrame(frame, columns=self.names, copy=False).infer_objects()
        if container == "polars":
            import polars as pl

            frame = pl.from_pandas(frame)
        elif not isinstance(frame, pd.DataFrame):
            frame = frame.to_pandas()
        return Table(frame, self.names, self.places)

    def check_columns(self, numbers: Sequence[int]) -> None:
        """Refuse a table in which some of these columns are absent."""
        absent = [self.names[n] for n in numbers if self.places and self.places[n] < 0]
        if absent:
            there = list(self.data.columns)
            folded = {name.casefold().strip(): name for name in there}
            close = {
                n: folded[n.casefold().strip()] for n in absent if n.casefold().strip() in folded
            }
            advice = f"type X.assign(**{dict.fromkeys(absent)})"
            if close:
                renamed = {present: name for name, present in close.items()}
                advice = f"type X.rename(columns={renamed}); if they are unknown, {advice}"
            raise ValueError(
                f"X lacks columns that were used in fit: {_some(absent)}. Expected them under the "
                f"same names, in any order. Received: {_some(there)}. "
                + ("If they were renamed, " if close else "If their values are unknown, ")
                + f"{advice}."
            )

    def check_holds_categories(self) -> None:
        """Refuse an array as output of categories."""
        if self.container == "numpy":
            raise ValueError(
                "An array of numbers cannot hold categories. Expected a DataFrame for "
                'categories="category". Type TableFeatures(categories="category")'
                '.set_output(transform="pandas"), or categories="ordinal".'
            )

    def check_names_beside_features(self, kept: list[int]) -> None:
        """Refuse labels that are not str, as the names of features are."""
        labels = self.data.columns.tolist() if self.container == "pandas" else []
        wrong = [labels[i] for i in kept if labels and not isinstance(labels[i], str)]
        if wrong:
            raise TypeError(
                "The output would have column names of several types, which scikit-learn refuses. "
                f"Expected str. Received: a column named {wrong[0]!r} of type "
                f"{type(wrong[0]).__name__}. Type X.columns = X.columns.astype(str)."
            )

    def with_features(self, kept: list[int], features: np.ndarray, names: list[str]):
        """Return the kept columns, unchanged, followed by float32 features."""
        if self.container == "numpy":
            return self._array_with_features(kept, features)
        if self.places is not None:
            kept = [self.places[number] for number in kept]
        if self.container == "pandas":
            all_kept = kept == list(range(self.data.shape[1]))
            others = self.data if all_kept else self.data.iloc[:, kept]
            if not names:
                return others.copy()
            return self._beside(others, features, names)
        import polars as pl

        added = [pl.Series(name, features[:, i]) for i, name in enumerate(names)]
        others = self.data.select([self.data.columns[number] for number in kept])
        return others.with_columns(added) if kept else pl.DataFrame(added)

    def replaced_by(self, columns: dict, features: np.ndarray, names: list[str]):
        """Return columns of numbers, categories or cells in this container, then the features.

        Parameters
        ----------
        columns : dict of str to ndarray, Series or pandas.Categorical of length n_rows
            Categories only in frames.
        features : ndarray of float32, shape (n_rows, n_features)
        names : list of str
        """
        if self.container == "numpy":
            if not columns:
                return features
            blocks = [np.asarray(column)[:, None] for column in columns.values()]
            return np.hstack([*blocks, features])
        added = dict(zip(names, features.T, strict=True))
        if self.container == "pandas":
            frame = pd.DataFrame(
                {name: getattr(column, "array", column) for name, column in columns.items()},
                index=self.data.index,
            )
            return self._beside(frame, features, names)
        import polars as pl

        return pl.DataFrame([_polars_series(n, c) for n, c in {**columns, **added}.items()])

    def _beside(self, frame: pd.DataFrame, features: np.ndarray, names: list[str]):
        """Return a pandas frame with features behind its columns."""
        added = pd.DataFrame(features, index=self.data.index, columns=names, copy=False)
        return pd.concat([frame, added], axis=1) if frame.shape[1] else added

    def _array_with_features(self, kept, features) -> np.ndarray:
        """Return an array; objects stay objects; a table of features only is float32."""
        if not kept:
            return features
        others = self.data[:, kept]
        if not features.shape[1]:
            return others
        added = features.astype(object) if others.dtype.kind in "OUS" else features
        others = others.astype(object) if others.dtype.kind in "US" else others
        return np.hstack([others, added])


def read_table(estimator, X, *, reset: bool) -> Table:
    """Check the input of an estimator and return it as a table; nothing is copied or converted.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set (``reset=True``) or compared.
    X : DataFrame of pandas or polars, Series of either, table of pyarrow, array or list of rows
        After fit, frames with the names seen in fit may have other columns too, in any order;
        which of them are needed is checked by :meth:`Table.check_columns`.
    reset : bool

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        No rows or columns, one dimension, two columns of one name, other columns than at fit.
    TypeError
        Sparse matrices and unsupported containers.
    """
    library = library_of(X)
    if library == "pyarrow" and hasattr(X, "to_pandas") and hasattr(X, "column_names"):
        X = X.to_pandas()
    if isinstance(X, pd.Series):
        X = X.to_frame(name="x0" if X.name is None else X.name)
    elif library == "polars" and hasattr(X, "to_frame"):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame) or (library == "polars" and hasattr(X, "get_columns")):
        names = list(X.columns)
        if len(set(names)) < len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"Several columns of X are named {repeated!r}. Received: columns={names}. Expected "
                "distinct names. Rename them, or keep the first of each by "
                "X.loc[:, ~X.columns.duplicated()]."
            )
        # Check the shape only: cells of other columns may be anything.
        check_array(
            np.broadcast_to(np.zeros((), dtype=bool), X.shape),
            dtype=None,
            input_name="X",
            estimator=estimator,
        )
        seen = getattr(estimator, "feature_names_in_", None)
        if not reset and seen is not None and all(isinstance(name, str) for name in names):
            place = {name: number for number, name in enumerate(names)}
            places = [place.get(name, -1) for name in seen]
            in_place = places == list(range(len(names)))
            return Table(X, list(seen), None if in_place else places)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not all(isinstance(name, str) for name in names):  # as in scikit-learn
            names = [f"x{number}" for number in range(len(names))]
        return Table(X, names)
    if not issparse(X) and not isinstance(X, np.ndarray | list | tuple):
        conversion = {"polars": "X.collect()"}.get(library, "pd.DataFrame(X)")
        if library in ("pyarrow", "polars") or not hasattr(X, "__array__"):
            raise TypeError(
                "Unsupported type of X. Expected a DataFrame of pandas or polars, an array or "
                f"a list of rows. Received: X of type {type(X).__module__}."
                f"{type(X).__qualname__}. Type {conversion} instead of X."
            )
    array = _as_array(X)
    if array.ndim == 1 and len(array):
        is_records = isinstance(array[0], dict)
        raise ValueError(
            "Expected 2D array, got 1D array instead: X has one dimension and no columns. Expected "
            "a DataFrame, or a list of rows. Received: X of "
            f"{len(array)} cells of type {type(array[0]).__name__}. "
            f"Type {'pd.DataFrame(X)' if is_records else 'pd.Series(X, name=...)'} instead of X. "
            "Reshape your data if X is one row: [X]."
        )
    is_text = not issparse(array) and array.dtype.kind in "OUS"
    if is_text:  # check the shape only
        stand_in = np.broadcast_to(np.zeros((), dtype=bool), array.shape)
        check_array(stand_in, dtype=None, input_name="X", estimator=estimator)
        validate_data(estimator, array, reset=reset, skip_check_array=True)
    else:
        array = validate_data(
            estimator, array, reset=reset, dtype=None, ensure_all_finite="allow-nan"
        )
    return Table(array, [f"x{number}" for number in range(array.shape[1])])


def _as_array(X):
    """Return an array that keeps the types of text and numbers."""
    if issparse(X):
        return X
    array = np.asarray(X)
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        array = np.array(X, dtype=object)  # NumPy would convert numbers to text
    return array


def _polars_series(name: str, column):
    """Return a polars Series of an array, a Series or categories."""
    import polars as pl

    if isinstance(column, pd.Categorical):
        cells = [None if code < 0 else column.categories[code] for code in column.codes]
        return pl.Series(name, cells, dtype=pl.Enum(column.categories.tolist()))
    if isinstance(column, pl.Series):
        return column.rename(name)
    return pl.Series(name, column)


def _some(names: list[str]) -> str:
    """Return a list of names, the first ones if they are many."""
    return str(names if len(names) <= 20 else [*names[:20], "…"])


def check_new_names(kept: list[str], new: list[str]) -> None:
    """Refuse features with the same name as another column or feature."""
    seen = set(kept)
    for name in new:
        if name in seen:
            raise ValueError(
                f"Two columns would have the name {name!r}. Expected distinct names. Rename the "
                "column of X, or rename the member with a (name, encoder) pair."
            )
        seen.add(name)
