"""Choose validation rows for early stopping from a model's own training rows."""

from __future__ import annotations

import numbers

import numpy as np


def check_stop_fraction(stop_fraction) -> None:
    """Check the share of validation rows."""
    if not isinstance(stop_fraction, numbers.Real) or not 0 <= stop_fraction < 1:
        raise ValueError(
            "stop_fraction must be a share of the training rows, at least 0 (none) and below 1. "
            f"Received: stop_fraction={stop_fraction!r}."
        )


def part_stop_rows(train, fraction: float, *, strata, groups, time, rng):
    """Split training rows (ascending) into (training, validation).

    With time, the latest rows are validation rows, otherwise whole groups with groups, otherwise a
    stratified sample. ``strata`` are codes or None; only those of ``train`` are used.
    """
    if fraction == 0:
        return train, train[:0]
    n_stop = max(1, round(fraction * len(train)))
    own_strata = np.zeros(len(train), dtype=np.int64) if strata is None else strata[train]
    if len(train) < 2:
        raise _no_stop_rows(len(train), fraction, "a model needs at least one training row")
    if time is not None:
        is_stop = _latest(time[train], n_stop)
        reason = "they all have the same time"
    elif groups is not None:
        is_stop = _whole_groups(groups[train], own_strata, n_stop, rng)
        reason = "there are too few groups, or a class occurs in one group only"
    else:
        is_stop = _stratified(own_strata, n_stop, rng)
        reason = "every class has a single row"
    if is_stop is None:
        raise _no_stop_rows(len(train), fraction, reason)
    return train[~is_stop], train[is_stop]


def _no_stop_rows(n_rows: int, fraction: float, reason: str) -> ValueError:
    return ValueError(
        f"No validation rows for early stopping among {n_rows} training row(s): {reason}. "
        f"Received: stop_fraction={fraction}. Use stop_fraction=0 (early_stopping=False), or fewer "
        "folds."
    )


def _latest(stamps: np.ndarray, n_stop: int) -> np.ndarray | None:
    """Return a mask of the latest rows; rows of equal time are not split."""
    first = np.sort(stamps)[len(stamps) - n_stop]
    if first == stamps.min():
        later = stamps[stamps > first]
        if not len(later):
            return None
        first = later.min()
    return stamps >= first


def _stratified(strata: np.ndarray, n_stop: int, rng) -> np.ndarray | None:
    """Return a mask of a stratified sample that leaves at least one row per stratum."""
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    wanted = counts * (n_stop / len(strata))
    quota = np.minimum(np.floor(wanted).astype(np.int64), counts - 1)
    by_remainder = np.argsort(np.floor(wanted) - wanted, kind="stable")
    for stratum in by_remainder:
        if quota.sum() < n_stop and quota[stratum] < counts[stratum] - 1:
            quota[stratum] += 1
    if not quota.any():
        return None
    is_stop = np.zeros(len(strata), dtype=bool)
    for stratum, n_rows in enumerate(quota):
        is_stop[rng.permutation(np.flatnonzero(codes == stratum))[:n_rows]] = True
    return is_stop


def _whole_groups(groups, strata, n_stop: int, rng) -> np.ndarray | None:
    """Return a mask of random groups that leaves some training rows in every stratum."""
    found, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes)
    rows_of_group = np.split(np.argsort(codes, kind="stable"), np.cumsum(sizes)[:-1])
    left = np.bincount(strata)
    chosen, total = [], 0
    drawn = rng.permutation(len(found))
    # Groups much larger than needed come last, the smallest of them first.
    large = sizes[drawn] > 1.5 * n_stop
    drawn = np.concatenate([drawn[~large], drawn[large][np.argsort(sizes[drawn[large]])]])
    for group in drawn:
        if total >= n_stop or (chosen and total + sizes[group] > 1.5 * n_stop):
            continue
        without = left - np.bincount(strata[rows_of_group[group]], minlength=len(left))
        if (without[left > 0] > 0).all():
            left, total = without, total + sizes[group]
            chosen.append(group)
    return np.isin(codes, chosen) if chosen else None
