"""Telling parameters that were given from those left at their defaults, which are never refused."""

from __future__ import annotations

import inspect
from numbers import Number


def is_given(estimator, name: str) -> bool:
    """Tell whether a parameter differs from its default in the signature of the class.

    A parameter that the class does not have is not given.
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
    """Refuse parameters that were given and that nothing reads in the setting at hand.

    Parameters
    ----------
    estimator : estimator instance
    names : iterable of str
        Parameters that the setting does not read.
    why : str
        What does not read them: ``'network="bigru"'``.
    expected : str
        What to type in place of them.

    Raises
    ------
    ValueError
        Naming all that were given.
    """
    given = [name for name in names if is_given(estimator, name)]
    if given:
        received = ", ".join(f"{name}={getattr(estimator, name)!r}" for name in given)
        raise ValueError(
            f"{why} does not read {' and '.join(given)}. Expected: {expected}. "
            f"Received: {received}."
        )
