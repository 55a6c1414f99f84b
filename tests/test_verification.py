"""A fit verifies itself when it ends, and checks a matrix in the caller's hands."""

import copy

import numpy as np
import pandas as pd
import pytest
from checks import WORDS, signal_table, tiny
from inside import exchange_models, predict_again
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

import textcnn
from textcnn import (
    ImageCNNEncoder,
    LeakError,
    OutOfFoldEncoder,
    TableFeatures,
    TextLinearEncoder,
    VerificationWarning,
    audit,
)

N_ROWS = 100
# Features of transform on training rows are what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore::textcnn.InSampleWarning")


def linear(**changes):
    return TextLinearEncoder(**({"char_ngrams": None, "cv": 3, "random_state": 0} | changes))


def stacked(**changes):
    return OutOfFoldEncoder(LogisticRegression(), **({"cv": 3, "random_state": 0} | changes))


def texts_and_classes():
    return signal_table(N_ROWS, 0)


def numbers_and_classes():
    random = np.random.default_rng(0)
    return random.normal(size=(N_ROWS, 3)), random.integers(0, 2, N_ROWS)


def images_and_classes():
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (N_ROWS, 8, 8), dtype=np.uint8)
    return images, random.integers(0, 2, N_ROWS)


ENCODERS = {
    "linear": (linear, texts_and_classes),
    "cnn": (tiny, texts_and_classes),
    "stacked": (stacked, numbers_and_classes),
    "images": (
        lambda: ImageCNNEncoder(
            n_filters=(3,), epochs=1, augment=None, batch_size=16, cv=2, random_state=0
        ),
        images_and_classes,
    ),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_fit_is_verified_and_other_matrices_are_found(name):
    make, data = ENCODERS[name]
    encoder, (X, y) = make(), data()
    features = encoder.fit_transform(X, y)
    report = encoder.report_
    assert report.verified
    assert any("predicted again by" in line for line in report.verification.checked)
    assert "all 100 rows" in str(report.verify(features).verification)
    assert "verify(features)" not in str(report)  # the matrix was checked
    report.verify(features, X=X)
    in_sample = encoder.transform(X)
    with pytest.raises(LeakError, match="not the features that fit_transform returned"):
        encoder.report_.verify(in_sample)
    some = features.copy()
    some[::20] = in_sample[::20]
    with pytest.raises(LeakError) as caught:
        encoder.report_.verify(some)
    assert caught.value.rows.tolist() == [0, 20, 40, 60, 80]
    swapped = features.copy()
    swapped[[3, 8]] = features[[8, 3]]
    with pytest.raises(LeakError, match="2 of 100 rows differ"):
        report.verify(swapped)
    assert not report.verified
    with pytest.raises(LeakError, match="the models return other features"):
        predict_again(encoder.report_, X, in_sample)


class Careless(TextLinearEncoder):
    """What a class derived from an encoder may get wrong."""

    def fit_transform(self, X, y, **fit_params):
        return self.fit(X, y, **fit_params).transform(X)


def test_fit_then_transform_in_a_derived_class_is_found():
    X, y = texts_and_classes()
    encoder = Careless(char_ngrams=None, cv=3, random_state=0)
    features = encoder.fit_transform(X, y)
    with pytest.raises(LeakError, match="100 of 100 rows differ"):
        encoder.report_.verify(features)
    result = audit(encoder, X, y, n_repeats=2)
    assert result.leaks and result.error is not None
    assert "not the features that fit_transform returned" in str(result)


def test_tampered_records_are_found():
    X, y = texts_and_classes()
    encoder = linear().fit(X, y)
    for change, message in (
        (lambda record: record.predictions[0].__setitem__(0, 0.5), "changed after it ended"),
        (lambda record: record.fed[1].update(learn=record.fed[1]["learn"][1:]), "changed after"),
        (lambda record: record.fed[0].update(learn=np.arange(N_ROWS)), "model 0 was trained on"),
    ):
        changed = copy.deepcopy(encoder)
        change(changed.report_.columns[0])
        with pytest.raises(LeakError, match=message):
            changed.report_.verify()
    with pytest.raises(LeakError, match="model 0 returns other predictions than its record"):
        exchange_models(encoder).report_.verify(X=X)


class Random(ClassifierMixin, BaseEstimator):
    """Predicts something else each time."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.random_ = np.random.default_rng(0)
        return self

    def predict_proba(self, X):
        share = self.random_.uniform(0.2, 0.8, len(X))
        return np.stack([share, 1 - share], axis=1)


def test_predictions_that_cannot_be_repeated_are_said():
    X, y = numbers_and_classes()
    encoder = OutOfFoldEncoder(Random(), cv=3, random_state=0)
    with pytest.warns(VerificationWarning, match="the fold models return other features"):
        features = encoder.fit_transform(X, y)
    report = encoder.report_.verify(features)  # the records are right, and so is the matrix
    assert "not repeatable" in str(report)
    with pytest.raises(LeakError):
        report.verify(X=X)


def test_what_is_missing_for_a_check_is_said():
    X, y = texts_and_classes()
    encoder = linear(ensemble="refit")
    features = encoder.fit_transform(X, y)
    report = encoder.report_.verify(features)
    assert not report.can_predict_again
    assert any(
        "at the end of the fit, review: 90 rows" in line for line in report.verification.checked
    )
    with pytest.raises(ValueError, match='with ensemble="refit" only the refitted model is kept'):
        report.verify(X=X)
    with pytest.raises(ValueError, match="X differs from the 100 rows"):
        linear().fit(X, y).report_.verify(X=X[::-1])
    with pytest.raises(ValueError, match=r"Received: shape \(99, 1\)"):
        report.verify(features[1:])


def test_saved_encoders_verify_as_before(tmp_path):
    X, y = texts_and_classes()
    encoder = linear()
    features = encoder.fit_transform(X, y)
    encoder.save(tmp_path / "encoder.textcnn")
    loaded = textcnn.load(tmp_path / "encoder.textcnn").report_
    assert loaded.verified
    loaded.verify(features, X=X)
    with pytest.raises(LeakError):
        loaded.verify(features[::-1])


def test_files_of_earlier_versions_have_no_fingerprint(request):
    file = request.config.rootpath / "tests" / "data" / "linear_v2.textcnn"
    report = textcnn.load(file).report_
    assert not report.verified
    assert report.verify().verified
    assert "no fingerprint" in str(report)
    with pytest.raises(ValueError, match="saved by an earlier version"):
        report.verify(np.zeros((report.plan.n_rows, 1)))


@pytest.mark.parametrize("form", ["pandas", "numpy"])
def test_a_table_checks_the_features_of_its_members(form):
    X, y = texts_and_classes()
    X = X.assign(price=np.arange(N_ROWS))
    features = TableFeatures(["linear", ("words", linear())], columns=["review"], random_state=0)
    if form == "numpy":
        X, features.columns = X.to_numpy(dtype=object), [0]
    table = features.fit_transform(X, y)
    report = features.report_
    assert all(one.verified for one in report.reports.values())
    assert "Verified: no model predicted a row" in repr(report)
    report.verify(table)
    other = table.copy()
    if form == "pandas":
        other["price"] = 0  # not a feature
        report.verify(other)
        other.iloc[5, -1] += 0.1
    else:
        other[5, -1] += 0.1
    with pytest.raises(LeakError, match="1 of 100 rows differ") as caught:
        report.verify(other)
    assert caught.value.rows.tolist() == [5]
    with pytest.raises(ValueError, match="with 2 features as its last columns"):
        report.verify(table[["review_linear"]] if form == "pandas" else table[:, -1:])


def test_a_rows_own_target_acts_through_stratified_folds_alone():
    X, y = texts_and_classes()
    row = 7
    other = y.copy()
    other[row] = 1 - y[row]

    def feature(cv, targets):
        return linear(cv=cv).fit_transform(X, targets)[row, 0]

    folds = list(KFold(5, shuffle=True, random_state=0).split(np.arange(N_ROWS)))
    assert feature(folds, y) == feature(folds, other)
    assert feature(KFold(5), y) == feature(KFold(5), other)
    assert feature(5, y) != feature(5, other), "other folds are drawn: so docs/leak-safety.md"
    numbers, others = (values + 0.5 * np.arange(N_ROWS) for values in (y, other))
    assert feature(5, numbers) == feature(5, others)


@pytest.mark.parametrize("make", [linear, tiny])
def test_documents_are_grouped_and_counted_as_models_read_them(make):
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, 8)) for _ in range(50)]
    y = random.integers(0, 2, 100)
    twice = [*texts, *(f" {text.upper()}  " for text in texts)]
    apart = make(cv=5).fit(twice, y).report_.duplicates
    together = make(cv=5).fit(twice, y, groups="documents").report_
    assert apart["n_duplicates"].iloc[0] > 40
    assert together.duplicates["n_duplicates"].iloc[0] == 0
    assert (together.plan.groups[:50] == together.plan.groups[50:]).all()


def test_a_table_counts_and_groups_copies_and_warns_of_few_documents():
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, 8)) for _ in range(50)]
    y = random.integers(0, 2, 100)
    X = pd.DataFrame({"review": [*texts, *(f"{text} " for text in texts)]})
    features = TableFeatures(["linear"], random_state=0)
    assert "also occurs in the training rows" in repr(features.fit(X, y).report_)
    assert "also occurs in" not in repr(features.fit(X, y, groups="documents").report_)
    few = pd.DataFrame({"review": texts[:5] * 20})
    with pytest.warns(textcnn.FoldLevelWarning, match="5 different documents occur in 100 rows"):
        TableFeatures(["linear"], columns=["review"], cv=20, random_state=0).fit(few, y)
