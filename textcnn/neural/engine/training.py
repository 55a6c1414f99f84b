"""Trains one model from a job, like ``keras.Model.fit``, and predicts its rows."""

from __future__ import annotations

import math
import time
from typing import Protocol

import numpy as np

from textcnn.neural.batches import Batches
from textcnn.neural.engine.layout import Design, started_tables
from textcnn.neural.engine.network import EngineNetwork
from textcnn.neural.engine.words import words_of
from textcnn.neural.jobs import FittedModel, TrainingJob, diverged
from textcnn.neural.mean_outputs import rows_like_new, typical_output

NAME = "numba"
# Words that are predicted at a time, to limit the memory of products of words and kernels.
BLOCK_WORDS = 4096


class Listener(Protocol):
    """Callbacks of the training of a model, called from the training thread."""

    def begin(self) -> None:
        """Report that training begins."""

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report that an epoch ended; return True to stop this model."""

    def step(self) -> None:
        """Raise an error if the whole fit must end."""

    def end(self) -> None:
        """Report that the model is fitted and has predicted."""


def fit_one(
    design: Design,
    loss: str,
    source,
    job: TrainingJob,
    listener: Listener,
    *,
    start: dict[str, np.ndarray] | None = None,
) -> tuple[FittedModel, np.ndarray]:
    """Fit one job; return the model and its raw outputs for the job's ``predict`` rows.

    Parameters
    ----------
    design : Design
    loss : str
        One of ``heads.LOSSES``.
    source : textcnn.text.documents.TextSource
    job : TrainingJob
    listener : Listener
    start : dict of str to ndarray, optional
        Initial weights by their Keras paths, instead of those from the seed of the job.
    """
    started = time.perf_counter()
    listener.begin()
    weights_seed, dropout_seed = np.random.SeedSequence(job.weights_seed).spawn(2)
    view = source.view(job.learn)
    network = _started_network(design, loss, source, view, job, weights_seed, start)
    batches = Batches(
        source,
        job.learn,
        view,
        targets=job.targets,
        weights=job.weights,
        batch_size=job.batch_size,
        policy=None,
        seed=job.batches_seed,
    )
    # Rows that were passed to the network: a record, not the plan.
    stopped, predicted = np.zeros((2, len(source.lengths)), bool)
    with np.errstate(all="ignore"):  # values that are not finite are reported below
        history, updates = _train(network, source, batches, job, dropout_seed, listener, stopped)
        weights = network.state()
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise diverged(job)
        outputs = _predict(network, source, job.predict, listener, predicted)
        mean_output = None
        if job.mean_seed is not None:
            mean_output = _mean_output(network, source, view, job, listener)
    fed = {
        "learn": batches.fed_rows(),
        "stop": np.flatnonzero(stopped),
        "predict": np.flatnonzero(predicted),
    }
    listener.end()
    seconds = time.perf_counter() - started
    model = FittedModel(
        list(weights.values()),
        list(weights),
        view,
        history,
        updates,
        seconds,
        fed,
        engine=NAME,
        mean_output=mean_output,
    )
    return model, outputs


def _started_network(design, loss, source, view, job, seed, start) -> EngineNetwork:
    """Return a network with new initial weights, or with given ones."""
    random = np.random.default_rng(seed)
    given = source.tables()
    if start is None:
        tables = started_tables(design, given, random)
        flat = design.started(random)
    else:
        tables = {path: start[path].copy() for path in design.table_shapes}
        flat = design.imported(start)
    columns = words_of(source, view, design, given, tables)
    return EngineNetwork(design, loss, columns, flat, job.offset)


def _train(
    network, source, batches, job, dropout_seed, listener, stopped: np.ndarray
) -> tuple[list[dict], int]:
    """Train for the updates of the job; return losses per epoch and the number of updates."""
    dropout = Dropout(network.design, dropout_seed)
    schedule = job.schedule or job.updates
    best = Best(job.patience) if len(job.stop) else None
    history: list[dict] = []
    done = 0
    n_batches = len(batches)
    while done < job.updates:
        if history:  # batches start in the order of the first epoch
            batches.set_epoch(len(history))
        n_steps = min(n_batches, job.updates - done)
        total, n_rows = 0.0, 0
        for index in range(n_steps):
            listener.step()
            rows, targets, weights = batches.rows_of(index)
            loss, table_slopes = network.gradients(rows, targets, weights, dropout(len(rows)))
            network.step(table_slopes, _rate(job.learning_rate, done, schedule))
            total, n_rows, done = total + loss * len(rows), n_rows + len(rows), done + 1
        losses = {"loss": total / n_rows}
        if best is not None:
            losses["val_loss"] = _stop_loss(network, source, job, listener, stopped)
        history.append({"epoch": len(history), **losses})
        is_over = listener.epoch(len(history) - 1, losses)
        if best is not None and best.is_over(losses["val_loss"], network):
            is_over = True
        if is_over:
            break
    if best is None:
        return history, done
    network.restore(best.state)
    # Later epochs than the best one were discarded.
    n_epochs = int(np.argmin([epoch["val_loss"] for epoch in history])) + 1
    return history, min(done, n_epochs * n_batches)


def _rate(learning_rate: float, done: int, schedule: int) -> float:
    """Return the learning rate, which decays to zero by a cosine schedule."""
    return learning_rate * 0.5 * (1 + math.cos(math.pi * min(done / max(schedule, 1), 1.0)))


class Dropout:
    """Draws the dropout factors of the last features of each batch."""

    def __init__(self, design: Design, seed: np.random.SeedSequence):
        self._dropped = min(round(design.settings.dropout * 2**16), 2**16 - 1)
        self._factor = np.float32(1 / (1 - design.settings.dropout))
        self._n_units = design.n_last
        self._bits = np.random.SFC64(seed)

    def __call__(self, n_rows: int) -> np.ndarray | None:
        """Return float32 (n_rows, n_units): zero, or the inverse of the share that is kept."""
        if not self._dropped:
            return None
        size = n_rows * self._n_units
        # Four numbers below 2**16 from each draw of 64 bits.
        drawn = self._bits.random_raw(-(-size // 4)).view(np.uint16)[:size]
        return ((drawn >= self._dropped) * self._factor).reshape(n_rows, self._n_units)


class Best:
    """Keeps the weights of the epoch with the lowest loss on the validation rows."""

    def __init__(self, patience: int):
        self._patience = patience
        self._least = np.inf
        self._wait = 0
        self.state: dict[str, np.ndarray] | None = None

    def is_over(self, loss: float, network: EngineNetwork) -> bool:
        """Record the loss of an epoch; return whether to stop training."""
        self._wait += 1
        is_first = self.state is None
        if loss < self._least:
            self._least, self._wait = loss, 0
            self.state = network.state()
            return False
        if is_first:
            self.state = network.state()
        return self._wait >= self._patience and not is_first


def _stop_loss(network, source, job, listener, fed: np.ndarray) -> float:
    """Return the loss on the validation rows."""
    total = 0.0
    for part in _parts(source, job.stop):
        listener.step()
        rows = job.stop[part]
        fed[rows] = True
        loss = network.loss_of(rows, job.stop_targets[part], job.stop_weights[part])
        total += loss * len(part)
    return total / len(job.stop) + network.penalty()


def _predict(network, source, rows, listener, fed: np.ndarray) -> np.ndarray:
    """Return raw outputs without the base rate, in the order of ``rows``."""
    rows = np.asarray(rows, np.int64)
    outputs = np.empty((len(rows), network.design.n_outputs), np.float32)
    for part in _parts(source, rows):
        listener.step()
        fed[rows[part]] = True
        outputs[part] = network.outputs(rows[part])
    return outputs


def _mean_output(network, source, view, job, listener) -> np.ndarray:
    """Return the mean raw output for rows like new ones."""
    design, like_new = network.design, rows_like_new(source, job)
    columns = words_of(like_new, view, design, source.tables(), network.tables)
    reader = EngineNetwork(design, network.loss, columns, network.flat, job.offset)
    fed = np.zeros(len(like_new), bool)
    return typical_output(_predict(reader, like_new, np.arange(len(like_new)), listener, fed))


def _parts(source, rows) -> list[np.ndarray]:
    """Return parts of positions in ``rows``, each with about ``BLOCK_WORDS`` words."""
    if not len(rows):
        return []
    parts = np.cumsum(source.lengths[rows]) // BLOCK_WORDS
    return np.split(np.arange(len(rows)), np.flatnonzero(np.diff(parts)) + 1)
