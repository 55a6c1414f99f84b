"""Check whether a matrix of features comes from the recorded fold models.

The recorded training rows (``verification``) do not show which matrix a caller uses. So a fit keeps
a fingerprint of the features that it returned and of its records, and the recorded models predict a
sample of rows again. :attr:`Verification.not_checked` lists what cannot be checked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from pandas.util import hash_array

from textcnn.crossfit.messages import name_rows
from textcnn.crossfit.verification import LeakError

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
