"""Keras builders for images: scaling, convolutional blocks, sequences, users' networks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from textcnn.image.augmentation import AugmentationPlan, apply_augmentation
from textcnn.image.backbones import add_backbone
from textcnn.image.residual import add_residual_stages
from textcnn.neural.backend import import_keras
from textcnn.neural.heads import add_head
from textcnn.neural.keras_settings import dtype_policy
from textcnn.neural.randomness import keras_seeded

NETWORKS = ("simple", "residual")
POOLINGS = ("max", "average")
FINAL_POOLINGS = ("auto", "flatten", "average", "max")
PADDINGS = ("same", "valid")
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
# Up to this number of positions, "auto" flattens the maps.
_MOST_POSITIONS_TO_FLATTEN = 64
# Default poolings leave at least this number of rows and columns of the last maps.
_SMALLEST_SIDE = 4
# No network of keras.applications needs larger images than this.
_SIDE_FOR_EVERY_BACKBONE = 80
# With the default of 0.99, averages do not converge in the few hundred updates of a small table.
BATCH_NORM_MOMENTUM = 0.9


@dataclass(frozen=True)
class Block:
    """One block of plain convolutions."""

    n_filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int]
    pool_size: tuple[int, int] | None  # None: 2 or 1, so that maps are large enough
    pool_stride: tuple[int, int] | None  # None: equal to pool_size


@dataclass(frozen=True)
class ImageNetworkSettings:
    """Settings of a network for images, apart from their shape and the targets."""

    network: str | Callable = "simple"
    blocks: tuple[Block, ...] = ()
    n_convolutions: int = 1
    padding: str = "same"
    activation: str = "relu"
    pooling: str = "max"
    batch_norm: bool = True
    depth: int = 20
    final_pooling: str = "auto"
    time_pooling: str | None = None  # None: the default, which is the average
    dense_units: tuple[int, ...] = ()
    dropout: float = 0.0
    l2: float = 0.0
    augment: AugmentationPlan = ()
    pretrained: str | None = None
    fine_tune: bool = True
    precision: str = "float32"


def build_image_network(settings: ImageNetworkSettings, shape, n_outputs: int):
    """Build the Keras model.

    Inputs are float32 images (batch, *shape) in their own units, and their scaling, float32
    (batch, 2, channels): mean and standard deviation of the pixels.

    Parameters
    ----------
    settings : ImageNetworkSettings
    shape : tuple of int
        Height, width, channels; with frames first for sequences, whose images all pass through
        the same network.
    n_outputs : int
        Number of raw outputs.

    Returns
    -------
    keras.Model
        Output of shape (batch, n_outputs), raw: logits, standardised targets or log rates.
    """
    keras = import_keras()
    ops = keras.ops
    given = keras.Input(shape, dtype="float32", name="images")
    scaling = keras.Input((2, shape[-1]), dtype="float32", name="scaling")
    *frames, height, width, channels = shape
    images = _augment(given, settings.augment, shape)
    takes_raw_pixels = isinstance(settings.network, str) and settings.network not in NETWORKS
    if not takes_raw_pixels:
        places = (-1, *[1] * (len(shape) - 1), channels)
        images = (images - ops.reshape(scaling[:, 0], places)) / ops.reshape(scaling[:, 1], places)
    if frames:
        images = ops.reshape(images, (-1, height, width, channels))
    with dtype_policy(settings.precision):
        features = _features(images, settings, (height, width, channels))
    features = ops.cast(features, "float32")
    if frames:
        features = ops.reshape(features, (-1, *frames, features.shape[-1]))
        pool = ops.max if settings.time_pooling == "max" else ops.mean
        features = pool(features, axis=1)
    outputs = add_head(
        features,
        n_outputs=n_outputs,
        dense_units=settings.dense_units,
        activation=settings.activation,
        dropout=settings.dropout,
        l2=settings.l2,
    )
    return keras.Model([given, scaling], outputs)


def check_network_fits(settings: ImageNetworkSettings, shape) -> None:
    """Refuse, before any training, images that the network cannot read.

    A user's network is built once for this check, and so is a network of ``keras.applications``
    for small images; for other networks :func:`map_sizes` computes the sizes.

    Parameters
    ----------
    settings : ImageNetworkSettings
    shape : tuple of int
        ([frames,] height, width, channels).

    Raises
    ------
    ValueError
        If the images are too small, or the user's network does not accept them.
    """
    shape = tuple(shape[-3:])
    if settings.network == "simple":
        map_sizes(settings, shape)
    if settings.network in NETWORKS:
        return
    is_users = callable(settings.network)
    if not is_users and min(shape[:2]) >= _SIDE_FOR_EVERY_BACKBONE:
        return
    with keras_seeded(0):
        images = import_keras().Input(shape)
        if is_users:
            _call_user_network(settings.network, images, shape)
        else:
            add_backbone(images, settings.network, shape, pretrained=None, fine_tune=True)


def map_sizes(settings: ImageNetworkSettings, shape) -> list[tuple[int, int]]:
    """Return height and width of the output maps of each block of plain convolutions.

    Raises
    ------
    ValueError
        If the images are smaller than the blocks need.
    """
    blocks = resolved_blocks(settings, shape)
    return _sizes(replace(settings, blocks=blocks), shape)


def resolved_blocks(settings: ImageNetworkSettings, shape) -> tuple[Block, ...]:
    """Return the blocks with all pool sizes set.

    Default poolings halve the maps of the last blocks, of as many as leave four rows and columns:
    early poolings of small images reduce the accuracy (see benchmarks/RESULTS.md).
    """
    if all(block.pool_size is not None for block in settings.blocks):
        return _with_poolings(settings, 0)
    for n_pooled in range(len(settings.blocks), 0, -1):
        blocks = _with_poolings(settings, n_pooled)
        try:
            last = _sizes(replace(settings, blocks=blocks), shape)[-1]
        except ValueError:
            continue
        if min(last) >= _SMALLEST_SIDE:
            return blocks
    return _with_poolings(settings, 0)


def _with_poolings(settings: ImageNetworkSettings, n_pooled: int) -> tuple[Block, ...]:
    """Let this number of last blocks halve their maps, except where a pool size is given."""
    blocks = []
    for left, block in zip(range(len(settings.blocks), 0, -1), settings.blocks, strict=True):
        pool_size = block.pool_size or ((2, 2) if left <= n_pooled else (1, 1))
        stride = block.pool_stride or pool_size
        blocks.append(replace(block, pool_size=pool_size, pool_stride=stride))
    return tuple(blocks)


def _sizes(settings: ImageNetworkSettings, shape) -> list[tuple[int, int]]:
    size, sizes = tuple(shape[-3:-1]), []
    for number, block in enumerate(settings.blocks):
        before = size
        for convolution in range(settings.n_convolutions):
            strides = (1, 1) if convolution else block.strides
            size = tuple(
                -(-side // stride) if settings.padding == "same" else (side - kernel) // stride + 1
                for side, kernel, stride in zip(size, block.kernel_size, strides, strict=True)
            )
        size = tuple(
            (side - pool) // stride + 1
            for side, pool, stride in zip(size, block.pool_size, block.pool_stride, strict=True)
        )
        if min(size) < 1:
            raise ValueError(
                f"Images are too small for the network: maps of {before[0]}×{before[1]} enter "
                f"block {number + 1}, and its output is empty. Expected: fewer or smaller kernels, "
                'strides and pools, or padding="same". Received: images of '
                f"{shape[-3]}×{shape[-2]}, kernel {block.kernel_size}, strides {block.strides}, "
                f"padding={settings.padding!r}, pool {block.pool_size}."
            )
        sizes.append(size)
    return sizes


def _augment(images, plan: AugmentationPlan, shape):
    """Change images at random; all frames of a sequence in the same way, as channels."""
    if not plan or len(shape) == 3:
        return apply_augmentation(plan, images)
    ops = import_keras().ops
    frames, height, width, channels = shape
    side_by_side = ops.reshape(
        ops.transpose(images, (0, 2, 3, 1, 4)), (-1, height, width, frames * channels)
    )
    changed = ops.reshape(
        apply_augmentation(plan, side_by_side), (-1, height, width, frames, channels)
    )
    return ops.transpose(changed, (0, 3, 1, 2, 4))


def _features(images, settings: ImageNetworkSettings, shape):
    """Return (batch, n_features) of images (batch, height, width, channels)."""
    keras = import_keras()
    if callable(settings.network):
        return _call_user_network(settings.network, images, shape)
    if settings.network == "simple":
        height, width = map_sizes(settings, shape)[-1]  # an error if images are too small
        maps = _add_blocks(images, replace(settings, blocks=resolved_blocks(settings, shape)))
        is_small = height * width <= _MOST_POSITIONS_TO_FLATTEN
        automatic = "flatten" if is_small else "average"
    elif settings.network == "residual":
        maps = add_residual_stages(
            images,
            n_filters=tuple(block.n_filters for block in settings.blocks),
            kernel_size=settings.blocks[0].kernel_size,
            depth=settings.depth,
            activation=settings.activation,
            batch_norm=BATCH_NORM_MOMENTUM if settings.batch_norm else None,
            l2=settings.l2,
        )
        automatic = "average"
    else:
        maps = add_backbone(
            images,
            settings.network,
            shape,
            pretrained=settings.pretrained,
            fine_tune=settings.fine_tune,
        )
        automatic = "average"
    chosen = automatic if settings.final_pooling == "auto" else settings.final_pooling
    if chosen == "flatten":
        return keras.layers.Flatten()(maps)
    pool = keras.ops.mean if chosen == "average" else keras.ops.max
    return pool(maps, axis=(1, 2))


def _add_blocks(maps, settings: ImageNetworkSettings):
    """Apply convolution, normalisation, activation and pooling of every block to images."""
    layers = import_keras().layers
    for number, block in enumerate(settings.blocks, start=1):
        for convolution in range(settings.n_convolutions):
            place = f"{number}_{convolution + 1}"
            maps = layers.Conv2D(
                block.n_filters,
                block.kernel_size,
                strides=(1, 1) if convolution else block.strides,
                padding=settings.padding,
                use_bias=not settings.batch_norm,
                kernel_initializer=kernel_initializer(settings.activation),
                kernel_regularizer=_regularizer(settings.l2),
                name=f"conv_{place}",
            )(maps)
            if settings.batch_norm:
                maps = layers.BatchNormalization(
                    momentum=BATCH_NORM_MOMENTUM, name=f"batch_norm_{place}"
                )(maps)
            maps = layers.Activation(settings.activation, name=f"activation_{place}")(maps)
        if block.pool_size != (1, 1) or block.pool_stride != (1, 1):
            pool = layers.MaxPooling2D if settings.pooling == "max" else layers.AveragePooling2D
            maps = pool(block.pool_size, strides=block.pool_stride, name=f"pool_{number}")(maps)
    return maps


def kernel_initializer(activation: str) -> str:
    """Return He's initialisation for activations like ReLU, Glorot's for the others."""
    return "glorot_uniform" if activation in ("tanh", "sigmoid", "linear") else "he_normal"


def _one_line(error: Exception) -> str:
    """Return the message of an error of Keras, without colours and arguments."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("\n\nArguments received")[0]
    return " ".join(said.split())


