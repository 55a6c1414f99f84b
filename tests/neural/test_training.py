"""Models fitted one after another on one traced network are the models fitted alone."""

import gc
import random
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from checks import n_threads
from inside import forget_networks, keras_model_of

from textcnn.neural import network as network_module
from textcnn.neural.backend import ShapePolicy, for_fit
from textcnn.neural.batches import Batches
from textcnn.neural.jobs import TrainingJob
from textcnn.neural.network import Blueprint
from textcnn.neural.randomness import entropy_from, integer_seed, seed_sequence
from textcnn.neural.training import fit_models, predict_model
from textcnn.text.documents import Documents, TextSource
from textcnn.text.network import TextNetworkSettings, build_text_network
from textcnn.text.reader import ColumnReader, ReaderSettings, blueprint

N_ROWS = 60


@pytest.fixture(scope="module")
def rows():
    words = np.random.default_rng(0).choice(list("abcdefghij"), (N_ROWS, 5))
    cells = [" ".join(line[: 1 + i % 5]) for i, line in enumerate(words)]
    settings = ReaderSettings(learned_dim=4)
    tokenized = settings.tokenize(cells)
    reader, documents = ColumnReader.fit(tokenized, settings, vector_seed=0, corpus_seed=0)
    source = TextSource(
        [documents], [reader.vocabulary], min_count=2, trainable=False, learns_vectors=True
    )
    targets = np.array([["a" in cell] for cell in cells], np.float32)
    return source, reader, targets


def make_jobs(targets, **changes):
    folds = np.arange(N_ROWS) % 3
    return [make_job(targets, fold, np.flatnonzero(folds != fold), **changes) for fold in range(3)]


def make_job(targets, fold, learn, **changes):
    settings = {
        "updates": 7,
        "batch_size": 8,
        "learning_rate": 0.01,
        "weights_seed": 100 + fold,
        "batches_seed": np.random.SeedSequence([0, fold]),
        "offset": np.zeros(1, np.float32),
        "predict": np.setdiff1d(np.arange(N_ROWS), learn),
    } | changes
    weights = np.ones(len(learn), np.float32)
    return TrainingJob(learn=learn, targets=targets[learn], weights=weights, **settings)


def make_batches(rows, learn, **changes):
    source, _, targets = rows
    settings = {
        "weights": np.ones(len(learn), np.float32),
        "policy": ShapePolicy(False, None),
        "seed": np.random.SeedSequence(1),
    } | changes
    return Batches(source, learn, source.view(learn), targets=targets[learn], **settings)


def make_blueprint(reader, **changes):
    settings = TextNetworkSettings(**({"n_filters": 3, "kernel_sizes": (2,)} | changes))
    plan = blueprint([reader], settings, n_outputs=1, loss="binary_crossentropy")
    return replace(plan, engine="keras")


def assert_same(one, other):
    (model, output), (other_model, other_output) = one, other
    np.testing.assert_array_equal(output, other_output)
    for mine, theirs in zip(model.weights, other_model.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_threads_that_draw_random_numbers_change_no_weights(rows):
    source, reader, targets = rows
    plan, job = make_blueprint(reader), make_jobs(targets)[:1]
    (alone,) = fit_models(plan, source, job)
    is_over = threading.Event()

    def draw():
        while not is_over.is_set():
            random.random()
            random.randint(0, 9)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        (together,) = fit_models(plan, source, job)
    finally:
        is_over.set()
        thread.join()
    assert_same(alone, together)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_nothing_is_carried_from_model_to_model(rows, dropout):
    source, reader, targets = rows
    plan = make_blueprint(reader, dropout=dropout)
    jobs = make_jobs(targets)
    together = fit_models(plan, source, jobs)
    backwards = fit_models(plan, source, jobs[::-1])[::-1]
    for job, one, other in zip(jobs, together, backwards, strict=True):
        forget_networks()  # a network that never served another fit
        alone = fit_models(plan, source, [job])[0]
        assert_same(one, other)
        assert_same(one, alone)
    assert not np.array_equal(together[0][0].weights[0], together[1][0].weights[0])


def test_processes_give_the_same_bits_at_equal_thread_counts(rows):
    from joblib import parallel_config

    source, reader, targets = rows
    jobs = make_jobs(targets)
    here = fit_models(make_blueprint(reader), source, jobs)
    with parallel_config(backend="loky", inner_max_num_threads=n_threads()):
        there = fit_models(make_blueprint(reader), source, jobs, n_jobs=2)
    for one, other in zip(here, there, strict=True):
        assert_same(one, other)


def test_a_fit_leaves_the_global_random_states_alone(rows):
    import tensorflow

    source, reader, targets = rows
    tensorflow.random.set_seed(3)
    expected = [tensorflow.random.uniform(()).numpy() for _ in range(2)]
    tensorflow.random.set_seed(3)
    drawn = [tensorflow.random.uniform(()).numpy()]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    fit_models(make_blueprint(reader), source, make_jobs(targets)[:1])
    drawn.append(tensorflow.random.uniform(()).numpy())
    assert drawn == expected
    assert random.getstate() == python
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(numpy, after, strict=True))


