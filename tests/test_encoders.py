"""The encoder as users meet it: features, names, state, errors, and no leak."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from checks import (
    WORDS,
    check_exact_influence,
    check_fed_rows,
    check_noise,
    n_threads,
    noise_table,
    signal_table,
)
from inside import keep_model, network_of, training_of, weights_of_rows
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils.validation import check_is_fitted

from textcnn import InSampleWarning, TextCNNEncoder, WordVectors, leakage_test

TINY = {
    "n_filters": 4,
    "kernel_sizes": (2,),
    "epochs": 1,
    "cv": 3,
    "random_state": 0,
    "n_networks": 1,
}


def tiny(**changes):
    settings = TINY
    if callable(changes.get("network")):  # which reads neither
        settings = {k: v for k, v in TINY.items() if k not in ("n_filters", "kernel_sizes")}
    return TextCNNEncoder(**(settings | changes))


def flip(y, rows):
    changed = y.copy()
    changed[rows] = 1 - y[rows]
    return changed


@pytest.fixture(scope="module")
def fitted():
    X, y = signal_table(150, 0)
    encoder = tiny(epochs=15)
    return encoder, encoder.fit_transform(X, y), X, y


# What it is for


def test_out_of_fold_features_and_features_of_new_rows_find_the_signal(fitted):
    encoder, features, _, y = fitted
    new, new_y = signal_table(100, 1)
    assert features.shape == (150, 1) and features.dtype == np.float32
    assert roc_auc_score(y, features[:, 0]) > 0.8
    assert roc_auc_score(new_y, encoder.transform(new)[:, 0]) > 0.8
    assert encoder.classes_.tolist() == [0, 1]
    assert encoder.target_type_ == "binary"


def test_multiclass_has_a_column_per_class_that_sum_to_one():
    X, codes = signal_table(200, 0, n_classes=3)
    y = np.array(["x", "y", "z"])[codes]
    encoder = tiny(epochs=40).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == ["review_cnn_x", "review_cnn_y", "review_cnn_z"]
    np.testing.assert_allclose(features.sum(axis=1), 1, atol=1e-6)
    assert (features.to_numpy().argmax(axis=1) == codes).mean() > 0.7


def test_regression_is_in_standard_deviations_around_the_mean():
    X, label = signal_table(200, 0)
    y = 1000.0 + 50.0 * label
    features = tiny(epochs=25, target_type="continuous").fit_transform(X, y)[:, 0]
    assert r2_score((y - y.mean()) / y.std(), features) > 0.4
    doubled = tiny(epochs=25, target_type="continuous").fit_transform(X, 2 * y)[:, 0]
    np.testing.assert_allclose(doubled, features, rtol=1e-3, atol=1e-3)


def test_columns_have_networks_of_their_own():
    X, y = signal_table(120, 0)
    X["noise"] = noise_table(120, 5)[0]["review"]
    encoder = tiny(epochs=12).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == ["review_cnn", "noise_cnn"]
    assert roc_auc_score(y, features["review_cnn"]) > 0.8 > roc_auc_score(y, features["noise_cnn"])
    alone = tiny(epochs=12).fit_transform(X[["review"]], y)
    np.testing.assert_array_equal(features["review_cnn"], alone[:, 0])
    assert set(encoder.history_["column"]) == {"review", "noise"}
    assert encoder.vocabulary_report_.index.tolist() == ["review", "noise"]


@pytest.mark.parametrize("ensemble", ["mean", "refit"])
def test_ensembles(ensemble):
    X, y = signal_table(120, 0)
    encoder = tiny(epochs=12, batch_size=8, ensemble=ensemble)
    features = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(features, tiny(epochs=12, batch_size=8).fit_transform(X, y))
    assert len(network_of(encoder).models) == (3 if ensemble == "mean" else 1)
    new, new_y = signal_table(80, 3)
    assert roc_auc_score(new_y, encoder.transform(new)[:, 0]) > 0.8
    if ensemble == "refit":
        model = network_of(encoder).models[0].model
        assert model.updates == 12 * 120 // 8, "scaled by rows where epochs are given"
        assert np.array_equal(model.fed["learn"], np.arange(120))


def test_refit_takes_the_same_share_of_the_automatic_schedule():
    X, y = signal_table(400, 0)
    encoder = tiny(epochs="auto", cv=2, ensemble="refit").fit(X, y)
    refit = network_of(encoder).models[0].model.updates
    folds = [column.updates for column in encoder.report_.columns][0]
    assert refit == round(0.6 * round(8.5 * 400**0.4))
    assert max(folds) < refit < 2 * min(folds), "not scaled by rows, which are twice as many"


def test_refit_ends_where_the_fold_models_stopped_early():
    X, y = noise_table(200, 0)
    encoder = tiny(epochs=30, ensemble="refit", early_stopping=True, learning_rate=0.03).fit(X, y)
    kept = encoder.report_.columns[0].updates
    learned = [len(fed["learn"]) for fed in encoder.report_.columns[0].fed]
    share = np.median([n / (30 * -(-rows // 64)) for n, rows in zip(kept, learned, strict=True)])
    assert share < 1
    refit = network_of(encoder).models[0].model
    assert refit.updates == max(1, round(share * 30 * 4))


def test_a_row_depends_on_itself_alone(fitted):
    encoder, *_ = fitted
    new = signal_table(60, 4)[0]
    new.loc[3, "review"] = ""
    new.loc[4, "review"] = "good " * 300
    whole = encoder.transform(new)
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(encoder.transform(new.iloc[order]), whole[order], atol=1e-5)
    for row in (0, 3, 4):
        np.testing.assert_allclose(encoder.transform(new.iloc[[row]]), whole[[row]], atol=1e-5)


# No leak


@pytest.mark.parametrize("kind", ["binary", "multiclass", "continuous"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_targets_of_held_out_rows_have_no_say(kind, early_stopping):
    X, y = signal_table(90, 0, n_classes=3 if kind == "multiclass" else 2)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    change = flip
    if kind == "multiclass":

        def change(y, rows):
            changed = y.copy()
            changed[rows] = (y[rows] + 1) % 3
            return changed

    if kind == "continuous":
        y = y + np.linspace(0, 1, 90)

        def change(y, rows):
            changed = y.copy()
            changed[rows] = y[rows][::-1] + 0.3
            return changed

    encoder = tiny(epochs=2, early_stopping=early_stopping, target_type=kind)
    check_exact_influence(encoder, X, y, folds, change)


def test_class_weights_and_refit_leak_nothing_either():
    X, y = signal_table(90, 0)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    check_exact_influence(tiny(class_weight="balanced", ensemble="refit"), X, y, folds, flip)


def test_no_model_predicts_a_row_that_it_was_trained_on():
    X, y = signal_table(90, 0)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, y))
    encoder = tiny(cv=folds, early_stopping=True).fit(X, y)
    check_fed_rows(encoder, folds)


class BiasOnly:
    """A user's network whose features say nothing of the text."""

    def __call__(self, dim):
        import keras

        vectors = keras.Input((None, dim))
        pooled = keras.layers.GlobalMaxPooling1D()(vectors)
        return keras.Model(vectors, keras.layers.Rescaling(0.0)(pooled))


