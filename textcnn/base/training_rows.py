"""Recognises training rows that are given to ``transform``: the commonest leak of all."""

from __future__ import annotations

import warnings

import numpy as np

FEWEST_ROWS = 100
SHARE = 0.9


class InSampleWarning(UserWarning):
    """Rows that a model was trained on are being transformed as if they were new."""


def warn_if_training_rows(hashes: np.ndarray, training: np.ndarray, class_name: str) -> None:
    """Warn where 100 rows or more are given and nine in ten of them are training rows.

    Rows whose texts are all empty, and those whose text several training rows share, do not count:
    new rows may well hold them too.

    Parameters
    ----------
    hashes, training : ndarray of uint64
        Hashes of the rows given now, and of the training rows.
    class_name : str
        Name of the encoder, for the message.
    """
    if len(hashes) < FEWEST_ROWS:
        return
    distinct, counts = np.unique(training, return_counts=True)
    telling = hashes[(hashes != 0) & ~np.isin(hashes, distinct[counts > 1])]
    if len(telling) < FEWEST_ROWS:
        return
    share = np.isin(telling, distinct).mean()
    if share >= SHARE:
        warnings.warn(
            f"{share:.0%} of the {len(telling)} rows given to transform (empty and repeated texts "
            f"apart) are rows that this {class_name} was fitted on. Their features come from "
            "models that saw their targets, so a score computed from them is too good. Use the "
            "return value of fit_transform(X, y) for training rows, and transform for new rows "
            "only.",
            InSampleWarning,
            stacklevel=4,
        )
