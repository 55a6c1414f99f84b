"""Any split, any target: features do not depend on data that a row's models must not see."""

import numpy as np
import pandas as pd
import pytest
from checks import check_unseen_targets, noise_table, signal_table, tiny
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from inside import network_of
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.tree import DecisionTreeClassifier
from test_encoders import BiasOnly

KINDS = ["binary", "multiclass", "continuous", "multilabel", "multioutput"]
N_ROWS = 60


def targets_of(kind, seed, n_rows=N_ROWS):
    """Return targets as floats, so that some can be missing."""
    random = np.random.default_rng(seed)
    if kind == "binary":
        return random.permutation(np.resize([0.0, 1.0], n_rows))
    if kind == "multiclass":
        return random.permutation(np.resize([0.0, 1.0, 2.0], n_rows))
    if kind == "continuous":
        return random.normal(size=n_rows)
    if kind == "multilabel":
        return random.permuted(np.resize([[0.0, 1.0], [1.0, 0.0]], (n_rows, 2)), axis=0)
    return random.normal(size=(n_rows, 2))


def change_of(kind):
    """Return a change of some rows' targets that keeps the kind and the classes."""

    def change(y, rows):
        changed = y.copy()
        if kind == "multiclass":
            changed[rows] = (y[rows] + 1) % 3
        elif kind in ("continuous", "multioutput"):
            changed[rows] = 0.7 - 2 * y[rows][::-1]
        else:
            changed[rows] = 1 - y[rows]
        return changed

    return change


# No leak, whatever the plan


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(3, shuffle=True),
        StratifiedKFold(3),
        GroupKFold(3),
        LeaveOneGroupOut(),
        RepeatedKFold(n_splits=2, n_repeats=2),
        ShuffleSplit(3, test_size=0.3),
        TimeSeriesSplit(3, gap=1),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
# Each example is two fits, so a failing one is not made smaller.
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data())
def test_unseen_targets_are_ignored_under_any_plan(splitter, data):
    kind = data.draw(st.sampled_from(KINDS), label="kind")
    seed = data.draw(st.integers(0, 2**16), label="seed")
    row = data.draw(st.integers(0, N_ROWS - 1), label="row")
    random = np.random.default_rng([seed, 1])
    y = targets_of(kind, seed)
    fit_params = {}
    if isinstance(splitter, GroupKFold | LeaveOneGroupOut):
        fit_params["groups"] = random.permutation(np.arange(N_ROWS) % 4)
    if isinstance(splitter, TimeSeriesSplit) and data.draw(st.booleans(), label="time"):
        fit_params["time"] = random.integers(0, 30, N_ROWS)
    if data.draw(st.booleans(), label="weights"):
        fit_params["sample_weight"] = np.where(
            random.random(N_ROWS) < 0.2, 0.0, random.uniform(0.5, 2, N_ROWS)
        )
    if data.draw(st.booleans(), label="missing"):
        y[random.random(N_ROWS) < 0.15] = np.nan
    if isinstance(splitter, StratifiedKFold):
        # Its folds look at y; as row numbers they stay where they are.
        strata = np.nan_to_num(y.reshape(N_ROWS, -1)[:, 0] > 0)
        splitter = list(splitter.split(strata, strata))
    encoder = tiny(
        cv=splitter,
        target_type=kind,
        uncovered="nan",
        early_stopping=data.draw(st.booleans(), label="early_stopping"),
        unlabelled=data.draw(st.sampled_from(["fold", "mean"]), label="unlabelled"),
    )
    X = signal_table(N_ROWS, 0)[0]
    check_unseen_targets(encoder, X, y, row, change_of(kind), **fit_params)


BIAS_ONLY = BiasOnly()


