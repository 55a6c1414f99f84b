"""Displays: what they hold, what they draw, and that matplotlib is needed for drawing only."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from inside import network_of
from PIL import Image
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from test_gradcam import corner_images

from textcnn import (
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    TextCNNEncoder,
)
from textcnn.inspect import (
    FeatureMapsDisplay,
    FiltersDisplay,
    GradCAMDisplay,
    LearningCurvesDisplay,
    SaliencyDisplay,
    WorstErrorsDisplay,
)

SETTINGS = {
    "network": ConvNetwork((3, 10), pool_size=2),
    "epochs": 2,
    "augment": None,
    "batch_size": 16,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def fitted():
    X, y = corner_images(40)
    names = np.array(["left", "right"])[y]
    return ImageCNNClassifier(**SETTINGS).fit(X, names), X, names


def test_feature_maps_are_those_of_the_layers(fitted):
    classifier, X, _ = fitted
    display = FeatureMapsDisplay.from_estimator(classifier, X, row=5, most_maps=4)
    shapes = [maps.shape for maps in display.maps.values()]
    assert shapes == [(12, 12, 3), (6, 6, 3), (6, 6, 10), (3, 3, 10)]
    first, pooled, *_ = display.maps.values()
    np.testing.assert_array_equal(pooled, first.reshape(6, 2, 6, 2, 3).max(axis=(1, 3)))
    assert display.axes_.shape == (5, 4) and display.figure_ is display.axes_[0, 0].figure
    assert "10 maps (first 4), 6×6" in display.axes_[3, 0].get_title(loc="left")
    one = FeatureMapsDisplay.from_estimator(classifier, X, layers=["conv_2_1"])
    assert list(one.maps) == ["conv_2_1"] and one.maps["conv_2_1"].min() < 0
    with pytest.raises(ValueError, match="'conv_2_1'.*Received: 'nowhere'"):
        FeatureMapsDisplay.from_estimator(classifier, X, layers=["nowhere"])


def test_filters_are_the_weights(fitted):
    classifier, *_ = fitted
    display = FiltersDisplay.from_estimator(classifier)
    model = network_of(classifier).models[0].model
    weights = dict(zip(model.names, model.weights, strict=True))
    np.testing.assert_array_equal(display.kernels, weights["conv_1_1/kernel"])
    assert display.layer == "conv_1_1" and display.axes_.shape == (1, 3)
    deeper = FiltersDisplay.from_estimator(classifier, layer="conv_2_1")
    assert deeper.kernels.shape == (3, 3, 3, 10)
    assert deeper.plot(most_filters=4).axes_.shape == (1, 4)
    assert FiltersDisplay(kernels=np.ones((2, 2, 5, 6)), layer="deep").plot().axes_.shape == (6, 5)
    with pytest.raises(ValueError, match="conv_1_1.*Received: layer='level'"):
        FiltersDisplay.from_estimator(classifier, layer="level")


def test_worst_errors_are_the_surest(fitted):
    classifier, X, names = fitted
    wrong = np.where(np.arange(40) < 6, np.where(names == "left", "right", "left"), names)
    display = WorstErrorsDisplay.from_estimator(classifier, X, wrong, most_errors=3)
    probabilities = classifier.predict_proba(X)
    of_truth = probabilities[np.arange(40), (wrong == "right") * 1]
    predicted = classifier.classes_[probabilities.argmax(axis=1)]
    expected = [row for row in np.argsort(of_truth, kind="stable") if predicted[row] != wrong[row]]
    assert display.rows.tolist() == expected[:3]
    assert display.n_errors == len(expected) and display.n_rows == 40
    np.testing.assert_array_equal(display.images[0][..., 0], X[display.rows[0]])
    assert display.truths[0] == wrong[display.rows[0]]
    assert (np.diff(display.errors) <= 0).all()
    given = WorstErrorsDisplay.from_predictions(X, wrong, probabilities, most_errors=3)
    assert given.rows.tolist() == display.rows.tolist() and given.predicted == display.predicted
    second = WorstErrorsDisplay.from_predictions(X, wrong, probabilities[:, 1:], most_errors=3)
    assert second.rows.tolist() == display.rows.tolist()


def test_errors_of_numbers_of_files_and_none_at_all(tmp_path):
    X, y = corner_images(30)
    paths = [str(tmp_path / f"{row}.png") for row in range(30)]
    for path, image in zip(paths, X, strict=True):
        Image.fromarray(image).save(path)
    column = pd.Series(paths, name="photo")
    numbers = y * 10.0
    regressor = ImageCNNRegressor(**SETTINGS).fit(column, numbers)
    numbers[7] = -500
    display = WorstErrorsDisplay.from_estimator(regressor, column, numbers, most_errors=2)
    assert display.rows[0] == 7 and display.n_errors == 30
    np.testing.assert_array_equal(display.images[0][..., 0], X[7])
    assert "worst 2 of 30 rows" in display.figure_.get_suptitle()
    given = WorstErrorsDisplay.from_predictions(column, numbers, regressor.predict(column))
    np.testing.assert_array_equal(given.images[0][..., 0], X[7])
    right = WorstErrorsDisplay.from_predictions(X, y, np.eye(2)[y])
    assert right.images == [] and right.figure_.get_suptitle() == "No errors in 30 rows"
    with pytest.raises(ValueError, match="a column for each class"):
        WorstErrorsDisplay.from_predictions(X, y, np.ones((30, 3)))
    with pytest.raises(ValueError, match="one class per row"):
        WorstErrorsDisplay.from_predictions(X, np.eye(2)[y], np.eye(2)[y])


def test_learning_curves_of_every_estimator(fitted):
    classifier, X, names = fitted
    display = LearningCurvesDisplay.from_estimator(classifier)
    (line,) = display.ax_.lines
    np.testing.assert_array_equal(line.get_ydata(), classifier.history_["loss"])
    encoder = ImageCNNEncoder(cv=3, early_stopping=True, **SETTINGS).fit(X, names)
    display = LearningCurvesDisplay.from_estimator(encoder)
    assert len(display.ax_.lines) == 6
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["training rows", "validation rows"]
    table = pd.DataFrame({"a": ["x y", "z", "z"] * 20, "b": ["u", "v w", "u"] * 20})
    text = TextCNNEncoder(n_filters=2, epochs=2, cv=2, random_state=0).fit(table, [0, 1] * 30)
    _, ax = plt.subplots()
    display = LearningCurvesDisplay.from_estimator(text, ax=ax)
    assert display.ax_ is ax and len(ax.lines) == 8, "two columns, folds and networks"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["a: training rows", "b: training rows"]
    kept = LearningCurvesDisplay.from_history(text.history_.query("column == 'b'"))
    assert len(kept.ax_.lines) == 4
    with pytest.raises(ValueError, match="history_"):
        LearningCurvesDisplay.from_history(pd.DataFrame({"loss": [1.0]}))


def test_scikit_learns_confusion_matrix_takes_images(fitted):
    classifier, X, names = fitted
    display = ConfusionMatrixDisplay.from_estimator(classifier, X, names)
    expected = confusion_matrix(names, classifier.predict(X))
    np.testing.assert_array_equal(display.confusion_matrix, expected)


def test_a_given_figure_is_drawn_into(fitted):
    classifier, X, _ = fitted
    figure = plt.figure()
    left, right = figure.subfigures(1, 2)
    GradCAMDisplay.from_estimator(classifier, X, figure=left)
    display = SaliencyDisplay.from_estimator(classifier, X, figure=right)
    assert display.figure_ is right and len(left.axes) == len(right.axes) == 3
    assert len(plt.get_fignums()) == 1


def test_images_of_other_channels_and_floats_are_drawn():
    random = np.random.default_rng(0)
    for channels in (2, 3):
        X = random.normal(0, 3, (24, 8, 8, channels))
        classifier = ImageCNNClassifier(**SETTINGS).fit(X, [0, 1] * 12)
        display = FeatureMapsDisplay.from_estimator(classifier, X)
        assert display.image.shape == (8, 8, channels)
        display.figure_.canvas.draw()


def test_matplotlib_and_backends_are_imported_by_what_needs_them():
    code = (
        "import sys, textcnn.inspect as inspect; "
        "assert not {'matplotlib', 'keras', 'tensorflow'} & set(sys.modules); "
        "sys.modules['matplotlib'] = None; "
        "import pandas as pd; "
        "history = pd.DataFrame({'column': 'a', 'model': '0', 'epoch': [0], 'loss': [1.0]}); "
        "display = inspect.LearningCurvesDisplay(history=history); "
        "display.plot()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "ImportError: plot needs matplotlib" in done.stderr
    assert "pip install 'textcnn[plot]'" in done.stderr
    assert "AssertionError" not in done.stderr
