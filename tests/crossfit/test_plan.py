from __future__ import annotations

import datetime
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeavePGroupsOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from textcnn.crossfit import (
    Assignment,
    FoldPlan,
    FoldTargetWarning,
    make_fold_plan,
    read_target,
    whole_assignment,
)


def target_of(y, **options):
    return read_target(y, n_rows=len(y), **options)


def plan_of(cv, y, *, random_state=0, **options):
    return make_fold_plan(cv, target_of(y), random_state=random_state, **options)


def promises_by_hand(plan, labelled, weights, groups, time):
    """Oracle: the promises as loops over rows; returns the models that predict each row."""
    predicting = [[] for _ in range(plan.n_rows)]
    for model, part in enumerate(plan.assignments):
        learn, stop, predict = (
            set(rows.tolist()) for rows in (part.learn, part.stop, part.predict)
        )
        assert learn and predict
        assert not learn & predict and not stop & predict and not learn & stop
        for rows in (part.learn, part.stop, part.predict):
            assert rows.dtype == np.int64
            assert rows.tolist() == sorted(rows.tolist())
        for row in learn | stop:
            assert labelled[row]
            assert weights is None or weights[row] > 0
        for row in predict:
            predicting[row].append(model)
            for known in learn | stop:
                assert groups is None or groups[known] != groups[row]
                assert time is None or time[known] < time[row]
        for row in stop:
            for known in learn:
                assert groups is None or time is not None or groups[known] != groups[row]
                assert time is None or time[known] < time[row]
    return predicting


KINDS = ("binary", "multiclass", "continuous", "multilabel", "multioutput")


