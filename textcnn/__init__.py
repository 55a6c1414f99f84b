"""Leak-safe neural features from text and images in tables, as scikit-learn estimators."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Public name → module; imported on first use, so that `import textcnn` stays light.
_PUBLIC = {
    "Backbone": "textcnn.image.forms",
    "BlankImageWarning": "textcnn.image.files",
    "ConvNetwork": "textcnn.image.forms",
    "CrossFitReport": "textcnn.crossfit.report",
    "FoldLevelWarning": "textcnn.crossfit.fold_levels",
    "FoldTargetWarning": "textcnn.crossfit.splits",
    "ImageCNNClassifier": "textcnn.image_cnn",
    "ImageCNNEncoder": "textcnn.image_cnn",
    "ImageCNNRegressor": "textcnn.image_cnn",
    "ImageError": "textcnn.image.files",
    "InSampleWarning": "textcnn.base.training_rows",
    "LeakError": "textcnn.crossfit.verification",
    "OutOfFoldEncoder": "textcnn.stacking",
    "ResidualNetwork": "textcnn.image.forms",
    "SequenceNetwork": "textcnn.image.forms",
    "TableFeatures": "textcnn.table_features",
    "TableFeaturesWarning": "textcnn.table.fitting",
    "TextCNNClassifier": "textcnn.text_cnn",
    "TextCNNEncoder": "textcnn.text_cnn",
    "TextCNNRegressor": "textcnn.text_cnn",
    "TextLinearEncoder": "textcnn.text_linear",
    "VerificationWarning": "textcnn.crossfit.fingerprints",
    "WordVectors": "textcnn.text.vectors",
    "audit": "textcnn.crossfit.audit",
    "get_config": "textcnn.utils.config",
    "leakage_test": "textcnn.crossfit.leakage",
    "load": "textcnn.persistence",
    "set_config": "textcnn.utils.config",
}

# Former names, which still work.
_RENAMED = {"BlankPictureWarning": "BlankImageWarning", "PictureError": "ImageError"}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    """Import a public name when it is first used."""
    name = _RENAMED.get(name, name)
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """Return the public names."""
    return sorted([*globals(), *__all__])
