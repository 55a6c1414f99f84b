"""What the words of a table's texts contribute to the features of its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from textcnn.table.columns import JoinedTexts
from textcnn.table.members import FittedMember, as_input
from textcnn.text.columns import TextColumn

COLUMNS = ["row", "column", "member", "output", "word", "contribution"]


def explain_members(
    members: Sequence[FittedMember], texts: Mapping[str, TextColumn], index: pd.Index
) -> pd.DataFrame:
    """Return one line per row, text column, member, output and word.

    Parameters
    ----------
    members : sequence of FittedMember
    texts : mapping of str to TextColumn
        The text columns of the rows, by name.
    index : Index of length n_rows
        Labels of the rows.

    Raises
    ------
    ValueError
        If no member can be explained.
    """
    frames = []
    for fitted in members:
        if not hasattr(fitted.encoder, "explain"):
            continue
        if fitted.joined:
            text = JoinedTexts([texts[name] for name in fitted.joined])
        else:
            text = texts[fitted.column]
        words = fitted.encoder.explain(as_input(fitted.encoder, text)).words_to_frame()
        frames.append(words.assign(member=fitted.member))
    if not frames:
        names = sorted({fitted.member for fitted in members})
        raise ValueError(
            'No member of this table explains its features. Expected "linear", "cnn" or another '
            f"text encoder of this package among the members. Received: {names}."
        )
    found = pd.concat(frames, ignore_index=True)
    found["row"] = index.take(found["row"])
    return found[COLUMNS]
