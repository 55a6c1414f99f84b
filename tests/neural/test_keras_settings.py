"""Features do not depend on Keras' global settings, which stay those of the caller."""

import contextlib
import threading

import keras
import numpy as np
import pytest
from checks import tiny

from textcnn import ConvNetwork, ImageCNNClassifier
from textcnn.inspect import GradCAMDisplay
from textcnn.neural.keras_settings import own_settings

NAMES = ("floatx", "epsilon", "image_data_format", "max_epochs", "dtype_policy")
CHANGED = {
    "floatx": "float64",
    "epsilon": 1e-2,
    "image_data_format": "channels_first",
    "max_epochs": 1,
    "dtype_policy": "mixed_float16",
}
TEXTS = ["good nice film", "bad awful film", "so so", "nice but bad", ""] * 6
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
Y = np.arange(30) % 2


def settings():
    return {name: getattr(keras.config, name)() for name in NAMES}


@contextlib.contextmanager
def changed_settings():
    before = settings()
    for name, value in CHANGED.items():
        getattr(keras.config, f"set_{name}")(value)
    try:
        yield settings()
    finally:
        for name, value in before.items():
            getattr(keras.config, f"set_{name}")(value)


def text_features():
    encoder = tiny(cv=2, engine="keras", n_filters=4, epochs=3).fit(TEXTS, Y)
    return encoder.transform(TEXTS)


def own_network(dim):
    given = keras.Input((None, dim))
    maps = keras.layers.Conv1D(2, 2, padding="same")(given)
    return keras.Model(given, keras.layers.GlobalMaxPooling1D()(maps))


def own_features():
    return tiny(cv=2, network=own_network, epochs=2).fit_transform(TEXTS, Y)


def image_outputs():
    classifier = ImageCNNClassifier(
        network=ConvNetwork(n_filters=(2,), batch_norm=True),
        augment=[keras.layers.RandomFlip(), keras.layers.RandomZoom(0.1)],
        epochs=2,
        random_state=0,
    ).fit(IMAGES, Y)
    heat = GradCAMDisplay.from_estimator(classifier, IMAGES, row=0).heat
    return np.concatenate([classifier.predict_proba(IMAGES).ravel(), np.ravel(heat)])


@pytest.mark.parametrize("outputs", [text_features, own_features, image_outputs])
def test_no_setting_changes_an_output(outputs):
    expected = outputs()
    with changed_settings() as callers:
        found = outputs()
        assert settings() == callers, "they stay those of the caller"
    assert np.isfinite(expected).all() and np.ptp(expected) > 0
    np.testing.assert_array_equal(found, expected)


def test_the_last_of_several_threads_restores_the_settings():
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with own_settings():
            inside.set()
            leave.wait(30)

    with changed_settings() as callers:
        other = threading.Thread(target=stay)
        with own_settings():
            other.start()
            assert inside.wait(30)
        assert keras.config.floatx() == "float32", "the other thread is still inside"
        leave.set()
        other.join()
        assert settings() == callers


def test_settings_are_restored_after_an_error():
    with changed_settings() as callers:
        with pytest.raises(ZeroDivisionError), own_settings():
            1 / 0  # noqa: B018
        assert settings() == callers
