"""The task of all models of a fit, the job of one model, and fitted models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from textcnn.crossfit import Assignment, Target
from textcnn.crossfit.level import Level
from textcnn.neural.jobs import FittedModel


@dataclass(frozen=True)
class Task:
    """Training target and seeds of all models of a fit."""

    target: Target
    entropy: int
    sample_weight: np.ndarray | None = None
    n_jobs: int | None = None
    # Names of classes that are left out of the target; None if they are not known by name.
    dropped: tuple | None = ()


@dataclass(frozen=True)
class FoldJob:
    """A model to be fitted."""

    assignment: Assignment
    column: int  # seeds depend on the numbers of column and model
    number: int
    note: str  # name of the model in error messages
    progress: Any = None
    network: int = 0  # of several networks with the same rows, which differ in their seeds
    # For a refit: the fold models of the same column, which determine the number of updates.
    fold_models: Sequence[FoldModel] = ()


@dataclass
class FittedEstimator:
    """A fitted scikit-learn estimator, and the record of its rows."""

    estimator: Any
    method: str  # that predicts
    centre: np.ndarray | None = None  # mean decision value of the training rows
    seconds: float = 0.0
    fed: dict[str, np.ndarray] = field(default_factory=dict)

    # It has neither losses per epoch nor steps of an optimizer.
    history: ClassVar[tuple[dict, ...]] = ()
    updates: ClassVar[int] = 0


@dataclass
class FoldModel:
    """A fitted model with the mean output that is subtracted from its features."""

    model: FittedModel | FittedEstimator
    level: Level  # of its outputs over its own training rows
    prior: Level | None = None  # of the targets of those rows, if different


class ModelSet(Protocol):
    """Reads cells of one column, or of several as one, and predicts with each of its models."""

    models: list[FoldModel]
    needs_backend: bool  # whether predictions need a network of Keras

    def with_models(self, models: list[FoldModel]) -> ModelSet:
        """Return the same with fitted models in it."""

    def raw_outputs(self, columns: Sequence) -> list[np.ndarray]:
        """Return each model's raw outputs for new cells, float of shape (n_rows, n_outputs)."""


@dataclass
class Prepared:
    """A column as its models read it, with its unsupervised parts."""

    models: ModelSet  # without fitted models
    data: tuple  # shared by jobs: a network and its rows, or an estimator and its table
    words: dict  # counts for the report
