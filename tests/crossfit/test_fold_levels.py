"""Splits under which features name their folds are warned of, and refused where it is certain."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    RepeatedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from textcnn import OutOfFoldEncoder, TableFeatures, TextCNNEncoder, TextLinearEncoder
from textcnn.crossfit import make_fold_plan, read_target
from textcnn.crossfit.fold_levels import (
    FoldLevelWarning,
    between_folds,
    check_repeated_documents,
    own_value_share,
    parted_share,
)

RANDOM = np.random.default_rng(0)


def plan_of(cv, n_rows, **changes):
    target = read_target(RANDOM.permutation(np.arange(n_rows) % 2), n_rows=n_rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_fold_plan(cv, target, random_state=0, **changes)


def copies(n_documents, n_copies):
    hashes = np.repeat(np.arange(1, n_documents + 1), n_copies).astype(np.uint64)
    return RANDOM.permutation(hashes)


@pytest.mark.parametrize(
    ("n_documents", "n_copies", "n_folds"),
    [(3, 20, 10), (10, 20, 20), (20, 10, 10), (20, 10, 20), (10, 4, 10)],
)
def test_few_documents_under_many_folds_are_warned_of(n_documents, n_copies, n_folds):
    n_rows = n_documents * n_copies
    plan = plan_of(KFold(n_folds, shuffle=True, random_state=0), n_rows)
    with pytest.warns(FoldLevelWarning, match=f"{n_documents} different documents"):
        check_repeated_documents(plan, copies(n_documents, n_copies))


@pytest.mark.parametrize(("n_documents", "n_copies"), [(3, 20), (10, 4), (50, 4)])
def test_few_documents_under_leave_one_out_are_refused(n_documents, n_copies):
    plan = plan_of(LeaveOneOut(), n_documents * n_copies)
    with pytest.raises(ValueError, match="Received: .* copies of each on average"):
        check_repeated_documents(plan, copies(n_documents, n_copies))


@pytest.mark.parametrize(
    ("n_documents", "n_copies", "cv"),
    [(4, 10, 5), (20, 20, 5), (100, 4, KFold(20)), (200, 1, LeaveOneOut())],
)
def test_what_tells_nothing_is_not_warned_of(n_documents, n_copies, cv):
    check_repeated_documents(plan_of(cv, n_documents * n_copies), copies(n_documents, n_copies))


def test_copies_kept_in_one_fold_are_not_warned_of():
    hashes = copies(20, 10)
    check_repeated_documents(plan_of(10, 200, groups=hashes), hashes)


def test_models_of_earlier_rows_are_not_warned_of():
    plan = plan_of(TimeSeriesSplit(10), 200, uncovered="nan")
    check_repeated_documents(plan, copies(10, 20))


def test_repeats_bring_out_what_a_single_split_hides():
    hashes = copies(10, 20)
    check_repeated_documents(plan_of(KFold(5, shuffle=True, random_state=0), 200), hashes)
    with pytest.warns(FoldLevelWarning, match="Repeated splits are worse"):
        check_repeated_documents(
            plan_of(RepeatedKFold(n_splits=5, n_repeats=4, random_state=0), 200), hashes
        )


def test_the_encoders_ask():
    texts = np.array([f"text number {'abc'[i % 3] * 3}" for i in range(60)])
    y = RANDOM.permutation(np.arange(60) % 2)
    with pytest.raises(ValueError, match="3 different documents"):
        TextLinearEncoder(cv=LeaveOneOut()).fit_transform(texts[:, None], y)
    with pytest.warns(FoldLevelWarning, match="groups=.documents"):
        TextLinearEncoder(cv=20, random_state=0).fit_transform(texts[:, None], y)


def noise(n_rows=160, n_groups=8):
    groups = np.repeat(np.arange(n_groups), n_rows // n_groups)
    y = (RANDOM.random(n_rows) < np.linspace(0.1, 0.9, n_groups)[groups]).astype(int)
    return RANDOM.normal(size=(n_rows, 5)), y, groups


FOREST = RandomForestClassifier(8, random_state=0)


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(5), FOREST])
def test_few_values_under_groups_of_unequal_targets_are_warned_of(estimator):
    X, y, groups = noise()
    encoder = OutOfFoldEncoder(estimator, cv=LeaveOneGroupOut(), random_state=0)
    with pytest.warns(FoldLevelWarning, match="a value reveals its fold"):
        encoder.fit_transform(X, y, groups=groups)


def test_few_values_under_leave_one_out_are_refused():
    X, y, _ = noise()
    with pytest.raises(ValueError, match="with single rows, that of the row"):
        OutOfFoldEncoder(KNeighborsClassifier(5), cv=LeaveOneOut()).fit_transform(X, y)


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(5), FOREST])
def test_few_values_under_stratified_folds_are_not_warned_of(estimator):
    X, y, _ = noise()
    OutOfFoldEncoder(estimator, cv=5, random_state=0).fit_transform(X, y)


def test_outputs_that_spread_are_not_warned_of():
    X, y, groups = noise()
    encoder = OutOfFoldEncoder(LogisticRegression(), cv=LeaveOneGroupOut(), random_state=0)
    encoder.fit_transform(X, y, groups=groups)
    OutOfFoldEncoder(LogisticRegression(), cv=LeaveOneOut()).fit_transform(X[:40], y[20:60])


def test_the_share_of_parted_pairs():
    predictions = np.array([0.2, 0.4] * 10)
    assert parted_share(predictions, predictions) == 0
    assert parted_share(predictions, np.arange(20.0)) == 0  # no value comes again
    assert parted_share(predictions, predictions + np.repeat([0.0, 0.1], 10)) == 0.5


def test_the_share_of_variance_between_folds():
    models = np.repeat([0, 1], 10)
    assert between_folds(np.repeat([0.0, 1.0], 10)[:, None], models) == 1
    assert between_folds(np.tile([0.0, 1.0], 10)[:, None], models) == 0
    assert between_folds(np.ones((20, 1)), models) == 0


def test_the_share_of_rows_with_a_value_of_their_fold_alone():
    models, documents = np.repeat([0, 1], 10), np.arange(20)
    own = np.repeat([0.1, 0.2], 10)
    assert own_value_share(own, models, documents) == 1
    assert own_value_share(np.full(20, 0.1), models, documents) == 0
    assert own_value_share(np.arange(20.0), models, documents) == 0  # no value comes again
    assert own_value_share(own, models, np.tile([7, 8], 10)) == 1  # the same two documents
    assert own_value_share(own, models, np.repeat([7, 8], 10)) == 0  # a document in each fold


@pytest.mark.filterwarnings("ignore:.*different documents occur")
def test_texts_that_occur_in_every_group_are_warned_of():
    texts = np.array(["good wine", "bad wine", "corked"] * 80)
    _, y, groups = noise(240)
    encoder = TextLinearEncoder(cv=LeaveOneGroupOut(), random_state=0)
    with pytest.warns(FoldLevelWarning, match="encode the column as a category"):
        encoder.fit_transform(texts[:, None], y, groups=groups)


@pytest.mark.parametrize("Encoder", [TextLinearEncoder, TextCNNEncoder])
def test_words_that_never_repeat_give_the_same_feature_in_every_fold(Encoder):
    texts = np.array([f"id{number}" for number in range(96)])
    _, y, groups = noise(96)
    encoder = Encoder(cv=LeaveOneGroupOut(), random_state=0)
    features = encoder.fit_transform(texts[:, None], y, groups=groups)
    if Encoder is TextCNNEncoder:
        assert (features == 0.5).all()
    assert own_value_share(features[:, 0], groups, np.arange(96)) == 0


def six_groups(values, seed=0):
    """Return noise of random words, y drawn by ``values(group, random)``, and six groups."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(6), 40)
    texts = [" ".join(f"w{word}" for word in random.integers(0, 99, 8)) for _ in groups]
    return np.array(texts)[:, None], values(groups, random), groups


