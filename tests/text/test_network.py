"""The Keras text network against a plain NumPy forward pass, one document at a time."""

from functools import partial

import numpy as np
import pytest
from inside import owned_variables
from scipy.special import expit

from textcnn.neural.network import Blueprint, TracedNetwork
from textcnn.text.network import (
    ColumnTables,
    TextNetworkSettings,
    build_text_network,
    rounded_rows,
    shared_layers,
)

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "sigmoid": expit,
    "linear": lambda x: x,
}
TABLES = ColumnTables(given_rows=12, given_dim=5, learned_rows=9, learned_dim=3)


def traced(settings, columns=(TABLES,), n_outputs=2, loss="squared"):
    build = partial(build_text_network, settings, columns, n_outputs)
    network = TracedNetwork(Blueprint(build, loss, None, shared_layers(columns)))
    given = np.random.default_rng(1).normal(size=(12, 5)).astype(np.float32)
    network.load_tables({f"shared_given_{i}": given for i in range(len(columns))})
    network.reset(3)
    return network, given


def documents(lengths, padded, seed=0):
    random = np.random.default_rng(seed)
    given = np.zeros((len(lengths), padded), np.int32)
    learned = np.zeros((len(lengths), padded), np.int32)
    for row, length in enumerate(lengths):
        given[row, :length] = random.integers(1, 12, length)
        learned[row, :length] = random.integers(1, 9, length)
    return given, learned


def same_convolution(vectors, kernel, bias):
    """Correlate along the words with as many outputs as words, zeros beyond both ends."""
    width = len(kernel)
    before = (width - 1) // 2
    padded = np.vstack(
        [np.zeros((before, vectors.shape[1])), vectors, np.zeros((width, vectors.shape[1]))]
    )
    windows = [padded[i : i + width] for i in range(len(vectors))]
    return np.array([np.einsum("kc,kcf->f", window, kernel) + bias for window in windows])


def pool_pairs(maps, how):
    pairs = [maps[i : i + 2] for i in range(0, len(maps), 2)]
    return np.array([getattr(pair, how)(axis=0) for pair in pairs])


def plain_forward(settings, weights, given_table, given_ids, learned_ids):
    """One document: embedding, convolutions, pooling, dense layers."""
    weights = [w.astype(float) for w in weights]
    learned_table, rest = weights[0], weights[1:]
    act = ACTIVATIONS[settings.activation]
    is_word = given_ids > 0
    vectors = np.hstack([given_table[given_ids], learned_table[learned_ids]])[is_word]
    if len(vectors) == 0:
        vectors = np.zeros((1, 8))
    pooled = []
    for _ in settings.kernel_sizes:
        maps = vectors
        for block in range(settings.n_blocks):
            kernel, bias, *rest = rest
            if block:
                maps = pool_pairs(maps, "mean" if settings.pooling == "average" else "max")
            maps = act(same_convolution(maps, kernel, bias))
        if settings.pooling in ("max", "both"):
            pooled.append(maps.max(axis=0))
        if settings.pooling in ("average", "both"):
            pooled.append(maps.mean(axis=0))
    features = np.concatenate(pooled)
    while len(rest) > 1:
        kernel, bias, *rest = rest
        features = act(features @ kernel + bias)
    return features @ rest[0]


# Every pooling at every depth, and every activation; a function does not care what is pooled.
@pytest.mark.parametrize(
    ("pooling", "activation", "n_blocks"),
    [
        *((how, "relu", n) for how in ("max", "average", "both") for n in (1, 2, 3)),
        *(("both", name, 2) for name in ACTIVATIONS if name != "relu"),
    ],
)
def test_network_equals_a_plain_numpy_forward_pass(pooling, activation, n_blocks):
    settings = TextNetworkSettings(
        n_filters=4,
        kernel_sizes=(1, 2, 5),
        activation=activation,
        pooling=pooling,
        n_blocks=n_blocks,
        dense_units=(6,),
    )
    network, table = traced(settings)
    random = np.random.default_rng(4)
    weights = [random.normal(0, 0.5, w.shape).astype(np.float32) for w in network.weights()]
    network.load_weights(weights)
    given, learned = documents([0, 1, 2, 3, 7, 10], padded=10)
    expected = [
        plain_forward(settings, order_of_layers(network, weights), table, *ids)
        for ids in zip(given, learned, strict=True)
    ]
    np.testing.assert_allclose(network.forward((given, learned)), expected, atol=2e-5)


