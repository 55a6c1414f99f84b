"""Finds parameters that differ from their defaults; only those can be refused."""

from __future__ import annotations

import inspect
from numbers import Number


def is_given(estimator, name: str) -> bool:
    """Return whether a parameter differs from its default in the signature of the class.

    For parameters that the class does not have, return False.
    """
    parameter = inspect.signature(type(estimator)).parameters.get(name)
    if parameter is None:
        return False
    value, default = getattr(estimator, name), parameter.default
    if value is default:
        return False
    if not isinstance(value, str | Number | list | tuple):
        return True
    return (tuple(value) if isinstance(value, list) else value) != default


def refuse_ignored(estimator, names, *, why: str, expected: str) -> None:
    """Refuse parameters that are set, but ignored together with another setting.

    Parameters
    ----------
    estimator : estimator instance
    names : iterable of str
        Parameters that are ignored.
    why : str
        The setting that ignores them, for example ``'network="bigru"'``.
    expected : str
        What to pass instead.

    Raises
    ------
    ValueError
        With all parameters that are set.
    """
    given = [name for name in names if is_given(estimator, name)]
    if given:
        received = ", ".join(f"{name}={getattr(estimator, name)!r}" for name in given)
        raise ValueError(
            f"{why} does not read {' and '.join(given)}. Expected: {expected}. "
            f"Received: {received}."
        )
