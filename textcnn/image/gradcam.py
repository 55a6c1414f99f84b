"""Feature maps, saliency and Grad-CAM, for all convolutional networks of images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from textcnn.neural.backend import gradient, import_keras
from textcnn.neural.keras_settings import own_settings
from textcnn.neural.layer_outputs import LayerOutput, recorded_layers


@own_settings()
def layer_maps(model, inputs, paths=None) -> dict[str, np.ndarray]:
    """Return the feature maps of one row per layer, starting with the first convolution.

    A convolution and the layers after it that keep the shape (normalisation, activation, the sum
    of a residual block) count as one part: only its last maps are returned. Maps of other layers
    are available by their paths.

    Parameters
    ----------
    model : keras.Model
        Network of images and their scaling.
    inputs : tuple of ndarray
        Images of one row and their scaling.
    paths : sequence of str, optional
        Layers whose maps to return.

    Returns
    -------
    dict of str to ndarray
        Keys are the layers' paths, values float32 (frames or 1, height, width, channels).

    Raises
    ------
    ValueError
        If a layer of these paths has no feature maps.
    """
    record = _record(model, inputs)
    if paths is not None:
        given = {output.path: output.value for output in record}
        return {path: _to_float(_maps_of(given, path)) for path in paths}
    return {path: _to_float(maps) for path, maps, _ in _parts(record)}


@own_settings()
def last_convolution(model, inputs) -> str:
    """Return the path of the layer after the last convolution whose maps have several positions.

    Raises
    ------
    ValueError
        If there is none.
    """
    for path, maps, is_convolved in reversed(_parts(_record(model, inputs))):
        if is_convolved and maps.shape[1] * maps.shape[2] > 1:
            return path
    raise ValueError(
        "The network has no feature maps with more than one position. Expected: a Conv2D layer "
        "whose output is larger than 1×1. For other networks use SaliencyDisplay."
    )


@own_settings()
def saliency(model, inputs, score: Callable) -> np.ndarray:
    """Return the absolute gradient of a score per pixel: the largest over the channels.

    Parameters
    ----------
    model, inputs
        As in :func:`layer_maps`.
    score : callable
        From raw outputs (1, n_outputs) to one number.

    Returns
    -------
    ndarray of float32, shape ([frames,] height, width)
        Absolute values, in units of the score per unit of X.

    References
    ----------
    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2014,
    arXiv 1312.6034.
    """
    images, scaling = inputs[0], import_keras().ops.convert_to_tensor(inputs[1])
    slopes = gradient(lambda given: score(model([given, scaling], training=False)), images)
    return np.abs(slopes[0]).max(axis=-1)


@own_settings()
def grad_cam(model, inputs, score: Callable, path: str) -> np.ndarray:
    """Return which positions of a layer's maps support a score.

    Each map is weighted by the mean gradient of the score over its positions; negative values of
    the weighted sum are set to 0.

    Parameters
    ----------
    model, inputs, score
        As in :func:`saliency`.
    path : str
        Any layer with feature maps, also inside a user's network or a residual block.

    Returns
    -------
    ndarray of float32, shape (frames or 1, height of the maps, width of the maps)

    Raises
    ------
    ValueError
        If no layer with feature maps has this path.

    References
    ----------
    R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based
    Localization", ICCV 2017, arXiv 1610.02391.
    """
    given = {output.path: output.value for output in _record(model, inputs)}
    maps = _to_float(_maps_of(given, path))

    def score_of_change(change):
        ops = import_keras().ops
        with recorded_layers(model, {path: lambda value: value + ops.cast(change, value.dtype)}):
            return score(model(list(inputs), training=False))

    slopes = gradient(score_of_change, np.zeros_like(maps))
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * maps).sum(axis=-1), 0)


def _maps_of(given: dict, path: str):
    if path not in given:
        raise ValueError(
            f"No layer of this name has feature maps. Expected: one of {list(given)}. Received: "
            f"{path!r}."
        )
    return given[path]


def _record(model, inputs) -> list[LayerOutput]:
    """Return the outputs with the shape of maps, starting with the first convolution."""
    with recorded_layers(model) as record:
        model(list(inputs), training=False)
    numbers = [number for number, output in enumerate(record) if is_convolution(output.layer)]
    if not numbers:
        return []
    return [
        output for output in record[numbers[0] :] if len(getattr(output.value, "shape", ())) == 4
    ]


def _parts(record: list[LayerOutput]) -> list[tuple]:
    """Return per part of the network its last layer's path and maps, and whether it convolves."""
    parts: list[tuple] = []
    for output in record:
        starts = is_convolution(output.layer)
        if not parts or starts or tuple(parts[-1][1].shape) != tuple(output.value.shape):
            parts.append((output.path, output.value, starts))
        else:
            parts[-1] = (output.path, output.value, parts[-1][2])
    return parts


def is_convolution(layer) -> bool:
    """Return whether a layer is a convolution of images."""
    layers = import_keras().layers
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)
    return isinstance(layer, kinds)


def _to_float(tensor) -> np.ndarray:
    """Return a tensor of any precision as a float32 array."""
    ops = import_keras().ops
    return np.array(ops.convert_to_numpy(ops.cast(tensor, "float32")))