def test_fits_in_threads_do_not_disturb_each_other(rows):
    from concurrent.futures import ThreadPoolExecutor

    source, reader, targets = rows
    jobs = make_jobs(targets)
    plans = [make_blueprint(reader, n_filters=n) for n in (3, 4)]
    alone = [fit_models(plan, source, jobs) for plan in plans]
    state = random.getstate()
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda plan: fit_models(plan, source, jobs), plans))
    assert random.getstate() == state
    for one, other in zip(alone, together, strict=True):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)


def test_a_long_document_is_not_predicted_in_the_company_of_short_ones(rows, monkeypatch):
    from textcnn.neural import training

    source, reader, targets = rows
    job = make_jobs(targets)[0]
    together = fit_models(make_blueprint(reader), source, [job])[0]
    monkeypatch.setattr(training, "LONG_DOCUMENT", 3)
    shapes = []
    gather = source.gather
    monkeypatch.setattr(
        source, "gather", lambda *args: shapes.append((out := gather(*args))[0].shape) or out
    )
    apart = fit_models(make_blueprint(reader), source, [job])[0]
    np.testing.assert_allclose(apart[1], together[1], atol=1e-6)
    assert np.array_equal(apart[0].fed["predict"], job.predict)
    assert {shape for shape in shapes if shape[1] > 3 and shape[0] == 1}


def test_a_traced_network_is_used_again_and_not_traced_again(rows):
    source, reader, targets = rows
    plan = make_blueprint(reader, n_filters=5)
    fit_models(plan, source, make_jobs(targets))
    traces = []
    with network_module.borrow_network(plan) as network:
        model = keras_model_of(network)
        train_step = model.train_step
        model.train_step = lambda data: traces.append(data) or train_step(data)
    fit_models(plan, source, make_jobs(targets, updates=15, learning_rate=0.1, batch_size=5))
    with network_module.borrow_network(plan) as network:
        assert keras_model_of(network) is model
    assert len(traces) == 0
    model.make_train_function(force=True)  # the counter does count
    fit_models(plan, source, make_jobs(targets))
    assert len(traces) == 1
    del model.train_step


def test_predictions_of_a_stored_model_are_those_of_the_fit(rows):
    source, reader, targets = rows
    plan = make_blueprint(reader)
    jobs = make_jobs(targets)
    results = fit_models(plan, source, jobs)
    again = predict_model(plan, source, [model for model, _ in results])
    for job, (_, output), everything in zip(jobs, results, again, strict=True):
        np.testing.assert_allclose(everything[job.predict], output, atol=1e-6)


