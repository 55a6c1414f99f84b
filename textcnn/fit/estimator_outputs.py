"""How any scikit-learn estimator is handed rows, weights and seeds, and what its predictions mean.

Predictions become raw outputs, as :class:`~textcnn.crossfit.Target` takes them: logits and numbers
less the level of the model's own output over its own learning rows.
"""

from __future__ import annotations

import inspect

import numpy as np
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from textcnn.crossfit import Target
from textcnn.crossfit.level import Level
from textcnn.fit.fitted_parts import refuse_fitted_parts

# A probability of 0 or 1 has no logit; beyond this one the sigmoid is within 1e-9 of both.
LARGEST_LOGIT = 20.0
# What certainty counts as before the level is taken off: beyond the largest logit after it.
_CERTAIN_LOGIT = 2 * LARGEST_LOGIT
# Digits after the point that a raw output keeps: what is beyond is noise of summation, which
# differs between models and would tell a tree which model made a constant prediction.
DIGITS = 5
# What meta-estimators call the estimator that they hand fit's keywords to.
_INNER = ("estimator", "regressor", "classifier")


def check_has_fit(estimator) -> None:
    """Refuse what is no estimator."""
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(
            "estimator must be a scikit-learn classifier or regressor: an object with fit and "
            "predict, such as LogisticRegression(). "
            f"Received: estimator={estimator!r}."
        )


def target_type_for(estimator, target_type: str, y) -> str:
    """Return the kind of target: numbers wherever the estimator is a regressor."""
    if target_type != "auto" or not is_regressor(estimator) or is_classifier(estimator):
        return target_type
    shape = getattr(y, "shape", None)
    if shape is None and isinstance(y, list | tuple) and len(y) and hasattr(y[0], "__len__"):
        shape = (len(y), 1 if isinstance(y[0], str) else len(y[0]))
    several = shape is not None and len(shape) == 2 and shape[1] > 1
    return "multioutput" if several else "continuous"


def check_estimator(estimator, target: Target) -> str:
    """Return the method that predicts; refuse an estimator that does not go with the target."""
    refuse_fitted_parts(estimator)
    if target.is_regression:
        if is_classifier(estimator):
            raise ValueError(
                f"A classifier cannot predict a target of kind {target.kind!r}. Expected: a "
                'regressor, or target_type="classes" where y holds classes. '
                f"Received: estimator={estimator!r}."
            )
        methods = ("predict",)
    else:
        if is_regressor(estimator):
            raise ValueError(
                f"A regressor gives no probabilities for a target of kind {target.kind!r}. "
                'Expected: a classifier, or target_type="continuous" for features in y\'s units. '
                f"Received: estimator={estimator!r}."
            )
        methods = ("predict_proba", "decision_function")
    for method in methods:
        if hasattr(estimator, method):
            return method
    raise ValueError(
        f"The estimator has neither of {methods}, so there is nothing to make features of. "
        "Expected: a classifier with probabilities or decision values for classes and labels, a "
        "regressor for numbers; CalibratedClassifierCV gives probabilities to any classifier. "
        f"Received: estimator={estimator!r}."
    )


def weight_keywords(estimator) -> tuple[str, ...]:
    """Return the names by which ``estimator.fit`` takes sample weights; empty if it takes none."""
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
    """Return the names of the weights' keywords, or refuse an estimator without any."""
    names = weight_keywords(estimator)
    if not names:
        raise ValueError(
            "The estimator's fit takes no sample_weight, so the weights would have no say. "
            "Expected: an estimator whose fit takes it (a Pipeline: its last step; under metadata "
            "routing: one that asks for it by set_fit_request(sample_weight=True)), or no "
            f"sample_weight. Received: sample_weight with estimator={estimator!r}."
        )
    return names


def seed_estimator(estimator, sequence: np.random.SeedSequence) -> None:
    """Give every ``random_state`` parameter that is None a number of its own."""
    names = sorted(
        name
        for name, value in estimator.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    )
    seeds = sequence.generate_state(max(len(names), 1)) >> 1
    if names:
        estimator.set_params(**{n: int(s) for n, s in zip(names, seeds, strict=False)})


def target_values(target: Target, rows: np.ndarray) -> np.ndarray:
    """Return y of some rows as the estimator learns it: classes by their own names."""
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
        What the estimator reads.
    target : Target
        Its kind and classes; values are not looked at.
    level : Level
        Of the model's outputs over its own learning rows; see ``output_level``.
    centre : ndarray of shape (n_outputs,) or None
        Mean decision value over the learning rows, for ``"decision_function"``.
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
            f"{type(estimator).__name__}.{method} gave NaN or infinity for "
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
            "Decision values of pairs of classes are not those of classes. Expected: "
            'decision_function_shape="ovr". Received: decision_function_shape="ovo".'
        )
    values = _columns(np.asarray(estimator.decision_function(rows), dtype=np.float64), target)
    return values[:, _class_order(estimator, target)] if target.kind == "multiclass" else values


def _raw_of_probabilities(shares, target: Target, level: Level) -> np.ndarray:
    """Logits less their level; cut off last, so that certainty is the same in all models."""
    is_softmax = target.kind == "multiclass"
    raw = logits_of(shares, is_softmax=is_softmax) - level.offset
    if is_softmax:
        raw -= raw.max(axis=1, keepdims=True)
        return np.maximum(raw, -LARGEST_LOGIT)
    return np.clip(raw, -LARGEST_LOGIT, LARGEST_LOGIT)


def logits_of(shares, *, is_softmax: bool) -> np.ndarray:
    """Return logits, of several classes less the largest in the row; finite ones for certainty."""
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
            f"Probabilities of {n_classes} classes are expected from "
            f"{type(estimator).__name__}.predict_proba. Received: shape {shares.shape}."
        )
    shares = shares[:, _class_order(estimator, target)]
    return shares[:, 1:] if target.kind == "binary" else shares


def _class_order(estimator, target: Target) -> np.ndarray:
    """Return the estimator's column of each class of the target."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return np.arange(len(target.classes))
    classes = list(np.asarray(classes).ravel())
    missing = [name for name in target.classes if name not in classes]
    if missing:
        raise ValueError(
            f"{type(estimator).__name__} has learnt the classes {classes} and not {missing}."
        )
    return np.array([classes.index(name) for name in target.classes])


def _label_classes(estimator) -> list:
    """Return the classes of each label of an estimator that predicts labels one by one."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise ValueError(
            f"{type(estimator).__name__}.predict_proba gives a list, and there are no classes_ "
            "that say what its columns are. Expected: classes_, or an array of shape "
            "(n_rows, n_labels)."
        )
    return list(classes)


def _share_of_one(shares: np.ndarray, classes) -> np.ndarray:
    """Return the column of class 1; a label that never varied has one column only."""
    found = np.flatnonzero(np.asarray(classes) == 1)
    return shares[:, found[0]] if len(found) else np.zeros(len(shares))


def _columns(values: np.ndarray, target: Target) -> np.ndarray:
    """Return predictions with one column per output."""
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != target.n_outputs:
        raise ValueError(
            f"The estimator must predict {target.n_outputs} number(s) per row for a target of "
            f"kind {target.kind!r}. Received: predictions of shape {values.shape}."
        )
    return values
