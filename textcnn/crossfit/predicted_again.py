"""Compare what fold models predict again, for a sample of rows, with records and features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.assignments import FoldPlan
from textcnn.crossfit.fingerprints import as_matrix
from textcnn.crossfit.messages import name_rows
from textcnn.crossfit.verification import LeakError

# Rows that are predicted again; a matrix of which 5 % is not out of fold has one such row among
# them with a probability of 1 - 0.95**90 = 99 %.
SAMPLE_SIZE = 90
# A network's outputs depend a little on which rows share a batch: relative to the standard
# deviation of a feature, and to the scale of outputs (1 for classes, that of y for numbers).
TOLERANCE = 1e-4
ROUNDING = 1e-5


def sample_rows(plan, size: int = SAMPLE_SIZE, seed: int = 0) -> np.ndarray:
    """Draw rows to predict again, in turn from each model.

    Parameters
    ----------
    plan : FoldPlan
    size : int, default=90
        At least one row per model is drawn.
    seed : int, default=0

    Returns
    -------
    ndarray of int64
        Ascending; rows that no model predicts are never drawn.
    """
    random = np.random.default_rng(seed)
    wanted = min(max(size, plan.n_models), plan.n_rows - len(plan.uncovered))
    # Rows of several models may be chosen already, but no more than the wanted number.
    queues = [random.permutation(a.predict)[-2 * wanted :].tolist() for a in plan.assignments]
    chosen: set[int] = set()
    while len(chosen) < wanted and any(queues):
        for queue in queues:
            while queue and queue[-1] in chosen:
                queue.pop()
            if queue and len(chosen) < wanted:
                chosen.add(int(queue.pop()))
    return np.array(sorted(chosen), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SampledRows:
    """Rows of a column that its fold models predict again.

    ``predict(k, rows)`` of both methods returns what fold model k predicts for those rows, of shape
    (len(rows), n_columns). Values may differ by 1e-5 of `scale`, and by 1e-4 of the standard
    deviation of their column.

    Attributes
    ----------
    name : str
        Name of the column, for errors.
    plan : FoldPlan
        Which models predict which row.
    rows : ndarray of int64, ascending
        Of :func:`sample_rows`.
    scale : float, default=0.0
        Scale of outputs.
    """

    name: str
    plan: FoldPlan
    rows: np.ndarray
    scale: float = 0.0

    def check_features(self, predict: Callable[[int, np.ndarray], np.ndarray], features) -> str:
        """Compare with features.

        Parameters
        ----------
        predict : callable
            Returns features.
        features : array or DataFrame of shape (n_rows, n_columns)
            Those of this set of models. Where a column is constant, 1 stands for its deviation.

        Returns
        -------
        str
            A sentence for the report.

        Raises
        ------
        LeakError
            Naming the model and the rows that it does not give these features.
        """
        rows = self.rows
        matrix = as_matrix(features).astype(np.float64)
        means = np.zeros((len(rows), matrix.shape[1]))
        counts = np.zeros(len(rows))
        model_of = np.full(len(rows), -1)
        for model, assignment in enumerate(self.plan.assignments):
            places = np.flatnonzero(np.isin(rows, assignment.predict))
            if len(places):
                means[places] += predict(model, rows[places])
                counts[places] += 1
                model_of[places] = model
        if (counts == 0).any():
            raise ValueError(
                "Expected: rows that some model predicts. Received: "
                f"{name_rows(rows[counts == 0])}, which no model predicts. Use sample_rows(plan)."
            )
        means /= counts[:, None]
        known = matrix[np.isfinite(matrix).all(axis=1)]
        spread = known.std(axis=0) if len(known) else np.zeros(matrix.shape[1])
        wrong = self._differs(matrix[rows], means, np.where(spread > 0, spread, 1.0))
        if wrong.any():
            model = int(model_of[wrong][0])
            raise LeakError(
                f"Column {self.name!r}: for {int(wrong.sum())} of {len(rows)} sampled rows the "
                f"models return other features. Received: other values in {name_rows(rows[wrong])}"
                f", the first of model {model}. So these features are not out-of-fold features of "
                "this fit: do not use them. Use the return value of fit_transform(X, y).",
                self.name,
                model,
                rows[wrong],
            )
        return self._sentence(len(set(model_of.tolist())))

    def check_record(
        self,
        predict: Callable[[int, np.ndarray], np.ndarray],
        recorded: Sequence[np.ndarray],
    ) -> str:
        """Compare with the predictions that the report contains.

        Parameters
        ----------
        predict : callable
            Returns predictions including the base rate.
        recorded : sequence of ndarray
            Per model, the predictions of its rows (``ColumnRecord.predictions``).

        Returns
        -------
        str
            A sentence for the report.

        Raises
        ------
        LeakError
            Naming the model and the rows.
        """
        n_models = 0
        for model, (assignment, known) in enumerate(
            zip(self.plan.assignments, recorded, strict=True)
        ):
            mine = self.rows[np.isin(self.rows, assignment.predict)]
            if not len(mine):
                continue
            n_models += 1
            places = np.searchsorted(assignment.predict, mine)
            wrong = self._differs(known[places], predict(model, mine), known.std(axis=0))
            if wrong.any():
                raise LeakError(
                    f"Column {self.name!r}: model {model} returns other predictions than its "
                    f"record. Received: other values in {name_rows(mine[wrong])}. So the report "
                    "is not about these models: fit again.",
                    self.name,
                    model,
                    mine[wrong],
                )
        return self._sentence(n_models)

    def _differs(self, known: np.ndarray, again: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Return which rows differ by more than rounding; NaN differs."""
        limit = TOLERANCE * spread + ROUNDING * self.scale
        return ~(np.abs(known - again) <= limit).all(axis=1)

    def _sentence(self, n_models: int) -> str:
        n_rows = len(self.rows)
        return f"{self.name}: {n_rows} rows were predicted again by {n_models} recorded models"
