"""Fits the fold models and refit models of all columns, for any type of model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textcnn.crossfit import FoldPlan, Target, oof, whole_assignment
from textcnn.crossfit.fold_levels import check_named_folds
from textcnn.crossfit.records import ColumnRecord
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
        return (self.plan.n_models + self.refit) * self.learner.n_networks

    @cached_property
    def labels(self) -> list[str]:
        """Names of the folds of a column, numbered from 0, for reports and errors."""
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
        jobs_of_folds = [
            self._jobs(name, number, fold, assignment, progress)
            for fold, assignment in enumerate(self.plan.assignments)
        ]
        if not self.learner.reads_per_fold(self.plan):
            jobs = [job for fold_jobs in jobs_of_folds for job in fold_jobs]
            return [(self.learner.prepare(column, number, self.task), jobs)]
        groups = []
        for jobs, assignment in zip(jobs_of_folds, self.plan.assignments, strict=True):
            rows = np.union1d(assignment.learn, assignment.stop)
            groups.append((self.learner.prepare(column, number, self.task, rows), jobs))
        return groups

    def _jobs(self, name, number, fold, assignment, progress, fold_models=()) -> list[FoldJob]:
        """Return the jobs of the networks of a fold."""
        first = number * self.n_models + fold * self.learner.n_networks
        return [
            FoldJob(
                assignment,
                column=number,
                number=fold,
                note=f"column {name!r}, {label}",
                progress=progress.model(first + network, f"{name}, {label}"),
                network=network,
                fold_models=fold_models,
            )
            for network, label in enumerate(network_labels(self.labels[fold], self.learner))
        ]

    def _fitted(self, name, groups, results, hashes) -> CrossFittedColumn:
        """Return the results of the fold models of a column."""
        target, n_networks = self.task.target, self.learner.n_networks
        pairs = [pair for group in results for pair in group]
        folds = [
            _FittedFold(*zip(*pairs[first : first + n_networks], strict=True), target)
            for first in range(0, len(pairs), n_networks)
        ]
        features = [fold.features() for fold in folds]
        record = _record(name, folds, groups[0][0].words, hashes)
        check_named_folds(self.plan, record.predictions, features, target, name, hashes)
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
                for label, fold in zip(self.labels, folds, strict=False)  # the last may be a refit
                for line in history_lines(name, label, fold.models)
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
            jobs = self._jobs(
                column.label(number), number, self.plan.n_models, everything, progress, fold_models
            )
            refit_groups.append((prepared, jobs))
        results = self.learner.fit(refit_groups, self.task)
        for fit, (prepared, _), pairs in zip(found, refit_groups, results, strict=True):
            models = [model for model, _ in pairs]
            fit.models = [prepared.models.with_models(models)]
            fit.history += history_lines(fit.record.name, REFIT, models)


@dataclass(frozen=True)
class _FittedFold:
    """The models of one fold: one, or several networks whose outputs are averaged."""

    models: tuple[FoldModel, ...]
    raw: tuple[np.ndarray, ...]  # per model, for the rows that it predicts
    target: Target

    def features(self) -> np.ndarray:
        """Return the mean features of the rows that the models predict, as for new rows."""
        return oof.average(
            [
                self.target.features(raw, model.level)
                for model, raw in zip(self.models, self.raw, strict=True)
            ]
        )

    def predictions(self) -> np.ndarray:
        """Return the predictions of these rows, including the base rate."""
        raw = np.mean(self.raw, axis=0, dtype=np.float64)
        return self.target.predictions(raw, self.models[0].level)

    def prior(self) -> np.ndarray:
        """Return the prediction without any information."""
        model, nothing = self.models[0], np.zeros((1, self.target.n_outputs), self.raw[0].dtype)
        return self.target.predictions(nothing, model.prior or model.level)[0]

    def fed(self) -> dict[str, np.ndarray]:
        """Return the rows that were used for any of the models."""
        records = [model.model.fed for model in self.models]
        if len(records) == 1:
            return records[0]
        return {
            use: np.unique(np.concatenate([record[use] for record in records]))
            for use in records[0]
        }


def network_labels(label: str, learner: Learner) -> list[str]:
    """Return the names of the networks of a fold, for errors and progress."""
    if learner.n_networks == 1:
        return [label]
    return [f"{label}, network {network}" for network in range(learner.n_networks)]


def history_lines(column: str, label: str, models: Sequence[FoldModel]) -> list[dict]:
    """Return one line per epoch of each model of a fold."""
    lines = []
    for network, fold in enumerate(models):
        place = {"column": column, "model": label}
        if len(models) > 1:
            place["network"] = network
        lines += [place | epoch for epoch in fold.model.history]
    return lines


def _record(name, folds: list[_FittedFold], words, hashes) -> ColumnRecord:
    """Return the report's part on one column."""
    return ColumnRecord(
        name=name,
        fed=[fold.fed() for fold in folds],
        predictions=[fold.predictions() for fold in folds],
        prior=[fold.prior() for fold in folds],
        epochs=[max(len(one.model.history) for one in fold.models) for fold in folds],
        updates=[max(one.model.updates for one in fold.models) for fold in folds],
        seconds=[sum(one.model.seconds for one in fold.models) for fold in folds],
        words=words,
        documents=hashes,
    )
