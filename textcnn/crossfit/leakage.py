"""A test of any transformer: its training features must not reveal their targets."""

from __future__ import annotations

import inspect
import numbers
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from textcnn.crossfit import leakage_statistics as statistics
from textcnn.crossfit.leakage_limits import (
    equal_row_numbers,
    fold_level_finding,
    fold_level_warnings,
    not_tested,
)
from textcnn.crossfit.leakage_rows import findings_of_rows
from textcnn.crossfit.leakage_scores import Finding, Repeat, target_scores
from textcnn.crossfit.leakage_statistics import LEVEL
from textcnn.crossfit.rows import read_groups
from textcnn.crossfit.shuffling import Shuffler
from textcnn.crossfit.target_reading import read_target
from textcnn.utils.frames import library_of

_FRESH_SHARE = 0.25
_FEWEST_TRAIN, _FEWEST_FRESH, _FEWEST_GROUPS = 20, 10, 6
# Purposes of seeds.
_SPLIT, _LABELS, _NULL = range(3)


@dataclass
class LeakageResult:
    """Result of :func:`leakage_test`.

    Attributes
    ----------
    leaks : bool
        Whether any finding is outside the range of unbiased features.
    findings : list of Finding
        ``name``, ``score``, ``expected``, the range ``low`` to ``high``, ``leaks``, ``detail`` and
        the score of each repeat (``repeats``).
    level : float
        Approximate probability that unbiased features fail the test.
    n_repeats : int
    not_tested : list of str
        Leaks that these findings cannot detect.
    """

    leaks: bool
    findings: list[Finding]
    level: float
    n_repeats: int
    not_tested: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return result and findings as text."""
        guilty = [finding for finding in self.findings if finding.leaks]
        if guilty:
            verdict = "LEAK: training features reveal their targets."
        else:
            verdict = (
                "No leak found. Leaks within the ranges below cannot be detected; more rows or "
                "repeats narrow the ranges."
            )
        lines = [verdict, f"{self.n_repeats} fits on shuffled targets, level {self.level:.0%}."]
        lines += [str(finding) for finding in self.findings]
        lines += [f"not tested: {line}" for line in self.not_tested]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the findings, one line each."""
        names = ("name", "score", "expected", "low", "high", "leaks", "detail")
        return pd.DataFrame(
            [{name: getattr(finding, name) for name in names} for finding in self.findings]
        )


