"""Feature maps of one image, and filters."""

from __future__ import annotations

import numpy as np

from textcnn.image.gradcam import is_convolution, layer_maps
from textcnn.inspect.opened import open_model, read_image
from textcnn.neural.layer_outputs import leaf_layers
from textcnn.utils.plotting import draw_image, new_grid, without_ticks

_MOST_LAYERS = 6


class FeatureMapsDisplay:
    """Feature maps of one image: a row of maps per layer.

    Parameters
    ----------
    maps : dict of str to ndarray
        Layer name → maps of shape (height, width, channels).
    image : ndarray of shape (height, width, channels)

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> from textcnn.inspect import FeatureMapsDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> classifier = ImageCNNClassifier(n_filters=(2, 4), epochs=1, random_state=0)
    >>> classifier = classifier.fit(images, [0, 1] * 10)
    >>> display = FeatureMapsDisplay.from_estimator(classifier, images, row=3)
    >>> [maps.shape for maps in display.maps.values()]
    [(8, 8, 2), (8, 8, 4), (4, 4, 4)]
    """

    def __init__(self, *, maps, image):
        self.maps = maps
        self.image = image

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        row=0,
        layers=None,
        frame=0,
        column=0,
        model=0,
        most_maps=8,
        figure=None,
    ):
        """Compute and draw the feature maps of one image.

        Parameters
        ----------
        estimator : ImageCNNClassifier, ImageCNNRegressor or ImageCNNEncoder
        X : array, or list, Series or DataFrame of paths
            Images of the same form as at fit.
        row : int, default=0
            Row of the image.
        layers : list of str, optional
            Names of layers, as in the display's ``maps`` or ``layer_table``. None uses the outputs
            of convolutions and pooling layers: at most six, evenly spaced.
        frame : int, default=0
            Number of the frame in a sequence.
        column, model : int, default=0
            Numbers of the column and of the fitted model.
        most_maps : int, default=8
            Number of drawn maps per layer; the display keeps all.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        FeatureMapsDisplay
        """
        opened = open_model(estimator, column=column, model=model)
        image = read_image(estimator, X, row=row, column=column)
        found = layer_maps(opened.keras_model, opened.inputs(image), layers)
        if layers is None and len(found) > _MOST_LAYERS:
            chosen = np.linspace(0, len(found) - 1, _MOST_LAYERS).round().astype(int)
            found = {path: found[path] for path in np.array(list(found))[chosen].tolist()}
        maps = {path: one_frame(values, frame) for path, values in found.items()}
        if not maps:
            raise ValueError(
                "The network has no maps. Expected: a network with a Conv2D layer. "
                f"Received: network={estimator.network!r}."
            )
        shown = image if image.ndim == 3 else one_frame(image, frame)
        return cls(maps=maps, image=shown).plot(most_maps=most_maps, figure=figure)

    def plot(self, *, most_maps=8, figure=None):
        """Draw the image and a row of maps per layer, each scaled to its range.

        Parameters
        ----------
        most_maps : int, default=8
            Maps per layer.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        FeatureMapsDisplay
        """
        n_columns = min(most_maps, max(maps.shape[-1] for maps in self.maps.values()))
        n_rows = len(self.maps) + 1
        figure, axes = new_grid(figure, n_rows, n_columns, panel=(1.05, 1.25))
        for ax in axes.ravel():
            ax.set_axis_off()
        axes[0, 0].set_axis_on()
        draw_image(axes[0, 0], self.image)
        _title_row(axes[0, 0], f"image, {_sides(self.image)}")
        for line, (path, maps) in zip(axes[1:], self.maps.items(), strict=True):
            for channel, ax in enumerate(line[: maps.shape[-1]]):
                ax.set_axis_on()
                ax.imshow(maps[..., channel], cmap="viridis")
                without_ticks(ax)
            more = "" if maps.shape[-1] <= n_columns else f" (first {n_columns})"
            _title_row(line[0], f"{path}\n{maps.shape[-1]} maps{more}, {_sides(maps)}")
        self.axes_, self.figure_ = axes, figure
        return self


