"""Check whether a matrix of features comes from the recorded fold models.

The recorded training rows (``verification``) do not show which matrix a caller uses. So a fit keeps
a fingerprint of the features that it returned and of its records, and the recorded models predict a
sample of rows again. :attr:`Verification.not_checked` lists what cannot be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pandas.util import hash_array

from textcnn.crossfit.messages import name_rows
from textcnn.crossfit.verification import LeakError

# Rows that are predicted again; a matrix of which 5 % is not out of fold has one such row among
# them with a probability of 1 - 0.95**90 = 99 %.
SAMPLE_SIZE = 90
# A network's outputs depend a little on which rows share a batch: relative to the standard
# deviation of a feature, and to the scale of outputs (1 for classes, that of y for numbers).
TOLERANCE = 1e-4
ROUNDING = 1e-5
_COLUMN_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class VerificationWarning(UserWarning):
    """The fold models return other features when they predict the same rows again."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Shape of a matrix of features, a hash per row, and a digest of the records of its fit.

    Attributes
    ----------
    shape : tuple of int
    row_hashes : ndarray of shape (n_rows,), uint64
        Of the values as float32; all NaN are equal, -0 is 0. Not secure against forgery.
    records : str
        Of :func:`digest_of`; empty if unknown.
    """

    shape: tuple[int, int]
    row_hashes: np.ndarray
    records: str = ""


@dataclass
class Verification:
    """Results of the verification of a cross-fit: what was checked, and what was not.

    Attributes
    ----------
    checked, not_checked : list of str
        A sentence each.
    """

    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return both lists as text."""
        lines = [f"checked: {line}" for line in self.checked]
        return "\n".join([*lines, *(f"not checked: {line}" for line in self.not_checked)])


def fingerprint(features, records: str = "") -> Fingerprint:
    """Return the fingerprint of a matrix of features.

    Parameters
    ----------
    features : array, DataFrame (pandas, polars) or pyarrow table of shape (n_rows, n_features)
        Numbers that float32 holds, as every encoder here returns.
    records : str, default=""
        Digest of the records of the fit.

    Returns
    -------
    Fingerprint
        8 bytes per row.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.crossfit.fingerprints import differing_rows, fingerprint
    >>> features = np.array([[0.1], [0.2], [0.3]], np.float32)
    >>> differing_rows(fingerprint(features), features[[1, 0, 2]]).tolist()
    [0, 1]
    """
    matrix = as_matrix(features)
    hashes = np.zeros(len(matrix), np.uint64)
    for column in matrix.T:
        # Adding 0 turns -0 into 0; the hash of every NaN is the same after this.
        column = np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0))
        hashes = hashes * _COLUMN_FACTOR + hash_array(np.ascontiguousarray(column))
    return Fingerprint(matrix.shape, hashes, records)


def digest_of(records, plan) -> str:
    """Return a digest of the records of a fit and of its plan.

    Parameters
    ----------
    records : list of ColumnRecord
    plan : FoldPlan

    Returns
    -------
    str
        128 bits, as hexadecimal digits; not secure against forgery.
    """
    digest = hashlib.blake2b(digest_size=16)

    def add(*arrays) -> None:
        for array in arrays:
            if array is not None:
                array = np.ascontiguousarray(array)
                digest.update(f"{array.shape}".encode())
                digest.update(array.data)

    for record in records:
        digest.update(record.name.encode("utf-8", "backslashreplace"))
        for fed in record.fed:
            add(*(np.asarray(fed[use], np.int64) for use in ("learn", "stop", "predict")))
        add(*record.predictions, *record.prior, record.documents)
    for assignment in plan.assignments:
        add(assignment.learn, assignment.stop, assignment.predict)
    add(plan.groups, plan.time, plan.sample_weight, plan.labelled)
    return digest.hexdigest()


def differing_rows(known: Fingerprint, features) -> np.ndarray:
    """Return the rows of a matrix that are not those of a fingerprint, ascending.

    Raises
    ------
    ValueError
        If the shape differs.
    """
    found = fingerprint(features)
    if found.shape != known.shape:
        raise ValueError(
            f"Features of shape {known.shape} were returned by this fit. Expected: that matrix, "
            f"all rows and columns in their order. Received: shape {found.shape}. Type "
            "encoder.report_.verify(features) with the features that fit_transform returned."
        )
    return np.flatnonzero(found.row_hashes != known.row_hashes)


def check_returned(known: Fingerprint, features) -> str:
    """Check that a matrix is the one that a fit returned; return a sentence for the report.

    Raises
    ------
    LeakError
        Naming the rows that differ.
    """
    rows = differing_rows(known, features)
    if len(rows):
        raise LeakError(
            f"These are not the features that fit_transform returned: {len(rows)} of "
            f"{known.shape[0]} rows differ. Received: other values in {name_rows(rows)}. Features "
            "of fit(X, y).transform(X) are in-sample, and sorted or filtered rows have other "
            "numbers. Use the return value of fit_transform as it is.",
            rows=rows,
        )
    return f"all {known.shape[0]} rows of the features are those that the fit returned"


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


