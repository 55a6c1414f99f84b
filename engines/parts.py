"""Shared by the tests of all engines: a partitioned table, a saved model, killing a worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

import textcnn.serving
from textcnn import TextCNNEncoder
from textcnn.datasets import load_reviews
from textcnn.serving import PartitionTransform

N_ROWS = int(os.environ.get("TEXTCNN_ROWS", "200000"))
N_PARTS = 20
# Fits in seconds; what serves has a fifth of the default network's size.
FIT = {"cv": 4, "epochs": 1, "random_state": 0}
NETWORK = FIT | {"n_filters": 20}


def make_table(folder: Path, n_rows: int = N_ROWS) -> Path:
    """Write a large sample with replacement of the bundled reviews as Parquet files with ids."""
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
    reviews = load_reviews().head(400)
    return reviews[["review"]], reviews["recommended"]


def make_model(folder: Path) -> Path:
    """Fit an encoder and save it."""
    path = folder / "reviews.textcnn"
    TextCNNEncoder(**NETWORK).fit(*training_table()).save(path)
    return path


def check_rows(table: Path, model: Path, out: Path) -> None:
    """Assert that every row was written once; compare a sample with one process's features."""
    written = pd.read_parquet(out).set_index("id")
    rows = pd.read_parquet(table).set_index("id")
    assert written.index.is_unique
    assert set(written.index) == set(rows.index)
    some = rows.sample(500, random_state=0)
    expected = textcnn.serving.load(model).transform(some["review"])
    np.testing.assert_allclose(written.loc[some.index, ["review_cnn"]], expected, atol=1e-5)


def is_written(out: Path) -> bool:
    """Return whether a partition is written; os.walk ignores folders that are removed meanwhile."""
    return any(name.endswith(".parquet") for _, _, names in os.walk(out) for name in names)


@contextmanager
def killing_one(workers, out: Path):
    """Kill the first of ``workers()`` once a partition is written; yield the killed pids."""
    killed: list[int] = []
    is_over = threading.Event()

    def wait_and_kill():
        while not is_over.wait(0.05):
            # Processes may end while they are listed; then try again.
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if is_written(out) and (pids := workers()):
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


@dataclass
class Cost:
    """Time of a transform."""

    seconds: float
    processor_seconds: float  # of this process and all its children, including the engine


def processor_seconds() -> float:
    """Return processor time of this process and its children, including ended ones."""
    used = 0.0
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            used += sum(process.cpu_times()[:4])
    return used


@contextmanager
def measured(costs: dict[int, Cost], n_workers: int):
    """Measure the cost of a block; workers must be alive before and after it."""
    started, before = time.perf_counter(), processor_seconds()
    yield
    costs[n_workers] = Cost(time.perf_counter() - started, processor_seconds() - before)


def print_costs(engine: str, costs: dict[int, Cost], table: Path, model: Path) -> None:
    """Print rows per second and processor time for each number of workers, for RESULTS.md."""
    transform = PartitionTransform(model)
    rows = pd.read_parquet(next(table.glob("*.parquet"))).head(2000)
    transform(rows)
    before = time.process_time()
    transform(rows)
    alone = (time.process_time() - before) / len(rows)
    rates = ", ".join(
        f"{n} worker{'s' * (n > 1)} {N_ROWS / cost.seconds:,.0f} rows/s with "
        f"{cost.processor_seconds / N_ROWS * 1e3:.2f} ms of processor time a row"
        for n, cost in costs.items()
    )
    gain = costs[1].seconds / costs[2].seconds
    print(
        f"{engine}: {N_ROWS:,} rows: {rates} (only the features: {alone * 1e3:.2f} ms); "
        f"speed-up with two workers: {gain:.2f}"
    )


def part_and_process(frame, transform):
    """Return the process and the loaded model of a partition, to count how often it loads."""
    from textcnn.serving import partitions

    features = transform(frame)
    (model,) = partitions._loaded.values()
    process = pd.DataFrame({"process": [os.getpid()], "model": [id(model)], "n": [len(features)]})
    time.sleep(0.5)  # so that one fast worker cannot process all partitions
    return process


def parts_and_processes(transform, frames):
    """Apply ``part_and_process`` to each frame, for Spark."""
    for frame in frames:
        yield part_and_process(frame.head(100), transform)
