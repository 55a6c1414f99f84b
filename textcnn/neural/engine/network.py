"""A model in training: its weights, forward pass, gradients and steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textcnn.neural.engine import kernels
from textcnn.neural.engine.activations import ACTIVATIONS
from textcnn.neural.engine.layout import Design
from textcnn.neural.engine.losses import loss_and_slopes
from textcnn.neural.engine.words import ColumnWords, Table, WordBatch
from textcnn.neural.optimizer import TABLE_RATE

# Keras' defaults of Adam.
DECAY_OF_MEAN = 0.9
DECAY_OF_SQUARE = 0.999
EPSILON = np.float32(1e-7)
# Multiplications in a product of matrices, relative to sums over single windows in the same time.
PRODUCT_SPEED = 5.0


@dataclass
class TableSlopes:
    """Gradients of some rows of a table from a batch."""

    path: str
    rows: np.ndarray  # int32 (n_rows,), each once
    sums: np.ndarray  # float32 (n_rows, dim)


@dataclass
class _Pass:
    """Results of a forward pass that the backward pass needs."""

    batches: list[WordBatch]
    winners: np.ndarray  # int32 (n_rows, n_features), starts of the maximum windows
    maps: list  # of AveragedMaps, one per convolution with averages
    layers: list[np.ndarray]  # inputs of dense layers, dropout applied to the last
    keep: np.ndarray | None  # float32, factors of dropout
    raw: np.ndarray  # float32 (n_rows, n_outputs)


def averaged_maps(products, batch: WordBatch, width: int, bias, activate: Callable):
    """Return averaged feature maps; imported here, because few networks need the code."""
    from textcnn.neural.engine.averages import AveragedMaps

    return AveragedMaps.of(products, batch, width, bias, activate)


class EngineNetwork:
    """A network of one model, with its own weights.

    Parameters
    ----------
    design : Design
    loss : str
        One of ``heads.LOSSES``.
    columns : list of ColumnWords
    flat : ndarray of float32
        All weights except tables, in the layout of the design; changed in place.
    offset : ndarray of float32, shape (n_outputs,)
        Base rate that is added to the raw outputs in training.
    """

    def __init__(
        self, design: Design, loss: str, columns: list[ColumnWords], flat: np.ndarray, offset
    ):
        self.design, self.loss, self.columns = design, loss, columns
        self.flat, self.offset = flat, np.asarray(offset, np.float32)
        self.weights = design.views(flat)
        self._flat_slopes = np.zeros_like(flat)
        self.slopes = design.views(self._flat_slopes)
        self._means, self._squares = np.zeros_like(flat), np.zeros_like(flat)
        self._n_updates = 0
        self._activate, self._slope_times = ACTIVATIONS[design.settings.activation]
        self._totals = np.empty((3, design.settings.n_filters), np.float32)
        self._n_rows = self._n_numbers = 0  # size of the arrays
        self.tables: dict[str, np.ndarray] = {}  # trainable ones, by their Keras paths
        self._table_steps: dict[str, _TableSteps] = {}
        for number, column in enumerate(columns):
            first = 0
            for table in column.tables:
                if table.path is not None:
                    self.tables[table.path] = table.vectors
                    self._table_steps[table.path] = _TableSteps(table, number, first)
                    first += table.vectors.shape[1]

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        """Return raw outputs without the base rate, float32 (n_rows, n_outputs)."""
        return self._forward(rows, None).raw

    def loss_of(self, rows: np.ndarray, targets, weights) -> float:
        """Return the loss of a batch without dropout and penalties."""
        return loss_and_slopes(self.loss, self.outputs(rows) + self.offset, targets, weights)[0]

    def penalty(self) -> float:
        """Return the l2 penalty."""
        if not self.design.settings.l2:
            return 0.0
        held_down = self.flat[: self.design.n_regularized].astype(float)
        return self.design.settings.l2 * float(held_down @ held_down)

    def gradients(
        self, rows: np.ndarray, targets, weights, keep: np.ndarray | None
    ) -> tuple[float, list[TableSlopes]]:
        """Fill ``slopes`` from a batch; return its loss and the gradients of tables.

        Parameters
        ----------
        rows : ndarray of int64
        targets : ndarray of float32, shape (n_rows, n_outputs)
        weights : ndarray of float32, shape (n_rows,)
        keep : ndarray of float32, shape (n_rows, n_units), or None
            Factors of dropout for the last features.
        """
        done = self._forward(rows, keep)
        loss, slopes = loss_and_slopes(self.loss, done.raw + self.offset, targets, weights)
        slopes = self._back_through_dense(done, slopes)
        slopes, window_slopes = self._back_through_poolings(done, slopes)
        vector_slopes = self._back_through_windows(done, slopes, window_slopes)
        table_slopes = [
            steps.sum_by_row(vector_slopes[steps.column], done.batches[steps.column])
            for steps in self._table_steps.values()
        ]
        if self.design.settings.l2:
            loss += self.penalty()
            n_regularized = self.design.n_regularized
            factor = np.float32(2 * self.design.settings.l2)
            self._flat_slopes[:n_regularized] += factor * self.flat[:n_regularized]
        return loss, table_slopes

    def step(self, table_slopes: list[TableSlopes], rate: float) -> None:
        """Update the weights by the result of :meth:`gradients`, and reset it."""
        self._n_updates += 1
        correction = math.sqrt(1 - DECAY_OF_SQUARE**self._n_updates)
        correction /= 1 - DECAY_OF_MEAN**self._n_updates
        kernels.adam(
            self.flat,
            self._flat_slopes,
            self._means,
            self._squares,
            np.float32(rate * correction),
            np.float32(1 - DECAY_OF_MEAN),
            np.float32(1 - DECAY_OF_SQUARE),
            EPSILON,
        )
        for learnt in table_slopes:
            kernels.adagrad_rows(
                self.tables[learnt.path],
                self._table_steps[learnt.path].squares,
                learnt.sums,
                learnt.rows,
                len(learnt.rows),
                np.float32(rate * TABLE_RATE),
                EPSILON,
            )

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by their Keras paths."""
        return self.design.exported(self.weights, self.tables)

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore weights that :meth:`state` returned."""
        self.flat[:] = self.design.imported(state)
        for path, table in self.tables.items():
            table[:] = state[path]

    def _forward(self, rows: np.ndarray, keep) -> _Pass:
        batches = [column.batch(rows) for column in self.columns]
        n_numbers = max(len(batch.vectors) for batch in batches)
        if len(rows) > self._n_rows or n_numbers > self._n_numbers:
            self._make_room(len(rows), n_numbers)
        pooled, winners, maps = self._pooled(batches, len(rows))
        layers = [pooled]
        for number in range(self.design.n_dense):
            summed = layers[-1] @ self.weights["dense", number]
            layers.append(self._activate(summed + self.weights["dense_bias", number]))
        if keep is not None:
            layers.append(layers[-1] * keep)
        raw = layers[-1] @ self.weights["dense", self.design.n_dense]
        return _Pass(batches, winners, maps, layers, keep, raw)

    def _make_room(self, n_rows: int, n_numbers: int) -> None:
        """Allocate arrays for batches of up to this size plus a quarter.

        They are reused in every batch.
        """
        self._n_rows = n_rows = max(self._n_rows, n_rows + n_rows // 4)
        self._n_numbers = n_numbers = max(self._n_numbers, n_numbers + n_numbers // 4)
        self._feature_maps = np.empty((n_rows, self.design.n_features), np.float32)
        self._winners = np.empty((n_rows, self.design.n_features), np.int32)
        n_products = max(len(self.weights["kernel", x.number]) for x in self.design.convolutions)
        self._products = np.empty(n_numbers * n_products, np.float32)
        self._vector_slopes = {
            x.column: np.empty(
                (n_numbers, self.weights["kernel", x.number].shape[1] - x.n_frozen), np.float32
            )
            for x in self.design.convolutions
        }

    def _pooled(self, batches: list[WordBatch], n_rows: int):
        """Return pooled feature maps, positions of maxima, and averaged maps."""
        settings = self.design.settings
        n_filters, n_poolings = settings.n_filters, self.design.n_poolings
        pooled, winners = self._feature_maps[:n_rows], self._winners[:n_rows]
        maps = []
        by_branch = pooled.reshape(n_rows, -1, n_poolings, n_filters)
        for convolution in self.design.convolutions:
            batch, number = batches[convolution.column], convolution.number
            kernel = self.weights["kernel", number]
            n_numbers = len(batch.vectors)
            products = self._products[: n_numbers * len(kernel)].reshape(n_numbers, -1)
            np.matmul(batch.vectors, kernel.T, out=products)
            products = products.reshape(-1, n_filters)
            if settings.pooling != "average":
                kernels.window_maximum(
                    products,
                    batch.line,
                    batch.starts,
                    batch.ends,
                    n_rows,
                    convolution.width,
                    number * n_poolings * n_filters,
                    pooled,
                    winners,
                    self._totals,
                )
            if settings.pooling != "max":
                bias = self.weights["biases"][number]
                maps.append(averaged_maps(products, batch, convolution.width, bias, self._activate))
                by_branch[:, number, -1] = maps[-1].averages()
        if settings.pooling == "average":
            return pooled, winners, maps
        # The bias is equal for all windows of a filter, so it can be added after the maximum.
        largest = self._activate(by_branch[:, :, 0] + self.weights["biases"])
        if settings.pooling == "max":
            return largest.reshape(n_rows, -1), winners, maps
        by_branch[:, :, 0] = largest
        return pooled, winners, maps

    def _back_through_dense(self, done: _Pass, slopes: np.ndarray) -> np.ndarray:
        """Return gradients of the pooled feature maps."""
        n_dense = self.design.n_dense
        layers = list(done.layers)
        np.matmul(layers[-1].T, slopes, out=self.slopes["dense", n_dense])
        slopes = slopes @ self.weights["dense", n_dense].T
        if done.keep is not None:
            slopes *= done.keep
            layers.pop()
        for number in reversed(range(n_dense)):
            slopes = self._slope_times(layers.pop(), slopes)
            np.matmul(layers[-1].T, slopes, out=self.slopes["dense", number])
            np.sum(slopes, axis=0, out=self.slopes["dense_bias", number])
            slopes = slopes @ self.weights["dense", number].T
        return slopes

    def _back_through_poolings(self, done: _Pass, slopes: np.ndarray):
        """Fill the gradients of biases; return those of maxima and of averaged windows."""
        settings = self.design.settings
        shape = (len(slopes), -1, self.design.n_poolings, settings.n_filters)
        slopes, biases = slopes.reshape(shape), self.slopes["biases"]
        window_slopes = []
        for number, maps in enumerate(done.maps):
            window_slopes.append(maps.slopes(slopes[:, number, -1], self._slope_times))
            biases[number] = window_slopes[-1].sum(axis=0)
        if settings.pooling == "average":
            return np.zeros((len(slopes), self.design.n_features), np.float32), window_slopes
        largest = done.layers[0].reshape(shape)[:, :, 0]
        through = self._slope_times(largest, slopes[:, :, 0])
        biases += through.sum(axis=0)
        if settings.pooling == "both":
            slopes[:, :, 0] = through
            through = slopes
        return np.ascontiguousarray(through.reshape(len(slopes), -1), np.float32), window_slopes

    def _back_through_windows(
        self, done: _Pass, slopes: np.ndarray, window_slopes: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Fill the gradients of kernels; return those of the trainable vectors of each column.

        Each convolution uses the faster method: single maximum windows, or all products of words
        and kernel at once.
        """
        n_filters = self.design.settings.n_filters
        winners = done.winners
        vector_slopes = []
        for column, batch in enumerate(done.batches):
            vector_slopes.append(self._vector_slopes[column][: len(batch.vectors)])
            vector_slopes[-1][:] = 0
        for convolution in self.design.convolutions:
            number, width = convolution.number, convolution.width
            kernel, kernel_slopes = self.weights["kernel", number], self.slopes["kernel", number]
            batch, learnt = done.batches[convolution.column], vector_slopes[convolution.column]
            n_numbers = len(batch.vectors)
            first = number * self.design.n_poolings * n_filters
            n_winning = np.count_nonzero(slopes[:, first : first + n_filters])
            if not done.maps and n_winning * PRODUCT_SPEED < n_numbers * n_filters:
                kernels.winning_gradients(
                    batch.vectors,
                    kernel,
                    batch.line,
                    winners,
                    slopes,
                    first,
                    width,
                    convolution.n_frozen,
                    kernel_slopes,
                    learnt,
                )
                continue
            product_slopes = self._products[: n_numbers * len(kernel)].reshape(n_numbers, -1)
            product_slopes[:] = 0
            by_place = product_slopes.reshape(-1, n_filters)
            if done.maps:
                done.maps[number].scatter(window_slopes[number], batch.line, by_place)
            if self.design.settings.pooling != "average":
                kernels.scatter_slopes(batch.line, winners, slopes, first, width, by_place)
            np.matmul(product_slopes.T, batch.vectors, out=kernel_slopes)
            if learnt.shape[1]:
                learnt += product_slopes @ kernel[:, convolution.n_frozen :]
        return vector_slopes


