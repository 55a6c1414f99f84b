"""A fitted network of images: the reader of new cells, the settings, and the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from textcnn.fit.models import FoldModel
from textcnn.image.columns import ImageColumn
from textcnn.image.decoding import warn_of_unreadable
from textcnn.image.network import ImageNetworkSettings, build_image_network
from textcnn.image.reader import ImageReader
from textcnn.image.source import ImageSource
from textcnn.neural.network import Blueprint
from textcnn.neural.training import predict_model


@dataclass
class ImageNetwork:
    """Fitted parts of a network: the reader of its column, the settings, and the models."""

    names: list[str]
    reader: ImageReader
    settings: ImageNetworkSettings
    n_outputs: int
    loss: str
    models: list[FoldModel]

    needs_backend: ClassVar[bool] = True

    @property
    def blueprint(self) -> Blueprint:
        """Blueprint of the Keras model, which is not part of the fitted state."""
        parts = (self.settings, self.reader.shape, self.n_outputs)
        is_users = callable(self.settings.network)
        return Blueprint(
            build=partial(build_image_network, *parts),
            loss=self.loss,
            key=None if is_users else (*parts, self.loss),
        )

    def with_models(self, models: list[FoldModel]) -> ImageNetwork:
        """Return this network with fitted models, which do not need a file of weights.

        Weights of a frozen backbone are kept only once.
        """
        first = models[0].model.weights
        for fold in models[1:]:
            model = fold.model
            model.weights = [
                shared if np.array_equal(shared, own) else own
                for shared, own in zip(first, model.weights, strict=True)
            ]
        return replace(self, models=models, settings=replace(self.settings, pretrained=None))

    def raw_outputs(self, columns: Sequence[ImageColumn]) -> list[np.ndarray]:
        """Return each model's raw outputs for new images."""
        images = self.reader.read(columns[0])
        outputs = self.outputs_of(ImageSource(images))
        warn_of_unreadable(images)
        return outputs

    def outputs_of(self, source: ImageSource) -> list[np.ndarray]:
        """Return each model's raw outputs for rows as this network reads them."""
        return predict_model(self.blueprint, source, [fold.model for fold in self.models])
