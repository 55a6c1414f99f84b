"""What a network is made of: its variables by Keras paths, and all but tables as one array."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

TABLE_SCALE = 0.05  # standard deviation of learnt vectors at the start


@dataclass(frozen=True)
class Design:
    """A text network as the engine sees it: plain settings, sizes of tables, raw outputs."""

    settings: Any  # textcnn.text.network.TextNetworkSettings
    columns: tuple  # of textcnn.text.network.ColumnTables
    n_outputs: int

    @property
    def n_poolings(self) -> int:
        """In how many ways each feature map is pooled."""
        return 2 if self.settings.pooling == "both" else 1

    @property
    def n_features(self) -> int:
        """Pooled feature maps, of all columns and kernel sizes."""
        n_branches = len(self.columns) * len(self.settings.kernel_sizes)
        return n_branches * self.n_poolings * self.settings.n_filters

    @property
    def dense_sizes(self) -> list[tuple[int, int]]:
        """Inputs and units of each dense layer, the raw outputs' included."""
        sizes = [self.n_features, *self.settings.dense_units, self.n_outputs]
        return list(zip(sizes[:-1], sizes[1:], strict=True))

    def branches(self) -> Iterator[tuple[int, int, int]]:
        """Yield (column, branch, kernel size) of each convolution, as Keras orders them."""
        for column in range(len(self.columns)):
            for branch, width in enumerate(self.settings.kernel_sizes):
                yield column, branch, width

    def n_frozen(self, column: int) -> int:
        """Return how many channels of a column's vectors no model changes."""
        return 0 if self.settings.trainable_embeddings else self.columns[column].given_dim

    def table_shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shapes of the tables that a model owns, by their Keras paths."""
        shapes = {}
        for column, tables in enumerate(self.columns):
            if tables.given_dim and self.settings.trainable_embeddings:
                shapes[f"given_{column}/embeddings"] = (tables.given_rows, tables.given_dim)
            if tables.learned_dim:
                shapes[f"learned_{column}/embeddings"] = (tables.learned_rows, tables.learned_dim)
        return shapes


class Parameters:
    """One array of all weights but tables, so that a step of Adam is one loop, and views of it.

    A convolution is a row of channels for each place in its window and filter: given and learnt
    channels side by side. Kernels come before biases, so that what l2 holds down lies together.
    """

    def __init__(self, design: Design):
        self.design = design
        sizes = design.settings.n_filters
        shapes: dict[Any, tuple[int, ...]] = {}
        for column, branch, width in design.branches():
            shapes["kernel", column, branch] = (width * sizes, design.columns[column].dim)
        for number, size in enumerate(design.dense_sizes):
            shapes["dense", number] = size
        self.n_regularized = sum(map(math.prod, shapes.values()))
        n_biases = sum(1 for _ in design.branches())
        shapes["biases"] = (n_biases, sizes)
        for number, (_, units) in enumerate(design.dense_sizes[:-1]):
            shapes["dense_bias", number] = (units,)
        self._shapes = shapes
        self.size = sum(map(math.prod, shapes.values()))

    def views(self, flat: np.ndarray) -> dict:
        """Return the parts of an array of this layout, by what they are."""
        parts, start = {}, 0
        for key, shape in self._shapes.items():
            size = math.prod(shape)
            parts[key] = flat[start : start + size].reshape(shape)
            start += size
        return parts

    def started(self, random: np.random.Generator) -> np.ndarray:
        """Return fresh weights, from the distributions that the Keras network draws from."""
        flat = np.zeros(self.size, np.float32)
        parts = self.views(flat)
        n_filters = self.design.settings.n_filters
        for key, part in parts.items():
            if key[0] == "kernel":
                width = part.shape[0] // n_filters
                limit = math.sqrt(6 / (width * (part.shape[1] + n_filters)))
            elif key[0] == "dense":
                limit = math.sqrt(6 / sum(part.shape))
            else:
                continue
            part[...] = random.uniform(-limit, limit, part.shape)
        return flat

    def exported(self, flat: np.ndarray, tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return copies of a model's weights under the paths and in the order that Keras has."""
        parts, weights = self.views(flat), {}
        for path in self.design.table_shapes():
            weights[path] = tables[path].copy()
        for number, (column, branch, width) in enumerate(self.design.branches()):
            kernel = parts["kernel", column, branch]
            kernel = kernel.reshape(width, -1, kernel.shape[1]).transpose(0, 2, 1)
            for part, (first, last) in enumerate(self._channel_parts(column)):
                name = f"convolution_{column}_{branch}_0_{part}"
                weights[f"{name}/kernel"] = kernel[:, first:last].copy()
                if part == 0:
                    weights[f"{name}/bias"] = parts["biases"][number].copy()
        n_dense = len(self.design.settings.dense_units)
        for number in range(n_dense):
            weights[f"dense_{number}/kernel"] = parts["dense", number].copy()
            weights[f"dense_{number}/bias"] = parts["dense_bias", number].copy()
        weights["raw_output/kernel"] = parts["dense", n_dense].copy()
        return weights

    def imported(self, weights: dict[str, np.ndarray]) -> np.ndarray:
        """Return the array of weights that have Keras' paths and shapes."""
        flat = np.empty(self.size, np.float32)
        parts = self.views(flat)
        for number, (column, branch, _) in enumerate(self.design.branches()):
            name = f"convolution_{column}_{branch}_0"
            kernel = np.concatenate(
                [
                    weights[f"{name}_{part}/kernel"]
                    for part in range(len(self._channel_parts(column)))
                ],
                axis=1,
            )
            kernel = kernel.transpose(0, 2, 1).reshape(-1, kernel.shape[1])
            parts["kernel", column, branch][...] = kernel
            parts["biases"][number] = weights[f"{name}_0/bias"]
        n_dense = len(self.design.settings.dense_units)
        for number in range(n_dense):
            parts["dense", number][...] = weights[f"dense_{number}/kernel"]
            parts["dense_bias", number][...] = weights[f"dense_{number}/bias"]
        parts["dense", n_dense][...] = weights["raw_output/kernel"]
        return flat

    def _channel_parts(self, column: int) -> list[tuple[int, int]]:
        """Return where the channels of a column begin and end that Keras convolves apart."""
        tables = self.design.columns[column]
        n_frozen = self.design.n_frozen(column)
        if n_frozen and tables.learned_dim:
            return [(0, n_frozen), (n_frozen, tables.dim)]
        return [(0, tables.dim)]


def started_tables(
    design: Design, given: dict[str, np.ndarray], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the tables that a model owns, as they are before training.

    Parameters
    ----------
    design : Design
    given : dict of str to ndarray
        Given vectors by layer name, as ``RowSource.tables`` returns them.
    random : numpy.random.Generator
        Draws the learnt vectors.
    """
    tables = {}
    for path, shape in design.table_shapes().items():
        layer = path.partition("/")[0]
        if layer in given:
            tables[path] = np.zeros(shape, np.float32)
            tables[path][: len(given[layer])] = given[layer]
        else:
            tables[path] = random.standard_normal(shape, np.float32) * np.float32(TABLE_SCALE)
    return tables
