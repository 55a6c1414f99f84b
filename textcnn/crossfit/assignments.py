"""The fold plan: which rows each model learns from, which stop it, which rows it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.messages import name_rows


@dataclass(frozen=True, eq=False)
class Assignment:
    """The rows of one model; each array int64, ascending, and disjoint from the other two.

    Attributes
    ----------
    learn : ndarray
        Rows the model learns from: with a target, weight above zero.
    stop : ndarray
        Rows that decide when training stops; may be empty.
    predict : ndarray
        Rows whose features the model makes.
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
        The row numbers where row order was taken as time.
    ordered : bool
        Whether models learn only from rows earlier than those they predict.
    notes : tuple of str
        What was assumed, and what happened on the way.
    labelled : ndarray of shape (n_rows,), bool, or None
        Rows with a target.
    dropped_classes : tuple of int
        Codes of the classes left out by ``missing_class="drop"``; the target to learn is
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

    @property
    def n_models(self) -> int:
        """Number of fold models."""
        return len(self.assignments)

    @property
    def n_predictions(self) -> np.ndarray:
        """Number of models that predict each row, int64 of shape (n_rows,)."""
        counts = np.zeros(self.n_rows, dtype=np.int64)
        for assignment in self.assignments:
            counts[assignment.predict] += 1
        return counts

    @property
    def uncovered(self) -> np.ndarray:
        """Rows that no model predicts, ascending."""
        return np.flatnonzero(self.n_predictions == 0)

    def check(self) -> FoldPlan:
        """Check every promise of the plan and return it.

        Raises
        ------
        ValueError
            If a part is empty, out of range or unsorted; if a row is in two parts of a model;
            if a row without weight or target is learnt from; if a group stands on both sides;
            if, in time order, a model learns from a row that is not earlier than all rows it
            predicts.
        """
        if not self.assignments:
            raise ValueError("A plan needs at least one model. Received: none.")
        for fold, assignment in enumerate(self.assignments):
            self._check_parts(fold, assignment)
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
        for name, rows in (("learn from", learn), ("predict", predict)):
            if not len(rows):
                raise ValueError(
                    f"Fold {fold} has no row to {name}. Use fewer folds, or check the splits."
                )
        for rows, other, what in (
            (learn, predict, "learns from and predicts"),
            (stop, predict, "is stopped by and predicts"),
            (learn, stop, "learns from and is stopped by"),
        ):
            both = np.intersect1d(rows, other, assume_unique=True)
            if len(both):
                raise ValueError(
                    f"The model of fold {fold} {what} the same rows. Received: {name_rows(both)}. "
                    "Train and test part of a split must not share rows."
                )
        fitted = np.union1d(learn, stop)
        if self.sample_weight is not None and (self.sample_weight[fitted] <= 0).any():
            rows = fitted[self.sample_weight[fitted] <= 0]
            raise ValueError(f"Fold {fold} learns from rows of weight zero: {name_rows(rows)}.")
        if self.labelled is not None and not self.labelled[fitted].all():
            rows = fitted[~self.labelled[fitted]]
            raise ValueError(f"Fold {fold} learns from rows without a target: {name_rows(rows)}.")

    def _check_sides(self, fold: int, assignment: Assignment) -> None:
        learn, stop, predict = assignment.learn, assignment.stop, assignment.predict
        fitted = np.union1d(learn, stop)
        if self.groups is not None:
            shared = predict[np.isin(self.groups[predict], self.groups[fitted])]
            if len(shared):
                known = fitted[np.isin(self.groups[fitted], self.groups[shared])]
                raise ValueError(
                    f"Fold {fold} predicts rows whose group the model learnt from. Received: cv "
                    f"that puts a group on both sides: {name_rows(shared)} predicted, "
                    f"{name_rows(known)} learnt from. Pass an int or a group splitter (GroupKFold, "
                    "StratifiedGroupKFold, LeaveOneGroupOut), or leave groups out."
                )
            shared = stop[np.isin(self.groups[stop], self.groups[learn])]
            if len(shared) and not self.ordered:
                raise ValueError(
                    f"Fold {fold} is stopped by rows whose group the model learnt from: "
                    f"{name_rows(shared)}."
                )
        if self.ordered:
            late = fitted[self.time[fitted] >= self.time[predict].min()]
            if len(late):
                early = predict[self.time[predict] <= self.time[late].max()]
                raise ValueError(
                    f"Fold {fold} learns from rows that are not earlier than those it predicts. "
                    f"Received: {name_rows(late)} learnt from, {name_rows(early)} predicted. With "
                    "time pass an int or TimeSeriesSplit, or (train, test) row numbers in the "
                    "order of time; or leave time out."
                )
            if len(stop) and self.time[stop].min() <= self.time[learn].max():
                rows = stop[self.time[stop] <= self.time[learn].max()]
                raise ValueError(
                    f"Fold {fold} is stopped by rows that are not later than those it learns "
                    f"from: {name_rows(rows)}."
                )
