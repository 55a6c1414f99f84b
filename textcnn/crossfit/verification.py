"""Check of the recorded training rows: no model predicts a row that it was trained on."""

from __future__ import annotations

import numpy as np

from textcnn.crossfit.messages import name_rows
from textcnn.crossfit.plan import FoldPlan


class LeakError(ValueError):
    """A model predicted rows that it must not predict, or did not predict rows that it should.

    Attributes
    ----------
    column : str
    model : int
        Number of the fold model.
    rows : ndarray of int64
        The affected rows.
    """

    def __init__(self, message: str, column=None, model=None, rows=()):
        super().__init__(message)
        self.column = column
        self.model = model
        self.rows = np.asarray(rows, dtype=np.int64)


def verify_fed(name: str, fed: list[dict[str, np.ndarray]], plan: FoldPlan) -> None:
    """Check the recorded rows of all models of one column.

    Parameters
    ----------
    name : str
        Name of the column, for the error.
    fed : list of dict
        Per model, the row numbers used for ``"learn"``, ``"stop"`` and ``"predict"``.
    plan : FoldPlan
        Groups, time, weights and targets of the rows, and the planned predictions. The planned
        training rows are ignored.

    Raises
    ------
    LeakError
    """
    if len(fed) != plan.n_models:
        raise LeakError(
            f"Column {name!r}: expected records of {plan.n_models} models. Received: {len(fed)}.",
            name,
        )
    for model, record in enumerate(fed):
        learnt, stopped, predicted = (
            np.unique(np.asarray(record[use], dtype=np.int64))
            for use in ("learn", "stop", "predict")
        )
        for rows, what in (
            (np.intersect1d(predicted, learnt), "was trained on"),
            (np.intersect1d(predicted, stopped), "was validated on"),
        ):
            _refuse(rows, name, model, f"{what} rows that it predicted")
        known = np.union1d(learnt, stopped)
        if plan.groups is not None:
            rows = predicted[np.isin(plan.groups[predicted], plan.groups[known])]
            _refuse(
                rows, name, model, "was trained on rows of the groups of rows that it predicted"
            )
        if plan.ordered and len(known):
            rows = predicted[plan.time[predicted] <= plan.time[known].max()]
            _refuse(rows, name, model, "was trained on rows not earlier than those it predicted")
        if plan.sample_weight is not None:
            rows = known[plan.sample_weight[known] <= 0]
            _refuse(rows, name, model, "was trained on rows of weight zero", "trained on")
        if plan.labelled is not None:
            rows = known[~plan.labelled[known]]
            _refuse(rows, name, model, "was trained on rows without a target", "trained on")
        promised = plan.assignments[model].predict
        rows = np.setdiff1d(promised, predicted)
        _refuse(rows, name, model, "did not predict rows that it should have", "missing")
        rows = np.setdiff1d(predicted, promised)
        _refuse(rows, name, model, "predicted rows that it should not have")


def _refuse(rows, name, model, what, role="predicted") -> None:
    """Raise an error if there are rows, all of which violate a condition."""
    if len(rows):
        raise LeakError(
            f"Column {name!r}: model {model} {what}. Received: {role} {name_rows(rows)}. The "
            "features of these rows are not out-of-fold features: do not use them.",
            name,
            model,
            rows,
        )
