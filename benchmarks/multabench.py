"""TableFeatures in MulTaBench, beside the published scores of its text encoders.

MulTaBench (arXiv 2605.10616, PyPI ``multabench``) compares ways to encode text for tabular models.
Its wheel has the scores of every model with frozen e5-small, e5-small tuned to the target on a GPU,
and frozen e5-large. Here its LightGBM and CatBoost, with its splits, validation rows and metrics,
get features of ``TableFeatures`` instead (``multabench_model.py``), or of its own StringEncoder.

``--data`` (or the environment variable MULTABENCH_DATA) is a folder in the layout of the wheel's
``data_dir``: a folder per table with ``data.parquet`` and ``metadata.json``. ``--hub`` downloads
tables instead. Where metadata say that a table has other rows than the published one
(``rows_expected``), differences are of means, not of folds.

Each run is a line of JSON in ``--results`` and is not run again. ``--report`` prints the tables;
``--write`` puts them between the marks in RESULTS.md. Seconds are of the processor, with one
thread per run if OMP_NUM_THREADS=1. Errors of paired differences are widened because folds share
training rows (Nadeau and Bengio 2003).

    pip install -e '.[vectors,bench]'
    python benchmarks/multabench.py [TABLE ...] [--model LightGBM] [--text ours tfidf none]
        [--members svd linear] [--folds 0 1 2 3 4 5] [--report | --write]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import warnings
from pathlib import Path

# This file has the name of the package: let the package be found first.
sys.path.append(sys.path.pop(0))

import numpy as np
import pandas as pd
from machine import machine_line
from multabench_import import stand_ins

RESULTS = Path("benchmarks.multabench.jsonl")
PAGE = Path(__file__).with_name("RESULTS.md")
MARKS = ("<!-- multabench: begin -->", "<!-- multabench: end -->")
MODELS = ("LightGBM", "CatBoost")
ENCODERS = {"e5-small": "models", "e5-small tuned": "models_tar", "e5-large": "models_large"}
TFIDF = "StringEncoder"
TEST_SHARE = 1 / 3


def main() -> None:
    """Run what has no result yet; print or write tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of MulTaBench; default: all in the folder")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--text", nargs="+", choices=["ours", "tfidf", "none"], default=["ours"])
    parser.add_argument("--members", nargs="+", help="of TableFeatures; default: its own")
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(6)))
    parser.add_argument("--data", type=Path, default=os.environ.get("MULTABENCH_DATA"))
    parser.add_argument("--hub", action="store_true", help="download tables")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="only print tables")
    parser.add_argument("--write", action="store_true", help="only write tables to RESULTS.md")
    options = parser.parse_args()
    if not options.report and not options.write:
        run_all(options)
    text = "\n\n".join(report(read_results(options.results), model) for model in MODELS).strip()
    print(text or "No results.")
    if options.write and text:
        write(text)


def run_all(options) -> None:
    """Run each table, fold and way that has no result."""
    folder = data_folder(options)
    done = {key_of(line) for line in read_results(options.results)}
    for table in options.tables or tables_in(folder):
        for fold in options.folds:
            for way in options.text:
                name = name_of(way, options.members)
                if (table, options.model, name, fold) in done:
                    continue
                line = run(table, fold, way, options, folder)
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                print(
                    f"{table} fold {fold} {options.model} {name}: {line['error']:.4f}, "
                    f"{line['encoder_seconds']:.1f} of {line['seconds']:.1f} s for the text",
                    flush=True,
                )


def data_folder(options) -> Path | None:
    """Return the folder of tables, or None for the hub; say what to type if there is neither."""
    if options.hub:
        return None
    if options.data is None or not Path(options.data).is_dir():
        sys.exit(
            "This benchmark needs tables of MulTaBench. Expected a folder in the layout of its "
            f"data_dir. Received: --data {options.data}. Set MULTABENCH_DATA or type --data "
            "FOLDER; with a network, --hub downloads them."
        )
    return Path(options.data)


def tables_in(folder: Path | None) -> list[str]:
    """Return the names of the text tables in a folder, or of all."""
    from multabench.datasets.all_datasets import MulTaBenchDatasetID

    return [
        table.name
        for table in MulTaBenchDatasetID
        if "_TEXT_" in table.name and (folder is None or (folder / table.value).is_dir())
    ]


