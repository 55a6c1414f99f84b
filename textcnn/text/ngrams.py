"""Count n-grams of words and of characters within words, once for all folds.

Character n-grams are computed once per distinct word, and the counts of a document are the sum over
its words: a product of two sparse matrices, which gives the counts of scikit-learn's
``analyzer="char_wb"`` ten times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

from textcnn.text.tokens import TokenizedColumn, tokenize_column

# An odd constant, so that "a b" and "b a" have different numbers.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
# Number of hashes: large enough that collisions among a million n-grams are rare.
_N_HASHES = 2**31 - 1


@dataclass(frozen=True, eq=False)
class NgramCounter:
    """Counts n-grams of documents; known are those that occur at least twice in ``learn``.

    Attributes
    ----------
    word_sizes, char_sizes : tuple of int
        Smallest and largest number of words or characters of an n-gram; ``()`` for none.
    lowercase : bool
    tokenizer : {"word", "char"} or callable
    words, characters : ndarray
        Sorted hashes of the known n-grams, uint64 and int64.
    """

    word_sizes: tuple[int, ...]
    char_sizes: tuple[int, ...]
    lowercase: bool = True
    tokenizer: object = "word"
    words: np.ndarray | None = None
    characters: np.ndarray | None = None

    @property
    def n_words(self) -> int:
        """Number of columns of word n-grams in :meth:`count`; character n-grams follow."""
        return len(self.words)

    @property
    def n_ngrams(self) -> int:
        """Number of columns of :meth:`count`."""
        return len(self.words) + len(self.characters)

    def learn(self, cells: list[str]) -> tuple[NgramCounter, csr_matrix]:
        """Return a counter with the n-grams of these documents, and their counts.

        N-grams that occur only once are left out: no two documents share them.
        """
        counter = replace(self, words=None, characters=None)
        documents = counter._lower(cells)
        words, word_counts = counter._count_words(documents)
        characters, character_counts = counter._count_characters(documents)
        counter = replace(counter, words=words, characters=characters)
        return counter, _side_by_side(word_counts, character_counts)

    def count(self, cells: list[str]) -> csr_matrix:
        """Return counts of the known n-grams, float32 of shape (n_rows, max(n_ngrams, 1))."""
        documents = self._lower(cells)
        return _side_by_side(self._count_words(documents)[1], self._count_characters(documents)[1])

    def _lower(self, cells: list[str]) -> list[str]:
        return [cell.lower() for cell in cells] if self.lowercase else cells

    def _count_words(self, documents: list[str]) -> tuple[np.ndarray, csr_array]:
        """Return the hashes of the known word n-grams, and their counts."""
        if not self.word_sizes:
            return np.empty(0, np.uint64), csr_array((len(documents), 0), dtype=np.float32)
        tokens = tokenize_column(documents, self.tokenizer)
        rows = np.repeat(np.arange(len(documents)), np.diff(tokens.offsets))
        forms = pd.util.hash_array(np.array(tokens.forms, dtype=object), categorize=False)
        single = forms[tokens.ids] if len(forms) else np.empty(0, np.uint64)
        smallest, largest = self.word_sizes
        hashes, found_in = [], []
        ngrams = single
        for size in range(1, largest + 1):
            if size > 1:
                ngrams = ngrams[:-1] * _FACTOR + single[size - 1 :]
            if size >= smallest:
                within = rows[: len(ngrams)] == rows[size - 1 :]  # not across documents
                hashes.append(ngrams[within])
                found_in.append(rows[: len(ngrams)][within])
        hashes, rows = np.concatenate(hashes), np.concatenate(found_in)
        if self.words is None:
            known, numbers, counts = np.unique(hashes, return_inverse=True, return_counts=True)
            several = counts > 1
            places = np.cumsum(several) - 1
            keep = several[numbers]
            known, columns = known[several], places[numbers[keep]]
        else:
            known = self.words
            columns, keep = _look_up(hashes, known)
            columns = columns[keep]
        return known, _counts(rows[keep], columns, (len(documents), len(known)))

    def _count_characters(self, documents: list[str]) -> tuple[np.ndarray, csr_array]:
        """Return the hashes of the known character n-grams, and their counts."""
        if not self.char_sizes:
            return np.empty(0, np.int64), csr_array((len(documents), 0), dtype=np.float32)
        tokens = tokenize_column(documents, str.split)
        per_word = _ngrams_of_forms(tokens.forms, self.char_sizes)
        if self.characters is None:
            totals = np.bincount(tokens.ids, minlength=len(tokens.forms))
            known, columns = np.unique(per_word.indices, return_inverse=True)
            per_form = np.repeat(totals, np.diff(per_word.indptr))
            several = np.bincount(columns, per_form * per_word.data, minlength=len(known)) > 1
            places = np.cumsum(several) - 1
            keep = several[columns]
            known, columns = known[several].astype(np.int64), places[columns]
        else:
            known = self.characters
            columns, keep = _look_up(per_word.indices, known)
        forms = np.repeat(np.arange(len(tokens.forms)), np.diff(per_word.indptr))
        per_word = csr_array(
            (per_word.data[keep], (forms[keep], columns[keep])),
            shape=(len(tokens.forms), len(known)),
        )
        return known, _documents_by_forms(tokens) @ per_word


def _ngrams_of_forms(forms: list[str], sizes: tuple[int, int]) -> csr_matrix:
    """Return hashed counts of the character n-grams of each distinct word."""
    vectorizer = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=sizes,
        n_features=_N_HASHES,
        alternate_sign=False,
        norm=None,
        lowercase=False,
        dtype=np.float32,
    )
    # The hash is of UTF-8 bytes, which a lone surrogate does not have.
    forms = [form.encode("utf-8", "replace").decode() for form in forms]
    return vectorizer.transform(forms) if forms else csr_matrix((0, 1), dtype=np.float32)


def _documents_by_forms(tokens: TokenizedColumn) -> csr_array:
    """Return the counts of each distinct word in each document."""
    shape = (len(tokens.offsets) - 1, len(tokens.forms))
    ones = np.ones(len(tokens.ids), np.float32)
    counts = csr_array((ones, tokens.ids, tokens.offsets.astype(np.int32)), shape=shape)
    counts.sum_duplicates()
    return counts


def _counts(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Count pairs of row and column."""
    return csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def _look_up(hashes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of each hash among the known ones, and a mask of known hashes."""
    if not len(known):
        return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return places, known[places] == hashes


def _side_by_side(words: csr_array, characters: csr_array) -> csr_matrix:
    """Concatenate both kinds of counts; return one empty column if there are no n-grams."""
    if words.shape[1] + characters.shape[1] == 0:
        return csr_matrix((words.shape[0], 1), dtype=np.float32)
    return csr_matrix(hstack([words, characters], format="csr", dtype=np.float32))
