"""Dirty tables: each is refused with a message that says what to do, or has a known result."""

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

N_ROWS = 60


def weights(**values):
    weight = np.ones(N_ROWS)
    for row, value in values.items():
        weight[int(row[1:])] = value
    return weight


def groups_with(value):
    groups = np.resize(["a", "b", "c", "d"], N_ROWS).astype(object)
    groups[[4, 9]] = value
    return groups


def time_with(value):
    time = np.arange(N_ROWS).astype(object)
    time[[2, 5]] = value
    return time


def without_training(monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))


BAD_TARGETS = {
    "all missing (None)": ([None] * N_ROWS, "y has no values.*60 rows"),
    "all missing (NaN)": (np.full(N_ROWS, np.nan), "y has no values"),
    "all missing (NaT)": (pd.Series([pd.NaT] * N_ROWS), "y has no values"),
    "one class": (["yes"] * N_ROWS, "only one class: 'yes'"),
    "one class and missing": (["yes", None] * 30, "only one class: 'yes' in all 30"),
    "numbers and strings": (
        [1, "good"] * 30,
        r"mixes cells of the types int and str[\s\S]*astype\(str",
    ),
    "bool and strings": ([True, "no"] * 30, "mixes cells of the types bool and str"),
    "lists of labels": ([["joy"], ["joy", "anger"]] * 30, "lists in cells"),
    "bytes": (np.array([b"a", b"b"] * 30), "bytes is not supported"),
    "infinite": (np.r_[np.inf, np.arange(59) + 0.5], r"infinity in row 0"),
    "complex": (np.arange(N_ROWS) + 1j, "Complex data not supported"),
    "dates": (pd.date_range("2024-01-01", periods=N_ROWS), "Unknown label type"),
    "half a row": (
        np.where(np.arange(120).reshape(60, 2) == 5, np.nan, np.resize([0.0, 1.0], (60, 2))),
        "all of its targets or none.*row 2",
    ),
    "as many classes as rows": ([f"text {i}" for i in range(N_ROWS)], "classes"),
    "a class of one row": (np.r_[2, np.resize([0, 1], 59)], r"class 2 in fold \d"),
    "too few labelled": (["a", "b"] + [None] * 58, "fewer training rows than folds"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_invalid_targets_are_refused(name, monkeypatch):
    without_training(monkeypatch)
    y, message = BAD_TARGETS[name]
    X = signal_table(N_ROWS, 0)[0]
    with pytest.raises((ValueError, TypeError), match=message):
        tiny().fit_transform(X, y)


BAD_COMPANIONS = {
    "negative weight": ({"sample_weight": weights(r3=-1.0)}, r"negative.*-1\.0 in row 3"),
    "weights all zero": ({"sample_weight": np.zeros(N_ROWS)}, "zero on all 60 rows"),
    "NaN weight": ({"sample_weight": weights(r3=np.nan)}, r"finite numbers.*nan in row 3"),
    "infinite weight": ({"sample_weight": weights(r7=np.inf)}, "inf in row 7"),
    "weights as text": ({"sample_weight": ["heavy"] * N_ROWS}, "must be numbers.*'heavy'"),
    "too few weights": ({"sample_weight": np.ones(59)}, "60. Received: 59 values"),
    "weights as a table": ({"sample_weight": np.ones((60, 2))}, r"1D array.*\(60, 2\)"),
    "one group": ({"groups": ["shop"] * N_ROWS}, "one group only.*'shop'"),
    "NaN groups": ({"groups": groups_with(np.nan)}, "no value in rows 4, 9"),
    "None groups": ({"groups": groups_with(None)}, "no value in rows 4, 9"),
    "NA groups": ({"groups": pd.array(groups_with(None), dtype="string")}, "rows 4, 9"),
    "fewer groups than folds": ({"groups": np.arange(N_ROWS) % 2}, r"fewer groups.*cv=3"),
    "too few groups given": ({"groups": np.arange(59)}, "60. Received: 59 values"),
    "a column's name for groups": ({"groups": "shop"}, r"groups='shop'"),
    "NaN time": ({"time": time_with(np.nan)}, "time has no value in rows 2, 5"),
    "NaT": (
        {"time": pd.Series(pd.date_range("2024", periods=N_ROWS)).where(np.arange(N_ROWS) != 8)},
        "time has no value in row 8",
    ),
    "dates as text": ({"time": ["2/24/2015 11:35"] * N_ROWS}, r"pandas\.to_datetime"),
    "one time": ({"time": np.zeros(N_ROWS)}, "1 different times"),
}


@pytest.mark.parametrize("name", BAD_COMPANIONS)
def test_weights_groups_and_times_that_make_no_sense_are_refused(name, monkeypatch):
    without_training(monkeypatch)
    fit_params, message = BAD_COMPANIONS[name]
    X, y = signal_table(N_ROWS, 0)
    with pytest.raises((ValueError, TypeError), match=message):
        tiny().fit_transform(X, y, **fit_params)


def test_weight_on_rows_without_a_target_alone_is_refused():
    X, y = signal_table(N_ROWS, 0)
    y = np.where(np.arange(N_ROWS) < 30, np.nan, y)
    with pytest.raises(ValueError, match="zero on all of them"):
        tiny().fit(X, y, sample_weight=np.arange(N_ROWS) < 30)


def test_a_split_that_parts_groups_or_turns_time_round_is_refused():
    X, y = signal_table(N_ROWS, 0)
    with pytest.raises(ValueError, match=r"splits a group[\s\S]*GroupKFold"):
        tiny(cv=KFold(3, shuffle=True)).fit(X, y, groups=np.arange(N_ROWS) % 20)
    with pytest.raises(ValueError, match="not earlier than those it predicts"):
        tiny(cv=KFold(3)).fit(X, y, time=np.arange(N_ROWS))
    with pytest.raises(ValueError, match="groups="):
        tiny(cv=GroupKFold(3)).fit(X, y)


def test_a_fold_without_a_class_is_refused_or_loses_the_column():
    X, y = signal_table(N_ROWS, 0, n_classes=3)
    y = np.sort(y)
    with pytest.raises(
        ValueError, match=r"class 0 in fold \d; class 1 in fold \d[\s\S]*missing_class"
    ):
        tiny(cv=GroupKFold(3)).fit(X, y, groups=y)
    with pytest.raises(ValueError, match="fewer than two classes remain"):
        tiny(cv=GroupKFold(3), missing_class="drop").fit(X, y, groups=y)
    stamps = np.arange(N_ROWS)
    y = np.where(stamps < 40, stamps % 2, 2)
    encoder = tiny(cv=TimeSeriesSplit(2), missing_class="drop", uncovered="nan")
    features = encoder.fit_transform(X, y, time=stamps)
    assert encoder.get_feature_names_out().tolist() == ["review_cnn"]
    assert np.isnan(features).ravel().tolist() == [True] * 20 + [False] * 40


def test_a_rare_class_is_used_by_every_model_and_noted():
    X, y = signal_table(N_ROWS, 0)
    y[[5, 50]] = 2
    encoder = tiny(cv=5).fit(X, y)
    assert encoder.get_feature_names_out().tolist() == [f"review_cnn_{c}" for c in (0, 1, 2)]
    assert "fewer rows than folds in class 2" in encoder.report_.notes[0]
    for fed in encoder.report_.verify().columns[0].fed:
        assert np.isin([5, 50], fed["learn"]).any()


def test_duplicate_rows_are_counted_and_scored_apart():
    X, y = signal_table(N_ROWS, 0)
    X = pd.concat([X, X], axis=0)  # the index comes twice, too
    y = np.concatenate([y, y])
    encoder = tiny(epochs=10).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.index.tolist() == X.index.tolist()
    duplicates = encoder.report_.duplicates.iloc[0]
    texts = X["review"].to_numpy()
    expected = sum(
        np.isin(texts[fed["predict"]], texts[fed["learn"]]).sum()
        for fed in encoder.report_.columns[0].fed
    )
    assert duplicates["n_duplicates"] == expected > 40
    assert duplicates["share"] == expected / 120
    # Together by request, both copies get the same feature from the same model.
    together = tiny().fit_transform(X, y, groups="documents")
    np.testing.assert_array_equal(together[:60], together[60:])


def test_the_order_of_names_of_groups_and_of_an_index_means_nothing():
    X, y = signal_table(N_ROWS, 0)
    groups = pd.Series(np.arange(N_ROWS) % 6)
    expected = tiny(cv=GroupKFold(3)).fit_transform(X, y, groups=groups)
    shuffled = groups.set_axis(np.random.default_rng(0).permutation(N_ROWS))
    named = np.array(list("abcdef"))[groups]
    for other in (named, named.tolist(), pd.Categorical(named)):
        features = tiny(cv=GroupKFold(3)).fit_transform(X, y, groups=other)
        np.testing.assert_array_equal(features, expected)
    with pytest.warns(UserWarning, match="X and groups have the same index labels in another ord"):
        features = tiny(cv=GroupKFold(3)).fit_transform(X, y, groups=shuffled)
    np.testing.assert_array_equal(features, expected)


@pytest.mark.parametrize("text", [None, "", "the same words in every row"])
def test_texts_that_tell_nothing_give_a_constant_within_each_model(text):
    y = signal_table(N_ROWS, 0)[1]
    X = pd.DataFrame({"review": pd.Series([text] * N_ROWS, dtype=object)})
    encoder = tiny()
    features = encoder.fit_transform(X, y)[:, 0]
    for assignment in encoder.report_.plan.assignments:
        assert len(np.unique(features[assignment.predict])) == 1
    score = encoder.report_.summary["score"].iloc[0]
    assert score == 0.5


def test_y_in_any_container_is_the_same_target():
    X, y = signal_table(N_ROWS, 0)
    expected = tiny().fit_transform(X, y)
    names = np.array(["bad", "good"])[y]
    missing = pd.array(np.where(np.arange(N_ROWS) < 9, None, names), dtype="string")
    for other in (
        y.tolist(),
        y.astype(bool),
        y.astype(float),
        pd.Series(y, dtype="Int64"),
        names,
        names.astype(object),
        pd.Categorical(names),
        pd.Series(names, index=np.arange(N_ROWS)[::-1] + 1000),
    ):
        np.testing.assert_array_equal(tiny().fit_transform(X, other), expected)
    assert np.isfinite(tiny().fit_transform(X, missing)).all()
