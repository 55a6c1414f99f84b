"""Recognises training rows that are given to ``transform``: the commonest leak of all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from pandas.util import hash_array

from textcnn.text.columns import TextColumn

FEWEST_ROWS = 100
SHARE = 0.9
# Any odd constant keeps the same texts in two columns from cancelling out.
_COLUMN_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class InSampleWarning(UserWarning):
    """Rows that a model was trained on are being transformed as if they were new."""


def hash_documents(column: TextColumn) -> np.ndarray:
    """Return a 64-bit hash per cell, uint64 of shape (n_rows,), 0 for an empty one."""
    cells = np.array(column.cells, dtype=object)
    try:
        hashes = hash_array(cells, categorize=False)
    except UnicodeEncodeError:  # a lone surrogate, which has no UTF-8 form
        escaped = [cell.encode("utf-8", "backslashreplace").decode() for cell in column.cells]
        hashes = hash_array(np.array(escaped, dtype=object), categorize=False)
    hashes[cells == ""] = 0
    return hashes


def combine_hashes(column_hashes: Sequence[np.ndarray]) -> np.ndarray:
    """Return a hash per row from those of its cells, uint64; 0 where all are empty."""
    hashes = np.zeros(len(column_hashes[0]), np.uint64)
    for column in column_hashes:
        hashes = hashes * _COLUMN_FACTOR + column
    return hashes


def group_hashes(hashes: np.ndarray) -> np.ndarray:
    """Return a group number per row: the same for rows of the same content, empty rows apart."""
    groups = np.unique(hashes, return_inverse=True)[1]
    empty = np.flatnonzero(hashes == 0)
    groups[empty] = groups.max(initial=0) + 1 + np.arange(len(empty))
    return groups


def warn_if_training_rows(hashes: np.ndarray, training: np.ndarray, class_name: str) -> None:
    """Warn where 100 rows or more are given and nine in ten of them are training rows.

    Rows whose texts are all empty do not count. A column of few distinct texts is taken for
    training rows too.

    Parameters
    ----------
    hashes, training : ndarray of uint64
        Hashes of the rows given now, and of the training rows.
    class_name : str
        Name of the encoder, for the message.
    """
    hashes = hashes[hashes != 0]  # empty rows are alike without being training rows
    if len(hashes) < FEWEST_ROWS:
        return
    share = np.isin(hashes, training).mean()
    if share >= SHARE:
        warnings.warn(
            f"{share:.0%} of the {len(hashes)} rows given to transform are rows that this "
            f"{class_name} was fitted on. Their features come from models that saw their targets, "
            "so a score computed from them is too good. Use the return value of "
            "fit_transform(X, y) for training rows, and transform for new rows only.",
            InSampleWarning,
            stacklevel=4,
        )
