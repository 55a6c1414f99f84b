"""Speed benchmarks against other libraries; ``make bench`` writes benchmarks/SPEED.md.

Sides alternate, so that a slower machine affects all of them; ratios compare runs of the same
turn. Scores are reported too: a faster run with another accuracy proves nothing.

    python benchmarks/suite.py [--quick] [--runs 2] [--only oof_mr,one_row] [--out FILE]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import peers
import scaling
from machine import machine_line

HERE = Path(__file__).parent
QUICK_ROWS = 600


def main() -> None:
    """Run the chosen parts and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rows, to check that it runs")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", help="parts, separated by commas")
    parser.add_argument("--out", type=Path, help="default: benchmarks/SPEED.md, none if --quick")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else list(PARTS)
    unknown = set(chosen) - set(PARTS)
    if unknown:
        sys.exit(f"Unknown part. Expected: some of {list(PARTS)}. Received: {sorted(unknown)}.")
    sections = [
        "# Speed\n\nWritten by `python benchmarks/suite.py"
        + (f" --only {options.only}" if options.only else "")
        + f" --runs {options.runs}`.\n\n{machine_line()}. Seconds are medians (least–most); a "
        "ratio above 1 says that the encoder is faster, and is the median over turns."
    ]
    started = time.perf_counter()
    warm_up()
    with tempfile.TemporaryDirectory() as options.scratch:
        for name in chosen:
            sections.append(PARTS[name](options))
            print(sections[-1], f"\n({time.perf_counter() - started:.0f} s so far)\n", flush=True)
    out = options.out or (None if options.quick else HERE / "SPEED.md")
    if out is not None:
        out.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def warm_up() -> None:
    """Import and trace before timing starts."""
    peers.textcnn_encoder(peers.load_work("mr", rows=QUICK_ROWS, folds=2, epochs=1), 0)


def turns(sides: dict[str, Callable], runs: int) -> dict[str, list]:
    """Run the sides alternately; return per side a list of (seconds, result)."""
    results: dict[str, list] = {name: [] for name in sides}
    for run in range(runs):
        for name, side in sides.items():
            started = time.perf_counter()
            outcome = side(run)
            results[name].append((time.perf_counter() - started, outcome))
            print(f"  turn {run + 1}, {name}: {results[name][-1][0]:.2f} s", flush=True)
    return results


def as_table(results, score=None, unit="s") -> str:
    """Return a Markdown table; the first side is this package."""
    factor = 1000 if unit == "ms" else 1
    lines = [
        f"| side | {unit} | ratio | {'OOF accuracy (sd)' if score else ''} |",
        "|---|---|---|---|",
    ]
    ours = [seconds for seconds, _ in next(iter(results.values()))]
    for name, outcomes in results.items():
        times = [seconds for seconds, _ in outcomes]
        ratios = [theirs / mine for theirs, mine in zip(times, ours, strict=True)]
        shown = [factor * value for value in (statistics.median(times), min(times), max(times))]
        digits = 2 if shown[0] < 10 else 1
        seconds, least, most = (f"{value:.{digits}f}" for value in shown)
        scores = [score(outcome) for _, outcome in outcomes] if score else []
        accuracy = f"{np.mean(scores):.4f} ({np.std(scores):.4f})" if scores else ""
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        lines.append(f"| {name} | {seconds} ({least}–{most}) | {ratio} | {accuracy} |")
    return "\n".join(lines)


def oof(title: str, name: str, sides, options, *, rows=None, folds=5, runs=None, **settings) -> str:
    """Time out-of-fold features of one data set against other libraries."""
    rows = QUICK_ROWS if options.quick else rows
    task = peers.load_work(name, rows=rows, folds=folds, **settings)
    runs = 1 if options.quick else runs or options.runs
    results = turns({side: partial(run, task) for side, run in sides.items()}, runs)
    score = partial(accuracy_at_prior, task.y)
    table = as_table(results, score=score)
    accuracy = {
        side: np.mean([score(o) for _, o in outcomes]) for side, outcomes in results.items()
    }
    # Four standard errors of a difference, because there are many comparisons.
    allowed = 4 * np.sqrt(0.5 / len(task.y))
    if max(accuracy.values()) - min(accuracy.values()) > allowed:
        sys.exit(f"Sides differ by more than {allowed:.3f} in accuracy: {accuracy}")
    detail = f"{len(task.y):,} rows, {folds} folds, {task.epochs} epochs, batch {task.batch_size}"
    return f"## {title}\n\n{detail}, 100 filters × (3, 4, 5).\n\n{table}"


