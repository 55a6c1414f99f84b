"""What every engine is tried on: a table in parts, a saved model, one worker that is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

import textcnn.serving
from textcnn import TextCNNEncoder
from textcnn.datasets import load_reviews

N_ROWS = int(os.environ.get("TEXTCNN_ROWS", "200000"))
N_PARTS = 20
# Out-of-fold features of 1,200 reviews in some seconds per model.
NETWORK = {"cv": 4, "n_filters": 32, "epochs": 2, "random_state": 0}


def make_table(folder: Path, n_rows: int = N_ROWS) -> Path:
    """Write bundled reviews, drawn again and again, as Parquet files with an id per row."""
    reviews = load_reviews()["review"].dropna().to_numpy()
    drawn = reviews[np.random.default_rng(0).integers(0, len(reviews), n_rows)]
    table = pd.DataFrame({"id": np.arange(n_rows), "review": drawn})
    path = folder / "table"
    path.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(n_rows), N_PARTS)):
        table.iloc[rows].to_parquet(path / f"part-{number:03}.parquet", index=False)
    return path


def training_table() -> tuple[pd.DataFrame, pd.Series]:
    """Return reviews and whether the product is recommended."""
    reviews = load_reviews().head(1200)
    return reviews[["review"]], reviews["recommended"]


def make_model(folder: Path) -> Path:
    """Fit an encoder and save it."""
    path = folder / "reviews.textcnn"
    TextCNNEncoder(**NETWORK).fit(*training_table()).save(path)
    return path


def check_rows(table: Path, model: Path, out: Path) -> None:
    """Assert that every row was written once, some with the features of one process."""
    written = pd.read_parquet(out).set_index("id")
    rows = pd.read_parquet(table).set_index("id")
    assert written.index.is_unique
    assert set(written.index) == set(rows.index)
    some = rows.sample(500, random_state=0)
    expected = textcnn.serving.load(model).transform(some["review"])
    np.testing.assert_allclose(written.loc[some.index, ["review_cnn"]], expected, atol=1e-5)


@contextmanager
def killing_one(workers, out: Path):
    """Kill the first of ``workers()`` once a part is written; yield the list of those killed."""
    killed: list[int] = []
    is_over = threading.Event()

    def wait_and_kill():
        while not is_over.wait(0.05):
            if any(out.rglob("*.parquet")) and (pids := workers()):
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])
                return

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def tell_rates(engine: str, seconds: dict[int, float]) -> None:
    """Print rows per second for each number of workers, for RESULTS.md."""
    rates = ", ".join(f"{n} workers {N_ROWS / took:,.0f}" for n, took in seconds.items())
    gain = seconds[1] / seconds[2]
    print(f"{engine}: rows per second of {N_ROWS:,}: {rates}; two do {gain:.2f} times one's work")


@contextmanager
def timed(seconds: dict, key):
    """Note how long something takes."""
    started = time.perf_counter()
    yield
    seconds[key] = time.perf_counter() - started


def part_and_process(transform, frame):
    """Return which process did a part, with which loaded model; for counting how often it loads."""
    from textcnn.serving import partitions

    features = transform(frame)
    (model,) = partitions._loaded.values()
    process = pd.DataFrame({"process": [os.getpid()], "model": [id(model)], "n": [len(features)]})
    time.sleep(0.5)  # so that one quick worker cannot do all parts
    return process
