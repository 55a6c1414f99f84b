import copy
import json
import pickle
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inside import score_of
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import LeaveOneGroupOut, RepeatedStratifiedKFold, TimeSeriesSplit

from textcnn import TextCNNEncoder
from textcnn.crossfit import make_fold_plan, read_target
from textcnn.crossfit.records import ColumnRecord
from textcnn.crossfit.report import CrossFitReport, LeakError
from textcnn.crossfit.scoring import Scoring

N_ROWS = 120


def make_record(plan, target, *, name="review", seed=0, signal=1.0, **changes):
    """Return the record of a valid cross-fit; predictions contain a part of the target."""
    random = np.random.default_rng(seed)
    predictions, prior = [], []
    for assignment in plan.assignments:
        level = target.level(assignment.learn)
        raw = random.normal(scale=0.5, size=(len(assignment.predict), target.n_outputs))
        labelled = target.labelled[assignment.predict]
        rows = assignment.predict[labelled]
        raw[labelled] += signal * target.training_values(rows, level)
        predictions.append(target.predictions(raw, level))
        prior.append(target.predictions(np.zeros((1, target.n_outputs)), level)[0])
    fields = {
        "name": name,
        "fed": [
            {"learn": a.learn.copy(), "stop": a.stop.copy(), "predict": a.predict.copy()}
            for a in plan.assignments
        ],
        "predictions": predictions,
        "prior": prior,
        "epochs": [3] * plan.n_models,
        "updates": [30] * plan.n_models,
        "seconds": [0.25] * plan.n_models,
        "words": {"tokens": 1000, "tokens_with_vector": np.int64(900), "dim": 50},
        "documents": np.arange(1, plan.n_rows + 1, dtype=np.uint64),
    }
    return ColumnRecord(**{**fields, **changes})


def binary_target(seed=0, n_rows=N_ROWS):
    random = np.random.default_rng(seed)
    return read_target(np.where(random.random(n_rows) < 0.4, "yes", "no"), n_rows=n_rows)


def make_report(target=None, *, cv=4, scoring=None, record=None, **plan_options):
    target = binary_target() if target is None else target
    plan = make_fold_plan(cv, target, random_state=0, **plan_options)
    return CrossFitReport(
        [make_record(plan, target, **(record or {}))], plan, target, scoring=scoring
    )


def targets():
    random = np.random.default_rng(3)
    return {
        "binary": binary_target(),
        "multiclass": read_target(random.choice(list("abc"), N_ROWS), n_rows=N_ROWS),
        "multilabel": read_target(random.integers(0, 2, (N_ROWS, 3)), n_rows=N_ROWS),
        "continuous": read_target(random.normal(size=N_ROWS), n_rows=N_ROWS),
        "multioutput": read_target(random.normal(size=(N_ROWS, 2)), n_rows=N_ROWS),
    }


def by_hand(kind, metric, y, predictions, weights):
    if metric == "roc_auc" and kind == "binary":
        return roc_auc_score(y, predictions[:, 0], sample_weight=weights)
    if metric == "roc_auc":
        return roc_auc_score(y, predictions, average="macro", sample_weight=weights)
    if metric == "accuracy":
        return accuracy_score(y, predictions.argmax(axis=1), sample_weight=weights)
    if metric == "neg_log_loss":
        return -log_loss(y, predictions, sample_weight=weights)
    return r2_score(y, predictions, sample_weight=weights)


# Scores


