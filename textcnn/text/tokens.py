"""Tokenizers: split text into words or characters, and columns into one flat array of ids.

Words are found by one regular expression. All its repeats are bounded, so no token is longer than
`MAXIMUM_TOKEN_LENGTH` characters and the time is linear in the length of any text.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count
from numbers import Integral

import numpy as np

__all__ = [
    "MAXIMUM_TOKEN_LENGTH",
    "TokenizedColumn",
    "character_tokens",
    "make_tokenizer",
    "tokenize_column",
    "word_splitter",
    "word_tokens",
]

MAXIMUM_TOKEN_LENGTH = 100

# Scripts written without spaces between words; all others (Hangul and Tibetan too) separate words.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf"  # Tai Le, New Tai Lue, Tai Tham
    "\u1b00-\u1b7f\ua980-\ua9df"  # Balinese, Javanese
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u303c"  # ideographic iteration and number marks
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
    "\ua000-\ua48c"  # Yi
    "\U00016fe0-\U00018cff\U0001aff0-\U0001b2ff"  # Tangut, Khitan, kana supplements
    "\U00020000-\U000323af"  # Chinese characters, extensions B to H
)
# Letters outside the Basic Multilingual Plane in a few broad ranges: each range costs time at the
# end of every word, and these scripts are rare.
_ASTRAL_LETTERS = "\U00010000-\U00016fdf\U0001d400-\U0001d7ff\U0001e000-\U0001eeff"
# Inside a word the zero-width non-joiner and joiner change its shape (Persian, Hindi).
_JOINERS = "\u200c\u200d"
_SOFT_HYPHEN = "\u00ad"
# Never part of a token: controls, zero-width space and directions, byte order mark, surrogates
# (a lone one cannot be encoded, so no vectors file could hold it).
_DROPPED = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_EMOJI_MODIFIERS = "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"

_URL = r"(?:https?://|www\.)[!#-;=?-~]{0,80}[0-9A-Za-z/]"
_ASCII_WORDS = re.compile(
    rf"{_URL}"
    r"|[A-Za-z][A-Za-z0-9]{0,63}(?:'[A-Za-z0-9]{1,16}){0,2}"
    r"|[0-9]{1,24}(?:[.,:][0-9]{1,24}){1,3}"
    r"|[0-9][A-Za-z0-9]{0,63}(?:'[A-Za-z0-9]{1,16}){0,2}"
    r"|(?<![A-Za-z0-9&@#_])[@#][A-Za-z0-9_]{0,62}[A-Za-z0-9]"
    r"|[!-/:-@\[-`{-~]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def word_tokens(text: str) -> list[str]:
    """Split text into words, numbers and punctuation marks, in any script.

    Case is kept. An apostrophe between letters belongs to its word; every other punctuation
    mark is a separate token. Numbers keep ``.``, ``,`` and ``:`` between digits. URLs,
    ``@mentions``, ``#hashtags``, flags and joined emoji are one token each. Scripts written
    without spaces (Chinese, Japanese, Thai, Lao, Khmer, Myanmar and related ones) have one
    token per character, including combining marks. Spaces, control characters, invisible
    formatting characters and lone surrogates separate tokens and are dropped; soft hyphens are
    removed from words.

    Parameters
    ----------
    text : str
        Any text, of any length.

    Returns
    -------
    list of str
        Tokens in reading order, each of 1 to 100 characters. Longer ones (a word of more than 64
        letters, a URL of more than about 90 characters) are split.

    Notes
    -----
    Time is linear in ``len(text)``. ASCII text uses a faster pattern with the same result. The
    first other text of a process takes some tens of milliseconds longer.

    Examples
    --------
    >>> word_tokens("I don't like it: 3.5 of 10,000!")
    ['I', "don't", 'like', 'it', ':', '3.5', 'of', '10,000', '!']
    >>> word_tokens("l’été à @Nice #soleil 今天很好")
    ['l’été', 'à', '@Nice', '#soleil', '今', '天', '很', '好']
    """
    if text.isascii():
        return _ASCII_WORDS.findall(text)
    return _unicode_words().findall(text.replace(_SOFT_HYPHEN, ""))


def word_splitter(texts: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what splits some texts as `word_tokens` does, faster if all are ASCII."""
    return _ASCII_WORDS.findall if all(map(str.isascii, texts)) else word_tokens


