"""The difference between features of new rows and out-of-fold features of training rows."""

from __future__ import annotations

import html
import numbers

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import (
    GroupShuffleSplit,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)

from textcnn.crossfit.gap_measures import ALL_FEATURES, Side, feature_lines, model_lines, truth_of
from textcnn.crossfit.leakage import take_rows
from textcnn.crossfit.rows import read_groups, read_sample_weight, read_time
from textcnn.crossfit.target_reading import read_target

_COLUMNS = ["feature", "measure", "out_of_fold", "new", "difference", "p_value"]
_CHANCE = 0.05
_FEWEST_KEPT, _FEWEST_RESERVED = 20, 10
_LEGEND = (
    f"Measures of {ALL_FEATURES!r} are those of a shallow tree; all others, of a single feature."
)


class GapFrame(pd.DataFrame):
    """A DataFrame that is printed with an explanation; parts of it are plain DataFrames."""

    def __repr__(self) -> str:
        """Show the numbers and the explanation."""
        return f"{super().__repr__()}\n\n{_LEGEND}\n{self.attrs['reading']}"

    def _repr_html_(self) -> str | None:
        """Show the same in a notebook, unless pandas is configured to show text."""
        shown = super()._repr_html_()
        told = "<br>".join(map(html.escape, (_LEGEND, self.attrs["reading"])))
        return None if shown is None else f"{shown}<p>{told}</p>"


def distribution_gap(
    encoder,
    X,
    y,
    *,
    groups=None,
    sample_weight=None,
    time=None,
    share: float = 0.1,
    random_state: int = 0,
) -> GapFrame:
    """Compare out-of-fold features of training rows with features of rows not used for training.

    The final model is trained on out-of-fold features, each from one fold model, and is then used
    on features of new rows, from the mean of all fold models or from one model of all rows. Their
    distributions differ: a mean has a smaller spread, a model of more rows is more confident. This
    function reserves a share of the rows, fits a clone of the encoder on the others, and compares
    both kinds of features.

    Cost: one more cross-fit of the encoder.

    Parameters
    ----------
    encoder : transformer
        Any object with ``fit_transform(X, y)`` and ``transform(X)``. It is cloned and not fitted.
        Row numbers in its ``cv`` are respected.
    X : array, DataFrame or list, of n_rows rows
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        Rows without a target are compared but not scored.
    groups : array-like of shape (n_rows,), optional
        Whole groups are reserved.
    sample_weight : array-like of shape (n_rows,), optional
        Weights of the scores; rows of weight 0 are not scored.
    time : array-like of shape (n_rows,), optional
        The latest rows are reserved, so changes with time are part of the gap. With groups too,
        earlier rows of the reserved groups are not used.
    share : float, default=0.1
        Share of rows to reserve (of groups, with groups and no time).
    random_state : int, default=0
        Seed of the random selection. The encoder uses its own seed.

    Returns
    -------
    DataFrame
        Indexed by (feature, measure), with the columns ``out_of_fold``, ``new``, ``difference``
        (new minus out of fold; for ``"ks"`` the statistic itself) and ``p_value``.

        Measures per feature: ``"mean"``, ``"std"``, ``"q05"`` to ``"q95"``, ``"ks"`` (two-sample
        Kolmogorov-Smirnov statistic), and ``"roc_auc"`` or ``"r2"`` (squared correlation) with the
        class or target that it predicts best. Out-of-fold scores are computed within the encoder's
        folds, if it has a plan; pooled over folds they would be too low.

        Measures of ``"all features"``: scores of a decision tree of depth 3, trained on four
        fifths of the out-of-fold features, on the other fifth and on the new rows: ``"roc_auc"``
        and ``"neg_log_loss"``, or ``"r2"``. The p-value of the last line treats a group as one
        observation, that of ``"ks"`` treats rows as independent.

        ``attrs["reading"]`` explains in one line what the last line means for ``ensemble``; it is
        printed below the DataFrame.

    Raises
    ------
    ValueError
        If too few rows or groups would be reserved or left, or an argument is invalid.
    TypeError
        If the encoder lacks ``fit_transform`` or ``transform``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import TargetEncoder
    >>> from textcnn.crossfit.gap import distribution_gap
    >>> random = np.random.default_rng(0)
    >>> X, y = random.integers(0, 20, (600, 1)), random.integers(0, 2, 600)
    >>> gap = distribution_gap(TargetEncoder(cv=5), X, y)
    >>> gap.index.get_level_values("measure").tolist()
    ['mean', 'std', 'q05', 'q25', 'q50', 'q75', 'q95', 'ks', 'roc_auc', 'roc_auc', 'neg_log_loss']
    >>> gap.attrs["reading"][:28]
    'neg_log_loss of a shallow tr'
    """
    _check_arguments(encoder, share, random_state)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    target = read_target(y, target_type=getattr(encoder, "target_type", "auto"), n_rows=n_rows)
    codes = read_groups(groups, n_rows)
    given_weights = read_sample_weight(sample_weight, n_rows)
    weights = np.ones(n_rows) if given_weights is None else given_weights
    truth, scored = truth_of(target), target.labelled & (weights > 0)
    kept, reserved = _reserve(target, codes, read_time(time, n_rows), scored, share, random_state)

    fitted = clone(encoder)
    if "cv" in fitted.get_params(deep=False):
        fitted.set_params(cv=_cv_of_rows(fitted.cv, kept, n_rows))
    beside = {"groups": groups, "sample_weight": given_weights, "time": time}
    params = {name: take_rows(of, kept) for name, of in beside.items() if of is not None}
    kinds = [
        (_matrix(fitted.fit_transform(take_rows(X, kept), take_rows(y, kept), **params)), kept),
        (_matrix(fitted.transform(take_rows(X, reserved))), reserved),
    ]

    plan = getattr(fitted, "_plan", None)
    is_made = np.isfinite(kinds[0][0]).all(axis=1)
    folds = [np.arange(len(kept))]
    if plan is not None:
        is_made[plan.uncovered] = False
        folds = [assignment.predict for assignment in plan.assignments]
    folds = [(np.cumsum(is_made) - 1)[rows[is_made[rows]]] for rows in folds]
    out_of_fold, new = (
        Side(of, truth[rows], weights[rows], scored[rows], None if codes is None else codes[rows])
        for of, rows in kinds
    )
    out_of_fold = out_of_fold.at(is_made)
    lines = []
    for number, name in enumerate(_names(fitted, new.features.shape[1])):
        lines += feature_lines(name, number, out_of_fold, new, folds, target)
    lines += model_lines(out_of_fold, new, target, int(random_state))
    frame = GapFrame(pd.DataFrame(lines, columns=_COLUMNS).set_index(_COLUMNS[:2]))
    frame.attrs["reading"] = _reading(lines[-1], ensemble_of(fitted, plan))
    return frame


