"""Check values against the declared types of fields."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, Union

import numpy as np

from textcnn.persistence.quantized import QuantizedVectors


def matches(value, hint) -> bool:
    """Return whether a value has a declared type, including elements of containers."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return any(matches(value, argument) for argument in arguments)
    if hint is Callable or origin is Callable:
        return callable(value)
    if origin in (list, dict, tuple):
        return isinstance(value, origin) and _contents_match(value, origin, arguments)
    if hint is int:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float | np.integer | np.floating)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if hint is np.ndarray:
        return isinstance(value, np.ndarray | QuantizedVectors)
    return isinstance(value, hint)


def _contents_match(value, origin, arguments) -> bool:
    if origin is dict:
        key, item = arguments
        return all(matches(k, key) and matches(v, item) for k, v in value.items())
    if origin is list:
        return all(matches(item, arguments[0]) for item in value)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(matches(item, arguments[0]) for item in value)
    if not arguments:
        return True
    return len(value) == len(arguments) and all(
        matches(item, argument) for item, argument in zip(value, arguments, strict=True)
    )