def character_tokens(text: str) -> list[str]:
    """Split text into its characters (Unicode code points), spaces included.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    list of str
        One string of length 1 per code point; a lone surrogate becomes U+FFFD.

    Examples
    --------
    >>> character_tokens("a b!")
    ['a', ' ', 'b', '!']
    """
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    return list(text)


def make_tokenizer(tokenizer: str | Callable[[str], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return the function that turns one text into its list of tokens.

    Parameters
    ----------
    tokenizer : {"word", "char"} or callable
        ``"word"`` is `word_tokens`, ``"char"`` is `character_tokens`. A callable takes one str and
        returns a list, tuple or other iterable of str; it must return the same tokens for the same
        text, and must be importable for pickling.

    Returns
    -------
    callable
        From str to list of str. Your own callable is wrapped to check its results
        (about 50 ns per token).

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If it is not a name or a callable; later, if the callable returns other types than str.

    Examples
    --------
    >>> make_tokenizer(str.split)("one two")
    ['one', 'two']
    """
    if isinstance(tokenizer, str):
        if tokenizer == "word":
            return word_tokens
        if tokenizer == "char":
            return character_tokens
        raise ValueError(
            f"Unknown tokenizer. Received: tokenizer={tokenizer!r}. Expected 'word', 'char' or a "
            "callable from str to a list of str. To split at spaces type tokenizer=str.split."
        )
    if not callable(tokenizer):
        raise TypeError(
            f"The tokenizer is not callable. Received: tokenizer={tokenizer!r} of type "
            f"{type(tokenizer).__name__}. Expected 'word', 'char' or a callable from str to a list "
            "of str. For words type tokenizer='word'."
        )
    if tokenizer in (word_tokens, character_tokens, str.split):
        return tokenizer
    if isinstance(tokenizer, _CheckedTokenizer):
        return tokenizer
    return _CheckedTokenizer(tokenizer)


@dataclass(frozen=True, eq=False)
class TokenizedColumn:
    """The tokens of a column as ids, in one flat array.

    Attributes
    ----------
    ids : ndarray of int32, shape (n_tokens,)
        Index in `forms` of each token, all rows concatenated.
    offsets : ndarray of int64, shape (n_rows + 1,)
        Row ``i`` is ``ids[offsets[i]:offsets[i + 1]]``.
    forms : list of str
        Distinct tokens in order of first occurrence.
    n_cut : int
        Number of rows with more tokens than were kept.
    """

    ids: np.ndarray
    offsets: np.ndarray
    forms: list[str]
    n_cut: int = 0


def tokenize_column(
    cells: list[str],
    tokenizer: str | Callable[[str], Iterable[str]] = "word",
    *,
    max_length: int | None = None,
) -> TokenizedColumn:
    """Convert the cells of a column to token ids.

    Parameters
    ----------
    cells : list of str
        One text per row; an empty text has no tokens.
    tokenizer : {"word", "char"} or callable, default="word"
        See `make_tokenizer`.
    max_length : int or None, default=None
        Keep at most the first this many tokens of each cell. None keeps all.

    Returns
    -------
    TokenizedColumn
        Ids, offsets and the distinct tokens (without those beyond `max_length`).

    Raises
    ------
    ValueError, TypeError
        If `tokenizer` or `max_length` is invalid.

    Notes
    -----
    Time is linear in the text. Memory is 4 bytes per token, 8 per row, the distinct tokens, and the
    token strings of one row.

    Examples
    --------
    >>> column = tokenize_column(["to be or not to be", "", "be"])
    >>> column.forms
    ['to', 'be', 'or', 'not']
    >>> column.ids.tolist()
    [0, 1, 2, 3, 0, 1, 1]
    >>> column.offsets.tolist()
    [0, 6, 6, 7]
    """
    split = make_tokenizer(tokenizer)
    _check_max_length(max_length)
    if split is word_tokens:
        split = word_splitter(cells)
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    number = numbers.__getitem__
    ids = array("i")
    offsets = np.zeros(len(cells) + 1, dtype=np.int64)
    n_cut = 0
    for row, text in enumerate(cells):
        try:
            tokens = split(text)
        except Exception as error:
            error.add_note(f"while tokenizing row {row}")
            raise
        if max_length is not None and len(tokens) > max_length:
            tokens = tokens[:max_length]
            n_cut += 1
        ids.extend(map(number, tokens))
        offsets[row + 1] = len(ids)
    if hasattr(tokenizer, "cuts"):  # joined cells, each of which has the limit
        n_cut = sum(map(tokenizer.cuts, cells))
    # The NumPy array shares the buffer; a copy would double the peak memory.
    flat = np.frombuffer(ids, dtype=np.int32) if ids else np.zeros(0, dtype=np.int32)
    return TokenizedColumn(ids=flat, offsets=offsets, forms=list(numbers), n_cut=n_cut)


class _CheckedTokenizer:
    """A user's tokenizer whose results are checked."""

    def __init__(self, function: Callable[[str], Iterable[str]]):
        self.function = function

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.function!r})"

    def __call__(self, text: str) -> list[str]:
        result = self.function(text)
        if isinstance(result, str | bytes) or not isinstance(result, Iterable):
            raise TypeError(
                f"The tokenizer did not return a list. Received: {_shorten(result)} of type "
                f"{type(result).__name__} from tokenizer={self.function!r}. Expected a list of "
                "str. Return a list, for example text.split()."
            )
        tokens = list(result)
        # A set of types is several times faster than a check per token.
        if set(map(type, tokens)) <= {str}:
            return tokens
        for token in tokens:
            if not isinstance(token, str):
                raise TypeError(
                    f"The tokenizer returned a token that is not a str. Received: "
                    f"{_shorten(token)} of type {type(token).__name__} from "
                    f"tokenizer={self.function!r}. Expected a list of str. Return "
                    "[str(token) for token in ...]."
                )
        return [str(token) for token in tokens]


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_max_length(max_length: int | None) -> None:
    if max_length is None:
        return
    if isinstance(max_length, bool) or not isinstance(max_length, Integral):
        raise TypeError(
            f"max_length is not an integer. Received: max_length={max_length!r}. "
            "Expected None or an integer of at least 1. To keep all tokens type max_length=None."
        )
    if max_length < 1:
        raise ValueError(
            f"max_length is too small. Received: max_length={max_length}. Expected None or an "
            "integer of at least 1. To keep all tokens type max_length=None."
        )


