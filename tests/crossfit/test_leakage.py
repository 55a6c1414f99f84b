from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from inside import give_plan
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from textcnn.crossfit import read_target
from textcnn.crossfit.leakage import leakage_test
from textcnn.crossfit.leakage_scores import target_scores
from textcnn.crossfit.shuffling import Shuffler


@pytest.fixture(autouse=True)
def _fixed_folds():
    """TargetEncoder draws its folds from NumPy's global state, whatever the version."""
    np.random.seed(0)  # noqa: NPY002


class FitThenTransform(TransformerMixin, BaseEstimator):
    """What a pipeline written by hand does: fit, then transform the same rows."""

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y):
        self.encoder_ = clone(self.encoder).fit(X, y)
        return self

    def transform(self, X):
        return self.encoder_.transform(X)


class OutOfFold(TransformerMixin, BaseEstimator):
    """Logits of cross-validation; by default without the model's base rate (prior)."""

    def __init__(self, cv=5, relative=True):
        self.cv = cv
        self.relative = relative

    def fit(self, X, y):
        self.model_ = LogisticRegression(C=0.1).fit(X, y)
        return self

    def transform(self, X):
        return self.model_.decision_function(X)[:, None] - self._prior(self.model_)

    def fit_transform(self, X, y, groups=None):
        self.fit(X, y)
        features = np.empty((len(y), 1))
        by_row = isinstance(self.cv, int)
        splits = StratifiedKFold(self.cv).split(X, y) if by_row else self.cv.split(X, y, groups)
        for train, test in splits:
            model = LogisticRegression(C=0.1).fit(X[train], y[train])
            features[test, 0] = model.decision_function(X[test]) - self._prior(model)
        return features

    def _prior(self, model):
        return model.intercept_ if self.relative else 0.0


class LeaveOneOutMeans(TransformerMixin, BaseEstimator):
    """Mean target of the category's other rows: as good as telling the row's own target."""

    def fit(self, X, y):
        self.means_ = {c: y[X[:, 0] == c].mean() for c in np.unique(X)}
        return self

    def transform(self, X):
        return np.array([[self.means_.get(c, 0.5)] for c in X[:, 0]])

    def fit_transform(self, X, y):
        self.fit(X, y)
        others = np.array([(X[:, 0] == c).sum() - 1 for c in X[:, 0]])
        sums = np.array([y[X[:, 0] == c].sum() for c in X[:, 0]])
        return ((sums - y) / np.maximum(others, 1))[:, None]


class CopiesTarget(TransformerMixin, BaseEstimator):
    """Passes noise on, but for a share of the rows whose feature is their target."""

    def __init__(self, share=0.05):
        self.share = share

    def fit(self, X, y):
        return self

    def transform(self, X):
        return np.asarray(X)[:, :1].copy()

    def fit_transform(self, X, y):
        features = self.transform(X)
        rows = np.random.default_rng(0).random(len(features)) < self.share
        features[rows, 0] = np.asarray(y, float)[rows]
        return features


def noise(n_rows=500, seed=0, n_classes=2):
    random = np.random.default_rng(seed)
    return random.normal(size=(n_rows, 4)), random.integers(0, n_classes, n_rows)


def categories(n_rows=500, seed=0, n_categories=25):
    random = np.random.default_rng(seed)
    return random.integers(0, n_categories, (n_rows, 1)), random.integers(0, 2, n_rows)


