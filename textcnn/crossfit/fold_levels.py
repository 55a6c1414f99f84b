"""Detects splits with which a feature reveals its fold, and so targets of held-out rows.

Subtracting the base rate of a fold model hides it if outputs have many distinct values. It does not
if they have few, because each feature is then one of these values, shifted by the base rate; if
many rows of a fold have the same input; if documents occur in several folds, because each model is
trained without other copies; or if a class is rare in the training rows of some models, whose
outputs then have a smaller spread. Few documents in many small folds are detected from the plan,
before training; the rest from outputs and targets, where folds differ in their targets.

The limits come from noise targets of 40 to 400 rows and a tree that reads only the feature, scored
on other rows. Repeated documents in many folds: an AUC of 0.53 to 0.79 with a warning, up to 0.57
without (0.60 for 3 or 10 documents with 5 folds), 0.82 to 1.0 with an error. Few values: 0.57 to
0.84 with a warning, 0.44 to 0.52 without, 0.98 with an error. Documents in several groups of
different targets: 0.54 to 0.65 with a warning. A class that is rare outside one group: 0.60 with a
warning (rates of 0.02 and 0.5), 0.52 at rates of 0.05 and 0.5. The rest of the limits are round
numbers between what warns of these cases and what does not warn of random folds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from textcnn.crossfit.plan import FoldPlan
from textcnn.crossfit.targets import Target

# Up to this number of folds, repeated documents had no measurable leak.
_SAFE_FOLDS = 5
# Warn if rows per test fold × distinct repeated documents is at most this.
_FEWEST_ROWS_AND_DOCUMENTS = 450
# Least share of rows with a repeated document for a warning.
_REPEATED_SHARE = 0.1
# Least copies per document for which test folds of one row are an error.
_CERTAIN_COPIES = 4
# Least share of pairs of equal predictions with different features that reveals folds.
_PARTED = 0.25
_ROWS_PER_VALUE = 1.5
# Rows of a fold with the same value from which a tree can learn.
_OFTEN = 5
# Ratio of the deviations of training targets from which the spread of features reveals folds.
_UNEQUAL_SCALES = 1.5
# Share of the variance of targets between folds; random folds of n rows have 1 / n.
_BETWEEN_FOLDS = 0.2
# Predictions equal to this number of digits are equal: features are rounded to five digits.
_DIGITS = 4


class FoldLevelWarning(UserWarning):
    """Features may reveal their fold, and so the targets of its held-out rows."""


def check_repeated_documents(
    plan: FoldPlan, documents: np.ndarray, groups_by: str | None = "documents"
) -> None:
    """Warn if few documents occur in many folds, before training; refuse single rows.

    Parameters
    ----------
    plan : FoldPlan
    documents : ndarray of shape (n_rows,), uint64
        Hash of each row's document; empty ones are one document.
    groups_by : str or None, default="documents"
        Value of ``groups`` that keeps copies in the same fold, if there is one.

    Raises
    ------
    ValueError
        If test folds are single rows and documents occur four times or more.

    Warns
    -----
    FoldLevelWarning
    """
    if plan.ordered:  # later rows are not held out from models of earlier rows
        return
    rows = np.concatenate([assignment.predict for assignment in plan.assignments])
    sizes = [len(assignment.predict) for assignment in plan.assignments]
    models = np.repeat(np.arange(plan.n_models), sizes)
    _, documents = np.unique(documents, return_inverse=True)
    if documents.max(initial=0) == 0:  # all rows are equal: their feature is the neutral one
        return
    pairs = np.unique(np.stack([documents[rows], models]), axis=1)
    in_models = np.bincount(pairs[0], minlength=documents.max() + 1)
    repeats = plan.n_predictions.max()
    repeated = in_models[documents] > repeats  # copies are in test folds of several models
    if repeated.mean() < _REPEATED_SHARE:
        return
    n_documents = len(np.unique(documents[repeated]))
    copies = repeated.sum() / n_documents
    per_part = float(np.median(sizes))
    found = (
        f"{n_documents} different documents occur in {int(repeated.sum())} rows, "
        f"with {plan.n_models} models that predict {per_part:.0f} row(s) each. The output of a "
        "model for a document then reveals the targets of its held-out copies, with the sign "
        "reversed"
    )
    grouping = (
        f"groups={groups_by!r}, which keeps copies in the same fold, or " if groups_by else ""
    )
    advice = (
        f"Pass {grouping}cv=5. Repeated splits are worse: their mean removes everything except "
        "the target of the row."
    )
    if per_part <= 1 and copies >= _CERTAIN_COPIES:
        raise ValueError(
            f"{found}: with single rows this is the target of the row. Expected: copies of a "
            f"document in the same fold, or fewer folds. Received: {copies:.0f} copies of each on "
            f"average. {advice}"
        )
    # A mean over repeats has less of the noise that hides the target of a row.
    size = per_part * n_documents / repeats
    if plan.n_models > _SAFE_FOLDS and size <= _FEWEST_ROWS_AND_DOCUMENTS:
        warnings.warn(f"{found}. {advice}", FoldLevelWarning, stacklevel=5)


def check_named_folds(
    plan: FoldPlan,
    predictions: Sequence[np.ndarray],
    features: Sequence[np.ndarray],
    target: Target,
    name: str,
    documents: np.ndarray,
) -> None:
    """Warn if features have values that reveal the model.

    Equal predictions of several models have different features; or many rows of a model share a
    value that no other model gives; or documents occur in several folds; or classes are rare in the
    training rows of some models, whose features then have a smaller spread.

    Parameters
    ----------
    plan : FoldPlan
    predictions : sequence of ndarray
        Per model, predictions of its rows including the base rate
        (``ColumnRecord.predictions``).
    features : sequence of ndarray
        The same without the base rate.
    target : Target
        Of all rows; only rows with a target are used.
    name : str
        Of the column, for the message.
    documents : ndarray of shape (n_rows,), uint64
        Hash of each row's document.

    Raises
    ------
    ValueError
        If test folds are single rows, because the features then reveal their targets.

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
    if not len(given) or (given == given[0]).all():
        return
    between = between_folds(_scores(target, rows), models)
    if between < _BETWEEN_FOLDS:
        return
    shares = [
        parted_share(predicted[:, column], given[:, column]) for column in range(given.shape[1])
    ]
    parted = max(shares)
    own = max(own_value_share(column, models, documents[rows]) for column in given.T)
    per_part = float(np.median(sizes))
    by_chance = 1 / per_part  # the share between folds that are drawn at random
    is_unequal = between >= _BETWEEN_FOLDS + by_chance
    fewer = "Pass fewer folds (cv=5, stratified, without groups)"
    if parted >= _PARTED:
        reason = (
            f"{parted:.0%} of the pairs of equal predictions have different features in different "
            "folds, because predictions have few distinct values, so a value reveals its fold"
        )
        advice = (
            f"{fewer}, or an estimator whose outputs have many distinct values: more neighbours or "
            "trees, larger leaves, a linear model or boosting."
        )
    elif own >= _PARTED:
        reason = (
            f"{own:.0%} of the rows share their value with {_OFTEN} or more rows of their fold, "
            "and with none of the other folds, because many rows have equal inputs, so a value "
            "reveals its fold"
        )
        advice = f"{fewer}, or encode the column as a category."
    elif is_unequal and (
        (shared := _shared_share(documents[rows], models, given, plan)) >= _PARTED
    ):
        reason = (
            f"{shared:.0%} of the rows have a document that occurs in several folds with "
            "different features, which reveal their folds"
        )
        advice = f"{fewer}, or keep copies of a document in the same fold by groups=."
    elif is_unequal and (ratio := _ratio_of_scales(target, plan)) >= _UNEQUAL_SCALES:
        reason = (
            "a class is so rare outside one fold that the standard deviation of the training "
            f"targets of its model is {ratio:.1f} times smaller than that of another, and so is "
            "the spread of its features, which reveals the fold"
        )
        advice = f"{fewer}."
    else:
        return
    found = (
        f"{name!r}: {reason}. Folds differ in their targets ({between:.0%} of the variance of "
        "targets is between folds), which a tree can then predict"
    )
    if per_part <= 1:
        raise ValueError(
            f"{found}: with single rows, that of the row. Expected: test folds of more rows. "
            f"Received: {plan.n_models} models of {per_part:.0f} row each. {advice}"
        )
    warnings.warn(f"{found}. Received: {plan.n_models} folds. {advice}", FoldLevelWarning, 5)


