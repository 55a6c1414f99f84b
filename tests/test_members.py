"""The character network and the recurrent one: what each can read, no leak, state, errors."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import check_exact_influence, check_fed_rows, check_noise, noise_table, signal_table
from inside import learner_of, network_of, training_of
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from textcnn import TextCNNClassifier, TextCNNEncoder, TextCNNRegressor, WordVectors
from textcnn.crossfit import read_target

MEMBERS = {
    "char_cnn": {"level": "char"},
    "bigru": {"network": "bigru"},
    "char_bigru": {"level": "char", "network": "bigru"},
}
TINY = {"n_filters": 4, "epochs": 1, "random_state": 0}
VECTORS = WordVectors(["good", "bad", "fine"], np.eye(3))
both = pytest.mark.parametrize("name", ["char_cnn", "bigru"])


def encoder_of(name, **changes):
    return TextCNNEncoder(**(TINY | {"cv": 3} | MEMBERS[name] | changes))


def folds_of(n_rows, n_folds=3):
    return list(KFold(n_folds, shuffle=True, random_state=0).split(np.zeros(n_rows)))


def flip(y, rows):
    changed = y.copy()
    changed[rows] = 1 - y[rows]
    return changed


def codes_table(n_rows, seed):
    """Return a code of its own per row; the class is the order of two letters in it."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n_rows)
    codes = []
    for label in y:
        letters = list(random.choice(list("abcdefgh"), 10))
        place = int(random.integers(1, 10))
        codes.append("".join(letters[:place] + [["qx", "xq"][label]] + letters[place:]))
    return pd.DataFrame({"code": codes}), y


