"""Leak checks for every encoder and every host; each works with any transformer."""

from __future__ import annotations

import copy
import os

import numpy as np
import pandas as pd
import pytest
from inside import plan_of
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from textcnn import TextCNNEncoder

WORDS = np.array(
    """good bad fine poor film plot cast scene music story long short warm cold loud quiet slow
    fast bright dark sweet bitter heavy light early late north south river stone paper glass
    """.split()
)


def contract_checks(estimators, expected_failures):
    """Return scikit-learn's checks of estimators for ``pytest.mark.parametrize``.

    ``expected_failures`` has, per name of a class, the checks that must fail and why. Left out is
    the one check that skips itself: of decision values, where predictions are probabilities alone.
    """
    parameters = []
    for estimator in estimators:
        name = type(estimator).__name__
        failures = expected_failures.get(name, {})
        for made, check in estimator_checks_generator(estimator, legacy=True):
            function = check.func.__name__
            if function.endswith("decision_function") and not hasattr(made, "decision_function"):
                continue
            marks = []
            if function in failures:
                marks = [pytest.mark.xfail(reason=failures[function], strict=True)]
            given = {key: value for key, value in check.keywords.items() if key != "name"}
            shown = "".join(f"-{key}={value}" for key, value in given.items())
            parameters.append(
                pytest.param(made, check, marks=marks, id=f"{name}-{function}{shown}")
            )
    return parameters


# scikit-learn's checks give arrays of numbers, some of which are sorted by y.
numbers_as_texts = pytest.mark.filterwarnings(
    "ignore:X is a table of numbers", "ignore:Column .* of X determines y"
)


def tiny(**changes) -> TextCNNEncoder:
    """Return an encoder that fits in a second; it learns little."""
    settings = {"epochs": 1, "cv": 3, "random_state": 0, "n_networks": 1}
    network = changes.get("network")
    if not callable(network):
        settings["n_filters"] = 2
    if network is None:
        settings["kernel_sizes"] = (2,)
    return TextCNNEncoder(**(settings | changes))


def n_threads() -> int:
    """Return how many threads TensorFlow takes for an operation in this process."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0")) or os.cpu_count()


def noise_table(n_rows: int, seed: int, n_words: int = 6) -> tuple[pd.DataFrame, np.ndarray]:
    """Return texts, and a 0/1 target that is independent of them."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, n_words)) for _ in range(n_rows)]
    return pd.DataFrame({"review": texts}), random.integers(0, 2, n_rows)