@pytest.mark.parametrize("kind", list(targets()))
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_equal_those_computed_by_hand_per_fold(kind, weighted):
    target = targets()[kind]
    weights = np.random.default_rng(1).integers(0, 4, N_ROWS) if weighted else None
    report = make_report(target, sample_weight=weights)
    assert (
        report.metrics
        == {
            "binary": ("roc_auc",),
            "multiclass": ("accuracy", "neg_log_loss"),
            "multilabel": ("roc_auc",),
            "continuous": ("r2",),
            "multioutput": ("r2",),
        }[kind]
    )
    lines = report.scores
    assert len(lines) == 4 * len(report.metrics)
    for line in lines.itertuples():
        assignment = report.plan.assignments[line.model]
        counts = np.ones(len(assignment.predict), bool)
        if weighted:
            counts = weights[assignment.predict] > 0
        rows = assignment.predict[counts]
        predictions = report.columns[0].predictions[line.model][counts]
        expected = by_hand(
            kind, line.metric, target.values[rows], predictions, weights[rows] if weighted else None
        )
        assert line.score == pytest.approx(expected, abs=1e-12)
        assert line.n_rows == len(rows)
        assert (line.n_learn, line.n_stop) == (len(assignment.learn), 0)
    assert (lines["score"] > lines["prior"]).all()


def test_summary_is_the_mean_and_spread_over_folds():
    report = make_report()
    scores, line = report.scores["score"], report.summary.iloc[0]
    assert line["score"] == pytest.approx(scores.mean())
    assert line["spread"] == pytest.approx(scores.std(ddof=1))
    assert line["prior"] == 0.5
    assert line["lift"] == pytest.approx(scores.mean() - 0.5)
    assert (line["n_folds"], line["epochs"], line["seconds"]) == (4, 3.0, 1.0)
    assert line["tokens_with_vector"] == 900
    pd.testing.assert_frame_equal(report.to_frame(), report.summary)


def test_scores_are_never_pooled_over_folds():
    """Predictions perfect within each fold, on levels that differ by fold, score 1."""
    target = binary_target()
    plan = make_fold_plan(4, target, random_state=0)
    predictions = [
        0.2 * k + 0.1 * target.values[a.predict, None] for k, a in enumerate(plan.assignments)
    ]
    report = CrossFitReport([make_record(plan, target, predictions=predictions)], plan, target)
    pooled = np.empty(N_ROWS)
    for assignment, values in zip(plan.assignments, predictions, strict=True):
        pooled[assignment.predict] = values[:, 0]
    assert report.scores["score"].tolist() == [1.0] * 4
    assert roc_auc_score(target.values, pooled) < 0.8


def test_unlabelled_rows_are_not_scored():
    y = np.random.default_rng(0).choice([0.0, 1.0, np.nan], N_ROWS)
    target = read_target(y, n_rows=N_ROWS)
    report = make_report(target)
    assert report.scores["n_rows"].sum() == np.isfinite(y).sum()
    assert report.scores["n_rows"].sum() < report.plan.n_predictions.sum()


def test_a_fold_of_one_class_has_no_auc_and_is_noted():
    target = binary_target()
    ones = np.flatnonzero(target.values == 1)[:10]
    rest = np.setdiff1d(np.arange(N_ROWS), ones)
    folds = [(rest, ones), (np.concatenate([ones, rest[60:]]), rest[:60])]
    folds.append((np.concatenate([ones, rest[:60]]), rest[60:]))
    report = make_report(target, cv=folds)
    assert np.isnan(report.scores["score"][0])
    assert "one class only" in report.scores["why_nan"][0]
    line = report.summary.iloc[0]
    assert (line["n_folds"], line["n_folds_without_score"]) == (2, 1)
    assert line["score"] == pytest.approx(report.scores["score"][1:].mean())
    assert "review: no roc_auc for model 0 (one class only" in str(report)
    assert "no roc_auc for model 0" in report._repr_html_()


def test_leave_one_group_out_with_constant_targets_has_no_r2_and_no_warning():
    groups = np.repeat(np.arange(6), 5)
    target = read_target(groups + 0.5, n_rows=30, target_type="continuous")
    report = make_report(target, cv=LeaveOneGroupOut(), groups=groups)
    assert report.scores["score"].isna().all()
    assert report.summary["n_folds"].tolist() == [0]
    assert np.isnan(report.summary["score"][0])
    assert "one value only" in str(report)


