"""Combine the outputs of fold models to a matrix of out-of-fold features."""

from __future__ import annotations

import numpy as np

from textcnn.crossfit.messages import check_uncovered, name_rows


def assemble(
    plan,
    outputs: list[np.ndarray],
    *,
    uncovered="raise",
) -> np.ndarray:
    """Combine the outputs of all fold models, with one row per row of the table.

    Parameters
    ----------
    plan : FoldPlan
    outputs : list of ndarray
        ``outputs[k]`` has the shape (len(plan.assignments[k].predict), n_columns): the outputs of
        model k for these rows, in the same order.
    uncovered : {"raise", "nan"} or float, default="raise"
        Value of rows that no model predicts.

    Returns
    -------
    ndarray of shape (n_rows, n_columns), float32
        Means over the models that predict a row, taken in float64 in the plan's order. A row
        predicted by one model keeps that model's values.

    Raises
    ------
    ValueError
        If the outputs do not match the plan, or rows are uncovered with ``uncovered="raise"``.
    """
    check_uncovered(uncovered)
    n_columns = _check_outputs(plan, outputs)
    counts = plan.n_predictions[:, None]
    rows = plan.uncovered
    if len(rows) and uncovered == "raise":
        raise ValueError(
            f"No model predicts {len(rows)} of {plan.n_rows} rows. Received: "
            f'uncovered="raise", {name_rows(rows)} uncovered. Pass uncovered="nan" or a number.'
        )
    mean = np.zeros((plan.n_rows, n_columns))
    for assignment, output in zip(plan.assignments, outputs, strict=True):
        mean[assignment.predict] += output
    mean /= np.maximum(counts, 1)
    if len(rows):
        mean[rows] = np.nan if uncovered == "nan" else float(uncovered)
    return mean.astype(np.float32)


def average(outputs: list[np.ndarray]) -> np.ndarray:
    """Return the mean of all models' outputs for new rows, float32 (n, n_columns).

    Raises
    ------
    ValueError
        If there are no outputs, or their shapes differ.
    """
    shapes = [np.shape(output) for output in outputs]
    if not shapes or len(set(shapes)) > 1:
        raise ValueError(f"Expected outputs of the same shape. Received: shapes {shapes}.")
    total = np.zeros(shapes[0])
    for output in outputs:
        total += output
    return (total / len(outputs)).astype(np.float32)


def _check_outputs(plan, outputs) -> int:
    """Check the outputs against the plan and return their number of columns."""
    expected = [len(assignment.predict) for assignment in plan.assignments]
    shapes = [np.shape(output) for output in outputs]
    fits = len(shapes) == len(expected) and all(
        len(shape) == 2 and shape[0] == n_rows and shape[1] == shapes[0][1]
        for shape, n_rows in zip(shapes, expected, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Expected one output per model, with {expected} rows and the same number of columns. "
            f"Received: shapes {shapes}."
        )
    return shapes[0][1]
