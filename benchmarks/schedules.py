"""How long to train: accuracy and log-loss by number of updates, for each kind of text network.

The tables behind ``epochs="auto"`` (``automatic_updates`` in
textcnn/fit/network_jobs.py). Two kinds of runs:

- ``--kinds cnn``, by number of updates; the rule was fitted to these. Three folds, 100-d domain
  vectors, frozen, and 32 trainable dimensions, 100 filters x (3, 4, 5), dropout 0.5, Adam from 3e-3
  with cosine decay to 0.
- other kinds (recurrent, characters, convolutions without pretrained vectors), at multiples of the
  rule for convolutions: no pretrained vectors, two folds, all other settings are defaults.

benchmarks/defaults.py measures the defaults that follow.

    python benchmarks/schedules.py [--sets mr trec] [--kinds bigru char_cnn] [--seeds 2]
        [--factors 0.2 0.35 0.6 1]
"""

from __future__ import annotations

import argparse
from unittest import mock

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file

from textcnn import TextCNNEncoder
from textcnn.fit.network_jobs import TrainingSettings, automatic_updates

METRICS = ["accuracy", "neg_log_loss"]
GRID = {
    "mr500": [50, 100, 200, 300],
    "mr2000": [75, 150, 250, 400],
    "mr": [200, 300, 400, 600],
    "tweets": [300, 600, 900, 1400],
    "trec500": [100, 200, 400],
    "trec": [300, 600, 900, 1400],
}
CNN = {
    "kernel_sizes": (3, 4, 5),
    "n_filters": 100,
    "n_networks": 1,
    "dropout": 0.5,
    "label_smoothing": 0.0,
}
OTHER_KINDS = {
    "cnn_no_vectors": {},
    "bigru": {"network": "bigru"},
    "char_cnn": {"level": "char"},
    "char_bigru": {"network": "bigru", "level": "char"},
}
FACTORS = [0.2, 0.35, 0.6, 1.0]


def read_set(name: str) -> tuple[list[str], np.ndarray]:
    """Return texts and labels of a set, or of a random sample of it (``mr500``)."""
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
    """Print one line per set, kind and length of training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=list(GRID), help="mr2000 is 2,000 rows of mr")
    parser.add_argument("--kinds", nargs="+", default=["cnn"], choices=["cnn", *OTHER_KINDS])
    parser.add_argument("--factors", nargs="+", type=float, default=FACTORS)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print(machine_line(), flush=True)
    for name in options.sets:
        for kind in options.kinds:
            if kind == "cnn":
                numbers_of_updates(name)
            else:
                factors(name, kind, options.factors, options.seeds)


def numbers_of_updates(name: str) -> None:
    """Test convolutions with pretrained vectors by number of updates, with two batch sizes."""
    texts, y = read_set(name)
    for at_batch_64 in GRID[name]:
        for batch_size, updates in ((64, at_batch_64), (128, at_batch_64 * 2 // 3)):
            encoder = TextCNNEncoder(
                embeddings=data_file("vectors/domain.50k.100d.txt.gz"),
                cv=3,
                batch_size=batch_size,
                random_state=0,
                **CNN,
            )
            with mock.patch.object(TrainingSettings, "automatic_updates", return_value=updates):
                encoder.fit(texts, y)
            means = encoder.report_.with_scoring(METRICS).summary.set_index("metric")["score"]
            passes = updates * batch_size / (len(y) * 2 / 3)
            print(
                f"{name:8s} batch {batch_size:3d}  {updates:5d} updates  {passes:5.1f} epochs  "
                f"accuracy {means['accuracy']:.4f}  log-loss {-means['neg_log_loss']:.4f}",
                flush=True,
            )


def factors(name: str, kind: str, tried: list[float], n_seeds: int) -> None:
    """Test a kind of network at multiples of the number of updates for convolutions."""
    texts, y = read_set(name)
    for factor in tried:
        results = []
        for seed in range(n_seeds):
            encoder = TextCNNEncoder(
                cv=2,
                random_state=seed,
                **OTHER_KINDS[kind],
            )

            def updates(self, n_learn, target, factor=factor):
                return max(1, round(factor * automatic_updates(n_learn, self.batch_size, target)))

            with mock.patch.object(TrainingSettings, "automatic_updates", updates):
                encoder.fit(texts, y)
            means = encoder.report_.with_scoring(METRICS).summary.set_index("metric")["score"]
            results.append((means["accuracy"], -means["neg_log_loss"]))
        accuracy, log_loss = np.mean(results, axis=0)
        n_updates = encoder._records[0].updates[0]
        print(
            f"{name:8s} {kind:14s} factor {factor:4.2f}  {n_updates:5d} updates  "
            f"accuracy {accuracy:.4f}  log-loss {log_loss:.4f}  ({n_seeds} seeds)",
            flush=True,
        )


if __name__ == "__main__":
    main()
