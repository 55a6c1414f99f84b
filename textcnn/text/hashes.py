"""A number per cell or row of text columns, by its content."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textcnn.crossfit.row_hashes import combine_hashes, hash_texts
from textcnn.text.columns import TextColumn
from textcnn.text.joining import JoinedColumns


def hash_documents(column: TextColumn | JoinedColumns) -> np.ndarray:
    """Return a 64-bit hash per cell, uint64 of shape (n_rows,), 0 for an empty one."""
    if isinstance(column, JoinedColumns):
        return hash_rows(column.columns)
    return hash_texts(column.cells)


def hash_rows(columns: Sequence[TextColumn]) -> np.ndarray:
    """Return a 64-bit hash per row over all text columns, uint64; 0 where all are empty."""
    return combine_hashes([hash_documents(column) for column in columns])
