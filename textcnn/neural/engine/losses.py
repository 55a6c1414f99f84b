"""Losses of raw outputs and their gradients in NumPy, as in ``heads.keras_loss``."""

from __future__ import annotations

import numpy as np


def loss_and_slopes(
    loss: str, raw: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the weighted mean loss of a batch, and its gradient for the raw outputs.

    Parameters
    ----------
    loss : str
        One of ``heads.LOSSES``.
    raw, targets : ndarray of float32, shape (n_rows, n_outputs)
    weights : ndarray of float32, shape (n_rows,)
        The sum of weighted losses is divided by the number of rows, as in Keras.
    """
    values, slopes = _LOSSES[loss](raw, targets)
    shares = weights / np.float32(len(weights))
    return float(values @ shares), slopes * shares[:, None]


def _binary_crossentropy(raw, targets):
    small = np.exp(-np.abs(raw))
    values = np.maximum(raw, 0) - raw * targets + np.log1p(small)
    odds = np.where(raw >= 0, np.float32(1), small) / (1 + small)
    return values.mean(axis=1), (odds - targets) / np.float32(raw.shape[1])


def _categorical_crossentropy(raw, targets):
    raw = raw - raw.max(axis=1, keepdims=True)
    powers = np.exp(raw)
    totals = powers.sum(axis=1, keepdims=True)
    values = (targets * (np.log(totals) - raw)).sum(axis=1)
    return values, powers / totals - targets


def _squared(raw, targets):
    differences = raw - targets
    n_outputs = np.float32(raw.shape[1])
    return (differences**2).mean(axis=1), np.float32(2) * differences / n_outputs


def _absolute(raw, targets):
    differences = raw - targets
    return np.abs(differences).mean(axis=1), np.sign(differences) / np.float32(raw.shape[1])


def _poisson(raw, targets):
    rates = np.exp(raw)
    return (rates - targets * raw).mean(axis=1), (rates - targets) / np.float32(raw.shape[1])


_LOSSES = {
    "absolute": _absolute,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "poisson": _poisson,
    "squared": _squared,
}
