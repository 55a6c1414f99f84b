"""JAX and torch as Keras backends, each in a process of its own, against TensorFlow."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checks import signal_table

from textcnn import TextCNNEncoder

SCRIPT = """
import pickle, sys
import numpy as np
from checks import check_exact_influence, check_fed_rows, signal_table
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from textcnn import TextCNNEncoder
import keras

folder = sys.argv[1]
assert keras.backend.backend() == sys.argv[2]
with open(folder + "/tensorflow.pickle", "rb") as file:
    stored = pickle.load(file)
new = signal_table(30, 7)[0]
here = {name: encoder.transform(new) for name, encoder in stored.items()}

X, y = signal_table(90, 0)
folds = list(KFold(2, shuffle=True, random_state=0).split(X))
encoder = TextCNNEncoder(n_filters=4, kernel_sizes=(2,), epochs=12, cv=folds, random_state=0)
first = encoder.fit_transform(X, y)
assert np.array_equal(first, encoder.fit_transform(X, y)), "same seed, same bits"
assert roc_auc_score(y, first[:, 0]) > 0.8
check_fed_rows(encoder, folds)
check_exact_influence(encoder.set_params(epochs=1), X, y, folds, lambda y, rows: np.where(
    np.isin(np.arange(len(y)), rows), 1 - y, y))
stopping = TextCNNEncoder(n_filters=2, epochs=3, cv=2, early_stopping=True, random_state=0)
assert np.isfinite(stopping.fit_transform(X, y)).all()
for changes in ({"network": "bigru"}, {"level": "char"}):
    member = TextCNNEncoder(n_filters=2, epochs=1, cv=folds, random_state=0, **changes)
    assert np.array_equal(member.fit_transform(X, y), member.fit_transform(X, y)), changes
    check_fed_rows(member, folds)
    parts = np.vstack([member.transform(new.iloc[[i]]) for i in range(3)])
    assert np.allclose(member.transform(new)[:3], parts, atol=1e-5), changes
whole = encoder.transform(new)
parts = np.vstack([encoder.transform(new.iloc[[i]]) for i in range(4)])
assert np.allclose(whole[:4], parts, atol=1e-5)
np.savez(folder + "/here.npz", **here)

from test_gradcam import corner_images, users_network
from textcnn import ImageCNNClassifier
from textcnn.inspect import GradCAMDisplay, SaliencyDisplay
X, y = corner_images(32)
classifier = ImageCNNClassifier(network=users_network, epochs=1, augment=None, random_state=0)
classifier.fit(X, y)
heat = GradCAMDisplay.from_estimator(classifier, X, row=1, target=y[1]).heat
assert heat.shape == (12, 12) and np.isfinite(heat).all()
GradCAMDisplay.from_estimator(classifier, X, row=1, layer="network/block/in_branch")
assert SaliencyDisplay.from_estimator(classifier, X, row=1).heat.max() > 0
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    X, y = signal_table(90, 0)
    kinds = {
        "cnn": {"kernel_sizes": (2, 3), "n_blocks": 2},
        "char_cnn": {"level": "char"},
        "bigru": {"network": "bigru"},
    }
    encoders = {
        name: TextCNNEncoder(
            n_filters=4, pooling="both", epochs=5, cv=2, random_state=0, **kind
        ).fit(X, y)
        for name, kind in kinds.items()
    }
    (folder / "tensorflow.pickle").write_bytes(pickle.dumps(encoders))
    new = signal_table(30, 7)[0]
    return folder, {name: encoder.transform(new) for name, encoder in encoders.items()}


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backend_fits_agrees_with_tensorflow_and_shows_heat(backend, stored):
    folder, expected = stored
    tests = Path(__file__).parent
    paths = [str(tests), str(tests / "inspect"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "default",
    }
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), backend],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    with np.load(folder / "here.npz") as here:
        for name, features in expected.items():
            np.testing.assert_allclose(here[name], features, atol=1e-5, err_msg=name)
