"""How cells are written as text: one spelling of whole numbers and of accented letters."""

from __future__ import annotations

from numbers import Real
from unicodedata import is_normalized, normalize

# Above this, neighbouring floats are further apart than 1.
_LARGEST_EXACT = 2.0**53


def number_text(number: Real) -> str:
    """Return a number as text; a whole number looks alike as an int and as a float.

    A column of integers becomes one of floats as soon as one cell is missing, which must not make
    other texts of the others.

    >>> number_text(3), number_text(3.0), number_text(2.5), number_text(True)
    ('3', '3', '2.5', 'True')
    """
    is_float = not isinstance(number, int) and hasattr(number, "is_integer")
    if is_float and abs(number) < _LARGEST_EXACT and number.is_integer():
        return str(int(number))
    return str(number)


def composed(texts: list[str]) -> list[str]:
    """Return texts with accented letters as single characters (Unicode's NFC).

    The same letter can be one character or a letter and a mark, which look alike. Without this,
    a text from another system has other words. The list itself is returned if nothing changes.

    >>> [len(text) for text in composed(["cafe\u0301", "cafe"])]
    [4, 4]
    """
    if all(map(str.isascii, texts)) or all(is_normalized("NFC", text) for text in texts):
        return texts
    return [normalize("NFC", text) for text in texts]


def other_spelling(word: str) -> str:
    """Return a word with its accents as separate characters (Unicode's NFD)."""
    return word if word.isascii() else normalize("NFD", word)
