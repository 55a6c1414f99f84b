"""The level of a fitted estimator's own output, which its features leave out.

A fold model's level tells the mean of the targets that it was denied. Which level that is depends
on the estimator, not on the targets: balanced classes, a missing class prior, a loss other than
the squared one, a transformed target move it away from the prior of the learning rows. So it is
measured: the mean output of the model over its own learning rows, in the domain in which the
estimator adds up (``benchmarks/leaks.py`` compares it with others).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from textcnn.crossfit import Target
from textcnn.crossfit.level import Level, inside
from textcnn.estimator_outputs import LARGEST_LOGIT, predicted_values, probabilities

# What estimators that add up scores, not shares, have: naive Bayes the last one.
_SCORE_METHODS = ("decision_function", "predict_joint_log_proba")


def output_level(estimator, method: str, take_rows, target: Target, prior: Level, weights) -> Level:
    """Return the level of a fitted estimator's outputs over its own learning rows.

    Numbers have their mean. Probabilities have the mean of their logits where the estimator adds
    up scores (linear models, boosting, naive Bayes), and the logit of their mean where it averages
    targets (forests, neighbours): what a row's own target does to the row's own output, which new
    rows do not have, leaves those means where they are. An estimator that gives every row the same
    output has that output as its level, so that its features are neutral.

    Parameters
    ----------
    estimator : fitted estimator
    method : {"predict", "predict_proba", "decision_function"}
        Decision values have no level here: their mean is taken off as ``centre``.
    take_rows : callable
        Returns the learning rows, as the estimator reads them.
    target : Target
        Its kind and classes; values are not looked at.
    prior : Level
        Of the targets of the learning rows.
    weights : ndarray of shape (n_learn,) or None

    Returns
    -------
    Level
        ``prior`` with the offset or centre replaced.
    """
    if method == "decision_function" or _keeps_the_mean(estimator):
        return prior
    known = getattr(_last_step(estimator), "level_", None)
    if known is not None:
        return replace(prior, offset=np.asarray(known, np.float32))
    rows = take_rows()
    if method == "predict":
        values = predicted_values(estimator, rows, target)
        return replace(prior, centre=np.average(values, axis=0, weights=weights))
    shares = probabilities(estimator, rows, target)
    average = _mean_of_logits if _adds_up_scores(estimator) else _logit_of_mean
    offset = average(shares, weights, is_softmax=target.kind == "multiclass")
    return replace(prior, offset=offset.astype(np.float32))


def _mean_of_logits(shares, weights, *, is_softmax: bool) -> np.ndarray:
    """Return mean logits; certainty counts as the largest logit."""
    with np.errstate(divide="ignore"):
        logits = np.log(shares) if is_softmax else np.log(shares) - np.log1p(-shares)
    if is_softmax:
        logits = np.maximum(logits - logits.max(axis=1, keepdims=True), -LARGEST_LOGIT)
    mean = np.average(np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT), axis=0, weights=weights)
    return mean - mean.mean() if is_softmax else mean


def _logit_of_mean(shares, weights, *, is_softmax: bool) -> np.ndarray:
    """Return the logits of mean probabilities; half a row stands for what never happens."""
    mean = inside(np.average(shares, axis=0, weights=weights), 0.5 / (len(shares) + 1))
    if is_softmax:
        return np.log(mean) - np.log(mean).mean()
    return np.log(mean) - np.log1p(-mean)


def _adds_up_scores(estimator) -> bool:
    """Tell whether outputs are sums of scores: linear models, boosting, naive Bayes."""
    if any(hasattr(estimator, name) for name in _SCORE_METHODS):
        return True
    last = _last_step(estimator)  # a Pipeline does not hand on predict_joint_log_proba
    each = getattr(last, "estimators_", None)  # a model per label
    is_per_label = isinstance(each, list) and isinstance(getattr(last, "classes_", None), list)
    parts = each if is_per_label and hasattr(last, "estimator") else [last]
    return all(any(hasattr(part, name) for name in _SCORE_METHODS) for part in parts)


def _keeps_the_mean(estimator) -> bool:
    """Tell whether the mean prediction is that of the targets by construction."""
    last = _last_step(estimator)
    return type(last) is Ridge and last.fit_intercept and not last.positive


def _last_step(estimator):
    """Return what predicts: of a Pipeline its last step."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
