"""Displays of a cross-fit: recorded rows of folds, scores per output, gains of members."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from textcnn import FoldTargetWarning, TableFeatures, TextLinearEncoder
from textcnn.datasets import load_reviews
from textcnn.inspect import FoldsDisplay, GainsDisplay, OutputScoresDisplay

SETTINGS = {"char_ngrams": None, "random_state": 0}


@pytest.fixture(scope="module")
def reviews():
    return load_reviews().iloc[:240]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_folds_are_the_recorded_rows_with_groups_below(reviews):
    encoder = TextLinearEncoder(cv=3, **SETTINGS)
    encoder.fit(reviews[["review"]], reviews["recommended"], groups=reviews["customer"])
    display = FoldsDisplay.from_estimator(encoder)
    assert display.uses.shape == (3, 240)
    assert (display.uses == 3).sum() == 240
    sizes = [len(a.predict) for a in encoder.report_.plan.assignments]
    assert (display.uses == 3).sum(axis=1).tolist() == sizes
    for group in np.unique(display.groups):
        uses = display.uses[:, display.groups == group]
        assert (uses == uses[:, :1]).all()
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["0", "1", "2", "group"]
    n_groups = reviews["customer"].nunique()
    assert legend_of(display.ax_) == ["training", "predicted", f"one of {n_groups} groups"]


def test_folds_in_time_never_learn_from_later_rows(reviews):
    encoder = TextLinearEncoder(cv=3, uncovered="nan", **SETTINGS)
    encoder.fit(reviews[["review"]], reviews["recommended"], time=reviews["date"])
    display = FoldsDisplay.from_estimator(encoder)
    assert display.groups is None and display.ax_.get_xlabel() == "rows, in time order"
    for uses in display.uses:
        assert np.flatnonzero(uses == 1).max() < np.flatnonzero(uses == 3).min()
    given = plt.subplots()[1]
    assert FoldsDisplay.from_estimator(encoder, ax=given).figure_ is given.figure


def test_scores_are_each_class_against_the_rest(reviews):
    y = pd.cut(reviews["rating"], 3, labels=["low", "middle", "high"]).astype(str)
    encoder = TextLinearEncoder(cv=3, **SETTINGS)
    features = encoder.fit_transform(reviews[["review"]], y)
    display = OutputScoresDisplay.from_estimator(encoder)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["high", "low", "middle"] and len(display.scores) == 9
    assert display.scores["score"].between(0, 1).all() and "AUC" in display.ax_.get_xlabel()
    rows = encoder.report_.plan.assignments[1].predict
    line = display.scores.query("output == 'low' and model == 1").iloc[0]
    # Features leave the prior out, which moves classes against one another: near, not equal.
    expected = roc_auc_score(y.iloc[rows] == "low", features[rows, 1])
    assert abs(line["score"] - expected) < 0.1 and line["n_rows"] == len(rows)
    record = encoder.report_.columns[0]
    exact = roc_auc_score(y.iloc[rows] == "low", record.predictions[1][:, 1])
    assert line["score"] == exact


def test_a_fold_of_one_class_has_no_score_and_numbers_have_r2(reviews):
    linear = TextLinearEncoder(target_type="continuous", cv=3, **SETTINGS)
    linear.fit(reviews[["review"]], reviews["rating"])
    display = OutputScoresDisplay.from_estimator(linear)
    np.testing.assert_allclose(display.scores["score"], linear.report_.scores["score"])
    assert display.ax_.get_yticklabels()[0].get_text() == "review"
    rows = np.arange(240)
    y = rows % 2
    y[160:] = 1
    folds = [(np.delete(rows, np.s_[a : a + 80]), rows[a : a + 80]) for a in (0, 80, 160)]
    encoder = TextLinearEncoder(cv=folds, **SETTINGS)
    with pytest.warns(FoldTargetWarning):
        encoder.fit(reviews[["review"]], y)
    scores = OutputScoresDisplay.from_estimator(encoder).scores["score"]
    assert scores.isna().tolist() == [False, False, True]


def test_gains_are_those_of_the_report(reviews):
    table = reviews[["review", "price", "recommended"]]
    features = TableFeatures(members=[("linear", TextLinearEncoder(**SETTINGS))], random_state=0)
    features.fit(table.drop(columns="recommended"), table["recommended"])
    display = GainsDisplay.from_estimator(features)
    frame = features.report_.to_frame()
    pd.testing.assert_frame_equal(display.gains, frame)
    assert display.ax_.get_title() == "Gain of each member on review"
    encoder = features.encoders_["review", "linear"]
    assert FoldsDisplay.from_estimator(encoder).uses.shape == (5, 240)
    with pytest.raises(TypeError, match="one of its encoders.*Received: TableFeatures"):
        FoldsDisplay.from_estimator(features)
    late = frame.assign(member="cnn", gain=np.nan, gain_error=np.nan, kept=False, verdict="late")
    both = GainsDisplay(gains=pd.concat([frame, late], ignore_index=True)).plot()
    assert "late" in [text.get_text().strip() for text in both.ax_.texts]
    assert legend_of(both.ax_) == ["kept", "not kept"]
    with pytest.raises(ValueError, match="without .*'gain'.*"):
        GainsDisplay(gains=frame[["column"]])
