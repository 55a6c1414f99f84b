"""Inputs and results of the training of one network; the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class TrainingJob:
    """Inputs of the training of one model; nothing in it depends on held-out rows."""

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
    patience: int = 2  # epochs without a better loss on the validation rows
    predict: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    mean_seed: np.random.SeedSequence | None = None  # None: the mean output is not measured
    note: str = ""  # name of the model, for error messages
    progress: Progress | None = None


class Progress(Protocol):
    """Callbacks of the training of a model."""

    def begin(self) -> None:
        """Report that training of the model begins."""

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report that an epoch ended; return True to stop this model."""

    def end(self) -> None:
        """Report that the model is fitted and has predicted."""


@dataclass
class FittedModel:
    """A fitted model as NumPy arrays, and the record of its rows."""

    weights: list[np.ndarray]
    names: list[str]  # Keras paths of the weights
    view: dict[str, np.ndarray]
    history: list[dict]
    updates: int  # of the weights that were kept
    seconds: float
    fed: dict[str, np.ndarray]  # row numbers used for "learn", "stop" and "predict"
    engine: str = "keras"  # that trained it
    # For new rows, float32 (n_outputs,); None once it is part of the level.
    mean_output: np.ndarray | None = None


def diverged(job: TrainingJob) -> FloatingPointError:
    """Return the error of a training whose weights are not finite."""
    return FloatingPointError(
        "Training diverged: the weights of the network are not finite. Expected: a learning "
        "rate at which the loss decreases. Try a tenth of the present one. Received: "
        f"learning_rate={job.learning_rate!r}."
    )
