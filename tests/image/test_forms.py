"""What ``network=`` takes: objects that are cloned, searched, pickled, saved and translated."""

import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import textcnn
from textcnn import (
    Backbone,
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    ResidualNetwork,
    SequenceNetwork,
    TableFeatures,
)
from textcnn.image.earlier_files import present_parameters
from textcnn.image.form_settings import form_settings

DATA = Path(__file__).resolve().parents[1] / "data"
QUICK = {"epochs": 2, "augment": None, "batch_size": 16, "random_state": 0}


def noise(n_rows=30, shape=(6, 6)):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (n_rows, *shape), dtype=np.uint8), np.arange(n_rows) % 2


def features(network, X, y, **settings):
    return ImageCNNEncoder(cv=2, network=network, **QUICK, **settings).fit_transform(X, y)


FORMS = {
    "ConvNetwork": ConvNetwork(4, strides=2, activation="tanh"),
    "ResidualNetwork": ResidualNetwork(4, n_filters=2),
    "Backbone": Backbone("resnet50", weights=Path("here.h5"), fine_tune=False),
    "SequenceNetwork": SequenceNetwork(ResidualNetwork(8), time_pooling="max"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_cloned_pickled_and_shown_by_what_was_chosen(name):
    form = FORMS[name]
    for again in (clone(form), pickle.loads(pickle.dumps(form))):
        assert again is not form and repr(again) == repr(form)
    inside = clone(ImageCNNClassifier(network=form))
    assert inside.network is not form and repr(inside.network) == repr(form)
    chosen = {"ConvNetwork": "strides=2", "ResidualNetwork": "depth=4"}.get(name, name)
    assert chosen in repr(inside) and "kernel_size" not in repr(inside)
    assert not callable(form), "a callable would be taken for a function that makes networks"


def test_a_grid_search_reaches_the_parameters_of_the_network():
    X, y = noise()
    classifier = ImageCNNClassifier(network=ConvNetwork(3), **QUICK)
    search = GridSearchCV(classifier, {"network__strides": [1, 2]}, cv=2).fit(X, y)
    assert {chosen["network__strides"] for chosen in search.cv_results_["params"]} == {1, 2}
    assert search.best_estimator_.network is not classifier.network
    nested = ImageCNNEncoder(network=SequenceNetwork(ResidualNetwork()))
    assert nested.set_params(network__frame_network__depth=8).network.frame_network.depth == 8
    table = TableFeatures(members=[("scan", nested)])
    table.set_params(scan__network__time_pooling="max")
    assert nested.network.time_pooling == "max"


def test_the_default_network_is_plain_convolutions_of_the_two_parameters():
    X, y = noise()
    default = features(None, X, y, n_filters=(3,), kernel_sizes=5)
    np.testing.assert_array_equal(features(ConvNetwork((3,), kernel_sizes=5), X, y), default)
    assert (features(ConvNetwork((3,)), X, y) != default).any()
    assert ConvNetwork().n_filters == ImageCNNEncoder().n_filters
    assert ConvNetwork().kernel_sizes == ImageCNNEncoder().kernel_sizes


def test_names_are_short_for_the_objects():
    def settings_of(network):
        return form_settings(ImageCNNClassifier(network=network))

    assert settings_of("MobileNetV3Small") == settings_of(Backbone("mobilenetv3small"))
    assert settings_of("residual") == settings_of(ResidualNetwork())
    assert settings_of("residual")["depth"] == 20 and len(settings_of("residual")["blocks"]) == 3


def pooled(shape):
    images = keras.Input(shape)
    return keras.Model(images, keras.layers.GlobalMaxPooling2D()(images))


@pytest.mark.parametrize(
    "network",
    [
        ConvNetwork(2, kernel_sizes=((2, 3),)),
        ResidualNetwork(4, n_filters=2),
        SequenceNetwork(pooled, time_pooling="max"),
    ],
    ids=["ConvNetwork", "ResidualNetwork", "SequenceNetwork"],
)
def test_a_saved_file_holds_the_network_it_was_given(network, tmp_path):
    X, y = noise(20, (2, 6, 6, 1) if isinstance(network, SequenceNetwork) else (6, 6))
    classifier = ImageCNNClassifier(network=network, **QUICK).fit(X, y)
    classifier.save(tmp_path / "a.textcnn")
    functions = {f"{pooled.__module__}.pooled": pooled}
    loaded = textcnn.load(tmp_path / "a.textcnn", custom_objects=functions)
    assert repr(loaded) == repr(classifier)
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    np.testing.assert_allclose(
        clone(loaded).fit(X, y).predict_proba(X), classifier.predict_proba(X), atol=1e-6
    )


# Parameters of earlier files

EARLIER = {
    "network": "simple",
    "n_filters": "auto",
    "kernel_sizes": 3,
    "strides": 1,
    "n_convolutions": 1,
    "padding": "same",
    "activation": "relu",
    "pooling": "max",
    "pool_size": "auto",
    "pool_stride": None,
    "batch_norm": True,
    "depth": 20,
    "final_pooling": "auto",
    "time_pooling": "average",
    "pretrained": None,
    "fine_tune": True,
    "dropout": 0.1,
}
DEFAULT = {"n_filters": (32, 64), "kernel_sizes": 3}


@pytest.mark.parametrize(
    ("changes", "network", "own"),
    [
        ({}, None, DEFAULT),
        ({"n_filters": 4, "kernel_sizes": (5,)}, None, {"n_filters": 4, "kernel_sizes": (5,)}),
        ({"n_filters": (4, 8), "strides": 2}, ConvNetwork((4, 8), strides=2), {}),
        (
            {"network": "residual", "depth": 8, "kernel_sizes": (5, 3, 3), "strides": 2},
            ResidualNetwork(8, kernel_size=5),
            {},
        ),
        (
            {"network": "residual", "final_pooling": "max", "n_filters": (2, 4)},
            ResidualNetwork(n_filters=(2, 4), final_pooling="max"),
            {},
        ),
        (
            {"network": "resnet50", "pretrained": "a.h5", "fine_tune": False, "n_filters": 3},
            Backbone("resnet50", weights="a.h5", fine_tune=False),
            {},
        ),
        ({"network": pooled, "n_filters": 3}, pooled, {}),
        (
            {"time_pooling": "max", "n_filters": 3},
            SequenceNetwork(ConvNetwork(3), time_pooling="max"),
            {},
        ),
        (
            {"time_pooling": "max", "network": "residual"},
            SequenceNetwork(ResidualNetwork(), time_pooling="max"),
            {},
        ),
    ],
)
def test_parameters_of_earlier_files_become_the_network_that_they_described(changes, network, own):
    present = present_parameters(EARLIER | changes)
    assert repr(present.pop("network")) == repr(network)
    assert present == {"dropout": 0.1} | own
    assert present_parameters(present | {"network": network}) == present | {"network": network}


@pytest.mark.parametrize(
    ("name", "kind", "network"),
    [
        ("pictures_v1", ImageCNNClassifier, ConvNetwork((2,), pool_size=2)),
        ("image_encoder_v1", ImageCNNEncoder, None),
        ("image_regressor_v1", ImageCNNRegressor, ResidualNetwork(8, n_filters=2)),
    ],
)
def test_an_earlier_file_can_be_fitted_again(name, kind, network):
    loaded = textcnn.load(DATA / f"{name}.textcnn")
    assert type(loaded) is kind and repr(loaded.network) == repr(network)
    again = clone(loaded)
    X, y = np.random.default_rng(0).integers(0, 255, (40, 6, 6), dtype=np.uint8), np.arange(40) % 2
    assert len(again.fit(X, y).history_) > 0
