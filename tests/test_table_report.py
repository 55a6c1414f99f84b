"""What the report of TableFeatures says, against a plain computation of the same numbers."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from checks import noise_table, signal_table
from inside import fitted_with_seconds, parts_of_a_fold
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from textcnn import TableFeatures, TableFeaturesWarning, TextCNNEncoder, TextLinearEncoder
from textcnn.crossfit import make_fold_plan, read_target
from textcnn.table.frames import Table
from textcnn.table.gains import Gain, other_columns, paired_gain
from textcnn.table.kinds import kinds_of
from textcnn.table.stack import LinearStack
from textcnn.utils.progress import TimeLimitReached, time_limit


def table_of(n_rows=150, seed=0):
    X, y = signal_table(n_rows, seed)
    random = np.random.default_rng(seed)
    X["title"] = noise_table(n_rows, seed + 9)[0]["review"]
    X["price"] = y + random.normal(size=n_rows)
    X["colour"] = random.choice(["red", "blue"], n_rows)
    return X, y


def logit(feature):
    share = np.clip(np.asarray(feature, float), 1e-4, 1 - 1e-4)
    return np.log(share / (1 - share))


def decisions(columns, y, learn, test):
    """What a logistic regression on standardised columns says of rows, without its intercept."""
    scaler = StandardScaler().fit(columns[learn])
    model = LogisticRegression(C=0.1, tol=1e-6, max_iter=1000)
    model.fit(scaler.transform(columns[learn]), y[learn])
    return scaler.transform(columns[test]) @ model.coef_[0]


def plain_scores(block, y, folds):
    """AUC per fold of a model that learns from the other folds."""
    columns = np.asarray(block, float)
    return np.array(
        [roc_auc_score(y[test], decisions(columns, y, learn, test)) for learn, test in folds]
    )


def plain_stack(blocks, y, folds):
    """AUC per fold of a stack that learns from other rows of the same fold."""
    columns = np.column_stack(blocks)
    scores = []
    for _, rows in folds:
        said = np.empty(len(rows))
        x = StandardScaler().fit_transform(columns[rows])
        for learn, test in KFold(5, shuffle=True, random_state=0).split(rows):
            model = LogisticRegression(C=0.1, tol=1e-6, max_iter=1000)
            said[test] = x[test] @ model.fit(x[learn], y[rows[learn]]).coef_[0]
        scores.append(roc_auc_score(y[rows], said))
    return np.array(scores)


def plain_predictions(block, y, folds):
    """Out-of-fold decisions of a logistic regression, without its intercept."""
    block, predictions = np.asarray(block, float), np.empty(len(y))
    for learn, test in folds:
        predictions[test] = decisions(block, y, learn, test)
    return predictions


def test_scores_and_gains_are_those_of_a_plain_stack():
    X, y = table_of()
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))
    features = TableFeatures(("svd", "linear"), cv=folds, random_state=0)
    table = features.fit_transform(X, y)
    frame = features.report_.to_frame().set_index(["member", "column"])
    others = [X["price"], X["colour"] == "red", X["colour"] == "blue"]
    blocks = [plain_predictions(np.column_stack(others), y, folds)]
    before = plain_stack(blocks, y, folds)
    for member in ("svd", "linear"):
        for column in ("review", "title"):
            names = [name for name in table.columns if name.startswith(f"{column}_{member}")]
            if member == "svd":
                blocks.append(plain_predictions(table[names], y, folds))
            else:
                blocks.append(logit(table[names[0]]))
            scores = plain_stack(blocks, y, folds)
            line = frame.loc[(member, column)]
            assert line["gain"] == pytest.approx((scores - before).mean(), abs=2e-3)
            error = np.sqrt((scores - before).var(ddof=1) * (1 / 4 + 1 / 3))
            assert line["gain_error"] == pytest.approx(error, abs=2e-3)
            assert line["n_folds"] == 4 and line["kept"] and line["seconds"] > 0
            before = scores
    alone = [roc_auc_score(y[test], table["review_linear"].iloc[test]) for _, test in folds]
    line = frame.loc[("linear", "review")]
    assert line["score"] == pytest.approx(np.mean(alone))
    assert line["spread"] == pytest.approx(np.std(alone, ddof=1))
    names = [f"review_svd_{i:02d}" for i in range(30)]
    alone = plain_scores(table[names], y, folds)
    assert frame.loc[("svd", "review"), "score"] == pytest.approx(alone.mean(), abs=2e-3)
    assert frame["scored_by"].tolist() == ["linear model"] * 2 + ["predictions"] * 2


def test_the_report_is_readable():
    X, y = table_of()
    features = TableFeatures(("svd", "linear"), cv=3, random_state=0).fit(X, y)
    text = str(features.report_)
    assert repr(features.report_) == text
    assert "Text features of 2 columns, 150 rows, binary target, 3 fold models" in text
    assert "with 2 of 2 other columns, over 1 fold plan" in text
    assert "Gains are nested" in text
    lines = [line.split() for line in text.splitlines()]
    assert [line[:2] for line in lines if line[1:2] in (["svd"], ["linear"])] == [
        ["review", "svd"],
        ["title", "svd"],
        ["review", "linear"],
        ["title", "linear"],
    ]
    frame = features.report_.to_frame()
    frame.loc[:, "verdict"] = ""
    assert features.report_.to_frame()["verdict"].all(), "to_frame should return a copy"
    page = features.report_._repr_html_()
    assert page.count("<tr") == 10 and "significant gain" in page


def test_the_report_notes_where_the_unsupervised_member_scores_best():
    random = np.random.default_rng(0)
    kinds = ["apple pie with cream", "rain over the hills", "blue and green paint"]
    kind = random.integers(0, 3, 60)
    X = pd.DataFrame({"text": [f"{kinds[k]} {i}" for i, k in enumerate(kind)]})
    y = (kind == 1).astype(int)
    weak = TextLinearEncoder(word_ngrams=None, char_ngrams=(1, 1), C=1e-3)
    features = TableFeatures(["svd", ("weak", weak)], cv=3, random_state=0).fit(X, y)
    frame = features.report_.to_frame().set_index("member")
    ahead = frame.loc["svd", "score"] > frame.loc["weak", "score"]
    assert ahead == any("text: svd alone scores" in note for note in features.report_.notes)


def test_paired_gain_needs_two_folds():
    gain = paired_gain([(np.array([0.9, np.nan]), np.array([0.8, 0.7]))], [])
    assert gain.n_folds == 1 and gain.mean == pytest.approx(0.1) and np.isnan(gain.error)
    assert not gain.is_earned
    assert Gain(0.1, 0.049, 500).is_earned and not Gain(0.1, 0.051, 500).is_earned
    assert Gain(0.1, 0.03, 5).is_earned and not Gain(0.1, 0.04, 5).is_earned
    assert not Gain(0.1, 0.03, 3).is_earned
    assert not Gain(0.0, 0.0, 5).is_earned
    # With 32 comparisons, two standard errors occur by chance, even with many folds.
    assert Gain(0.1, 0.04, 500).is_earned and not Gain(0.1, 0.04, 500, n_looks=32).is_earned
    assert Gain(0.1, 0.025, 500, n_looks=32).is_earned


def test_which_other_columns_stand_in_the_stack():
    n = 60
    X = pd.DataFrame(
        {
            "number": np.where(np.arange(n) % 2, np.arange(n), np.nan),
            "day": pd.date_range("2026-01-01", periods=n),
            "flag": pd.array([True, False, None] * 20, dtype="boolean"),
            "category": pd.Categorical(["a", "b", "c"] * 20),
            "names": [f"name {i}" for i in range(n)],
            "lists": [[i] for i in range(n)],
            "infinite": np.where(np.arange(n) % 2, np.inf, np.arange(n)),
            "written": [f"{i % 28 + 1}.03.2026" for i in range(n)],
            "amount": [f"{i}.5" for i in range(n)],
        }
    )
    table = Table(X, list(X.columns))
    columns, n_used = other_columns(table, kinds_of(table), range(9))
    parts_of_dates = 4 + 4  # year, month, day, seconds
    assert n_used == 7 and columns.shape == (n, 1 + 1 + 3 + 1 + 1 + parts_of_dates)
    wide = pd.DataFrame(np.eye(n, 301), columns=[f"c{i}" for i in range(301)])
    wide.iloc[0] = 2.0
    table = Table(wide, list(wide.columns))
    assert other_columns(table, kinds_of(table), range(301))[1] == 300


def test_members_without_enough_time_are_reported(monkeypatch):
    X, y = table_of()
    slow = TextCNNEncoder(n_filters=2, kernel_sizes=(2,), epochs=10**6)
    features = TableFeatures(
        [("cnn", slow), "linear"], columns=["review"], cv=3, time_limit=6, random_state=0
    )
    with pytest.warns(TableFeaturesWarning, match="time_limit was too short. Left out: cnn of rev"):
        table = features.fit_transform(X, y)
    assert table.columns[-1] == "review_linear" and "review_cnn" not in table.columns
    frame = features.report_.to_frame().set_index("member")
    assert frame.loc["cnn", "verdict"].startswith("left out: ")
    assert not frame.loc["cnn", "kept"] and frame.loc["linear", "kept"]
    assert np.isnan(frame.loc["cnn", "gain"])


def test_the_cheapest_members_come_first(monkeypatch):
    X, y = table_of()
    fitted = []

    def fit_member(member, text, *_, **__):
        fitted.append((member.name, text.name))
        raise TimeLimitReached("for this test")

    monkeypatch.setattr("textcnn.table.fitting.fit_member", fit_member)
    members = ("bigru", "cnn", TextLinearEncoder(), "char_cnn", "svd")
    with pytest.warns(TableFeaturesWarning, match="time_limit was too short"):
        table = TableFeatures(members, cv=3, random_state=0).fit_transform(X, y)
    order = ["svd", "linear", "cnn", "char_cnn", "bigru"]
    assert fitted == [(name, column) for name in order for column in ("review", "title")]
    assert table.columns.tolist() == ["price", "colour"]


def test_a_member_that_would_exceed_the_time_is_not_started(monkeypatch):
    X, y = table_of()
    from textcnn.table import fitting

    clock = [0.0]
    monkeypatch.setattr(fitting.time, "monotonic", lambda: clock[0])
    real = fitting.fit_member

    def fit_member(*given):
        fitted, features = real(*given)
        clock[0] += 10.0
        fitted.seconds = 10.0
        return fitted, features

    monkeypatch.setattr(fitting, "fit_member", fit_member)
    monkeypatch.setattr(fitting, "warm_seconds", lambda fitted: fitted.seconds)
    features = TableFeatures(("linear",), cv=3, time_limit=15, random_state=0)
    with pytest.warns(
        TableFeaturesWarning, match=r"linear of title \(needs about (9|10) s, 5 s left"
    ):
        table = features.fit_transform(X, y)
    assert "review_linear" in table and "title_linear" not in table


def test_a_deadline_ends_a_fit():
    X, y = signal_table(90, 0)
    encoder = TextCNNEncoder(n_filters=2, kernel_sizes=(2,), epochs=2, cv=3)
    with (
        time_limit(time.monotonic() - 1),
        pytest.raises(TimeLimitReached, match="time limit was reached"),
    ):
        encoder.fit(X, y)
    assert not hasattr(encoder, "classes_")
    with time_limit(time.monotonic() + 1000):
        encoder.fit(X, y)
    linear = TextLinearEncoder(cv=3)
    with time_limit(time.monotonic() - 1), pytest.raises(TimeLimitReached):
        linear.fit(X, y)


def test_a_cv_without_random_folds_is_noted():
    X, y = table_of(300)
    folds = list(StratifiedKFold(3).split(X, y))
    features = TableFeatures(("linear",), cv=folds, selection="significant", random_state=0).fit(
        X, y
    )
    notes = "\n".join(features.report_.notes)
    assert "One fold plan only" in notes and "selected with the training target" in notes
    drawn = TableFeatures(
        ("linear",),
        cv=StratifiedKFold(3, shuffle=True, random_state=1),
        selection="significant",
        n_repeats=2,
        random_state=0,
    ).fit(X, y)
    assert "over 2 fold plans" in drawn.report_.headline


def test_gains_over_repeated_folds_are_labelled_optimistic():
    X, y = table_of()
    repeated = RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0)
    features = TableFeatures(("linear",), columns=["review"], cv=repeated, random_state=0)
    features.fit(X, y)
    assert "Gains are optimistic: several models predict a row" in str(features.report_)
    assert "Gains are nested" not in str(features.report_)


def test_groups_are_not_split_by_the_inner_folds():
    rows = np.arange(40)[::-1]
    groups = np.arange(40) // 4
    for learn, test in parts_of_a_fold(rows, groups):
        assert not set(groups[rows[learn]]) & set(groups[rows[test]])
    covered = np.concatenate([test for _, test in parts_of_a_fold(rows, groups)])
    assert sorted(covered) == list(range(40))
    assert len(parts_of_a_fold(rows[:3], None)) == 3
    assert len(parts_of_a_fold(rows, np.zeros(40))) == 5, "one group cannot be parted"


def test_a_stack_of_noise_gains_nothing_on_average():
    gains = []
    for seed in range(6):
        random = np.random.default_rng(seed)
        target = read_target(random.integers(0, 2, 200), target_type="binary", n_rows=200)
        plan = make_fold_plan(4, target, random_state=np.random.SeedSequence(seed))
        stack = LinearStack(plan, target, None, np.empty((200, 0)))
        noise = stack.out_of_fold(random.normal(size=(200, 5)))
        np.testing.assert_array_equal(stack.fold_scores([]), 0.5)
        gains.append(np.mean(stack.fold_scores([noise]) - 0.5))
    assert np.mean(gains) < 2 * np.std(gains, ddof=1) / np.sqrt(6)


def test_the_start_of_a_backend_and_a_short_column_are_not_the_pace_of_a_long_one():
    from textcnn.table.fitting import least_time, warm_seconds

    X, y = table_of()
    features = TableFeatures(("linear",), cv=3, random_state=0).fit(X, y)
    # The first model started the backend.
    fitted = fitted_with_seconds(features, [9.0, 0.5, 0.25])
    assert warm_seconds(replace(fitted, seconds=10.0)) == 0.75
    assert warm_seconds(replace(fitted, seconds=0.5)) == 0.5
    assert least_time(1000, []) == 0
    assert least_time(1000, [(10, 0.75)]) == 0.75  # a longer column takes at least as long
    assert least_time(10, [(1000, 4.0)]) == 0.04
    assert least_time(100, [(10, 1.0), (50, 3.0), (1000, 4.0)]) == 3.0


def test_the_margin_of_a_gain_is_a_column_and_a_note():
    X, y = table_of()
    report = TableFeatures(("linear",), cv=3, random_state=0).fit(X, y).report_
    frame = report.to_frame()
    np.testing.assert_allclose(frame["gain_margin"] / frame["gain_error"], 4.5266, rtol=1e-4)
    significant = frame["gain"] > frame["gain_margin"]
    assert (significant == (frame["verdict"] == "significant gain")).all()
    assert "margin" in str(report).splitlines()[2]
    assert "above its margin: 4.5 standard errors over 3 folds" in str(report)
