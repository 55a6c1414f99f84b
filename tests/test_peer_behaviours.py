"""Behaviours that scikit-learn and skrub test of their encoders and stacks, on ours.

The peers: ``TargetEncoder``, ``cross_val_predict`` and ``StackingClassifier`` of scikit-learn;
``StringEncoder``, ``ApplyToCols`` and ``TableVectorizer`` of skrub.
"""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import signal_table
from joblib import parallel_config
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import (
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from skrub import ApplyToCols, TableVectorizer

from textcnn import OutOfFoldEncoder, TableFeatures, TextLinearEncoder

RANDOM = np.random.default_rng(0)
TEXTS, Y = signal_table(60, seed=1)
TEXTS = TEXTS["review"].tolist()
X = RANDOM.normal(size=(60, 3))
X[:, 0] += Y
NUMBERS = X[:, 0] + RANDOM.normal(size=60)
TABLE = pd.DataFrame({"review": TEXTS, "name": TEXTS[::-1], "price": X[:, 1]})


def linear(**settings):
    return TextLinearEncoder(**({"cv": 3, "random_state": 0} | settings))


def stacked(estimator, **settings):
    return OutOfFoldEncoder(estimator, **({"cv": 3, "random_state": 0} | settings))


def table(**settings):
    settings = {"members": ("svd", "linear"), "cv": 3, "random_state": 0} | settings
    return TableFeatures(**settings)


# TargetEncoder


def test_features_of_noise_do_not_predict_it():
    random = np.random.RandomState(0)
    words = np.array([f"word{number}" for number in random.randint(0, 30, 900)])
    noise = random.normal(size=900)
    order = noise.argsort()  # a table sorted by its target
    encoder = linear(cv=KFold(2, shuffle=True, random_state=0), char_ngrams=None)
    features = encoder.fit_transform(words[order].tolist(), noise[order])
    forest = RandomForestRegressor(10, min_samples_leaf=20, random_state=0)
    scores = cross_val_score(forest, features, noise[order], cv=ShuffleSplit(5, random_state=0))
    assert scores.mean() < 0.1


def test_features_do_not_depend_on_what_words_are_called():
    words = [f"w{row % 7}" for row in range(60)]
    renamed = [f"{word[1]}{word[1]}other" for word in words]
    encoder = linear(char_ngrams=None)
    np.testing.assert_array_equal(
        encoder.fit_transform(words, NUMBERS), clone(encoder).fit_transform(renamed, NUMBERS)
    )


@pytest.mark.parametrize("encode", [linear(), table(), stacked(Ridge())])
def test_a_constant_target_has_neutral_features(encode):
    given = X if isinstance(encode, OutOfFoldEncoder) else TABLE[["review"]]
    features = clone(encode).set_params(target_type="continuous").fit(given, np.full(60, 3.4))
    found = np.asarray(features.transform(given[:5]))
    np.testing.assert_allclose(found[:, -1], 0, atol=1e-6)


@pytest.mark.parametrize("encode", [linear(), table(), stacked(Ridge())])
def test_arrays_that_are_read_only(encode):
    given = X if isinstance(encode, OutOfFoldEncoder) else TABLE[["review"]].to_numpy()
    given, y = given.copy(), NUMBERS.copy()
    expected = clone(encode).fit_transform(given, y)
    given.flags.writeable = y.flags.writeable = False
    np.testing.assert_array_equal(clone(encode).fit_transform(given, y), expected)


@pytest.mark.parametrize("encode", [linear(), table(), stacked(Ridge())])
def test_x_and_y_of_different_lengths(encode):
    given = X if isinstance(encode, OutOfFoldEncoder) else TABLE[["review"]]
    with pytest.raises(ValueError, match=r"inconsistent.*\[60, 40\]"):
        clone(encode).fit(given, NUMBERS[:40])


@pytest.mark.parametrize("y", [Y, np.arange(60) % 3, np.array(["b", "a", "c"])[np.arange(60) % 3]])
def test_names_and_values_are_the_same_in_every_output(y):
    texts = TABLE[["review", "name"]]
    expected = linear().fit_transform(texts, y)
    for container in ("pandas", "polars"):
        encoder = linear().set_output(transform=container)
        found = encoder.fit_transform(texts, y)
        assert list(found.columns) == encoder.get_feature_names_out().tolist()
        np.testing.assert_array_equal(found.to_numpy(), expected)


# cross_val_predict


def naive(estimator, y, method):
    """Return the loop over folds that the encoder stands for, less the mean of each model.

    Numbers are in standard deviations of the training targets.
    """
    found = np.zeros(60)
    for train, test in KFold(3).split(X):
        model = clone(estimator).fit(X[train], y[train])
        learnt, new = (getattr(model, method)(X[rows]) for rows in (train, test))
        if method == "predict_proba":
            learnt, new = logit(learnt[:, 1]), logit(new[:, 1])
        scale = y[train].std() if method == "predict" else 1.0
        found[test] = (new - learnt.mean()) / scale
    return found


def test_predictions_are_those_of_a_loop_over_the_folds():
    found = stacked(Ridge(), cv=KFold(3)).fit_transform(X, NUMBERS)
    np.testing.assert_allclose(found[:, 0], naive(Ridge(), NUMBERS, "predict"), atol=2e-5)
    for model, method in [
        (LogisticRegression(), "predict_proba"),
        (RidgeClassifier(), "decision_function"),
    ]:
        found = stacked(model, cv=KFold(3), output="logit").fit_transform(X, Y)
        assert np.corrcoef(found[:, 0], naive(model, Y, method))[0, 1] > 0.999


@pytest.mark.parametrize("encode", [linear(cv=StratifiedKFold(3)), stacked(LogisticRegression())])
def test_features_do_not_depend_on_the_labels_of_the_classes(encode):
    given = X if isinstance(encode, OutOfFoldEncoder) else TEXTS
    encode = clone(encode).set_params(cv=StratifiedKFold(3))
    expected = clone(encode).fit_transform(given, Y)
    for y in (Y + 1, Y - 2, Y.astype(str), Y.astype(float), Y.astype(bool), Y.astype(object),
              pd.Series(Y).astype("category"), pl.Series(Y), Y.tolist()):  # fmt: skip
        np.testing.assert_array_equal(clone(encode).fit_transform(given, y), expected)


class Particular(ClassifierMixin, BaseEstimator):
    """Predicts the same for all rows, which must be as it expects."""

    def __init__(self, is_as_given):
        self.is_as_given = is_as_given

    def fit(self, X, y):
        assert self.is_as_given(X)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        assert self.is_as_given(X)
        return np.full((len(X), 2), 0.5)


@pytest.mark.parametrize(
    ("given", "is_as_given"),
    [
        (X.tolist(), lambda rows: isinstance(rows, list)),
        (X[:, :, None], lambda rows: rows.ndim == 3),
        (pd.DataFrame(X), lambda rows: isinstance(rows, pd.DataFrame)),
    ],
)
def test_the_estimator_gets_rows_in_the_container_of_x(given, is_as_given):
    assert stacked(Particular(is_as_given)).fit_transform(given, Y).shape == (60, 1)


class OverlappingFolds:
    def split(self, X, y=None, groups=None):
        for _ in range(4):
            yield np.arange(40), np.arange(40, 50)

    def get_n_splits(self, *args, **keywords):
        return 4


@pytest.mark.parametrize("cv", [OverlappingFolds(), list(ShuffleSplit(2, random_state=0).split(X))])
@pytest.mark.parametrize("encode", [linear(), table(), stacked(Ridge())])
def test_folds_that_leave_rows_out_are_refused(encode, cv):
    given = X if isinstance(encode, OutOfFoldEncoder) else TABLE[["review"]]
    with pytest.raises(ValueError, match="No model predicts .* of 60 rows"):
        clone(encode).set_params(cv=cv).fit(given, NUMBERS)


def test_a_class_that_a_fold_cannot_learn_is_refused():
    y = np.resize(["a", "b"], 60)
    y[0] = "c"
    for encoder, given in ((linear(), TEXTS), (stacked(LogisticRegression()), X)):
        with pytest.raises(ValueError, match="no training rows of a class.*missing_class"):
            encoder.set_params(cv=KFold(3)).fit(given, y)


# StackingClassifier

STACK = StackingClassifier([("linear", LogisticRegression())], cv=2)
with_a_stack = pytest.mark.parametrize(
    "model",
    [
        STACK,
        clone(STACK).set_params(final_estimator=RidgeClassifier()),
        make_pipeline(StandardScaler(), STACK),
        GridSearchCV(STACK, {"linear__C": [0.1, 1.0]}, cv=2),
    ],
    ids=["default", "decision values", "in a pipeline", "in a search"],
)


@with_a_stack
def test_a_stack_is_an_estimator_of_ours(model):
    features = stacked(model).fit_transform(X, Y)
    assert features.shape == (60, 1) and np.corrcoef(features[:, 0], Y)[0, 1] > 0.2
    assert getattr(model, "final_estimator", None) is None or not hasattr(model, "classes_")


def test_our_encoders_are_estimators_of_a_stack():
    members = [("texts", make_pipeline(linear(), LogisticRegression())),
               ("table", make_pipeline(table(members=("svd",)), LogisticRegression()))]  # fmt: skip
    given = TABLE[["review", "name"]]
    assert StackingClassifier(members, cv=3).fit(given, Y).score(given, Y) > 0.7
    regressors = [("texts", make_pipeline(linear(), Ridge()))]
    assert StackingRegressor(regressors, cv=3).fit(given, NUMBERS).predict(given).shape == (60,)


def test_models_without_probabilities_or_of_pairs_are_refused_before_any_fit():
    class NeverFitted(SVC):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("it was fitted")

    for model in (VotingClassifier([("a", NeverFitted())]), BaseEstimator()):
        with pytest.raises((ValueError, TypeError), match="Expected|fit and predict"):
            stacked(model).fit(X, Y)
    with pytest.raises(ValueError, match='decision_function_shape="ovr"'):
        stacked(SVC(decision_function_shape="ovo")).fit(X, np.arange(60) % 4)


@pytest.mark.parametrize("encode", [linear(), stacked(LogisticRegression()), stacked(Ridge())])
def test_unit_weights_change_nothing_and_others_do(encode):
    given = X if isinstance(encode, OutOfFoldEncoder) else TEXTS
    y = NUMBERS if isinstance(getattr(encode, "estimator", None), Ridge) else Y
    folds = list(StratifiedKFold(3).split(X, Y))
    encode = clone(encode).set_params(cv=folds)
    expected = clone(encode).fit_transform(given, y)
    same = clone(encode).fit_transform(given, y, sample_weight=np.ones(60))
    np.testing.assert_allclose(same, expected, atol=1e-5)
    weights = np.where(np.arange(60) < 30, 0.1, 0.9)
    other = clone(encode).fit_transform(given, y, sample_weight=weights)
    assert np.abs(other - expected).max() > 1e-3


def test_a_seed_decides_and_none_does_not():
    forest = RandomForestClassifier(5)
    first, same = (stacked(forest).fit_transform(X, Y) for _ in range(2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(stacked(forest, random_state=1).fit_transform(X, Y), first)
    assert forest.random_state is None


# StringEncoder and TableVectorizer


@pytest.mark.parametrize("member", ["svd", "linear", "counts"])
def test_missing_empty_and_blank_cells_are_alike(member):
    rows = pd.DataFrame({"review": [*TEXTS[:-3], None, "", "  "]})
    encoder = table(members=(member,)).fit(rows, Y)
    found = encoder.transform(pd.DataFrame({"review": [np.nan, None, "", " \t"]})).to_numpy()
    if member == "counts":  # which counts missing cells and characters
        found = found[[0, 1]]
    np.testing.assert_array_equal(found, np.broadcast_to(found[0], found.shape))


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_strings_of_every_dtype_are_the_same_texts(dtype):
    expected = linear().fit_transform(TABLE[["review"]], Y)
    np.testing.assert_array_equal(
        linear().fit_transform(TABLE[["review"]].astype(dtype), Y), expected
    )


def test_a_column_has_the_same_features_alone():
    both = table(others="drop").fit_transform(TABLE, Y)
    for name in ("review", "name"):
        alone = table(others="drop").fit_transform(TABLE[[name]], Y)
        pd.testing.assert_frame_equal(alone, both[alone.columns])


def test_fits_are_repeatable_and_alike_side_by_side():
    expected = table().fit_transform(TABLE, Y)
    with parallel_config("threading"):
        again = table(n_jobs=2).fit_transform(TABLE, Y)
    pd.testing.assert_frame_equal(again, expected)


@pytest.mark.parametrize(
    "form", ["%d %B %Y", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S", "%b %d, %Y", "%Y/%m/%d"]
)
def test_dates_of_every_usual_format_are_read(form):
    days = pd.date_range("2024-01-01", periods=60, freq="29h")
    written = TABLE[["review"]].assign(day=days.strftime(form))
    found = table(members=("svd",)).fit_transform(written, Y)
    assert found["day_month"].tolist() == days.month.tolist()
    assert found["day_day"].tolist() == days.day.tolist()


def test_sparse_columns_are_those_that_they_stand_for():
    dense = TABLE.assign(price=np.where(Y, X[:, 1], 0.0))
    sparse = dense.assign(price=pd.arrays.SparseArray(dense["price"]))
    found = table().fit_transform(sparse, Y)
    np.testing.assert_array_equal(found, table().fit_transform(dense, Y))


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame])
def test_encoders_inside_the_transformers_of_skrub(container):
    frame = container(TABLE.to_dict("list"))
    applied = ApplyToCols(linear(), cols=["review"])
    found = applied.fit_transform(frame, Y)
    assert set(found.columns) == {"review_linear", "name", "price"}
    expected = linear().fit_transform(TABLE[["review"]], Y)
    np.testing.assert_array_equal(found["review_linear"].to_numpy(), expected[:, 0])
    assert applied.transform(frame[:1]).shape == (1, 3)
    vectorizer = TableVectorizer(high_cardinality=linear(), cardinality_threshold=20)
    assert set(vectorizer.fit_transform(frame, Y).columns) == {
        "review_linear", "name_linear", "price",
    }  # fmt: skip


@pytest.mark.parametrize("encode", [linear(), table(), stacked(Ridge())])
def test_nothing_works_before_fit(encode):
    for call in (lambda: encode.transform(TABLE), encode.get_feature_names_out):
        with pytest.raises(NotFittedError):
            call()
