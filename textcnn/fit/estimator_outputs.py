"""Passes rows, weights and seeds to scikit-learn estimators, and converts their predictions.

Predictions become raw outputs for :class:`~textcnn.crossfit.Target`: logits and numbers minus the
mean output of the model over its own training rows.
"""

from __future__ import annotations

import inspect

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from textcnn.crossfit import Target
from textcnn.crossfit.level import Level
from textcnn.fit.fitted_parts import refuse_fitted_parts

# Logits of 0 and 1 are infinite; beyond this one the sigmoid is within 1e-9 of both.
LARGEST_LOGIT = 20.0
# Logit of certainty before the mean is subtracted: larger than the largest logit afterwards.
_CERTAIN_LOGIT = 2 * LARGEST_LOGIT
# Decimals of a raw output: further ones are rounding errors, which differ between models and would
# reveal which model made a constant prediction.
DIGITS = 5
# Parameters of meta-estimators for the estimator that gets the keywords of fit.
_INNER = ("estimator", "regressor", "classifier")


def check_has_fit(estimator) -> None:
    """Refuse an object that is not an estimator."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(
            "estimator must be a scikit-learn classifier or regressor: an object with fit and "
            "predict, for example LogisticRegression(). "
            f"Received: estimator={estimator!r}."
        )


def target_type_for(estimator, target_type: str, y) -> str:
    """Return the type of the target: always numbers for a regressor."""
    if target_type != "auto" or not is_regressor(estimator) or is_classifier(estimator):
        return target_type
    shape = getattr(y, "shape", None)
    if shape is None and isinstance(y, list | tuple) and len(y) and hasattr(y[0], "__len__"):
        shape = (len(y), 1 if isinstance(y[0], str) else len(y[0]))
    several = shape is not None and len(shape) == 2 and shape[1] > 1
    return "multioutput" if several else "continuous"


def check_estimator(estimator, target: Target) -> str:
    """Return the method that predicts; refuse an estimator that does not match the target."""
    refuse_fitted_parts(estimator)
    if target.is_regression:
        if is_classifier(estimator):
            raise ValueError(
                f"A classifier cannot predict a {target.kind!r} target. Expected: a "
                'regressor, or target_type="classes" if y contains classes. '
                f"Received: estimator={estimator!r}."
            )
        methods = ("predict",)
    else:
        if is_regressor(estimator):
            raise ValueError(
                f"A regressor has no probabilities for a {target.kind!r} target. "
                'Expected: a classifier, or target_type="continuous" for features of numbers. '
                f"Received: estimator={estimator!r}."
            )
        methods = ("predict_proba", "decision_function")
    filled = _with_final_estimators(estimator)
    for method in methods:
        if hasattr(filled, method):
            return method
    raise ValueError(
        f"The estimator has none of the methods {methods}, which features need. "
        "Expected: a classifier with probabilities or decision values for classes and labels, a "
        "regressor for numbers; CalibratedClassifierCV adds probabilities to any classifier. "
        f"Received: estimator={estimator!r}."
    )


def _with_final_estimators(estimator):
    """Return a clone whose stacks have their default final estimator, wherever they stand.

    A StackingClassifier with ``final_estimator=None`` has the methods of a LogisticRegression, but
    only after its fit.
    """
    if not hasattr(estimator, "get_params"):
        return estimator
    absent = {
        name: LogisticRegression()
        for name, value in estimator.get_params(deep=True).items()
        if value is None and name.rpartition("__")[2] == "final_estimator"
    }
    return clone(estimator).set_params(**absent) if absent else estimator


def weight_keywords(estimator) -> tuple[str, ...]:
    """Return the names of keywords for sample weights in ``estimator.fit``, or none."""
    if get_config()["enable_metadata_routing"] and not has_fit_parameter(
        estimator, "sample_weight"
    ):
        consumed = get_routing_for_object(estimator).consumes("fit", ["sample_weight"])
        return tuple(consumed)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return tuple(f"{name}__{keyword}" for keyword in weight_keywords(last))
    if has_fit_parameter(estimator, "sample_weight"):
        return ("sample_weight",)
    parameters = inspect.signature(estimator.fit).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for name in _INNER:
            if getattr(estimator, name, None) is not None:
                return weight_keywords(getattr(estimator, name))
    return ()


def check_weights(estimator) -> tuple[str, ...]:
    """Return the keywords for sample weights, or refuse an estimator without any."""
    names = weight_keywords(estimator)
    if not names:
        raise ValueError(
            "The fit method of the estimator does not accept sample_weight, so the weights would "
            "be ignored. Expected: an estimator whose fit accepts it (a Pipeline: its last step; "
            "with metadata routing: one with set_fit_request(sample_weight=True)), or no "
            f"sample_weight. Received: sample_weight with estimator={estimator!r}."
        )
    return names


def seed_estimator(estimator, sequence: np.random.SeedSequence) -> None:
    """Set every ``random_state`` parameter that is None to its own seed."""
    names = sorted(
        name
        for name, value in estimator.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    )
    seeds = sequence.generate_state(max(len(names), 1)) >> 1
    if names:
        estimator.set_params(**{n: int(s) for n, s in zip(names, seeds, strict=False)})


def target_values(target: Target, rows: np.ndarray) -> np.ndarray:
    """Return y of some rows for the estimator: classes by their names in y."""
    if target.kind in ("binary", "multiclass"):
        return target.classes[target.values[rows]]
    return target.splitter_values(rows)


def raw_outputs(estimator, method: str, rows, target: Target, level: Level, centre) -> np.ndarray:
    """Return predictions as raw outputs, float64 of shape (n_rows, n_outputs).

    Parameters
    ----------
    estimator : fitted estimator
    method : {"predict", "predict_proba", "decision_function"}
    rows : table
        Rows as the estimator reads them.
    target : Target
        Its type and classes; the values are ignored.
    level : Level
        Mean output of the model over its own training rows; see ``output_level``.
    centre : ndarray of shape (n_outputs,) or None
        Mean decision value over the training rows, for ``"decision_function"``.
    """
    if method == "predict":
        raw = (predicted_values(estimator, rows, target) - level.centre) / level.scale
    elif method == "decision_function":
        raw = decision_values(estimator, rows, target) - centre
        raw = np.clip(raw, -LARGEST_LOGIT, LARGEST_LOGIT)
    else:
        raw = _raw_of_probabilities(probabilities(estimator, rows, target), target, level)
    if not np.isfinite(raw).all():
        raise ValueError(
            f"{type(estimator).__name__}.{method} returned NaN or infinity for "
            f"{int((~np.isfinite(raw)).any(axis=1).sum())} of {len(raw)} rows, which cannot be a "
            "feature. Expected: finite predictions."
        )
    return np.round(raw, DIGITS) + 0.0


def predicted_values(estimator, rows, target: Target) -> np.ndarray:
    """Return predicted numbers, float64 with one column per output."""
    return _columns(np.asarray(estimator.predict(rows), dtype=np.float64), target)


def decision_values(estimator, rows, target: Target) -> np.ndarray:
    """Return decision values, one column per output, in the order of the target's classes."""
    if any(
        name.endswith("decision_function_shape") and value == "ovo"
        for name, value in estimator.get_params(deep=True).items()
    ):
        raise ValueError(
            "Decision values of pairs of classes are not supported. Expected: "
            'decision_function_shape="ovr". Received: decision_function_shape="ovo".'
        )
    values = _columns(np.asarray(estimator.decision_function(rows), dtype=np.float64), target)
    return values[:, _class_order(estimator, target)] if target.kind == "multiclass" else values