def leakage_test(
    encoder,
    X,
    y,
    *,
    groups=None,
    fit_params: dict | None = None,
    n_repeats: int = 20,
    random_state: int = 0,
    n_fresh: int | float | None = None,
    target_type: str = "auto",
) -> LeakageResult:
    """Fit a transformer on shuffled targets and check whether its features reveal them.

    Shuffled targets are independent of X. If features of training rows from ``fit_transform``
    predict them nevertheless, the encoder leaks the targets. In each repeat a clone of the encoder
    is fitted on newly shuffled targets, with the rows in random order. The findings:

    ``association``
        Does a feature rank the training rows by their shuffled target? ROC AUC per feature (rank
        correlation for numbers; one class against the rest for several), two-sided. The ranks are
        those among the features of the *other* repeats: within the same repeat, unbiased
        out-of-fold features have an AUC below 0.5, because every target changes the features of
        the other folds, and with enough repeats ``TargetEncoder`` would fail. If the fitted
        encoder has a fold plan (``_plan``), rows are compared within its folds.
    ``level of the folds``
        Are the mean ranks of folds associated with their mean targets? Two-sided, and only if the
        fold plan is known: ``association`` compares rows within folds, which hides the base rate
        of a fold model.
    ``tree``
        Does a tree of depth 3, trained on features and targets of the other repeats, predict the
        targets of this one? One-sided. Detects base rates, copies and marks that no ranking shows.
    ``tree within a fold``
        Does a tree of full depth, trained on some rows of a fold, predict the targets of its other
        rows? One-sided, and only if the fold plan is known. Detects leaks whose form or sign
        differs between fits; unbiased features are exactly as good as chance.
    ``tree within a fit``, ``certain rows within a fit``
        The same for any transformer: trained on four fifths of the training rows of a repeat (whole
        groups if there are groups), scored on the rest, and on the twentieth of it where the tree
        is most certain. One-sided. Detects leave-one-out means, and copies in few rows.
    ``train against fresh``
        Is a linear model, trained in the same way, better on the remaining training rows than on
        fresh rows, whose features come from ``transform``? One-sided. Detects small leaks in many
        features.
    ``neighbouring rows``
        Is a feature associated with the target of the row before or after? Targets of other rows
        are no leak if targets are independent, but they are in a sorted table.
    ``equal rows``
        Is a feature lower (or higher) where the target is, in nearly all pairs of rows with equal
        X? Then it reveals the target together with X, as a leave-one-out mean does with its
        category.
    ``FoldLevelWarning``
        Did most fits issue this warning, so that features reveal their fold or held-out copies?

    The ranges of unbiased features come from shuffling the targets once more against the same
    features, widened by the differences between repeats: unbiased features vary more than
    independent ones, because each target influences the features of other rows. All ranges shrink
    with the number of repeats. But those of the findings within a fit have a margin that does not
    shrink, because this influence makes unbiased features slightly better than chance there; a
    transformer that reports its folds has ``tree within a fold`` without such a margin. All
    findings share a level of 1 % (Bonferroni; ``association`` also over features and classes);
    ``equal rows`` and ``FoldLevelWarning`` fail only where the leak is certain.

    Without groups single targets are permuted. With groups, whole groups exchange targets: each
    group gets those of another, truncated or repeated to its own size, in random order. So X has no
    information about the targets of its group, rows of a group are as similar in their targets as
    before, and an encoder that is trained on other rows of a group fails. (Shuffling within groups
    would keep the base rates of groups, which an unbiased encoder could predict from X; shuffling
    rows over all groups would remove the similarity by which groups leak.)

    Cost: ``n_repeats`` fits of the encoder on three quarters of the rows, and its features of
    all repeats in memory (``n_repeats`` × rows × features × 8 bytes); sparse features are converted
    to dense ones.

    Parameters
    ----------
    encoder : transformer
        Any scikit-learn transformer or pipeline of them with ``fit_transform`` and ``transform``.
        It is cloned and never fitted itself.
    X : array, DataFrame or list, of n_rows rows
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        Missing targets stay missing; those rows are not scored.
    groups : array-like of shape (n_rows,), default=None
        Groups of rows that must be kept in the same fold. Passed to ``fit_transform`` if it has a
        parameter ``groups``; for pipelines also pass ``fit_params={"step__groups": groups}``.
    fit_params : dict, default=None
        More arguments of ``fit_transform``. Arguments with one entry per row are split like X.
    n_repeats : int, default=20
        At least 2: a single repeat cannot distinguish a leak from chance. A target copied into 5 %
        of 1,000 rows is found with 20 repeats, mostly with 10, rarely with 4; large leaks, such as
        ``fit(X, y).transform(X)`` of a forest, with 2.
    random_state : int, default=0
        Seed of the shuffles. The encoder keeps its own ``random_state``.
    n_fresh : int, float or None, default=None
        Number (or share) of rows that the encoder is not fitted on; with groups about this
        share of the groups. None is a quarter.
    target_type : str, default="auto"
        Type of y, as in :func:`~textcnn.crossfit.read_target`.

    Returns
    -------
    LeakageResult
        ``leaks`` is the result of the test; print it for the findings.

    Raises
    ------
    ValueError
        If ``n_repeats`` is below 2, there are too few rows or groups, or features are not numbers
        or differ in number between repeats.
    TypeError
        If the encoder lacks ``fit_transform`` or ``transform``.

    Notes
    -----
    Only the shuffled targets are tested. Features that use later rows, and targets in other columns
    of X, are not detected; ``not_tested`` lists what these findings cannot see.

    Features that contain the *base rate* of each fold model reveal the mean target of its held-out
    rows. With folds of whole groups that differ in their base rates a tree can use this leak, and
    the test fails, although no model was trained on a row that it predicted. Stratified folds do
    not have this leak, nor do features without the base rate, such as those of textcnn.

    The result is reproducible if the encoder is.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from textcnn.crossfit.leakage import leakage_test
    >>> random = np.random.default_rng(0)
    >>> X, y = random.normal(size=(200, 30)), random.integers(0, 2, 200)
    >>> leakage_test(LinearDiscriminantAnalysis(), X, y).leaks  # fit and transform on the same rows
    True
    """
    _check_arguments(encoder, n_repeats)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    target = read_target(y, target_type=target_type, n_rows=n_rows)
    codes = read_groups(groups, n_rows)
    split_seed, label_seed, null_seed = (
        np.random.SeedSequence([random_state, use]) for use in (_SPLIT, _LABELS, _NULL)
    )
    train, fresh = _split(target, codes, n_fresh, split_seed)
    # In random order, so that features of neighbouring rows can be told from those of similar ones.
    train = np.random.default_rng(split_seed.spawn(1)[0]).permutation(train)
    params = fit_params_of(encoder, groups, fit_params)
    params = {name: _of_rows(value, n_rows, train) for name, value in params.items()}
    scores = target_scores(target)
    cells = _cells(y)
    shufflers = [Shuffler(target, codes, rows) for rows in (train, fresh)]
    X_train, X_fresh = take_rows(X, train), take_rows(X, fresh)
    repeats, n_warned = [], []
    for number, seed in enumerate(label_seed.spawn(n_repeats), start=1):
        rng = np.random.default_rng(seed)
        sources = [shuffler.draw_for_fit(rng) for shuffler in shufflers]
        fitted = clone(encoder)
        try:
            with fold_level_warnings(n_warned):
                train_features = _matrix(fitted.fit_transform(X_train, cells[sources[0]], **params))
            fresh_features = _matrix(fitted.transform(X_fresh))
        except Exception as error:
            error.add_note(f"in repeat {number} of {n_repeats} of the leakage test")
            raise
        _check_features(train_features, fresh_features, len(train), len(fresh), repeats)
        repeats.append(
            Repeat(
                train_features,
                fresh_features,
                scores[sources[0]],
                scores[sources[1]],
                _own_folds(fitted, len(train)),
            )
        )
    null = np.random.default_rng(null_seed)
    trial = statistics.Trial(
        repeats,
        scores=scores,
        shufflers=shufflers,
        groups=None if codes is None else codes[train],
        is_regression=target.is_regression,
        random=null,
    )
    equal = equal_row_numbers(X_train)
    findings = [*trial.across_repeats(), *trial.within_fits(), *findings_of_rows(trial, equal)]
    if n_warned:
        findings.append(fold_level_finding(len(n_warned), n_repeats))
    limits = not_tested(repeats, codes, equal, {finding.name for finding in findings})
    return LeakageResult(any(f.leaks for f in findings), findings, LEVEL, n_repeats, limits)