@st.composite
def tables(draw, with_groups=None, with_time=None):
    """Targets with gaps, weights with zeros, groups and times for a few dozen rows."""
    n_rows = draw(st.integers(12, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    kind = draw(st.sampled_from(KINDS))
    y = {
        "binary": lambda: rng.integers(0, 2, n_rows).astype(float),
        "multiclass": lambda: rng.integers(0, 3, n_rows).astype(float),
        "continuous": lambda: rng.normal(size=n_rows),
        "multilabel": lambda: rng.integers(0, 2, (n_rows, 2)).astype(float),
        "multioutput": lambda: rng.normal(size=(n_rows, 2)),
    }[kind]()
    y[rng.random(n_rows) < draw(st.sampled_from([0, 0.2, 0.5]))] = np.nan
    weights = None
    if draw(st.booleans()):
        weights = rng.integers(0, 3, n_rows).astype(float)
    groups = (
        rng.integers(0, 8, n_rows)
        if draw(st.booleans() if with_groups is None else st.just(with_groups))
        else None
    )
    time = (
        rng.integers(0, 15, n_rows)
        if draw(st.booleans() if with_time is None else st.just(with_time))
        else None
    )
    return y, kind, weights, groups, time


# Errors that a few dozen random rows may cause; a broken plan is not among them.
TOO_FEW = re.compile(
    "y has no values|y has only one class|on a row with a target|one group only|fewer training "
    "rows|Every class has fewer rows|have no training rows of a class|fewer groups than folds"
    "|different times|has no (training|test) rows|No validation rows|Cannot have number of"
    "|cannot be greater than|groups parameter contains fewer|needs two classes|has a single group"
    "|Too many splits|test_size|only zeros"
)


def planned(cv, table, **options):
    """Plan of a drawn table, or no example where its few rows cannot be split that way."""
    y, kind, weights, groups, time = table
    try:
        target = target_of(y, target_type=kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FoldTargetWarning)
            plan = make_fold_plan(
                cv, target, sample_weight=weights, groups=groups, time=time, **options
            )
    except ValueError as error:
        if not TOO_FEW.search(str(error)):
            raise
        assume(False)
    return target, plan


@settings(max_examples=120, deadline=None)
@given(
    table=tables(with_time=False),
    cv=st.one_of(
        st.integers(2, 4),
        st.sampled_from([KFold(3), KFold(3, shuffle=True), PredefinedSplit(np.arange(12) % 3)]),
    ),
    stop=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 100),
)
def test_every_row_is_predicted_by_exactly_the_models_that_do_not_know_it(table, cv, stop, seed):
    y, _, weights, groups, time = table
    if groups is not None and not isinstance(cv, int):
        cv = LeaveOneGroupOut() if seed % 2 else GroupKFold(3)
    if isinstance(cv, PredefinedSplit):
        cv = PredefinedSplit(np.arange(len(y)) % 3)
    target, plan = planned(cv, table, stop_fraction=stop, random_state=seed)
    predicting = promises_by_hand(plan, target.labelled, weights, groups, time)
    for row, models in enumerate(predicting):
        assert len(models) == 1
        if target.labelled[row] and (weights is None or weights[row] > 0):
            part = plan.assignments
            knowing = [
                k for k in range(plan.n_models) if row in part[k].learn or row in part[k].stop
            ]
            assert sorted(knowing + models) == list(range(plan.n_models))
    assert all((len(part.stop) > 0) == (stop > 0) for part in plan.assignments)


@settings(max_examples=80, deadline=None)
@given(
    table=tables(with_groups=False),
    cv=st.sampled_from([2, 3, TimeSeriesSplit(3), TimeSeriesSplit(2, gap=2, max_train_size=9)]),
    stop=st.sampled_from([0.0, 0.3]),
    unlabelled=st.sampled_from(["fold", "mean"]),
)
def test_time_order_is_kept_whatever_the_ties(table, cv, stop, unlabelled):
    y, _, weights, groups, time = table
    if time is None and isinstance(cv, int):
        cv = TimeSeriesSplit(cv)
    target, plan = planned(
        cv, table, stop_fraction=stop, uncovered="nan", unlabelled=unlabelled, random_state=0
    )
    order = np.arange(len(y)) if time is None else time
    promises_by_hand(plan, target.labelled, weights, groups, order)
    assert plan.ordered
    for stamp in np.unique(order):
        usable = target.labelled & (order == stamp) & (1 if weights is None else weights > 0)
        for part in plan.assignments:
            known = np.isin(np.flatnonzero(usable), np.append(part.learn, part.stop))
            assert known.all() or not known.any()
            if unlabelled == "fold":
                inside = np.isin(np.flatnonzero(order == stamp), part.predict)
                assert inside.all() or not inside.any()


@settings(max_examples=60, deadline=None)
@given(
    table=tables(with_time=False),
    kind=st.sampled_from(["repeated", "shuffle", "mean"]),
    seed=st.integers(0, 100),
)
def test_repeats_and_rows_that_some_models_leave_out(table, kind, seed):
    y, _, weights, groups, time = table
    if groups is None:
        cv = RepeatedKFold(n_splits=2, n_repeats=3) if kind == "repeated" else ShuffleSplit(4)
    else:
        cv = LeavePGroupsOut(2) if kind == "repeated" else GroupShuffleSplit(4)
    unlabelled = "mean" if kind == "mean" else "fold"
    target, plan = planned(cv, table, uncovered=0.5, unlabelled=unlabelled, random_state=seed)
    predicting = promises_by_hand(plan, target.labelled, weights, groups, time)
    counts = np.array([len(models) for models in predicting])
    assert plan.n_predictions.tolist() == counts.tolist()
    assert plan.uncovered.tolist() == np.flatnonzero(counts == 0).tolist()
    if kind == "repeated" and groups is None:
        assert (counts == 3).all()
    if kind == "mean" and groups is None:
        assert (counts[~target.labelled] == plan.n_models).all()


@settings(max_examples=50, deadline=None)
@given(table=tables(), seed=st.integers(0, 1000), stop=st.sampled_from([0.0, 0.3]))
def test_with_given_splits_a_target_touches_no_model_that_predicts_it(table, seed, stop):
    """Exact influence in a plan: training and validation rows and the base rate of a model."""
    y, kind, weights, _, _ = table
    rng = np.random.default_rng(seed)
    folds = PredefinedSplit(np.arange(len(y)) % 3)
    target, plan = planned(
        folds, (y, kind, weights, None, None), stop_fraction=stop, random_state=1
    )
    part = plan.assignments[0]
    changed = y.copy()
    changed[part.predict] = rng.permutation(changed[part.predict])
    other, again = planned(
        folds, (changed, kind, weights, None, None), stop_fraction=stop, random_state=1
    )
    same = again.assignments[0]
    assert part.learn.tolist() == same.learn.tolist()
    assert part.stop.tolist() == same.stop.tolist()
    level, same_level = target.level(part.learn), other.level(part.learn)
    assert level.offset.tobytes() == same_level.offset.tobytes()
    assert level.scale.tobytes() == same_level.scale.tobytes()
    values = target.training_values(part.learn, level)
    assert values.tobytes() == other.training_values(part.learn, same_level).tobytes()


def test_an_int_means_the_shuffled_form_that_suits_the_target():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 20)
    for part in plan_of(4, labels).assignments:
        assert np.unique(labels[part.predict], return_counts=True)[1].tolist() == [5, 5, 5]
        assert np.diff(part.predict).max() > 1  # not a block of a sorted table
    numbers = np.sort(rng.normal(size=60))
    parts = plan_of(4, numbers).assignments
    assert [len(part.predict) for part in parts] == [15] * 4
    assert max(abs(numbers[part.predict].mean()) for part in parts) < 0.6
    groups = np.repeat(np.arange(20), 3)
    for y in (labels, numbers):
        for part in plan_of(4, y, groups=groups).assignments:
            assert not set(groups[part.predict]) & set(groups[part.learn])
    assert len({len(part.predict) for part in plan_of(4, labels, groups=groups).assignments}) <= 2


