"""Checks ``network=`` before any training, and converts it to settings."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from textcnn.fit.defaults import refuse_ignored
from textcnn.fit.parameters import (
    check_activation,
    is_auto,
    is_whole,
    one_of,
    refuse_built_network,
    whole_number,
    whole_numbers,
    yes_or_no,
)
from textcnn.image.backbones import backbone_names
from textcnn.image.forms import FORMS, Backbone, ConvNetwork, ResidualNetwork, SequenceNetwork
from textcnn.image.network import FINAL_POOLINGS, PADDINGS, POOLINGS, Block
from textcnn.image.residual import blocks_per_stage

# Parameters of the estimator that only the default network uses.
OF_THE_DEFAULT = ("n_filters", "kernel_sizes")
_MOST_LAYERS = 1000


def form_settings(estimator) -> dict:
    """Check ``network=`` of an estimator; return its fields of ImageNetworkSettings.

    Raises
    ------
    ValueError
        If it is not a network, one of its parameters is invalid, or parameters of the estimator
        are set that it ignores.
    """
    network = estimator.network
    if network is None:
        network = ConvNetwork(**{name: getattr(estimator, name) for name in OF_THE_DEFAULT})
        return _conv_settings(network)
    if not isinstance(network, SequenceNetwork):
        return _frame_settings(estimator, network)
    one_of(network, "time_pooling", POOLINGS)
    if isinstance(network.frame_network, SequenceNetwork):
        raise ValueError(
            "frame_network must be a network for single images, for example ConvNetwork(). "
            f"Received: frame_network={network.frame_network!r}."
        )
    frame_network = ConvNetwork() if network.frame_network is None else network.frame_network
    return _frame_settings(estimator, frame_network) | {"time_pooling": network.time_pooling}


def _frame_settings(estimator, network) -> dict:
    """Return the settings of a network for single images, from an object, name or callable."""
    if isinstance(network, str):
        network = ResidualNetwork() if network == "residual" else Backbone(network)
    refuse_built_network(network, "shape", "the shape (height, width, channels)")
    is_users = callable(network) and not isinstance(network, type)
    if not (isinstance(network, FORMS) or is_users):
        shown = network.__name__ if isinstance(network, type) else repr(network)
        raise ValueError(
            "network must be None (plain convolutions), ConvNetwork(), ResidualNetwork(), "
            'Backbone(name), SequenceNetwork(), "residual", the name of a network of '
            "keras.applications, or a callable that takes the shape (height, width, channels) and "
            f"returns a keras.Model. Received: network={shown}."
        )
    if isinstance(network, Backbone):
        settings = _backbone_settings(network)
    elif isinstance(network, ResidualNetwork):
        settings = _residual_settings(network)
    elif isinstance(network, ConvNetwork):
        settings = _conv_settings(network)
    else:
        settings = {"network": network}
    refuse_ignored(
        estimator, OF_THE_DEFAULT, why=f"network={_shown(network)}", expected=_instead(network)
    )
    return settings


def _shown(network) -> str:
    """Return the name of a network for an error."""
    if isinstance(network, FORMS):
        return repr(network)
    return getattr(network, "__name__", type(network).__name__)


def _instead(network) -> str:
    """Return how to set filters and kernels of a network, for an error."""
    if isinstance(network, ConvNetwork):
        return "for example ConvNetwork(n_filters=(32, 64), kernel_sizes=3), or network=None"
    if isinstance(network, ResidualNetwork):
        return "for example ResidualNetwork(n_filters=(16, 32, 64), kernel_size=3)"
    if isinstance(network, Backbone):
        return "no such parameter, because a network of keras.applications has fixed filters"
    return "no such parameter, because your function defines the network"


def _conv_settings(network: ConvNetwork) -> dict:
    """Check plain convolutions; return their settings."""
    whole_number(network, "n_convolutions", 1)
    for name, choices in (
        ("padding", PADDINGS),
        ("pooling", POOLINGS),
        ("final_pooling", FINAL_POOLINGS),
    ):
        one_of(network, name, choices)
    yes_or_no(network, "batch_norm")
    check_activation(network.activation)
    blocks = _blocks(network)
    if all(block.pool_size == (1, 1) for block in blocks):
        refuse_ignored(
            network,
            ["pooling"],
            why="A network without pooling (pool_size=1)",
            expected="another pool_size, or no pooling=",
        )
    return {
        "network": "simple",
        "blocks": blocks,
        "n_convolutions": int(network.n_convolutions),
        "padding": network.padding,
        "activation": network.activation,
        "pooling": network.pooling,
        "batch_norm": bool(network.batch_norm),
        "final_pooling": network.final_pooling,
    }


def _residual_settings(network: ResidualNetwork) -> dict:
    """Check a residual network; return its settings."""
    n_filters = whole_numbers(network, "n_filters", at_least_one=True)
    kernel_size = _pair(network.kernel_size)
    if kernel_size is None:
        raise ValueError(
            "kernel_size must be an integer of at least 1 or (height, width). "
            f"Received: kernel_size={network.kernel_size!r}."
        )
    _check_final_pooling(network)
    yes_or_no(network, "batch_norm")
    check_activation(network.activation)
    _check_depth(network, n_filters)
    return {
        "network": "residual",
        "blocks": tuple(Block(n, kernel_size, (1, 1), None, None) for n in n_filters),
        "activation": network.activation,
        "batch_norm": bool(network.batch_norm),
        "depth": int(network.depth),
        "final_pooling": network.final_pooling,
    }


def _backbone_settings(network: Backbone) -> dict:
    """Check a network of keras.applications; return its settings."""
    names = backbone_names()
    if not isinstance(network.name, str) or network.name.lower() not in names:
        raise ValueError(
            'Unknown network. Expected: network=None, "residual", or one of '
            f"keras.applications: {sorted(names)}. Received: network={network.name!r}."
        )
    _check_final_pooling(network)
    yes_or_no(network, "fine_tune")
    return {
        "network": network.name.lower(),
        "pretrained": _weights(network.weights),
        "fine_tune": bool(network.fine_tune),
        "final_pooling": network.final_pooling,
    }


def _check_final_pooling(network) -> None:
    one_of(network, "final_pooling", [name for name in FINAL_POOLINGS if name != "auto"])


def _blocks(network: ConvNetwork) -> tuple[Block, ...]:
    """Return the blocks of the network, each parameter spread over them."""
    n_filters = whole_numbers(network, "n_filters", at_least_one=True)
    n_blocks = len(n_filters)
    columns = [_per_block(network, name, n_blocks) for name in ("kernel_sizes", "strides")]
    if network.pool_stride is not None and is_auto(network.pool_size):
        _per_block(network, "pool_stride", n_blocks)
        raise ValueError(
            "pool_stride needs pool_size. Expected: for example pool_size=2, or pool_stride=None. "
            f'Received: pool_size="auto", pool_stride={network.pool_stride!r}.'
        )
    for name, is_open in (
        ("pool_size", is_auto(network.pool_size)),
        ("pool_stride", network.pool_stride is None),
    ):
        columns.append([None] * n_blocks if is_open else _per_block(network, name, n_blocks))
    return tuple(Block(*values) for values in zip(n_filters, *columns, strict=True))


def _per_block(network, name: str, n_blocks: int) -> list[tuple[int, int]]:
    """Return a parameter's (height, width) per block: one number for all, or one entry each."""
    value = getattr(network, name)
    entries = [value] * n_blocks if is_whole(value) else value
    if isinstance(entries, list | tuple) and len(entries) == n_blocks:
        pairs = [_pair(entry) for entry in entries]
        if all(pair is not None for pair in pairs):
            return pairs
    raise ValueError(
        f"{name} must be an integer of at least 1, or one entry per block ({n_blocks} here, by "
        "n_filters), each an integer or (height, width). "
        f"Received: {name}={value!r}."
    )


