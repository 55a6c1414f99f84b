"""Compare features of new rows: mean of the fold models, or one refitted model.

Gradient boosting is trained on out-of-fold features (and the table's other columns) and scored on
test rows whose features come from ``ensemble="mean"`` or ``"refit"``. The out-of-fold features are
the same in both cases. The output also has the measures of the gap: the ratio of the feature's
standard deviation in test rows to that in out-of-fold rows, and the Kolmogorov-Smirnov distance.

"random" splits rows at random, 5 folds; "time" trains on the earlier tweets of a random sample and
tests on the later ones, TimeSeriesSplit(5). Networks are small and tables are sampled: this
benchmark measures the difference between the two ensembles, not the best possible scores.

    python benchmarks/gap.py [--splits 4] [--rows 2000] [--filters 16]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from machine import machine_line
from scipy.stats import ks_2samp
from shared_data import data_file
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_predict, train_test_split

from textcnn import TextCNNEncoder

ENSEMBLES = ("mean", "refit")


@dataclass
class Table:
    """A text column, other columns, a target, and optionally the time of each row."""

    text: pd.Series
    others: pd.DataFrame
    y: np.ndarray
    metric: str
    time: np.ndarray | None = None


def main() -> None:
    """Score both ensembles on every table and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=4)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--filters", type=int, default=16)
    options = parser.parse_args()
    read = tables()
    print_header(options)
    started = time.perf_counter()
    lines = []
    for name, table in read.items():
        for split in range(options.splits):
            lines += one_split(name, table, split, options)
            print(f"{name}, split {split + 1}: {time.perf_counter() - started:.0f} s", flush=True)
    frame = pd.DataFrame(lines)
    print_results(frame)


def tables() -> dict[str, Table]:
    """Return the tables, their columns that are neither text nor target as numbers."""
    clothing, tweets, whisky = (
        pd.read_csv(data_file(f"tables/{name}.csv.gz"))
        for name in ("womens_clothing", "airline_tweets", "scotch_reviews")
    )
    whisky = whisky[whisky["review_point"].notna()]
    stamps = pd.to_datetime(tweets["tweet_created"])
    zone = tweets[["user_timezone"]].apply(lambda column: pd.factorize(column)[0])
    sentiment = tweets["airline_sentiment"].to_numpy(str)
    return {
        "clothing recommended (random)": Table(
            clothing["review_text"],
            clothing[["age", "positive_feedback_count"]],
            clothing["recommended"].to_numpy(),
            "roc_auc",
        ),
        "tweets sentiment (random)": Table(tweets["text"], zone, sentiment, "roc_auc"),
        "tweets sentiment (time)": Table(
            tweets["text"], zone, sentiment, "roc_auc", stamps.to_numpy()
        ),
        "whisky points (random)": Table(
            whisky["description"],
            whisky[["price"]].assign(category=pd.factorize(whisky["category"])[0]),
            whisky["review_point"].to_numpy(float),
            "r2",
        ),
    }


def one_split(name: str, table: Table, split: int, options) -> list[dict]:
    """Return the scores of both ensembles on one split."""
    random = np.random.default_rng(split)
    rows = random.permutation(len(table.y))[: options.rows]
    beside = {}
    if table.time is None:
        strata = None if table.metric == "r2" else table.y[rows]
        train, test = train_test_split(rows, test_size=0.3, random_state=split, stratify=strata)
    else:
        rows = rows[np.argsort(table.time[rows], kind="stable")]
        train, test = np.split(rows, [round(0.7 * len(rows))])
        beside["time"] = table.time[train]
    lines = []
    for ensemble in ENSEMBLES:
        encoder = TextCNNEncoder(
            cv=5 if table.time is None else TimeSeriesSplit(5),
            ensemble=ensemble,
            uncovered="nan",
            target_type="continuous" if table.metric == "r2" else "auto",
            n_filters=options.filters,
            kernel_sizes=(2, 3),
            learned_dim=32,
            max_length=60,
            random_state=split,
        )
        out_of_fold = encoder.fit_transform(table.text.iloc[train], table.y[train], **beside)
        new = encoder.transform(table.text.iloc[test])
        lines.append(
            {"table": name, "split": split, "ensemble": ensemble}
            | downstream(table, train, test, out_of_fold, new)
            | gap(out_of_fold, new)
        )
    return lines


