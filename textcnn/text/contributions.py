"""Exact contributions of n-grams and words to the output of the default network.

Without hidden dense layers, the output is a linear function of the pooled features. Contributions
are differences from the empty document, whose pooled features are the activations of the biases. A
feature's difference is divided among the windows that it comes from, and a window's difference
among its words, in proportion to their products with the kernel. So contributions add up to the
output, for every activation and any number of dense layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textcnn.text.documents import TextSource
from textcnn.text.network import TextNetworkSettings
from textcnn.text.plain import ACTIVATIONS, kernel_and_bias, word_vectors
from textcnn.utils.threads import one_thread

# Below this difference, the derivative replaces the ratio of two differences.
_SMALLEST_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Contributions:
    """Contributions of one document of one column to the raw outputs.

    Attributes
    ----------
    spans : ndarray of int, shape (n_ngrams, 2)
        Start and stop word of each n-gram.
    ngrams : ndarray of float64, shape (n_ngrams, n_outputs)
    words : ndarray of float64, shape (n_words, n_outputs)
        The same contributions, per word.
    """

    spans: np.ndarray
    ngrams: np.ndarray
    words: np.ndarray


def plain_contributions(
    settings: TextNetworkSettings,
    source: TextSource,
    weights: dict[str, np.ndarray],
    view: dict[str, np.ndarray],
) -> tuple[np.ndarray, list[list[Contributions]]]:
    """Return the raw outputs of an empty document, and the contributions of documents.

    For networks with :func:`~textcnn.text.plain.has_plain_form`. Dense layers and activations use
    the rescale rule of DeepLIFT, which is exact.

    Parameters
    ----------
    settings, source, weights, view
        As in :func:`~textcnn.text.plain.plain_outputs`.

    Returns
    -------
    base : ndarray of float64, shape (n_outputs,)
    contributions : list of list of Contributions
        Per row and column. ``base`` plus the sum over all columns is the row's raw output.

    References
    ----------
    A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through Propagating
    Activation Differences", ICML 2017, arXiv 1704.02685.
    """
    with one_thread():
        columns = list(word_vectors(source, weights, view))
        branches = [
            [
                _Branch(settings, *kernel_and_bias(weights, number, branch))
                for branch in range(len(settings.kernel_sizes))
            ]
            for number in range(len(columns))
        ]
        layers = [
            (weights[f"dense_{layer}/kernel"], weights[f"dense_{layer}/bias"])
            for layer in range(len(settings.dense_units))
        ]
        head = _Head(ACTIVATIONS[settings.activation], layers, weights["raw_output/kernel"])
        reference = np.concatenate([part.reference for column in branches for part in column])
        lengths = [documents.lengths for documents in source.columns]
        found = []
        for row in range(len(source)):
            vectors = [_rows_of(row, *column) for column in columns]
            read = [
                [part.read(words) for part in parts]
                for parts, words in zip(branches, vectors, strict=True)
            ]
            pooled = np.concatenate([part.pooled for column in read for part in column])
            factors = head.factors(pooled, reference)
            shared, start = [], 0
            for number, parts in enumerate(read):
                stop = start + sum(len(part.pooled) for part in parts)
                shared.append(_share(parts, factors[start:stop], n_words=int(lengths[number][row])))
                start = stop
            found.append(shared)
        return head.output(reference), found


class _Branch:
    """The filters of one kernel size."""

    def __init__(self, settings, kernel, bias):
        self.activation = ACTIVATIONS[settings.activation]
        self.kernel, self.bias = kernel.astype(np.float64), bias.astype(np.float64)
        self.of_nothing = self.activation(self.bias)
        self.poolings = ("max", "average") if settings.pooling == "both" else (settings.pooling,)

    @property
    def reference(self) -> np.ndarray:
        """Return the pooled features of an empty document."""
        return np.tile(self.of_nothing, len(self.poolings))

    def read(self, vectors: np.ndarray) -> _ReadBranch:
        width = len(self.kernel)
        before = (width - 1) // 2
        padded = np.pad(vectors, ((before, width - 1 - before), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)  # place, d, w
        above = np.tensordot(windows, self.kernel, axes=([2, 1], [0, 1]))
        return _ReadBranch(self, windows, above, self.activation(above + self.bias))


@dataclass
class _ReadBranch:
    """One document with the filters of one kernel size."""

    branch: _Branch
    windows: np.ndarray  # (position, channel, position in the window)
    above: np.ndarray  # (position, filter), before bias and activation
    maps: np.ndarray

    @property
    def pooled(self) -> np.ndarray:
        pools = {"max": self.maps.max, "average": self.maps.mean}
        return np.concatenate([pools[name](axis=0) for name in self.branch.poolings])

    def shares(self, factors: np.ndarray):
        """Yield positions, and contributions of n-grams and of their words (n, w, n_outputs)."""
        kernel, n_filters = self.branch.kernel, self.maps.shape[1]
        for name, mine in zip(
            self.branch.poolings, np.split(factors, len(self.branch.poolings)), strict=True
        ):
            if name == "max":
                places, filters = self.maps.argmax(axis=0), np.arange(n_filters)
                maps, above = self.maps[places, filters], self.above[places, filters]
                added = maps - self.branch.of_nothing
                by_word = np.einsum("fdw,wdf->fw", self.windows[places], kernel)
                slopes = _slopes(self.branch.activation, self.branch.bias, above, added)
                yield (
                    places,
                    added[:, None] * mine,
                    (slopes[:, None] * by_word)[..., None] * mine[:, None],
                )
            else:
                added = self.maps - self.branch.of_nothing
                slopes = _slopes(self.branch.activation, self.branch.bias, self.above, added)
                n_places = len(self.maps)
                weighted = np.einsum("pf,fo,wdf->pwdo", slopes, mine, kernel, optimize=True)
                by_word = np.einsum("pdw,pwdo->pwo", self.windows, weighted)
                yield np.arange(n_places), added @ mine / n_places, by_word / n_places


class _Head:
    """The layers from pooled features to raw outputs."""

    def __init__(self, activation, layers, last):
        self.activation, self.layers = activation, layers
        self.last = last.astype(np.float64)

    def output(self, pooled: np.ndarray) -> np.ndarray:
        for kernel, bias in self.layers:
            pooled = self.activation(pooled @ kernel.astype(np.float64) + bias)
        return pooled @ self.last

    def factors(self, pooled: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return the contribution per unit of each pooled feature, (n_features, n_outputs)."""
        product = None
        for kernel, bias in self.layers:
            kernel = kernel.astype(np.float64)
            here, there = pooled @ kernel + bias, reference @ kernel + bias
            pooled, reference = self.activation(here), self.activation(there)
            slopes = _slopes(self.activation, there, here - there, pooled - reference)
            product = (kernel if product is None else product @ kernel) * slopes
        return self.last if product is None else product @ self.last


