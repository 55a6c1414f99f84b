"""The parts of a saved file that serving needs: networks and target type, not the report."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from textcnn.crossfit.level import Level
from textcnn.crossfit.targets import Target
from textcnn.persistence.archive import ArchiveReader, FileFormatError
from textcnn.persistence.checks import check_head, check_network
from textcnn.persistence.former import RENAMED
from textcnn.persistence.hints import matches
from textcnn.persistence.quantized import QuantizedVectors
from textcnn.persistence.registry import Entry, Registry
from textcnn.persistence.values import ValueReader
from textcnn.text.network import TextNetworkSettings
from textcnn.text.reader import ColumnReader
from textcnn.text.vocabulary import Vocabulary


@dataclass
class ServedWeights:
    """The arrays of a model."""

    weights: list[np.ndarray]
    names: list[str]
    view: dict[str, np.ndarray]


@dataclass
class ServedFold:
    """A model with the base rate of its training rows."""

    model: ServedWeights
    level: Level


@dataclass
class ServedNetwork:
    """The models of one text column, or of all columns of a classifier or regressor."""

    names: list[str]
    readers: list[ColumnReader]
    settings: TextNetworkSettings
    min_count: int
    n_outputs: int
    loss: str
    models: list[ServedFold]


_PARTS = {
    "FittedModel": ServedWeights,
    "FoldModel": ServedFold,
    "TextNetwork": ServedNetwork,
}
_AS_THEY_ARE = ("ColumnReader", "JoinedTokenizer", "Level", "Target", "TextNetworkSettings")
_FITTED = {
    "_head": Target,
    "_model_sets": list[list[ServedNetwork]],
    "classes_": np.ndarray | list | None,
    "feature_names_in_": np.ndarray,
    "n_features_in_": int,
}
# What parts are called in files, where they are called otherwise in former versions.
_FORMER_FIELDS = {"_networks": "_model_sets"}


class ServingRegistry(Registry):
    """Creates the parts above from a file, and ignores the rest."""

    @staticmethod
    @cache
    def entry(name: str) -> Entry:
        """Return how objects of a name are made."""
        name = RENAMED.get(name, name)
        if name in _PARTS:
            kind = _PARTS[name]
            only = tuple(part.name for part in dataclasses.fields(kind))
            return Entry(lambda state: kind(**state), typing.get_type_hints(kind), only=only)
        if name == "Vocabulary":
            return Entry(_make_vocabulary, any_attribute=True)
        if name in _AS_THEY_ARE:
            return Registry.entry(name)
        raise FileFormatError(
            f"It contains an object that serving does not support: {str(name)[:80]!r}."
        )


def read_parts(archive: ArchiveReader, custom_objects) -> tuple[str, dict[str, Any]]:
    """Return the class of the saved estimator, and the parts for serving by name.

    Raises
    ------
    FileFormatError
    """
    reader = ValueReader(archive, ServingRegistry(), custom_objects, keep_int8=True)
    try:
        node = archive.state()
        name, state = node["object"], node["state"]
        found = {}
        for key, value in state["fitted"]["dict"]:
            key = _FORMER_FIELDS.get(key, key)
            if key in _FITTED:
                found[key] = reader.decode(value)
    except (TypeError, KeyError, IndexError) as error:
        raise FileFormatError(f"It holds no estimator of textcnn ({error!r}).") from error
    for key, hint in _FITTED.items():
        if key in found and not matches(found[key], hint):
            raise FileFormatError(f"{key!r} is of another type. Expected: {hint}.")
    if "_head" not in found or not found.get("_model_sets"):
        raise FileFormatError("It holds no fitted text network.")
    check_head(found["_head"])
    for networks in found["_model_sets"]:
        for network in networks:
            check_network(network, found["_head"])
    return name, found


def _make_vocabulary(state: dict) -> Vocabulary:
    """Create a vocabulary whose vectors may be int8."""
    given = state.get("given")
    if not isinstance(given, QuantizedVectors):
        return Vocabulary.from_state(state)
    stand_in = np.broadcast_to(np.float32(0), given.shape)
    vocabulary = Vocabulary.from_state(state | {"given": stand_in})
    vocabulary.given = given
    return vocabulary
