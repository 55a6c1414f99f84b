"""TableFeatures: what comes out, in which container, and the scikit-learn contract."""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import numbers_as_texts, signal_table
from inside import plan_of
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from skrub import selectors

from textcnn import (
    InSampleWarning,
    OutOfFoldEncoder,
    TableFeatures,
    TextCNNEncoder,
    TextLinearEncoder,
)

TINY_CNN = TextCNNEncoder(n_filters=2, kernel_sizes=(2,), epochs=1, n_networks=1)
OUT_OF_FOLD = "fit_transform gives out-of-fold features, fit().transform() does not"


def mixed_table(n_rows=120, seed=0):
    """A table of two text columns and others of several dtypes, and its target."""
    X, y = signal_table(n_rows, seed)
    numbers = np.arange(n_rows)
    X.insert(0, "price", numbers.astype(np.int16))
    X["title"] = signal_table(n_rows, seed + 50)[0]["review"].to_numpy()
    X["kind"] = pd.Categorical(np.where(numbers % 3, "film", "book"))
    X["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(numbers, "D")
    X["stars"] = pd.array(np.where(numbers % 7, numbers % 5, None), dtype="Int8")
    X["seen"] = numbers % 2 == 0
    X.index = pd.Index(numbers * 3 + 5, name="row")
    return X, y


def linear(**changes):
    settings = {"members": ("svd", "linear"), "cv": 3, "others": "passthrough", "random_state": 0}
    return TableFeatures(**(settings | changes))


def test_other_columns_come_out_as_they_were():
    X, y = mixed_table()
    before = X.copy(deep=True)
    features = linear()
    train = features.fit_transform(X, y)
    new = features.transform(X.iloc[:9])
    others = ["price", "kind", "day", "stars", "seen"]
    for table, given in ((train, X), (new, X.iloc[:9])):
        pd.testing.assert_frame_equal(table[others], given[others])
        assert table.columns[:5].tolist() == others
    pd.testing.assert_frame_equal(X, before)
    names = [f"review_svd_{i:02d}" for i in range(30)] + ["review_linear"]
    names += [name.replace("review", "title") for name in names]
    assert train.columns[5:].tolist() == new.columns[5:].tolist() == names
    assert features.get_feature_names_out().tolist() == others + names
    assert (train.dtypes.iloc[5:] == np.float32).all()
    assert features.text_columns_ == ["review", "title"]
    assert features.n_features_in_ == 7
    assert features.feature_names_in_.tolist() == X.columns.tolist()


def test_text_can_be_kept():
    X, y = mixed_table()
    table = linear(keep_text=True).fit_transform(X, y)
    pd.testing.assert_frame_equal(table[X.columns], X)
    assert table.shape == (120, 7 + 62)


def test_containers_agree():
    X, y = mixed_table()
    columns = ["review", "title"]
    frame = linear(columns=columns).fit_transform(X, y)
    polars = linear(columns=columns).fit_transform(pl.from_pandas(X), y)
    assert isinstance(polars, pl.DataFrame)
    given = pl.from_pandas(X)
    assert polars.columns == frame.columns.tolist()
    assert polars.schema["price"] == pl.Int16 and polars.schema["review_linear"] == pl.Float32
    assert polars.select(given.columns[:1]).equals(given.select(given.columns[:1]))
    array = linear(columns=[1, 2]).fit_transform(X.to_numpy(dtype=object), y)
    assert array.dtype == object and array.shape == frame.shape
    rows = linear(columns=[1, 2]).fit_transform(X.to_numpy(dtype=object).tolist(), y)
    for other in (polars.to_pandas(), pd.DataFrame(array), pd.DataFrame(rows)):
        np.testing.assert_array_equal(
            other.iloc[:, 5:].to_numpy(dtype=float), frame.iloc[:, 5:].to_numpy(dtype=float)
        )
    only_text = linear().fit_transform(X[["review"]].to_numpy(dtype=object), y)
    assert only_text.dtype == np.float32


@pytest.mark.parametrize("chosen", ["pandas", "polars"])
def test_set_output_chooses_the_container(chosen):
    X, y = mixed_table()
    X = X[["price", "review"]]
    expected = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[chosen]
    for given in (X, pl.from_pandas(X), X.to_numpy(dtype=object)):
        features = linear(members=("linear",)).set_output(transform=chosen)
        for table in (features.fit_transform(given, y), features.transform(given[:5])):
            assert isinstance(table, expected)
            assert list(table.columns) == features.get_feature_names_out().tolist()
            assert [str(dtype).lower() for dtype in table.dtypes][-1] == "float32"
            assert "obj" not in str(list(table.dtypes)[0]).lower()
    with config_context(transform_output=chosen):
        assert isinstance(linear(members=("linear",)).fit_transform(X, y), expected)


def test_a_member_gives_what_the_encoder_alone_gives():
    X, y = mixed_table()
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, y))
    for cv, members in ((3, {"cnn": TINY_CNN}), (folds, {"linear": TextLinearEncoder()})):
        features = TableFeatures(list(members.items()), cv=cv, random_state=4)
        table = features.fit_transform(X, y)
        for name, encoder in members.items():
            encoder = clone(encoder)
            encoder.set_params(cv=cv, random_state=4)
            alone = encoder.fit_transform(X["title"], y)
            np.testing.assert_array_equal(table[f"title_{name}"].to_numpy(), alone[:, 0])
            new = encoder.transform(pd.Series(["a good film", ""], name="title"))
            rows = X.head(2).assign(title=["a good film", None])
            np.testing.assert_array_equal(
                features.transform(rows)[f"title_{name}"].to_numpy(), new[:, 0]
            )


