"""What a block of features adds to others: a linear stack with and without it, fold by fold."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, t
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from textcnn.crossfit import FoldPlan, Target
from textcnn.crossfit.scoring import Scoring
from textcnn.table.frames import Table

# Standardised columns: a weak prior that thirty noise columns beside a few hundred rows need.
_C = 0.1
_ALPHA = 10.0
_CLIP = 1e-4
_MOST_CATEGORIES = 30
_MOST_COLUMNS = 300
# Newton's matrix has this many rows at most; above, a quasi-Newton method is faster.
_LARGEST_HESSIAN = 600
_METRICS = {
    "binary": "roc_auc",
    "multiclass": "neg_log_loss",
    "multilabel": "roc_auc",
    "continuous": "r2",
    "multioutput": "r2",
}


@dataclass(frozen=True)
class Gain:
    """Mean paired difference over the folds of all plans, and its standard error."""

    mean: float
    error: float
    n_folds: int

    @property
    def is_earned(self) -> bool:
        """Whether it is more than two standard errors above zero, as Student's t has them."""
        return bool(self.mean > 0 and self.mean > self.margin)

    @property
    def margin(self) -> float:
        """Two standard errors; more where few folds tell how large one is."""
        if self.n_folds < 2:
            return np.nan
        return float(t.ppf(norm.cdf(2), self.n_folds - 1) * self.error)


class LinearStack:
    """A linear model on columns of a table, cross-fitted by one fold plan.

    Parameters
    ----------
    plan : FoldPlan
    target : Target
        With the plan's dropped classes left out.
    scoring : str, sequence of str or None
        Its first name is the metric; None chooses by the target.
    others : ndarray of float, shape (n_rows, n)
        Columns that stand beside every block.

    Notes
    -----
    Cost per call of :meth:`fold_scores`: a ridge or logistic regression per fold.
    """

    def __init__(self, plan: FoldPlan, target: Target, scoring, others: np.ndarray):
        self.plan = plan
        self.target = target
        self.metric = gain_metric(target, scoring)
        default = scoring is None
        self._scoring = Scoring(target, None if default else self.metric, plan.sample_weight)
        self._others = others

    def fold_scores(self, blocks: Sequence[np.ndarray], *, beside: bool = True) -> np.ndarray:
        """Return the score of each fold's stack on the rows that its fold models predict.

        Parameters
        ----------
        blocks : sequence of ndarray of shape (n_rows, n_features)
        beside : bool, default=True
            Whether the other columns stand beside the blocks.

        Returns
        -------
        ndarray of shape (n_models,)
            NaN where a fold has no score.
        """
        parts = [self._others, *blocks] if beside else list(blocks)
        columns = np.hstack([np.empty((self.plan.n_rows, 0)), *parts])
        scores = []
        # Matrices this small are slower in several threads, several times so on a busy machine.
        with threadpool_limits(limits=1, user_api="blas"):
            for assignment in self.plan.assignments:
                learn = np.union1d(assignment.learn, assignment.stop)
                if self.plan.ordered:  # the first rows in time have no features to learn from
                    learn = learn[self._is_covered[learn]]
                scores.append(self._score(columns, learn, assignment.predict))
        return np.array(scores)

    def out_of_fold(self, block: np.ndarray) -> np.ndarray:
        """Return a linear model's out-of-fold predictions from a block alone, without their level.

        In a stack of raw text features and out-of-fold features a model that is fitted on some
        folds reads the targets of the others: it learns what all models know together from the
        raw features, and subtracts what the model of a row's own fold knows. So every member
        stands in the stack as predictions.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            NaN in rows that no fold model predicts.
        """
        total = np.zeros((self.plan.n_rows, self.target.n_outputs))
        block = block.astype(np.float64)
        with threadpool_limits(limits=1, user_api="blas"):
            for assignment in self.plan.assignments:
                learn = np.union1d(assignment.learn, assignment.stop)
                x, new = _standardised(block, learn, assignment.predict)
                if x.shape[1]:
                    total[assignment.predict] += new @ self._coefficients(x, learn)
        counts = self.plan.n_predictions[:, None]
        return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)

    def _coefficients(self, x, learn) -> np.ndarray:
        """Return a linear model's coefficients, a column per output; centred x need no other."""
        target, values = self.target, self.target.values[learn]
        weights = self._weights(learn)
        if target.is_regression:
            coefficients = Ridge(alpha=_ALPHA).fit(x, values, weights).coef_
            return coefficients.reshape(target.n_outputs, -1).T
        if target.kind == "multilabel":
            return np.hstack(
                [
                    _logistic(x, values[:, label], weights).coef_.T
                    for label in range(target.n_outputs)
                ]
            )
        return _logistic(x, values, weights).coef_.T

    def _weights(self, rows) -> np.ndarray | None:
        weights = self.plan.sample_weight
        return None if weights is None else weights[rows]

    @property
    def _is_covered(self) -> np.ndarray:
        return self.plan.n_predictions > 0

    def _score(self, columns, learn, predict) -> float:
        target = self.target
        if len(learn) < 2 or target.missing_classes(learn):
            return np.nan
        weights = self._weights(learn)
        x, new = _standardised(columns, learn, predict)
        values = target.values[learn]
        if not x.shape[1]:
            level = target.level(learn, weights)
            predictions = target.predictions(np.zeros((len(predict), target.n_outputs)), level)
        elif target.is_regression:
            model = Ridge(alpha=_ALPHA).fit(x, values, weights)
            predictions = model.predict(new).reshape(len(new), -1)
        elif target.kind == "multilabel":
            predictions = np.hstack(
                [
                    _logistic(x, values[:, label], weights).predict_proba(new)[:, 1:]
                    for label in range(values.shape[1])
                ]
            )
        else:
            predictions = _logistic(x, values, weights).predict_proba(new)
            predictions = predictions[:, 1:] if target.kind == "binary" else predictions
        return self._scoring.score(self.metric, predict, predictions)[0]


