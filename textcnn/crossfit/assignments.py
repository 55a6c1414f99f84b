"""The fold plan: training, validation and predicted rows of each model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textcnn.crossfit.messages import name_rows


@dataclass(frozen=True, eq=False)
class Assignment:
    """The rows of one model; each array is int64, ascending, and disjoint from the other two.

    Attributes
    ----------
    learn : ndarray
        Training rows: with a target and a weight above zero.
    stop : ndarray
        Validation rows for early stopping; may be empty.
    predict : ndarray
        Rows that the model predicts.
    """

    learn: np.ndarray
    stop: np.ndarray
    predict: np.ndarray


@dataclass(frozen=True, eq=False)
class FoldPlan:
    """Assignments of all fold models; made by :func:`textcnn.crossfit.make_fold_plan`.

    Attributes
    ----------
    n_rows : int
    assignments : tuple of Assignment
        One per fold model.
    sample_weight : ndarray of shape (n_rows,), float64, or None
    groups : ndarray of shape (n_rows,), int64 codes, or None
    time : ndarray of shape (n_rows,), int64 ranks, or None
        The row numbers, if row order was used as time.
    ordered : bool
        Whether models are trained only on rows earlier than those they predict.
    notes : tuple of str
        Assumptions and changes, for the report.
    labelled : ndarray of shape (n_rows,), bool, or None
        Rows with a target.
    dropped_classes : tuple of int
        Codes of the classes left out by ``missing_class="drop"``; the target for training is
        ``target.without_classes(plan.dropped_classes)``.
    """

    n_rows: int
    assignments: tuple[Assignment, ...]
    sample_weight: np.ndarray | None
    groups: np.ndarray | None
    time: np.ndarray | None
    ordered: bool
    notes: tuple[str, ...]
    labelled: np.ndarray | None = None
    dropped_classes: tuple[int, ...] = ()

    @cached_property
    def n_models(self) -> int:
        """Number of fold models."""
        return len(self.assignments)

    @cached_property
    def n_predictions(self) -> np.ndarray:
        """Number of models that predict each row, int64 of shape (n_rows,)."""
        counts = np.zeros(self.n_rows, dtype=np.int64)
        for assignment in self.assignments:
            counts[assignment.predict] += 1
        return counts

    @cached_property
    def uncovered(self) -> np.ndarray:
        """Rows that no model predicts, ascending."""
        return np.flatnonzero(self.n_predictions == 0)

    def check(self) -> FoldPlan:
        """Check all properties of the plan and return it.

        Raises
        ------
        ValueError
            If row numbers are missing, out of range or unsorted; if two parts of a model share
            rows; if a training row has no weight or target; if a group is in training and predicted
            rows; if, in time order, a training row is not earlier than all predicted rows.
        """
        if not self.assignments:
            raise ValueError("A plan needs at least one model. Received: none.")
        for fold, assignment in enumerate(self.assignments):
            self._check_parts(fold, assignment)
            if self.groups is not None or self.ordered:
                self._check_sides(fold, assignment)
        return self

    def _check_parts(self, fold: int, assignment: Assignment) -> None:
        learn, stop, predict = assignment.learn, assignment.stop, assignment.predict
        for name, rows in (("learn", learn), ("stop", stop), ("predict", predict)):
            in_range = not len(rows) or (rows[0] >= 0 and rows[-1] < self.n_rows)
            if rows.dtype != np.int64 or not in_range or (np.diff(rows) <= 0).any():
                raise ValueError(
                    f"Fold {fold}: the {name} rows must be ascending int64 row numbers between 0 "
                    f"and {self.n_rows - 1}. Received: {rows!r}."
                )
        for name, rows in (("training", learn), ("test", predict)):
            if not len(rows):
                raise ValueError(
                    f"Fold {fold} has no {name} rows. Use fewer folds, or check the splits."
                )
        for rows, other, what in (
            (learn, predict, "is trained on and predicts"),
            (stop, predict, "is validated on and predicts"),
            (learn, stop, "is trained and validated on"),
        ):
            both = np.intersect1d(rows, other, assume_unique=True)
            if len(both):
                raise ValueError(
                    f"The model of fold {fold} {what} the same rows. Received: {name_rows(both)}. "
                    "Expected train and test rows without overlap."
                )
        fitted = np.union1d(learn, stop)
        if self.sample_weight is not None and (self.sample_weight[fitted] <= 0).any():
            rows = fitted[self.sample_weight[fitted] <= 0]
            raise ValueError(f"Fold {fold} is trained on rows of weight zero: {name_rows(rows)}.")
        if self.labelled is not None and not self.labelled[fitted].all():
            rows = fitted[~self.labelled[fitted]]
            raise ValueError(f"Fold {fold} is trained on rows without a target: {name_rows(rows)}.")

    def _check_sides(self, fold: int, assignment: Assignment) -> None:
        learn, stop, predict = assignment.learn, assignment.stop, assignment.predict
        fitted = np.union1d(learn, stop)
        if self.groups is not None:
            shared = predict[np.isin(self.groups[predict], self.groups[fitted])]
            if len(shared):
                known = fitted[np.isin(self.groups[fitted], self.groups[shared])]
                raise ValueError(
                    f"Fold {fold} predicts rows whose group is in its training rows. Received: a "
                    f"cv that splits a group: {name_rows(shared)} predicted, {name_rows(known)} "
                    "trained on. Pass an int or a group splitter (GroupKFold, "
                    "StratifiedGroupKFold, LeaveOneGroupOut), or omit groups."
                )
            shared = stop[np.isin(self.groups[stop], self.groups[learn])]
            if len(shared) and not self.ordered:
                raise ValueError(
                    f"Fold {fold} is validated on rows whose group is in its training rows: "
                    f"{name_rows(shared)}."
                )
        if self.ordered:
            late = fitted[self.time[fitted] >= self.time[predict].min()]
            if len(late):
                early = predict[self.time[predict] <= self.time[late].max()]
                raise ValueError(
                    f"Fold {fold} is trained on rows that are not earlier than those it predicts. "
                    f"Received: {name_rows(late)} trained on, {name_rows(early)} predicted. With "
                    "time pass an int, TimeSeriesSplit, or (train, test) row numbers in time "
                    "order; or omit time."
                )
            if len(stop) and self.time[stop].min() <= self.time[learn].max():
                rows = stop[self.time[stop] <= self.time[learn].max()]
                raise ValueError(
                    f"Fold {fold} is validated on rows that are not later than its training "
                    f"rows: {name_rows(rows)}."
                )
