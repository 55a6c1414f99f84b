"""Shuffle targets over rows or over groups."""

from __future__ import annotations

import numpy as np

_MOST_TRIES = 100


class Shuffler:
    """Randomly reassigns the targets of some rows.

    Rows without a target stay without one. Without groups the targets are permuted. With groups
    each group gets the targets of another group: groups are matched one to one at random, and the
    donor's targets are shuffled and cut or repeated to the size of the receiver.

    Parameters
    ----------
    target : Target
    groups : ndarray of shape (n_rows,), int64, or None
    rows : ndarray of int64
        Rows that exchange targets among themselves.
    """

    def __init__(self, target, groups, rows: np.ndarray):
        self.rows = rows
        self.labelled = np.flatnonzero(target.labelled[rows])
        self._codes = target.codes()
        self._groups = None
        if groups is not None:
            _, own = np.unique(groups[rows[self.labelled]], return_inverse=True)
            self._groups = own
            self._sizes = np.bincount(own)
            self._starts = np.cumsum(self._sizes) - self._sizes
            order = np.argsort(own, kind="stable")
            self._places = np.empty(len(own), dtype=np.int64)
            self._places[order] = np.arange(len(own)) - np.repeat(self._starts, self._sizes)

    def draw(self, rng) -> np.ndarray:
        """Return the row numbers (of the table) whose targets the rows get."""
        sources = self.rows.copy()
        sources[self.labelled] = self.rows[self.labelled[self._draw_positions(rng)]]
        return sources

    def draw_for_fit(self, rng) -> np.ndarray:
        """Draw until no class is lost, which may fail for a class in few groups."""
        for _ in range(_MOST_TRIES):
            sources = self.draw(rng)
            if self._codes is None or self._groups is None:
                break
            before, after = (np.unique(self._codes[rows]) for rows in (self.rows, sources))
            if len(before) == len(after):
                break
        return sources

    def _draw_positions(self, rng) -> np.ndarray:
        n_labelled = len(self.labelled)
        if self._groups is None:
            return rng.permutation(n_labelled)
        shuffled = np.lexsort((rng.random(n_labelled), self._groups))
        donors = rng.permutation(len(self._sizes))[self._groups]
        return shuffled[self._starts[donors] + self._places % self._sizes[donors]]
