"""A fitted model of an image estimator as a Keras model, with its images and scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from textcnn.crossfit.targets import Target
from textcnn.fit.models import FoldModel
from textcnn.image.files import ImageError, box_within, decode_file, read_header, resize_array
from textcnn.image.fitted import ImageNetwork
from textcnn.neural.backend import import_keras
from textcnn.neural.keras_settings import own_settings
from textcnn.neural.network import TracedNetwork
from textcnn.text.fitted import TextNetwork


def trains_networks(estimator) -> bool:
    """Return whether an estimator is of this package and trains networks."""
    return getattr(estimator, "_model_set", None) in (TextNetwork, ImageNetwork)


def reads_images(estimator) -> bool:
    """Return whether an estimator trains networks of images."""
    return getattr(estimator, "_model_set", None) is ImageNetwork


@dataclass
class OpenedModel:
    """One fitted model and its own Keras network.

    Attributes
    ----------
    network : ImageNetwork or TextNetwork
    fold : FoldModel
    head : Target
        Converts raw outputs to predictions.
    keras_model : keras.Model
    """

    network: Any
    fold: FoldModel
    head: Target
    keras_model: Any

    def inputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the Keras model reads of one image or sequence."""
        scaling = self.fold.model.view["scaling"]
        return image[None].astype(np.float32), scaling[None]

    @own_settings()
    def predict(self, inputs) -> np.ndarray:
        """Return the prediction of one row, shape (n_outputs,)."""
        raw = self.keras_model(list(inputs), training=False)
        raw = np.asarray(import_keras().ops.convert_to_numpy(raw))
        return self.head.predictions(raw, self.fold.level)[0]

    def describe(self, prediction: np.ndarray) -> str:
        """Return a prediction as text: classes with their probability, or numbers."""
        head = self.head
        if head.is_regression:
            return ", ".join(f"{value:.4g}" for value in prediction)
        shares = head.probabilities(prediction[None])[0]
        if head.kind == "multilabel":
            chosen = [f"{n} ({s:.0%})" for n, s in zip(self.names, shares, strict=True) if s > 0.5]
            return ", ".join(chosen) or "no label"
        return f"{head.decode(prediction[None])[0]} ({shares.max():.0%})"

    @property
    def names(self) -> list[str]:
        """Names of several outputs."""
        return list(self.head.names) or [str(number) for number in range(self.head.n_outputs)]

    def score_of(self, target, prediction: np.ndarray):
        """Return the score function of a class, label or target, and its name.

        Parameters
        ----------
        target : object
            A class, or the name or number of a label or target; None for the predicted class, the
            most probable label, or the first target.
        prediction : ndarray
            The result of :meth:`predict`.

        Returns
        -------
        score : callable
            From raw outputs (1, n_outputs) to one number.
        name : str
        """
        place, sign, name = self._output_of(target, prediction)
        return lambda raw: sign * raw[0, place], name

    def _output_of(self, target, prediction) -> tuple[int, int, str]:
        head = self.head
        if head.kind in ("binary", "multiclass"):
            classes = list(head.classes)
            if target is None:
                target = head.decode(prediction[None])[0]
            if target not in classes:
                raise ValueError(
                    f"target must be one of the classes. Expected: one of {classes}. "
                    f"Received: target={target!r}."
                )
            code = classes.index(target)
            if head.kind == "multiclass":
                return code, 1, str(target)
            return 0, 1 if code else -1, str(target)
        names = self.names
        if target is None:
            place = int(np.argmax(prediction)) if head.kind == "multilabel" else 0
        elif target in names:
            place = names.index(target)
        elif isinstance(target, Integral) and 0 <= target < len(names):
            place = int(target)
        else:
            raise ValueError(
                f"target must be the name or number of an output. Expected: one of {names}. "
                f"Received: target={target!r}."
            )
        return place, 1, "prediction" if head.kind == "continuous" else names[place]


def open_model(estimator, *, column: int = 0, model: int = 0) -> OpenedModel:
    """Build a new Keras model from a fitted image estimator, for inspection.

    Parameters
    ----------
    estimator : ImageCNNClassifier, ImageCNNRegressor or ImageCNNEncoder
    column : int
        Number of the column.
    model : int
        Number of the model: for encoders, of the models for new rows (fold models or refit).

    Raises
    ------
    TypeError
        If it is not an image estimator.
    ValueError
        If it has no such column or model.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    if not reads_images(estimator):
        raise TypeError(
            "Only image networks are supported. Expected: an ImageCNNClassifier, ImageCNNRegressor "
            f"or ImageCNNEncoder. Received: {type(estimator).__name__}."
        )
    network, fold = serving_model(estimator, column, model)
    traced = TracedNetwork(network.blueprint)
    traced.load_weights(fold.model.weights)
    return OpenedModel(network, fold, estimator._head, traced.model)


def serving_model(estimator, column: int, model: int) -> tuple[Any, FoldModel]:
    """Return the network and the fitted model that these numbers mean."""
    check_is_fitted(estimator)
    columns = estimator._model_sets
    _check_place("column", column, len(columns))
    models = [(network, fitted) for network in columns[column] for fitted in network.models]
    _check_place("model", model, len(models))
    return models[model]


def read_image(estimator, X, *, row: int, column: int = 0) -> np.ndarray:
    """Return one image of X as input of the estimator, ([frames,] height, width, channels)."""
    return read_images(estimator, X, [row], column=column)[0]


def read_images(estimator, X, rows, *, column: int = 0) -> list[np.ndarray]:
    """Return some images of X as inputs of the estimator; no other file is opened."""
    network, _ = serving_model(estimator, column, 0)
    read = estimator._read_columns(estimator, X, reset=False)[column]
    images = []
    for row in rows:
        _check_place("row", row, len(read))
        if read.pixels is not None:
            one = replace(read, pixels=read.pixels[[row]])
        else:
            one = replace(read, cells=[read.cells[row]])
        images.append(network.reader.read(one)[np.array([0])][0])
    return images


def read_original(estimator, X, *, row: int, column: int = 0) -> np.ndarray | None:
    """Return an image as it is in its file or cell, before any resizing.

    Returns
    -------
    ndarray of shape (height, width, channels), or None
        None for pixels in one array, which are not resized, and for missing or unreadable files.
    """
    read = estimator._read_columns(estimator, X, reset=False)[column]
    if read.pixels is not None or read.cells[row] is None:
        return None
    cell = read.cells[row]
    if isinstance(cell, np.ndarray):
        return cell
    try:
        header = read_header(cell)
        return decode_file(cell, (header.height, header.width), header.color_mode, "stretch")
    except ImageError:  # replaced by a blank image
        return None


def over_original(heat: np.ndarray, original: np.ndarray, resize: str) -> np.ndarray:
    """Return a heat map of a network's input, resized to the original image.

    Parameters
    ----------
    heat : ndarray of shape (height, width)
        Of the input, which may have borders.
    original : ndarray of shape (height, width, channels)
    resize : {"pad", "stretch"}
        How the input was made from the original.
    """
    top, left, height, width = box_within(original.shape[:2], heat.shape, resize)
    inside = heat[top : top + height, left : left + width, None]
    return resize_array(inside, original.shape[:2], "stretch")[..., 0]


def _check_place(name: str, value, count: int) -> None:
    if not isinstance(value, Integral | np.integer) or not 0 <= value < count:
        raise ValueError(
            f"{name} must be an integer from 0 to {count - 1}. Received: {name}={value!r}."
        )