@pytest.mark.filterwarnings("ignore:The targets of fold")  # they differ on purpose
@pytest.mark.parametrize(
    "splitter",
    [
        KFold(3),
        StratifiedKFold(3),
        GroupKFold(3),
        LeaveOneGroupOut(),
        LeavePGroupsOut(2),
        PredefinedSplit(np.arange(N_ROWS) % 4 - 1),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2),
        ShuffleSplit(3, test_size=0.3),
        TimeSeriesSplit(3),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_a_network_of_its_level_alone_is_constant_under_any_splitter(splitter):
    X = signal_table(N_ROWS, 0)[0]
    groups = np.repeat(np.arange(5), 12)
    y = (np.random.default_rng(0).random(N_ROWS) < np.linspace(0.1, 0.9, 5)[groups]).astype(int)
    y[np.arange(N_ROWS) % 12 < 2] = np.arange(N_ROWS)[np.arange(N_ROWS) % 12 < 2] % 2
    needs_groups = isinstance(splitter, GroupKFold | LeaveOneGroupOut | LeavePGroupsOut)
    encoder = tiny(cv=splitter, network=BIAS_ONLY, uncovered="nan")
    features = encoder.fit_transform(X, y, groups=groups if needs_groups else None)
    covered = encoder.report_.plan.n_predictions > 0
    assert (features[covered] == np.float32(0.5)).all()
    assert (encoder.transform(signal_table(9, 1)[0]) == np.float32(0.5)).all()
    priors = np.concatenate(encoder.report_.columns[0].prior)
    assert np.ptp(priors) > 0 or isinstance(splitter, RepeatedStratifiedKFold | StratifiedKFold)


def tree_over_groups(feature, y, groups):
    """Mean AUC of a shallow tree on one feature, over folds of whole groups."""
    tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=20, random_state=0)
    scores = []
    for train, test in GroupKFold(5).split(feature, y, groups):
        tree.fit(feature[train, None], y[train])
        scores.append(roc_auc_score(y[test], tree.predict_proba(feature[test, None])[:, 1]))
    return np.mean(scores)


class FaintText:
    """A user's network that hears little of the text, so that any base level would be louder."""

    def __call__(self, dim):
        import keras

        vectors = keras.Input((None, dim))
        pooled = keras.layers.GlobalAveragePooling1D()(vectors)
        return keras.Model(vectors, keras.layers.Rescaling(0.03)(pooled))


def test_base_rates_of_forty_groups_do_not_show():
    """A model's base rate reveals the mean held-out target; features must not contain it."""
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 20)
    y = (random.random(800) < random.permutation(np.linspace(0.1, 0.9, 40))[groups]).astype(int)
    X = noise_table(800, 1)[0]
    encoder = tiny(cv=LeaveOneGroupOut(), network=FaintText())
    feature = encoder.fit_transform(X, y, groups=groups)[:, 0]
    with_level = np.empty(800)
    predictions = encoder.report_.columns[0].predictions
    for assignment, predicted in zip(encoder.report_.plan.assignments, predictions, strict=True):
        with_level[assignment.predict] = predicted[:, 0]
    assert len(np.unique(feature)) > 700, "a constant feature would pass"
    assert tree_over_groups(with_level, y, groups) > 0.7
    assert 0.4 < tree_over_groups(feature, y, groups) < 0.6


# Time


def test_rows_in_any_order_have_the_plan_of_sorted_rows():
    X, y = signal_table(120, 0)
    stamps = np.arange(120) // 5
    order = np.random.default_rng(0).permutation(120)
    settings_of_both = {"cv": TimeSeriesSplit(3), "uncovered": "nan", "epochs": 20}
    in_order, shuffled = tiny(**settings_of_both), tiny(**settings_of_both)
    sorted_features = in_order.fit_transform(X, y, time=stamps)[:, 0]
    features = shuffled.fit_transform(X.iloc[order], y[order], time=stamps[order])[:, 0]
    for one, other in zip(
        in_order.report_.plan.assignments, shuffled.report_.plan.assignments, strict=True
    ):
        for part in ("learn", "stop", "predict"):
            assert np.array_equal(getattr(one, part), np.sort(order[getattr(other, part)]))
    np.testing.assert_array_equal(np.isnan(features), np.isnan(sorted_features[order]))
    late = ~np.isnan(features)
    assert late.sum() == 90
    assert np.corrcoef(features[late], sorted_features[order][late])[0, 1] > 0.5
    for fed in shuffled.report_.columns[0].fed:
        times = stamps[order]
        assert times[fed["learn"]].max() < times[fed["predict"]].min()
    assert len(network_of(shuffled).models) == 1, "in order of time the refit model serves"
    assert shuffled.report_.notes == []


