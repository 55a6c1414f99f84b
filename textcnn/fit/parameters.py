"""Checks of parameters that every network has, before any training."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from textcnn.crossfit.messages import listed
from textcnn.fit.models import Task
from textcnn.fit.network_jobs import TrainingSettings
from textcnn.neural.backend import import_keras
from textcnn.neural.engine.activations import ACTIVATIONS


def training_settings(estimator, *, auto_smoothing: bool = False) -> TrainingSettings:
    """Check the parameters of training; return them as settings.

    ``auto_smoothing`` is whether ``label_smoothing`` may be "auto".
    """
    whole_number(estimator, "epochs", 1, or_string="auto")
    whole_number(estimator, "batch_size", 1)
    yes_or_no(estimator, "early_stopping")
    number(estimator, "learning_rate", 0.0, above=True)
    class_weight = getattr(estimator, "class_weight", None)  # a regressor has none
    is_word = isinstance(class_weight, str) and class_weight == "balanced"
    if not (class_weight is None or is_word or isinstance(class_weight, dict)):
        raise ValueError(
            'class_weight must be None, "balanced" or a dict from class to weight. '
            f"Received: class_weight={class_weight!r}."
        )
    label_smoothing = getattr(estimator, "label_smoothing", 0.0)
    if hasattr(estimator, "label_smoothing"):
        also = "auto" if auto_smoothing else None
        number(estimator, "label_smoothing", 0.0, below=1.0, or_string=also)
    return TrainingSettings(
        label_smoothing=label_smoothing if is_auto(label_smoothing) else float(label_smoothing),
        epochs=estimator.epochs,
        batch_size=int(estimator.batch_size),
        learning_rate=float(estimator.learning_rate),
        early_stopping=bool(estimator.early_stopping),
        class_weight=class_weight,
    )


def check_target(training: TrainingSettings, task: Task) -> None:
    """Refuse settings of classes if there are none, and weights of unknown classes."""
    class_weight, target = training.class_weight, task.target
    if training.label_smoothing not in (0.0, "auto") and target.is_regression:
        raise ValueError(
            "label_smoothing needs a target of classes or labels. Expected: label_smoothing=0.0 "
            f"for this target. Received: label_smoothing={training.label_smoothing!r}, target type "
            f"{target.kind!r}."
        )
    if class_weight is None:
        return
    if target.kind not in ("binary", "multiclass"):
        raise ValueError(
            "class_weight needs a target of classes. Expected: class_weight=None for this target. "
            f"Received: class_weight={class_weight!r}, target type {target.kind!r}."
        )
    if isinstance(class_weight, dict):
        numbers = list(class_weight.values())
        if not all(isinstance(w, Real) and 0 <= w < float("inf") for w in numbers) or not any(
            numbers
        ):
            raise ValueError(
                "class_weight must contain finite numbers of at least 0, one of them above 0. "
                f"Received: class_weight={class_weight!r}."
            )
        # Weights of classes that missing_class="drop" leaves out are not used.
        known = [*target.classes, *(task.dropped or ())]
        unknown = [name for name in class_weight if name not in known]
        if unknown and task.dropped is not None:
            raise ValueError(
                f"class_weight contains classes that y does not: {unknown}. Expected: some of "
                f"{listed(known)}. Received: class_weight={class_weight!r}."
            )


def refuse_built_network(network, argument: str, meaning: str) -> None:
    """Refuse a keras.Model or layer where a function that builds one is expected.

    Parameters
    ----------
    network : any
        The user's ``network=``. Keras is not imported: other values are left to other checks.
    argument, meaning : str
        The argument of the function, for the error.
    """
    kinds = network.__mro__ if isinstance(network, type) else type(network).__mro__
    if not any(kind.__module__.partition(".")[0] == "keras" for kind in kinds):
        return
    what = f"the class {network.__name__}" if isinstance(network, type) else repr(network)
    raise ValueError(
        f"network= is a model or layer of Keras, whose weights all folds would share. Expected: a "
        f"function that takes {meaning} and returns a new keras.Model. Received: network={what}. "
        f"Type network=lambda {argument}: keras.models.clone_model(model), if the model has the "
        "right inputs."
    )


def yes_or_no(estimator, *names: str) -> None:
    """Refuse parameters that are neither True nor False."""
    for name in names:
        value = getattr(estimator, name)
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False. Received: {name}={value!r}.")


def one_of(estimator, name: str, choices) -> None:
    """Refuse a parameter that is not one of its choices."""
    value = getattr(estimator, name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {tuple(choices)}. Received: {name}={value!r}.")


def check_activation(activation) -> None:
    """Refuse a value that is not the name of a Keras activation."""
    if not isinstance(activation, str):
        raise ValueError(
            'activation must be the name of a Keras activation, for example "relu" or "tanh". '
            f"Received: activation={activation!r}."
        )
    if activation in ACTIVATIONS:  # known without Keras
        return
    activations = import_keras().activations
    try:
        activations.get(activation)
    except ValueError as error:
        others = {"get", "serialize", "deserialize"}
        names = sorted(name for name in dir(activations) if name[0].islower() if name not in others)
        raise ValueError(
            f"Unknown activation. Expected: one of {names}. Received: activation={activation!r}."
        ) from error


def is_whole(value) -> bool:
    """Return whether a value is an integer."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_auto(value) -> bool:
    """Return whether a parameter is "auto"."""
    return isinstance(value, str) and value == "auto"


def whole_number(estimator, name: str, least: int, or_string: str | None = None) -> None:
    """Refuse a parameter that is neither an integer of at least ``least`` nor ``or_string``."""
    value = getattr(estimator, name)
    if isinstance(value, str) and value == or_string:
        return
    if not is_whole(value) or value < least:
        other = f'"{or_string}" or ' if or_string else ""
        raise ValueError(
            f"{name} must be {other}an integer of at least {least}. Received: {name}={value!r}."
        )


def whole_numbers(
    estimator, name: str, *, at_least_one: bool, or_string: str | None = None
) -> tuple[int, ...]:
    """Return a parameter of one or several integers as a tuple."""
    value = getattr(estimator, name)
    values = (value,) if is_whole(value) else value
    values = values.tolist() if isinstance(values, np.ndarray) else values
    is_sequence = isinstance(values, (list, tuple))
    if (
        not is_sequence
        or not all(is_whole(item) and item >= 1 for item in values)
        or (at_least_one and len(values) == 0)
    ):
        example = "(1, 2, 3)" if at_least_one else "() or (64,)"
        other = f'"{or_string}", ' if or_string else ""
        raise ValueError(
            f"{name} must be {other}an integer of at least 1 or a tuple of such, for example "
            f"{example}. Received: {name}={value!r}."
        )
    return tuple(int(item) for item in values)


def number(
    estimator,
    name: str,
    least: float,
    *,
    below: float = float("inf"),
    above: bool = False,
    or_string: str | None = None,
) -> None:
    """Refuse a parameter that is neither a number within its limits nor ``or_string``."""
    value = getattr(estimator, name)
    if isinstance(value, str) and value == or_string:
        return
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not least <= value < below or (above and value == least):
        limits = f"above {least}" if above else f"of at least {least}"
        if below != float("inf"):
            limits += f" and below {below}"
        other = f'"{or_string}" or ' if or_string else ""
        raise ValueError(f"{name} must be {other}a number {limits}. Received: {name}={value!r}.")
