"""Cost by number of rows, folds, words per text and fits in one process.

Parts of suite.py. Each measurement of memory runs in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import peers
from shared_data import data_file

HERE = Path(__file__).parent
COSTS = [(n_rows, words) for n_rows in (2_000, 20_000, 200_000) for words in (20, 60, 200)]
# A small network, so that a million rows take minutes: the question is whether cost per row grows.
SMALL = {"n_filters": 16, "kernel_sizes": (3,), "epochs": 1, "n_networks": 1}


def in_a_process(code: str, *arguments) -> dict:
    """Run code that prints one line of JSON; return it."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=HERE,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def rows(options) -> str:
    """Time and peak memory against the number of rows, texts read from a file."""
    code = """
        import json, sys, time
        import pandas as pd
        from scaling import SMALL
        from textcnn import TextCNNEncoder

        table = pd.read_csv(sys.argv[1], keep_default_na=False)
        size = int(table["text"].str.encode("utf-8").str.len().sum())
        y = table.pop("label").to_numpy()
        tiny = TextCNNEncoder(cv=2, **SMALL)
        tiny.fit(["good", "bad"] * 50, [1, 0] * 50)  # import and trace before the clock starts
        started = time.perf_counter()
        encoder = TextCNNEncoder(cv=2, random_state=0, **SMALL)
        encoder.fit_transform(table["text"], y)
        fit = time.perf_counter() - started
        started = time.perf_counter()
        encoder.transform(table["text"].iloc[: len(table) // 4])
        new = time.perf_counter() - started
        # Not getrusage: its maximum includes the memory of the parent process.
        with open("/proc/self/status") as lines:
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
        print(json.dumps({"fit": fit, "new": 4 * new, "peak": peak, "size": size}))
    """
    real = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)[["text", "label"]]
    sizes = [300, 600] if options.quick else [10_000, 30_000, 100_000, 300_000, 1_000_000]
    lines = [
        "| rows | fit s | fit µs a row | transform µs a row | text MiB | peak GiB | limit GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for n_rows in sizes:
        chosen = np.random.default_rng(0).permutation(np.arange(n_rows) % len(real))
        path = Path(options.scratch) / f"rows_{n_rows}.csv"
        real.iloc[chosen].to_csv(path, index=False)
        result = in_a_process(code, path)
        path.unlink()
        limit = 3 * result["size"] / 2**30 + 1.5
        lines.append(
            f"| {n_rows:,} | {result['fit']:.1f} | {1e6 * result['fit'] / n_rows:.0f} "
            f"| {1e6 * result['new'] / n_rows:.0f} | {result['size'] / 2**20:.1f} "
            f"| {result['peak'] / 2**30:.2f} | {limit:.2f} |"
        )
        print(lines[-1], flush=True)
    return (
        "## Cost against rows\n\nMR repeated and shuffled, read from a CSV file; two folds, one "
        "epoch, 16 filters of 3 words, 32 trainable dimensions a word; first fit, "
        "import and trace excluded. The limit is three times the text plus 1.5 GiB.\n\n"
        + "\n".join(lines)
    )


def cost(options) -> str:
    """Processor time and peak memory of a fit with defaults, by rows and words."""
    code = """
        import json, sys, time
        import numpy as np
        import pandas as pd
        from shared_data import data_file
        from textcnn import TextCNNEncoder

        n_rows, n_words = map(int, sys.argv[1:])
        file = data_file("tables/womens_clothing.csv.gz")
        words = " ".join(pd.read_csv(file, keep_default_na=False)["review_text"]).split()
        random = np.random.default_rng(0)
        starts = random.integers(0, len(words) - n_words, n_rows)
        texts = [" ".join(words[start : start + n_words]) for start in starts]
        y = random.integers(0, 2, n_rows)
        del words
        TextCNNEncoder(epochs=1).fit(["good", "bad"] * 50, [1, 0] * 50)  # imports
        started = time.process_time()
        TextCNNEncoder(random_state=0).fit_transform(texts, y)
        seconds = time.process_time() - started
        with open("/proc/self/status") as lines:
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
        print(json.dumps({"seconds": seconds, "peak": peak}))
    """
    sizes = [(300, 20), (300, 60)] if options.quick else COSTS
    lines = ["| rows | words a text | processor minutes | peak GiB |", "|---|---|---|---|"]
    for n_rows, n_words in sizes:
        result = in_a_process(code, n_rows, n_words)
        lines.append(
            f"| {n_rows:,} | {n_words} | {result['seconds'] / 60:.2f} "
            f"| {result['peak'] / 2**30:.2f} |"
        )
        print(lines[-1], flush=True)
    return (
        "## Cost of a fit with defaults\n\nWords of clothing reviews in texts of equal length, two "
        "classes, five folds, no pretrained vectors; the process with its imports and texts "
        "counts as memory.\n\n" + "\n".join(lines)
    )


def folds(options) -> str:
    """Time against the number of folds."""
    lines = ["| K | s | s per model and 1,000 training rows |", "|---|---|---|"]
    for n_folds in (2, 3) if options.quick else (2, 3, 5, 10, 20):
        task = peers.load_work("mr", rows=300 if options.quick else 4000, folds=n_folds, epochs=1)
        started = time.perf_counter()
        peers.textcnn_encoder(task, 0)
        seconds = time.perf_counter() - started
        learning = sum(len(learn) for learn, _ in task.folds)
        lines.append(f"| {n_folds} | {seconds:.1f} | {1000 * seconds / learning:.3f} |")
    title = f"## Cost against folds\n\n{len(task.y):,} sentences of MR, one epoch, default network."
    return f"{title}\n\n" + "\n".join(lines)


def lengths(options) -> str:
    """Time against the words of a text."""
    from textcnn import TextCNNEncoder

    words = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)["text"]
    words = " ".join(words).split()
    random = np.random.default_rng(0)
    lines = ["| words a text | s | µs a word and epoch |", "|---|---|---|"]
    total = 4000 if options.quick else 200_000
    for length in (10, 40) if options.quick else (10, 30, 100, 300, 1000):
        n_rows = total // length
        starts = random.integers(0, len(words) - length, n_rows)
        texts = [" ".join(words[start : start + length]) for start in starts]
        encoder = TextCNNEncoder(cv=2, epochs=1, max_length=None, random_state=0)
        started = time.perf_counter()
        encoder.fit_transform(texts, random.integers(0, 2, n_rows))
        seconds = time.perf_counter() - started
        lines.append(f"| {length} | {seconds:.1f} | {1e6 * seconds / total:.1f} |")
    return (
        f"## Cost against length\n\n{total:,} words of MR in texts of equal length, two folds, one "
        "epoch, default network, no pretrained vectors.\n\n" + "\n".join(lines)
    )