def order_of_layers(network, weights):
    """Keras lists layers by depth; put branch by branch as the plain pass reads them."""
    named = {}
    for variable, array in zip(owned_variables(network), weights, strict=True):
        named.setdefault(variable.path.rsplit("/", 1)[0], []).append(array)
    ordered = named.pop("learned_0")
    for name in sorted(name for name in named if name.startswith("convolution")):
        if name.endswith(
            "_1"
        ):  # kernel of the trainable vectors: channels of pretrained vectors come first
            continue
        kernel, bias = named.pop(name)
        learned_part = named.pop(name[:-1] + "1", None)
        if learned_part:
            kernel = np.concatenate([kernel, *learned_part], axis=1)
        ordered += [kernel, bias]
    dense = [array for name in sorted(named, key=_number) for array in named[name]]
    return ordered + dense


def _number(name):
    digits = "".join(character if character.isdigit() else " " for character in name).split()
    return int(digits[-1]) if digits else (10**9 if name == "raw_output" else 0)


@pytest.mark.parametrize("pooling", ["max", "average", "both"])
@pytest.mark.parametrize("n_blocks", [1, 2])
def test_padding_never_changes_a_result(pooling, n_blocks):
    settings = TextNetworkSettings(
        n_filters=3, kernel_sizes=(2, 3), pooling=pooling, n_blocks=n_blocks, activation="sigmoid"
    )
    network, _ = traced(settings)
    short = documents([0, 1, 2, 5], padded=5)
    for longer in (6, 7, 8, 40):
        padded = tuple(np.pad(ids, ((0, 0), (0, longer - 5))) for ids in short)
        np.testing.assert_allclose(network.forward(padded), network.forward(short), atol=1e-6)


def test_two_columns_have_a_branch_each():
    network, _ = traced(TextNetworkSettings(n_filters=3), columns=(TABLES, TABLES))
    first, second = documents([3, 4], 4, seed=1), documents([2, 6], 6, seed=2)
    before = network.forward((*first, *second))
    changed = network.forward((*first, *documents([2, 6], 6, seed=3)))
    assert before.shape == (2, 2)
    assert not np.allclose(before, changed)


def test_rounded_rows_is_never_smaller_and_seldom_much_larger():
    sizes = np.array([rounded_rows(n) for n in range(1, 20_000, 7)])
    needed = np.arange(1, 20_000, 7)
    assert (sizes >= needed).all()
    large = needed > 256
    assert (sizes[large] <= needed[large] * 1.25 + 1).all()
    assert len(np.unique(sizes)) < 25


