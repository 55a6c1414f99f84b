"""What the defaults of ``TextCNNEncoder`` are worth for the model that takes its features.

Out-of-fold features of nine sets of texts, by the linear encoder and by text networks of several
sizes, go into a logistic regression and into gradient boosting (both cross-validated on other
folds). The table has the mean log-loss over the sets, of the linear features alone, of the
network's alone and of both, next to the processor seconds of the network relative to those of the
linear encoder. "direct" is the log-loss of the encoder's own out-of-fold predictions.

Rows are a random sample per seed; classes with fewer than 20 rows in the whole set are left out.
Vectors: none, those of the shared data ("domain", trained on texts of these very sets, without
labels), and "wordllama". Each result is a line of JSON in ``--results`` and is not computed again,
so a table can be made in several runs. One thread; seconds are those of the processor.

    python benchmarks/defaults.py [--sets mr trec] [--rows 500 2000] [--vectors none domain]
        [--ways default former] [--seeds 3] [--results FILE] [--report]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from textcnn import TextCNNEncoder, TextLinearEncoder, WordVectors
from textcnn.neural.engine import network
from textcnn.text import settings

RESULTS = Path("benchmarks.defaults.jsonl")
# Per set: its file, the columns of texts and that of the target.
SETS = {
    "mr": ("text/mr", ["text"], "label"),
    "sst2": ("text/sst2", ["text"], "label"),
    "trec": ("text/trec", ["text"], "label"),
    "tweets": ("tables/airline_tweets", ["text"], "airline_sentiment"),
    "clothing": ("tables/womens_clothing", ["title", "review_text"], "recommended"),
    "whisky": ("tables/scotch_reviews", ["description"], "category"),
    "hotels": ("text/chnsenticorp_hotel", ["text"], "label"),
    "imdb": ("text/imdb", ["text"], "label"),
    # Five classes about which the texts say next to nothing.
    "zones": ("tables/airline_tweets", ["text"], "user_timezone"),
}
WEAK_CLASSES = 5
LEAST_ROWS_OF_CLASS = 20
VECTORS = ("none", "domain", "wordllama")
DOMAIN = "vectors/domain.50k.100d.txt.gz"
ONE = {"n_networks": 1}
LARGE = {"kernel_sizes": (3, 4, 5), "n_filters": 100}
# Settings of the network. "former" are the defaults before those of today, with their length of
# training and learning rate of word vectors.
WAYS = {
    "default": {},
    "former": LARGE | ONE | {"dropout": 0.5, "label_smoothing": 0.0},
    "one network": ONE,
    "four networks": {"n_networks": 4},
    "64 filters, one network": ONE | {"n_filters": 64},
    "3, 4, 5 words × 100, one network": ONE | LARGE,
    "no smoothing, one network": ONE | {"label_smoothing": 0.0},
    "dropout 0.5, one network": ONE | {"dropout": 0.5},
}
BOOSTING = {"learning_rate": 0.05, "max_iter": 60, "max_leaf_nodes": 8, "random_state": 0}
SCORES = [
    f"{model} of {features}"
    for model in ("logistic", "boosting")
    for features in ("linear", "network", "both")
]


def main() -> None:
    """Run what has no result yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--rows", nargs="+", type=int, default=[500, 2000])
    parser.add_argument("--vectors", nargs="+", choices=VECTORS, default=list(VECTORS))
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=["default", "former"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="only print existing results")
    options = parser.parse_args()
    done = {key_of(line) for line in read_results(options.results)}
    for seed in range(options.seeds if not options.report else 0):
        for n_rows in options.rows:
            for name in options.sets:
                for vectors in options.vectors:
                    for way in options.ways:
                        place = {
                            "set": name,
                            "rows": n_rows,
                            "seed": seed,
                            "vectors": vectors,
                            "way": way,
                        }
                        if key_of(place) in done:
                            continue
                        with threadpool_limits(1), as_formerly(way == "former"):
                            line = place | scores(name, n_rows, seed, vectors, WAYS[way])
                        line["machine"] = machine_line()
                        with options.results.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(line) + "\n")
                        print(told(line), flush=True)
    lines = read_results(options.results)
    if not lines:
        print("No results.")
        return
    results = pd.DataFrame(lines)
    print(f"\n{machine_line()}", pareto(results), by_set(results), sep="\n\n")


@contextlib.contextmanager
def as_formerly(is_former: bool):
    """Train for as long, and word vectors at the rate, of former defaults."""
    if not is_former:
        yield
        return
    with (
        mock.patch.object(settings, "SHARE_OF_WORDS", ()),
        mock.patch.object(network, "TABLE_RATE", 10.0),
    ):
        yield


def key_of(line: dict) -> tuple:
    """Return the key that identifies a result."""
    return tuple(line[name] for name in ("set", "rows", "seed", "vectors", "way"))


def read_results(path: Path) -> list[dict]:
    """Return all results, the latest of each key."""
    if not path.is_file():
        return []
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return list({key_of(line): line for line in lines}.values())