@pytest.mark.parametrize(
    "columns",
    [
        ["title", "review"],
        ["review", 2],
        selectors.cols("review", "title"),
        make_column_selector(pattern="review|title"),
        lambda frame: pd.Index(["title", "review"]),
    ],
)
def test_columns_by_name_number_and_selector(columns):
    X, y = mixed_table()
    features = linear(columns=columns, members=("linear",)).fit(X, y)
    assert features.text_columns_ == ["review", "title"]


def test_which_columns_are_text():
    random = np.random.default_rng(0)
    n = 200
    X = pd.DataFrame(
        {
            "text": [f"some words here {i}" for i in range(n)],
            "chinese": [chr(0x4E00 + i) + "酒店很好" for i in range(n)],
            "gaps": [None if i % 2 else f"this one has words {i}" for i in range(n)],
            "object": np.array([f"many of them here {i}" for i in range(n)], dtype=object),
            "names": [f"John Smith{i}" for i in range(n)],
            "category": random.choice(["a b c d", "e f g h"], n),
            "forty": [f"some words of {i % 40}" for i in range(n)],
            "days": [f"2026-01-{i % 28 + 1:02d}" for i in range(n)],
            "amounts": [f"{i}.5" for i in range(n)],
            "postcodes": [f"{i:05d}" for i in range(n)],
            "dates": [f"2026-01-01 10:{i:02d}:00 5" for i in range(n)],
            "codes": [f"A{i}" for i in range(n)],
            "numbers": random.normal(size=n),
            "objects": [i if i % 3 else "words in a cell" for i in range(n)],
            "missing": [None] * n,
        }
    )
    y = random.integers(0, 2, n)
    assert linear(members=("linear",)).fit(X, y).text_columns_ == [
        "text",
        "chinese",
        "gaps",
        "object",
        "names",
        "postcodes",
        "dates",
        "codes",
        "objects",
    ]
    few = pd.DataFrame({"text": X["text"].head(30), "forty": X["category"].head(30)})
    assert linear(members=("linear",), cv=2).fit(few, y[:30]).text_columns_ == ["text"]
    categorical = X[["text", "category"]].astype("category")
    assert linear(members=("linear",)).fit(categorical, y).text_columns_ == ["text"]
    everything = linear(members=("linear",), columns="all").fit(X.drop(columns="missing"), y)
    assert len(everything.text_columns_) == 14


