"""Strings that keep a column of dates or numbers from being read as such."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import pandas as pd
from pandas.tseries.api import guess_datetime_format

# A number that is a code: "007".
CODE = re.compile(r"\s*0\d")
# Share of the cells from which on it is a mistake in most cases that the others are no dates.
_NEARLY_ALL = 0.95
_MOST_GUESSED = 20


@dataclass(frozen=True)
class Unread:
    """Why a column is not read as dates or numbers, and what to type so that it is.

    Attributes
    ----------
    reason : str
    advice : str
        Empty where fewer than 95 % of the cells are dates or numbers.
    """

    reason: str
    advice: str


def unread_cells(name: str, strings: pd.Series, known: pd.Series) -> Unread | None:
    """Return what kept strings, most of which are dates or numbers, from being read as such.

    Parameters
    ----------
    name : str
    strings : pandas.Series
        The cells that are not missing.
    known : pandas.Series
        Their distinct values, without those that mean missing.

    Returns
    -------
    Unread or None
        With advice where at least 95 % of the cells are dates or numbers; None for fewer than half.
    """
    known = known.astype(object)
    cells = strings[strings.isin(known)]
    readings = {}
    if not any(map(CODE.match, known)):
        numbers = pd.to_numeric(known, errors="coerce")
        readings["number", f"pd.to_numeric(X[{name!r}], errors='coerce')"] = numbers.isna()
    for form in _date_formats(known):
        dates = pd.to_datetime(known, format=form, errors="coerce")
        advice = f"pd.to_datetime(X[{name!r}], format={form!r}, errors='coerce')"
        readings["date", advice] = dates.isna()
    found = [
        (int(cells.isin(known[unread]).sum()), kind, advice, known[unread])
        for (kind, advice), unread in readings.items()
        if 2 * unread.sum() <= len(known)
    ]
    if not found:
        return None
    n_unread, kind, advice, unread = min(found, key=lambda reading: reading[0])
    if not n_unread or 2 * n_unread > len(cells):
        return None
    what = f"is not a {kind}" if n_unread == 1 else f"are not {kind}s"
    reason = f"{n_unread:,} of {len(cells):,} cells {what} ({unread.iloc[0][:60]!r})"
    is_nearly_all = n_unread <= (1 - _NEARLY_ALL) * len(cells)
    return Unread(reason, advice if is_nearly_all else "")


def _date_formats(known: pd.Series) -> list[str]:
    """Return formats of dates that some strings may have; whole numbers are no dates."""
    sample = known.iloc[:: max(1, len(known) // _MOST_GUESSED)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats that begin with the day
        guessed = {guess_datetime_format(cell) for cell in sample}
    return sorted(form for form in guessed if form and {"%d", "%m", "%b", "%B"} & set(_parts(form)))


def _parts(form: str) -> list[str]:
    """Return the directives of a format."""
    return re.findall("%.", form)
