"""Show how much too good a score is if groups are ignored, on reviews grouped by garment.

Two targets: one of the reviewer ("recommended"), and one of the garment (is it among the better
rated half of garments?). For each, the whole pipeline (encoder, then boosting) is cross-validated
twice: with folds that ignore the garment, and with folds that keep its reviews together. The
encoder's inner folds do the same.

    python benchmarks/groups.py [--garments 24] [--reviews 120] [--repeats 3]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from textcnn import TextCNNEncoder


def main() -> None:
    """Print the scores of both kinds of folds for both targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--garments", type=int, default=24)
    parser.add_argument("--reviews", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    table = pd.read_csv(data_file("tables/womens_clothing.csv.gz"))
    table = table[table["review_text"].notna()]
    common = table["clothing_id"].value_counts().index[: options.garments]
    table = table[table["clothing_id"].isin(common)]
    table = table.groupby("clothing_id").head(options.reviews)
    rating = table.groupby("clothing_id")["rating"].mean()
    targets = {
        "recommended": table["recommended"].to_numpy(),
        "garment is liked": (table["clothing_id"].map(rating) > rating.median()).to_numpy(int),
    }
    groups = table["clothing_id"].to_numpy()
    print(machine_line())
    print(f"{len(table)} reviews of {len(common)} garments; ROC AUC, mean (sd) over repeats")
    for target, y in targets.items():
        scores = {"ignored": [], "kept": []}
        for seed in range(options.repeats):
            splitters = {
                "ignored": StratifiedKFold(3, shuffle=True, random_state=seed),
                "kept": StratifiedGroupKFold(3, shuffle=True, random_state=seed),
            }
            for name, splitter in splitters.items():
                scores[name].append(score(splitter, table[["review_text"]], y, groups, seed))
        shown = {name: f"{np.mean(v):.3f} ({np.std(v):.3f})" for name, v in scores.items()}
        print(f"{target:18s} groups ignored {shown['ignored']}, kept {shown['kept']}", flush=True)


def score(splitter, X, y, groups, seed) -> float:
    """Return the pipeline's mean ROC AUC; the encoder uses the same kind of folds."""
    encoder = TextCNNEncoder(cv=splitter, n_filters=16, max_length=80, random_state=seed)
    boosting = HistGradientBoostingClassifier(max_iter=40, max_depth=3, random_state=seed)
    is_grouped = isinstance(splitter, StratifiedGroupKFold)
    with config_context(enable_metadata_routing=True):
        return cross_val_score(
            make_pipeline(encoder, boosting),
            X,
            y,
            cv=splitter,
            scoring="roc_auc",
            params={"groups": groups} if is_grouped else {},
        ).mean()


if __name__ == "__main__":
    main()
