"""Score existing predictions, fold by fold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    r2_score,
    roc_auc_score,
)

from textcnn.crossfit.messages import listed
from textcnn.crossfit.targets import Target

_METRICS = {
    "binary": ("roc_auc",),
    "multiclass": ("accuracy", "neg_log_loss"),
    "multilabel": ("roc_auc",),
    "continuous": ("r2",),
    "multioutput": ("r2",),
}
_WITHOUT_SCORE = (np.nan, "no row with a target and a weight above zero")


class Scoring:
    """The metrics for predictions of a target.

    Parameters
    ----------
    target : Target
    scoring : None, str or sequence of str, default=None
        Names of scikit-learn scorers. None chooses by the target: ROC AUC for binary, accuracy and
        negative log-loss for multiclass, mean ROC AUC over labels for multilabel, R² for
        regression.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights of the table's rows; rows of weight 0 are not scored.

    Attributes
    ----------
    metrics : tuple of str
    is_scored : ndarray of shape (n_rows,), bool
        Rows with a target and a weight above zero; no other row is scored.

    Raises
    ------
    ValueError
        If a name is unknown, or the scorer does not support the target or weights. Create it before
        training, to detect errors early.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.crossfit.scoring import Scoring
    >>> from textcnn.crossfit.target_reading import read_target
    >>> scoring = Scoring(read_target(["no", "yes", "no", "yes"], n_rows=4))
    >>> scoring.metrics
    ('roc_auc',)
    >>> predictions = np.array([[0.1], [0.9], [0.2], [0.3]])
    >>> scoring.score("roc_auc", np.arange(4), predictions)
    (1.0, None)
    """

    def __init__(
        self,
        target: Target,
        scoring: str | Sequence[str] | None = None,
        sample_weight: np.ndarray | None = None,
    ):
        self.target = target
        self.sample_weight = sample_weight
        self.is_scored = target.labelled
        if sample_weight is not None:
            self.is_scored = target.labelled & (sample_weight > 0)
        self.is_default = scoring is None
        if scoring is None:
            self.metrics = _METRICS[target.kind]
        else:
            self.metrics = (scoring,) if isinstance(scoring, str) else tuple(scoring)
            for name in self.metrics:
                self._check(name)

    def score(
        self, metric: str, rows: np.ndarray, predictions: np.ndarray
    ) -> tuple[float, str | None]:
        """Return the score of predictions of some rows, and the reason if it is NaN.

        Parameters
        ----------
        metric : str
            One of ``metrics``.
        rows : ndarray of int64
            Row numbers of the table; those without target or weight are ignored.
        predictions : ndarray of shape (len(rows), n_outputs)
            As ``Target.predictions`` returns them, in the order of ``rows``.
        """
        counts = self.is_scored[rows]
        rows, predictions = rows[counts], predictions[counts]
        if not len(rows):
            return _WITHOUT_SCORE
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        if self.is_default:
            values = self.target.values[rows]
            return _DEFAULTS[metric](self.target, values, predictions, weights)
        try:
            return self._by_scorer(metric, rows, predictions, weights), None
        except ValueError as error:
            # The scorer worked on the whole table, so it cannot score this fold only.
            return np.nan, str(error)

    def _by_scorer(self, name, rows, predictions, weights) -> float:
        """Call a scikit-learn scorer, which needs an estimator."""
        holder = _Numbers if self.target.is_regression else _Classes
        options = {} if weights is None else {"sample_weight": weights}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            return float(
                get_scorer(name)(
                    holder(self.target, predictions),
                    np.arange(len(rows)),
                    self.target.splitter_values(rows),
                    **options,
                )
            )

    def _check(self, name) -> None:
        """Test a scorer with predictions of the base rate of the whole table."""
        if not isinstance(name, str) or name not in get_scorer_names():
            raise ValueError(
                "scoring must be the name of a scikit-learn scorer, or several of them; "
                "sklearn.metrics.get_scorer_names() lists them. "
                f"Received: scoring={name!r}."
            )
        rows = np.flatnonzero(self.is_scored)
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        level = self.target.level(rows, weights)
        prior = self.target.predictions(np.zeros((len(rows), self.target.n_outputs)), level)
        try:
            self._by_scorer(name, rows, prior, weights)
        except (TypeError, ValueError, AttributeError) as error:
            weighted = "" if weights is None else " and sample weights"
            raise ValueError(
                f"This scorer does not support a {self.target.kind} target{weighted}: {error} "
                f"Received: scoring={name!r}. Omit scoring to use "
                f"{listed(_METRICS[self.target.kind])}."
            ) from error


class _Classes(ClassifierMixin, BaseEstimator):
    """A classifier with fixed predictions of classes or labels; X is positions."""

    def __init__(self, target, predictions):
        self.target = target
        self.predictions = predictions

    @property
    def classes_(self):
        # Codes, so that the second class is the positive one for all class names.
        if self.target.kind == "multilabel":
            return [np.arange(2)] * self.target.n_outputs
        return np.arange(len(self.target.classes))

    def predict(self, X):
        predictions = self.predictions[X]
        if self.target.kind == "multiclass":
            return predictions.argmax(axis=1)
        decided = (predictions > 0.5).astype(np.int64)
        return decided[:, 0] if self.target.kind == "binary" else decided

    def predict_proba(self, X):
        return self.target.probabilities(self.predictions[X])


class _Numbers(RegressorMixin, BaseEstimator):
    """A regressor with fixed predictions; X is positions."""

    def __init__(self, target, predictions):
        self.target = target
        self.predictions = predictions

    def predict(self, X):
        return self.target.decode(self.predictions[X])


def _roc_auc(target, values, predictions, weights):
    """Mean over the labels (binary: one) with both values."""
    values = values.reshape(len(values), -1)
    both = [column for column in range(values.shape[1]) if np.ptp(values[:, column])]
    if not both:
        return np.nan, "one class only, ROC AUC is undefined"
    scores = [
        roc_auc_score(values[:, column], predictions[:, column], sample_weight=weights)
        for column in both
    ]
    return float(np.mean(scores)), None


def _accuracy(target, values, predictions, weights):
    return float(accuracy_score(values, predictions.argmax(axis=1), sample_weight=weights)), None


def _neg_log_loss(target, values, predictions, weights):
    labels = np.arange(target.n_outputs)
    return -float(log_loss(values, predictions, sample_weight=weights, labels=labels)), None


def _r2(target, values, predictions, weights):
    """Mean over the targets that vary."""
    varies = np.flatnonzero(np.ptp(values, axis=0))
    if not len(varies):
        return np.nan, "one value only, R² is undefined"
    return float(r2_score(values[:, varies], predictions[:, varies], sample_weight=weights)), None


_DEFAULTS = {
    "roc_auc": _roc_auc,
    "accuracy": _accuracy,
    "neg_log_loss": _neg_log_loss,
    "r2": _r2,
}