def test_int_plans_follow_the_seed_and_leave_global_state_alone():
    y = np.arange(40) % 2
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    plans = [
        plan_of(cv, y, random_state=seed, stop_fraction=0.2)
        for seed in (0, 0, 1)
        for cv in (5, KFold(5, shuffle=True), RepeatedStratifiedKFold(n_splits=5, n_repeats=1))
    ]
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    rows = [[part.predict.tolist() for part in plan.assignments] for plan in plans]
    assert rows[:3] == rows[3:6]
    assert all(first != other for first, other in zip(rows[:3], rows[6:], strict=True))
    stops = [[part.stop.tolist() for part in plan.assignments] for plan in plans]
    assert stops[:3] == stops[3:6]


def test_a_seed_sequence_is_read_but_not_advanced():
    seed = np.random.SeedSequence(5, spawn_key=(2,))
    y = np.arange(30) % 3
    first, second = (plan_of(3, y, random_state=seed, stop_fraction=0.3) for _ in range(2))
    other = plan_of(3, y, random_state=np.random.SeedSequence(5), stop_fraction=0.3)
    assert seed.n_children_spawned == 0
    assert first.assignments[1].stop.tolist() == second.assignments[1].stop.tolist()
    assert first.assignments[1].predict.tolist() != other.assignments[1].predict.tolist()


@pytest.mark.parametrize(
    "cv",
    [
        KFold(4),
        StratifiedKFold(3, shuffle=True, random_state=1),
        StratifiedGroupKFold(3),
        GroupKFold(3),
        LeaveOneGroupOut(),
        RepeatedKFold(n_splits=3, n_repeats=2, random_state=3),
        GroupShuffleSplit(n_splits=3, random_state=0),
    ],
)
def test_a_splitter_splits_as_it_does_by_itself(cv):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 30)
    names = np.array([f"g{i}" for i in rng.integers(0, 6, 30)])
    groups = names if "Group" in type(cv).__name__ else None
    plan = plan_of(cv, y, groups=groups, uncovered="nan")
    expected = list(cv.split(np.zeros((30, 1)), y, groups))
    assert len(expected) == plan.n_models
    for part, (train, test) in zip(plan.assignments, expected, strict=True):
        assert part.learn.tolist() == sorted(train.tolist())
        assert part.predict.tolist() == sorted(test.tolist())


