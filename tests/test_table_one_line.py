"""TableFeatures in one line before other libraries' models, on any frame."""

import datetime
import decimal
import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from checks import signal_table
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import textcnn
from textcnn import TableFeatures

N_ROWS = 150


def table_of_everything():
    """A table with a column of every kind that people have, and its target."""
    X, y = signal_table(N_ROWS, 0)
    n = np.arange(N_ROWS)
    X["job title"] = [f"{'senior' if i % 3 else 'junior'} person {i % 60}" for i in n]
    X["price [EUR]"] = n * 1.5
    X["stars"] = pd.array([None if i % 7 == 0 else i % 5 for i in n], dtype="Int8")
    X["seen"] = n % 4 == 0
    X["kind"] = pd.Categorical(np.where(n % 3, "film", "book"))
    X["size"] = pd.Categorical(
        np.array(["small", "middle", "large"])[n % 3], ["small", "middle", "large"], ordered=True
    )
    X["city"] = [None if i % 11 == 0 else f"city {i % 6}" for i in n]
    X["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(n, "D")
    X["zoned"] = pd.date_range("2026-01-01", periods=N_ROWS, freq="h", tz="Europe/Berlin")
    X["written"] = [f"{i % 28 + 1:02d}/03/2026" for i in n]
    X["amount"] = [f"{i}.5" if i % 5 else "N/A" for i in n]
    X["took"] = pd.to_timedelta(n, "min")
    X["constant"] = 1
    X["empty"] = None
    X["mixed"] = pd.Series([int(i % 3) if i % 2 else "three" for i in n], dtype=object)
    X["exact"] = [decimal.Decimal(int(i)) for i in n]
    X["date"] = [datetime.date(2026, 1, 1 + int(i % 28)) for i in n]
    X["month"] = pd.period_range("2026-01", periods=N_ROWS, freq="D")
    X["sparse"] = pd.arrays.SparseArray(n % 2)
    X["arrow"] = pd.array((n % 9).tolist(), dtype=pd.ArrowDtype(pa.int64()))
    X["labels"] = pd.array(
        [f"l{i % 4}" for i in n], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    )
    X["endless"] = np.where(n % 10, n, np.inf)
    X["file"] = [pathlib.Path(f"photos/{i}.jpg") for i in n]
    X.index = pd.Index(n + 7, name="row")
    return X, y


KINDS = {
    "review": "text",
    "job title": "text",
    "price [EUR]": "number",
    "stars": "number",
    "seen": "boolean",
    "kind": "category",
    "size": "category",
    "city": "category",
    "day": "date",
    "zoned": "date",
    "written": "date",
    "amount": "number",
    "took": "number",
    "constant": "constant",
    "empty": "empty",
    "mixed": "category",
    "exact": "number",
    "date": "date",
    "month": "date",
    "sparse": "number",
    "arrow": "number",
    "labels": "category",
    "endless": "number",
    "file": "image",
}


def linear(**changes):
    settings = {"members": ("linear",), "cv": 3, "random_state": 0}
    return TableFeatures(**(settings | changes))


def test_every_column_becomes_numbers_and_the_report_says_why():
    X, y = table_of_everything()
    before = X.copy(deep=True)
    features = linear()
    table = features.fit_transform(X, y)
    pd.testing.assert_frame_equal(X, before)
    assert all(isinstance(dtype, np.dtype) and dtype.kind in "if" for dtype in table.dtypes)
    assert table.index.equals(X.index)
    assert table.columns.tolist() == features.get_feature_names_out().tolist()
    columns = features.report_.columns.set_index("column")
    assert columns["kind"].to_dict() == KINDS
    assert columns["reason"].str.len().min() > 5
    assert columns["n_outputs"].sum() == table.shape[1]
    assert columns.loc[["constant", "empty", "file"], "n_outputs"].tolist() == [0, 0, 0]
    for name in ("review", "dtype datetime64", "all strings are numbers"):
        assert name in str(features.report_) or name in columns["reason"].to_string()


def test_values_of_the_encoded_columns():
    X, y = table_of_everything()
    table = linear().fit_transform(X, y)
    n = np.arange(N_ROWS)
    np.testing.assert_array_equal(table["price _EUR_"], n * 1.5)
    np.testing.assert_array_equal(table["stars"], np.where(n % 7, n % 5, np.nan))
    np.testing.assert_array_equal(table["seen"], n % 4 == 0)
    np.testing.assert_array_equal(table["kind"], np.where(n % 3, 1, 0))
    np.testing.assert_array_equal(table["size"], n % 3)  # the order of the dtype
    np.testing.assert_array_equal(table["city"], np.where(n % 11, n % 6, -1))
    np.testing.assert_array_equal(table["amount"], np.where(n % 5, n + 0.5, np.nan))
    np.testing.assert_array_equal(table["took"], n * 60.0)
    np.testing.assert_array_equal(table["endless"], np.where(n % 10, n, np.nan))
    np.testing.assert_array_equal(table["written_day"], n % 28 + 1)
    np.testing.assert_array_equal(table["written_month"], np.full(N_ROWS, 3))
    assert table["zoned_hour"].tolist() == X["zoned"].dt.hour.tolist()
    assert table["price _EUR_"].dtype == np.float64 and table["sparse"].dtype == np.int64


def test_new_rows_may_have_other_columns_orders_categories_and_gaps():
    X, y = table_of_everything()
    features = linear().fit(X, y)
    expected = features.transform(X.head(9))
    turned = X.iloc[:9, ::-1].assign(more=1).drop(columns=["constant", "empty", "file"])
    pd.testing.assert_frame_equal(features.transform(turned), expected)
    with pytest.raises(ValueError, match=r"lacks columns .*\['job title', 'day'\].*X.assign"):
        features.transform(X.drop(columns=["job title", "day", "constant"]))
    new = X.head(3).assign(kind="opera", city="another city", written="2026-03-01", amount="N/A")
    with pytest.warns(UserWarning, match=r"'written': 3 of 3 cells are not dates.*'2026-03-01'"):
        table = features.transform(new)
    with pytest.warns(UserWarning, match="'amount': 3 of 3 cells are not numbers.*'12,5'"):
        features.transform(X.head(3).assign(amount="12,5"))
    with pytest.raises(ValueError, match=r"X.rename\(columns={'Day': 'day'}\)"):
        features.transform(X.head(3).rename(columns={"day": "Day"}))
    assert table[["kind", "city"]].to_numpy().tolist() == [[-1, -1]] * 3
    assert table[["written_day", "amount"]].isna().all(axis=None)
    missing = pd.DataFrame(None, index=X.index[:2], columns=X.columns, dtype=object)
    table = features.transform(missing)
    assert table.shape == (2, expected.shape[1])
    assert table.filter(like="linear").notna().all(axis=None)


def test_frames_of_other_libraries_give_the_same_numbers():
    X, y = table_of_everything()
    X = X.drop(columns=["month", "sparse", "file", "mixed", "exact"]).reset_index(drop=True)
    X["labels"] = X["labels"].astype(str)
    expected = linear().fit_transform(X, y)
    order = pl.Enum(["small", "middle", "large"])
    given = pl.from_pandas(X).with_columns(pl.col("size").cast(order))
    polars = linear().fit_transform(given, y)
    assert isinstance(polars, pl.DataFrame) and polars.columns == expected.columns.tolist()
    assert all(dtype.is_numeric() for dtype in polars.dtypes)
    arrow = linear().fit_transform(pa.Table.from_pandas(X), y)
    for table in (polars.to_pandas(), arrow):
        pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_index_type=False)
    cells = X[["review", "price [EUR]", "city", "seen"]]
    array = linear().fit_transform(cells.to_numpy(dtype=object), y)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, linear().fit_transform(cells, y).to_numpy())
    fitted = linear().fit(X, y)
    there = fitted.transform(pl.from_pandas(X.head(5))).to_pandas()
    pd.testing.assert_frame_equal(there, fitted.transform(X.head(5)), check_dtype=False)


