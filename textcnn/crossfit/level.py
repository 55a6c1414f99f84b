"""Base rate of a target over some rows: prior, mean and standard deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Level:
    """Base rate of the target in the training rows of one fold model.

    Attributes
    ----------
    offset : ndarray of shape (n_outputs,), float32
        Added to the raw output during training: the logit of the prior (binary,
        multilabel), the centred logarithm of the priors (multiclass), the logarithm of the mean
        (Poisson), else 0.
    centre : ndarray of shape (n_outputs,), float64
        Subtracted from y: the weighted mean of the training rows (their weighted median for
        ``loss="absolute"``, which minimises that loss); 0 for classes and Poisson.
    scale : ndarray of shape (n_outputs,), float64
        Divisor of y: the weighted standard deviation, 1 if y is constant; 1 for
        classes and Poisson.
    unit : ndarray of shape (n_outputs,) or None
        Factor of raw outputs in features of numbers: 1, so that they do not reveal the scale of
        the training targets. None in files of former versions, where it was ``scale``.
    mean_output : ndarray of shape (n_outputs,), float32, or None
        Mean raw output of a network for new rows, which is subtracted from its features: with its
        training rows, a network also learns a part of their base rate. None for other models.
    """

    offset: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    unit: np.ndarray | None = None
    mean_output: np.ndarray | None = None

    @property
    def feature_unit(self) -> np.ndarray:
        """Factor of raw outputs in features of numbers."""
        return self.scale if self.unit is None else self.unit

    @property
    def neutral(self) -> np.ndarray:
        """Raw output that is subtracted from features: the mean output, or zero."""
        return np.zeros(1, np.float32) if self.mean_output is None else self.mean_output


def inside(prior: np.ndarray, half: float) -> np.ndarray:
    """Clip priors of exactly 0 and 1 to values between."""
    return np.where(prior <= 0, half, np.where(prior >= 1, 1 - half, prior))


def centre_and_scale(values, weights, *, median: bool) -> tuple[float, float]:
    """Return the weighted mean (or median) and standard deviation, 1 for constant values."""
    share = weights / weights.sum()
    mean = float(share @ values)
    deviation = values - mean
    largest = np.abs(deviation).max()
    constant = largest <= 10 * np.finfo(np.float64).eps * np.abs(values).max()
    # Divided by the largest value, so that squares cannot overflow.
    scale = 1.0 if constant else float(largest * np.sqrt(share @ (deviation / largest) ** 2))
    if median:
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(share[order])
        middle = np.searchsorted(reached, 0.5 * reached[-1])
        mean = float(values[order][middle])
    return mean, scale