def take_rows(values, rows: np.ndarray):
    """Return some rows of an array, frame, sparse matrix or list, in the same container."""
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if hasattr(values, "take") and library_of(values) == "pyarrow":
        return values.take(rows)
    if isinstance(values, list | tuple):
        return [values[row] for row in rows]
    return values[rows]


def _check_arguments(encoder, n_repeats) -> None:
    if not isinstance(n_repeats, numbers.Integral) or n_repeats < 2:
        raise ValueError(
            "n_repeats must be an integer of at least 2: a single repeat cannot distinguish a leak "
            f"from chance. Received: n_repeats={n_repeats!r}. The default is 20."
        )
    for method in ("fit_transform", "transform"):
        if not hasattr(encoder, method):
            raise TypeError(
                "leakage_test needs a transformer with fit_transform and transform. Received: "
                f"{type(encoder).__name__}, which has no {method}."
            )


def _split(target, groups, n_fresh, seed) -> tuple[np.ndarray, np.ndarray]:
    """Return training and held-out rows, ascending; whole groups, or stratified by class."""
    n_rows = len(target.labelled)
    share = _FRESH_SHARE if n_fresh is None else n_fresh
    share = share / n_rows if isinstance(share, numbers.Integral) else share
    if not 0 < share < 1:
        raise ValueError(
            "n_fresh must be a number of rows, or a share between 0 and 1. "
            f"Received: n_fresh={n_fresh!r} and {n_rows} rows."
        )
    state = int(seed.generate_state(1)[0])
    strata = target.codes()
    if groups is not None:
        n_groups = len(np.unique(groups[target.labelled]))
        if n_groups < _FEWEST_GROUPS:
            raise ValueError(
                f"leakage_test needs at least {_FEWEST_GROUPS} groups with targets, because groups "
                f"exchange targets. Received: {n_groups}."
            )
        splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=state)
        strata = None
    elif strata is not None and _can_stratify(strata, share):
        splitter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=state)
    else:
        splitter = ShuffleSplit(n_splits=1, test_size=share, random_state=state)
    train, fresh = next(splitter.split(np.zeros(n_rows), strata, groups))
    for rows, fewest, what in (
        (train, _FEWEST_TRAIN, "for training"),
        (fresh, _FEWEST_FRESH, "held out (n_fresh)"),
    ):
        n_labelled = int(target.labelled[rows].sum())
        if n_labelled < fewest:
            raise ValueError(
                f"leakage_test needs at least {fewest} rows with a target {what}. "
                f"Received: {n_labelled} of {n_rows} rows."
            )
    return np.sort(train), np.sort(fresh)


