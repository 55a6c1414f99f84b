"""Fits the fold models and refit models of all columns, for any type of model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textcnn.crossfit import FoldPlan, Target, whole_assignment
from textcnn.crossfit.fold_levels import check_named_folds
from textcnn.crossfit.report import ColumnRecord
from textcnn.fit.learner import Learner
from textcnn.fit.models import FoldJob, FoldModel, ModelSet, Prepared, Task
from textcnn.neural.randomness import seed_sequence

REFIT = "refit"


@dataclass
class CrossFittedColumn:
    """Results of the cross-fit of one column."""

    features: list[np.ndarray]  # per fold model: features of the rows that it predicts
    models: list[ModelSet]  # for new rows
    history: list[dict]
    record: ColumnRecord
    fold_models: list[ModelSet]


@dataclass(frozen=True)
class CrossFit:
    """A fold plan, the target and the learner: the same for all columns."""

    learner: Learner
    plan: FoldPlan
    task: Task
    refit: bool  # whether one more model, fitted on all rows, predicts new ones

    @cached_property
    def n_models(self) -> int:
        """Number of models per column."""
        return self.plan.n_models + self.refit

    @cached_property
    def labels(self) -> list[str]:
        """Names of the models of a column, numbered from 0, for reports and errors."""
        return [f"fold {fold}" for fold in range(self.plan.n_models)] + [REFIT] * self.refit

    def run(self, columns: Sequence, hashes: Sequence[np.ndarray], progress):
        """Fit every model of every column.

        Parameters
        ----------
        columns : sequence
            As the learner prepares them, with ``label(number)``.
        hashes : sequence of ndarray of uint64, shape (n_rows,)
            Hash of each cell, 0 for an empty one, equal for cells that models read as equal; for
            the report.
        progress : FitProgress

        Returns
        -------
        list of CrossFittedColumn
        """
        numbered = list(enumerate(columns))
        if self.learner.fits_columns_together:
            return self._fit(numbered, hashes, progress)
        return [fit for pair in numbered for fit in self._fit([pair], hashes, progress)]

    def _fit(self, columns, hashes, progress) -> list[CrossFittedColumn]:
        """Fit the fold models of some columns in parallel, then their refit models."""
        groups = [self._fold_groups(column, number, progress) for number, column in columns]
        flat = self.learner.fit(
            [group for fold_groups in groups for group in fold_groups], self.task
        )
        found, start = [], 0
        for (number, column), fold_groups in zip(columns, groups, strict=True):
            results = flat[start : start + len(fold_groups)]
            start += len(fold_groups)
            found.append(self._fitted(column.label(number), fold_groups, results, hashes[number]))
        if self.refit:
            self._refit(columns, groups, found, progress)
        return found

    def _fold_groups(self, column, number: int, progress) -> list[tuple[Prepared, list[FoldJob]]]:
        """Return the jobs of a column's fold models, with the data that a group of jobs shares."""
        name = column.label(number)
        jobs = [
            self._job(name, number, fold, assignment, progress)
            for fold, assignment in enumerate(self.plan.assignments)
        ]
        if not self.learner.reads_per_fold(self.plan):
            return [(self.learner.prepare(column, number, self.task), jobs)]
        groups = []
        for job in jobs:
            rows = np.union1d(job.assignment.learn, job.assignment.stop)
            groups.append((self.learner.prepare(column, number, self.task, rows), [job]))
        return groups

    def _job(self, name, number, fold, assignment, progress, fold_models=()) -> FoldJob:
        label = self.labels[fold]
        return FoldJob(
            assignment,
            column=number,
            number=fold,
            note=f"column {name!r}, {label}",
            progress=progress.model(number * self.n_models + fold, f"{name}, {label}"),
            fold_models=fold_models,
        )

    def _fitted(self, name, groups, results, hashes) -> CrossFittedColumn:
        """Return the results of the fold models of a column."""
        target = self.task.target
        pairs = [pair for group in results for pair in group]
        models, raw = [model for model, _ in pairs], [output for _, output in pairs]
        features = [
            target.features(output, fold.level) for output, fold in zip(raw, models, strict=True)
        ]
        record = _record(name, models, raw, target, groups[0][0].words, hashes)
        check_named_folds(self.plan, record.predictions, features, target, name)
        fold_models = [
            prepared.models.with_models([model for model, _ in group])
            for (prepared, _), group in zip(groups, results, strict=True)
        ]
        return CrossFittedColumn(
            features=features,
            models=fold_models,
            fold_models=fold_models,
            history=[
                line
                for fold, fitted in enumerate(models)
                for line in history_lines(name, self.labels[fold], fitted)
            ],
            record=record,
        )

    def _refit(self, columns, groups, found: list[CrossFittedColumn], progress) -> None:
        """Replace the fold models of each column by one model fitted on all rows."""
        everything = whole_assignment(
            self.task.target, self.plan, random_state=seed_sequence(self.task.entropy, "plan")
        )
        refit_groups = []
        for (number, column), fold_groups, fit in zip(columns, groups, found, strict=True):
            prepared = fold_groups[0][0]
            if self.learner.reads_per_fold(self.plan):
                prepared = self.learner.prepare(column, number, self.task, everything.learn)
            fold_models = [model for models in fit.models for model in models.models]
            job = self._job(
                column.label(number), number, self.plan.n_models, everything, progress, fold_models
            )
            refit_groups.append((prepared, [job]))
        results = self.learner.fit(refit_groups, self.task)
        for fit, (prepared, _), [(model, _)] in zip(found, refit_groups, results, strict=True):
            fit.models = [prepared.models.with_models([model])]
            fit.history += history_lines(fit.record.name, REFIT, model)


def history_lines(column: str, label: str, fitted: FoldModel) -> list[dict]:
    """Return one line per epoch of a model."""
    return [{"column": column, "model": label, **epoch} for epoch in fitted.model.history]


def _record(name, models, raw, target: Target, words, hashes) -> ColumnRecord:
    """Return the report's part on one column."""
    nothing = np.zeros((1, target.n_outputs), raw[0].dtype)
    return ColumnRecord(
        name=name,
        fed=[fold.model.fed for fold in models],
        predictions=[
            target.predictions(output, fold.level) for output, fold in zip(raw, models, strict=True)
        ],
        prior=[target.predictions(nothing, fold.prior or fold.level)[0] for fold in models],
        epochs=[len(fold.model.history) for fold in models],
        updates=[fold.model.updates for fold in models],
        seconds=[fold.model.seconds for fold in models],
        words=words,
        documents=hashes,
    )
