"""Fit and transform of an encoder whose fold models are networks, whatever its columns hold."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
from sklearn.utils.validation import check_is_fitted

from textcnn.base.networks import NetworkEstimator
from textcnn.base.out_of_fold import OutOfFoldFeatures
from textcnn.base.training_rows import combine_hashes, warn_if_training_rows
from textcnn.fit import parameters
from textcnn.fit.cross_fit import CrossFitSettings, cross_fit_column, side_by_side
from textcnn.utils.progress import FitProgress, with_callbacks


class NetworkEncoder(OutOfFoldFeatures, NetworkEstimator):
    """An encoder that cross-fits a network per column; a subclass says how columns are read.

    It has ``_check_settings() -> (settings, TrainingSettings)``; ``_read_columns(X, reset)``, which
    returns columns with ``label(number)`` and a length; ``_hash_column(column)``, uint64 per cell,
    0 for an empty one, by which ``groups=<_groups_by_content>`` groups rows;
    ``_reads(columns, settings, target, entropy)``, one function per column as
    :func:`~textcnn.fit.cross_fit.cross_fit_column` takes it; and ``_describe(network)`` for the
    receipt. A network has ``with_models`` and ``raw_outputs``.
    """

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
        outputs = [
            [
                self._head.features(raw, levelled.level)
                for network in networks
                for raw, levelled in zip(network.raw_outputs([column]), network.models, strict=True)
            ]
            for networks, column in zip(self._networks, columns, strict=True)
        ]
        return self._assemble_new(outputs)

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight, time) -> np.ndarray:
        """Fit all models on a copy; only a fit that ended leaves anything on the encoder."""
        column_settings, training = self._check_settings()
        self._check_out_of_fold_settings()
        fitted = copy.copy(self)
        columns = fitted._read_columns(X, reset=True)
        target = self._read_target(y, len(columns[0]), self.target_type, self.loss)
        parameters.check_class_weight(self.class_weight, target)
        column_hashes = [self._hash_column(column) for column in columns]
        hashes = combine_hashes(column_hashes)
        plan, target, entropy = self._plan_fit(
            target,
            hashes,
            groups=groups,
            sample_weight=sample_weight,
            time=time,
            stop_fraction=training.stop_fraction,
        )
        per_fold, notes = self._learning_without_targets(plan)
        settings = CrossFitSettings(
            plan=plan,
            target=target,
            training=training,
            entropy=entropy,
            refit=self._serves_refit(plan),
            per_fold=per_fold,
        )
        reads = self._reads(columns, column_settings, target, entropy)
        if not per_fold:  # every column is read before any model is trained
            reads = [partial(_already_read, read()) for read in reads]
        progress = FitProgress(self, settings.n_models * len(columns), X, y)
        steps = [
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
        fits = side_by_side(steps, n_jobs=self.n_jobs)
        progress.end()
        fitted._networks = [
            [network.with_models(models) for network, models in fit.serving] for fit in fits
        ]
        fitted._history = [line for fit in fits for line in fit.history]
        records = [fit.record for fit in fits]
        self._keep_cross_fit(fitted, records, plan, target, hashes, notes=notes)
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
