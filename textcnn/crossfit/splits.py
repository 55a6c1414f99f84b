"""Convert ``cv`` to pairs of row numbers: (training rows, predicted rows)."""

from __future__ import annotations

import copy
import numbers
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from textcnn.crossfit.messages import listed, name_folds, name_rows

_NEED_GROUPS = (
    GroupKFold,
    GroupShuffleSplit,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    StratifiedGroupKFold,
)
_CHANCE = 1e-6
_ACCEPTED = (
    "an int of 2 or more, a scikit-learn splitter, or an iterable of (train, test) row numbers"
)


class FoldTargetWarning(UserWarning):
    """The targets of a splitter's folds differ significantly."""


@dataclass(frozen=True, eq=False)
class Splits:
    """Pairs of row numbers, before rows without target or weight are assigned."""

    pairs: list[tuple[np.ndarray, np.ndarray]]
    ordered: bool
    time: np.ndarray | None
    as_written: bool  # from the user's row numbers, not from a splitter
    notes: tuple[str, ...]


def make_splits(cv, target, usable, *, groups, time, seed: int) -> Splits:
    """Split the rows in ``usable`` (a mask: with a target, weight above zero)."""
    splitter, is_own, notes = _splitter(cv, target, usable, groups, time, seed)
    ordered = time is not None or isinstance(splitter, TimeSeriesSplit)
    if ordered and time is None:
        notes += ("row order is used as time: pass time= if the rows are not sorted by time",)
        time = np.arange(len(usable))
    if splitter is None:
        pairs = [_written_pair(pair, fold, len(usable)) for fold, pair in enumerate(cv)]
    elif isinstance(splitter, PredefinedSplit):
        if len(splitter.test_fold) != len(usable):
            raise ValueError(
                f"PredefinedSplit needs one fold number per row: {len(usable)}. "
                f"Received: {len(splitter.test_fold)} fold numbers."
            )
        pairs = list(splitter.split())
    else:
        rows = np.flatnonzero(usable)
        if ordered:
            rows = rows[np.argsort(time[rows], kind="stable")]
        pairs = _split(splitter, target, rows, groups)
        if ordered:
            pairs = [[_whole_stamps(part, time[rows]) for part in pair] for pair in pairs]
        pairs = [(rows[train], rows[test]) for train, test in pairs]
    if not pairs:
        raise ValueError(f"cv returned no splits. Expected {_ACCEPTED}. Received: cv={cv!r}.")
    if not (is_own or ordered or groups is not None):
        _warn_of_unequal_targets(pairs, target, usable, cv)
    as_written = splitter is None or isinstance(splitter, PredefinedSplit)
    return Splits(pairs, ordered, time, as_written, notes)


def _splitter(cv, target, usable, groups, time, seed):
    """Return the splitter (None for an iterable), whether it was made here, and notes."""
    cv = 5 if cv is None else cv
    if isinstance(cv, numbers.Integral) and not isinstance(cv, bool):
        splitter, notes = _own_splitter(int(cv), target, usable, groups, time, seed)
        return splitter, True, notes
    if hasattr(cv, "split") and not isinstance(cv, str | type):
        if isinstance(cv, _NEED_GROUPS) and groups is None:
            raise ValueError(
                "The 'groups' parameter should not be None: this splitter keeps groups together. "
                f"Received: cv={cv!r} and no groups. Pass groups= to fit or fit_transform."
            )
        if getattr(cv, "random_state", 0) is None:
            # Otherwise it would use NumPy's global random state.
            cv = copy.copy(cv)
            cv.random_state = seed
        return cv, False, ()
    if isinstance(cv, str | bool | type) or not isinstance(cv, Iterable):
        raise ValueError(f"cv must be {_ACCEPTED}. Received: cv={cv!r}.")
    return None, False, ()


def _own_splitter(n_splits: int, target, usable, groups, time, seed: int):
    """Return shuffled folds for the type of target, for an int cv, and notes."""
    n_usable = int(usable.sum())
    if n_splits < 2:
        raise ValueError(f"cv must be {_ACCEPTED}. Received: cv={n_splits}.")
    if n_usable < n_splits:
        raise ValueError(
            f"There are fewer training rows than folds: n_samples={n_usable} with a target "
            f"and a weight above zero. Received: cv={n_splits}. {_smaller(n_usable)}"
        )
    if time is not None:
        if groups is not None:
            raise ValueError(
                "An int cv supports groups or time, not both. Received: "
                f"cv={n_splits} with groups and time. Pass cv as a list of (train, test) row "
                "numbers that respects both."
            )
        n_stamps = len(np.unique(time[usable]))
        if n_stamps <= n_splits:
            raise ValueError(
                f"{n_splits} folds in time need at least {n_splits + 1} different times. "
                f"Received: cv={n_splits} and {n_stamps} different times. {_smaller(n_stamps - 1)}"
            )
        return TimeSeriesSplit(n_splits), ()
    if groups is not None:
        n_groups = len(np.unique(groups[usable]))
        if n_groups < n_splits:
            raise ValueError(
                f"There are fewer groups than folds: {n_groups}. Received: cv={n_splits}. "
                f"{_smaller(n_groups)}"
            )
    strata = target.codes()
    if strata is None:
        form = KFold if groups is None else GroupKFold
        return form(n_splits, shuffle=True, random_state=seed), ()
    counts = np.bincount(strata[usable], minlength=len(target.classes))
    if counts.max() < n_splits:
        raise ValueError(
            f"Every class has fewer rows than folds: at most {counts.max()}. "
            f"Received: cv={n_splits}. {_smaller(counts.max())}"
        )
    # A class of two or more rows is still in the training rows of every fold: only a note.
    rare = np.flatnonzero((counts > 1) & (counts < n_splits))
    notes = ()
    if len(rare) and groups is None:
        names = listed(target.classes[rare].tolist())
        notes = (f"fewer rows than folds in class {names}: some folds predict no row of it",)
    form = StratifiedKFold if groups is None else StratifiedGroupKFold
    return form(n_splits, shuffle=True, random_state=seed), notes


