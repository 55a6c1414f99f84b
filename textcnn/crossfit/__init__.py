"""Folds, targets and reports of a cross-fit, independent of text, images and Keras."""

from __future__ import annotations

import importlib

# Public name → module; imported on first use: serving needs a target without scikit-learn.
_PUBLIC = {
    "Assignment": "textcnn.crossfit.plan",
    "FoldPlan": "textcnn.crossfit.plan",
    "FoldTargetWarning": "textcnn.crossfit.splits",
    "Level": "textcnn.crossfit.level",
    "Target": "textcnn.crossfit.targets",
    "assemble": "textcnn.crossfit.oof",
    "average": "textcnn.crossfit.oof",
    "make_fold_plan": "textcnn.crossfit.plan",
    "read_target": "textcnn.crossfit.target_reading",
    "whole_assignment": "textcnn.crossfit.plan",
    "with_validation_rows": "textcnn.crossfit.plan",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    """Import a public name when it is first used."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