class _TableSteps:
    """State of Adagrad for the rows of one table.

    Parameters
    ----------
    table : Table
    column : int
        The column whose words have these vectors.
    first : int
        Its first channel among the trainable channels of the column.
    """

    def __init__(self, table: Table, column: int, first: int):
        self.column = column
        self.squares = np.zeros_like(table.vectors)
        self._path, self._row_of_kind, self._first = table.path, table.row_of_kind, first
        self._last_tag = np.zeros(len(table.vectors), np.int64)
        self._place_of = np.zeros(len(table.vectors), np.int32)
        self._tag = 0
        self._rows = np.empty(0, np.int32)

    def sum_by_row(self, vector_slopes: np.ndarray, batch: WordBatch) -> TableSlopes:
        """Return gradients of the rows of the table, which several kinds of word may share."""
        self._tag += 1
        n_numbers, dim = len(batch.vectors), self.squares.shape[1]
        if n_numbers > len(self._rows):  # space for batches that are a quarter larger
            self._rows = np.empty(n_numbers + n_numbers // 4, np.int32)
            self._sums = np.empty((len(self._rows), dim), np.float32)
        n_rows = kernels.sum_by_row(
            vector_slopes,
            self._first,
            dim,
            self._row_of_kind,
            batch.kinds,
            n_numbers,
            self._last_tag,
            self._place_of,
            self._tag,
            self._sums,
            self._rows,
        )
        return TableSlopes(self._path, self._rows[:n_rows], self._sums[:n_rows])
