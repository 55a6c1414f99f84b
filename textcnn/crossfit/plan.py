"""The fold plan: which rows each model learns from, which stop it, which rows it predicts."""

from __future__ import annotations

import numbers
from dataclasses import dataclass

import numpy as np

from textcnn.crossfit.messages import (
    check_option,
    check_uncovered,
    listed,
    name_folds,
    name_rows,
)
from textcnn.crossfit.placing import predicted_masks
from textcnn.crossfit.rows import read_groups, read_sample_weight, read_time
from textcnn.crossfit.splits import make_splits
from textcnn.crossfit.stopping import check_stop_fraction, part_stop_rows

# What a seed is for; a purpose's draws do not depend on those of another, nor a fold's on others.
_SPLIT, _PLACE, _STOP, _STOP_WHOLE = range(4)


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
    """Assignments of all fold models; made by :func:`make_fold_plan`.

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


def make_fold_plan(
    cv,
    target,
    *,
    groups=None,
    sample_weight=None,
    time=None,
    stop_fraction: float = 0.0,
    uncovered="raise",
    unlabelled: str = "fold",
    missing_class: str = "raise",
    random_state: int | np.random.SeedSequence,
    split_params: dict | None = None,
) -> FoldPlan:
    """Make the plan of a cross-fit: every choice about rows is made, and checked, here.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int means shuffled StratifiedKFold for classes and KFold otherwise, with ``groups``
        StratifiedGroupKFold and GroupKFold, with ``time`` TimeSeriesSplit. Splitters split the
        rows that have a target and a weight above zero, in the order of ``time``; a splitter
        whose ``random_state`` is None gets one from ours, so NumPy's global state stays as it
        is. Iterables and PredefinedSplit name rows of the whole table; what PredefinedSplit
        marks -1 is always learnt from and never predicted. A class with fewer rows than an int
        ``cv`` but two at least is accepted and noted: every model still learns it.
    target : Target
    groups : array-like of shape (n_rows,), default=None
        Rows of a group are never on both sides of a model.
    sample_weight : array-like of shape (n_rows,), default=None
        Rows of weight 0 are never learnt from, never stop, do not count for strata, and are
        predicted.
    time : array-like of shape (n_rows,), default=None
        Numbers or dates. Models learn only from strictly earlier rows; where a split would part
        rows of equal time, they all go to the side of the first.
    stop_fraction : float, default=0.0
        Share of each model's training rows that decides when it stops: the latest with time
        order, else whole groups, else a draw stratified by class.
    uncovered : {"raise", "nan"} or float, default="raise"
        What rows get that no model predicts, such as the first block in time. No prior computed
        from targets is offered: the first block has only its own targets to compute one from,
        and that would be a leak.
    unlabelled : {"fold", "mean"}, default="fold"
        ``"fold"``: a row without a target is predicted by the models of one row with a target,
        drawn by seed from its group (from all rows where its group has none; in time order the
        last one before it), so that its feature does not show that it has none. ``"mean"``: by
        all models that know neither its group nor a later row. Rows of weight 0 are always
        placed as by ``"fold"``.
    missing_class : {"raise", "drop"}, default="raise"
        Where some model's learning rows lack a class: an error naming class and folds, or no
        column for that class on any row. A column of zeros in that fold would mark the rows
        that hold the class.
    random_state : int or numpy.random.SeedSequence
        Source of every draw; a SeedSequence is read, not advanced.
    split_params : dict, default=None
        Metadata routed to the splitter's ``split``. Its ``"groups"`` are taken as ``groups``.

    Returns
    -------
    FoldPlan
        Checked. Memory: 8 bytes per row and model.

    Raises
    ------
    ValueError
        If an argument is not what is said above, or a promise of :meth:`FoldPlan.check` cannot
        be kept.

    Warns
    -----
    FoldTargetWarning
        If the targets of a passed splitter's folds differ beyond chance (without groups or time).

    Examples
    --------
    >>> from textcnn.crossfit import make_fold_plan, read_target
    >>> target = read_target(["no", "yes", "no", "yes", None], n_rows=5)
    >>> plan = make_fold_plan(2, target, random_state=0)
    >>> plan.n_models, plan.n_predictions.tolist()
    (2, [1, 1, 1, 1, 1])
    """
    check_uncovered(uncovered)
    check_stop_fraction(stop_fraction)
    check_option("unlabelled", unlabelled, ("fold", "mean"))
    check_option("missing_class", missing_class, ("raise", "drop"))
    n_rows = len(target.labelled)
    routed_groups = (split_params or {}).get("groups")
    if groups is not None and routed_groups is not None and groups is not routed_groups:
        raise ValueError(
            "groups came twice, by keyword and by metadata routing. Pass them one way only."
        )
    groups = read_groups(routed_groups if groups is None else groups, n_rows)
    weights = read_sample_weight(sample_weight, n_rows)
    usable = _usable(target, weights)
    splits = make_splits(
        cv,
        target,
        usable,
        groups=groups,
        time=read_time(time, n_rows),
        seed=int(_seed(random_state, _SPLIT).generate_state(1)[0]),
        split_params=split_params,
    )
    time = splits.time
    parts = []
    for fold, (train, test) in enumerate(splits.pairs):
        rng = np.random.default_rng(_seed(random_state, _STOP, fold))
        train = train[usable[train]].astype(np.int64)
        train.sort()
        if len(train):
            learn, stop = part_stop_rows(
                train, stop_fraction, strata=target.strata(), groups=groups, time=time, rng=rng
            )
        else:
            learn = stop = train
        parts.append((learn, stop, test))
    dropped = _missing_classes(target, [learn for learn, _, _ in parts], missing_class)
    if dropped:
        labelled = target.without_classes(dropped).labelled
        parts = [
            (learn[labelled[learn]], stop[labelled[stop]], test) for learn, stop, test in parts
        ]
        emptied = [fold for fold, (_, stop, _) in enumerate(parts) if not len(stop)]
        if stop_fraction and emptied:
            raise ValueError(
                f"Without the dropped classes no row is left to stop {name_folds(emptied)}. "
                f"Received: stop_fraction={stop_fraction}. Use a larger one, or 0."
            )
    else:
        labelled = target.labelled
    place = np.random.default_rng(_seed(random_state, _PLACE))
    fitted = [np.concatenate([learn, stop]) for learn, stop, _ in parts]
    predicted = predicted_masks(splits, fitted, target, usable, groups, unlabelled, place)
    plan = FoldPlan(
        n_rows=n_rows,
        assignments=tuple(
            Assignment(learn, stop, np.flatnonzero(mask))
            for (learn, stop, _), mask in zip(parts, predicted, strict=True)
        ),
        sample_weight=weights,
        groups=groups,
        time=time,
        ordered=splits.ordered,
        notes=splits.notes + _notes(target, dropped),
        labelled=labelled,
        dropped_classes=tuple(dropped),
    ).check()
    if isinstance(uncovered, str) and uncovered == "raise":
        _refuse_uncovered(plan)
    return plan


def whole_assignment(
    target,
    plan: FoldPlan | None = None,
    *,
    groups=None,
    sample_weight=None,
    time=None,
    stop_fraction: float = 0.0,
    random_state: int | np.random.SeedSequence,
) -> Assignment:
    """Make the assignment of a model that learns from every row with a target and a weight.

    Parameters
    ----------
    target : Target
        For a plan with dropped classes, the target without them.
    plan : FoldPlan, default=None
        Where groups, weights and time come from: for the refit model of a cross-fit. Without it
        they are keywords, as in :func:`make_fold_plan`: for plain predictors.
    groups, sample_weight, time : array-like of shape (n_rows,), default=None
    stop_fraction : float, default=0.0
    random_state : int or numpy.random.SeedSequence

    Returns
    -------
    Assignment
        Its ``predict`` is empty.

    Raises
    ------
    ValueError
        If a class has no row with a weight above zero, or an argument is not what is expected.
    """
    check_stop_fraction(stop_fraction)
    n_rows = len(target.labelled)
    if plan is None:
        groups, time = read_groups(groups, n_rows), read_time(time, n_rows)
        weights = read_sample_weight(sample_weight, n_rows)
    elif groups is None and sample_weight is None and time is None:
        groups, weights, time = plan.groups, plan.sample_weight, plan.time
    else:
        raise ValueError("Pass a plan, or groups, sample_weight and time, not both.")
    rows = np.flatnonzero(_usable(target, weights))
    rng = np.random.default_rng(_seed(random_state, _STOP_WHOLE))
    learn, stop = part_stop_rows(
        rows, stop_fraction, strata=target.strata(), groups=groups, time=time, rng=rng
    )
    missing = target.missing_classes(learn)
    if missing:
        raise ValueError(
            f"No row to learn from in class {listed(target.classes[code] for code in missing)}. "
            f"Received: {len(learn)} rows with a target and a weight above zero"
            f"{', stop rows left out' if len(stop) else ''}. Give every class such a row, or drop "
            "its rows."
        )
    return Assignment(learn, stop, np.empty(0, dtype=np.int64))


def _usable(target, weights) -> np.ndarray:
    """Mask of rows that may be learnt from."""
    usable = target.labelled if weights is None else target.labelled & (weights > 0)
    if not usable.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number on a row with a target. "
            "Received: sample_weight of zero on all of them."
        )
    return usable


def _missing_classes(target, learning_rows, missing_class: str) -> list[int]:
    """Codes of classes to drop; an error where some fold lacks one and none may be dropped."""
    folds_of: dict[int, list[int]] = {}
    for fold, rows in enumerate(learning_rows):
        for code in target.missing_classes(rows) if len(rows) else ():
            folds_of.setdefault(code, []).append(fold)
    if not folds_of or missing_class == "drop":
        return sorted(folds_of)
    shown = "; ".join(
        f"class {listed([target.classes[code]])} in {name_folds(folds)}"
        for code, folds in sorted(folds_of.items())[:5]
    )
    more = f"; and {len(folds_of) - 5} more" if len(folds_of) > 5 else ""
    raise ValueError(
        "Some fold models have no row to learn a class from. Received: rows without "
        f"{shown}{more}. Use fewer folds, a stratified splitter, or merge rare classes; or "
        'missing_class="drop" for no column of that class on any row.'
    )


def _notes(target, dropped) -> tuple[str, ...]:
    if not dropped:
        return ()
    names = listed(target.classes[code] for code in dropped)
    return (f"no column for class {names}: some fold has no row to learn it from",)


def _refuse_uncovered(plan: FoldPlan) -> None:
    rows = plan.uncovered
    if not len(rows):
        return
    if plan.ordered:
        why = "the first rows in time have no earlier ones to learn from"
        other = ""
    else:
        why = "cv puts them in no test part"
        other = " Or use a cv that predicts each row: an int, KFold, RepeatedKFold."
    raise ValueError(
        f"No model predicts {len(rows)} of {plan.n_rows} rows: {why}. "
        f'Received: uncovered="raise", {name_rows(rows)} uncovered. Pass uncovered="nan", or a '
        f"number such as uncovered=0.0, for those rows.{other}"
    )


def _seed(random_state, *purpose: int) -> np.random.SeedSequence:
    """Seed of one purpose; reads the given one without advancing it."""
    if isinstance(random_state, np.random.SeedSequence):
        entropy, spawn_key = random_state.entropy, random_state.spawn_key
        return np.random.SeedSequence(
            entropy, spawn_key=(*spawn_key, *purpose), pool_size=random_state.pool_size
        )
    if isinstance(random_state, numbers.Integral) and random_state >= 0:
        return np.random.SeedSequence(int(random_state), spawn_key=purpose)
    raise ValueError(
        "A plan needs random_state as an int of 0 or more, or a numpy.random.SeedSequence. "
        f"Received: random_state={random_state!r}."
    )
