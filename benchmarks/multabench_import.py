"""Import MulTaBench's LightGBM and CatBoost where the packages of its other models are missing."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types

# Packages that only its encoders and tuned models use.
OPTIONAL = {
    "PIL": ["Image"],
    "peft": [],
    "pynvml": [],
    "torch": ["amp", "backends", "backends.mps", "cuda", "nn", "nn.functional", "optim"]
    + ["optim.lr_scheduler", "utils", "utils.data"],
    "torchvision": ["transforms"],
    "tqdm": [],
    "transformers": [],
}


class StandIn(types.ModuleType):
    """A module in which any name is an empty class."""

    __path__: list[str] = []

    def __getattr__(self, name: str):
        """Return an empty class, which also passes for a decorator."""
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": _nothing, "__call__": _same})


def _nothing(self, *_, **__) -> None:
    """Take anything."""


def _same(self, function=None, *_, **__):
    """Return a decorated function as it is."""
    return function


@contextlib.contextmanager
def stand_ins():
    """Let empty modules stand in for missing packages while the wheel's models are imported."""
    added = []
    for package, parts in OPTIONAL.items():
        try:
            importlib.import_module(package)
        except Exception:  # a package that is there may still fail to import
            for name in [package, *(f"{package}.{part}" for part in parts)]:
                sys.modules[name] = StandIn(name)
                added.append(name)
                parent, _, child = name.rpartition(".")
                if parent:
                    setattr(sys.modules[parent], child, sys.modules[name])
    try:
        yield
    finally:
        for name in added:
            sys.modules.pop(name, None)
