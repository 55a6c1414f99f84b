"""Fits networks of columns of images: finds the shape of images, then fits one per fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textcnn.crossfit import FoldPlan
from textcnn.fit import parameters
from textcnn.fit.models import FoldModel, Prepared, Task
from textcnn.fit.network_jobs import fit_networks
from textcnn.image import settings as image_settings
from textcnn.image.columns import ImageColumn, read_image_columns
from textcnn.image.fitted import ImageNetwork
from textcnn.image.network import NETWORKS, ImageNetworkSettings, check_network_fits
from textcnn.image.reader import ImageReader, ImageSettings
from textcnn.image.source import ImageSource


@dataclass(frozen=True)
class ImageLearner:
    """Reads images and fits a network per fold."""

    reading: ImageSettings
    network: ImageNetworkSettings
    training: image_settings.ImageTrainingSettings
    loss: str = "auto"

    fits_columns_together = True
    n_networks = 1

    @classmethod
    def of(cls, estimator) -> ImageLearner:
        """Check every parameter of images, network and training; return them grouped."""
        return cls(
            image_settings.image_settings(estimator),
            image_settings.network_settings(estimator),
            image_settings.image_training_settings(estimator),
            getattr(estimator, "loss", "auto"),
        )

    @property
    def stop_fraction(self) -> float:
        """Share of a model's training rows that are validation rows."""
        return self.training.stop_fraction

    def check(self, task: Task) -> None:
        """Refuse class weights and label smoothing that do not match the target."""
        parameters.check_target(self.training, task)

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Return True: only the shape of images is found without targets."""
        return False

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return an empty note."""
        return ()

    def prepare(self, column: ImageColumn, number: int, task: Task, rows=None) -> Prepared:
        """Find the shape of a column's images; decode them if they fit in memory."""
        try:
            reader, images = ImageReader.fit(column, self.reading)
            _check_shape(reader, self.network)
        except Exception as error:
            error.add_note(f"while reading the images of column {column.label(number)!r}")
            raise
        network = ImageNetwork(
            names=[column.label(number)],
            reader=reader,
            settings=self.network,
            n_outputs=task.target.n_outputs,
            loss=task.target.loss,
            models=[],
        )
        return Prepared(network, (network.blueprint, ImageSource(images)), {})

    def prepare_together(self, columns: Sequence[ImageColumn], task: Task) -> Prepared:
        """Read the one column of a predictor."""
        [column] = columns
        return self.prepare(column, 0, task)

    def fit(self, groups, task: Task) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit a network per job."""
        return fit_networks(groups, self.training, task)


def read_columns_of_images(estimator, X, *, reset: bool) -> list[ImageColumn]:
    """Return the columns of images of X."""
    return read_image_columns(estimator, X, image_shape=estimator.image_shape, reset=reset)


def read_one_column_of_images(estimator, X, *, reset: bool) -> list[ImageColumn]:
    """Return the only column of images of X."""
    columns = read_columns_of_images(estimator, X, reset=reset)
    if len(columns) != 1:
        raise ValueError(
            "Expected one column of images. Received: "
            f"{[column.label(number) for number, column in enumerate(columns)]}. Select one, "
            "or use ImageCNNEncoder for several columns."
        )
    return columns


def _check_shape(reader: ImageReader, settings: ImageNetworkSettings) -> None:
    """Refuse images that the network cannot read."""
    if settings.time_pooling is not None and len(reader.shape) == 3:
        raise ValueError(
            "SequenceNetwork pools features over the frames of sequences. Expected: arrays (n_rows,"
            " frames, height, width, channels), or a network for single images instead. "
            f"Received: images of shape {reader.shape}."
        )
    is_backbone = isinstance(settings.network, str) and settings.network not in NETWORKS
    if is_backbone and reader.shape[-1] not in (1, 3):
        raise ValueError(
            "Networks of keras.applications need grey or RGB images. "
            f"Received: network={settings.network!r} and images of {reader.shape[-1]} channels."
        )
    if is_backbone and not reader.is_uint8:
        raise ValueError(
            "Networks of keras.applications need pixels from 0 to 255. Expected: paths, or "
            "arrays of uint8; for numbers from 0 to 1 type (255 * X).round().astype('uint8'). "
            f"Received: network={settings.network!r} and an array that is not of uint8."
        )
    check_network_fits(settings, reader.shape)
