"""The parameters of images and their networks: checked before any training, then grouped."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path

from textcnn.fit.network_jobs import TrainingSettings
from textcnn.fit.parameters import (
    check_activation,
    number,
    one_of,
    training_settings,
    whole_number,
    whole_numbers,
    yes_or_no,
)
from textcnn.image.augmentation import plan_augmentation
from textcnn.image.backbones import backbone_names
from textcnn.image.files import COLOR_MODES, RESIZES
from textcnn.image.network import (
    FINAL_POOLINGS,
    NETWORKS,
    PADDINGS,
    POOLINGS,
    PRECISIONS,
    Block,
    ImageNetworkSettings,
)
from textcnn.image.reader import ON_ERROR, ImageSettings
from textcnn.image.residual import blocks_per_stage
from textcnn.neural.backend import has_gpu

DEFAULT_FILTERS = {"simple": (32, 64), "residual": (16, 32, 64)}


@dataclass(frozen=True)
class ImageTrainingSettings(TrainingSettings):
    """How long and how fast each model learns from images."""

    def automatic_updates(self, n_learn: int, target) -> int:
        """Return the number of updates that ``epochs="auto"`` makes.

        About 12 passes over 60,000 images and 40 over 1,500: images that are changed at random
        can be looked at more often than texts. Found with benchmarks/images.py.
        """
        per_epoch = -(-n_learn // self.batch_size)
        return max(round(9.5 * n_learn**0.64 * (64 / self.batch_size) ** 0.6), per_epoch)


def image_settings(estimator) -> ImageSettings:
    """Check the parameters about images; return them as settings."""
    one_of(estimator, "resize", RESIZES)
    one_of(estimator, "color_mode", ("auto", *COLOR_MODES))
    one_of(estimator, "on_error", ON_ERROR)
    return ImageSettings(
        image_shape=_image_shape(estimator.image_shape),
        image_size=_image_size(estimator.image_size),
        resize=estimator.resize,
        color_mode=estimator.color_mode,
        on_error=estimator.on_error,
    )


def network_settings(estimator) -> ImageNetworkSettings:
    """Check the parameters of the network; return them as settings."""
    network = estimator.network
    backbone = isinstance(network, str) and network not in NETWORKS
    if backbone and network.lower() not in backbone_names():
        raise ValueError(
            "network must be one of 'simple' and 'residual', the name of a network of "
            f"keras.applications ({sorted(backbone_names())}), or a callable that takes the shape "
            "(height, width, channels) and returns a keras.Model. "
            f"Received: network={network!r}."
        )
    if not isinstance(network, str) and not callable(network):
        raise ValueError(
            "network must be a name or a callable that takes the shape (height, width, channels) "
            f"and returns a keras.Model. Received: network={network!r}."
        )
    whole_number(estimator, "n_convolutions", 1)
    for name, choices in (
        ("padding", PADDINGS),
        ("pooling", POOLINGS),
        ("final_pooling", FINAL_POOLINGS),
        ("time_pooling", POOLINGS),
        ("precision", PRECISIONS),
    ):
        one_of(estimator, name, choices)
    number(estimator, "dropout", 0.0, below=1.0)
    number(estimator, "l2", 0.0)
    yes_or_no(estimator, "batch_norm", "fine_tune")
    check_activation(estimator.activation)
    precision = estimator.precision
    if precision == "auto":
        precision = "mixed_bfloat16" if has_gpu() else "float32"
    settings = ImageNetworkSettings(
        network=network.lower() if backbone else network,
        blocks=_blocks(estimator) if network in NETWORKS else (),
        n_convolutions=int(estimator.n_convolutions),
        padding=estimator.padding,
        activation=estimator.activation,
        pooling=estimator.pooling,
        batch_norm=bool(estimator.batch_norm),
        depth=estimator.depth,
        final_pooling=estimator.final_pooling,
        time_pooling=estimator.time_pooling,
        dense_units=whole_numbers(estimator, "dense_units", at_least_one=False),
        dropout=float(estimator.dropout),
        l2=float(estimator.l2),
        augment=plan_augmentation(estimator.augment),
        pretrained=_pretrained(estimator.pretrained, backbone),
        fine_tune=bool(estimator.fine_tune),
        precision=precision,
    )
    if network == "residual":
        _check_depth(estimator, [block.n_filters for block in settings.blocks])
    return settings


def image_training_settings(estimator) -> ImageTrainingSettings:
    """Check the parameters of training; return them as settings."""
    label_smoothing = getattr(estimator, "label_smoothing", 0.0)
    if hasattr(estimator, "label_smoothing"):
        number(estimator, "label_smoothing", 0.0, below=1.0)
    shared = vars(training_settings(estimator))
    return ImageTrainingSettings(**(shared | {"label_smoothing": float(label_smoothing)}))


def _blocks(estimator) -> tuple[Block, ...]:
    """Return the blocks of the network, each parameter spread over them."""
    if isinstance(estimator.n_filters, str) and estimator.n_filters == "auto":
        n_filters = DEFAULT_FILTERS[estimator.network]
    else:
        n_filters = whole_numbers(estimator, "n_filters", at_least_one=True)
    n_blocks = len(n_filters)
    columns = [_per_block(estimator, name, n_blocks) for name in ("kernel_sizes", "strides")]
    if estimator.pool_stride is not None and estimator.pool_size == "auto":
        _per_block(estimator, "pool_stride", n_blocks)
        raise ValueError(
            "pool_stride needs pool_size. Expected: pool_size=2 say, or pool_stride=None. "
            f'Received: pool_size="auto", pool_stride={estimator.pool_stride!r}.'
        )
    for name, is_open in (
        ("pool_size", isinstance(estimator.pool_size, str) and estimator.pool_size == "auto"),
        ("pool_stride", estimator.pool_stride is None),
    ):
        columns.append([None] * n_blocks if is_open else _per_block(estimator, name, n_blocks))
    return tuple(Block(*values) for values in zip(n_filters, *columns, strict=True))


def _per_block(estimator, name: str, n_blocks: int) -> list[tuple[int, int]]:
    """Return a parameter's (height, width) per block: one number for all, or one entry each."""
    value = getattr(estimator, name)
    entries = [value] * n_blocks if _is_whole(value) else value
    if isinstance(entries, list | tuple) and len(entries) == n_blocks:
        pairs = [(entry, entry) if _is_whole(entry) else entry for entry in entries]
        if all(_is_pair(pair) for pair in pairs):
            return [(int(pair[0]), int(pair[1])) for pair in pairs]
    raise ValueError(
        f"{name} must be a whole number from 1 on, or one entry per block ({n_blocks} here, by "
        "n_filters), each a whole number or a (height, width). "
        f"Received: {name}={value!r}."
    )


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_pair(value) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and all(_is_whole(side) and side >= 1 for side in value)


