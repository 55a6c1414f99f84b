"""Saliency and Grad-CAM: against finite differences, on every form of network.

Other backends draw them in tests/test_backends.py.
"""

import keras
import numpy as np
import pytest

from textcnn import (
    Backbone,
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    ResidualNetwork,
)
from textcnn.image.gradcam import grad_cam, last_convolution, layer_maps, saliency
from textcnn.inspect import GradCAMDisplay, SaliencyDisplay
from textcnn.inspect.opened import open_model, over_original, read_image
from textcnn.neural.layer_outputs import recorded_layers


def corner_images(n_rows=60, size=12, seed=0):
    """Noise with a bright square top left (class 0) or bottom right (class 1)."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (n_rows, size, size), dtype=np.uint8)
    y = np.arange(n_rows) % 2
    images[y == 0, 1:5, 1:5] = 220
    images[y == 1, -5:-1, -5:-1] = 220
    return images, y


def users_network(shape):
    """A residual block inside a nested model, and average pooling by an operation."""
    layers = keras.layers
    inner_input = keras.Input((*shape[:2], 4))
    branch = layers.Conv2D(4, 3, padding="same", name="in_branch")(inner_input)
    summed = layers.Add(name="sum")([branch, inner_input])
    inner = keras.Model(inner_input, layers.Activation("relu", name="out")(summed), name="block")
    given = keras.Input(shape)
    maps = inner(layers.Conv2D(4, 3, padding="same", name="first")(given))
    return keras.Model(given, keras.ops.mean(maps, axis=(1, 2)))


FORMS = {
    "simple": {"network": ConvNetwork((4, 6), n_convolutions=2)},
    "residual": {"network": ResidualNetwork(8, n_filters=(4, 6, 8))},
    "callable": {"network": users_network},
    "pretrained form": {},  # with weights, which a fixture makes
}
LAST = {
    "simple": "activation_2_2",
    "residual": "activation_3_1_2",
    "callable": "network/block/out",
    "pretrained form": "backbone/",
}


@pytest.fixture(scope="module", params=FORMS)
def fitted(request, backbone_weights):
    settings = {"epochs": 2, "batch_size": 16, "augment": None, "random_state": 0}
    size = 12
    if request.param == "pretrained form":
        size, weights = 32, backbone_weights("MobileNetV3Small")
        # Frozen: to trace the training of its ninety layers takes half a minute.
        settings["network"] = Backbone("mobilenetv3small", weights=weights, fine_tune=False)
    X, y = corner_images(size=size)
    return request.param, ImageCNNClassifier(**settings | FORMS[request.param]).fit(X, y), X


def test_slopes_are_those_of_finite_differences(fitted):
    _, classifier, X = fitted
    opened = open_model(classifier)
    inputs = opened.inputs(read_image(classifier, X, row=0))
    score, _ = opened.score_of(1, opened.predict(inputs))
    heat = saliency(opened.keras_model, inputs, score)
    assert heat.shape == X.shape[1:]

    def at(change):
        moved = (inputs[0] + change, inputs[1])
        return float(score(np.asarray(opened.keras_model(list(moved), training=False))))

    for place in np.argsort(-heat.ravel())[:3]:
        step = np.zeros_like(inputs[0])
        step.ravel()[place] = 0.25
        slope = abs(at(step) - at(-step)) / 0.5
        assert slope == pytest.approx(heat.ravel()[place], rel=0.15, abs=1e-4)


def test_grad_cam_finds_the_last_maps_of_every_form(fitted):
    name, classifier, X = fitted
    opened = open_model(classifier)
    inputs = opened.inputs(read_image(classifier, X, row=1))
    path = last_convolution(opened.keras_model, inputs)
    assert path.startswith(LAST[name])
    maps = layer_maps(opened.keras_model, inputs, [path])[path]
    largest = []
    for target in (0, 1):
        score, _ = opened.score_of(target, opened.predict(inputs))
        heat = grad_cam(opened.keras_model, inputs, score, path)
        assert heat.shape == maps.shape[:3] and heat.shape[1] > 1 and np.isfinite(heat).all()

        def at(change, score=score):
            with recorded_layers(opened.keras_model, {path: lambda value: value + change}):
                return float(score(np.asarray(opened.keras_model(list(inputs), training=False))))

        # Heat is the gradient of the score when every position gains what the maps hold at one.
        for place in np.argsort(-heat.ravel())[[0, 1, -1]]:
            gained = maps.reshape(-1, maps.shape[-1])[place] / heat.size
            slope = (at(0.02 * gained) - at(-0.02 * gained)) / 0.04
            assert heat.ravel()[place] == pytest.approx(max(slope, 0), rel=0.1, abs=2e-4)
        largest.append(heat.max())
    assert max(largest) > 1e-2, "maps of nothing but zeros show nothing"


def test_grad_cam_of_average_pooling_and_one_dense_layer_is_the_class_activation_map():
    """Then the weights of the maps are the dense layer's over the number of positions."""
    X, y = corner_images()
    classifier = ImageCNNClassifier(
        network=ConvNetwork(5, final_pooling="average"),
        epochs=3,
        batch_size=16,
        random_state=0,
    ).fit(X, y)
    opened = open_model(classifier)
    inputs = opened.inputs(read_image(classifier, X, row=0))
    score, _ = opened.score_of(1, opened.predict(inputs))
    maps = layer_maps(opened.keras_model, inputs)
    weights = opened.keras_model.get_layer("raw_output").get_weights()[0][:, 0]
    expected = np.maximum((maps["pool_1"] * weights).sum(axis=-1) / 36, 0)
    heat = grad_cam(opened.keras_model, inputs, score, "pool_1")
    np.testing.assert_allclose(heat, expected, rtol=1e-4, atol=1e-6)