def test_a_label_of_one_value_is_left_out_of_the_mean():
    target = targets()["multilabel"]
    values = target.values.copy()
    values[:, 2] = np.arange(N_ROWS) == 0
    scoring = Scoring(replace(target, values=values))
    predictions = np.random.default_rng(0).random((20, 3))
    rows = np.arange(20, 40)
    score, reason = scoring.score("roc_auc", rows, predictions)
    assert score == pytest.approx(roc_auc_score(values[rows, :2], predictions[:, :2]))
    assert reason is None


# Scorers by name


@pytest.mark.parametrize("weighted", [False, True])
def test_any_scorer_name_gives_what_the_metric_gives(weighted):
    weights = np.random.default_rng(1).integers(1, 4, N_ROWS).astype(float) if weighted else None
    names = ["average_precision", "f1", "neg_brier_score", "roc_auc", "accuracy"]
    report = make_report(scoring=names, sample_weight=weights)
    assert report.metrics == tuple(names)
    target, assignment = report.target, report.plan.assignments[2]
    y, p = target.values[assignment.predict], report.columns[0].predictions[2][:, 0]
    w = weights[assignment.predict] if weighted else None
    expected = {
        "average_precision": average_precision_score(y, p, sample_weight=w),
        "f1": f1_score(y, p > 0.5, sample_weight=w),
        "neg_brier_score": -np.average((y - p) ** 2, weights=w),
        "roc_auc": roc_auc_score(y, p, sample_weight=w),
        "accuracy": accuracy_score(y, p > 0.5, sample_weight=w),
    }
    lines = report.scores[report.scores["model"] == 2].set_index("metric")["score"]
    assert lines.to_dict() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("multiclass", "roc_auc_ovr"),
        ("multiclass", "neg_log_loss"),
        ("multiclass", "f1_macro"),
        ("multilabel", "roc_auc"),
        ("multilabel", "f1_samples"),
        ("continuous", "neg_mean_absolute_error"),
        ("multioutput", "r2"),
    ],
)
def test_scorers_know_every_kind_of_target(kind, name):
    report = make_report(targets()[kind], scoring=name)
    assert report.scores["score"].notna().all()
    if name in ("neg_log_loss", "r2") or (kind, name) == ("multilabel", "roc_auc"):
        default = make_report(targets()[kind]).scores
        expected = default[default["metric"] == name]["score"].to_numpy()
        np.testing.assert_allclose(report.scores["score"], expected)


def test_a_scorer_that_cannot_score_a_fold_gives_nan_and_the_reason():
    y = ["a"] * 50 + ["b"] * 50 + ["c"] * 20
    target = read_target(y, n_rows=N_ROWS)
    rows = np.arange(N_ROWS)
    plan = make_fold_plan(
        [(rows[::2], rows[1::2]), (rows[1::2], rows[::2])], target, random_state=0
    )
    report = CrossFitReport([make_record(plan, target)], plan, target, scoring="roc_auc_ovr")
    score, reason = score_of(report, "roc_auc_ovr", rows[:80], np.full((80, 3), 1 / 3))
    assert np.isnan(score)
    assert "lasses" in reason


@pytest.mark.parametrize("scoring", ["auc", ["roc_auc", "nope"], [3]])
def test_unknown_scorers_are_refused(scoring):
    with pytest.raises(ValueError, match="get_scorer_names.*Received: scoring="):
        Scoring(binary_target(), scoring)


def test_a_scorer_that_does_not_support_the_target_is_refused():
    with pytest.raises(ValueError, match="does not support a multiclass target"):
        Scoring(targets()["multiclass"], "roc_auc")
    with pytest.raises(ValueError, match="does not support a continuous target"):
        Scoring(targets()["continuous"], "roc_auc")
    with pytest.raises(ValueError, match="and sample weights"):
        Scoring(targets()["continuous"], "neg_max_error", np.ones(N_ROWS))


# Membership


