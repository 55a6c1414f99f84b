"""Writes the stored files of the present format version, and what they must give.

Run once when the format version goes up: ``python tests/data/make_stored.py``. Files of earlier
versions are never written again.
"""

import json
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from checks import signal_table, tiny  # noqa: E402

from textcnn import ImageCNNClassifier, TableFeatures, TextLinearEncoder, WordVectors  # noqa: E402
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


def store(name: str, estimator, X, method: str) -> None:
    """Save an estimator and its answer."""
    path = FOLDER / f"{name}_v{FORMAT_VERSION}.textcnn"
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
