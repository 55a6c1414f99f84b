"""A whole fit is the one that Keras makes from the same weights and batches, up to rounding."""

from dataclasses import replace

import numpy as np
import pytest
from oracle import (
    N_ROWS,
    job,
    random_targets,
    random_weights,
    text_network,
)

from textcnn.neural.batches import Batches
from textcnn.neural.engine.layout import started_tables
from textcnn.neural.engine.training import Dropout, fit_one
from textcnn.neural.network import TracedNetwork
from textcnn.neural.training import fit_models, predict_model
from textcnn.text.plain import plain_outputs


class Silence:
    def begin(self):
        pass

    def step(self):
        pass

    def epoch(self, epoch, losses):
        return False

    def end(self):
        pass


def fit_from(plan, source, one_job, start):
    return fit_one(plan.design, plan.loss, source, one_job, Silence(), start=start)


def keras_fit_from(plan, source, one_job, start, monkeypatch):
    """Fit by Keras from given weights instead of the seed's."""
    reset = TracedNetwork.reset

    def start_there(network, seed):
        reset(network, seed)
        network.load_weights([start[name] for name in network.weight_names()])

    with monkeypatch.context() as patch:
        patch.setattr(TracedNetwork, "reset", start_there)
        keras_plan = replace(plan, engine="keras", key=None)
        return fit_models(keras_plan, source, [one_job])[0]


FITS = {
    "given and learnt": {},
    "learnt alone": {"given": False, "activation": "tanh"},
    "trained": {"trainable_embeddings": True},
    "characters": {"given": False, "level": "char", "kernel_sizes": (3, 5), "longest": 30},
    "dense and l2": {"dense_units": (6,), "l2": 0.01, "activation": "sigmoid"},
    "two columns": {"n_columns": 2},
    "long": {"longest": 90},
    "both poolings": {"pooling": "both"},
    "classes": {"loss": "categorical_crossentropy", "n_outputs": 3},
    "labels": {"n_outputs": 3},
    "squared": {"loss": "squared", "n_outputs": 2},
    "absolute": {"loss": "absolute"},
    "poisson": {"loss": "poisson"},
}


@pytest.mark.parametrize(
    ("name", "stops"),
    [*((name, False) for name in FITS), ("given and learnt", True), ("dense and l2", True)],
)
def test_a_fit_is_that_of_keras(name, stops, monkeypatch):
    plan, source = text_network(dropout=0.0, **FITS[name])
    targets = random_targets(plan.loss, plan.design.n_outputs)
    changes = {}
    if stops:
        stop = np.arange(20, 30)
        changes = {
            "learn": np.arange(20),
            "targets": targets[:20],
            "weights": np.ones(20, np.float32),
            "stop": stop,
            "stop_targets": targets[stop],
            "stop_weights": np.linspace(0.5, 1, len(stop)).astype(np.float32),
            "updates": 44,
            "learning_rate": 0.05,
        }
    one_job = job(plan, targets, **changes)
    start = random_weights(plan.design, source)
    model, outputs = fit_from(plan, source, one_job, start)
    expected, expected_outputs = keras_fit_from(plan, source, one_job, start, monkeypatch)

    assert model.engine == "numba" and expected.engine == "keras"
    assert model.names == expected.names
    assert [w.shape for w in model.weights] == [w.shape for w in expected.weights]
    assert model.updates == expected.updates
    assert len(model.history) == len(expected.history)
    for ours, theirs in zip(model.history, expected.history, strict=True):
        assert list(ours) == list(theirs)
        for key, value in theirs.items():
            assert ours[key] == pytest.approx(value, rel=1e-3), key
    for key, rows in expected.fed.items():
        np.testing.assert_array_equal(model.fed[key], rows)
    for key, known in expected.view.items():
        np.testing.assert_array_equal(model.view[key], known)
    np.testing.assert_allclose(outputs, expected_outputs, rtol=1e-3, atol=1e-3)


