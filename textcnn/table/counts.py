"""The member "counts": what a text looks like, as eight numbers that use neither words nor y."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from sklearn.utils.validation import check_is_fitted

from textcnn.table.unsupervised import UnsupervisedMember
from textcnn.text.columns import read_columns

NAMES = (
    "characters",
    "words",
    "digits",
    "capitals",
    "punctuation",
    "non_ascii",
    "repeated_marks",
    "missing",
)
_BLOCK_CHARACTERS = 1 << 20
# Kinds of characters, as bits.
_DIGIT, _CAPITAL, _MARK, _LETTER = 1, 2, 4, 8


class TextCounts(UnsupervisedMember):
    """Count characters, words and marks of each text of a column.

    The columns are the natural logarithms of one plus: the number of characters, words (runs of
    letters and digits), digits, capital letters, punctuation marks and symbols, non-ASCII
    characters, and marks that repeat the character before them (``"!!!"`` has two); and
    ``missing``: 1 for a missing or blank cell, otherwise 0. Columns that are constant in the
    training rows are left out, except ``characters``. Neither y nor other rows are used.

    Cost: about 0.1 seconds per million characters.

    Attributes
    ----------
    kept_ : ndarray of int
        Numbers of the columns that vary.
    n_features_in_ : int
        1.

    Examples
    --------
    >>> from textcnn.table.counts import TextCounts
    >>> counts = TextCounts()
    >>> counts.fit_transform(["Good!!", "no", ""]).shape
    (3, 6)
    >>> counts.get_feature_names_out().tolist()[:3]
    ['characters', 'words', 'capitals']
    """

    def fit_transform(self, X, y=None):
        """Find the columns that vary and return them, float32 of shape (n_rows, n_columns)."""
        [column] = read_columns(self, X, reset=True)
        counts = text_counts(column.cells)
        varies = np.ptp(counts, axis=0) > 0 if len(counts) else np.zeros(len(NAMES), bool)
        varies[0] = True
        self.kept_ = np.flatnonzero(varies)
        return counts[:, self.kept_]

    def transform(self, X):
        """Return the counts of new texts, float32 of shape (n_rows, n_columns)."""
        check_is_fitted(self)
        [column] = read_columns(self, X, reset=False)
        return text_counts(column.cells)[:, self.kept_]

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns."""
        check_is_fitted(self)
        return np.array([NAMES[number] for number in self.kept_], dtype=object)


def text_counts(cells: Sequence[str]) -> np.ndarray:
    """Return all eight columns of some texts, float32."""
    blocks, start, size = [], 0, 0
    for end, cell in enumerate(cells, 1):
        size += len(cell)
        if size >= _BLOCK_CHARACTERS or end == len(cells):
            blocks.append(_counts_of_block(cells[start:end]))
            start, size = end, 0
    if not blocks:
        return np.empty((0, len(NAMES)), np.float32)
    return np.vstack(blocks)


def _counts_of_block(cells: Sequence[str]) -> np.ndarray:
    """Return the columns of a few texts, from one array of all their characters."""
    lengths = np.fromiter(map(len, cells), np.int64, len(cells))
    joined = "".join(cells)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds(codes)
    is_first = np.zeros(len(codes), bool)
    starts = np.cumsum(lengths) - lengths
    is_first[starts[lengths > 0]] = True
    is_word = (kinds & (_DIGIT | _LETTER)) > 0
    is_mark = (kinds & _MARK) > 0
    follows_word, repeats = np.zeros((2, len(codes)), bool)
    follows_word[1:] = is_word[:-1]
    repeats[1:] = codes[1:] == codes[:-1]
    flags = (
        is_word & (is_first | ~follows_word),
        (kinds & _DIGIT) > 0,
        (kinds & _CAPITAL) > 0,
        is_mark,
        codes > 127,
        is_mark & repeats & ~is_first,
    )
    counts = np.zeros((len(cells), len(NAMES)), np.float32)
    counts[:, 0] = lengths
    ends = starts + lengths
    for place, flag in enumerate(flags, 1):
        total = np.concatenate([[0], np.cumsum(flag)])
        counts[:, place] = total[ends] - total[starts]
    counts = np.log1p(counts)
    counts[:, -1] = [not cell.strip() for cell in cells]
    return counts


def _kinds(codes: np.ndarray) -> np.ndarray:
    """Return the kind of each character, by its Unicode category."""
    known, places = (codes, None) if not len(codes) else np.unique(codes, return_inverse=True)
    kinds = np.fromiter((_kind(chr(code)) for code in known), np.uint8, len(known))
    return kinds if places is None else kinds[places]


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if category == "Nd":
        return _DIGIT
    if category in ("Lu", "Lt"):
        return _LETTER | _CAPITAL
    if category[0] in "LMN":  # marks on letters belong to their word
        return _LETTER
    return _MARK if category[0] in "PS" else 0
