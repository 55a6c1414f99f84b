"""Outputs of each layer of a Keras model while it runs, including nested models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from textcnn.neural.backend import import_keras


@dataclass(frozen=True)
class LayerOutput:
    """One call of one layer."""

    path: str  # its name, after those of the models that contain it: "network/conv2d"
    layer: Any
    value: Any  # the backend's tensor


def leaf_layers(model) -> dict[str, Any]:
    """Return the layers of a model by path, including the layers of nested models."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, import_keras().Model) and layer.layers:
            found |= {f"{layer.name}/{path}": leaf for path, leaf in leaf_layers(layer).items()}
        else:
            # A maximum of convolutions calls them when it is not training.
            found |= {inner.name: inner for inner in getattr(layer, "convolutions", ())}
            found[layer.name] = layer
    return found


@contextlib.contextmanager
def recorded_layers(model, changes: Mapping[str, Callable] | None = None):
    """Record outputs of layers, in the order of their calls; for a model without other users.

    Parameters
    ----------
    model : keras.Model
        Must run eagerly: each call of it inside the block adds to the record.
    changes : mapping of str to callable, optional
        By the path of a layer, a function that replaces its output.

    Yields
    ------
    list of LayerOutput
    """
    changes = changes or {}
    record: list[LayerOutput] = []
    layers = leaf_layers(model)

    def watch(path, layer):
        call, change = layer.call, changes.get(path)

        def call_and_record(*args, **kwargs):
            value = call(*args, **kwargs)
            if change is not None:
                value = change(value)
            record.append(LayerOutput(path, layer, value))
            return value

        layer.call = call_and_record

    for path, layer in layers.items():
        watch(path, layer)
    try:
        yield record
    finally:
        for layer in layers.values():
            del layer.call


@contextlib.contextmanager
def replaced_calls(model, calls: Mapping[str, Callable]):
    """Replace the calls of layers of a model; for a model without other users.

    Parameters
    ----------
    model : keras.Model
        Must run eagerly inside the block.
    calls : mapping of str to callable
        By the path of a layer, a function of its input.
    """
    layers = leaf_layers(model)
    for path, call in calls.items():
        layers[path].call = call
    try:
        yield
    finally:
        for path in calls:
            del layers[path].call
