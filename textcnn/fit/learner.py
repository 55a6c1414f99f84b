"""What a kind of model must tell a cross-fit: the one interface between folds and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from textcnn.crossfit import FoldPlan
from textcnn.fit.models import FoldJob, FoldModel, Prepared, Task


class Learner(Protocol):
    """The checked settings of an encoder or predictor, and how its models are fitted.

    Implemented by :class:`~textcnn.text.learner.TextLearner`,
    :class:`~textcnn.image.learner.ImageLearner`, :class:`~textcnn.text.linear.LinearLearner` and
    :class:`~textcnn.fit.estimators.EstimatorLearner`; each is frozen.
    """

    loss: str  # of a regression
    stop_fraction: float  # share of a model's training rows that are validation rows
    fits_columns_together: bool  # else a column is prepared when its turn comes, to save memory

    def check(self, task: Task) -> None:
        """Refuse settings that do not go with the target or the weights."""

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Tell whether what is learnt without targets comes from each fold's own rows."""

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return what the report notes of what is learnt without targets."""

    def prepare(self, column, number: int, task: Task, rows: np.ndarray | None = None) -> Prepared:
        """Learn from a column without targets: from some rows, or from all."""

    def fit(
        self, groups: Sequence[tuple[Prepared, Sequence[FoldJob]]], task: Task
    ) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit each job; return its model, and its raw outputs for the rows it predicts."""
