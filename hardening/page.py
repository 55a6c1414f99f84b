"""The page of results of `make fuzz` and `make soak`."""

from __future__ import annotations

from pathlib import Path

from results import kept, machine, write_page


def write_results(folder: Path) -> None:
    """Write RESULTS.md beside a folder of results."""
    lines = [
        "# Fuzz and soak, run",
        "",
        f"Written by `make fuzz` and `make soak` (`hardening/`); {machine()}.",
        "Seconds say how long to wait, no more: the machine may have done other work beside.",
        "What was found and mended before stands in CHANGELOG.md.",
        "",
        "| run | date | tried | outcome | seconds |",
        "|---|---|---|---|---|",
    ]
    results = kept(folder)
    for result in results:
        lines.append(
            f"| {result['name']} | {result['date']} | {result['n']:,} | {result['outcome']} "
            f"| {result['seconds']} |"
        )
    for result in results:
        if result.get("outcomes"):
            lines += ["", f"## {result['name']}: what became of it", ""]
            lines += [f"- {name}: {n:,}" for name, n in sorted(result["outcomes"].items())]
        if result.get("lines"):
            lines += ["", f"## {result['name']}: what was measured", "", *result["lines"]]
        if result.get("traceback"):
            lines += ["", f"## {result['name']}: what was found", "", "```"]
            lines += [*result["traceback"].splitlines(), "```"]
    write_page(folder.parent / "RESULTS.md", lines)
