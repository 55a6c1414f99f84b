"""Contributions of words to the output of any text network, by integrated gradients.

For networks that are not implemented in NumPy: recurrent, deep, users' own. Word vectors are
multiplied by a factor from 0 to 1, and a word's contribution is the mean derivative of the output
with respect to its own factor: gradient times input, averaged over the path from zero vectors.
Averaged, contributions add up to the output minus that of a document with zero vectors; the
gradient at the input alone does not, where units are saturated.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from textcnn.neural.backend import gradient, import_keras
from textcnn.neural.keras_settings import own_settings
from textcnn.neural.layer_outputs import replaced_calls
from textcnn.neural.network import Blueprint, TracedNetwork
from textcnn.text.contributions import Contributions
from textcnn.text.documents import TextSource

# Number of steps of the path.
N_STEPS = 16
# Tokens (with padding) of one batch, times outputs and steps that run at the same time.
_MOST_TOKENS = 2**16


@own_settings()
def sloped_contributions(
    blueprint: Blueprint, source: TextSource, model, *, n_steps: int = N_STEPS
) -> tuple[np.ndarray, list[list[Contributions]]]:
    """Return each document's raw outputs with zero vectors, and the contributions of its words.

    Parameters
    ----------
    blueprint : Blueprint
    source : TextSource
    model : FittedModel
    n_steps : int
        1 is gradient times input.

    Returns
    -------
    base : ndarray of float64, shape (n_rows, n_outputs)
    contributions : list of list of Contributions
        Per row and column; n-grams are single words.

    References
    ----------
    M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
    arXiv 1703.01365.
    """
    traced = TracedNetwork(blueprint)
    traced.load_weights(model.weights)
    weights = dict(zip(model.names, model.weights, strict=True))
    tables = source.tables()
    steps = np.ones(1) if n_steps == 1 else (np.arange(n_steps) + 0.5) / n_steps
    lengths = [documents.lengths for documents in source.columns]
    bases, found = [], []
    for rows in _batches(np.max(lengths, axis=0), len(steps) * traced.n_outputs):
        batch = _Batch(traced, source, rows, model.view, weights, tables)
        bases.append(batch.raw_of_nothing())
        slopes = batch.slopes(steps)
        found += [
            [
                _of_words(slopes[column, place], int(lengths[column][row]))
                for column in range(len(lengths))
            ]
            for place, row in enumerate(rows)
        ]
    return np.concatenate(bases), found


def _batches(lengths: np.ndarray, n_runs: int):
    """Yield row numbers in batches."""
    start = 0
    for row in range(1, len(lengths) + 1):
        is_last = row == len(lengths)
        longest = int(lengths[start : row + (not is_last)].max())
        if is_last or (row + 1 - start) * longest * n_runs > _MOST_TOKENS:
            yield np.arange(start, row)
            start = row


class _Batch:
    """Some rows whose every word has its own vector and factor.

    The model's inputs are positions in the batch instead of rows of a table, and the embedding
    layers look up vectors by position. So a word that is read several times, for example forwards
    and backwards, still has one factor. All outputs and steps run together.
    """

    def __init__(self, traced, source: TextSource, rows, view, weights, tables):
        self.model, self.n_outputs = traced.model, traced.n_outputs
        ids = source.gather(rows, view, _AsLongAsNeeded)
        self._words = []
        longest = max(part.shape[1] for part in ids)
        self.shape = (len(source.columns), len(rows), longest)
        for given, part in zip(self.model.inputs, ids, strict=True):
            name, column = given.name.rsplit("_", 1)
            path = _layer_of(name, column, tables)
            variable = f"{path}/embeddings"
            table = weights[variable] if variable in weights else tables[path]
            self._words.append((path, int(column), part, table[part].astype(np.float32)))

    def raw_of_nothing(self) -> np.ndarray:
        """Return the raw outputs with all vectors zero, (n_rows, n_outputs)."""
        ops = import_keras().ops
        raw = self._run(ops.zeros((1, *self.shape)))
        return np.asarray(ops.convert_to_numpy(raw), np.float64)

    def slopes(self, steps: np.ndarray) -> np.ndarray:
        """Return the mean derivative of each output by each factor, (column, row, word, output)."""
        ops = import_keras().ops
        n_rows, n_runs = self.shape[1], self.n_outputs * len(steps)
        factors = np.tile(steps, self.n_outputs)[:, None, None, None]
        chosen = np.repeat(np.eye(self.n_outputs, dtype=np.float32), len(steps) * n_rows, axis=0)
        start = np.broadcast_to(factors, (n_runs, *self.shape)).astype(np.float32)
        chosen = ops.convert_to_tensor(chosen)
        slopes = gradient(lambda factors: ops.sum(self._run(factors) * chosen), start)
        slopes = slopes.reshape(self.n_outputs, len(steps), *self.shape).astype(np.float64)
        return np.moveaxis(slopes.mean(axis=1), 0, -1)

    def _run(self, factors):
        """Return concatenated raw outputs of all runs; factors by run, column, row."""
        ops = import_keras().ops
        n_runs = factors.shape[0]
        calls, inputs = {}, []
        for path, column, part, vectors in self._words:
            mine = factors[:, column, :, : part.shape[1], None]
            scaled = ops.reshape(mine * ops.convert_to_tensor(vectors), (-1, vectors.shape[-1]))
            table = ops.concatenate([ops.zeros((1, vectors.shape[-1])), scaled], axis=0)
            calls[path] = partial(_look_up, table)
            places = np.arange(n_runs * part.size).reshape(n_runs, *part.shape) + 1
            inputs.append(np.where(part > 0, places, 0).astype(np.int32).reshape(-1, part.shape[1]))
        with replaced_calls(self.model, calls):
            return self.model(inputs, training=False)


def _look_up(table, ids):
    return import_keras().ops.take(table, ids, axis=0)


class _AsLongAsNeeded:
    """No padding beyond the longest document; at least one position."""

    @staticmethod
    def length(longest: int) -> int:
        return max(longest, 1)


def _layer_of(name: str, column: str, tables) -> str:
    """Return the embedding layer of an input."""
    if name == "learned_ids":
        return f"learned_{column}"
    return next(path for path in (f"given_{column}", f"shared_given_{column}") if path in tables)


def _of_words(shares: np.ndarray, n_words: int) -> Contributions:
    """Return single words as n-grams."""
    words = shares[:n_words]
    places = np.arange(n_words)
    return Contributions(np.stack([places, places + 1], axis=1), words, words)
