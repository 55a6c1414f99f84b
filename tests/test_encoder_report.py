"""The receipt convicts and measures; whole pipelines on tables with groups and dates."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from checks import WORDS, downstream, scores_of_grouped_splits, signal_table, tiny
from sklearn import config_context
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from textcnn.crossfit import read_target
from textcnn.crossfit.report import LeakError
from textcnn.neural.randomness import seed_sequence

N_ROWS = 60


def test_verify_detects_a_broken_plan(monkeypatch):
    import textcnn.base.out_of_fold

    X, y = signal_table(N_ROWS, 0)
    make_plan = textcnn.base.out_of_fold.make_fold_plan

    def broken(*args, **kwargs):
        plan = make_plan(*args, **kwargs)
        first = plan.assignments[0]
        leaking = dataclasses.replace(first, learn=np.union1d(first.learn, first.predict[:4]))
        return dataclasses.replace(plan, assignments=(leaking, *plan.assignments[1:]))

    monkeypatch.setattr(textcnn.base.out_of_fold, "make_fold_plan", broken)
    plan = make_plan(5, read_target(y, n_rows=N_ROWS), random_state=seed_sequence(0, "plan"))
    encoder = tiny(random_state=0, cv=5)
    with pytest.raises(LeakError, match="model 0 was trained on rows that it predicted") as caught:
        encoder.fit(X, y)  # the end of the fit verifies it
    assert caught.value.rows.tolist() == plan.assignments[0].predict[:4].tolist()
    assert not hasattr(encoder, "classes_")


@pytest.mark.parametrize("is_training", [True, False])
def test_verify_detects_broken_indexing_inside_training(monkeypatch, is_training):
    import textcnn.neural.training as training

    class OffByOne(training.Batches):
        def __init__(self, source, rows, view, *, targets=None, **kwargs):
            if (targets is not None) == is_training:
                rows = (np.asarray(rows) + 1) % len(source)
            super().__init__(source, rows, view, targets=targets, **kwargs)

    monkeypatch.setattr(training, "Batches", OffByOne)
    check_that_broken_indexing_is_detected("keras")


def test_verify_detects_broken_indexing_inside_the_compiled_engine(monkeypatch):
    import textcnn.neural.engine.training as training

    class OffByOne(training.Batches):
        def __init__(self, source, rows, view, **kwargs):
            super().__init__(source, (np.asarray(rows) + 1) % len(source), view, **kwargs)

    monkeypatch.setattr(training, "Batches", OffByOne)
    check_that_broken_indexing_is_detected("numba")


def check_that_broken_indexing_is_detected(engine):
    X, y = signal_table(N_ROWS, 0)
    with pytest.raises(LeakError, match="was trained on rows that it predicted") as caught:
        tiny(engine=engine).fit(X, y)
    assert len(caught.value.rows)


def test_the_report_measures_the_gap():
    X, y = signal_table(150, 0)
    groups = np.repeat(np.arange(30), 5)
    encoder = tiny(cv=GroupKFold(3), epochs=15).fit(X, y, groups=groups)
    gap = encoder.report_.gap(X, y, share=0.2)
    assert gap.loc[("review_cnn", "roc_auc")].min() < 1
    assert gap.loc[("review_cnn", "roc_auc"), ["out_of_fold", "new"]].min() > 0.7
    assert "shallow tree" in gap.attrs["reading"]
    with pytest.raises(ValueError, match="150 rows that the encoder was fitted on"):
        encoder.report_.gap(X[:100], y[:100])
    row_numbers = tiny(cv=list(KFold(3).split(X)), epochs=15).fit(X, y)
    assert row_numbers.report_.gap(X, y)["p_value"].between(0, 1).sum() == 2


def grouped_table(n_groups=24, n_rows=12, seed=0):
    """Return texts that tell which group they are of, a target of the group's own, the groups."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), n_rows)
    y = random.permutation(np.arange(n_groups) % 2)[groups]
    texts = [
        " ".join([f"product{group}", *random.choice(WORDS, 4), f"maker{group}"]) for group in groups
    ]
    order = random.permutation(len(groups))
    return pd.DataFrame({"review": np.array(texts)[order]}), y[order], groups[order]


def test_reviews_in_order_of_their_dates():
    """As they are written, day first, the dates have another order."""
    X, y = signal_table(400, 0)
    dates = pd.Series(pd.date_range("2023-01-29", periods=400, freq="7h"))
    written = dates.dt.strftime("%d/%m/%Y %H:%M")
    stamps = pd.to_datetime(written, dayfirst=True)
    assert not written.sort_values().index.equals(stamps.sort_values().index)
    encoder = tiny(cv=TimeSeriesSplit(2), uncovered="nan", n_filters=4, epochs=16, max_length=30)
    pipeline = make_pipeline(encoder, downstream())
    outer = TimeSeriesSplit(2)
    with config_context(enable_metadata_routing=True):
        encoder.set_fit_request(time=True)
        scores = cross_val_score(
            pipeline, X, y, cv=outer, scoring="roc_auc", params={"time": stamps}
        )
        train, _ = next(outer.split(X))
        pipeline.fit(X.iloc[train], y[train], time=stamps.iloc[train])
    assert scores.min() > 0.55 and scores[1] > 0.65
    assert encoder.report_.notes == [], "time was given, not guessed"
    for fed in encoder.report_.verify().columns[0].fed:
        assert stamps[fed["learn"]].max() < stamps[fed["predict"]].min()
    shuffled = np.random.default_rng(0).permutation(len(train))
    by_keyword = make_pipeline(encoder, downstream())
    by_keyword.fit(X.iloc[shuffled], y[shuffled], textcnnencoder__time=stamps.iloc[shuffled])
    assert by_keyword[0].report_.verify().plan.ordered


def test_a_split_that_ignores_groups_flatters():
    X, y, groups = grouped_table()
    scores = scores_of_grouped_splits(tiny(n_filters=4, epochs=16), X, y, groups)
    assert (scores.loc["ignored"] > scores.loc["kept"] + 0.03).all(), scores