def name_of(way: str, members: list[str] | None) -> str:
    """Return the name of a way to encode text."""
    if way != "ours":
        return {"tfidf": TFIDF, "none": "no text"}[way]
    if members is None:
        from textcnn import TableFeatures

        members = [m if isinstance(m, str) else m[0] for m in TableFeatures().members]
    return f"TableFeatures ({', '.join(members)})"


def run(table: str, fold: int, way: str, options, folder: Path | None) -> dict:
    """Fit and score one model on one fold."""
    with stand_ins():
        from multabench_model import CatBoost, LightGBM, TextCNNCatBoost, TextCNNLightGBM
    from multabench.benchmark.load import load_multabench_dataset, split_dataset
    from multabench.benchmark.splits import Size
    from multabench.datasets.all_datasets import MulTaBenchDatasetID
    from multabench.e5.constants import TextEncoder

    warnings.filterwarnings("ignore")
    plain = {"LightGBM": LightGBM, "CatBoost": CatBoost}[options.model]
    form = {"LightGBM": TextCNNLightGBM, "CatBoost": TextCNNCatBoost}[options.model]
    dataset = load_multabench_dataset(
        MulTaBenchDatasetID[table], data_dir=None if folder is None else str(folder)
    )
    split = split_dataset(dataset, fold=fold, size=Size.TEN_K)
    train, test = split.x_train, split.x_test
    form = timed(form, options.members) if way == "ours" else plain
    if way == "none":
        kept = [column for column in train if not is_text(train[column])]
        train, test = train[kept], test[kept]
    model = form(
        problem_type=dataset.task_type,
        device="cpu",
        dataset=dataset.dataset_id,
        text_encoder=TextEncoder.TFIDF,
        fold=fold,
        size=Size.TEN_K,
    )
    threads = "n_jobs" if options.model == "LightGBM" else "thread_count"
    model.model_.set_params(**{threads: int(os.environ.get("OMP_NUM_THREADS", 1))})
    started = processor_seconds()
    model.fit(train, split.y_train)
    fitted = processor_seconds()
    metrics = model.score_all_metrics(X=test, y=split.y_test)
    expected = {} if folder is None else read_metadata(folder / dataset.dataset_id.value)
    return {
        "table": table,
        "model": options.model,
        "text": name_of(way, options.members),
        "fold": fold,
        "metric": str(metrics["metric"]),
        "error": float(metrics["test_error"]),
        "train": len(train),
        "test": len(test),
        "same_rows": expected.get("rows_expected") in (None, expected.get("num_rows")),
        "encoder_seconds": getattr(model, "encoder_seconds", 0.0),
        "fit_seconds": fitted - started,
        "seconds": processor_seconds() - started,
        "machine": machine_line(),
    }


def timed(form, members):
    """Return a model that adds up the processor seconds of its text features."""

    class Timed(form):
        MEMBERS = None if members is None else tuple(members)
        encoder_seconds = 0.0

        def encode_training_rows(self, texts, y):
            started = processor_seconds()
            features = super().encode_training_rows(texts, y)
            self.encoder_seconds += processor_seconds() - started
            return features

        def encode_new_rows(self, texts):
            started = processor_seconds()
            features = super().encode_new_rows(texts)
            self.encoder_seconds += processor_seconds() - started
            return features

    return Timed


def is_text(column: pd.Series) -> bool:
    """Return whether MulTaBench reads a column as text."""
    from multabench.baselines.preprocessing.feature_types import detect_feature_types

    return bool(detect_feature_types(column.to_frame(), image_column=None).text_features)


