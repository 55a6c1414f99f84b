"""Out-of-fold features of MR: TextCNNEncoder against the Keras loop that users write today.

The loop builds a Keras model per fold, pads every document to the longest, and calls ``fit`` and
``predict``. Both sides have the same vectors, learnt vectors, filters, kernel sizes, folds, epochs,
batch size and schedule; both read the words (the loop by scikit-learn's analyzer). Runs alternate
in one process. Accuracies are printed beside the times: a faster run at another accuracy proves
nothing.

    python benchmarks/oof_speed.py [--runs 3] [--rows 10662] [--epochs 2] [--frozen]
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold

VECTORS = "vectors/domain.50k.100d.txt.gz"
N_FILTERS, KERNEL_SIZES, BATCH_SIZE, LEARNING_RATE = 100, (3, 4, 5), 64, 3e-3


def main() -> None:
    """Run both sides in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--frozen", action="store_true", help="given vectors only")
    options = parser.parse_args()

    table = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)
    table = table.sample(frac=1, random_state=0)[: options.rows]
    texts, y = table["text"].tolist(), (table["label"] == "pos").to_numpy(int)
    learned_dim = 0 if options.frozen else 32
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(y, y))
    sides = {
        "textcnn": lambda seed: run_encoder(texts, y, folds, learned_dim, options.epochs, seed),
        "Keras loop": lambda seed: run_loop(texts, y, folds, learned_dim, options.epochs, seed),
    }
    print_header(options, learned_dim)
    run_encoder(texts[:500], y[:500], 2, learned_dim, 1, 0)  # imports, before the clock starts
    seconds = {name: [] for name in sides}
    accuracies = {name: [] for name in sides}
    for run in range(options.runs):
        for name, side in sides.items():
            started = time.perf_counter()
            out_of_fold = side(run)
            seconds[name].append(time.perf_counter() - started)
            accuracies[name].append(np.mean((out_of_fold > 0.5) == y))
            print(f"run {run + 1}  {name:11s} {seconds[name][-1]:6.1f} s  "
                  f"OOF accuracy {accuracies[name][-1]:.4f}", flush=True)  # fmt: skip
    print("\nside         seconds median (min-max)   OOF accuracy mean (sd)")
    for name in sides:
        times, scores = seconds[name], accuracies[name]
        print(
            f"{name:12s} {statistics.median(times):6.1f} ({min(times):.1f}-{max(times):.1f})"
            f"{np.mean(scores):22.4f} ({np.std(scores):.4f})"
        )
    ratios = [loop / ours for loop, ours in zip(*reversed(seconds.values()), strict=True)]
    print(
        f"\nloop / textcnn: {statistics.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"
    )


def print_header(options, learned_dim) -> None:
    """Print what a reader needs to weigh the numbers."""
    print(
        f"MR, 5 folds, {options.epochs} epochs, batch {BATCH_SIZE}, {N_FILTERS} filters x "
        f"{KERNEL_SIZES}, frozen 100-d vectors + {learned_dim} learnt; {options.runs} runs\n"
        f"{machine_line()}\n"
    )


def run_encoder(texts, y, folds, learned_dim, epochs, seed) -> np.ndarray:
    """Return out-of-fold probabilities of our encoder."""
    from textcnn import TextCNNEncoder

    encoder = TextCNNEncoder(
        embeddings=data_file(VECTORS),
        learned_dim=learned_dim,
        cv=folds,
        epochs=epochs,
        n_filters=N_FILTERS,
        kernel_sizes=KERNEL_SIZES,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        random_state=seed,
    )
    return encoder.fit_transform(texts, y)[:, 0]


def run_loop(texts, y, folds, learned_dim, epochs, seed) -> np.ndarray:
    """Return out-of-fold probabilities of the loop that users write."""
    import keras

    keras.utils.set_random_seed(seed)
    analyze = CountVectorizer(token_pattern=r"\w+|[^\w\s]").build_analyzer()
    words, documents = {}, []
    for text in texts:
        documents.append([words.setdefault(word, len(words) + 1) for word in analyze(text)])
    longest = max(map(len, documents))
    padded = np.zeros((len(texts), longest), np.int32)
    for row, document in enumerate(documents):
        padded[row, : len(document)] = document
    given = read_vectors(words)
    out_of_fold = np.empty(len(y))
    for train, test in folds:
        model = build_loop_model(given, learned_dim, epochs * -(-len(train) // BATCH_SIZE))
        model.fit(padded[train], y[train], batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
        out_of_fold[test] = model.predict(padded[test], verbose=0)[:, 0]
    return out_of_fold


def read_vectors(words) -> np.ndarray:
    """Return the given vectors of some words, one row per word id; random where there is none."""
    table = np.random.default_rng(0).normal(0, 0.3, (len(words) + 1, 100)).astype(np.float32)
    table[0] = 0
    with gzip.open(data_file(VECTORS), "rt", encoding="utf-8") as lines:
        for line in lines:
            word, numbers = line.rstrip("\n").split(" ", 1)
            if word in words:
                table[words[word]] = np.array(numbers.split(), np.float32)
    return table


def build_loop_model(given, learned_dim, n_updates):
    """Return the compiled model of one fold, as in many a tutorial."""
    import keras
    from keras import layers

    ids = keras.Input((None,), dtype="int32")
    frozen = keras.initializers.Constant(given)
    x = layers.Embedding(*given.shape, embeddings_initializer=frozen, trainable=False)(ids)
    if learned_dim:
        start = keras.initializers.RandomNormal(stddev=0.05)
        learned = layers.Embedding(len(given), learned_dim, embeddings_initializer=start)(ids)
        x = layers.Concatenate()([x, learned])
    maps = [layers.Conv1D(N_FILTERS, size, activation="relu")(x) for size in KERNEL_SIZES]
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(m) for m in maps])
    x = layers.Dropout(0.5)(x)
    model = keras.Model(ids, layers.Dense(1, activation="sigmoid")(x))
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, n_updates)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy")
    return model


if __name__ == "__main__":
    main()
