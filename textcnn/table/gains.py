"""Gain of a block of features over others: paired scores of a stack with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from textcnn.crossfit import FoldPlan, Target
from textcnn.table.encoding import encode_column
from textcnn.table.frames import Table
from textcnn.table.kinds import MOST_CATEGORIES, ColumnKind, as_series

_CLIP = 1e-4
_MOST_COLUMNS = 300
_USED = ("number", "boolean", "date", "category")
_METRICS = {
    "binary": "roc_auc",
    "multiclass": "neg_log_loss",
    "multilabel": "roc_auc",
    "continuous": "r2",
    "multioutput": "r2",
}


@dataclass(frozen=True)
class Gain:
    """Mean paired difference over the folds of all plans, and its standard error.

    ``n_looks`` is the number of comparisons, for the Bonferroni correction.
    """

    mean: float
    error: float
    n_folds: int
    n_looks: int = 1

    @property
    def is_earned(self) -> bool:
        """Whether the gain is significant: above zero by more than the margin."""
        return bool(self.mean > 0 and self.mean > self.margin)

    @property
    def margin(self) -> float:
        """Two standard errors for one comparison with many folds, more otherwise.

        Uses Student's t for the number of folds and a Bonferroni correction for the number of
        comparisons.
        """
        return self.n_errors * self.error

    @property
    def n_errors(self) -> float:
        """The margin in standard errors; NaN for one fold."""
        if self.n_folds < 2:
            return np.nan
        return float(t.isf(norm.sf(2) / self.n_looks, self.n_folds - 1))


def gain_metric(target: Target, scoring) -> str:
    """Return the metric of the gains."""
    if scoring is None:
        return _METRICS[target.kind]
    return scoring if isinstance(scoring, str) else list(scoring)[0]


def paired_gain(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], plans: Sequence[FoldPlan], n_looks: int = 1
) -> Gain:
    """Return the mean difference of paired fold scores over plans.

    The standard error follows Nadeau and Bengio (2003), who account for the training rows that
    folds have in common: variance × (1 / folds + test rows / training rows).

    Parameters
    ----------
    pairs : sequence of (with, without)
        Scores of the folds of each plan.
    plans : sequence of FoldPlan
    n_looks : int, default=1
        Number of comparisons.
    """
    differences = np.concatenate([with_it - without for with_it, without in pairs])
    differences = differences[~np.isnan(differences)]
    n_folds = len(differences)
    if n_folds < 2:
        mean = float(differences.mean()) if n_folds else np.nan
        return Gain(mean, np.nan, n_folds, n_looks)
    assignments = [assignment for plan in plans for assignment in plan.assignments]
    ratio = np.mean([len(a.predict) / (len(a.learn) + len(a.stop)) for a in assignments])
    error = np.sqrt(differences.var(ddof=1) * (1 / n_folds + ratio))
    return Gain(float(differences.mean()), float(error), n_folds, n_looks)


def logits(features: np.ndarray, target: Target) -> np.ndarray:
    """Return out-of-fold features as inputs of a linear model: logits of probabilities.

    Features with more columns than probabilities, such as spreads, are returned unchanged.
    """
    features = features.astype(np.float64)
    shares = features[np.isfinite(features)]
    if target.is_regression or features.shape[1] != target.n_outputs or np.any(shares < 0):
        return features
    clipped = np.clip(features, _CLIP, 1 - _CLIP)
    return np.log(clipped) if target.kind == "multiclass" else np.log(clipped / (1 - clipped))


def other_columns(
    table: Table, kinds: Sequence[ColumnKind], numbers: Sequence[int]
) -> tuple[np.ndarray, int]:
    """Return columns of a table as numbers for the stack, and the number of columns used.

    Numbers, booleans, dates and up to 40 categories are encoded by :mod:`textcnn.table.encoding`,
    categories as a column each. Other columns, and those beyond 300 numeric ones, are left out.
    """
    blocks, n_used, width = [], 0, 0
    for number in numbers:
        if kinds[number].kind not in _USED:
            continue
        column = as_series(table, number)
        if kinds[number].kind == "category" and column.nunique() > MOST_CATEGORIES:
            continue
        encoded = encode_column(kinds[number], number, column, "one-hot")
        if width + len(encoded.names) > _MOST_COLUMNS:
            continue
        blocks += [np.asarray(block, np.float64)[:, None] for block in encoded.transform(column)]
        n_used += 1
        width += len(encoded.names)
    return np.hstack([np.empty((len(table), 0)), *blocks]), n_used