def accuracy_at_prior(y, features) -> float:
    """Return accuracy when the base rate sets the threshold: features do not contain it."""
    return float(np.mean(is_right_at_prior(y, features)))


def is_right_at_prior(y, features) -> np.ndarray:
    """Return row by row whether such predictions are right."""
    return (features > np.quantile(features, 1 - y.mean())) == y


OURS = {"TextCNNEncoder": peers.textcnn_encoder}
LOOP = {"Keras model per fold, padded": peers.keras_loop}


def oof_mr(options) -> str:
    """MR, default vectors: frozen and trainable."""
    sides = (
        OURS
        | LOOP
        | {
            "one Keras model reset per fold, batches by length": peers.careful_keras,
            "PyTorch by skorch": peers.skorch_module,
            "TextCNNEncoder, 1 epoch": partial(peers.textcnn_encoder, epochs=1),
        }
    )
    title = "Out-of-fold features of MR, frozen 100-d vectors + 32 trainable (default)"
    return oof(title, "mr", sides, options)


def oof_mr_frozen(options) -> str:
    """MR, frozen vectors only."""
    title = "Out-of-fold features of MR, frozen vectors only"
    return oof(title, "mr", OURS | LOOP, options, learned_dim=0)


def oof_recurrent(options) -> str:
    """Compare the CNN with recurrent networks of equal width."""
    sides = OURS | {
        'TextCNNEncoder(network="bigru")': partial(
            peers.textcnn_encoder, network="bigru", n_filters=150
        ),
        "Keras BiGRU per fold, padded": partial(peers.keras_loop, is_recurrent=True),
    }
    title = "Convolutional and recurrent networks, MR"
    return oof(title, "mr", sides, options, rows=3000, folds=3, epochs=1, runs=1)


def oof_processes(options) -> str:
    """Fit the folds in two processes."""
    sides = OURS | {
        "n_jobs=2 (workers' start included)": partial(peers.textcnn_encoder, n_jobs=2),
    }
    title = "Folds in one process and in two, MR"
    return oof(title, "mr", sides, options, epochs=4, runs=1)


def oof_long(options) -> str:
    """Longer documents."""
    clothing = oof(
        "Clothing reviews (about 60 words)",
        "clothing",
        OURS | LOOP,
        options,
        rows=6000,
        folds=3,
        runs=1,
    )
    imdb = oof(
        "IMDB (at most 400 words)", "imdb", OURS | LOOP, options, rows=2000, folds=3,
        epochs=1, max_length=400, runs=1,
    )  # fmt: skip
    return f"{clothing}\n\n{imdb}"


