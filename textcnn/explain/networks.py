"""Explanations of text networks: contributions averaged over all models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from textcnn.crossfit.level import Level
from textcnn.crossfit.targets import Target
from textcnn.explain.explanations import ExplainedRow, ExplainedText, TextExplanation
from textcnn.text.contributions import Contributions, plain_contributions, sum_by_span
from textcnn.text.documents import Documents, with_new_words
from textcnn.text.joining import SEPARATOR, JoinedColumns
from textcnn.text.places import placed_tokens
from textcnn.text.plain import has_plain_form
from textcnn.text.slopes import sloped_contributions
from textcnn.text.tokens import TokenizedColumn

_MOST_ROWS = 256


@dataclass(frozen=True)
class Part:
    """Models that read the same columns, and what they give."""

    networks: Sequence  # of TextNetwork, or of LinearModels
    outputs: tuple[str, ...]
    columns: Sequence | None  # of TextColumn or JoinedColumns


def units_of(head: Target, level: Level, *, with_level: bool) -> str:
    """Return the units of explained outputs; see :func:`in_units`."""
    if not head.is_regression:
        return "log-odds"
    if head.loss == "poisson":
        return "logarithms of y"
    # Features of files of former versions are in units of y, too.
    return "units of y" if with_level or level.unit is None else "standard deviations of y"


def in_units(head: Target, raw: np.ndarray, level: Level, *, with_level: bool) -> np.ndarray:
    """Return raw outputs on a linear scale, float64.

    That of features with ``output="logit"``, or with the level that of a predictor.
    """
    if head.is_regression and head.loss != "poisson":
        return raw * (level.scale if with_level else level.feature_unit)
    return raw - raw.mean(axis=-1, keepdims=True) if head.kind == "multiclass" else raw


def added_to(head: Target, level: Level, *, with_level: bool) -> np.ndarray:
    """Return what is added to raw outputs on that scale.

    The base rate for predictions of a classifier or regressor; for features, minus the mean output.
    """
    if not with_level:
        return -in_units(head, level.neutral.astype(np.float64), level, with_level=False)
    if head.is_regression and head.loss != "poisson":
        return level.centre
    return in_units(head, level.offset.astype(np.float64), level, with_level=True)


def output_names(head: Target) -> tuple[str, ...]:
    """Return the names of the outputs of a classifier or regressor."""
    if head.kind == "binary":
        return (str(head.classes[1]),)
    if head.kind == "continuous":
        return ("prediction",)
    return tuple(map(str, head.classes if head.kind == "multiclass" else head.names))


def explain_networks(
    networks: Sequence, columns, head: Target, outputs: tuple[str, ...], *, with_level: bool
) -> list[ExplainedRow]:
    """Explain rows by all models of networks with the same columns.

    Parameters
    ----------
    networks : sequence of TextNetwork
    columns : sequence of TextColumn or JoinedColumns
    head : Target
    outputs : tuple of str
        Names of the outputs.
    with_level : bool
        Whether the base rate of a model's training rows is part of its output.
    """
    n_rows = len(columns[0])
    rows = []
    for start in range(0, n_rows, _MOST_ROWS):
        part = [_some_rows(column, slice(start, start + _MOST_ROWS)) for column in columns]
        rows += _explain_some(networks, part, head, outputs, with_level, start)
    return rows


def _explain_some(networks, columns, head, outputs, with_level, start) -> list[ExplainedRow]:
    """Explain a block of rows whose windows fit in memory."""
    n_rows, n_models = len(columns[0]), sum(len(network.models) for network in networks)
    shape = (n_rows, len(outputs))
    bases, values = np.zeros(shape), np.zeros(shape)
    shares: list[list[list[Contributions]]] = [[[] for _ in columns] for _ in range(n_rows)]
    for network in networks:
        raw_outputs = network.raw_outputs(columns)
        for fold, raw, (base, found) in zip(
            network.models, raw_outputs, _contributions(network, columns), strict=True
        ):
            added = added_to(head, fold.level, with_level=with_level)
            convert = partial(in_units, head, level=fold.level, with_level=with_level)
            bases += (convert(base) + added) / n_models
            values += (convert(raw.astype(np.float64)) + added) / n_models
            for row, parts in enumerate(found):
                for number, part in enumerate(parts):
                    shares[row][number].append(_scaled(part, convert, n_models))
    first = networks[0]
    names = [column.label(number) for number, column in enumerate(columns)]
    if len(first.names) == len(columns):
        names = first.names
    return [
        ExplainedRow(
            start + row,
            outputs,
            bases[row],
            values[row],
            [
                _explained_text(name, column.cells[row], reader, shares[row][number])
                for number, (name, column, reader) in enumerate(
                    zip(names, columns, first.readers, strict=True)
                )
            ],
        )
        for row in range(n_rows)
    ]


def _some_rows(column, rows: slice):
    """Return some rows of a column, or of joined columns."""
    if isinstance(column, JoinedColumns):
        return replace(column, columns=[_some_rows(part, rows) for part in column.columns])
    return replace(column, cells=column.cells[rows], missing=column.missing[rows])


def method_of(networks) -> str:
    """Return the method of explanation for these networks."""
    return "exact" if has_plain_form(networks[0].settings) else "slopes"


def _contributions(network, columns):
    """Yield per model the base and the contributions of all rows."""
    documents = [
        reader.read(column.cells) for reader, column in zip(network.readers, columns, strict=True)
    ]
    network = with_new_words(network, documents)
    source = network.source(documents)
    for fold in network.models:
        model = fold.model
        if not has_plain_form(network.settings):
            yield sloped_contributions(network.blueprint, source, model)
            continue
        weights = dict(zip(model.names, model.weights, strict=True))
        yield plain_contributions(network.settings, source, weights, model.view)


def _scaled(part: Contributions, convert: Callable, n_models: int) -> Contributions:
    ngrams, words = convert(part.ngrams) / n_models, convert(part.words) / n_models
    return Contributions(part.spans, ngrams, words)


def _explained_text(name: str, cell, reader, parts: list[Contributions]) -> ExplainedText:
    """Add up the contributions of all models for one text."""
    text, tokens, places = placed_tokens(cell, reader.tokenizer, reader.max_length)
    spans, contributions = sum_by_span(
        np.concatenate([part.spans for part in parts]),
        np.concatenate([part.ngrams for part in parts]),
    )
    tokenizer = getattr(reader.tokenizer, "tokenizer", reader.tokenizer)
    is_char = isinstance(tokenizer, str) and tokenizer == "char"
    ngrams = [("" if is_char else " ").join(tokens[a:b]) for a, b in spans.tolist()]
    if len(spans):
        spans = np.stack([places[spans[:, 0], 0], places[spans[:, 1] - 1, 1]], axis=1)
    return ExplainedText(
        column=name,
        text=text,
        ngrams=ngrams,
        kinds=["characters" if is_char else "words"] * len(ngrams),
        spans=spans,
        contributions=contributions,
        words=tokens,
        word_spans=places,
        word_contributions=np.sum([part.words for part in parts], axis=0),
    )


def words_alone(networks, head: Target, *, column: int, with_level: bool) -> dict[str, np.ndarray]:
    """Return the contribution of each word of a column's vocabulary, as a text of one word."""
    totals: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(head.n_outputs))
    n_models = sum(len(network.models) for network in networks)
    for network in networks:
        words = [word for word in network.readers[column].vocabulary.words if word != SEPARATOR]
        raw_outputs = network.outputs_of(_single_words(network, words, column))
        for fold, raw in zip(network.models, raw_outputs, strict=True):
            change = (raw[1:] - raw[0]).astype(np.float64)
            added = in_units(head, change, fold.level, with_level=with_level)
            for word, value in zip(words, added, strict=True):
                totals[word] += value / n_models
    return dict(totals)


