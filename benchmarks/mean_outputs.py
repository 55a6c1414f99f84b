"""Compare ways to measure the mean output of a network, by what features of noise then reveal.

Cases and data are those of ``benchmarks/leaks.py``: six groups of base rates from 0.1 to 0.9, left
out one by one. "nothing": the fixed bias of the last layer alone. "training rows": the mean output
over the training rows as they are. "rarer words": as textcnn does it.

    python benchmarks/mean_outputs.py [--replicates 40]
"""

from __future__ import annotations

import argparse
import warnings
from unittest import mock

from leaks import associations, cases, measure
from machine import machine_line

from textcnn.fit import network_jobs
from textcnn.fit.models import FoldModel
from textcnn.text import documents

SPLIT = "unequal groups"
NAMES = ("TextCNNEncoder", "TextCNNEncoder, long texts", "TextCNNEncoder, rare words")


WAYS = {
    "nothing": (network_jobs, "with_mean_output", FoldModel),
    "training rows": (documents, "_RARE", 0),
    "rarer words": (documents, "_RARE", documents._RARE),
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=40)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = [case for case in cases() if case.name in NAMES and case.kind == "binary"]
    print(machine_line(), f"; {options.replicates} replicates")
    print("| case | " + " | ".join(WAYS) + " |\n" + "|---" * (len(WAYS) + 1) + "|")
    for case in chosen:
        cells = []
        for place, name, way in WAYS.values():
            with mock.patch.object(place, name, way):
                line = measure(case, SPLIT, options.replicates, associations)
            cells.append(f"{line.estimate:+.3f} ± {line.half_width:.3f}")
        print(f"| {case.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
