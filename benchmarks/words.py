"""Effect of vocabulary settings: test accuracy on MR, trained on a sample.

Each line changes one default setting: ``keep_vectors`` (vectors kept for words that are new
at transform), ``min_count``, ``learned_dim``. One network on 2,000 or 8,000 rows, tested on 2,600
others; mean and standard deviation over seeds, which also choose the rows.

    python benchmarks/words.py [--seeds 3] [--rows 2000 8000]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.metrics import log_loss

from textcnn import TextCNNClassifier

CHOICES = {
    "default": {},
    "keep_vectors=50,000": {"keep_vectors": 50_000},
    "min_count=1": {"min_count": 1},
    "min_count=3": {"min_count": 3},
    "learned_dim=0": {"learned_dim": 0},
    "dropout=0.2": {"dropout": 0.2},
    "no pretrained vectors": {"embeddings": None},
}


def main() -> None:
    """Print one line per setting and number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 8000])
    options = parser.parse_args()
    table = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)
    vectors = data_file("vectors/domain.50k.100d.txt.gz")
    print(machine_line())
    for n_rows in options.rows:
        for name, changes in CHOICES.items():
            accuracies, losses = [], []
            for seed in range(options.seeds):
                rows = table.sample(frac=1, random_state=seed)
                train, test = rows[:n_rows], rows[8000:]
                settings = {"embeddings": vectors, **changes}
                model = TextCNNClassifier(random_state=seed, **settings)
                model.fit(train[["text"]], train["label"])
                probabilities = model.predict_proba(test[["text"]])
                predicted = model.classes_[probabilities.argmax(axis=1)]
                accuracies.append((predicted == test["label"]).mean())
                losses.append(log_loss(test["label"], probabilities))
            print(
                f"{n_rows:6,d} rows  {name:20s} accuracy {np.mean(accuracies):.4f} "
                f"({np.std(accuracies):.4f})  log-loss {np.mean(losses):.4f} "
                f"({np.std(losses):.4f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
