"""Contributions of n-grams to the outputs of linear models: weight times TF-IDF."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from textcnn.crossfit.targets import Target
from textcnn.explain.explanations import ExplainedRow, ExplainedText, TextExplanation
from textcnn.explain.networks import in_units, units_of
from textcnn.text.columns import read_columns
from textcnn.text.joining import JoinedColumns
from textcnn.text.ngram_places import PlacedNgrams, placed_ngrams
from textcnn.text_linear import known_counts


def explain_linear(encoder, X) -> TextExplanation:
    """Explain rows of a fitted :class:`~textcnn.TextLinearEncoder`."""
    check_is_fitted(encoder)
    head, rows = encoder._head, []
    for number, (column, names) in enumerate(_columns(encoder, X)):
        counter, models = encoder._counters[number], encoder._models[number]
        counts = known_counts(counter, column)
        parts = _parts(column, number)
        nothing = csr_matrix((1, counts.shape[1]), dtype=np.float32)
        base, values = np.zeros(len(names)), np.zeros((len(column), len(names)))
        for model in models:
            base += in_units(head, model.raw_outputs(nothing, head)[0], model.level)
            values += in_units(head, model.raw_outputs(counts, head), model.level)
        weighted = [model.estimator["tfidf"].transform(counts) for model in models]
        weights = [_weights(model, head) for model in models]
        for row in range(len(column)):
            placed = [placed_ngrams(counter, cells[row]) for _, cells in parts]
            ngrams = np.concatenate([part.columns for part in placed])
            added = np.mean(
                [
                    _added(ngrams, model_rows[[row]], model_weights)
                    for model_rows, model_weights in zip(weighted, weights, strict=True)
                ],
                axis=0,
            )
            ends = np.cumsum([len(part.columns) for part in placed])
            texts = [
                _explained_text(name, part, of_part)
                for (name, _), part, of_part in zip(
                    parts, placed, np.split(added, ends[:-1]), strict=True
                )
            ]
            rows.append(
                ExplainedRow(row, names, base / len(models), values[row] / len(models), texts)
            )
    rows.sort(key=lambda row: row.row)
    return TextExplanation(rows, units=units_of(head), method="exact")


def weights_of(encoder, X) -> pd.DataFrame:
    """Return the mean coefficient of each n-gram in some texts: one line per output."""
    frames = []
    for number, (column, names) in enumerate(_columns(encoder, X)):
        counter, models = encoder._counters[number], encoder._models[number]
        for label, cells in _parts(column, number):
            columns: dict[tuple[str, str], int] = {}
            for cell in cells:
                placed = placed_ngrams(counter, cell)
                columns |= dict(
                    zip(zip(placed.names, placed.kinds, strict=True), placed.columns, strict=True)
                )
            places = np.fromiter(columns.values(), np.int64)
            mean = np.mean([_weights(model, encoder._head)[places] for model in models], axis=0)
            for output, values in zip(names, mean.T, strict=True):
                frame = pd.DataFrame(list(columns), columns=["ngram", "kind"])
                frames.append(frame.assign(column=label, output=output, weight=values))
    return pd.concat(frames, ignore_index=True)


def _columns(encoder, X):
    """Return the text columns of X, and the names of their outputs."""
    columns = read_columns(encoder, X, reset=False)
    if encoder._is_joined:
        columns = [JoinedColumns(columns)]
    sets = encoder._model_set_names(encoder._input_names(None))
    suffixes = encoder._head.column_suffixes()
    outputs = [tuple(f"{name}{suffix}" for suffix in suffixes) for name in sets]
    return list(zip(columns, outputs, strict=True))


def _parts(column, number: int) -> list[tuple[str, list[str]]]:
    """Return the name and the cells of a column, or of each joined column."""
    if isinstance(column, JoinedColumns):
        return [(part.label(place), part.cells) for place, part in enumerate(column.columns)]
    return [(column.label(number), column.cells)]


def _weights(model, head: Target) -> np.ndarray:
    """Return a model's coefficients, (n_ngrams, n_outputs), on the scale of outputs."""
    coefficients = np.asarray(model.estimator["linear"].coef_, np.float64)
    if head.is_regression:  # ridge regression has an output per row, in units of y
        return np.atleast_2d(coefficients).T
    return in_units(head, coefficients, model.level)


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
