"""Fit a table: read it, plan the folds, fit and choose the members, encode the other columns."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn import get_config

from textcnn.base.pairing import check_for_target, warn_of_another_order
from textcnn.base.state import read_input
from textcnn.crossfit import read_target
from textcnn.crossfit.feature_names import safe_names
from textcnn.crossfit.fold_levels import check_repeated_documents
from textcnn.crossfit.row_hashes import combine_hashes, group_hashes
from textcnn.crossfit.scoring import Scoring
from textcnn.fit import parameters
from textcnn.fit.defaults import refuse_ignored
from textcnn.neural.randomness import entropy_from
from textcnn.table.columns import JoinedTexts
from textcnn.table.encoding import CATEGORIES
from textcnn.table.fitting import PlanMaker, SortedColumns, TableFit, sort_columns
from textcnn.table.frames import Table, check_new_names
from textcnn.table.gains import other_columns
from textcnn.table.members import Member, check_foreign, read_members, sees_targets
from textcnn.table.others import OTHERS, OtherColumns, other_columns_of
from textcnn.table.report import TableReport
from textcnn.table.report_making import columns_of_report, doubt_of, nothing_to_do, report_of
from textcnn.utils.progress import FitProgress

SELECTIONS = ("all", "positive", "significant")


def check_settings(features) -> list[Member]:
    """Check all parameters of TableFeatures before X; return the members."""
    parameters.one_of(features, "selection", SELECTIONS)
    parameters.one_of(features, "others", OTHERS)
    parameters.one_of(features, "categories", CATEGORIES)
    if features.others != "encode":
        refuse_ignored(
            features,
            ["categories"],
            why=f"A table with others={features.others!r}",
            expected='others="encode", or it left out',
        )
    parameters.yes_or_no(features, "keep_text")
    parameters.whole_number(features, "n_repeats", 1)
    if features.selection == "all":
        refuse_ignored(
            features,
            ["n_repeats"],
            why='A table that keeps all members (selection="all")',
            expected='selection="positive" or "significant", or it left out',
        )
    limit = features.time_limit
    is_number = isinstance(limit, Real) and not isinstance(limit, bool)
    if limit is not None and not (is_number and limit > 0):
        raise ValueError(
            "time_limit must be None or a number of seconds above 0. "
            f"Received: time_limit={limit!r}."
        )
    return read_members(features.members, reserved=list(features.get_params(deep=False)))


def fit_table(features, X, y, *, groups, sample_weight, time) -> tuple[dict, Table, np.ndarray]:
    """Fit all members of TableFeatures, which stays unchanged.

    Parameters
    ----------
    features : TableFeatures
    X, y, groups, sample_weight, time
        As :meth:`TableFeatures.fit_transform` takes them.

    Returns
    -------
    fitted : dict
        The attributes that fit leaves.
    table : Table
    values : ndarray of float32, shape (n_rows, n_features)
        Out-of-fold features of all members that are kept.
    """
    members = check_settings(features)
    started = clock.monotonic()
    warn_of_another_order(X, y=y, groups=groups, sample_weight=sample_weight, time=time)
    table, inputs = read_input(features, X)
    table = replace(table, memo={})
    columns = sort_columns(features.columns, table, members)
    others = _encode_others(features, table, columns)
    target = read_target(y, target_type=features.target_type, n_rows=len(table))
    check_for_target([table], target)
    hashes, documents = columns.hashes(len(table)), columns.documents()
    if isinstance(groups, str) and groups == "documents":
        same = combine_hashes(documents) if documents else np.zeros(len(table), np.uint64)
        groups = group_hashes(same)
    maker = PlanMaker(
        cv=features.cv,
        target=target,
        groups=groups,
        sample_weight=sample_weight,
        time=time,
        uncovered=features.uncovered,
        unlabelled=features.unlabelled,
        missing_class=features.missing_class,
        entropy=entropy_from(features.random_state),
    )
    plan = maker.make()
    for of_column in documents if any(map(sees_targets, members)) else ():
        check_repeated_documents(plan, of_column, "documents" if len(documents) == 1 else None)
    if plan.dropped_classes:
        target = target.without_classes(plan.dropped_classes)
    for member in members:
        check_foreign(
            member,
            all_labelled=bool(target.labelled.all()),
            all_covered=not plan.uncovered.any(),
        )
    kept, report = [], None
    if columns.entries:
        Scoring(target, features.scoring, plan.sample_weight)  # refuses an unknown scorer now
        blocks, n_used = other_columns(table, columns.kinds, columns.other_numbers)
        limit = features.time_limit
        stage = TableFit(
            entries=columns.entries,
            plans=[plan],
            maker=maker,
            target=target,
            y=y,
            others=blocks,
            n_used=n_used,
            scoring=features.scoring,
            n_jobs=features.n_jobs,
            deadline=None if limit is None else started + limit,
        )
        kept, report = _fit_members(features, stage, columns, X, y)
    else:
        reason = nothing_to_do(columns.texts, features.columns)
        report = TableReport([], reason, warnings=[reason])
    doubts = [doubt for kind in columns.kinds if (doubt := doubt_of(kind))]
    report.warnings += doubts
    report.notes += doubts
    new = [name for entry in kept for name in entry.fitted.names]
    check_new_names(others.names(table.names), safe_names(new))
    report.kinds = columns_of_report(columns.kinds, others, kept)
    place = dict(zip(columns.names, columns.text_numbers, strict=True))
    fitted = inputs | {
        "_fitted_members": [entry.fitted for entry in kept],
        "_others": others,
        "_member_numbers": [
            None if entry.fitted.joined else place[entry.text.name] for entry in kept
        ],
        "_plan": plan,
        "_report": report,
        "_row_hashes": hashes,
        "_text_kinds": [text.kind for text in columns.texts],
        "_text_numbers": columns.text_numbers,
        "classes_": target.classes,
        "target_type_": target.kind,
        "text_columns_": columns.names,
    }
    return fitted, table, np.hstack([no_features(table), *(entry.features for entry in kept)])


def chosen_output(features) -> str:
    """Return the container that ``set_output`` chose, or ``"default"``."""
    # scikit-learn would convert the finished table, whose features are objects in an array.
    chosen = getattr(features, "_sklearn_output_config", {}).get("transform")
    return chosen or get_config()["transform_output"]


def no_features(table: Table) -> np.ndarray:
    """Return an array of no columns, with a row for each of a table."""
    return np.empty((len(table), 0), np.float32)


def _encode_others(features, table: Table, columns: SortedColumns) -> OtherColumns:
    """Fit the encoding of the other columns, and check the names that features will have."""
    others = other_columns_of(
        table,
        columns.kinds,
        columns.text_numbers,
        columns.other_numbers,
        others=features.others,
        categories=features.categories,
        keep_text=features.keep_text,
    )
    if any(column.form == "category" for column in others.encoded):
        table.as_container(chosen_output(features)).check_holds_categories()
    if columns.entries and not others.is_encoding:
        table.check_names_beside_features(others.unchanged)
    prefixes = [f"{entry.text.name}_{entry.member.name}" for entry in columns.entries]
    check_new_names(others.names(table.names), safe_names(prefixes))
    return others


def _fit_members(features, stage: TableFit, columns, X, y) -> tuple[list, TableReport]:
    """Fit, measure and choose; return the entries that are kept, by column, and the report."""
    progress = FitProgress(features, len(stage.entries), X, y)
    stage.fit_all(progress)
    if features.selection != "all":
        stage.select(features.n_repeats, is_strict=features.selection == "significant")
    else:
        stage.measure()
    progress.end()
    texts = columns.texts
    kept = [e for text in texts for e in stage.entries if e.text is text and e.kept]
    kept += [e for e in stage.entries if isinstance(e.text, JoinedTexts) and e.kept]
    n_others = len(columns.other_numbers)
    report = report_of(stage, features.selection, texts, n_others=n_others, n_used=stage.n_used)
    return kept, report
