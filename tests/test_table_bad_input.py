"""Tables and settings that are wrong or odd: a clear error, or the documented result."""

import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from checks import signal_table
from scipy.sparse import csr_array
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler, TargetEncoder

from textcnn import TableFeatures, TableFeaturesWarning, TextLinearEncoder


def features_of(**changes):
    settings = {"members": ("linear",), "cv": 3, "random_state": 0}
    return TableFeatures(**(settings | changes))


def table_of(n_rows=90):
    X, y = signal_table(n_rows, 0)
    X["price"] = np.arange(n_rows)
    return X, y


def test_a_table_without_text_comes_out_as_it_is():
    X, y = table_of()
    features = features_of()
    with pytest.warns(TableFeaturesWarning, match="No text column was found") as caught:
        table = features.fit_transform(X[["price"]], y)
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(table, X[["price"]])
    pd.testing.assert_frame_equal(features.transform(X[["price"]]), X[["price"]])
    assert features.get_feature_names_out().tolist() == ["price"]
    assert features.text_columns_ == [] and features.encoders_ == {}
    assert len(features.report_.to_frame()) == 0 and "No text column" in repr(features.report_)


def test_only_text_columns():
    X, y = table_of()
    table = features_of().fit_transform(X[["review"]], y)
    assert table.columns.tolist() == ["review_linear"]
    series = features_of().fit_transform(X["review"], y)
    pd.testing.assert_frame_equal(series, table)
    polars = features_of().fit_transform(pl.Series("review", X["review"].tolist()), y)
    assert polars.columns == ["review_linear"]


def test_a_text_column_may_be_all_missing_at_transform_but_not_absent():
    X, y = table_of()
    features = features_of(members=("svd", "linear")).fit(X, y)
    with pytest.raises(ValueError, match=r"lacks columns that were used in fit: \['review'\]"):
        features.transform(X[["price"]])
    empty = features.transform(X.head(3).assign(review=""))
    for missing in (None, np.nan, pd.NA):
        rows = X.head(3).assign(review=missing)
        pd.testing.assert_frame_equal(features.transform(rows), empty)
    assert np.isfinite(empty.to_numpy(dtype=float)).all()


def test_a_text_column_without_any_text_is_left_out():
    X, y = table_of()
    X["empty"] = [None, ""] * 45
    assert features_of().fit(X, y).text_columns_ == ["review"]
    features = features_of(columns=["review", "empty"])
    with pytest.warns(TableFeaturesWarning, match=r"all cells of \['empty'\] are empty"):
        table = features.fit_transform(X, y)
    assert table.columns.tolist() == ["price", "review_linear"]
    assert features.transform(X.head(2).assign(empty="words")).shape == (2, 2)
    with pytest.warns(TableFeaturesWarning, match=r"all cells of \['empty'\] are empty"):
        alone = features_of(columns=["empty"], others="passthrough").fit_transform(X, y)
    assert alone.columns.tolist() == ["review", "price"]


def test_three_hundred_columns():
    X, y = table_of()
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 300)))
    wide.columns = [f"c{i}" for i in range(300)]
    wide.insert(150, "review", X["review"])
    table = features_of().fit_transform(wide, y)
    assert table.columns[-1] == "review_linear" and table.shape == (90, 301)
    pd.testing.assert_frame_equal(table.iloc[:, :300], wide.drop(columns="review"))
    many = pd.concat([X["review"].rename(f"t{i}") for i in range(60)], axis=1)
    members = [("words", TextLinearEncoder(char_ngrams=None, word_ngrams=(1, 1)))]
    table = features_of(members=members, cv=2).fit_transform(many, y)
    assert table.shape == (90, 60) and table.columns[59] == "t59_words"


