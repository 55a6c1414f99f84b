"""A linear stack of out-of-fold predictions, scored on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold

from textcnn.crossfit import FoldPlan, Target
from textcnn.crossfit.level import Level
from textcnn.crossfit.scoring import Scoring
from textcnn.table.gains import gain_metric
from textcnn.utils.threads import one_thread

# For standardised columns: regularisation for thirty noise columns with a few hundred rows.
_C = 0.1
_ALPHA = 10.0
# Largest size of Newton's matrix; above, a quasi-Newton method is faster.
_LARGEST_HESSIAN = 600
# Inner folds of the stack within a fold.
_N_PARTS = 5
_FEWEST_ROWS = 4


@dataclass
class _Part:
    """An inner fold: positions among the rows that a fold predicts, and what is learnt there."""

    learn: np.ndarray
    test: np.ndarray
    values: np.ndarray
    weights: np.ndarray | None


@dataclass
class _Fold:
    """What of a fold is the same for all blocks that are scored on it."""

    rows: np.ndarray  # that its model predicts
    level: Level  # of the rows that its model was trained on
    parts: list[_Part]


class LinearStack:
    """A linear model on members' predictions and other columns, scored fold by fold.

    A stack trained on the out-of-fold predictions of all other folds is scored too well: the
    models behind those predictions were trained on the targets of the fold that it is scored on.
    Therefore a stack is trained on rows of **one** fold, predicted by the one model that was not
    trained on them, and is scored on the other rows of that fold, with five inner folds. The other
    columns enter as one prediction, of a linear model trained on the other folds. No member is
    fitted again, and no target is used before it is scored.

    The stack has fewer rows than a stack of the whole table, so gains are slightly underestimated.

    Parameters
    ----------
    plan : FoldPlan
    target : Target
        With the plan's dropped classes left out.
    scoring : str, sequence of str or None
        Its first name is the metric; None chooses by the target.
    others : ndarray of float, shape (n_rows, n)
        Columns that are added to every block.

    Notes
    -----
    For folds in time order the stack is trained on all earlier rows, which is unbiased too. If
    several models predict a row (repeated folds) it is trained on all other folds, which is not.
    Cost per call of :meth:`fold_scores`: five ridge or logistic regressions
    per fold on that fold's rows.
    """

    def __init__(self, plan: FoldPlan, target: Target, scoring, others: np.ndarray):
        self.plan = plan
        self.target = target
        self.metric = gain_metric(target, scoring)
        self.is_nested = is_nested(plan)
        metric = None if scoring is None else self.metric
        self._scoring = Scoring(target, metric, plan.sample_weight)
        self._others = others
        self._outputs: Callable = _logits
        if target.is_regression:
            self._outputs = _slopes
        elif target.kind == "multilabel":
            self._outputs = _logits_of_labels

    @one_thread()
    def fold_scores(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Return the score of each fold's stack of predictions and other columns.

        Parameters
        ----------
        blocks : sequence of ndarray of shape (n_rows, n_outputs)
            Out-of-fold predictions, as logits or in standard deviations of y.

        Returns
        -------
        ndarray of shape (n_models,)
            NaN where a fold has no score.
        """
        if not self.is_nested:
            return self.block_scores([self._others, *blocks])
        columns = self._side_by_side([self._prediction_of_others, *blocks])
        return np.array(
            [
                np.nan
                if fold is None
                else self._score(fold.rows, self._nested(columns, fold), fold.level)
                for fold in self._folds
            ]
        )

    @one_thread()
    def block_scores(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Return the score, per fold, of a linear model trained on all other folds.

        Unbiased for blocks that do not use the target, such as those of an unsupervised member.
        """
        columns = self._side_by_side(blocks)
        scores = []
        for assignment in self.plan.assignments:
            learn = self._learning_rows(assignment)
            if self.plan.ordered:  # the first rows in time have no features
                learn = learn[self.plan.n_predictions[learn] > 0]
            if len(learn) < 2 or self.target.missing_classes(learn):
                scores.append(np.nan)
                continue
            raw = self._linear(columns, learn, assignment.predict)
            level = self.target.level(learn, self._weights(learn))
            scores.append(self._score(assignment.predict, raw, level))
        return np.array(scores)

    @one_thread()
    def out_of_fold(self, block: np.ndarray) -> np.ndarray:
        """Return a linear model's out-of-fold predictions from a block, without the base rate.

        In a stack of raw text features and out-of-fold features, a model fitted on some folds could
        recover the targets of the others: it could learn what all models have in common from the
        raw features, and subtract what the model of a row's own fold predicts. So every member
        enters the stack as predictions.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            NaN in rows that no fold model predicts.
        """
        total = np.zeros((self.plan.n_rows, self.target.n_outputs))
        block = block.astype(np.float64)
        for assignment in self.plan.assignments:
            learn = self._learning_rows(assignment)
            total[assignment.predict] += self._linear(block, learn, assignment.predict)
        counts = self.plan.n_predictions[:, None]
        return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)

    @cached_property
    def _prediction_of_others(self) -> np.ndarray:
        """Out-of-fold predictions of the other columns; no column if there are none."""
        if not self._others.shape[1]:
            return self._others
        return self.out_of_fold(self._others)

    @cached_property
    def _folds(self) -> list[_Fold | None]:
        """The folds, each with its parts for stacks; None where one has too few rows."""
        folds: list[_Fold | None] = []
        for assignment in self.plan.assignments:
            rows = assignment.predict
            if len(rows) < _FEWEST_ROWS:
                folds.append(None)
                continue
            is_scored, weights, parts = self._scoring.is_scored[rows], self._weights(rows), []
            for learn, test in _parts(rows, self.plan.groups):
                learn = learn[is_scored[learn]]
                if len(learn) > 1:
                    values = self.target.values[rows[learn]]
                    given = None if weights is None else weights[learn]
                    parts.append(_Part(learn, test, values, given))
            learnt = self._learning_rows(assignment)
            level = self.target.level(learnt, self._weights(learnt))
            folds.append(_Fold(rows, level, parts))
        return folds

    def _nested(self, columns: np.ndarray, fold: _Fold) -> np.ndarray:
        """Return the outputs for a fold's rows of stacks trained on its other parts."""
        n_outputs = self.target.n_outputs
        raw = np.zeros((len(fold.rows), n_outputs))
        # Standardised on the whole fold: means of its parts would shift the predictions.
        x, _ = _standardised(columns, fold.rows, fold.rows)
        if x.shape[1]:
            for part in fold.parts:
                raw[part.test] = self._outputs(
                    x[part.learn], part.values, part.weights, x[part.test], n_outputs
                )
        return raw

    def _score(self, rows: np.ndarray, raw: np.ndarray, level: Level) -> float:
        """Return the score of a linear model's outputs with the base rate of its training rows."""
        if self.target.is_regression:
            predictions = raw + level.centre
        else:
            predictions = self.target.predictions(raw, level)
        return self._scoring.score(self.metric, rows, predictions)[0]

    def _linear(self, columns: np.ndarray, learn: np.ndarray, new: np.ndarray) -> np.ndarray:
        """Return the output of a linear model for new rows, without the intercept."""
        n_outputs = self.target.n_outputs
        if len(learn) < 2:
            return np.zeros((len(new), n_outputs))
        x, new = _standardised(columns, learn, new)
        if not x.shape[1]:
            return np.zeros((len(new), n_outputs))
        return self._outputs(x, self.target.values[learn], self._weights(learn), new, n_outputs)

    def _side_by_side(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        return np.hstack([np.empty((self.plan.n_rows, 0)), *blocks])

    def _learning_rows(self, assignment) -> np.ndarray:
        return np.union1d(assignment.learn, assignment.stop)

    def _weights(self, rows) -> np.ndarray | None:
        weights = self.plan.sample_weight
        return None if weights is None else weights[rows]


def is_nested(plan: FoldPlan) -> bool:
    """Return whether a stack can be trained within each fold: one model predicts each labelled row.

    Rows without a target may have several predictions, but no stack is trained on them.
    """
    return not plan.ordered and plan.n_predictions[plan.labelled].max(initial=0) <= 1


def _parts(rows: np.ndarray, groups) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split the row positions of a fold into five inner folds.

    Groups are not split if the fold has more than one.
    """
    if groups is not None:
        of_rows = np.asarray(groups)[rows]
        n_groups = len(np.unique(of_rows))
        if n_groups > 1:
            n_parts = min(_N_PARTS, n_groups)
            return list(
                GroupKFold(n_parts, shuffle=True, random_state=0).split(rows, None, of_rows)
            )
    return list(KFold(min(_N_PARTS, len(rows)), shuffle=True, random_state=0).split(rows))


def _standardised(columns, learn, predict) -> tuple[np.ndarray, np.ndarray]:
    """Return training and new rows, standardised by the first; missing values are the mean."""
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


def _slopes(x, values, weights, new, n_outputs: int) -> np.ndarray:
    """Return a ridge regression's outputs for new rows, without intercepts."""
    coefficients = Ridge(alpha=_ALPHA).fit(x, values, weights).coef_
    return new @ coefficients.reshape(n_outputs, -1).T


def _logits_of_labels(x, values, weights, new, n_outputs: int) -> np.ndarray:
    """Return the logits of new rows of a logistic regression per label, without intercepts."""
    return np.hstack([_logits(x, values[:, label], weights, new, 1) for label in range(n_outputs)])


def _logits(x, values, weights, new, n_outputs: int) -> np.ndarray:
    """Return a logistic regression's logits of new rows, without intercepts.

    Absent classes have a logit of zero; with a single class all logits are zero.
    """
    present = np.unique(values).astype(int)
    logits = np.zeros((len(new), n_outputs))
    if len(present) < 2:
        return logits
    n_models = 1 if len(present) == 2 else len(present)
    small = (x.shape[1] + 1) * n_models <= _LARGEST_HESSIAN
    model = LogisticRegression(
        C=_C, solver="newton-cholesky" if small else "lbfgs", tol=1e-3, max_iter=500
    ).fit(x, values, weights)
    outputs = new @ model.coef_.T
    if n_outputs == 1:
        return outputs
    if outputs.shape[1] == 1:  # two of several classes
        outputs = np.hstack([-outputs / 2, outputs / 2])
    logits[:, present] = outputs
    return logits
