"""Results of runs that are too long for the tests: one JSON file per run, one page for all."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path


def today() -> str:
    """Return the date to write into a result."""
    return f"{datetime.date.today():%Y-%m-%d}"


def keep(folder: Path, name: str, result: dict) -> None:
    """Save the latest result of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def kept(folder: Path) -> list[dict]:
    """Return the latest result of every run."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def machine() -> str:
    """Describe the machine."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"


def write_page(path: Path, lines: list[str]) -> None:
    """Write a page of results."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
