"""Fits the fold models of one column, and the models that serve new rows, and keeps the record.

Knows neither text nor images: a column is a function that gives rows for a network to read.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textcnn.crossfit import Assignment, FoldPlan, Target, whole_assignment
from textcnn.crossfit.report import ColumnRecord
from textcnn.fit.network_jobs import LevelledModel, TrainingSettings, refit_updates, training_jobs
from textcnn.neural.network import Blueprint
from textcnn.neural.randomness import seed_sequence
from textcnn.neural.training import RowSource, TrainingJob, fit_groups

# From row numbers (None: all rows may be looked at without their targets) to what reads a column.
Reading = tuple[Any, Blueprint, RowSource]


@dataclass
class CrossFitSettings:
    """Everything about a cross-fit that is the same for all columns."""

    plan: FoldPlan
    target: Target
    training: TrainingSettings
    entropy: int
    refit: bool
    per_fold: bool  # what is learnt without y comes from a fold's own rows

    @property
    def n_models(self) -> int:
        """Models per column."""
        return self.plan.n_models + self.refit


@dataclass
class CrossFittedColumn:
    """What the cross-fit of one column leaves."""

    outputs: list[np.ndarray]  # per fold model: features of the rows that it predicts
    serving: list[tuple[Any, list[LevelledModel]]]  # what reads new cells, and its models
    history: list[dict]
    record: ColumnRecord


# Yields a blueprint with its rows and jobs for them; is sent models with their raw outputs.
CrossFit = Generator[tuple[tuple[Blueprint, RowSource], list[TrainingJob]], list, CrossFittedColumn]


def cross_fit_column(
    name: str,
    number: int,
    read: Callable[[np.ndarray | None], Reading],
    settings: CrossFitSettings,
    progress,
    *,
    words: Callable[[Any], dict],
    documents: np.ndarray,
) -> CrossFit:
    """Fit every model of a column, in steps that :func:`side_by_side` runs.

    Yields what is to be fitted next, and is sent the fitted models.

    Parameters
    ----------
    name : str
        The column's name, for messages and records.
    number : int
        The column's place, which its seeds depend on.
    read : callable
        Takes the rows that may be looked at (None for all) and returns the reader, the blueprint
        of its network, and all rows as the network reads them.
    settings : CrossFitSettings
    progress : FitProgress
    words : callable
        Takes a reader and returns the counts that the receipt shows.
    documents : ndarray of uint64, shape (n_rows,)
        Hash of each cell, 0 for an empty one.

    Returns
    -------
    CrossFittedColumn
    """
    plan, target = settings.plan, settings.target
    names = [f"fold {fold + 1} of {plan.n_models}" for fold in range(plan.n_models)]
    history: list[dict] = []

    def fit(reading: Reading, assignments: Sequence[Assignment], first: int, updates=None):
        labels = (names + ["refit"])[first : first + len(assignments)]
        jobs, levels = training_jobs(
            assignments,
            target,
            settings.training,
            sample_weight=plan.sample_weight,
            entropy=settings.entropy,
            column=number,
            first_fold=first,
            notes=[f"column {name!r}, {label}" for label in labels],
            progress=[
                progress.model(number * settings.n_models + first + i, f"{name}, {label}")
                for i, label in enumerate(labels)
            ],
            updates=updates,
        )
        _, blueprint, source = reading
        results = yield (blueprint, source), jobs
        for label, (model, _) in zip(labels, results, strict=True):
            history.extend({"column": name, "model": label, **epoch} for epoch in model.history)
        models = [
            LevelledModel(model, level) for (model, _), level in zip(results, levels, strict=True)
        ]
        return models, [raw for _, raw in results]

    if settings.per_fold:
        serving, models, raw = [], [], []
        for fold, assignment in enumerate(plan.assignments):
            reading = read(np.union1d(assignment.learn, assignment.stop))
            fold_models, fold_raw = yield from fit(reading, [assignment], fold)
            serving.append((reading[0], fold_models))
            models, raw = models + fold_models, raw + fold_raw
    else:
        reading = read(None)
        models, raw = yield from fit(reading, plan.assignments, 0)
        serving = [(reading[0], models)]
    record = _record(name, models, raw, target, words(serving[0][0]), documents)
    if settings.refit:
        everything = whole_assignment(
            target, plan, random_state=seed_sequence(settings.entropy, "plan")
        )
        if settings.per_fold:
            reading = read(everything.learn)
        updates = refit_updates(
            [levelled.model for levelled in models],
            len(everything.learn),
            settings.training,
            target,
        )
        refit, _ = yield from fit(reading, [everything], plan.n_models, updates)
        serving = [(reading[0], refit)]
    outputs = [
        target.features(output, levelled.level)
        for output, levelled in zip(raw, models, strict=True)
    ]
    return CrossFittedColumn(outputs, serving, history, record)


def side_by_side(fits: Sequence[CrossFit], *, n_jobs: int | None) -> list[CrossFittedColumn]:
    """Run the cross-fits of columns step by step; what one step asks for is spread together.

    Parameters
    ----------
    fits : sequence of generators
        What :func:`cross_fit_column` returns, one per column.
    n_jobs : int or None

    Returns
    -------
    list of CrossFittedColumn
    """
    done: list = [None] * len(fits)
    answers: dict[int, Any] = dict.fromkeys(range(len(fits)))
    while answers:
        asked = {}
        for number, answer in answers.items():
            try:
                asked[number] = fits[number].send(answer)
            except StopIteration as end:
                done[number] = end.value
        answers = dict(zip(asked, fit_groups(list(asked.values()), n_jobs=n_jobs), strict=True))
    return done


def _record(name, models, raw, target, words, documents) -> ColumnRecord:
    """Return the receipt's part on one column."""
    nothing = np.zeros((1, target.n_outputs), np.float32)
    return ColumnRecord(
        name=name,
        fed=[levelled.model.fed for levelled in models],
        predictions=[
            target.predictions(output, levelled.level)
            for output, levelled in zip(raw, models, strict=True)
        ],
        prior=[target.predictions(nothing, levelled.level)[0] for levelled in models],
        epochs=[len(levelled.model.history) for levelled in models],
        updates=[levelled.model.updates for levelled in models],
        seconds=[levelled.model.seconds for levelled in models],
        words=words,
        documents=documents,
    )
