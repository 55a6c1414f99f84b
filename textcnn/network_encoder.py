"""Fit and transform of an encoder whose fold models are networks, whatever its columns hold."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from textcnn import parameters
from textcnn.crossfit import make_fold_plan, oof, read_target
from textcnn.crossfit.report import CrossFitReport
from textcnn.crossfitting import CrossFitSettings, cross_fit_column
from textcnn.fitting import without_rows
from textcnn.network_estimator import NetworkEstimator
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.out_of_fold import OutOfFoldFeatures
from textcnn.progress import FitProgress, with_callbacks
from textcnn.training_rows import combine_hashes, group_hashes, warn_if_training_rows

ENSEMBLES = ("auto", "mean", "refit")


class NetworkEncoder(OutOfFoldFeatures, NetworkEstimator):
    """An encoder that cross-fits a network per column; a subclass says how columns are read.

    It has ``_check_settings() -> (settings, TrainingSettings)``; ``_read_columns(X, reset)``, which
    returns columns with ``label(number)`` and a length; ``_hash_column(column)``, uint64 per cell,
    0 for an empty one, by which ``groups=<_groups_by_content>`` groups rows;
    ``_reads(columns, settings, target, entropy)``, one function per column as
    :func:`~textcnn.crossfitting.cross_fit_column` takes it; and ``_describe(network)`` for the
    receipt. A network has ``with_models`` and ``raw_outputs``.
    """

    _groups_by_content: str

    def transform(self, X):
        """Return the features of new rows: the mean of the fold models, or the refit model's.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The same columns as at fit.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``

        Warns
        -----
        InSampleWarning
            If 100 rows or more are given and nine in ten of them are training rows.
        """
        check_is_fitted(self)
        columns = self._read_columns(X, reset=False)
        hashes = combine_hashes([self._hash_column(column) for column in columns])
        warn_if_training_rows(hashes, self._row_hashes, type(self).__name__)
        blocks = []
        for networks, column in zip(self._networks, columns, strict=True):
            outputs = [
                self._head.features(raw, levelled.level)
                for network in networks
                for raw, levelled in zip(network.raw_outputs([column]), network.models, strict=True)
            ]
            blocks.append(oof.average(outputs))
            if self.add_spread:
                blocks.append(np.std(outputs, axis=0, dtype=np.float64).astype(np.float32))
        if self.add_indicator:
            blocks.append(np.zeros((len(columns[0]), 1), np.float32))
        return np.hstack(blocks)

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight, time) -> np.ndarray:
        """Fit all models on a copy; only a fit that ended leaves anything on the encoder."""
        column_settings, training = self._check_settings()
        parameters.one_of(self, "ensemble", ENSEMBLES)
        parameters.yes_or_no(self, "add_spread", "add_indicator")
        fitted = copy.copy(self)
        columns = fitted._read_columns(X, reset=True)
        target = read_target(
            y,
            target_type=self.target_type,
            n_rows=len(columns[0]),
            loss=self.loss,
            output=self.output,
        )
        parameters.check_class_weight(self.class_weight, target)
        column_hashes = [self._hash_column(column) for column in columns]
        hashes = combine_hashes(column_hashes)
        if isinstance(groups, str) and groups == self._groups_by_content:
            groups = group_hashes(hashes)
        entropy = entropy_from(self.random_state)
        plan = make_fold_plan(
            self.cv,
            target,
            groups=groups,
            sample_weight=sample_weight,
            time=time,
            stop_fraction=training.stop_fraction,
            uncovered=self.uncovered,
            unlabelled=self.unlabelled,
            missing_class=self.missing_class,
            random_state=seed_sequence(entropy, "plan"),
        )
        if plan.dropped_classes:
            target = target.without_classes(plan.dropped_classes)
        CrossFitReport([], plan, target, scoring=self.scoring)  # refuses an unknown scorer now
        per_fold, notes = self._learning_without_targets(plan)
        settings = CrossFitSettings(
            plan=plan,
            target=target,
            training=training,
            entropy=entropy,
            refit=self.ensemble == "refit" or (self.ensemble == "auto" and plan.ordered),
            per_fold=per_fold,
            n_jobs=self.n_jobs,
        )
        reads = self._reads(columns, column_settings, target, entropy)
        if not per_fold:  # every column is read before any model is trained
            reads = [partial(_already_read, read()) for read in reads]
        progress = FitProgress(self, settings.n_models * len(columns), X, y)
        fits = [
            cross_fit_column(
                column.label(number),
                number,
                reads[number],
                settings,
                progress,
                words=self._describe,
                documents=column_hashes[number],
            )
            for number, column in enumerate(columns)
        ]
        progress.end()
        fitted._networks = [
            [network.with_models(models) for network, models in fit.serving] for fit in fits
        ]
        fitted._history = [line for fit in fits for line in fit.history]
        fitted._records = [fit.record for fit in fits]
        fitted._notes = notes
        fitted._plan, fitted._target, fitted._head = plan, target, without_rows(target)
        fitted._row_hashes = hashes
        fitted.target_type_ = target.kind
        fitted.classes_ = target.classes
        self._adopt(fitted)
        return self._assemble([fit.outputs for fit in fits])

    def _learning_without_targets(self, plan) -> tuple[bool, tuple[str, ...]]:
        """Tell whether each fold reads its columns by itself, and what the receipt notes of it."""
        return False, ()

    def _describe(self, network) -> dict:
        """Return the counts that the receipt shows of a column."""
        return {}


def _already_read(reading, rows=None):
    """Return a column that was read before; all folds share it."""
    return reading