def grouped(n_rows=500, n_groups=40, seed=0):
    """Groups that differ in their base rate."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, n_groups, n_rows)
    y = (random.random(n_rows) < random.random(n_groups)[groups]).astype(int)
    return random.normal(size=(n_rows, 4)), y, groups


def finding(result, name):
    return next(found for found in result.findings if found.name == name)


# Convicted


def test_a_leak_is_found_in_stacking_on_its_own_training_rows():
    X, y = noise(300)
    forest = RandomForestClassifier(10, random_state=0)
    stack = StackingClassifier([("forest", forest)], LogisticRegression(), cv=3)
    result = leakage_test(stack, X, y, n_repeats=10)
    assert result.leaks
    association = finding(result, "association")
    assert association.score > 0.98 > association.high
    assert finding(result, "train against fresh").score > 0.4
    assert "LEAK" in str(result)


def test_two_repeats_find_a_coarse_leak():
    X, y = noise(300)
    forest = RandomForestClassifier(10, random_state=0)
    stack = StackingClassifier([("forest", forest)], LogisticRegression(), cv=3)
    assert leakage_test(stack, X, y, n_repeats=2).leaks


def test_a_leak_is_found_in_fit_then_transform():
    X, y = categories()
    columns = ColumnTransformer([("category", FitThenTransform(TargetEncoder()), [0])])
    result = leakage_test(make_pipeline(columns, StandardScaler()), X, y)
    assert result.leaks
    assert finding(result, "association").leaks


@pytest.mark.parametrize("seed", range(3))
def test_a_leak_is_found_if_five_percent_of_the_rows_copy_the_target(seed):
    X, y = noise(1000, seed)
    assert leakage_test(CopiesTarget(0.05), X, y, random_state=seed).leaks
    assert not leakage_test(CopiesTarget(0.0), X, y, random_state=seed).leaks


def test_a_leak_is_found_if_some_rows_copy_a_number():
    X = noise(800)[0]
    y = np.random.default_rng(1).lognormal(size=800)
    result = leakage_test(CopiesTarget(0.1), X, y)
    assert finding(result, "association").leaks
    assert "rank correlation" in str(result)
    assert not leakage_test(CopiesTarget(0.0), X, y).leaks


def test_a_leak_is_found_in_leave_one_out_means():
    """Ranks tell nothing here, for each category has a level of its own in each fit."""
    X, y = categories()
    result = leakage_test(LeaveOneOutMeans(), X, y, n_repeats=5)
    assert finding(result, "tree within a fit").leaks
    assert finding(result, "tree within a fit").score > 0.8
    assert not finding(result, "association").leaks


def test_one_class_against_the_rest_is_looked_at():
    X, y = noise(600, n_classes=3)

    class CopiesThird(CopiesTarget):
        def fit_transform(self, X, y):
            return super().fit_transform(X, np.asarray(y) == "c")

    names = np.array(["a", "b", "c"])[y]
    result = leakage_test(CopiesThird(0.3), X, names, n_repeats=10)
    assert finding(result, "association").leaks
    assert "class 2" in finding(result, "association").detail


def test_a_leak_is_found_in_missing_features_that_mark_targets():
    class MarksByNan(CopiesTarget):
        def fit_transform(self, X, y):
            features = self.transform(X)
            features[(np.arange(len(y)) % 5 == 0) & (y == 1)] = np.nan
            return features

    X, y = noise()
    assert leakage_test(MarksByNan(), X, y, n_repeats=10).leaks


# Acquitted


@pytest.mark.parametrize("seed", range(3))
def test_no_leak_is_found_in_target_encoder(seed):
    X, y = categories(seed=seed)
    result = leakage_test(TargetEncoder(), X, y, random_state=seed)
    assert not result.leaks
    assert result.level == 0.01
    assert "No leak found" in str(result)


@pytest.mark.parametrize("relative", [True, False])
def test_no_leak_is_found_in_cross_validated_predictions(relative):
    X, y = noise()
    assert not leakage_test(OutOfFold(relative=relative), X, y).leaks


def test_no_leak_is_found_for_several_types_of_classes():
    X = categories()[0]
    random = np.random.default_rng(0)
    assert not leakage_test(TargetEncoder(), X, random.choice(list("abc"), 500)).leaks
    assert not leakage_test(TargetEncoder(), X, random.lognormal(size=500)).leaks
    labels = random.integers(0, 2, (500, 2))
    encoder = OneHotEncoder(handle_unknown="ignore")
    assert not leakage_test(encoder, X, labels).leaks


def test_few_rows_and_repeats_have_about_the_nominal_error_rate():
    verdicts = []
    for seed in range(8):
        X, y = categories(120, seed, n_categories=10)
        verdicts.append(leakage_test(TargetEncoder(), X, y, n_repeats=3, random_state=seed).leaks)
    assert sum(verdicts) <= 1


def test_pooled_ranks_would_find_a_false_leak_in_target_encoder():
    """Within one fit, out-of-fold features have an AUC below 0.5; across fits they do not."""
    pooled = []
    for seed in range(200):
        X, y = categories(300, seed, n_categories=5)
        features = TargetEncoder().fit_transform(X, y)[:, 0]
        pooled.append(roc_auc_score(y, features))
    assert np.mean(pooled) + 3 * np.std(pooled) / np.sqrt(200) < 0.5
    result = leakage_test(TargetEncoder(), X, y, n_repeats=40)
    association = finding(result, "association")
    assert association.low < association.score < association.high


# Groups


def test_an_encoder_that_ignores_groups_leaks_with_groups_only():
    """Rows of a group are alike in X and in y; folds by row learn the group from its other rows."""
    _, y, groups = grouped()
    X = np.eye(40)[groups]
    assert leakage_test(OutOfFold(), X, y, groups=groups, n_repeats=10).leaks is True
    assert not leakage_test(OutOfFold(), X, y, n_repeats=10).leaks


def test_no_leak_is_found_in_group_features_without_the_base_rate():
    X, y, groups = grouped()
    encoder = OutOfFold(cv=GroupKFold(5))
    assert not leakage_test(encoder, X, y, groups=groups).leaks


def test_a_leak_is_found_in_the_base_rate_of_models_without_some_groups():
    X, y, groups = grouped()
    encoder = OutOfFold(cv=LeaveOneGroupOut(), relative=False)
    result = leakage_test(encoder, X, y, groups=groups, n_repeats=10)
    assert finding(result, "association").score < finding(result, "association").low
    assert finding(result, "tree").leaks


def test_fit_parameters_go_with_the_rows():
    seen = {}

    class Records(CopiesTarget):
        def fit_transform(self, X, y, groups=None, weight=None, names=None):
            seen.update(X=X, groups=groups, weight=weight, names=names)
            return self.transform(X)

    X, y, groups = grouped()
    table = pd.DataFrame({"row": np.arange(500.0)})
    params = {"weight": np.arange(500), "names": ["a"]}
    leakage_test(Records(), table, y, groups=groups, fit_params=params, n_repeats=2)
    rows = seen["X"]["row"].to_numpy().astype(int)
    assert 250 < len(rows) < 450
    assert np.array_equal(seen["weight"], rows)
    assert np.array_equal(seen["groups"], groups[rows])
    assert seen["names"] == ["a"]
    held_out = np.setdiff1d(np.arange(500), rows)
    assert not np.intersect1d(groups[rows], groups[held_out]).size


def test_own_folds_are_compared_within():
    """A level per fold that tells the fold's own mean is no order of rows within it."""

    class Levels(CopiesTarget):
        known = True

        def fit_transform(self, X, y):
            fold = np.arange(len(y)) % 5
            parts = [np.flatnonzero(fold == k) for k in range(5)]
            if self.known:
                assignments = [SimpleNamespace(predict=rows) for rows in parts]
                give_plan(self, SimpleNamespace(n_rows=len(y), assignments=assignments))
            return np.array([y[parts[k]].mean() for k in fold])[:, None]

    class Unknown(Levels):
        known = False

    X, y = noise(200)
    known, unknown = (leakage_test(e(), X, y) for e in (Levels, Unknown))
    assert not finding(known, "association").leaks
    assert finding(unknown, "association").leaks
    assert finding(known, "tree").leaks


