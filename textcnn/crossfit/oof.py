"""From the fold models' outputs to one matrix of out-of-fold features."""

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
    """Put the outputs of all fold models together, one row per row of the table.

    Parameters
    ----------
    plan : FoldPlan
    outputs : list of ndarray
        ``outputs[k]`` has the shape (len(plan.assignments[k].predict), n_columns): what model k
        gives for those rows, in that order.
    uncovered : {"raise", "nan"} or float, default="raise"
        Value of rows that no model predicts.
    add_spread : bool, default=False
        Whether to append, per column, the standard deviation over the models that predict a row
        (0 where there is one, NaN or 0 where there is none).
    add_indicator : bool, default=False
        Whether to append a last column: 1 where no model predicts the row, else 0.

    Returns
    -------
    ndarray of shape (n_rows, n_columns [* 2] [+ 1]), float32
        Means over the models that predict a row, taken in float64 in the plan's order. A row
        predicted by one model keeps that model's values.

    Raises
    ------
    ValueError
        If the outputs do not fit the plan, or rows are uncovered and must not be.
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
        If there is no output, or they differ in shape.
    """
    shapes = [np.shape(output) for output in outputs]
    if not shapes or len(set(shapes)) > 1:
        raise ValueError(f"Outputs of one shape are expected. Received: shapes {shapes}.")
    total = np.zeros(shapes[0])
    for output in outputs:
        total += output
    return (total / len(outputs)).astype(np.float32)


def assemble_new(outputs, *, add_spread: bool, add_indicator: bool) -> np.ndarray:
    """Put the features of new rows side by side: the mean of each set's models.

    Parameters
    ----------
    outputs : iterable of list of ndarray
        Per set of models (one per column, say) what each model gives, (n_rows, n_columns).
    add_spread : bool
        Whether each mean is followed by the standard deviation over its models.
    add_indicator : bool
        Whether a last column says that every row is predicted: 0.

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
    """Compare the outputs with the plan and return their number of columns."""
    expected = [len(assignment.predict) for assignment in plan.assignments]
    shapes = [np.shape(output) for output in outputs]
    fits = len(shapes) == len(expected) and all(
        len(shape) == 2 and shape[0] == n_rows and shape[1] == shapes[0][1]
        for shape, n_rows in zip(shapes, expected, strict=True)
    )
    if not fits:
        raise ValueError(
            f"One output per model is expected, with {expected} rows and the same columns. "
            f"Received: shapes {shapes}."
        )
    return shapes[0][1]