def test_membership_has_models_and_training_rows():
    report = make_report(cv=RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=0))
    table = report.membership
    assert len(table) == 2 * N_ROWS
    assert table.groupby("row")["model"].nunique().tolist() == [2] * N_ROWS
    assert table["n_learn"].tolist() == [
        len(report.plan.assignments[model].learn) for model in table["model"]
    ]
    for row, model in table[["row", "model"]].sample(20, random_state=0).itertuples(index=False):
        assert row in report.plan.assignments[model].predict
        assert row not in report.plan.assignments[model].learn


def test_membership_comes_from_the_record_not_from_the_plan():
    report = make_report()
    report.columns[0].fed[1]["learn"] = np.repeat(report.columns[0].fed[1]["learn"][:7], 3)
    table = report.membership
    assert (table.loc[table["model"] == 1, "n_learn"] == 7).all()


def test_rows_that_no_model_predicts_are_listed():
    report = make_report(cv=TimeSeriesSplit(3), uncovered="nan")
    table = report.membership
    missing = table[table["model"].isna()]
    assert missing["row"].tolist() == report.plan.uncovered.tolist() == list(range(30))
    assert (missing["n_learn"] == 0).all()
    assert len(table) == N_ROWS
    assert "No model predicts 30 of 120 rows" in str(report)
    assert "row order is used as time" in str(report)


# Verification


def test_valid_records_are_verified():
    groups = np.random.default_rng(0).integers(0, 12, N_ROWS)
    time = np.random.default_rng(0).integers(0, 40, N_ROWS)
    for report in (
        make_report(),
        make_report(groups=groups),
        make_report(stop_fraction=0.2),
        make_report(cv=3, time=time, uncovered="nan"),
    ):
        assert report.verify() is report


@pytest.mark.parametrize(("use", "what"), [("learn", "trained on"), ("stop", "validated on")])
def test_a_row_that_was_trained_on_and_predicted_is_named(use, what):
    report = make_report(record={"name": "title"}, stop_fraction=0.1)
    fed = report.columns[0].fed[2]
    rows = fed["predict"][[3, 5]]
    fed[use] = np.append(fed[use], rows)
    with pytest.raises(
        LeakError, match=f"'title': model 2 was {what} rows that it predicted"
    ) as raised:
        report.verify()
    assert raised.value.rows.tolist() == rows.tolist()
    assert (raised.value.column, raised.value.model) == ("title", 2)
    assert f"rows {rows[0]}, {rows[1]}." in str(raised.value)
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.rows.tolist()) == (str(raised.value), rows.tolist())


def test_a_broken_plan_is_seen_from_the_record_alone():
    """A valid plan, but training used other rows."""
    report = make_report()
    report.columns[0].fed[0]["learn"] = np.arange(N_ROWS)
    report.plan.check()
    with pytest.raises(LeakError, match="model 0 was trained on rows"):
        report.verify()


def test_a_leaking_plan_fails_verification():
    report = make_report()
    first = report.plan.assignments[0]
    leaky = replace(first, learn=np.union1d(first.learn, first.predict[:4]))
    plan = replace(report.plan, assignments=(leaky, *report.plan.assignments[1:]))
    record = make_record(plan, report.target)
    with pytest.raises(LeakError) as raised:
        CrossFitReport([record], plan, report.target).verify()
    assert raised.value.rows.tolist() == first.predict[:4].tolist()


@pytest.mark.parametrize("use", ["learn", "stop"])
def test_a_group_on_both_sides_is_named(use):
    groups = np.random.default_rng(0).integers(0, 12, N_ROWS)
    report = make_report(groups=groups)
    fed = report.columns[0].fed[1]
    stranger = fed["predict"][0]
    fed["predict"] = fed["predict"][1:]
    fed[use] = np.append(fed[use], stranger)
    with pytest.raises(LeakError, match="rows of the groups") as raised:
        report.verify()
    members = fed["predict"][groups[fed["predict"]] == groups[stranger]]
    assert raised.value.rows.tolist() == members.tolist()


