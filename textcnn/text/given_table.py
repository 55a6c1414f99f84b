"""The pretrained vectors that a vocabulary keeps, and how words are looked up in them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import compress

import numpy as np

from textcnn.text.cells import other_spelling
from textcnn.text.joining import SEPARATOR
from textcnn.text.vectors import WordVectors

PADDING = 0
UNKNOWN = 1
FIRST_WORD = 2
_ROWS_MEASURED = 10_000
# Share of a column's words below which given vectors are said to match hardly anything.
_FEWEST_MATCHES = 0.05
_WORDS_SHOWN = 5
# Spellings of a lower-cased word to look for in a vectors file, after the spelling in the text.
SPELLINGS = (str.lower, str.capitalize, str.upper, other_spelling)


class GivenTable:
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
        positions = channel_positions(keys + extra_keys, vectors)
        rows, row_of_key = number_distinct(map(tuple, positions.tolist()))
        n_used = int(row_of_key[: len(keys)].max(initial=-1)) + 1
        place = np.arange(FIRST_WORD, FIRST_WORD + len(rows), dtype=np.int32)
        place[n_used:] += len(random_words)
        self.key_rows = place[row_of_key]
        first = FIRST_WORD + n_used
        self.random_rows = np.arange(first, first + len(random_words), dtype=np.int32)
        self.given = np.zeros((FIRST_WORD + len(rows) + len(random_words), dim), np.float32)
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
    has_vector = channel_positions(list(forms), [vectors])[:, 0] >= 0
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


def used_keys(forms: list[str], vectors: Sequence[WordVectors]) -> set[str]:
    """Return, for each form, the first spelling found in any channel."""
    keys: set[str] = set()
    left, names = forms, forms
    for spelling in (*SPELLINGS, None):
        found = np.zeros(len(names), np.bool_)
        for channel in vectors:
            found |= channel.find(names) >= 0
        keys.update(compress(names, found.tolist()))
        left = list(compress(left, (~found).tolist()))
        if spelling is not None:
            names = [spelling(form.lower()) for form in left]
    return keys


def channel_positions(keys: list[str], vectors: Sequence[WordVectors]) -> np.ndarray:
    """Return each key's row per channel, (n_keys, n_channels), also of other spellings, or -1."""
    positions = np.empty((len(keys), len(vectors)), np.int64)
    for number, channel in enumerate(vectors):
        positions[:, number] = channel.find(keys)
        for spelling in SPELLINGS:
            left = np.flatnonzero(positions[:, number] < 0)
            positions[left, number] = channel.find([spelling(keys[i].lower()) for i in left])
    return positions


def number_distinct(items) -> tuple[list, np.ndarray]:
    """Return the distinct items in order of appearance, and the number of each item."""
    numbers: dict = {}
    of_item = [numbers.setdefault(item, len(numbers)) for item in items]
    return list(numbers), np.array(of_item, np.int64)
