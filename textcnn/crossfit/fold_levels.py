"""Splits under which a feature names its fold, and so the targets that its model was denied.

What is taken off a fold model's output hides its level among outputs that spread. It cannot where
outputs are few values: a feature is then one of these, moved by the level, and the movement names
the fold. Nor where few documents come again in many small folds: each model lacks other copies of
them, and the same document has a higher feature where copies of the other class were left out.
Both are found here: the second from the plan, before training, the first from the outputs.

The limits come from noise targets of 40 to 400 rows and a tree that reads the feature alone, scored
on other rows. Repeated documents: an AUC of 0.53 to 0.79 where it is warned of, up to 0.57 beyond
(0.60 for 3 or 10 documents under 5 folds), of 0.82 to 1.0 where it is refused. Few values: 0.57 to
0.84 where it is warned of, 0.44 to 0.52 beyond, 0.98 where it is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from textcnn.crossfit.plan import FoldPlan
from textcnn.crossfit.targets import Target

# Up to these many folds, repeated documents told nothing that could be measured.
_SAFE_FOLDS = 5
# Warned of where rows per test part × distinct repeated documents is not more.
_FEWEST_ROWS_AND_DOCUMENTS = 450
# Share of rows whose document comes again, from which on this matters.
_REPEATED_SHARE = 0.1
# Copies per document, from which on parts of one row are refused.
_CERTAIN_COPIES = 4
# Share of pairs of equal predictions that levels part, from which on they name folds.
_PARTED = 0.25
_ROWS_PER_VALUE = 1.5
# Share of the targets' variance that lies between folds; random folds of n rows have 1 / n.
_BETWEEN_FOLDS = 0.2
# Predictions that differ by less are equal: features are rounded to five digits.
_DIGITS = 4


class FoldLevelWarning(UserWarning):
    """Features may name the fold that made them, and so tell the targets that it left out."""


def check_repeated_documents(
    plan: FoldPlan, documents: np.ndarray, groups_by: str = "documents"
) -> None:
    """Warn of few documents under many folds, before training; refuse single rows.

    Parameters
    ----------
    plan : FoldPlan
    documents : ndarray of shape (n_rows,), uint64
        Hash of each row's document; empty ones are one document.
    groups_by : str, default="documents"
        What keeps copies together when it is passed as ``groups``.

    Raises
    ------
    ValueError
        Where test parts are single rows and documents come again four times or more.

    Warns
    -----
    FoldLevelWarning
    """
    if plan.ordered:  # models of earlier rows were not denied later ones
        return
    rows = np.concatenate([assignment.predict for assignment in plan.assignments])
    sizes = [len(assignment.predict) for assignment in plan.assignments]
    models = np.repeat(np.arange(plan.n_models), sizes)
    _, documents = np.unique(documents, return_inverse=True)
    if documents.max(initial=0) == 0:  # rows that are all alike: their feature is the neutral one
        return
    pairs = np.unique(np.stack([documents[rows], models]), axis=1)
    in_models = np.bincount(pairs[0], minlength=documents.max() + 1)
    repeats = plan.n_predictions.max()
    repeated = in_models[documents] > repeats  # copies stand in test parts of several models
    if repeated.mean() < _REPEATED_SHARE:
        return
    n_documents = len(np.unique(documents[repeated]))
    copies = repeated.sum() / n_documents
    per_part = float(np.median(sizes))
    found = (
        f"{n_documents} different documents stand in {int(repeated.sum())} rows, "
        f"under {plan.n_models} models that predict {per_part:.0f} row(s) each. A model's output "
        "for a document then tells the targets of the copies that it was denied, with the sign "
        "reversed"
    )
    advice = (
        f"Pass groups={groups_by!r}, which keeps copies in one fold, or cv=5. Repeated splits make "
        "it worse: their mean takes away everything but the row's own target."
    )
    if per_part <= 1 and copies >= _CERTAIN_COPIES:
        raise ValueError(
            f"{found}: with single rows that is the row's own target. Expected: copies of a "
            f"document in one fold, or fewer folds. Received: {copies:.0f} copies of each on "
            f"average. {advice}"
        )
    # A mean over repeats has less of the noise in which a row's own target hides.
    size = per_part * n_documents / repeats
    if plan.n_models > _SAFE_FOLDS and size <= _FEWEST_ROWS_AND_DOCUMENTS:
        warnings.warn(f"{found}. {advice}", FoldLevelWarning, stacklevel=5)


def check_named_folds(
    plan: FoldPlan,
    predictions: Sequence[np.ndarray],
    features: Sequence[np.ndarray],
    target: Target,
    name: str,
) -> None:
    """Warn where equal predictions of several models became features that name the models.

    Parameters
    ----------
    plan : FoldPlan
    predictions : sequence of ndarray
        Per model, of the rows that it predicts, at the level of the targets
        (``ColumnRecord.predictions``).
    features : sequence of ndarray
        The same less the model's level.
    target : Target
        Of all rows; only rows with a target count.
    name : str
        Of the column, for the message.

    Raises
    ------
    ValueError
        Where test parts are single rows, whose targets the features then tell.

    Warns
    -----
    FoldLevelWarning
    """
    if plan.ordered:
        return
    rows = np.concatenate([assignment.predict for assignment in plan.assignments])
    sizes = np.array([len(assignment.predict) for assignment in plan.assignments])
    models = np.repeat(np.arange(plan.n_models), sizes)
    labelled = target.labelled[rows]
    rows, models = rows[labelled], models[labelled]
    predicted = np.concatenate(list(predictions))[labelled]
    given = np.concatenate(list(features))[labelled]
    shares = [
        parted_share(predicted[:, column], given[:, column]) for column in range(given.shape[1])
    ]
    parted = max(shares)
    if parted < _PARTED:
        return
    between = between_folds(_scores(target, rows), models)
    if between < _BETWEEN_FOLDS:
        return
    per_part = float(np.median(sizes))
    found = (
        f"{name!r}: {parted:.0%} of the pairs of equal predictions have another feature in another "
        f"fold, because predictions are few values and folds differ in their targets "
        f"({between:.0%} of the targets' variance lies between folds). So a value names its fold, "
        "and a tree reads from it which targets that fold held"
    )
    advice = (
        "Pass fewer folds (cv=5, stratified), or an estimator whose outputs spread: more "
        "neighbours or trees, larger leaves, a linear model or boosting."
    )
    if per_part <= 1:
        raise ValueError(
            f"{found}: with single rows, the row's own. Expected: test parts of more rows. "
            f"Received: {plan.n_models} models of {per_part:.0f} row each. {advice}"
        )
    warnings.warn(f"{found}. Received: {plan.n_models} folds. {advice}", FoldLevelWarning, 5)


def parted_share(predictions: np.ndarray, features: np.ndarray) -> float:
    """Return the share of pairs of rows of equal predictions whose features differ, of all rows.

    Rows whose prediction is their own alone count as not parted; so do all where hardly a feature's
    value comes again, which no model could learn from.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.crossfit.fold_levels import parted_share
    >>> parted_share(np.array([0.2, 0.2, 0.4, 0.4] * 3), np.array([1.0, 2.0, 3.0, 4.0] * 3))
    0.5
    """
    _, values = np.unique(np.round(predictions, _DIGITS), return_inverse=True)
    _, told = np.unique(features, return_inverse=True)
    if len(values) < _ROWS_PER_VALUE * (told.max(initial=0) + 1):
        return 0.0
    pairs, counts = np.unique(np.stack([values, told]), axis=1, return_counts=True)
    totals = np.bincount(values)
    together = np.bincount(pairs[0], counts**2)
    return float(((1 - together / totals**2) * totals).sum() / len(values))


def between_folds(scores: np.ndarray, models: np.ndarray) -> float:
    """Return the share of the targets' variance that lies between folds, of the worst output."""
    counts = np.bincount(models)
    shares = []
    for column in scores.T:
        deviation = column - column.mean()
        means = np.bincount(models, deviation) / np.maximum(counts, 1)
        total = (deviation**2).sum()
        shares.append((counts * means**2).sum() / total if total else 0.0)
    return float(max(shares))


def _scores(target: Target, rows: np.ndarray) -> np.ndarray:
    """Return targets of some rows as numbers, one column per output; a class against the rest."""
    values = target.values[rows]
    if target.kind == "multiclass":
        return (values[:, None] == np.arange(target.n_outputs)).astype(float)
    return values.reshape(len(rows), -1).astype(float)
