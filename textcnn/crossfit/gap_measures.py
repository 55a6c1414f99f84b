"""Measures that compare features of training rows and of new rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp, norm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.tree import DecisionTreeRegressor

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ALL_FEATURES = "all features"
_N_FOLDS, _TREE_DEPTH = 5, 3
_LEAF_SHARE, _FEWEST_IN_LEAF = 0.02, 5

# feature, measure, out of fold, new, difference, p-value
Line = tuple[str, str, float, float, float, float]


@dataclass
class Side:
    """Features, targets and weights of one kind of rows.

    Attributes
    ----------
    features : ndarray of shape (n, n_features), float64
    truth : ndarray of shape (n, n_outputs), float64
        0/1 per class or label, or y; any value for rows that are not scored.
    weights : ndarray of shape (n,), float64
    scored : ndarray of shape (n,), bool
    groups : ndarray of shape (n,), int64, or None
    """

    features: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    scored: np.ndarray
    groups: np.ndarray | None

    def at(self, rows: np.ndarray) -> Side:
        """Return selected rows (numbers or a mask)."""
        groups = None if self.groups is None else self.groups[rows]
        return Side(
            self.features[rows], self.truth[rows], self.weights[rows], self.scored[rows], groups
        )


def truth_of(target) -> np.ndarray:
    """Return the targets for scoring, float64 (n_rows, n): 0/1 per class, or y."""
    values = target.values.reshape(len(target.values), -1)
    if target.kind == "multiclass":
        return (values == np.arange(target.n_outputs)).astype(np.float64)
    return values.astype(np.float64)


def feature_lines(
    name: str, number: int, out_of_fold: Side, new: Side, folds, target
) -> list[Line]:
    """Return distribution and score of one feature in both kinds of rows.

    Each of ``folds`` has the positions in ``out_of_fold`` that one model predicted.
    """
    sides = (out_of_fold.features[:, number], new.features[:, number])
    lines = [
        _line(name, "mean", *map(np.mean, sides)),
        _line(name, "std", *map(np.std, sides)),
    ]
    for share in QUANTILES:
        lines.append(
            _line(name, f"q{100 * share:02.0f}", *(np.quantile(side, share) for side in sides))
        )
    ks = ks_2samp(*sides)
    lines.append((name, "ks", np.nan, np.nan, float(ks.statistic), float(ks.pvalue)))
    is_regression = target.is_regression
    within = np.array(
        [
            _score_within(out_of_fold, number, output, folds, is_regression)
            for output in range(out_of_fold.truth.shape[1])
        ]
    )
    told = np.abs(within - (0.0 if is_regression else 0.5))
    best = 0 if np.isnan(told).all() else int(np.nanargmax(told))
    everything = [np.arange(len(new.features))]
    measure = "r2" if is_regression else "roc_auc"
    lines.append(
        _line(
            name,
            measure,
            within[best],
            _score_within(new, number, best, everything, is_regression),
        )
    )
    return lines


def model_lines(out_of_fold: Side, new: Side, target, seed: int) -> list[Line]:
    """Return the scores of a shallow decision tree; the last line has a p-value.

    The tree of each fold is scored on the out-of-fold rows that it was not trained on and on all
    new rows, so both scores are from the same trees.
    """
    old, new = out_of_fold.at(out_of_fold.scored), new.at(new.scored)
    leaf = max(_FEWEST_IN_LEAF, round(_LEAF_SHARE * len(old.truth)))
    tree = DecisionTreeRegressor(max_depth=_TREE_DEPTH, min_samples_leaf=leaf, random_state=seed)
    own = np.empty_like(old.truth)
    others = []
    for train, test in _folds(old, target, seed):
        tree.fit(old.features[train], old.truth[train], sample_weight=old.weights[train])
        own[test] = tree.predict(old.features[test]).reshape(len(test), -1)
        others.append(tree.predict(new.features).reshape(new.truth.shape))
    lines = []
    if not target.is_regression:
        aucs = [_mean_auc(new, told) for told in others]
        lines.append(_line(ALL_FEATURES, "roc_auc", _mean_auc(old, own), np.mean(aucs)))
    own_gain = _gain(old.truth, own, old, target, leaf)
    new_gain = np.mean([_gain(new.truth, told, old, target, leaf) for told in others], axis=0)
    measure = "r2" if target.is_regression else "neg_log_loss"
    own_mean, own_error = _mean_and_squared_error(own_gain, old)
    new_mean, new_error = _mean_and_squared_error(new_gain, new)
    error = np.sqrt(own_error + new_error)
    difference = new_mean - own_mean
    p_value = 2 * norm.sf(abs(difference) / error) if error > 0 else float(difference == 0)
    lines.append((*_line(ALL_FEATURES, measure, own_mean, new_mean)[:5], float(p_value)))
    return lines


def _line(name, measure, out_of_fold, new) -> Line:
    return name, measure, float(out_of_fold), float(new), float(new - out_of_fold), np.nan


def _score_within(side: Side, number, output, folds, is_regression) -> float:
    """Mean score of a feature within folds; NaN if no fold can be scored."""
    found, sizes = [], []
    for rows in folds:
        rows = rows[side.scored[rows]]
        truth, feature = side.truth[rows, output], side.features[rows, number]
        if len(rows) < 2 or np.ptp(truth) == 0:
            continue
        if is_regression:
            found.append(_squared_correlation(feature, truth, side.weights[rows]))
        else:
            found.append(roc_auc_score(truth, feature, sample_weight=side.weights[rows]))
        sizes.append(len(rows))
    return float(np.average(found, weights=sizes)) if found else np.nan


def _squared_correlation(feature, truth, weights) -> float:
    if np.ptp(feature) == 0:
        return 0.0
    covariance = np.cov(feature, truth, aweights=weights)
    return float(covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1]))


def _mean_auc(side: Side, told) -> float:
    """Mean over the classes or labels with both values."""
    aucs = [
        roc_auc_score(side.truth[:, output], told[:, output], sample_weight=side.weights)
        for output in range(told.shape[1])
        if np.ptp(side.truth[:, output])
    ]
    return float(np.mean(aucs)) if aucs else np.nan


def _folds(side: Side, target, seed):
    """Folds for the tree: by group, or stratified if every class is large enough."""
    rows = np.arange(len(side.truth))
    if side.groups is not None:
        n_folds = min(_N_FOLDS, len(np.unique(side.groups)))
        return GroupKFold(n_folds).split(rows, groups=side.groups)
    splitter, strata = KFold, None
    if target.kind in ("binary", "multiclass"):
        strata = side.truth @ np.arange(1, side.truth.shape[1] + 1)
        if np.unique(strata, return_counts=True)[1].min() >= _N_FOLDS:
            splitter = StratifiedKFold
    return splitter(_N_FOLDS, shuffle=True, random_state=seed).split(rows, strata)


def _gain(truth, told, reference: Side, target, leaf: int) -> np.ndarray:
    """Return each row's contribution to the score, to compute the standard error of the mean.

    For R² it is one minus the squared error over the variance of the out-of-fold rows; for the
    log-loss, probabilities are clipped by half a row of a leaf.
    """
    if target.is_regression:
        mean = np.average(reference.truth, axis=0, weights=reference.weights)
        variance = np.average((reference.truth - mean) ** 2, axis=0, weights=reference.weights)
        parts = 1 - (truth - told) ** 2 / np.where(variance > 0, variance, 1)
        return parts.mean(axis=1)
    told = np.clip(told, 0.5 / (leaf + 1), 1 - 0.5 / (leaf + 1))
    if target.kind == "multiclass":
        return (truth * np.log(told / told.sum(axis=1, keepdims=True))).sum(axis=1)
    return (truth * np.log(told) + (1 - truth) * np.log1p(-told)).mean(axis=1)


def _mean_and_squared_error(gain, side: Side) -> tuple[float, float]:
    """Return the weighted mean and its squared standard error, with a group as one observation."""
    share = side.weights / side.weights.sum()
    mean = float(share @ gain)
    parts = share * (gain - mean)
    if side.groups is not None:
        parts = np.bincount(np.unique(side.groups, return_inverse=True)[1], weights=parts)
    n = len(parts)
    return mean, float((parts**2).sum() * n / max(n - 1, 1))
