"""The estimators of a fold of :class:`~textcnn.TextLinearEncoder`: TF-IDF and linear model."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

# A step along Newton's direction must lower the loss by this share of its linear prediction.
_SUFFICIENT_DECREASE = 1e-4
_SHORTEST_STEP = 1e-3
# Share of the gradient per row that is rounding of float32: four times the observed maximum (it
# depends on the processor). Gradients with information are far larger.
_NOISE = 4e-6
# Lowest accuracy of the inner equations; it increases as the gradient shrinks.
_LOOSEST_SOLUTION = 0.3


class FoldTfidf(TransformerMixin, BaseEstimator):
    """Weight n-gram counts by 1 + log(count) and by the document frequency in the rows of ``fit``.

    Rows of each of the two blocks of columns (words, characters) have length 1. N-grams in fewer
    than ``min_df`` of those rows become 0; the matrix keeps its columns. The weights equal those of
    scikit-learn's ``TfidfVectorizer(sublinear_tf=True, min_df=min_df)`` on those rows.

    Parameters
    ----------
    n_words : int, default=0
        Number of columns of the first block.
    min_df : int, default=2
    """

    def __init__(self, n_words=0, min_df=2):
        self.n_words = n_words
        self.min_df = min_df

    def fit(self, X, y=None):
        """Count the rows that contain each n-gram."""
        frequencies = np.bincount(X.indices, minlength=X.shape[1])
        weights = np.log((1 + X.shape[0]) / (1 + frequencies)) + 1
        weights[frequencies < self.min_df] = 0
        self.idf_ = weights.astype(np.float32)
        return self

    def transform(self, X):
        """Return weighted counts, float32."""
        weighted = csr_matrix(
            ((1 + np.log(X.data)) * self.idf_[X.indices], X.indices, X.indptr), shape=X.shape
        )
        in_words = np.arange(X.shape[1]) < self.n_words
        blocks = np.stack([in_words, ~in_words], axis=1).astype(np.float32)
        squares = csr_matrix((weighted.data**2, X.indices, X.indptr), shape=X.shape) @ blocks
        factors = 1 / np.sqrt(np.where(squares > 0, squares, 1))
        rows = np.repeat(np.arange(X.shape[0], dtype=np.int32), np.diff(X.indptr))
        weighted.data *= factors[rows, (X.indices >= self.n_words).astype(np.int8)]
        return weighted


class CentredLogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression that starts from the prior, on centred columns.

    The optimum is that of scikit-learn's ``LogisticRegression`` with the same ``C``: centring only
    changes the intercept. But the search starts at the logit of the prior, where the gradient of
    the intercept is zero, so columns without information give exactly the prior. With an intercept
    that differs from it by a solver's tolerance, features would reveal the base rate of held-out
    rows. Truncated Newton search (with conjugate gradients) in float32, for all classes or labels
    at once; sparse rows stay sparse.

    Parameters
    ----------
    C : float, default=3.0
        Inverse strength of the penalty on squared coefficients.
    tol : float, default=0.03
        The search ends when the gradient is below this share of the initial one.
    max_iter : int, default=30

    Attributes
    ----------
    level_ : ndarray of shape (n_outputs,), float32
        Mean logits over the rows of ``fit``.
    """

    def __init__(self, C=3.0, tol=0.03, max_iter=30):
        self.C = C
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        """Fit to classes, shape (n_rows,), or labels of 0 and 1, shape (n_rows, n_labels)."""
        if np.ndim(y) == 2:
            self.classes_ = [np.array([0, 1])] * np.shape(y)[1]
            targets = np.asarray(y, np.float32)
        else:
            self.classes_, codes = np.unique(y, return_inverse=True)
            targets = np.eye(len(self.classes_), dtype=np.float32)[codes]
            targets = targets[:, 1:] if len(self.classes_) == 2 else targets
        self._softmax = np.ndim(y) == 1 and targets.shape[1] > 1
        weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight)
        weights = (weights / weights.mean()).astype(np.float32)[:, None]
        share = np.average(targets.astype(np.float64), axis=0, weights=weights[:, 0])
        half = 0.5 / (len(targets) + 1)
        share = np.clip(share, half, 1 - half)
        prior = np.log(share) if self._softmax else np.log(share) - np.log1p(-share)
        self._search(X, targets, weights, prior.astype(np.float32))
        self.level_ = self._mean_logits(X, weights[:, 0])
        return self

    def predict_proba(self, X):
        """Return probabilities: of classes, or of each label being 1."""
        raw = (X @ self.coef_ - self.means_ @ self.coef_ + self.intercept_).astype(np.float64)
        if self._softmax:
            return softmax(raw, axis=1)
        share = expit(raw)
        is_binary = isinstance(self.classes_, np.ndarray)
        return np.hstack([1 - share, share]) if is_binary else share

    def _mean_logits(self, X, weights) -> np.ndarray:
        """Return the mean logits of the rows without their weights, which may reveal classes."""
        level = self.intercept_
        used = weights > 0
        if np.ptp(weights[used]) > 0:
            shift = X.T @ (used / used.sum()) - self.means_
            level = level + shift.astype(np.float32) @ self.coef_
        return level - level.mean() if self._softmax else level

    def _search(self, X, targets, weights, prior) -> None:
        """Minimise the penalised loss by Newton steps.

        Coefficients and gradients are arrays whose last row are the intercepts.
        """
        transposed, penalty = X.T, np.float32(1 / self.C)
        self.means_ = np.asarray(transposed @ weights)[:, 0] / weights.sum()
        point = np.zeros((X.shape[1] + 1, targets.shape[1]), np.float32)
        point[-1] = prior
        raw = np.tile(prior, (len(targets), 1))
        loss, start = self._loss(raw, point, targets, weights, penalty), None
        for step_number in range(1, self.max_iter + 1):
            self.n_iter_ = step_number
            shares = softmax(raw, axis=1) if self._softmax else expit(raw)
            residuals = weights * (shares - targets)
            gradient = np.empty_like(point)
            gradient[-1] = residuals.sum(axis=0)
            gradient[:-1] = transposed @ residuals - np.outer(self.means_, gradient[-1])
            gradient[:-1] += penalty * point[:-1]
            squared = _product(gradient, gradient)
            start = np.sqrt(squared) if start is None else start
            if np.sqrt(squared) <= max(self.tol * start, _NOISE * len(targets)):
                break
            step, along = self._newton_step(
                X, transposed, shares, weights, penalty, gradient, squared, start
            )
            promised, size = _product(gradient, step), np.float32(1)
            while True:
                new_point, new_raw = point + size * step, raw + size * along
                new_loss = self._loss(new_raw, new_point, targets, weights, penalty)
                if new_loss <= loss + _SUFFICIENT_DECREASE * size * promised:
                    break
                size /= 2
                if size < _SHORTEST_STEP:  # float32 cannot represent a lower loss
                    break
            if size < _SHORTEST_STEP:
                break
            point, raw, loss = new_point, new_raw, new_loss
        self.coef_, self.intercept_ = point[:-1], point[-1]

    def _newton_step(self, X, transposed, shares, weights, penalty, gradient, squared, start):
        """Solve the Newton equations approximately; return the step and its effect on the rows."""
        step, along = np.zeros_like(gradient), np.zeros_like(shares)
        rest, size = -gradient, squared
        direction = rest
        length = np.sqrt(squared)
        goal = min(_LOOSEST_SOLUTION, np.sqrt(length / start)) * length
        for _ in range(200):
            moved = X @ direction[:-1] - self.means_ @ direction[:-1] + direction[-1]
            if self._softmax:
                curved = shares * moved
                curved -= shares * curved.sum(axis=1, keepdims=True)
            else:
                curved = shares * (1 - shares) * moved
            curved *= weights
            bent = np.empty_like(direction)
            bent[-1] = curved.sum(axis=0)
            bent[:-1] = transposed @ curved
            bent[:-1] -= np.outer(self.means_, bent[-1])
            bent[:-1] += penalty * direction[:-1]
            curvature = _product(direction, bent)
            if curvature <= 0:
                break
            far = np.float32(size / curvature)
            step = step + far * direction
            along += far * moved
            rest = rest + -far * bent
            before, size = size, _product(rest, rest)
            if np.sqrt(size) <= goal:
                break
            direction = rest + np.float32(size / before) * direction
        return step, along

    def _loss(self, raw, point, targets, weights, penalty) -> float:
        if self._softmax:
            highest = raw.max(axis=1, keepdims=True)
            normaliser = np.log(np.exp(raw - highest).sum(axis=1, keepdims=True)) + highest
        else:
            normaliser = np.logaddexp(np.float32(0), raw)
        fit = np.sum(weights * normaliser, dtype=np.float64)
        fit -= np.sum(weights * raw * targets, dtype=np.float64)
        return float(fit + 0.5 * penalty * np.vdot(point[:-1], point[:-1]))


def _product(a: np.ndarray, b: np.ndarray) -> float:
    """Return the inner product, the share of the intercepts added last."""
    return float(np.vdot(a[:-1], b[:-1]) + np.vdot(a[-1], b[-1]))