def _regularizer(l2: float):
    return import_keras().regularizers.L2(l2) if l2 else None


def _call_user_network(network: Callable, images, shape):
    """Apply a user's Keras model to scaled images; the output must be (batch, n_features)."""
    keras = import_keras()
    try:
        model = network(shape)
    except ValueError as error:
        raise ValueError(
            "network= raised an error for images of this shape. Expected: a keras.Model from "
            f"keras.Input({shape}); if a kernel or pool has too few pixels: fewer of them, "
            'padding="same", or larger images (image_size= for files). '
            f"Received: network({shape}) raised: {_one_line(error)}"
        ) from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            "A callable network= must return a built keras.Model, made from keras.Input(shape). "
            f"Received: network({shape}) returned {type(model).__name__}."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not hasattr(model.outputs[0], "shape"):
        raise ValueError(
            "The model that network= returns must have one input and one output. Received: "
            f"{len(model.inputs)} inputs and {len(model.outputs)} outputs."
        )
    received = tuple(model.inputs[0].shape[1:])
    fits = len(received) == len(shape) and all(
        mine in (None, theirs) for mine, theirs in zip(received, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            "The model that network= returns must accept images of the shape that it was called "
            f"with. Expected: keras.Input({shape}). Received: input shape {received}."
        )
    output = tuple(model.outputs[0].shape)
    if len(output) != 2 or output[1] is None:
        raise ValueError(
            "The model that network= returns must return one row of features per image: output "
            "shape (None, n_features). Add a pooling layer, for example GlobalAveragePooling2D. "
            f"Received: output shape {output}."
        )
    # A distinct name, so that the user's name cannot be that of another layer.
    model.name = "network"
    return model(images)
