"""Any scikit-learn estimator as out-of-fold features: contract, no leak, inputs, errors."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import (
    check_exact_influence,
    check_fed_rows,
    check_noise,
    check_unseen_targets,
    noise_table,
    numbers_as_texts,
    signal_table,
)
from inside import models_of
from scipy.sparse import csr_array, csr_matrix
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_encoder_plans import KINDS, change_of, targets_of

from textcnn import InSampleWarning, OutOfFoldEncoder
from textcnn.crossfit.row_hashes import group_hashes, hash_table
from textcnn.crossfit.verification import LeakError

OUT_OF_FOLD = "fit_transform gives out-of-fold features, fit().transform() does not"

# Models with weights equal those with repeated rows; the level that is subtracted does not.
EQUAL_ROWS = "rows count equally in the mean output: with weights by class it would reveal classes"


@parametrize_with_checks(
    [
        OutOfFoldEncoder(LogisticRegression(), cv=2, random_state=0),
        OutOfFoldEncoder(Ridge(tol=1e-10), cv=2, random_state=0),
    ],
    expected_failed_checks=lambda encoder: {
        "check_transformer_general": OUT_OF_FOLD,
        "check_transformer_data_not_an_array": OUT_OF_FOLD,
        "check_sample_weight_equivalence_on_dense_data": EQUAL_ROWS,
        "check_sample_weight_equivalence_on_sparse_data": EQUAL_ROWS,
    },
)
@numbers_as_texts
@pytest.mark.filterwarnings("ignore::textcnn.FoldLevelWarning")  # of rows that weights repeat
def test_check_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


def numbers_table(n_rows=120, seed=0, n_classes=2):
    """Return three columns of numbers, the first of which tells the class most of the time."""
    random = np.random.default_rng(seed)
    y = random.integers(0, n_classes, n_rows)
    X = random.normal(size=(n_rows, 3))
    X[:, 0] += 1.5 * y
    return X, y


def encode(estimator, **changes):
    return OutOfFoldEncoder(estimator, **({"cv": 3, "random_state": 0} | changes))


# What it is for


def test_it_gives_the_predictions_of_cross_val_predict_less_the_models_own_level():
    X, y = numbers_table()
    folds = list(StratifiedKFold(4, shuffle=True, random_state=1).split(X, y))
    feature = encode(LogisticRegression(), cv=folds, output="logit").fit_transform(X, y)[:, 0]
    logits = cross_val_predict(LogisticRegression(), X, y, cv=folds, method="decision_function")
    for train, test in folds:
        own = LogisticRegression().fit(X[train], y[train]).decision_function(X[train])
        expected = logits[test] - own.mean()
        np.testing.assert_allclose(feature[test], expected, atol=2e-5)


def test_regression_is_the_difference_from_the_mean_of_the_models_own_rows():
    X, y = numbers_table()
    y = 1000 + 20.0 * y
    folds = list(KFold(4, shuffle=True, random_state=1).split(X))
    feature = encode(LinearRegression(), cv=folds).fit_transform(X, y)[:, 0]
    expected = cross_val_predict(LinearRegression(), X, y, cv=folds)
    for train, test in folds:
        relative = (expected[test] - y[train].mean()) / y[train].std()
        np.testing.assert_allclose(feature[test], relative, atol=1e-4)


@pytest.mark.parametrize("ensemble", ["mean", "refit"])
def test_new_rows_get_the_mean_or_the_refit_model(ensemble):
    X, y = numbers_table()
    encoder = encode(LogisticRegression(), ensemble=ensemble, output="logit").fit(X, y)
    new, new_y = numbers_table(seed=5)
    feature = encoder.transform(new)[:, 0]
    assert len(encoder.estimators_) == (3 if ensemble == "mean" else 1)
    assert roc_auc_score(new_y, feature) > 0.75
    raw = [
        model.decision_function(new) - level
        for model, level in zip(
            encoder.estimators_, [fitted.level.offset[0] for fitted in models_of(encoder)],
            strict=True,
        )
    ]  # fmt: skip
    np.testing.assert_allclose(feature, np.mean(raw, axis=0), atol=2e-5)


CLASSIFIERS = [
    LogisticRegression(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    HistGradientBoostingClassifier(max_iter=5),
    RandomForestClassifier(10),
    KNeighborsClassifier(3),
    GaussianNB(),
    DecisionTreeClassifier(),
    LinearSVC(),
    SVC(),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
]


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(estimator, n_classes):
    X, codes = numbers_table(150, n_classes=n_classes)
    y = np.array(["c", "a", "b"])[codes]
    encoder = encode(estimator).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    new, new_codes = numbers_table(150, seed=3, n_classes=n_classes)
    if n_classes == 2:
        assert features.columns.tolist() == ["stacked"]
        assert roc_auc_score(y == "c", features["stacked"]) > 0.65
        assert roc_auc_score(new_codes == 0, encoder.transform(new)["stacked"]) > 0.65
    else:
        assert features.columns.tolist() == ["stacked_a", "stacked_b", "stacked_c"]
        np.testing.assert_allclose(features.sum(axis=1), 1, atol=1e-5)
        best = np.array(["a", "b", "c"])[features.to_numpy().argmax(axis=1)]
        assert (best == y).mean() > 0.45
    encoder.report_.verify()


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(10),
        MultiOutputClassifier(LogisticRegression()),
        KNeighborsClassifier(5),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_multilabel(estimator):
    X, y = numbers_table(150)
    labels = pd.DataFrame({"tall": y, "short": 1 - y})
    encoder = encode(estimator).set_output(transform="pandas")
    features = encoder.fit_transform(X, labels)
    assert encoder.target_type_ == "multilabel"
    assert features.columns.tolist() == ["stacked_tall", "stacked_short"]
    assert roc_auc_score(y, features["stacked_tall"]) > 0.65
    assert roc_auc_score(1 - y, features["stacked_short"]) > 0.65


def test_multioutput_and_whole_numbers_of_a_regressor():
    X, y = numbers_table(150)
    encoder = encode(Ridge())
    features = encoder.fit_transform(X, np.column_stack([y, 10 * y]))
    assert encoder.target_type_ == "multioutput"
    np.testing.assert_allclose(features[:, 0], features[:, 1], rtol=1e-3, atol=1e-3)
    features = encoder.fit_transform(X, y)
    assert encoder.target_type_ == "continuous" and encoder.classes_ is None
    assert r2_score((y - y.mean()) / y.std(), features[:, 0]) > 0.2


# No leak


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(5),
        LinearSVC(),
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=3)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_targets_of_held_out_rows_have_no_say(estimator):
    X, y = numbers_table(90)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    change = change_of("binary")
    check_exact_influence(encode(estimator), X, y, folds, change)
    check_exact_influence(encode(estimator, ensemble="refit"), X, y, folds, change)
    encoder = encode(estimator, cv=folds).fit(X, y)
    check_fed_rows(encoder, folds)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cv", [KFold(3), GroupKFold(3), RepeatedKFold(n_splits=2, n_repeats=2), TimeSeriesSplit(3)],
    ids=lambda cv: type(cv).__name__,
)  # fmt: skip
def test_unseen_targets_are_ignored_under_any_plan(kind, cv):
    X = np.random.default_rng(1).normal(size=(60, 3))
    y = targets_of(kind, 0)
    y[np.random.default_rng(2).random(60) < 0.1] = np.nan
    fit_params = {"sample_weight": np.where(np.arange(60) % 7 == 0, 0.0, 1 + np.arange(60) % 2)}
    if isinstance(cv, GroupKFold):
        fit_params["groups"] = np.arange(60) % 5
    regression = kind in ("continuous", "multioutput")
    estimator = Ridge() if regression else RandomForestClassifier(5)
    encoder = encode(estimator, cv=cv, target_type=kind, uncovered="nan")
    for row in (0, 31):
        check_unseen_targets(encoder, X, y, row, change_of(kind), **fit_params)


def test_noise_predicts_nothing():
    X = np.random.default_rng(0).normal(size=(300, 10))
    y = np.random.default_rng(1).integers(0, 2, 300)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    encoder = encode(RandomForestClassifier(20), cv=folds)
    check_noise(encoder.fit_transform, folds, X, y)


@pytest.mark.filterwarnings("ignore:The targets of fold")  # they differ on purpose
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_of_its_prior_alone_is_constant(n_classes):
    groups = np.repeat(np.arange(10), 30)
    random = np.random.default_rng(0)
    y = (random.random(300) < np.linspace(0.05, 0.95, 10)[groups]).astype(int)
    y[random.random(300) < 0.2] = n_classes - 1
    X = random.normal(size=(300, 2))
    encoder = encode(DummyClassifier(strategy="prior"), cv=LeaveOneGroupOut())
    weights = random.uniform(0.5, 2, 300)
    features = encoder.fit_transform(X, y, groups=groups, sample_weight=weights)
    assert np.ptp(np.array(encoder.report_.columns[0].prior), axis=0).max() > 0.01
    assert np.unique(features).tolist() == [np.float32(1 / n_classes)]
    assert (encoder.transform(X[:5]) == np.float32(1 / n_classes)).all()


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_regressor_of_its_mean_alone_is_constant(shift):
    groups = np.repeat(np.arange(10), 10)
    y = shift + groups + np.random.default_rng(0).normal(size=100)
    encoder = encode(DummyRegressor(), cv=LeaveOneGroupOut())
    features = encoder.fit_transform(np.zeros((100, 1)), y, groups=groups)
    assert (features == 0).all()


class Certain(ClassifierMixin, BaseEstimator):
    """Predicts one class with probability 1, whatever it was taught."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile([1.0] + [0.0] * (len(self.classes_) - 1), (len(X), 1))


