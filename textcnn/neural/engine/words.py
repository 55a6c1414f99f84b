"""The words of a column for one model, and batches of them for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textcnn.neural.engine import kernels
from textcnn.neural.engine.layout import Design


@dataclass
class Table:
    """A table of vectors, and the row of each kind of word."""

    path: str | None  # None: frozen
    vectors: np.ndarray  # float32 (n_rows, dim)
    row_of_kind: np.ndarray  # int32 (n_kinds,)
    first: int  # its first channel among those of a word


@dataclass
class WordBatch:
    """Documents as a line of numbers, and the vector of each number."""

    line: np.ndarray  # int32, at least as long as the documents and the gaps between them
    starts: np.ndarray  # int32 (n_rows,)
    ends: np.ndarray  # int32 (n_rows,)
    kinds: np.ndarray  # int32 (n_numbers,), of each number; the first one is unused
    vectors: np.ndarray  # float32 (n_numbers, n_channels); the first is zero


class ColumnWords:
    """One text column for one model. Forms that have the same vectors are one kind of word.

    Parameters
    ----------
    forms : ndarray of int32
        Written forms, one document after another.
    offsets : ndarray of int64, shape (n_documents + 1,)
    kind_of_form : ndarray of int32
    tables : list of Table
        Pretrained vectors first.
    gap : int
        Zeros between documents.
    """

    def __init__(self, forms, offsets, kind_of_form, tables: list[Table], gap: int):
        self.tables = tables
        self._forms, self._offsets, self._kind_of_form = forms, offsets, kind_of_form
        self._gap = gap
        self._n_channels = sum(table.vectors.shape[1] for table in tables)
        # The last batch of each kind.
        n_kinds = len(tables[0].row_of_kind)
        self._tag = 0
        self._last_tag = np.zeros(n_kinds, np.int64)
        self._number_of = np.zeros(n_kinds, np.int32)
        self._n_rows = self._n_words = 0  # size of the arrays

    def batch(self, rows: np.ndarray) -> WordBatch:
        """Return the words of some documents; the next call reuses the arrays."""
        self._tag += 1
        n_rows = len(rows)
        n_words = int((self._offsets[rows + 1] - self._offsets[rows]).sum())
        if n_rows > self._n_rows or n_words > self._n_words:
            self._make_room(n_rows, n_words)
        n_numbers = kernels.read_batch(
            self._forms,
            self._offsets,
            self._kind_of_form,
            rows,
            self._gap,
            self._tag,
            self._last_tag,
            self._number_of,
            self._line,
            self._starts,
            self._ends,
            self._kinds,
        )
        vectors = self._vectors[:n_numbers]
        for table in self.tables:
            kernels.gather_vectors(
                table.vectors, table.row_of_kind, self._kinds, n_numbers, table.first, vectors
            )
        return WordBatch(
            self._line, self._starts[:n_rows], self._ends[:n_rows], self._kinds[:n_numbers], vectors
        )

    def _make_room(self, n_rows: int, n_words: int) -> None:
        """Allocate arrays for batches of up to this size plus a quarter."""
        self._n_rows = n_rows = max(self._n_rows, n_rows + n_rows // 4)
        self._n_words = n_words = max(self._n_words, n_words + n_words // 4)
        # An empty document has one position, and documents have gaps around them.
        self._line = np.empty(n_words + n_rows + self._gap * (n_rows + 1), np.int32)
        self._starts, self._ends = np.empty((2, n_rows), np.int32)
        self._kinds = np.empty(n_words + 1, np.int32)
        n_numbers = min(n_words, len(self._last_tag)) + 1
        self._vectors = np.empty((n_numbers, self._n_channels), np.float32)
        self._vectors[0] = 0


def words_of(
    source, view: dict, design: Design, given: dict[str, np.ndarray], tables: dict[str, np.ndarray]
) -> list[ColumnWords]:
    """Return the columns of a text source for a model with this view and these tables.

    Parameters
    ----------
    source : textcnn.text.documents.TextSource
    view : dict
        What the model may use, as ``source.view`` returned it.
    design : Design
    given : dict of str to ndarray
        Pretrained vectors by layer name, as ``source.tables`` returned them.
    tables : dict of str to ndarray
        The trainable tables by their Keras paths; training changes them in place.
    """
    columns = []
    for number, (documents, maps) in enumerate(zip(source.columns, source.maps(view), strict=True)):
        kinds = []
        for name, rows in zip(("given", "learned"), maps, strict=True):
            path = f"{name}_{number}/embeddings"
            shared = given.get(f"shared_given_{number}") if name == "given" else None
            if path in tables:
                kinds.append((path, tables[path], rows))
            elif shared is not None:
                kinds.append((None, np.ascontiguousarray(shared, np.float32), rows))
        kind_of_form, firsts = _kinds([rows for *_, rows in kinds])
        first, parts = 0, []
        for path, vectors, rows in kinds:
            parts.append(Table(path, vectors, rows[firsts].astype(np.int32), first))
            first += vectors.shape[1]
        columns.append(
            ColumnWords(
                forms=np.ascontiguousarray(documents.forms, np.int32),
                offsets=np.ascontiguousarray(documents.offsets, np.int64),
                kind_of_form=kind_of_form,
                tables=parts,
                gap=max(design.settings.kernel_sizes) - 1,
            )
        )
    return columns


def _kinds(rows_of_form: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each form, int32, and the first form of each kind."""
    keys = np.zeros(len(rows_of_form[0]), np.int64)
    for rows in rows_of_form:
        keys = keys * (int(rows.max()) + 1) + rows
    _, firsts, kinds = np.unique(keys, return_index=True, return_inverse=True)
    return kinds.astype(np.int32), firsts
