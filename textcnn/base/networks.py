"""What every estimator that trains networks has, whatever its networks read."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from textcnn.base.out_of_fold import adopt, without_rows
from textcnn.base.saving import SavesToFile
from textcnn.crossfit import read_target, whole_assignment
from textcnn.crossfit.rows import read_sample_weight
from textcnn.fit import parameters
from textcnn.fit.network_jobs import LevelledModel, training_jobs
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.neural.training import fit_models
from textcnn.utils.progress import CallbackSupportMixin, FitProgress, with_callbacks


class NetworkEstimator(SavesToFile, BaseEstimator):
    """Fitted parts of an estimator that trains networks."""

    class_weight = None  # a parameter of the estimators that know classes

    def __sklearn_tags__(self):
        """Say that a target is needed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether ``fit`` has ended."""
        return hasattr(self, "_networks")

    @property
    def history_(self) -> pd.DataFrame:
        """Losses per column, model and epoch: one row each, built on access."""
        check_is_fitted(self)
        return pd.DataFrame(self._history)


class NetworkPredictor(CallbackSupportMixin, NetworkEstimator):
    """Fits one network on all rows; a subclass says how its columns are read.

    It has ``_target_type``, ``_check_settings() -> (settings, TrainingSettings)``,
    ``_read_columns(X, reset)``, which returns columns of a length, and ``_read_network(columns,
    settings, target, entropy) -> (network without models, its rows)``.
    """

    _target_type: str

    @with_callbacks
    def _fit(self, X, y, sample_weight=None):
        """Fit on a copy; only a fit that ended leaves anything on the estimator."""
        settings, training = self._check_settings()
        fitted = copy.copy(self)
        columns = fitted._read_columns(X, reset=True)
        target = read_target(
            y,
            target_type=self._target_type_of(y),
            n_rows=len(columns[0]),
            loss=getattr(self, "loss", "auto"),
            allow_unlabelled=False,
        )
        parameters.check_class_weight(self.class_weight, target)
        entropy = entropy_from(self.random_state)
        assignment = whole_assignment(
            target,
            sample_weight=sample_weight,
            stop_fraction=training.stop_fraction,
            random_state=seed_sequence(entropy, "plan"),
        )
        network, source = self._read_network(columns, settings, target, entropy)
        progress = FitProgress(self, 1, X, y)
        jobs, levels = training_jobs(
            [assignment],
            target,
            training,
            sample_weight=read_sample_weight(sample_weight, len(columns[0])),
            entropy=entropy,
            column=0,
            notes=["the network"],
            progress=[progress.model(0, "network")],
        )
        (model, _) = fit_models(network.blueprint, source, jobs)[0]
        progress.end()
        fitted._networks = [[network.with_models([LevelledModel(model, levels[0])])]]
        label = ", ".join(network.names)
        fitted._history = [{"column": label, "model": "network", **e} for e in model.history]
        fitted._head = without_rows(target)
        if target.classes is not None:
            fitted.classes_ = np.asarray(target.classes)
        adopt(self, fitted)
        return self

    def _target_type_of(self, y) -> str:
        """Return the ``target_type`` with which y is read."""
        return self._target_type

    def _predictions(self, X) -> np.ndarray:
        """Return predictions with the level of the training rows, float64 (n_rows, n_outputs)."""
        check_is_fitted(self)
        columns = self._read_columns(X, reset=False)
        network = self._networks[0][0]
        return self._head.predictions(network.raw_outputs(columns)[0], network.models[0].level)
