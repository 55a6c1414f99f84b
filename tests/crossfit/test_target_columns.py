"""Columns of X that are the target, or determine it alone."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from textcnn.crossfit.target_columns import check_columns
from textcnn.crossfit.target_reading import read_target

N = 120
RANDOM = np.random.default_rng(0)
CLASS = RANDOM.integers(0, 2, N)
PRICE = RANDOM.gamma(2, 30, N)


def check(cells, y, **options):
    target = read_target(y, n_rows=len(y), **options)
    check_columns([("column", cells)], target)


@pytest.mark.parametrize(
    ("cells", "y"),
    [
        (CLASS, CLASS),
        (CLASS.astype(bool), CLASS),
        (CLASS.astype(str), CLASS),
        (CLASS.astype(float).astype(str).tolist(), CLASS),
        (pd.Series(CLASS, dtype="Int64"), CLASS.astype(bool)),
        (pd.Categorical(np.array(["no", "yes"])[CLASS]), np.array(["no", "yes"])[CLASS]),
        (pl.Series(np.array(["no", "yes"])[CLASS]), np.array(["no", "yes"])[CLASS]),
        (pa.array(np.array(["a b c", "d"])[CLASS]),
         np.array(["a b c", "d"])[CLASS]),
        (PRICE, PRICE),
        (PRICE.astype(np.float32), PRICE),
        (PRICE.astype(str), PRICE),
        (CLASS, np.where(np.arange(N) < 30, None, CLASS.astype(str))),  # where y is known
    ],
)  # fmt: skip
def test_a_column_that_equals_y_is_refused_by_name(cells, y):
    with pytest.raises(ValueError, match=r"Column 'column' of X is the target.*X\.drop\(columns="):
        check(cells, y)


@pytest.mark.parametrize(
    ("cells", "y", "how"),
    [
        (np.array(["in", "out"])[CLASS], CLASS, "each of its 2 values has one class"),
        (np.array(["in", None])[CLASS], CLASS, "each of its 2 values has one class"),
        (1 - CLASS, CLASS, "each of its 2 values has one class"),
        (10 * CLASS + np.arange(N) % 5, CLASS, "each of its 10 values has one class"),
        (CLASS + 0.9 * RANDOM.random(N), CLASS, "separate ranges for each class"),
        (np.arange(N), np.arange(N) // 40, "separate ranges for each class"),
        (np.log(PRICE), PRICE, "rises or falls with its numbers"),
        (-PRICE, PRICE, "rises or falls with its numbers"),
        (np.array(list("abcd"))[np.arange(N) % 4], np.arange(N) % 4 * 1.5, "has one value of y"),
    ],
)
def test_a_column_that_determines_y_is_warned_of(cells, y, how):
    with pytest.warns(UserWarning, match=f"Column 'column' of X determines y alone: .*{how}"):
        check(cells, y)


def test_several_targets_are_looked_at_one_by_one():
    other = RANDOM.integers(0, 2, N)
    with pytest.raises(ValueError, match="is the target"):
        check(other, np.stack([CLASS, other], axis=1))
    with pytest.raises(ValueError, match="is the target"):
        check(PRICE, np.stack([PRICE, PRICE**2], axis=1))


@pytest.mark.parametrize(
    ("cells", "y"),
    [
        (np.arange(N), CLASS),  # an id
        ([f"id {i}" for i in range(N)], CLASS),
        (np.repeat([f"the same text {i}" for i in range(N // 2)], 2), np.repeat(CLASS[::2], 2)),
        (np.array(["a good film", "a bad film", "so good", "so bad"])[2 * CLASS + CLASS[::-1]],
         (2 * CLASS + CLASS[::-1]) % 2),  # texts may decide
        (np.where(np.arange(N) == 3, 1 - CLASS, CLASS), CLASS),
        (PRICE + RANDOM.normal(size=N), PRICE),
        ([[1], [2]] * (N // 2), CLASS),
        ([None] * N, CLASS),
        (np.full(N, 7), CLASS),
        (np.array([0, 1, 1, 0]), np.array([0, 1, 1, 0])),  # too few rows
    ],
)  # fmt: skip
def test_other_columns_pass(cells, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(cells, y)
