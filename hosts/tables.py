"""The real table that every host is tested on, split into training and test rows."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
# A network that is fitted in seconds.
SMALL = {"n_filters": 16, "kernel_sizes": (2, 3), "epochs": 1, "cv": 3}
TARGET = "recommended"


def clothing(n_train: int, n_test: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows of the clothing reviews: age, department, the text, and whether recommended."""
    path = DATA / "tables" / "womens_clothing.csv.gz"
    if not path.is_file():
        raise FileNotFoundError(
            "The tests of the hosts need a real table, which is not in the repository. Set "
            f"TEXTCNN_DATA to the folder that contains tables/. Received: {path}, which is no file."
        )
    table = pd.read_csv(path)[["age", "department", "review_text", TARGET]]
    table = table.dropna().drop_duplicates("review_text")
    table = table.sample(n_train + n_test, random_state=0).reset_index(drop=True)
    return table.iloc[:n_train].copy(), table.iloc[n_train:].reset_index(drop=True)
