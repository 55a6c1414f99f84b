"""Leak-safe neural features from text and pictures in tables, as scikit-learn estimators."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Public name → module; imported on first use, so that `import textcnn` stays light.
_PUBLIC = {
    "BlankPictureWarning": "textcnn.image.files",
    "CrossFitReport": "textcnn.crossfit.report",
    "FoldTargetWarning": "textcnn.crossfit.splits",
    "ImageCNNClassifier": "textcnn.image_estimators",
    "ImageCNNEncoder": "textcnn.image_encoders",
    "ImageCNNRegressor": "textcnn.image_estimators",
    "InSampleWarning": "textcnn.training_rows",
    "LeakError": "textcnn.crossfit.verification",
    "OutOfFoldEncoder": "textcnn.stacking",
    "PictureError": "textcnn.image.files",
    "TableFeatures": "textcnn.table_features",
    "TableFeaturesWarning": "textcnn.table.fitting",
    "TextCNNClassifier": "textcnn.estimators",
    "TextCNNEncoder": "textcnn.encoders",
    "TextCNNRegressor": "textcnn.estimators",
    "TextLinearEncoder": "textcnn.linear",
    "WordVectors": "textcnn.text.vectors",
    "leakage_test": "textcnn.crossfit.leakage",
    "load": "textcnn.persistence",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    """Import a public name when it is first used."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """Return the public names."""
    return sorted([*globals(), *__all__])