@pytest.mark.parametrize("shift", [0, 1])
def test_a_later_or_equally_late_row_is_named(shift):
    time = np.repeat(np.arange(40), 3)
    report = make_report(cv=3, time=time, uncovered="nan")
    fed = report.columns[0].fed[0]
    first_time = report.plan.time[fed["predict"]].min()
    stamp = first_time + shift
    late = np.setdiff1d(np.flatnonzero(report.plan.time == stamp), [])
    fed["predict"] = np.setdiff1d(fed["predict"], late[:1])
    fed["learn"] = np.append(fed["learn"], late[0])
    with pytest.raises(LeakError, match="not earlier than those it predicted") as raised:
        report.verify()
    assert (report.plan.time[raised.value.rows] <= stamp).all()
    assert late[1] in raised.value.rows


def test_rows_without_weight_or_target_must_not_be_trained_on():
    weights = np.ones(N_ROWS)
    weights[:7] = 0
    report = make_report(sample_weight=weights)
    row = next(r for r in range(7) if r not in report.columns[0].fed[0]["predict"])
    report.columns[0].fed[0]["learn"] = np.append(report.columns[0].fed[0]["learn"], row)
    with pytest.raises(LeakError, match=f"weight zero. Received: trained on row {row}"):
        report.verify()
    y = np.where(np.arange(N_ROWS) < 9, np.nan, np.arange(N_ROWS) % 2)
    report = make_report(read_target(y, n_rows=N_ROWS))
    row = next(r for r in range(9) if r not in report.columns[0].fed[0]["predict"])
    report.columns[0].fed[0]["stop"] = np.array([row])
    with pytest.raises(LeakError, match=f"without a target. Received: trained on row {row}"):
        report.verify()


def test_missing_and_surplus_predictions_are_named():
    report = make_report()
    fed = report.columns[0].fed
    lost = fed[3]["predict"][-1]
    fed[3]["predict"] = fed[3]["predict"][:-1]
    with pytest.raises(LeakError, match=f"model 3 did not predict.*missing row {lost}"):
        report.verify()
    report = make_report()
    fed = report.columns[0].fed
    swapped = fed[0]["learn"][0]
    fed[0]["learn"] = fed[0]["learn"][1:]
    fed[0]["predict"] = np.append(fed[0]["predict"], swapped)
    with pytest.raises(LeakError, match="model 0 predicted rows that it should not"):
        report.verify()


def test_every_column_is_verified():
    target = binary_target()
    plan = make_fold_plan(4, target, random_state=0)
    records = [make_record(plan, target, name=name) for name in ("title", "review")]
    records[1].fed[3]["learn"] = np.arange(N_ROWS)
    with pytest.raises(LeakError) as raised:
        CrossFitReport(records, plan, target).verify()
    assert raised.value.column == "review"


# Duplicates


def test_duplicates_are_counted_and_scored_without():
    target = binary_target()
    plan = make_fold_plan(4, target, random_state=0)
    documents = np.arange(1, N_ROWS + 1, dtype=np.uint64)
    first = plan.assignments[0]
    documents[first.predict[:6]] = documents[first.learn[:6]]
    documents[first.predict[6:10]] = documents[first.predict[6]]  # alike within the part only
    documents[first.learn[50:60]] = documents[first.predict[20:24]] = 0
    record = make_record(plan, target, documents=documents)
    record.predictions[0][:6, 0] = target.values[first.predict[:6]]
    report = CrossFitReport([record], plan, target)
    line = report.duplicates.iloc[0]
    # Those training rows are predicted by other models, which were trained on their copies.
    assert line["n_duplicates"] == 12
    assert line["share"] == pytest.approx(12 / N_ROWS)
    without = []
    for model, assignment in enumerate(plan.assignments):
        new = ~np.isin(documents[assignment.predict], documents[assignment.learn])
        new |= documents[assignment.predict] == 0
        rows = assignment.predict[new]
        without.append(roc_auc_score(target.values[rows], record.predictions[model][new, 0]))
    assert line["score_without"] == pytest.approx(np.mean(without))
    assert line["score"] == pytest.approx(report.summary["score"][0])