def test_maps_inside_a_branch_are_reached_and_others_refused():
    X, y = corner_images()
    classifier = ImageCNNClassifier(network=users_network, epochs=1, random_state=0).fit(X, y)
    display = GradCAMDisplay.from_estimator(classifier, X, layer="network/block/in_branch")
    assert display.heat.shape == (12, 12)
    with pytest.raises(ValueError, match="'network/block/in_branch'.*Received: 'raw_output'"):
        GradCAMDisplay.from_estimator(classifier, X, layer="raw_output")


def test_grad_cam_points_to_the_square():
    X, y = corner_images(120)
    classifier = ImageCNNClassifier(
        network=ConvNetwork((4, 8), final_pooling="average"),
        epochs=15,
        batch_size=16,
        random_state=0,
    ).fit(X, y)
    assert classifier.score(X, y) > 0.95
    inside = []
    for row in range(6):
        heat = GradCAMDisplay.from_estimator(classifier, X, row=row, target=y[row]).heat
        if heat.max() > 0:
            place = np.unravel_index(heat.argmax(), heat.shape)
            inside.append((max(place) < 8) if y[row] == 0 else (min(place) > 3))
    assert sum(inside) >= 3 and np.mean(inside) > 0.7


def dense_network(shape):
    given = keras.Input(shape)
    return keras.Model(given, keras.layers.Dense(4)(keras.layers.Flatten()(given)))


def test_a_network_without_maps_has_saliency_only():
    X, y = corner_images()
    classifier = ImageCNNClassifier(network=dense_network, epochs=1, random_state=0).fit(X, y)
    assert SaliencyDisplay.from_estimator(classifier, X).heat.max() > 0
    with pytest.raises(ValueError, match="SaliencyDisplay"):
        GradCAMDisplay.from_estimator(classifier, X)


