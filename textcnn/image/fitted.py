"""What the image encoder and the plain image predictors share: how columns are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from textcnn.base.networks import NetworkEstimator, NetworkPredictor
from textcnn.crossfit.values import has_columns
from textcnn.fit.network_jobs import LevelledModel
from textcnn.image import settings as image_parameters
from textcnn.image.columns import ImageColumn, read_image_columns
from textcnn.image.network import (
    NETWORKS,
    ImageNetworkSettings,
    build_image_network,
    check_network_fits,
)
from textcnn.image.reader import ImageReader, ImageSource, warn_of_unreadable
from textcnn.neural.network import Blueprint
from textcnn.neural.training import predict_model


@dataclass
class ImageNetwork:
    """One network's fitted parts: the reader of its column, what it is built of, and its models."""

    names: list[str]
    reader: ImageReader
    settings: ImageNetworkSettings
    n_outputs: int
    loss: str
    models: list[LevelledModel]

    @property
    def blueprint(self) -> Blueprint:
        """How to build the Keras model, which is never part of the state."""
        parts = (self.settings, self.reader.shape, self.n_outputs)
        is_users = callable(self.settings.network)
        return Blueprint(
            build=partial(build_image_network, *parts),
            loss=self.loss,
            key=None if is_users else (*parts, self.loss),
        )

    def with_models(self, models: list[LevelledModel]) -> ImageNetwork:
        """Return this network with fitted models, which need no file of weights any more.

        What no model may change is kept once: the weights of a frozen backbone.
        """
        first = models[0].model.weights
        for levelled in models[1:]:
            model = levelled.model
            model.weights = [
                shared if np.array_equal(shared, own) else own
                for shared, own in zip(first, model.weights, strict=True)
            ]
        return replace(self, models=models, settings=replace(self.settings, pretrained=None))

    def raw_outputs(self, columns: list[ImageColumn]) -> list[np.ndarray]:
        """Return each model's raw outputs for new images."""
        images = self.reader.read(columns[0])
        models = [levelled.model for levelled in self.models]
        outputs = predict_model(self.blueprint, ImageSource(images), models)
        warn_of_unreadable(images)
        return outputs


class ImageNetworkEstimator(NetworkEstimator):
    """How an estimator of image networks reads its columns."""

    def __sklearn_tags__(self):
        """Say that cells may be paths, and X of more than two dimensions."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = self.image_shape is None
        tags.input_tags.three_d_array = self.image_shape is None
        return tags

    def _check_settings(self):
        """Check every parameter of images, network and training; return them grouped."""
        settings = (
            image_parameters.image_settings(self),
            image_parameters.network_settings(self),
        )
        return settings, image_parameters.image_training_settings(self)

    def _read_columns(self, X, *, reset: bool) -> list[ImageColumn]:
        """Return the columns of images of X."""
        return read_image_columns(self, X, image_shape=self.image_shape, reset=reset)

    def _reads(self, columns, settings, target, entropy) -> list:
        """Return a function per column that finds the shape of its images."""
        image_parameters.check_target(self, target)
        return [
            partial(_read_image_column, column, number, settings=settings, target=target)
            for number, column in enumerate(columns)
        ]


class ImagePredictor(ImageNetworkEstimator, NetworkPredictor):
    """Fits one network on one column of images."""

    _target_type_of_columns: str

    def _read_columns(self, X, *, reset: bool):
        """Return the column of images of X; there must be one."""
        columns = super()._read_columns(X, reset=reset)
        if len(columns) != 1:
            raise ValueError(
                "One column of images is expected. Received: "
                f"{[column.label(number) for number, column in enumerate(columns)]}. Choose one, "
                "or make features of several with ImageCNNEncoder."
            )
        return columns

    def _read_network(self, columns, settings, target, entropy):
        """Find the shape of the images; return the network and the images."""
        (read,) = self._reads(columns, settings, target, entropy)
        network, _, source = read()
        return network, source

    def _target_type_of(self, y) -> str:
        """Tell several targets from one by the columns of y."""
        return self._target_type_of_columns if has_columns(y) else self._target_type


def _read_image_column(column: ImageColumn, number: int, *, settings, target):
    """Return a network without models, its blueprint, and all images."""
    image_settings, network_settings = settings
    try:
        reader, images = ImageReader.fit(column, image_settings)
        _check_shape(reader, network_settings)
    except Exception as error:
        error.add_note(f"while reading the images of column {column.label(number)!r}")
        raise
    network = ImageNetwork(
        names=[column.label(number)],
        reader=reader,
        settings=network_settings,
        n_outputs=target.n_outputs,
        loss=target.loss,
        models=[],
    )
    return network, network.blueprint, ImageSource(images)


def _check_shape(reader: ImageReader, settings: ImageNetworkSettings) -> None:
    """Refuse images that the network cannot read."""
    if settings.time_pooling is not None and len(reader.shape) == 3:
        raise ValueError(
            "SequenceNetwork pools features over the frames of sequences. Expected: arrays (n_rows,"
            " frames, height, width, channels), or the network for single images in its place. "
            f"Received: images of shape {reader.shape}."
        )
    is_backbone = isinstance(settings.network, str) and settings.network not in NETWORKS
    if is_backbone and reader.shape[-1] not in (1, 3):
        raise ValueError(
            "The networks of keras.applications read grey images or RGB. "
            f"Received: network={settings.network!r} and images of {reader.shape[-1]} channels."
        )
    if is_backbone and not reader.is_uint8:
        raise ValueError(
            "The networks of keras.applications read pixels from 0 to 255. Expected: paths, or "
            "arrays of uint8; for numbers from 0 to 1 type (255 * X).round().astype('uint8'). "
            f"Received: network={settings.network!r} and an array that is not of uint8."
        )
    check_network_fits(settings, reader.shape)