class SharedName:
    """A trainable user's network whose layer has a name that the package uses."""

    def __call__(self, dim):
        import keras

        vectors = keras.Input((None, dim))
        maps = keras.layers.Conv1D(3, 2, padding="same", activation="relu")(vectors)
        pooled = keras.layers.GlobalMaxPooling1D()(maps)
        return keras.Model(vectors, keras.layers.Dropout(0.2)(pooled), name="shared_given_0")


def test_a_users_network_is_reset_in_each_fold():
    X, y = signal_table(90, 0)
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    encoder = tiny(network=SharedName(), epochs=2)
    check_exact_influence(encoder, X, y, folds, flip)
    encoder.set_params(cv=folds).fit(X, y)
    new = signal_table(20, 3)[0]
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(encoder)).transform(new),
        encoder.transform(new),
    )


def test_a_users_network_that_is_not_rebuilt_is_refused():
    X, y = signal_table(60, 0)
    built = {}
    network = SharedName()
    with pytest.raises(ValueError, match="must build a new model"):
        tiny(network=lambda dim: built.setdefault(dim, network(dim))).fit(X, y)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "continuous"])
def test_a_network_that_learns_only_its_level_gives_a_constant_column(kind):
    X, y = signal_table(120, 0, n_classes=3 if kind == "multiclass" else 2)
    groups = np.repeat(np.arange(3), 40)
    y[groups == 0] = 1
    y[:2] = [0, 1]
    encoder = tiny(network=BiasOnly(), target_type=kind, cv=GroupKFold(3))
    features = encoder.fit_transform(X, y, groups=groups)
    assert (features == features[0]).all()
    assert (encoder.transform(signal_table(5, 3)[0]) == features[0]).all()


