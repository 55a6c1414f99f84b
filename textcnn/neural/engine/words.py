"""The words of a column as one model knows them, and the batches of them that training reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from textcnn.neural.engine import kernels
from textcnn.neural.engine.layout import Design


class Workspace:
    """Arrays that are used again batch after batch, and grow where one needs more."""

    def __init__(self):
        self._arrays: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype=np.float32) -> np.ndarray:
        """Return an array of this shape with whatever it held before."""
        size = math.prod(shape)
        held = self._arrays.get(name)
        if held is None or len(held) < size:
            held = self._arrays[name] = np.empty(size + size // 4, dtype)
        return held[:size].reshape(shape)


@dataclass
class Table:
    """A table of vectors, and which of its rows each kind of word has."""

    path: str | None  # None: frozen, no model's own
    vectors: np.ndarray  # float32 (n_rows, dim)
    row_of_kind: np.ndarray  # int32 (n_kinds,)
    first: int  # the first of its channels among those of a word


@dataclass
class WordBatch:
    """Some documents in a line of numbers, and the vector of each number."""

    line: np.ndarray  # int32, at least as long as the documents and the gaps between them
    starts: np.ndarray  # int32 (n_rows,)
    ends: np.ndarray  # int32 (n_rows,)
    kinds: np.ndarray  # int32 (n_numbers,), of each number; the first stands for none
    vectors: np.ndarray  # float32 (n_numbers, n_channels); the first is zero


@dataclass
class ColumnWords:
    """One text column to one model. Forms that have the same vectors are one kind of word.

    Parameters
    ----------
    forms : ndarray of int32
        Written forms, one document after another.
    offsets : ndarray of int64, shape (n_documents + 1,)
    kind_of_form : ndarray of int32
    tables : list of Table
        Given vectors first.
    gap : int
        Zeros between documents.
    """

    forms: np.ndarray
    offsets: np.ndarray
    kind_of_form: np.ndarray
    tables: list[Table]
    gap: int
    _tag: int = 0
    _last_tag: np.ndarray = field(init=False)
    _number_of: np.ndarray = field(init=False)
    _work: Workspace = field(init=False, default_factory=Workspace)

    def __post_init__(self):
        """Make what remembers the last batch of each kind."""
        n_kinds = len(self.tables[0].row_of_kind)
        self._last_tag = np.zeros(n_kinds, np.int64)
        self._number_of = np.zeros(n_kinds, np.int32)

    @property
    def dim(self) -> int:
        """Channels per word."""
        return sum(table.vectors.shape[1] for table in self.tables)

    def batch(self, rows: np.ndarray) -> WordBatch:
        """Return the words of some documents; the arrays are used again by the next call."""
        self._tag += 1
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        n_words = int(lengths.sum())
        n_places = n_words + len(rows) + self.gap * (len(rows) + 1)
        line = self._work.array("line", (n_places,), np.int32)
        starts = self._work.array("starts", (len(rows),), np.int32)
        ends = self._work.array("ends", (len(rows),), np.int32)
        kinds = self._work.array("kinds", (n_words + 1,), np.int32)
        n_numbers = kernels.read_batch(
            self.forms,
            self.offsets,
            self.kind_of_form,
            rows,
            self.gap,
            self._tag,
            self._last_tag,
            self._number_of,
            line,
            starts,
            ends,
            kinds,
        )
        vectors = self._work.array("vectors", (n_numbers, self.dim))
        vectors[0] = 0
        for table in self.tables:
            kernels.gather_vectors(
                table.vectors, table.row_of_kind, kinds, n_numbers, table.first, vectors
            )
        return WordBatch(line, starts, ends, kinds[:n_numbers], vectors)


def words_of(
    source, view: dict, design: Design, tables: dict[str, np.ndarray]
) -> list[ColumnWords]:
    """Return the columns of a text source as a model with this view and these tables knows them.

    Parameters
    ----------
    source : textcnn.text.documents.TextSource
    view : dict
        What the model knows, as ``source.view`` returned it.
    design : Design
    tables : dict of str to ndarray
        The model's own tables by their Keras paths; training changes them in place.
    """
    given = source.tables()
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