def _slopes(activation, start, moved, changed) -> np.ndarray:
    """Return the change of an activation per unit of change of its input from ``start``."""
    step = 1e-4
    tangent = (activation(start + step) - activation(start - step)) / (2 * step)
    is_far = np.abs(moved) > _SMALLEST_DIFFERENCE
    return np.where(is_far, changed / np.where(is_far, moved, 1), tangent)


def _rows_of(row: int, vectors: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the word vectors of one document."""
    stop = starts[row + 1] if row + 1 < len(starts) else len(vectors)
    return vectors[starts[row] : stop].astype(np.float64)


def _share(parts: Sequence[_ReadBranch], factors: np.ndarray, *, n_words: int) -> Contributions:
    """Sum over the filters of one column; windows are clipped to the document."""
    n_outputs = factors.shape[1]
    words = np.zeros((n_words, n_outputs))
    spans, ngrams = [np.empty((0, 2), np.int64)], [np.empty((0, n_outputs))]
    start = 0
    for part in parts:
        stop = start + len(part.pooled)
        width = len(part.branch.kernel)
        for places, added, by_word in part.shares(factors[start:stop]):
            first = places - (width - 1) // 2
            at = first[:, None] + np.arange(width)
            inside = (at >= 0) & (at < n_words)
            np.add.at(words, at[inside], by_word[inside])
            spans.append(np.clip(np.stack([first, first + width], axis=1), 0, n_words))
            ngrams.append(added)
        start = stop
    return Contributions(*sum_by_span(np.concatenate(spans), np.concatenate(ngrams)), words)


def sum_by_span(spans: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct spans with a contribution, and their sums."""
    distinct, places = np.unique(spans, axis=0, return_inverse=True)
    sums = np.zeros((len(distinct), values.shape[1]))
    np.add.at(sums, places.reshape(-1), values)
    fired = (sums != 0).any(axis=1) & (distinct[:, 1] > distinct[:, 0])
    return distinct[fired], sums[fired]
