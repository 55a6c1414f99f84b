"""Interface between cross-fits and types of models."""

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
    fits_columns_together: bool  # otherwise one after another, to save memory
    n_networks: int  # models per fold, whose features are averaged

    def check(self, task: Task) -> None:
        """Refuse settings that do not match the target or the weights."""

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Return whether unsupervised parts are fitted on the training rows of each fold."""

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return the note of the report on unsupervised parts."""

    def prepare(self, column, number: int, task: Task, rows: np.ndarray | None = None) -> Prepared:
        """Fit the unsupervised parts of a column, on some or all rows."""

    def fit(
        self, groups: Sequence[tuple[Prepared, Sequence[FoldJob]]], task: Task
    ) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit each job; return its model, and its raw outputs for the rows it predicts."""