def memory(options) -> str:
    """Resident memory after fits in one process."""
    code = """
        import json, sys
        import numpy as np
        import pandas as pd
        from scaling import SMALL
        from shared_data import data_file
        from textcnn import TextCNNEncoder

        def resident():
            with open("/proc/self/status") as lines:
                return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

        table = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)
        seen = []
        for fit in range(int(sys.argv[1])):
            rows = np.random.default_rng(fit).permutation(len(table))[:2000]
            part = table.iloc[rows]
            encoder = TextCNNEncoder(cv=3, random_state=fit, **SMALL)
            encoder.fit_transform(part["text"], part["label"])
            seen.append(resident() * 1024)
        print(json.dumps(seen))
    """
    seen = in_a_process(code, 4 if options.quick else 20)
    growth = seen[-1] / seen[2] - 1
    shown = ", ".join(f"{value / 2**20:.0f}" for value in seen)
    return (
        f"## Memory after fits in one process\n\nResident MiB after each of {len(seen)} fits of "
        f"2,000 rows, three folds: {shown}. From the third to the last: {100 * growth:+.1f} %."
    )


def ceiling(options) -> str:
    """Return multiply-adds per second relative to a matrix product of the same shapes."""
    import tensorflow

    task = peers.load_work("mr", rows=300 if options.quick else None, folds=5, epochs=1)
    documents, _ = peers.read_words(task)
    n_words = sum(max(len(document), 1) for document in documents)
    learnt, given, width = task.learned_dim, 100, task.n_filters * sum(task.kernel_sizes)
    # The last layers need less than 1 % of this. A held-out row needs one forward step.
    forward = (given + learnt) * width
    training = 2 * forward + learnt * width  # values, kernels' gradient, learnt vectors' gradient
    passes = sum(len(learn) for learn, _ in task.folds) / len(task.y)
    work_done = n_words * (passes * task.epochs * training + forward)
    times = []
    for run in range(2 if options.quick else 3):
        started = time.perf_counter()
        peers.textcnn_encoder(task, run)
        times.append(time.perf_counter() - started)
    rows_of_batch = task.batch_size * n_words // len(task.y)
    rates = {}
    for size in task.kernel_sizes:
        left = tensorflow.random.normal((rows_of_batch, size * (given + learnt)))
        right = tensorflow.random.normal((size * (given + learnt), task.n_filters))
        product = tensorflow.function(lambda left=left, right=right: left @ right)
        product()
        spans = []
        for _ in range(200):
            started = time.perf_counter()
            product()
            spans.append(time.perf_counter() - started)
        rates[size] = rows_of_batch * size * (given + learnt) * task.n_filters / min(spans)
    rate = statistics.harmonic_mean(list(rates.values()), weights=list(task.kernel_sizes))
    reached = work_done / statistics.median(times)
    return (
        "## Speed relative to a matrix product\n\n"
        f"Out-of-fold features of MR, one epoch: {work_done / 1e9:,.0f} billion useful "
        f"multiply-adds in {statistics.median(times):.1f} s with reading: {reached / 1e9:.1f} "
        f"billion a second. A matrix product of a batch's shapes ({rows_of_batch} × "
        f"{task.kernel_sizes[0] * (given + learnt)}–{task.kernel_sizes[-1] * (given + learnt)} × "
        f"{task.n_filters}) runs at {rate / 1e9:.1f} at best of 200. **Share: "
        f"{reached / rate:.2f}.**"
    )
