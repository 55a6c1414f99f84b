"""Whole pipelines on tables that people made; the same claims on made ones are in tests/."""

import numpy as np
import pandas as pd
from checks import downstream, scores_of_grouped_splits, tiny
from sklearn import config_context
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from textcnn import TextLinearEncoder


def test_tweets_in_order_of_their_dates(real_data):
    table = pd.read_csv(real_data / "tables" / "airline_tweets.csv.gz")
    table = table.dropna(subset=["text", "tweet_created"]).sample(2000, random_state=0)
    stamps = pd.to_datetime(table["tweet_created"])
    assert not table["tweet_created"].sort_values().index.equals(stamps.sort_values().index)
    order = np.argsort(stamps.to_numpy(), kind="stable")
    X, stamps = table[["text"]].iloc[order], stamps.iloc[order].reset_index(drop=True)
    y = (table["airline_sentiment"].iloc[order] == "negative").to_numpy(int)
    encoder = tiny(cv=TimeSeriesSplit(2), uncovered="nan", n_filters=4, epochs=8, max_length=30)
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            make_pipeline(encoder.set_fit_request(time=True), downstream()),
            X, y, cv=TimeSeriesSplit(2), scoring="roc_auc", params={"time": stamps},
        )  # fmt: skip
    assert scores.min() > 0.55 and scores[1] > 0.65
    encoder.fit(X, y, time=stamps)
    for fed in encoder.report_.verify().columns[0].fed:
        assert stamps[fed["learn"]].max() < stamps[fed["predict"]].min()


def test_a_split_that_ignores_groups_flatters(real_data):
    """Is a garment among the better liked half? Its own reviews tell which garment it is.

    Only reviews of other garments can tell whether that was learnt from what people write; it was
    not. Of targets that are the reviewer's own ("recommended") groups change about 0.01.
    """
    table = pd.read_csv(real_data / "tables" / "womens_clothing.csv.gz")
    table = table[table["review_text"].notna()]
    common = table["clothing_id"].value_counts().index[:24]
    table = table[table["clothing_id"].isin(common)].groupby("clothing_id").head(60)
    rating = table.groupby("clothing_id")["rating"].mean()
    y = (table["clothing_id"].map(rating) > rating.median()).to_numpy(int)
    assert len(table) == 1440
    encoder = tiny(n_filters=32, kernel_sizes=(1, 2), epochs=12, max_length=60)
    groups = table["clothing_id"].to_numpy()
    scores = scores_of_grouped_splits(encoder, table[["review_text"]], y, groups)
    assert (scores.loc["ignored"] > scores.loc["kept"] + 0.03).all(), scores


def test_reviews_by_a_linear_model(real_data):
    table = pd.read_csv(real_data / "text" / "mr.csv.gz", keep_default_na=False)
    table = table.sample(2500, random_state=0)
    train, test = table[:2000], table[2000:]
    encoder = TextLinearEncoder(random_state=0).fit(train[["text"]], train["label"])
    assert encoder.report_.summary["score"].iloc[0] > 0.74
    assert roc_auc_score(test["label"] == "pos", encoder.transform(test[["text"]])[:, 0]) > 0.74