def parity(options) -> str:
    """Compare accuracy with the padded loop, one class against the rest, row by row."""
    lines = [
        "| set | rows | TextCNNEncoder | padded Keras loop | difference ± s. e. | within one |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("mr", "trec", "sst2", "clothing", "tweets", "whisky"):
        rows = QUICK_ROWS if options.quick else 4000
        task = peers.load_work(name, rows=rows, folds=3, epochs=3, max_length=200)
        ours, loop = (
            is_right_at_prior(task.y, side(task, 0)) for side in (*OURS.values(), *LOOP.values())
        )
        gain = ours.astype(float) - loop
        error = gain.std() / np.sqrt(len(gain))
        verdict = "yes" if gain.mean() > -error else "**no**"
        lines.append(
            f"| {name} | {len(gain):,} | {ours.mean():.4f} | {loop.mean():.4f} | "
            f"{gain.mean():+.4f} ± {error:.4f} | {verdict} |"
        )
        print(lines[-1], flush=True)
    detail = (
        "One class against the rest, 3 folds, 3 epochs, frozen 100-d vectors + 32 trainable, at "
        "most 200 words, one seed. The error is that of the paired difference over rows."
    )
    return "## Accuracy compared with the padded loop\n\n" + detail + "\n\n" + "\n".join(lines)


def transform_rows(options) -> str:
    """Transform many rows and one row, against ``predict`` of equally many models."""
    from textcnn import TextCNNEncoder

    task = peers.load_work("mr", rows=QUICK_ROWS if options.quick else 4000, folds=5, epochs=1)
    encoder = TextCNNEncoder(**peers.encoder_settings(task, 0)).fit(list(task.texts), task.y)
    documents, given = peers.read_words(task)
    longest = max(map(len, documents))
    models = [peers.keras_model(task, given, n_learn=100) for _ in task.folds]
    n_rows = 2 * QUICK_ROWS if options.quick else 100_000
    # New texts for the encoder: words of the data set in another order.
    random = np.random.default_rng(0)
    many = [
        " ".join(random.permutation(task.texts[i % len(task.texts)].split())) for i in range(n_rows)
    ]
    ids = peers.padded([documents[i % len(documents)] for i in range(n_rows)], longest)

    def predict(rows, batch_size):
        return np.mean([m.predict(rows, batch_size=batch_size, verbose=0) for m in models], axis=0)

    sides = {
        "transform, texts in": lambda run: encoder.transform(many),
        "5 × Keras predict, padded ids in, batch 256": lambda run: predict(ids, 256),
    }
    table = as_table(turns(sides, 1))
    singles = {
        "transform of one text": lambda run: encoder.transform(many[run : run + 1]),
        "5 × Keras predict of one padded row": lambda run: predict(ids[run : run + 1], 1),
    }
    for side in singles.values():
        side(0)
    one = as_table(turns(singles, 3 if options.quick else 20), unit="ms")
    return (
        f"## transform of {n_rows:,} rows, five models\n\n{table}\n\n"
        f"## transform of one row, warm, five models\n\n{one}"
    )


def tokens(options) -> str:
    """Tokenise texts."""
    from sklearn.feature_extraction.text import CountVectorizer
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    from textcnn.text.tokens import tokenize_column

    texts = list(peers.load_work("imdb", rows=QUICK_ROWS if options.quick else 5000, folds=2).texts)
    n_tokens = len(tokenize_column(texts, tokenizer="word", max_length=None).ids)

    def count_vectorizer(run):
        analyze = CountVectorizer(token_pattern=r"\w+|[^\w\s]").build_analyzer()
        words: dict[str, int] = {}
        return [[words.setdefault(word, len(words)) for word in analyze(t)] for t in texts]

    fast = Tokenizer(WordLevel({"[UNK]": 0}, "[UNK]"))
    fast.normalizer = Lowercase()
    fast.pre_tokenizer = Whitespace()
    words = {
        word for text in texts for word, _ in fast.pre_tokenizer.pre_tokenize_str(text.lower())
    }
    fast.model = WordLevel(
        {"[UNK]": 0} | {word: i for i, word in enumerate(sorted(words), 1)}, "[UNK]"
    )

    sides = {
        "tokenize_column": lambda run: tokenize_column(texts, tokenizer="word", max_length=None),
        "CountVectorizer's analyzer + dict": count_vectorizer,
        "tokenizers' WordLevel, known words (Rust, threads)": lambda run: [
            encoding.ids for encoding in fast.encode_batch_fast(texts, add_special_tokens=False)
        ],
    }
    results = turns(sides, 1 if options.quick else max(options.runs, 5))
    rate = n_tokens / statistics.median(seconds for seconds, _ in results["tokenize_column"])
    return (
        f"## Tokenising, {n_tokens / 1e6:.1f} million tokens of IMDB\n\n{as_table(results)}\n\n"
        f"{rate / 1e6:.2f} million tokens a second."
    )


def start(options) -> str:
    """Time of the import and of the first fit of a process."""
    seconds = {}
    for label, code in {
        "only python": "pass",
        "import pandas, sklearn": "import pandas, sklearn.base",
        "import textcnn": "import textcnn",
        "from textcnn import TextCNNEncoder": "from textcnn import TextCNNEncoder",
    }.items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - started)
        seconds[label] = statistics.median(times)
    code = (
        "import time\nfrom textcnn import TextCNNEncoder\n"
        "X, y = ['good', 'bad'] * 50, [1, 0] * 50\n"
        "for _ in range(2):\n    s = time.perf_counter()\n    TextCNNEncoder(epochs=1).fit(X, y)\n"
        "    print(time.perf_counter() - s)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    first, second = map(float, output.stdout.split())
    seconds["first fit of 100 rows in a process (TensorFlow's import, tracing)"] = first
    seconds["second fit of 100 rows"] = second
    lines = [f"| {label} | {value:.2f} |" for label, value in seconds.items()]
    return "## Start\n\n| what | s |\n|---|---|\n" + "\n".join(lines)


PARTS: dict[str, Callable] = {
    "oof_mr": oof_mr,
    "oof_mr_frozen": oof_mr_frozen,
    "oof_long": oof_long,
    "oof_recurrent": oof_recurrent,
    "oof_processes": oof_processes,
    "parity": parity,
    "transform": transform_rows,
    "tokens": tokens,
    "start": start,
    "ceiling": scaling.ceiling,
    "folds": scaling.folds,
    "lengths": scaling.lengths,
    "memory": scaling.memory,
    "rows": scaling.rows,
    "cost": scaling.cost,
}


if __name__ == "__main__":
    main()
