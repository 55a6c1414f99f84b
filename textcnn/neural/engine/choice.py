"""Selects the engine that trains a network: Numba if it supports the network, or Keras."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import threading
from functools import cache

from textcnn.neural.engine.activations import ACTIVATIONS
from textcnn.neural.engine.layout import Design

ENGINES = ("auto", "numba", "keras")

_lock = threading.Lock()


def choose_engine(blueprint) -> tuple[str, str]:
    """Return ``"numba"`` or ``"keras"``, and the reason as text.

    Parameters
    ----------
    blueprint : textcnn.neural.network.Blueprint
        Its ``engine`` is the choice of the user.

    Raises
    ------
    ValueError
        If ``engine="numba"`` is chosen but not available, or the engine is unknown.
    """
    if blueprint.engine not in ENGINES:
        raise ValueError(
            f"Unknown engine. Expected: one of {ENGINES}. Received: engine={blueprint.engine!r}."
        )
    if blueprint.engine == "keras":
        return "keras", "engine='keras' is set"
    unknown = what_is_unknown(blueprint.design)
    refused = unknown or _why_not_compiled(blueprint.design.settings.pooling != "max")
    if blueprint.engine == "numba":
        if refused:
            raise ValueError(
                f"This network cannot be trained by Numba: {refused}. Expected: "
                'engine="auto" or "keras" for it. Received: engine="numba".'
            )
        return "numba", "engine='numba' is set"
    for reason in (refused, _why_keras()):
        if reason:
            return "keras", reason
    return "numba", "Numba supports the network"


def what_is_unknown(design: Design | None) -> str | None:
    """Return the part of a network that the engine does not support; None if it supports all."""
    if design is None:
        return "the network is not a text network of convolutions"
    settings = design.settings
    if settings.network is not None:
        return "network= is set"
    if settings.n_blocks > 1:
        return "n_blocks is above 1"
    if settings.activation not in ACTIVATIONS:
        return f"the activation {settings.activation!r} is not supported"
    return None


def works_here() -> bool:
    """Return whether joblib would use this machine, so that threads can be used instead."""
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend(prefer="processes")
    return type(backend).__module__ == "joblib._parallel_backends"


def _why_keras() -> str | None:
    """Return a reason of the environment for Keras, or None."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return f"KERAS_BACKEND={chosen} is set"
    if sees_gpu():
        return "a GPU is visible"
    return None


@cache
def _why_not_compiled(averages: bool) -> str | None:
    """Return why the loops of the engine are not available; None if they are."""
    with _lock:
        try:
            importlib.import_module("textcnn.neural.engine.kernels")
            if averages:
                importlib.import_module("textcnn.neural.engine.average_kernels")
        except ImportError as error:
            return f"Numba cannot be imported ({error})"
        except _errors_of_numba() as error:
            return f"Numba cannot compile it ({type(error).__name__}: {error})".splitlines()[0]
    return None


def _errors_of_numba() -> tuple[type[Exception], ...]:
    """Return the errors of compilation by Numba; none before it is imported."""
    errors = sys.modules.get("numba.core.errors")
    return () if errors is None else (errors.NumbaError, OSError)


@cache
def sees_gpu() -> bool:
    """Return whether this process can use an NVIDIA GPU, without importing a backend."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    if os.path.exists("/dev/nvidia0"):
        return True
    command = shutil.which("nvidia-smi")
    if command is None:
        return False
    try:
        listed = subprocess.run([command, "-L"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and b"GPU" in listed.stdout