def test_time_series_split_in_row_order_and_by_time():
    y = np.tile([0, 1], 10)
    cv = TimeSeriesSplit(3, gap=2)
    plan = plan_of(cv, y, uncovered="nan")
    for part, (train, test) in zip(plan.assignments, cv.split(y), strict=True):
        assert (part.learn.tolist(), part.predict.tolist()) == (train.tolist(), test.tolist())
    assert plan.ordered
    assert plan.time.tolist() == list(range(20))
    assert plan.notes == (
        "row order is used as time: pass time= if the rows are not sorted by time",
    )
    newest_first = pd.date_range("2020-01-01", periods=20)[::-1]
    by_time = plan_of(cv, y, time=newest_first, uncovered="nan")
    assert by_time.notes == ()
    for part, same in zip(by_time.assignments, plan.assignments, strict=True):
        assert part.predict.tolist() == sorted(19 - same.predict)
        assert part.learn.tolist() == sorted(19 - same.learn)
    whole = plan_of(3, y, time=newest_first, uncovered=0.0)
    assert [len(part.predict) for part in whole.assignments] == [5, 5, 5]
    assert whole.uncovered.tolist() == [15, 16, 17, 18, 19]


def test_equal_times_stay_on_the_side_of_the_first():
    y = np.tile([0.5, 1.5], 6)
    time = [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]
    plan = plan_of(TimeSeriesSplit(2), y, time=time, uncovered="nan")
    first, second = plan.assignments
    assert first.learn.tolist() == [0, 1, 2, 3, 4, 5]  # by position it would end at row 3
    assert first.predict.tolist() == [6, 7]
    assert second.learn.tolist() == list(range(8))
    assert second.predict.tolist() == [8, 9, 10, 11]


TIMES = {
    "dates": pd.Series(pd.date_range("2020-01-01", periods=6)),
    "dates with a zone": pd.Series(pd.date_range("2020-01-01", periods=6, tz="UTC")),
    "python dates": [datetime.date(2020, 1, day) for day in range(1, 7)],
    "python datetimes": [datetime.datetime(2020, 1, day) for day in range(1, 7)],
    "numpy dates": np.arange("2020-01-01", "2020-01-07", dtype="M8[D]"),
    "spans": pd.to_timedelta(np.arange(6), unit="D"),
    "floats": np.linspace(-1, 1, 6),
    "nullable": pd.Series(range(6), dtype="Int64"),
    "objects": pd.Series(range(6), dtype=object),
    "polars": pl.Series([datetime.date(2020, 1, day) for day in range(1, 7)]),
}


@pytest.mark.parametrize("holder", TIMES)
def test_time_may_be_numbers_or_dates(holder):
    plan = plan_of(2, [0.5, 1, 2, 3, 4, 5], time=TIMES[holder], uncovered="nan")
    assert plan.time.tolist() == [0, 1, 2, 3, 4, 5]


