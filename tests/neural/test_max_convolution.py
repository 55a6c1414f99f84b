"""Training through winning windows alone is the training of the whole convolution."""

import numpy as np
import pytest

from textcnn.neural.max_convolution import LONG, is_long
from textcnn.neural.randomness import keras_seeded
from textcnn.text.network import ColumnTables, TextNetworkSettings, build_text_network

N_DOCUMENTS, LENGTH = 4, 17


def gradients(*, is_long, **settings):
    import tensorflow

    tables = ColumnTables(50, 4, 60, 3, is_long=is_long)
    with keras_seeded(3):
        model = build_text_network(
            TextNetworkSettings(n_filters=6, kernel_sizes=(2, 3), **settings), (tables,), 2
        )
    random = np.random.default_rng(0)
    given = next(weight for weight in model.weights if "given" in weight.path)
    given.assign(random.normal(size=given.shape))
    ids = random.integers(1, 50, (2, N_DOCUMENTS, LENGTH)).astype("int32")
    ids[:, 1, 9:] = 0
    ids[:, 2] = 0  # an empty document
    ids[:, 3] = ids[:, 3, :1]  # one word throughout: equal windows, of which the first one wins
    with tensorflow.GradientTape() as tape:
        outputs = model(list(ids), training=True)
        loss = tensorflow.reduce_sum(outputs**2)
    slopes = tape.gradient(loss, model.trainable_variables)
    return (
        np.array(outputs),
        {
            variable.path: np.array(tensorflow.convert_to_tensor(slope))
            for variable, slope in zip(model.trainable_variables, slopes, strict=True)
        },
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_blocks": 2},
        {"trainable_embeddings": True},
        {"activation": "tanh", "l2": 0.1},
    ],
    ids=str,
)
def test_winning_windows_give_the_gradients_of_the_whole_convolution(settings):
    outputs, slopes = gradients(is_long=False, **settings)
    long_outputs, long_slopes = gradients(is_long=True, **settings)
    np.testing.assert_array_equal(long_outputs, outputs)
    assert slopes.keys() == long_slopes.keys()
    for path, slope in slopes.items():
        np.testing.assert_allclose(long_slopes[path], slope, rtol=1e-4, atol=1e-5, err_msg=path)
        assert np.abs(slope).max() > 0, path


def test_rows_weigh_by_their_length():
    assert not is_long(np.full(100, LONG - 1))
    assert is_long(np.full(100, LONG))
    assert is_long([1] * 50 + [400])
    assert not is_long([0, 0])
    assert not is_long([])
