"""What is taken off a fold model's output is its own level: features of noise know no targets.

The small form of ``make leaks``: fewer estimators, splits and replicates, intervals of 99.9 %.
"""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from checks import check_exact_influence
from scipy.sparse import csr_matrix
from scipy.stats import t
from sklearn.base import is_regressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from textcnn import OutOfFoldEncoder
from textcnn.fit import estimators, network_jobs
from textcnn.fit.linear_models import CentredLogisticRegression
from textcnn.fit.models import FoldModel

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
N_REPLICATES = 8


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield runpy.run_path(str(BENCHMARKS / "leaks.py"))
    finally:
        sys.path.remove(str(BENCHMARKS))


def replicates(benchmark, name, kind, split):
    case = next(c for c in benchmark["cases"]() if (c.name, c.kind) == (name, kind))
    return np.array([benchmark["associations"](case, split, seed) for seed in range(N_REPLICATES)])


def interval(scores, level=0.001):
    """Return the interval of the mean association of each output, Bonferroni over outputs."""
    half = t.isf(level / 2 / scores.shape[1], len(scores) - 1)
    half = half * scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
    return scores.mean(axis=0) - half, scores.mean(axis=0) + half


@pytest.mark.filterwarnings("ignore")  # of splits whose targets differ, on purpose
@pytest.mark.parametrize(
    ("name", "kind", "split"),
    [
        ("logistic, balanced", "binary", "unequal groups"),
        ("complement Bayes", "binary", "unequal groups"),
        ("25 neighbours", "binary", "time"),
        ("forest, balanced", "binary", "unequal groups"),
        ("linear SVM, balanced", "binary", "unequal groups"),
        ("logistic, balanced", "multiclass", "unequal groups"),
        ("logistic per label, balanced", "multilabel", "unequal groups"),
        ("SVR", "continuous", "unequal groups"),
        ("ridge of log(1 + y)", "continuous", "sorted"),
        ("TextLinearEncoder, C=100", "binary", "unequal groups"),
        ("TextLinearEncoder, weight 50", "binary", "unequal groups"),
        ("logistic, weight 5", "binary", "unequal groups"),
        ("ridge, weight 5", "continuous", "unequal groups"),
        ("TextCNNEncoder", "multiclass", "unequal groups"),
        ("TextCNNEncoder, Poisson", "continuous", "unequal groups"),
        ("TextCNNEncoder, weight 5", "binary", "unequal groups"),
    ],
)
def test_features_of_noise_know_no_targets(benchmark, name, kind, split):
    low, high = interval(replicates(benchmark, name, kind, split))
    assert (low <= 0).all(), f"{name}, {split}: associations from {low} to {high}"
    assert (high >= 0).all(), f"{name}, {split}: associations from {low} to {high}"


@pytest.mark.filterwarnings("ignore")
def test_the_prior_of_the_targets_is_not_the_level_of_a_balanced_model(benchmark, monkeypatch):
    monkeypatch.setattr(estimators, "output_level", lambda *given: given[-2])
    low, _ = interval(replicates(benchmark, "logistic, balanced", "binary", "unequal groups"))
    assert low > 0.05  # so the test above has the power to see it


@pytest.mark.filterwarnings("ignore")
def test_a_network_without_its_mean_output_would_reveal_base_rates(benchmark, monkeypatch):
    name = "TextCNNEncoder, long texts"
    features = replicates(benchmark, name, "binary", "unequal groups")
    low, high = interval(features)
    assert (low <= 0).all() and (high >= 0).all()
    monkeypatch.setattr(network_jobs, "with_mean_output", FoldModel)
    raw = replicates(benchmark, name, "binary", "unequal groups")
    _, high = interval(raw - features)  # the same networks
    assert (high < -0.02).all()


