"""A fitted network of text columns: the readers of new cells, the settings, the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from textcnn.fit.models import FoldModel
from textcnn.neural.network import Blueprint
from textcnn.neural.training import predict_model
from textcnn.text.columns import TextColumn
from textcnn.text.documents import TextSource, with_new_words
from textcnn.text.network import TextNetworkSettings
from textcnn.text.plain import has_plain_form, plain_outputs
from textcnn.text.reader import ColumnReader, blueprint


@dataclass
class TextNetwork:
    """Fitted parts of a network: the readers of its columns, the settings, and the models."""

    names: list[str]
    readers: list[ColumnReader]
    settings: TextNetworkSettings
    min_count: int
    n_outputs: int
    loss: str
    models: list[FoldModel]

    @property
    def blueprint(self) -> Blueprint:
        """Blueprint of the Keras model, which is not part of the fitted state."""
        return blueprint(self.readers, self.settings, n_outputs=self.n_outputs, loss=self.loss)

    @property
    def needs_backend(self) -> bool:
        """Whether predictions need a network of Keras."""
        return not has_plain_form(self.settings)

    def source(self, documents) -> TextSource:
        """Return documents as rows for the models of this network."""
        return TextSource(
            documents,
            [reader.vocabulary for reader in self.readers],
            min_count=self.min_count,
            trainable=self.settings.trainable_embeddings,
            learns_vectors=self.readers[0].learned_dim > 0,
        )

    def with_models(self, models: list[FoldModel]) -> TextNetwork:
        """Return this network with fitted models in it."""
        return replace(self, models=models)

    def raw_outputs(self, columns: Sequence[TextColumn]) -> list[np.ndarray]:
        """Return each model's raw outputs for new cells."""
        documents = [
            reader.read(column.cells) for reader, column in zip(self.readers, columns, strict=True)
        ]
        network = with_new_words(self, documents)
        return network.outputs_of(network.source(documents))

    def outputs_of(self, source: TextSource) -> list[np.ndarray]:
        """Return each model's raw outputs for rows as this network reads them."""
        models = [fold.model for fold in self.models]
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


def join_networks(networks: Sequence[TextNetwork]) -> TextNetwork:
    """Return one network with a branch per column, concatenated before its dense part."""
    return replace(
        networks[0],
        names=[name for network in networks for name in network.names],
        readers=[reader for network in networks for reader in network.readers],
    )