@pytest.mark.parametrize("sizes", [[7] * 12, list(range(3, 20))])
def test_groups_exchange_targets_whole(sizes):
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    y = np.where(np.arange(len(groups)) % 10 == 0, np.nan, groups + 0.5)
    target = read_target(y, n_rows=len(y), target_type="continuous")
    rows = np.sort(np.random.default_rng(1).permutation(len(y))[: len(y) - 5])
    shuffler = Shuffler(target, groups, rows)
    sources = shuffler.draw(np.random.default_rng(2))
    labelled = np.isfinite(y[rows])
    assert np.array_equal(np.isfinite(y[sources]), labelled)
    donors = pd.Series(groups[sources][labelled]).groupby(groups[rows][labelled])
    assert (donors.nunique() == 1).all()
    assert sorted(donors.first()) == np.unique(groups[rows][labelled]).tolist()
    for _, part in pd.Series(sources[labelled]).groupby(groups[rows][labelled]):
        counts = part.value_counts()
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(donors.first(), donors.first().index)


def test_rows_without_a_target_keep_none_and_are_not_scored():
    X, y = noise(600)
    holes = y.astype(float)
    holes[::7] = np.nan
    seen = []

    class Sees(CopiesTarget):
        def fit_transform(self, X, y):
            seen.append(np.isnan(y).mean())
            features = self.transform(X)
            features[np.isnan(y)] = 9.0
            return features

    assert not leakage_test(Sees(), X, holes, n_repeats=10).leaks
    assert seen == pytest.approx([1 / 7] * 10, abs=0.03)


