"""The page of results of `make fuzz` and `make soak`."""

from __future__ import annotations

from pathlib import Path

from results import kept, machine, write_page


def write_results(folder: Path) -> None:
    """Write RESULTS.md next to the folder of results."""
    lines = [
        "# Results of fuzz and soak tests",
        "",
        f"Written by `make fuzz` and `make soak` (`hardening/`); {machine()}.",
        "Times are rough: the machine may have run other programs at the same time.",
        "CHANGELOG.md lists earlier failures that were fixed.",
        "",
        "| run | date | examples | result | seconds |",
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
            lines += ["", f"## {result['name']}: outcomes", ""]
            lines += [f"- {name}: {n:,}" for name, n in sorted(result["outcomes"].items())]
        if result.get("lines"):
            lines += ["", f"## {result['name']}: measurements", "", *result["lines"]]
        if result.get("traceback"):
            lines += ["", f"## {result['name']}: failure", "", "```"]
            lines += [*result["traceback"].splitlines(), "```"]
    write_page(folder.parent / "RESULTS.md", lines)
