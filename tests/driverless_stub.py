"""A stand-in for Driverless AI, written from its public transformer template; not the host itself.

What it knows: the base class and where it is imported from, the attributes that a recipe is given
(``labels``, ``num_classes``, ``n_jobs``), frames with ``to_pandas``, and the promises that the
template makes of shapes, types, order and row-wise ``transform``. It knows nothing of evolution,
MOJO, job scheduling, or what the real acceptance test does beyond those promises.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd

import textcnn

RECIPE = Path(textcnn.__file__).parent / "integrations" / "driverless.py"


class Frame:
    """The part of a datatable.Frame that the template names."""

    def __init__(self, table: pd.DataFrame):
        self._table = table.reset_index(drop=True)

    @property
    def names(self):
        return tuple(self._table.columns)

    @property
    def nrows(self):
        return len(self._table)

    @property
    def ncols(self):
        return self._table.shape[1]

    def to_pandas(self):
        return self._table.copy()

    def to_numpy(self):
        return self._table.to_numpy()


class CustomTransformer:
    """The base class: takes what the host hands over, and has nothing else that a recipe uses."""

    _unsupervised = False
    _regression = True
    _binary = True
    _multiclass = True
    _numeric_output = True
    _is_reproducible = True
    _included_model_classes = None
    _excluded_model_classes = None
    _modules_needed_by_name: list[str] = []
    _display_name = NotImplemented
    _allow_transform_to_modify_output_feature_names = False
    _parallel_task = True
    _can_use_gpu = False
    _mojo = False

    def __init__(self, labels=None, num_classes=None, n_jobs=1, **kwargs):
        self.labels, self.num_classes, self.n_jobs = labels, num_classes, n_jobs

    def fit(self, X, y=None):
        raise AssertionError("Driverless AI never calls fit")


def load_recipe(monkeypatch):
    """Import the recipe from its one file, as the host does, and return its class."""
    package, module = types.ModuleType("h2oaicore"), types.ModuleType("h2oaicore.transformer_utils")
    module.CustomTransformer = CustomTransformer
    package.transformer_utils = module
    monkeypatch.setitem(sys.modules, "h2oaicore", package)
    monkeypatch.setitem(sys.modules, "h2oaicore.transformer_utils", module)
    spec = importlib.util.spec_from_file_location("uploaded_recipe", RECIPE)
    recipe = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "uploaded_recipe", recipe)
    spec.loader.exec_module(recipe)
    found = [
        thing
        for thing in vars(recipe).values()
        if isinstance(thing, type)
        and issubclass(thing, CustomTransformer)
        and thing is not CustomTransformer
    ]
    assert len(found) == 1, "one transformer in the file"
    return found[0]


def check_recipe(recipe, X: pd.DataFrame, y: np.ndarray, *, frame=Frame, **given):
    """Assert the template's promises on one table; return the fitted transformer and features."""
    assert recipe.is_enabled() and recipe.enabled_setting() in ("on", "auto", "off")
    assert recipe.do_acceptance_test() in (True, False)
    properties = recipe.get_default_properties()
    assert set(properties) == {"col_type", "min_cols", "max_cols", "relative_importance"}
    assert properties["min_cols"] <= X.shape[1] <= properties["max_cols"]
    assert recipe.can_use(5, 5, train_shape=X.shape, n_gpus=0, num_classes=2, tgc=None)
    choices = recipe.get_parameter_choices()
    assert all(isinstance(values, list) and values for values in choices.values())
    settings = {name: values[0] for name, values in choices.items()} | given
    labels = None if y.dtype.kind == "f" else sorted(set(y.tolist()))
    transformer = recipe(
        **settings, labels=labels, num_classes=1 if labels is None else len(labels), n_jobs=1
    )
    features = np.asarray(transformer.fit_transform(frame(X), y))
    assert features.shape[0] == len(X) and features.shape[1] >= 1
    assert features.dtype.kind == "f" and np.isfinite(features).all()
    assert len(transformer._output_feature_names) == features.shape[1]
    assert len(transformer._feature_desc) == features.shape[1]
    transformer = pickle.loads(pickle.dumps(transformer))
    whole = np.asarray(transformer.transform(frame(X)))
    assert whole.shape == features.shape
    part = np.asarray(transformer.transform(frame(X.iloc[::-1].head(7))))
    np.testing.assert_allclose(part, whole[::-1][:7], rtol=0, atol=1e-5)
    return transformer, features
