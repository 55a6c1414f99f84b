"""Strategies for hostile texts, frames and files."""

from __future__ import annotations

import datetime
import decimal
import gzip

import numpy as np
import pandas as pd
from hypothesis import strategies as st

# Strings that have broken tokenizers; strategies below repeat them up to a million characters.
ATOMS = (
    "good", "BAD", "İ", "ß", "ﬁ", "́", "e\u0301\u0323", "\u200d", "\u200b", "\u00ad", "\ufeff",
    "\u202e", "\u2066abc\u2069", "\u061c", "שלום", "مرحبا", "\ud800", "\udfff", "\ud83d", "\x00",
    "\x1b[31m", "\x7f", "\x85", "\r\n", "\t", "\u2028", "\u0085", "👩‍👩‍👧‍👦", "🇩🇪", "🇩", "👍🏿",
    "❤️‍🔥",
    "🏴\U000e0067\U000e0062\U000e007f", "你好", "が", "か\u3099", "한국어", "ไทยภาษา", "မြန်မာ",
    "ﷺ", "𝒳", "𠮷",
    "\U0010ffff", "\uffff", "\ufdd0", "Ⅷ", "½", "٣", "1e999", "-0", "NaN", "None", "'",
    "''a", "a'b'c",
    '"', "<script>alert(1)</script>", "&amp;", "%s%n", "{}", "{0.__class__}", "../..", "\\", "http://",
    "http://a.b/" + "c" * 90, "www.", "@" * 5, "#" * 9, "$1", ",", ";", "=cmd|' /C calc'!A0",
    "a" * 99,
    "a" * 101, " ", "\u3000", "_", "-", "a-b", "DROP TABLE", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
)  # fmt: skip
_LENGTHS = (1, 1, 1, 2, 3, 50, 300)
_LONGEST = 1_000_000

any_character = st.characters(exclude_categories=())  # surrogates too
plain_texts = st.text(any_character, max_size=40)
mixed_texts = st.lists(st.sampled_from(ATOMS) | plain_texts, max_size=8).map("".join)
repeated_texts = st.builds(
    lambda part, n, between: between.join([part] * n)[:_LONGEST],
    st.sampled_from(ATOMS) | plain_texts,
    st.sampled_from(_LENGTHS),
    st.sampled_from(("", " ", "\n", "'", "\u0301")),
)
texts = plain_texts | mixed_texts | repeated_texts


def megabytes(random: np.random.Generator) -> str:
    """Return a text of a million characters, made by repeating one string."""
    part = str(random.choice(np.array(ATOMS, dtype=object)))
    return (part * (_LONGEST // max(len(part), 1) + 1))[:_LONGEST]


class Unprintable:
    """A cell whose str() fails."""

    def __str__(self):
        """Fail."""
        raise RuntimeError("no text")


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.binary(max_size=8),
    st.sampled_from(
        [
            pd.NA,
            pd.NaT,
            pd.Timestamp("2024-02-29"),
            datetime.date(1, 1, 1),
            decimal.Decimal("NaN"),
            np.float16("inf"),
            np.str_("good film"),
            1j,
        ]
    ),
)
odd_cells = cells | st.sampled_from(
    [[], {}, ("a", 1), np.arange(3), b"\xff\xfe", frozenset({1}), Unprintable(), object]
)
_DTYPES = (
    None,
    None,
    None,
    "str",
    "string",
    "category",
    "bool",
    "Int64",
    "float32",
    "datetime64[ns]",
    "timedelta64[ns]",
    "complex64",
)
_LABELS = st.one_of(
    st.sampled_from(["review", "title", "price", "", " ", "review_linear", "x0", "a\x00b", "é"]),
    st.text(any_character, max_size=4),
    st.integers(0, 3),
    st.none(),
)


@st.composite
def frames(draw) -> tuple[pd.DataFrame, object]:
    """Return a frame with any columns, and a target that may not match."""
    if draw(st.booleans()):  # only the texts are unusual, so that fitting works
        n_rows = draw(st.integers(8, 24))
        made_of = st.lists(mixed_texts | st.none(), min_size=n_rows, max_size=n_rows)
        names = draw(st.lists(st.sampled_from(["review", "é", "a\x00b"]), min_size=1, unique=True))
        columns = {name: pd.Series(draw(made_of), dtype=object) for name in names}
        return pd.DataFrame(columns), [number % 2 for number in range(n_rows)]
    n_rows = draw(st.integers(0, 24))
    labels = draw(st.lists(_LABELS, min_size=0, max_size=4))
    columns = []
    for _ in labels:
        kind = draw(st.sampled_from(("text", "text", "cells", "odd", "numbers")))
        made_of = {"text": mixed_texts | st.none(), "cells": cells, "odd": odd_cells}.get(
            kind, st.integers(-5, 5)
        )
        column = pd.Series(draw(st.lists(made_of, min_size=n_rows, max_size=n_rows)), dtype=object)
        dtype = draw(st.sampled_from(_DTYPES))
        if dtype is not None:
            try:
                column = column.astype(dtype)
            except (ValueError, TypeError, OverflowError, RuntimeError, UnicodeError):
                pass  # pandas cannot make such a column
        columns.append(column)
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(n_rows))
    frame.columns = pd.Index(labels, dtype=object)
    if draw(st.booleans()):
        frame.index = draw(st.permutations(range(n_rows)))
    n_targets = n_rows if draw(st.integers(0, 9)) else draw(st.integers(0, 5))
    kind = draw(st.sampled_from(("classes", "classes", "names", "numbers", "cells")))
    made_of = {
        "classes": st.integers(0, 1),
        "names": st.sampled_from(["a", "b", "\ud800"]),
        "numbers": st.floats() | st.floats(0, 1),
    }.get(kind, cells)
    return frame, draw(st.lists(made_of, min_size=n_targets, max_size=n_targets))


def damaged(content: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """Return a valid file with bits flipped, or parts removed, repeated or replaced."""
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 4))):
        if not changed:
            break
        start, end = np.sort(random.integers(0, len(changed) + 1, 2)).tolist()
        match int(random.integers(8)):
            case 0:
                changed[min(start, len(changed) - 1)] ^= 1 << int(random.integers(8))
            case 1:
                changed[start : start + 8] = random.bytes(8)
            case 2:
                del changed[start:end]
            case 3:
                del changed[start:]
            case 4:
                changed[end:end] = changed[start:end][:1000]
            case 5:
                changed[start:end] = other[start:end]
            case 6:
                digits = b"9" * int(random.integers(1, 30))
                changed[start : start + len(digits)] = digits
            case 7:
                changed = bytearray(gzip.compress(bytes(changed), 1))
    return bytes(changed)
