"""The target: its type, values, outputs and feature columns. Serving needs it with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from textcnn.crossfit.level import Level, centre_and_scale, inside
from textcnn.crossfit.messages import listed, name_rows
from textcnn.utils.links import sigmoid, softmax
from textcnn.utils.rounding import equals_rounded

# exp(80) is still finite in float32.
_LARGEST_EXPONENT = 80.0


@dataclass(frozen=True, eq=False)
class Target:
    """A target in the form that the networks need; ``read_target`` makes it.

    The network's raw output has no trainable bias. Its training loss is computed on
    ``raw + level.offset``, so ``raw`` is the logit minus the logit of the base rate (the prior;
    for regression: y minus the training mean, in standard deviations).

    Reason: the base rate of a model's training rows reveals the mean target of its held-out rows.
    If features contained it, a decision tree could tell the folds apart and recover the targets.
    Therefore :meth:`features` does not contain the base rate but a constant (0.5, equal
    probabilities, 0 or 1) that does not depend on y: with the same folds, changing the target of
    a held-out row leaves that row's feature bit-identical. :meth:`predictions` contains the base
    rate; use it for predictions and scores, not for features.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel", "continuous", "multioutput"}
    loss : {"binary_crossentropy", "categorical_crossentropy", "squared", "absolute", "poisson"}
    output : {"proba", "logit"}
        Form of :meth:`features`.
    classes : ndarray, list of str or None
        Sorted classes; names of labels for multilabel; None for regression.
    names : tuple of str
        Names of the targets for multilabel and multioutput, otherwise empty.
    n_outputs : int
        Number of raw outputs: 1, or the number of classes, labels or targets.
    labelled : ndarray of shape (n_rows,), bool
        Rows that have a target.
    values : ndarray, float64 or int64
        Class codes of shape (n_rows,), -1 where unlabelled; else values of shape
        (n_rows, n_outputs), NaN (multilabel: -1) where unlabelled.
    """

    kind: str
    loss: str
    classes: np.ndarray | list | None
    n_outputs: int
    labelled: np.ndarray
    values: np.ndarray
    names: tuple[str, ...] = ()
    output: str = "proba"

    def without_rows(self) -> Target:
        """Return what new rows need of the target: everything but the rows' values."""
        return replace(self, labelled=self.labelled[:0], values=self.values[:0])

    @cached_property
    def is_regression(self) -> bool:
        """Whether y is numeric, not classes or labels."""
        return self.kind in ("continuous", "multioutput")

    def codes(self) -> np.ndarray | None:
        """Return class codes of shape (n_rows,), int64, -1 if unlabelled; None without classes.

        They are the strata of folds and of validation rows, too.
        """
        return self.values if self.kind in ("binary", "multiclass") else None

    def splitter_values(self, rows: np.ndarray) -> np.ndarray:
        """Return y of some rows for scikit-learn's splitters and scorers."""
        values = self.values[rows]
        return values[:, 0] if self.kind == "continuous" else values

    def level(self, rows: np.ndarray, weights: np.ndarray | None = None) -> Level:
        """Return the level (base rate, mean and scale) of the target in some rows.

        Parameters
        ----------
        rows : ndarray of int
            A fold model's own training rows; all labelled.
        weights : ndarray of shape (len(rows),), default=None
            Weights of those rows (``sample_weight[rows]``).

        Raises
        ------
        ValueError
            If there are no rows, a row is unlabelled, or the weights have another length or sum to
            zero.
        """
        rows, weights = self._rows_and_weights(rows, weights)
        offset = np.zeros(self.n_outputs)
        centre = np.zeros(self.n_outputs)
        scale = np.ones(self.n_outputs)
        values = self.values[rows]
        total = weights.sum()
        # The logit of 0 or 1 is infinite: count half a row for an absent class.
        half = 0.5 / (len(rows) + 1)
        if self.kind == "binary":
            prior = inside(np.array([weights[values == 1].sum() / total]), half)
            offset = np.log(prior) - np.log1p(-prior)
        elif self.kind == "multiclass":
            prior = np.bincount(values, weights, minlength=self.n_outputs) / total
            offset = np.log(inside(prior, half))
            offset -= offset.mean()
        elif self.kind == "multilabel":
            prior = inside((weights[:, None] * values).sum(axis=0) / total, half)
            offset = np.log(prior) - np.log1p(-prior)
        elif self.loss == "poisson":
            mean = (weights[:, None] * values).sum(axis=0) / total
            offset = np.log(np.where(mean > 0, mean, half))
        else:
            for column in range(self.n_outputs):
                centre[column], scale[column] = centre_and_scale(
                    values[:, column], weights, median=self.loss == "absolute"
                )
        return Level(offset.astype(np.float32), centre, scale, unit=np.ones_like(scale))

    def training_values(self, rows: np.ndarray, level: Level) -> np.ndarray:
        """Return the training targets, float32 of shape (len(rows), n_outputs).

        Zeros and ones for classes and labels, (y - ``level.centre``) / ``level.scale`` for
        regression, y itself for Poisson.
        """
        rows, _ = self._rows_and_weights(rows, None)
        values = self.values[rows]
        if self.kind == "binary":
            return values.astype(np.float32)[:, None]
        if self.kind == "multiclass":
            one_hot = np.zeros((len(rows), self.n_outputs), dtype=np.float32)
            one_hot[np.arange(len(rows)), values] = 1
            return one_hot
        return ((values - level.centre) / level.scale).astype(np.float32)

    @property
    def neutral_feature(self) -> float:
        """The feature of a row without information: a raw output of zero."""
        if self.kind in ("continuous", "multioutput"):
            return 1.0 if self.loss == "poisson" and self.output == "proba" else 0.0
        if self.output == "logit":
            return 0.0
        return 1 / self.n_outputs if self.kind == "multiclass" else 0.5

    def features(self, raw: np.ndarray, level: Level) -> np.ndarray:
        """Return a model's output without the base rate of its training rows.

        Parameters
        ----------
        raw : array-like of shape (n, n_outputs)
            The network's raw output, without ``level.offset``; below, ``raw`` is this minus
            ``level.mean_output``.
        level : Level
            The level of that model's training rows.

        Returns
        -------
        ndarray of shape (n, n_outputs), float32
            With ``output="proba"``: ``sigmoid(raw)`` (binary, multilabel), ``softmax(raw)``
            (multiclass), ``raw`` (regression: difference from the mean output, in standard
            deviations of the training targets), ``exp(raw)`` (Poisson: multiple of the training
            mean). With ``output="logit"``: ``raw``, for multiclass minus its row's mean.
        """
        raw = self._relative(self._raw(raw), level.neutral)
        if self.kind in ("continuous", "multioutput") and self.loss != "poisson":
            shown = raw * level.feature_unit
        elif self.output == "logit":
            shown = raw - raw.mean(axis=1, keepdims=True) if self.kind == "multiclass" else raw
        else:
            shown = self._link(raw)
        return shown.astype(np.float32)

    def predictions(self, raw: np.ndarray, level: Level) -> np.ndarray:
        """Return a model's predictions including the base rate, float64 (n, n_outputs).

        Probabilities (binary: of the second class), or y in its own units. They leak the held-out
        targets: do not use them as features.
        """
        raw = self._raw(raw)
        if self.is_regression and self.loss != "poisson":
            return raw * level.scale + level.centre
        return self._link(raw + level.offset)

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """Return predictions as in scikit-learn's ``predict_proba`` (binary: two columns).

        Raises
        ------
        ValueError
            If the target has no classes or labels.
        """
        if self.is_regression:
            raise ValueError(
                f"A regression target has no probabilities. Received: a {self.kind!r} target."
            )
        if self.kind == "binary":
            return np.hstack([1 - predictions, predictions])
        return predictions

    def decode(self, predictions: np.ndarray) -> np.ndarray:
        """Return predictions as values of y: classes, 0/1 labels, or numbers."""
        if self.kind == "binary":
            return self.classes[(predictions[:, 0] > 0.5).astype(np.int64)]
        if self.kind == "multiclass":
            return self.classes[predictions.argmax(axis=1)]
        if self.kind == "multilabel":
            return (predictions > 0.5).astype(np.int64)
        return predictions[:, 0] if self.kind == "continuous" else predictions

    def column_suffixes(self) -> list[str]:
        """Return the suffix of the feature name for each column of :meth:`features`."""
        if self.kind in ("binary", "continuous"):
            return [""]
        names = self.classes if self.kind == "multiclass" else self.names
        return [f"_{name}" for name in names]

    def missing_classes(self, rows: np.ndarray) -> list[int]:
        """Return the codes of classes that do not occur in some rows (labels: no positive row)."""
        if self.is_regression:
            return []
        if self.kind == "multilabel":
            present = (self.values[rows] == 1).any(axis=0)
        else:
            present = np.bincount(self.values[rows], minlength=len(self.classes)) > 0
        return np.flatnonzero(~present).tolist()

    def without_classes(self, codes) -> Target:
        """Return this target without some classes: there are no columns for them.

        Rows of such a class are treated as unlabelled: they are not used for training, and the
        probabilities of the other classes add up to one. Of multilabel targets only the label's
        column is removed. If two classes remain, the target is binary.

        Parameters
        ----------
        codes : iterable of int
            Codes of the classes, or numbers of the labels, to leave out.

        Raises
        ------
        ValueError
            If fewer than two classes (or no label) would remain.
        """
        codes = sorted(set(codes))
        if not codes:
            return self
        if self.is_regression:
            raise ValueError(f"A {self.kind!r} target has no classes to leave out.")
        keep = np.setdiff1d(np.arange(len(self.classes)), codes)
        left_out = [self.classes[code] for code in codes]
        if len(keep) < (1 if self.kind == "multilabel" else 2):
            raise ValueError(
                f"Without the class(es) {listed(left_out)} fewer than two classes remain. "
                'Received: missing_class="drop". Use fewer folds, or a stratified splitter, so '
                "that the training rows of every fold contain every class."
            )
        if self.kind == "multilabel":
            return replace(
                self,
                classes=[self.classes[code] for code in keep],
                names=tuple(self.names[code] for code in keep),
                n_outputs=len(keep),
                values=np.ascontiguousarray(self.values[:, keep]),
            )
        new_code = np.full(len(self.classes) + 1, -1)  # the last entry is for code -1
        new_code[keep] = np.arange(len(keep))
        values = new_code[self.values]
        binary = len(keep) == 2
        return replace(
            self,
            kind="binary" if binary else self.kind,
            loss="binary_crossentropy" if binary else self.loss,
            classes=self.classes[keep],
            n_outputs=1 if binary else len(keep),
            labelled=values >= 0,
            values=values,
        )

    @cached_property
    def _link(self) -> Callable[[np.ndarray], np.ndarray]:
        """What makes probabilities, or multiples of the mean, of raw outputs."""
        if self.kind == "multiclass":
            return softmax
        return _bounded_exponential if self.loss == "poisson" else sigmoid

    def _raw(self, raw) -> np.ndarray:
        raw = np.ascontiguousarray(raw, dtype=np.float64)
        if raw.ndim != 2 or raw.shape[1] != self.n_outputs:
            raise ValueError(
                f"A model of this target has {self.n_outputs} raw output(s) per row. Expected: an "
                f"array of shape (n, {self.n_outputs}). Received: shape {raw.shape}."
            )
        return raw

    @staticmethod
    def _relative(raw: np.ndarray, mean_output: np.ndarray) -> np.ndarray:
        """Subtract the mean output; differences of float32 rounding are exactly zero."""
        if not mean_output.any():
            return raw
        relative = raw - mean_output
        relative[equals_rounded(raw, mean_output)] = 0
        return relative

    def _rows_and_weights(self, rows, weights) -> tuple[np.ndarray, np.ndarray]:
        rows = np.asarray(rows, dtype=np.int64)
        if not self.labelled[rows].all():
            raise ValueError(
                "Rows without a target cannot be used for training. "
                f"Received: {name_rows(rows[~self.labelled[rows]])}."
            )
        if not len(rows):
            raise ValueError("There are no training rows.")
        weights = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights.shape != rows.shape:
            raise ValueError(
                f"Expected one weight per row: shape {rows.shape}. Received: weights of shape "
                f"{weights.shape}. Pass sample_weight[rows]."
            )
        if not weights.sum() > 0:
            raise ValueError("The weights of the training rows are all zero.")
        return rows, weights


def _bounded_exponential(raw: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(raw, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