def _check_arguments(encoder, share, random_state) -> None:
    for method in ("fit_transform", "transform"):
        if not hasattr(encoder, method):
            raise TypeError(
                "distribution_gap needs a transformer with fit_transform and transform. "
                f"Received: {type(encoder).__name__}, which has no {method}."
            )
    if isinstance(share, bool) or not isinstance(share, numbers.Real) or not 0 < share < 1:
        raise ValueError(f"share must be a number between 0 and 1. Received: share={share!r}.")
    if not isinstance(random_state, numbers.Integral) or random_state < 0:
        raise ValueError(
            f"random_state must be an int of 0 or more. Received: random_state={random_state!r}."
        )


def _reserve(target, groups, time, scored, share, seed) -> tuple[np.ndarray, np.ndarray]:
    """Return training rows and reserved rows, ascending."""
    n_rows = len(target.labelled)
    everything = np.arange(n_rows)
    seed = int(seed)
    if time is not None:
        is_reserved = time >= np.sort(time)[n_rows - max(1, round(share * n_rows))]
        reserved, kept = everything[is_reserved], everything[~is_reserved]
        if groups is not None:
            kept = kept[~np.isin(groups[kept], groups[reserved])]
    else:
        strata = target.codes()
        if groups is not None:
            splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
        elif strata is not None and _can_stratify(strata, share):
            splitter = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
        else:
            splitter = ShuffleSplit(1, test_size=share, random_state=seed)
        kept, reserved = map(np.sort, next(splitter.split(everything, strata, groups)))
    for rows, fewest, what in (
        (kept, _FEWEST_KEPT, "for training"),
        (reserved, _FEWEST_RESERVED, "to reserve"),
    ):
        if scored[rows].sum() < fewest:
            raise ValueError(
                f"distribution_gap needs at least {fewest} rows {what}, with a target and a weight "
                f"above zero. Received: {int(scored[rows].sum())} such rows of {n_rows} with "
                f"share={share}. Pass another share, or more rows."
            )
    return kept, reserved


def _can_stratify(strata, share) -> bool:
    counts = np.unique(strata, return_counts=True)[1]
    return counts.min() >= 2 and min(share, 1 - share) * len(strata) >= len(counts)


def _cv_of_rows(cv, kept, n_rows):
    """Return a cv of row numbers for the kept rows; other kinds of cv are unchanged."""
    if isinstance(cv, PredefinedSplit):
        return PredefinedSplit(cv.test_fold[kept])
    if not isinstance(cv, list | tuple):
        return cv
    position = np.full(n_rows, -1)
    position[kept] = np.arange(len(kept))
    pairs = [[position[np.asarray(part)] for part in pair] for pair in cv]
    return [tuple(part[part >= 0] for part in pair) for pair in pairs]


def _matrix(features) -> np.ndarray:
    """Return features as float64 of shape (n_rows, n_features)."""
    features = features.toarray() if hasattr(features, "toarray") else features
    features = np.asarray(features, dtype=np.float64)
    return features.reshape(len(features), -1)


def _names(fitted, n_features: int) -> list[str]:
    if hasattr(fitted, "get_feature_names_out"):
        return [str(name) for name in fitted.get_feature_names_out()]
    return [f"x{number}" for number in range(n_features)]


def ensemble_of(fitted, plan) -> str | None:
    """Return what an encoder uses for new rows, "mean" or "refit"; None if it has no choice."""
    ensemble = getattr(fitted, "ensemble", None)
    if ensemble == "auto":
        return "refit" if plan is not None and plan.ordered else "mean"
    return ensemble


def _reading(line, ensemble: str | None) -> str:
    """Explain the last measure in one line."""
    _, measure, out_of_fold, new, difference, p_value = line
    what = (
        f"{measure} of a shallow tree: {out_of_fold:.3f} on out-of-fold rows, {new:.3f} on new "
        f"rows (p = {p_value:.2g})"
    )
    if p_value >= _CHANCE:
        return f"{what}: no significant difference."
    if difference > 0:
        return f"{what}: new rows score better."
    other = {"mean": "refit", "refit": "mean"}.get(ensemble)
    if other is None:
        return f"{what}: new rows score worse."
    return (
        f'{what}: new rows score worse, ensemble="{other}" may be better than "{ensemble}"; '
        "compare both on test rows."
    )