def read_metadata(folder: Path) -> dict:
    """Return what a table's folder says of it."""
    path = folder / "metadata.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def processor_seconds() -> float:
    """Return the processor seconds of this process and its children."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def key_of(line: dict) -> tuple:
    """Return the key that identifies a result."""
    return line["table"], line["model"], line["text"], line["fold"]


def read_results(path: Path) -> list[dict]:
    """Return all results, the latest of each key."""
    if not path.is_file():
        return []
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return list({key_of(line): line for line in lines}.values())


def published(model: str) -> dict[tuple, float]:
    """Return (table, encoder, fold) → the published error of a model."""
    import multabench

    folder = Path(multabench.__file__).parent / "leaderboard"
    found = {}
    for encoder, part in ENCODERS.items():
        runs = pd.read_csv(folder / part / f"{model}.csv")
        runs = runs[(runs["status"] == "ok") & (runs["size"] == "10k")]
        for row in runs.itertuples():
            found[row.dataset, encoder, int(row.fold)] = row.test_error
    return found


def report(lines: list[dict], model: str) -> str:
    """Return the tables of a model: errors, leads of each of our ways, and how many are won."""
    lines = [line for line in lines if line["model"] == model]
    ours = list(dict.fromkeys(line["text"] for line in lines if line["text"].startswith("Table")))
    return "\n\n".join(table_of(lines, model, way) for way in ours)


def table_of(lines: list[dict], model: str, way: str) -> str:
    """Return the Markdown table of one of our ways, and a line that counts what is won."""
    theirs = published(model)
    mine = {(line["table"], line["fold"]): line for line in lines if line["text"] == way}
    tfidf = {(line["table"], line["fold"]): line for line in lines if line["text"] == TFIDF}
    rivals = [TFIDF, *ENCODERS]
    shown = [
        f"**{model}, {way}** (error, lower is better; lead = error of the other − ours)\n",
        f"| table | folds | ours | {' | '.join(f'{rival}: error, lead' for rival in rivals)} "
        "| s of text per 1,000 rows | s of all |",
        "|---" * (len(rivals) + 5) + "|",
    ]
    wins: dict[str, list] = {rival: [] for rival in rivals}
    for table in sorted({key[0] for key in mine}):
        folds = sorted(fold for name, fold in mine if name == table)
        errors = {fold: mine[table, fold]["error"] for fold in folds}
        same_rows = all(mine[table, fold]["same_rows"] for fold in folds)
        cells = []
        for rival in rivals:
            if rival == TFIDF:
                other = {f: tfidf[table, f]["error"] for f in folds if (table, f) in tfidf}
            else:
                other = {
                    f: theirs[table, rival, f]
                    for f in (folds if same_rows else range(6))
                    if (table, rival, f) in theirs
                }
            if not other:
                cells.append("–")
                continue
            lead, error = lead_of(errors, other, paired=same_rows or rival == TFIDF)
            wins[rival].append((lead, error))
            sign = "**" if lead > 0 else ""
            cells.append(
                f"{np.mean(list(other.values())):.4g}, {sign}{lead:+.3g}{sign} ± {error:.2g}"
            )
        n_rows = sum(mine[table, fold]["train"] for fold in folds) / 1000
        text, both = (
            sum(mine[table, fold][key] for fold in folds) / n_rows
            for key in ("encoder_seconds", "seconds")
        )
        name = table if same_rows else f"{table} (other rows)"
        ours = f"{np.mean(list(errors.values())):.4g}"
        shown.append(
            f"| {name} | {len(folds)} | {ours} | {' | '.join(cells)} | {text:.1f} | {both:.1f} |"
        )
    counted = "; ".join(
        f"of {rival} on {sum(lead > 0 for lead, _ in leads)} of {len(leads)} "
        f"(behind by more than the error on {sum(lead < -error for lead, error in leads)})"
        for rival, leads in wins.items()
        if leads
    )
    return "\n".join([*shown, f"\nAhead {counted}."])


def lead_of(ours: dict, theirs: dict, *, paired: bool) -> tuple[float, float]:
    """Return the mean difference of errors and its standard error over folds."""
    share = TEST_SHARE / (1 - TEST_SHARE)
    if paired:
        common = sorted(set(ours) & set(theirs))
        differences = np.array([theirs[fold] - ours[fold] for fold in common])
        variance = differences.var(ddof=1) if len(common) > 1 else np.nan
        return differences.mean(), float(np.sqrt(variance * (1 / len(common) + share)))
    parts = [np.array(list(errors.values())) for errors in (theirs, ours)]
    variance = sum(
        (part.var(ddof=1) if len(part) > 1 else np.nan) * (1 / len(part) + share) for part in parts
    )
    return parts[0].mean() - parts[1].mean(), float(np.sqrt(variance))


def write(text: str) -> None:
    """Put the tables between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = (page.index(mark) for mark in MARKS)
    page = page[: begin + len(MARKS[0])] + f"\n{text}\n" + page[end:]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
