"""Convert plain values, and objects of registered classes, to JSON with numbered arrays and back.

Values that JSON does not support are dicts whose key is the type: ``{"array": 3}``,
``{"tuple": [...]}``, ``{"object": "Target", "state": {...}}``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from textcnn.persistence.archive import ArchiveReader, ArchiveWriter, FileFormatError
from textcnn.persistence.hints import matches
from textcnn.persistence.quantized import QuantizedVectors, is_vector_table, quantize

# Shorter lists of strings stay readable JSON.
_FEWEST_PACKED_STRINGS = 16
_DEEPEST = 100
# Allowed values of ``dtype=`` of vectorizers.
_NUMPY_TYPES = ("float32", "float64", "int32", "int64")


class NotStored:
    """A placeholder for a parameter that is not stored in a file, such as word vectors.

    A loaded estimator can transform without it. To fit again, set the parameter first; otherwise
    ``fit`` raises an error that shows what is missing.

    Parameters
    ----------
    description : str
        Text form of the parameter when the estimator was saved.
    """

    def __init__(self, description: str):
        self.description = description

    def __repr__(self) -> str:
        """Show what is missing."""
        return f"NotStored({self.description!r})"

    def __eq__(self, other) -> bool:
        """Return whether both have the same description."""
        return isinstance(other, NotStored) and self.description == other.description

    def __hash__(self) -> int:
        """Return a hash of the description."""
        return hash(self.description)


@dataclass
class ValueWriter:
    """Converts values to JSON and writes their arrays.

    Attributes
    ----------
    archive : ArchiveWriter
    registry : Registry
        The classes that may be stored.
    vectors : {"float32", "int8"}
        Format of word vectors.
    """

    archive: ArchiveWriter
    registry: object
    vectors: str = "float32"

    def encode(self, value, where: str):
        """Return the JSON form of a value; ``where`` names it in an error."""
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, np.ndarray):
            return self._encode_array(value, where)
        if isinstance(value, np.generic):
            return {"scalar": self.archive.add_array(np.asarray(value))}
        if isinstance(value, list):
            return self._encode_list(value, where)
        if isinstance(value, tuple):
            return {"tuple": [self.encode(v, f"{where}[{i}]") for i, v in enumerate(value)]}
        if isinstance(value, dict):
            if len(value) >= _FEWEST_PACKED_STRINGS and _are_numbered_words(value):
                words = self._encode_list(list(value), where)
                numbers = np.fromiter(value.values(), np.int64, len(value))
                return {"numbered": [words, self.archive.add_array(numbers)]}
            pairs = [
                [self.encode(key, where), self.encode(item, f"{where}[{key!r}]")]
                for key, item in value.items()
            ]
            return {"dict": pairs}
        if isinstance(value, PurePath):
            return {"path": str(value)}
        if isinstance(value, NotStored):
            return {"not_stored": value.description}
        if isinstance(value, type) and value.__name__ in _NUMPY_TYPES and _is_numpy_type(value):
            return {"numpy_type": value.__name__}
        name = self.registry.name_of(value)
        if name is not None:
            return {"object": name, "state": self._encode_object(name, value, where)}
        if callable(value) and not isinstance(value, type):
            return {"callable": callable_name(value, where)}
        raise TypeError(
            f"{where} cannot be saved. Expected: NumPy arrays, plain "
            f"values and estimators of textcnn. Received: {type(value).__module__}."
            f"{type(value).__qualname__}. Use skops.io.dump or joblib.dump for this estimator."
        )

    def _encode_object(self, name: str, value, where: str) -> dict:
        encoded = {}
        for key, item in self.registry.state_of(name, value, where).items():
            part = f"{where}.{key}"
            if name == "FittedModel" and key == "weights":
                encoded[key] = [
                    self._encode_vectors(array, part)
                    if is_vector_table(path)
                    else self.encode(array, part)
                    for path, array in zip(value.names, item, strict=True)
                ]
            elif name == "Vocabulary" and key == "given":
                encoded[key] = self._encode_vectors(item, part)
            else:
                encoded[key] = self.encode(item, part)
        return encoded

    def _encode_vectors(self, table: np.ndarray, where: str):
        if self.vectors != "int8" or not table.size:
            return self.encode(table, where)
        small = quantize(table)
        return {"int8": [self.archive.add_array(part) for part in (small.codes, small.scales)]}

    def _encode_array(self, array: np.ndarray, where: str):
        if array.dtype.kind in "biufcSUmM":
            return {"array": self.archive.add_array(array)}
        if array.dtype.kind not in "OT":
            raise TypeError(f"{where} cannot be saved. Received: an array of {array.dtype}.")
        cells = array.astype(object).ravel().tolist()
        return {"cells": self.encode(cells, where), "shape": list(array.shape)}

    def _encode_list(self, items: list, where: str):
        if len(items) >= _FEWEST_PACKED_STRINGS and set(map(type, items)) == {str}:
            content = "".join(items).encode("utf-8", "surrogatepass")
            lengths = np.fromiter(map(len, items), np.int32, len(items))
            parts = (np.frombuffer(content, np.uint8), lengths)
            return {"strings": [self.archive.add_array(part) for part in parts]}
        return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(items)]


class ValueReader:
    """Reads values written by :class:`ValueWriter`; only registered classes are created.

    Parameters
    ----------
    archive : ArchiveReader
    registry : Registry
    custom_objects : dict of str to callable
        The functions for stored names of callables.
    keep_int8 : bool, default=False
        Whether int8 tables are kept instead of converted to float32.
    """

    def __init__(self, archive: ArchiveReader, registry, custom_objects, *, keep_int8=False):
        self._archive = archive
        self._registry = registry
        self._custom_objects = dict(custom_objects or {})
        self._keep_int8 = keep_int8
        self._depth = 0

    def decode(self, node):
        """Return the value of a JSON node."""
        if node is None or isinstance(node, bool | int | float | str):
            return node
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FileFormatError("Its values are nested too deeply.")
        try:
            return self._decode_nested(node)
        finally:
            self._depth -= 1

    def _decode_nested(self, node):
        if isinstance(node, list):
            return [self.decode(item) for item in node]
        if not node:
            raise FileFormatError("It contains a value without a type.")
        kind, *others = node
        content = node[kind]
        if others not in ([], ["state"], ["shape"]) or not hasattr(self, f"_decode_{kind}"):
            raise FileFormatError(f"It contains a value of an unknown type: {str(kind)[:40]!r}.")
        try:
            return getattr(self, f"_decode_{kind}")(content, *(node[key] for key in others))
        except FileFormatError:
            raise
        except (
            TypeError,
            ValueError,
            KeyError,
            IndexError,
            AttributeError,
            OverflowError,
        ) as error:
            raise FileFormatError(
                f"A value of the type {kind!r} is damaged ({type(error).__name__}: {error})."
            ) from error

    def _decode_float(self, text):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]

    def _decode_array(self, number):
        return self._archive.array(_number(number))

    def _decode_scalar(self, number):
        (value,) = self._archive.array(_number(number)).reshape(-1)
        return value

    def _decode_int8(self, numbers):
        codes, scales = (self._archive.array(_number(number)) for number in numbers)
        table = QuantizedVectors(codes, scales)
        return table if self._keep_int8 else table[:]

    def _decode_cells(self, items, shape):
        cells = self.decode(items)
        array = np.empty(len(cells), object)
        array[:] = cells
        return array.reshape([_number(side) for side in shape])

    def _decode_strings(self, numbers):
        content, lengths = (self._archive.array(_number(number)) for number in numbers)
        if content.dtype != np.uint8 or lengths.dtype != np.int32 or lengths.min(initial=0) < 0:
            raise FileFormatError("A list of strings is damaged.")
        text = content.tobytes().decode("utf-8", "surrogatepass")
        ends = np.cumsum(lengths, dtype=np.int64).tolist()
        if (ends or [0])[-1] != len(text):
            raise FileFormatError("A list of strings is damaged.")
        return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def _decode_tuple(self, items):
        return tuple(self.decode(items))

    def _decode_dict(self, pairs):
        return {self.decode(key): self.decode(item) for key, item in pairs}

    def _decode_numbered(self, parts):
        words, number = parts
        words, numbers = self.decode(words), self._archive.array(_number(number))
        if numbers.dtype != np.int64 or len(set(words)) != len(words):
            raise FileFormatError("A list of numbered words is damaged.")
        return dict(zip(words, numbers.tolist(), strict=True))

    def _decode_numpy_type(self, name):
        if name not in _NUMPY_TYPES:
            raise FileFormatError(f"It contains an unknown NumPy type: {str(name)[:40]!r}.")
        return getattr(np, name)

    def _decode_path(self, text):
        return Path(text)

    def _decode_not_stored(self, text):
        return NotStored(str(text))

    def _decode_callable(self, name):
        if name not in self._custom_objects:
            raise FileFormatError(
                f"It needs your function {name!r}, which is not stored in the file. Type "
                f"textcnn.load(path, custom_objects={{{name!r}: the_function}})."
            )
        return self._custom_objects[name]

    def _decode_object(self, name, state):
        kind = self._registry.entry(name)
        wanted = {key: node for key, node in state.items() if kind.wants(key)}
        values = {key: self.decode(node) for key, node in wanted.items()}
        for key, value in values.items():
            hint = kind.hint(key)
            if not matches(value, hint):
                raise FileFormatError(
                    f"{key!r} of {name} has a wrong type. Expected: {hint}. Received: "
                    f"{type(value).__name__}."
                )
        return kind.make(values)


def _are_numbered_words(value: dict) -> bool:
    return set(map(type, value)) == {str} and set(map(type, value.values())) == {int}


def _is_numpy_type(kind: type) -> bool:
    return kind is getattr(np, kind.__name__)


def _number(value) -> int:
    if type(value) is not int or value < 0:
        raise FileFormatError(f"Expected a non-negative integer. Received: {str(value)[:40]!r}.")
    return value


def callable_name(function, where: str) -> str:
    """Return the import name of a function; its code cannot be stored."""
    name = getattr(function, "__qualname__", None)
    if name is None or "<lambda>" in name:
        raise TypeError(
            f"{where} is a lambda or has no name, and code cannot be saved. "
            "Expected: a function made with def (its name is saved; load needs custom_objects=). "
            f"Received: {function!r}. Or use skops.io.dump or joblib.dump."
        )
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module not in (None, "builtins") else name
