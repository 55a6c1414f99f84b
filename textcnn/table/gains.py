"""What a block of features adds to others: paired scores of a stack with and without it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from textcnn.crossfit import FoldPlan, Target
from textcnn.table.frames import Table

_CLIP = 1e-4
_MOST_CATEGORIES = 30
_MOST_COLUMNS = 300
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

    ``n_looks`` members are looked at, so that one of them by chance is the likelier found.
    """

    mean: float
    error: float
    n_folds: int
    n_looks: int = 1

    @property
    def is_earned(self) -> bool:
        """Whether it is above zero by more than the margin."""
        return bool(self.mean > 0 and self.mean > self.margin)

    @property
    def margin(self) -> float:
        """Two standard errors for one look at very many folds, more otherwise.

        By Student's t for the number of folds, and by Bonferroni for the number of looks: among
        all noise members one or more pass with the probability that two errors have for one.
        """
        if self.n_folds < 2:
            return np.nan
        return float(t.isf(norm.sf(2) / self.n_looks, self.n_folds - 1) * self.error)


def gain_metric(target: Target, scoring) -> str:
    """Return the metric that gains are measured by."""
    if scoring is None:
        return _METRICS[target.kind]
    return scoring if isinstance(scoring, str) else list(scoring)[0]


def paired_gain(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], plans: Sequence[FoldPlan], n_looks: int = 1
) -> Gain:
    """Return the mean difference of paired fold scores over plans.

    The standard error is that of Nadeau and Bengio (2003), which counts that the training parts of
    folds share rows: variance × (1 / folds + test rows / training rows).

    Parameters
    ----------
    pairs : sequence of (with, without)
        Scores of the folds of each plan.
    plans : sequence of FoldPlan
    n_looks : int, default=1
        Members that are looked at in all.
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
