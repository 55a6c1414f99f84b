"""Fits the models of a plan one after another on one traced network, or spread over processes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from textcnn.neural import backend
from textcnn.neural.batches import Batches, RowSource
from textcnn.neural.engine.choice import choose_engine, works_here
from textcnn.neural.jobs import FittedModel, TrainingJob, diverged
from textcnn.neural.mean_outputs import rows_like_new, typical_output
from textcnn.neural.network import Blueprint, TracedNetwork, borrow_network
from textcnn.utils.workers import spread

# Longer documents are predicted one by one: 256 rows padded to the longest would need gigabytes.
LONG_DOCUMENT = 1000


def fit_models(
    blueprint: Blueprint, source: RowSource, jobs: Sequence[TrainingJob], *, n_jobs=None
) -> list[tuple[FittedModel, np.ndarray]]:
    """Fit one model per job; return it with its raw outputs for the job's ``predict`` rows.

    With ``n_jobs`` the jobs are distributed over processes, each with its own traced network;
    results do not depend on the distribution.
    """
    return fit_groups([((blueprint, source), jobs)], n_jobs=n_jobs)[0]


def fit_groups(
    groups: Sequence[tuple[tuple[Blueprint, RowSource], Sequence[TrainingJob]]], *, n_jobs=None
) -> list[list[tuple[FittedModel, np.ndarray]]]:
    """Fit the models of several networks, each with its own rows, as :func:`fit_models` does.

    Models that the compiled engine trains share this process, a thread each (``n_jobs`` at a time),
    unless joblib is configured to use other machines.
    """
    engines = [choose_engine(blueprint)[0] for (blueprint, _), _ in groups]
    if set(engines) == {"numba"} and works_here():
        from textcnn.neural.engine.running import fit_side_by_side

        return fit_side_by_side(groups, n_jobs=n_jobs)
    return spread(_fit_here, groups, n_jobs=n_jobs, prefer="processes")


def predict_model(
    blueprint: Blueprint, source: RowSource, models: Sequence[FittedModel]
) -> list[np.ndarray]:
    """Return each model's raw outputs for all rows of ``source``, float32 (n_rows, n_outputs)."""
    rows = np.arange(len(source))
    outputs = []
    with borrow_network(blueprint) as network:
        network.load_tables(source.tables())
        for model in models:
            network.load_weights(model.weights)
            outputs.append(_predict(network, source, rows, model.view)[0])
    return outputs


def _fit_here(rows: tuple[Blueprint, RowSource], jobs):
    """Fit the jobs on one traced network one after another, or by the compiled engine."""
    blueprint, source = rows
    if choose_engine(blueprint)[0] == "numba":
        from textcnn.neural.engine.running import fit_side_by_side

        return fit_side_by_side([(rows, jobs)])[0]
    with borrow_network(blueprint) as network:
        network.load_tables(source.tables())
        return [_fit_one(network, source, job) for job in jobs]


def _fit_one(network: TracedNetwork, source: RowSource, job: TrainingJob):
    """Fit one job from its own seeded weights; the network is reset before."""
    try:
        return _fit_reset_network(network, source, job)
    except Exception as error:
        if job.note:
            error.add_note(f"while fitting {job.note}")
        raise


def _fit_reset_network(network, source, job):
    started = time.perf_counter()
    if job.progress is not None:
        job.progress.begin()
    network.reset(job.weights_seed)
    network.set_level(job.offset)
    view = source.view(job.learn)
    policy = backend.shape_policy()
    batches = Batches(
        source,
        job.learn,
        view,
        targets=job.targets,
        weights=job.weights,
        batch_size=job.batch_size,
        policy=policy,
        seed=job.batches_seed,
    )
    stop_batches = None
    if len(job.stop):
        stop_batches = Batches(
            source,
            job.stop,
            view,
            targets=job.stop_targets,
            weights=job.stop_weights,
            batch_size=source.prediction_batch_size,
            policy=policy,
            seed=None,
        )
    history, updates = network.fit(batches, stop_batches, job)
    weights = network.weights()
    if not all(np.isfinite(array).all() for array in weights):
        raise diverged(job)
    network.set_level(np.zeros_like(job.offset))
    outputs, predicted = _predict(network, source, job.predict, view)
    mean_output = None
    if job.mean_seed is not None:
        like_new = rows_like_new(source, job)
        mean_output = typical_output(_predict(network, like_new, np.arange(len(like_new)), view)[0])
    fed = {
        "learn": batches.fed_rows(),
        "stop": stop_batches.fed_rows() if stop_batches else np.empty(0, np.int64),
        "predict": predicted,
    }
    if job.progress is not None:
        job.progress.end()
    seconds = time.perf_counter() - started
    names = network.weight_names()
    model = FittedModel(
        weights, names, view, history, updates, seconds, fed, mean_output=mean_output
    )
    return model, outputs


def _predict(network, source, rows, view):
    """Return raw outputs in the order of ``rows``, and the recorded rows."""
    outputs = np.empty((len(rows), network.n_outputs), np.float32)
    rows = np.asarray(rows)
    fed = []
    for part in _parts_of_like_length(source, rows):
        batches = Batches(
            source,
            rows[part],
            view,
            batch_size=min(source.prediction_batch_size, len(part)),
            policy=backend.shape_policy(),
            seed=None,
        )
        for index in range(len(batches)):
            positions = part[batches.positions(index)]
            outputs[positions] = network.forward(batches.inputs(index))[: len(positions)]
        fed.append(batches.fed_rows())
    return outputs, np.sort(np.concatenate(fed)) if fed else np.empty(0, np.int64)


def _parts_of_like_length(source: RowSource, rows: np.ndarray) -> list[np.ndarray]:
    """Split positions so that long documents do not share a batch with short ones."""
    if len(rows) == 0:
        return []
    if source.lengths is None:
        return [np.arange(len(rows))]
    lengths = source.lengths[rows]
    is_long = lengths > LONG_DOCUMENT
    short = [np.flatnonzero(~is_long)] if not is_long.all() else []
    longest_first = np.flatnonzero(is_long)
    return short + [longest_first[i : i + 1] for i in range(len(longest_first))]
