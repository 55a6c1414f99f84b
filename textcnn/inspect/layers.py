"""The layers of a network: shapes, parameters, multiply-adds, bytes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from textcnn.image.network import build_image_network
from textcnn.inspect.opened import reads_images, serving_model, trains_networks
from textcnn.neural.backend import import_keras
from textcnn.neural.keras_settings import own_settings
from textcnn.neural.layer_outputs import LayerOutput, recorded_layers
from textcnn.neural.randomness import keras_seeded


@own_settings()
def layer_table(
    estimator, *, image_shape=None, n_outputs: int = 1, column: int = 0, n_words: int = 100
) -> pd.DataFrame:
    """Return a line per layer: output shape, parameters and cost for one row.

    Parameters
    ----------
    estimator : estimator of textcnn, or keras.Model
        A fitted estimator, or an unfitted image estimator with ``image_shape``.
    image_shape : tuple of int, optional
        (height, width, channels), for sequences (frames, height, width, channels); for unfitted
        estimators.
    n_outputs : int, default=1
        Raw outputs of an unfitted estimator: the number of classes, 1 for two classes.
    column : int, default=0
        Number of the column.
    n_words : int, default=100
        Length of the text for text networks.

    Returns
    -------
    DataFrame
        In the order of computation. ``layer`` and ``kind``: name and class. ``output_shape``: for
        one row; with frames first for sequences. ``parameters``: number of parameters; the layer
        ``level`` has the logit of the base rate instead of a bias. ``multiply_adds``: of
        convolutions and dense layers; 0 for other layers, NaN if unknown (recurrent layers).
        ``bytes``: of the parameters. ``output_bytes``: of the output for one row.

    Raises
    ------
    TypeError, ValueError
        If the estimator has no network, or an argument is invalid.
    sklearn.exceptions.NotFittedError
        If it is not fitted and no ``image_shape`` is given.

    Examples
    --------
    >>> from textcnn import ConvNetwork, ImageCNNClassifier
    >>> from textcnn.inspect import layer_table
    >>> network = ConvNetwork(n_filters=12, batch_norm=False)
    >>> classifier = ImageCNNClassifier(network=network, augment=None)
    >>> table = layer_table(classifier, image_shape=(32, 32, 3)).set_index("layer")
    >>> table.loc["conv_1_1", "output_shape"], int(table.loc["conv_1_1", "multiply_adds"])
    ((32, 32, 12), 331776)
    """
    keras = import_keras()
    model = _build(estimator, image_shape, n_outputs, column)
    inputs = [_one_row(given, n_words) for given in model.inputs]
    with recorded_layers(model) as record:
        is_alone = isinstance(model, keras.Sequential) or not isinstance(model.input, list)
        model(inputs[0] if is_alone else inputs, training=False)
    lines, seen = [], set()
    for output in record:
        weights = [weight for weight in output.layer.weights if id(weight) not in seen]
        lines.append(_line(output, weights))
        seen |= set(map(id, weights))
    return pd.DataFrame(lines)


def _build(estimator, image_shape, n_outputs, column):
    """Return a new Keras model."""
    keras = import_keras()
    if isinstance(estimator, keras.Model):
        return keras.models.clone_model(estimator)
    if not trains_networks(estimator):
        raise TypeError(
            "layer_table needs an estimator with a network. Expected: an estimator of textcnn "
            f"or a keras.Model. Received: {type(estimator).__name__}."
        )
    if image_shape is None:
        network, _ = serving_model(estimator, column, 0)
        build = network.blueprint.build
    else:
        if not reads_images(estimator) or len(image_shape) not in (3, 4):
            raise ValueError(
                "image_shape is for image estimators. Expected: (height, width, channels), for "
                "sequences (frames, height, width, channels). Received: "
                f"{type(estimator).__name__}, image_shape={image_shape!r}."
            )
        settings = estimator._learner().network

        def build():
            return build_image_network(settings, tuple(image_shape), n_outputs)

    with keras_seeded(0):
        return build()


def _one_row(given, n_words: int) -> np.ndarray:
    shape = [n_words if size is None else size for size in given.shape[1:]]
    return np.ones((1, *shape), given.dtype)


def _line(output: LayerOutput, weights: list) -> dict:
    """Return a layer's line; ``weights`` are its parameters that are not counted yet."""
    layer, shape = output.layer, tuple(output.value.shape)
    size = np.dtype("uint16" if layer.compute_dtype in _HALVES else layer.compute_dtype).itemsize
    return {
        "layer": output.path,
        "kind": type(layer).__name__.lstrip("_"),
        "output_shape": shape[1:] if shape[0] == 1 else shape,
        "parameters": sum(math.prod(weight.shape) for weight in weights),
        "multiply_adds": _multiply_adds(layer, shape),
        "bytes": sum(math.prod(weight.shape) * 4 for weight in weights),
        "output_bytes": math.prod(shape) * size,
    }


_HALVES = ("bfloat16", "float16")


def _multiply_adds(layer, shape) -> float:
    """Return the number of multiply-adds for one row's output."""
    layers = import_keras().layers
    n_numbers = math.prod(shape)
    if isinstance(layer, layers.SeparableConv2D | layers.SeparableConv1D):
        n_inner = layer.pointwise_kernel.shape[-2]
        per_position = n_inner * math.prod(layer.depthwise_kernel.shape[:-2])
        return n_numbers // shape[-1] * per_position + n_numbers * n_inner
    if isinstance(layer, layers.DepthwiseConv2D | layers.DepthwiseConv1D):
        return n_numbers * math.prod(layer.kernel.shape[:-2])
    if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Conv3D):
        return n_numbers * math.prod(layer.kernel.shape[:-1])
    if isinstance(layer, layers.Dense):
        return n_numbers * layer.kernel.shape[0]
    if hasattr(layer, "convolutions"):  # these have their own lines
        return 0
    has_matrix = any(len(weight.shape) > 1 for weight in layer.weights)
    return math.nan if has_matrix and not isinstance(layer, layers.Embedding) else 0
