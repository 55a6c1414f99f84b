"""Refuses estimators whose clone keeps what they have learnt: their folds would be no folds."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType

from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

# Settings by which an estimator uses others as they come; what they are set to then.
_PREFIT_SETTINGS = {"cv": "prefit", "prefit": True, "fit_base_estimators": False}


def refuse_fitted_parts(estimator, parameter: str = "estimator", *, only_with_targets=False):
    """Refuse an estimator that is, or holds anywhere, what is not fitted anew in each fold.

    Looked at are the parameters of the estimator and of all estimators in them, in lists, tuples
    and dicts too (steps of a Pipeline, a grid of candidates), and the functions in them: methods of
    estimators, partial functions and closures. Not seen is what was learnt by objects that are no
    scikit-learn estimators, a trained Keras model say.

    Parameters
    ----------
    estimator : estimator
    parameter : str, default="estimator"
        What the estimator was given as, for the message.
    only_with_targets : bool, default=False
        Whether fitted steps that need no targets are let pass.

    Raises
    ------
    ValueError
        Naming the part and where it stands.
    """
    for path, part in _parts_of(estimator, parameter):
        why = _why_refused(part)
        if why is None or (only_with_targets and not _holds_targets(part)):
            continue
        instead = (
            "fitted on all rows without their targets, or none"
            if only_with_targets
            else "fitted on a fold's own rows each time"
        )
        raise ValueError(
            f"{path} {why}, so it may have seen the targets of the rows that it is to predict. "
            f"Expected: an unfitted estimator, which is {instead}. Received: {path}={part!r}. "
            f"{_what_to_type(part, only_with_targets)}"
        )


def _parts_of(value, path: str, seen: set[int] | None = None) -> Iterator[tuple[str, object]]:
    """Yield whatever stands in a parameter that could have been fitted, with its path."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, str | bytes | int | float | type | None):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list | tuple | set):
        inner = [
            (item[0], item[1:]) if _is_named(item) else (str(number), item)
            for number, item in enumerate(value)
        ]
    elif isinstance(value, partial):
        inner = [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
    elif isinstance(value, MethodType):
        inner = []
        if _is_fitted_estimator(value.__self__):
            yield path, value
    elif isinstance(value, FunctionType):
        inner = [(value.__name__, cell) for cell in _contents_of(value)]
        if any(_is_fitted_estimator(cell) for _, cell in inner):
            yield path, value
    elif hasattr(value, "get_params") and not isinstance(value, type):
        yield path, value
        inner = value.get_params(deep=False).items()
    else:
        return
    for name, item in inner:
        while isinstance(item, tuple) and len(item) == 1:
            item = item[0]
        yield from _parts_of(item, f"{path}__{name}", seen)


def _why_refused(part) -> str | None:
    """Say why a part is not fitted anew; None where it is."""
    if isinstance(part, FrozenEstimator):
        return "is frozen: neither cloning nor fitting does anything to it"
    if isinstance(part, MethodType):
        return f"is a method of a fitted {type(part.__self__).__name__}, which no fold fits"
    if isinstance(part, FunctionType):
        return "is a function that holds a fitted estimator, which no fold fits"
    settings = part.get_params(deep=False)
    for name, prefit in _PREFIT_SETTINGS.items():
        value = settings.get(name)
        if type(value) is type(prefit) and value == prefit:
            return f"has {name}={value!r} and so uses estimators as they come"
    copied = getattr(type(part), "__sklearn_clone__", None)
    if copied not in (None, BaseEstimator.__sklearn_clone__):
        duplicate = clone(part)
        if duplicate is part:
            return "is its own clone, so that all folds would be one model"
        if _is_fitted_estimator(duplicate):
            return "has a clone that keeps what it has learnt"
    return None


def _is_fitted_estimator(value) -> bool:
    """Tell whether this is an estimator with attributes that fitting leaves."""
    if isinstance(value, type) or not hasattr(value, "get_params") or not hasattr(value, "fit"):
        return False
    return isinstance(value, FrozenEstimator) or any(
        name.endswith("_") and not name.startswith("_") for name in getattr(value, "__dict__", ())
    )


def _holds_targets(part) -> bool:
    """Tell whether fitting this part, or one in it, looks at targets."""
    if isinstance(part, MethodType):
        return _holds_targets(part.__self__)
    if isinstance(part, FunctionType):
        return any(_holds_targets(cell) for cell in _contents_of(part))
    for _, inner in _parts_of(part, ""):
        if isinstance(inner, FrozenEstimator):
            continue  # what it holds comes next
        if isinstance(inner, MethodType | FunctionType):
            found = _holds_targets(inner)
        else:
            found = is_classifier(inner) or is_regressor(inner) or _requires_targets(inner)
        if found:
            return True
    return False


def _requires_targets(estimator) -> bool:
    """Tell whether fitting looks at targets; not every transformer's tags say so."""
    if isinstance(estimator, SelectorMixin) and not isinstance(estimator, VarianceThreshold):
        return True
    if hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).target_tags.required:
        return True
    y = inspect.signature(estimator.fit).parameters.get("y") if hasattr(estimator, "fit") else None
    return y is not None and y.default is inspect.Parameter.empty


def _what_to_type(part, only_with_targets: bool) -> str:
    """Return the advice that goes with a refusal."""
    if isinstance(part, FrozenEstimator):
        inner = type(part.estimator).__name__
        if only_with_targets:
            return f"Put an unfitted {inner}(...) before the last step of estimator."
        return (
            f"Type {inner}(...) without FrozenEstimator. If it was fitted on other rows, make its "
            "predictions a column of X; a step that needs no targets may stand in shared=."
        )
    if isinstance(part, MethodType | FunctionType):
        return "Put the estimator itself, unfitted, into a Pipeline in its place."
    return "Leave that setting at its default, or give a number of folds."


def _is_named(item) -> bool:
    return isinstance(item, tuple) and len(item) > 1 and isinstance(item[0], str)


def _contents_of(function: FunctionType) -> list:
    """Return what a closure holds."""
    contents = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # of a function that is being defined
            continue
    return contents
