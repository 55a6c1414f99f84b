"""Sizes of layers: against counts by hand and Keras' own."""

import keras
import numpy as np
import pytest
from inside import image_settings_of
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from textcnn import (
    ConvNetwork,
    ImageCNNClassifier,
    ResidualNetwork,
    TextCNNClassifier,
    TextCNNEncoder,
)
from textcnn.inspect import layer_table


def table_of(image_shape=(32, 32, 3), n_outputs=1, **settings):
    network = ConvNetwork(n_filters=12, batch_norm=False)
    classifier = ImageCNNClassifier(**({"augment": None, "network": network} | settings))
    return layer_table(classifier, image_shape=image_shape, n_outputs=n_outputs).set_index("layer")


def test_a_convolution_and_its_pooling_by_hand():
    table = table_of()
    assert table["output_shape"].tolist()[:3] == [(32, 32, 12), (32, 32, 12), (16, 16, 12)]
    convolution = table.loc["conv_1_1"]
    assert convolution["parameters"] == 3 * 3 * 3 * 12 + 12
    assert convolution["bytes"] == 4 * (3 * 3 * 3 * 12 + 12)
    assert convolution["multiply_adds"] == 32 * 32 * 12 * 27
    assert convolution["output_bytes"] == 32 * 32 * 12 * 4
    assert table.loc["raw_output", "multiply_adds"] == 12  # after averaging over 256 positions


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"network": ConvNetwork(n_convolutions=2), "dense_units": (5,)},
        {"network": ResidualNetwork(depth=8)},
        {"network": "mobilenetv3small"},
    ],
)
def test_parameters_are_those_that_keras_counts(settings):
    from textcnn.image.network import build_image_network

    classifier = ImageCNNClassifier(augment=None, **settings)
    checked = image_settings_of(classifier)
    model = build_image_network(checked, (32, 32, 3), 4)
    table = layer_table(classifier, image_shape=(32, 32, 3), n_outputs=4)
    assert table["parameters"].sum() == model.count_params()
    assert (table["multiply_adds"] >= 0).all()


def network_of_every_kind(shape):
    layers = keras.layers
    stack = [layers.SeparableConv2D(4, 3), layers.DepthwiseConv2D(3), layers.Conv2D(6, 1, groups=2)]
    inner = keras.Sequential([keras.Input((4, 4, 4)), stack[2], layers.GlobalMaxPooling2D()])
    return keras.Sequential([keras.Input(shape), *stack[:2], inner])


def test_multiply_adds_of_every_kind_of_convolution_in_nested_models():
    table = table_of((8, 8, 3), network=network_of_every_kind)
    by_kind = table.groupby("kind")["multiply_adds"].sum()
    assert by_kind["SeparableConv2D"] == 6 * 6 * (3 * 9 + 3 * 4)
    assert by_kind["DepthwiseConv2D"] == 4 * 4 * 4 * 9
    assert by_kind["Conv2D"] == 4 * 4 * 6 * 2
    assert [name.count("/") for name in table.index] == [1, 1, 2, 2, 0, 0, 0]


def test_frames_of_a_sequence_cost_as_many_times():
    network = ConvNetwork((12, 6), batch_norm=False)
    one, five = (table_of(shape, network=network) for shape in ((8, 8, 1), (5, 8, 8, 1)))
    assert five.loc["conv_1_1", "output_shape"] == (5, 8, 8, 12)
    assert five.loc["conv_2_1", "multiply_adds"] == 5 * one.loc["conv_2_1", "multiply_adds"]
    assert five["parameters"].sum() == one["parameters"].sum()


def test_half_precision_halves_what_layers_give():
    whole, half = table_of(), table_of(precision="mixed_bfloat16")
    assert 2 * half.loc["conv_1_1", "output_bytes"] == whole.loc["conv_1_1", "output_bytes"]
    assert half["bytes"].sum() == whole["bytes"].sum()


def test_networks_of_text_are_measured_for_a_length():
    texts = ["good film", "bad film", "a good plot", "a bad plot"] * 10
    classifier = TextCNNClassifier(n_filters=4, kernel_sizes=(2, 3), epochs=1, random_state=0)
    classifier.fit(texts, [1, 0, 1, 0] * 10)
    short, long = (layer_table(classifier, n_words=n).set_index("kind") for n in (10, 20))
    assert (long.loc["Conv1D", "multiply_adds"] == 2 * short.loc["Conv1D", "multiply_adds"]).all()
    assert long["parameters"].sum() == short["parameters"].sum()
    encoder = TextCNNEncoder(n_filters=4, epochs=1, cv=2, random_state=0)
    encoder.fit({"a": texts, "b": texts} and np.array([texts, texts]).T, [1, 0, 1, 0] * 10)
    assert len(layer_table(encoder, column=1)) == len(layer_table(encoder, column=0))
    with pytest.raises(ValueError, match="column must be .* from 0 to 1"):
        layer_table(encoder, column=2)


def test_a_keras_model_can_be_compared_and_recurrent_layers_are_not_known():
    model = keras.Sequential(
        [keras.Input((6, 3)), keras.layers.GRU(5, name="gru"), keras.layers.Dense(2, name="out")]
    )
    table = layer_table(model).set_index("layer")
    assert table["parameters"].sum() == model.count_params()
    assert np.isnan(table.loc["gru", "multiply_adds"])
    assert table.loc["out", "multiply_adds"] == 10


def test_what_is_refused():
    with pytest.raises(NotFittedError):
        layer_table(ImageCNNClassifier())
    with pytest.raises(TypeError, match="LogisticRegression"):
        layer_table(LogisticRegression())
    with pytest.raises(ValueError, match="image_shape"):
        layer_table(TextCNNClassifier(), image_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="image_shape"):
        layer_table(ImageCNNClassifier(), image_shape=(8, 8))
