"""Vectors of any word from the vectors of its pieces: wordllama, static models of model2vec.

The vector of a word is the sum of the vectors of its pieces, divided by the square root of their
number, so that the vectors of words of one and of several pieces have about the same length. All
are scaled so that the numbers in the vectors of pieces have a standard deviation of 0.25.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from textcnn.text.vector_files import first_not_finite

__all__ = ["WORDLLAMA", "PieceVectors", "is_model", "is_model_folder", "open_pieces"]

WORDLLAMA = "wordllama"
DEVIATION = 0.25
INSTALL = "pip install 'textcnn[vectors]'"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
# Files that identify a static model; sentence-transformers stores them one folder deeper.
_MODEL_FILES = ("model.safetensors", "0_StaticEmbedding/model.safetensors")
_BLOCK_ROWS = 1 << 14
_CACHED_MODELS = 2
_cache: OrderedDict[tuple, PieceVectors] = OrderedDict()
_cache_lock = Lock()


class PieceVectors:
    """The vectors of pieces of words, and the tokenizer that splits words; see `open_pieces`.

    Words are first lower-cased. A word without a known piece in lower case is read as written; a
    word that still has none, for example an unknown character, has no vector.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Splits a word into the numbers of its pieces.
    table : ndarray of shape (n_rows, dim)
        Vectors of pieces, of any float type; not copied.
    mapping : ndarray of int, shape (n_pieces,), optional
        Row of each piece, if not its number.
    weights : ndarray of float, shape (n_pieces,), optional
        Factor of each piece.
    unknown : int, optional
        Number of the unknown piece, which is omitted.
    source : str, default=""
        ``"wordllama"`` or the folder of a model, from which other processes load it.

    Attributes
    ----------
    dim : int
        Number of dimensions.
    fingerprint : str
        Hash of vectors and pieces, which identifies the model.
    """

    def __init__(
        self, tokenizer, table, *, mapping=None, weights=None, unknown=None, source: str = ""
    ):
        row = first_not_finite(table)
        if row is not None:
            raise ValueError(
                "The vectors of pieces must be finite numbers. "
                f"Received: a NaN or infinity in row {row} of {source or 'the model'!r}."
            )
        self.source = source
        self._tokenizer, self._table = tokenizer, table
        self._mapping, self._weights, self._unknown = mapping, weights, unknown
        deviation = self._deviation()
        self._scale = DEVIATION / deviation if deviation else 1.0

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return self._table.shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of vectors and pieces."""
        found = hashlib.sha256(np.ascontiguousarray(self._table))
        for part in (self._mapping, self._weights):
            if part is not None:
                found.update(np.ascontiguousarray(part))
        pieces = self._tokenizer.get_vocab()
        found.update("\0".join(sorted(pieces, key=pieces.get)).encode("utf-8", "surrogatepass"))
        return found.hexdigest()

    def vectors_of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return which words have a vector, and the vectors of those.

        Parameters
        ----------
        words : sequence of str

        Returns
        -------
        found : ndarray of bool, shape (len(words),)
        vectors : ndarray of float32, shape (found.sum(), dim)
        """
        pieces = self._pieces_of(words)
        found = np.array([len(part) for part in pieces], np.int64) > 0
        vectors = np.empty((int(found.sum()), self.dim), np.float32)
        kept = list(filter(None, pieces))
        for start in range(0, len(kept), _BLOCK_ROWS):
            block = kept[start : start + _BLOCK_ROWS]
            lengths = np.array(list(map(len, block)))
            rows = self._rows(np.concatenate(block))
            sums = np.add.reduceat(rows, np.cumsum(lengths) - lengths, axis=0)
            vectors[start : start + len(block)] = sums * (self._scale / np.sqrt(lengths))[:, None]
        return found, vectors

    def n_pieces_of(self, words: Sequence[str]) -> np.ndarray:
        """Return the number of known pieces of each word, int64."""
        return np.array([len(part) for part in self._pieces_of(words)], np.int64)

    def first_words(self, n_most: int) -> list[str]:
        """Return lower-cased words that are one piece, in the order of the pieces.

        Parameters
        ----------
        n_most : int
            Maximum number of words. Tokenizers number frequent pieces first.

        Returns
        -------
        list of str
        """
        return self._whole_words[:n_most] if n_most > 0 else []

    @cached_property
    def _whole_words(self) -> list[str]:
        words = []
        for number in range(self._tokenizer.get_vocab_size()):
            word = self._tokenizer.decode([number]).strip()
            if word and word == word.lower() and self._pieces(word) == [number]:
                words.append(word)
        return words

    def _pieces_of(self, words: Sequence[str]) -> list[list[int]]:
        return [self._pieces(word.lower()) or self._pieces(word) for word in words]

    def _pieces(self, word: str) -> list[int]:
        """Return the numbers of a word's known pieces."""
        try:
            numbers = self._tokenizer.encode(word, add_special_tokens=False).ids
        except (TypeError, UnicodeEncodeError):  # half of a surrogate pair
            word = word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            numbers = self._tokenizer.encode(word, add_special_tokens=False).ids
        return [number for number in numbers if number != self._unknown]

    def _rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return the vectors of some pieces before scaling, float32."""
        rows = numbers if self._mapping is None else self._mapping[numbers]
        vectors = self._table[rows].astype(np.float32)
        if self._weights is not None:
            vectors *= np.asarray(self._weights[numbers], np.float32)[:, None]
        return vectors

    def _deviation(self) -> float:
        """Return the standard deviation of all numbers of all pieces."""
        n_pieces = len(self._table if self._mapping is None else self._mapping)
        total = squares = 0.0
        for start in range(0, n_pieces, _BLOCK_ROWS):
            rows = self._rows(np.arange(start, min(start + _BLOCK_ROWS, n_pieces)))
            total += float(rows.sum(dtype=np.float64))
            squares += float(np.square(rows, dtype=np.float64).sum())
        size = max(n_pieces * self.dim, 1)
        return float(np.sqrt(max(squares / size - (total / size) ** 2, 0.0)))

    def __repr__(self) -> str:
        """Return the size as text."""
        n_pieces = self._tokenizer.get_vocab_size()
        return f"<PieceVectors: {n_pieces} pieces, dim={self.dim}>"

    def __sklearn_clone__(self) -> PieceVectors:
        """Return the same object, because clones share the table."""
        return self

    def __deepcopy__(self, memo: dict) -> PieceVectors:
        """Return the same object."""
        return self


def is_model_folder(path: Path) -> bool:
    """Return whether a folder contains a static model of model2vec."""
    return any((path / name).is_file() for name in _MODEL_FILES)


def is_model(source: object) -> bool:
    """Return whether an object is a ``model2vec.StaticModel`` or similar."""
    parts = (getattr(source, "embedding", None), getattr(source, "tokenizer", None))
    return isinstance(parts[0], np.ndarray) and hasattr(parts[1], "encode")


def open_pieces(source: object) -> PieceVectors:
    """Open the vectors of pieces of an installed package, a folder or a model in memory.

    Nothing is downloaded. The last two models read in this process are cached until
    their files change.

    Parameters
    ----------
    source : "wordllama", str, Path or model2vec.StaticModel
        A str or Path is the folder of a static model.

    Returns
    -------
    PieceVectors

    Raises
    ------
    ImportError
        If the package is not installed.
    ValueError
        If the package has other files, or the folder's model cannot be read.
    """
    if not isinstance(source, str | Path):
        return _of_model(source, "")
    if source == WORDLLAMA:
        weights = _wordllama_folder() / _WEIGHTS
    else:
        folder = Path(source).expanduser().resolve()
        weights = next(folder / name for name in _MODEL_FILES if (folder / name).is_file())
    stat = weights.stat()
    key = (str(weights), stat.st_mtime_ns, stat.st_size)
    with _cache_lock:
        if key not in _cache:
            _cache[key] = _read_wordllama() if source == WORDLLAMA else _read_folder(source)
        _cache.move_to_end(key)
        while len(_cache) > _CACHED_MODELS:
            _cache.popitem(last=False)
        return _cache[key]


def _wordllama_folder() -> Path:
    """Return the folder of the installed package, without importing it."""
    found = importlib.util.find_spec(WORDLLAMA)
    if found is None or found.origin is None:
        raise ImportError(
            'embeddings="wordllama" needs the package wordllama, which contains the vectors. '
            f"Expected: wordllama installed. Received: no such package. Type: {INSTALL}"
        )
    folder = Path(found.origin).parent
    missing = [name for name in (_WEIGHTS, _TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            "The installed version of wordllama is not supported. Expected: "
            f"{' and '.join(missing)} in {str(folder)!r}. Type: {INSTALL} --force-reinstall"
        )
    return folder


def _read_wordllama() -> PieceVectors:
    folder = _wordllama_folder()
    try:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ImportError(
            f'embeddings="wordllama" needs tokenizers and safetensors: {error}. Type: {INSTALL}'
        ) from error
    (table,) = load_file(folder / _WEIGHTS).values()
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    return PieceVectors(tokenizer, table, unknown=_unknown_of(tokenizer), source=WORDLLAMA)


def _read_folder(folder: str | Path) -> PieceVectors:
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ImportError(
            f"The folder {str(folder)!r} contains a static model, which needs model2vec. Expected: "
            f"model2vec installed. Received: {error}. Type: {INSTALL}"
        ) from error
    try:
        model = StaticModel.from_pretrained(Path(folder).expanduser().resolve())
    except Exception as error:  # readers of JSON, tensors and tokenizers raise anything
        raise ValueError(
            f"The model in the folder {str(folder)!r} cannot be read ({type(error).__name__}: "
            f"{error}). Expected: a folder that `model2vec.StaticModel.save_pretrained` wrote; "
            "save it again."
        ) from error
    return _of_model(model, str(folder))


def _of_model(model, source: str) -> PieceVectors:
    unknown = getattr(model, "unk_token_id", None)
    return PieceVectors(
        model.tokenizer,
        model.embedding,
        mapping=getattr(model, "token_mapping", None),
        weights=getattr(model, "weights", None),
        unknown=_unknown_of(model.tokenizer) if unknown is None else unknown,
        source=source,
    )


def _unknown_of(tokenizer) -> int | None:
    name = getattr(tokenizer.model, "unk_token", None)
    return None if name is None else tokenizer.token_to_id(name)
