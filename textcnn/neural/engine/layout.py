"""Layout of a network: its variables by Keras paths, and all except tables as one array."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

TABLE_SCALE = 0.05  # initial standard deviation of trainable vectors


@dataclass(frozen=True)
class Convolution:
    """One convolution of a network: the windows of one width over the words of one column."""

    number: int  # among all of the network, as Keras orders them
    column: int
    width: int
    name: str  # prefix of the Keras paths of its variables
    n_frozen: int  # number of first channels of a word, which are frozen
    parts: list[tuple[int, int]]  # ranges of channels that Keras convolves separately


class Design:
    """A text network for the engine, and the layout of all of its weights except tables.

    Weights are views of one array, so that a step of Adam is one loop. A convolution has a row of
    channels for each position in its window and filter: pretrained channels, then trainable ones.
    Kernels come before biases, so that weights with an l2 penalty are contiguous.

    Parameters
    ----------
    settings : textcnn.text.network.TextNetworkSettings
    columns : tuple of textcnn.text.network.ColumnTables
    n_outputs : int
        Number of raw outputs.
    """

    def __init__(self, settings: Any, columns: tuple, n_outputs: int):
        self.settings, self.columns, self.n_outputs = settings, columns, n_outputs
        self.n_poolings = 2 if settings.pooling == "both" else 1  # of each feature map
        self.convolutions: list[Convolution] = []
        self.table_shapes: dict[str, tuple[int, int]] = {}  # of the trainable ones
        shapes: dict[Any, tuple[int, ...]] = {}
        for column, tables in enumerate(columns):
            n_channels = tables.given_dim + tables.learned_dim
            n_frozen = 0 if settings.trainable_embeddings else tables.given_dim
            if tables.given_dim and settings.trainable_embeddings:
                size = tables.given_rows, tables.given_dim
                self.table_shapes[f"given_{column}/embeddings"] = size
            if tables.learned_dim:
                size = tables.learned_rows, tables.learned_dim
                self.table_shapes[f"learned_{column}/embeddings"] = size
            parts = [(0, n_channels)]
            if n_frozen and tables.learned_dim:
                parts = [(0, n_frozen), (n_frozen, n_channels)]
            for branch, width in enumerate(settings.kernel_sizes):
                number = len(self.convolutions)
                name = f"convolution_{column}_{branch}_0"
                found = Convolution(number, column, width, name, n_frozen, parts)
                self.convolutions.append(found)
                shapes["kernel", number] = (width * settings.n_filters, n_channels)
        # Pooled feature maps, of all columns and kernel sizes.
        self.n_features = len(self.convolutions) * self.n_poolings * settings.n_filters
        self.n_dense = len(settings.dense_units)  # dense layers before the raw outputs
        sizes = [self.n_features, *settings.dense_units, n_outputs]
        for number in range(self.n_dense + 1):
            shapes["dense", number] = (sizes[number], sizes[number + 1])
        self.n_regularized = sum(map(math.prod, shapes.values()))
        shapes["biases"] = (len(self.convolutions), settings.n_filters)
        for number, units in enumerate(settings.dense_units):
            shapes["dense_bias", number] = (units,)
        self.n_last = sizes[-2]  # number of inputs of the raw outputs
        self.size = sum(map(math.prod, shapes.values()))
        self._shapes = shapes

    def views(self, flat: np.ndarray) -> dict:
        """Return the parts of an array of this layout, by name."""
        parts, start = {}, 0
        for key, shape in self._shapes.items():
            size = math.prod(shape)
            parts[key] = flat[start : start + size].reshape(shape)
            start += size
        return parts

    def started(self, random: np.random.Generator) -> np.ndarray:
        """Return initial weights, from the distributions of the Keras network."""
        flat = np.zeros(self.size, np.float32)
        for key, part in self.views(flat).items():
            if key[0] == "kernel":
                width = part.shape[0] // self.settings.n_filters
                limit = math.sqrt(6 / (width * (part.shape[1] + self.settings.n_filters)))
            elif key[0] == "dense":
                limit = math.sqrt(6 / sum(part.shape))
            else:
                continue
            part[...] = random.uniform(-limit, limit, part.shape)
        return flat

    def exported(self, parts: dict, tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return copies of a model's weights with the paths and in the order of Keras.

        Parameters
        ----------
        parts : dict
            The weights except tables, as :meth:`views` returned them.
        tables : dict of str to ndarray
        """
        weights = {path: tables[path].copy() for path in self.table_shapes}
        for convolution in self.convolutions:
            name, number = convolution.name, convolution.number
            kernel = parts["kernel", number]
            kernel = kernel.reshape(convolution.width, -1, kernel.shape[1]).transpose(0, 2, 1)
            for part, (first, last) in enumerate(convolution.parts):
                weights[f"{name}_{part}/kernel"] = kernel[:, first:last].copy()
                if part == 0:
                    weights[f"{name}_0/bias"] = parts["biases"][number].copy()
        for number in range(self.n_dense):
            weights[f"dense_{number}/kernel"] = parts["dense", number].copy()
            weights[f"dense_{number}/bias"] = parts["dense_bias", number].copy()
        weights["raw_output/kernel"] = parts["dense", self.n_dense].copy()
        return weights

    def imported(self, weights: dict[str, np.ndarray]) -> np.ndarray:
        """Return the array of weights from those with the paths and shapes of Keras."""
        flat = np.empty(self.size, np.float32)
        parts = self.views(flat)
        for convolution in self.convolutions:
            name, number = convolution.name, convolution.number
            kernels = [weights[f"{name}_{part}/kernel"] for part in range(len(convolution.parts))]
            kernel = np.concatenate(kernels, axis=1).transpose(0, 2, 1)
            parts["kernel", number][...] = kernel.reshape(-1, kernel.shape[2])
            parts["biases"][number] = weights[f"{name}_0/bias"]
        for number in range(self.n_dense):
            parts["dense", number][...] = weights[f"dense_{number}/kernel"]
            parts["dense_bias", number][...] = weights[f"dense_{number}/bias"]
        parts["dense", self.n_dense][...] = weights["raw_output/kernel"]
        return flat


def started_tables(
    design: Design, given: dict[str, np.ndarray], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the trainable tables of a model before training.

    Parameters
    ----------
    design : Design
    given : dict of str to ndarray
        Pretrained vectors by layer name, as ``RowSource.tables`` returns them.
    random : numpy.random.Generator
        Generator of the trainable vectors.
    """
    tables = {}
    for path, shape in design.table_shapes.items():
        layer = path.partition("/")[0]
        if layer in given:
            tables[path] = np.zeros(shape, np.float32)
            tables[path][: len(given[layer])] = given[layer]
        else:
            tables[path] = random.standard_normal(shape, np.float32) * np.float32(TABLE_SCALE)
    return tables
