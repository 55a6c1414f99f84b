"""Fits the models of a plan one after another on one traced network, or spread over processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from textcnn.neural import backend
from textcnn.neural.batches import Batches, RowSource
from textcnn.neural.engine.choice import choose_engine, works_here
from textcnn.neural.network import Blueprint, TracedNetwork, borrow_network
from textcnn.utils.workers import spread

# Longer documents are predicted one by one: 256 rows padded to the longest would need gigabytes.
LONG_DOCUMENT = 1000


@dataclass(frozen=True)
class TrainingJob:
    """All that one model is fitted with; nothing in it comes from rows the model must not see."""

    learn: np.ndarray  # int64 (n_learn,)
    targets: np.ndarray  # float32 (n_learn, n_outputs)
    weights: np.ndarray  # float32 (n_learn,), mean 1
    offset: np.ndarray  # float32 (n_outputs,), added to the raw output while training
    updates: int  # optimizer steps; early stopping may end sooner
    batch_size: int
    learning_rate: float  # at the start; falls along a cosine to 0 at update `schedule`
    weights_seed: int
    batches_seed: np.random.SeedSequence
    schedule: int | None = None  # None: as many as there are updates
    stop: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    stop_targets: np.ndarray | None = None
    stop_weights: np.ndarray | None = None
    patience: int = 2  # epochs without a better loss on the stop rows
    predict: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    note: str = ""  # what this model is, for error messages
    progress: Progress | None = None


class Progress(Protocol):
    """Who is told how a model's training goes."""

    def begin(self) -> None:
        """Take note that training of the model begins."""

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Take note that an epoch ended; True stops this model."""

    def end(self) -> None:
        """Take note that the model is fitted and has predicted."""


@dataclass
class FittedModel:
    """A fitted model as NumPy arrays, and the record of what it was fed."""

    weights: list[np.ndarray]
    names: list[str]  # Keras paths of the weights
    view: dict[str, np.ndarray]
    history: list[dict]
    updates: int  # up to the weights that were kept
    seconds: float
    fed: dict[str, np.ndarray]  # row numbers handed to "learn", "stop" and "predict"
    engine: str = "keras"  # what trained it


def fit_models(
    blueprint: Blueprint, source: RowSource, jobs: Sequence[TrainingJob], *, n_jobs=None
) -> list[tuple[FittedModel, np.ndarray]]:
    """Fit one model per job; return it with its raw outputs for the job's ``predict`` rows.

    With ``n_jobs`` the jobs are dealt to processes, each with a traced network of its own; the
    results do not depend on how they are dealt.
    """
    return fit_groups([((blueprint, source), jobs)], n_jobs=n_jobs)[0]


def fit_groups(
    groups: Sequence[tuple[tuple[Blueprint, RowSource], Sequence[TrainingJob]]], *, n_jobs=None
) -> list[list[tuple[FittedModel, np.ndarray]]]:
    """Do for several networks, each with rows of its own, what :func:`fit_models` does for one.

    Models that the compiled engine trains share this process, a thread each, unless joblib is told
    to send work elsewhere.
    """
    engines = [choose_engine(blueprint)[0] for (blueprint, _), _ in groups]
    if set(engines) == {"numba"} and works_here():
        from textcnn.neural.engine.running import fit_side_by_side

        return fit_side_by_side(groups)
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
    """Fit one job from its own seeded weights; nothing of an earlier job is left in the network."""
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
    fed = {
        "learn": batches.fed_rows(),
        "stop": stop_batches.fed_rows() if stop_batches else np.empty(0, np.int64),
        "predict": predicted,
    }
    if job.progress is not None:
        job.progress.end()
    seconds = time.perf_counter() - started
    names = network.weight_names()
    return FittedModel(weights, names, view, history, updates, seconds, fed), outputs


def diverged(job: TrainingJob) -> FloatingPointError:
    """Return the error of a training that left the finite numbers."""
    return FloatingPointError(
        "Training diverged: the network's weights are no longer finite. Expected: a learning "
        "rate at which the loss falls. Try a tenth of the present one. Received: "
        f"learning_rate={job.learning_rate!r}."
    )


def _predict(network, source, rows, view):
    """Return raw outputs in the order of ``rows``, and the rows that were really fed."""
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
    """Part positions so that a long document is not in a batch with short ones, padded for it."""
    if len(rows) == 0:
        return []
    if source.lengths is None:
        return [np.arange(len(rows))]
    lengths = source.lengths[rows]
    is_long = lengths > LONG_DOCUMENT
    short = [np.flatnonzero(~is_long)] if not is_long.all() else []
    longest_first = np.flatnonzero(is_long)
    return short + [longest_first[i : i + 1] for i in range(len(longest_first))]
