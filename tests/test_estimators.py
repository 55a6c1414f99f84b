"""The plain predictors: scikit-learn's contract is tested elsewhere, the text side here."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import signal_table
from inside import network_of
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from textcnn import TextCNNClassifier, TextCNNEncoder, TextCNNRegressor

TINY = {"n_filters": 4, "kernel_sizes": (2,), "epochs": 20, "random_state": 0, "n_networks": 1}


def test_classifier_finds_the_signal_and_keeps_its_labels():
    X, codes = signal_table(150, 0, n_classes=3)
    y = np.array(["x", "y", "z"])[codes]
    new, new_codes = signal_table(100, 1, n_classes=3)
    classifier = TextCNNClassifier(**(TINY | {"epochs": 40})).fit(X, y)
    probabilities = classifier.predict_proba(new)
    assert classifier.classes_.tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert classifier.score(new, np.array(["x", "y", "z"])[new_codes]) > 0.75
    assert set(classifier.predict(new)) == {"x", "y", "z"}


def test_probabilities_are_at_the_prior_of_the_training_rows():
    X, y = signal_table(300, 0)
    keep = (y == 1) | (np.arange(300) % 5 == 0)
    X, y = X[keep], y[keep]
    classifier = TextCNNClassifier(dropout=0.0, **TINY).fit(X, y)
    assert classifier.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.05)
    encoder = TextCNNEncoder(cv=2, **TINY)
    assert encoder.fit_transform(X, y).mean() < y.mean() - 0.1, "features are at even odds"


def test_regressor_predicts_in_units_of_y():
    X, label = signal_table(200, 0)
    y = 1000 + 50.0 * label
    new, new_label = signal_table(100, 1)
    regressor = TextCNNRegressor(**TINY).fit(X, y)
    assert regressor.score(new, 1000 + 50.0 * new_label) > 0.4
    assert regressor.predict(new).shape == (100,)


def test_a_poisson_loss_predicts_positive_rates():
    X, label = signal_table(200, 0)
    y = np.random.default_rng(0).poisson(np.where(label == 1, 9.0, 1.0)).astype(float)
    regressor = TextCNNRegressor(loss="poisson", **(TINY | {"epochs": 60})).fit(X, y)
    predictions = regressor.predict(X)
    assert predictions.min() > 0
    assert predictions[label == 1].mean() > 2 * predictions[label == 0].mean()
    assert predictions.mean() == pytest.approx(y.mean(), rel=0.2)


def test_columns_are_branches_of_one_network():
    X, y = signal_table(150, 0)
    X = pd.DataFrame({"noise": X["review"].sample(frac=1, random_state=0).tolist(), **X})
    classifier = TextCNNClassifier(**TINY).fit(X, y)
    new, new_y = signal_table(100, 1)
    new = pd.DataFrame({"noise": new["review"].iloc[::-1].tolist(), **new})
    assert roc_auc_score(new_y, classifier.predict_proba(new)[:, 1]) > 0.8
    assert classifier.vocabulary_report_.index.tolist() == ["noise", "review"]
    assert classifier.history_["column"].unique().tolist() == ["noise, review"]
    dense = network_of(classifier).models[0].model.weights[-1]
    assert dense.shape == (8, 1)


@pytest.mark.parametrize("kind", [TextCNNClassifier, TextCNNRegressor])
def test_pickles_keep_state_and_seeds(kind):
    X, y = signal_table(80, 0)
    estimator = kind(**TINY, early_stopping=True).fit(X, y)
    again = clone(estimator).fit(X, y)
    restored = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(restored.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert "val_loss" in estimator.history_


def test_under_cross_validation():
    X, y = signal_table(120, 0)
    scores = cross_val_score(TextCNNClassifier(**TINY), X, y, cv=2, scoring="roc_auc")
    assert scores.mean() > 0.75


def test_class_weights_move_the_predictions():
    X, y = signal_table(200, 0)
    even = TextCNNClassifier(**TINY).fit(X, y).predict_proba(X)[:, 1].mean()
    heavy = TextCNNClassifier(class_weight={1: 20}, **TINY).fit(X, y).predict_proba(X)[:, 1].mean()
    assert heavy > even + 0.15


def test_weights_of_rows_move_the_predictions_as_those_of_classes_do():
    X, y = signal_table(120, 0)
    by_row = TextCNNClassifier(**TINY).fit(X, y, sample_weight=np.where(y == 1, 20.0, 1.0))
    by_class = TextCNNClassifier(class_weight={1: 20}, **TINY).fit(X, y)
    np.testing.assert_allclose(by_row.predict_proba(X), by_class.predict_proba(X), atol=1e-5)
    few = np.arange(120) < 60
    numbers = np.where(few, 10.0 * y, 1000.0)
    regressor = TextCNNRegressor(**TINY).fit(X, numbers, sample_weight=few.astype(float))
    assert regressor.predict(X).max() < 100, "a row of weight 0 teaches nothing"


def test_labels_and_several_numbers():
    X, codes = signal_table(160, 0, n_classes=4)
    labels = np.stack([codes % 2, codes // 2], axis=1)
    settings = TINY | {"epochs": 40}
    classifier = TextCNNClassifier(**settings).fit(X, labels)
    assert classifier.predict_proba(X).shape == classifier.predict(X).shape == (160, 2)
    assert (classifier.predict(X) == labels).mean() > 0.75
    numbers = 100.0 + np.stack([codes % 2, 10 * (codes // 2)], axis=1)
    regressor = TextCNNRegressor(**settings).fit(X, numbers.tolist())
    assert regressor.predict(X).shape == (160, 2) and regressor.score(X, numbers) > 0.2


def test_smoothed_labels_make_predictions_less_sure():
    X, y = signal_table(160, 0)
    settings = TINY | {"epochs": 60}
    sure, smoothed = (
        TextCNNClassifier(label_smoothing=share, **settings).fit(X, y).predict_proba(X).max(axis=1)
        for share in (0.0, 0.4)
    )
    assert smoothed.mean() < sure.mean() - 0.05 and smoothed.mean() < 0.87
    with pytest.raises(ValueError, match="label_smoothing must be .* Received"):
        TextCNNClassifier(label_smoothing=1.0).fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (TextCNNClassifier(**TINY), np.zeros(40), "class"),
        (TextCNNClassifier(**TINY), np.full(40, np.nan), "no value|NaN"),
        (TextCNNClassifier(**TINY), np.random.default_rng(0).random(40), "Unknown label type"),
        (TextCNNRegressor(**TINY), np.array(["a", "b"] * 20), "numbers|numeric|string|float"),
        (TextCNNRegressor(loss="poisson", **TINY), np.linspace(-1, 1, 40), "poisson|negative"),
        (TextCNNRegressor(loss="huber", **TINY), np.linspace(-1, 1, 40), "loss='huber'"),
    ],
)
def test_bad_targets_are_refused(estimator, y, message):
    X, _ = signal_table(40, 0)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)
