"""Keras' global settings: networks of this package have their own, whatever the caller's are."""

from __future__ import annotations

import contextlib

from textcnn.neural.backend import import_keras
from textcnn.utils.shared_context import SharedContext

# Name of each setting in keras.config, its setter, and the value under which networks run.
_SETTINGS = (
    ("floatx", "set_floatx", "float32"),
    ("epsilon", "set_epsilon", 1e-7),
    ("image_data_format", "set_image_data_format", "channels_last"),
    ("max_epochs", "set_max_epochs", None),
    ("max_steps_per_epoch", "set_max_steps_per_epoch", None),
)


@contextlib.contextmanager
def own_settings():
    """Build, train and run networks under fixed settings of Keras; the caller's are restored.

    Layers read the dtype policy, the type and the layout of numbers when they are built, and
    operations when they are traced. The policy is that of a thread; the other settings are those of
    the process, so the last of several threads restores them. Also a decorator.
    """
    with _fixed_policy("float32"), _fixed_globals:
        yield


@contextlib.contextmanager
def dtype_policy(name: str):
    """Build layers under a dtype policy, within :func:`own_settings`."""
    with _fixed_policy(name):
        yield


@contextlib.contextmanager
def _fixed_policy(name: str):
    config = import_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy(name)
    try:
        yield
    finally:
        config.set_dtype_policy(before)


def _fix_globals() -> dict[str, object]:
    config = import_keras().config
    before = {name: getattr(config, name)() for name, _, _ in _SETTINGS}
    for _, setter, value in _SETTINGS:
        getattr(config, setter)(value)
    return before


def _restore_globals(before: dict[str, object]) -> None:
    config = import_keras().config
    for name, setter, _ in _SETTINGS:
        getattr(config, setter)(before[name])


_fixed_globals = SharedContext(_fix_globals, _restore_globals)
