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
from textcnn.text.documents import Documents, TextSource

SPLIT = "unequal groups"
NAMES = ("TextCNNEncoder", "TextCNNEncoder, long texts", "TextCNNEncoder, rare words")


def as_they_are(source: TextSource, rows, learn, random) -> TextSource:
    """Return rows without another word."""
    with mock.patch.object(Documents, "with_rarer_words", _same_words):
        return LIKE_NEW(source, rows, learn, random)


def _same_words(documents: Documents, rows, counts, vocabulary, random) -> Documents:
    return WITH_RARER_WORDS(documents, rows, counts + 1_000_000, vocabulary, random)


LIKE_NEW, WITH_RARER_WORDS = TextSource.like_new, Documents.with_rarer_words
WAYS = {
    "nothing": (network_jobs, "with_mean_output", lambda level, *given: level),
    "training rows": (TextSource, "like_new", as_they_are),
    "rarer words": (TextSource, "like_new", LIKE_NEW),
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
