"""What everything that draws shares: matplotlib once it is needed, and how images are shown."""

from __future__ import annotations

import numpy as np


def import_pyplot():
    """Import matplotlib when something is drawn; say what to install if that fails."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"plot needs matplotlib, which could not be imported: {error}. Type: "
            "pip install matplotlib (or pip install 'textcnn[plot]')."
        ) from error
    return plt


def new_grid(figure, n_rows: int, n_columns: int, *, panel: tuple[float, float]):
    """Return a figure, new unless given, and its Axes, shape (n_rows, n_columns).

    Parameters
    ----------
    figure : matplotlib Figure, SubFigure or None
    n_rows, n_columns : int
    panel : (width, height)
        Inches of each panel of a new figure.
    """
    plt = import_pyplot()
    if figure is None:
        width, height = panel
        figure = plt.figure(
            figsize=(max(n_columns * width, 3.2), n_rows * height + 0.5), layout="constrained"
        )
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def draw_image(ax, image: np.ndarray, **options):
    """Show an image (height, width, channels): colours as they are, grey from least to most."""
    if image.shape[-1] == 3:
        shown = image.astype(np.float64)
        low, high = min(shown.min(), 0.0), shown.max()
        top = 255.0 if image.dtype == np.uint8 else max(high, 1.0)
        image = ax.imshow(np.clip((shown - low) / (top - low), 0, 1), **options)
    else:
        grey = image.astype(np.float64).mean(axis=-1)
        image = ax.imshow(grey, **({"cmap": "gray"} | options))
    without_ticks(ax)
    return image


def without_ticks(ax) -> None:
    """Take ticks off, because positions of pixels are of no interest."""
    ax.set(xticks=[], yticks=[])
