"""Explanations of image predictions: saliency of pixels, and Grad-CAM."""

from __future__ import annotations

import numpy as np

from textcnn.image.files import resize_array
from textcnn.image.gradcam import grad_cam, last_convolution, saliency
from textcnn.inspect.maps import one_frame
from textcnn.inspect.opened import open_model, read_image
from textcnn.utils.plotting import draw_image, new_grid


class _ReasonDisplay:
    """An image, and a heat map for one class or target.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
    heat : ndarray of shape (height, width)
    target : str
        The explained class, label or output.
    prediction : str
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
        figure, axes = new_grid(figure, 1, 2, panel=(2.6, 2.6))
        left, right = axes[0]
        draw_image(left, self.image)
        left.set_title(f"predicted: {self.prediction}", fontsize=9)
        self._draw_heat(figure, right)
        right.set_title(f"{self._title} {self.target}", fontsize=9)
        self.axes_, self.figure_ = axes[0], figure
        return self


class SaliencyDisplay(_ReasonDisplay):
    """Sensitivity of the score of a class to each pixel.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
    heat : ndarray of shape (height, width)
        Absolute gradient of the raw output (for example a logit) with respect to the pixel.
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
        row : int, default=0
            Row of the image.
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
        opened, image, inputs, score, names = _ask(estimator, X, row, target, column, model)
        heat = saliency(opened.keras_model, inputs, score)
        if image.ndim == 4:
            image, heat = one_frame(image, frame), one_frame(heat, frame)
        return cls(image=image, heat=heat, **names).plot(figure=figure)

    def _draw_heat(self, figure, ax) -> None:
        image = draw_image(ax, self.heat[..., None], cmap="magma", vmin=0)
        figure.colorbar(image, ax=ax, shrink=0.75, label="gradient of the score")


class GradCAMDisplay(_ReasonDisplay):
    """Regions of an image that support a class, from the feature maps of a convolution.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
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
        row : int, default=0
            Row of the image.
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
        opened, image, inputs, score, names = _ask(estimator, X, row, target, column, model)
        path = last_convolution(opened.keras_model, inputs) if layer is None else layer
        maps = grad_cam(opened.keras_model, inputs, score, path)
        if image.ndim == 4:
            image = one_frame(image, frame)
        heat = one_frame(maps, frame)
        heat = resize_array(heat[..., None], image.shape[:2], "stretch")[..., 0]
        return cls(image=image, heat=heat, **names).plot(figure=figure)

    def _draw_heat(self, figure, ax) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        draw_image(ax, self.image.astype(np.float32).mean(axis=-1, keepdims=True))
        share = self.heat / max(float(self.heat.max()), 1e-12)
        # The image itself is visible where the heat is 0.
        ax.imshow(share, cmap="autumn", vmin=0, vmax=1, alpha=0.75 * share)
        scale = ScalarMappable(Normalize(0, float(self.heat.max()) or 1.0), "autumn")
        figure.colorbar(scale, ax=ax, shrink=0.75, label="contribution to the score")


def _ask(estimator, X, row, target, column, model):
    """Return the opened model, the image, the network's inputs, the score, and the names."""
    opened = open_model(estimator, column=column, model=model)
    image = read_image(estimator, X, row=row, column=column)
    inputs = opened.inputs(image)
    prediction = opened.predict(inputs)
    score, name = opened.score_of(target, prediction)
    names = {"target": name, "prediction": opened.describe(prediction)}
    return opened, image, inputs, score, names
