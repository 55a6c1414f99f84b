"""The mean output of a fitted network for new rows, which is subtracted from its features.

A network that overfits scales the base rate of its training rows up, although its last layer has no
trainable bias, so its mean output reveals the mean target of its held-out rows. The mean over its
training rows would be too large, because they contain their own targets' influence; so it is
measured on rows like new ones, see ``like_new`` of the sources (``benchmarks/leaks.py`` measures
the remaining leaks).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from textcnn.crossfit.level import Level
from textcnn.fit.models import FoldModel, Prepared
from textcnn.neural.jobs import FittedModel, TrainingJob
from textcnn.neural.randomness import integer_seed

# Number of rows that the mean is taken of.
_MOST_ROWS = 500
# Relative difference of a float32 output that is computed in two ways.
_ROUNDING = 2e-6


def with_mean_output(
    level: Level, model: FittedModel, prepared: Prepared, job: TrainingJob
) -> Level:
    """Return the base rate of a model together with its mean raw output for new rows.

    Parameters
    ----------
    level : Level
    model : FittedModel
    prepared : Prepared
        The network and the rows of the model; ``data[1]`` is their source.
    job : TrainingJob
        What the model was trained on.
    """
    source = prepared.data[1]
    random = np.random.default_rng(integer_seed(job.batches_seed))
    rows = job.learn
    if len(rows) > _MOST_ROWS:
        rows = np.sort(random.choice(rows, _MOST_ROWS, replace=False))
    network = prepared.models.with_models([FoldModel(model, level)])
    [outputs] = network.outputs_of(source.like_new(rows, job.learn, random))
    return replace(level, mean_output=_typical(outputs))


def _typical(outputs: np.ndarray) -> np.ndarray:
    """Return the mean of each column, or the value that most rows have.

    Texts of unknown words alone, for example identifiers, all have the same output. It must be
    subtracted exactly: the rest would be a value that only this model gives.
    """
    middle = np.median(outputs, axis=0)
    distance = np.abs(outputs - middle)
    is_shared = (distance <= _ROUNDING * np.maximum(np.abs(middle), 1)).mean(axis=0) >= 0.5
    return np.where(is_shared, middle, outputs.mean(axis=0, dtype=np.float64)).astype(np.float32)
