"""Find the n-grams of a counter in one text, with names and positions, which hashes lack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import HashingVectorizer

from textcnn.text.ngrams import _FACTOR, _N_HASHES, NgramCounter, _look_up
from textcnn.text.places import placed_tokens


@dataclass(frozen=True)
class PlacedNgrams:
    """The known n-grams of one text, an entry per occurrence.

    Attributes
    ----------
    text : str
        The shown text.
    words : list of str
    word_spans : ndarray of int, shape (n_words, 2)
    names, kinds : list of str
        N-grams of ``"words"``, separated by spaces, and of ``"characters"``.
    columns : ndarray of int, shape (n,)
        Their columns in the result of :meth:`NgramCounter.count`.
    spans : ndarray of int, shape (n, 2)
        Start and stop character in the text.
    """

    text: str
    words: list[str]
    word_spans: np.ndarray
    names: list[str]
    kinds: list[str]
    columns: np.ndarray
    spans: np.ndarray


def placed_ngrams(counter: NgramCounter, cell: str) -> PlacedNgrams:
    """Return the known n-grams of a cell."""
    read = cell.lower() if counter.lowercase else cell
    text, words, places = placed_tokens(read, counter.tokenizer, None)
    found = _words(counter, words, places)
    found += _characters(counter, read, is_shown=len(text) == len(read))
    columns = np.array([column for _, _, column, _ in found], np.int64)
    spans = np.array([span for *_, span in found], np.int64).reshape(-1, 2)
    spans[spans < 0] = len(text)
    # Show the original text unless lower case changed its length.
    if len(cell) == len(text) and cell.isprintable():
        text = cell
    return PlacedNgrams(
        text, words, places, [f[0] for f in found], [f[1] for f in found], columns, spans
    )


def _words(counter, words, places) -> list[tuple]:
    """Return name, kind, column and span of word n-grams."""
    if not counter.word_sizes or not words:
        return []
    single = pd.util.hash_array(np.array(words, dtype=object), categorize=False)
    smallest, largest = counter.word_sizes
    found, ngrams = [], single
    for size in range(1, min(largest, len(words)) + 1):
        if size > 1:
            ngrams = ngrams[:-1] * _FACTOR + single[size - 1 :]
        if size < smallest:
            continue
        columns, known = _look_up(ngrams, counter.words)
        for start in np.flatnonzero(known).tolist():
            name = " ".join(words[start : start + size])
            span = (places[start, 0], places[start + size - 1, 1])
            found.append((name, "words", columns[start], span))
    return found


def _characters(counter, text: str, *, is_shown: bool) -> list[tuple]:
    """Return the same for character n-grams; -1 is the end of the text."""
    if not counter.char_sizes:
        return []
    _, parts, places = placed_tokens(text, str.split, None)
    named = []
    for part, (start, stop) in zip(parts, places.tolist(), strict=True):
        part = f" {part.encode('utf-8', 'replace').decode()} "
        for size in range(counter.char_sizes[0], counter.char_sizes[1] + 1):
            for place in range(max(len(part) - size + 1, 1)):
                first, last = start + place - 1, start + place - 1 + size
                span = (max(first, start), min(last, stop)) if is_shown else (0, -1)
                named.append((part[place : place + size], span))
            if size >= len(part):  # a short part is a single n-gram
                break
    if not named:
        return []
    columns, known = _look_up(_hashes([name for name, _ in named]), counter.characters)
    return [
        (name, "characters", counter.n_words + column, span)
        for (name, span), column, is_known in zip(named, columns, known, strict=True)
        if is_known
    ]


def _hashes(ngrams: list[str]) -> np.ndarray:
    """Return the hash of each n-gram, as in :mod:`textcnn.text.ngrams`."""
    vectorizer = HashingVectorizer(
        analyzer=lambda ngram: [ngram],
        n_features=_N_HASHES,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )
    return vectorizer.transform(ngrams).indices
