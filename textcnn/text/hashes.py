"""A number per cell or row of text columns, by its content."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from textcnn.crossfit.row_hashes import combine_hashes, hash_texts
from textcnn.text.columns import TextColumn
from textcnn.text.joining import JoinedColumns
from textcnn.text.tokens import word_splitter


def hash_documents(column: TextColumn | JoinedColumns) -> np.ndarray:
    """Return a 64-bit hash per cell, uint64 of shape (n_rows,), 0 for an empty one."""
    if isinstance(column, JoinedColumns):
        return hash_rows(column.columns)
    return hash_texts(column.cells)


def hash_words(column: TextColumn | JoinedColumns) -> np.ndarray:
    """Return a 64-bit hash per cell of its words and signs in lower case, 0 for an empty one.

    Cells that differ only in case and spaces have equal hashes, because models read them as nearly
    the same document. A cell without words and signs is compared as it is.
    """
    if isinstance(column, JoinedColumns):
        return combine_hashes([hash_words(part) for part in column.columns])
    return column.once("words", partial(_hash_words, column.cells))


def _hash_words(cells: list[str]) -> np.ndarray:
    split = word_splitter(cells)
    return hash_texts([" ".join(split(cell.lower())) or cell.strip() for cell in cells])


def hash_rows(columns: Sequence[TextColumn]) -> np.ndarray:
    """Return a 64-bit hash per row over all text columns, uint64; 0 where all are empty."""
    return combine_hashes([hash_documents(column) for column in columns])