def test_predefined_folds_learn_from_minus_one_and_never_predict_it():
    y = np.tile([0, 1], 6)
    folds = PredefinedSplit([-1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    with pytest.raises(
        ValueError, match="No model predicts 2 of 12 rows: they are in no test fold of cv"
    ):
        plan_of(folds, y)
    plan = plan_of(folds, y, uncovered="nan")
    assert plan.uncovered.tolist() == [0, 1]
    assert all({0, 1} <= set(part.learn.tolist()) for part in plan.assignments)


def test_iterables_name_rows_of_the_whole_table():
    y = ["a", "b", None, "a", "b", "a", "b", None]
    masks = np.arange(8) < 4
    pairs = ((train, test) for train, test in [(masks, ~masks), ([7, 6, 5, 4], [3, 2, 1, 0])])
    plan = plan_of(pairs, y)
    first, second = plan.assignments
    assert first.learn.tolist() == [0, 1, 3]
    assert first.predict.tolist() == [4, 5, 6, 7]
    assert second.learn.tolist() == [4, 5, 6]
    assert second.predict.tolist() == [0, 1, 2, 3]
    unnamed = plan_of([([0, 1], [3, 4, 5, 6]), ([3, 4, 5, 6], [0, 1])], y)
    assert (unnamed.n_predictions == 1).all()


def test_rows_not_used_for_training_are_assigned_by_seed():
    y = np.tile([0.0, 1.0], 300)
    y[::3] = np.nan
    weights = np.ones(600)
    weights[1::3] = 0
    plan = plan_of(4, y, sample_weight=weights)
    sizes = [np.isin(np.arange(0, 600, 3), part.predict).sum() for part in plan.assignments]
    assert sum(sizes) == 200
    assert min(sizes) >= 25
    sizes = [np.isin(np.arange(1, 600, 3), part.predict).sum() for part in plan.assignments]
    assert sum(sizes) == 200
    assert min(sizes) >= 25
    places = [part.predict.tolist() for part in plan_of(4, y, random_state=9).assignments]
    assert places != [part.predict.tolist() for part in plan_of(4, y).assignments]


def test_rows_of_weight_zero_do_not_count_for_strata():
    y = np.array([0, 1] * 10 + [1] * 20)
    weights = np.array([1.0] * 20 + [0] * 20)
    for part in plan_of(5, y, sample_weight=weights).assignments:
        counted = part.predict[part.predict < 20]
        assert np.bincount(y[counted]).tolist() == [2, 2]


def test_a_group_without_targets_stays_together():
    y = np.tile([0.0, 1.0], 20)
    groups = np.arange(40) // 4
    y[8:16] = np.nan
    plan = plan_of(4, y, groups=groups)
    for part in plan.assignments:
        for group in (2, 3):
            inside = np.isin(np.flatnonzero(groups == group), part.predict)
            assert inside.all() or not inside.any()


def test_a_rare_class_of_two_rows_is_noted_and_used_by_every_model():
    y = np.array(["a", "b"] * 8 + ["rare"] * 2)
    plan = plan_of(4, y)
    assert plan.notes == ("fewer rows than folds in class 'rare': some folds predict no row of it",)
    assert all("rare" in y[part.learn] for part in plan.assignments)
    assert plan_of(StratifiedKFold(4), y).n_models == 4


def test_a_class_that_some_fold_cannot_learn():
    y = np.array(["a", "b", "c"] * 6 + ["rare"])
    with pytest.raises(
        ValueError, match=r"training rows of a class.*class 'rare' in fold \d\..*\"drop\""
    ):
        plan_of(3, y)
    plan = plan_of(3, y, missing_class="drop", stop_fraction=0.2)
    assert plan.dropped_classes == (3,)
    assert plan.notes == ("no column for class 'rare': some fold has no training rows of it",)
    assert plan.labelled.tolist() == [True] * 18 + [False]
    assert plan.n_predictions.tolist() == [1] * 19
    assert all(18 not in np.append(part.learn, part.stop) for part in plan.assignments)
    rest = target_of(y).without_classes(plan.dropped_classes)
    assert rest.classes.tolist() == ["a", "b", "c"]
    assert all(not rest.missing_classes(part.learn) for part in plan.assignments)
    two = [([0, 2, 4], [1, 3, 5]), ([1, 3, 5], [0, 2, 4])]
    with pytest.raises(ValueError, match="fewer than two classes remain"):
        plan_of(two, [0, 1, 0, 1, 0, 1], missing_class="drop")
    labels = np.array([[1, 0], [0, 0], [1, 1], [0, 1]])
    with pytest.raises(ValueError, match="class '1' in fold 1"):
        plan_of([([2, 3], [0, 1]), ([0, 1], [2, 3])], labels)


def test_stop_rows_are_stratified():
    y = np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 3)
    for part in plan_of(3, y, stop_fraction=0.1).assignments:
        assert len(part.stop) == 6
        names, counts = np.unique(y[part.stop], return_counts=True)
        assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"a": 4, "b": 2}
    tiny = plan_of([([0, 1, 2], [3]), ([1, 2, 3], [0])], ["a", "b", "a", "b"], uncovered="nan",
                   stop_fraction=0.1)  # fmt: skip
    assert tiny.assignments[0].stop.tolist() in ([0], [2])


def test_validation_rows_leave_training_rows_of_every_class():
    y = np.array(["a"] * 10 + ["b"] * 5 + ["c"] * 4)
    for part in plan_of(2, y, stop_fraction=0.99).assignments:
        assert sorted(y[part.learn]) == ["a", "b", "c"]
    for options in ({}, {"time": range(6)}, {"groups": range(6)}):
        numbers = target_of([0.5, 1, 2, 3, 4, 5])
        whole = whole_assignment(numbers, stop_fraction=0.99, random_state=0, **options)
        assert (len(whole.learn), len(whole.stop)) == (1, 5)