class FiltersDisplay:
    """The kernels of a convolution: blue is negative, red is positive.

    Parameters
    ----------
    kernels : ndarray of shape (height, width, channels, n_filters)
    layer : str
        Name of the layer.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> from textcnn.inspect import FiltersDisplay
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> classifier = ImageCNNClassifier(n_filters=4, epochs=1, random_state=0)
    >>> classifier = classifier.fit(images, [0, 1] * 10)
    >>> FiltersDisplay.from_estimator(classifier).kernels.shape
    (3, 3, 1, 4)
    """

    def __init__(self, *, kernels, layer):
        self.kernels = kernels
        self.layer = layer

    @classmethod
    def from_estimator(
        cls, estimator, *, layer=None, column=0, model=0, most_filters=32, figure=None
    ):
        """Draw the filters of a fitted network.

        Parameters
        ----------
        estimator : ImageCNNClassifier, ImageCNNRegressor or ImageCNNEncoder
        layer : str, optional
            Name of a convolution, as in ``layer_table``; None is the first, whose filters work on
            pixels and are easy to interpret.
        column, model : int, default=0
            Numbers of the column and of the fitted model.
        most_filters : int, default=32
            Number of drawn filters; the display keeps all.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        FiltersDisplay
        """
        opened = open_model(estimator, column=column, model=model)
        leaves = leaf_layers(opened.keras_model)
        convolutions = [path for path, found in leaves.items() if is_convolution(found)]
        chosen = convolutions[0] if layer is None and convolutions else layer
        if chosen not in convolutions:
            raise ValueError(
                "layer must be a convolution of the network. Expected: one of "
                f"{convolutions}. Received: layer={layer!r}."
            )
        kernels = max(leaves[chosen].get_weights(), key=np.ndim)
        return cls(kernels=kernels, layer=chosen).plot(most_filters=most_filters, figure=figure)

    def plot(self, *, most_filters=32, most_channels=8, figure=None):
        """Draw a panel per filter, or a row of channels per filter in deeper layers.

        Filters with three channels are drawn as colours, with grey for zero; for grey images and
        deeper layers blue is negative and red positive, on one scale for all panels.

        Parameters
        ----------
        most_filters : int, default=32
        most_channels : int, default=8
            Channels per filter, and a quarter of ``most_filters`` filters, in deeper layers.
        figure : matplotlib Figure or SubFigure, optional

        Returns
        -------
        FiltersDisplay
        """
        kernels = self.kernels
        n_channels, n_filters = kernels.shape[2:]
        reach = float(np.abs(kernels).max()) or 1.0
        if n_channels in (1, 3):
            n_shown = min(n_filters, most_filters)
            n_columns = min(8, n_shown)
            n_rows = -(-n_shown // n_columns)
            figure, axes = new_grid(figure, n_rows, n_columns, panel=(1.0, 1.0))
            panels = [kernels[..., number] for number in range(n_shown)]
        else:
            n_rows = min(n_filters, max(most_filters // 4, 1))
            n_columns = min(n_channels, most_channels)
            figure, axes = new_grid(figure, n_rows, n_columns, panel=(1.0, 1.0))
            n_shown = n_rows
            panels = [
                kernels[..., channel : channel + 1, number]
                for number in range(n_rows)
                for channel in range(n_columns)
            ]
            for number, line in enumerate(axes):
                line[0].set_ylabel(f"filter {number + 1}", fontsize=8)
        image = None
        for ax, panel in zip(axes.ravel(), panels, strict=False):
            if panel.shape[-1] == 3:
                ax.imshow(0.5 + 0.5 * panel / reach)
            else:
                image = ax.imshow(panel[..., 0], cmap="RdBu_r", vmin=-reach, vmax=reach)
            without_ticks(ax)
        for ax in axes.ravel()[len(panels) :]:
            ax.set_axis_off()
        if image is not None:
            figure.colorbar(image, ax=axes, label="weight", shrink=0.8)
        more = "" if n_shown == n_filters else f", {n_shown} of {n_filters}"
        channels = "" if n_channels == 1 else f" of {n_channels} channels"
        figure.suptitle(f"Filters of {self.layer}{channels}{more}", fontsize=10)
        self.axes_, self.figure_ = axes, figure
        return self


def one_frame(values: np.ndarray, frame: int) -> np.ndarray:
    """Return the values of one frame."""
    if len(values) == 1:
        return values[0]
    if not 0 <= frame < len(values):
        raise ValueError(
            f"frame must be an integer from 0 to {len(values) - 1}. Received: frame={frame!r}."
        )
    return values[frame]


def _sides(maps: np.ndarray) -> str:
    return f"{maps.shape[0]}×{maps.shape[1]}"


def _title_row(ax, text: str) -> None:
    """Write a title above a row of panels, in short lines that do not disturb the layout."""
    ax.set_title(text, fontsize=8, loc="left")