def test_parameters_of_members_are_reached_by_name():
    features = TableFeatures(("svd", "linear", "cnn"))
    assert features.get_params()["cnn__n_filters"] == "auto"
    features.set_params(cnn__n_filters=7, cnn__epochs=1, linear__C=2.0, cv=3, keep_text=True)
    params = features.get_params()
    assert (params["cnn__n_filters"], params["linear__C"]) == (7, 2.0)
    assert features.cv == 3 and features.keep_text
    assert features.members[0] == "svd" and features.members[2][0] == "cnn"
    copied = clone(features)
    assert copied.get_params()["cnn__n_filters"] == 7
    copied.set_params(cnn__n_filters=8)
    assert features.get_params()["cnn__n_filters"] == 7
    features.set_params(linear=OutOfFoldEncoder(LogisticRegression()))
    assert isinstance(features.get_params()["linear"], OutOfFoldEncoder)
    features.set_params(members=["linear"], linear__min_df=3)
    assert features.get_params()["linear__min_df"] == 3
    with pytest.raises(ValueError, match="Invalid parameter 'bigru'"):
        features.set_params(bigru__epochs=2)
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        features.set_params(linear__colour=2)


def test_any_encoder_is_a_member():
    X, y = mixed_table()
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    members = [
        ("words", OutOfFoldEncoder(words)),
        ("topics", make_pipeline(TfidfVectorizer(), TruncatedSVD(4, random_state=0))),
        ("bag", TfidfVectorizer(max_features=5)),
        TargetEncoder(),
        TextLinearEncoder(char_ngrams=None),
    ]
    features = linear(members=members, columns=["review"])
    table = features.fit_transform(X, y)
    assert table.columns[6:].tolist() == [
        "review_words",
        *(f"review_topics_truncatedsvd{i}" for i in range(4)),
        *(
            f"review_bag_{word}"
            for word in table.columns.str.extract("review_bag_(.*)")[0].dropna()
        ),
        "review_targetencoder",
        "review_linear",
    ]
    encoders = features.encoders_
    assert set(encoders) == {("review", name) for name, _ in members[:3]} | {
        ("review", "targetencoder"),
        ("review", "linear"),
    }
    encoders["review", "words"].report_.verify()
    assert features.transform(X.head(3)).shape == (3, table.shape[1])


def test_several_classes_and_numbers():
    X, _ = mixed_table()
    y = np.array(["low", "mid", "high"])[np.arange(120) % 3]
    table = linear(members=("linear",)).fit_transform(X, y)
    assert table.columns[-3:].tolist() == [f"title_linear_{c}" for c in ("high", "low", "mid")]
    features = linear(members=("linear", ("cnn", TINY_CNN)), target_type="continuous")
    table = features.fit_transform(X, np.arange(120) % 11)
    assert table.columns[-2:].tolist() == ["title_linear", "title_cnn"]
    assert features.target_type_ == "continuous" and features.classes_ is None
    assert set(features.report_.to_frame()["metric"]) == {"r2"}


@pytest.mark.parametrize("kind", ["multilabel", "multioutput"])
def test_several_targets(kind):
    X, y = mixed_table()
    y = np.column_stack([y, 1 - y[::-1]]).astype(int if kind == "multilabel" else float)
    y = y + (0 if kind == "multilabel" else np.arange(120)[:, None] / 50)
    features = linear(target_type=kind, columns=["review"])
    table = features.fit_transform(X, y)
    assert table.shape[1] == 6 + 30 + 2
    assert np.isfinite(features.report_.to_frame()["gain"]).all()


def test_a_class_too_rare_for_the_folds_is_dropped():
    X, y = mixed_table()
    y = np.where(np.arange(120) == 5, 2, y)
    with pytest.raises(ValueError, match="no training rows of a class"):
        linear().fit(X, y)
    features = linear(missing_class="drop", members=("linear",), columns=["review"])
    assert features.fit_transform(X, y).columns[-1] == "review_linear"
    assert features.classes_.tolist() == [0, 1]


