"""Tables with text, gradient boosting behind: TableFeatures against other ways to use the text.

Three tables, six targets. Each is split 70/30 ``--repeats`` times; every way gets the same rows,
the same other columns and the same HistGradientBoosting model, and is scored on the test rows: ROC
AUC (one class against the rest for several), R² for numbers. The spread is the standard deviation
over the splits; ``± error`` of a difference from TableFeatures is its standard error over splits,
paired, widened because splits share rows (Nadeau and Bengio 2003). Ratings are left out where
"recommended" is the target and the other way round: they leak each other.

AutoGluon's n-grams and skrub's TextEncoder (MiniLM) are run where they can be imported; what is
not run is said in a line below the table.

    python benchmarks/tables.py [--tables clothing tweets whisky] [--repeats 5] [--rows 4000]
        [--targets recommended rating ...] [--members svd linear cnn]
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split

from textcnn import TableFeatures, TextLinearEncoder

TEST_SHARE = 0.3
# Table → file, text columns, columns that are never used, and target → columns it leaks with.
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


def main() -> None:
    """Run every way on every target and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="*", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--targets", nargs="*", default=None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=None, help="rows drawn from each table")
    parser.add_argument("--members", nargs="*", default=["svd", "linear", "cnn"])
    options = parser.parse_args()
    given = "all" if options.rows is None else f"{options.rows:,}"
    print(f"{options.repeats} splits of {given} rows; {machine_line()}\n")
    for name in options.tables:
        for target in TABLES[name][3]:
            if options.targets is None or target in options.targets:
                compare(name, target, options)
    for line in not_run():
        print(f"Not run: {line}")


def load(name: str, target: str, n_rows: int | None) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Return inputs, target and text columns of a table, rows drawn by seed."""
    file, text, unused, targets = TABLES[name]
    table = pd.read_csv(data_file(f"tables/{file}")).dropna(subset=[target])
    if target not in REGRESSION:
        counts = table[target].map(table[target].value_counts())
        table = table[counts >= FEWEST_ROWS_OF_A_CLASS]
    table = table.sample(min(n_rows or len(table), len(table)), random_state=0)
    inputs = table.drop(columns=[target, *unused, *targets[target]])
    others = [column for column in inputs if column not in text]
    strings = [column for column in others if not pd.api.types.is_numeric_dtype(inputs[column])]
    return inputs.astype(dict.fromkeys(strings, "category")), table[target].to_numpy(), text


def ways(text: list[str], members: list[str], target_type: str) -> dict:
    """Return the ways as functions of a seed: transformers that read a whole table."""
    from skrub import ApplyToCols, StringEncoder

    found = {
        "no text": lambda seed: ColumnTransformer(
            [("text", "drop", text)], remainder="passthrough", verbose_feature_names_out=False
        ),
        "skrub StringEncoder": lambda seed: ApplyToCols(
            StringEncoder(random_state=seed), cols=text
        ),
        "TF-IDF linear, out of fold": lambda seed: ColumnTransformer(
            [("text", TextLinearEncoder(random_state=seed, target_type=target_type), text)],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ),
        f"TableFeatures ({', '.join(members)})": lambda seed: TableFeatures(
            members, columns=text, random_state=seed, target_type=target_type
        ),
    }
    if importlib.util.find_spec("autogluon") is not None:
        found["AutoGluon n-grams"] = lambda seed: _ngrams()
    if importlib.util.find_spec("sentence_transformers") is not None:
        from skrub import TextEncoder

        found["skrub TextEncoder (MiniLM)"] = lambda seed: ApplyToCols(TextEncoder(), cols=text)
    return found


def _ngrams():
    """Return AutoGluon's feature generator with its n-grams, as it is by default."""
    from autogluon.features.generators import AutoMLPipelineFeatureGenerator

    return AutoMLPipelineFeatureGenerator(verbosity=0)


def not_run() -> list[str]:
    """Name the ways whose package is not installed."""
    packages = {
        "autogluon": "AutoGluon n-grams (autogluon.tabular cannot be imported)",
        "sentence_transformers": "skrub TextEncoder (sentence-transformers cannot be imported)",
    }
    return [line for name, line in packages.items() if importlib.util.find_spec(name) is None]


def compare(name: str, target: str, options) -> None:
    """Score all ways on one target and print the table."""
    inputs, y, text = load(name, target, options.rows)
    is_number = target in REGRESSION
    target_type = "continuous" if is_number else "auto"
    scores: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(options.repeats):
        split = train_test_split(
            inputs, y, test_size=TEST_SHARE, random_state=seed, stratify=None if is_number else y
        )
        for way, make in ways(text, options.members, target_type).items():
            started = time.perf_counter()
            score, stage = score_way(make(seed), split, is_number, seed)
            scores.setdefault(way, []).append(score)
            seconds.setdefault(way, []).append(time.perf_counter() - started)
            print(f"{name}/{target} split {seed + 1} {way}: {score:.4f}", flush=True)
            if seed == 0 and isinstance(stage, TableFeatures):
                report = stage.report_
    ours = next(way for way in scores if way.startswith("TableFeatures"))
    metric = "R²" if is_number else "ROC AUC"
    print(f"\n| {name}, {target}, {len(y):,} rows | {metric} | TableFeatures' lead | seconds |")
    print("|---|---|---|---|")
    for way in sorted(scores, key=lambda way: -np.mean(scores[way])):
        lead = "–" if way == ours else shown_lead(scores[ours], scores[way])
        print(f"| {way} | {shown(scores[way])} | {lead} | {np.median(seconds[way]):.1f} |")
    print(f"\nReport of the first split:\n\n{report}\n")


def score_way(stage, split, is_number: bool, seed: int):
    """Return the test score of gradient boosting behind a way, and the fitted way."""
    X_train, X_test, y_train, y_test = split
    form = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    model = form(categorical_features="from_dtype", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(stage, "set_output"):
            stage.set_output(transform="pandas")
        model.fit(
            _numeric(stage.fit_transform(X_train, pd.Series(y_train, X_train.index))), y_train
        )
        new = _numeric(stage.transform(X_test))
    if is_number:
        return r2_score(y_test, model.predict(new)), stage
    shares = model.predict_proba(new)
    shares = shares[:, 1] if shares.shape[1] == 2 else shares
    return roc_auc_score(y_test, shares, multi_class="ovr", average="macro"), stage


def _numeric(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that gradient boosting takes."""
    return table.select_dtypes(["number", "bool", "category"])


def shown(values: list[float]) -> str:
    """Return mean and standard deviation over splits."""
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


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