def _can_stratify(strata, share) -> bool:
    counts = np.unique(strata, return_counts=True)[1]
    return counts.min() >= 2 and min(share, 1 - share) * len(strata) >= len(counts)


def fit_params_of(encoder, groups, fit_params) -> dict:
    """Return the arguments of fit_transform, with groups if it has a parameter for them."""
    params = dict(fit_params or {})
    if groups is not None and "groups" in inspect.signature(encoder.fit_transform).parameters:
        params.setdefault("groups", groups)
    return params


def _of_rows(value, n_rows: int, rows):
    """Return an argument for some rows, if it has one entry per row."""
    by_row = hasattr(value, "__len__") and not isinstance(value, str | bytes | dict)
    return take_rows(value, rows) if by_row and len(value) == n_rows else value


def _cells(y) -> np.ndarray:
    """Return y as an array that can be indexed by shuffled row numbers."""
    if hasattr(y, "to_numpy"):
        return np.asarray(y.to_numpy())
    if hasattr(y, "toarray"):
        return y.toarray()
    return np.asarray(y)


def _matrix(features) -> np.ndarray:
    """Return features as float64 of shape (n_rows, n_features)."""
    if issparse(features):
        features = features.toarray()
    try:
        features = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "leakage_test needs features that are numbers. Add an encoder of the other columns "
            f"after the transformer, or omit these columns. Received: {error}"
        ) from error
    return features.reshape(len(features), -1)


def _check_features(train_features, fresh_features, n_train, n_fresh, repeats) -> None:
    width = repeats[0].train_features.shape[1] if repeats else train_features.shape[1]
    shapes = (train_features.shape, fresh_features.shape)
    if width == 0 or shapes != ((n_train, width), (n_fresh, width)):
        raise ValueError(
            f"Features of {n_train} training rows and {n_fresh} fresh rows: expected at least one, "
            "and the same number in every repeat. "
            f"Received: shapes {shapes[0]} and {shapes[1]}, {width} feature(s) in the first repeat."
        )


def _own_folds(fitted, n_rows) -> list[np.ndarray] | None:
    """Return the rows that each model of the encoder's fold plan predicts, if it has one."""
    plan = getattr(fitted, "_plan", None)
    assignments = getattr(plan, "assignments", None)
    if not assignments or getattr(plan, "n_rows", None) != n_rows:
        return None
    return [assignment.predict for assignment in assignments]
