"""Set-up that several test modules share."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test drew: matplotlib warns at 20 open figures, whichever modules drew them."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(scope="session")
def backbone_weights(tmp_path_factory):
    """A function from a network of keras.applications to a file of weights for it.

    The weights are random, with the statistics of noise in batch normalisation: at the fresh ones
    the features of every image are nearly the same.
    """
    import keras
    import numpy as np

    folder = tmp_path_factory.mktemp("backbones")

    def save(name: str) -> Path:
        path = folder / f"{name}.weights.h5"
        if not path.exists():
            make = getattr(keras.applications, name)
            keras.utils.set_random_seed(0)
            model = make(include_top=False, weights=None, input_shape=(32, 32, 3))
            for layer in model.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = 0.0
            # MobileNetV3 scales pixels by itself.
            low, high = (0, 255) if "V3" in name else (-1, 1)
            noise = np.random.default_rng(0).uniform(low, high, (16, 32, 32, 3))
            model(noise.astype(np.float32), training=True)
            model.save_weights(path)
        return path

    return save


@pytest.fixture
def small_mobilenet(monkeypatch, tmp_path) -> Path:
    """Weights of a small network, which stands in the place of ``keras.applications.MobileNet``.

    It has what matters of that one: convolutions, depthwise too, and moving statistics. Ninety
    layers take half a minute in a test; real networks are in the tests of saving and Grad-CAM.
    """
    import keras
    import numpy as np

    def make(include_top=True, weights="imagenet", input_shape=None, **_):
        layers = keras.layers
        images = maps = keras.Input(input_shape)
        for number, n_filters in enumerate((6, 8)):
            maps = layers.Conv2D(n_filters, 3, strides=2, use_bias=False)(maps)
            maps = layers.BatchNormalization(momentum=0.0 if weights is None else 0.99)(maps)
            maps = layers.DepthwiseConv2D(3, use_bias=False, name=f"depthwise_{number}")(maps)
            maps = layers.ReLU(6.0)(maps)
        model = keras.Model(images, maps)
        if weights is not None:
            model.load_weights(weights)
        return model

    keras.utils.set_random_seed(0)
    model = make(weights=None, input_shape=(32, 32, 3))
    noise = np.random.default_rng(0).uniform(-1, 1, (16, 32, 32, 3))
    model(noise.astype(np.float32), training=True)
    path = tmp_path / "small.weights.h5"
    model.save_weights(path)
    monkeypatch.setattr(keras.applications, "MobileNet", make)
    return path
