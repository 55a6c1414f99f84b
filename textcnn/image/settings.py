"""Parameters of images and their networks: checked before any training, then grouped."""

from __future__ import annotations

from dataclasses import dataclass

from textcnn.fit.defaults import refuse_ignored
from textcnn.fit.network_jobs import TrainingSettings
from textcnn.fit.parameters import (
    is_whole,
    number,
    one_of,
    training_settings,
    whole_numbers,
)
from textcnn.image.augmentation import plan_augmentation
from textcnn.image.files import COLOR_MODES, RESIZES
from textcnn.image.form_settings import form_settings, is_pair
from textcnn.image.network import PRECISIONS, ImageNetworkSettings
from textcnn.image.reader import ON_ERROR, ImageSettings
from textcnn.neural.backend import has_gpu


@dataclass(frozen=True)
class ImageTrainingSettings(TrainingSettings):
    """Number of updates and learning rate of each model of images."""

    def automatic_updates(self, n_learn: int, target) -> int:
        """Return the number of updates that ``epochs="auto"`` makes.

        About 12 epochs for 60,000 images and 40 for 1,500: with random changes of images, more
        epochs are useful than for texts. Found with benchmarks/images.py.
        """
        per_epoch = -(-n_learn // self.batch_size)
        return max(round(9.5 * n_learn**0.64 * (64 / self.batch_size) ** 0.6), per_epoch)


def image_settings(estimator) -> ImageSettings:
    """Check the parameters of images; return them as settings."""
    one_of(estimator, "resize", RESIZES)
    one_of(estimator, "color_mode", ("auto", *COLOR_MODES))
    one_of(estimator, "on_error", ON_ERROR)
    if estimator.image_size is None:
        refuse_ignored(
            estimator,
            ["resize"],
            why="A network without resizing of images (image_size=None)",
            expected="image_size=, for example 64, or no such parameter",
        )
    return ImageSettings(
        image_shape=_image_shape(estimator.image_shape),
        image_size=_image_size(estimator.image_size),
        resize=estimator.resize,
        color_mode=estimator.color_mode,
        on_error=estimator.on_error,
    )


def network_settings(estimator) -> ImageNetworkSettings:
    """Check the parameters of the network; return them as settings."""
    one_of(estimator, "precision", PRECISIONS)
    number(estimator, "dropout", 0.0, below=1.0)
    number(estimator, "l2", 0.0)
    precision = estimator.precision
    if precision == "auto":
        precision = "mixed_bfloat16" if has_gpu() else "float32"
    return ImageNetworkSettings(
        **form_settings(estimator),
        dense_units=whole_numbers(estimator, "dense_units", at_least_one=False),
        dropout=float(estimator.dropout),
        l2=float(estimator.l2),
        augment=plan_augmentation(estimator.augment),
        precision=precision,
    )


def image_training_settings(estimator) -> ImageTrainingSettings:
    """Check the parameters of training; return them as settings."""
    return ImageTrainingSettings(**vars(training_settings(estimator)))


def _image_shape(value) -> tuple[int, ...] | None:
    """Return the shape of rows of pixels; one entry may be -1."""
    if value is None:
        return None
    is_shape = isinstance(value, list | tuple) and len(value) in (2, 3, 4)
    is_shape = is_shape and all(is_whole(side) and (side >= 1 or side == -1) for side in value)
    if not is_shape or list(value).count(-1) > 1:
        raise ValueError(
            "image_shape must be None, (height, width), (height, width, channels) or (frames, "
            "height, width, channels), where one entry may be -1. "
            f"Received: image_shape={value!r}."
        )
    return tuple(int(side) for side in value)


def _image_size(value) -> tuple[int, int] | None:
    """Return the height and width to which images are resized; one number means a square."""
    if value is None:
        return None
    pair = (value, value) if is_whole(value) else value
    if not is_pair(pair):
        raise ValueError(
            "image_size must be None, a number of pixels or (height, width). "
            f"Received: image_size={value!r}."
        )
    return int(pair[0]), int(pair[1])
