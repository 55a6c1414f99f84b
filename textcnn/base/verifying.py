"""Verify a fit: its recorded rows, and a sample of rows that its fold models predict again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from textcnn.crossfit import FoldPlan, Target
from textcnn.crossfit.fingerprints import Verification, VerificationWarning
from textcnn.crossfit.oof import average
from textcnn.crossfit.predicted_again import SampledRows, sample_rows
from textcnn.crossfit.records import ColumnRecord
from textcnn.crossfit.row_hashes import combine_hashes
from textcnn.crossfit.verification import LeakError, verify_fed
from textcnn.fit.cross_fit import CrossFittedColumn
from textcnn.fit.models import ModelSet
from textcnn.text.settings import n_networks


def verify_fit(
    fits: Sequence[CrossFittedColumn],
    plan: FoldPlan,
    head: Target,
    columns: Sequence,
    features: Sequence[np.ndarray],
    *,
    n_jobs: int | None,
) -> Verification:
    """Verify a fit when it ends, while its input and all of its fold models are there.

    Rows are not predicted again by Keras networks that were fitted in other processes: this one
    would have to trace them first, which takes seconds.

    Raises
    ------
    LeakError
        If a model predicted a row that it was trained on.

    Warns
    -----
    VerificationWarning
        If the models return other features now: their outputs are random, or depend on which rows
        are predicted together.
    """
    found = Verification()
    for fit in fits:
        verify_fed(fit.record.name, fit.record.fed, plan)
    for fit, column, matrix in zip(fits, columns, features, strict=True):
        name = fit.record.name
        if n_jobs not in (None, 1) and any(one.needs_backend for one in fit.fold_models):
            found.not_checked.append(f"{name}: predictions again; type report.verify(X=X)")
            continue
        try:
            line = predict_again(fit.record, fit.fold_models, plan, head, column, matrix)
            found.checked.append(line)
        except LeakError as error:
            found.not_checked.append(f"{name}: predictions again, because they are not repeatable")
            warnings.warn(
                f"Column {name!r}: the fold models return other features when they predict the "
                f"same rows again, for {len(error.rows)} sampled rows. Expected: outputs that are "
                "not random and do not depend on the other rows of X. The features are out of "
                "fold, but verify(X=X) will fail.",
                VerificationWarning,
                stacklevel=6,
            )
    return found


def verify_again(encoder, X, features=None) -> list[str]:
    """Let a fitted encoder's fold models predict a sample of its training rows again.

    Returns
    -------
    list of str
        A sentence per column, for the report.

    Raises
    ------
    LeakError
        Naming column, model and rows.
    ValueError
        If X are other rows than those of the fit, or the encoder has no fold models.
    """
    columns = encoder._read_columns(encoder, X, reset=False)
    hashes = combine_hashes([encoder._hash_column(column) for column in columns])
    plan, head = encoder._plan, encoder._head
    if not np.array_equal(hashes, encoder._row_hashes):
        raise ValueError(
            f"X differs from the {plan.n_rows} rows that the encoder was fitted on. Expected: the "
            f"same rows in the same order. Received: X of {len(hashes)} rows."
        )
    n_columns = head.n_outputs
    lines = []
    for number, (record, sets, column) in enumerate(
        zip(encoder._records, encoder._model_sets, columns, strict=True)
    ):
        networks = n_networks(encoder) if hasattr(encoder, "n_networks") else 1
        if sum(len(one.models) for one in sets) != plan.n_models * networks:
            raise ValueError(
                'The fold models are gone: with ensemble="refit" only the refitted model is kept. '
                "Expected: verify() without X; rows were predicted again when the fit ended."
            )
        matrix = None
        if features is not None:
            matrix = features[:, number * n_columns : (number + 1) * n_columns]
        lines.append(predict_again(record, sets, plan, head, column, matrix))
    return lines


def predict_again(
    record: ColumnRecord,
    sets: Sequence[ModelSet],
    plan: FoldPlan,
    head: Target,
    column,
    features: np.ndarray | None,
) -> str:
    """Predict a sample of rows again; compare with recorded predictions and with features."""
    rows = sample_rows(plan)
    models = [(one, model) for one in sets for model in one.models]
    per_fold = len(models) // plan.n_models
    features_of_fold, predictions_of_fold = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit has already issued them
        for fold, assignment in enumerate(plan.assignments):
            mine = rows[np.isin(rows, assignment.predict)]
            if not len(mine):
                continue
            networks = models[fold * per_fold : (fold + 1) * per_fold]
            cells = [column.take(mine)]
            raw = [one.with_models([model]).raw_outputs(cells)[0] for one, model in networks]
            levels = [model.level for _, model in networks]
            features_of_fold[fold] = average(list(map(head.features, raw, levels)))
            mean = np.mean(raw, axis=0, dtype=np.float64) if per_fold > 1 else raw[0]
            predictions_of_fold[fold] = head.predictions(mean, levels[0])

    def features_of(fold, rows):
        return features_of_fold[fold]

    def predictions_of(fold, rows):
        return predictions_of_fold[fold]

    scale = max(float(np.max(model.level.scale)) for _, model in models)
    unit = max(float(np.max(model.level.feature_unit)) for _, model in models)
    sampled = SampledRows(record.name, plan, rows, scale)
    line = sampled.check_record(predictions_of, record.predictions)
    if features is None:
        return line
    return replace(sampled, scale=unit).check_features(features_of, features)
