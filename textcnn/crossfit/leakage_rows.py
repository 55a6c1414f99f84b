"""Findings of the leakage test that compare rows: of one fold, equal ones, and neighbours."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.tree import DecisionTreeRegressor

from textcnn.crossfit.leakage_scores import Finding, ranks_among
from textcnn.crossfit.leakage_statistics import LEVEL, N_FINDINGS, SMALLEST_LEAF, Trial

_FEWEST_IN_FOLD = 20
_N_PARTS = 5
_N_NULL = 40
# Association with targets of neighbouring rows that folds of adjacent rows may cause.
_NEIGHBOUR_MARGIN = 0.05
# Equal rows: share of ordered pairs that is certain, and the least number of pairs.
_CERTAIN = 0.05
_FEWEST_PAIRS = 100


def findings_of_rows(trial: Trial, equal: np.ndarray | None) -> list[Finding]:
    """Return the findings that apply to a trial.

    Parameters
    ----------
    trial : Trial
    equal : ndarray of shape (n_train,), or None
        Numbers that are equal for rows with equal X; None if unknown.
    """
    found = [within_folds(trial), neighbours(trial), equal_rows(trial, equal)]
    return [finding for finding in found if finding is not None]


def within_folds(trial: Trial) -> Finding | None:
    """Score trees that are trained and scored within one fold of the encoder.

    Unbiased features of a fold come from a model that has seen none of its targets, so the mean
    score is exactly that of guessing, and the range shrinks with the number of repeats.
    """
    if any(repeat.folds is None for repeat in trial.repeats):
        return None
    observed, null = [], []
    n_null = -(-_N_NULL // len(trial.repeats))
    rows = trial.labelled[0]
    for repeat in trial.repeats:
        folds = [fold for fold in trial.positions(repeat.folds) if len(fold) >= _FEWEST_IN_FOLD]
        if not folds or len(np.unique(np.concatenate(folds))) < sum(map(len, folds)):
            return None  # several models predict a row, and each was trained on other rows
        ranks = ranks_among(repeat.train_features, repeat.train_features)[rows]
        groups = None if trial.groups is None else trial.groups[rows]
        parts = [_parts(fold, groups, trial.random) for fold in folds]
        observed.append(_fold_score(trial, ranks, repeat.train_scores[rows], folds, parts))
        null += [
            _fold_score(trial, ranks, trial.shuffled(0)[rows], folds, parts) for _ in range(n_null)
        ]
    observed, null = np.array(observed), np.array(null)
    error = null.std(ddof=1) * np.sqrt(1 / len(observed) + 1 / len(null))
    half = trial.half_width(error, observed.std(ddof=1), LEVEL / N_FINDINGS)
    return trial.upper(
        "tree within a fold",
        observed,
        float(null.mean()),
        float(half),
        f"{trial.measure} of a tree trained on other rows of the same fold",
    )


def neighbours(trial: Trial) -> Finding:
    """Associate features with the targets of the rows before and after, in the order of the fit.

    The rows of a test are in random order, so features that do not depend on the order have no
    such association, apart from folds of adjacent rows.
    """
    rows = trial.labelled[0]
    observed, variances = [], []
    for repeat in trial.repeats:
        ranks = ranks_among(repeat.train_features, repeat.train_features)[rows]
        targets = repeat.train_scores[rows]
        slopes, size = trial.slopes(ranks, targets, trial.positions(repeat.folds))
        null = np.array([trial.shuffled(0)[rows] for _ in range(_N_NULL)])
        shares, errors = [], []
        for step in (1, -1):
            shares.append(np.roll(targets, step, axis=0).T @ slopes / size[:, None])
            errors.append(np.var(null.transpose(0, 2, 1) @ slopes / size[:, None], axis=0))
        observed.append(np.concatenate(shares, axis=1))
        variances.append(np.concatenate(errors, axis=1))
    finding = trial.association(
        np.array(observed), np.array(variances), name="neighbouring rows", margin=_NEIGHBOUR_MARGIN
    )
    finding.detail = f"{trial.measure} of a feature and the target of the row before or after"
    return finding


def equal_rows(trial: Trial, equal: np.ndarray | None) -> Finding | None:
    """Compare features of rows with equal X whose targets differ.

    A leave-one-out mean is lower where the row's own target is higher: it has no information by
    itself, but with X it reveals the target. Out-of-fold features do the same if equal rows are in
    different folds, less the smaller the number of folds; so only an order that is nearly certain
    counts as a leak.
    """
    if equal is None:
        return None
    rows = trial.labelled[0]
    _, codes, counts = np.unique(equal[rows], return_inverse=True, return_counts=True)
    if (counts > 1).sum() < 2:
        return None
    ordered, pairs, scores = 0.0, 0.0, []
    for repeat in trial.repeats:
        above, total = _ordered_pairs(
            repeat.train_features[rows], repeat.train_scores[rows], codes, len(counts)
        )
        ordered, pairs = ordered + above, pairs + total
        share = above / np.maximum(total, 1)[:, None]
        scores.append(float(share.flat[np.argmax(np.abs(share - 0.5))]))
    if pairs.min() < _FEWEST_PAIRS:
        return None
    share = ordered / pairs[:, None]
    worst = np.unravel_index(np.argmax(np.abs(share - 0.5)), share.shape)
    score = float(share[worst])
    return Finding(
        name="equal rows",
        score=score,
        expected=0.5,
        low=_CERTAIN,
        high=1 - _CERTAIN,
        leaks=bool(score < _CERTAIN or score > 1 - _CERTAIN),
        detail=f"share of pairs of equal rows of X in which feature {worst[1]} is higher where the "
        f"target is; {len(counts)} different rows in {len(rows)}",
        repeats=scores,
    )


def _ordered_pairs(features, targets, codes, n_codes) -> tuple[np.ndarray, np.ndarray]:
    """Return, per target and feature, how often a feature is higher where the target is.

    Only pairs of equal rows with different targets count; equal features count half. Numbers are
    compared as above and below the mean of the equal rows.
    """
    sizes = np.bincount(codes, minlength=n_codes)
    above = np.zeros((targets.shape[1], features.shape[1]))
    total = np.zeros(targets.shape[1])
    for column in range(features.shape[1]):
        values = np.where(np.isnan(features[:, column]), -np.inf, features[:, column])
        ranks = rankdata(np.stack([codes, _dense(values)], axis=1) @ [len(values) + 1, 1])
        starts = np.cumsum(sizes) - sizes
        ranks = ranks - starts[codes]
        for number in range(targets.shape[1]):
            mean = np.bincount(codes, targets[:, number], n_codes) / sizes
            is_high = targets[:, number] > mean[codes]
            n_high = np.bincount(codes, is_high, n_codes)
            sums = np.bincount(codes, ranks * is_high, n_codes)
            above[number, column] = (sums - n_high * (n_high + 1) / 2).sum()
            total[number] = (n_high * (sizes - n_high)).sum()
    return above, total


def _dense(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def _parts(fold: np.ndarray, groups, random) -> list[np.ndarray]:
    """Divide the positions of a fold into parts: whole groups if it has several."""
    units = np.arange(len(fold))
    if groups is not None and len(np.unique(groups[fold])) > 1:
        units = np.unique(groups[fold], return_inverse=True)[1]
    n_units = units.max() + 1
    part_of = random.permutation(n_units) % min(_N_PARTS, n_units)
    return [np.flatnonzero(part_of[units] == part) for part in range(min(_N_PARTS, n_units))]


def _fold_score(trial: Trial, ranks, targets, folds, parts) -> float:
    """Return the mean score over folds of trees trained on other parts of the fold."""
    scores, sizes = [], []
    for fold, held_out in zip(folds, parts, strict=True):
        told = np.zeros((len(fold), targets.shape[1]))
        for part in held_out:
            learn = np.setdiff1d(np.arange(len(fold)), part)
            tree = DecisionTreeRegressor(min_samples_leaf=SMALLEST_LEAF, random_state=0)
            with config_context(assume_finite=True, skip_parameter_validation=True):
                tree.fit(ranks[fold[learn]], targets[fold[learn]])
                # Less the mean of the training part, which is low where the other part is high.
                told[part] = tree.predict(ranks[fold[part]]).reshape(len(part), -1) - targets[
                    fold[learn]
                ].mean(axis=0)
        score = trial.score(targets[fold], told)
        if not np.isnan(score):
            scores.append(score)
            sizes.append(len(fold))
    return float(np.average(scores, weights=sizes)) if scores else trial.centre
