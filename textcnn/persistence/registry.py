"""The classes that a file may contain, their stored attributes, and the types of these.

A new estimator, or a new part of one, must be added here. Loading a file can create no other
objects, and classes are imported only when a file names them.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
import typing
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from textcnn.persistence.archive import FileFormatError
from textcnn.persistence.former import FORMER_PARTS, RENAMED, brought_up_to_date
from textcnn.persistence.hints import matches
from textcnn.persistence.values import NotStored

# Name in a file → module: dataclasses, whose fields are their state.
_DATACLASSES = {
    "Assignment": "textcnn.crossfit.assignments",
    "Block": "textcnn.image.network",
    "ColumnReader": "textcnn.text.reader",
    "ColumnRecord": "textcnn.crossfit.records",
    "EncodedColumn": "textcnn.table.encoding",
    "EstimatorModels": "textcnn.fit.estimators",
    "Fingerprint": "textcnn.crossfit.fingerprints",
    "FittedEstimator": "textcnn.fit.models",
    "FittedMember": "textcnn.table.members",
    "FittedModel": "textcnn.neural.jobs",
    "FoldModel": "textcnn.fit.models",
    "FoldPlan": "textcnn.crossfit.assignments",
    "ImageNetwork": "textcnn.image.fitted",
    "ImageNetworkSettings": "textcnn.image.network",
    "ImageReader": "textcnn.image.reader",
    "JoinedTokenizer": "textcnn.text.joining",
    "Level": "textcnn.crossfit.level",
    "LinearModels": "textcnn.text.linear",
    "NgramCounter": "textcnn.text.ngrams",
    "TableReport": "textcnn.table.report",
    "OtherColumns": "textcnn.table.others",
    "Target": "textcnn.crossfit.targets",
    "TextNetwork": "textcnn.text.fitted",
    "TextNetworkSettings": "textcnn.text.network",
    "Verification": "textcnn.crossfit.fingerprints",
}
# Public classes, which the package finds by name; each declares the fields that fit leaves.
_ESTIMATORS = (
    "ImageCNNClassifier",
    "ImageCNNEncoder",
    "ImageCNNRegressor",
    "OutOfFoldEncoder",
    "TableFeatures",
    "TextCNNClassifier",
    "TextCNNEncoder",
    "TextCNNRegressor",
    "TextLinearEncoder",
)
# Objects that are parameters of ours and nothing else; made anew by their own parameters.
_PARAMETERS = {
    "Backbone": "textcnn.image.forms",
    "ConvNetwork": "textcnn.image.forms",
    "ResidualNetwork": "textcnn.image.forms",
    "SequenceNetwork": "textcnn.image.forms",
}
# Estimators inside ours whose attributes are arrays and plain values: name in a file → module.
# None whose compiled code trusts its arrays (trees, nearest neighbours, kernel machines): numbers
# of nodes that a file made up would be read beyond the end of an array.
_INNER_ESTIMATORS = {
    "BernoulliNB": "sklearn.naive_bayes",
    "CentredLogisticRegression": "textcnn.fit.linear_models",
    "ComplementNB": "sklearn.naive_bayes",
    "CountVectorizer": "sklearn.feature_extraction.text",
    "DatetimeEncoder": "skrub",
    "ElasticNet": "sklearn.linear_model",
    "FeatureUnion": "sklearn.pipeline",
    "FoldTfidf": "textcnn.fit.linear_models",
    "GaussianNB": "sklearn.naive_bayes",
    "HashingVectorizer": "sklearn.feature_extraction.text",
    "LLMEncoder": "skrub",
    "Lasso": "sklearn.linear_model",
    "LinearRegression": "sklearn.linear_model",
    "LinearSVC": "sklearn.svm",
    "LinearSVR": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MaxAbsScaler": "sklearn.preprocessing",
    "MinMaxScaler": "sklearn.preprocessing",
    "MultinomialNB": "sklearn.naive_bayes",
    "Normalizer": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "Pipeline": "sklearn.pipeline",
    "Ridge": "sklearn.linear_model",
    "SimpleImputer": "sklearn.impute",
    "StandardScaler": "sklearn.preprocessing",
    "StaticVectors": "textcnn.table.static",
    "StringEncoder": "skrub",
    "TextCounts": "textcnn.table.counts",
    "TextEncoder": "skrub",  # the former name of LLMEncoder
    "TfidfTransformer": "sklearn.feature_extraction.text",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "ToStr": "skrub._to_str",  # a part of StringEncoder
    "TruncatedSVD": "sklearn.decomposition",
}
# Parts of TextLinearEncoder, which are the same in every version of scikit-learn.
_VERSION_FREE = ("Pipeline", "Ridge")
_SKRUB_VERSION = "_skrub_version"
# A file names a sentence-transformers model and does not contain it. Where the model is stored, and
# which variable holds the password of the hub, are never read from a file.
_SENTENCE_MODEL = ("_estimator", "_cache_folder")
_WITHOUT_PLACES = {"cache_folder": None, "token_env_variable": None}
# Splitters are created from their parameters.
_SPLITTERS = (
    "GroupKFold",
    "KFold",
    "LeaveOneGroupOut",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "TimeSeriesSplit",
)
# Parameters that may be objects of others; a loaded estimator transforms without them.
_REPLACEABLE = ("augment", "columns", "cv", "embeddings", "random_state")
# Set by callbacks and routing during a fit; not part of a fitted estimator.
_PASSING = ("_skl_callbacks", "_callback_fit_ctx", "_parent_callback_ctx")


@dataclass
class Entry:
    """A class that a file may contain, and how to create its objects."""

    make: Callable[[dict], Any]
    hints: dict[str, Any] = field(default_factory=dict)
    any_attribute: bool = False
    only: tuple[str, ...] | None = None

    def wants(self, key: str) -> bool:
        """Return whether a part of the state is needed; refuse unknown parts."""
        if self.only is not None:
            return key in self.only
        if key not in self.hints and not self.any_attribute:
            raise FileFormatError(f"It contains an unknown part: {str(key)[:80]!r}.")
        return True

    def hint(self, key: str):
        """Return the type of a part of the state."""
        return self.hints.get(key, Any)


class Registry:
    """The classes of this package, for writing and reading."""

    def name_of(self, value) -> str | None:
        """Return the name of a value stored as an object, or None for other values."""
        kind = type(value)
        name, module = kind.__name__, kind.__module__
        if name == "Vocabulary" and module == "textcnn.text.vocabulary":
            return name
        if name in _SPLITTERS and module.startswith("sklearn.model_selection"):
            return name
        if name in _ESTIMATORS:
            return name if kind is _import("textcnn", name) else None
        lists = (_DATACLASSES, _PARAMETERS, _INNER_ESTIMATORS)
        place = next((known[name] for known in lists if name in known), None)
        library = "" if place is None else place.partition(".")[0]
        is_ours = module == place or (
            library in ("sklearn", "skrub") and f"{module}.".startswith(f"{place}.")
        )
        return name if is_ours else None

    def state_of(self, name: str, value, where: str) -> dict:
        """Return the parts of an object to store."""
        if name == "Vocabulary":
            return value.to_state()
        if name in _SPLITTERS or name in _PARAMETERS:
            return {key: getattr(value, key) for key in _parameters_of(type(value))}
        if name in _DATACLASSES:
            state = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            if name == "ImageNetworkSettings":
                # Augmentation layers are needed in training only, and are code.
                state["augment"] = ()
            return state
        if name in _ESTIMATORS:
            return {
                "parameters": _storable_parameters(value),
                "fitted": _fitted_state(value, where),
                "requests": _requests_of(value),
            }
        if type(value).__module__.startswith("skrub."):
            state = {key: part for key, part in vars(value).items() if key not in _SENTENCE_MODEL}
            if name in ("LLMEncoder", "TextEncoder"):
                state |= _WITHOUT_PLACES | {"model_name": str(value.model_name)}
            return state | {_SKRUB_VERSION: _version_of_skrub()}
        if name in _VERSION_FREE or not type(value).__module__.startswith("sklearn."):
            return dict(vars(value))
        return value.__getstate__()  # with scikit-learn's version, which loading compares

    @staticmethod
    @cache
    def entry(name: str) -> Entry:
        """Return how objects of a name are made."""
        if name in FORMER_PARTS:
            make, hints = FORMER_PARTS[name]
            return Entry(make, hints())
        name = RENAMED.get(name, name)
        if name == "Vocabulary":
            return Entry(_make_vocabulary, dict.fromkeys(_VOCABULARY, Any))
        if name in _DATACLASSES:
            kind = _import(_DATACLASSES[name], name)
            return Entry(lambda state: kind(**state), typing.get_type_hints(kind))
        if name in _SPLITTERS or name in _PARAMETERS:
            kind = _import(_PARAMETERS.get(name, "sklearn.model_selection"), name)
            hints = dict.fromkeys(_parameters_of(kind), Any)
            return Entry(lambda state: kind(**state), hints)
        if name in _INNER_ESTIMATORS:
            kind = _import(_INNER_ESTIMATORS[name], name)
            return Entry(lambda state: _make_inner(kind, state), any_attribute=True)
        if name in _ESTIMATORS:
            kind = _import("textcnn", name)
            hints = {"parameters": dict[str, Any], "fitted": dict[str, Any], "requests": dict}
            return Entry(lambda state: _make_estimator(kind, state), hints)
        raise FileFormatError(f"It contains an object of an unknown class: {str(name)[:80]!r}.")


_VOCABULARY = (
    "words",
    "given",
    "given_is_random",
    "keys",
    "key_rows",
    "random_words",
    "random_rows",
    "report",
    "pieces",
)


def is_estimator(name) -> bool:
    """Return whether a stored object is an estimator of this package."""
    return isinstance(name, str) and name in _ESTIMATORS


def _import(module: str, name: str) -> type:
    """Import a class of the lists above; only skrub may be missing."""
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        if not module.startswith("skrub"):
            raise
        raise ImportError(
            f"The file contains skrub's {name}, which could not be imported: {error}. Type: "
            "pip install skrub."
        ) from error


def _make_vocabulary(state: dict):
    from textcnn.text.vocabulary import Vocabulary

    return Vocabulary.from_state(state)


def _make_inner(kind: type, state: dict):
    """Create an estimator with its attributes; none may hide a method."""
    hidden = [name for name in state if not str(name).isidentifier() or hasattr(kind, name)]
    if hidden:
        raise FileFormatError(f"An attribute would hide a method: {hidden[0]!r}.")
    vocabulary = state.get("vocabulary_")
    if vocabulary is not None and sorted(vocabulary.values()) != list(range(len(vocabulary))):
        # Compiled code uses these numbers as column indices without a check.
        raise FileFormatError(f"The vocabulary of {kind.__name__} has numbers without a word.")
    estimator = kind.__new__(kind)
    if kind.__name__ in ("LLMEncoder", "TextEncoder"):
        state |= _WITHOUT_PLACES
    if _SKRUB_VERSION in state:
        _warn_of_version(kind.__name__, state.pop(_SKRUB_VERSION))
    if "_sklearn_version" in state:
        estimator.__setstate__(state)
    else:
        estimator.__dict__.update(state)
    return estimator


def _make_estimator(kind: type, state: dict):
    """Make an estimator of its parameters and put what fit left on it."""
    parameters, fitted = brought_up_to_date(kind.__name__, state["parameters"], state["fitted"])
    estimator = kind(**parameters)
    hints = _fitted_hints(kind)
    for name, value in fitted.items():
        if name not in hints or not matches(value, hints[name]):
            raise FileFormatError(f"{kind.__name__} has no {name!r} of this type.")
    estimator.__dict__.update(fitted)
    if state.get("requests"):
        _set_requests(estimator, state["requests"])
    return estimator


def _version_of_skrub() -> str:
    import skrub

    return skrub.__version__


def _warn_of_version(name: str, written_by) -> None:
    """Warn if another version of skrub wrote an encoder, as scikit-learn does."""
    here = _version_of_skrub()
    if written_by != here:
        warnings.warn(
            f"A {name} was saved by skrub {str(written_by)[:40]} and is loaded by skrub {here}; "
            "its features may differ. Fit it again to be safe.",
            UserWarning,
            stacklevel=2,
        )


@cache
def _fitted_hints(kind: type) -> dict:
    """Return the types of what fit leaves on an estimator of a class."""
    hints = kind._fitted_fields | {"_sklearn_output_config": dict[str, str | None]}
    if "_model_sets" in hints:
        hints["_model_sets"] = list[list[kind._model_set]]
    return hints


def _parameters_of(kind: type) -> list[str]:
    """Return the names of the parameters of a class."""
    return [name for name in inspect.signature(kind).parameters if name != "self"]


def _storable_parameters(estimator) -> dict:
    """Return the parameters; large or other objects are replaced by descriptions."""
    parameters = estimator.get_params(deep=False)
    return {
        name: _replaced(value) if name in _REPLACEABLE else value
        for name, value in parameters.items()
    }


def _replaced(value):
    """Return a parameter that can be stored, or a placeholder."""
    if isinstance(value, list | tuple) and not _is_plain(value):
        if all(isinstance(item, list | tuple) for item in value):  # pairs of row numbers
            return NotStored(f"{type(value).__name__} of {len(value)} splits")
        return type(value)(_replaced(item) for item in value)
    if _is_plain(value) or Registry().name_of(value) in _SPLITTERS:
        return value
    shown = repr(value)
    return NotStored(shown if len(shown) <= 200 else f"{shown[:197]}...")


def _is_plain(value) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, str | int | float | os.PathLike) for item in value)
    return value is None or isinstance(value, str | int | float | NotStored | os.PathLike)


def _fitted_state(estimator, where: str) -> dict:
    """Return the fitted attributes; refuse unknown ones."""
    parameters = set(estimator.get_params(deep=False))
    ignored = parameters | {*_PASSING, "_metadata_request"}
    state = {name: value for name, value in vars(estimator).items() if name not in ignored}
    unknown = sorted(set(state) - set(_fitted_hints(type(estimator))))
    if unknown:
        raise TypeError(
            f"{where} has attributes that cannot be saved: {unknown}. Delete them, or use "
            "skops.io.dump or joblib.dump."
        )
    return state


def _requests_of(estimator) -> dict:
    """Return the requests of ``set_fit_request``."""
    if "_metadata_request" not in vars(estimator):
        return {}
    return dict(estimator._metadata_request.fit.requests)


def _set_requests(estimator, requests: dict) -> None:
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        estimator.set_fit_request(**requests)
