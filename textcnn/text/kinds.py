"""Refuses columns of numbers, dates and booleans where text is expected."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from textcnn.text.columns import EMPTY, TEXT, TextColumn

_MOST_SHOWN = 10


def check_kinds(columns: Sequence[TextColumn], X, *, reset: bool) -> None:
    """Refuse columns that are not text in ``fit``; warn of them in later calls.

    A whole table given to a text encoder would otherwise turn ids, prices and the target itself
    into texts. A table of numbers alone whose columns have no names, such as an array, is read as
    texts with a warning, as scikit-learn's own checks need.

    Parameters
    ----------
    columns : sequence of TextColumn
    X : the container that they were read from, for the message
    reset : bool
        True in ``fit``.

    Raises
    ------
    TypeError
        In ``fit``, with the names of the columns and what to type.

    Warns
    -----
    UserWarning
        In later calls, where new cells are numbers and those of fit were text.
    """
    other = [n for n, column in enumerate(columns) if column.kind not in (TEXT, EMPTY)]
    if not other:
        return
    is_nameless = all(column.name is None for column in columns) and _is_table(X)
    if len(other) == len(columns) and is_nameless:
        if reset:
            warnings.warn(
                f"X is a table of {columns[other[0]].kind}, and each of its {len(columns)} "
                "columns, which have no names, is read as a column of texts. Expected: text. "
                "Type X.astype(str) if that is what you mean.",
                UserWarning,
                stacklevel=4,
            )
        return
    found = _listed(f"{_shown(columns, n)} ({columns[n].kind})" for n in other)
    if reset:
        raise TypeError(
            f"Expected text in every column of X. Received: {found}. "
            f"{_what_to_type(columns, other)}"
        )
    first = columns[other[0]]
    cell = next((cell for cell in first.cells if cell), "")
    warnings.warn(
        f"X has columns that are no longer text: {found}. They are read as text, for example "
        f"{cell!r}. Expected: text, as in fit. Type X.astype(str), and read files with dtype=str, "
        "so that codes keep their zeros.",
        UserWarning,
        stacklevel=4,
    )


def _what_to_type(columns: Sequence[TextColumn], other: list[int]) -> str:
    """Return the advice of the error."""
    texts = [column for n, column in enumerate(columns) if n not in other]
    if len(columns) == 1 and columns[0].name is None:
        return "Type X.astype(str), or list(map(str, X)), to read its cells as text."
    advice = []
    if texts and all(column.name is not None for column in columns):
        advice.append(
            f"Type X[{[column.name for column in texts]!r}] to encode the text columns alone, or "
            "TableFeatures() for the whole table"
        )
    elif texts:
        places = [n for n in range(len(columns)) if n not in other]
        advice.append(f"Type X[:, {places}] to encode the text columns alone")
    names = [columns[n].name for n in other]
    if all(name is not None for name in names):
        advice.append(
            f"{'if' if texts else 'If'} they are texts, type "
            f"X.astype({dict.fromkeys(names[:_MOST_SHOWN], str)!r})".replace("<class 'str'>", "str")
        )
    else:
        advice.append(f"{'if' if texts else 'If'} they are texts, type X.astype(str)")
    return "; ".join(advice) + "."


def _is_table(X) -> bool:
    """Return whether X has two dimensions."""
    if isinstance(X, list | tuple):
        return isinstance(X[0], list | tuple | np.ndarray)
    return len(X.shape if hasattr(X, "shape") else np.shape(np.asarray(X))) == 2


def _shown(columns: Sequence[TextColumn], number: int) -> str:
    name = columns[number].name
    return f"column {number}" if name is None else repr(name)


def _listed(items) -> str:
    items = list(items)
    if len(items) <= _MOST_SHOWN:
        return ", ".join(items)
    return f"{', '.join(items[:_MOST_SHOWN])}, … ({len(items)} in all)"
