"""join_columns=True: one network reads the cells of several text columns one after another."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import check_exact_influence, noise_table, signal_table
from inside import network_of
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from textcnn import TextCNNClassifier, TextCNNEncoder, TextCNNRegressor, WordVectors
from textcnn.text.columns import TextColumn
from textcnn.text.hashes import hash_documents, hash_rows
from textcnn.text.joining import SEPARATOR, JoinedColumns, JoinedTokenizer

TINY = {"n_filters": 4, "kernel_sizes": (2,), "epochs": 1, "random_state": 0, "n_networks": 1}


def joined(**changes):
    if changes.get("network") is not None:  # it has no kernels
        changes["kernel_sizes"] = "auto"
    return TextCNNEncoder(**(TINY | {"cv": 2, "join_columns": True} | changes))


def two_columns(n_rows, seed):
    """Return a column with signal, a column of noise, and the class."""
    X, y = signal_table(n_rows, seed)
    return pd.DataFrame({"noise": noise_table(n_rows, seed + 50)[0]["review"], **X}), y


def flip(y, rows):
    changed = y.copy()
    changed[rows] = 1 - y[rows]
    return changed


# Tokens


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("good film", "bad"), ["good", "film", SEPARATOR, "bad"]),
        (("", "bad"), [SEPARATOR, "bad"]),
        (("good", ""), ["good", SEPARATOR]),
        (("", "  "), []),
        (("one two three", "", "four five six"), ["one", "two", *[SEPARATOR] * 2, "four", "five"]),
    ],
)
def test_cells_are_split_apart_and_a_separator_stands_between(cells, expected):
    assert JoinedTokenizer("word", 2)(cells) == expected


def test_characters_and_own_tokenizers_are_joined_too():
    assert JoinedTokenizer("char", None)(("ab", "c")) == ["a", "b", SEPARATOR, "c"]
    assert JoinedTokenizer(str.split, None)(("a-b", "c.")) == ["a-b", SEPARATOR, "c."]


def test_a_joined_column_is_a_column_of_tuples():
    missing = np.zeros(2, bool)
    columns = [TextColumn("title", ["a", ""], missing), TextColumn(None, ["b", ""], missing)]
    both = JoinedColumns(columns)
    assert len(both) == 2 and both.cells == [("a", "b"), ("", "")]
    assert both.label(0) == "title, x1"
    np.testing.assert_array_equal(hash_documents(both), hash_rows(columns))
    assert hash_documents(both)[1] == 0


# The encoder


def test_one_set_of_features_finds_the_signal_in_either_column():
    X, y = two_columns(150, 0)
    encoder = joined(epochs=25, cv=3).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == ["joined_cnn"]
    assert encoder.n_features_in_ == 2
    assert roc_auc_score(y, features["joined_cnn"]) > 0.8
    new, new_y = two_columns(100, 1)
    assert roc_auc_score(new_y, encoder.transform(new)["joined_cnn"]) > 0.8
    assert encoder.vocabulary_report_.index.tolist() == ["noise, review"]
    assert set(encoder.history_["column"]) == {"noise, review"}
    encoder.report_.verify()


def test_words_of_two_columns_stand_beside_each_other():
    # The class is whether the columns agree, which no column tells alone.
    random = np.random.default_rng(0)
    left, right = random.integers(0, 2, (2, 300))
    words = np.array(["north", "south"])
    X = pd.DataFrame({"a": words[left], "b": words[right]})
    y = (left == right).astype(int)
    settings = {"epochs": 60, "n_filters": 16, "kernel_sizes": (3,), "learning_rate": 0.01}
    together = joined(**settings).fit_transform(X, y)
    assert roc_auc_score(y, together[:, 0]) > 0.95
    apart = joined(join_columns=False, **settings | {"epochs": 10}).fit_transform(X, y)
    assert max(roc_auc_score(y, apart[:, i]) for i in range(2)) < 0.65


def test_one_column_joined_is_that_column():
    X, y = signal_table(60, 0)
    encoder = joined()
    np.testing.assert_array_equal(
        encoder.fit_transform(X, y), joined(join_columns=False).fit_transform(X, y)
    )
    assert encoder.get_feature_names_out().tolist() == ["review_cnn"]


def test_names_of_several_classes_and_members():
    X, codes = signal_table(90, 0, n_classes=3)
    X["title"] = "a title"
    encoder = joined(level="char").fit(X, np.array(["x", "y", "z"])[codes])
    names = [f"joined_char_cnn_{name}" for name in "xyz"]
    assert encoder.get_feature_names_out().tolist() == names


def test_no_target_of_a_held_out_row_has_a_say():
    X, y = two_columns(45, 0)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    check_exact_influence(joined(), X, y, folds, flip)


@pytest.mark.parametrize("network", [None, "bigru"])
def test_pickles_keep_state_and_rows_are_independent(network):
    X, y = two_columns(60, 0)
    X.loc[:3, "noise"] = [None, np.nan, "", " "]
    X.loc[2:5, "review"] = None
    encoder = joined(network=network)
    features = encoder.fit_transform(X, y)
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(clone(encoder).fit_transform(X, y), features)
    new = two_columns(8, 3)[0]
    new.loc[0] = ""
    restored = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(restored.transform(new), encoder.transform(new))
    alone = np.vstack([encoder.transform(new.iloc[[row]]) for row in range(8)])
    np.testing.assert_allclose(alone, encoder.transform(new), atol=1e-6)


def test_what_was_joined_at_fit_stays_joined():
    X, y = two_columns(60, 0)
    encoder = joined().fit(X, y)
    new = two_columns(8, 3)[0]
    expected = encoder.transform(new)
    np.testing.assert_array_equal(encoder.set_params(join_columns=False).transform(new), expected)
    assert encoder.get_feature_names_out().tolist() == ["joined_cnn"]
    assert encoder.fit_transform(X, y).shape == (60, 2)


def test_equal_rows_are_groups_and_equal_cells_are_not():
    X, y = two_columns(60, 0)
    X = pd.concat([X, X.iloc[:20]], ignore_index=True)
    y = np.append(y, y[:20])
    X["noise"] = X["noise"].where(X.index % 2 == 0, "the same")
    encoder = joined()
    encoder.fit(X, y, groups="documents")
    for fed in encoder.report_.columns[0].fed:
        twins = [row + 60 if row < 20 else row - 60 for row in fed["predict"] if not 20 <= row < 60]
        assert np.isin(twins, fed["predict"]).all()


def test_given_vectors_and_corpus_vectors():
    X, y = two_columns(60, 0)
    vectors = WordVectors(["good", "bad"], np.eye(2, dtype=np.float32))
    for embeddings in (vectors, "corpus"):
        encoder = joined(embeddings=embeddings)
        assert np.isfinite(encoder.fit_transform(X, y)).all()


def test_an_error_names_all_columns():
    def broken(text):
        raise RuntimeError("tokenizer failed")

    X, y = two_columns(60, 0)
    with pytest.raises(RuntimeError) as caught:
        joined(tokenizer=broken).fit(X, y)
    assert any("'noise, review'" in note for note in caught.value.__notes__)


def test_other_columns_than_at_fit_are_refused():
    X, y = two_columns(60, 0)
    encoder = joined().fit(X, y)
    with pytest.raises(ValueError, match="review"):
        encoder.transform(X[["noise"]])


# The predictors


def test_predictors_read_joined_columns_in_one_branch():
    X, y = two_columns(150, 0)
    new, new_y = two_columns(100, 1)
    settings = TINY | {"epochs": 30, "join_columns": True}
    classifier = TextCNNClassifier(**settings).fit(X, y)
    assert roc_auc_score(new_y, classifier.predict_proba(new)[:, 1]) > 0.8
    network = network_of(classifier)
    assert len(network.readers) == 1 and network.names == ["noise, review"]
    regressor = TextCNNRegressor(**settings).fit(X, 10.0 * y)
    assert np.corrcoef(regressor.predict(new), new_y)[0, 1] > 0.5
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(classifier)).predict(new), classifier.predict(new)
    )
