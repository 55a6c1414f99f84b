"""Recognises training rows that are passed to ``transform``, the most common leak."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import dataclass, field

import numpy as np

FEWEST_ROWS = 100
SHARE = 0.9


class InSampleWarning(UserWarning):
    """Training rows are transformed as if they were new rows."""


@dataclass
class _SmallCalls:
    """Distinct rows of the small calls so far, and which of them are training rows."""

    training: np.ndarray  # the hashes of fit; another fit starts anew
    distinct: np.ndarray  # of them, sorted
    repeated: np.ndarray
    seen: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, training: np.ndarray) -> _SmallCalls:
        distinct, counts = np.unique(training, return_counts=True)
        return cls(training, distinct, distinct[counts > 1])

    def telling(self, hashes: np.ndarray) -> np.ndarray:
        """Return the hashes of rows that new rows do not contain by chance."""
        return hashes[(hashes != 0) & ~_is_in(hashes, self.repeated)]


# Not on the estimator, which no method but fit may change.
_calls: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def warn_if_training_rows(hashes: np.ndarray, training: np.ndarray, estimator) -> None:
    """Warn if there are 100 rows or more and nine in ten of them are training rows.

    Rows whose texts are all empty, and rows whose text occurs in several training rows, are not
    counted, because new rows may contain them too. Calls with fewer rows are put together until
    they have 100 distinct ones.

    Parameters
    ----------
    hashes, training : ndarray of uint64
        Hashes of the rows passed now, and of the training rows.
    estimator : encoder
        The encoder that transforms them.
    """
    calls = _small_calls(estimator, training)
    telling = calls.telling(hashes)
    is_training = _is_in(telling, calls.distinct)
    how = ""
    if len(hashes) < FEWEST_ROWS:
        calls.seen.update(zip(telling.tolist(), is_training.tolist(), strict=True))
        telling = is_training = np.array(list(calls.seen.values()), bool)
        how = "in several calls, "
    if len(telling) < FEWEST_ROWS:
        return
    calls.seen.clear()
    share = is_training.mean()
    if share >= SHARE:
        warnings.warn(
            f"{share:.0%} of the {len(telling)} rows passed to transform ({how}without empty and "
            f"repeated texts) are rows that this {type(estimator).__name__} was fitted on. Their "
            "features come from models that were trained on them, so scores computed from them are "
            "optimistic. Use the return value of fit_transform(X, y) for training rows, and "
            "transform for new rows only.",
            InSampleWarning,
            stacklevel=4,
        )


def _small_calls(estimator, training: np.ndarray) -> _SmallCalls:
    """Return the calls of a fitted estimator so far."""
    try:
        calls = _calls.get(estimator)
        if calls is None or calls.training is not training:
            calls = _calls[estimator] = _SmallCalls.of(training)
    except TypeError:  # a subclass that cannot be a key: each call counts alone
        calls = _SmallCalls.of(training)
    return calls


def _is_in(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which hashes are among sorted known ones."""
    if not len(known):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return known[places] == hashes