@pytest.mark.filterwarnings("ignore:The targets of fold")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_certainty_is_the_same_number_in_every_model(n_classes):
    y = np.sort(np.random.default_rng(0).integers(0, n_classes, 90))
    y[::7] = np.arange(13) % n_classes
    features = encode(Certain(), cv=KFold(3)).fit_transform(np.zeros((90, 1)), y)
    assert (features == features[0]).all()


class Spy(ClassifierMixin, BaseEstimator):
    """Stores the row numbers (first column of X) of its training rows."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.training_rows_ = X[:, 0].astype(int)
        return self

    def predict_proba(self, X):
        self.predicted_ = X[:, 0].astype(int)
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_the_recorded_rows_are_those_passed_to_the_estimator():
    X, y = numbers_table(60)
    X[:, 0] = np.arange(60)
    encoder = encode(Spy()).fit(X, y)
    for model, fed in zip(encoder.estimators_, encoder.report_.columns[0].fed, strict=True):
        assert np.array_equal(np.sort(model.training_rows_), fed["learn"])
        assert np.array_equal(np.sort(model.predicted_), fed["predict"])


def test_verify_detects_a_fit_on_other_rows(monkeypatch):
    from textcnn.fit.estimators import RecordedRows

    X, y = numbers_table(60)
    original = RecordedRows.take

    def greedy(self, rows, use):
        if use == "learn":  # a slip that hands over all rows
            original(self, np.arange(60), use)
        return original(self, rows, use)

    monkeypatch.setattr(RecordedRows, "take", greedy)
    with pytest.raises(LeakError, match="was trained on rows that it predicted"):
        encode(LogisticRegression()).fit(X, y)


# Plans


def test_weights_reach_the_estimator_and_weight_zero_is_not_used():
    X, y = numbers_table(90)
    weights = np.where(np.arange(90) % 3 == 0, 0.0, 1.0 + np.arange(90) % 2)
    for estimator in (
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2),
    ):
        encoder = encode(estimator)
        weighted = encoder.fit_transform(X, y, sample_weight=weights)
        for fed in encoder.report_.verify().columns[0].fed:
            assert (weights[fed["learn"]] > 0).all()
        flat = encoder.fit_transform(X, y, sample_weight=(weights > 0).astype(float))
        assert np.abs(weighted - flat).max() > 1e-3
    with config_context(enable_metadata_routing=True):
        asked = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        routed = encode(asked).fit_transform(X, y, sample_weight=weights)
    expected = encode(make_pipeline(StandardScaler(), LogisticRegression())).fit_transform(
        X, y, sample_weight=weights
    )
    np.testing.assert_array_equal(routed, expected)


@pytest.mark.parametrize(
    "estimator", [KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())],
    ids=["bare", "pipeline"],
)  # fmt: skip
def test_weights_that_would_be_ignored_are_refused(estimator):
    X, y = numbers_table(60)
    with pytest.raises(ValueError, match=r"not accept sample_weight[\s\S]*Received: sample_weight"):
        encode(estimator).fit(X, y, sample_weight=np.ones(60))


def test_time_unlabelled_rows_groups_and_extra_columns():
    X, y = numbers_table(100)
    encoder = encode(LogisticRegression(), cv=4, uncovered="nan")
    features = encoder.fit_transform(X, y, time=np.arange(100)[::-1])
    assert encoder.get_feature_names_out().tolist() == ["stacked"]
    np.testing.assert_array_equal(
        np.flatnonzero(np.isnan(features[:, 0])), encoder.report_.plan.uncovered
    )
    assert len(encoder.estimators_) == 1, "in order of time a refit model serves"
    labelled = np.where(np.arange(100) % 4 == 0, np.nan, y)
    for unlabelled in ("fold", "mean"):
        encoder = encode(LogisticRegression(), unlabelled=unlabelled)
        features = encoder.fit_transform(X, labelled)
        assert np.isfinite(features).all() and features.shape == (100, 1)
        n_predictions = encoder.report_.plan.n_predictions
        assert (n_predictions[::4] > 1).all() == (unlabelled == "mean")
    twice = np.vstack([X, X])
    encoder = encode(KNeighborsClassifier(1))
    apart = encoder.fit_transform(twice, np.tile(y, 2), groups="documents")
    np.testing.assert_array_equal(apart[:100], apart[100:])
    assert encoder.report_.duplicates["n_duplicates"].iloc[0] == 0
    encoder.fit(twice, np.tile(y, 2))
    assert encoder.report_.duplicates["n_duplicates"].iloc[0] > 50


def test_a_class_that_some_model_lacks():
    X, y = numbers_table(90, n_classes=3)
    y = np.where(np.arange(90) < 30, 2, y % 2)
    with pytest.raises(ValueError, match="missing_class"):
        encode(LogisticRegression(), cv=GroupKFold(3)).fit(X, y, groups=np.arange(90) // 30)
    encoder = encode(LogisticRegression(), cv=GroupKFold(3), missing_class="drop")
    features = encoder.fit_transform(X, y, groups=np.arange(90) // 30)
    assert features.shape == (90, 1) and encoder.classes_.tolist() == [0, 1]


# Inputs and outputs


def test_any_table_that_the_estimator_reads():
    X, y = numbers_table(90)
    expected = encode(LogisticRegression()).fit_transform(X, y)
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(90)[::-1])
    polars = pl.DataFrame(X, schema=["a", "b", "c"])
    for table in (X.tolist(), frame, csr_matrix(X), csr_array(X), polars):
        features = encode(LogisticRegression()).fit_transform(table, y)
        np.testing.assert_allclose(features, expected, atol=1e-4)
    mixed = frame.assign(d=np.where(y == 1, "x", None)).assign(e=pd.Categorical(y.astype(str)))
    estimator = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["d", "e"]),
                                remainder="passthrough"),
        LogisticRegression(),
    )  # fmt: skip
    encoder = encode(estimator).set_output(transform="pandas")
    y[0] = 1 - y[0]  # columns that equal y are refused
    features = encoder.fit_transform(mixed, y)
    assert features.index.equals(mixed.index)
    assert roc_auc_score(y, features["stacked"]) > 0.9
    assert encoder.feature_names_in_.tolist() == list("abcde")


def test_texts_in_a_list_or_series():
    X, y = signal_table(120, 0)
    estimator = make_pipeline(TfidfVectorizer(), LogisticRegression())
    encoder = encode(estimator, feature_name="tfidf")
    features = encoder.fit_transform(X["review"].tolist(), y)
    assert roc_auc_score(y, features[:, 0]) > 0.8
    assert encoder.get_feature_names_out().tolist() == ["tfidf"]
    np.testing.assert_array_equal(encoder.fit_transform(X["review"], y), features)
    encoder.fit(X["review"].tolist() * 2, np.tile(y, 2), groups="documents").report_.verify()
    assert encoder.report_.duplicates["n_duplicates"].iloc[0] == 0


def test_texts_that_have_no_utf8_form_and_missing_cells_are_hashed():
    X, y = signal_table(60, 0)
    texts = [f"{text} \ud800" for text in X["review"]]
    encoder = encode(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    assert np.isfinite(encoder.fit_transform(texts, y)).all()
    table = pd.DataFrame({"a": [1.0, 1, None, None, 2], "b": ["x", "x", None, None, ""]})
    hashes = hash_table(table)
    assert hashes[0] == hashes[1] != hashes[4] and (hashes[2:4] == 0).all()
    for same in (table.astype({"a": "Float64"}), table.to_numpy(object), table.to_numpy().tolist(),
                 pl.from_pandas(table)):  # fmt: skip
        np.testing.assert_array_equal(hash_table(same), hashes)
    dense = np.random.default_rng(0).integers(0, 2, (20, 3)).astype(float)
    groups = group_hashes(hash_table(csr_matrix(dense)))
    _, expected = np.unique(dense, axis=0, return_inverse=True)
    together = groups[:, None] == groups
    empty = ~dense.any(axis=1)
    same = expected[:, None] == expected
    same[empty] = np.eye(20, dtype=bool)[empty]
    np.testing.assert_array_equal(together, same)


def test_polars_output():
    X, y = numbers_table(60)
    frame = pl.DataFrame(X, schema=["a", "b", "c"])
    features = encode(LogisticRegression()).set_output(transform="polars").fit_transform(frame, y)
    assert isinstance(features, pl.DataFrame) and features.columns == ["stacked"]


def test_in_pipelines_column_transformers_and_searches():
    X, y = numbers_table(120)
    frame = pd.DataFrame(X, columns=list("abc"))
    columns = ColumnTransformer(
        [("stack", encode(GaussianNB(), feature_name="bayes"), ["a", "b"])], remainder="passthrough"
    )
    model = make_pipeline(columns, LogisticRegression())
    assert cross_val_score(model, frame, y, cv=3).mean() > 0.6
    grid = {"columntransformer__stack__estimator__var_smoothing": [1e-9, 1e-3]}
    search = GridSearchCV(model, grid, cv=2).fit(frame, y)
    assert list(search.best_params_) == list(grid)
    names = columns.fit(frame, y).get_feature_names_out().tolist()
    assert names == ["stack__bayes", "remainder__c"]


def test_metadata_routing():
    X, y = numbers_table(90)
    groups = np.arange(90) % 9
    with config_context(enable_metadata_routing=True):
        encoder = encode(LogisticRegression()).set_fit_request(groups=True)
        pipeline = make_pipeline(encoder, GaussianNB()).fit(X, y, groups=groups)
        by_splitter = make_pipeline(encode(LogisticRegression(), cv=GroupKFold(3)), GaussianNB())
        by_splitter.fit(X, y, groups=groups)
    assert np.array_equal(pipeline[0].report_.plan.groups, groups)
    assert np.array_equal(by_splitter[0].report_.plan.groups, groups)


# State


def test_clone_pickle_and_seeds():
    X, y = numbers_table(90)
    encoder = encode(RandomForestClassifier(5))
    first = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(clone(encoder).fit_transform(X, y), first)
    parallel = encode(RandomForestClassifier(5), n_jobs=2)
    np.testing.assert_array_equal(parallel.fit_transform(X, y), first)
    other = encode(RandomForestClassifier(5), random_state=1).fit_transform(X, y)
    assert not np.array_equal(other, first)
    seeds = [model.random_state for model in encoder.estimators_]
    assert len(set(seeds)) == 3
    encoder.set_params(estimator__random_state=7).fit(X, y)
    assert [model.random_state for model in encoder.estimators_] == [7, 7, 7]
    assert encoder.estimator.random_state == 7 and not hasattr(encoder.estimator, "classes_")
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(X[:9]), encoder.transform(X[:9]))
    again.report_.verify()


def test_training_rows_given_to_transform_are_recognised():
    X, y = numbers_table(150)
    encoder = encode(LogisticRegression()).fit(X, y)
    for same in (X, X[:120], X[::-1]):
        with pytest.warns(InSampleWarning, match="OutOfFoldEncoder was fitted on"):
            encoder.transform(same)
    encoder.transform(numbers_table(150, seed=2)[0])
    few = np.arange(150)[:, None] % 5 + 0.0  # new rows of few kinds look like old ones
    encode(LogisticRegression()).fit(few, y).transform(few)


class FailsLate(RegressorMixin, BaseEstimator):
    """Fails when it predicts."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        raise RuntimeError("no luck")