def test_column_names():
    X, y = table_of()
    double = pd.concat([X, X[["review"]]], axis=1)
    with pytest.raises(ValueError, match="Several columns of X are named 'review'"):
        features_of().fit(double, y)
    with pytest.raises(TypeError, match="a column named 1 of type int"):
        features_of(others="passthrough").fit_transform(X.set_axis([0, 1], axis=1), y)
    only = features_of().fit_transform(X[["review"]].set_axis([0], axis=1), y)
    assert only.columns.tolist() == ["x0_linear"]
    with pytest.raises(ValueError, match="Two columns would have the name 'review_linear'"):
        features_of().fit(X.assign(review_linear=X["price"]), y)
    features = features_of().fit(X, y)
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        features.get_feature_names_out(["a", "b"])


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (
            ["reviews"],
            ValueError,
            "contains a value that is not a column of X.*Received: 'reviews'",
        ),
        ([7], ValueError, "Received: 7"),
        ([True], ValueError, "Received: True"),
        ("reviews", ValueError, "Received: 'reviews'"),
        (["review", 0], ValueError, "names a column twice"),
        (3.5, TypeError, "Received: columns=3.5"),
    ],
)
def test_wrong_columns(columns, error, message):
    X, y = table_of()
    with pytest.raises(error, match=message):
        features_of(columns=columns).fit(X, y)


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        ("linear", TypeError, r"Type members=\('linear',\)"),
        ((), ValueError, "members is empty"),
        (("linear", "rnn"), ValueError, "Received an entry: 'rnn'"),
        ((TextLinearEncoder,), ValueError, "Received an entry"),
        ((("a", "b", "c"),), ValueError, "Received an entry"),
        ((("a", 3),), TypeError, "Member 'a' must be an encoder"),
        (("linear", TextLinearEncoder()), ValueError, "Two members have the name 'linear'"),
        ((("cv", TextLinearEncoder()),), ValueError, "name of a member must not"),
        ((("a__b", TextLinearEncoder()),), ValueError, "name of a member must not"),
        ((LinearDiscriminantAnalysis(),), ValueError, "learns from y and has no folds"),
        ((5,), ValueError, "Received an entry"),
    ],
)
def test_wrong_members(members, error, message):
    X, y = table_of()
    with pytest.raises(error, match=message):
        TableFeatures(members, cv=3).fit(X, y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"selection": "best"}, "selection must be one of"),
        ({"keep_text": 1}, "keep_text must be True or False"),
        ({"time_limit": 0}, "time_limit must be None or a number of seconds above 0"),
        ({"time_limit": True}, "time_limit must be"),
        ({"n_repeats": 0}, "n_repeats must be an integer of at least 1"),
        ({"cv": 1}, "Received: cv=1"),
        ({"scoring": "best"}, "Received: scoring='best'"),
        ({"target_type": "words"}, "target_type"),
        ({"random_state": -1}, "must not be negative"),
    ],
)
def test_wrong_settings(changes, message):
    X, y = table_of()
    with pytest.raises(ValueError, match=message):
        features_of(**changes).fit(X, y)


def test_wrong_tables():
    X, y = table_of()
    with pytest.raises(TypeError, match=r"Type X.collect\(\)"):
        features_of().fit(pl.from_pandas(X).lazy(), y)
    with pytest.raises(TypeError, match="Unsupported type of X"):
        features_of().fit({"review": X["review"]}, y)
    with pytest.raises(TypeError, match="[Ss]parse"):
        features_of().fit(csr_array(np.eye(90)), y)
    with pytest.raises(ValueError, match="1D array"):
        features_of().fit(X["review"].tolist(), y)
    with pytest.raises(ValueError, match="0 sample"):
        features_of().fit(X.head(0), [])
    with pytest.raises(TypeError, match="column 'review', row 1|row 1") as caught:
        features_of(columns=["review"]).fit(
            X.assign(review=[b"bytes" if i == 1 else "text" for i in range(90)]), y
        )
    assert "while reading column 'review'" in caught.value.__notes__


def test_y_is_needed_and_must_fit():
    X, y = table_of()
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        features_of().fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        features_of().fit(X, y[:-1])


def test_members_that_need_help():
    X, y = table_of()

    class Infinite(StandardScaler):
        def fit_transform(self, X, y=None):
            return np.full((len(X), 2), np.inf)

    with pytest.raises(ValueError, match="with NaN or infinity"):
        features_of(members=[("wild", Infinite())]).fit(X, y)


def test_without_skrub_the_error_says_what_to_type(monkeypatch):
    X, y = table_of()
    monkeypatch.setitem(sys.modules, "skrub", None)
    with pytest.raises(ImportError, match="pip install skrub"):
        TableFeatures().fit(X, y)
    params = TableFeatures().get_params()
    assert "svd" not in params and "cnn__n_filters" in params