def parted_share(predictions: np.ndarray, features: np.ndarray) -> float:
    """Return the share of pairs of rows with equal predictions whose features differ.

    Rows with a unique prediction are counted as pairs with equal features; the share is 0 if hardly
    any feature value occurs twice, because no model could use such features.

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


def own_value_share(features: np.ndarray, models: np.ndarray, documents: np.ndarray) -> float:
    """Return the share of rows whose value is frequent in their fold and occurs in no other.

    The value of a document that occurs in one fold only is not counted unless other documents
    share it.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.crossfit.fold_levels import own_value_share
    >>> models, documents = np.repeat([0, 1, 1], 6), np.arange(18)
    >>> own_value_share(np.repeat([0.1, 0.2, 0.3], 6), models, documents)
    1.0
    >>> own_value_share(np.repeat([0.1, 0.2, 0.3], 6), models, np.repeat([7, 8, 8], 6))
    0.0
    """
    _, values = np.unique(features, return_inverse=True)
    _, documents = np.unique(documents, return_inverse=True)
    _, pairs, counts = np.unique(
        np.stack([values, models]), axis=1, return_inverse=True, return_counts=True
    )
    pairs = pairs.ravel()
    is_own = (_different(values, models)[values] == 1) & (counts[pairs] >= _OFTEN)
    is_elsewhere = _different(documents, models)[documents] > 1
    is_shared = _different(pairs, documents)[pairs] > 1
    return float((is_own & (is_elsewhere | is_shared)).mean())


def _different(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return, per code, the number of different values of ``others``."""
    return np.bincount(np.unique(np.stack([codes, others]), axis=1)[0])


def _shared_share(documents, models, features: np.ndarray, plan: FoldPlan) -> float:
    """Return the share of rows whose document is in several folds, with different features."""
    _, documents = np.unique(documents, return_inverse=True)
    _, values = np.unique(features, axis=0, return_inverse=True)
    is_elsewhere = _different(documents, models) > plan.n_predictions.max()
    is_varying = _different(documents, values.ravel()) > 1
    return float((is_elsewhere & is_varying)[documents].mean())


def _ratio_of_scales(target: Target, plan: FoldPlan) -> float:
    """Return the ratio of the largest and the smallest deviation of training classes of models.

    Features of numbers are in standard deviations, and do not depend on it.
    """
    if target.is_regression:
        return 1.0
    spreads = np.array(
        [_scores(target, assignment.learn).std(axis=0) for assignment in plan.assignments]
    )
    least = spreads.min(axis=0)
    ratios = np.divide(spreads.max(axis=0), least, out=np.ones_like(least), where=least > 0)
    return float(ratios.max())


def between_folds(scores: np.ndarray, models: np.ndarray) -> float:
    """Return the share of the variance of targets between folds, for the worst output."""
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
