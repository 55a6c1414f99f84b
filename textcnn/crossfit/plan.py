"""From cv, groups, weights and time to a fold plan, checked once."""

from __future__ import annotations

import numbers
from dataclasses import replace

import numpy as np

from textcnn.crossfit.assignments import Assignment, FoldPlan
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
from textcnn.crossfit.values import quantity_hint

# Purposes of seeds; draws of one purpose or fold do not depend on those of others.
_SPLIT, _PLACE, _STOP, _STOP_WHOLE = range(4)


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
) -> FoldPlan:
    """Return the fold plan of a cross-fit: all choices about rows, checked.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int means shuffled StratifiedKFold for classes and KFold otherwise, with ``groups``
        StratifiedGroupKFold and GroupKFold, with ``time`` TimeSeriesSplit. Splitters split the
        rows that have a target and a weight above zero, in the order of ``time``; a splitter
        whose ``random_state`` is None gets a seed from ``random_state``, so the global state of
        NumPy does not change. Iterables and PredefinedSplit contain row numbers of the whole table;
        rows marked -1 in PredefinedSplit are always training rows and never predicted. A class
        with at least two rows, but fewer than an int ``cv``, is accepted and reported: it is in
        the training rows of every model.
    target : Target
    groups : array-like of shape (n_rows,), default=None
        Groups of rows that are kept in the same fold.
    sample_weight : array-like of shape (n_rows,), default=None
        Rows of weight 0 are never training or validation rows, are ignored in stratification, and
        are predicted.
    time : array-like of shape (n_rows,), default=None
        Numbers or dates. Models are trained only on strictly earlier rows; rows of equal time that
        a split would separate are all put where the first of them is.
    stop_fraction : float, default=0.0
        Share of a model's training rows used for validation in early stopping: the latest rows in
        time order, whole groups, or otherwise a random sample stratified by class.
    uncovered : {"raise", "nan"} or float, default="raise"
        Feature of rows that no model predicts, such as the first block in time. The base rate is
        not offered: for the first block it could be computed from its own targets only, which
        would be a leak.
    unlabelled : {"fold", "mean"}, default="fold"
        ``"fold"``: a row without a target is predicted by the models of one row with a target,
        drawn at random from its group (from all rows if its group has none; in time order the
        last one before it), so that its feature does not reveal that it has no target. ``"mean"``:
        by all models that were trained on neither its group nor a later row. Rows of weight 0 are
        always assigned as by ``"fold"``.
    missing_class : {"raise", "drop"}, default="raise"
        If a class is missing in the training rows of a model: an error with class and folds, or no
        column for that class. A column of zeros in that fold would reveal the rows of the class.
    random_state : int or numpy.random.SeedSequence
        Source of every draw; a SeedSequence is read, not advanced.

    Returns
    -------
    FoldPlan
        Checked. Memory: 8 bytes per row and model.

    Raises
    ------
    ValueError
        If an argument is invalid, or the plan fails :meth:`FoldPlan.check`.

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
    groups = read_groups(groups, n_rows)
    weights = read_sample_weight(sample_weight, n_rows)
    usable = _usable(target, weights)
    splits = make_splits(
        cv,
        target,
        usable,
        groups=groups,
        time=read_time(time, n_rows),
        seed=int(_seed(random_state, _SPLIT).generate_state(1)[0]),
    )
    time, strata = splits.time, target.codes()
    parts = []
    for fold, (train, test) in enumerate(splits.pairs):
        rng = np.random.default_rng(_seed(random_state, _STOP, fold))
        train = train[usable[train]].astype(np.int64)
        train.sort()
        if len(train):
            learn, stop = part_stop_rows(
                train, stop_fraction, strata=strata, groups=groups, time=time, rng=rng
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
                f"Without the dropped classes, {name_folds(emptied)} have no validation rows. "
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
        _refuse_uncovered(plan, target)
    return plan


def with_validation_rows(
    plan: FoldPlan, target, stop_fraction: float, random_state: int | np.random.SeedSequence
) -> FoldPlan:
    """Return a plan in which a share of the training rows are validation rows.

    Parameters
    ----------
    plan : FoldPlan
        Without validation rows.
    target : Target
        Without the dropped classes of the plan.
    stop_fraction : float
    random_state : int or numpy.random.SeedSequence

    Returns
    -------
    FoldPlan
        Equal to that of :func:`make_fold_plan` for the same splits and seed.
    """
    check_stop_fraction(stop_fraction)
    assignments = []
    for fold, assignment in enumerate(plan.assignments):
        learn, stop = part_stop_rows(
            assignment.learn,
            stop_fraction,
            strata=target.codes(),
            groups=plan.groups,
            time=plan.time,
            rng=np.random.default_rng(_seed(random_state, _STOP, fold)),
        )
        assignments.append(Assignment(learn, stop, assignment.predict))
    return replace(plan, assignments=tuple(assignments)).check()


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
    """Return the assignment of a model trained on every row with a target and a weight.

    Parameters
    ----------
    target : Target
        For a plan with dropped classes, the target without them.
    plan : FoldPlan, default=None
        Source of groups, weights and time, for the refit model of a cross-fit. Without it they are
        keywords, as in :func:`make_fold_plan`, for classifiers and regressors.
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
        If a class has no row with a weight above zero, or an argument is invalid.
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
        rows, stop_fraction, strata=target.codes(), groups=groups, time=time, rng=rng
    )
    missing = target.missing_classes(learn)
    if missing:
        raise ValueError(
            f"No training rows for class {listed(target.classes[code] for code in missing)}. "
            f"Received: {len(learn)} rows with a target and a weight above zero"
            f"{', without validation rows' if len(stop) else ''}. Each class needs such a row; or "
            "drop its rows."
        )
    return Assignment(learn, stop, np.empty(0, dtype=np.int64))


