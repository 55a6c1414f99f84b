"""Fits scikit-learn estimators for jobs, and predicts with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from textcnn.crossfit import FoldPlan, Target
from textcnn.crossfit.row_hashes import columns_of, hash_table
from textcnn.fit.estimator_levels import equal_weights, output_level
from textcnn.fit.estimator_outputs import (
    check_estimator,
    check_weights,
    decision_values,
    raw_outputs,
    seed_estimator,
    target_values,
)
from textcnn.fit.models import FittedEstimator, FoldJob, FoldModel, Prepared, Task
from textcnn.neural.randomness import seed_sequence
from textcnn.utils.workers import spread


@dataclass(frozen=True, eq=False)
class WholeTable:
    """All columns of X as one table, which an estimator reads."""

    X: Any
    name: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.X.shape[0] if hasattr(self.X, "shape") else len(self.X)

    def take(self, rows: np.ndarray) -> WholeTable:
        """Return some rows as a table."""
        return replace(self, X=_safe_indexing(self.X, rows))

    def label(self, number: int) -> str:
        """Return the name for messages and the report; ``number`` is ignored."""
        return self.name

    def named_cells(self, number: int) -> Iterator[tuple[str, Any]]:
        """Yield name and cells of each column of the table."""
        if issparse(self.X):
            return
        names = getattr(self.X, "columns", None)
        names = names if hasattr(self.X, "iloc") or hasattr(self.X, "get_columns") else None
        for place, cells in enumerate(columns_of(self.X)):
            yield f"x{place}" if names is None else str(names[place]), cells


@dataclass
class EstimatorModels:
    """Fitted estimators, and the fitted step that they share."""

    head: Target  # without the rows' values
    shared: Any = None  # a fitted transformer, or None
    models: list[FoldModel] = field(default_factory=list)

    needs_backend: ClassVar[bool] = False

    def with_models(self, models: list[FoldModel]) -> EstimatorModels:
        """Return the same with fitted models in it."""
        return replace(self, models=models)

    def raw_outputs(self, columns: Sequence[WholeTable]) -> list[np.ndarray]:
        """Return each model's raw outputs for new rows."""
        X = columns[0].X
        table = X if self.shared is None else rows_by_number(self.shared.transform(X))
        return [outputs_of(fold, table, self.head) for fold in self.models]


@dataclass(frozen=True)
class EstimatorLearner:
    """Fits clones of one estimator on the whole table."""

    estimator: Any
    shared: Any = None

    loss = "auto"
    stop_fraction = 0.0
    fits_columns_together = False
    n_networks = 1

    def check(self, task: Task) -> None:
        """Refuse an estimator that does not match the target or the weights."""
        check_estimator(self.estimator, task.target)
        if task.sample_weight is not None:
            check_weights(self.estimator)

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Return False: ``shared``, which is fitted without targets, is fitted on all rows."""
        return False

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return an empty note."""
        return ()

    def prepare(self, column: WholeTable, number: int, task: Task, rows=None) -> Prepared:
        """Fit the shared step on all rows."""
        shared, table = None, column.X
        if self.shared is not None:
            shared = clone(self.shared)
            table = rows_by_number(shared.fit_transform(table))
        models = EstimatorModels(task.target.without_rows(), shared)
        return Prepared(models, (self.estimator, table), {})

    def fit(self, groups, task: Task) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit a clone of the estimator per job."""
        return fit_estimators(groups, task)


def hash_whole_table(column: WholeTable) -> np.ndarray:
    """Return a 64-bit hash per row, uint64 of shape (n_rows,)."""
    return hash_table(column.X)


def rows_by_number(table):
    """Return a table in a format that can be indexed by row."""
    return table.tocsr() if issparse(table) else table


class RecordedRows:
    """Selects rows of a table for an estimator and records them."""

    def __init__(self, table):
        self._table = table
        self.taken = {use: np.empty(0, np.int64) for use in ("learn", "stop", "predict")}

    def take(self, rows: np.ndarray, use: str):
        """Return some rows of the table, and record their use."""
        self.taken[use] = np.concatenate([self.taken[use], rows])
        return _safe_indexing(self._table, rows)


def outputs_of(fold: FoldModel, table, target: Target) -> np.ndarray:
    """Return raw outputs of a fitted estimator for rows as it reads them."""
    fitted = fold.model
    return raw_outputs(fitted.estimator, fitted.method, table, target, fold.level, fitted.centre)


def fit_estimators(
    groups: Sequence[tuple[Prepared, Sequence[FoldJob]]], task: Task
) -> list[list[tuple[FoldModel, np.ndarray]]]:
    """Fit a clone of a group's estimator per job, spread over joblib's workers."""
    shared = [((*prepared.data, task), jobs) for prepared, jobs in groups]
    return spread(_fit_here, shared, n_jobs=task.n_jobs)


def _fit_here(shared: tuple[Any, Any, Task], jobs: list[FoldJob]) -> list:
    """Fit the jobs one after another."""
    estimator, table, task = shared
    method = check_estimator(estimator, task.target)
    weighted = task.sample_weight is not None
    weight_names = check_weights(estimator) if weighted else ()
    return [_fit_one(estimator, method, weight_names, table, task, job) for job in jobs]


def _fit_one(estimator, method, weight_names, table, task: Task, job: FoldJob):
    """Fit one model; return it with its raw outputs for the rows that it predicts."""
    started = time.perf_counter()
    assignment, progress = job.assignment, job.progress
    if progress is not None:
        progress.begin()
    rows, target, learn = RecordedRows(table), task.target, assignment.learn
    weights = None if task.sample_weight is None else task.sample_weight[learn]
    estimator = clone(estimator)
    seed_estimator(estimator, seed_sequence(task.entropy, "estimator", job.column, job.number))
    try:
        keywords = dict.fromkeys(weight_names, weights)
        values = target_values(target, learn)
        estimator.fit(rows.take(learn, "learn"), values, **keywords)
        fitted = FittedEstimator(estimator, method)
        prior = target.level(learn, weights)
        take_learnt = partial(rows.take, learn, "learn")
        level = output_level(estimator, method, take_learnt, values, target, prior, weights)
        fold = FoldModel(fitted, level, prior)
        if method == "decision_function":
            values = decision_values(estimator, take_learnt(), target)
            fitted.centre = np.average(values, axis=0, weights=equal_weights(weights))
        raw = np.zeros((0, target.n_outputs))
        if len(assignment.predict):
            raw = outputs_of(fold, rows.take(assignment.predict, "predict"), target)
    except Exception as error:
        error.add_note(f"while fitting {job.note}")
        raise
    fitted.fed = {use: np.unique(taken) for use, taken in rows.taken.items()}
    fitted.seconds = time.perf_counter() - started
    if progress is not None:
        progress.end()
    return fold, raw