def test_stop_rows_follow_the_seed_and_differ_between_folds():
    folds = PredefinedSplit([-1] * 50 + [0, 1])
    options = {"stop_fraction": 0.2, "uncovered": "nan"}
    stops = [
        part.stop.tolist()
        for seed in (0, 0, 1)
        for part in plan_of(folds, [0, 1] * 26, random_state=seed, **options).assignments
    ]
    assert stops[:2] == stops[2:4]
    assert len({tuple(stop) for stop in stops}) == 4


def test_stop_rows_are_whole_groups_or_the_latest():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    groups = rng.integers(0, 40, 200)
    for part in plan_of(4, y, groups=groups, stop_fraction=0.2).assignments:
        assert not set(groups[part.stop]) & set(groups[part.learn])
        assert 0.1 < len(part.stop) / (len(part.learn) + len(part.stop)) < 0.3
    time = rng.integers(0, 30, 200)
    for part in plan_of(4, y, time=time, stop_fraction=0.2, uncovered="nan").assignments:
        assert time[part.stop].min() > time[part.learn].max()
        assert 0.1 < len(part.stop) / (len(part.learn) + len(part.stop)) < 0.35


def test_a_large_group_is_not_taken_to_stop():
    y = np.tile([0, 1], 30)
    groups = np.array([0] * 20 + [1] * 2 + [2] * 2 + [3] * 16 + [4] * 20)
    plan = plan_of(LeaveOneGroupOut(), y, groups=groups, stop_fraction=0.1)
    assert all(len(part.stop) <= 4 for part in plan.assignments)


def test_whole_assignment():
    y = ["a", "b", None, "a", "b", "a", "b", "b"]
    target = target_of(y)
    weights = [1, 1, 1, 1, 0, 1, 1, 1]
    whole = whole_assignment(target, sample_weight=weights, random_state=0)
    assert whole.learn.tolist() == [0, 1, 3, 5, 6, 7]
    assert (len(whole.stop), len(whole.predict)) == (0, 0)
    plan = make_fold_plan(2, target, sample_weight=weights, random_state=0)
    assert whole_assignment(target, plan, random_state=0).learn.tolist() == whole.learn.tolist()
    late = whole_assignment(target, time=range(8), stop_fraction=0.3, random_state=0)
    assert late.stop.tolist() == [6, 7]
    grouped = whole_assignment(target, groups=list("aabbccdd"), stop_fraction=0.3, random_state=0)
    assert grouped.stop.tolist() in ([0, 1], [3], [4, 5], [6, 7], [3, 4, 5])
    with pytest.raises(ValueError, match="class 'a'. Received: 4 rows"):
        whole_assignment(target, sample_weight=[0, 1, 1, 0, 1, 0, 1, 1], random_state=0)
    with pytest.raises(ValueError, match="not both"):
        whole_assignment(target, plan, time=range(8), random_state=0)


def test_unshuffled_folds_of_a_sorted_table_warn():
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, 2, (200, 2)), axis=0)
    for y in (np.repeat([0, 1], 100), np.sort(rng.normal(size=200)), labels):
        with pytest.warns(FoldTargetWarning, match=r"fold(s)? .*differ.*KFold"):
            plan_of(KFold(4), y)
        for quiet in (KFold(4, shuffle=True), 4):
            plan_of(quiet, y)
        plan_of(GroupKFold(4), y, groups=np.arange(200) // 5)
    with pytest.warns(FoldTargetWarning, match="folds 0, 1"):
        plan_of(PredefinedSplit(np.repeat([0, 1, 0, 1], [70, 30, 30, 70])), np.repeat([0, 1], 100))
    y = np.repeat([0.5, 1.5], 100)
    plan_of(TimeSeriesSplit(4), y, uncovered="nan")


def test_random_splits_do_not_warn():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 60) if seed % 2 else rng.exponential(size=60) ** 3
        plan_of(KFold(6), y)


