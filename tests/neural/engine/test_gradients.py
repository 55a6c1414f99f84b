"""The slopes of every weight are those that Keras computes."""

import numpy as np
import pytest
from oracle import (
    N_ROWS,
    engine_network,
    inputs_of,
    keras_gradients,
    keras_network,
    random_targets,
    random_weights,
    text_network,
)

from textcnn.neural.engine import network as network_module
from textcnn.neural.engine.activations import ACTIVATIONS
from textcnn.neural.heads import LOSSES

NETWORKS = {
    "given and learnt": {},
    "learnt alone": {"given": False},
    "given alone": {"learned_dim": 0},
    "trained": {"trainable_embeddings": True},
    "trained given alone": {"trainable_embeddings": True, "learned_dim": 0},
    "characters": {"given": False, "level": "char", "kernel_sizes": (3, 5, 7), "longest": 30},
    "one kernel": {"kernel_sizes": (1,)},
    "large kernels": {"kernel_sizes": (4, 6, 9), "longest": 12},
    "dense": {"dense_units": (6, 5), "activation": "tanh"},
    "no dropout": {"dropout": 0.0},
    "l2": {"l2": 0.01, "dense_units": (4,)},
    "two columns": {"n_columns": 2, "kernel_sizes": (1, 4)},
    "long": {"longest": 90},
    "average": {"pooling": "average", "kernel_sizes": (1, 4), "activation": "tanh"},
    "both": {"pooling": "both", "n_columns": 2},
    "both, trained": {"pooling": "both", "trainable_embeddings": True, "activation": "elu"},
    "linear": {"activation": "linear"},
    "sigmoid": {"activation": "sigmoid"},
    "leaky_relu": {"activation": "leaky_relu"},
    "elu": {"activation": "elu", "dense_units": (4,)},
}


def assert_same_gradients(plan, source, targets):
    design = plan.design
    random = np.random.default_rng(7)
    rows = random.permutation(N_ROWS)[:17]
    view = source.view(np.arange(30))
    weights = random.uniform(0.1, 2, len(rows)).astype(np.float32)
    offset = random.normal(size=design.n_outputs).astype(np.float32)
    state = random_weights(design, source)
    keep = None
    if design.settings.dropout:
        keep = (random.random((len(rows), design.n_last)) < 0.5).astype(np.float32) * 2
    ours = engine_network(plan, source, view, state, offset)
    loss, table_slopes = ours.gradients(rows, targets[rows], weights, keep)
    found = design.exported(
        ours.slopes, {path: dense_slopes(path, ours, table_slopes) for path in ours.tables}
    )
    theirs = keras_network(plan, source, state, offset, keep)
    expected_loss, expected = keras_gradients(
        theirs, plan, inputs_of(source, rows, view), targets[rows], weights
    )
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert list(found) == theirs.weight_names()
    assert set(found) == set(expected)
    for path, gradient in expected.items():
        assert found[path].shape == gradient.shape
        assert np.abs(gradient).max() > 0, path
        np.testing.assert_allclose(
            found[path], gradient, rtol=1e-5, atol=1e-5 * np.abs(gradient).max(), err_msg=path
        )


def dense_slopes(path, network, table_slopes):
    slopes = np.zeros_like(network.tables[path])
    for learnt in table_slopes:
        if learnt.path == path:
            slopes[learnt.rows] += learnt.sums
    return slopes


@pytest.mark.parametrize("speed", [0.0, np.inf], ids=["windows", "products"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_networks_are_those_of_keras(name, speed, monkeypatch):
    monkeypatch.setattr(network_module, "PRODUCT_SPEED", speed)
    plan, source = text_network(**NETWORKS[name])
    assert_same_gradients(plan, source, random_targets(plan.loss, 1))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_gradients_of_losses_are_those_of_keras(loss, n_outputs):
    if loss == "categorical_crossentropy" and n_outputs == 1:
        n_outputs = 5
    plan, source = text_network(loss=loss, n_outputs=n_outputs)
    assert_same_gradients(plan, source, random_targets(loss, n_outputs))


def integers(numbers) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)


@pytest.mark.parametrize("seed", range(8))
def test_gradients_of_random_networks_are_those_of_keras(seed):
    random = np.random.default_rng(seed)
    loss = random.choice(LOSSES)
    n_outputs = int(random.integers(2, 5))
    given = bool(random.integers(2))
    plan, source = text_network(
        int(random.integers(1, 4)),
        loss=loss,
        n_outputs=n_outputs,
        given=given,
        learned_dim=int(random.integers(0 if given else 1, 9)),
        longest=int(random.choice([5, 20, 70])),
        n_filters=int(random.integers(1, 20)),
        kernel_sizes=integers(random.choice(np.arange(1, 9), random.integers(1, 4), replace=False)),
        activation=str(random.choice(list(ACTIVATIONS))),
        pooling=str(random.choice(["max", "average", "both"])),
        dense_units=integers(random.integers(2, 9, random.integers(0, 3))),
        dropout=float(random.choice([0.0, 0.5])),
        l2=float(random.choice([0.0, 0.01])),
        trainable_embeddings=bool(random.integers(2)),
    )
    assert_same_gradients(plan, source, random_targets(loss, n_outputs))


def test_weights_survive_the_way_to_keras_and_back():
    plan, source = text_network(2, dense_units=(4,))
    state = random_weights(plan.design, source)
    tables = {path: state[path] for path in plan.design.table_shapes}
    back = plan.design.exported(plan.design.views(plan.design.imported(state)), tables)
    assert list(back) == list(state)
    for path, array in state.items():
        np.testing.assert_array_equal(back[path], array)