def _smaller(most: int) -> str:
    """Advice on the largest possible int cv."""
    if most < 2:
        return "A cross-fit needs at least two."
    return f"Pass cv={most}{' or less' if most > 2 else ''}."


def _split(splitter, target, rows, groups) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of positions in ``rows``."""
    params = {} if groups is None else {"groups": groups[rows]}
    try:
        with warnings.catch_warnings():
            # The plan itself checks for split groups and missing classes.
            warnings.filterwarnings("ignore", message="The groups parameter is ignored")
            warnings.filterwarnings("ignore", message="The least populated class in y")
            values = target.splitter_values(rows)
            pairs = list(splitter.split(np.zeros((len(rows), 1)), values, **params))
    except (TypeError, ValueError) as error:
        error.add_note(f"while splitting {len(rows)} rows with a target by cv={splitter!r}")
        raise
    return [_row_numbers(pair, fold, len(rows)) for fold, pair in enumerate(pairs)]


def _written_pair(pair, fold: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of one element of the user's iterable."""
    is_pair = isinstance(pair, tuple | list | np.ndarray) and len(pair) == 2
    if not is_pair:
        raise ValueError(
            f"cv must be {_ACCEPTED}. Received: {pair!r} as element {fold}, which is not a pair."
        )
    return _row_numbers(pair, fold, n_rows)


def _row_numbers(pair, fold: int, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Check two lists of row numbers, or two masks."""
    return tuple(
        _part(part, name, fold, n_rows) for part, name in zip(pair, ("train", "test"), strict=True)
    )


def _part(part, name: str, fold: int, n_rows: int) -> np.ndarray:
    rows = np.asarray(part)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(
            f"The {name} part of each split must be row numbers, or a mask of {n_rows} rows. "
            f"Received: dtype {rows.dtype} and shape {rows.shape} in fold {fold}."
        )
    rows = rows.astype(np.int64)
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if len(outside):
        raise ValueError(
            f"Row numbers must be between 0 and {n_rows - 1}. "
            f"Received: {listed(outside.tolist())} in the {name} part of fold {fold}."
        )
    found, counts = np.unique(rows, return_counts=True)
    if len(found) < len(rows):
        raise ValueError(
            f"Expected each row once. Received: {name_rows(found[counts > 1])} more than once "
            f"in the {name} part of fold {fold}. To give rows more weight pass sample_weight."
        )
    return found


def _whole_stamps(positions: np.ndarray, stamps: np.ndarray) -> np.ndarray:
    """Keep rows of equal time on the same side; ``stamps`` ascend."""
    inside = np.zeros(len(stamps), dtype=bool)
    inside[positions] = True
    return np.flatnonzero(inside[np.searchsorted(stamps, stamps)])


def _warn_of_unequal_targets(pairs, target, usable, cv) -> None:
    """Warn if a fold's mean target differs significantly from that of all rows.

    Under a random split a fold's mean of any column is approximately normal with the known
    variance of drawing without replacement; classes are columns of 0 and 1, numbers their ranks.
    """
    rows = np.flatnonzero(usable)
    values = target.splitter_values(rows)
    if target.is_regression:
        columns = rankdata(values.reshape(len(rows), -1), axis=0)
        fewest = np.full(columns.shape[1], len(rows))
    else:
        columns = values if values.ndim == 2 else values[:, None] == np.arange(len(target.classes))
        columns = columns.astype(np.float64)
        fewest = np.minimum(columns.sum(axis=0), len(rows) - columns.sum(axis=0))
    n, mean, variance = len(rows), columns.mean(axis=0), columns.var(axis=0)
    n_tests = len(pairs) * columns.shape[1]
    unequal = []
    for fold, (_, test) in enumerate(pairs):
        inside = np.isin(rows, test)
        m = int(inside.sum())
        # The normal approximation needs an expected count of at least five.
        fit = (variance > 0) & (np.minimum(m, n - m) * fewest >= 5 * n)
        if not fit.any():
            continue
        error = np.sqrt(variance[fit] / m * (n - m) / (n - 1))
        distance = np.abs(columns[inside][:, fit].mean(axis=0) - mean[fit]) / error
        if 2 * norm.sf(distance.max()) * n_tests < _CHANCE:
            unequal.append(fold)
    if unequal:
        shown = repr(cv) if hasattr(cv, "split") else f"{len(pairs)} (train, test) pairs"
        warnings.warn(
            f"The targets of {name_folds(unequal)} differ significantly from those of the other "
            "rows, for example because the table is sorted by its target and cv does not shuffle. "
            "Models are then trained on rows unlike those that they predict. Received: "
            f"cv={shown}. Pass an int, or shuffle=True; pass groups= or time= if rows are grouped "
            "or ordered.",
            FoldTargetWarning,
            stacklevel=5,
        )