Y = [0, 1] * 6


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cv": 1}, ValueError, "cv must be an int of 2 or more.*cv=1"),
        ({"cv": "kfold"}, ValueError, "cv='kfold'"),
        ({"cv": True}, ValueError, "cv=True"),
        ({"cv": KFold}, ValueError, "cv must be an int"),
        ({"cv": 2.5}, ValueError, "cv=2.5"),
        ({"cv": 13}, ValueError, "fewer training rows than folds: n_samples=12.*Pass cv=12"),
        ({"cv": 7}, ValueError, "Every class has fewer rows.*at most 6.*Pass cv=6 or less"),
        ({"cv": []}, ValueError, "returned no splits"),
        ({"cv": [[0, 1, 2]]}, ValueError, "which is not a pair"),
        ({"cv": [([0.5], [1])]}, ValueError, "train part of each split must be row numbers"),
        ({"cv": [([0, 12], [1])]}, ValueError, r"between 0 and 11. Received: 12 in the train"),
        ({"cv": [([0, -1], [1])]}, ValueError, "Received: -1"),
        ({"cv": [([0, 1, 1], [2])]}, ValueError, "row 1 more than once in the train part"),
        ({"cv": [([0, 1, 2], [2, 3])]}, ValueError, "is trained on and predicts.*row 2"),
        ({"cv": [([0, 1], [])]}, ValueError, "Fold 0 has no test rows"),
        ({"cv": [([], [1])]}, ValueError, "Fold 0 has no training rows"),
        ({"cv": PredefinedSplit([0, 1])}, ValueError, "one fold number per row: 12. Received: 2"),
        ({"cv": GroupKFold(2)}, ValueError, "'groups' parameter should not be None"),
        ({"cv": KFold(13)}, ValueError, "n_splits=13"),
        ({"cv": ShuffleSplit(1, test_size=2)}, ValueError, "predicts 10 of 12 rows.*KFold"),
        ({"cv": TimeSeriesSplit(2)}, ValueError, "first rows in time.*uncovered=\"nan\""),
        ({"groups": [0] * 12}, ValueError, "one group only. Received: 0"),
        ({"groups": [0, None] * 6}, ValueError, "groups has no value in rows 1, 3"),
        ({"groups": [0, np.nan] * 6}, ValueError, "groups has no value in rows 1, 3"),
        ({"groups": [0, 1]}, ValueError, "one value per row: 12. Received: 2 values"),
        ({"groups": np.zeros((12, 1))}, ValueError, r"groups must be a 1D array.*\(12, 1\)"),
        ({"groups": "shop"}, ValueError, "groups='shop'"),
        ({"groups": np.arange(12) % 3, "cv": 5}, ValueError, "fewer groups.*: 3.*Pass cv=3"),
        ({"groups": np.arange(12) % 3, "cv": KFold(3)}, ValueError, "splits a group: rows"),
        ({"groups": [0, 1] * 6, "time": range(12)}, ValueError, "not both. Received: cv=3"),
        ({"sample_weight": [-1] + [1] * 11}, ValueError, "negative. Received: -1.0 in row 0"),
        ({"sample_weight": [np.nan] + [1] * 11}, ValueError, "finite.*Received: nan in row 0"),
        ({"sample_weight": np.zeros(12)}, ValueError, "Sample weights.*zero on all 12"),
        ({"sample_weight": ["x"] * 12}, ValueError, "sample_weight must be numbers"),
        ({"sample_weight": [1]}, ValueError, "sample_weight must have one value per row: 12"),
        ({"sample_weight": np.ones((12, 2))}, ValueError, "sample_weight must be a 1D array"),
        ({"sample_weight": [1, 0] * 6}, ValueError, "class 1 in folds 0, 1, 2"),
        ({"sample_weight": [1] + [0] * 11}, ValueError, "n_samples=1.*at least two"),
        ({"time": ["2020"] * 12}, ValueError, r"strings do not sort.*pandas.to_datetime\(time\)"),
        ({"time": pd.Series(["2020"] * 12, dtype="category")}, ValueError, "time must be numbers"),
        ({"time": [True] * 12}, ValueError, "time must be numbers or dates"),
        ({"time": [1.0, np.nan] * 6}, ValueError, "time has no value in rows 1, 3"),
        ({"time": [pd.Timestamp(2020, 1, 1), pd.NaT] * 6}, ValueError, "time has no value in row"),
        ({"time": [0, 1] * 6}, ValueError, "at least 4 different times.*2 different times"),
        ({"time": range(12), "cv": KFold(3)}, ValueError, "not earlier than those it predicts"),
        ({"stop_fraction": 1}, ValueError, "stop_fraction=1"),
        ({"stop_fraction": "auto"}, ValueError, "stop_fraction='auto'"),
        ({"cv": [([0], [1])], "stop_fraction": 0.1}, ValueError, r"among 1 training row\(s\)"),
        ({"cv": [([0, 1], [2])], "stop_fraction": 0.1}, ValueError, "every class has a single row"),
        ({"cv": LeaveOneGroupOut(), "groups": [0] * 6 + [1] * 6, "stop_fraction": 0.1}, ValueError,
         "too few groups, or a class"),
        ({"cv": [([0, 1, 2], [3])], "time": [0, 0, 0] + [1] * 9, "stop_fraction": 0.1}, ValueError,
         "all have the same time"),
        ({"uncovered": "mean"}, ValueError, "uncovered='mean'"),
        ({"uncovered": True}, ValueError, "uncovered=True"),
        ({"uncovered": None}, ValueError, "uncovered=None"),
        ({"unlabelled": "drop"}, ValueError, "unlabelled='drop'"),
        ({"missing_class": "zero"}, ValueError, "missing_class='zero'"),
        ({"random_state": None}, ValueError, "random_state=None"),
        ({"random_state": -1}, ValueError, "random_state=-1"),
    ],
)  # fmt: skip
def test_what_bad_arguments_get(options, error, message):
    with pytest.raises(error, match=message):
        plan_of(**{"cv": 3, "y": Y, **options})