def test_equal_stamps_stay_on_one_side_and_the_latest_rows_stop():
    X, y = signal_table(90, 0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(90) // 7, unit="D")
    order = np.random.default_rng(1).permutation(90)
    encoder = tiny(cv=3, uncovered=-1.0, early_stopping=True)
    encoder.set_output(transform="pandas")
    features = encoder.fit_transform(X, y, time=stamps[order])
    days = np.asarray(stamps[order])
    for fed in encoder.report_.verify().columns[0].fed:
        assert days[fed["learn"]].max() < days[fed["stop"]].min()
        assert days[fed["stop"]].max() < days[fed["predict"]].min()
    assert features.columns.tolist() == ["review_cnn"]
    first = np.isin(np.arange(90), encoder.report_.plan.uncovered)
    assert (features.loc[first, "review_cnn"] == -1).all()
    assert days[first].max() < days[~first].min()
    new = encoder.transform(signal_table(5, 1)[0])
    assert new.columns.tolist() == features.columns.tolist()


def test_without_time_the_report_notes_that_row_order_is_used():
    X, y = signal_table(N_ROWS, 0)
    encoder = tiny(cv=TimeSeriesSplit(2), uncovered="nan").fit(X, y)
    assert "row order is used as time" in encoder.report_.notes[0]
    assert "row order is used as time" in str(encoder.report_)
    assert len(network_of(encoder).models) == 1
    with pytest.raises(ValueError, match=r"first rows in time[\s\S]*uncovered=\"nan\""):
        tiny(cv=TimeSeriesSplit(2)).fit(X, y)
    with pytest.raises(ValueError, match=r"uncovered=0\.5 is neutral"):
        tiny(cv=TimeSeriesSplit(2)).fit(X, y)


# Several predictions, none, and rows without a target


def test_repeats_give_a_mean():
    X, y = signal_table(N_ROWS, 0)
    X["title"] = X["review"]
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=3, random_state=0)
    encoder = tiny(cv=cv)
    features = encoder.fit_transform(X, y)
    names = ["review_cnn", "title_cnn"]
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.get_feature_names_out(["review", "title"]).tolist() == names
    assert (encoder.report_.plan.n_predictions == 3).all()
    record = encoder.report_.verify().columns[0]
    target, plan = encoder.report_.target, encoder.report_.plan
    levels = [model.level for model in network_of(encoder).models]
    expected = [[] for _ in range(N_ROWS)]
    for assignment, predicted, level in zip(
        plan.assignments, record.predictions, levels, strict=True
    ):
        # The level off again: the logit less the prior's.
        raw = np.log(predicted) - np.log1p(-predicted) - level.offset
        for row, value in zip(assignment.predict, target.features(raw, level)[:, 0], strict=True):
            expected[row].append(value)
    np.testing.assert_allclose(features[:, 0], np.mean(expected, axis=1), atol=1e-5)
    assert (np.std(expected, axis=1) > 0).mean() > 0.9
    assert encoder.transform(X.iloc[:7]).shape == (7, 2)


def test_predefined_folds_with_rows_that_are_always_training_rows():
    X, y = signal_table(N_ROWS, 0)
    fold = np.arange(N_ROWS) % 4 - 1
    encoder = tiny(cv=PredefinedSplit(fold), uncovered="nan")
    features = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(np.isnan(features[:, 0]), fold == -1)
    np.testing.assert_array_equal(encoder.report_.plan.uncovered, np.flatnonzero(fold == -1))
    for number, fed in enumerate(encoder.report_.verify().columns[0].fed):
        assert np.array_equal(fed["predict"], np.flatnonzero(fold == number))
        assert np.array_equal(fed["learn"], np.flatnonzero(fold != number))


@pytest.mark.parametrize("unlabelled", ["fold", "mean"])
def test_rows_without_a_target_are_not_trained_on_but_get_features(unlabelled):
    X, y = signal_table(N_ROWS, 0)
    missing = np.arange(N_ROWS) % 4 == 0
    y = np.where(missing, None, np.array(["bad", "good"], object)[y])
    encoder = tiny(unlabelled=unlabelled)
    features = encoder.fit_transform(X, y)
    assert np.isfinite(features).all()
    assert encoder.classes_.tolist() == ["bad", "good"]
    for fed in encoder.report_.verify().columns[0].fed:
        assert not missing[fed["learn"]].any()
    counts = encoder.report_.plan.n_predictions
    assert (counts[~missing] == 1).all()
    assert (counts[missing] == (1 if unlabelled == "fold" else 3)).all()
    assert encoder.report_.scores["n_rows"].sum() == (~missing).sum()
