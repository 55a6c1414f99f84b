"""Word vectors in a shared table, from files, gensim objects or the corpus."""

from __future__ import annotations

import difflib
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from pathlib import Path

import numpy as np

from textcnn.text.piece_vectors import (
    WORDLLAMA,
    PieceVectors,
    is_model,
    is_model_folder,
    open_pieces,
)
from textcnn.text.vector_data_sets import data_set_file, data_set_folder
from textcnn.text.vector_files import (
    ACCEPTED,
    first_not_finite,
    keyed_vectors_of,
    read_vectors_file,
)

__all__ = ["WordVectors", "load_vectors", "train_corpus_vectors"]

_CACHED_FILES = 2
_cache: OrderedDict[tuple, WordVectors] = OrderedDict()
_cache_lock = threading.Lock()
# gensim silently truncates sentences after this many words.
_LONGEST_SENTENCE = 10_000


class WordVectors:
    """A table of words and their vectors, shared by copies of an estimator.

    `sklearn.base.clone` and `copy.deepcopy` return the same object, so a grid search needs memory
    for one table only. Therefore the table is read-only. A pickle contains the table, as one array
    and a list of str.

    Parameters
    ----------
    words : list of str
        One word per row, most frequent first. If a word is repeated, its first row is used.
    vectors : array-like of shape (n_words, dim)
        One vector per word. A float32 array, memory-mapped or not, is used without a copy.

    Attributes
    ----------
    words : list of str
        The distinct words.
    vectors : ndarray of shape (n_words, dim), float32
        Read-only.
    dim : int
        Number of dimensions.

    Raises
    ------
    TypeError
        If a word is not a str or the vectors are not real numbers.
    ValueError
        If the shapes do not match or a number is not finite (in float32).

    Notes
    -----
    Finding a word is a dict look-up. Creating the object reads the whole table once, to check that
    all numbers are finite: about half a second per gigabyte in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.text.vectors import WordVectors
    >>> vectors = WordVectors(["good", "bad"], np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> vectors.find(["bad", "ugly"])
    array([ 1, -1])
    >>> "good" in vectors, len(vectors), vectors.dim
    (True, 2, 2)
    """

    def __init__(self, words: list[str], vectors: np.ndarray) -> None:
        words = list(words)
        table = np.asarray(vectors)
        if table.ndim != 2 or len(table) != len(words) or table.shape[1] == 0:
            raise ValueError(
                "`vectors` must have one row of at least one number per word. "
                f"Received: {len(words)} words and vectors of shape {table.shape}."
            )
        if table.dtype.kind not in "fiu":
            raise TypeError(
                f"`vectors` must be real numbers, such as float32. Received: dtype {table.dtype}."
            )
        other = next((word for word in words if not isinstance(word, str)), None)
        if other is not None:
            raise TypeError(
                "The words of word vectors must be str. "
                f"Received: {other!r} of type {type(other).__name__}."
            )
        with np.errstate(over="ignore"):
            table = table.astype(np.float32, copy=False).view()
        positions = dict(zip(words, range(len(words)), strict=True))
        if len(positions) < len(words):
            firsts = np.unique(np.array(words, dtype=object), return_index=True)[1]
            firsts.sort()
            words, table = [words[row] for row in firsts], table[firsts]
            positions = dict(zip(words, range(len(words)), strict=True))
        row = first_not_finite(table)
        if row is not None:
            raise ValueError(
                "`vectors` must be finite in float32. "
                f"Received: a NaN or infinity in the vector of {words[row]!r} (row {row})."
            )
        table.flags.writeable = False
        self.words = words
        self.vectors = table
        self._positions = positions

    @classmethod
    def from_keyed_vectors(cls, keyed_vectors: object) -> WordVectors:
        """Wrap a gensim ``KeyedVectors`` (or the ``wv`` of a full model), sharing its table.

        Parameters
        ----------
        keyed_vectors : gensim.models.KeyedVectors, Word2Vec or FastText
            Its table is shared if it is float32, otherwise copied. For fastText, only vectors of
            whole words are used, not those of character n-grams.

        Returns
        -------
        WordVectors
        """
        found = keyed_vectors_of(keyed_vectors)
        if found is None:
            raise TypeError(
                "Expected a gensim KeyedVectors or a model with `.wv`. "
                f"Received: {type(keyed_vectors).__name__}."
            )
        return cls(found.index_to_key, found.vectors)

    @classmethod
    def from_file(cls, path: str | Path) -> WordVectors:
        """Read a file of word vectors; see `load_vectors` for the formats.

        The last two files read in this process are cached (until they change), so that a grid
        search reads them only once.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        WordVectors
        """
        return _read_cached(_existing_file(path), allow_pickle=True)

    @classmethod
    def from_pieces(cls, pieces: PieceVectors, forms: Iterable[str]) -> WordVectors:
        """Make the vectors of some words, lower-cased where lower case has known pieces.

        Parameters
        ----------
        pieces : PieceVectors
        forms : iterable of str
            Words as written, in the order of the table.

        Returns
        -------
        WordVectors
        """
        forms = list(dict.fromkeys(forms))
        lowered = list(dict.fromkeys(map(str.lower, forms)))
        found, vectors = pieces.vectors_of(lowered)
        words = list(compress(lowered, found.tolist()))
        missing = set(compress(lowered, (~found).tolist()))
        left = [form for form in forms if form.lower() in missing and form != form.lower()]
        found, more = pieces.vectors_of(left)
        return cls(words + list(compress(left, found.tolist())), np.concatenate([vectors, more]))

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return self.vectors.shape[1]

    @property
    def n_not_utf8(self) -> int:
        """Number of words with the character that stands for bytes that are not UTF-8."""
        return sum("\ufffd" in word for word in self.words)

    def find(self, words: Sequence[str]) -> np.ndarray:
        """Return the row of each word, or -1 for unknown words.

        Parameters
        ----------
        words : sequence of str
            Words; case matters.

        Returns
        -------
        ndarray of shape (len(words),), int64
        """
        return np.fromiter(map(self._positions.get, words, repeat(-1)), np.int64, len(words))

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return copies of the vectors in some rows.

        Parameters
        ----------
        positions : array-like of int, shape (n,)
            Rows from `find`, all at least 0.

        Returns
        -------
        ndarray of shape (n, dim), float32
        """
        positions = np.asarray(positions, dtype=np.int64)
        if positions.size and (positions.min() < 0 or positions.max() >= len(self)):
            raise ValueError(
                f"`positions` must be between 0 and {len(self) - 1}. "
                f"Received: {positions.min()} to {positions.max()}."
            )
        # Ascending, because a memory-mapped table is read from disk.
        ascending = np.argsort(positions, kind="stable")
        rows = np.empty((len(positions), self.dim), dtype=np.float32)
        rows[ascending] = self.vectors[positions[ascending]]
        return rows

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Return whether a word has a vector; case matters."""
        return word in self._positions

    def __repr__(self) -> str:
        """Show the size."""
        return f"<WordVectors: {len(self)} words, dim={self.dim}>"

    def __sklearn_clone__(self) -> WordVectors:
        """Return the same object: clones share the table."""
        return self

    def __copy__(self) -> WordVectors:
        """Return the same object."""
        return self

    def __deepcopy__(self, memo: dict) -> WordVectors:
        """Return the same object."""
        return self

    def __getstate__(self) -> dict:
        """Return the words and the table."""
        return {"words": self.words, "vectors": self.vectors}

    def __setstate__(self, state: dict) -> None:
        """Restore the words, the table and the look-up."""
        self.words = state["words"]
        self.vectors = state["vectors"].view()
        self.vectors.flags.writeable = False
        self._positions = dict(zip(self.words, range(len(self.words)), strict=True))


