"""The plain predictors of images and their parameters."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from inside import image_settings_of, network_of, training_of
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from test_image_encoder import line_images

from textcnn import (
    Backbone,
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNRegressor,
    ResidualNetwork,
    SequenceNetwork,
)

TINY = {"n_filters": (4,), "epochs": 12, "augment": None, "batch_size": 16, "random_state": 0}


# Predictions


def test_classifier_finds_the_signal_and_keeps_its_labels():
    X, codes = line_images(160, n_classes=4)
    names = np.array(["|", "-", "\\", "/"])
    classifier = ImageCNNClassifier(**(TINY | {"epochs": 25})).fit(X, names[codes])
    new, new_codes = line_images(80, seed=1, n_classes=4)
    probabilities = classifier.predict_proba(new)
    assert classifier.classes_.tolist() == sorted(names)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert classifier.score(new, names[new_codes]) > 0.8


def test_probabilities_are_at_the_prior_of_the_training_rows():
    X, y = line_images(200)
    keep = (y == 1) | (np.arange(200) % 6 == 0)
    classifier = ImageCNNClassifier(**TINY).fit(X[keep], y[keep])
    assert classifier.predict_proba(X[keep])[:, 1].mean() == pytest.approx(y[keep].mean(), abs=0.1)


def test_labels_and_several_numbers():
    X, codes = line_images(160, n_classes=4)
    labels = np.stack([codes % 2, codes // 2], axis=1)
    classifier = ImageCNNClassifier(**(TINY | {"epochs": 25})).fit(X, labels)
    assert classifier.predict_proba(X).shape == classifier.predict(X).shape == (160, 2)
    assert (classifier.predict(X) == labels).mean() > 0.8
    numbers = 100.0 + np.stack([codes % 2, 10 * (codes // 2)], axis=1)
    regressor = ImageCNNRegressor(**(TINY | {"epochs": 25})).fit(X, numbers)
    assert regressor.predict(X).shape == (160, 2)
    assert regressor.score(X, numbers) > 0.5


@pytest.mark.parametrize("loss", ["squared", "absolute", "poisson"])
def test_regressor_predicts_in_units_of_y(loss):
    X, codes = line_images(160)
    y = 50.0 + 20 * codes
    regressor = ImageCNNRegressor(loss=loss, **(TINY | {"epochs": 30})).fit(X, y)
    new, new_codes = line_images(60, seed=1)
    assert regressor.score(new, 50.0 + 20 * new_codes) > 0.4
    assert regressor.predict(new).shape == (60,)


@pytest.mark.parametrize(
    ("kind", "augment"), [(ImageCNNClassifier, "auto"), (ImageCNNRegressor, None)]
)
def test_pickles_keep_state_and_seeds(kind, augment):
    X, y = line_images(60)
    settings = TINY | {"augment": augment, "epochs": 3, "early_stopping": True}
    estimator = kind(**settings).fit(X, y)
    again = clone(estimator).fit(X, y)
    restored = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(restored.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert "val_loss" in estimator.history_


def test_weights_of_rows_and_classes_move_the_predictions():
    X, y = line_images(160)
    X[...] = np.random.default_rng(0).integers(0, 256, X.shape)  # nothing to be seen
    settings = TINY | {"epochs": 3}
    even = ImageCNNClassifier(**settings).fit(X, y).predict_proba(X)[:, 1].mean()
    heavy = ImageCNNClassifier(class_weight={1: 20}, **settings).fit(X, y)
    assert heavy.predict_proba(X)[:, 1].mean() > even + 0.2
    by_row = ImageCNNClassifier(**settings).fit(X, y, sample_weight=np.where(y == 1, 20.0, 1.0))
    np.testing.assert_allclose(by_row.predict_proba(X), heavy.predict_proba(X), atol=1e-5)
    without = ImageCNNClassifier(**settings).fit(X, y, sample_weight=(np.arange(160) < 100) * 1.0)
    assert network_of(without).models[0].model.fed["learn"].max() == 99


def test_smoothed_labels_make_predictions_less_sure():
    X, y = line_images(160)
    sure, smoothed = (
        ImageCNNClassifier(label_smoothing=share, **(TINY | {"epochs": 40})).fit(X, y)
        for share in (0.0, 0.4)
    )
    assert sure.predict_proba(X).max(axis=1).mean() > 0.9
    assert 0.6 < smoothed.predict_proba(X).max(axis=1).mean() < 0.87


def test_under_cross_validation_and_on_files(tmp_path):
    images, y = line_images(80)
    paths = [str(tmp_path / f"{number}.png") for number in range(80)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    scores = [
        cross_val_score(ImageCNNClassifier(**TINY), X, y, cv=2, scoring="roc_auc")
        for X in (images, np.array(paths), pd.DataFrame({"photo": paths}))
    ]
    assert scores[0].mean() > 0.7
    np.testing.assert_array_equal(scores[1], scores[0])
    np.testing.assert_array_equal(scores[2], scores[0])
    two = pd.DataFrame({"front": paths, "back": paths})
    with pytest.raises(ValueError, match="one column of images.*'front', 'back'"):
        ImageCNNClassifier(**TINY).fit(two, y)


def test_a_schedule_by_rows():
    X, y = line_images(40)
    classifier = ImageCNNClassifier(**(TINY | {"epochs": "auto"}))
    few = training_of(classifier).updates(100, None)
    many = training_of(classifier).updates(60_000, None)
    assert 20 < few * 16 / 100 < 300 and 6 < many * 16 / 60_000 < 20
    assert len(classifier.fit(X, y).history_) > 20


@pytest.mark.parametrize(
    "settings",
    [
        {"network": ResidualNetwork(depth=8, n_filters=(2, 2, 4))},
        {"network": ConvNetwork((2, 3), kernel_sizes=(3, (1, 2)), strides=(2, 1), pool_size=1)},
        {
            "network": ConvNetwork(
                3, final_pooling="max", pooling="average", pool_size=3, pool_stride=2
            )
        },
        {"network": ConvNetwork(3, batch_norm=False, activation="tanh", padding="valid")},
        {
            "network": ConvNetwork(activation="leaky_relu", n_convolutions=2),
            "dense_units": (8,),
            "l2": 1e-3,
        },
        {"augment": [keras.layers.RandomFlip("horizontal"), keras.layers.RandomContrast(0.3)]},
        {"precision": "mixed_bfloat16"},
        {"n_filters": 3, "kernel_sizes": 8},
        {"network": ConvNetwork(3, kernel_sizes=8, padding="valid", pool_size=1)},
    ],
)
def test_every_form_of_network_is_fitted(settings):
    X, y = line_images(40)
    classifier = ImageCNNClassifier(**(TINY | {"n_filters": (32, 64), "epochs": 1} | settings))
    assert np.isfinite(classifier.fit(X, y).predict_proba(X)).all()


def test_precision_is_mixed_where_a_gpu_is(monkeypatch):
    for has_gpu, expected in ((True, "mixed_bfloat16"), (False, "float32")):
        monkeypatch.setattr("textcnn.image.settings.has_gpu", lambda found=has_gpu: found)
        settings = image_settings_of(ImageCNNClassifier())
        assert settings.precision == expected


# What is refused, before any training

BAD_PARAMETERS = {
    "n_filters": [0, (), "many", (4, 0), 1.5],
    "kernel_sizes": [0, (3, 3), (), ((3, 3, 3),), "3"],
    "dense_units": [(0,)],
    "dropout": [1.0, -0.1],
    "l2": [-1.0],
    "network": ["resnext", 5, "simple", ResidualNetwork, Backbone(3)],
    "precision": ["float16"],
    "image_shape": [8, (8,), (-1, -1), (0, 4)],
    "image_size": [0, (8,), (8, 8, 3), "8"],
    "resize": ["crop"],
    "color_mode": ["rgba"],
    "on_error": ["ignore"],
    "augment": ["strong", [1]],
    "epochs": [0, "many"],
    "batch_size": [0],
    "learning_rate": [0.0],
    "label_smoothing": [1.0],
    "early_stopping": [1],
    "class_weight": ["even", {5: 1.0}],
    "random_state": [-1],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_PARAMETERS.items() for value in values],
)
def test_bad_parameters_are_refused(name, value, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    X, y = line_images(20)
    with pytest.raises(ValueError, match=name) as caught:
        ImageCNNClassifier(**(TINY | {name: value})).fit(X, y)
    assert "Received" in str(caught.value)


BAD_NETWORKS = [
    (ConvNetwork, {"n_filters": 0}),
    (ConvNetwork, {"kernel_sizes": (3, 3, 3)}),
    (ConvNetwork, {"strides": 0}),
    (ConvNetwork, {"strides": True}),
    (ConvNetwork, {"n_convolutions": 0}),
    (ConvNetwork, {"padding": "full"}),
    (ConvNetwork, {"activation": "relux"}),
    (ConvNetwork, {"activation": len}),
    (ConvNetwork, {"batch_norm": "yes"}),
    (ConvNetwork, {"pooling": "both"}),
    (ConvNetwork, {"pool_size": -1}),
    (ConvNetwork, {"pool_size": "all"}),
    (ConvNetwork, {"pool_stride": 0}),
    (ConvNetwork, {"final_pooling": "sum"}),
    (ResidualNetwork, {"depth": 21}),
    (ResidualNetwork, {"depth": "deep"}),
    (ResidualNetwork, {"n_filters": ()}),
    (ResidualNetwork, {"kernel_size": (3, 3, 3)}),
    (ResidualNetwork, {"activation": "relux"}),
    (ResidualNetwork, {"batch_norm": 1}),
    (ResidualNetwork, {"final_pooling": "auto"}),
    (Backbone, {"name": "mobilenetv3small", "weights": 3}),
    (Backbone, {"name": "mobilenetv3small", "fine_tune": "no"}),
    (Backbone, {"name": "mobilenetv3small", "final_pooling": "auto"}),
    (SequenceNetwork, {"time_pooling": "last"}),
    (SequenceNetwork, {"frame_network": SequenceNetwork()}),
    (SequenceNetwork, {"frame_network": 3}),
]


@pytest.mark.parametrize(("kind", "parameters"), BAD_NETWORKS)
def test_bad_parameters_of_networks_are_refused(kind, parameters):
    X, y = line_images(20)
    name = "network" if parameters.get("frame_network") == 3 else list(parameters)[-1]
    with pytest.raises(ValueError, match=name) as caught:
        ImageCNNClassifier(network=kind(**parameters), epochs=1).fit(X, y)
    assert "Received" in str(caught.value)


BAD_TOGETHER = {
    "narrowing stages": ({"network": ResidualNetwork(6, n_filters=(4, 2))}, "must not decrease"),
    "no such file": (
        {"network": Backbone("mobilenetv3small", weights="nowhere.weights.h5")},
        "file of weights does not exist.*nowhere",
    ),
    "images smaller than the kernels": (
        {"network": ConvNetwork((2, 2, 2, 2), pool_size=2)},
        "too small[\\s\\S]*block 4",
    ),
    "a step without a size": ({"network": ConvNetwork(pool_stride=2)}, "needs pool_size"),
    "a kind of pooling without pools": (
        {"network": ConvNetwork(pool_size=1, pooling="average")},
        "does not read pooling",
    ),
    "floats into a backbone": ({"network": "mobilenetv3small"}, "0 to 255"),
    "frames of single images": ({"network": SequenceNetwork()}, "over the frames of sequences"),
    "filters of a residual network": (
        {"network": "residual", "n_filters": 4},
        r"does not read n_filters. Expected: .*ResidualNetwork\(n_filters=.* Received: n_filters=4",
    ),
    "kernels of a backbone": ({"network": "resnet50", "kernel_sizes": 5}, "fixed filters"),
    "filters beside an object": (
        {"network": ConvNetwork(), "n_filters": 4, "kernel_sizes": 5},
        r"does not read n_filters and kernel_sizes. Expected: for example ConvNetwork\(n_f",
    ),
    "filters of frames": ({"network": SequenceNetwork(), "n_filters": 4}, "ConvNetwork"),
    "filters of a users network": (
        {"network": lambda shape: three_poolings(shape), "n_filters": 4},
        "your function defines the network",
    ),
    "images smaller than a users network needs": (
        {"network": lambda shape: three_poolings(shape)},
        r"image.*\(8, 8, 1\).*image_size=.*zero or negative. Received: `inputs",
    ),
}


def three_poolings(shape):
    images = keras.Input(shape)
    maps = keras.layers.Conv2D(2, 3)(images)
    for _ in range(3):
        maps = keras.layers.MaxPooling2D(2)(maps)
    return keras.Model(images, keras.layers.GlobalMaxPooling2D()(maps))


@pytest.mark.parametrize("name", BAD_TOGETHER)
def test_parameters_that_do_not_fit_together_are_refused(name):
    settings, message = BAD_TOGETHER[name]
    X, y = line_images(20)
    with pytest.raises(ValueError, match=message):
        ImageCNNClassifier(epochs=1, **settings).fit(X / 255, y)


@pytest.mark.parametrize(("name", "side"), [("mobilenetv3small", 32), ("Xception", 71)])
def test_images_smaller_than_a_backbone_needs_are_refused_before_training(name, side, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    X, y = line_images(20)
    with pytest.raises(ValueError, match=rf"at least {side}x{side}.*image_size=.*of 8×8"):
        ImageCNNClassifier(network=name).fit(X, y)


def test_weights_of_another_network_are_refused(tmp_path):
    X, y = line_images(20)
    path = tmp_path / "other.weights.h5"
    path.write_text("no weights")
    classifier = ImageCNNClassifier(network=Backbone("mobilenetv3small", weights=path))
    with pytest.raises(ValueError, match=r"cannot be loaded[\s\S]*other.weights.h5"):
        classifier.fit(X.repeat(4, axis=1).repeat(4, axis=2), y)


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (ImageCNNClassifier(**TINY), np.zeros(40), "only one class.*use a regressor"),
        (ImageCNNClassifier(**TINY), ["ant"] * 40, "only one class: 'ant' in all 40 rows"),
        (ImageCNNClassifier(**TINY), np.full(40, np.nan), "no value|NaN"),
        (ImageCNNClassifier(**TINY), np.random.default_rng(0).random(40), "Unknown label type"),
        (ImageCNNRegressor(**TINY), np.array(["a", "b"] * 20), "numbers|numeric|string|float"),
        (ImageCNNRegressor(loss="poisson", **TINY), np.linspace(-1, 1, 40), "poisson|negative"),
        (ImageCNNClassifier(**TINY), np.zeros(39), "inconsistent"),
    ],
)
def test_bad_targets_are_refused(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(line_images(40)[0], y)
