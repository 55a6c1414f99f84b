"""What the text encoder and the plain text predictors share: parameters and fitted columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from textcnn.base.explaining import ExplainsTexts
from textcnn.base.networks import NetworkEstimator
from textcnn.base.saving import ExportsNetworks
from textcnn.crossfit import Target
from textcnn.fit import parameters
from textcnn.fit.network_jobs import LevelledModel, UpdateShare
from textcnn.neural.network import Blueprint
from textcnn.neural.randomness import integer_seed, seed_sequence
from textcnn.neural.training import predict_model
from textcnn.text import settings as text_parameters
from textcnn.text.columns import TextColumn, read_columns
from textcnn.text.documents import TextSource
from textcnn.text.joining import JoinedColumns, JoinedTokenizer
from textcnn.text.network import TextNetworkSettings, share_of_updates
from textcnn.text.plain import has_plain_form, plain_outputs
from textcnn.text.reader import ColumnReader, ReaderSettings, blueprint


@dataclass
class TextNetwork:
    """One network's fitted parts: readers of its columns, what it is built of, and its models."""

    names: list[str]
    readers: list[ColumnReader]
    settings: TextNetworkSettings
    min_count: int
    n_outputs: int
    loss: str
    models: list[LevelledModel]

    @property
    def blueprint(self) -> Blueprint:
        """How to build the Keras model, which is never part of the state."""
        return blueprint(self.readers, self.settings, n_outputs=self.n_outputs, loss=self.loss)

    def source(self, documents) -> TextSource:
        """Return documents as the rows that this network's models read."""
        return TextSource(
            documents,
            [reader.vocabulary for reader in self.readers],
            min_count=self.min_count,
            trainable=self.settings.trainable_embeddings,
            learns_vectors=self.readers[0].learned_dim > 0,
        )

    def with_models(self, models: list[LevelledModel]) -> TextNetwork:
        """Return this network with fitted models in it."""
        return replace(self, models=models)

    def raw_outputs(self, columns: Sequence[TextColumn]) -> list[np.ndarray]:
        """Return each model's raw outputs for new cells."""
        documents = [
            reader.read(column.cells) for reader, column in zip(self.readers, columns, strict=True)
        ]
        return self.outputs_of(self.source(documents))

    def outputs_of(self, source: TextSource) -> list[np.ndarray]:
        """Return each model's raw outputs for rows as this network reads them."""
        models = [levelled.model for levelled in self.models]
        if has_plain_form(self.settings):
            return [
                plain_outputs(
                    self.settings,
                    source,
                    dict(zip(model.names, model.weights, strict=True)),
                    model.view,
                )
                for model in models
            ]
        return predict_model(self.blueprint, source, models)


class TextNetworkEstimator(ExportsNetworks, ExplainsTexts, NetworkEstimator):
    """How an estimator of text networks reads its columns."""

    _is_joined = False  # whether the fitted networks read several columns as one

    def __sklearn_tags__(self):
        """Say that cells may be strings or missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    @property
    def vocabulary_report_(self) -> pd.DataFrame:
        """Per column: how many words and tokens have a given vector, and the bytes kept."""
        check_is_fitted(self)
        lines = [
            {"column": name, **reader.report}
            for network, *_ in self._networks
            for name, reader in zip(network.names, network.readers, strict=True)
        ]
        return pd.DataFrame(lines).set_index("column")

    def _explain(self, X):
        """Explain rows by all serving models."""
        from textcnn.explain.networks import explain_estimator

        return explain_estimator(self, self._read_columns(X, reset=False))

    def _words_alone(self):
        """Return what each known word adds as a text of its own."""
        from textcnn.explain.networks import words_of_estimator

        return words_of_estimator(self)

    def _check_settings(self):
        """Check every parameter of words, network and training; return them grouped."""
        parameters.one_of(self, "columns", text_parameters.COLUMNS)
        settings = (text_parameters.reader_settings(self), text_parameters.network_settings(self))
        share = UpdateShare(*share_of_updates(self.level, self.network))
        return settings, replace(parameters.training_settings(self), share=share)

    def _read_columns(self, X, *, reset: bool) -> list[TextColumn | JoinedColumns]:
        """Return the text columns of X, or one that joins them."""
        columns = read_columns(self, X, reset=reset)
        if reset:
            self._is_joined = self.columns == "joined" and len(columns) > 1
        return [JoinedColumns(columns)] if self._is_joined else columns

    def _reads(self, columns, settings, target, entropy) -> list:
        """Return a function per column that learns the words of some rows."""
        reader_settings, network_settings = settings
        return [
            partial(
                read_text_column,
                column,
                number,
                reader_settings=reader_settings,
                network_settings=network_settings,
                target=target,
                entropy=entropy,
            )
            for number, column in enumerate(columns)
        ]


def read_text_column(
    column: TextColumn | JoinedColumns,
    number: int,
    rows: np.ndarray | None = None,
    *,
    reader_settings: ReaderSettings,
    network_settings: TextNetworkSettings,
    target: Target,
    entropy: int,
) -> tuple[TextNetwork, Blueprint, TextSource]:
    """Learn a column's words; return a network without models, its blueprint, and all rows.

    Parameters
    ----------
    column : TextColumn or JoinedColumns
    number : int
        The column's place, which its seeds depend on.
    rows : ndarray of int, optional
        Rows whose words may be learnt; all if None.
    reader_settings, network_settings
        The checked parameters.
    target : Target
    entropy : int
        What the seeds are derived from.
    """
    if isinstance(column, JoinedColumns):
        tokenizer = JoinedTokenizer(reader_settings.tokenizer, reader_settings.max_length)
        reader_settings = replace(reader_settings, tokenizer=tokenizer, max_length=None)
    try:
        reader, documents = ColumnReader.fit(
            column.cells if rows is None else [column.cells[row] for row in rows],
            reader_settings,
            vector_seed=seed_sequence(entropy, "vectors", number),
            corpus_seed=integer_seed(seed_sequence(entropy, "corpus", number)),
        )
        if rows is not None:
            documents = reader.read(column.cells)
    except Exception as error:
        error.add_note(f"while reading the words of column {column.label(number)!r}")
        raise
    network = TextNetwork(
        names=[column.label(number)],
        readers=[reader],
        settings=network_settings,
        min_count=reader_settings.min_count,
        n_outputs=target.n_outputs,
        loss=target.loss,
        models=[],
    )
    return network, network.blueprint, network.source([documents])


def join_networks(networks: Sequence[TextNetwork]) -> TextNetwork:
    """Return one network with a branch per column, concatenated before its dense part."""
    return replace(
        networks[0],
        names=[name for network in networks for name in network.names],
        readers=[reader for network in networks for reader in network.readers],
    )
