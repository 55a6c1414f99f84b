"""The report finds leaks and measures gaps; complete pipelines on real tables."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from textcnn.crossfit.report import LeakError

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
    encoder = tiny().fit(X, y)
    rows = encoder._plan.assignments[0].predict[:4]
    with pytest.raises(LeakError, match="model 0 learnt from rows that it predicted") as caught:
        encoder.report_.verify()
    assert caught.value.rows.tolist() == rows.tolist()


@pytest.mark.parametrize("is_training", [True, False])
def test_verify_detects_broken_indexing_inside_training(monkeypatch, is_training):
    import textcnn.neural.training as training

    class OffByOne(training.Batches):
        def __init__(self, source, rows, view, *, targets=None, **kwargs):
            if (targets is not None) == is_training:
                rows = (np.asarray(rows) + 1) % len(source)
            super().__init__(source, rows, view, targets=targets, **kwargs)

    X, y = signal_table(N_ROWS, 0)
    monkeypatch.setattr(training, "Batches", OffByOne)
    encoder = tiny().fit(X, y)
    with pytest.raises(LeakError, match="learnt from rows that it predicted") as caught:
        encoder.report_.verify()
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


def real_table(shared_data, name, n_rows, columns):
    table = pd.read_csv(shared_data / "tables" / f"{name}.csv.gz").dropna(subset=columns)
    return table.sample(n_rows, random_state=0)


def downstream():
    return HistGradientBoostingClassifier(max_iter=20, max_depth=3, random_state=0)


def test_tweets_in_order_of_their_dates(shared_data):
    table = real_table(shared_data, "airline_tweets", 2000, ["text", "tweet_created"])
    stamps = pd.to_datetime(table["tweet_created"])
    assert not table["tweet_created"].sort_values().index.equals(stamps.sort_values().index)
    order = np.argsort(stamps.to_numpy(), kind="stable")
    X, stamps = table[["text"]].iloc[order], stamps.iloc[order].reset_index(drop=True)
    y = (table["airline_sentiment"].iloc[order] == "negative").to_numpy(int)
    encoder = tiny(cv=TimeSeriesSplit(2), uncovered="nan", n_filters=4, epochs=8, max_length=30)
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


def test_a_split_that_ignores_groups_flatters(shared_data):
    """Target: is a garment among the better-rated half? Its own reviews identify the garment.

    A score on other garments shows whether the text predicts the target in general; it does not.
    For a target of the single review ("recommended") groups change the score by about 0.01.
    """
    table = pd.read_csv(shared_data / "tables" / "womens_clothing.csv.gz")
    table = table[table["review_text"].notna()]
    common = table["clothing_id"].value_counts().index[:24]
    table = table[table["clothing_id"].isin(common)].groupby("clothing_id").head(60)
    rating = table.groupby("clothing_id")["rating"].mean()
    y = (table["clothing_id"].map(rating) > rating.median()).to_numpy(int)
    X, groups = table[["review_text"]], table["clothing_id"].to_numpy()
    assert len(X) == 1440
    scores, own_scores = {}, {}
    for name, splitter in (
        ("ignored", StratifiedKFold(3, shuffle=True, random_state=0)),
        ("kept", StratifiedGroupKFold(3, shuffle=True, random_state=0)),
    ):
        encoder = tiny(cv=splitter, n_filters=4, epochs=8, max_length=60)
        pipeline = make_pipeline(encoder, downstream())
        params = {"groups": groups} if name == "kept" else {}
        with config_context(enable_metadata_routing=True):
            scores[name] = cross_val_score(
                pipeline, X, y, cv=splitter, scoring="roc_auc", params=params
            ).mean()
            pipeline.fit(X, y, **params)
        own_scores[name] = encoder.report_.verify().summary["score"].iloc[0]
    assert scores["ignored"] > scores["kept"] + 0.03, scores
    assert own_scores["ignored"] > own_scores["kept"] + 0.03, own_scores
