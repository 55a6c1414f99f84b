"""What the leakage test cannot see, and leaks that encoders warn of themselves."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np

from textcnn.crossfit.fold_levels import FoldLevelWarning
from textcnn.crossfit.leakage_scores import Finding
from textcnn.crossfit.row_hashes import hash_table


def not_tested(repeats, groups, equal, names) -> list[str]:
    """Return the leaks that cannot be detected with these features, as sentences."""
    lines = [
        "targets in other columns of X, and features that use later rows",
        "leaks of a feature only in combination with another column, apart from rows of equal X",
    ]
    if equal is None:
        lines.append("rows with equal X: X of this type cannot be compared")
    elif "equal rows" not in names and len(np.unique(equal)) < len(equal):
        lines.append("rows with equal X: too few of them have different targets")
    elif "equal rows" in names:
        lines.append(
            "less certain leaks of a feature together with the columns of X that made it: equal "
            "rows in different folds know each other's targets; pass groups that keep them together"
        )
    if repeats[0].folds is None:
        lines += [
            "the base rate of each fold model: this transformer does not report its folds",
            "leaks whose sign or column differs between fits and that are smaller than the margins "
            "of 'tree within a fit' and 'certain rows within a fit', which more repeats do not "
            "narrow",
        ]
    else:
        if "tree within a fold" not in names:
            lines.append(
                "leaks whose sign differs between fits and that are smaller than the margin of "
                "'tree within a fit': folds are small, or several models predict a row"
            )
        if groups is None:
            lines.append("folds of groups that differ in their base rates: pass groups")
    return lines


@contextmanager
def fold_level_warnings(found: list):
    """Count fits with a FoldLevelWarning, and pass all other warnings on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FoldLevelWarning)
        yield
    if any(issubclass(warning.category, FoldLevelWarning) for warning in caught):
        found.append(True)
    for warning in caught:
        if not issubclass(warning.category, FoldLevelWarning):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def fold_level_finding(n_warned: int, n_repeats: int) -> Finding:
    """Return the finding of fits that warned that features reveal their fold."""
    share = n_warned / n_repeats
    return Finding(
        "FoldLevelWarning",
        share,
        0.0,
        -np.inf,
        0.5,
        share > 0.5,
        "share of fits with this warning: features reveal their fold or held-out copies",
        [],
    )


def equal_row_numbers(X) -> np.ndarray | None:
    """Return a number per row, equal for equal rows; None if X cannot be compared."""
    try:
        return hash_table(X)
    except (TypeError, ValueError):
        return None