def test_a_table_of_duplicates_only_has_no_score_without():
    report = make_report(record={"documents": np.ones(N_ROWS, np.uint64)})
    line = report.duplicates.iloc[0]
    assert line["share"] == 1.0
    assert np.isnan(line["score_without"])
    assert line["n_folds"] == 0
    assert "100.0%" in str(report)


# Shapes of the report


def test_dict_is_strict_json():
    groups = np.arange(N_ROWS) // 5
    report = make_report(groups=groups, record={"documents": np.ones(N_ROWS, np.uint64)})
    read = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert read["n_groups"] == 24
    assert read["words"] == {"review": {"tokens": 1000, "tokens_with_vector": 900, "dim": 50}}
    assert read["duplicates"][0]["score_without"] is None
    assert [line["score"] for line in read["scores"]] == report.scores["score"].tolist()


def test_pickle_and_deepcopy_give_the_same_report():
    report = make_report(scoring="f1")
    before = str(report)
    for copied in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report)):
        assert str(copied) == before
        pd.testing.assert_frame_equal(copied.scores, report.scores)
        assert copied.verify() is copied


def test_text_shows_scores_words_and_notes():
    target = targets()["multiclass"]
    plan = make_fold_plan(4, target, random_state=0)
    records = [make_record(plan, target, name=name, seed=i) for i, name in enumerate("ab")]
    report = CrossFitReport(records, plan, target, notes=["vocabulary from all rows"])
    text = str(report)
    assert text.startswith(
        "Cross-fit of 2 columns, 4 fold models each, 120 rows, multiclass target"
    )
    for line in report.summary.itertuples():
        assert f"{line.score:.3f} ± {line.spread:.3f}" in text
    assert "90.0%" in text
    assert "- vocabulary from all rows" in text
    assert repr(report) == "<CrossFitReport of 'a', 'b': 4 models, 120 rows>"


def test_headings_stand_apart_and_only_where_there_is_something_to_say():
    target = binary_target()
    plan = make_fold_plan(4, target, random_state=0)
    documents = np.arange(1, N_ROWS + 1, dtype=np.uint64) // 2 + 1
    summary = str(CrossFitReport([make_record(plan, target, documents=documents)], plan, target))
    headings = [
        "column", "metric", "score ± spread", "prior", "lift", "epochs", "seconds", "duplicates",
        "score without duplicates", "tokens with vector",
    ]  # fmt: skip
    block = summary.split("\n\n")[1].splitlines()
    assert re.split(r" {2,}", block[0].strip()) == headings
    assert len(re.split(r" {2,}", block[1].strip())) == len(headings)
    assert len(block[0]) == len(block[1])
    # Vectors that cover nothing are worth telling; no vectors and no duplicates are not.
    words = {"tokens": 10, "tokens_with_vector": 0, "dim": 50}
    assert "0.0%" in str(make_report(record={"words": words}))
    for without in ({}, words | {"dim": 0}):
        report = make_report(record={"words": without})
        block = str(report).split("\n\n")[1].splitlines()
        assert re.split(r" {2,}", block[0].strip()) == headings[:7]
        assert "with vector" not in report._repr_html_()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (
            {},
            "120 predictions, compared with the 360 training and validation rows of their models: "
            "no row",
        ),
        ({"groups": np.arange(N_ROWS) // 5}, "no row in common, no group in common."),
        ({"cv": TimeSeriesSplit(3), "uncovered": "nan"}, "in common, only earlier training rows."),
        ({"stop_fraction": 0.2}, "compared with the 360 training"),
    ],
)
def test_a_report_shows_whether_it_was_verified(options, found):
    report = make_report(**options)
    assert not report.verified and not report.to_dict()["verified"]
    for shown in (str(report), report._repr_html_()):
        assert "Not verified: print(report.verify()) checks" in shown
    report.verify()
    assert report.verified and report.to_dict()["verified"]
    for shown in (str(report), report._repr_html_()):
        assert "Verified: " in shown and found in shown
        assert "Not verified" not in shown


