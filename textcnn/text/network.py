"""Build Keras text networks: word vectors, convolutions or GRU, pooling, custom networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from textcnn.neural.backend import import_keras
from textcnn.neural.heads import add_head
from textcnn.neural.max_convolution import FAR_BELOW, MONOTONE, max_convolution

POOLINGS = ("max", "average", "both")
RECURRENT = "bigru"
# Number of updates of each kind of network, relative to ``automatic_updates``: on small tables, up
# to which number of training rows, the exponent of its growth with more rows, and the largest.
# Measured with benchmarks/schedules.py, that of words with benchmarks/defaults.py. A recurrent
# network needs far fewer than a convolution; characters must learn words first.
SHARE_OF_WORDS = (0.6, 1600, 0.4, 2.0)
SHARES_OF_UPDATES = {
    "bigru": (0.3,),
    "char_bigru": (0.3,),
    "char_cnn": (1.0, 500 / 1.5**2, 0.5, 6.0),  # 1.5 times as many with 500 rows
}
SMALLEST_TABLE = 256
TABLE_STEP = 1.25


def feature_name(level: str, network) -> str:
    """Return the feature name of a kind of network."""
    kind = RECURRENT if isinstance(network, str) and network == RECURRENT else "cnn"
    return f"char_{kind}" if level == "char" else kind


@dataclass(frozen=True)
class ColumnTables:
    """Sizes of one column's vector tables, rounded so that networks of similar size are reused."""

    given_rows: int
    given_dim: int
    learned_rows: int
    learned_dim: int
    is_long: bool = False  # train through the windows selected by max pooling only

    @property
    def dim(self) -> int:
        """Channels per word."""
        return self.given_dim + self.learned_dim


@dataclass(frozen=True)
class TextNetworkSettings:
    """Settings of a text network, apart from vector tables and targets."""

    n_filters: int = 32
    kernel_sizes: tuple[int, ...] = (1, 2, 3)
    activation: str = "relu"
    pooling: str = "max"
    n_blocks: int = 1
    dense_units: tuple[int, ...] = ()
    dropout: float = 0.2
    l2: float = 0.0
    trainable_embeddings: bool = False
    network: Callable | str | None = None  # None: convolutions
    engine: str = "auto"  # what trains it, see textcnn.neural.engine.choice


def rounded_rows(n_rows: int) -> int:
    """Return a table size for ``n_rows``: at most a quarter larger, one of few values."""
    size = SMALLEST_TABLE
    while size < n_rows:
        size = int(size * TABLE_STEP)
    return size


def shared_layers(columns: tuple[ColumnTables, ...]) -> tuple[str, ...]:
    """Return the names of the layers with frozen pretrained vectors."""
    return tuple(f"shared_given_{i}" for i, tables in enumerate(columns) if tables.given_dim)


def build_text_network(
    settings: TextNetworkSettings, columns: tuple[ColumnTables, ...], n_outputs: int
):
    """Build the Keras model: one branch per column, concatenated before the dense layers.

    Inputs per column are int32 ids of shape (batch, length), 0 for padding: rows of the pretrained
    vectors (if any), then rows of the trainable vectors (if any). Batch size and length may vary.

    Parameters
    ----------
    settings : TextNetworkSettings
    columns : tuple of ColumnTables
    n_outputs : int
        Number of raw outputs.

    Returns
    -------
    keras.Model
        Output of shape (batch, n_outputs), raw: logits, standardised targets or log rates.
    """
    keras = import_keras()
    inputs, branches = [], []
    for i, tables in enumerate(columns):
        ids, vectors_of, mask = _embed(i, tables, settings)
        inputs += ids
        if settings.network is None:
            branches.append(_convolve(i, vectors_of(ids), mask, tables, settings))
        elif settings.network == RECURRENT:
            branches.append(_recur(i, ids, vectors_of, mask, settings))
        else:
            vectors = _side_by_side(vectors_of(ids))
            branches.append(_call_user_network(settings.network, vectors, mask, tables.dim, i))
    features = branches[0] if len(branches) == 1 else keras.layers.Concatenate()(branches)
    outputs = add_head(
        features,
        n_outputs=n_outputs,
        dense_units=settings.dense_units,
        activation=settings.activation,
        dropout=settings.dropout,
        l2=settings.l2,
    )
    return keras.Model(inputs, outputs)