def test_categories_for_models_that_use_them():
    X, y = table_of_everything()
    X = X[["review", "kind", "size", "city"]]
    features = linear(categories="category").fit(X, y)
    table = features.transform(X.assign(city="another")[:4])
    assert table["kind"].cat.categories.tolist() == ["book", "film"]
    assert table["city"].isna().all() and table["kind"].tolist() == X["kind"].tolist()[:4]
    polars = linear(categories="category").fit_transform(pl.from_pandas(X), y)
    assert polars["size"].to_list() == X["size"].tolist()
    assert isinstance(polars.schema["size"], pl.Enum)
    hot = linear(categories="one-hot").fit_transform(X, y)
    assert hot.columns.tolist()[:5] == ["kind_book", "kind_film", "size_small"] + [
        "size_middle",
        "size_large",
    ]
    np.testing.assert_array_equal(hot["kind_film"], X["kind"] == "film")
    assert (hot.filter(like="city_").sum(axis=1) == X["city"].notna()).all()
    rows = X.to_numpy(dtype=object)
    with pytest.raises(ValueError, match=r"cannot hold categories.*set_output"):
        linear(categories="category").fit(rows, y)
    framed = linear(categories="category").set_output(transform="pandas").fit_transform(rows, y)
    assert isinstance(framed["x1"].dtype, pd.CategoricalDtype)
    codes = pd.Series([f"id {i}" for i in range(N_ROWS)], index=X.index)
    many = linear(columns=["review"], categories="one-hot").fit(X.assign(code=codes), y)
    assert sum(name.startswith("code_") for name in many.get_feature_names_out()) == 40


def test_an_empty_cell_is_a_missing_category():
    X, y = table_of_everything()
    X = X[["review"]].assign(kind=np.where(np.arange(N_ROWS) % 3, "film", ""))
    assert linear().fit_transform(X, y)["kind"].unique().tolist() == [-1, 0]
    hot = linear(categories="one-hot").fit_transform(X, y)
    assert hot.columns.tolist() == ["kind_film", "review_linear"]