def test_a_report_that_fails_is_not_called_verified():
    report = make_report()
    report.columns[0].fed[0]["learn"] = np.arange(N_ROWS)
    with pytest.raises(LeakError):
        report.verify()
    assert "Not verified" in str(report)


@pytest.mark.parametrize(
    ("ensemble", "cv", "serves"),
    [
        ("mean", 4, ""),
        ("refit", 4, " and a refit"),
        ("auto", 4, ""),
        ("auto", TimeSeriesSplit(4), " and a refit"),
    ],
)
def test_the_headline_names_the_model_for_new_rows(ensemble, cv, serves):
    target = binary_target()
    plan = make_fold_plan(cv, target, random_state=0, uncovered="nan")
    encoder = TextCNNEncoder(ensemble=ensemble)
    report = CrossFitReport([make_record(plan, target)], plan, target, encoder=encoder)
    assert str(report).startswith(f"Cross-fit of 1 column, 4 fold models{serves}, 120 rows")
    assert report.to_dict()["serves_refit"] is bool(serves)


def test_long_reports_show_the_first_folds():
    report = make_report(cv=RepeatedStratifiedKFold(n_splits=4, n_repeats=10, random_state=0))
    assert "… 20 more lines in .scores" in str(report)
    assert "<summary>40 folds</summary>" in report._repr_html_()


def test_html_is_escaped():
    target = binary_target()
    plan = make_fold_plan(4, target, random_state=0)
    record = make_record(plan, target, name="<script>alert(1)</script>")
    shown = CrossFitReport([record], plan, target, notes=["a < b & <i>c</i>"])._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &lt; b &amp; &lt;i&gt;" in shown


def test_records_that_do_not_fit_the_plan_are_refused():
    with pytest.raises(ValueError, match="epochs of 4 models.*Received: 3"):
        make_report(record={"epochs": [1, 1, 1]})
    with pytest.raises(ValueError, match="one document hash per row"):
        make_report(record={"documents": np.zeros(3, np.uint64)})
    with pytest.raises(ValueError, match="predictions of the shapes"):
        make_report(record={"predictions": [np.zeros((2, 1))] * 4})
    predictions = make_report().columns[0].predictions
    predictions[1][0] = np.nan
    with pytest.raises(ValueError, match="predictions of model 1 are not finite"):
        make_report(record={"predictions": predictions})


@pytest.mark.parametrize("cv", [4, TimeSeriesSplit(4)])
def test_plot_draws_a_line_per_model_and_a_dot_per_fold(cv):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    report = make_report(cv=cv, uncovered="nan", stop_fraction=0.1)
    folds, scores = report.plot()
    image = folds.images[0].get_array()
    assert image.shape == (4, N_ROWS)
    for model, fed in enumerate(report.columns[0].fed):
        assert [(image[model] == use).sum() for use in (1, 2, 3)] == [
            len(fed[part]) for part in ("learn", "stop", "predict")
        ]
    assert len(scores.collections[0].get_offsets()) == 4
    assert [text.get_text() for text in scores.get_yticklabels()] == ["review"]
    given = plt.subplots(1, 2)[1]
    assert report.plot(given)[0] is given[0]
    with pytest.raises(ValueError, match="pair of Axes"):
        report.plot(plt.subplots()[1])


def test_without_matplotlib_plot_says_what_to_type(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install matplotlib .*'textcnn\[plot\]'"):
        make_report().plot()


def test_importing_the_report_brings_no_matplotlib():
    code = "import sys, textcnn.crossfit.report; print('matplotlib' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