@cache
def read_set(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return the texts and classes of a set, without rare classes."""
    file, columns, target = SETS[name]
    table = pd.read_csv(data_file(f"{file}.csv.gz"), keep_default_na=False)
    if "split" in table:
        table = table[table["split"] == "train"]
    classes = table[target].astype(str)
    counts = classes[classes != ""].value_counts()
    kept = counts.index[counts >= LEAST_ROWS_OF_CLASS]
    if name == "zones":
        kept = kept[:WEAK_CLASSES]
    is_kept = classes.isin(kept)
    return table.loc[is_kept, columns], classes[is_kept]


@cache
def sample(name: str, n_rows: int, seed: int):
    """Return texts, classes and folds of a random sample of a set."""
    texts, classes = read_set(name)
    rows = np.random.default_rng(seed).permutation(len(texts))[:n_rows]
    y = classes.to_numpy()[rows]
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(y, y))
    return texts.iloc[rows].reset_index(drop=True), y, folds


@cache
def linear_features(name: str, n_rows: int, seed: int) -> tuple[np.ndarray, float]:
    """Return the features of the linear encoder, and its processor seconds."""
    texts, y, folds = sample(name, n_rows, seed)
    started = time.process_time()
    encoder = TextLinearEncoder(cv=folds, output="logit", random_state=seed)
    features = np.asarray(encoder.fit_transform(texts, y))
    return features, time.process_time() - started


@cache
def given_vectors(vectors: str):
    """Return the value of ``embeddings=``; reading the file is not measured."""
    if vectors == "domain":
        return WordVectors.from_file(data_file(DOMAIN))
    return None if vectors == "none" else vectors


def scores(name: str, n_rows: int, seed: int, vectors: str, way: dict) -> dict:
    """Return log-losses and processor seconds of a network of one kind."""
    texts, y, folds = sample(name, n_rows, seed)
    linear, linear_seconds = linear_features(name, n_rows, seed)
    encoder = TextCNNEncoder(
        given_vectors(vectors),
        cv=folds,
        output="logit",
        engine="numba",
        n_jobs=1,
        random_state=seed,
        **way,
    )
    started = time.process_time()
    features = np.asarray(encoder.fit_transform(texts, y))
    seconds = time.process_time() - started
    found = {"prior": prior_loss(y, folds), "direct": direct_loss(encoder, y)}
    parts = {"linear": linear, "network": features, "both": np.hstack([linear, features])}
    for model in ("logistic", "boosting"):
        for part, given in parts.items():
            found[f"{model} of {part}"] = stacked_loss(model, given, y)
    return found | {"seconds": seconds, "linear seconds": linear_seconds}


def prior_loss(y, folds) -> float:
    """Return the log-loss of the class frequencies of the training rows."""
    classes, codes = np.unique(y, return_inverse=True)
    shares = np.zeros((len(y), len(classes)))
    for train, test in folds:
        counts = np.bincount(codes[train], minlength=len(classes)) + 0.5
        shares[test] = counts / counts.sum()
    return log_loss(y, shares)


def direct_loss(encoder, y) -> float:
    """Return the log-loss of the encoder's own out-of-fold predictions, averaged over columns."""
    means = encoder.report_.with_scoring(["neg_log_loss"]).summary["score"]
    return -float(means.mean())


def stacked_loss(model: str, features: np.ndarray, y) -> float:
    """Return the cross-validated log-loss of a model of the features."""
    if model == "logistic":
        estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    else:
        estimator = HistGradientBoostingClassifier(**BOOSTING)
    folds = StratifiedKFold(5, shuffle=True, random_state=99)
    return log_loss(y, cross_val_predict(estimator, features, y, cv=folds, method="predict_proba"))


def told(line: dict) -> str:
    """Return a result as a line of text."""
    losses = "  ".join(f"{line[name]:.3f}" for name in ("prior", "direct", *SCORES))
    ratio = line["seconds"] / line["linear seconds"]
    place = f"{line['set']:9s}{line['rows']:6d} seed {line['seed']} {line['vectors']:10s}"
    return f"{place}{line['way']:15s} {losses}  {line['seconds']:5.1f} s ({ratio:.1f}×)"


def pareto(results: pd.DataFrame) -> str:
    """Return the mean over sets per number of rows, vectors and way, as a Markdown table."""
    lines = [
        "| rows | vectors | way | sets × seeds | " + " | ".join(SCORES) + " | direct | seconds | "
        "× linear encoder |",
        "|---" * (len(SCORES) + 7) + "|",
    ]
    for (n_rows, vectors, way), part in results.groupby(["rows", "vectors", "way"], sort=False):
        means = part.groupby("set")[[*SCORES, "direct", "seconds", "linear seconds"]].mean()
        ratio = np.exp(np.log(means["seconds"] / means["linear seconds"]).mean())
        cells = [f"{means[name].mean():.3f}" for name in (*SCORES, "direct")]
        lines.append(
            f"| {n_rows:,} | {vectors} | {way} | {len(means)} × {part['seed'].nunique()} | "
            + " | ".join(cells)
            + f" | {means['seconds'].mean():.1f} | {ratio:.1f} |"
        )
    return "\n".join(lines)


def by_set(results: pd.DataFrame) -> str:
    """Return the mean over seeds per set, as a Markdown table."""
    names = ["prior", "direct", *SCORES[:3], "seconds"]
    lines = [
        "| set | rows | vectors | way | " + " | ".join(names) + " | × linear encoder |",
        "|---" * (len(names) + 5) + "|",
    ]
    keys = ["set", "rows", "vectors", "way"]
    for (name, n_rows, vectors, way), part in results.groupby(keys, sort=False):
        cells = [f"{part[column].mean():.3f}" for column in names[:-1]]
        seconds = part["seconds"].mean()
        lines.append(
            f"| {name} | {n_rows:,} | {vectors} | {way} | "
            + " | ".join(cells)
            + f" | {seconds:.1f} | {seconds / part['linear seconds'].mean():.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
