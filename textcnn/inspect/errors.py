"""The largest errors of a model, as a grid of images."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length

from textcnn.image.files import COLOR_MODES, decode_file, read_header
from textcnn.inspect.maps import one_frame
from textcnn.inspect.opened import read_images
from textcnn.utils.plotting import draw_image, new_grid, without_ticks


class WorstErrorsDisplay:
    """Images with the largest errors of a model, the worst first.

    For classes: rows with a wrong class, sorted by the probability of the true class. For
    regression: sorted by the absolute difference.

    Parameters
    ----------
    images : list of ndarray, each (height, width, channels)
    rows : ndarray of int
        Their row numbers.
    truths, predicted : list of str
        True and predicted classes or values.
    errors : ndarray of float
        One minus the probability of the true class, or the absolute difference.
    n_errors, n_rows : int
        Number of wrong rows (for regression: of all rows), and of all rows.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.inspect import WorstErrorsDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    >>> probabilities = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]]
    >>> y = ["ant", "ant", "bee", "bee"]
    >>> display = WorstErrorsDisplay.from_predictions(images, y, probabilities)
    >>> display.rows.tolist(), display.truths, display.predicted
    ([1, 2], ['ant', 'bee'], ['bee (80%)', 'ant (60%)'])
    """

    def __init__(self, *, images, rows, truths, predicted, errors, n_errors, n_rows):
        self.images = images
        self.rows = rows
        self.truths = truths
        self.predicted = predicted
        self.errors = errors
        self.n_errors = n_errors
        self.n_rows = n_rows

    @classmethod
    def from_estimator(cls, estimator, X, y, *, most_errors=12, frame=0, figure=None):
        """Predict rows with a fitted estimator and draw those with the largest errors.

        Parameters
        ----------
        estimator : ImageCNNClassifier or ImageCNNRegressor
        X : array, or list, Series or DataFrame of paths
            Images of the same form as at fit; use rows that were not used for training.
        y : array-like of shape (n_rows,)
            True classes or values.
        most_errors : int, default=12
            Number of images.
        frame : int, default=0
            Number of the frame in a sequence.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        WorstErrorsDisplay
        """
        if is_classifier(estimator):
            found = _wrong_classes(y, estimator.predict_proba(X), estimator.classes_)
        else:
            found = _far_numbers(y, estimator.predict(X))
        rows = found["rows"][:most_errors]
        images = [
            image if image.ndim == 3 else one_frame(image, frame)
            for image in read_images(estimator, X, rows)
        ]
        return cls(images=images, **_first(found, most_errors)).plot(figure=figure)

    @classmethod
    def from_predictions(cls, X, y, predictions, *, classes=None, most_errors=12, figure=None):
        """Draw the rows with the largest errors of given, for example out-of-fold, predictions.

        Parameters
        ----------
        X : array of shape (n_rows, height, width[, channels]), or sequence of arrays or paths
        y : array-like of shape (n_rows,)
            True classes or values.
        predictions : array-like
            Class probabilities of shape (n_rows, n_classes), or (n_rows, 1) for the second of two
            classes; or predicted values of shape (n_rows,).
        classes : array-like, optional
            Classes in the order of the columns; the sorted values of y if None.
        most_errors : int, default=12
            Number of images.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        WorstErrorsDisplay
        """
        predictions = np.asarray(predictions, dtype=np.float64)
        check_consistent_length(X, y, predictions)
        if predictions.ndim == 1:
            found = _far_numbers(y, predictions)
        else:
            found = _wrong_classes(y, predictions, np.unique(y) if classes is None else classes)
        images = [_image(X, row) for row in found["rows"][:most_errors]]
        return cls(images=images, **_first(found, most_errors)).plot(figure=figure)

    def plot(self, *, figure=None):
        """Draw a panel per image.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        WorstErrorsDisplay
        """
        n_columns = min(6, max(len(self.images), 1))
        n_rows = -(-max(len(self.images), 1) // n_columns)
        figure, axes = new_grid(figure, n_rows, n_columns, panel=(1.5, 1.75))
        for number, ax in enumerate(axes.ravel()):
            if number >= len(self.images):
                ax.set_axis_off()
                continue
            draw_image(ax, self.images[number])
            without_ticks(ax)
            ax.set_title(f"true: {self.truths[number]}", fontsize=9, loc="left")
            ax.set_xlabel(f"predicted: {self.predicted[number]}", fontsize=8)
        figure.suptitle(self._headline(), fontsize=10)
        self.axes_, self.figure_ = axes, figure
        return self

    def _headline(self) -> str:
        if not self.images:
            return f"No errors in {self.n_rows:,} rows"
        if self.n_errors == self.n_rows:
            return f"The worst {len(self.images)} of {self.n_rows:,} rows"
        return f"The worst {len(self.images)} of {self.n_errors:,} errors in {self.n_rows:,} rows"


def _wrong_classes(y, probabilities, classes) -> dict:
    """Return wrongly classified rows, the most confident first, with class names."""
    y, probabilities = np.asarray(y), np.asarray(probabilities, dtype=np.float64)
    classes = np.asarray(classes)
    if y.ndim != 1:
        raise ValueError(
            "Expected one class per row in y. For several labels use from_predictions for each. "
            f"Received: y of shape {y.shape}."
        )
    if probabilities.shape[1] == 1 and len(classes) == 2:
        probabilities = np.hstack([1 - probabilities, probabilities])
    if probabilities.shape[1] != len(classes) or not np.isin(y, classes).all():
        raise ValueError(
            "predictions must have a column for each class in y. Expected: shape "
            f"{(len(y), len(classes))} for the classes {classes.tolist()}. "
            f"Received: predictions of shape {probabilities.shape}."
        )
    order = np.argsort(classes)
    codes = order[np.searchsorted(classes, y, sorter=order)]
    chosen = probabilities.argmax(axis=1)
    errors = 1 - probabilities[np.arange(len(y)), codes]
    wrong = np.flatnonzero(chosen != codes)
    rows = wrong[np.argsort(-errors[wrong], kind="stable")]
    return {
        "rows": rows,
        "truths": [str(y[row]) for row in rows],
        "predicted": [f"{classes[chosen[r]]} ({probabilities[r, chosen[r]]:.0%})" for r in rows],
        "errors": errors[rows],
        "n_errors": len(rows),
        "n_rows": len(y),
    }


def _far_numbers(y, predictions) -> dict:
    """Return all rows, the largest error first, with their values."""
    y, predictions = np.asarray(y, np.float64), np.asarray(predictions, np.float64)
    if y.ndim != 1 or predictions.ndim != 1:
        raise ValueError(
            "Expected one number per row in y. For several targets use from_predictions for each. "
            f"Received: y of shape {y.shape}, predictions of shape {predictions.shape}."
        )
    errors = np.abs(predictions - y)
    rows = np.argsort(-errors, kind="stable")
    return {
        "rows": rows,
        "truths": [f"{y[row]:.4g}" for row in rows],
        "predicted": [f"{predictions[row]:.4g}" for row in rows],
        "errors": errors[rows],
        "n_errors": len(rows),
        "n_rows": len(y),
    }


def _first(found: dict, most: int) -> dict:
    """Return the entries of the first rows."""
    listed = ("rows", "truths", "predicted", "errors")
    return {name: value[:most] if name in listed else value for name, value in found.items()}


def _image(X, row: int) -> np.ndarray:
    """Return one image of an array, or from a sequence of arrays or paths."""
    cell = X.iloc[row] if hasattr(X, "iloc") else X[row]
    if isinstance(cell, np.ndarray) or hasattr(cell, "__array__"):
        image = np.asarray(cell)
        if image.ndim not in (2, 3):
            raise ValueError(
                "Each row of X must be one image, of shape (height, width) or (height, width, "
                f"channels). Received: shape {image.shape}."
            )
        return image[..., None] if image.ndim == 2 else image
    header = read_header(cell)
    mode = header.color_mode if header.color_mode in COLOR_MODES else "rgb"
    return decode_file(cell, (header.height, header.width), mode, "pad")