def test_sorted_groups_of_differing_base_rate_show_nothing_of_the_base_rate():
    """Forty groups, noise text: a tree on the feature must not read the groups' base rates."""
    from sklearn.model_selection import LeaveOneGroupOut
    from sklearn.tree import DecisionTreeClassifier

    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 20)
    y = (random.random(400) < np.linspace(0.1, 0.9, 20)[groups]).astype(int)
    X = noise_table(400, 1)[0]
    encoder = tiny(cv=LeaveOneGroupOut(), n_filters=2)
    feature = encoder.fit_transform(X, y, groups=groups)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    scores = []
    for train, test in GroupKFold(5).split(X, y, groups):
        probability = tree.fit(feature[train], y[train]).predict_proba(feature[test])[:, 1]
        scores.append(roc_auc_score(y[test], probability))
    assert np.mean(scores) < 0.6


def _through_encoder(encoder, X, y):
    return encoder.fit_transform(X, y)


def _through_pipeline(encoder, X, y):
    return make_pipeline(encoder, "passthrough").fit_transform(X, y)


def _through_column_transformer(encoder, X, y):
    return ColumnTransformer([("text", encoder, ["review"])]).fit_transform(X, y)


def _through_column_transformer_by_name(encoder, X, y):
    return ColumnTransformer([("text", encoder, "review")]).fit_transform(X, y)


def _through_feature_union(encoder, X, y):
    return FeatureUnion([("text", encoder)]).fit_transform(X, y)


def _through_table_vectorizer(encoder, X, y):
    import skrub

    return skrub.TableVectorizer(high_cardinality=encoder).fit_transform(X, y)


def _through_apply_to_cols(encoder, X, y):
    import skrub

    return skrub.ApplyToCols(encoder, cols=["review"]).fit_transform(X, y)


HOSTS = [
    _through_encoder,
    _through_pipeline,
    _through_column_transformer,
    _through_column_transformer_by_name,
    _through_feature_union,
    _through_table_vectorizer,
    _through_apply_to_cols,
]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__[9:])
def test_noise_predicts_nothing_through_any_host(host):
    X, y = noise_table(300, 2)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    encoder = tiny(cv=folds, epochs=16)
    check_noise(lambda X, y: host(encoder, X, y), folds, X, y)
    leaking = encoder.fit(X, y).transform(X.iloc[:99])[:, 0]
    assert roc_auc_score(y[:99], leaking) > 0.7, "in-sample features of noise do predict"


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__[9:])
def test_every_host_gives_the_out_of_fold_features(host):
    X, y = signal_table(90, 2)
    direct = tiny(epochs=3).fit_transform(X, y)
    np.testing.assert_array_equal(np.asarray(host(tiny(epochs=3), X, y)), direct)


def test_transforming_training_rows_warns():
    X, y = signal_table(120, 0)
    encoder = tiny().fit(X, y)
    with pytest.warns(InSampleWarning, match="fit_transform"):
        encoder.transform(X)
    mixed = pd.concat([X.iloc[:100], signal_table(20, 9)[0]])
    encoder.transform(mixed)  # five in six: no warning, warnings are errors here
    encoder.transform(X.iloc[:99])


def test_repeated_texts_are_not_taken_for_training_rows():
    X = pd.DataFrame({"review": ["good", "bad", "so good", "so bad"] * 60})
    encoder = tiny().fit(X, [1, 0, 1, 0] * 60)
    assert encoder.transform(X.iloc[:120]).shape == (120, 1)  # a warning would be an error here


class InSample(TransformerMixin, BaseEstimator):
    """What the commonest mistake does: features of training rows from models that saw them."""

    def fit(self, X, y):
        self.encoder_ = tiny(epochs=8, cv=2).fit(X, y)
        return self

    def transform(self, X):
        return self.encoder_.transform(X)


@pytest.mark.filterwarnings("ignore::textcnn.InSampleWarning")
def test_leakage_test_passes_for_the_encoder_and_fails_for_its_misuse():
    X, y = noise_table(300, 3)
    assert not leakage_test(tiny(epochs=8, cv=2), X, y, n_repeats=6).leaks
    assert leakage_test(InSample(), X, y, n_repeats=6).leaks


# Hosts and routing