def _embed(i: int, tables: ColumnTables, settings: TextNetworkSettings):
    """Return a column's inputs, the function from ids to vectors, and the mask (batch, length, 1).

    Vectors are zero where padded. Frozen pretrained vectors and trainable vectors are separate, so
    that no gradient is computed for frozen ones.
    """
    keras = import_keras()
    inputs, layers = [], []
    if tables.given_dim:
        ids = keras.Input((None,), dtype="int32", name=f"given_ids_{i}")
        name = f"given_{i}" if settings.trainable_embeddings else f"shared_given_{i}"
        layers.append(
            keras.layers.Embedding(
                tables.given_rows,
                tables.given_dim,
                embeddings_initializer="zeros",
                trainable=settings.trainable_embeddings,
                name=name,
            )
        )
        inputs.append(ids)
    if tables.learned_dim:
        ids = keras.Input((None,), dtype="int32", name=f"learned_ids_{i}")
        layers.append(
            keras.layers.Embedding(
                tables.learned_rows,
                tables.learned_dim,
                # Small initial values matter: 0.25 instead of 0.05 loses 2 to 5 points of accuracy.
                embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05),
                name=f"learned_{i}",
            )
        )
        inputs.append(ids)
    is_word = keras.ops.cast(keras.ops.not_equal(inputs[0], 0), "float32")
    # An empty document is one word with a zero vector, so that pooling works.
    first = keras.ops.ones_like(is_word[:, :1])
    pooled = keras.ops.concatenate([first, is_word[:, 1:]], axis=1)

    def vectors_of(ids):
        channels = [layer(part) for layer, part in zip(layers, ids, strict=True)]
        if settings.trainable_embeddings:
            channels = [_side_by_side(channels)]
        return [vectors * is_word[:, :, None] for vectors in channels]

    return inputs, vectors_of, pooled[:, :, None]


def _side_by_side(channels):
    """Concatenate several kinds of vectors per word."""
    return channels[0] if len(channels) == 1 else import_keras().layers.Concatenate()(channels)


def _convolve(i: int, channels, mask, tables: ColumnTables, settings: TextNetworkSettings):
    """Return pooled features, (batch, n_filters × kernel sizes × poolings)."""
    keras = import_keras()
    between = "average" if settings.pooling == "average" else "max"
    first_stays = bool(tables.given_dim) and not settings.trainable_embeddings
    pooled = []
    for branch, kernel_size in enumerate(settings.kernel_sizes):
        parts, block_mask = channels, mask
        for block in range(settings.n_blocks - 1):
            convolutions = _convolutions(parts, kernel_size, settings, (i, branch, block))
            maps = _feature_maps(convolutions, parts, settings)
            maps, block_mask = _pool_pairs(maps, block_mask, between)
            parts = [maps]
        last = (i, branch, settings.n_blocks - 1)
        convolutions = _convolutions(parts, kernel_size, settings, last)
        if settings.pooling == "max" and settings.activation in MONOTONE:
            frozen = [False] * len(parts)
            frozen[0] = first_stays and settings.n_blocks == 1
            pooled.append(
                max_convolution(
                    convolutions,
                    parts,
                    block_mask,
                    activation=settings.activation,
                    frozen=tuple(frozen),
                    is_long=tables.is_long,
                    name=f"max_convolution_{i}_{branch}",
                )
            )
        else:
            maps = _feature_maps(convolutions, parts, settings)
            pooled += _pool_all(maps, block_mask, settings.pooling)
    return pooled[0] if len(pooled) == 1 else keras.layers.Concatenate()(pooled)


def _convolutions(channels, kernel_size: int, settings: TextNetworkSettings, place) -> list:
    """Return a convolution for each kind of channels; their sum is one convolution of all."""
    keras = import_keras()
    n_channels = sum(part.shape[-1] for part in channels)
    limit = math.sqrt(
        6 / (kernel_size * (n_channels + settings.n_filters))
    )  # Glorot's limit for all channels
    name = "_".join(map(str, ("convolution", *place)))
    return [
        keras.layers.Conv1D(
            settings.n_filters,
            kernel_size,
            padding="same",
            use_bias=number == 0,
            kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
            kernel_regularizer=keras.regularizers.L2(settings.l2) if settings.l2 else None,
            name=f"{name}_{number}",
        )
        for number in range(len(channels))
    ]


def _feature_maps(convolutions, channels, settings: TextNetworkSettings):
    keras = import_keras()
    maps = [layer(part) for layer, part in zip(convolutions, channels, strict=True)]
    summed = maps[0] if len(maps) == 1 else keras.layers.Add()(maps)
    return keras.layers.Activation(settings.activation)(summed)


