"""Recognises training rows that are passed to ``transform``, the most common leak."""

from __future__ import annotations

import warnings

import numpy as np

FEWEST_ROWS = 100
SHARE = 0.9


class InSampleWarning(UserWarning):
    """Training rows are transformed as if they were new rows."""


def warn_if_training_rows(hashes: np.ndarray, training: np.ndarray, class_name: str) -> None:
    """Warn if there are 100 rows or more and nine in ten of them are training rows.

    Rows whose texts are all empty, and rows whose text occurs in several training rows, are not
    counted, because new rows may contain them too.

    Parameters
    ----------
    hashes, training : ndarray of uint64
        Hashes of the rows passed now, and of the training rows.
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
            f"{share:.0%} of the {len(telling)} rows passed to transform (without empty and "
            f"repeated texts) are rows that this {class_name} was fitted on. Their features come "
            "from models that were trained on them, so scores computed from them are optimistic. "
            "Use the return value of fit_transform(X, y) for training rows, and transform for new "
            "rows only.",
            InSampleWarning,
            stacklevel=4,
        )
