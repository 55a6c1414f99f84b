"""Trains networks for jobs: number of updates, targets and weights.

Used by the learners of both text and images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from textcnn.crossfit import Target
from textcnn.crossfit.level import Level
from textcnn.fit.models import FoldJob, FoldModel, Prepared, Task
from textcnn.neural.jobs import FittedModel, TrainingJob
from textcnn.neural.randomness import integer_seed, seed_sequence
from textcnn.neural.training import fit_groups

STOP_FRACTION = 0.1
# Of text networks; see benchmarks/defaults.py.
AUTOMATIC_SMOOTHING = 0.05


@dataclass(frozen=True)
class UpdateShare:
    """Updates of ``epochs="auto"`` for a type of network, relative to ``automatic_updates``.

    It is the same up to a number of training rows, and grows with a power of more rows up to a
    largest share; see benchmarks/schedules.py.
    """

    least: float = 1.0
    up_to_rows: float = 500.0
    growth: float = 0.0
    most: float = 6.0

    def of(self, n_learn: int) -> float:
        """Return the share for a model with ``n_learn`` training rows."""
        growth = max(n_learn / self.up_to_rows, 1.0) ** self.growth
        return min(self.least * growth, self.most)


@dataclass(frozen=True)
class TrainingSettings:
    """Number of updates and learning rate of each model."""

    epochs: int | str = "auto"
    batch_size: int = 64
    learning_rate: float = 3e-3
    early_stopping: bool = False
    class_weight: str | dict | None = None
    label_smoothing: float | str = 0.0
    share: UpdateShare = UpdateShare()

    @property
    def stop_fraction(self) -> float:
        """Share of a model's training rows that are validation rows."""
        return STOP_FRACTION if self.early_stopping else 0.0

    def smoothing(self, target: Target) -> float:
        """Return the share of label smoothing for a target."""
        if target.is_regression:
            return 0.0
        return AUTOMATIC_SMOOTHING if self.label_smoothing == "auto" else self.label_smoothing

    def updates(self, n_learn: int, target: Target) -> int:
        """Return the number of optimizer steps for a model with ``n_learn`` training rows.

        No number of epochs suits all sizes: small tables need many epochs, large ones few.
        Therefore "auto" counts updates; see benchmarks/schedules.py for the trials.
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
    """Return the number of updates to which those of ``epochs="auto"`` are relative.

    The best number in trials grew with the 0.4th power of the rows and with the square root of the
    classes; the minimum is one epoch.
    """
    per_epoch = -(-n_learn // batch_size)
    classes = math.sqrt(max(target.n_outputs - 1, 1)) if target.kind == "multiclass" else 1.0
    at_batch_64 = 8.5 * n_learn**0.4 * classes
    return max(round(at_batch_64 * (64 / batch_size) ** 0.6), per_epoch)


def fit_networks(
    groups: Sequence[tuple[Prepared, Sequence[FoldJob]]], training: TrainingSettings, task: Task
) -> list[list[tuple[FoldModel, np.ndarray]]]:
    """Fit a network per job; return it with its raw outputs for the rows that it predicts."""
    levels, network_groups = [], []
    for prepared, jobs in groups:
        pairs = [training_job(job, training, task) for job in jobs]
        levels.append([level for _, level in pairs])
        network_groups.append((prepared.data, [job for job, _ in pairs]))
    fitted = fit_groups(network_groups, n_jobs=task.n_jobs)
    return [
        [
            (with_mean_output(model, level), raw)
            for (model, raw), level in zip(results, group_levels, strict=True)
        ]
        for results, group_levels in zip(fitted, levels, strict=True)
    ]


def with_mean_output(model: FittedModel, level: Level) -> FoldModel:
    """Return a fitted model with its level, which has its mean output from now on."""
    level, model.mean_output = replace(level, mean_output=model.mean_output), None
    return FoldModel(model, level)


def training_job(job: FoldJob, training: TrainingSettings, task: Task) -> tuple[TrainingJob, Level]:
    """Convert a job to arrays; all that depends on y uses only the training rows of the model."""
    assignment, target = job.assignment, task.target
    learn, stop = assignment.learn, assignment.stop
    weights = _weights(learn, learn, task, training)
    level = target.level(learn, weights)
    schedule = training.updates(len(learn), target)
    updates = schedule
    if job.fold_models:
        models = [fold.model for fold in job.fold_models]
        updates = refit_updates(models, len(learn), training, target)
    place = (job.column, job.number, job.network)
    return TrainingJob(
        learn=learn,
        targets=_smoothed(target.training_values(learn, level), target, level, training),
        weights=(weights / weights.mean()).astype(np.float32),
        offset=level.offset,
        updates=updates,
        schedule=schedule,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        weights_seed=integer_seed(seed_sequence(task.entropy, "weights", *place)),
        batches_seed=seed_sequence(task.entropy, "batches", *place),
        stop=stop,
        stop_targets=target.training_values(stop, level) if len(stop) else None,
        stop_weights=_weights(stop, learn, task, training).astype(np.float32)
        if len(stop)
        else None,
        predict=assignment.predict,
        mean_seed=seed_sequence(task.entropy, "mean_output", *place),
        note=job.note,
        progress=job.progress,
    ), level


def refit_updates(
    models: Sequence[FittedModel], n_learn: int, settings: TrainingSettings, target: Target
) -> int:
    """Return the number of updates for a model on all rows: the same share of its schedule.

    The share is the median of the fold models' (below 1 where they stopped early). With a number of
    epochs that scales their updates by rows; with "auto" by the 0.4th power of rows: scaled by rows
    there, a model with twice the training rows of a fold model (in time order) is overconfident.
    """
    shares = [
        model.updates / settings.updates(max(len(model.fed["learn"]), 1), target)
        for model in models
    ]
    return max(1, round(float(np.median(shares)) * settings.updates(n_learn, target)))


def _smoothed(values, target: Target, level: Level, settings: TrainingSettings) -> np.ndarray:
    """Move classes and labels from 0 and 1 towards the base rate; numbers do not change.

    Not towards even odds, which would be a raw output other than zero for a text without
    information.
    """
    share = settings.smoothing(target)
    if not share:
        return values
    nothing = np.zeros((1, target.n_outputs), np.float32)
    return (values * (1 - share) + share * target.predictions(nothing, level)).astype(np.float32)


def _weights(rows, learn, task: Task, settings: TrainingSettings) -> np.ndarray:
    """Return the weights of some rows; class weights are computed from the training rows."""
    target, sample_weight = task.target, task.sample_weight
    weights = np.ones(len(rows)) if sample_weight is None else sample_weight[rows].astype(float)
    if settings.class_weight is None:
        return weights
    codes = target.codes()
    chosen = settings.class_weight
    if isinstance(chosen, dict):
        factors = np.array([chosen.get(name, 1.0) for name in target.classes])
        return weights * factors[codes[rows]]
    learn_weights = np.ones(len(learn)) if sample_weight is None else sample_weight[learn]
    totals = np.bincount(codes[learn], learn_weights, minlength=len(target.classes))
    present = totals > 0
    factors = np.ones(len(totals))
    factors[present] = totals.sum() / (present.sum() * totals[present])
    return weights * factors[codes[rows]]
