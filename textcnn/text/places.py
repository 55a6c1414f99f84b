"""Positions of tokens in a text, for displaying them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from textcnn.text.joining import JoinedTokenizer
from textcnn.text.tokens import character_tokens, make_tokenizer

_SOFT_HYPHEN = "\u00ad"
_BETWEEN_CELLS = " | "


def placed_tokens(
    cell: str | tuple[str, ...], tokenizer: str | Callable, max_length: int | None
) -> tuple[str, list[str], np.ndarray]:
    """Return a displayable text, its tokens, and their positions in the text.

    The text is the cell if all tokens are found in it, in order and separated by spaces and
    symbols only; otherwise (for example with a stemming tokenizer) the tokens separated by spaces.
    Joined columns are separated by `` | ``.

    Returns
    -------
    text : str
        Without lone surrogates.
    tokens : list of str
        Including the separators of joined columns.
    places : ndarray of int64, shape (n_tokens, 2)
        Start and stop character.
    """
    if not isinstance(tokenizer, JoinedTokenizer):
        tokens = list(map(_encodable, make_tokenizer(tokenizer)(cell)[:max_length]))
        text, places = _place(cell, tokens)
        return text, tokens, places
    if not tokenizer(cell):
        return _BETWEEN_CELLS.join(map(_encodable, cell)), [], np.empty((0, 2), np.int64)
    texts, tokens, places, start = [], [], [], 0
    for number, part in enumerate(cell):
        if number:
            tokens.append(_BETWEEN_CELLS.strip())
            places.append(np.array([[start + 1, start + 2]]))
            texts.append(_BETWEEN_CELLS)
            start += len(_BETWEEN_CELLS)
        text, read, found = placed_tokens(part, tokenizer.tokenizer, tokenizer.max_length)
        texts.append(text)
        tokens += read
        places.append(found + start)
        start += len(text)
    return "".join(texts), tokens, np.concatenate(places)


def _place(text: str, tokens: Sequence[str]) -> tuple[str, np.ndarray]:
    for shown in (text, text.replace(_SOFT_HYPHEN, "")):
        shown = _encodable(shown)
        places = _find(shown, tokens)
        if places is not None:
            return shown, places
    stops = np.cumsum([len(token) + 1 for token in tokens], dtype=np.int64) - 1
    starts = stops - np.array([len(token) for token in tokens], np.int64)
    return " ".join(tokens), np.stack([starts, stops], axis=1)


def _find(text: str, tokens: Sequence[str]) -> np.ndarray | None:
    """Return the tokens' positions, or None if they are not the words of the text, in order."""
    places = np.empty((len(tokens), 2), np.int64)
    end = 0
    for number, token in enumerate(tokens):
        start = text.find(token, end)
        if start < 0 or any(map(str.isalnum, text[end:start])):
            return None
        end = start + len(token)
        places[number] = start, end
    return places


def _encodable(text: str) -> str:
    """Replace lone surrogates, which have no UTF-8 form; the length is unchanged."""
    return text if text.isascii() else "".join(character_tokens(text))