def _raw_of_probabilities(shares, target: Target, level: Level) -> np.ndarray:
    """Return logits minus their mean; clipped last, so certainty is equal in all models."""
    is_softmax = target.kind == "multiclass"
    raw = logits_of(shares, is_softmax=is_softmax) - level.offset
    if is_softmax:
        raw -= raw.max(axis=1, keepdims=True)
        return np.maximum(raw, -LARGEST_LOGIT)
    return np.clip(raw, -LARGEST_LOGIT, LARGEST_LOGIT)


def logits_of(shares, *, is_softmax: bool) -> np.ndarray:
    """Return finite logits; for several classes minus the largest one in the row."""
    with np.errstate(divide="ignore"):
        if not is_softmax:
            logits = np.log(shares) - np.log1p(-shares)
            return np.clip(logits, -_CERTAIN_LOGIT, _CERTAIN_LOGIT)
        logits = np.log(shares)
    return np.maximum(logits - logits.max(axis=1, keepdims=True), -_CERTAIN_LOGIT)


def probabilities(estimator, rows, target: Target) -> np.ndarray:
    """Return probabilities of the classes (binary: of the second), or of each label."""
    shares = estimator.predict_proba(rows)
    if target.kind == "multilabel":
        if isinstance(shares, list):
            shares = np.column_stack(
                [
                    _share_of_one(np.asarray(share), classes)
                    for share, classes in zip(shares, _label_classes(estimator), strict=True)
                ]
            )
        return _columns(np.asarray(shares, dtype=np.float64), target)
    shares = np.asarray(shares, dtype=np.float64)
    n_classes = len(target.classes)
    if shares.ndim != 2 or shares.shape[1] != n_classes:
        raise ValueError(
            f"Expected probabilities of {n_classes} classes from "
            f"{type(estimator).__name__}.predict_proba. Received: shape {shares.shape}."
        )
    shares = shares[:, _class_order(estimator, target)]
    return shares[:, 1:] if target.kind == "binary" else shares


def _class_order(estimator, target: Target) -> np.ndarray:
    """Return the column of the estimator for each class of the target."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return np.arange(len(target.classes))
    classes = list(np.asarray(classes).ravel())
    missing = [name for name in target.classes if name not in classes]
    if missing:
        raise ValueError(
            f"{type(estimator).__name__} was trained on the classes {classes} and not on {missing}."
        )
    return np.array([classes.index(name) for name in target.classes])


def _label_classes(estimator) -> list:
    """Return the classes of each label of an estimator that predicts labels one by one."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise ValueError(
            f"{type(estimator).__name__}.predict_proba returns a list, and without classes_ "
            "the meaning of its columns is unknown. Expected: classes_, or an array of shape "
            "(n_rows, n_labels)."
        )
    return list(classes)


def _share_of_one(shares: np.ndarray, classes) -> np.ndarray:
    """Return the column of class 1; a constant label has only one column."""
    found = np.flatnonzero(np.asarray(classes) == 1)
    return shares[:, found[0]] if len(found) else np.zeros(len(shares))


def _columns(values: np.ndarray, target: Target) -> np.ndarray:
    """Return predictions with one column per output."""
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != target.n_outputs:
        raise ValueError(
            f"The estimator must predict {target.n_outputs} number(s) per row for a "
            f"{target.kind!r} target. Received: predictions of shape {values.shape}."
        )
    return values