def test_a_model_predicts_as_keras_and_as_the_plain_form_do():
    plan, source = text_network(2, dense_units=(4,))
    targets = random_targets(plan.loss, 1)
    model, outputs = fit_models(plan, source, [job(plan, targets)])[0]
    assert model.engine == "numba"
    (by_keras,) = predict_model(plan, source, [model])
    weights = dict(zip(model.names, model.weights, strict=True))
    plain = plain_outputs(plan.design.settings, source, weights, model.view)
    np.testing.assert_allclose(outputs, by_keras[30:], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(outputs, plain[30:], rtol=1e-5, atol=1e-5)


def test_weights_start_as_those_of_keras_do():
    plan, source = text_network(
        n_filters=200, dense_units=(300,), learned_dim=30, n_outputs=9, dropout=0.0
    )
    design = plan.design
    random = np.random.default_rng(0)
    tables = started_tables(design, source.tables(), random)
    ours = design.exported(design.views(design.started(random)), tables)
    network = TracedNetwork(plan)
    network.reset(0)
    theirs = dict(zip(network.weight_names(), network.weights(), strict=True))
    assert list(ours) == list(theirs)
    for path, array in theirs.items():
        assert ours[path].shape == array.shape
        assert ours[path].dtype == array.dtype
        allowed = 6 * float(array.std()) / np.sqrt(array.size)
        assert ours[path].mean() == pytest.approx(float(array.mean()), abs=allowed)
        assert ours[path].std() == pytest.approx(float(array.std()), rel=0.1)
        if path.endswith("kernel"):
            assert np.abs(ours[path]).max() == pytest.approx(float(np.abs(array).max()), rel=0.02)


def test_given_vectors_that_are_trained_start_from_those_given():
    plan, source = text_network(trainable_embeddings=True)
    tables = started_tables(plan.design, source.tables(), np.random.default_rng(0))
    given = source.tables()["given_0"]
    start = tables["given_0/embeddings"]
    np.testing.assert_array_equal(start[: len(given)], given)
    assert not start[len(given) :].any()


def test_dropout_keeps_its_share_and_the_mean():
    plan, _ = text_network(n_filters=50, dropout=0.3)
    dropout = Dropout(plan.design, np.random.SeedSequence(0))
    keep = dropout(400)
    assert keep.dtype == np.float32
    assert (keep == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert keep.mean() == pytest.approx(1, abs=0.02)
    assert np.ptp(keep[keep > 0]) == 0
    assert not np.array_equal(keep, dropout(400))
    np.testing.assert_array_equal(keep, Dropout(plan.design, np.random.SeedSequence(0))(400))


@pytest.mark.parametrize("updates", [2, 4, 9])
def test_a_model_is_fed_the_batches_of_each_epoch_in_that_epochs_order(updates, monkeypatch):
    plan, source = text_network()
    targets = random_targets(plan.loss, 1)
    one_job = job(plan, targets, updates=updates)
    handed = []
    rows_of = Batches.rows_of

    def recorded(batches, index):
        rows, *rest = rows_of(batches, index)
        handed.append(rows)
        return (rows, *rest)

    monkeypatch.setattr(Batches, "rows_of", recorded)
    model, _ = fit_models(plan, source, [one_job])[0]
    monkeypatch.undo()
    expected = Batches(
        source,
        one_job.learn,
        model.view,
        targets=one_job.targets,
        weights=one_job.weights,
        batch_size=one_job.batch_size,
        policy=None,
        seed=one_job.batches_seed,
    )
    assert len(handed) == updates == model.updates
    for number, rows in enumerate(handed):
        epoch, index = divmod(number, len(expected))
        if index == 0:
            expected.set_epoch(epoch)
        np.testing.assert_array_equal(rows, one_job.learn[expected.positions(index)])
    np.testing.assert_array_equal(model.fed["learn"], np.unique(np.concatenate(handed)))
    np.testing.assert_array_equal(model.fed["predict"], np.arange(30, N_ROWS))
    assert len(model.fed["stop"]) == 0


def test_training_that_diverges_is_told():
    plan, source = text_network(loss="squared")
    targets = random_targets("squared", 1) * np.float32(1e30)
    one_job = job(plan, targets, learning_rate=1e30, note="fold 1 of 3")
    with pytest.raises(FloatingPointError, match="diverged") as caught:
        fit_models(plan, source, [one_job])
    assert "while fitting fold 1 of 3" in caught.value.__notes__


def test_rows_without_words_and_few_rows_are_fitted():
    plan, source = text_network(given=False)
    targets = random_targets(plan.loss, 1)
    alone = job(plan, targets, learn=np.array([0]), targets=targets[:1], weights=np.ones(1, "f"))
    model, outputs = fit_models(plan, source, [alone])[0]
    assert np.isfinite(outputs).all()
    assert model.updates == 14