def test_a_small_vocabulary_is_noted():
    X, y = table_of()
    X["review"] = ["aa bb cc", "bb cc dd"] * 45
    features = features_of(members=("svd",), columns=["review"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features.fit(X, y)
    assert any("instead of SVD" in note for note in features.report_.notes)


def test_columns_of_arrow_and_of_arrays():
    X, y = table_of()
    arrow = X["review"].astype(pd.ArrowDtype(pa.string()))
    table = X.assign(review=arrow, vector=[np.ones(2)] * len(X))
    features = features_of(others="passthrough").fit(table, y)
    assert features.text_columns_ == ["review"]


def test_a_selector_returns_labels_of_columns():
    X, y = table_of()
    table = X.set_axis([1, 0], axis=1)[[0, 1]]  # the text is the second column, called 1
    only_text = features_of(columns=lambda frame: [1], others="passthrough")
    with pytest.raises(TypeError, match="a column named 0 of type int"):
        only_text.fit(table, y)
    assert not hasattr(only_text, "n_features_in_")
    features = only_text.fit(table[[1]], y)
    assert features.text_columns_ == ["x0"]


def test_repeated_names_are_found_before_any_training(monkeypatch):
    X, y = table_of()

    def never(*_):
        raise AssertionError("training has begun")

    monkeypatch.setattr("textcnn.table.fitting.TableFit.fit_all", never)
    with pytest.raises(ValueError, match="Two columns would have the name 'review_linear'"):
        features_of().fit(X.assign(review_linear=X["price"]), y)


def test_a_foreign_encoder_needs_a_target_and_a_fold_for_every_row():
    X, y = table_of()
    encoder = ("target", TargetEncoder(target_type="binary"))
    with pytest.raises(ValueError, match="'target' cannot handle rows without a target"):
        features_of(members=[encoder]).fit(X, np.where(np.arange(90) < 5, np.nan, y))
    with pytest.raises(ValueError, match="'target' cannot handle rows that no model predicts"):
        features_of(members=[encoder], uncovered="nan").fit(X, y, time=np.arange(90))


def test_lone_surrogates_in_other_columns_are_no_error():
    texts = ["a good film of the week", "a bad film of the year"] * 10
    X = pd.DataFrame({"review": texts, "note": pd.Series(["\ud800", "b"] * 10, dtype=object)})
    features = features_of(columns=["review"], cv=2)
    table = features.fit_transform(X, [1, 0] * 10)
    assert table["note"].tolist() == [1, 0] * 10
    features.set_params(others="passthrough")
    table = features.fit_transform(X, [1, 0] * 10)
    assert table["note"].tolist() == ["\ud800", "b"] * 10
    assert table["review_linear"].notna().all()


def test_a_column_of_missing_cells_passes_or_is_reported():
    X, y = table_of()
    X["nothing"] = np.nan
    features = features_of(others="passthrough").fit(X, y)
    assert features.text_columns_ == ["review"]
    assert features.transform(X.head(3))["nothing"].isna().all()
    polars = pl.from_pandas(X[["review", "price"]]).with_columns(pl.lit(None).alias("nothing"))
    table = features_of(others="passthrough").fit_transform(polars, y)
    assert table.columns == ["price", "nothing", "review_linear"]
    assert table.schema["nothing"] == pl.Null
    for given in (X, polars):
        with pytest.warns(TableFeaturesWarning, match=r"all cells of \['nothing'\] are empty"):
            named = features_of(columns=["review", "nothing"]).fit_transform(given, y)
        assert list(named.columns) == ["price", "review_linear"]


def test_two_columns_with_the_same_name_are_refused_for_new_rows_too():
    X, y = table_of()
    features = features_of().fit(X, y)
    with pytest.raises(ValueError, match="Several columns of X are named 'price'"):
        features.transform(pd.concat([X, X[["price"]]], axis=1))


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        (90, [1] * 90, "y has only one class: 1 in all 90 rows.*Expected at least two classes"),
        (4, [0, 1, 0, 1], "fewer training rows than folds: n_samples=4.*Pass cv=4 or less"),
        (90, ["rare"] + ["a", "b"] * 44 + ["a"], "training rows without class 'rare' in fold"),
    ],
)
def test_targets_that_no_fold_can_learn(monkeypatch, rows, target, message):
    def never(*_):
        raise AssertionError("training has begun")

    monkeypatch.setattr("textcnn.table.fitting.TableFit.fit_all", never)
    X, _ = table_of()
    features = features_of(cv=5)
    with pytest.raises(ValueError, match=message):
        features.fit(X.head(rows), target)
    assert not hasattr(features, "n_features_in_")


def test_two_thousand_columns():
    X, y = table_of()
    random = np.random.default_rng(0)
    numbers = pd.DataFrame(random.random((90, 1900))).add_prefix("n")
    letters = pd.DataFrame(random.choice(list("abc"), (90, 100))).add_prefix("c")
    features = features_of()
    table = features.fit_transform(pd.concat([X, numbers, letters], axis=1), y)
    assert table.shape == (90, 2002)
    assert "1901 number, 100 category" in str(features.report_)
    assert features.report_.columns["kind"].value_counts()["number"] == 1901
