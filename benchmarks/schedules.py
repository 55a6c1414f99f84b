"""How long to train: updates against accuracy and log-loss, on four sets and five sizes.

The table behind ``epochs="auto"`` (see ``automatic_updates`` in textcnn/fitting.py). Three folds,
100-d domain vectors frozen beside 32 learnt, 100 filters x (3, 4, 5), dropout 0.5, Adam from 3e-3
with cosine decay to 0.

    python benchmarks/schedules.py [--sets mr trec]
"""

from __future__ import annotations

import argparse
from unittest import mock

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file

from textcnn import TextCNNEncoder, fitting

GRID = {
    "mr500": [50, 100, 200, 300],
    "mr2000": [75, 150, 250, 400],
    "mr": [200, 300, 400, 600],
    "tweets": [300, 600, 900, 1400],
    "trec500": [100, 200, 400],
    "trec": [300, 600, 900, 1400],
}


def read_set(name: str) -> tuple[list[str], np.ndarray]:
    """Return texts and labels of a set, or of a random part of it (``mr500``)."""
    base = name.rstrip("0123456789")
    file = "tables/airline_tweets" if base == "tweets" else f"text/{base}"
    table = pd.read_csv(data_file(f"{file}.csv.gz"), keep_default_na=False)
    label = "airline_sentiment" if base == "tweets" else "label"
    if "split" in table:
        table = table[table["split"] == "train"]
    if name != base:
        table = table.sample(int(name[len(base) :]), random_state=0)
    return table["text"].tolist(), table[label].to_numpy()


def main() -> None:
    """Print one line per set, batch size and number of updates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=list(GRID), choices=list(GRID))
    sets = parser.parse_args().sets
    print(machine_line())
    for name in sets:
        texts, y = read_set(name)
        for at_batch_64 in GRID[name]:
            for batch_size, updates in ((64, at_batch_64), (128, at_batch_64 * 2 // 3)):
                encoder = TextCNNEncoder(
                    embeddings=data_file("vectors/domain.50k.100d.txt.gz"),
                    cv=3,
                    batch_size=batch_size,
                    scoring=["accuracy", "neg_log_loss"],
                    random_state=0,
                )
                fixed = f"{fitting.__name__}.automatic_updates"
                with mock.patch(fixed, return_value=updates):
                    encoder.fit(texts, y)
                means = encoder.report_.summary.set_index("metric")["score"]
                passes = updates * batch_size / (len(y) * 2 / 3)
                print(
                    f"{name:8s} batch {batch_size:3d}  {updates:5d} updates  {passes:5.1f} passes  "
                    f"accuracy {means['accuracy']:.4f}  log-loss {-means['neg_log_loss']:.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
