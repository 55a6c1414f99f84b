"""One model while it trains: its weights, its forward pass, its slopes, its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textcnn.neural.engine import kernels
from textcnn.neural.engine.activations import activate, slope_times
from textcnn.neural.engine.layout import Design, Parameters
from textcnn.neural.engine.losses import loss_and_slopes
from textcnn.neural.engine.words import ColumnWords, WordBatch, Workspace
from textcnn.neural.optimizer import TABLE_RATE

# Keras' defaults of Adam.
DECAY_OF_MEAN = 0.9
DECAY_OF_SQUARE = 0.999
EPSILON = np.float32(1e-7)
# A product of matrices makes about so many times the multiplications of sums over single windows in
# the same time.
PRODUCT_SPEED = 5.0


@dataclass
class TableSlopes:
    """What some rows of a table learn from a batch."""

    path: str
    rows: np.ndarray  # int32 (n_rows,), each once
    sums: np.ndarray  # float32 (n_rows, dim)


@dataclass
class _Pass:
    """What a forward pass leaves for the way back."""

    batches: list[WordBatch]
    winners: np.ndarray  # int32 (n_rows, n_features), where windows with the maximum start
    maps: list  # of AveragedMaps, one per convolution where averages are taken
    layers: list[np.ndarray]  # what goes into each dense layer, dropout applied to the last
    keep: np.ndarray | None  # float32, what dropout multiplied by
    raw: np.ndarray  # float32 (n_rows, n_outputs)


@dataclass
class _Winning:
    """Slopes of the largest sums of one convolution: its columns among those of all."""

    winners: np.ndarray
    slopes: np.ndarray
    first: int


def averaged_maps(products, batch: WordBatch, width: int, bias, activation: str):
    """Return feature maps and the way back from their averages; few networks need it compiled."""
    from textcnn.neural.engine.averages import AveragedMaps

    return AveragedMaps.of(products, batch, width, bias, activation)


class EngineNetwork:
    """A network of one model, with weights of its own.

    Parameters
    ----------
    design : Design
    loss : str
        One of ``heads.LOSSES``.
    columns : list of ColumnWords
    flat : ndarray of float32
        All weights but tables, laid out as ``Parameters`` says; changed in place.
    offset : ndarray of float32, shape (n_outputs,)
        Level that training adds to the raw outputs.
    """

    def __init__(
        self, design: Design, loss: str, columns: list[ColumnWords], flat: np.ndarray, offset
    ):
        self.design, self.loss, self.columns = design, loss, columns
        self.flat, self.offset = flat, np.asarray(offset, np.float32)
        self.parameters = Parameters(design)
        self.weights = self.parameters.views(flat)
        self._flat_slopes = np.zeros_like(flat)
        self.slopes = self.parameters.views(self._flat_slopes)
        self._means, self._squares = np.zeros_like(flat), np.zeros_like(flat)
        self._n_updates = 0
        self._work = Workspace()
        self._table_steps = {
            table.path: _TableSteps(table.vectors)
            for column in columns
            for table in column.tables
            if table.path is not None
        }

    @property
    def tables(self) -> dict[str, np.ndarray]:
        """The tables that this model owns, by their Keras paths."""
        return {path: steps.table for path, steps in self._table_steps.items()}

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        """Return raw outputs without the level, float32 (n_rows, n_outputs)."""
        return self._forward(rows, None).raw

    def loss_of(self, rows: np.ndarray, targets, weights) -> float:
        """Return the loss of a batch without dropout, penalties left out."""
        return loss_and_slopes(self.loss, self.outputs(rows) + self.offset, targets, weights)[0]

    def penalty(self) -> float:
        """Return what l2 adds to the loss."""
        if not self.design.settings.l2:
            return 0.0
        held_down = self.flat[: self.parameters.n_regularized].astype(float)
        return self.design.settings.l2 * float(held_down @ held_down)

    def gradients(
        self, rows: np.ndarray, targets, weights, keep: np.ndarray | None
    ) -> tuple[float, list[TableSlopes]]:
        """Fill ``slopes`` from a batch; return its loss and what the tables learn.

        Parameters
        ----------
        rows : ndarray of int64
        targets : ndarray of float32, shape (n_rows, n_outputs)
        weights : ndarray of float32, shape (n_rows,)
        keep : ndarray of float32, shape (n_rows, n_units), or None
            What dropout multiplies the last features by.
        """
        done = self._forward(rows, keep)
        loss, slopes = loss_and_slopes(self.loss, done.raw + self.offset, targets, weights)
        slopes = self._back_through_dense(done, slopes)
        slopes, window_slopes = self._back_through_poolings(done, slopes)
        table_slopes = list(self._back_through_words(done, slopes, window_slopes))
        loss += self.penalty()
        if self.design.settings.l2:
            n_regularized = self.parameters.n_regularized
            factor = np.float32(2 * self.design.settings.l2)
            self._flat_slopes[:n_regularized] += factor * self.flat[:n_regularized]
        return loss, table_slopes

    def step(self, table_slopes: list[TableSlopes], rate: float) -> None:
        """Move the weights by what :meth:`gradients` found, and forget it."""
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
            self._table_steps[learnt.path].step(learnt, np.float32(rate * TABLE_RATE))

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of the weights under Keras' paths."""
        return self.parameters.exported(self.flat, self.tables)

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Put weights back that :meth:`state` returned."""
        self.flat[:] = self.parameters.imported(state)
        for path, table in self.tables.items():
            table[:] = state[path]

    def _forward(self, rows: np.ndarray, keep) -> _Pass:
        activation = self.design.settings.activation
        batches = [column.batch(rows) for column in self.columns]
        pooled, winners, maps = self._pooled(batches, len(rows))
        layers = [pooled]
        for number in range(len(self.design.settings.dense_units)):
            summed = layers[-1] @ self.weights["dense", number]
            layers.append(activate(activation, summed + self.weights["dense_bias", number]))
        if keep is not None:
            layers.append(layers[-1] * keep)
        raw = layers[-1] @ self.weights["dense", len(self.design.settings.dense_units)]
        return _Pass(batches, winners, maps, layers, keep, raw)

    def _pooled(self, batches: list[WordBatch], n_rows: int):
        """Return pooled feature maps, where maxima lie, and the maps whose averages were taken."""
        settings = self.design.settings
        n_filters, n_poolings = settings.n_filters, self.design.n_poolings
        pooled = self._work.array("pooled", (n_rows, self.design.n_features))
        winners = self._work.array("winners", pooled.shape, np.int32)
        totals = self._work.array("totals", (3, n_filters))
        maps = []
        by_branch = pooled.reshape(n_rows, -1, n_poolings, n_filters)
        for number, (column, branch, width) in enumerate(self.design.branches()):
            batch = batches[column]
            kernel = self.weights["kernel", column, branch]
            products = self._work.array("products", (len(batch.vectors), len(kernel)))
            np.matmul(batch.vectors, kernel.T, out=products)
            products = products.reshape(-1, n_filters)
            if settings.pooling != "average":
                kernels.window_maximum(
                    products,
                    batch.line,
                    batch.starts,
                    batch.ends,
                    n_rows,
                    width,
                    number * n_poolings * n_filters,
                    pooled,
                    winners,
                    totals,
                )
            if settings.pooling != "max":
                bias = self.weights["biases"][number]
                maps.append(averaged_maps(products, batch, width, bias, settings.activation))
                by_branch[:, number, -1] = maps[-1].averages()
        if settings.pooling == "average":
            return pooled, winners, maps
        # The bias moves all windows of a filter alike, so it may come after the maximum.
        largest = activate(settings.activation, by_branch[:, :, 0] + self.weights["biases"])
        if settings.pooling == "max":
            return largest.reshape(n_rows, -1), winners, maps
        by_branch[:, :, 0] = largest
        return pooled, winners, maps

    def _back_through_dense(self, done: _Pass, slopes: np.ndarray) -> np.ndarray:
        """Return slopes with respect to the pooled feature maps."""
        activation = self.design.settings.activation
        n_dense = len(self.design.settings.dense_units)
        layers = list(done.layers)
        np.matmul(layers[-1].T, slopes, out=self.slopes["dense", n_dense])
        slopes = slopes @ self.weights["dense", n_dense].T
        if done.keep is not None:
            slopes *= done.keep
            layers.pop()
        for number in reversed(range(n_dense)):
            slopes = slope_times(activation, layers.pop(), slopes)
            np.matmul(layers[-1].T, slopes, out=self.slopes["dense", number])
            np.sum(slopes, axis=0, out=self.slopes["dense_bias", number])
            slopes = slopes @ self.weights["dense", number].T
        return slopes

    def _back_through_poolings(self, done: _Pass, slopes: np.ndarray):
        """Fill the biases' slopes; return those of the largest sums, and of windows averaged."""
        settings = self.design.settings
        shape = (len(slopes), -1, self.design.n_poolings, settings.n_filters)
        slopes, biases = slopes.reshape(shape), self.slopes["biases"]
        window_slopes = []
        for number, maps in enumerate(done.maps):
            window_slopes.append(maps.slopes(slopes[:, number, -1], settings.activation))
            biases[number] = window_slopes[-1].sum(axis=0)
        if settings.pooling == "average":
            return np.zeros((len(slopes), self.design.n_features), np.float32), window_slopes
        largest = done.layers[0].reshape(shape)[:, :, 0]
        through = slope_times(settings.activation, largest, slopes[:, :, 0])
        biases += through.sum(axis=0)
        if settings.pooling == "both":
            slopes[:, :, 0] = through
            through = slopes
        return np.ascontiguousarray(through.reshape(len(slopes), -1), np.float32), window_slopes

    def _back_through_words(
        self, done: _Pass, slopes: np.ndarray, window_slopes: list[np.ndarray]
    ) -> Iterator[TableSlopes]:
        """Fill the slopes of kernels; yield those of tables, column after column."""
        n_filters = self.design.settings.n_filters
        vector_slopes = []
        for number, batch in enumerate(done.batches):
            learnt_channels = batch.vectors.shape[1] - self.design.n_frozen(number)
            shape = (len(batch.vectors), learnt_channels)
            vector_slopes.append(self._work.array(f"vector_slopes_{number}", shape))
            vector_slopes[-1][:] = 0
        for number, (column, branch, width) in enumerate(self.design.branches()):
            winning = _Winning(done.winners, slopes, number * self.design.n_poolings * n_filters)
            averaged = (done.maps[number], window_slopes[number]) if done.maps else None
            self._back_through_windows(
                done.batches[column],
                winning,
                averaged,
                width,
                (column, branch),
                vector_slopes[column],
            )
        for column, batch, learnt in zip(self.columns, done.batches, vector_slopes, strict=True):
            first = 0
            for table in column.tables:
                if table.path is not None:
                    steps = self._table_steps[table.path]
                    yield steps.sum_by_row(table.path, learnt, first, table.row_of_kind, batch)
                    first += table.vectors.shape[1]

    def _back_through_windows(self, batch, winning, averaged, width, place, vector_slopes):
        """Add up what one convolution and its words learn, by the way that is cheaper."""
        kernel, kernel_slopes = self.weights["kernel", *place], self.slopes["kernel", *place]
        n_frozen = self.design.n_frozen(place[0])
        n_filters = self.design.settings.n_filters
        n_numbers = len(batch.vectors)
        winners, slopes, first = winning.winners, winning.slopes, winning.first
        n_winning = np.count_nonzero(slopes[:, first : first + n_filters])
        if averaged is None and n_winning * PRODUCT_SPEED < n_numbers * n_filters:
            kernels.winning_gradients(
                batch.vectors,
                kernel,
                batch.line,
                winners,
                slopes,
                first,
                width,
                n_frozen,
                kernel_slopes,
                vector_slopes,
            )
            return
        product_slopes = self._work.array("products", (n_numbers, len(kernel)))
        product_slopes[:] = 0
        by_place = product_slopes.reshape(-1, n_filters)
        if averaged is not None:
            maps, window_slopes = averaged
            maps.scatter(window_slopes, batch.line, by_place)
        if self.design.settings.pooling != "average":
            kernels.scatter_slopes(batch.line, winners, slopes, first, width, by_place)
        np.matmul(product_slopes.T, batch.vectors, out=kernel_slopes)
        if vector_slopes.shape[1]:
            vector_slopes += product_slopes @ kernel[:, n_frozen:]


