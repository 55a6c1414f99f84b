"""Statistics of features of shuffled targets, and the ranges of unbiased features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata, t
from sklearn import config_context
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.tree import DecisionTreeRegressor

from textcnn.crossfit.leakage_scores import (
    CERTAIN_SHARE,
    Finding,
    Repeat,
    linear_weights,
    mean_of,
    ranks_among,
    score_of_certain,
)

LEVEL = 0.01
N_FINDINGS = 8  # that share the level
_N_FOLDS = 5
_TREE_DEPTH = 3
SMALLEST_LEAF = 5
# Shuffles against fixed features: per repeat without models, and in total with models.
_N_NULL = 50
_N_NULL_MODELS = 40
_MOST_REFERENCES = 40_000
# A standard error of unbiased features is at most this many times that of independent ones.
_WIDEST = 2.0
_ROUNDING = 1e-9
# Scores of models within a fit of unbiased features, in standard deviations; see ``within_fits``.
_SHARED_BY_TREE, _SHARED_BY_LINEAR, _SHARED_BY_CERTAIN = 2.0, 0.54, 2.0


class Trial:
    """All repeats together: four findings, five if the folds are known.

    Parameters
    ----------
    repeats : sequence of Repeat
    scores : ndarray of shape (n_rows, n)
        Scores of the whole table; ``shufflers`` (of train and fresh rows) draw from it.
    shufflers : pair of Shuffler
    groups : ndarray of shape (n_train,) or None
    is_regression : bool
    random : numpy.random.Generator
    """

    def __init__(
        self, repeats: Sequence[Repeat], *, scores, shufflers, groups, is_regression, random
    ):
        self.repeats = repeats
        self.scores = scores
        self.shufflers = shufflers
        self.groups = groups
        self.is_regression = is_regression
        self.random = random
        self.labelled = [shuffler.labelled for shuffler in shufflers]
        self.centre = 0.0 if is_regression else 0.5
        self.measure = "rank correlation" if is_regression else "ROC AUC"

    def across_repeats(self) -> list[Finding]:
        """Score features, and a tree trained on them, against the other repeats.

        The other repeats are independent of the targets of this one, so the mean score of unbiased
        features is exactly that of guessing, for any folds.
        """
        rows = self.labelled[0]
        samples = self._samples()
        by_feature, by_feature_errors, by_tree, by_tree_errors = [], [], [], []
        by_fold, by_fold_errors = [], []
        for number, repeat in enumerate(self.repeats):
            others = samples[:number] + samples[number + 1 :]
            reference = np.concatenate([features for features, _ in others])
            ranks = ranks_among(reference, repeat.train_features)[rows]
            targets = repeat.train_scores[rows]
            null = np.array([self.shuffled(0)[rows] for _ in range(_N_NULL)])
            slopes, size = self.slopes(ranks, targets, self.positions(repeat.folds))
            by_feature.append(targets.T @ slopes / size[:, None])
            by_feature_errors.append(
                np.var(null.transpose(0, 2, 1) @ slopes / size[:, None], axis=0)
            )
            if repeat.folds is not None:
                between = self._fold_means(ranks, self.positions(repeat.folds))
                slopes, size = self.slopes(between, targets, [np.arange(len(rows))])
                by_fold.append(targets.T @ slopes / size[:, None])
                by_fold_errors.append(
                    np.var(null.transpose(0, 2, 1) @ slopes / size[:, None], axis=0)
                )
            told = self._tree_ranks(
                ranks_among(reference, reference), np.concatenate([t for _, t in others]), ranks
            )
            slopes, size = self.slopes(told, targets, [np.arange(len(rows))])
            by_tree.append(((targets * slopes).sum(axis=0) / size).mean())
            by_tree_errors.append(np.var(((null * slopes).sum(axis=1) / size).mean(axis=1)))
        findings = [
            self.association(np.array(by_feature), np.array(by_feature_errors)),
            self._tree(np.array(by_tree), np.array(by_tree_errors)),
        ]
        if len(by_fold) == len(self.repeats):
            levels = self.association(
                np.array(by_fold), np.array(by_fold_errors), name="level of the folds"
            )
            levels.detail = f"{levels.detail}, by the means of the folds of the encoder only"
            findings.append(levels)
        return findings

    def within_fits(self) -> list[Finding]:
        """Score models trained on some training rows of a fit, on other rows of that fit.

        They detect leaks whose form differs between fits, for example if each row of a category has
        the mean of the other rows of the category. But unbiased features are not quite independent
        within a fit: a target influences the features of other folds, so a model trained on four
        fifths of the rows is slightly better than chance on the rest. The ranges allow for this. A
        linear model of features that are linear in the targets gains at most 0.54 standard
        deviations per square root of a feature (half of the variance of a sum over such rows is
        shared); a tree of full depth gained up to 1.4 standard deviations in trials of unbiased
        encoders, and 8 or more with leave-one-out means: 2 are allowed.
        """
        observed, null = [], []
        n_null = -(-_N_NULL_MODELS // len(self.repeats))
        for repeat in self.repeats:
            ranks = [
                ranks_among(repeat.train_features, features)[rows]
                for features, rows in zip(
                    (repeat.train_features, repeat.fresh_features), self.labelled, strict=True
                )
            ]
            observed.append(self._models(ranks, repeat.train_scores, repeat.fresh_scores))
            null += [self._models(ranks, self.shuffled(0), self.shuffled(1)) for _ in range(n_null)]
        n_features = self.repeats[0].train_features.shape[1]
        observed, null = np.array(observed), np.array(null)
        findings = []
        for place, (name, shared, detail) in enumerate(
            (
                (
                    "tree within a fit",
                    _SHARED_BY_TREE,
                    f"{self.measure} of a tree trained on other training rows",
                ),
                (
                    "train against fresh",
                    _SHARED_BY_LINEAR * np.sqrt(n_features),
                    f"{self.measure} of a linear model on training rows minus that on fresh rows",
                ),
                (
                    "certain rows within a fit",
                    _SHARED_BY_CERTAIN,
                    "deviation of the targets in the direction that the same tree predicts, in "
                    f"standard deviations, in the {CERTAIN_SHARE:.0%} of rows where it is most "
                    "certain",
                ),
            )
        ):
            spread = null[:, place].std(ddof=1)
            error = spread * np.sqrt(1 / len(observed) + 1 / len(null))
            half = self.half_width(error, observed[:, place].std(ddof=1), LEVEL / N_FINDINGS)
            findings.append(
                self.upper(
                    name,
                    observed[:, place],
                    float(null[:, place].mean()),
                    float(shared * spread + half),
                    detail,
                )
            )
        return findings

    def association(
        self, observed: np.ndarray, variances: np.ndarray, name="association", margin=0.0
    ) -> Finding:
        """Return the most extreme pair of a feature and a class or target; two-sided."""
        n_pairs = observed[0].size
        mean = observed.mean(axis=0)
        half = self.half_width(
            np.sqrt(variances.mean(axis=0) / len(observed)),
            observed.std(axis=0, ddof=1),
            LEVEL / N_FINDINGS / n_pairs / 2,
        )
        half = half + margin
        # The range of a constant feature is rounding only.
        strangeness = np.abs(mean) / np.maximum(half, _ROUNDING)
        worst = np.unravel_index(np.argmax(strangeness), mean.shape)
        detail = f"{self.measure} of feature {worst[1]}"
        if mean.shape[0] > 1:
            detail += f" and {'target' if self.is_regression else 'class'} {worst[0]}"
        if n_pairs > 1:
            detail += f", the most extreme of {n_pairs}"
        return Finding(
            name=name,
            score=float(self.centre + mean[worst]),
            expected=self.centre,
            low=float(self.centre - half[worst]),
            high=float(self.centre + half[worst]),
            leaks=bool(strangeness[worst] > 1),
            detail=detail,
            repeats=(self.centre + observed[:, *worst]).tolist(),
        )

    def _tree(self, observed: np.ndarray, variances: np.ndarray) -> Finding:
        half = self.half_width(
            np.sqrt(variances.mean() / len(observed)), observed.std(ddof=1), LEVEL / N_FINDINGS
        )
        # Each pair of repeats is used twice, for training and for scoring, with equal results.
        half *= np.sqrt(2)
        detail = f"{self.measure} of a tree trained on the other fits"
        return self.upper("tree", self.centre + observed, self.centre, float(half), detail)

    def upper(self, name, observed, expected, half, detail) -> Finding:
        """Return the finding of a one-sided test of a mean."""
        score = float(observed.mean())
        high = expected + half
        return Finding(
            name,
            score,
            expected,
            -np.inf,
            high,
            bool(score > high + _ROUNDING),
            detail,
            observed.tolist(),
        )

    def half_width(self, null_error, spread, tail):
        """Return the half width of the range of a mean over repeats, by their standard deviation.

        If features are linear in the targets, the influence of targets on features of other rows
        at most doubles the variance; four times the variance is more than unbiased features have,
        and limits the width of Student's distribution for few repeats.
        """
        n_repeats = len(self.repeats)
        null = norm.isf(tail) * null_error
        return np.clip(
            t.isf(tail, n_repeats - 1) * spread / np.sqrt(n_repeats), null, _WIDEST * null
        )

    def shuffled(self, part: int) -> np.ndarray:
        """Return targets of the train (0) or fresh (1) rows, shuffled anew."""
        return self.scores[self.shufflers[part].draw(self.random)]

    def _samples(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return features and targets per repeat, of a sample of rows in large tables."""
        rows = self.labelled[0]
        most = max(_MOST_REFERENCES // len(self.repeats), 1)
        samples = []
        for repeat in self.repeats:
            chosen = rows if len(rows) <= most else self.random.choice(rows, most, replace=False)
            samples.append((repeat.train_features[chosen], repeat.train_scores[chosen]))
        return samples

    def positions(self, folds) -> list[np.ndarray]:
        """Return the encoder's folds, or one of all rows, as positions in the labelled rows."""
        rows = self.labelled[0]
        if folds is None:
            return [np.arange(len(rows))]
        positions = [np.flatnonzero(np.isin(rows, fold)) for fold in folds]
        return [fold for fold in positions if len(fold)]

    def slopes(self, ranks, targets, folds) -> tuple[np.ndarray, np.ndarray]:
        """Return ranks minus their mean in the fold, and divisors, per target column.

        The sum of their products with a target, divided, is its ROC AUC minus ½ or its correlation,
        with rows compared within folds.
        """
        centred = np.zeros_like(ranks)
        squares = np.zeros(targets.shape[1])
        for fold in folds:
            centred[fold] += ranks[fold] - ranks[fold].mean(axis=0)
            squares += ((targets[fold] - targets[fold].mean(axis=0)) ** 2).sum(axis=0)
        if self.is_regression:  # ranks are uniform, and their variance is 1/12
            squares = np.sqrt(squares * sum(map(len, folds)) / 12)
        return centred, np.where(squares > 0, squares, np.inf)

    def _fold_means(self, ranks, folds) -> np.ndarray:
        """Return the mean rank of each row's fold, which depends on the base rate of its model."""
        means = np.zeros_like(ranks)
        counts = np.zeros(len(ranks))
        for fold in folds:
            means[fold] += ranks[fold].mean(axis=0)
            counts[fold] += 1
        return means / np.maximum(counts, 1)[:, None]

    def _tree_ranks(self, reference, reference_targets, ranks) -> np.ndarray:
        """Return the ranks of a tree's predictions, one column per target."""
        tree = DecisionTreeRegressor(
            max_depth=_TREE_DEPTH,
            min_samples_leaf=max(SMALLEST_LEAF, len(reference) // 200),
            random_state=0,
        ).fit(reference, reference_targets)
        shape = (-1, reference_targets.shape[1])
        return ranks_among(
            tree.predict(reference).reshape(shape), tree.predict(ranks).reshape(shape)
        )

    def _models(self, ranks, train_scores, fresh_scores) -> tuple[float, float, float]:
        """Return scores on held-out training rows.

        Of a tree, of a linear model minus that on fresh rows, and of the tree where it is certain.
        """
        targets, fresh_targets = (
            scores[rows]
            for scores, rows in zip((train_scores, fresh_scores), self.labelled, strict=True)
        )
        by_tree, differences = [], []
        certainty = np.zeros_like(targets)
        for learn, held_out in self._folds(targets):
            tree = DecisionTreeRegressor(min_samples_leaf=SMALLEST_LEAF, random_state=0)
            with config_context(assume_finite=True, skip_parameter_validation=True):
                told = tree.fit(ranks[0][learn], targets[learn]).predict(ranks[0][held_out])
            by_tree.append(self.score(targets[held_out], told))
            sizes = tree.tree_.n_node_samples[tree.apply(ranks[0][held_out])]
            told = told.reshape(len(held_out), -1) - targets[learn].mean(axis=0)
            certainty[held_out] = told * np.sqrt(sizes)[:, None]
            weights = linear_weights(ranks[0][learn], targets[learn])
            differences.append(
                self.score(targets[held_out], ranks[0][held_out] @ weights)
                - self.score(fresh_targets, ranks[1] @ weights)
            )
        return (
            mean_of(by_tree, self.centre),
            mean_of(differences, 0.0),
            score_of_certain(targets, certainty),
        )

    def _folds(self, targets):
        """Split training rows for models of features: whole groups, or stratified by class."""
        state = int(self.random.integers(2**31))
        n_rows = len(targets)
        if self.groups is not None:
            groups = self.groups[self.labelled[0]]
            n_folds = min(_N_FOLDS, len(np.unique(groups)))
            splitter = GroupKFold(n_folds, shuffle=True, random_state=state)
            return splitter.split(np.zeros(n_rows), groups=groups)
        if not self.is_regression:
            strata = np.unique(targets, axis=0, return_inverse=True)[1].ravel()
            counts = np.bincount(strata)
            if counts.min() >= 2:
                n_folds = min(_N_FOLDS, counts.min())
                splitter = StratifiedKFold(n_folds, shuffle=True, random_state=state)
                return splitter.split(np.zeros(n_rows), strata)
        return KFold(_N_FOLDS, shuffle=True, random_state=state).split(np.zeros(n_rows))

    def score(self, targets, predictions) -> float:
        """Return the mean ROC AUC or correlation of the targets that vary."""
        predictions = predictions.reshape(targets.shape)
        varying = np.ptp(targets, axis=0) > 0
        if not varying.any():
            return np.nan
        targets, predictions = targets[:, varying], predictions[:, varying]
        if not self.is_regression:
            predictions = rankdata(predictions, axis=0) / len(predictions)
        targets = targets - targets.mean(axis=0)
        predictions = predictions - predictions.mean(axis=0)
        shared = (targets * predictions).sum(axis=0)
        squares = (targets**2).sum(axis=0)
        if self.is_regression:
            squares = np.sqrt(squares * (predictions**2).sum(axis=0))
            squares = np.where(squares > 0, squares, np.inf)
        return float(self.centre + (shared / squares).mean())