def test_an_error_of_a_splitter_says_which():
    with pytest.raises(ValueError, match="n_splits=13") as caught:
        plan_of(KFold(13), Y)
    assert (
        caught.value.__notes__
        == [
            "while splitting 12 rows with a target by cv="
            "KFold(n_splits=13, random_state=0, shuffle=False)"
        ]
        or "while splitting 12 rows" in caught.value.__notes__[0]
    )


BROKEN = {
    "is trained on and predicts": (([0, 1, 2], [], [2, 3]), {}),
    "is validated on and predicts": (([0, 1], [2], [2, 3]), {}),
    "is trained and validated on": (([0, 1], [1], [2, 3]), {}),
    "has no training rows": (([], [], [2, 3]), {}),
    "has no test rows": (([0], [], []), {}),
    "ascending int64 row numbers": (([1, 0], [], [2]), {}),
    "between 0 and 3": (([0, 4], [], [2]), {}),
    "rows of weight zero: row 1": (([0, 1], [], [2]), {"sample_weight": np.array([1.0, 0, 1, 1])}),
    "rows without a target: row 1": (
        ([0], [1], [2]), {"labelled": np.array([True, False, True, True])}
    ),
    "predicts rows whose group": (([0, 1], [], [2]), {"groups": np.array([0, 1, 1, 2])}),
    "validated on rows whose group": (([0], [1], [2]), {"groups": np.array([0, 0, 1, 2])}),
    "not earlier than those it predicts": (
        ([0, 1], [], [2]), {"time": np.array([0, 2, 2, 3]), "ordered": True}
    ),
    "not later than its training": (
        ([1], [0], [2]), {"time": np.arange(4), "ordered": True}
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", BROKEN)
def test_check_finds_what_is_broken(message):
    rows, changes = BROKEN[message]
    parts = (Assignment(*(np.array(part, dtype=np.int64) for part in rows)),)
    fields = {
        "n_rows": 4, "assignments": parts, "sample_weight": None, "groups": None, "time": None,
        "ordered": False, "notes": (),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        FoldPlan(**{**fields, **changes}).check()
    with pytest.raises(ValueError, match="at least one model"):
        FoldPlan(**{**fields, "assignments": ()}).check()