def test_updates_are_counted_and_the_schedule_ends_at_zero(rows):
    source, reader, targets = rows
    plan = make_blueprint(reader)
    for updates in (1, 5, 11):
        (model, _) = fit_models(plan, source, make_jobs(targets, updates=updates))[0]
        assert model.updates == updates
        assert len(model.history) == -(-updates // 5)


class ConstantOne:
    """A user's network whose one feature is 1 for every document."""

    def __call__(self, dim):
        import keras

        vectors = keras.Input((None, dim))
        pooled = keras.layers.GlobalMaxPooling1D()(vectors)
        return keras.Model(vectors, keras.layers.Rescaling(0.0, offset=1.0)(pooled[:, :1]))


def test_updates_are_those_of_adam_with_a_rate_that_falls_along_a_cosine(rows):
    source, reader, _ = rows
    settings = TextNetworkSettings(network=ConstantOne(), dropout=0.0)
    plan = blueprint([reader], settings, n_outputs=1, loss="squared")
    targets = np.full((N_ROWS, 1), 5, np.float32)
    ends = {}
    for updates in (1, 2, 9):
        job = make_jobs(targets, updates=updates, learning_rate=0.1)[0]
        ends[updates] = fit_models(plan, source, [job])[0][0].weights[-1].item()
    start = ends[1] - 0.1  # Adam's first step is the rate itself, here upwards
    for updates in (2, 9):
        weight, mean, square = start, 0.0, 0.0
        for step in range(updates):
            gradient = 2 * (weight - 5)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            rate = 0.1 * 0.5 * (1 + np.cos(np.pi * step / updates))
            rate *= np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
            weight -= rate * mean / (np.sqrt(square) + 1e-7)
        assert ends[updates] == pytest.approx(weight, abs=1e-5)


def test_early_stopping_keeps_the_best_weights(rows):
    source, reader, targets = rows
    job = make_jobs(targets)[0]
    learn, stop = job.learn[:30], job.learn[30:]
    random_targets = np.random.default_rng(5).integers(0, 2, (N_ROWS, 1)).astype(np.float32)
    stopping = make_job(
        random_targets,
        0,
        learn,
        updates=400,
        learning_rate=0.05,
        stop=stop,
        stop_targets=random_targets[stop],
        stop_weights=np.ones(len(stop), np.float32),
        predict=job.predict,
    )
    plan = make_blueprint(reader, dropout=0.0)
    (model, _) = fit_models(plan, source, [stopping])[0]
    losses = [epoch["val_loss"] for epoch in model.history]
    assert len(losses) < 100, "noise must stop early"
    raw = predict_model(plan, source, [model])[0][stop]
    kept = np.mean(np.logaddexp(0, raw) - random_targets[stop] * raw)
    assert kept == pytest.approx(min(losses), abs=1e-4)
    assert model.updates == (int(np.argmin(losses)) + 1) * -(-len(learn) // 8)
    assert np.array_equal(model.fed["stop"], stop)


def test_divergence_is_an_error_that_names_the_model(rows):
    source, reader, targets = rows
    jobs = make_jobs(targets, learning_rate=1e30, note="column 'review', fold 1 of 3")
    with pytest.raises(FloatingPointError, match="learning_rate=1e") as caught:
        fit_models(make_blueprint(reader, activation="linear"), source, jobs)
    assert "while fitting column 'review', fold 1 of 3" in caught.value.__notes__


def test_batches_hold_each_row_once_and_look_alike_in_the_same_epoch(rows):
    source = rows[0]
    learn = np.arange(5, N_ROWS, 2)
    batches = make_batches(rows, learn, batch_size=4)
    orders = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        positions = [batches.positions(index) for index in range(len(batches))]
        assert np.array_equal(np.sort(np.concatenate(positions)), np.arange(len(learn)))
        for part in positions:
            assert np.ptp(source.lengths[learn[part]]) <= 1
        orders.append(np.concatenate(positions))
    assert np.array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])


@pytest.mark.parametrize("updates", [2, 5, 7, 10, 12])
def test_a_model_is_fed_the_batches_of_each_epoch_in_that_epochs_order(rows, updates, monkeypatch):
    source, reader, targets = rows
    handed, made = [], []
    step = Batches.step

    def recorded(batches, number):
        made.append(batches)
        epoch, index = divmod(number, len(batches))
        batch = step(batches, number)
        handed.append((epoch, index, batches.positions(index)))
        return batch

    monkeypatch.setattr(Batches, "step", recorded)
    job = make_job(targets, 0, np.flatnonzero(np.arange(N_ROWS) % 3), updates=updates)
    (model, _) = fit_models(make_blueprint(reader), source, [job])[0]
    monkeypatch.undo()
    batches, n_batches = made[0], 5
    assert len(batches) == n_batches and all(other is batches for other in made)
    assert model.updates == updates
    # The first batch is also looked at for its shapes.
    assert [(epoch, index) for epoch, index, _ in handed[1:]] == [
        divmod(number, n_batches) for number in range(updates)
    ]
    trained = []
    for epoch, index, positions in handed[1:]:
        batches.set_epoch(epoch)
        assert np.array_equal(positions, batches.positions(index))
        trained.append(job.learn[positions])
    assert np.array_equal(model.fed["learn"], np.unique(np.concatenate(trained)))


