"""Matrices that are not what the recorded fold models gave are found."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from textcnn.crossfit import assemble, make_fold_plan, read_target
from textcnn.crossfit.fingerprints import (
    Verification,
    check_returned,
    differing_rows,
    fingerprint,
    unchecked,
)
from textcnn.crossfit.predicted_again import SampledRows, sample_rows
from textcnn.crossfit.verification import LeakError

N_ROWS = 60
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=N_ROWS)
WEIGHTS = RANDOM.normal(size=5)


@pytest.fixture
def plan():
    target = read_target([0, 1] * (N_ROWS // 2), n_rows=N_ROWS)
    return make_fold_plan(5, target, random_state=0)


def predict(model, rows):
    """Stand for fold models: each has a slope of its own."""
    return np.stack([X[rows] * WEIGHTS[model], X[rows] ** 2 + model], axis=1)


def returned(plan):
    return assemble(plan, [predict(k, a.predict) for k, a in enumerate(plan.assignments)])


def transformed():
    """Features as of ``fit(X, y).transform(X)``: the mean of all models."""
    rows = np.arange(N_ROWS)
    return np.mean([predict(model, rows) for model in range(5)], axis=0).astype(np.float32)


def test_what_the_fit_returned_passes(plan):
    features = returned(plan)
    assert "all 60 rows" in check_returned(fingerprint(features), features)
    checked = SampledRows("text", plan, sample_rows(plan)).check_features(predict, features)
    assert checked == "text: 60 rows were predicted again by 5 recorded models"


@pytest.mark.parametrize(
    "container",
    [
        lambda matrix: matrix.astype(np.float64),
        lambda matrix: np.asfortranarray(matrix),
        lambda matrix: pd.DataFrame(matrix, columns=["a", "b"]),
        lambda matrix: pl.DataFrame(matrix, schema=["a", "b"]),
        lambda matrix: pl.DataFrame(matrix, schema=["a", "b"]).to_arrow(),
        lambda matrix: matrix.tolist(),
    ],
    ids=["float64", "columns first", "pandas", "polars", "pyarrow", "list"],
)
def test_the_container_does_not_matter(plan, container):
    features = returned(plan)
    features[3, 0], features[4, 1] = np.nan, -0.0
    known = fingerprint(features)
    assert len(differing_rows(known, container(features))) == 0


def test_features_of_transform_are_found(plan):
    features = returned(plan)
    with pytest.raises(LeakError, match="60 of 60 rows differ"):
        check_returned(fingerprint(features), transformed())
    with pytest.raises(LeakError, match="for 20 of 20 sampled rows the models"):
        SampledRows("text", plan, sample_rows(plan, 20)).check_features(predict, transformed())


def test_swapped_rows_are_named(plan):
    features = returned(plan)
    swapped = features.copy()
    swapped[[7, 9]] = features[[9, 7]]
    with pytest.raises(LeakError, match="2 of 60 rows differ") as caught:
        check_returned(fingerprint(features), swapped)
    assert caught.value.rows.tolist() == [7, 9]
    with pytest.raises(LeakError) as caught:
        SampledRows("text", plan, np.arange(N_ROWS)).check_features(predict, swapped)
    assert caught.value.rows.tolist() == [7, 9]


def test_in_sample_means_in_a_few_rows_are_found_mostly(plan):
    features = returned(plan)
    rows = np.arange(0, N_ROWS, 10)
    features[rows] = transformed()[rows]
    found = 0
    for seed in range(20):
        try:
            SampledRows("text", plan, sample_rows(plan, 30, seed)).check_features(predict, features)
        except LeakError:
            found += 1
    assert found >= 18  # 1 - (1 - 30 / 60) ** 6 = 98 % of the samples hold one of the six


def test_models_in_another_order_than_the_records_are_found(plan):
    features = returned(plan)
    with pytest.raises(LeakError, match="Column 'text'"):
        SampledRows("text", plan, sample_rows(plan)).check_features(
            lambda k, rows: predict((k + 1) % 5, rows), features
        )


def test_a_row_of_several_models_is_compared_with_their_mean():
    folds = [
        (np.arange(20, 60), np.arange(20)),
        (np.r_[0:20, 40:60], np.arange(20, 40)),
        (np.arange(40), np.arange(40, 60)),
        (np.arange(30, 60), np.arange(30)),
        (np.arange(30), np.arange(30, 60)),
    ]
    target = read_target([0, 1] * (N_ROWS // 2), n_rows=N_ROWS)
    plan = make_fold_plan(folds, target, random_state=0)
    SampledRows("text", plan, np.arange(N_ROWS)).check_features(predict, returned(plan))


def test_nan_in_a_row_that_a_model_predicts_is_found(plan):
    features = returned(plan)
    features[5] = np.nan
    with pytest.raises(LeakError) as caught:
        SampledRows("text", plan, np.arange(N_ROWS)).check_features(predict, features)
    assert caught.value.rows.tolist() == [5]


def test_constant_features_pass(plan):
    features = np.full((N_ROWS, 1), 0.5, np.float32)
    SampledRows("text", plan, sample_rows(plan)).check_features(
        lambda k, rows: np.full((len(rows), 1), 0.5), features
    )


def test_the_sample_has_rows_of_every_model_and_none_that_no_model_predicts():
    folds = [(np.arange(30, 60), np.arange(5)), (np.arange(30, 60), np.arange(5, 25))]
    target = read_target([0, 1] * (N_ROWS // 2), n_rows=N_ROWS)
    plan = make_fold_plan(folds, target, uncovered="nan", random_state=0)
    rows = sample_rows(plan, 10)
    assert len(rows) == 10
    assert (rows < 5).sum() == 5
    assert len(sample_rows(plan, 1)) == 2
    assert sample_rows(plan, 1000).tolist() == list(range(25))
    assert sample_rows(plan, 12, seed=1).tolist() == sample_rows(plan, 12, seed=1).tolist()
    with pytest.raises(ValueError, match="which no model predicts"):
        SampledRows("text", plan, np.array([50])).check_features(predict, np.zeros((N_ROWS, 2)))


def test_another_shape_is_refused(plan):
    features = returned(plan)
    with pytest.raises(ValueError, match=r"Received: shape \(60, 1\)"):
        check_returned(fingerprint(features), features[:, :1])


def test_what_was_not_checked_is_said():
    lines = unchecked(has_fingerprint=True, has_matrix=False)
    text = str(Verification(["training rows of models"], lines))
    assert "checked: training rows of models" in text
    assert "not checked: your matrix of features: pass it, verify(features)" in text
    assert len(unchecked(has_fingerprint=True, has_matrix=True)) == 2
    assert "no fingerprint" in unchecked(has_fingerprint=False, has_matrix=False)[-1]


def test_predictions_of_other_models_than_the_recorded_ones_are_found(plan):
    recorded = [predict(k, a.predict) for k, a in enumerate(plan.assignments)]
    rows = sample_rows(plan, 20)
    line = SampledRows("text", plan, rows).check_record(predict, recorded)
    assert line == "text: 20 rows were predicted again by 5 recorded models"
    with pytest.raises(LeakError, match="model 0 returns other predictions than its record"):
        SampledRows("text", plan, rows).check_record(
            lambda k, rows: predict((k + 1) % 5, rows), recorded
        )


def test_noise_of_a_model_that_learnt_nothing_is_no_difference(plan):
    features = np.full((N_ROWS, 1), 0.5, np.float32)
    features[::2] += 1e-7
    rows = sample_rows(plan)

    def again(k, rows):
        return np.full((len(rows), 1), 0.5)

    SampledRows("text", plan, rows, scale=1.0).check_features(again, features)
    with pytest.raises(LeakError):
        SampledRows("text", plan, rows).check_features(again, features)
