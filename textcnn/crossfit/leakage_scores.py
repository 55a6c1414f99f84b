"""Findings and repeats of the leakage test, and the scores that it compares."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

# Share of rows where a tree is most certain.
CERTAIN_SHARE = 0.05


@dataclass
class Finding:
    """One score, and its range for unbiased features."""

    name: str
    score: float
    expected: float
    low: float
    high: float
    leaks: bool
    detail: str
    repeats: list[float] = field(repr=False)

    def __str__(self) -> str:
        """Return the score, its range and its description as text."""
        sign = "LEAK" if self.leaks else "ok  "
        low = f"{self.low:.3f}" if np.isfinite(self.low) else "…"
        return (
            f"{sign} {self.name}: {self.score:.3f}, range {low} to {self.high:.3f} ({self.detail})"
        )


@dataclass
class Repeat:
    """Features of one shuffle, and the shuffled targets, NaN for rows without a target."""

    train_features: np.ndarray
    fresh_features: np.ndarray
    train_scores: np.ndarray
    fresh_scores: np.ndarray
    folds: list[np.ndarray] | None


def target_scores(target) -> np.ndarray:
    """Return targets for comparison with features, float64 (n_rows, n): 0/1 per class, or ranks."""
    scores = np.full((len(target.labelled), target.n_outputs), np.nan)
    values = target.values[target.labelled]
    if target.kind == "multiclass":
        scores[target.labelled] = values[:, None] == np.arange(target.n_outputs)
    elif target.is_regression:
        scores[target.labelled] = rankdata(values, axis=0) / len(values)
    else:
        scores[target.labelled] = values.reshape(len(values), -1)
    return scores


def ranks_among(references: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return the share of reference rows below each value, half of equal ones; NaN is lowest."""
    ranks = np.empty_like(features)
    for column in range(features.shape[1]):
        ordered = np.sort(_without_nan(references[:, column]))
        values = _without_nan(features[:, column])
        below = np.searchsorted(ordered, values, side="left")
        ranks[:, column] = (below + np.searchsorted(ordered, values, side="right")) / 2
    return ranks / len(references)


def linear_weights(ranks: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights of a ridge regression, without its constant."""
    ranks = ranks - ranks.mean(axis=0)
    targets = targets - targets.mean(axis=0)
    if ranks.shape[1] > len(ranks):
        return ranks.T @ np.linalg.solve(ranks @ ranks.T + np.eye(len(ranks)), targets)
    return np.linalg.solve(ranks.T @ ranks + np.eye(ranks.shape[1]), ranks.T @ targets)


def score_of_certain(targets: np.ndarray, certainty: np.ndarray) -> float:
    """Return the mean deviation of targets in the predicted direction, where it is most certain."""
    targets = targets - targets.mean(axis=0)
    spread = targets.std(axis=0)
    n_chosen = max(int(CERTAIN_SHARE * len(targets)), 1)
    scores = []
    for column in np.flatnonzero(spread > 0):
        order = np.argsort(-np.abs(certainty[:, column]), kind="stable")[:n_chosen]
        signs = np.sign(certainty[order, column])
        scores.append((signs * targets[order, column]).mean() / spread[column])
    return mean_of(scores, 0.0)


def _without_nan(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), -np.inf, values)


def mean_of(scores, otherwise: float) -> float:
    """Return the mean of the scores that exist."""
    found = [score for score in scores if not np.isnan(score)]
    return float(np.mean(found)) if found else otherwise
