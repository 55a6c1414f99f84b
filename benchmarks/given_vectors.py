"""Show what word vectors are worth on few rows: none, those of wordllama, those of the domain.

Out-of-fold log-loss and accuracy of the default text encoder, with the base rate put back, and
processor seconds with the reading of the vectors.

    python benchmarks/given_vectors.py [--rows 2000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.metrics import accuracy_score, log_loss

from textcnn import TextCNNEncoder

TABLES = {
    "MR": ("text/mr.csv.gz", "text", "label"),
    "tweets": ("tables/airline_tweets.csv.gz", "text", "airline_sentiment"),
}
DOMAIN = "vectors/domain.50k.100d.txt.gz"


def probabilities(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the features as probabilities of the classes of y, with their base rates."""
    features = np.asarray(features, float)
    if features.shape[1] == 1:
        features = np.hstack([1 - features, features])
    weighed = features * (np.bincount(y) / len(y))
    return weighed / weighed.sum(axis=1, keepdims=True)


def main() -> None:
    """Print a line per table and kind of vectors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine_line())
    ways = {"none": None, "wordllama": "wordllama", "domain": str(data_file(DOMAIN))}
    # Compiling, once per process, is not counted.
    TextCNNEncoder(cv=2, random_state=0).fit_transform(["good film", "bad film"] * 20, [0, 1] * 20)
    for name, (file, text, target) in TABLES.items():
        table = pd.read_csv(data_file(file), keep_default_na=False)
        table = table.iloc[np.random.default_rng(0).permutation(len(table))[: options.rows]]
        texts, y = table[text].tolist(), np.unique(table[target], return_inverse=True)[1]
        for way, embeddings in ways.items():
            losses, accuracies, seconds = [], [], []
            for seed in range(options.repeats):
                start = time.process_time()
                encoder = TextCNNEncoder(embeddings, random_state=seed)
                predicted = probabilities(encoder.fit_transform(texts, y), y)
                seconds.append(time.process_time() - start)
                losses.append(log_loss(y, predicted))
                accuracies.append(accuracy_score(y, predicted.argmax(axis=1)))
            print(
                f"{name}, {way}: log-loss {np.mean(losses):.3f} ({min(losses):.3f} to "
                f"{max(losses):.3f}), accuracy {np.mean(accuracies):.3f}, "
                f"{np.mean(seconds):.1f} s of processor",
                flush=True,
            )


if __name__ == "__main__":
    main()
