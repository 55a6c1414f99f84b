"""Batches of rows of similar length, in an order seeded per epoch, with a record of the rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from textcnn.neural.backend import ShapePolicy


class RowSource(Protocol):
    """Rows that a network can read: documents, images.

    ``lengths`` contains the length of each row, so that rows of similar length share a batch, or is
    None if all rows have the same shape.
    """

    lengths: np.ndarray | None
    prediction_batch_size: int  # rows that are predicted at a time

    def __len__(self) -> int:
        """Return the number of rows."""

    def view(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what a model with these training rows may use, for example its own words."""

    def gather(
        self, rows: np.ndarray, view: dict[str, np.ndarray], policy: ShapePolicy
    ) -> tuple[np.ndarray, ...]:
        """Return the network's inputs for these rows, padded as the policy says."""

    def tables(self) -> dict[str, np.ndarray]:
        """Return the pretrained tables by layer name; those named ``shared_…`` are frozen."""

    def like_new(
        self, rows: np.ndarray, learn: np.ndarray, random: np.random.Generator
    ) -> RowSource:
        """Return rows as if a model trained on ``learn`` had not been trained on them."""


class Batches:
    """Inputs, targets and weights of some rows, batch by batch.

    Rows of similar length share a batch, to reduce padding. With a seed the batches are in a new
    order in each epoch, and rows of equal length are mixed; the order never depends on a target.

    Parameters
    ----------
    source : RowSource
        Source of the inputs.
    rows : ndarray of int, shape (n_rows,)
        Row numbers in ``source``.
    view : dict
        What the model may use, as ``source.view`` returned it.
    targets : ndarray of float32, shape (n_rows, n_outputs), or None
        One line per entry of ``rows``.
    weights : ndarray of float32, shape (n_rows,), or None
        One per entry of ``rows``; their mean should be 1.
    batch_size : int
    policy : ShapePolicy
        Shapes of batches for the backend.
    seed : numpy.random.SeedSequence or None
        None keeps the order by length, for prediction.
    """

    def __init__(
        self, source: RowSource, rows, view, *, targets=None, weights=None, batch_size, policy, seed
    ):
        self._source: RowSource = source
        self._rows = np.asarray(rows)
        self._view: dict[str, Any] = view
        self._targets = targets
        self._weights = weights
        self._batch_size = batch_size
        self._policy: ShapePolicy = policy
        self._seed = seed
        self._n_batches = -(-len(self._rows) // batch_size)
        self._lengths = None if source.lengths is None else source.lengths[self._rows]
        self.fed = np.zeros(0 if len(self._rows) == 0 else int(self._rows.max()) + 1, dtype=bool)
        self.error: Exception | None = None  # of the source, while a backend read a batch
        self.set_epoch(0)

    def __len__(self) -> int:
        """Return the number of batches."""
        return self._n_batches

    def set_epoch(self, epoch: int) -> None:
        """Put the rows in the order of this epoch; it depends only on the seed and the epoch."""
        n_rows = len(self._rows)
        if self._seed is None:
            positions = np.arange(n_rows)
            if self._lengths is not None:
                positions = np.argsort(self._lengths, kind="stable")
            batch_order = np.arange(self._n_batches)
        else:
            random = np.random.default_rng([epoch, *self._seed.generate_state(4)])
            positions = random.permutation(n_rows)
            if self._lengths is not None:
                positions = positions[np.argsort(self._lengths[positions], kind="stable")]
            batch_order = random.permutation(self._n_batches)
        self._positions, self._batch_order = positions, batch_order

    def step(self, number: int):
        """Return batch ``number`` as counted across epochs; call in ascending order.

        The first batch of an epoch puts the rows in that epoch's order.
        """
        epoch, index = divmod(number, self._n_batches)
        try:
            if index == 0:
                self.set_epoch(epoch)
            return self[index]
        except Exception as error:
            self.error = error
            raise

    def positions(self, index: int) -> np.ndarray:
        """Return the positions in ``rows`` of batch ``index`` of this epoch."""
        start = self._batch_order[index] * self._batch_size
        return self._positions[start : start + self._batch_size]

    def inputs(self, index: int) -> tuple[np.ndarray, ...]:
        """Return the inputs of the network for batch ``index``, padded if the backend needs it."""
        positions = self.positions(index)
        rows = self._rows[positions]
        self.fed[rows] = True
        if self._policy.fixed_batch and len(rows) < self._batch_size:
            rows = np.concatenate([rows, np.repeat(rows[-1:], self._batch_size - len(rows))])
        return self._source.gather(rows, self._view, self._policy)

    def rows_of(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return row numbers, targets and weights of batch ``index``, without inputs."""
        positions = self.positions(index)
        rows = self._rows[positions]
        self.fed[rows] = True
        return rows, self._targets[positions], self._weights[positions]

    def __getitem__(self, index: int):
        """Return ``(inputs, targets, weights)`` of batch ``index`` of this epoch."""
        positions = self.positions(index)
        targets, weights = self._targets[positions], self._weights[positions]
        missing = self._batch_size - len(positions) if self._policy.fixed_batch else 0
        if missing:
            # Rows that only fill the batch have weight 0; others have larger ones, because Keras
            # divides by the size of the batch.
            factor = np.float32(self._batch_size / len(positions))
            weights = np.concatenate([weights * factor, np.zeros(missing, np.float32)])
            targets = np.concatenate([targets, np.repeat(targets[-1:], missing, axis=0)])
        return self.inputs(index), targets, weights

    def fed_rows(self) -> np.ndarray:
        """Return the rows that were used so far, ascending: a record, not the plan."""
        return np.flatnonzero(self.fed)
