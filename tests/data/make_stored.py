"""Writes the stored files of the present format version, and what they must give.

Run once when the format version goes up: ``python tests/data/make_stored.py``. Files of earlier
versions are never written again: a file that exists stays as it is.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from checks import signal_table, tiny  # noqa: E402

from textcnn import (  # noqa: E402
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    OutOfFoldEncoder,
    ResidualNetwork,
    TableFeatures,
    TextCNNClassifier,
    TextCNNRegressor,
    TextLinearEncoder,
    WordVectors,
)
from textcnn.persistence import FORMAT_VERSION  # noqa: E402


def main() -> None:
    table, y = signal_table(40, seed=0)
    texts, new = table["review"].tolist(), ["good fine film", "bad", "", "ÜBER 你好"]
    vectors = WordVectors(["good", "bad", "über"], np.eye(3))
    pictures = np.random.default_rng(0).integers(0, 255, (40, 6, 6), dtype=np.uint8)
    classifier = ImageCNNClassifier(n_filters=(2,), epochs=2, random_state=0)
    encoder = tiny(embeddings=vectors, cv=2, learned_dim=4, epochs=3)
    store("text", encoder.fit(texts, y), new, "transform")
    linear = TextLinearEncoder(cv=2, char_ngrams=(2, 3), random_state=0)
    store("linear", linear.fit(texts, y), new, "transform")
    store("pictures", classifier.fit(pictures, y), pictures[:4], "predict_proba")
    linear = TextLinearEncoder(char_ngrams=None)
    members = [("linear", linear), ("cnn", tiny(learned_dim=4))]
    features = TableFeatures(members, cv=2, random_state=0)
    store("table", features.fit([[text] for text in texts], y), [[t] for t in new], "transform")
    plain = {"n_filters": 2, "epochs": 2, "learned_dim": 4, "random_state": 0}
    store("text_classifier", TextCNNClassifier(**plain).fit(texts, y), new, "predict_proba")
    regressor = TextCNNRegressor(**plain, level="char")
    store("text_regressor", regressor.fit(texts, y + 0.5), new, "predict")
    recurrent = tiny(network="bigru", cv=2, learned_dim=4, ensemble="refit")
    store("recurrent", recurrent.fit(texts, y), new, "transform")
    joined = tiny(join_columns=True, cv=2, learned_dim=4)
    rows = [[text, text[:9]] for text in texts]
    store("joined", joined.fit(rows, y), [[text, "good"] for text in new], "transform")
    counts = CountVectorizer(min_df=5)
    stacked = OutOfFoldEncoder(LogisticRegression(), shared=counts, cv=2, random_state=0)
    store("stacked", stacked.fit(texts, y), ["good fine film", "bad plot", "poor"], "transform")
    images = ImageCNNEncoder(n_filters=(2,), epochs=2, cv=2, random_state=0)
    store("image_encoder", images.fit(pictures, y), pictures[:4], "transform")
    numbers = ImageCNNRegressor(network=ResidualNetwork(8, n_filters=2), epochs=1, random_state=0)
    store("image_regressor", numbers.fit(pictures, y + 0.5), pictures[:4], "predict")


def store(name: str, estimator, X, method: str) -> None:
    """Save an estimator and its answer."""
    path = FOLDER / f"{name}_v{FORMAT_VERSION}.textcnn"
    if path.exists():
        return
    estimator.save(path)
    expected = {
        "pictures": isinstance(X, np.ndarray),
        "X": np.asarray(X).tolist(),
        "method": method,
        "features": np.asarray(getattr(estimator, method)(X)).tolist(),
    }
    path.with_suffix(".json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
