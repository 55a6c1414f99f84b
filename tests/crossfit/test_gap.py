"""The gap between out-of-fold and new features: found where it is, not found where it is not."""

import html
import pickle

import numpy as np
import pandas as pd
import pytest
from inside import mean_and_squared_error
from scipy.stats import ks_2samp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, PredefinedSplit
from sklearn.preprocessing import TargetEncoder

from textcnn.crossfit.gap import distribution_gap
from textcnn.crossfit.gap_measures import Side


class Scaled(TransformerMixin, BaseEstimator):
    """Passes X through; new rows are moved and stretched. Remembers what it was given."""

    seen = None

    def __init__(self, factor=1.0, shift=0.0, ensemble="mean", cv=None):
        self.factor = factor
        self.shift = shift
        self.ensemble = ensemble
        self.cv = cv

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        type(self).seen = {
            "X": np.asarray(X), "y": np.asarray(y), "groups": groups,
            "sample_weight": sample_weight, "time": time, "cv": self.cv,
        }  # fmt: skip
        return np.asarray(X, float)

    def transform(self, X):
        type(self).seen["new"] = np.asarray(X)
        return np.asarray(X, float) * self.factor + self.shift


def table(kind="binary", n_rows=1500, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, 2))
    score = X[:, 0] + random.normal(size=n_rows)
    if kind == "multiclass":
        return X, np.array(["low", "mid", "high"])[np.digitize(score, [-0.7, 0.7])]
    if kind == "multilabel":
        return X, np.stack([score > 0, random.random(n_rows) < 0.4], axis=1).astype(int)
    if kind == "multioutput":
        return X, np.stack([score, random.normal(size=n_rows)], axis=1)
    return X, score if kind == "continuous" else (score > 0).astype(int)