def test_in_a_pipeline_under_search_and_cross_validation():
    X, y = signal_table(120, 0)
    X["price"] = np.arange(120.0)
    table = ColumnTransformer(
        [("text", tiny(epochs=10, cv=2), ["review"]), ("price", "passthrough", ["price"])]
    )
    model = make_pipeline(table, HistGradientBoostingClassifier(max_iter=10, random_state=0))
    assert cross_val_score(model, X, y, cv=2, scoring="roc_auc").mean() > 0.7
    grid = {"columntransformer__text__kernel_sizes": [(1,), (2, 3)]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["columntransformer__text__kernel_sizes"] in [(1,), (2, 3)]


def test_groups_by_keyword_and_by_routing():
    X, y = signal_table(90, 0)
    groups = np.repeat(np.arange(18), 5)
    direct = tiny(cv=GroupKFold(3)).fit_transform(X, y, groups=groups)
    encoder = tiny(cv=GroupKFold(3))
    pipeline = make_pipeline(encoder, LogisticRegression())
    pipeline.fit(X, y, textcnnencoder__groups=groups)
    np.testing.assert_array_equal(
        pipeline[:-1].fit_transform(X, y, textcnnencoder__groups=groups), direct
    )
    for record in pipeline[0].report_.columns:
        for fed in record.fed:
            assert not np.intersect1d(groups[fed["learn"]], groups[fed["predict"]]).size
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(tiny(cv=GroupKFold(3)), LogisticRegression())
        pipeline.fit(X, y, groups=groups)
        routed = pipeline[:-1].fit_transform(X, y, groups=groups)
        np.testing.assert_array_equal(routed, direct)
        scores = cross_val_score(pipeline, X, y, cv=GroupKFold(2), params={"groups": groups})
        assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="groups"):
        tiny(cv=GroupKFold(3)).fit(X, y)


def test_rows_of_weight_zero_are_predicted_but_not_trained_on():
    X, y = signal_table(90, 0)
    weight = np.ones(90)
    weight[:20] = 0
    encoder = tiny()
    features = encoder.fit_transform(X, y, sample_weight=weight)
    assert np.isfinite(features).all()
    for fed in encoder.report_.columns[0].fed:
        assert fed["learn"].min() >= 20
    other = flip(y, np.arange(20))
    np.testing.assert_array_equal(tiny().fit_transform(X, other, sample_weight=weight), features)


@pytest.mark.parametrize("module", ["pandas", "polars"])
def test_set_output(module):
    X, y = signal_table(60, 0)
    features = tiny().set_output(transform=module).fit_transform(X, y)
    assert type(features).__module__.split(".")[0] == module
    assert list(features.columns) == ["review_cnn"]


def test_callbacks_see_fit_model_and_epoch():
    seen = []

    class Listener:
        def setup(self, estimator, context):
            seen.append("setup")

        def on_fit_task_begin(self, estimator, context):
            seen.append(("begin", context.task_name))

        def on_fit_task_end(self, estimator, context, *, metadata=None):
            seen.append(("end", context.task_name, metadata))

        def teardown(self, estimator, context):
            seen.append("teardown")

    X, y = signal_table(60, 0)
    encoder = tiny(epochs=2, cv=2, ensemble="refit").set_callbacks(Listener())
    encoder.fit(X, y)
    names = [event[1] for event in seen if event[0] == "end"]
    # The fold models are trained side by side.
    assert sorted(names[:6]) == ["epoch"] * 4 + ["review, fold 0", "review, fold 1"]
    assert names[6:] == ["epoch", "epoch", "review, refit", "fit"]
    assert seen[0] == "setup" and seen[-1] == "teardown"
    epochs = [event[2] for event in seen if event[:2] == ("end", "epoch")]
    assert all(epoch["loss"] > 0 for epoch in epochs)


# State


def test_pickles_keep_state(fitted, tmp_path):
    encoder, _, X, y = fitted
    new = signal_table(30, 6)[0]
    expected = encoder.transform(new)
    joblib.dump(encoder, tmp_path / "encoder.joblib")
    copies = [
        pickle.loads(pickle.dumps(encoder)),
        copy.deepcopy(encoder),
        joblib.load(tmp_path / "encoder.joblib"),
    ]
    for restored in copies:
        np.testing.assert_array_equal(restored.transform(new), expected)
        pd.testing.assert_frame_equal(restored.history_, encoder.history_)
    assert b"keras" not in pickle.dumps(encoder)
    fresh = clone(encoder)
    with pytest.raises(NotFittedError):
        check_is_fitted(fresh)
    np.testing.assert_array_equal(fresh.fit_transform(X, y), fitted[1])


