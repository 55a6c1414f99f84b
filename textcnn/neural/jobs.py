"""What one network is trained with, and what training it leaves; the same for both engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


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


def diverged(job: TrainingJob) -> FloatingPointError:
    """Return the error of a training that left the finite numbers."""
    return FloatingPointError(
        "Training diverged: the network's weights are no longer finite. Expected: a learning "
        "rate at which the loss falls. Try a tenth of the present one. Received: "
        f"learning_rate={job.learning_rate!r}."
    )