def test_groups_weights_and_time_shape_the_one_plan():
    X, y = mixed_table()
    groups = np.arange(120) // 4
    weights = np.where(np.arange(120) % 5, 1.0, 0.0)
    features = linear(members=("linear", ("cnn", TINY_CNN)))
    features.fit(X, y, groups=groups, sample_weight=weights)
    plans = [encoder.report_.plan for encoder in features.encoders_.values()]
    assert len(plans) == 4
    for plan in plans:
        np.testing.assert_array_equal(plan.groups, groups)
        for mine, shared in zip(plan.assignments, plan_of(features).assignments, strict=True):
            np.testing.assert_array_equal(mine.learn, shared.learn)
            np.testing.assert_array_equal(mine.predict, shared.predict)
            assert (weights[mine.learn] > 0).all()
    features = linear(members=("linear",), uncovered="nan")
    table = features.fit_transform(X, y, time=X["day"][::-1].to_numpy())
    assert table["review_linear"].isna().sum() == table["review_linear"].iloc[-30:].isna().sum() > 0
    assert features.encoders_["review", "linear"].report_.plan.ordered
    assert "in time order" in repr(features.report_)
    features = linear(members=("linear",), uncovered="nan", cv=TimeSeriesSplit(3))
    assert features.fit_transform(X, y)["title_linear"].iloc[:30].isna().all()
    documents = linear(members=("linear",), columns=["review"])
    documents.fit(pd.concat([X, X]), np.tile(y, 2), groups="documents")
    assert len(np.unique(plan_of(documents).groups)) <= 120


def test_groups_come_by_metadata_routing():
    X, y = mixed_table()
    groups = np.arange(120) // 4
    with config_context(enable_metadata_routing=True):
        features = linear(members=("linear",), cv=GroupKFold(3))
        assert features.get_metadata_routing().fit.requests["groups"] is True
        pipeline = make_pipeline(features, "passthrough")
        pipeline.fit_transform(X, y, groups=groups)
    np.testing.assert_array_equal(plan_of(pipeline[0]).groups, groups)


def test_rows_without_a_target_get_features():
    X, y = mixed_table()
    y = np.where(np.arange(120) % 4, y, np.nan)
    for unlabelled in ("fold", "mean"):
        features = linear(members=("linear",), unlabelled=unlabelled)
        table = features.fit_transform(X, y)
        assert np.isfinite(table["review_linear"]).all()
        plan = features.encoders_["review", "linear"].report_.plan
        np.testing.assert_array_equal(plan.n_predictions, plan_of(features).n_predictions)


def test_fitted_transformers_travel():
    X, y = mixed_table()
    features = linear(members=("svd", "linear", ("cnn", TINY_CNN)))
    features.fit(X, y)
    expected = features.transform(X.head(4))
    for other in (pickle.loads(pickle.dumps(features)), copy.deepcopy(features)):  # noqa: S301
        pd.testing.assert_frame_equal(other.transform(X.head(4)), expected)
        assert repr(other.report_) == repr(features.report_)
    pd.testing.assert_frame_equal(clone(features).fit(X, y).transform(X.head(4)), expected)


def test_new_rows_are_read_one_by_one():
    X, y = mixed_table()
    features = linear(members=("svd", "linear")).fit(X, y)
    new = mixed_table(30, seed=9)[0]
    together = features.transform(new)
    order = np.random.default_rng(0).permutation(30)
    pd.testing.assert_frame_equal(features.transform(new.iloc[order]), together.iloc[order])
    np.testing.assert_allclose(
        features.transform(new.iloc[3:4]).iloc[0, 5:].astype(float),
        together.iloc[3, 5:].astype(float),
        atol=1e-6,
    )


def test_training_rows_are_recognised():
    X, y = mixed_table()
    features = linear(members=("linear",)).fit(X, y)
    with pytest.warns(InSampleWarning, match="this TableFeatures was fitted on") as caught:
        features.transform(X)
    assert len(caught) == 1 and caught[0].filename == __file__
    linear(members=("svd",)).fit(X, y).transform(X)  # knows no target


def test_an_interrupted_fit_leaves_everything_as_it_was(monkeypatch):
    X, y = mixed_table()
    features = linear(members=("svd", "linear")).fit(X, y)
    expected, state = features.transform(X.head(4)), dict(features.__dict__)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("textcnn.text.linear.NgramCounter.learn", stop)
    with pytest.raises(KeyboardInterrupt):
        features.fit(X[["review"]], y)
    assert features.__dict__ == state
    pd.testing.assert_frame_equal(features.transform(X.head(4)), expected)
    fresh = linear()
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, y)
    assert not hasattr(fresh, "n_features_in_")


