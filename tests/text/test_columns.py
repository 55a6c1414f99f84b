"""Every container gives the same cells, and bad input is refused with the reason."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)
from sklearn.utils.validation import check_is_fitted

from textcnn.text.columns import read_columns

TEXTS = ["good", None, "", "schön 今天"]
CELLS = ["good", "", "", "schön 今天"]
MISSING = [False, True, False, False]


class CellLengths(TransformerMixin, BaseEstimator):
    """The number of characters of each cell: an estimator that is nothing but its columns."""

    def fit(self, X, y=None):
        read_columns(self, X, reset=True)
        return self

    def transform(self, X):
        check_is_fitted(self, "n_features_in_")
        columns = read_columns(self, X, reset=False)
        return np.array([[len(cell) for cell in c.cells] for c in columns], dtype=float).T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


@parametrize_with_checks([CellLengths()])
def test_estimator_checks_find_the_messages_they_look_for(estimator, check, monkeypatch):
    # Otherwise scikit-learn skips its check of array API input.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


def test_dataframe_column_names_are_checked_as_by_scikit_learn():
    check_dataframe_column_names_consistency("CellLengths", CellLengths())


def read(X, estimator=None):
    return read_columns(estimator or BaseEstimator(), X, reset=True)


def column_of(cells=TEXTS):
    """Build every container that holds these cells as one column, by name."""
    series = pd.Series(cells, dtype=object)
    table = np.empty((len(cells), 1), dtype=object)
    table[:, 0] = cells
    arrow = pa.array(cells, type=pa.string())
    return {
        "list": list(cells),
        "tuple": tuple(cells),
        "list of rows": [[cell] for cell in cells],
        "list of arrays": [np.array([cell], dtype=object) for cell in cells],
        "1-D object array": table[:, 0],
        "2-D object array": table,
        "numpy StringDType": np.array(cells, dtype=np.dtypes.StringDType(na_object=None)),
        "2-D numpy StringDType": np.array(table, dtype=np.dtypes.StringDType(na_object=None)),
        "object Series": series,
        "object Index": pd.Index(series),
        "str Series": series.astype("str" if pd.__version__ >= "3" else "string"),
        "python string Series": series.astype("string[python]"),
        "Arrow string Series": series.astype(pd.ArrowDtype(pa.string())),
        "Arrow dictionary Series": pd.Series(
            pd.array(cells, dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
        ),
        "Arrow extension array": pd.array(cells, dtype="string[pyarrow]"),
        "categorical Series": series.astype("category"),
        "Categorical": pd.Categorical(cells),
        "CategoricalIndex": pd.CategoricalIndex(cells),
        "reindexed Series": pd.Series(cells, index=[9, 9, 0, 1], dtype=object),
        "DataFrame": pd.DataFrame({"review": series}),
        "Arrow DataFrame": pd.DataFrame({"review": series.astype("string[pyarrow]")}),
        "categorical DataFrame": pd.DataFrame({"review": series.astype("category")}),
        "polars Series": pl.Series(cells),
        "polars categorical Series": pl.Series(cells, dtype=pl.Categorical),
        "polars DataFrame": pl.DataFrame({"review": cells}),
        "pyarrow Array": arrow,
        "pyarrow large Array": arrow.cast(pa.large_string()),
        "pyarrow dictionary": arrow.dictionary_encode(),
        "pyarrow ChunkedArray": pa.chunked_array([arrow[:1], arrow[1:]]),
        "pyarrow Table": pa.table({"review": arrow}),
        "pyarrow RecordBatch": pa.record_batch({"review": arrow}),
    }


@pytest.mark.parametrize("container", column_of())
def test_every_container_gives_the_same_cells(container):
    estimator = BaseEstimator()
    X = column_of()[container]
    [column] = read(X, estimator)
    assert column.cells == CELLS
    assert {type(cell) for cell in column.cells} == {str}
    assert column.missing.dtype == bool
    assert column.missing.tolist() == MISSING
    assert estimator.n_features_in_ == 1
    if container.endswith(("DataFrame", "Table", "RecordBatch")):
        assert column.name == "review"
        assert estimator.feature_names_in_.tolist() == ["review"]
    else:
        assert column.name is None
        assert not hasattr(estimator, "feature_names_in_")
    [again] = read_columns(estimator, X, reset=False)
    assert again.cells == CELLS


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"))), min_size=1))
def test_containers_agree_on_any_text(cells):
    # NumPy's own string dtype and Arrow keep NUL characters, as object arrays do.
    expected = ["" if cell is None else cell for cell in cells]
    for X in [
        cells,
        pd.Series(cells, dtype=object),
        pd.Series(cells, dtype="string[pyarrow]"),
        pl.Series(cells, dtype=pl.String),
        pa.array(cells, type=pa.string()),
    ]:
        [column] = read(X)
        assert column.cells == expected
        assert column.missing.tolist() == [cell is None for cell in cells]


@pytest.mark.parametrize(
    "missing",
    [
        None,
        np.nan,
        pd.NA,
        pd.NaT,
        np.float32("nan"),
        np.datetime64("NaT", "ns"),
        decimal.Decimal("NaN"),
    ],
    ids=repr,
)
def test_every_kind_of_missing_cell_is_an_empty_document(missing):
    [column] = read(["a", missing])
    assert column.cells == ["a", ""]
    assert column.missing.tolist() == [False, True]


def test_the_list_of_the_caller_is_not_changed_nor_shared():
    cells = ["a", "b"]
    [column] = read(cells)
    assert column.cells is not cells


@pytest.mark.parametrize(
    ("X", "cells"),
    [
        (pd.Series([1, 2]), ["1", "2"]),
        (pd.Series([1.0, np.nan]), ["1", ""]),
        (pd.Series([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([True, None], dtype="boolean"), ["True", ""]),
        (pd.Series([0.1, None], dtype="float32"), ["0.1", ""]),
        (pd.Series([0.1, None], dtype="Float32"), ["0.1", ""]),
        (pd.Series([0.1, None], dtype=pd.ArrowDtype(pa.float32())), ["0.1", ""]),
        (pd.Series([0.5, None], dtype=pd.ArrowDtype(pa.float64())), ["0.5", ""]),
        (pd.Series([0.0, 0.5], dtype=pd.SparseDtype(float)), ["0", "0.5"]),
        (pd.Series([3, 5, None], dtype="Int64").astype("category"), ["3", "5", ""]),
        (pd.Series([pd.Timestamp("2024-02-29"), None]), ["2024-02-29 00:00:00", ""]),
        (pd.Series([b"x", None], dtype=object).isna(), ["False", "True"]),
        (pl.Series([0.1, None], dtype=pl.Float32), ["0.1", ""]),
        (pl.Series([1, None]), ["1", ""]),
        (pa.array([0.1, None], type=pa.float32()), ["0.1", ""]),
        (pa.array([7, None]), ["7", ""]),
        (np.array([[1.5], [np.nan]]), ["1.5", ""]),
        (np.array([[0.1]], dtype=np.float32), ["0.1"]),
        (np.array([["2024-02-29"], ["NaT"]], dtype="datetime64[D]"), ["2024-02-29", ""]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([["a"], ["b"]]), ["a", "b"]),
        (np.ma.array([["a"], ["b"]], mask=[[False], [True]]), ["a", ""]),
        (["a", 3, 2.5, True, datetime.date(2024, 2, 29)], ["a", "3", "2.5", "True", "2024-02-29"]),
        ([1, 2], ["1", "2"]),
        ([np.str_("a"), np.int64(3)], ["a", "3"]),
        (["a", {"foo": "bar"}], ["a", "{'foo': 'bar'}"]),
    ],
)
def test_other_cells_become_text_by_str(X, cells):
    [column] = read(X)
    assert column.cells == cells
    assert {type(cell) for cell in column.cells} == {str}


def test_several_columns_keep_names_and_order():
    frame = pd.DataFrame({"title": ["a", None], "stars": [1, 2]})
    for X in [frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)]:
        title, stars = read(X)
        assert (title.name, title.cells) == ("title", ["a", ""])
        assert (stars.name, stars.cells) == ("stars", ["1", "2"])
    first, second = read([["a", "b"], ("c", None)])
    assert (first.cells, second.cells) == (["a", "c"], ["b", ""])
    assert first.name is None


@pytest.mark.parametrize("X", [pd.Series(["a"], name="review"), pl.Series("review", ["a"])])
def test_a_named_series_is_the_column_of_that_name(X):
    estimator = BaseEstimator()
    [column] = read(X, estimator)
    assert column.name == "review"
    assert estimator.feature_names_in_.tolist() == ["review"]
    read_columns(estimator, pd.DataFrame({"review": ["b"]}), reset=False)
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- title"):
        read_columns(estimator, pd.Series(["b"], name="title"), reset=False)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        read_columns(estimator, ["b"], reset=False)


def test_names_that_are_not_str_are_no_feature_names():
    estimator = BaseEstimator()
    assert [column.name for column in read(pd.DataFrame([["a", "b"]]), estimator)] == [None, None]
    assert read(pd.Series(["a"], name=3), estimator)[0].name is None
    pairs = pd.DataFrame([["a", "b"]], columns=pd.MultiIndex.from_tuples([("x", 1), ("x", 2)]))
    assert [column.name for column in read(pairs, estimator)] == [None, None]
    assert not hasattr(estimator, "feature_names_in_")
    with pytest.raises(TypeError, match="Feature names are only supported if"):
        read(pd.DataFrame([["a", "b"]], columns=["x", 1]))


def test_a_second_fit_forgets_the_names_of_the_first():
    estimator = BaseEstimator()
    read(pd.DataFrame({"review": ["a"]}), estimator)
    read(["a"], estimator)
    assert not hasattr(estimator, "feature_names_in_")


def test_another_number_of_columns_is_refused():
    estimator = BaseEstimator()
    read([["a", "b"]], estimator)
    with pytest.raises(ValueError, match="X has 1 features, but BaseEstimator is expecting 2"):
        read_columns(estimator, ["a"], reset=False)


def test_two_columns_of_one_name_are_refused_by_name():
    frame = pd.DataFrame([["a", "b", "c"]], columns=["id", "review", "review"])
    with pytest.raises(ValueError, match="Several columns of X are named 'review'"):
        read(frame)


@pytest.mark.parametrize("X", ["one text", b"one text"])
def test_a_single_text_is_refused(X):
    with pytest.raises(TypeError, match=r"Type \[text\]"):
        read(X)


@pytest.mark.parametrize(
    ("X", "place"),
    [
        (["a", b"b"], "column 0, row 1"),
        (np.array([b"a"]), "column 0, row 0"),
        (pd.DataFrame({"id": [1, 2], "review": ["a", b"b"]}), "column 'review', row 1"),
        (pd.Series(["a", b"b"], name="review").astype("category"), "column 'review', category"),
        (pl.DataFrame({"review": [b"a"]}), "column 'review', row 0"),
        (pa.table({"review": [b"a"]}), "column 'review', row 0"),
    ],
)
def test_bytes_are_refused_by_column_and_row(X, place):
    with pytest.raises(TypeError, match=place) as caught:
        read(X)
    assert "bytes" in str(caught.value)
    assert "decode('utf-8')" in str(caught.value)


def test_lists_of_words_in_a_cell_are_refused():
    with pytest.raises(TypeError, match=r"column 'review', row 1.*' '.join"):
        read(pd.Series(["a", ["b", "c"]], name="review"))


@pytest.mark.parametrize(
    "X", [[["a", "b"], ["c"]], ["a", ["b"]], [["a", ["x", "y"]], ["b"]], [["a"], np.array("b")]]
)
def test_rows_of_different_length_are_refused(X):
    with pytest.raises(ValueError, match="rows of X have different lengths"):
        read(X)


@pytest.mark.parametrize(
    "X", [np.array([1.0, 2.0]), np.array([1, 2]), np.array(3.0), np.ma.array([1, 2])]
)
def test_one_dimensional_numbers_are_refused(X):
    with pytest.raises(ValueError, match="Reshape your data"):
        read(X)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, r"0 sample\(s\)"),
        (np.array([], dtype=object), ValueError, r"0 sample\(s\)"),
        (pd.DataFrame({"review": []}), ValueError, r"0 sample\(s\)"),
        (pl.DataFrame({"review": []}), ValueError, r"0 sample\(s\)"),
        (pd.DataFrame(index=range(3)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
        ([[], []], ValueError, r"0 feature\(s\) \(shape=\(2, 0\)\)"),
        (np.empty((2, 2, 2)), ValueError, "dim 3"),
        (np.array([[np.inf]]), ValueError, "infinity"),
        (np.array([[1j]]), ValueError, "Complex data not supported"),
        (sparse.csr_array(np.eye(2)), TypeError, "[Ss]parse"),
        (np.matrix([["a"]]), TypeError, "np.matrix is not supported"),
        ((text for text in "ab"), TypeError, r"Type list\(X\)"),
        ({"a", "b"}, TypeError, r"Type list\(X\)"),
        (None, TypeError, "NoneType"),
        (pl.LazyFrame({"review": ["a"]}), TypeError, r"Type X.collect\(\)"),
        (pd.MultiIndex.from_tuples([("a", "b")]), TypeError, r"X.to_frame\(\)"),
    ],
)
def test_what_is_no_table_of_text_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        read(X)


def test_a_refused_fit_leaves_the_estimator_as_it_was():
    estimator = BaseEstimator()
    read(pd.DataFrame({"review": ["a"]}), estimator)
    before = dict(vars(estimator))
    for X in [pd.DataFrame({"a": ["x"], "b": [b"x"]}), [], [b"x"]]:
        with pytest.raises((TypeError, ValueError)):
            read(X, estimator)
    assert vars(estimator) == before
    fresh = BaseEstimator()
    with pytest.raises(TypeError):
        read(["a", b"b"], fresh)
    assert vars(fresh) == {}