def downstream(table: Table, train, test, out_of_fold, new) -> dict:
    """Train gradient boosting on out-of-fold features; return cross-validation and test scores."""
    X_train, X_test = (
        np.hstack([features, table.others.iloc[rows].to_numpy(float)])
        for features, rows in ((out_of_fold, train), (new, test))
    )
    y_train, y_test = table.y[train], table.y[test]
    options = {"max_iter": 60, "learning_rate": 0.08, "max_depth": 4, "random_state": 0}
    if table.metric == "r2":
        model = HistGradientBoostingRegressor(**options)
        inside = r2_score(y_train, cross_val_predict(model, X_train, y_train))
        return {"cv": inside, "test": r2_score(y_test, model.fit(X_train, y_train).predict(X_test))}
    model = HistGradientBoostingClassifier(**options)
    inside = cross_val_predict(model, X_train, y_train, method="predict_proba")
    outside = model.fit(X_train, y_train).predict_proba(X_test)
    return {
        "cv": auc(y_train, inside),
        "test": auc(y_test, outside),
        "cv_log_loss": log_loss(y_train, inside),
        "test_log_loss": log_loss(y_test, outside),
    }


def auc(y, probabilities) -> float:
    """Return the ROC AUC, one class against the rest where there are several."""
    if probabilities.shape[1] == 2:
        return roc_auc_score(y, probabilities[:, 1])
    return roc_auc_score(y, probabilities, multi_class="ovr")


def gap(out_of_fold, new) -> dict:
    """Return spread ratio and distance of the two kinds of features, averaged over columns."""
    old = out_of_fold[np.isfinite(out_of_fold).all(axis=1)]
    columns = range(new.shape[1])
    return {
        "spread": np.mean([new[:, c].std() / old[:, c].std() for c in columns]),
        "ks": np.mean([ks_2samp(old[:, c], new[:, c]).statistic for c in columns]),
    }


def print_header(options) -> None:
    """Print the conditions of the benchmark."""
    print(
        f"{options.splits} splits of at most {options.rows} rows, 70/30; {options.filters} filters "
        f'x (2, 3), no pretrained vectors, epochs="auto"\n{machine_line()}\n'
    )


def print_results(frame: pd.DataFrame) -> None:
    """Print means over splits with their spread, and the paired differences."""
    measures = ["cv", "test", "cv_log_loss", "test_log_loss", "spread", "ks"]
    shown = frame.groupby(["table", "ensemble"], sort=False)[measures].agg(["mean", "std"])
    print("\nmean (standard deviation over splits); cv and test: ROC AUC, of whisky R²")
    for (name, ensemble), line in shown.iterrows():
        cells = "  ".join(
            f"{measure} {line[measure, 'mean']:.3f} ({line[measure, 'std']:.3f})"
            for measure in measures
            if np.isfinite(line[measure, "mean"])
        )
        print(f"{name:30s} {ensemble:5s}  {cells}")
    print("\nrefit less mean, per split: mean (standard error), splits in which refit is better")
    for name, lines in frame.groupby("table", sort=False):
        for measure, sign in (("test", 1), ("test_log_loss", -1)):
            pairs = lines.pivot(index="split", columns="ensemble", values=measure)
            difference = (pairs["refit"] - pairs["mean"]).dropna()
            if len(difference):
                print(
                    f"{name:30s} {measure:14s} {difference.mean():+.4f} "
                    f"({difference.sem():.4f})  {int((sign * difference > 0).sum())} of "
                    f"{len(difference)}"
                )


if __name__ == "__main__":
    main()
