"""Each public estimator once: it fits, and a copy of it gives the same. Part of `make check`."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import signal_table
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import textcnn

X, Y = signal_table(48, 0)
NEW = signal_table(8, 1)[0]
IMAGES = np.random.default_rng(0).integers(0, 256, (48, 8, 8), dtype=np.uint8)
NUMBERS = pd.DataFrame({"price": Y + np.linspace(0, 2, 48)})
TEXT_NETWORK = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "random_state": 0}
IMAGE_NETWORK = {"n_filters": (2,), "epochs": 1, "augment": None, "random_state": 0}
# Per class: its settings, rows to fit and new rows.
EVERY = {
    "ImageCNNClassifier": (IMAGE_NETWORK, IMAGES, IMAGES[:8]),
    "ImageCNNEncoder": (IMAGE_NETWORK | {"cv": 2}, IMAGES, IMAGES[:8]),
    "ImageCNNRegressor": (IMAGE_NETWORK, IMAGES, IMAGES[:8]),
    "OutOfFoldEncoder": (
        {"estimator": LogisticRegression(), "cv": 2, "random_state": 0},
        NUMBERS,
        NUMBERS[:8],
    ),
    "TableFeatures": (
        {"members": ("svd", "linear"), "cv": 2, "random_state": 0},
        X.assign(price=NUMBERS["price"]),
        NEW.assign(price=1.0),
    ),
    "TextCNNClassifier": (TEXT_NETWORK, X, NEW),
    "TextCNNEncoder": (TEXT_NETWORK | {"cv": 2}, X, NEW),
    "TextCNNRegressor": (TEXT_NETWORK, X, NEW),
    "TextLinearEncoder": ({"cv": 2, "random_state": 0}, X, NEW),
}


@pytest.mark.parametrize("name", EVERY)
def test_it_fits_and_a_copy_gives_the_same(name):
    settings, rows, new = EVERY[name]
    estimator = getattr(textcnn, name)(**settings)
    if hasattr(estimator, "predict"):
        answer, known = "predict", estimator.fit(rows, Y).predict(rows)
    else:
        answer, known = "transform", estimator.fit_transform(rows, Y)
    assert len(known) == 48
    expected = getattr(estimator, answer)(new)
    assert len(expected) == 8
    assert np.isfinite(np.asarray(expected, float)).all()
    for other in (pickle.loads(pickle.dumps(estimator)), clone(estimator).fit(rows, Y)):
        np.testing.assert_array_equal(getattr(other, answer)(new), expected)


def test_no_public_estimator_is_left_out():
    public = {name for name in textcnn.__all__ if hasattr(getattr(textcnn, name), "fit")}
    assert public == set(EVERY)
