"""A line that describes the machine of a benchmark."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform

PACKAGES = ("keras", "tensorflow", "scikit-learn", "numpy")


def machine_line() -> str:
    """Return cores, architecture, and the versions of Python and installed packages."""
    versions = []
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{package} {importlib.metadata.version(package)}")
    python = f"Python {platform.python_version()}"
    return ", ".join([f"{os.cpu_count()} cores", platform.machine(), python, *versions])
