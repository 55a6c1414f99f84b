"""The member "static": the mean of a text's word vectors, without a network and without y."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from textcnn.table.unsupervised import UnsupervisedMember
from textcnn.text.columns import read_columns
from textcnn.text.piece_vectors import (
    INSTALL,
    WORDLLAMA,
    PieceVectors,
    is_model_folder,
    open_pieces,
)
from textcnn.text.tokens import tokenize_column
from textcnn.utils.threads import one_thread

_BLOCK_ROWS = 1 << 13
_CHECKED_ROWS = 1000
# A word of so many pieces is not known as a word.
_MANY_PIECES = 3
_LARGEST_SHARE = 0.25


class StaticVectors(UnsupervisedMember):
    """Principal components of the mean word vector of each text.

    A text's vector is the sum of the pretrained vectors of its words, scaled to unit length. Of
    these vectors the first principal components are returned, divided by one number so that the
    columns together have a variance of one. Texts without a known word are zero. Words are not
    weighted by their frequency: frequent words have short vectors in such models already. The
    vectors come from an installed package or a folder: nothing is downloaded, and no network is
    run. y is not used.

    Cost: about one second per million words.

    Parameters
    ----------
    vectors : "wordllama", str or Path, default="wordllama"
        The package wordllama, whose vectors are English, or the folder of a model2vec model
        (multilingual ones exist). Both need ``pip install 'textcnn[vectors]'``.
    n_components : int, default=30
        Number of principal components; fewer if there are fewer texts or dimensions.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (dim,)
        Mean of the training texts' vectors.
    components_ : ndarray of float32, shape (n_components, dim)
        Directions, divided by the number that scales the columns.
    source_, fingerprint_ : str
        Name or folder of the vectors, and their hash.
    unknown_share_ : float
        Share of the words in the first 1,000 texts with three or more pieces.

    Notes
    -----
    A saved file or a pickle contains mean and components. It names the package or folder and does
    not contain the vectors: a machine that transforms needs the same ones, which the hash ensures.

    Examples
    --------
    >>> from textcnn.table.static import StaticVectors
    >>> texts = ["a good film", "a bad film", "a fine wine", "some good wine"]
    >>> StaticVectors(n_components=2).fit_transform(texts).shape
    (4, 2)
    """

    def __init__(self, vectors=WORDLLAMA, *, n_components=30):
        self.vectors = vectors
        self.n_components = n_components

    @one_thread()
    def fit_transform(self, X, y=None):
        """Fit, and return the components of the training texts, float32."""
        self._check_parameters()
        pieces = self._open(self.vectors)
        [column] = read_columns(self, X, reset=True)
        self.source_, self.fingerprint_ = str(pieces.source), pieces.fingerprint
        self.unknown_share_ = _unknown_share(column.cells[:_CHECKED_ROWS], pieces)
        return self._fit_components(_text_vectors(column.cells, pieces))

    @one_thread()
    def transform(self, X):
        """Return the components of new texts, float32 of shape (n_rows, n_components)."""
        check_is_fitted(self)
        [column] = read_columns(self, X, reset=False)
        pieces = self._open(self.source_)
        if pieces.fingerprint != self.fingerprint_:
            raise ValueError(
                f"The vectors of {self.source_!r} are not those of the fit. Expected: the same "
                "package version or model. Received: vectors with another hash. Install that "
                "version, or fit again."
            )
        return self._components(_text_vectors(column.cells, pieces))

    def get_feature_names_out(self, input_features=None):
        """Return the numbers of the components as names."""
        check_is_fitted(self)
        return np.array([str(number) for number in range(len(self.components_))], dtype=object)

    @property
    def notes_(self) -> list[str]:
        """Notes for a report: whether the vectors know the words of the column."""
        if self.unknown_share_ <= _LARGEST_SHARE:
            return []
        return [
            f"{self.unknown_share_:.0%} of the words have three or more pieces in "
            f"{self.source_!r}, so their vectors say little (names, or a language that the "
            "vectors were not made for); a multilingual model may be better: static__vectors="
        ]

    def _check_parameters(self) -> None:
        n_components = self.n_components
        is_whole = isinstance(n_components, Integral) and not isinstance(n_components, bool)
        if not is_whole or n_components < 1:
            raise ValueError(
                "n_components must be an integer of at least 1. "
                f"Received: n_components={n_components!r}."
            )
        if self.vectors == WORDLLAMA:
            return
        if not isinstance(self.vectors, str | Path) or not is_model_folder(
            Path(self.vectors).expanduser()
        ):
            raise ValueError(
                'vectors must be "wordllama" or the folder of a model2vec model, with a file '
                f"model.safetensors. Received: vectors={self.vectors!r}. A model in memory is "
                "first written by model.save_pretrained(folder)."
            )

    @staticmethod
    def _open(source) -> PieceVectors:
        """Return the vectors; say what to type if they are missing."""
        try:
            if source != WORDLLAMA and not is_model_folder(Path(source).expanduser()):
                raise ImportError(f"there is no model in the folder {str(source)!r}")
            return open_pieces(source)
        except ImportError as error:
            raise ImportError(
                f'The member "static" needs its word vectors: {error}. Type: {INSTALL}; or omit '
                'it: TableFeatures(members=("svd", "linear", "cnn")).'
            ) from error

    def _fit_components(self, vectors: np.ndarray) -> np.ndarray:
        is_known = vectors.any(axis=1)
        n_known, dim = int(is_known.sum()), vectors.shape[1]
        n_components = max(min(self.n_components, dim, n_known), 1)
        # In float64: the covariances of thousands of rows are sums of small products.
        mean, products = np.zeros(dim), np.zeros((dim, dim))
        for start in range(0, len(vectors), _BLOCK_ROWS):
            block = vectors[start : start + _BLOCK_ROWS].astype(np.float64)
            mean += block.sum(axis=0) / max(n_known, 1)
            products += block.T @ block / max(n_known, 1)
        variances, directions = np.linalg.eigh(products - np.outer(mean, mean))
        directions = directions[:, ::-1][:, :n_components].T
        largest = np.abs(directions).argmax(axis=1)[:, None]
        directions = directions * np.sign(np.take_along_axis(directions, largest, axis=1))
        variance = float(variances[::-1][:n_components].sum())
        # The variance of identical texts is not exactly zero.
        scale = np.sqrt(variance) if variance > 1e-12 else 1.0
        self.mean_ = mean.astype(np.float32)
        self.components_ = (directions / scale).astype(np.float32)
        return self._components(vectors)

    def _components(self, vectors: np.ndarray) -> np.ndarray:
        """Return the components of text vectors; texts without a known word are zero."""
        components = (vectors - self.mean_) @ self.components_.T
        return np.where(vectors.any(axis=1, keepdims=True), components, np.float32(0))


def _text_vectors(cells: list[str], pieces: PieceVectors) -> np.ndarray:
    """Return the mean vector of each text, scaled to unit length or zero, float32."""
    vectors = np.zeros((len(cells), pieces.dim), np.float32)
    for start in range(0, len(cells), _BLOCK_ROWS):
        tokens = tokenize_column(cells[start : start + _BLOCK_ROWS])
        found, known = pieces.vectors_of(tokens.forms)
        table = np.zeros((len(found), pieces.dim), np.float32)
        table[found] = known
        n_rows = len(tokens.offsets) - 1
        ones = np.ones(len(tokens.ids), np.float32)
        counts = csr_matrix((ones, tokens.ids, tokens.offsets), shape=(n_rows, len(found)))
        vectors[start : start + n_rows] = counts @ table
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _unknown_share(cells: Sequence[str], pieces: PieceVectors) -> float:
    """Return the share of words with a letter that the vectors' tokenizer cuts into many pieces."""
    tokens = tokenize_column(list(cells))
    counts = np.bincount(tokens.ids, minlength=len(tokens.forms))
    counts = counts * [any(map(str.isalpha, form)) for form in tokens.forms]
    if not counts.sum():
        return 0.0
    is_cut = pieces.n_pieces_of(tokens.forms) >= _MANY_PIECES
    return float(np.average(is_cut, weights=counts))
