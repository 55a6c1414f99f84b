"""Vectors of words that are new to a vocabulary, where its vectors are made of pieces."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from textcnn.text.piece_vectors import INSTALL, WORDLLAMA, PieceVectors, open_pieces

__all__ = ["GrownTable", "PieceChannel", "compose", "read_channels"]


@dataclass
class PieceChannel:
    """Which of a vocabulary's channels are made of pieces, and of which model.

    A file or a pickle of a fitted estimator names the model and does not contain it, except for a
    pickle where the model was given as an object.
    """

    source: str  # "wordllama", a folder, or "" for a model that was given as an object
    fingerprint: str
    start: int
    dim: int
    held: PieceVectors | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, pieces: PieceVectors, start: int) -> PieceChannel:
        """Describe the channels of a model that begin at ``start``."""
        return cls(pieces.source, pieces.fingerprint, start, pieces.dim, pieces)

    def to_state(self) -> dict:
        """Return what a file keeps, as JSON-safe values."""
        names = ("source", "fingerprint", "start", "dim")
        return {name: getattr(self, name) for name in names}

    def find(self) -> PieceVectors | None:
        """Return the same model, or None if it is not on this machine."""
        if self.held is None and self.source:
            try:
                pieces = open_pieces(self.source)
            except (ImportError, OSError, ValueError, StopIteration):
                return None
            if pieces.fingerprint == self.fingerprint:
                self.held = pieces
        return self.held

    def __getstate__(self) -> dict:
        """Leave out a model that can be found again."""
        return self.__dict__ | ({"held": None} if self.source else {})


def read_channels(states, dim: int) -> list[PieceChannel]:
    """Return the channels of a vocabulary of ``dim`` numbers, from what `to_state` returned.

    Raises
    ------
    ValueError
        If a part is missing, of another type, or outside the vocabulary's numbers.
    """
    kinds = {"source": str, "fingerprint": str, "start": int, "dim": int}
    for state in states:
        fits = isinstance(state, dict) and {k: type(v) for k, v in state.items()} == kinds
        if not (fits and 0 <= state["start"] < state["start"] + state["dim"] <= dim):
            raise ValueError(
                "The channels of pieces in a vocabulary's state are inconsistent. Expected: "
                f"{', '.join(kinds)} within {dim} numbers. Received: {str(state)[:200]}."
            )
    return [PieceChannel(**state) for state in states]


def compose(
    channels: Iterable[PieceChannel], words: Sequence[str], unknown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make the vectors of new words.

    Parameters
    ----------
    channels : iterable of PieceChannel
    words : sequence of str
        Words without a vector.
    unknown : ndarray of shape (dim,)
        The unknown word's vector, whose numbers stand in channels without a vector.

    Returns
    -------
    found : ndarray of bool, shape (len(words),)
        Which words have a vector in any of the channels.
    vectors : ndarray of float32, shape (found.sum(), dim)

    Warns
    -----
    UserWarning
        If a model is not on this machine, or is another one.
    """
    found = np.zeros(len(words), bool)
    vectors = np.repeat(np.asarray(unknown, np.float32)[None], len(words), axis=0)
    for channel in channels if words else ():
        pieces = channel.find()
        if pieces is None:
            _warn_of_absence(channel)
            continue
        has_vector, made = pieces.vectors_of(words)
        vectors[has_vector, channel.start : channel.start + channel.dim] = made
        found |= has_vector
    return found, vectors[found]


def _warn_of_absence(channel: PieceChannel) -> None:
    if not channel.source:
        what = "a model that was given as an object, which files do not contain"
        todo = "Pass the folder of the model as embeddings= and fit again"
    elif channel.source == WORDLLAMA:
        what = "the package wordllama, which is not installed, or has other vectors than at fit"
        todo = f"Type: {INSTALL}"
    else:
        what = f"the model in the folder {channel.source!r}, which is not there, or is another one"
        todo = f"Put it there; type {INSTALL} if model2vec is not installed"
    warnings.warn(
        "Words that first occur in these rows are read as unknown words: vectors of such words are "
        f"made by {what}. Words of training and those of keep_vectors have their vectors. {todo}.",
        UserWarning,
        stacklevel=2,
    )


class GrownTable:
    """A table of vectors with more rows at its end, without a copy of the first ones.

    Parameters
    ----------
    first : ndarray or QuantizedVectors
    more : ndarray of float32
    """

    def __init__(self, first, more: np.ndarray):
        self._first, self._more = first, more
        self.shape = (len(first) + len(more), more.shape[1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        """Return some rows as float32."""
        rows = np.arange(len(self))[rows]
        n_first = len(self._first)
        is_more = rows >= n_first
        taken = np.array(self._first[np.where(is_more, 0, rows)], np.float32)
        taken[is_more] = self._more[rows[is_more] - n_first]
        return taken

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Return the whole table."""
        return self[:].astype(dtype or np.float32, copy=False)