def test_errors_name_member_and_column():
    X, y = mixed_table()
    with pytest.raises(ValueError, match="C must be a number above 0") as caught:
        TableFeatures([TextLinearEncoder(C=-1.0)]).fit(X, y)
    assert "while fitting member 'linear' on column 'review'" in caught.value.__notes__


# Numbers are no text, so that the first passes tables through; the second reads digits as words.
@parametrize_with_checks(
    [
        TableFeatures(members=("linear",), cv=2, random_state=0),
        TableFeatures(
            members=(TextLinearEncoder(min_df=1, char_ngrams=None),),
            columns="all",
            cv=2,
            random_state=0,
        ),
    ],
    expected_failed_checks=lambda features: (
        {}
        if features.columns == "auto"
        else {
            "check_transformer_general": OUT_OF_FOLD,
            "check_transformer_data_not_an_array": OUT_OF_FOLD,
            "check_sample_weight_equivalence_on_dense_data": "two rows are two documents",
        }
    ),
)
@pytest.mark.filterwarnings("ignore::textcnn.TableFeaturesWarning")
@numbers_as_texts
def test_check_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


@pytest.mark.filterwarnings(
    "ignore:X (does not have valid|has) feature names",
    "ignore::textcnn.InSampleWarning",
    "ignore::textcnn.TableFeaturesWarning",
)
@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        # Those of set_output want arrays by default, where a table in is a table out.
        "check_set_output_transform",
        "check_get_feature_names_out_error",
    ],
)
@numbers_as_texts
@pytest.mark.parametrize("columns", ["auto", "all"])
def test_checks_that_check_estimator_leaves_out(check, columns):
    features = TableFeatures(members=("linear",), columns=columns, cv=2, random_state=0)
    getattr(estimator_checks, check)("TableFeatures", features)


def test_positional_parameters_of_the_signature():
    parameters = inspect.signature(TableFeatures).parameters
    kinds = {name: parameter.kind.name for name, parameter in parameters.items()}
    assert kinds.pop("members") == "POSITIONAL_OR_KEYWORD"
    assert set(kinds.values()) == {"KEYWORD_ONLY"}


def test_a_member_may_read_all_text_columns_as_one():
    X, y = mixed_table()
    features = TableFeatures(("svd", "linear"), cv=3, random_state=0)
    features.set_params(linear__join_columns=True)
    table = features.fit_transform(X, y)
    folds = [(a.learn, a.predict) for a in plan_of(features).assignments]
    alone = TextLinearEncoder(join_columns=True, cv=folds)
    texts = X[["review", "title"]]
    np.testing.assert_array_equal(table["joined_linear"], alone.fit_transform(texts, y)[:, 0])
    assert table.columns[-1] == features.get_feature_names_out()[-1] == "joined_linear"
    new = features.transform(X.head(5))
    np.testing.assert_array_equal(new["joined_linear"], alone.transform(texts.head(5))[:, 0])
    frame = features.report_.to_frame()
    assert frame[["column", "member"]].to_numpy().tolist() == [
        ["review", "svd"],
        ["title", "svd"],
        ["joined", "linear"],
    ]
    assert ("joined", "linear") in features.encoders_
    single = clone(features).set_params(members=("linear",), linear__join_columns=True)
    assert single.fit_transform(X[["review"]], y).columns.tolist() == ["review_linear"]


def test_joined_columns_of_an_array_and_an_empty_column():
    X, y = mixed_table()
    array = X[["review", "title"]].assign(empty="").to_numpy(dtype=object)
    member = ("all", TextLinearEncoder(join_columns=True))
    features = TableFeatures([member], columns=[0, 1, 2], cv=3, random_state=0)
    train = features.fit_transform(array, y)
    assert train.shape == (120, 1) and not features.report_.warnings
    assert features.get_feature_names_out().tolist() == ["joined_all"]
    assert features.transform(array[:4]).shape == (4, 1)
