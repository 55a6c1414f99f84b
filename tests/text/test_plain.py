"""The NumPy forward pass against the Keras network, and what it saves."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from checks import signal_table, tiny

import textcnn.text.fitted
import textcnn.text.plain
from textcnn import TextCNNClassifier
from textcnn.text.network import TextNetworkSettings
from textcnn.text.plain import has_plain_form

NETWORKS = [
    {},
    {"pooling": "average", "activation": "tanh"},
    {"pooling": "both", "activation": "leaky_relu", "dense_units": (5, 3)},
    {"activation": "sigmoid", "kernel_sizes": (1, 4, 4)},
    {"activation": "elu", "kernel_sizes": 7},
    {"activation": "linear", "learned_dim": 0, "embeddings": "corpus"},
    {"embeddings": "corpus", "l2": 1e-3},
    {"embeddings": "corpus", "trainable_embeddings": True},
    {"embeddings": "corpus", "trainable_embeddings": True, "learned_dim": 0},
]
TEXTS = ["", "good", "so good so bad poor film", "", "unseen words only", "bad " * 40, ""]


def by_keras(monkeypatch, method, X):
    """Return what the Keras network gives for the same rows."""
    with monkeypatch.context() as patch:
        patch.setattr(textcnn.text.fitted, "has_plain_form", lambda settings: False)
        return method(X)


@pytest.mark.parametrize("options", NETWORKS, ids=str)
def test_equal_to_the_keras_network(monkeypatch, options):
    X, y = signal_table(60, 0, n_classes=3)
    if "embeddings" in options:
        options = options | {"corpus_options": {"vector_size": 4, "min_count": 1}}
    encoder = tiny(cv=2, epochs=3, n_filters=5, **options).fit(X["review"].tolist(), y)
    plain = encoder.transform(TEXTS)
    np.testing.assert_allclose(plain, by_keras(monkeypatch, encoder.transform, TEXTS), atol=1e-5)
    assert len(np.unique(plain[:, 0].round(6))) >= 4
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.transform([text]), plain[[row]], atol=1e-6)
    for block, chunk in [(2**19, 2048), (45, 7), (1, 1)]:
        with monkeypatch.context() as patch:
            patch.setattr(textcnn.text.plain, "FEW_TOKENS", -1)
            patch.setattr(textcnn.text.plain, "BLOCK_TOKENS", block)
            patch.setattr(textcnn.text.plain, "CHUNK_TOKENS", chunk)
            np.testing.assert_allclose(encoder.transform(TEXTS), plain, atol=1e-6)


def test_equal_for_several_columns_in_one_network(monkeypatch):
    X, y = signal_table(60, 0)
    X["title"] = X["review"].str.slice(0, 9)
    classifier = TextCNNClassifier(n_filters=3, kernel_sizes=(2, 3), epochs=4, random_state=0)
    classifier.fit(X, y)
    new = X.iloc[:9].assign(title=["", "good"] + ["bad poor"] * 7)
    np.testing.assert_allclose(
        classifier.predict_proba(new),
        by_keras(monkeypatch, classifier.predict_proba, new),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "options",
    [{"n_blocks": 2}, {"activation": "mish"}, {"network": lambda dim: None}],
    ids=["blocks", "activation", "network"],
)
def test_other_networks_go_by_keras(options):
    assert has_plain_form(TextNetworkSettings())
    assert not has_plain_form(TextNetworkSettings(**options))


def test_transform_needs_no_backend(tmp_path):
    X, y = signal_table(60, 0)
    encoder = tiny(cv=2).fit(X["review"].tolist(), y)
    path = tmp_path / "encoder.pickle"
    texts = ["good film"] * 3000
    path.write_bytes(pickle.dumps((encoder, texts, encoder.transform(texts))))
    code = (
        "import pickle, sys\n"
        "encoder, texts, expected = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert (encoder.transform(texts) == expected).all()\n"
        "assert not {'tensorflow', 'keras', 'gensim'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