def _image_shape(value) -> tuple[int, ...] | None:
    """Return the shape of rows of pixels; one entry may be -1."""
    if value is None:
        return None
    is_shape = isinstance(value, list | tuple) and len(value) in (2, 3, 4)
    is_shape = is_shape and all(_is_whole(side) and (side >= 1 or side == -1) for side in value)
    if not is_shape or list(value).count(-1) > 1:
        raise ValueError(
            "image_shape must be None, (height, width), (height, width, channels) or (frames, "
            "height, width, channels), where one entry may be -1. "
            f"Received: image_shape={value!r}."
        )
    return tuple(int(side) for side in value)


def _image_size(value) -> tuple[int, int] | None:
    """Return the height and width that images are resized to; one number makes a square."""
    if value is None:
        return None
    pair = (value, value) if _is_whole(value) else value
    if not _is_pair(pair):
        raise ValueError(
            "image_size must be None, a number of pixels or (height, width). "
            f"Received: image_size={value!r}."
        )
    return int(pair[0]), int(pair[1])


def _check_depth(estimator, n_filters) -> None:
    """Refuse a depth that residual blocks of two layers do not make, and narrowing stages."""
    n_stages = len(n_filters)
    fits = _is_whole(estimator.depth) and blocks_per_stage(estimator.depth, n_stages)
    if not fits or estimator.depth > 1000:
        examples = [2 * n_stages * blocks + 2 for blocks in (1, 3, 5, 9)]
        raise ValueError(
            f"depth must be {2 * n_stages}·n + 2 layers for {n_stages} stage(s) of residual "
            f"blocks: {examples} say. Received: depth={estimator.depth!r}."
        )
    if any(later < earlier for earlier, later in zip(n_filters[:-1], n_filters[1:], strict=True)):
        raise ValueError(
            "n_filters of a residual network must not fall from stage to stage, because shortcuts "
            f"have no parameters. Received: n_filters={estimator.n_filters!r}."
        )


def _pretrained(value, backbone: bool) -> str | None:
    """Return the weights to start from, a file that exists where it is one."""
    if value is None:
        return None
    if not backbone:
        raise ValueError(
            "pretrained is for the networks of keras.applications. Expected: "
            'network="mobilenetv3small" say, or pretrained=None. '
            f"Received: pretrained={value!r}."
        )
    if not isinstance(value, str | PathLike):
        raise ValueError(
            'pretrained must be None, "imagenet" or the path of a weights file. '
            f"Received: pretrained={value!r}."
        )
    if value != "imagenet" and not Path(value).is_file():
        raise ValueError(
            'There is no such file of weights. Expected: None, "imagenet", or a file made by '
            "save_weights of the same network with include_top=False. "
            f"Received: pretrained={fspath(value)!r}."
        )
    return fspath(value)