@cache
def _unicode_words() -> re.Pattern[str]:
    """Compile the pattern for all scripts on first use, because it takes time."""
    unspaced = re.compile(f"[{_UNSPACED}]")
    letters, marks = [], []
    for code in range(0x80, 0x10000):
        character = chr(code)
        if unicodedata.category(character)[0] == "M":
            marks.append(code)
        elif character.isalnum() and not unspaced.match(character):
            letters.append(code)
    mark = _ranges(marks) + "\U000e0100-\U000e01ef"
    start = rf"[^\W_{_UNSPACED}]"
    letter = rf"[^\W\d_{_UNSPACED}]"
    inside = f"[A-Za-z0-9{_ranges(letters)}{mark}{_JOINERS}{_ASTRAL_LETTERS}]"
    extend = f"[{mark}{_EMOJI_MODIFIERS}]{{0,8}}"
    word = f"{inside}{{0,63}}(?:['’]{start}{inside}{{0,15}}){{0,2}}"
    return re.compile(
        rf"{_URL}"
        rf"|{letter}{word}"
        r"|\d{1,24}(?:[.,:]\d{1,24}){1,3}"
        rf"|{start}{word}"
        rf"|[{_UNSPACED}]{extend}"
        rf"|(?<!{start})(?<![_&@#])[@#](?:{inside}|_){{0,62}}{start}[{mark}]{{0,8}}"
        "|[\U0001f1e6-\U0001f1ff]{2}"
        rf"|[^\s{_DROPPED}]{extend}(?:\u200d[^\s\w{_DROPPED}]{extend}){{0,6}}"
    )


def _ranges(codes: list[int]) -> str:
    """Write sorted code points as ranges of a character class."""
    breaks = [i for i in range(1, len(codes)) if codes[i] != codes[i - 1] + 1]
    starts, ends = [0, *breaks], [*breaks, len(codes)]
    return "".join(
        f"{chr(codes[a])}-{chr(codes[b - 1])}" for a, b in zip(starts, ends, strict=True)
    )
