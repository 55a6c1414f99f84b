"""TextLinearEncoder(join_columns=True): one model reads the n-grams of all cells of a row."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import check_exact_influence, noise_table, signal_table
from inside import counts_of
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from textcnn import TextLinearEncoder
from textcnn.text.ngrams import NgramCounter


def two_columns(n_rows, seed):
    """Return a column with signal, a column of noise, and the class."""
    X, y = signal_table(n_rows, seed)
    return pd.DataFrame({"noise": noise_table(n_rows, seed + 50)[0]["review"], **X}), y


def joined(**changes):
    return TextLinearEncoder(**({"join_columns": True, "cv": 3, "random_state": 0} | changes))


def flip(y, rows):
    changed = y.copy()
    changed[rows] = 1 - y[rows]
    return changed


def test_one_set_of_features_finds_the_signal_and_new_rows_are_read_alike():
    X, y = two_columns(150, 0)
    encoder = joined().set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == ["joined_linear"] and encoder.n_features_in_ == 2
    assert roc_auc_score(y, features["joined_linear"]) > 0.8
    new, new_y = two_columns(100, 1)
    together = encoder.transform(new)
    assert roc_auc_score(new_y, together["joined_linear"]) > 0.8
    restored = pickle.loads(pickle.dumps(encoder))  # noqa: S301
    pd.testing.assert_frame_equal(restored.transform(new.iloc[3:4]), together.iloc[3:4])
    encoder.set_params(join_columns=False)
    pd.testing.assert_frame_equal(encoder.transform(new), together)
    assert encoder.fit_transform(X, y).shape == (150, 2)


def test_counts_are_those_of_all_cells_and_no_ngram_crosses_their_end():
    X = pd.DataFrame({"a": ["red car", "car", ""], "b": ["red", "red car", "blue"]})
    encoder = joined(min_df=1, char_ngrams=None)
    counts, counter = counts_of(encoder, X)
    counts = counts.toarray()
    # "red", "car" and "red car" come twice; "car red", over the end of a cell, is no n-gram.
    assert counter.n_words == 3
    apart = counter.count(["red car", "red"]).toarray().sum(axis=0)
    np.testing.assert_array_equal(counts[0], apart)
    assert counts[2].sum() == 0
    plain = NgramCounter((1, 2), (), True, "word").learn(["red car red", "car red car", "blue"])[0]
    assert plain.n_words == 4


def test_one_column_joined_is_that_column():
    X, y = signal_table(60, 0)
    np.testing.assert_array_equal(
        joined().fit_transform(X, y), joined(join_columns=False).fit_transform(X, y)
    )
    assert joined().fit(X, y).get_feature_names_out().tolist() == ["review_linear"]


def test_no_target_of_a_held_out_row_has_a_say():
    X, y = two_columns(60, 0)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    check_exact_influence(joined(), X, y, folds, flip)


def test_an_unknown_choice_is_refused():
    X, y = two_columns(20, 0)
    with pytest.raises(ValueError, match="join_columns must be True or False"):
        joined(join_columns="together").fit(X, y)