class _TableSteps:
    """Adagrad on the rows of one table."""

    def __init__(self, table: np.ndarray):
        self.table = table
        self._squares = np.zeros_like(table)
        self._last_tag = np.zeros(len(table), np.int64)
        self._place_of = np.zeros(len(table), np.int32)
        self._tag = 0
        self._work = Workspace()

    def sum_by_row(self, path: str, vector_slopes, first: int, row_of_kind, batch) -> TableSlopes:
        """Return what the rows of the table learn, where several kinds of word may share one."""
        self._tag += 1
        n_numbers, dim = len(batch.vectors), self.table.shape[1]
        sums = self._work.array("sums", (n_numbers, dim))
        rows = self._work.array("rows", (n_numbers,), np.int32)
        n_rows = kernels.sum_by_row(
            vector_slopes,
            first,
            dim,
            row_of_kind,
            batch.kinds,
            n_numbers,
            self._last_tag,
            self._place_of,
            self._tag,
            sums,
            rows,
        )
        return TableSlopes(path, rows[:n_rows], sums[:n_rows])

    def step(self, learnt: TableSlopes, rate) -> None:
        """Move the rows."""
        kernels.adagrad_rows(
            self.table, self._squares, learnt.sums, learnt.rows, len(learnt.rows), rate, EPSILON
        )