def test_scores_of_targets():
    target = read_target(["b", "a", None, "c"], n_rows=4)
    expected = [[0, 1, 0], [1, 0, 0], [np.nan] * 3, [0, 0, 1]]
    np.testing.assert_array_equal(target_scores(target), expected)
    target = read_target([5.5, 1e9, np.nan, -3.0], n_rows=4)
    np.testing.assert_allclose(target_scores(target)[:, 0], [2 / 3, 1, np.nan, 1 / 3])


# Input and result


def test_the_same_seed_gives_the_same_result_and_leaves_global_state_alone():
    X, y = noise(200)
    encoder = OutOfFold()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = (leakage_test(encoder, X, y, n_repeats=3, random_state=4) for _ in range(2))
    assert str(first) == str(again)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    other = leakage_test(encoder, X, y, n_repeats=3, random_state=5)
    assert str(first) != str(other)
    assert not hasattr(encoder, "model_")


@pytest.mark.parametrize("form", ["frame", "list", "polars", "sparse"])
def test_any_container_of_rows(form):
    import polars as pl
    from scipy.sparse import csr_array

    X, y = noise(120)
    made = {
        "frame": lambda: pd.DataFrame(X, columns=list("abcd"), index=np.arange(120)[::-1]),
        "list": lambda: X.tolist(),
        "polars": lambda: pl.DataFrame(X, schema=list("abcd")),
        "sparse": lambda: csr_array(X),
    }[form]()
    encoder = StandardScaler(with_mean=form != "sparse")
    targets = pd.Series(y, index=np.arange(120) + 7)
    result = leakage_test(encoder, made, targets, n_repeats=2)
    plain = leakage_test(StandardScaler(with_mean=form != "sparse"), X, y, n_repeats=2)
    assert finding(result, "association").score == pytest.approx(
        finding(plain, "association").score
    )


def test_the_frame_shows_every_finding():
    X, y = noise(200)
    result = leakage_test(StandardScaler(), X, y, n_repeats=3)
    frame = result.to_frame()
    assert frame["name"].tolist() == [
        "association",
        "tree",
        "tree within a fit",
        "train against fresh",
        "certain rows within a fit",
        "neighbouring rows",
    ]
    assert frame["leaks"].any() == result.leaks
    assert (frame["high"] > frame["expected"]).all()
    assert all(len(found.repeats) == 3 for found in result.findings)


@pytest.mark.parametrize("n_repeats", [1, 0, 2.5])
def test_a_single_repeat_is_refused(n_repeats):
    X, y = noise(100)
    with pytest.raises(ValueError, match="single repeat.*Received: n_repeats="):
        leakage_test(StandardScaler(), X, y, n_repeats=n_repeats)


def test_what_cannot_be_tested_is_refused():
    X, y = noise(100)
    with pytest.raises(TypeError, match="LogisticRegression, which has no fit_transform"):
        leakage_test(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match="20 rows with a target for training"):
        leakage_test(StandardScaler(), X[:22], y[:22])
    with pytest.raises(ValueError, match="6 groups"):
        leakage_test(StandardScaler(), X, y, groups=np.arange(100) % 4)
    with pytest.raises(ValueError, match="n_fresh must be.*Received: n_fresh=100"):
        leakage_test(StandardScaler(), X, y, n_fresh=100)
    with pytest.raises(ValueError, match="only one class"):
        leakage_test(StandardScaler(), X, np.zeros(100, int))


def test_features_of_another_shape_or_kind_are_refused():
    class Odd(CopiesTarget):
        def __init__(self, what="rows"):
            self.what = what

        def fit_transform(self, X, y):
            made = {
                "rows": lambda: X[:-1],
                "words": lambda: np.full((len(X), 1), "word"),
                "width": lambda: X[:, : 1 + int(y[0])],
            }
            return made[self.what]()

    X, y = noise(100)
    with pytest.raises(ValueError, match="75 training rows and 25 fresh rows"):
        leakage_test(Odd("rows"), X, y)
    with pytest.raises(ValueError, match="features that are numbers"):
        leakage_test(Odd("words"), X, y)
    with pytest.raises(ValueError, match="same number in every repeat"):
        leakage_test(Odd("width"), X, y)


def test_an_error_in_the_encoder_says_in_which_repeat():
    class Fails(CopiesTarget):
        def fit_transform(self, X, y):
            raise RuntimeError("no")

    X, y = noise(100)
    with pytest.raises(RuntimeError, match="no") as raised:
        leakage_test(Fails(), X, y)
    assert raised.value.__notes__ == ["in repeat 1 of 20 of the leakage test"]