def test_the_score_is_that_of_the_target():
    X, y = corner_images()
    settings = {"n_filters": 3, "epochs": 1, "augment": None, "random_state": 0}
    names = np.array(["left", "right"])[y]
    two = ImageCNNClassifier(**settings).fit(X, names)
    opened = open_model(two)
    inputs = opened.inputs(read_image(two, X, row=0))
    prediction = opened.predict(inputs)
    raw = np.array([[1.5]])
    assert opened.score_of("right", prediction)[0](raw) == 1.5
    assert opened.score_of("left", prediction)[0](raw) == -1.5
    assert opened.score_of(None, prediction)[1] == two.predict(X[:1])[0]
    assert opened.describe(prediction).startswith(two.predict(X[:1])[0])
    with pytest.raises(ValueError, match="one of the classes.*'up'"):
        opened.score_of("up", prediction)
    labels = ImageCNNClassifier(**settings).fit(X, np.stack([y, 1 - y], axis=1))
    opened = open_model(labels)
    assert opened.score_of(1, np.array([0.9, 0.2]))[0](np.array([[3.0, 4.0]])) == 4.0
    assert opened.score_of(None, np.array([0.9, 0.2]))[0](np.array([[3.0, 4.0]])) == 3.0
    with pytest.raises(ValueError, match="number of an output"):
        opened.score_of(2, np.array([0.9, 0.2]))
    numbers = ImageCNNRegressor(**settings).fit(X, y * 10.0)
    display = SaliencyDisplay.from_estimator(numbers, X)
    assert display.target == "prediction" and np.isfinite(float(display.prediction))


def test_models_columns_frames_and_rows_are_chosen():
    X, y = corner_images(40)
    X = np.repeat(X[:, None, :, :, None], 3, axis=1)
    X[:, 1] = 0
    encoder = ImageCNNEncoder(n_filters=3, epochs=1, cv=2, augment=None, random_state=0).fit(X, y)
    first, second = (
        SaliencyDisplay.from_estimator(encoder, X, target=1, model=model).heat for model in (0, 1)
    )
    assert first.shape == (12, 12) and not np.allclose(first, second)
    dark = GradCAMDisplay.from_estimator(encoder, X, frame=1)
    assert dark.image.max() == 0 and dark.heat.shape == (12, 12)
    for wrong in ({"model": 2}, {"column": 1}, {"row": 40}, {"frame": 3}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be an integer from 0"):
            SaliencyDisplay.from_estimator(encoder, X, **wrong)
    with pytest.raises(TypeError, match="Only image networks.*TextCNNClassifier"):
        from textcnn import TextCNNClassifier

        SaliencyDisplay.from_estimator(TextCNNClassifier(), X)


@pytest.mark.parametrize("resize", ["pad", "stretch"])
def test_heat_lies_over_the_original_photograph(tmp_path, resize):
    from PIL import Image

    X, y = corner_images(24, size=16)
    files = []
    for number, image in enumerate(X):
        files.append(str(tmp_path / f"{number}.png"))
        wide = Image.fromarray(image).resize((96, 48))  # twice as wide as high
        wide.convert("RGB").save(files[-1])
    classifier = ImageCNNClassifier(
        image_size=16, resize=resize, network=ConvNetwork((4, 8), final_pooling="average"),
        epochs=3, augment=None, random_state=0,
    ).fit(files, y)  # fmt: skip
    for display in (GradCAMDisplay, SaliencyDisplay):
        one = display.from_estimator(classifier, files, row=1, target=1)
        assert one.image.shape == (48, 96, 3) and one.heat.shape == (48, 96)
        np.testing.assert_array_equal(one.image, np.asarray(Image.open(files[1])))
        several = display.from_estimator(classifier, files, row=[0, 1, 2], target=1)
        assert len(several.axes_) == 3 and len(several.heat) == 3
        np.testing.assert_array_equal(several.heat[1], one.heat)
        assert several.target == ["1"] * 3
    with pytest.raises(ValueError, match="row must be an integer"):
        GradCAMDisplay.from_estimator(classifier, files, row=[])


@pytest.mark.parametrize("resize", ["pad", "stretch"])
def test_a_place_of_the_input_is_the_same_place_of_the_original(resize):
    original = np.zeros((40, 100, 3), np.uint8)
    heat = np.zeros((10, 10), np.float32)
    heat[7 if resize == "stretch" else 6, 8] = 1  # in the right lower quarter of the photograph
    found = over_original(heat, original, resize)
    assert found.shape == (40, 100)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 26 <= row < 40 and 80 <= column < 90
    if resize == "pad":  # borders are no part of the photograph
        heat[:] = 0
        heat[:3] = heat[7:] = 1
        assert over_original(heat, original, resize).max() == 0
