"""Keep a fit within a share of the host's time limit, estimated by trial fits."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from textcnn.crossfit import read_target
from textcnn.text_linear import TextLinearEncoder

TRIAL_ROWS = 256
TRIAL_FOLDS = 2
# Parameters that the linear encoder has too.
_SHARED_PARAMETERS = (
    "cv",
    "ensemble",
    "target_type",
    "output",
    "uncovered",
    "unlabelled",
    "missing_class",
    "n_jobs",
    "random_state",
)


class TimeLimitWarning(UserWarning):
    """Fewer epochs or a simpler model was fitted, because of the host's time limit."""


@dataclass
class Fit:
    """A fitted encoder and the out-of-fold features of its rows."""

    encoder: Any
    features: np.ndarray
    cut_to: float | None = None  # time limit in seconds that shortened it


def check_time_share(time_share) -> None:
    """Check ``time_share``."""
    is_number = isinstance(time_share, int | float) and not isinstance(time_share, bool)
    if time_share is not None and not (is_number and 0 < time_share <= 1):
        raise ValueError(
            "time_share must be above 0 and at most 1, or None for no limit. "
            f"Received: time_share={time_share!r}."
        )


def fit_in_time(encoder, X, y, budget: float | None, **fit_params) -> Fit:
    """Fit an encoder, with fewer epochs or linear models if time is short.

    Two trial fits on at most 256 rows estimate the time of a full fit: the first the time of the
    set-up, the second the time of an epoch. An encoder with a ``time_limit`` parameter gets the
    budget, without trial fits. Linear models are always fitted, even if time is too short.

    Parameters
    ----------
    encoder : transformer
        Unfitted.
    X, y : DataFrame and Series
    budget : float or None
        Seconds.
    **fit_params
        Further arguments of ``fit_transform``.

    Returns
    -------
    Fit

    Warns
    -----
    TimeLimitWarning
        If fewer epochs or linear models are fitted.
    """
    cut_to = None
    parameters = encoder.get_params(deep=False)
    if budget is not None and "time_limit" in parameters:
        encoder.set_params(time_limit=budget)
        cut_to = budget
    elif budget is not None and "epochs" in parameters:
        encoder, is_cut = _affordable(encoder, X, y, budget, fit_params.get("groups"))
        cut_to = budget if is_cut else None
    return Fit(encoder, np.asarray(encoder.fit_transform(X, y, **fit_params)), cut_to)


def _affordable(encoder, X, y, budget: float, groups):
    """Return the encoder to fit, and whether it was reduced."""
    started = time.perf_counter()
    once, per_row = _trial_seconds(encoder, X)
    left = budget - (time.perf_counter() - started) - once
    epoch = _n_models(encoder, X, y, groups) * X.shape[1] * len(X) * per_row
    wanted = _epochs(encoder, y)
    if wanted * epoch <= left:
        return encoder, False
    affordable = int(left // epoch)
    if affordable >= 1:
        warnings.warn(
            f"{wanted:.3g} epochs would take about {wanted * epoch:.0f} s, but {max(left, 0):.0f} "
            f"s are left of this step's share of the host's time limit. Fitting {affordable} "
            "epochs. Give the host more time, or increase time_share.",
            TimeLimitWarning,
            stacklevel=5,
        )
        return clone(encoder).set_params(epochs=affordable), True
    warnings.warn(
        f"One epoch would take about {epoch:.0f} s, but {max(left, 0):.0f} s are left of this "
        "step's share of the host's time limit. Fitting TextLinearEncoder instead. Give the host "
        "more time, or increase time_share.",
        TimeLimitWarning,
        stacklevel=5,
    )
    parameters = encoder.get_params(deep=False)
    shared = {name: parameters[name] for name in _SHARED_PARAMETERS if name in parameters}
    return TextLinearEncoder(**shared), True


def _trial_seconds(encoder, X) -> tuple[float, float]:
    """Return seconds for the set-up, and seconds per row, model and epoch."""
    random = np.random.default_rng(0)
    n_rows = min(TRIAL_ROWS, len(X))
    rows = X.iloc[random.permutation(len(X))[:n_rows], :1]
    # Random targets: the time of an epoch does not depend on them.
    changes = {
        "cv": TRIAL_FOLDS,
        "epochs": 1,
        "target_type": "continuous",
        "loss": "auto",
        "class_weight": None,
        "label_smoothing": 0.0,
        "output": "proba",
        "early_stopping": False,
        "ensemble": "mean",
        "random_state": 0,
    }
    known = encoder.get_params(deep=False)
    trial = clone(encoder).set_params(**{k: v for k, v in changes.items() if k in known})
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        clone(trial).fit_transform(rows, random.normal(size=n_rows))
        seconds.append(time.perf_counter() - started)
    # Each model is trained on half of the rows.
    return max(seconds[0] - seconds[1], 0.0), seconds[1] / (TRIAL_FOLDS * n_rows / 2)


def _n_models(encoder, X, y, groups) -> int:
    """Return the number of models per column."""
    parameters = encoder.get_params(deep=False)
    cv = parameters["cv"]
    if hasattr(cv, "get_n_splits"):
        n_splits = cv.get_n_splits(X, y, groups)
    else:
        n_splits = cv if isinstance(cv, int) else len(cv)
    return n_splits + (parameters["ensemble"] == "refit")


def _epochs(encoder, y) -> float:
    """Return the number of epochs of a fit."""
    parameters = encoder.get_params(deep=False)
    if parameters["epochs"] != "auto":
        return float(parameters["epochs"])
    target = read_target(y, target_type=parameters["target_type"], n_rows=len(y))
    training = encoder._learner().training
    return training.automatic_updates(len(y), target) * training.batch_size / len(y)
