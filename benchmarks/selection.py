"""Compare which members ``TableFeatures`` keeps, by the score of boosting on other rows.

Small training tables, up to 4,000 other rows, cheap members. Scores: AUC (one class against the
rest) or R².

    python benchmarks/selection.py [--rows 400 1500] [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine_line
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from tables import REGRESSION, TARGETS, load

from textcnn import TableFeatures, TextLinearEncoder

SELECTIONS = ("all", "positive", "significant")
RESULTS = Path("benchmarks.selection.jsonl")
TEST_ROWS = 4000
MEMBERS = [
    "svd",
    "linear",
    ("words", TextLinearEncoder(char_ngrams=None, word_ngrams=(1, 1))),
    "counts",
]


def score(target: str, n_rows: int, seed: int) -> dict:
    """Return the score and the number of encoders of each selection."""
    X, y, text = load(TARGETS[target], target, n_rows + TEST_ROWS)
    is_number = target in REGRESSION
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=n_rows, random_state=seed, stratify=None if is_number else y
    )
    found = {"target": target, "rows": n_rows, "seed": seed}
    for selection in SELECTIONS:
        table = TableFeatures(
            MEMBERS,
            columns=text,
            target_type="continuous" if is_number else "auto",
            selection=selection,
            random_state=seed,
        )
        train, test = table.fit_transform(X_train, y_train), table.transform(X_test)
        Model = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
        model = Model(max_iter=60, random_state=seed).fit(train, y_train)
        if is_number:
            found[selection] = float(r2_score(y_test, model.predict(test)))
        else:
            shares = model.predict_proba(test)
            shares = shares[:, 1] if shares.shape[1] == 2 else shares
            found[selection] = float(roc_auc_score(y_test, shares, multi_class="ovr"))
        found[f"encoders, {selection}"] = len(table.encoders_)
    return found


def summary(results: pd.DataFrame) -> str:
    """Return means per number of rows, and paired differences from keeping all."""
    lines = ["| rows | selection | score minus all | worst | encoders |", "|---|---|---|---|---|"]
    for n_rows, some in results.groupby("rows"):
        for selection in SELECTIONS:
            loss = some[selection] - some["all"]
            error = loss.std(ddof=1) / np.sqrt(len(loss))
            encoders = some[f"encoders, {selection}"].mean()
            lines.append(
                f"| {n_rows} | {selection} | {loss.mean():+.4f} ± {error:.4f} | {loss.min():+.3f} "
                f"| {encoders:.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure, keep each result in a file, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 1500])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    known = []
    if RESULTS.is_file():
        known = [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]
    done = {(line["target"], line["rows"], line["seed"]) for line in known}
    for seed in range(options.seeds):
        for n_rows in options.rows:
            for target in TARGETS:
                if (target, n_rows, seed) in done:
                    continue
                known.append(score(target, n_rows, seed))
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[-1]) + "\n")
                print(known[-1], flush=True)
    print(machine_line())
    print(summary(pd.DataFrame(known)))


if __name__ == "__main__":
    main()