def _recur(i: int, ids, vectors_of: Callable, mask, settings: TextNetworkSettings):
    """Return the pooled states of a GRU in each direction, (batch, 2 × n_filters × poolings).

    The layers have no mask, so every backend can use its fastest implementation. The second
    direction gets the reversed words of each document, so padding is always last: it does not
    affect the states of words, and pooling ignores it.
    """
    keras = import_keras()
    ops = keras.ops
    is_word = ops.cast(mask[:, :, 0], "int32")
    places = ops.cumsum(ops.ones_like(is_word), axis=1) - 1
    last = ops.sum(is_word, axis=1, keepdims=True) - 1
    backwards = ops.where(is_word > 0, last - places, places)
    directions = {
        "forward": ids,
        "backward": [ops.take_along_axis(part, backwards, axis=1) for part in ids],
    }
    regularizer = keras.regularizers.L2(settings.l2) if settings.l2 else None
    pooled = []
    for direction, read in directions.items():
        states = keras.layers.GRU(
            settings.n_filters,
            return_sequences=True,
            kernel_regularizer=regularizer,
            recurrent_regularizer=regularizer,
            name=f"gru_{i}_{direction}",
        )(_side_by_side(vectors_of(read)))
        pooled += _pool_all(states, mask, settings.pooling)
    return keras.layers.Concatenate()(pooled)


def _pool_all(maps, mask, pooling: str) -> list:
    """Pool each feature map over the words of the document, without padding."""
    ops = import_keras().ops
    pooled = []
    if pooling in ("max", "both"):
        pooled.append(ops.max(maps * mask + (mask - 1.0) * FAR_BELOW, axis=1))
    if pooling in ("average", "both"):
        pooled.append(ops.sum(maps * mask, axis=1) / ops.sum(mask, axis=1))
    return pooled


def _pool_pairs(maps, mask, pooling: str):
    """Halve the length between two convolutions; a pair of padded positions stays padding."""
    keras = import_keras()
    pool_max = keras.layers.MaxPooling1D(2, padding="same")
    halved_mask = pool_max(mask)
    if pooling == "max":
        halved = keras.layers.MaxPooling1D(2, padding="same")(
            maps * mask + (mask - 1.0) * FAR_BELOW
        )
        return keras.ops.where(halved_mask > 0, halved, 0.0), halved_mask
    average = keras.layers.AveragePooling1D(2, padding="same")
    weight = keras.layers.AveragePooling1D(2, padding="same")(mask)
    return average(maps * mask) / keras.ops.maximum(weight, 1e-6), halved_mask


def _call_user_network(network: Callable, vectors, mask, dim: int, number: int):
    """Apply a user's Keras model to the word vectors; its output must be (batch, n_features)."""
    keras = import_keras()
    model = network(dim)
    if not isinstance(model, keras.Model):
        raise ValueError(
            "network= must be a callable that takes the number of channels per word and returns a "
            "keras.Model. "
            f"Received: network({dim}) returned {type(model).__name__}."
        )
    if not getattr(model, "inputs", None):
        raise ValueError(
            "The model that network= returns must be built: use keras.Model(inputs, output) "
            f"with keras.Input((None, {dim})). "
            f"Received: {type(model).__name__} named {model.name!r}."
        )
    if len(model.inputs) not in (1, 2) or len(model.outputs) != 1:
        raise ValueError(
            "The model that network= returns must have one input (word vectors) or two (word "
            "vectors, mask) and one output. Received: "
            f"{len(model.inputs)} inputs and {len(model.outputs)} outputs."
        )
    if not hasattr(model.output, "shape"):
        raise ValueError(
            "The output of the model that network= returns must be a tensor, not a list or dict. "
            f"Received: output of type {type(model.output).__name__}."
        )
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2 or shape[1] is None:
        raise ValueError(
            "The model that network= returns must return one row of features per document: output "
            "shape (None, n_features). Add a pooling layer, for example GlobalMaxPooling1D. "
            f"Received: output shape {shape}."
        )
    expected = (None, dim)
    received = tuple(model.inputs[0].shape[1:])
    if received != expected:
        raise ValueError(
            "The first input of the model that network= returns must take word vectors of any "
            f"length: keras.Input({expected}). Received: input shape {received}."
        )
    if len(model.inputs) == 2 and tuple(model.inputs[1].shape[1:]) != (None, 1):
        raise ValueError(
            "The second input of the model that network= returns must take the mask: "
            f"keras.Input((None, 1)). Received: input shape {tuple(model.inputs[1].shape[1:])}."
        )
    # Our own name, so that the user's name cannot clash with another layer.
    model.name = f"network_{number}"
    return model([vectors, mask] if len(model.inputs) == 2 else vectors)
