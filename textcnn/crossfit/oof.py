"""Combine the outputs of fold models to a matrix of out-of-fold features."""

from __future__ import annotations

import numpy as np

from textcnn.crossfit.messages import check_uncovered, name_rows


def assemble(
    plan,
    outputs: list[np.ndarray],
    *,
    uncovered="raise",
    add_spread: bool = False,
    add_indicator: bool = False,
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
    add_spread : bool, default=False
        Whether to append, per column, the standard deviation over the models that predict a row
        (0 for one model, NaN or 0 for none).
    add_indicator : bool, default=False
        Whether to append a last column: 1 if no model predicts the row, else 0.

    Returns
    -------
    ndarray of shape (n_rows, n_columns [* 2] [+ 1]), float32
        Means over the models that predict a row, computed in float64 in the plan's order. For a row
        predicted by one model these are that model's outputs.

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
    divisor = np.maximum(counts, 1)
    mean = np.zeros((plan.n_rows, n_columns))
    for assignment, output in zip(plan.assignments, outputs, strict=True):
        mean[assignment.predict] += output
    mean /= divisor
    blocks = [mean]
    if add_spread:
        squares = np.zeros_like(mean)
        for assignment, output in zip(plan.assignments, outputs, strict=True):
            squares[assignment.predict] += (output - mean[assignment.predict]) ** 2
        blocks.append(np.sqrt(squares / divisor))
    if len(rows):
        missing = np.nan if uncovered == "nan" else float(uncovered)
        mean[rows] = missing
        if add_spread and uncovered == "nan":
            blocks[1][rows] = np.nan
    if add_indicator:
        blocks.append(counts == 0)
    return np.hstack(blocks).astype(np.float32)


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


def assemble_new(outputs, *, add_spread: bool, add_indicator: bool) -> np.ndarray:
    """Combine the features of new rows: the mean over the models of each set.

    Parameters
    ----------
    outputs : iterable of list of ndarray
        Per set of models (for example one per column) the output of each model, (n_rows,
        n_columns).
    add_spread : bool
        Whether to add the standard deviation over the models after each mean.
    add_indicator : bool
        Whether to add the indicator of uncovered rows as last column: 0 for all new rows.

    Returns
    -------
    ndarray of float32
    """
    blocks = []
    for models in outputs:
        blocks.append(average(models))
        if add_spread:
            blocks.append(np.std(models, axis=0, dtype=np.float64).astype(np.float32))
    if add_indicator:
        blocks.append(np.zeros((len(blocks[0]), 1), np.float32))
    return np.hstack(blocks)


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