def plain_recurrence(vectors, kernel, recurrent_kernel, bias):
    """Return a GRU's state after each word, its reset gate applied after the product."""
    n_units = len(recurrent_kernel)
    state, states = np.zeros(n_units), []
    for vector in vectors:
        update, reset, new = np.split(vector @ kernel + bias[0], 3)
        old_update, old_reset, old_new = np.split(state @ recurrent_kernel + bias[1], 3)
        update, reset = expit(update + old_update), expit(reset + old_reset)
        state = update * state + (1 - update) * np.tanh(new + reset * old_new)
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("pooling", ["max", "average", "both"])
def test_recurrent_network_equals_a_plain_numpy_one_whatever_the_padding(pooling):
    settings = TextNetworkSettings(n_filters=4, pooling=pooling, network="bigru")
    network, table = traced(settings)
    random = np.random.default_rng(4)
    weights = [random.normal(0, 0.5, w.shape).astype(np.float32) for w in network.weights()]
    network.load_weights(weights)
    named = dict(zip(network.weight_names(), weights, strict=True))
    expected = []
    given, learned = documents([0, 1, 2, 3, 7, 10], padded=10)
    for given_ids, learned_ids in zip(given, learned, strict=True):
        vectors = np.hstack([table[given_ids], named["learned_0/embeddings"][learned_ids]])
        vectors = vectors[given_ids > 0] if given_ids.any() else np.zeros((1, 8))
        pooled = []
        for direction, step in (("forward", 1), ("backward", -1)):
            layer = [v for k, v in named.items() if k.startswith(f"gru_0_{direction}/")]
            states = plain_recurrence(vectors[::step], *layer)
            pooled += [states.max(axis=0)] if pooling != "average" else []
            pooled += [states.mean(axis=0)] if pooling != "max" else []
        expected.append(np.concatenate(pooled) @ weights[-1])
    np.testing.assert_allclose(network.forward((given, learned)), expected, atol=1e-4)
    short = network.forward((given[:4, :3], learned[:4, :3]))
    np.testing.assert_allclose(short, expected[:4], atol=1e-4)


def test_recurrent_layers_are_what_cudnn_computes():
    import keras

    settings = TextNetworkSettings(n_filters=4, network="bigru", dropout=0.5)
    model = build_text_network(settings, (TABLES,), 1)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.GRU)]
    assert len(layers) == 2
    for layer in layers:
        config = layer.get_config()
        assert config["reset_after"] and config["use_bias"] and not config["unroll"]
        assert (config["activation"], config["recurrent_activation"]) == ("tanh", "sigmoid")
        assert config["recurrent_dropout"] == 0 and config["dropout"] == 0
        assert getattr(layer.input, "_keras_mask", None) is None, "a mask rules cuDNN out"


def test_user_network_with_a_mask_and_without():
    import keras

    def with_mask(dim):
        vectors, mask = keras.Input((None, dim)), keras.Input((None, 1))
        total = keras.ops.sum(vectors * mask, axis=1)
        return keras.Model([vectors, mask], total)

    def without_mask(dim):
        vectors = keras.Input((None, dim))
        return keras.Model(vectors, keras.layers.GlobalMaxPooling1D()(vectors))

    for callable_ in (with_mask, without_mask):
        network, _ = traced(TextNetworkSettings(network=callable_))
        assert network.forward(documents([2, 3], 3)).shape == (2, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda keras, dim: "a string", "returned str"),
        (lambda keras, dim: _keeps_length(keras, dim), r"output shape \(None, None, 8\)"),
        (lambda keras, dim: _wrong_input(keras), "input shape"),
        (lambda keras, dim: _two_outputs(keras, dim), "1 inputs and 2 outputs"),
        (lambda keras, dim: _listed_output(keras, dim), "not a list or dict"),
        (lambda keras, dim: keras.Sequential([keras.layers.Dense(3)]), "must be built"),
    ],
)
def test_user_network_of_the_wrong_shape_is_refused(make, message):
    import keras

    settings = TextNetworkSettings(network=lambda dim: make(keras, dim))
    with pytest.raises(ValueError, match=message):
        build_text_network(settings, (TABLES,), 1)


def _keeps_length(keras, dim):
    vectors = keras.Input((None, dim))
    return keras.Model(vectors, keras.layers.Activation("relu")(vectors))


def _wrong_input(keras):
    vectors = keras.Input((None, 99))
    return keras.Model(vectors, keras.layers.GlobalMaxPooling1D()(vectors))


def _two_outputs(keras, dim):
    vectors = keras.Input((None, dim))
    pooled = keras.layers.GlobalMaxPooling1D()(vectors)
    return keras.Model(vectors, [pooled, pooled])


def _listed_output(keras, dim):
    vectors = keras.Input((None, dim))
    return keras.Model(vectors, [keras.layers.GlobalMaxPooling1D()(vectors)])
