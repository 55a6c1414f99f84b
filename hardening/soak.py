"""Many fits and many transformed rows in one process: memory and file handles must stay flat.

    python hardening/soak.py                              # 200 fits, 10 million rows
    python hardening/soak.py --fits 20 --rows 1000000     # less

Each fit trains a network with two folds and a linear encoder; both are saved and loaded.
Rows are then transformed by the network, the linear encoder and (one time in seven)
textcnn.serving, 10,000 new texts at a time, some with new words. Memory is the resident set after
garbage collection. The exit status is 1 if the second half of a phase added more than 5 % to it,
or a file stayed open. RESULTS.md in this folder contains the result.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
sys.path[:0] = [str(FOLDER), str(REPOSITORY), str(REPOSITORY / "hosts")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from page import write_results  # noqa: E402
from results import keep, today  # noqa: E402

import textcnn  # noqa: E402
import textcnn.serving  # noqa: E402
from textcnn import TextCNNEncoder, TextLinearEncoder  # noqa: E402

N_TRAINING = 120
ROWS_AT_A_TIME = 10_000
MOST_GROWTH = 0.05  # of the resident set, in the second half
N_MARKS = 20
WORDS = np.array([f"word{i}" for i in range(2000)] + ["good", "bad", "fine", "poor"] * 50)


def main() -> int:
    """Run both phases; return 1 if memory, handles or threads grew."""
    parser = argparse.ArgumentParser(description="Fit and transform many times in one process.")
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--results", type=Path, default=FOLDER / "results")
    options = parser.parse_args()
    started = time.monotonic()
    random = np.random.default_rng(0)
    fits = Marks(options.fits)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.textcnn"
        for number in range(options.fits):
            encoders = fit_once(number, random, path)
            fits.mark(number + 1)
        rows = Marks(options.rows)
        transform_rows(options.rows, encoders, random, path, rows)
    result = {
        "name": "soak",
        "date": today(),
        "n": options.rows,
        "outcome": "no growth" if fits.is_flat and rows.is_flat else "growth, see below",
        "outcomes": {"fits": options.fits, "rows transformed": options.rows},
        "seconds": round(time.monotonic() - started),
        "lines": [*fits.lines("fits"), "", *rows.lines("rows")],
    }
    keep(options.results, "soak", result)
    write_results(options.results)
    say(f"soak: {result['outcome']}")
    return int(result["outcome"] != "no growth")


def fit_once(number: int, random, path: Path) -> list:
    """Fit, save and load a network and a linear encoder on new texts."""
    texts = make_texts(N_TRAINING, random)
    y = random.integers(0, 2, N_TRAINING)
    X = pd.DataFrame({"review": texts})
    made = []
    for encoder in (
        TextCNNEncoder(n_filters=4, kernel_sizes=(2,), epochs=1, cv=2, random_state=number),
        TextLinearEncoder(cv=2, char_ngrams=None, random_state=number),
    ):
        features = encoder.fit_transform(X, y)
        if not np.isfinite(features).all():
            raise RuntimeError(f"fit {number} gave features that are not finite")
        encoder.save(path)
        made.append(textcnn.load(path))
    return made


def transform_rows(n_rows: int, encoders: list, random, path: Path, marks: Marks) -> None:
    """Transform new rows, alternating between the encoders."""
    encoders[0].save(path)
    served = textcnn.serving.load(path)
    # Serving is mostly the same code, so it is called less often.
    ways = [encoders[0].transform, encoders[1].transform] * 3 + [served.transform]
    done = turn = 0
    while done < n_rows:
        n = min(ROWS_AT_A_TIME, n_rows - done)
        texts = make_texts(n, random)
        way = ways[turn % len(ways)]
        features = way(texts if way == served.transform else pd.DataFrame({"review": texts}))
        if features.shape != (n, 1) or not np.isfinite(features).all():
            raise RuntimeError(f"rows {done} to {done + n} got features of {features.shape}")
        done, turn = done + n, turn + 1
        marks.mark(done)


def make_texts(n: int, random) -> list[str]:
    """Return short texts, half of them with a new word."""
    words = random.choice(WORDS, (n, 6))
    new = random.integers(0, 2**60, n)
    return [
        " ".join(row) + (f" new{number:x}" if number % 2 else "")
        for row, number in zip(words.tolist(), new.tolist(), strict=True)
    ]


class Marks:
    """Measurements of memory, file handles and threads during a number of steps."""

    def __init__(self, n_steps: int):
        self._n_steps, self._next = n_steps, 1
        self.taken: list[dict] = []

    def mark(self, n_done: int) -> None:
        """Measure after each twentieth of the steps."""
        if n_done < self._n_steps * self._next / N_MARKS:
            return
        while n_done >= self._n_steps * self._next / N_MARKS:
            self._next += 1
        gc.collect()
        now = {
            "done": n_done,
            "megabytes": resident_megabytes(),
            "handles": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
        }
        self.taken.append(now)
        say(", ".join(f"{name} {value:,}" for name, value in now.items()))

    @property
    def growth(self) -> float:
        """Relative growth of the resident set in the second half."""
        half = self.taken[len(self.taken) // 2]["megabytes"]
        return self.taken[-1]["megabytes"] / half - 1

    @property
    def is_flat(self) -> bool:
        """Return whether the second half added no handles, no threads and little memory."""
        half = self.taken[len(self.taken) // 2]
        same = all(self.taken[-1][name] <= half[name] for name in ("handles", "threads"))
        return same and self.growth <= MOST_GROWTH

    def lines(self, what: str) -> list[str]:
        """Return a table of five measurements, and the growth."""
        places = sorted({round(i * (len(self.taken) - 1) / 4) for i in range(5)})
        shown = [self.taken[place] for place in places]
        lines = [f"| {what} | memory, MB | file handles | threads |", "|---|---|---|---|"]
        for now in shown:
            numbers = (now["done"], now["megabytes"], now["handles"], now["threads"])
            lines.append("| " + " | ".join(f"{number:,}" for number in numbers) + " |")
        return [*lines, "", f"The second half of the {what} added {self.growth:+.1%} to memory."]


def resident_megabytes() -> int:
    """Return the resident set of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def say(line: str) -> None:
    """Print progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