def unequal_classes(groups, random):
    return (random.random(len(groups)) < np.linspace(0.1, 0.9, 6)[groups]).astype(int)


def fit_by_group(X, y, groups, **changes):
    return TextLinearEncoder(cv=LeaveOneGroupOut(), random_state=0, **changes).fit_transform(
        X, y, groups=groups
    )


def test_documents_in_several_unequal_groups_are_warned_of():
    X, y, groups = six_groups(unequal_classes)
    X = np.tile(X[:80], (3, 1))
    with pytest.warns(FoldLevelWarning, match="a document that occurs in several folds"):
        fit_by_group(X, y, groups)
    fit_by_group(X, RANDOM.permutation(y), groups)  # equal groups


def test_a_class_of_one_group_is_warned_of():
    X, y, groups = six_groups(
        lambda groups, random: (random.random(240) < np.where(groups == 5, 0.6, 0.03)).astype(int)
    )
    with pytest.warns(FoldLevelWarning, match="a class is so rare outside one fold"):
        fit_by_group(X, y, groups)
    TextLinearEncoder(cv=5, random_state=0).fit_transform(X, y)


def large_in_one_group(groups, random):
    return random.lognormal(size=len(groups)) * np.where(groups == 5, 20, 1)


@pytest.mark.filterwarnings("ignore::textcnn.FoldTargetWarning")
@pytest.mark.parametrize(
    "make",
    [
        lambda **given: TextLinearEncoder(**given),
        lambda **given: TextCNNEncoder(n_networks=1, **given),
        lambda **given: OutOfFoldEncoder(
            make_pipeline(TfidfVectorizer(), Ridge()), target_type="continuous", **given
        ),
    ],
    ids=["linear", "cnn", "ridge"],
)
def test_the_spread_of_features_does_not_reveal_large_targets(make):
    ratios = []
    for seed in range(3):
        X, y, groups = six_groups(large_in_one_group, seed)
        encoder = make(cv=LeaveOneGroupOut(), random_state=0)
        texts = X if isinstance(encoder, TextLinearEncoder | TextCNNEncoder) else X[:, 0]
        features = encoder.fit_transform(texts, y, groups=groups)[:, 0]
        ratios.append(features[groups == 5].std() / features[groups != 5].std())
    assert 0.6 < np.mean(ratios) < 1.6  # in units of y it is below 0.2