def check_predictions(
    name: str,
    plan,
    rows: np.ndarray,
    predict: Callable[[int, np.ndarray], np.ndarray],
    features,
    *,
    scale: float = 0.0,
) -> str:
    """Predict some rows again by the recorded fold models, and compare.

    Parameters
    ----------
    name : str
        Name of the column, for the error.
    plan : FoldPlan
        Which models predict which row.
    rows : ndarray of int64, ascending
        Of :func:`sample_rows`.
    predict : callable
        ``predict(k, rows)`` returns the features that fold model k gives those rows, of shape
        (len(rows), n_columns).
    features : array or DataFrame of shape (n_rows, n_columns)
        Features to check: the columns of this set of models, without spreads and indicators.
    scale : float, default=0.0
        Scale of outputs. Features may differ by 1e-5 of it, and by 1e-4 of the standard deviation
        of their column (of 1 if it is constant).

    Returns
    -------
    str
        A sentence for the report.

    Raises
    ------
    LeakError
        Naming the model and the rows that it does not give these features.
    """
    matrix = as_matrix(features).astype(np.float64)
    means = np.zeros((len(rows), matrix.shape[1]))
    counts = np.zeros(len(rows))
    model_of = np.full(len(rows), -1)
    for model, assignment in enumerate(plan.assignments):
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
    limit = TOLERANCE * np.where(spread > 0, spread, 1.0) + ROUNDING * scale
    wrong = ~(np.abs(matrix[rows] - means) <= limit).all(axis=1)  # NaN is wrong, too
    if wrong.any():
        model = int(model_of[wrong][0])
        raise LeakError(
            f"Column {name!r}: for {int(wrong.sum())} of {len(rows)} sampled rows the models "
            f"return other features. Received: other values in {name_rows(rows[wrong])}, "
            f"the first of model {model}. So these features are not out-of-fold features of this "
            "fit: do not use them. Use the return value of fit_transform(X, y).",
            name,
            model,
            rows[wrong],
        )
    n_models = len(set(model_of.tolist()))
    return f"{name}: {len(rows)} rows were predicted again by {n_models} recorded models"


def check_recorded(
    name: str,
    plan,
    rows: np.ndarray,
    predict: Callable[[int, np.ndarray], np.ndarray],
    recorded,
    *,
    scale: float = 0.0,
) -> str:
    """Predict some rows again, and compare with the predictions that the report contains.

    Parameters
    ----------
    name, plan, rows, scale
        As of :func:`check_predictions`.
    predict : callable
        ``predict(k, rows)`` returns predictions of model k including the base rate.
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
    models = 0
    for model, (assignment, known) in enumerate(zip(plan.assignments, recorded, strict=True)):
        mine = rows[np.isin(rows, assignment.predict)]
        if not len(mine):
            continue
        models += 1
        limit = TOLERANCE * known.std(axis=0) + ROUNDING * scale
        places = np.searchsorted(assignment.predict, mine)
        wrong = ~(np.abs(known[places] - predict(model, mine)) <= limit).all(axis=1)
        if wrong.any():
            raise LeakError(
                f"Column {name!r}: model {model} returns other predictions than its record. "
                f"Received: other values in {name_rows(mine[wrong])}. So the report is not about "
                "these models: fit again.",
                name,
                model,
                mine[wrong],
            )
    return f"{name}: {len(rows)} rows were predicted again by {models} recorded models"


def check_records(known: Fingerprint, records, plan) -> str:
    """Check that records and plan are those of the end of the fit; return a sentence.

    Raises
    ------
    LeakError
        If they were changed.
    """
    if digest_of(records, plan) != known.records:
        raise LeakError(
            "The records of this fit were changed after it ended: row numbers, predictions, groups "
            "or folds. Expected: the report as the fit made it. Fit again."
        )
    return "the records are those of the end of the fit"


def unchecked(*, has_fingerprint: bool, has_matrix: bool) -> list[str]:
    """Return what no verification checks, as sentences."""
    lines = [
        "whether groups, time and weights are correct, and whether X contains targets",
        "whether a recorded model was fitted on the recorded rows: this requires fitting it again",
    ]
    if not has_fingerprint:
        lines.append("your matrix of features: this fit has no fingerprint of what it returned")
    elif not has_matrix:
        lines.append("your matrix of features: pass it, verify(features)")
    return lines


def as_matrix(features) -> np.ndarray:
    """Return features as float32 of shape (n_rows, n_features)."""
    if hasattr(features, "toarray"):
        features = features.toarray()
    elif hasattr(features, "to_pandas") and not hasattr(features, "to_numpy"):
        features = features.to_pandas()
    matrix = features.to_numpy() if hasattr(features, "to_numpy") else np.asarray(features)
    matrix = matrix.astype(np.float32)
    return matrix.reshape(len(matrix), -1)
