"""Converts the contents of files of former versions to the present classes."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from textcnn.crossfit.level import Level
from textcnn.persistence.archive import FileFormatError

# Renamed classes.
RENAMED = {
    "LevelledModel": "FoldModel",
    "PictureNetwork": "ImageNetwork",
    "PictureNetworkSettings": "ImageNetworkSettings",
    "PictureReader": "ImageReader",
}
# Removed parameters, with the values at which they did not affect features.
_GONE = {"add_indicator": (False,), "add_spread": (False,), "scoring": None}
# Values of ``keep=`` of tables → those of ``selection=``.
_SELECTIONS = {"all": "all", "earning": "significant"}
# Attributes that are no longer used.
_UNREAD = ("_is_joined", "_repeated_hashes")


def _fold_model(state: dict):
    """Return a fold model from an estimator, its base rate and its record."""
    from textcnn.fit.models import FittedEstimator, FoldModel

    level = state.pop("level")
    return FoldModel(FittedEstimator(**state), level)


def _fold_hints() -> dict[str, Any]:
    return {
        "estimator": Any,
        "method": str,
        "level": Level,
        "centre": np.ndarray | None,
        "seconds": float,
        "fed": dict[str, np.ndarray],
    }


# Removed classes: the conversion of their parts to a present class, and the types of the parts.
FORMER_PARTS = {"FoldEstimator": (_fold_model, _fold_hints)}


def brought_up_to_date(name: str, parameters: dict, fitted: dict) -> tuple[dict, dict]:
    """Return the parameters and fitted attributes of an estimator as its class has them now.

    Raises
    ------
    FileFormatError
        If the estimator has features that this version does not support.
    """
    fitted = {key: value for key, value in fitted.items() if key not in _UNREAD}
    if name.startswith("ImageCNN"):
        from textcnn.image.earlier_files import present_parameters

        parameters = present_parameters(parameters)
    parameters = dict(parameters)
    if name == "TableFeatures" and "keep" in parameters:
        parameters["selection"] = _SELECTIONS.get(parameters.pop("keep"))
    if name == "TableFeatures" and "_kept_numbers" in fitted:
        others = importlib.import_module("textcnn.table.others")  # imported only for old files
        parameters["others"] = "passthrough"
        fitted["_others"] = others.OtherColumns(fitted.pop("_kept_numbers"), [], is_encoding=False)
    if name == "TableFeatures" and "_text_numbers" in fitted:
        fitted.setdefault("_text_kinds", [""] * len(fitted["_text_numbers"]))  # unknown
    if name != "TableFeatures":
        parameters = _without_gone(parameters)
        if name.startswith("Text") and "columns" in parameters:
            parameters["join_columns"] = parameters.pop("columns") == "joined"
        if name.startswith("TextCNN"):
            parameters.setdefault("n_networks", 1)
        _put_models_into_sets(fitted)
    return parameters, fitted


def _without_gone(parameters: dict) -> dict:
    for key, harmless in _GONE.items():
        if key in parameters and harmless is not None and parameters[key] not in harmless:
            raise FileFormatError(
                f"It was fitted with {key}={parameters[key]!r}, which adds a feature that this "
                "version does not support. Load it with textcnn 0.1, or fit it again without."
            )
    return {key: value for key, value in parameters.items() if key not in _GONE}


def _put_models_into_sets(fitted: dict) -> None:
    """Add to each set of models the parts that read new rows for it."""
    if "_networks" in fitted:
        fitted["_model_sets"] = fitted.pop("_networks")
    if "_models" not in fitted:
        return
    from textcnn.fit.estimators import EstimatorModels
    from textcnn.text.linear import LinearModels

    head, models = fitted.get("_head"), fitted.pop("_models")
    fitted.setdefault("_history", [])
    if "_counters" in fitted:
        counters = fitted.pop("_counters")
        if not isinstance(counters, list) or len(counters) != len(models):
            raise FileFormatError("Its models do not match its columns.")
        fitted["_model_sets"] = [
            [LinearModels(counter, head, folds)]
            for counter, folds in zip(counters, models, strict=True)
        ]
        return
    shared = fitted.pop("_shared", None)
    fitted["_model_sets"] = [[EstimatorModels(head, shared, folds)] for folds in models]