@pytest.mark.filterwarnings("ignore::textcnn.FoldTargetWarning")
def test_a_feature_of_numbers_is_in_standard_deviations():
    X, y, groups = six_groups(large_in_one_group)
    small, large = (
        TextLinearEncoder(cv=LeaveOneGroupOut(), random_state=0).fit_transform(
            X, factor * y, groups=groups
        )
        for factor in (1, 1000)
    )
    np.testing.assert_allclose(small, large, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::textcnn.FoldTargetWarning")
def test_large_values_in_random_folds_are_not_warned_of():
    X, _, _ = six_groups(unequal_classes)
    for seed in range(3):
        y = np.random.default_rng(seed).pareto(0.8, len(X))
        TextLinearEncoder(cv=5, random_state=seed).fit_transform(X, y)


def test_another_column_does_not_silence_the_warning():
    X, y, groups = six_groups(unequal_classes)
    texts = np.where(RANDOM.random((240, 1)) < 0.2, "", X)
    both = np.hstack([texts, X[::-1]])
    with pytest.warns(FoldLevelWarning, match="1 different documents"):
        fit_by_group(both, y, groups)
    with pytest.warns(FoldLevelWarning, match="1 different documents"):
        TableFeatures(["linear"], columns="all", cv=LeaveOneGroupOut(), random_state=0).fit(
            both, y, groups=groups
        )