def _usable(target, weights) -> np.ndarray:
    """Return the mask of possible training rows."""
    usable = target.labelled if weights is None else target.labelled & (weights > 0)
    if not usable.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number on a row with a target. "
            "Received: sample_weight of zero on all of them."
        )
    return usable


def _missing_classes(target, learning_rows, missing_class: str) -> list[int]:
    """Return codes of classes to drop; raise an error if none may be dropped."""
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
        "Some fold models have no training rows of a class. Received: training rows without "
        f"{shown}{more}. Use fewer folds, a stratified splitter, or merge rare classes; or "
        'missing_class="drop" for no column of that class.'
        f"{quantity_hint(target.classes)}"
    )


def _notes(target, dropped) -> tuple[str, ...]:
    if not dropped:
        return ()
    names = listed(target.classes[code] for code in dropped)
    return (f"no column for class {names}: some fold has no training rows of it",)


def _refuse_uncovered(plan: FoldPlan, target) -> None:
    rows = plan.uncovered
    if not len(rows):
        return
    if plan.ordered:
        why = "there are no earlier training rows for the first rows in time"
        other = ""
    else:
        why = "they are in no test fold of cv"
        other = " Or use a cv that predicts each row: an int, KFold, RepeatedKFold."
    raise ValueError(
        f"No model predicts {len(rows)} of {plan.n_rows} rows: {why}. "
        f'Received: uncovered="raise", {name_rows(rows)} uncovered. Pass uncovered="nan" for '
        f"NaN, or pass a number (uncovered={target.neutral_feature:.3g} is neutral).{other}"
    )


def _seed(random_state, *purpose: int) -> np.random.SeedSequence:
    """Return the seed of one purpose, without advancing the given one."""
    if isinstance(random_state, np.random.SeedSequence):
        entropy, spawn_key = random_state.entropy, random_state.spawn_key
        return np.random.SeedSequence(
            entropy, spawn_key=(*spawn_key, *purpose), pool_size=random_state.pool_size
        )
    if isinstance(random_state, numbers.Integral) and random_state >= 0:
        return np.random.SeedSequence(int(random_state), spawn_key=purpose)
    raise ValueError(
        "random_state of a plan must be an int of at least 0, or a numpy.random.SeedSequence. "
        f"Received: random_state={random_state!r}."
    )