def load_vectors(source: object) -> WordVectors | PieceVectors:
    r"""Load word vectors from a file, an installed package, a model or a gensim-data name.

    Parameters
    ----------
    source : str, Path, gensim object, model2vec.StaticModel or WordVectors
        One of

        - the path of a file: word2vec text (a header line, then words and numbers), word2vec
          binary, GloVe text (no header), each also gzipped; or a file that gensim saved
          (``KeyedVectors``, ``Word2Vec``, ``FastText``), memory-mapped if gensim wrote the table to
          a separate ``.npy`` file. The format is detected from the content, not from the name;
        - the name of a gensim-data set, such as ``"glove-wiki-gigaword-100"``. Its folder in
          gensim's data directory (``~/gensim-data`` or ``$GENSIM_DATA_DIR``) is read without
          running code from it; if there is no folder, gensim downloads the data;
        - ``"wordllama"``: the vectors of pieces of words that are part of the package wordllama
          (``pip install 'textcnn[vectors]'``), of which any word's vector is made;
        - a static model of model2vec, or the folder that its ``save_pretrained`` wrote, likewise;
        - a gensim ``KeyedVectors`` or a model with ``.wv``, whose table is shared;
        - a `WordVectors`, which is returned unchanged.

    Returns
    -------
    WordVectors or PieceVectors

    Raises
    ------
    ImportError
        If the package that reads these vectors is not installed.
    ValueError
        If there is no such file or data set, or the file is empty, damaged, of another format, has
        an invalid line (the message has its number) or header, or numbers that are not finite.
    TypeError
        If the source has another type.

    Notes
    -----
    Files saved by gensim are pickles: loading one runs code from it. Load only files that you
    trust; text and binary files cannot run code. Reading text takes about a second for 4 million
    numbers.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from textcnn.text.vectors import load_vectors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "vectors.txt"
    ...     _ = path.write_text("good 1.0 0.5\nbad -1.0 0.5\n", encoding="utf-8")
    ...     load_vectors(path)
    <WordVectors: 2 words, dim=2>
    """
    if isinstance(source, WordVectors | PieceVectors):
        return source
    if is_model(source) or (isinstance(source, str) and source == WORDLLAMA):
        return open_pieces(source)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if path.is_dir() and is_model_folder(path):
            return open_pieces(source)
        folder = data_set_folder(source)
        if path.is_file() or folder is None:
            return WordVectors.from_file(path)
        # Downloaded folders are not trusted, so no pickles.
        return _read_cached(data_set_file(str(source), folder), allow_pickle=False)
    if keyed_vectors_of(source) is not None:
        return WordVectors.from_keyed_vectors(source)
    raise TypeError(
        f"Word vectors cannot be loaded from a {type(source).__name__}. Expected the path of a "
        'file, "wordllama", a gensim-data name, a gensim KeyedVectors, a model2vec StaticModel or '
        "a WordVectors. For words and an array, "
        f"pass `WordVectors(words, array)`. Received: {_short(source)}."
    )