def test_a_stored_encoder_works_in_another_process(fitted, tmp_path):
    encoder, *_ = fitted
    new = signal_table(10, 6)[0]
    (tmp_path / "encoder.pickle").write_bytes(pickle.dumps(encoder))
    new.to_pickle(tmp_path / "new.pickle")
    code = (
        "import sys, pickle, numpy, pandas; folder = sys.argv[1];"
        "encoder = pickle.load(open(folder + '/encoder.pickle', 'rb'));"
        "assert 'keras' not in sys.modules, 'loading must not start the backend';"
        "new = pandas.read_pickle(folder + '/new.pickle');"
        "numpy.save(folder + '/features.npy', encoder.transform(new))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=300)
    np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), encoder.transform(new))


def test_same_seed_same_bits_and_other_seed_other_folds():
    X, y = signal_table(60, 0)
    one = tiny().fit_transform(X, y)
    np.testing.assert_array_equal(tiny().fit_transform(X, y), one)
    assert not np.array_equal(tiny(random_state=1).fit_transform(X, y), one)


def test_clones_share_one_table_of_word_vectors():
    vectors = WordVectors(["good", "bad"], np.eye(2, dtype=np.float32))
    encoder = tiny(embeddings=vectors)
    assert clone(encoder).embeddings is vectors


def test_a_failed_or_interrupted_fit_leaves_the_encoder_as_it_was(monkeypatch):
    X, y = signal_table(60, 0)
    encoder = tiny().fit(X, y)
    before = pickle.dumps(encoder)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    from textcnn.neural.engine.network import EngineNetwork

    monkeypatch.setattr(EngineNetwork, "state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encoder.fit(X.assign(other="more text"), 1 - y)
    unfitted = tiny()
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, y)
    monkeypatch.undo()
    assert pickle.dumps(encoder) == before
    assert not unfitted.__sklearn_is_fitted__()
    assert not hasattr(unfitted, "n_features_in_")
    np.testing.assert_array_equal(
        unfitted.fit(X, y).transform(X.iloc[:5]), encoder.transform(X.iloc[:5])
    )


# Words


def test_given_vectors_of_new_words_are_kept_on_request():
    words = ["good", "bad", "superb", "awful"]
    vectors = WordVectors(words, np.array([[3, 0], [-3, 0], [3, 0], [-3, 0]], np.float32))
    X, y = signal_table(120, 0)
    texts = pd.DataFrame({"review": ["superb", "awful"]})
    kept = tiny(embeddings=vectors, keep_vectors=4, learned_dim=0, epochs=40).fit(X, y)
    assert np.ptp(kept.transform(texts)) > 0.001
    seen = tiny(embeddings=vectors, keep_vectors="seen", learned_dim=0, epochs=20).fit(X, y)
    assert np.ptp(seen.transform(texts)) == 0
    assert seen.vocabulary_report_.loc["review", "words_with_vector"] == 2


@pytest.mark.parametrize("trainable", [False, True])
def test_trainable_embeddings_move_and_frozen_ones_do_not(trainable):
    vectors = WordVectors(["good", "bad"], np.array([[1, 0], [0, 1]], np.float32))
    X, y = signal_table(60, 0)
    encoder = tiny(embeddings=[vectors, vectors], trainable_embeddings=trainable, epochs=3)
    encoder.fit(X, y)
    network = network_of(encoder)
    shapes = [array.shape for array in network.models[0].model.weights]
    assert (256, 4) in shapes if trainable else (256, 4) not in shapes
    assert network.readers[0].vocabulary.given.shape[1] == 4
    if trainable:
        given = network.models[0].model.weights[shapes.index((256, 4))]
        table = network.readers[0].vocabulary.given
        moved = np.abs(given[: len(table)] - table).max(axis=1)
        assert moved[2:].max() > 1e-4
        assert moved[0] == 0


def test_corpus_vectors_are_trained_on_the_column():
    X, y = signal_table(60, 0)
    options = {"vector_size": 6, "epochs": 2}
    encoder = tiny(embeddings="corpus", corpus_options=options)
    features = encoder.fit_transform(X, y)
    assert encoder.vocabulary_report_.loc["review", "dim"] == 6
    again = tiny(embeddings="corpus", corpus_options=options).fit_transform(X, y)
    np.testing.assert_array_equal(again, features)


