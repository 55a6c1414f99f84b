"""Where a fold plan meets a network: assignments become training jobs, raw outputs become features.

Knows neither text nor images; both kinds of encoder and predictor stand on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.plan import Assignment
from textcnn.crossfit.targets import Level, Target
from textcnn.neural.randomness import integer_seed, seed_sequence
from textcnn.neural.training import FittedModel, TrainingJob

STOP_FRACTION = 0.1
LONGEST_SHARE = 6.0


@dataclass(frozen=True)
class UpdateShare:
    """Updates of ``epochs="auto"`` for a kind of network, where convolutions over words need 1.

    A share that grows with a power of the rows is at least 1 and at most the longest that was
    tried; see benchmarks/schedules.py.
    """

    at_500_rows: float = 1.0
    growth: float = 0.0

    def of(self, n_learn: int) -> float:
        """Return the share for a model that learns from ``n_learn`` rows."""
        if not self.growth:
            return self.at_500_rows
        return min(max(self.at_500_rows * (n_learn / 500) ** self.growth, 1.0), LONGEST_SHARE)


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast each model learns."""

    epochs: int | str = "auto"
    batch_size: int = 64
    learning_rate: float = 3e-3
    early_stopping: bool = False
    class_weight: str | dict | None = None
    label_smoothing: float = 0.0
    share: UpdateShare = UpdateShare()

    @property
    def stop_fraction(self) -> float:
        """Share of a model's training rows that decide when it stops."""
        return STOP_FRACTION if self.early_stopping else 0.0

    def updates(self, n_learn: int, target: Target) -> int:
        """Return the number of optimizer steps for a model that learns from ``n_learn`` rows.

        A fixed number of epochs cannot serve all sizes: short tables need many passes, long ones
        few. "auto" therefore counts updates; see benchmarks/schedules.py for the trials.
        """
        per_epoch = -(-n_learn // self.batch_size)
        if self.epochs != "auto":
            return int(self.epochs) * per_epoch
        return self.automatic_updates(n_learn, target)

    def automatic_updates(self, n_learn: int, target: Target) -> int:
        """Return the number of updates that ``epochs="auto"`` makes."""
        updates = automatic_updates(n_learn, self.batch_size, target)
        per_epoch = -(-n_learn // self.batch_size)
        return max(round(self.share.of(n_learn) * updates), per_epoch)


def automatic_updates(n_learn: int, batch_size: int, target: Target) -> int:
    """Return the number of updates that ``epochs="auto"`` makes with convolutions over words.

    The best number in trials grew with the 0.4th power of the rows and with the square root of the
    classes; one pass over all rows is the least.
    """
    per_epoch = -(-n_learn // batch_size)
    classes = math.sqrt(max(target.n_outputs - 1, 1)) if target.kind == "multiclass" else 1.0
    at_batch_64 = 8.5 * n_learn**0.4 * classes
    return max(round(at_batch_64 * (64 / batch_size) ** 0.6), per_epoch)


@dataclass
class LevelledModel:
    """A fitted model with the level of the targets that it learnt from."""

    model: FittedModel
    level: Level


def training_jobs(
    assignments: Sequence[Assignment],
    target: Target,
    settings: TrainingSettings,
    *,
    sample_weight: np.ndarray | None,
    entropy: int,
    column: int,
    notes: Sequence[str],
    progress: Sequence,
    first_fold: int = 0,
    updates: int | None = None,
) -> tuple[list[TrainingJob], list[Level]]:
    """Turn assignments into jobs; everything that looks at y looks at that model's own rows.

    Parameters
    ----------
    assignments : sequence of Assignment
    target : Target
    settings : TrainingSettings
    sample_weight : ndarray of float, shape (n_rows,), or None
    entropy, column : int
        What the seeds are derived from; the model's number is the third part.
    notes : sequence of str
        What each model is called in an error message.
    progress : sequence
        Who is told of each model's progress, or None.
    first_fold : int, default=0
        Number of the first model.
    updates : int, optional
        Number of updates after which training ends, instead of at the schedule's end.

    Returns
    -------
    jobs : list of TrainingJob
    levels : list of Level
    """
    jobs, levels = [], []
    for fold, assignment in enumerate(assignments):
        number = first_fold + fold
        weights = _weights(assignment.learn, assignment.learn, target, sample_weight, settings)
        level = target.level(assignment.learn, weights)
        schedule = settings.updates(len(assignment.learn), target)
        stop_weights = _weights(assignment.stop, assignment.learn, target, sample_weight, settings)
        jobs.append(
            TrainingJob(
                learn=assignment.learn,
                targets=_smoothed(
                    target.training_values(assignment.learn, level), target, settings
                ),
                weights=(weights / weights.mean()).astype(np.float32),
                offset=level.offset,
                updates=updates or schedule,
                schedule=schedule,
                batch_size=settings.batch_size,
                learning_rate=settings.learning_rate,
                weights_seed=integer_seed(seed_sequence(entropy, "weights", column, number)),
                batches_seed=seed_sequence(entropy, "batches", column, number),
                stop=assignment.stop,
                stop_targets=_stop_targets(target, assignment, level),
                stop_weights=stop_weights.astype(np.float32),
                predict=assignment.predict,
                note=notes[fold],
                progress=progress[fold],
            )
        )
        levels.append(level)
    return jobs, levels


def refit_updates(
    models: Sequence[FittedModel], n_learn: int, settings: TrainingSettings, target: Target
) -> int:
    """Return the number of updates for a model on all rows: the same share of its schedule.

    The share is the median of the fold models' (below 1 where they stopped early). With a number of
    epochs that scales their updates by rows; with "auto" by the 0.4th power of rows: scaled by rows
    there, a model that learns from twice the rows of a fold model (in time order) is too sure.
    """
    shares = [
        model.updates / settings.updates(max(len(model.fed["learn"]), 1), target)
        for model in models
    ]
    return max(1, round(float(np.median(shares)) * settings.updates(n_learn, target)))


def _smoothed(values, target: Target, settings: TrainingSettings) -> np.ndarray:
    """Move classes and labels from 0 and 1 towards even odds; numbers stay."""
    share = settings.label_smoothing
    if not share or target.is_regression:
        return values
    even = 1 / target.n_outputs if target.kind == "multiclass" else 0.5
    return (values * (1 - share) + share * even).astype(np.float32)


def _stop_targets(target, assignment, level) -> np.ndarray | None:
    """Return the targets of the stop rows as training sees them, or None where there are none."""
    return target.training_values(assignment.stop, level) if len(assignment.stop) else None


def _weights(rows, learn, target, sample_weight, settings) -> np.ndarray:
    """Return the weights of some rows; class weights come from the learning rows alone."""
    weights = np.ones(len(rows)) if sample_weight is None else sample_weight[rows].astype(float)
    if settings.class_weight is None or len(rows) == 0:
        return weights
    codes = target.codes()
    chosen = settings.class_weight
    if isinstance(chosen, dict):
        chosen = {int(np.flatnonzero(target.classes == name)[0]): w for name, w in chosen.items()}
        factors = np.array([chosen.get(code, 1.0) for code in range(len(target.classes))])
        return weights * factors[codes[rows]]
    learn_weights = np.ones(len(learn)) if sample_weight is None else sample_weight[learn]
    totals = np.bincount(codes[learn], learn_weights, minlength=len(target.classes))
    present = totals > 0
    factors = np.ones(len(totals))
    factors[present] = totals.sum() / (present.sum() * totals[present])
    return weights * factors[codes[rows]]