def gain_metric(target: Target, scoring) -> str:
    """Return the metric that gains are measured by."""
    if scoring is None:
        return _METRICS[target.kind]
    return scoring if isinstance(scoring, str) else list(scoring)[0]


def paired_gain(pairs: Sequence[tuple[np.ndarray, np.ndarray]], plans: Sequence[FoldPlan]) -> Gain:
    """Return the mean difference of paired fold scores over plans.

    The standard error is that of Nadeau and Bengio (2003), which counts that the training parts of
    folds share rows: variance × (1 / folds + test rows / training rows).

    Parameters
    ----------
    pairs : sequence of (with, without)
        Scores of the folds of each plan.
    plans : sequence of FoldPlan
    """
    differences = np.concatenate([with_it - without for with_it, without in pairs])
    differences = differences[~np.isnan(differences)]
    n_folds = len(differences)
    if n_folds < 2:
        mean = float(differences.mean()) if n_folds else np.nan
        return Gain(mean, np.nan, n_folds)
    assignments = [assignment for plan in plans for assignment in plan.assignments]
    ratio = np.mean([len(a.predict) / (len(a.learn) + len(a.stop)) for a in assignments])
    error = np.sqrt(differences.var(ddof=1) * (1 / n_folds + ratio))
    return Gain(float(differences.mean()), float(error), n_folds)


def logits(features: np.ndarray, target: Target) -> np.ndarray:
    """Return out-of-fold features as a linear model wants them: logits of probabilities.

    Where the features hold more than probabilities, spreads say, they stay as they are.
    """
    features = features.astype(np.float64)
    shares = features[np.isfinite(features)]
    if target.is_regression or features.shape[1] != target.n_outputs or np.any(shares < 0):
        return features
    clipped = np.clip(features, _CLIP, 1 - _CLIP)
    return np.log(clipped) if target.kind == "multiclass" else np.log(clipped / (1 - clipped))


def other_columns(table: Table, numbers: Sequence[int]) -> tuple[np.ndarray, int]:
    """Return columns of a table as numbers for the stack, and how many columns are in them.

    Numbers and booleans as they are, dates as numbers, 30 categories or fewer as 0 and 1. What is
    anything else, and what goes beyond 300 columns of numbers, is left out.
    """
    blocks, n_used, width = [], 0, 0
    for number in numbers:
        column = table.column(number)
        if not isinstance(column, pd.Series):
            column = pd.Series(np.asarray(column), copy=False)
        block = _as_numbers(column)
        if block is None or width + block.shape[1] > _MOST_COLUMNS:
            continue
        blocks.append(block)
        n_used += 1
        width += block.shape[1]
    return np.hstack([np.empty((len(table), 0)), *blocks]), n_used


def _as_numbers(column: pd.Series) -> np.ndarray | None:
    """Return a column as one or several columns of float64, None for what has no such form."""
    if column.dtype == object:
        # Pandas' own strings hold no lone surrogates; such a column stays one of objects.
        with contextlib.suppress(UnicodeEncodeError):
            column = column.infer_objects()
    if pd.api.types.is_datetime64_any_dtype(column):
        values = column.to_numpy("datetime64[s]")
        numbers = values.astype(np.int64).astype(np.float64)
        numbers[np.isnat(values)] = np.nan
        return numbers[:, None]
    is_complex = pd.api.types.is_complex_dtype(column)
    if pd.api.types.is_numeric_dtype(column) and not is_complex:
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, np.nan)[:, None]
    try:
        codes, categories = pd.factorize(column)
    except TypeError:  # cells that cannot be hashed: lists, arrays
        return None
    if not 1 < len(categories) <= _MOST_CATEGORIES:
        return None
    return (codes[:, None] == np.arange(len(categories))).astype(np.float64)


def _standardised(columns, learn, predict) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to learn from and to predict in units of the first; missing is the mean."""
    known = columns[learn]
    present = ~np.isnan(known)
    counts = np.maximum(present.sum(axis=0), 1)
    mean = np.where(present, known, 0).sum(axis=0) / counts
    x = np.where(present, known - mean, 0)
    scale = np.sqrt((x**2).sum(axis=0) / counts)
    varies = scale > 1e-12 * (1 + np.abs(mean))
    x = x[:, varies] / scale[varies]
    new = (columns[predict][:, varies] - mean[varies]) / scale[varies]
    return x, np.where(np.isnan(new), 0, new)


def _logistic(x, values, weights) -> LogisticRegression:
    """Return a fitted logistic regression."""
    n_classes = len(np.unique(values))
    n_models = 1 if n_classes == 2 else n_classes
    small = (x.shape[1] + 1) * n_models <= _LARGEST_HESSIAN
    model = LogisticRegression(
        C=_C, solver="newton-cholesky" if small else "lbfgs", tol=1e-3, max_iter=500
    )
    return model.fit(x, values, weights)