def test_a_new_word_with_a_vector_looks_as_a_held_out_one_did():
    """Out-of-fold features and features of new rows must not differ in kind."""
    # Every word has a vector: random ones are as large as those of the words that occur.
    words = [*WORDS, "superb"]
    numbers = np.random.default_rng(0).normal(0, 3, (len(words), 2)).astype(np.float32)
    vectors = WordVectors(words, numbers)
    X, y = signal_table(60, 0)
    X.loc[0, "review"] = "superb"
    folds = list(KFold(2, shuffle=True, random_state=0).split(X))
    encoder = tiny(embeddings=vectors, learned_dim=0, epochs=5, cv=folds)
    with_word = encoder.fit_transform(X, y)[0]
    model = next(i for i, (_, test) in enumerate(folds) if 0 in test)
    without = tiny(embeddings=vectors, learned_dim=0, epochs=5, cv=folds)
    without.fit(X.assign(review=X["review"].replace("superb", "")), y)
    keep_model(without, model)
    np.testing.assert_allclose(
        without.transform(pd.DataFrame({"review": ["superb"]}))[0], with_word, atol=1e-5
    )


def test_class_weights_are_balanced_by_the_training_rows():
    from textcnn.crossfit import read_target
    from textcnn.fit.network_jobs import TrainingSettings

    target = read_target([0, 0, 0, 1, 1, 0], n_rows=6)
    settings = TrainingSettings(class_weight="balanced")
    learn = np.array([0, 1, 2, 3])
    weights = weights_of_rows(learn, learn, target, None, settings)
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
    sample_weight = np.array([1.0, 1, 1, 3, 1, 1])
    weights = weights_of_rows(learn, learn, target, sample_weight, settings)
    np.testing.assert_allclose(weights, [1, 1, 1, 3])


def test_texts_that_no_encoding_takes():
    X, y = signal_table(60, 0)
    X = X.astype(object)
    X.loc[0, "review"] = "good \ud800 film"
    assert np.isfinite(tiny().fit_transform(X, y)).all()


def test_empty_cells_are_no_training_rows():
    X, y = signal_table(120, 0)
    X.loc[0, "review"] = ""
    encoder = tiny().fit(X, y)
    new = signal_table(120, 8)[0]
    new.loc[5:, "review"] = ""
    encoder.transform(new)  # warnings are errors here


def test_a_callable_tokenizer_and_empty_and_missing_cells():
    X, y = signal_table(60, 0)
    X.loc[:3, "review"] = [None, np.nan, "", "   "]
    features = tiny(tokenizer=str.split).fit_transform(X, y)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pd.DataFrame])