def train_corpus_vectors(
    sentences: Iterable[Sequence[str]],
    *,
    seed: int | np.random.SeedSequence,
    options: dict | None = None,
) -> WordVectors:
    """Train word vectors on the texts, with gensim's Word2Vec or FastText.

    Parameters
    ----------
    sentences : iterable of sequences of str
        The tokens of each document.
    seed : int or SeedSequence
        Seed of gensim's own random state; global random states are not changed.
    options : dict, optional
        Parameters of ``gensim.models.Word2Vec``, and ``algorithm``: ``"word2vec"`` (default)
        or ``"fasttext"``. Defaults: ``vector_size=100, window=5, min_count=2, sg=1, epochs=10,
        workers=1``. More workers are faster, but the vectors then differ between runs.

    Returns
    -------
    WordVectors
        One row for each word that occurs ``min_count`` times, most frequent first.

    Raises
    ------
    ValueError
        If an option is unknown or refused by gensim, or no word occurs often enough.

    Notes
    -----
    The method is Mikolov et al. (2013), "Distributed Representations of Words and Phrases and their
    Compositionality"; with ``algorithm="fasttext"`` Bojanowski et al. (2017), "Enriching Word
    Vectors with Subword Information". One worker processes about 0.3 million tokens per second and
    epoch at the default settings.

    Examples
    --------
    >>> from textcnn.text.vectors import train_corpus_vectors
    >>> sentences = [["good", "wine"], ["bad", "wine"]] * 5
    >>> train_corpus_vectors(sentences, seed=0, options={"vector_size": 8})
    <WordVectors: 3 words, dim=8>
    """
    from gensim.models import FastText, Word2Vec

    settings = {"vector_size": 100, "window": 5, "min_count": 2, "sg": 1, "epochs": 10}
    if isinstance(seed, np.random.SeedSequence):
        seed = int(seed.generate_state(1)[0])
    settings |= {"workers": 1, "seed": seed, **(options or {})}
    models = {"word2vec": Word2Vec, "fasttext": FastText}
    algorithm = settings.pop("algorithm", "word2vec")
    if algorithm not in models:
        raise ValueError(
            'The option "algorithm" must be "word2vec" or "fasttext". '
            f"Received: algorithm={algorithm!r}."
        )
    _check_settings(settings, models[algorithm])
    pieces = [
        list(sentence[start : start + _LONGEST_SENTENCE])
        for sentence in sentences
        for start in range(0, len(sentence), _LONGEST_SENTENCE)
    ]
    counts = Counter(word for piece in pieces for word in piece)
    most = max(counts.values(), default=0)
    if most < settings["min_count"]:
        raise ValueError(
            "Word vectors cannot be trained on this text: no word occurs often enough. Expected "
            f"a word that occurs {settings['min_count']} times (the option min_count). Received: "
            f"{len(counts)} distinct words, each at most {most} times. Use vectors from a file, "
            "or none."
        )
    try:
        model = models[algorithm](sentences=pieces, **settings)
        return WordVectors(model.wv.index_to_key, np.array(model.wv.vectors))
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(
            f"gensim could not train word vectors with these options: {error}. "
            f"Received: {settings}."
        ) from error


