"""The optimizer against plain NumPy steps."""

import numpy as np
import pytest

from textcnn.neural.optimizer import TABLE_RATE, make_optimizer


def make_model(keras):
    ids = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(6, 2, name="table")(ids)
    return keras.Model(ids, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(vectors)))


@pytest.mark.parametrize("is_sparse", [True, False])
def test_tables_go_by_adagrad_and_rows_without_a_gradient_stay(is_sparse):
    import keras
    import tensorflow

    model = make_model(keras)
    optimizer = make_optimizer(model)
    optimizer.learning_rate.assign(0.01)
    optimizer.total_updates.assign(4.0)
    table = model.get_layer("table").embeddings
    start = table.numpy()
    others = [np.zeros(v.shape, np.float32) for v in model.trainable_variables[1:]]
    rows, values = np.array([3, 1, 3]), np.array([[1, 2], [3, -4], [0.5, 0]], np.float32)
    dense = np.zeros((6, 2), np.float32)
    np.add.at(dense, rows, values)
    expected, squares = start.copy(), np.zeros((6, 2))
    for step in range(3):
        gradient = tensorflow.IndexedSlices(values, rows, (6, 2)) if is_sparse else dense
        optimizer.apply([gradient, *others], model.trainable_variables)
        rate = 0.01 * TABLE_RATE * 0.5 * (1 + np.cos(np.pi * step / 4))
        squares += dense**2
        expected -= rate * dense / (np.sqrt(squares) + optimizer.epsilon)
        np.testing.assert_allclose(table.numpy(), expected, atol=1e-6)
    untouched = [0, 2, 4, 5]
    np.testing.assert_array_equal(table.numpy()[untouched], start[untouched])
    assert (table.numpy()[[1, 3], 0] != start[[1, 3], 0]).all()


def test_frozen_tables_are_none_of_its_business():
    import keras

    model = make_model(keras)
    model.get_layer("table").trainable = False
    assert make_optimizer(model).tables == frozenset()
    assert len(make_optimizer(make_model(keras)).tables) == 1