def test_containers_give_the_same_features(make):
    X, y = signal_table(60, 0)
    texts = X["review"].tolist()
    direct = tiny().fit_transform(X, y)
    np.testing.assert_array_equal(tiny().fit_transform(make(texts), y), direct)


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_sizes": (0,)}, r"Received: kernel_sizes=\(0,\)"),
        ({"kernel_sizes": ()}, "kernel_sizes"),
        ({"n_filters": -3}, "Received: n_filters=-3"),
        ({"n_filters": 2.5}, 'n_filters must be "auto" or an integer'),
        ({"n_blocks": 0}, "n_blocks"),
        ({"pooling": "min"}, "Received: pooling='min'"),
        ({"activation": "rleu"}, "Received: activation='rleu'"),
        ({"dropout": 1.0}, "Received: dropout=1.0"),
        ({"l2": -1}, "Received: l2=-1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"epochs": 0}, "Received: epochs=0"),
        ({"epochs": "many"}, "Received: epochs='many'"),
        ({"batch_size": 0}, "batch_size"),
        ({"ensemble": "best"}, "Received: ensemble='best'"),
        ({"tokenizer": "sentence"}, "tokenizer"),
        ({"min_count": 0}, "min_count"),
        ({"max_length": 0}, "max_length"),
        ({"learned_dim": 0}, "learned_dim=0, embeddings=None"),
        ({"keep_vectors": "all"}, "keep_vectors"),
        ({"embeddings": "no/such/file.bin"}, "no/such/file.bin"),
        ({"embeddings": 3}, "embeddings|vectors"),
        ({"class_weight": "even"}, "class_weight"),
        ({"class_weight": {"maybe": 2}}, "class_weight contains classes"),
        ({"network": "resnet"}, "network"),
        ({"class_weight": {1: -1}}, "class_weight must contain finite numbers"),
        ({"class_weight": {0: 0, 1: 0}}, "class_weight must contain finite numbers"),
        ({"early_stopping": "no"}, "Received: early_stopping='no'"),
        ({"corpus_options": {"window": 3}}, "corpus_options"),
        ({"loss": "poisson"}, "loss"),
        ({"uncovered": "zero"}, "uncovered"),
        ({"unsupervised": "none"}, "unsupervised"),
        ({"cv": 1}, "cv"),
        ({"cv": 61}, "fewer"),
        ({"cv": [(range(30), range(30, 50))]}, "uncovered"),
        ({"random_state": -1}, "Received: random_state=-1"),
        ({"target_type": "ordinal"}, "target_type"),
    ],
)
def test_bad_parameters_are_refused_before_training(changes, message, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    X, y = signal_table(60, 0)
    with pytest.raises((ValueError, TypeError), match=message):
        tiny(**changes).fit(X, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, np.zeros(60)), "class"),
        (lambda X, y: (X, y[:50]), "inconsistent numbers of samples"),
        (lambda X, y: (X.iloc[:0], y[:0]), "0 sample"),
        (lambda X, y: (X, None), "requires y to be passed"),
        (lambda X, y: ("one text", y), "one text"),
        (lambda X, y: (X.assign(review=b"bytes"), y), "review"),
    ],
)
def test_bad_data_is_refused_before_training(change, message, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    X, y = signal_table(60, 0)
    with pytest.raises((ValueError, TypeError), match=message):
        tiny().fit(*change(X, y))


def test_transform_before_fit_and_with_other_columns():
    from sklearn.exceptions import NotFittedError

    X, y = signal_table(60, 0)
    with pytest.raises(NotFittedError):
        tiny().transform(X)
    encoder = tiny().fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(X.rename(columns={"review": "title"}))
    with pytest.raises(ValueError, match="title"):
        encoder.transform(X.assign(title=""))


def test_errors_name_the_column():
    X, y = signal_table(60, 0)

    def broken(text):
        raise RuntimeError("tokenizer failed")

    with pytest.raises(RuntimeError) as caught:
        tiny(tokenizer=broken).fit(X, y)
    assert any("review" in note for note in caught.value.__notes__)


# Several processes


def test_fold_models_in_processes_are_the_same():
    from joblib import parallel_config

    X, y = signal_table(60, 0)
    here = tiny().fit_transform(X, y)
    with parallel_config(backend="loky", inner_max_num_threads=n_threads()):
        there = tiny(n_jobs=2).fit_transform(X, y)
    np.testing.assert_array_equal(there, here)


def test_import_is_light():
    code = (
        "import sys, textcnn;"
        "heavy = {'tensorflow', 'keras', 'gensim', 'polars', 'matplotlib', 'jax', 'torch'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "textcnn.TextCNNEncoder();"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_updates_follow_the_kind_of_network():
    from textcnn.crossfit import read_target

    target = read_target([0, 1] * 1000, target_type="binary", n_rows=2000)
    made = {}
    for name, changes in {
        "cnn": {},
        "char": {"level": "char"},
        "bigru": {"network": "bigru"},
        "char_bigru": {"level": "char", "network": "bigru"},
        "fixed": {"network": "bigru", "epochs": 2},
    }.items():
        training = training_of(TextCNNEncoder(**changes))
        made[name] = training.updates(2000, target)
    assert made == {"cnn": 117, "char": 534, "bigru": 53, "char_bigru": 53, "fixed": 64}
    training = training_of(TextCNNEncoder(level="char"))
    shares = [training.share.of(n_rows) for n_rows in (100, 500, 2000, 10_000)]
    assert shares == pytest.approx([1, 1.5, 3, 6]), "no longer than was tried"
    training = training_of(TextCNNEncoder())
    shares = [training.share.of(n_rows) for n_rows in (100, 1600, 6400, 10**6)]
    assert shares == pytest.approx([0.6, 0.6, 0.6 * 4**0.4, 2])
    training = training_of(TextCNNEncoder(network="bigru"))
    many = read_target([0, 1] * 20_000, target_type="binary", n_rows=40_000)
    assert training.updates(40_000, many) == 625, "one pass at least"
