"""Read y into a target: its type, its classes or numbers, and the rows that have one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_consistent_length

from textcnn.crossfit.messages import check_option, name_rows
from textcnn.crossfit.targets import Target
from textcnn.crossfit.values import (
    CLASS_LOSSES,
    REGRESSION_LOSSES,
    check_classes,
    kind_of_values,
    read_cells,
    resolve_loss,
)

KINDS = ("binary", "multiclass", "continuous", "multilabel", "multioutput")
TARGET_TYPES = ("auto", "classes", *KINDS)
OUTPUTS = ("proba", "logit")


def read_target(
    y,
    *,
    target_type: str = "auto",
    n_rows: int,
    loss: str = "auto",
    output: str = "proba",
    allow_unlabelled: bool = True,
) -> Target:
    """Read y into a :class:`~textcnn.crossfit.targets.Target`.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        List, NumPy array, pandas, polars or Arrow column or table. NaN, None, ``pd.NA`` and NaT
        mark rows without a target. With several targets a row must have all or none.
    target_type : str, default="auto"
        ``"auto"`` uses scikit-learn's ``type_of_target``, as ``TargetEncoder`` does: integers are
        classes, even 0 to 100. More than 50 classes with fewer than 10 rows each on average are
        refused. Otherwise ``"binary"``, ``"multiclass"``, ``"continuous"``, ``"multilabel"``
        (several columns of 0 and 1), ``"multioutput"`` (several columns of numbers), or
        ``"classes"`` (binary or multiclass).
    n_rows : int
        Number of rows of X.
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss for regression; ``"auto"`` is squared. Classes and labels use cross-entropy.
    output : {"proba", "logit"}, default="proba"
        Form of features; see :meth:`~textcnn.crossfit.targets.Target.features`.
    allow_unlabelled : bool, default=True
        Whether y may be missing in some rows.

    Returns
    -------
    Target

    Raises
    ------
    TypeError
        If y is not array-like, or contains bytes.
    ValueError
        If y is missing, has another length, is infinite, of mixed or unknown type, has only one
        class, or does not match ``target_type`` and ``loss``.

    Warns
    -----
    sklearn.exceptions.DataConversionWarning
        If a single target has the shape (n_rows, 1).

    Examples
    --------
    >>> from textcnn.crossfit.target_reading import read_target
    >>> target = read_target(["no", "yes", None, "no"], n_rows=4)
    >>> target.kind, target.classes.tolist(), target.codes().tolist()
    ('binary', ['no', 'yes'], [0, 1, -1, 0])
    >>> target.level([0, 1, 3]).offset.round(3).tolist()
    [-0.6930000185966492]
    """
    check_option("target_type", target_type, TARGET_TYPES)
    check_option("loss", loss, ("auto", *REGRESSION_LOSSES, *CLASS_LOSSES))
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None. It learns to "
            "predict y: pass it as the second argument of fit or fit_transform."
        )
    if isinstance(y, str | bytes | dict | set):
        raise TypeError(
            "y must be a list, an array, or a column of a table. "
            f"Received: y of type {type(y).__name__}."
        )
    check_consistent_length(range(n_rows), y)
    cells = read_cells(y, keep_columns=target_type in ("multilabel", "multioutput"))
    labelled = cells.labelled
    if not labelled.all() and not allow_unlabelled:
        raise ValueError(
            f"Input y contains NaN. Received: no target in {name_rows(np.flatnonzero(~labelled))}. "
            "This estimator needs a target in every row: drop those rows."
        )
    if not labelled.any():
        raise ValueError(
            f"y has no values. Received: {n_rows} rows, all targets missing. Expected at least two "
            "rows with a target."
        )
    kind = kind_of_values(cells.values, target_type)
    names, classes, n_outputs = (), None, 1
    if kind in ("binary", "multiclass"):
        classes, codes = np.unique(cells.values, return_inverse=True)
        check_classes(classes, np.bincount(codes), kind, target_type)
        n_outputs = 1 if kind == "binary" else len(classes)
        values = np.full(n_rows, -1, dtype=np.int64)
        values[labelled] = codes
    else:
        found = cells.values.reshape(len(cells.values), -1)
        n_outputs = found.shape[1]
        names = cells.names
        filling, dtype = (-1, np.int64) if kind == "multilabel" else (np.nan, np.float64)
        values = np.full((n_rows, n_outputs), filling, dtype=dtype)
        values[labelled] = found
        classes = list(names) if kind == "multilabel" else None
        if len(set(names)) < len(names):
            raise ValueError(f"Expected distinct names of targets. Received: {list(names)}.")
    loss = resolve_loss(loss, kind, values[labelled])
    _check_output(output, kind, loss)
    return Target(kind, loss, classes, n_outputs, labelled, values, names, output)


def as_learnt(target: Target, loss: str, output: str) -> Target:
    """Return a target for a model of another loss, or other features.

    Parameters
    ----------
    target : Target
    loss : {"auto", "squared", "absolute", "poisson"}
        As :func:`read_target` takes it.
    output : {"proba", "logit"}
    """
    loss = resolve_loss(loss, target.kind, target.values[target.labelled])
    _check_output(output, target.kind, loss)
    return replace(target, loss=loss, output=output)


def _check_output(output, kind: str, loss: str) -> None:
    """Refuse an unknown form of features, and logits of numbers."""
    check_option("output", output, OUTPUTS)
    if output == "logit" and kind in ("continuous", "multioutput") and loss != "poisson":
        raise ValueError(
            "A regression has no logits: its features are differences from the mean. Expected: "
            "output left out "
            f'for this target. Received: output="logit", target type {kind!r}, loss={loss!r}.'
        )
