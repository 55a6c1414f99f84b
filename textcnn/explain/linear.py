"""Contributions of n-grams to the outputs of linear models: weight times TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from textcnn.crossfit.targets import Target
from textcnn.explain.explanations import ExplainedRow, ExplainedText, TextExplanation
from textcnn.explain.networks import Part, in_units, units_of
from textcnn.fit.models import FoldModel
from textcnn.text.joining import JoinedColumns
from textcnn.text.ngram_places import PlacedNgrams, placed_ngrams


def explain_linear(parts: Sequence[Part], head: Target) -> TextExplanation:
    """Explain rows of fitted linear models; one part per column, or one of joined columns."""
    rows = []
    for number, part in enumerate(parts):
        [column], [models], names = part.columns, part.networks, part.outputs
        counts = models.count(column)
        cells = _cells(column, number)
        nothing = csr_matrix((1, counts.shape[1]), dtype=np.float32)
        base, values = np.zeros(len(names)), np.zeros((len(column), len(names)))
        n_models = len(models.models)
        for fold, none, raw in zip(
            models.models, models.outputs_of(nothing), models.outputs_of(counts), strict=True
        ):
            base += in_units(head, none[0], fold.level, with_level=False) / n_models
            values += in_units(head, raw, fold.level, with_level=False) / n_models
        weighted = [fold.model.estimator["tfidf"].transform(counts) for fold in models.models]
        weights = [_weights(fold, head) for fold in models.models]
        for row in range(len(column)):
            placed = [placed_ngrams(models.counter, of_column[row]) for _, of_column in cells]
            ngrams = np.concatenate([one.columns for one in placed])
            added = np.mean(
                [
                    _added(ngrams, model_rows[[row]], model_weights)
                    for model_rows, model_weights in zip(weighted, weights, strict=True)
                ],
                axis=0,
            )
            ends = np.cumsum([len(one.columns) for one in placed])
            texts = [
                _explained_text(name, one, of_one)
                for (name, _), one, of_one in zip(
                    cells, placed, np.split(added, ends[:-1]), strict=True
                )
            ]
            rows.append(ExplainedRow(row, names, base, values[row], texts))
    rows.sort(key=lambda row: row.row)
    level = parts[0].networks[0].models[0].level
    return TextExplanation(rows, units=units_of(head, level, with_level=False), method="exact")


def weights_of(parts: Sequence[Part], head: Target) -> pd.DataFrame:
    """Return the mean coefficient of each n-gram that some texts hold: one line per output."""
    frames = []
    for number, part in enumerate(parts):
        [column], [models] = part.columns, part.networks
        for label, cells in _cells(column, number):
            columns: dict[tuple[str, str], int] = {}
            for cell in cells:
                placed = placed_ngrams(models.counter, cell)
                columns |= dict(
                    zip(zip(placed.names, placed.kinds, strict=True), placed.columns, strict=True)
                )
            places = np.fromiter(columns.values(), np.int64)
            mean = np.mean([_weights(fold, head)[places] for fold in models.models], axis=0)
            for output, values in zip(part.outputs, mean.T, strict=True):
                frame = pd.DataFrame(list(columns), columns=["ngram", "kind"])
                frames.append(frame.assign(column=label, output=output, weight=values))
    return pd.concat(frames, ignore_index=True)


def _cells(column, number: int) -> list[tuple[str, list[str]]]:
    """Return the name and the cells of a column, or of each that one model reads as one."""
    if isinstance(column, JoinedColumns):
        return [(part.label(place), part.cells) for place, part in enumerate(column.columns)]
    return [(column.label(number), column.cells)]


def _weights(fold: FoldModel, head: Target) -> np.ndarray:
    """Return a model's coefficients, (n_ngrams, n_outputs), on the scale of outputs."""
    coefficients = np.asarray(fold.model.estimator["linear"].coef_, np.float64)
    if head.is_regression:  # ridge regression has an output per line, and is in units of y
        coefficients = np.atleast_2d(coefficients).T / fold.level.scale
    return in_units(head, coefficients, fold.level, with_level=False)


def _added(columns: np.ndarray, row, weights: np.ndarray) -> np.ndarray:
    """Return the contribution of each occurrence of an n-gram; occurrences share it equally."""
    row.sort_indices()
    places = np.searchsorted(row.indices, columns)
    distinct, numbers, counts = np.unique(columns, return_inverse=True, return_counts=True)
    return row.data[places][:, None] * weights[columns] / counts[numbers][:, None]


def _explained_text(name: str, placed: PlacedNgrams, added: np.ndarray) -> ExplainedText:
    """Divide the contributions of n-grams among the words of their characters."""
    word_of = np.full(len(placed.text), -1)
    for number, (start, stop) in enumerate(placed.word_spans.tolist()):
        word_of[start:stop] = number
    words = np.zeros((len(placed.words), added.shape[1]))
    for (start, stop), values in zip(placed.spans.tolist(), added, strict=True):
        touched = word_of[start:stop]
        touched = touched[touched >= 0]
        if len(touched):
            np.add.at(words, touched, values / len(touched))
    return ExplainedText(
        name,
        placed.text,
        placed.names,
        placed.kinds,
        placed.spans,
        added,
        placed.words,
        placed.word_spans,
        words,
    )
