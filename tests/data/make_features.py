"""Writes what a dozen settings give, so that a rebuilt package can be held against it.

Run it before a change that must not move any feature: ``python tests/data/make_features.py``. With
``--compare`` nothing is written; differences from the recorded numbers are printed. On one machine
with the same number of threads they are zero; elsewhere they are noise of summation.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from checks import WORDS, signal_table, tiny  # noqa: E402

from textcnn import (  # noqa: E402
    ImageCNNClassifier,
    ImageCNNEncoder,
    OutOfFoldEncoder,
    TableFeatures,
    TextCNNClassifier,
    TextCNNRegressor,
    TextLinearEncoder,
    WordVectors,
)

FILE = FOLDER / "features.npz"


def settings() -> dict:
    """Return (estimator, X, y, keywords of fit, new rows) of each setting."""
    table, y = signal_table(60, seed=0)
    several, classes = signal_table(60, seed=1, n_classes=4)
    random = np.random.default_rng(2)
    two = pd.DataFrame({"title": random.choice(WORDS, 60), "review": several["review"].to_numpy()})
    new = pd.DataFrame({"review": ["good fine film", "bad", "", "ÜBER 你好", "poor cold river"]})
    new_two = pd.DataFrame({"title": ["good", "bad", None], "review": ["poor", "", "fine good"]})
    numbers = classes + random.normal(0, 0.1, 60)
    labels = np.stack([classes % 2, classes // 2], axis=1)
    texts = table["review"].tolist()
    vectors = WordVectors(["good", "bad", "über"], np.eye(3))
    images = random.integers(0, 255, (40, 8, 8), dtype=np.uint8)
    bright = (images[:, :4].mean(axis=(1, 2)) > images[:, 4:].mean(axis=(1, 2))).astype(int)
    shared = OutOfFoldEncoder(
        make_pipeline(TfidfTransformer(), LogisticRegression()),
        shared=CountVectorizer(),
        cv=3,
        random_state=0,
    )
    whole = pd.DataFrame({"price": np.arange(60.0), "review": texts, "note": several["review"]})
    return {
        "given vectors": (tiny(embeddings=vectors, epochs=3), table, y, {}, new),
        "classes of characters": (tiny(level="char", epochs=2), several, classes, {}, new),
        "numbers of joined columns": (
            tiny(join_columns=True, dense_units=(3,), target_type="continuous"),
            two,
            numbers,
            {},
            new_two,
        ),
        "two columns, early stopping": (
            tiny(early_stopping=True, class_weight="balanced", epochs=3),
            two,
            classes % 2,
            {"sample_weight": np.linspace(0.5, 2, 60)},
            new_two,
        ),
        "in time, refit": (
            tiny(cv=TimeSeriesSplit(3), uncovered="nan"),
            table,
            y,
            {"time": np.arange(60)},
            new,
        ),
        "groups, refit, logits": (
            tiny(ensemble="refit", output="logit"),
            table,
            y,
            {"groups": np.arange(60) // 3},
            new,
        ),
        "vectors of each fold's words": (
            tiny(embeddings="corpus", unsupervised="fold", corpus_options={"vector_size": 4}),
            table,
            y,
            {},
            new,
        ),
        "recurrent": (tiny(network="bigru"), table, y, {}, new),
        "labels": (tiny(), several, labels, {}, new),
        "linear, two columns": (TextLinearEncoder(cv=3, random_state=0), two, y, {}, new_two),
        "linear, numbers, joined": (
            TextLinearEncoder(cv=3, join_columns=True, ensemble="refit", random_state=0),
            two,
            numbers,
            {},
            new_two,
        ),
        "shared counts": (shared, texts, y, {}, new["review"].tolist()),
        "decision values": (
            OutOfFoldEncoder(
                make_pipeline(TfidfVectorizer(), LinearSVC(random_state=0)), cv=3, random_state=0
            ),
            texts,
            y,
            {"groups": np.arange(60) // 2},
            new["review"].tolist(),
        ),
        "boosted numbers": (
            OutOfFoldEncoder(HistGradientBoostingRegressor(max_iter=5), cv=3, random_state=0),
            np.stack([classes, 2 * numbers], axis=1),
            numbers,
            {},
            np.zeros((2, 2)),
        ),
        "images": (
            ImageCNNEncoder(n_filters=(2,), epochs=2, cv=2, random_state=0),
            images,
            bright,
            {},
            images[:3],
        ),
        "table": (
            TableFeatures([("linear", TextLinearEncoder()), ("cnn", tiny())], cv=3, random_state=0),
            whole,
            y,
            {},
            whole.head(4),
        ),
        "text classifier": (
            TextCNNClassifier(n_filters=2, epochs=2, random_state=0),
            table,
            y,
            {},
            new,
        ),
        "text regressor": (
            TextCNNRegressor(n_filters=2, epochs=2, random_state=0),
            table,
            numbers,
            {},
            new,
        ),
        "image classifier": (
            ImageCNNClassifier(n_filters=(2,), epochs=2, random_state=0),
            images,
            bright,
            {},
            images[:3],
        ),
    }


def answers() -> dict[str, np.ndarray]:
    """Fit every setting; return what it gives for its rows and for new ones."""
    found = {}
    for name, (estimator, X, y, keywords, new) in settings().items():
        if hasattr(estimator, "fit_transform"):
            found[name] = np.asarray(estimator.fit_transform(X, y, **keywords), float)
            found[f"{name}: new"] = np.asarray(estimator.transform(new), float)
            continue
        method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
        found[f"{name}: new"] = np.asarray(getattr(estimator.fit(X, y), method)(new), float)
    return found


def compare(found: dict[str, np.ndarray]) -> float:
    """Print how far each answer is from the recorded one; return the largest distance."""
    recorded = np.load(FILE)
    farthest = 0.0
    for name in recorded.files:
        before, now = recorded[name], found[name]
        same_shape = before.shape == now.shape
        distance = float(np.nanmax(np.abs(before - now))) if same_shape else np.inf
        if same_shape and not np.array_equal(np.isnan(before), np.isnan(now)):
            distance = np.inf
        print(f"{distance:.1e}  {name}")
        farthest = max(farthest, distance)
    return farthest


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"  # features that Keras trained are recorded
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", action="store_true", help="write nothing")
    if parser.parse_args().compare:
        sys.exit(compare(answers()) > 1e-3)
    np.savez_compressed(FILE, **answers())
