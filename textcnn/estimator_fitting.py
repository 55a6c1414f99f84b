"""Fits the fold models of any scikit-learn estimator on one table, and keeps the record.

The counterpart of ``crossfitting`` for estimators that are no networks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from textcnn.crossfit import Assignment, FoldPlan, Target, whole_assignment
from textcnn.crossfit.fold_levels import check_named_folds
from textcnn.crossfit.level import Level
from textcnn.crossfit.report import ColumnRecord
from textcnn.estimator_levels import output_level
from textcnn.estimator_outputs import (
    check_estimator,
    check_weights,
    decision_values,
    raw_outputs,
    seed_estimator,
    target_values,
)
from textcnn.neural.randomness import seed_sequence
from textcnn.workers import spread


@dataclass
class EstimatorSettings:
    """Everything about a cross-fit that is the same for all tables."""

    estimator: Any
    plan: FoldPlan
    target: Target
    entropy: int
    refit: bool
    n_jobs: int | None

    def __post_init__(self):
        """Check the estimator against target and weights, before anything is fitted."""
        self.method = check_estimator(self.estimator, self.target)
        weighted = self.plan.sample_weight is not None
        self.weight_names = check_weights(self.estimator) if weighted else ()

    @property
    def n_models(self) -> int:
        """Models per table."""
        return self.plan.n_models + self.refit


@dataclass
class FoldEstimator:
    """A fitted estimator, its level over its own rows, and the record of what it was handed."""

    estimator: Any
    method: str
    level: Level
    centre: np.ndarray | None = None  # mean decision value of the learning rows
    seconds: float = 0.0
    fed: dict[str, np.ndarray] = field(default_factory=dict)

    def raw_outputs(self, rows, target: Target) -> np.ndarray:
        """Return raw outputs for rows as the estimator reads them."""
        return raw_outputs(self.estimator, self.method, rows, target, self.level, self.centre)


@dataclass
class EstimatorFit:
    """What the cross-fit of one table leaves."""

    outputs: list[np.ndarray]  # per fold model: features of the rows that it predicts
    serving: list[FoldEstimator]
    record: ColumnRecord


@dataclass(frozen=True)
class EstimatorJob:
    """One model that is to be fitted."""

    assignment: Assignment
    seed: np.random.SeedSequence
    note: str  # for error messages
    progress: Any  # who is told, or None


class RecordedRows:
    """The one way from a table's rows to an estimator: whatever is taken is noted."""

    def __init__(self, table):
        self._table = table
        self.taken = {use: np.empty(0, np.int64) for use in ("learn", "stop", "predict")}

    def take(self, rows: np.ndarray, use: str):
        """Return some rows of the table, and note for what they were taken."""
        self.taken[use] = np.concatenate([self.taken[use], rows])
        return _safe_indexing(self._table, rows)


def cross_fit_table(
    name: str,
    number: int,
    table,
    settings: EstimatorSettings,
    progress,
    *,
    words: dict,
    documents: np.ndarray,
) -> EstimatorFit:
    """Fit every model of a table.

    Parameters
    ----------
    name : str
        What the table is called in messages and records.
    number : int
        Its place, which its seeds depend on.
    table : any table whose rows can be taken by number
        All rows, as the estimator reads them.
    settings : EstimatorSettings
    progress : FitProgress
    words : dict
        Counts that the receipt shows.
    documents : ndarray of uint64, shape (n_rows,)
        Hash of each row, 0 for an empty one.

    Returns
    -------
    EstimatorFit
    """
    plan, target = settings.plan, settings.target
    assignments: Sequence[Assignment] = plan.assignments
    labels = [f"fold {fold + 1} of {plan.n_models}" for fold in range(plan.n_models)]
    if settings.refit:
        everything = whole_assignment(
            target, plan, random_state=seed_sequence(settings.entropy, "plan")
        )
        assignments, labels = [*assignments, everything], [*labels, "refit"]
    jobs = [
        EstimatorJob(
            assignment,
            seed_sequence(settings.entropy, "estimator", number, fold),
            note=f"while fitting {name!r}, {label}",
            progress=progress.model(number * settings.n_models + fold, f"{name}, {label}"),
        )
        for fold, (assignment, label) in enumerate(zip(assignments, labels, strict=True))
    ]
    results = spread(_fit_here, [((table, settings), jobs)], n_jobs=settings.n_jobs)[0]
    folds = results[: plan.n_models]
    nothing = np.zeros((1, target.n_outputs))
    models = [model for model, _, _ in folds]
    record = ColumnRecord(
        name=name,
        fed=[model.fed for model in models],
        predictions=[target.predictions(raw, model.level) for model, raw, _ in folds],
        prior=[target.predictions(nothing, prior)[0] for _, _, prior in folds],
        epochs=[0] * plan.n_models,
        updates=[0] * plan.n_models,
        seconds=[model.seconds for model in models],
        words=words,
        documents=documents,
    )
    features = [target.features(raw, model.level) for model, raw, _ in folds]
    check_named_folds(plan, record.predictions, features, target, name)
    return EstimatorFit(
        outputs=features,
        serving=[results[-1][0]] if settings.refit else models,
        record=record,
    )


def _fit_here(shared: tuple[Any, EstimatorSettings], jobs: list[EstimatorJob]) -> list:
    """Fit the jobs one after another."""
    table, settings = shared
    return [_fit_one(table, settings, job) for job in jobs]


def _fit_one(table, settings: EstimatorSettings, job: EstimatorJob):
    """Fit one model; return it, raw outputs for the rows it predicts, its targets' level."""
    started = time.perf_counter()
    assignment, progress = job.assignment, job.progress
    if progress is not None:
        progress.begin()
    rows, target, learn = RecordedRows(table), settings.target, assignment.learn
    weights = settings.plan.sample_weight
    weights = None if weights is None else weights[learn]
    estimator = clone(settings.estimator)
    seed_estimator(estimator, job.seed)
    try:
        keywords = {name: weights for name in settings.weight_names}
        values = target_values(target, learn)
        estimator.fit(rows.take(learn, "learn"), values, **keywords)
        prior = target.level(learn, weights)
        take_learnt = partial(rows.take, learn, "learn")
        level = output_level(
            estimator, settings.method, take_learnt, values, target, prior, weights
        )
        model = FoldEstimator(estimator, settings.method, level)
        if settings.method == "decision_function":
            values = decision_values(estimator, take_learnt(), target)
            model.centre = np.average(values, axis=0, weights=weights)
        raw = np.zeros((0, target.n_outputs))
        if len(assignment.predict):
            raw = model.raw_outputs(rows.take(assignment.predict, "predict"), target)
    except Exception as error:
        error.add_note(job.note)
        raise
    model.fed = {use: np.unique(taken) for use, taken in rows.taken.items()}
    model.seconds = time.perf_counter() - started
    if progress is not None:
        progress.end()
    return model, raw, prior
