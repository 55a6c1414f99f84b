"""Columns of a table whose cells are of another kind than the rest, or than they were in fit."""

import datetime
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import signal_table

import textcnn
from textcnn import TableFeatures

X, Y = signal_table(60, seed=3)
N = np.arange(60)
TABLE = X.assign(
    price=N * 1.5,
    seen=N % 3 == 0,
    city=[f"city {n % 6}" for n in N],
    stars=pd.Categorical(N % 5),
    day=pd.date_range("2026-01-01", periods=60),
)
NEW_DAYS = pd.date_range("2026-03-01", periods=9)


def stage(**settings):
    return TableFeatures(**({"members": ("svd",), "cv": 2, "random_state": 0} | settings))


@pytest.fixture(scope="module")
def fitted():
    return stage().fit(TABLE, Y)


# Of another kind than in fit


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("review", N[:9], r"no longer text: 'review' \(numbers\).*'0'"),
        ("review", N[:9] % 2 == 0, r"no longer text: 'review' \(booleans\)"),
        ("review", NEW_DAYS, r"no longer text: 'review' \(dates\)"),
        ("day", N[:9], "'day': 9 of 9 cells are not dates, for example '0'"),
        ("day", pd.Series([0.5, *N[1:9]], dtype=object), "'day': 9 of 9 cells are not dates"),
        ("price", NEW_DAYS, "'price': 9 of 9 cells are not numbers"),
        ("seen", ["yes", None] * 4 + ["no"], "'seen': 5 of 9 cells are not booleans.*'yes'"),
        ("city", N[:9] + 0.5, "'city': 9 of 9 cells are not categories of fit, which are strings"),
    ],
)
def test_a_column_of_another_kind_is_warned_of(fitted, column, cells, message):
    with pytest.warns(UserWarning, match=f"{message}[\\s\\S]*Expected: "):
        found = fitted.transform(TABLE.iloc[:9].assign(**{column: cells}))
    assert len(found) == 9
    if column != "review":
        is_missing = found.filter(regex=f"^{column}").map(lambda value: not value >= 0)
        assert is_missing.any(axis=1).sum() >= 5, "no number is made up"


@pytest.mark.parametrize(
    "changes",
    [
        {"review": None, "price": None, "seen": None, "city": None, "stars": None, "day": None},
        {"price": [1, np.inf, *N[:7]], "city": "new", "stars": 7.0},
        {"day": [datetime.date(2026, 3, 1)] * 9, "seen": N[:9] % 2, "stars": N[:9] % 2 + 0.0},
    ],
    ids=["missing", "new values", "the same in other types"],
)
def test_missing_and_new_cells_are_no_event(fitted, changes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fitted.transform(TABLE.iloc[:9].assign(**changes))
    assert len(found) == 9


def test_booleans_of_a_file_are_booleans(fitted):
    found = fitted.transform(TABLE.iloc[:3].assign(seen=["True", "false", "TRUE"]))
    assert found["seen"].tolist() == [1, 0, 1]


def test_the_kind_of_a_chosen_column_is_that_of_fit(tmp_path):
    chosen = stage(columns=["price"]).fit(TABLE[["price"]], Y)
    text = stage().fit(pl.DataFrame({"review": X["review"].tolist()}), Y)
    text.save(tmp_path / "text.textcnn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen.transform(TABLE[["price"]].iloc[:9])
    with pytest.warns(UserWarning, match="no longer text"):
        textcnn.load(tmp_path / "text.textcnn").transform(pl.DataFrame({"review": [1, 2]}))


# Cells that keep a column from being read as dates or numbers

DAYS = pd.date_range("2024-01-01", periods=60).strftime("%d/%m/%Y").tolist()
PRICES = [f"{n}.5" for n in N]


def read_as(cells):
    """Return the kind of a column, its reason, and the warnings of its fit."""
    table = pd.DataFrame({"review": X["review"], "a": cells})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        features = stage(cv=2).fit(table, Y)
    kind = features.report_.columns.set_index("column").loc["a"]
    assert all(str(warning.message) in features.report_.notes for warning in caught)
    return kind["kind"], kind["reason"], [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("cells", "kind", "reason", "advice"),
    [
        (["n/a?", *DAYS[1:]], "text", r"1 of 60 cells is not a date \('n/a\?'\)", "%d/%m/%Y"),
        (
            [*PRICES[:-2], "??", None],
            "text",
            r"1 of 59 cells is not a number \('\?\?'\)",
            "numeric",
        ),
        (["N/A", *PRICES[2:], "x"], "text", r"1 of 59 cells is not a number \('x'\)", "numeric"),
        ([*"12345678" * 7, *"123x"], "category", r"1 of 60 cells is not a number \('x'\)", "num"),
        ([*DAYS[:40], *X["review"][:20]], "text", "20 of 60 cells are not dates", None),
        ([f"{n:03d}" if n else "x" for n in N], "text", "60 distinct strings", None),
        ([f"{n} pieces" for n in N], "text", "60 distinct strings", None),
    ],
)
def test_the_report_says_what_kept_a_column_from_being_read(cells, kind, reason, advice):
    found, why, issued = read_as(cells)
    assert found == kind
    assert re.match(reason, why), why
    assert len(issued) == (advice is not None)
    if advice:
        assert f"Column 'a' is read as {kind}" in issued[0] and advice in issued[0]
        table = {"X": pd.DataFrame({"a": cells}), "pd": pd}
        made = eval(re.search(r"= (pd\..*\)) to make", issued[0])[1], table)  # noqa: S307
        assert read_as(made)[0] in ("date", "number"), "what it says to type helps"