def _check_settings(settings: dict, model: type) -> None:
    import inspect

    valid = set(inspect.signature(model).parameters) - {"sentences", "corpus_file"}
    unknown = sorted(set(settings) - valid)
    if unknown:
        raise ValueError(
            f"Unknown options for corpus vectors: {', '.join(unknown)}. Expected some of "
            f"{', '.join(sorted(valid | {'algorithm'}))}."
        )


def _read_cached(path: Path, *, allow_pickle: bool) -> WordVectors:
    """Read a file, or return the cached table if the file has not changed."""
    path = path.resolve()
    # gensim stores large tables in separate files with the same prefix.
    parts = [path, *sorted(path.parent.glob(f"{_glob_escape(path.name)}.*.npy"))]
    stats = [part.stat() for part in parts]
    key = (str(path), *((stat.st_mtime_ns, stat.st_size) for stat in stats), allow_pickle)
    with _cache_lock:
        if key not in _cache:
            _cache[key] = WordVectors(*read_vectors_file(path, allow_pickle=allow_pickle))
        _cache.move_to_end(key)
        while len(_cache) > _CACHED_FILES:
            _cache.popitem(last=False)
        return _cache[key]


def _glob_escape(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _existing_file(path: str | Path) -> Path:
    """Return the path of a file, or raise an error with similar names."""
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise ValueError(
            f"The vectors must be in one file. Expected {ACCEPTED}. "
            f"Received: the folder {str(path)!r}; pass a file in it{_names_near(path, '')}."
        )
    raise ValueError(
        f"The vectors file does not exist: {str(path.absolute())!r}. Expected the path of "
        f"{ACCEPTED}; or a gensim-data name such as 'glove-wiki-gigaword-100'; or a gensim "
        f"KeyedVectors{_names_near(path.parent, path.name)}."
    )


def _names_near(folder: Path, name: str) -> str:
    """Return similar names in the folder, as the end of a sentence."""
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    near = difflib.get_close_matches(name, names, n=3) if name else names[:5]
    return f". Similar names: {', '.join(map(repr, near))}" if near else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
