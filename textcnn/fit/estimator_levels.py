"""The level of a fitted estimator's own output, which its features leave out.

A fold model's level tells the mean of the targets that it was denied. Which level that is depends
on the estimator, not on the targets: balanced classes, a missing class prior, a loss other than
the squared one, a transformed target move it away from the prior of the learning rows. So it is
measured: the mean output of the model over its own learning rows, in the domain in which the
estimator adds up (``benchmarks/leaks.py`` looks for what is left).
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

# Estimators whose every class is learnt from its own rows; the rarer, the less exactly.
_GENERATIVE = (_BaseNB, LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis)
_N_PARTS = 5
# What estimators that add up scores, not shares, have: naive Bayes the last one.
_SCORE_METHODS = ("decision_function", "predict_joint_log_proba")


def output_level(
    estimator, method: str, take_rows, values, target: Target, prior: Level, weights
) -> Level:
    """Return the level of a fitted estimator's outputs over its own learning rows.

    Numbers have their mean. Probabilities have the mean of their logits where the estimator adds
    up scores (linear models, boosting, naive Bayes), and the logit of their mean where it averages
    targets (forests, neighbours): what a row's own target does to the row's own output, which new
    rows do not have, leaves those means where they are. Naive Bayes and discriminant analysis add
    more of it to the rows of the rarer class, so their mean is corrected by that of models fitted
    on parts of the rows: their last step alone, which costs little. An estimator that gives every
    row the same output has that output as its level, so that its features are neutral.

    Parameters
    ----------
    estimator : fitted estimator
    method : {"predict", "predict_proba", "decision_function"}
        Decision values have no level here: their mean is taken off as ``centre``.
    take_rows : callable
        Returns the learning rows, as the estimator reads them.
    values : ndarray of n_learn targets
        As the estimator learnt them.
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
    is_softmax = target.kind == "multiclass"
    offset = average(shares, weights, is_softmax=is_softmax)
    if isinstance(_last_step(estimator), _GENERATIVE):
        offset += _correction(estimator, rows, values, target, weights)
    constant = (shares == shares[0]).all(axis=0)
    logits = logits_of(shares[:1], is_softmax=is_softmax)[0]
    if is_softmax:
        constant, logits = constant.all(), logits - logits.mean()
    offset = np.where(constant, logits, offset)  # exactly, certainty too
    return replace(prior, offset=offset.astype(np.float32))


def _correction(estimator, rows, values, target: Target, weights) -> np.ndarray:
    """Return how far mean logits of new rows are from those of rows that were learnt.

    Measured on parts of the learning rows by clones of the last step; the steps before it stay as
    they are.
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
                weights[part],
                is_softmax=is_softmax,
            )
            for part in (learn, other)
        )
        differences.append(new - known)
        sizes.append(weights[other].sum())
    return np.average(differences, axis=0, weights=sizes)


def _mean_of_logits(shares, weights, *, is_softmax: bool) -> np.ndarray:
    """Return mean logits; certainty counts as the largest logit."""
    logits = np.clip(logits_of(shares, is_softmax=is_softmax), -LARGEST_LOGIT, LARGEST_LOGIT)
    mean = np.average(logits, axis=0, weights=weights)
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
    if type(last) is not Ridge or not last.fit_intercept:
        return False
    return not last.positive and last.solver not in ("sag", "saga")


def _last_step(estimator):
    """Return what predicts: the last step of a Pipeline, the winner of a search."""
    while isinstance(estimator, Pipeline) or hasattr(estimator, "best_estimator_"):
        is_search = hasattr(estimator, "best_estimator_")
        estimator = estimator.best_estimator_ if is_search else estimator.steps[-1][1]
    return estimator