def test_a_failed_fit_leaves_nothing_and_names_the_fold():
    X, y = numbers_table(60)
    encoder = encode(FailsLate())
    with pytest.raises(RuntimeError, match="no luck") as caught:
        encoder.fit(X, y)
    assert caught.value.__notes__ == ["while fitting column 'stacked', fold 0"]
    assert [name for name in vars(encoder) if name.endswith("_") or name.startswith("_")] == []
    encoder = encode(LogisticRegression()).fit(X, y)
    before = encoder.transform(X[:5])
    encoder.set_params(estimator=FailsLate())
    with pytest.raises(RuntimeError):
        encoder.fit(X[:, :2], y)
    np.testing.assert_array_equal(encoder.transform(X[:5]), before)


class OneColumnShort(RegressorMixin, BaseEstimator):
    """Predicts NaN."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (None, TypeError, "estimator must be"),
        (LogisticRegression, TypeError, "estimator must be"),
        (KMeans(), ValueError, "none of the methods"),
        (SVC(decision_function_shape="ovo"), ValueError, 'Received: decision_function_shape="ovo"'),
        (OneColumnShort(), ValueError, "NaN or infinity"),
    ],
)
def test_estimators_that_cannot_serve(estimator, error, message):
    X, y = numbers_table(90, n_classes=3)
    with pytest.raises(error, match=message):
        encode(estimator).fit(X, y)


def test_other_refusals():
    X, y = numbers_table(60)
    with pytest.raises(ValueError, match="A classifier cannot predict"):
        encode(LogisticRegression()).fit(X, y + 0.5 * X[:, 0])
    with pytest.raises(ValueError, match="A regressor has no probabilities"):
        encode(Ridge(), target_type="binary").fit(X, y)
    with pytest.raises(ValueError, match="Received: feature_name=''"):
        encode(Ridge(), feature_name="").fit(X, y)
    with pytest.raises(ValueError, match="y to be passed"):
        encode(Ridge()).fit(X, None)
    with pytest.raises(ValueError, match="[Ii]nconsistent numbers of samples"):
        encode(Ridge()).fit(X, y[:-1])
    with pytest.raises(ValueError, match="Input X contains NaN") as caught:
        encode(Ridge()).fit(np.where(X > 2, np.nan, X), y)
    assert "fold" in caught.value.__notes__[-1]
    encoder = encode(Ridge()).fit(pd.DataFrame(X, columns=list("abc")), y)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(pd.DataFrame(X, columns=list("abd")))
    with pytest.raises(ValueError, match="Received: scoring='nonsense'"):
        encoder.report_.with_scoring("nonsense")


def test_noise_text_through_a_pipeline_estimator():
    X, y = noise_table(300, 0)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    estimator = make_pipeline(TfidfVectorizer(), LogisticRegression())
    encoder = encode(estimator, cv=folds)
    check_noise(lambda X, y: encoder.fit_transform(X["review"], y), folds, X, y)


def test_a_shared_step_is_fitted_once_and_knows_no_target():
    X, y = signal_table(120, 0)
    texts = X["review"].tolist()
    fits = []

    class Counting(CountVectorizer):
        def fit_transform(self, raw_documents, y=None):
            fits.append(y)
            return super().fit_transform(raw_documents, y)

    weighed = make_pipeline(TfidfTransformer(), LogisticRegression())
    encoder = OutOfFoldEncoder(weighed, shared=Counting(), cv=4, random_state=0)
    features = encoder.fit_transform(texts, y)
    assert fits == [None]
    counts = CountVectorizer().fit(texts)
    alone = OutOfFoldEncoder(weighed, cv=4, random_state=0)
    np.testing.assert_array_equal(features, alone.fit_transform(counts.transform(texts), y))
    new = ["a good film", "so bad", "words never seen"]
    np.testing.assert_array_equal(encoder.transform(new), alone.transform(counts.transform(new)))
    restored = pickle.loads(pickle.dumps(clone(encoder).set_params(shared=CountVectorizer())))  # noqa: S301
    np.testing.assert_array_equal(restored.fit_transform(texts, y), features)
    encoder.set_params(shared=None)
    np.testing.assert_array_equal(encoder.transform(new), restored.transform(new))


def test_a_shared_step_does_not_leak_held_out_targets():
    X, y = signal_table(60, 0)
    encoder = OutOfFoldEncoder(LogisticRegression(), shared=CountVectorizer(), random_state=0)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))

    def flip(y, rows):
        return np.where(np.isin(np.arange(len(y)), rows), 1 - y, y)

    check_exact_influence(encoder, X["review"], y, folds, flip)


@pytest.mark.parametrize(
    ("shared", "error", "message"),
    [
        (TargetEncoder(), ValueError, "shared uses y"),
        (LogisticRegression(), TypeError, "shared must be None or a transformer"),
        (CountVectorizer, TypeError, "shared must be None or a transformer"),
    ],
)
def test_a_step_that_folds_must_not_share(shared, error, message):
    X, y = signal_table(20, 0)
    with pytest.raises(error, match=message):
        OutOfFoldEncoder(LogisticRegression(), shared=shared).fit(X, y)
