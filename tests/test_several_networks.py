"""Several networks per fold: their features are averaged, and no fold sees its held-out rows."""

from pathlib import Path

import numpy as np
import pytest
from checks import (
    check_exact_influence,
    check_fed_rows,
    check_noise,
    noise_table,
    signal_table,
    tiny,
)
from inside import network_of
from sklearn.model_selection import StratifiedKFold

import textcnn
from textcnn import TextCNNClassifier, TextCNNRegressor, serving

X, Y = signal_table(60, 0)
NEW = signal_table(12, 1)[0]
ENGINES = ("numba", "keras")


def weights_of(estimator) -> list:
    return [fold.model.weights for fold in network_of(estimator).models]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_network_of_a_fold_is_the_only_one_of_a_fit_with_one(engine):
    one = tiny(engine=engine, n_networks=1).fit(X, Y)
    three = tiny(engine=engine, n_networks=3).fit(X, Y)
    assert len(weights_of(three)) == 9
    for alone, first in zip(weights_of(one), weights_of(three)[::3], strict=True):
        for a, b in zip(alone, first, strict=True):
            np.testing.assert_array_equal(a, b)
    first, second = weights_of(three)[:2]
    assert not np.array_equal(first[-1], second[-1])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("changes", [{}, {"early_stopping": True}, {"embeddings": "corpus"}])
def test_targets_of_held_out_rows_do_not_affect_their_features(engine, changes):
    if "embeddings" in changes:
        changes = {"corpus_options": {"vector_size": 3}, "unsupervised": "fold"} | changes
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    encoder = tiny(engine=engine, n_networks=2, epochs=2, **changes)

    def swapped(y, rows):
        changed = y.copy()
        changed[rows] = 1 - changed[rows]
        return changed

    check_exact_influence(encoder, X, Y, folds, swapped)
    check_fed_rows(encoder.set_params(cv=folds).fit(X, Y), folds)


def test_features_of_noise_say_nothing():
    table, y = noise_table(400, 0)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(table, y))
    encoder = tiny(n_networks=3, epochs=4, cv=folds)
    check_noise(encoder.fit_transform, folds, table, y)


def test_the_mean_of_more_networks_is_less_sure_of_noise():
    table, y = noise_table(300, 0)
    spread = {
        n: np.std(
            tiny(n_networks=n, epochs=20, n_filters=8, output="logit").fit_transform(table, y)
        )
        for n in (1, 5)
    }
    assert spread[5] < 0.9 * spread[1]


def test_saved_files_and_serving_give_the_same_features(tmp_path):
    encoder = tiny(n_networks=2).fit(X, Y)
    expected = encoder.transform(NEW)
    encoder.save(tmp_path / "encoder.textcnn")
    np.testing.assert_array_equal(
        textcnn.load(tmp_path / "encoder.textcnn").transform(NEW), expected
    )
    served = serving.load(tmp_path / "encoder.textcnn").transform(NEW)
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_a_refit_has_as_many_networks_as_a_fold():
    encoder = tiny(n_networks=2, ensemble="refit").fit(X, Y)
    assert len(weights_of(encoder)) == 2
    history = encoder.history_
    assert history.groupby("model")["network"].nunique().to_dict() == {
        "fold 0": 2,
        "fold 1": 2,
        "fold 2": 2,
        "refit": 2,
    }


def test_a_classifier_averages_logits_so_explanations_add_up(tmp_path):
    classifier = TextCNNClassifier(n_filters=2, epochs=2, n_networks=3, random_state=0).fit(X, Y)
    shares = classifier.predict_proba(NEW)
    log_odds = np.log(shares[:, 1] / shares[:, 0])
    explained = classifier.explain(NEW).outputs_to_frame()
    np.testing.assert_allclose(explained["value"], log_odds, atol=1e-5)
    np.testing.assert_allclose(explained["base"] + explained["explained"], log_odds, atol=1e-5)
    classifier.save(tmp_path / "classifier.textcnn")
    served = serving.load(tmp_path / "classifier.textcnn")
    np.testing.assert_allclose(served.predict_proba(NEW), shares, atol=1e-6)
    assert served.predict(NEW).tolist() == classifier.predict(NEW).tolist()


def test_a_regressor_averages_its_networks():
    numbers = Y + np.linspace(0, 1, len(Y))
    settings = {"n_filters": 2, "epochs": 2, "random_state": 0}
    one = TextCNNRegressor(**settings, n_networks=1).fit(X, numbers)
    three = TextCNNRegressor(**settings, n_networks=3).fit(X, numbers)
    assert len(weights_of(three)) == 3
    assert not np.array_equal(one.predict(NEW), three.predict(NEW))


def test_files_of_former_versions_have_one_network():
    folder = Path(__file__).parent / "data"
    for name in ("text_v1", "text_v2", "text_classifier_v2", "joined_v2"):
        assert textcnn.load(folder / f"{name}.textcnn").n_networks == 1


@pytest.mark.parametrize("value", [0, 1.5, "many", True])
def test_other_numbers_are_refused(value):
    with pytest.raises(ValueError, match='n_networks must be "auto" or an integer of at least'):
        tiny(n_networks=value).fit(X, Y)
