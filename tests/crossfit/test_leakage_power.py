"""Leaks that the leakage test once did not find, each as a case, and what it finds them by."""

import zlib

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler, TargetEncoder

from textcnn import OutOfFoldEncoder, audit
from textcnn.crossfit.leakage import leakage_test


@pytest.fixture(autouse=True)
def _fixed_folds():
    """TargetEncoder draws its folds from NumPy's global state, whatever the version."""
    np.random.seed(0)  # noqa: NPY002


class Noise(TransformerMixin, BaseEstimator):
    """The first column, as a class of leaks that only ``fit_transform`` has."""

    def fit(self, X, y):
        return self

    def transform(self, X):
        return np.asarray(X, float)[:, :1].copy()


class SignPerFit(Noise):
    """A twentieth of the rows have their target as feature, or its opposite, drawn per fit."""

    def fit_transform(self, X, y):
        features = self.transform(X)
        random = np.random.default_rng(zlib.crc32(np.asarray(y).tobytes()))
        rows = random.random(len(features)) < 0.05
        features[rows, 0] = y[rows] if random.random() < 0.5 else 1 - y[rows]
        return features


class Previous(Noise):
    """The target of the row before."""

    def fit_transform(self, X, y):
        return np.roll(np.asarray(y, float), 1)[:, None]


class MeanOfNeighbours(Noise):
    """The mean target of the rows before and after."""

    def fit_transform(self, X, y):
        y = np.asarray(y, float)
        return ((np.roll(y, 1) + np.roll(y, -1)) / 2)[:, None]


class LeaveOneOut(Noise):
    """The mean target of the category's other rows."""

    def fit_transform(self, X, y):
        codes = np.unique(X[:, 0], return_inverse=True)[1]
        sums, counts = np.bincount(codes, y), np.bincount(codes)
        return ((sums[codes] - y) / np.maximum(counts[codes] - 1, 1))[:, None]


class SignPerFold(OutOfFoldEncoder):
    """Adds to each feature a little of the target, with a sign per fit."""

    def fit_transform(self, X, y, **fit_params):
        features = super().fit_transform(X, y, **fit_params)
        sign = np.random.default_rng(zlib.crc32(np.asarray(y).tobytes())).choice([-1, 1])
        return features + 0.5 * sign * features.std() * np.asarray(y)[:, None]


def noise(n_rows, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n_rows, 3)), random.integers(0, 2, n_rows)


def found_by(result) -> list[str]:
    return [finding.name for finding in result.findings if finding.leaks]


def test_a_sign_that_is_drawn_per_fit():
    X, y = noise(1000)
    result = leakage_test(SignPerFit(), X, y)
    assert "certain rows within a fit" in found_by(result)
    assert "association" not in found_by(result)
    assert not leakage_test(StandardScaler(), X, y, n_repeats=5).leaks


def test_a_sign_that_is_drawn_per_fit_of_known_folds():
    X, y = noise(600)
    settings = {"cv": 3, "random_state": 0}
    leaking = leakage_test(SignPerFold(LogisticRegression(), **settings), X, y, n_repeats=10)
    assert "tree within a fold" in found_by(leaking)
    assert "tree within a fit" not in found_by(leaking)  # its margin does not shrink
    sound = leakage_test(OutOfFoldEncoder(LogisticRegression(), **settings), X, y, n_repeats=10)
    assert not sound.leaks
    few, many = (
        next(f for f in result.findings if f.name == "tree within a fold")
        for result in (
            leakage_test(OutOfFoldEncoder(LogisticRegression(), **settings), X, y, n_repeats=n)
            for n in (2, 10)
        )
    )
    assert many.high - many.expected < (few.high - few.expected) / 1.5


def test_means_of_small_categories_without_the_row():
    y = noise(1000)[1]
    X = np.repeat(np.arange(250), 4)[:, None]
    assert found_by(leakage_test(LeaveOneOut(), X, y, n_repeats=5)) == ["equal rows"]
    sound = leakage_test(TargetEncoder(), X, y, n_repeats=5)
    assert not sound.leaks
    assert any("equal rows in different folds" in line for line in sound.not_tested)


@pytest.mark.parametrize("encoder", [Previous(), MeanOfNeighbours()])
def test_targets_of_neighbouring_rows(encoder):
    X, y = noise(300)
    assert found_by(leakage_test(encoder, X, np.sort(y), n_repeats=5)) == ["neighbouring rows"]


def test_folds_that_few_values_reveal():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 12)
    y = (random.random(144) < np.linspace(0.1, 0.9, 12)[groups]).astype(int)
    X = random.normal(size=(144, 3))
    encoder = OutOfFoldEncoder(KNeighborsClassifier(5), cv=LeaveOneGroupOut(), random_state=0)
    assert "FoldLevelWarning" in found_by(leakage_test(encoder, X, y, groups=groups, n_repeats=3))


def test_an_audit_says_what_was_checked_and_what_was_not():
    X, y = noise(120)
    result = audit(OutOfFoldEncoder(LogisticRegression(), cv=3, random_state=0), X, y, n_repeats=3)
    assert not result.leaks and result.error is None
    for line in (
        "checked: all 120 rows of the features are those that the fit returned",
        "checked: stacked: 90 rows were predicted again by 3 recorded models",
        "not checked: whether groups, time and weights are correct",
        "not tested: targets in other columns of X",
    ):
        assert line in str(result)
    foreign = audit(StandardScaler(), X, y, n_repeats=2)
    assert foreign.verification is None and "no report_ to verify" in str(foreign)