def _single_words(network, words: list[str], column: int):
    """Return an empty row, then rows of one word each; other columns are empty."""
    columns = []
    for number, reader in enumerate(network.readers):
        ids = np.arange(len(words) if number == column else 0, dtype=np.int32)
        offsets = np.zeros(len(words) + 2, np.int64)
        if number == column:
            offsets[1:] = np.arange(len(words) + 1)
        tokenized = TokenizedColumn(ids, offsets, words if number == column else [])
        columns.append(Documents.resolve(tokenized, reader.vocabulary))
    return network.source(columns)


def strongest(frame: pd.DataFrame, n: int, *, by: str = "contribution") -> pd.DataFrame:
    """Return per column and output the ``n`` largest positive and ``n`` smallest negative lines."""
    kept = []
    for _, lines in frame.groupby(["column", "output"], sort=False):
        ordered = lines.sort_values(by, ascending=False, kind="stable")
        above, below = ordered[ordered[by] > 0].head(n), ordered[ordered[by] < 0].tail(n)
        kept += [above, below]
    return pd.concat(kept, ignore_index=True) if kept else frame


def mean_ngrams(explanation: TextExplanation) -> pd.DataFrame:
    """Return the mean contribution of each n-gram over the rows that contain it.

    ``total`` is the sum over rows.
    """
    frame = TextExplanation(
        explanation.rows, units=explanation.units, method=explanation.method
    ).to_frame()  # rows by number: labels of an index may be repeated
    per_row = frame.groupby(
        ["column", "output", "ngram", "kind", "row"], sort=False, as_index=False
    )["contribution"].sum()
    groups = per_row.groupby(["column", "output", "ngram", "kind"], sort=False, as_index=False)
    return groups["contribution"].agg(contribution="mean", total="sum", n_rows="size")


def explain_parts(parts: Sequence[Part], head: Target, *, with_level: bool) -> TextExplanation:
    """Explain rows of fitted networks.

    Parameters
    ----------
    parts : sequence of Part
        Of a predictor one, whose network reads all columns; of an encoder one per column.
    head : Target
    with_level : bool
        Whether the level of a model's own rows is part of its output, as a predictor's is.
    """
    rows = [
        row
        for part in parts
        for row in explain_networks(
            part.networks, part.columns, head, part.outputs, with_level=with_level
        )
    ]
    rows.sort(key=lambda row: row.row)
    level = parts[0].networks[0].models[0].level
    units = units_of(head, level, with_level=with_level)
    return TextExplanation(rows, units=units, method=method_of(parts[0].networks))


def words_of(parts: Sequence[Part], head: Target, *, with_level: bool) -> pd.DataFrame:
    """Return one line per column, output and known word."""
    frames = []
    for part in parts:
        for number, label in enumerate(part.networks[0].names):
            totals = words_alone(part.networks, head, column=number, with_level=with_level)
            words = np.array(list(totals), object)
            added = np.array(list(totals.values())).reshape(-1, len(part.outputs))
            frames += [
                pd.DataFrame(
                    {"column": label, "output": name, "ngram": words, "contribution": values}
                )
                for name, values in zip(part.outputs, added.T, strict=True)
            ]
    return pd.concat(frames, ignore_index=True)