def test_gains_are_over_the_columns_as_they_are_encoded():
    X, y = signal_table(N_ROWS, 0)
    known = y + np.random.default_rng(0).normal(scale=0.3, size=N_ROWS)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta((known * 30).round() + 9, "D")
    as_text = {"number": [f"{value:.3f}" for value in known], "day": days.strftime("%Y-%m-%d")}
    for name, cells in as_text.items():
        features = linear().fit(X.assign(**{name: cells}), y)
        assert "with 1 of 1 other columns" in features.report_.headline
        assert features.report_.to_frame()["gain"].max() < 0.1
    assert linear().fit(X, y).report_.to_frame()["gain"].max() > 0.2


def test_others_are_dropped_or_passed_through():
    X, y = table_of_everything()
    alone = linear(others="drop").fit_transform(X, y)
    assert alone.columns.tolist() == ["review_linear", "job title_linear"]
    table = linear(others="passthrough").fit_transform(X, y)
    others = [name for name in X if name not in ("review", "job title")]
    pd.testing.assert_frame_equal(table[others], X[others])
    with pytest.raises(ValueError, match="does not read categories"):
        linear(others="drop", categories="one-hot").fit(X, y)


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        (["a", "b"], '" ".join'),
        ({"a": 1}, "json_normalize"),
        (("a", 1), '" ".join'),
        (b"bytes", 'decode("utf-8")'),
        (1 + 2j, "abs"),
        (np.ones(2), '" ".join'),
    ],
)
def test_cells_that_are_no_value_are_refused_by_name(cell, advice):
    X, y = signal_table(30, 0)
    X["odd"] = pd.Series([cell] * 30)
    features = linear()
    with pytest.raises(TypeError, match="Column 'odd' cannot be encoded") as caught:
        features.fit(X, y)
    assert advice in str(caught.value) and "passthrough" in str(caught.value)
    assert not hasattr(features, "n_features_in_")
    assert linear(others="passthrough").fit_transform(X, y).shape == (30, 2)


def models():
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    return {
        "hist": HistGradientBoostingClassifier(max_iter=5),
        "lightgbm": LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
        "catboost": CatBoostClassifier(
            n_estimators=5, verbose=0, thread_count=1, allow_writing_files=False
        ),
        "xgboost": XGBClassifier(n_estimators=5, n_jobs=1),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    }


@pytest.mark.parametrize("container", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("name", ["hist", "lightgbm", "catboost", "xgboost", "logistic"])
def test_one_line_before_a_model(name, container):
    X, y = table_of_everything()
    X = X.drop(columns=["month", "sparse", "file", "mixed", "exact"]).reset_index(drop=True)
    if name == "logistic":  # it refuses missing numbers
        X = X.drop(columns=["stars", "amount", "endless"])
    X["labels"] = X["labels"].astype(str)
    given = {"pandas": X, "polars": pl.from_pandas(X), "arrow": pa.Table.from_pandas(X)}[container]
    model = make_pipeline(linear(), models()[name]).fit(given, y)
    predicted = model.predict_proba(given[:90])[:, 1]  # of 100 training rows it would warn
    assert predicted.shape == (90,) and np.ptp(predicted) > 0.1


def test_one_line_before_models_of_numbers():
    X, _ = table_of_everything()
    X = X[["review", "kind", "city", "day", "price [EUR]"]]
    y = np.arange(N_ROWS) + np.random.default_rng(0).normal(scale=5, size=N_ROWS)
    for model in (Ridge(), HistGradientBoostingRegressor()):
        assert make_pipeline(linear(), model).fit(X, y).score(X[:90], y[:90]) > 0.5


def test_the_whole_stage_is_saved(tmp_path):
    X, y = table_of_everything()
    for categories in ("ordinal", "category", "one-hot"):
        features = linear(categories=categories, keep_text=True).fit(X, y)
        features.save(tmp_path / "stage.textcnn")
        loaded = textcnn.load(tmp_path / "stage.textcnn")
        pd.testing.assert_frame_equal(loaded.transform(X[:90]), features.transform(X[:90]))
        pd.testing.assert_frame_equal(loaded.report_.columns, features.report_.columns)


def test_words_are_explained_by_column_member_and_row():
    X, y = table_of_everything()
    features = linear(members=("svd", "linear")).fit(X, y)
    found = features.explain(X[["job title", "review"]].tail(3))
    assert found["row"].unique().tolist() == X.index[-3:].tolist()
    assert set(found["column"]) == {"review", "job title"}
    assert set(found["member"]) == {"linear"}
    encoder = features.encoders_["review", "linear"]
    words = encoder.explain(X["review"].tail(3)).words_to_frame()
    ours = found[found["column"] == "review"]
    np.testing.assert_allclose(ours["contribution"], words["contribution"])
    only = linear(members=("svd",)).fit(X, y)
    with pytest.raises(ValueError, match="No member of this table explains"):
        only.explain(X)
