"""Refuses estimators whose clones stay fitted, because these would leak across folds."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType

from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

# Settings with which an estimator uses fitted estimators, and their values.
_PREFIT_SETTINGS = {"cv": "prefit", "prefit": True, "fit_base_estimators": False}


def refuse_fitted_parts(estimator, parameter: str = "estimator", *, only_with_targets=False):
    """Refuse an estimator if it, or any part of it, is not fitted again in each fold.

    All parameters of the estimator and of estimators in them are checked, also in lists, tuples and
    dicts (steps of a Pipeline, a grid of candidates), and so are functions in them: methods of
    estimators, partial functions and closures. Fitted objects that are not scikit-learn
    estimators, for example a trained Keras model, are not detected.

    Parameters
    ----------
    estimator : estimator
    parameter : str, default="estimator"
        Name of the parameter that contains the estimator, for the message.
    only_with_targets : bool, default=False
        Whether fitted steps that need no targets are allowed.

    Raises
    ------
    ValueError
        With the part and its path.
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
            f"{path} {why}, so it may have been trained on the rows that it predicts. "
            f"Expected: an unfitted estimator, which is {instead}. Received: {path}={part!r}. "
            f"{_what_to_type(part, only_with_targets)}"
        )


def _parts_of(value, path: str, seen: set[int] | None = None) -> Iterator[tuple[str, object]]:
    """Yield all parts of a parameter that could be fitted, with their paths."""
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
    """Return why a part is not fitted again; None if it is."""
    if isinstance(part, FrozenEstimator):
        return "is frozen: neither cloning nor fitting changes it"
    if isinstance(part, MethodType):
        return f"is a method of a fitted {type(part.__self__).__name__}, which no fold fits"
    if isinstance(part, FunctionType):
        return "is a function that contains a fitted estimator, which no fold fits"
    settings = part.get_params(deep=False)
    for name, prefit in _PREFIT_SETTINGS.items():
        value = settings.get(name)
        if type(value) is type(prefit) and value == prefit:
            return f"has {name}={value!r} and so uses fitted estimators"
    copied = getattr(type(part), "__sklearn_clone__", None)
    if copied not in (None, BaseEstimator.__sklearn_clone__):
        duplicate = clone(part)
        if duplicate is part:
            return "is its own clone, so all folds would have the same model"
        if _is_fitted_estimator(duplicate):
            return "has a clone that stays fitted"
    return None


def _is_fitted_estimator(value) -> bool:
    """Return whether this is an estimator with fitted attributes."""
    if isinstance(value, type) or not hasattr(value, "get_params") or not hasattr(value, "fit"):
        return False
    return isinstance(value, FrozenEstimator) or any(
        name.endswith("_") and not name.startswith("_") for name in getattr(value, "__dict__", ())
    )


def _holds_targets(part) -> bool:
    """Return whether fitting this part, or one in it, uses targets."""
    if isinstance(part, MethodType):
        return _holds_targets(part.__self__)
    if isinstance(part, FunctionType):
        return any(_holds_targets(cell) for cell in _contents_of(part))
    for _, inner in _parts_of(part, ""):
        if isinstance(inner, FrozenEstimator):
            continue  # its parts come next
        if isinstance(inner, MethodType | FunctionType):
            found = _holds_targets(inner)
        else:
            found = is_classifier(inner) or is_regressor(inner) or _requires_targets(inner)
        if found:
            return True
    return False


def _requires_targets(estimator) -> bool:
    """Return whether fitting uses targets; tags of transformers are not always complete."""
    if isinstance(estimator, SelectorMixin) and not isinstance(estimator, VarianceThreshold):
        return True
    if hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).target_tags.required:
        return True
    y = inspect.signature(estimator.fit).parameters.get("y") if hasattr(estimator, "fit") else None
    return y is not None and y.default is inspect.Parameter.empty


def _what_to_type(part, only_with_targets: bool) -> str:
    """Return what to type instead, for an error."""
    if isinstance(part, FrozenEstimator):
        inner = type(part.estimator).__name__
        if only_with_targets:
            return f"Put an unfitted {inner}(...) before the last step of estimator."
        return (
            f"Type {inner}(...) without FrozenEstimator. If it was fitted on other rows, add its "
            "predictions to X as a column; a step that needs no targets can be passed as shared=."
        )
    if isinstance(part, MethodType | FunctionType):
        return "Put the unfitted estimator into a Pipeline instead."
    return "Use the default of this setting, or a number of folds."


def _is_named(item) -> bool:
    return isinstance(item, tuple) and len(item) > 1 and isinstance(item[0], str)


def _contents_of(function: FunctionType) -> list:
    """Return the contents of a closure."""
    contents = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # the function is still being defined
            continue
    return contents
