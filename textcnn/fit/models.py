"""What all models of a fit learn, one model's rows, and what a fitted model is."""

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
    """What every model of a fit learns, and where its randomness comes from."""

    target: Target
    entropy: int
    sample_weight: np.ndarray | None = None
    n_jobs: int | None = None


@dataclass(frozen=True)
class FoldJob:
    """One model that is to be fitted."""

    assignment: Assignment
    column: int  # its seeds depend on the place of the column and of the model
    number: int
    note: str  # what the model is called in error messages
    progress: Any = None
    # Of a refit: the fold models of the same column, which tell how long to train.
    fold_models: Sequence[FoldModel] = ()


@dataclass
class FittedEstimator:
    """A fitted scikit-learn estimator, and the record of what it was handed."""

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
    """A fitted model with the level that its features leave out."""

    model: FittedModel | FittedEstimator
    level: Level  # of its outputs over its own training rows
    prior: Level | None = None  # of the targets of those rows, where that is another


class ModelSet(Protocol):
    """Reads the cells of one column, or of several as one, and predicts by each of its models."""

    models: list[FoldModel]

    def with_models(self, models: list[FoldModel]) -> ModelSet:
        """Return the same with fitted models in it."""

    def raw_outputs(self, columns: Sequence) -> list[np.ndarray]:
        """Return each model's raw outputs for new cells, float of shape (n_rows, n_outputs)."""


@dataclass
class Prepared:
    """A column as its models read it: what was learnt of it without targets."""

    models: ModelSet  # without fitted models
    data: tuple  # what jobs share: a network and its rows, or an estimator and its table
    words: dict  # counts that the report shows
