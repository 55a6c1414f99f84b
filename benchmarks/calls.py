"""Count the function calls of a small fit, as a measure of how hard the code is to follow.

Counts calls of functions that are written in this package, how often the file changes from one
call to the next, the files and the depth. Generator expressions, comprehensions and lambdas do
not count as calls; what threads call does. The fit runs twice and the second run is counted,
without imports and tracing.

    python benchmarks/calls.py            # print a line per case
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # fold models one after another, so that files are in order

import numpy as np
import pandas as pd
from machine import machine_line

import textcnn

FOLDER = str(Path(textcnn.__file__).parent)
UNNAMED = ("<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "<lambda>", "<module>")


@dataclass
class Trace:
    """Calls made during a fit."""

    n_calls: int = 0
    n_file_changes: int = 0
    depth: int = 0
    deepest: int = 0
    files: set = field(default_factory=set)
    last: str = ""

    def __call__(self, frame, event, _):
        """Count an event, as :func:`sys.setprofile` reports it."""
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(FOLDER):
            return
        if code.co_name in UNNAMED:
            return
        if event == "return":
            self.depth -= 1
            return
        self.n_calls += 1
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        self.files.add(code.co_filename)
        self.n_file_changes += code.co_filename != self.last
        self.last = code.co_filename


def trace(function) -> Trace:
    """Run a function twice and return the calls of the second run."""
    function()
    found = Trace()
    sys.setprofile(found)
    threading.setprofile(found)
    try:
        function()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found


def cases() -> dict:
    """Return a small fit per public encoder."""
    from textcnn import TableFeatures, TextCNNEncoder, TextLinearEncoder

    texts = ["a good film", "a bad film", "very good", "so bad"] * 6
    y = [1, 0, 1, 0] * 6
    table = pd.DataFrame({"price": np.arange(24.0), "review": texts})
    small = {"n_filters": 2, "epochs": 1, "n_networks": 1}

    def encoder():
        TextCNNEncoder(cv=2, **small, random_state=0).fit_transform(texts, y)

    def linear():
        TextLinearEncoder(cv=2, random_state=0).fit_transform(texts, y)

    def stage():
        members = [("linear", TextLinearEncoder()), ("cnn", TextCNNEncoder(**small))]
        stage = TableFeatures(members, columns=["review"], cv=2, random_state=0)
        stage.fit_transform(table, y)

    return {
        "TextCNNEncoder, 24 texts, 2 folds": encoder,
        "TextLinearEncoder, 24 texts, 2 folds": linear,
        "TableFeatures, 24 rows, 2 folds, linear and cnn": stage,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(machine_line())
    print("| fit | calls | changes of file | files | depth |\n|---|---|---|---|---|")
    for name, function in cases().items():
        found = trace(function)
        print(
            f"| {name} | {found.n_calls} | {found.n_file_changes} | {len(found.files)} "
            f"| {found.deepest} |"
        )
