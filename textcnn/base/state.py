"""Fitted state: each class declares its fields, and a successful fit sets them all at once.

Until then a fit keeps everything in local variables, so a fit that fails or is interrupted does not
change the estimator.
"""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

# Attributes that reading X sets on an estimator; ``feature_names_in_`` only if X has names.
INPUT_FIELDS = {"n_features_in_": int, "feature_names_in_": np.ndarray}


def read_input(estimator, X) -> tuple[list, dict]:
    """Return the columns of X, and the attributes against which later X are checked."""
    probe = copy.copy(estimator)
    for name in INPUT_FIELDS:
        vars(probe).pop(name, None)
    columns = estimator._read_columns(probe, X, reset=True)
    return columns, {name: vars(probe)[name] for name in INPUT_FIELDS if name in vars(probe)}


def set_fitted(estimator, fitted: dict) -> None:
    """Replace the fitted attributes of an earlier fit by those of this one."""
    for name in estimator._fitted_fields:
        vars(estimator).pop(name, None)
    vars(estimator).update(fitted)


def input_names(estimator, input_features) -> list[str]:
    """Return the input names of a fitted estimator, checked against those seen in fit."""
    seen = getattr(estimator, "feature_names_in_", None)
    n_features = estimator.n_features_in_
    if input_features is None:
        return [f"x{i}" for i in range(n_features)] if seen is None else list(seen)
    names = list(input_features)
    if seen is not None and names != list(seen):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(names) != n_features:
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({n_features}), got {len(names)}"
        )
    return names


def _history(estimator) -> pd.DataFrame:
    """Losses per column, model and epoch: one row each, built on access."""
    check_is_fitted(estimator)
    return pd.DataFrame(estimator._history)


def _vocabulary_report(estimator) -> pd.DataFrame:
    """Per column: how many words and tokens have a pretrained vector, and the bytes kept."""
    check_is_fitted(estimator)
    lines = [
        {"column": name, **reader.report}
        for network, *_ in estimator._model_sets
        for name, reader in zip(network.names, network.readers, strict=True)
    ]
    return pd.DataFrame(lines).set_index("column")


# Attributes of classes that train networks, and of those that read words.
history = property(_history)
vocabulary_report = property(_vocabulary_report)
