"""The mean output of a fitted estimator, which is subtracted from its features.

The mean output of a fold model reveals the mean target of its held-out rows. It differs from the
prior of the training rows if classes are balanced, a class prior is not fitted, the loss is not the
squared one or the target is transformed. So it is measured: the mean output of the model over its
own training rows, on the scale on which the estimator adds scores. Rows count equally, because a
mean with weights that depend on the class would reveal classes (``benchmarks/leaks.py`` measures
the remaining leaks).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import _BaseNB
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from textcnn.crossfit import Target
from textcnn.crossfit.level import Level, inside
from textcnn.fit.estimator_outputs import LARGEST_LOGIT, logits_of, predicted_values, probabilities

# Estimators that fit each class on its own rows, and rare classes less precisely.
_GENERATIVE = (_BaseNB, LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis)
_N_PARTS = 5
# Attributes of estimators that add scores, not shares: the last one of naive Bayes.
_SCORE_METHODS = ("decision_function", "predict_joint_log_proba")


def output_level(
    estimator, method: str, take_rows, values, target: Target, prior: Level, weights
) -> Level:
    """Return the mean output of a fitted estimator over its own training rows, as a `Level`.

    For numbers it is the mean. For probabilities it is the mean of the logits if the estimator adds
    scores (linear models, boosting, naive Bayes), and the logit of the mean if it averages targets
    (forests, neighbours): these means do not change by the influence of a row's own target on its
    own output, which new rows do not have. In naive Bayes and discriminant analysis this influence
    is larger in rows of the rarer class, so their mean is corrected by models fitted on parts of
    the rows: only the last step, which is fast. If an estimator returns the same output for every
    row, this output is the mean, so that its features are neutral.

    Parameters
    ----------
    estimator : fitted estimator
    method : {"predict", "predict_proba", "decision_function"}
        Decision values have no level here: their mean is subtracted as ``centre``.
    take_rows : callable
        Returns the training rows, as the estimator reads them.
    values : ndarray of n_learn targets
        As passed to ``fit`` of the estimator.
    target : Target
        Its type and classes; the values are ignored.
    prior : Level
        Base rate of the training rows.
    weights : ndarray of shape (n_learn,) or None

    Returns
    -------
    Level
        ``prior`` with the offset or centre replaced.
    """
    if method == "decision_function":
        return prior
    if _keeps_the_mean(estimator) and (weights is None or np.ptp(weights[weights > 0]) == 0):
        return prior
    known = getattr(_last_step(estimator), "level_", None)
    if known is not None:
        return replace(prior, offset=np.asarray(known, np.float32))
    rows = take_rows()
    counted = equal_weights(weights)
    if method == "predict":
        values = predicted_values(estimator, rows, target)
        return replace(prior, centre=np.average(values, axis=0, weights=counted))
    shares = probabilities(estimator, rows, target)
    average = _mean_of_logits if _adds_up_scores(estimator) else _logit_of_mean
    is_softmax = target.kind == "multiclass"
    offset = average(shares, counted, is_softmax=is_softmax)
    if isinstance(_last_step(estimator), _GENERATIVE):
        offset += _correction(estimator, rows, values, target, weights)
    constant = (shares == shares[0]).all(axis=0)
    logits = logits_of(shares[:1], is_softmax=is_softmax)[0]
    if is_softmax:
        constant, logits = constant.all(), logits - logits.mean()
    offset = np.where(constant, logits, offset)  # exactly, also for certainty
    return replace(prior, offset=offset.astype(np.float32))


def equal_weights(weights: np.ndarray | None) -> np.ndarray | None:
    """Return 1 for each row that has a weight, and 0 for rows of weight 0."""
    return None if weights is None else (weights > 0).astype(float)


def _correction(estimator, rows, values, target: Target, weights) -> np.ndarray:
    """Return the difference between mean logits of new rows and of training rows.

    Measured on parts of the training rows by clones of the last step; the steps before it are not
    fitted again.
    """
    if hasattr(estimator, "best_estimator_"):
        return _correction(estimator.best_estimator_, rows, values, target, weights)
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps[:-1]:
            rows = rows if step is None or isinstance(step, str) else step.transform(rows)
        return _correction(estimator.steps[-1][1], rows, values, target, weights)
    fewest = min(np.unique(values, return_counts=True)[1])
    if fewest < 2:
        return np.zeros(target.n_outputs)
    is_weighted = weights is not None
    weights = weights if is_weighted else np.ones(len(values))
    differences, sizes = [], []
    is_softmax = target.kind == "multiclass"
    for learn, other in StratifiedKFold(min(_N_PARTS, fewest)).split(values, values):
        if weights[other].sum() == 0:
            continue
        keywords = {"sample_weight": weights[learn]} if is_weighted else {}
        model = clone(estimator).fit(_safe_indexing(rows, learn), values[learn], **keywords)
        known, new = (
            _mean_of_logits(
                probabilities(model, _safe_indexing(rows, part), target),
                weights[part] > 0,
                is_softmax=is_softmax,
            )
            for part in (learn, other)
        )
        differences.append(new - known)
        sizes.append(np.count_nonzero(weights[other]))
    return np.average(differences, axis=0, weights=sizes)


def _mean_of_logits(shares, weights, *, is_softmax: bool) -> np.ndarray:
    """Return mean logits; certainty is clipped to the largest logit."""
    logits = np.clip(logits_of(shares, is_softmax=is_softmax), -LARGEST_LOGIT, LARGEST_LOGIT)
    mean = np.average(logits, axis=0, weights=weights)
    return mean - mean.mean() if is_softmax else mean


def _logit_of_mean(shares, weights, *, is_softmax: bool) -> np.ndarray:
    """Return the logits of mean probabilities; probabilities of 0 count as half a row."""
    mean = inside(np.average(shares, axis=0, weights=weights), 0.5 / (len(shares) + 1))
    if is_softmax:
        return np.log(mean) - np.log(mean).mean()
    return np.log(mean) - np.log1p(-mean)


def _adds_up_scores(estimator) -> bool:
    """Return whether outputs are sums of scores: linear models, boosting, naive Bayes."""
    if any(hasattr(estimator, name) for name in _SCORE_METHODS):
        return True
    last = _last_step(estimator)  # a Pipeline does not have predict_joint_log_proba
    each = getattr(last, "estimators_", None)  # a model per label
    is_per_label = isinstance(each, list) and isinstance(getattr(last, "classes_", None), list)
    parts = each if is_per_label and hasattr(last, "estimator") else [last]
    return all(any(hasattr(part, name) for name in _SCORE_METHODS) for part in parts)


def _keeps_the_mean(estimator) -> bool:
    """Return whether the mean prediction equals that of the targets by construction."""
    last = _last_step(estimator)
    if type(last) is not Ridge or not last.fit_intercept:
        return False
    return not last.positive and last.solver not in ("sag", "saga")


def _last_step(estimator):
    """Return the predictor: the last step of a Pipeline, the best estimator of a search."""
    while isinstance(estimator, Pipeline) or hasattr(estimator, "best_estimator_"):
        is_search = hasattr(estimator, "best_estimator_")
        estimator = estimator.best_estimator_ if is_search else estimator.steps[-1][1]
    return estimator