def signal_table(n_rows: int, seed: int, n_classes: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """Return text with one telling word per row, and its class (some labels are wrong)."""
    random = np.random.default_rng(seed)
    telling = np.array(["good", "bad", "fine", "poor"])[:n_classes]
    y = random.integers(0, n_classes, n_rows)
    texts = []
    for label in y:
        words = list(random.choice(WORDS[4:], 5))
        words.insert(int(random.integers(0, 6)), telling[label])
        texts.append(" ".join(words))
    wrong = random.random(n_rows) < 0.1
    return pd.DataFrame({"review": texts}), np.where(
        wrong, random.integers(0, n_classes, n_rows), y
    )


def within_fold_auc(feature: np.ndarray, y: np.ndarray, folds) -> float:
    """Return the mean AUC within folds; the pooled AUC of out-of-fold noise is below 0.5."""
    return float(np.mean([roc_auc_score(y[test], feature[test]) for _, test in folds]))


def permutation_interval(feature, y, folds, *, n_permutations: int = 400, seed: int = 0):
    """Return the central 99.8 % of the within-fold AUC when y is shuffled inside each fold."""
    random = np.random.default_rng(seed)
    tests = [test for _, test in folds]
    ranks = [rankdata(feature[test]) for test in tests]
    scores = np.empty((n_permutations, len(tests)))
    for line in scores:
        for number, test in enumerate(tests):
            line[number] = auc_of_ranks(ranks[number], random.permutation(y[test]))
    return tuple(np.quantile(scores.mean(axis=1), [0.001, 0.999]))


def auc_of_ranks(ranks: np.ndarray, y: np.ndarray) -> float:
    """Return the AUC of a feature of these ranks: Mann and Whitney's count of ordered pairs."""
    is_positive = y == y.max()
    n_positive = is_positive.sum()
    pairs = ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2
    return pairs / (n_positive * (len(y) - n_positive))


def check_noise(fit_transform, folds, X, y) -> float:
    """Assert that features of noise predict nothing within folds; return the AUC.

    ``fit_transform(X, y)`` returns one feature per row, made with ``folds``.
    """
    feature = np.asarray(fit_transform(X, y), float).reshape(len(y), -1)[:, 0]
    assert np.isfinite(feature).all()
    assert np.ptp(feature) > 0, "a constant feature would pass any noise test"
    low, high = permutation_interval(feature, y, folds)
    score = within_fold_auc(feature, y, folds)
    assert low <= score <= high, f"noise gives AUC {score:.3f}, outside {low:.3f}-{high:.3f}"
    return score


def downstream() -> HistGradientBoostingClassifier:
    """Return trees that take the features of an encoder."""
    return HistGradientBoostingClassifier(max_iter=20, max_depth=3, random_state=0)


def scores_of_grouped_splits(encoder, X, y, groups) -> pd.DataFrame:
    """Return the AUC of splits that keep groups together and of splits that ignore them.

    There is one of a pipeline of encoder and trees, and one of the encoder's own report.
    """
    scores = pd.DataFrame(index=["ignored", "kept"], columns=["pipeline", "report"], dtype=float)
    for name, kind in (("ignored", StratifiedKFold), ("kept", StratifiedGroupKFold)):
        splitter = kind(3, shuffle=True, random_state=0)
        pipeline = make_pipeline(copy.deepcopy(encoder).set_params(cv=splitter), downstream())
        params = {"groups": groups} if name == "kept" else {}
        with config_context(enable_metadata_routing=True):
            scores.loc[name, "pipeline"] = cross_val_score(
                pipeline, X, y, cv=splitter, scoring="roc_auc", params=params
            ).mean()
            pipeline.fit(X, y, **params)
        scores.loc[name, "report"] = pipeline[0].report_.verify().summary["score"].iloc[0]
    return scores


def check_exact_influence(encoder, X, y, folds, change) -> np.ndarray:
    """Assert that the targets of a fold's held-out rows do not affect those rows' features.

    ``change(y, rows)`` returns a copy of y with other targets in these rows, the same set of
    classes and the same kind of target. Returned are the features of y itself.
    """
    before = np.asarray(copy.deepcopy(encoder).set_params(cv=folds).fit_transform(X, y))
    for _, held_out in folds:
        changed = change(y, held_out)
        assert not np.array_equal(changed[held_out], y[held_out])
        after = np.asarray(copy.deepcopy(encoder).set_params(cv=folds).fit_transform(X, changed))
        np.testing.assert_array_equal(after[held_out], before[held_out])
        others = np.setdiff1d(np.arange(len(y)), held_out)
        assert not np.array_equal(after[others], before[others]), "the change must matter elsewhere"
    return before


def check_fed_rows(encoder, folds) -> None:
    """Assert, by the recorded rows, that no model predicted a row that it was trained on."""
    encoder.report_.verify()
    for record in encoder.report_.columns:
        predicted = np.concatenate([fed["predict"] for fed in record.fed])
        assert np.array_equal(
            np.unique(predicted), np.unique(np.concatenate([t for _, t in folds]))
        )
        for fed in record.fed:
            assert len(fed["learn"])
            assert not np.intersect1d(fed["predict"], np.union1d(fed["learn"], fed["stop"])).size


def check_unseen_targets(encoder, X, y, row: int, change, **fit_params) -> None:
    """Assert that a row's features ignore all targets that its models must not see.

    Those are the targets of the row itself, of its group, of rows that are not earlier (in time
    order), and of rows that are training rows of none of the models that predict it.
    ``change(y, rows)`` is as for :func:`check_exact_influence`; the splits of ``encoder.cv`` must
    not depend on y.
    """
    encoder = copy.deepcopy(encoder)
    before = np.asarray(encoder.fit_transform(X, y, **fit_params))
    plan = plan_of(encoder)
    covered = plan.n_predictions > 0
    assert np.isfinite(before[covered]).all(), "every predicted row has a finite feature"
    assert np.isnan(before[~covered]).all()
    encoder.report_.verify()
    row = np.flatnonzero(covered)[row % covered.sum()]
    known = [
        np.union1d(assignment.learn, assignment.stop)
        for assignment in plan.assignments
        if row in assignment.predict
    ]
    unseen = ~np.isin(np.arange(len(X)), np.concatenate(known))
    unseen[row] = True
    if plan.groups is not None:
        unseen |= plan.groups == plan.groups[row]
    if plan.ordered:
        unseen |= plan.time >= plan.time[row]
    unseen = np.flatnonzero(unseen & plan.labelled)
    changed = change(y, unseen)
    assert not np.array_equal(changed, y, equal_nan=True)
    again = copy.deepcopy(encoder)
    after = np.asarray(again.fit_transform(X, changed, **fit_params))
    for assignment, same in zip(plan.assignments, plan_of(again).assignments, strict=True):
        np.testing.assert_array_equal(assignment.predict, same.predict)
        if row in assignment.predict:  # other models may set other rows aside for validation
            np.testing.assert_array_equal(assignment.learn, same.learn)
    np.testing.assert_array_equal(after[row], before[row])
    if any(np.isin(unseen, assignment.learn).any() for assignment in plan.assignments):
        assert not np.array_equal(after, before, equal_nan=True), "the change must matter elsewhere"
