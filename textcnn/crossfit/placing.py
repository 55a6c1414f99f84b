"""Assign rows not used for training (without a target, or of weight 0) to folds."""

from __future__ import annotations

import numpy as np


def predicted_masks(splits, fitted, target, usable, groups, unlabelled: str, rng):
    """Return one mask of shape (n_rows,) per model: the rows that it predicts.

    ``fitted`` has, per model, its training and validation rows. A row outside ``usable`` is
    predicted by the same models as its host, a row of ``usable``, unless the user's own splits
    contain it.
    """
    masks = [np.zeros(len(usable), dtype=bool) for _ in splits.pairs]
    for mask, (_, test) in zip(masks, splits.pairs, strict=True):
        mask[test] = True
    free = ~usable
    if splits.as_written:
        free &= ~np.logical_or.reduce(masks)
    free = np.flatnonzero(free)
    if splits.ordered:
        hosts = _last_usable_before(free, usable, splits.time)
    else:
        hosts = _drawn_hosts(free, usable, groups, rng)
    unlabelled_rows = np.flatnonzero(~target.labelled)
    for mask, own in zip(masks, fitted, strict=True):
        mask[free] = mask[hosts]
        if unlabelled == "mean":
            mask[unlabelled_rows] = _is_unknown_to(own, unlabelled_rows, groups, splits)
    return masks


def _is_unknown_to(own, rows, groups, splits) -> np.ndarray:
    """Whether a model was trained neither on the group of a row nor on later rows."""
    unknown = np.ones(len(rows), dtype=bool)
    if groups is not None:
        unknown &= ~np.isin(groups[rows], groups[own])
    if splits.ordered and len(own):
        unknown &= splits.time[rows] > splits.time[own].max()
    return unknown


def _last_usable_before(free, usable, time) -> np.ndarray:
    """Last usable row up to a row's time, or the first usable row if there is none."""
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(time[rows], kind="stable")]
    position = np.searchsorted(time[rows], time[free], side="right") - 1
    return rows[np.maximum(position, 0)]


def _drawn_hosts(free, usable, groups, rng) -> np.ndarray:
    """Usable rows in random order, repeated as needed; of the same group if possible."""
    drawn = rng.permutation(np.flatnonzero(usable))
    hosts = np.resize(drawn, len(free))
    if groups is None or not len(free):
        return hosts
    drawn = drawn[np.argsort(groups[drawn], kind="stable")]
    found, inverse = np.unique(groups[free], return_inverse=True)
    start = np.searchsorted(groups[drawn], found)
    stop = np.searchsorted(groups[drawn], found, side="right")
    for code in range(len(found)):
        members = inverse == code
        of_group = drawn[start[code] : stop[code]]
        # A group without usable rows stays together, with one host.
        hosts[members] = np.resize(of_group, members.sum()) if len(of_group) else hosts[members][0]
    return hosts
