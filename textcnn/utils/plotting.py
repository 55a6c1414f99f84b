"""Helpers for plots: import of matplotlib, figures and images."""

from __future__ import annotations

import numpy as np


def import_pyplot():
    """Import matplotlib, or raise an error that says how to install it."""
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
    """Show an image (height, width, channels); grey images use the full range."""
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
    """Remove ticks, because pixel positions are not needed."""
    ax.set(xticks=[], yticks=[])
