"""Classifiers and regressors: one network fitted on all rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from textcnn.base.pairing import check_for_target, warn_of_another_order
from textcnn.base.saving import save
from textcnn.base.state import INPUT_FIELDS, read_input, set_fitted
from textcnn.crossfit import Target, read_target, whole_assignment
from textcnn.crossfit.rows import read_sample_weight
from textcnn.crossfit.values import has_columns
from textcnn.fit.cross_fit import history_lines, network_labels
from textcnn.fit.learner import Learner
from textcnn.fit.models import FoldJob, Task
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.utils.progress import CallbackSupportMixin, FitProgress, with_callbacks


class NetworkPredictor(CallbackSupportMixin, BaseEstimator, ABC):
    """Fits one network on all rows; a subclass defines how X is read, as for encoders.

    Its learner also has ``prepare_together(columns, task)``, for a network with a branch per
    column.
    """

    _read_columns: Callable
    _target_types: tuple[str, str]  # of one column of targets, and of several
    _fitted_fields = INPUT_FIELDS | {
        "_head": Target,
        "_history": list[dict],
        "_model_sets": "model sets",
        "classes_": np.ndarray | list | None,
    }

    save = save

    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : list, array, Series or DataFrame of n_rows rows
            Columns that this estimator reads.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            For a classifier, classes (numbers, strings or booleans, at least two), or several
            columns of labels 0 and 1. For a regressor, numbers.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row; rows of weight 0 are ignored.

        Returns
        -------
        self
            The fitted estimator.
        """
        self._fit(X, y, sample_weight)
        return self

    def predict(self, X):
        """Return the predicted class, labels or numbers of each row.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The same columns as at fit.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            Classes as in y; labels as 0 and 1; numbers in the units of y, float64.
        """
        predictions = self._predictions(X)
        return self._head.decode(predictions)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the estimator is fitted."""
        return hasattr(self, "_model_sets")

    def __sklearn_tags__(self):
        """Require a target."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    @abstractmethod
    def _learner(self) -> Learner:
        """Check every parameter; return the learner that fits the network."""

    @with_callbacks
    def _fit(self, X, y, sample_weight) -> None:
        """Read all input and fit; attributes are set only after a successful fit."""
        learner = self._learner()
        warn_of_another_order(X, y=y, sample_weight=sample_weight)
        columns, inputs = read_input(self, X)
        n_rows = len(columns[0])
        target = read_target(
            y,
            target_type=self._target_types[has_columns(y)],
            n_rows=n_rows,
            loss=learner.loss,
            allow_unlabelled=False,
        )
        check_for_target(columns, target)
        entropy = entropy_from(self.random_state)
        task = Task(target, entropy, read_sample_weight(sample_weight, n_rows))
        learner.check(task)
        assignment = whole_assignment(
            target,
            sample_weight=sample_weight,
            stop_fraction=learner.stop_fraction,
            random_state=seed_sequence(entropy, "plan"),
        )
        prepared = learner.prepare_together(columns, task)
        progress = FitProgress(self, learner.n_networks, X, y)
        jobs = [
            FoldJob(assignment, 0, 0, f"the {label}", progress.model(number, label), number)
            for number, label in enumerate(network_labels("network", learner))
        ]
        [fitted_pairs] = learner.fit([(prepared, jobs)], task)
        models = [model for model, _ in fitted_pairs]
        progress.end()
        fitted = {
            "_head": target.without_rows(),
            "_history": history_lines(", ".join(prepared.models.names), "network", models),
            "_model_sets": [[prepared.models.with_models(models)]],
        }
        if target.classes is not None:
            fitted["classes_"] = np.asarray(target.classes)
        set_fitted(self, inputs | fitted)

    def _predictions(self, X) -> np.ndarray:
        """Return predictions including the base rate, float64 (n_rows, n_outputs)."""
        check_is_fitted(self)
        [[network]] = self._model_sets
        outputs = network.raw_outputs(self._read_columns(self, X, reset=False))
        raw = np.mean(outputs, axis=0, dtype=np.float64)
        return self._head.predictions(raw, network.models[0].level)


class NetworkClassifier(ClassifierMixin, NetworkPredictor):
    """A network that predicts classes, or labels of 0 and 1."""

    _target_types = ("classes", "multilabel")

    def predict_proba(self, X):
        """Return the probability of each class, or of each label.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The same columns as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
            Columns in the order of ``classes_``.
        """
        predictions = self._predictions(X)
        return self._head.probabilities(predictions)

    @property
    def level_(self):
        """Mean logits of new rows, float32 (n_outputs,), without the influence of their texts."""
        [[network]] = self._model_sets
        mean = np.mean([fold.level.neutral for fold in network.models], axis=0)
        logits = network.models[0].level.offset + mean
        return logits - logits.mean() if self._head.kind == "multiclass" else logits

    def __sklearn_tags__(self):
        """Declare that y may be labels, and that scores on random numbers are poor."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True
        return tags


class NetworkRegressor(RegressorMixin, NetworkPredictor):
    """A network that predicts numbers."""

    _target_types = ("continuous", "multioutput")

    def __sklearn_tags__(self):
        """Declare that y may have several columns, and that scores on random numbers are poor."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags
