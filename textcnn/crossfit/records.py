"""The record of one column's cross-fit: which rows each model used, and what it predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.assignments import FoldPlan
from textcnn.crossfit.messages import listed, name_rows
from textcnn.crossfit.targets import Target


@dataclass
class ColumnRecord:
    """The record of one column's cross-fit.

    Attributes
    ----------
    name : str
    fed : list of dict
        Per model the row numbers that were actually used for training (``"learn"``), validation
        (``"stop"``) and prediction (``"predict"``), int64.
    predictions : list of ndarray
        Per model float64 of shape (len(plan.assignments[k].predict), n_outputs), as
        ``Target.predictions`` returns them, in the order of ``plan.assignments[k].predict``.
    prior : list of ndarray
        Per model float64 of shape (n_outputs,): the prediction from the base rate or mean of its
        training rows.
    epochs, updates : list of int
    seconds : list of float
    words : dict
        Counts such as ``{"tokens": …, "tokens_with_vector": …}``; may be empty.
    documents : ndarray of shape (n_rows,), uint64
        Hash of each row's cell, equal for cells that models read as equal; 0 for an empty cell.
    """

    name: str
    fed: list[dict[str, np.ndarray]]
    predictions: list[np.ndarray]
    prior: list[np.ndarray]
    epochs: list[int]
    updates: list[int]
    seconds: list[float]
    words: dict
    documents: np.ndarray


def check_record(record: ColumnRecord, plan: FoldPlan, target: Target) -> None:
    """Refuse a record whose sizes do not match the plan."""
    for part in ("predictions", "prior", "epochs", "updates", "seconds", "fed"):
        if len(getattr(record, part)) != plan.n_models:
            raise ValueError(
                f"Column {record.name!r}: expected {part} of {plan.n_models} models. "
                f"Received: {len(getattr(record, part))}."
            )
    expected = [(len(rows.predict), target.n_outputs) for rows in plan.assignments]
    shapes = [np.shape(predictions) for predictions in record.predictions]
    if shapes != expected:
        raise ValueError(
            f"Column {record.name!r}: expected predictions of the shapes {listed(expected)}. "
            f"Received: shapes {listed(shapes)}."
        )
    for model, predictions in enumerate(record.predictions):
        if not np.isfinite(predictions).all():
            rows = plan.assignments[model].predict[~np.isfinite(predictions).all(axis=1)]
            raise ValueError(
                f"Column {record.name!r}: predictions of model {model} are not finite. "
                f"Received: NaN or infinity in {name_rows(rows)}."
            )
    if np.shape(record.documents) != (plan.n_rows,):
        raise ValueError(
            f"Column {record.name!r}: expected one document hash per row, shape "
            f"({plan.n_rows},). Received: shape {np.shape(record.documents)}."
        )
