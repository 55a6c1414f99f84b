"""TextLinearEncoder: counts as scikit-learn's, out of fold, relative to the level, no leak."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import (
    check_exact_influence,
    check_fed_rows,
    check_noise,
    check_unseen_targets,
    noise_table,
    numbers_as_texts,
    signal_table,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from inside import models_of
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_encoder_plans import KINDS, change_of, targets_of, tree_over_groups

from textcnn import InSampleWarning, TextLinearEncoder, leakage_test
from textcnn.datasets import make_reviews
from textcnn.fit.linear_models import CentredLogisticRegression, FoldTfidf
from textcnn.text.ngrams import NgramCounter

OUT_OF_FOLD = "fit_transform gives out-of-fold features, fit().transform() does not"
# Numbers as text share no n-gram of words and few of characters: weights of rows change the count
# of rows that hold an n-gram, as repeated rows do, in another way.
EXPECTED_FAILURES = {
    "check_transformer_general": OUT_OF_FOLD,
    "check_transformer_data_not_an_array": OUT_OF_FOLD,
    "check_sample_weight_equivalence_on_dense_data": "a row that comes twice is two documents, "
    "a row of twice the weight is one",
}


@numbers_as_texts
@parametrize_with_checks(
    [TextLinearEncoder(cv=2, random_state=0)],
    expected_failed_checks=lambda encoder: EXPECTED_FAILURES,
)
def test_check_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


@pytest.mark.filterwarnings(
    "ignore:X (does not have valid|has) feature names", "ignore::textcnn.InSampleWarning"
)
@numbers_as_texts
@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_get_feature_names_out_error",
    ],
)
def test_transformer_checks_that_check_estimator_leaves_out(check, monkeypatch):
    monkeypatch.setattr("textcnn.text.learner.check_kinds", lambda *_, **__: None)
    encoder = TextLinearEncoder(cv=2, random_state=0)
    getattr(estimator_checks, check)("TextLinearEncoder", encoder)


def encode(**changes):
    return TextLinearEncoder(**({"cv": 3, "random_state": 0} | changes))


# Counts and weights are scikit-learn's


def texts_of(n_rows=80, seed=0):
    texts = signal_table(n_rows, seed)[0]["review"].tolist()
    return [f"{text} It's É 'odd'{'!' * (row % 4)}" for row, text in enumerate(texts)] + [""]


def sorted_columns(matrix):
    """Return the columns of a count matrix in an order that does not depend on their names."""
    dense = matrix.toarray()
    return dense[:, np.lexsort(dense)]


def test_characters_are_counted_as_by_scikit_learn():
    texts = texts_of()
    counter, counts = NgramCounter((), (2, 5)).learn(texts)
    expected = csr_matrix(
        CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).fit_transform(texts)
    )
    expected = expected[:, np.flatnonzero(np.asarray(expected.sum(axis=0)).ravel() > 1)]
    np.testing.assert_array_equal(sorted_columns(counts), sorted_columns(expected))
    assert counts.dtype == np.float32 and counts.shape == (81, counter.n_ngrams)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 3)])
def test_words_are_counted_as_by_scikit_learn(sizes):
    texts = texts_of()
    _, counts = NgramCounter(sizes, (), tokenizer=str.split).learn(texts)
    vectorizer = CountVectorizer(ngram_range=sizes, tokenizer=str.split, token_pattern=None)
    expected = csr_matrix(vectorizer.fit_transform(texts))
    expected = expected[:, np.flatnonzero(np.asarray(expected.sum(axis=0)).ravel() > 1)]
    np.testing.assert_array_equal(sorted_columns(counts), sorted_columns(expected))


def test_known_ngrams_are_counted_in_new_texts_and_others_are_not():
    texts = texts_of()
    counter, counts = NgramCounter((1, 2), (2, 5)).learn(texts)
    np.testing.assert_array_equal(counter.count(texts).toarray(), counts.toarray())
    np.testing.assert_array_equal(counter.count(texts[3:5]).toarray(), counts[3:5].toarray())
    assert counter.count(["", "ωωω ψψψ"]).nnz == 0


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_any_text_can_be_counted(texts):
    counter, counts = NgramCounter((1, 2), (2, 5)).learn(texts)
    assert counts.shape == (len(texts), max(counter.n_ngrams, 1))
    assert counter.count(texts).nnz == counts.nnz
    assert np.isfinite(FoldTfidf(counter.n_words, 1).fit_transform(counts).data).all()


@pytest.mark.parametrize("min_df", [1, 2, 3])
def test_weights_are_those_of_tfidf_vectorizer_on_the_training_rows(min_df):
    texts = texts_of()
    texts = texts + texts  # so that no n-gram occurs once and both sides know all
    counter, counts = NgramCounter((), (2, 3)).learn(texts)
    learn = np.arange(60)
    ours = FoldTfidf(counter.n_words, min_df).fit(counts[learn]).transform(counts)
    peer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3), sublinear_tf=True, min_df=min_df
    ).fit(texts[:60])
    np.testing.assert_allclose(
        (ours @ ours.T).toarray(), (peer.transform(texts) @ peer.transform(texts).T).toarray(),
        atol=1e-5,
    )  # fmt: skip


def test_blocks_have_length_one_each():
    counter, counts = NgramCounter((1, 2), (2, 5)).learn(texts_of())
    weighted = FoldTfidf(counter.n_words, 1).fit_transform(counts).toarray()[:-1]
    for block in (weighted[:, : counter.n_words], weighted[:, counter.n_words :]):
        np.testing.assert_allclose((block**2).sum(axis=1), 1, rtol=1e-5)


# The model is scikit-learn's logistic regression, started from the prior


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum_is_that_of_logistic_regression(n_classes, weighted):
    random = np.random.default_rng(0)
    X = csr_matrix(random.random((200, 30)) * (random.random((200, 30)) < 0.3), dtype=np.float32)
    y = np.digitize(X.toarray()[:, :3].sum(axis=1) + random.normal(0, 0.2, 200), [0.6, 1.2])
    y = np.minimum(y, n_classes - 1)
    weights = random.uniform(0.5, 1.5, 200) if weighted else np.ones(200)
    weights /= weights.mean()
    ours = CentredLogisticRegression(C=2.0, tol=1e-6).fit(X, y, weights)
    peer = LogisticRegression(C=2.0, tol=1e-8, max_iter=2000)
    peer.fit(X.astype(float), y, weights)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=2e-4)


def test_labels_are_fitted_one_by_one():
    random = np.random.default_rng(0)
    X = csr_matrix(random.random((100, 5)).astype(np.float32))
    labels = (X.toarray()[:, :2] > [0.3, 0.6]).astype(int)
    together = CentredLogisticRegression(tol=1e-6).fit(X, labels).predict_proba(X)
    for label in range(2):
        alone = CentredLogisticRegression(tol=1e-6).fit(X, labels[:, label]).predict_proba(X)
        np.testing.assert_allclose(together[:, label], alone[:, 1], atol=2e-4)


# What it is for


def test_binary():
    X, y = signal_table(150, 0)
    encoder = encode()
    features = encoder.fit_transform(X, y)
    new, new_y = signal_table(100, 1)
    assert features.shape == (150, 1) and features.dtype == np.float32
    assert roc_auc_score(y, features[:, 0]) > 0.85
    assert roc_auc_score(new_y, encoder.transform(new)[:, 0]) > 0.85
    assert encoder.get_feature_names_out().tolist() == ["review_linear"]
    assert encoder.report_.summary["ngrams"].iloc[0] > 100


def test_multiclass_has_a_column_per_class_that_sum_to_one():
    X, codes = signal_table(200, 0, n_classes=3)
    encoder = encode().set_output(transform="pandas")
    features = encoder.fit_transform(X, np.array(["x", "y", "z"])[codes])
    assert features.columns.tolist() == [f"review_linear_{name}" for name in "xyz"]
    np.testing.assert_allclose(features.sum(axis=1), 1, atol=1e-6)
    assert (features.to_numpy().argmax(axis=1) == codes).mean() > 0.75


def test_numbers_several_numbers_and_labels():
    X, y = signal_table(200, 0)
    far = 1000.0 + 50.0 * y
    feature = encode(target_type="continuous").fit_transform(X, far)[:, 0]
    assert r2_score((far - far.mean()) / far.std(), feature) > 0.4
    doubled = encode(target_type="continuous").fit_transform(X, 2 * far)[:, 0]
    np.testing.assert_allclose(doubled, feature, atol=0.001)
    both = encode().fit_transform(X, np.column_stack([far, -far]) + 0.5)
    np.testing.assert_allclose(both[:, 0], -both[:, 1], atol=0.002)
    labels = pd.DataFrame({"good": 1 - y, "bad": y})
    encoder = encode().set_output(transform="pandas")
    features = encoder.fit_transform(X, labels)
    assert features.columns.tolist() == ["review_linear_good", "review_linear_bad"]
    assert roc_auc_score(y, features["review_linear_bad"]) > 0.85


def test_columns_have_models_of_their_own():
    X, y = signal_table(120, 0)
    X["noise"] = noise_table(120, 5)[0]["review"]
    encoder = encode().set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == ["review_linear", "noise_linear"]
    assert roc_auc_score(y, features["review_linear"]) > 0.8
    assert roc_auc_score(y, features["noise_linear"]) < 0.7
    alone = encode().fit_transform(X[["review"]], y)
    np.testing.assert_array_equal(features["review_linear"], alone[:, 0])
    assert [record.name for record in encoder.report_.columns] == ["review", "noise"]


@pytest.mark.parametrize(
    "changes",
    [
        {"word_ngrams": None},
        {"char_ngrams": None},
        {"ensemble": "refit"},
        {"tokenizer": "char", "word_ngrams": (1, 4)},
        {"output": "logit", "C": 30.0, "min_df": 1, "lowercase": False},
    ],
    ids=str,
)
def test_settings(changes):
    X, y = signal_table(150, 0)
    encoder = encode(**changes)
    assert roc_auc_score(y, encoder.fit_transform(X, y)[:, 0]) > 0.8
    new, new_y = signal_table(100, 1)
    assert roc_auc_score(new_y, encoder.transform(new)[:, 0]) > 0.8
    assert len(models_of(encoder)) == (1 if changes.get("ensemble") == "refit" else 3)


def test_reviews_with_typing_errors_and_labels_in_words():
    table = make_reviews(1500, random_state=0).dropna(subset=["review"])
    label = np.where(table["recommended"] == 1, "pos", "neg")
    train, test = slice(1100), slice(1100, None)
    encoder = TextLinearEncoder(random_state=0).fit(table[["review"]][train], label[train])
    assert encoder.report_.summary["score"].iloc[0] > 0.74
    features = encoder.transform(table[["review"]][test])
    assert roc_auc_score(label[test] == "pos", features[:, 0]) > 0.74


# No leak


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ensemble", ["mean", "refit"])
def test_targets_of_held_out_rows_have_no_say(kind, ensemble):
    X = signal_table(90, 0)[0]
    y = targets_of(kind, 0, 90)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    encoder = encode(target_type=kind, ensemble=ensemble)
    check_exact_influence(encoder, X, y, folds, change_of(kind))
    check_fed_rows(encoder.set_params(cv=folds).fit(X, y), folds)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cv", [KFold(3), GroupKFold(3), RepeatedKFold(n_splits=2, n_repeats=2), TimeSeriesSplit(3)],
    ids=lambda cv: type(cv).__name__,
)  # fmt: skip
def test_unseen_targets_are_ignored_under_any_plan(kind, cv):
    X = signal_table(60, 0)[0]
    y = targets_of(kind, 0)
    y[np.random.default_rng(2).random(60) < 0.1] = np.nan
    fit_params = {"sample_weight": np.where(np.arange(60) % 7 == 0, 0.0, 1 + np.arange(60) % 2)}
    if isinstance(cv, GroupKFold):
        fit_params["groups"] = np.arange(60) % 5
    encoder = encode(cv=cv, target_type=kind, uncovered="nan")
    for row in (0, 31):
        check_unseen_targets(encoder, X, y, row, change_of(kind), **fit_params)


def test_words_of_held_out_rows_do_not_change_the_models():
    X, y = signal_table(90, 0)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    learn, held_out = folds[0]
    models = models_of(encode(cv=folds).fit(X, y))
    other = X.copy()
    other.loc[held_out, "review"] = [f"quite other words {row % 3}" for row in held_out]
    again = models_of(encode(cv=folds).fit(other, y))
    new = X.iloc[learn[:10]]
    outputs = []
    for encoder_models, table in ((models, X), (again, other)):
        counts = NgramCounter((1, 2), (2, 5)).learn(table["review"].tolist())[0]
        rows = counts.count(new["review"].tolist())
        outputs.append(encoder_models[0].model.estimator.predict_proba(rows))
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)


def test_noise_predicts_nothing():
    X, y = noise_table(400, 0)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    check_noise(encode(cv=folds).fit_transform, folds, X, y)


def test_the_leakage_test_finds_nothing():
    X, y = noise_table(160, 0)
    result = leakage_test(encode(), X, y, n_repeats=8, random_state=0)
    assert not result.leaks, str(result)


@pytest.mark.filterwarnings("ignore:The targets of fold")  # they differ on purpose
@pytest.mark.parametrize("kind", ["binary", "multiclass", "continuous"])
@pytest.mark.parametrize("text", ["", "the same words in every row"])
def test_texts_that_tell_nothing_give_the_same_number_in_every_model(kind, text):
    groups = np.repeat(np.arange(10), 30)
    random = np.random.default_rng(0)
    y = (random.random(300) < np.linspace(0.05, 0.95, 10)[groups]).astype(int)
    if kind == "multiclass":
        y[random.random(300) < 0.2] = 2
    X = pd.DataFrame({"review": [text] * 300})
    encoder = encode(cv=LeaveOneGroupOut(), target_type=kind)
    features = encoder.fit_transform(X, y, groups=groups)
    assert np.ptp(np.array(encoder.report_.columns[0].prior), axis=0).max() > 0.01
    nothing = {"binary": 0.5, "multiclass": 1 / 3, "continuous": 0.0}[kind]
    np.testing.assert_allclose(features, nothing, atol=1e-6)
    assert len(np.unique(features)) == 1


@pytest.mark.parametrize("C", [3.0, 0.001])
def test_base_rates_of_forty_groups_do_not_show(C):
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 20)
    y = (random.random(800) < random.permutation(np.linspace(0.1, 0.9, 40))[groups]).astype(int)
    X = noise_table(800, 1)[0]
    encoder = encode(C=C, cv=LeaveOneGroupOut())
    feature = encoder.fit_transform(X, y, groups=groups)[:, 0]
    with_level = np.empty(800)
    predictions = encoder.report_.columns[0].predictions
    for assignment, predicted in zip(encoder.report_.plan.assignments, predictions, strict=True):
        with_level[assignment.predict] = predicted[:, 0]
    assert len(np.unique(feature)) > 100, "a constant feature would pass"
    if C < 1:
        assert tree_over_groups(with_level, y, groups) > 0.6
    assert 0.4 < tree_over_groups(feature, y, groups) < 0.6


# Inputs and outputs


def test_polars_and_lists_give_what_pandas_gives():
    X, y = signal_table(60, 0)
    expected = encode().fit_transform(X, y)
    np.testing.assert_array_equal(encode().fit_transform(X["review"].tolist(), y), expected)
    frame = pl.DataFrame({"review": X["review"].tolist()})
    features = encode().set_output(transform="polars").fit_transform(frame, y)
    assert isinstance(features, pl.DataFrame) and features.columns == ["review_linear"]
    np.testing.assert_array_equal(features.to_numpy(), expected)
    X.index = np.arange(60)[::-1] * 2
    features = encode().set_output(transform="pandas").fit_transform(X, y)
    assert features.index.equals(X.index)


def test_missing_cells_numbers_and_other_scripts_are_text():
    X, y = signal_table(60, 0)
    reviews = [None] * 9 + ["今天很好 \ud800 مرحبا"] * 12 + X["review"].tolist()[21:]
    X = np.empty((60, 2), object)
    X[:, 0], X[:, 1] = reviews, (7.25 + 3 * y).tolist()
    X[0, 1] = str(X[0, 1])  # a column of numbers alone is refused
    encoder = encode()
    with pytest.warns(UserWarning, match="Column 'x1' of X determines y alone"):
        features = encoder.fit_transform(X, y)
    assert np.isfinite(features).all()
    assert roc_auc_score(y, features[:, 1]) == 1
    assert np.isfinite(encoder.transform(X[:20])).all()


def test_in_pipelines_column_transformers_and_searches():
    X, y = signal_table(120, 0)
    X["number"] = np.arange(120)
    columns = ColumnTransformer([("text", encode(), ["review"])], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.75
    search = GridSearchCV(model, {"columntransformer__text__C": [0.3, 3.0]}, cv=2).fit(X, y)
    assert list(search.best_params_) == ["columntransformer__text__C"]
    names = columns.fit(X, y).get_feature_names_out().tolist()
    assert names == ["text__review_linear", "remainder__number"]
    with config_context(enable_metadata_routing=True):
        routed = make_pipeline(encode(cv=GroupKFold(3)), LogisticRegression())
        routed.fit(X[["review"]], y, groups=np.arange(120) % 6)
    assert np.array_equal(routed[0].report_.plan.groups, np.arange(120) % 6)


def test_groups_of_documents_time_weights_and_unlabelled_rows():
    X, y = signal_table(60, 0)
    twice = pd.concat([X, X], ignore_index=True)
    features = encode().fit_transform(twice, np.tile(y, 2), groups="documents")
    np.testing.assert_array_equal(features[:60], features[60:])
    late = encode(cv=3, uncovered=0.5)
    features = late.fit_transform(X, y, time=np.arange(60))
    assert late.report_.plan.uncovered.tolist() == list(range(15))
    assert (features[:15] == 0.5).all() and features.shape == (60, 1)
    assert len(models_of(late)) == 1
    weights = np.where(np.arange(60) % 3 == 0, 0.0, 1.0)
    weighted = encode().fit(X, y, sample_weight=weights)
    for fed in weighted.report_.verify().columns[0].fed:
        assert (weights[fed["learn"]] > 0).all()
    partly = encode(unlabelled="mean").fit(X, np.where(np.arange(60) < 15, np.nan, y))
    n_predictions = partly.report_.plan.n_predictions
    assert (n_predictions[:15] > 1).all() and (n_predictions[15:] == 1).all()


# State and errors


def test_clone_pickle_and_processes():
    X, y = signal_table(90, 0)
    encoder = encode()
    first = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(clone(encoder).fit_transform(X, y), first)
    np.testing.assert_array_equal(encode(n_jobs=2).fit_transform(X, y), first)
    again = pickle.loads(pickle.dumps(encoder))
    new = signal_table(30, 4)[0]
    np.testing.assert_array_equal(again.transform(new), encoder.transform(new))
    again.report_.verify()


def test_training_rows_given_to_transform_are_recognised():
    X, y = signal_table(150, 0)
    encoder = encode().fit(X, y)
    with pytest.warns(InSampleWarning, match="TextLinearEncoder was fitted on"):
        encoder.transform(X)


def test_a_failed_fit_leaves_nothing():
    X, y = signal_table(60, 0)
    encoder = encode()

    def fails(text):
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        encoder.set_params(tokenizer=fails).fit(X, y)
    assert [name for name in vars(encoder) if name.endswith("_") or name.startswith("_")] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"C": 0}, "Received: C=0"),
        ({"C": "large"}, "Received: C='large'"),
        ({"min_df": 0}, "Received: min_df=0"),
        ({"min_df": 0.1}, "Received: min_df=0.1"),
        ({"word_ngrams": 2}, "Received: word_ngrams=2"),
        ({"char_ngrams": (3, 2)}, r"Received: char_ngrams=\(3, 2\)"),
        ({"word_ngrams": None, "char_ngrams": None}, "Nothing to count"),
        ({"lowercase": "yes"}, "Received: lowercase='yes'"),
        ({"tokenizer": "words"}, "tokenizer"),
        ({"ensemble": "best"}, "Received: ensemble='best'"),
        ({"cv": 1}, "cv"),
    ],
    ids=str,
)
def test_wrong_settings(changes, message):
    X, y = signal_table(60, 0)
    with pytest.raises(ValueError, match=message):
        encode(**changes).fit(X, y)


def test_wrong_input():
    X, y = signal_table(60, 0)
    with pytest.raises(TypeError, match="single text"):
        encode().fit("good film", [1])
    with pytest.raises(TypeError, match="contains bytes"):
        encode().fit([b"good"] * 60, y)
    with pytest.raises(ValueError, match="y to be passed"):
        encode().fit(X, None)
    with pytest.raises(ValueError, match="[Ii]nconsistent numbers of samples"):
        encode().fit(X, y[:-1])
    with pytest.raises(ValueError, match="named 'review'"):
        encode().fit(pd.concat([X, X], axis=1), y)
    encoder = encode().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(X.rename(columns={"review": "text"}))