def test_tensorflow_reads_a_step_of_no_rows_after_the_last(rows):
    batches = make_batches(rows, np.arange(20), batch_size=8)
    plan = make_blueprint(rows[1])
    handed = list(for_fit(batches, plan.build(), n_steps=5))
    assert [len(targets) for _, targets, _ in handed] == [
        *(len(targets) for _, targets, _ in map(batches.step, range(5))),
        0,
    ]


def test_a_fit_that_is_over_keeps_none_of_its_rows_alive(rows):
    def alive():
        gc.collect()
        return sum(type(thing) is Batches for thing in gc.get_objects())

    source, reader, targets = rows
    before = alive()
    fit_models(make_blueprint(reader), source, make_jobs(targets))
    assert alive() == before


def test_batches_are_filled_up_without_weight_where_the_backend_wants_one_shape(rows):
    learn = np.arange(10)
    batches = make_batches(
        rows,
        learn,
        batch_size=4,
        weights=np.full(10, 2, np.float32),
        policy=ShapePolicy(True, (8, 16)),
        seed=None,
    )
    inputs, batch_targets, weights = batches[2]
    assert inputs[0].shape == (4, 8)
    assert batch_targets.shape == (4, 1)
    assert weights.tolist() == [4, 4, 0, 0]
    assert np.array_equal(batches.fed_rows(), np.sort(learn[batches.positions(2)]))


def test_an_unmet_or_rare_word_looks_like_a_new_word():
    cells = ["a a b", "a b c", "c d"]
    settings = ReaderSettings(min_count=2)
    tokenized = settings.tokenize(cells)
    reader, documents = ColumnReader.fit(tokenized, settings, vector_seed=0, corpus_seed=0)
    source = TextSource(
        [documents], [reader.vocabulary], min_count=2, trainable=False, learns_vectors=True
    )
    policy = ShapePolicy(False, None)
    view = source.view(np.array([0, 1]))  # "c" occurs once in these rows, "d" not at all
    (ids,) = source.gather(np.arange(3), view, policy)
    unknown = ids[2, 0]
    assert unknown == 1
    assert ids[2].tolist() == [1, 1, 0]
    assert ids[1, 2] == 1
    new = TextSource(
        [reader.read(["a zebra"])],
        [reader.vocabulary],
        min_count=2,
        trainable=False,
        learns_vectors=True,
    )
    assert new.gather(np.array([0]), view, policy)[0].tolist() == [[ids[0, 0], 1]]


def test_seeds_depend_on_what_they_are_for():
    seeds = {
        integer_seed(seed_sequence(0, purpose, column, fold))
        for purpose in ("weights", "batches")
        for column in range(3)
        for fold in range(5)
    }
    assert len(seeds) == 30
    assert entropy_from(5) == 5
    assert entropy_from(None) != entropy_from(None)
    state = np.random.RandomState(0)  # noqa: NPY002
    assert entropy_from(state) != entropy_from(state)
    for wrong in (-1, 1.5, "0", True):
        with pytest.raises(ValueError, match="Received: random_state"):
            entropy_from(wrong)


def test_blueprints_of_a_users_network_are_never_shared(rows):
    _, reader, _ = rows
    settings = TextNetworkSettings(network=len)
    plan = blueprint([reader], settings, n_outputs=1, loss="squared")
    assert plan.key is None
    build = partial(build_text_network, TextNetworkSettings(), (reader.tables,), 1)
    assert Blueprint(build, "squared", "key").key == "key"


def test_documents_are_one_flat_array(rows):
    source, _, _ = rows
    documents = source.columns[0]
    assert isinstance(documents, Documents)
    assert documents.forms.dtype == np.int32 and documents.forms.ndim == 1
    assert documents.offsets[-1] == len(documents.forms) - 1