def _pair(value) -> tuple[int, int] | None:
    """Return (height, width) of a number or a pair; None if it is neither."""
    pair = (value, value) if is_whole(value) else value
    return (int(pair[0]), int(pair[1])) if is_pair(pair) else None


def is_pair(value) -> bool:
    """Return whether a value is a pair of integers of at least 1."""
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and all(is_whole(side) and side >= 1 for side in value)


def _check_depth(network: ResidualNetwork, n_filters) -> None:
    """Refuse a depth that is impossible with blocks of two layers, and narrowing stages."""
    n_stages = len(n_filters)
    fits = is_whole(network.depth) and blocks_per_stage(network.depth, n_stages)
    if not fits or network.depth > _MOST_LAYERS:
        examples = [2 * n_stages * blocks + 2 for blocks in (1, 3, 5, 9)]
        raise ValueError(
            f"depth must be {2 * n_stages}·n + 2 layers for {n_stages} stage(s) of residual "
            f"blocks, for example one of {examples}. Received: depth={network.depth!r}."
        )
    if any(later < earlier for earlier, later in zip(n_filters[:-1], n_filters[1:], strict=True)):
        raise ValueError(
            "n_filters of a residual network must not decrease from stage to stage, because "
            f"shortcuts have no parameters. Received: n_filters={network.n_filters!r}."
        )


def _weights(value) -> str | None:
    """Return the initial weights; a file must exist."""
    if value is None:
        return None
    if not isinstance(value, str | PathLike):
        raise ValueError(
            'weights must be None, "imagenet" or the path of a weights file. '
            f"Received: weights={value!r}."
        )
    if value != "imagenet" and not Path(value).is_file():
        raise ValueError(
            'The file of weights does not exist. Expected: None, "imagenet", or a file written by '
            "save_weights of the same network with include_top=False. "
            f"Received: weights={fspath(value)!r}."
        )
    return fspath(value)
