"""TableFeatures inside scikit-learn's and skrub's own machinery, as it is."""

import numpy as np
import pandas as pd
import pytest
import skrub
from checks import noise_table, signal_table
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from textcnn import TableFeatures, TextCNNEncoder

TINY_CNN = ("cnn", TextCNNEncoder(n_filters=2, kernel_sizes=(2,), epochs=1, n_networks=1))
FOLDS = StratifiedKFold(2, shuffle=True, random_state=0)


def table_of(n_rows=150, seed=0, *, noise=False):
    X, y = noise_table(n_rows, seed) if noise else signal_table(n_rows, seed)
    X["price"] = np.random.default_rng(seed).normal(size=n_rows)
    X["colour"] = pd.Categorical(np.where(np.arange(n_rows) % 3, "red", "blue"))
    return X, y


def boosting():
    return HistGradientBoostingClassifier(
        categorical_features="from_dtype", max_iter=5, max_leaf_nodes=4, random_state=0
    )


def features_of(**changes):
    settings = {"members": ("linear",), "cv": 3, "random_state": 0}
    return TableFeatures(**(settings | changes))


def hosts():
    """The same features in every kind of scikit-learn host; each predicts classes."""
    text = features_of()
    per_column = ColumnTransformer(
        [("text", features_of(columns="all"), ["review"]), ("rest", "passthrough", ["price"])]
    )
    one_column = ColumnTransformer([("text", features_of(columns="all"), "review")])
    stacking = StackingClassifier(
        [
            ("boosting", make_pipeline(features_of(), boosting())),
            (
                "linear",
                make_pipeline(
                    features_of(columns=["review"]), skrub.TableVectorizer(), LogisticRegression()
                ),
            ),
        ],
        cv=2,
    )
    return {
        "Pipeline": make_pipeline(text, boosting()),
        "ColumnTransformer, frame": make_pipeline(per_column, boosting()),
        "ColumnTransformer, series": make_pipeline(one_column, boosting()),
        "StackingClassifier": stacking,
        "TableVectorizer behind": make_pipeline(text, skrub.TableVectorizer(), boosting()),
        "TableVectorizer around": make_pipeline(
            skrub.TableVectorizer(high_cardinality=features_of(columns="all")), boosting()
        ),
        "ApplyToCols": make_pipeline(
            skrub.ApplyToCols(features_of(columns="all"), cols=["review"]), boosting()
        ),
        "tabular_pipeline": make_pipeline(text, skrub.tabular_pipeline("classification")),
    }


@pytest.mark.parametrize("name", list(hosts()))
def test_a_host_finds_the_signal_and_nothing_in_noise(name):
    model = hosts()[name]
    X, y = table_of()
    assert cross_val_score(model, X, y, cv=FOLDS, scoring="roc_auc").mean() > 0.8
    X, y = table_of(200, 1, noise=True)
    assert 0.36 < cross_val_score(model, X, y, cv=FOLDS, scoring="roc_auc").mean() < 0.64


def test_grid_search_reaches_the_parameters_of_members():
    X, y = table_of()
    model = Pipeline(
        [("features", features_of(members=("linear", TINY_CNN))), ("model", boosting())]
    )
    search = GridSearchCV(
        model,
        {"features__cnn__n_filters": [1, 2], "features__linear__C": [1.0]},
        cv=StratifiedKFold(2),
        scoring="roc_auc",
    ).fit(X, y)
    assert search.cv_results_["mean_test_score"].shape == (2,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_["features"]
    encoder = best.encoders_["review", "cnn"]
    assert encoder.n_filters == search.best_params_["features__cnn__n_filters"]
    assert best.encoders_["review", "linear"].C == 1.0
    assert search.predict(X.head(5)).shape == (5,)
    by_members = GridSearchCV(
        model,
        {"features__members": [("svd",), ("linear",)]},
        cv=StratifiedKFold(2),
    ).fit(X, y)
    assert by_members.best_params_["features__members"] in [("svd",), ("linear",)]


def test_training_rows_get_out_of_fold_features_in_a_host():
    X, y = table_of(300, 1, noise=True)
    model = make_pipeline(features_of(members=("linear",), columns=["review"]), boosting())
    seen = {}
    original = HistGradientBoostingClassifier.fit

    class Watching(HistGradientBoostingClassifier):
        def fit(self, X, y, *rest, **more):
            seen["train"] = X
            return original(self, X, y, *rest, **more)

    model.steps[-1] = ("watching", Watching(categorical_features="from_dtype", max_iter=5))
    model.fit(X, y)
    alone = features_of(members=("linear",), columns=["review"]).fit_transform(X, y)
    pd.testing.assert_frame_equal(seen["train"], alone)


def test_data_ops_with_nested_cross_validation():
    X, y = table_of()
    data = skrub.var("table", X.assign(target=y))
    inputs = data.drop(columns="target").skb.mark_as_X()
    target = data["target"].skb.mark_as_y()
    n_words = skrub.choose_from([(1, 1), (1, 2)], name="words")
    features = inputs.skb.apply(
        features_of(members=("linear",)).set_params(linear__word_ngrams=n_words), y=target
    )
    predictions = features.skb.apply(boosting(), y=target)
    search = predictions.skb.make_randomized_search(
        n_iter=2, cv=2, scoring="roc_auc", random_state=0, fitted=True
    )
    assert set(map(str, search.results_["words"])) <= {"(1, 1)", "(1, 2)"}
    assert search.results_["mean_test_score"].min() > 0.8
    scores = predictions.skb.cross_validate(cv=FOLDS, scoring="roc_auc")
    assert scores["test_score"].mean() > 0.8
