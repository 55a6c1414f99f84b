"""Vocabulary: the vectors of each word form of a column, in training and for new texts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import compress, repeat
from numbers import Integral

import numpy as np

from textcnn.text.cells import composed, other_spelling
from textcnn.text.joining import SEPARATOR
from textcnn.text.new_words import GrownTable, PieceChannel, compose, read_channels
from textcnn.text.vectors import WordVectors

__all__ = ["PADDING", "UNKNOWN", "Vocabulary", "warn_of_few_matches"]

PADDING = 0
UNKNOWN = 1
_FIRST_WORD = 2
_ROWS_MEASURED = 10_000
# Share of a column's words below which given vectors are said to match hardly anything.
_FEWEST_MATCHES = 0.05
_WORDS_SHOWN = 5
# Spellings of a lower-cased word to look for in a vectors file, after the spelling in the text.
_SPELLINGS = (str.lower, str.capitalize, str.upper, other_spelling)


class Vocabulary:
    """The words of one column: ids of trainable and of pretrained vectors for each word form.

    A form is a word as written ("Good"). Its trainable vector is that of its lower-cased word
    ("good"); its pretrained vector is the first one found for the form as written, in lower case,
    capitalised, or in upper case. Made by `Vocabulary.build`.

    Attributes
    ----------
    words : list of str
        The lower-cased words with their own trainable vector, most frequent first, equally
        frequent ones in alphabetical order. Id 0 is padding, 1 the unknown word, ``2 + i`` is
        ``words[i]``.
    given : ndarray of shape (n_given_rows, dim), float32
        Pretrained vectors. Row 0 is padding (zeros), row 1 the unknown word (random). Then follow
        the vectors of forms that occur, random rows of words without a vector, and vectors kept for
        new words. Shape (2, 0) without pretrained vectors.
    given_is_random : ndarray of shape (n_given_rows,), bool
        Random rows: those of the unknown word and of words without a vector.
    report : dict
        Counts for JSON: ``words`` (distinct lower-cased words) and ``tokens`` (all words) of the
        column, ``words_with_vector`` and ``tokens_with_vector``, ``learned_words``,
        ``random_rows`` (of words without a vector), ``kept_rows`` (pretrained vectors), ``dim``
        and ``bytes_kept`` (of `given`).
    pieces : list of PieceChannel
        The channels whose vectors are made of pieces, also for words that are new.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.text.vectors import WordVectors
    >>> from textcnn.text.vocabulary import Vocabulary
    >>> vectors = WordVectors(["good", "bad"], np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> vocabulary = Vocabulary.build(
    ...     ["Good", "good", "wine", "oak"], np.array([1, 2, 2, 1]), vectors=[vectors], seed=0
    ... )
    >>> vocabulary.words
    ['good', 'wine']
    >>> given_rows, learned_ids = vocabulary.resolve(["GOOD", "wine", "oak", "new"])
    >>> given_rows, learned_ids
    (array([2, 3, 1, 1], dtype=int32), array([2, 3, 1, 1], dtype=int32))
    >>> vocabulary.given_is_random
    array([False,  True, False,  True])
    """

    def __init__(
        self,
        *,
        words: list[str],
        given: np.ndarray,
        given_is_random: np.ndarray,
        keys: list[str],
        key_rows: np.ndarray,
        random_words: list[str],
        random_rows: np.ndarray,
        report: dict,
        pieces: Sequence[PieceChannel] = (),
    ) -> None:
        self.words = words
        self.given = given
        self.given_is_random = given_is_random
        self.report = report
        self.n_learned = len(words) + _FIRST_WORD
        self.dim = given.shape[1]
        self.pieces = list(pieces)
        self._keys = keys
        self._key_rows = key_rows
        self._random_words = random_words
        self._random_rows = random_rows
        ids = range(_FIRST_WORD, self.n_learned)
        # Words of an older file may have separate accents, those of texts do not.
        self._learned_ids = dict(zip(composed(words), ids, strict=True))
        self._row_of_key = dict(zip(keys, key_rows.tolist(), strict=True))
        self._row_of_random = dict(zip(random_words, random_rows.tolist(), strict=True))

    @classmethod
    def build(
        cls,
        forms: Sequence[str],
        counts: np.ndarray,
        *,
        vectors: Sequence[WordVectors],
        min_count: int = 2,
        keep_vectors: str | int = "seen",
        seed: int | np.random.SeedSequence,
        also: Sequence[str] = (),
        pieces: Sequence[PieceChannel] = (),
    ) -> Vocabulary:
        """Build the vocabulary of the forms that occur in a column.

        Parameters
        ----------
        forms : sequence of str
            Distinct word forms, in any order: the result does not depend on it.
        counts : array-like of int, shape (n_forms,)
            Number of occurrences of each form.
        vectors : sequence of WordVectors
            Pretrained vectors; several are concatenated as channels, without any ``dim == 0``. A
            word that is missing in one channel has random numbers there.
        min_count : int, default=2
            A lower-cased word that occurs less often has the trainable vector of the unknown word,
            and, without a pretrained vector, the random row of the unknown word.
        keep_vectors : "seen" or int, default="seen"
            ``"seen"`` keeps the vectors of forms that occur. A number ``n`` also keeps the first
            ``n`` words of each channel (files list the most frequent first) for new texts, at
            ``4 * dim`` bytes per word.
        seed : int or SeedSequence
            Seed of the random rows. They are normal with the standard deviation of the channel's
            kept vectors.
        also : sequence of str, default=()
            Words of the channels that are kept as well.
        pieces : sequence of PieceChannel, default=()
            The channels whose vectors are made of pieces.

        Returns
        -------
        Vocabulary

        Raises
        ------
        TypeError, ValueError
            If an argument has another type, length or range.
        """
        forms = list(forms)
        counts = np.asarray(counts)
        _check_arguments(forms, counts, vectors, min_count, keep_vectors)
        lowered = list(map(str.lower, forms))
        distinct, word_of_form = _number(lowered)
        word_counts = np.zeros(len(distinct), np.int64)
        np.add.at(word_counts, word_of_form, counts)
        frequent = (word_counts >= min_count).tolist()
        ranked = sorted(
            zip((-word_counts).tolist(), distinct, strict=True), key=lambda pair: (pair[0], pair[1])
        )
        words = [word for count, word in ranked if -count >= min_count]
        keys: list[str] = []
        extra_keys: list[str] = []
        random_words: list[str] = []
        if vectors:
            keys = sorted(_used_keys(forms, vectors))
            used = set(keys)
            random_words = sorted(
                word
                for word in compress(distinct, frequent)
                if not any(spelling(word) in used for spelling in _SPELLINGS)
            )
            n_first = 0 if keep_vectors == "seen" else int(keep_vectors)
            first = (word for channel in vectors for word in channel.words[:n_first])
            kept = dict.fromkeys([*first, *also])
            extra_keys = [word for word in kept if word not in used]
        table = _GivenTable(keys, random_words, extra_keys, vectors, seed)
        vocabulary = cls(
            words=words,
            given=table.given,
            given_is_random=table.is_random,
            keys=keys + extra_keys,
            key_rows=table.key_rows,
            random_words=random_words,
            random_rows=table.random_rows,
            report={},
            pieces=pieces,
        )
        has_vector = ~table.is_random[vocabulary.resolve(forms)[0]]
        vocabulary.report = {
            "words": len(distinct),
            "words_with_vector": len(np.unique(word_of_form[has_vector])),
            "tokens": int(counts.sum()),
            "tokens_with_vector": int(counts[has_vector].sum()),
            "learned_words": len(words),
            "random_rows": len(random_words),
            "kept_rows": len(table.given) - _FIRST_WORD - len(random_words),
            "dim": vocabulary.dim,
            "bytes_kept": int(table.given.nbytes),
        }
        return vocabulary

    def resolve(self, forms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Look up word forms, known or new.

        The result for a form does not depend on the call. Takes about two seconds for a million
        forms.

        Parameters
        ----------
        forms : sequence of str

        Returns
        -------
        given_rows : ndarray of shape (len(forms),), int32
            Row of `given`: the form's vector, its word's random row, or 1.
        learned_ids : ndarray of shape (len(forms),), int32
            The lower-cased word's id, or 1.
        """
        lowered = list(map(str.lower, forms))
        learned = np.fromiter(
            map(self._learned_ids.get, lowered, repeat(UNKNOWN)), np.int32, len(lowered)
        )
        row = self._row_of_key.get
        given = np.fromiter(map(row, forms, repeat(PADDING)), np.int32, len(lowered))
        if self._row_of_key or self._row_of_random:
            for spelling in _SPELLINGS:
                left = np.flatnonzero(given == PADDING).tolist()
                given[left] = [row(spelling(lowered[i]), PADDING) for i in left]
            left = np.flatnonzero(given == PADDING).tolist()
            given[left] = [self._row_of_random.get(lowered[i], UNKNOWN) for i in left]
        else:
            given[:] = UNKNOWN
        return given, learned

    def compose(self, forms: Sequence[str], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Make vectors for the forms that have none, where vectors are made of pieces.

        Parameters
        ----------
        forms : sequence of str
        rows : ndarray of int32, shape (len(forms),)
            Rows of `given`, by `resolve`.

        Returns
        -------
        rows : ndarray of int32, shape (len(forms),)
            Rows of the table of :meth:`grown`.
        vectors : ndarray of float32, shape (n_new, dim)
            The rows that come after those of `given`.
        """
        new = np.flatnonzero(rows == UNKNOWN) if self.pieces else np.empty(0, np.int64)
        if not len(new):
            return rows, np.empty((0, self.dim), np.float32)
        words = [forms[form] for form in new.tolist()]
        found, vectors = compose(self.pieces, words, self.given[UNKNOWN])
        rows = rows.copy()
        rows[new[found]] = len(self.given) + np.arange(len(vectors), dtype=np.int32)
        return rows, vectors

    def grown(self, vectors: np.ndarray) -> Vocabulary:
        """Return this vocabulary with more rows of `given`, to which no word of it leads."""
        if not len(vectors):
            return self
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.given = GrownTable(self.given, vectors)
        other.given_is_random = np.append(self.given_is_random, np.zeros(len(vectors), np.bool_))
        return other

    def to_state(self) -> dict:
        """Return everything as NumPy arrays, lists of str and a JSON-safe dict.

        Returns
        -------
        dict of str to ndarray, list of str or dict
            Input of `from_state`.
        """
        state = {
            "words": self.words,
            "given": self.given,
            "given_is_random": self.given_is_random,
            "keys": self._keys,
            "key_rows": self._key_rows,
            "random_words": self._random_words,
            "random_rows": self._random_rows,
            "report": self.report,
        }
        pieces = [channel.to_state() for channel in self.pieces]
        return state | ({"pieces": pieces} if pieces else {})

    @classmethod
    def from_state(cls, state: dict) -> Vocabulary:
        """Create a vocabulary from the result of `to_state`.

        Parameters
        ----------
        state : dict

        Returns
        -------
        Vocabulary

        Raises
        ------
        ValueError
            If a part is missing or the parts are inconsistent.
        """
        parts = set(_STATE_PARTS)
        if set(state) - {"pieces"} != parts:
            raise ValueError(
                f"The state of a vocabulary must have the parts {sorted(parts)}. "
                f"Received: {sorted(state)}."
            )
        arrays = {name: np.asarray(state[name], dtype) for name, dtype in _STATE_ARRAYS.items()}
        n_rows = len(arrays["given"]) if arrays["given"].ndim == 2 else 0
        rows = np.concatenate([arrays["key_rows"].ravel(), arrays["random_rows"].ravel()])
        fits = (
            n_rows >= _FIRST_WORD
            and arrays["given_is_random"].shape == (n_rows,)
            and arrays["key_rows"].shape == (len(state["keys"]),)
            and arrays["random_rows"].shape == (len(state["random_words"]),)
            and (rows.size == 0 or (rows.min() >= _FIRST_WORD and rows.max() < n_rows))
        )
        if not fits:
            shapes = {name: array.shape for name, array in arrays.items()}
            raise ValueError(
                "The parts of this vocabulary's state are inconsistent. Expected one row per "
                "key and per random word, each a row of `given`. "
                f"Received: {len(state['keys'])} keys, {len(state['random_words'])} random words "
                f"and arrays of the shapes {shapes}."
            )
        lists = {name: list(state[name]) for name in ("words", "keys", "random_words")}
        pieces = read_channels(state.get("pieces", []), arrays["given"].shape[1])
        return cls(**lists, **arrays, report=dict(state["report"]), pieces=pieces)

    def __getstate__(self) -> dict:
        """Omit the look-up dicts, which are rebuilt from the lists."""
        return self.to_state() | {"pieces": self.pieces}

    def __setstate__(self, state: dict) -> None:
        """Restore from the state's parts."""
        self.__init__(**state)

    def __repr__(self) -> str:
        """Show the sizes."""
        return f"<Vocabulary: {len(self.words)} words, pretrained vectors {self.given.shape}>"


_STATE_ARRAYS = {
    "given": np.float32,
    "given_is_random": np.bool_,
    "key_rows": np.int32,
    "random_rows": np.int32,
}
_STATE_PARTS = ("words", "keys", "random_words", "report", *_STATE_ARRAYS)


class _GivenTable:
    """The kept rows of all channels, concatenated, and the row of each key."""

    def __init__(
        self,
        keys: list[str],
        random_words: list[str],
        extra_keys: list[str],
        vectors: Sequence[WordVectors],
        seed: int | np.random.SeedSequence,
    ) -> None:
        dim = sum(channel.dim for channel in vectors)
        # Keys with the same rows in every channel share one kept row.
        positions = _channel_positions(keys + extra_keys, vectors)
        rows, row_of_key = _number(map(tuple, positions.tolist()))
        n_used = int(row_of_key[: len(keys)].max(initial=-1)) + 1
        place = np.arange(_FIRST_WORD, _FIRST_WORD + len(rows), dtype=np.int32)
        place[n_used:] += len(random_words)
        self.key_rows = place[row_of_key]
        first = _FIRST_WORD + n_used
        self.random_rows = np.arange(first, first + len(random_words), dtype=np.int32)
        self.given = np.zeros((_FIRST_WORD + len(rows) + len(random_words), dim), np.float32)
        self.is_random = np.zeros(len(self.given), np.bool_)
        self.is_random[[UNKNOWN, *self.random_rows]] = True

        positions = np.array(rows, np.int64).reshape(len(rows), len(vectors))
        lacking = np.zeros((len(rows), dim), np.bool_)
        scale = np.empty(dim, np.float32)
        start = 0
        for number, channel in enumerate(vectors):
            part = slice(start, start + channel.dim)
            start = part.stop
            found = np.flatnonzero(positions[:, number] >= 0)
            self.given[place[found], part] = channel.take(positions[found, number])
            lacking[:, part] = positions[:, [number]] < 0
            measured = self.given[place[found[found < n_used][:_ROWS_MEASURED]], part]
            if not len(measured):
                measured = channel.vectors[:_ROWS_MEASURED]
            scale[part] = np.std(measured, dtype=np.float64) if len(measured) else 0.0
        # Drawn in the order of sorted words; vectors kept for new words come last, so that they do
        # not change the random rows.
        random = np.random.default_rng(seed)
        drawn = random.standard_normal((1 + len(random_words), dim), dtype=np.float32) * scale
        self.given[UNKNOWN] = drawn[0]
        self.given[self.random_rows] = drawn[1:]
        partial = np.flatnonzero(lacking.any(axis=1))
        if len(partial):
            drawn = random.standard_normal((len(partial), dim), dtype=np.float32) * scale
            self.given[place[partial]] += np.where(lacking[partial], drawn, np.float32(0))


def warn_of_few_matches(
    vectors: WordVectors, forms: Sequence[str], counts: np.ndarray, label: str
) -> None:
    """Warn where hardly any word of a column has a vector, which is a mistake in most cases.

    Parameters
    ----------
    vectors : WordVectors
    forms : sequence of str
        The column's distinct words.
    counts : ndarray of int, shape (n_forms,)
        How often each occurs.
    label : str
        The column's name.
    """
    if SEPARATOR in forms:  # of joined columns: no word of a text
        counts = counts.copy()
        counts[list(forms).index(SEPARATOR)] = 0
    total = int(counts.sum())
    has_vector = _channel_positions(list(forms), [vectors])[:, 0] >= 0
    n_matched = int(counts[has_vector].sum())
    if not total or n_matched >= _FEWEST_MATCHES * total:
        return
    frequent = np.argsort(-np.where(has_vector, 0, counts), kind="stable")[:_WORDS_SHOWN]
    theirs = [forms[form] for form in frequent.tolist()]
    warnings.warn(
        f"The given vectors have hardly any word of the column {label!r}: {n_matched} of "
        f"{total} words of its texts. The others have random vectors. Expected: vectors of words "
        "as the tokenizer writes them. "
        f"Received: texts with {', '.join(map(repr, theirs))}; vectors of "
        f"{', '.join(map(repr, vectors.words[:_WORDS_SHOWN]))}. Type embeddings= vectors of this "
        "language and spelling, or leave it out.",
        UserWarning,
        stacklevel=2,
    )


def _used_keys(forms: list[str], vectors: Sequence[WordVectors]) -> set[str]:
    """Return, for each form, the first spelling found in any channel."""
    keys: set[str] = set()
    left, names = forms, forms
    for spelling in (*_SPELLINGS, None):
        found = np.zeros(len(names), np.bool_)
        for channel in vectors:
            found |= channel.find(names) >= 0
        keys.update(compress(names, found.tolist()))
        left = list(compress(left, (~found).tolist()))
        if spelling is not None:
            names = [spelling(form.lower()) for form in left]
    return keys


def _channel_positions(keys: list[str], vectors: Sequence[WordVectors]) -> np.ndarray:
    """Return each key's row per channel, (n_keys, n_channels), also of other spellings, or -1."""
    positions = np.empty((len(keys), len(vectors)), np.int64)
    for number, channel in enumerate(vectors):
        positions[:, number] = channel.find(keys)
        for spelling in _SPELLINGS:
            left = np.flatnonzero(positions[:, number] < 0)
            positions[left, number] = channel.find([spelling(keys[i].lower()) for i in left])
    return positions


def _number(items) -> tuple[list, np.ndarray]:
    """Return the distinct items in order of appearance, and the number of each item."""
    numbers: dict = {}
    of_item = [numbers.setdefault(item, len(numbers)) for item in items]
    return list(numbers), np.array(of_item, np.int64)


def _check_arguments(forms, counts, vectors, min_count, keep_vectors) -> None:
    if counts.shape != (len(forms),) or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(
            "`counts` must have one integer of at least 0 per form. "
            f"Received: {len(forms)} forms, counts of shape {counts.shape} and {counts.dtype}."
        )
    other = next((v for v in vectors if not isinstance(v, WordVectors)), None)
    if other is not None:
        raise TypeError(
            "`vectors` must be a list of WordVectors; use `load_vectors` for files. "
            f"Received: {type(other).__name__}."
        )
    if not isinstance(min_count, Integral) or isinstance(min_count, bool) or min_count < 1:
        raise ValueError(
            f"`min_count` must be an integer of at least 1. Received: min_count={min_count!r}."
        )
    is_number = isinstance(keep_vectors, Integral) and not isinstance(keep_vectors, bool)
    if not (is_number and keep_vectors >= 0) and keep_vectors != "seen":
        raise ValueError(
            '`keep_vectors` must be "seen" or an integer of at least 0: the number of frequent '
            f"words to keep from each file. Received: keep_vectors={keep_vectors!r}."
        )