def order_table(n_rows, seed):
    """Return two telling words far from each other; the class is which comes first."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n_rows)
    fillers = np.array(["film", "plot", "cast", "scene"])
    texts = []
    for label in y:
        before, between, after = (random.choice(fillers, n) for n in (3, 4, 3))
        first, second = [("alpha", "omega"), ("omega", "alpha")][label]
        texts.append(" ".join([*before, first, *between, second, *after]))
    return pd.DataFrame({"review": texts}), y


# What each can read


def test_characters_tell_what_words_that_occur_once_cannot():
    X, y = codes_table(300, 0)
    settings = {"cv": 3, "random_state": 0, "n_filters": 8, "epochs": 25}
    chars = TextCNNEncoder(level="char", kernel_sizes=2, **settings)
    by_chars = chars.fit_transform(X, y)
    assert roc_auc_score(y, by_chars[:, 0]) > 0.95
    assert chars.get_feature_names_out().tolist() == ["code_char_cnn"]
    by_words = TextCNNEncoder(**settings | {"epochs": 5}).fit_transform(X, y)
    assert np.ptp(by_words) < 0.2, "to a word network all codes are the unknown word"
    new, new_y = codes_table(100, 1)
    assert roc_auc_score(new_y, chars.transform(new)[:, 0]) > 0.95


def test_a_recurrent_network_learns_an_order_of_words_longer_than_filters():
    X, y = order_table(300, 0)
    settings = {"cv": 2, "random_state": 0, "n_filters": 16, "learning_rate": 0.01, "dropout": 0.0}
    recurrent = TextCNNEncoder(network="bigru", epochs=30, **settings)
    features = recurrent.fit_transform(X, y)
    assert roc_auc_score(y, features[:, 0]) > 0.9
    assert recurrent.get_feature_names_out().tolist() == ["review_bigru"]
    convolved = TextCNNEncoder(kernel_sizes=(2, 3), epochs=30, **settings).fit_transform(X, y)
    assert roc_auc_score(y, convolved[:, 0]) < 0.65
    new, new_y = order_table(100, 1)
    assert roc_auc_score(new_y, recurrent.transform(new)[:, 0]) > 0.9


@both
def test_predictors_of_both_kinds(name):
    X, y = signal_table(150, 0)
    new, new_y = signal_table(80, 1)
    settings = TINY | MEMBERS[name] | {"epochs": 40, "learning_rate": 0.01}
    classifier = TextCNNClassifier(**settings).fit(X, y)
    assert roc_auc_score(new_y, classifier.predict_proba(new)[:, 1]) > 0.75
    regressor = TextCNNRegressor(**settings).fit(X, 100.0 + 5 * y)
    assert np.corrcoef(regressor.predict(new), new_y)[0, 1] > 0.4


# No leak


@both
def test_no_target_of_a_held_out_row_has_a_say(name):
    X, y = signal_table(45, 0)
    folds = folds_of(45)
    check_exact_influence(encoder_of(name), X, y, folds, flip)
    check_fed_rows(encoder_of(name, cv=folds).fit(X, y), folds)


@both
def test_features_of_noise_predict_nothing(name):
    X, y = noise_table(240, 0)
    folds = folds_of(240)
    encoder = encoder_of(name, epochs=8, learning_rate=0.01, cv=folds)
    check_noise(encoder.fit_transform, folds, X, y)


# State


@pytest.mark.parametrize("name", MEMBERS)
def test_pickles_keep_state_and_seeds(name):
    X, y = signal_table(60, 0)
    new = signal_table(20, 3)[0]
    encoder = encoder_of(name, cv=2)
    features = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(clone(encoder).fit_transform(X, y), features)
    restored = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(restored.transform(new), encoder.transform(new))
    assert restored.get_feature_names_out().tolist() == [f"review_{name}"]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_row_depends_on_itself_alone(name):
    X, y = signal_table(60, 0)
    encoder = encoder_of(name, cv=2).fit(X, y)
    new = ["good", "", "a much longer text than all others, " * 4, "bad film of the north"]
    new = pd.DataFrame({"review": new})
    together = encoder.transform(new)
    alone = np.vstack([encoder.transform(new.iloc[[row]]) for row in range(4)])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    np.testing.assert_allclose(encoder.transform(new.iloc[::-1])[::-1], together, atol=1e-6)


# Texts


@both
def test_texts_of_other_scripts_and_texts_that_are_missing(name):
    parts = {
        1: ["很好的酒店", "отличный отель", "ホテルは良い", "👍🏽 café", "فندق جيد"],
        0: ["很差的酒店", "плохой отель", "ホテルは悪い", "👎🏽 bof", "فندق سيء"],
    }
    y = np.resize([0, 1], 60)
    texts = [parts[label][row % 5] for row, label in enumerate(y)]
    X = pd.DataFrame({"review": texts}, dtype=object)
    X.loc[:5, "review"] = [None, np.nan, "", "   ", pd.NA, "\ud800"]
    encoder = encoder_of(name, epochs=30, learning_rate=0.02, batch_size=16, dropout=0.0, cv=2)
    features = encoder.fit_transform(X, y)
    assert np.isfinite(features).all()
    assert roc_auc_score(y[6:], features[6:, 0]) > 0.9
    empty = encoder.transform(pd.DataFrame({"review": [None, "", np.nan]}, dtype=object))
    assert np.isfinite(empty).all() and np.ptp(empty) < 1e-6


@both
def test_columns_that_are_all_empty_are_features_of_nothing(name):
    X, y = signal_table(40, 0)
    features = encoder_of(name, cv=2).fit_transform(X.assign(review=""), y)
    assert np.isfinite(features).all()


# Parameters


@pytest.mark.parametrize(
    ("setting", "n_filters", "n_networks"),
    [
        ({}, 32, 2),
        ({"embeddings": VECTORS}, 64, 2),
        ({"level": "char"}, 100, 1),
        ({"network": "bigru"}, 100, 1),
        ({"n_filters": 3, "n_networks": 1}, 3, 1),
    ],
)
def test_filters_and_networks_depend_on_the_kind_of_network(setting, n_filters, n_networks):
    learner = learner_of(TextCNNClassifier(**setting))
    assert (learner["n_filters"], learner["n_networks"]) == (str(n_filters), str(n_networks))


def test_words_train_for_fewer_updates_than_characters_and_longer_than_recurrent_networks():
    target = read_target([0, 1] * 1000, n_rows=2000)
    words, chars, recurrent = (
        training_of(TextCNNClassifier(**kind)).updates(2000, target)
        for kind in ({}, MEMBERS["char_cnn"], MEMBERS["bigru"])
    )
    assert recurrent < words < chars


def test_level_sets_defaults_that_parameters_override():
    X, y = signal_table(40, 0)
    words = network_of(TextCNNClassifier(**TINY).fit(X, y))
    assert words.settings.kernel_sizes == (1, 2, 3)
    assert (words.readers[0].max_length, words.readers[0].learned_dim) == (400, 100)
    chars = network_of(TextCNNClassifier(level="char", **TINY).fit(X, y))
    assert chars.settings.kernel_sizes == (3, 5, 7)
    assert (chars.readers[0].max_length, chars.readers[0].learned_dim) == (1000, 32)
    chosen = {"kernel_sizes": 2, "max_length": 12, "learned_dim": 5}
    own = network_of(TextCNNClassifier(level="char", **chosen, **TINY).fit(X, y))
    assert own.settings.kernel_sizes == (2,)
    assert (own.readers[0].max_length, own.readers[0].learned_dim) == (12, 5)
    unlimited = TextCNNClassifier(level="char", max_length=None, **TINY).fit(X, y)
    assert network_of(unlimited).readers[0].max_length is None


def test_characters_are_read_whatever_their_case():
    X, y = codes_table(40, 0)
    lower = encoder_of("char_cnn", cv=2).fit_transform(X, y)
    upper = encoder_of("char_cnn", cv=2).fit_transform(X.assign(code=X["code"].str.upper()), y)
    np.testing.assert_array_equal(upper, lower)


VECTORS = WordVectors(["good", "bad"], np.eye(2, dtype=np.float32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"level": "letter"},
            r"level must be one of \('word', 'char'\)\. Received: level='letter'",
        ),
        ({"level": None}, "Received: level=None"),
        ({"network": "gru"}, "\"bigru\" or a callable[\\s\\S]*Received: network='gru'"),
        ({"tokenizer": "char"}, 'pass level="char"'),
        ({"level": "char", "tokenizer": str.split}, "ignores a tokenizer"),
        ({"level": "char", "embeddings": VECTORS}, "no pretrained ones.*embeddings=None"),
        ({"level": "char", "embeddings": "corpus"}, "Received: level='char', embeddings='corpus'"),
        ({"level": "char", "learned_dim": 0}, "learned_dim=0"),
        ({"level": "char", "kernel_sizes": "wide"}, "Received: kernel_sizes='wide'"),
        ({"level": "char", "max_length": "long"}, "Received: max_length='long'"),
        ({"join_columns": "both"}, "join_columns must be True or False"),
    ],
)
@pytest.mark.parametrize("kind", [TextCNNEncoder, TextCNNClassifier, TextCNNRegressor])
def test_bad_parameters_are_refused_before_training(kind, changes, message, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    X, y = signal_table(40, 0)
    with pytest.raises(ValueError, match=message):
        kind(**(TINY | changes)).fit(X, y)


def test_vectors_of_characters_can_be_given_by_a_tokenizer_of_characters():
    X, y = codes_table(40, 0)
    vectors = WordVectors(list("qx"), np.eye(2, dtype=np.float32))
    classifier = TextCNNClassifier(vectors, tokenizer=list, **TINY).fit(X, y)
    assert classifier.vocabulary_report_.loc["code"].notna().all()
    assert network_of(classifier).readers[0].vocabulary.dim == 2
