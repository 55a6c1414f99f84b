"""Frames and columns of pandas, polars and Arrow: recognised, taken apart and converted here.

Libraries are recognised by the module of a type, because polars and pyarrow may not be installed.
"""

from __future__ import annotations

import pandas as pd


def library_of(X) -> str:
    """Return the name of the package that a value's type comes from."""
    return type(X).__module__.partition(".")[0]


def is_foreign(X) -> bool:
    """Return whether a value is of polars or pyarrow."""
    return library_of(X) in ("polars", "pyarrow")


def frame_columns(X) -> tuple[list, list] | None:
    """Return the names and the columns of a frame of pandas or polars, or of a table of pyarrow.

    Columns are those of its library, without a copy. None for any other value, a column too.
    """
    if isinstance(X, pd.DataFrame):
        return list(X.columns), [X.iloc[:, number] for number in range(X.shape[1])]
    library = library_of(X)
    if library == "polars" and hasattr(X, "get_columns"):
        return list(X.columns), list(X.get_columns())
    if library == "pyarrow" and hasattr(X, "column_names"):
        return list(X.column_names), list(X.columns)
    return None


def is_column(X) -> bool:
    """Return whether a value is a Series or an array of polars or pyarrow."""
    return is_foreign(X) and frame_columns(X) is None and hasattr(X, _name_of_conversion(X))


def python_cells(column) -> list:
    """Return the cells of a column of pandas, polars or pyarrow as Python objects."""
    return getattr(column, _name_of_conversion(column))()


def _name_of_conversion(column) -> str:
    return "to_pylist" if library_of(column) == "pyarrow" else "to_list"