def unequal_groups(n_groups=5, size=12, seed=0):
    """Return numbers that are noise, classes of unequal share per group, and the groups."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), size)
    y = (random.random(len(groups)) < np.linspace(0.2, 0.8, n_groups)[groups]).astype(int)
    return random.random((len(groups), 4)), y, groups


def features_of(estimator, X, y, groups, **fit_params):
    output = "proba" if is_regressor(estimator) else "logit"
    encoder = OutOfFoldEncoder(estimator, cv=LeaveOneGroupOut(), output=output, random_state=0)
    return encoder.fit_transform(X, y, groups=groups, **fit_params)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        DummyClassifier(),
        LogisticRegression(class_weight="balanced"),
        SGDClassifier(loss="log_loss", class_weight="balanced"),
        MultinomialNB(fit_prior=False),
        MultinomialNB(),
        ComplementNB(),
        BernoulliNB(),
        LinearSVC(class_weight="balanced"),
        KNeighborsClassifier(40),
        DecisionTreeClassifier(class_weight="balanced"),
        HistGradientBoostingClassifier(class_weight="balanced", max_iter=3),
        make_pipeline(MaxAbsScaler(), BernoulliNB()),
        DummyRegressor(strategy="median"),
        DummyRegressor(strategy="quantile", quantile=0.7),
        QuantileRegressor(),
        SVR(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_model_that_can_learn_nothing_gives_exactly_zero(estimator):
    X, y, groups = unequal_groups()
    is_regressor = estimator.__sklearn_tags__().estimator_type == "regressor"
    y = y + np.random.default_rng(0).random(len(y)) if is_regressor else y
    assert (features_of(estimator, np.ones_like(X), y, groups) == 0).all()


@pytest.mark.filterwarnings("ignore")
def test_what_predicts_is_found_in_a_search_and_a_pipeline():
    X, y, groups = unequal_groups()
    plain = features_of(MultinomialNB(), X, y, groups)
    search = GridSearchCV(make_pipeline(MultinomialNB()), {"multinomialnb__alpha": [1.0]}, cv=2)
    for same in (make_pipeline("passthrough", MultinomialNB()), search):
        np.testing.assert_array_equal(features_of(same, X, y, groups), plain)


@pytest.mark.filterwarnings("ignore")
def test_several_outputs_have_a_level_each():
    X, y, groups = unequal_groups()
    several = np.stack([y, 1 - y], axis=1)
    balanced = MultiOutputClassifier(LogisticRegression(class_weight="balanced"))
    assert (features_of(balanced, np.ones_like(X), several, groups) == 0).all()
    numbers = several + np.random.default_rng(0).random(several.shape)
    each = MultiOutputRegressor(DummyRegressor(strategy="median"))
    assert (features_of(each, X, numbers, groups) == 0).all()


@pytest.mark.filterwarnings("ignore")
def test_rows_count_equally_in_the_level():
    X, y, groups = unequal_groups()
    numbers = y + np.random.default_rng(0).random(len(y))
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    weights[::7] = 0
    features = features_of(SVR(), X, numbers, groups, sample_weight=weights)[:, 0]
    for train, test in LeaveOneGroupOut().split(X, y, groups):
        train = train[weights[train] > 0]
        model = SVR().fit(X[train], numbers[train], weights[train])
        level = model.predict(X[train]).mean()
        of_targets = np.average(numbers[train], weights=weights[train])
        variance = np.average((numbers[train] - of_targets) ** 2, weights=weights[train])
        relative = (model.predict(X[test]) - level) / np.sqrt(variance)
        np.testing.assert_allclose(features[test], relative, atol=5e-5)


@pytest.mark.filterwarnings("ignore")
def test_certainty_is_the_same_number_in_every_model():
    X, y, groups = unequal_groups()
    trees = ExtraTreesClassifier(1, bootstrap=False, random_state=0)
    assert set(features_of(trees, X, y, groups).ravel()) == {-20.0, 20.0}


@pytest.mark.filterwarnings("ignore::textcnn.FoldLevelWarning")  # of the neighbours
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(class_weight="balanced"), MultinomialNB(), KNeighborsClassifier(5)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_level_keeps_the_influence_exact(estimator):
    X, y, groups = unequal_groups()
    folds = [(train, test) for train, test in LeaveOneGroupOut().split(X, y, groups)]

    def exchange(targets, rows):
        changed = targets.copy()
        changed[rows] = 1 - changed[rows]
        return changed

    check_exact_influence(OutOfFoldEncoder(estimator, random_state=0), X, y, folds, exchange)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_linear_members_level_is_its_mean_logit(n_classes):
    random = np.random.default_rng(0)
    X = csr_matrix(random.random((60, 8)).astype(np.float32))
    y = random.integers(0, n_classes, 60)
    weights = random.uniform(0.5, 2, 60)
    model = CentredLogisticRegression(C=30.0, max_iter=200, tol=1e-6).fit(X, y, weights)
    logits = np.log(model.predict_proba(X))
    logits = logits - logits.mean(axis=1, keepdims=True)
    mean = logits.mean(axis=0)
    expected = mean[1:] - mean[:1] if n_classes == 2 else mean
    np.testing.assert_allclose(model.level_, expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_ridge_has_the_mean_of_its_targets_without_a_pass_over_its_rows(monkeypatch):
    X, y, groups = unequal_groups()
    levels = []
    original = estimators.output_level

    def remember(estimator, method, take_rows, values, *others):
        levels.append(original(estimator, method, None, values, *others).centre[0] - values.mean())
        return original(estimator, method, take_rows, values, *others)

    monkeypatch.setattr(estimators, "output_level", remember)
    features_of(Ridge(), X, y.astype(float) + 0.5, groups)
    np.testing.assert_allclose(levels, 0, atol=1e-12)
