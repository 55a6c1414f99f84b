"""The mean output of a fitted network for new rows, which is subtracted from its features.

A network that overfits scales the base rate of its training rows up, although its last layer has no
trainable bias, so its mean output reveals the mean target of its held-out rows. The mean over its
training rows would be too large, because they contain their own targets' influence; so it is
measured on rows like new ones, see ``like_new`` of the sources (``benchmarks/mean_outputs.py``
compares ways, ``benchmarks/leaks.py`` measures the remaining leaks).
"""

from __future__ import annotations

import numpy as np

from textcnn.neural.batches import RowSource
from textcnn.neural.jobs import TrainingJob
from textcnn.utils.rounding import equals_rounded

# Number of rows that the mean is taken of: 2,000 would cost a fifth of a fit of 2,000 rows.
_MOST_ROWS = 500


def rows_like_new(source: RowSource, job: TrainingJob) -> RowSource:
    """Return some training rows of a job as if its model had not been trained on them."""
    random = np.random.default_rng(job.mean_seed)
    rows = job.learn
    if len(rows) > _MOST_ROWS:
        rows = np.sort(random.choice(rows, _MOST_ROWS, replace=False))
    return source.like_new(rows, job.learn, random)


def typical_output(outputs: np.ndarray) -> np.ndarray:
    """Return the mean of each column, or the value that most rows have, float32 (n_outputs,).

    Texts of unknown words alone, for example identifiers, all have the same output. It must be
    subtracted exactly: the rest would be a value that only this model gives.
    """
    middle = np.median(outputs, axis=0)
    is_shared = equals_rounded(outputs, middle).mean(axis=0) >= 0.5
    return np.where(is_shared, middle, outputs.mean(axis=0, dtype=np.float64)).astype(np.float32)
