"""Explanations of image predictions: saliency of pixels, and Grad-CAM."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from textcnn.image.files import resize_array
from textcnn.image.gradcam import grad_cam, last_convolution, saliency
from textcnn.inspect.maps import one_frame
from textcnn.inspect.opened import open_model, over_original, read_image, read_original
from textcnn.utils.plotting import draw_image, new_grid


class _ReasonDisplay:
    """An image, and a heat map for one class or target; or a list of each, for several rows.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels), or list of them
    heat : ndarray of shape (height, width), or list of them
    target : str, or list of str
        The explained class, label or output.
    prediction : str, or list of str
        The model's prediction for the image.
    """

    _title: str

    def __init__(self, *, image, heat, target, prediction):
        self.image = image
        self.heat = heat
        self.target = target
        self.prediction = prediction

    def plot(self, *, figure=None):
        """Draw the image and the heat map.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        Display
        """
        is_one = isinstance(self.image, np.ndarray)
        parts = (self.image, self.heat, self.target, self.prediction)
        lines = [parts] if is_one else list(zip(*parts, strict=True))
        figure, axes = new_grid(figure, len(lines), 2, panel=(2.6, 2.6))
        for (left, right), (image, heat, target, prediction) in zip(axes, lines, strict=True):
            draw_image(left, image)
            left.set_title(f"predicted: {prediction}", fontsize=9)
            self._draw_heat(figure, right, image, heat)
            right.set_title(f"{self._title} {target}", fontsize=9)
        self.axes_, self.figure_ = axes[0] if is_one else axes, figure
        return self


class SaliencyDisplay(_ReasonDisplay):
    """Sensitivity of the score of a class to each pixel.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
        The image at its own size, before any resizing.
    heat : ndarray of shape (height, width)
        Absolute gradient of the raw output (for example a logit) with respect to the pixel that the
        network reads; interpolated to the size of the image.
    target : str
        The explained class, label or output.
    prediction : str
        The model's prediction for the image.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> from textcnn.inspect import SaliencyDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> classifier = ImageCNNClassifier(n_filters=4, epochs=1, random_state=0)
    >>> classifier = classifier.fit(images, ["cat", "dog"] * 10)
    >>> SaliencyDisplay.from_estimator(classifier, images, target="dog").heat.shape
    (8, 8)
    """

    _title = "gradient for"

    @classmethod
    def from_estimator(
        cls, estimator, X, *, row=0, target=None, frame=0, column=0, model=0, figure=None
    ):
        """Compute and draw the saliency of one image.

        Parameters
        ----------
        estimator : ImageCNNClassifier, ImageCNNRegressor or ImageCNNEncoder
        X : array, or list, Series or DataFrame of paths
            Images of the same form as at fit.
        row : int or list of int, default=0
            Row of the image. With a list the figure has a line per row, and the attributes of the
            display are lists.
        target : object, optional
            A class, or the name or number of a label or target. None is the predicted class, the
            most probable label, or the first target.
        frame : int, default=0
            Number of the frame in a sequence.
        column, model : int, default=0
            Numbers of the column and of the fitted model.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        SaliencyDisplay
        """

        def heat_of(keras_model, inputs, score):
            heat = saliency(keras_model, inputs, score)
            return heat if heat.ndim == 2 else one_frame(heat, frame)

        found = _ask(estimator, X, row, target, frame, column, model, heat_of)
        return cls(**found).plot(figure=figure)

    def _draw_heat(self, figure, ax, image, heat) -> None:
        image = draw_image(ax, heat[..., None], cmap="magma", vmin=0)
        figure.colorbar(image, ax=ax, shrink=0.75, label="gradient of the score")


class GradCAMDisplay(_ReasonDisplay):
    """Regions of an image that support a class, from the feature maps of a convolution.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
        The image at its own size, before any resizing.
    heat : ndarray of shape (height, width)
        Support in units of the score, 0 for none; interpolated to the size of the image.
    target : str
        The explained class, label or output.
    prediction : str
        The model's prediction for the image.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> from textcnn.inspect import GradCAMDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> classifier = ImageCNNClassifier(n_filters=4, epochs=1, random_state=0)
    >>> classifier = classifier.fit(images, ["cat", "dog"] * 10)
    >>> display = GradCAMDisplay.from_estimator(classifier, images, target="dog")
    >>> display.heat.shape, bool(display.heat.min() >= 0)
    ((8, 8), True)
    """

    _title = "supports"

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        row=0,
        target=None,
        layer=None,
        frame=0,
        column=0,
        model=0,
        figure=None,
    ):
        """Compute and draw Grad-CAM of one image.

        Parameters
        ----------
        estimator : ImageCNNClassifier, ImageCNNRegressor or ImageCNNEncoder
            With any network that has a convolution.
        X : array, or list, Series or DataFrame of paths
            Images of the same form as at fit.
        row : int or list of int, default=0
            Row of the image. With a list the figure has a line per row, and the attributes of the
            display are lists.
        target : object, optional
            A class, or the name or number of a label or target. None is the predicted class, the
            most probable label, or the first target.
        layer : str, optional
            Name of a layer with maps, as in ``layer_table``. None is the output of the last
            convolution (with normalisation and activation) whose maps are larger than 1×1.
        frame : int, default=0
            Number of the frame in a sequence.
        column, model : int, default=0
            Numbers of the column and of the fitted model.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        GradCAMDisplay
        """

        def heat_of(keras_model, inputs, score):
            path = last_convolution(keras_model, inputs) if layer is None else layer
            heat = one_frame(grad_cam(keras_model, inputs, score, path), frame)
            return resize_array(heat[..., None], inputs[0].shape[-3:-1], "stretch")[..., 0]

        found = _ask(estimator, X, row, target, frame, column, model, heat_of)
        return cls(**found).plot(figure=figure)

    def _draw_heat(self, figure, ax, image, heat) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        draw_image(ax, image.astype(np.float32).mean(axis=-1, keepdims=True))
        share = heat / max(float(heat.max()), 1e-12)
        # The image itself is visible where the heat is 0.
        ax.imshow(share, cmap="autumn", vmin=0, vmax=1, alpha=0.75 * share)
        scale = ScalarMappable(Normalize(0, float(heat.max()) or 1.0), "autumn")
        figure.colorbar(scale, ax=ax, shrink=0.75, label="contribution to the score")


def _ask(estimator, X, row, target, frame, column, model, heat_of) -> dict:
    """Return image, heat map, target and prediction of a row, or lists of them for several."""
    opened = open_model(estimator, column=column, model=model)
    is_one = isinstance(row, Integral)
    rows = [row] if is_one else list(row)
    if not rows:
        raise ValueError(f"row must be an integer or a list of them. Received: row={row!r}.")
    found: dict[str, list] = {"image": [], "heat": [], "target": [], "prediction": []}
    for one in rows:
        image = read_image(estimator, X, row=one, column=column)
        inputs = opened.inputs(image)
        prediction = opened.predict(inputs)
        score, name = opened.score_of(target, prediction)
        heat = heat_of(opened.keras_model, inputs, score)
        original = read_original(estimator, X, row=one, column=column)
        if original is None:
            original = image if image.ndim == 3 else one_frame(image, frame)
        else:
            heat = over_original(heat, original, opened.network.reader.resize)
        found["image"].append(original)
        found["heat"].append(heat)
        found["target"].append(name)
        found["prediction"].append(opened.describe(prediction))
    return {name: values[0] for name, values in found.items()} if is_one else found
