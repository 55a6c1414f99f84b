"""Estimators that no fold would fit are refused by name, before any training."""

from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from textcnn import OutOfFoldEncoder
from textcnn.fit.fitted_parts import refuse_fitted_parts

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(60, 3)), np.arange(60) % 2
KNOWING = RandomForestClassifier(5, random_state=0).fit(X, Y)
FROZEN = FrozenEstimator(KNOWING)
FROZEN_SELECTION = FrozenEstimator(SelectKBest(k=1).fit(X, Y))


class NeverFitted(DummyClassifier):
    """A trap: says so where any fold fits it."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("training began")


class KeepsItsModel(ClassifierMixin, BaseEstimator):
    """A classifier whose clone keeps what it has learnt, as some wrappers' do."""

    def fit(self, X, y):
        if not hasattr(self, "model_"):
            self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def __sklearn_clone__(self):
        duplicate = type(self)()
        duplicate.__dict__.update(self.__dict__)
        return duplicate


class IsItsOwnClone(KeepsItsModel):
    def __sklearn_clone__(self):
        return self


def knowing_function(rows):
    return KNOWING.predict_proba(rows)


def closure():
    model = KNOWING
    return lambda rows: model.predict_proba(rows)


HIDDEN = {
    "alone": (FROZEN, "estimator"),
    "last step": (make_pipeline(StandardScaler(), FROZEN), "estimator__steps__frozenestimator"),
    "step": (
        Pipeline([("knows", FROZEN_SELECTION), ("last", NeverFitted())]),
        "estimator__steps__knows",
    ),
    "column": (
        make_pipeline(
            ColumnTransformer([("best", FROZEN_SELECTION, [0, 1, 2])]), NeverFitted()
        ),
        "estimator__steps__columntransformer__transformers__best__0",
    ),
    "union": (
        make_pipeline(FeatureUnion([("best", FROZEN_SELECTION)]), NeverFitted()),
        "transformer_list__best",
    ),
    "calibrator": (CalibratedClassifierCV(FROZEN), "estimator__estimator"),
    "threshold": (FixedThresholdClassifier(FROZEN), "estimator__estimator"),
    "bagging": (BaggingClassifier(FROZEN), "estimator__estimator"),
    "one against the rest": (OneVsRestClassifier(FROZEN), "estimator__estimator"),
    "vote": (
        VotingClassifier([("good", NeverFitted()), ("bad", FROZEN)], voting="soft"),
        "estimator__estimators__bad",
    ),
    "stack": (
        StackingClassifier([("good", NeverFitted())], final_estimator=FROZEN),
        "estimator__final_estimator",
    ),
    "grid": (
        GridSearchCV(Pipeline([("last", NeverFitted())]), {"last": [NeverFitted(), FROZEN]}),
        "estimator__param_grid__last__1",
    ),
    "prefit stack": (
        StackingClassifier([("known", KNOWING)], cv="prefit"), "estimator has cv='prefit'"
    ),
    "prefit selection": (
        make_pipeline(SelectFromModel(KNOWING, prefit=True), NeverFitted()),
        "estimator__steps__selectfrommodel has prefit=True",
    ),
    "clone keeps": (KeepsItsModel().fit(X, Y), "a clone that stays fitted"),
    "own clone": (IsItsOwnClone(), "its own clone"),
    "method": (
        make_pipeline(FunctionTransformer(KNOWING.predict_proba), NeverFitted()),
        "method of a fitted RandomForestClassifier",
    ),
    "closure": (
        make_pipeline(FunctionTransformer(closure()), NeverFitted()),
        "function that contains a fitted estimator",
    ),
    "partial function": (
        make_pipeline(FunctionTransformer(partial(KNOWING.apply)), NeverFitted()), "__func__func"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("estimator", "named"), HIDDEN.values(), ids=HIDDEN)
def test_what_no_fold_fits_is_refused_by_name_before_any_training(estimator, named):
    with pytest.raises(ValueError, match="Expected: an unfitted estimator") as caught:
        OutOfFoldEncoder(estimator, cv=2, random_state=0).fit_transform(X, Y)
    assert named in str(caught.value)
    assert "Received: " in str(caught.value)


def test_a_regressor_inside_a_target_transformer():
    frozen = FrozenEstimator(Ridge().fit(X, Y))
    with pytest.raises(ValueError, match="estimator__regressor is frozen"):
        OutOfFoldEncoder(TransformedTargetRegressor(frozen), cv=2).fit(X, Y)


HONEST = [
    KNOWING,  # fitted, but a clone is not
    make_pipeline(StandardScaler().fit(X), KNOWING),
    make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()),
    CalibratedClassifierCV(KNOWING, cv=3),
    StackingClassifier([("known", KNOWING)], cv=3),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    BaggingClassifier(LogisticRegression(), warm_start=True).fit(X, Y),
    OutOfFoldEncoder(LogisticRegression()),
]


@pytest.mark.parametrize("estimator", HONEST, ids=lambda estimator: type(estimator).__name__)
def test_what_a_clone_resets_passes(estimator):
    refuse_fitted_parts(estimator)
    refuse_fitted_parts(clone(estimator))


def test_shared_steps_may_be_frozen_where_they_hold_no_targets():
    encoder = OutOfFoldEncoder(LogisticRegression(), cv=2, random_state=0)
    encoder.set_params(shared=make_pipeline(FrozenEstimator(PCA(2).fit(X)))).fit_transform(X, Y)
    refuse_fitted_parts(HashingVectorizer(), "shared", only_with_targets=True)
    texts = FrozenEstimator(TfidfVectorizer().fit(["one two six", "two six ten"]))
    refuse_fitted_parts(make_pipeline(texts), "shared", only_with_targets=True)


@pytest.mark.parametrize(
    "shared",
    [
        FROZEN_SELECTION,
        make_pipeline(StandardScaler(), FROZEN_SELECTION),
        FunctionTransformer(KNOWING.predict_proba),
        FrozenEstimator(make_pipeline(SelectKBest(k=1)).fit(X, Y)),
    ],
    ids=["alone", "step", "method", "pipeline within"],
)
def test_shared_steps_that_hold_targets_are_refused(shared):
    with pytest.raises(ValueError, match="shared.*targets"):
        OutOfFoldEncoder(LogisticRegression(), shared=shared, cv=2).fit(X, Y)