KINDS = ["binary", "multiclass", "continuous", "multilabel", "multioutput"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_gap_is_found_and_its_absence_too(kind):
    X, y = table(kind)
    gap = distribution_gap(Scaled(factor=0.1, shift=1.0), X, y)
    measure = "r2" if kind in ("continuous", "multioutput") else "neg_log_loss"
    model = gap.loc[("all features", measure)]
    assert model["difference"] < 0 and model["p_value"] < 0.01
    assert gap.loc[("x0", "ks"), "p_value"] < 1e-6
    assert 'ensemble="refit" may be better than "mean"' in gap.attrs["reading"]
    unbiased = distribution_gap(Scaled(), X, y)
    model = unbiased.loc[("all features", measure)]
    assert model["p_value"] > 0.05
    assert model["out_of_fold"] > (0.1 if measure == "r2" else -1.1)
    assert unbiased.loc[("x0", "ks"), "p_value"] > 0.01
    assert "no significant difference" in unbiased.attrs["reading"]


def test_unbiased_features_are_rarely_reported_as_worse():
    p_values = [
        distribution_gap(Scaled(), *table(n_rows=600, seed=seed), random_state=seed).iloc[-1][
            "p_value"
        ]
        for seed in range(60)
    ]
    assert np.mean(np.array(p_values) < 0.05) < 0.15
    assert 0.3 < np.mean(p_values) < 0.7


def test_numbers_are_those_of_numpy_and_scipy():
    X, y = table()
    gap = distribution_gap(Scaled(factor=2.0, shift=3.0), X, y)
    old, new = Scaled.seen["X"][:, 0], Scaled.seen["new"][:, 0] * 2 + 3
    assert len(new) == 150 and len(old) == 1350
    first = gap.loc["x0"]
    measures = ["mean", "std", "q05", "q25", "q50", "q75", "q95", "ks", "roc_auc"]
    assert first.index.tolist() == measures
    assert first.loc["mean"].tolist()[:2] == pytest.approx([old.mean(), new.mean()])
    assert first.loc["std", "new"] == pytest.approx(2 * first.loc["std", "out_of_fold"], rel=0.2)
    difference = np.quantile(new, 0.95) - np.quantile(old, 0.95)
    assert first.loc["q95", "difference"] == pytest.approx(difference)
    expected = ks_2samp(old, new)
    assert first.loc["ks", ["difference", "p_value"]].tolist() == [
        expected.statistic,
        expected.pvalue,
    ]
    assert first.loc["roc_auc", "out_of_fold"] == pytest.approx(
        roc_auc_score(Scaled.seen["y"], old)
    )
    assert gap.loc["all features"].index.tolist() == ["roc_auc", "neg_log_loss"]


def test_reserved_rows_are_stratified_whole_groups_or_the_latest():
    X, y = table(n_rows=400)
    X[:, 1] = np.arange(400)
    y[:] = np.arange(400) % 10 == 0
    distribution_gap(Scaled(), X, y)
    assert y[Scaled.seen["new"][:, 1].astype(int)].mean() == 0.1

    groups = np.repeat(np.arange(40), 10)
    distribution_gap(Scaled(), X, y, groups=groups)
    new = groups[Scaled.seen["new"][:, 1].astype(int)]
    assert len(np.unique(new)) == 4 and len(new) == 40
    assert not np.isin(new, Scaled.seen["groups"]).any()

    time = np.random.default_rng(0).permutation(400) // 7
    distribution_gap(Scaled(), X, y, time=time)
    new = time[Scaled.seen["new"][:, 1].astype(int)]
    assert new.min() > Scaled.seen["time"].max()
    assert 40 <= len(new) < 47

    groups = np.arange(400) % 80
    distribution_gap(Scaled(), X, y, time=np.arange(400), groups=groups)
    assert not np.isin(groups[360:], Scaled.seen["groups"]).any()
    assert len(Scaled.seen["X"]) == 200


def test_weights_and_missing_targets_do_not_score():
    X, y = table(n_rows=800)
    weight = np.ones(800)
    weight[:300] = 0
    flipped = np.where(np.arange(800) < 300, 1 - y, y)
    frames = [
        distribution_gap(Scaled(), X, target, sample_weight=weight, random_state=1)
        for target in (y, flipped)
    ]
    assert Scaled.seen["sample_weight"].shape == (720,)
    # The draw is stratified by all targets, so only the scores are of one kind.
    for frame in frames:
        assert frame.loc[("x0", "roc_auc"), "out_of_fold"] > 0.7
    missing = np.where(np.arange(800) < 300, np.nan, y)
    frame = distribution_gap(Scaled(), X, missing)
    assert frame.loc[("x0", "roc_auc"), "out_of_fold"] > 0.7


def test_rows_of_a_group_count_as_one():
    """Fifty equal rows per group say no more than one row per group."""
    random = np.random.default_rng(0)
    gain = random.normal(size=30)
    groups = np.repeat(np.arange(30), 50)

    def side(n, groups=None):
        return Side(np.zeros((n, 1)), np.zeros((n, 1)), np.ones(n), np.ones(n, bool), groups)

    mean, error = mean_and_squared_error(gain, side(30))
    assert mean == pytest.approx(gain.mean()) and error == pytest.approx(gain.var(ddof=1) / 30)
    repeated = mean_and_squared_error(np.repeat(gain, 50), side(1500, groups))
    assert repeated == pytest.approx((mean, error))
    assert mean_and_squared_error(np.repeat(gain, 50), side(1500))[1] < error / 40


def test_the_printed_frame_explains_itself():
    gap = distribution_gap(Scaled(), *table(n_rows=300))
    for shown in (repr(gap), str(gap), gap._repr_html_()):
        assert html.escape(gap.attrs["reading"]) in html.escape(html.unescape(shown))
        assert "are those of a shallow tree" in shown
        assert "neg_log_loss" in shown
    again = pickle.loads(pickle.dumps(gap))
    assert repr(again) == repr(gap)
    for part in (gap.loc["x0"], gap.round(2), gap.reset_index()):
        assert type(part) is pd.DataFrame
        assert "shallow" not in repr(part)


def test_row_numbers_in_cv_follow_the_rows():
    X, y = table(n_rows=300)
    X[:, 1] = np.arange(300)
    folds = list(KFold(3).split(X))
    distribution_gap(Scaled(cv=folds), X, y)
    kept = Scaled.seen["X"][:, 1].astype(int)
    for (train, test), (old_train, old_test) in zip(Scaled.seen["cv"], folds, strict=True):
        assert np.array_equal(kept[train], np.intersect1d(old_train, kept))
        assert np.array_equal(kept[test], np.intersect1d(old_test, kept))
    fold = np.arange(300) % 3
    distribution_gap(Scaled(cv=PredefinedSplit(fold)), X, y)
    assert np.array_equal(Scaled.seen["cv"].test_fold, fold[kept])


def test_any_transformer_in_any_container():
    random = np.random.default_rng(0)
    X = pd.DataFrame({"shop": random.integers(0, 30, 900).astype(str)})
    y = (random.random(900) < (X["shop"].astype(int) / 30)).map({True: "yes", False: "no"})
    encoder = TargetEncoder(cv=5).set_output(transform="pandas")
    gap = distribution_gap(encoder, X, y)
    assert gap.loc[("shop", "roc_auc"), "new"] > 0.7
    assert not hasattr(encoder, "classes_"), "the encoder itself must stay as it is"
    assert "ensemble" not in gap.attrs["reading"]
    with pytest.raises(TypeError, match="no fit_transform"):
        distribution_gap(KFold(), X, y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 0}, "Received: share=0"),
        ({"share": 1.0}, "Received: share=1.0"),
        ({"share": True}, "Received: share=True"),
        ({"share": 0.99}, "for training"),
        ({"share": 0.01}, "to reserve"),
        ({"random_state": None}, "random_state=None"),
        ({"groups": "documents"}, "groups must be an array"),
        ({"groups": np.zeros(100)}, "one group only"),
        ({"time": np.zeros(100)}, "for training"),
        ({"sample_weight": -np.ones(100)}, "negative"),
        ({"y": [None] * 100}, "y has no values"),
    ],
)
def test_bad_arguments_are_refused(changes, message):
    X, y = table(n_rows=100)
    with pytest.raises(ValueError, match=message):
        distribution_gap(Scaled(), X, changes.pop("y", y), **changes)
