"""Common parts of error messages."""

from __future__ import annotations

import numbers

import numpy as np


def check_option(name: str, received, options) -> None:
    """Refuse a value that is not one of the options."""
    if not isinstance(received, str) or received not in options:
        raise ValueError(
            f"Unknown value of {name}. Expected one of {listed(options)}. "
            f"Received: {name}={received!r}."
        )


def check_uncovered(uncovered) -> None:
    """Refuse invalid values of ``uncovered``."""
    is_number = isinstance(uncovered, numbers.Real) and not isinstance(uncovered, bool | np.bool_)
    if not is_number and uncovered not in ("raise", "nan"):
        raise ValueError(
            'uncovered must be "raise", "nan" or a number, the value of rows that no model '
            f"predicts. Received: uncovered={uncovered!r}."
        )


def listed(items, most: int = 10) -> str:
    """List items, only the first if there are many."""
    items = list(items)
    shown = ", ".join(repr(_plain(item)) for item in items[:most])
    return shown if len(items) <= most else f"{shown}, … ({len(items)} in all)"


def name_rows(rows) -> str:
    """List rows by number, only the first if there are many."""
    rows = np.asarray(rows)
    return ("row " if len(rows) == 1 else "rows ") + listed(rows.tolist())


def name_folds(folds) -> str:
    """List folds by number."""
    folds = list(folds)
    return ("fold " if len(folds) == 1 else "folds ") + listed(folds)


def _plain(item):
    """Convert to a Python number or string, which is printed without its type."""
    return item.item() if isinstance(item, np.generic) else item
