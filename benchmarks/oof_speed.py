"""Out-of-fold features of MR: TextCNNEncoder against the Keras loop that users write today.

The loop builds a Keras model per fold, pads every document to the longest, and calls ``fit`` and
``predict``. Both sides have the same vectors, learnt vectors, filters, kernel sizes, folds, epochs,
batch size and schedule; both read the words. Runs alternate in one process. Accuracies are printed
beside the times: a faster run at another accuracy proves nothing. More peers are in suite.py.

    python benchmarks/oof_speed.py [--runs 3] [--rows 10662] [--epochs 2] [--frozen]
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import peers
from machine import machine_line
from suite import as_table, turns, warm_up


def main() -> None:
    """Run both sides in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--frozen", action="store_true", help="given vectors only")
    options = parser.parse_args()
    learned_dim = 0 if options.frozen else 32
    task = peers.load_work(
        "mr", rows=options.rows, folds=5, epochs=options.epochs, learned_dim=learned_dim
    )
    sides = {
        "TextCNNEncoder": partial(peers.textcnn_encoder, task),
        "Keras model per fold, padded": partial(peers.keras_loop, task),
    }
    print(
        f"MR, {len(task.y):,} rows, 5 folds, {task.epochs} epochs, batch {task.batch_size}, "
        f"{task.n_filters} filters x {task.kernel_sizes}, frozen 100-d vectors + {learned_dim} "
        f"learnt; {options.runs} runs\n{machine_line()}\n"
    )
    warm_up()
    results = turns(sides, options.runs)
    print(as_table(results, score=lambda features: np.mean((features > 0.5) == task.y)))


if __name__ == "__main__":
    main()
