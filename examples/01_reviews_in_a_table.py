"""Reviews in a table: four ways to use a text column, compared by test AUC.

Gradient boosting predicts a target from the ordinary columns of a table and

1. no text at all;
2. TF-IDF with a truncated SVD, which does not use the target;
3. out-of-fold probabilities of a logistic regression on TF-IDF;
4. out-of-fold probabilities of a convolutional network: `TextCNNEncoder`.

3 and 4 use the target, so training rows get predictions of models that were not trained on them.

    python examples/01_reviews_in_a_table.py            # about ten minutes
    python examples/01_reviews_in_a_table.py --quick    # a sample, tiny networks

The bundled table is synthetic (`textcnn.datasets.make_reviews`), and its text favours models that
use word order, by design. For a fair comparison the full run adds two real tables if the folder
`TEXTCNN_DATA` (default: `../shared/data` next to the repository) contains them. Their word vectors
were trained on a corpus that includes these texts, test rows included (but no labels), so the
network is also run without them.
"""

import argparse
import math
import os
from functools import partial
from pathlib import Path

import pandas as pd

from textcnn import TextCNNEncoder
from textcnn.command_line.comparison import compare_text_features, text_stages
from textcnn.datasets import load_reviews

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
VECTORS = REAL_DATA / "vectors" / "domain.50k.100d.txt.gz"

BUNDLED = {
    "text_columns": ["review"],
    "target": "recommended",
    # Not "rating", which almost determines the target, nor the customer and the date.
    "other_columns": ["category", "price", "delivery_days", "rating_count", "verified"],
}
# Real tables: file and columns. The other columns are weak on purpose: only what is known before
# the text is read.
REAL = {
    "women's clothing reviews": (
        "tables/womens_clothing.csv.gz",
        {
            "text_columns": ["title", "review_text"],
            "target": "recommended",
            # Not "rating", which nearly decides the target.
            "other_columns": [
                "age",
                "positive_feedback_count",
                "division",
                "department",
                "class_name",
            ],
        },
    ),
    "airline tweets": (
        "tables/airline_tweets.csv.gz",
        {
            "text_columns": ["text"],
            "target": "airline_sentiment",
            # Not "tweet_location": free text with thousands of values.
            "other_columns": ["user_timezone"],
        },
    ),
}


def compare(
    title: str, table: pd.DataFrame, columns: dict, encoders: dict[str, TextCNNEncoder], seed: int
) -> pd.DataFrame:
    """Print one comparison, with a line for each of the encoders, and return its results."""
    print(f"{title}: {len(table):,} rows, target {columns['target']!r}", flush=True)
    stages = text_stages(columns["text_columns"], encoders=encoders, random_state=seed)
    show = partial(print, flush=True)
    results = compare_text_features(table, stages=stages, random_state=seed, show=show, **columns)
    print(flush=True)

    n_classes = table[columns["target"]].nunique()
    n_probabilities = 1 if n_classes == 2 else n_classes
    assert results["test_auc"].map(math.isfinite).all()
    assert results["test_auc"].between(0, 1).all()
    assert results.loc["no text", "text_features"] == 0
    for way in encoders:
        n_features = n_probabilities * len(columns["text_columns"])
        assert results.loc[way, "text_features"] == n_features
    return results


def print_missing_files(missing: list[Path]) -> None:
    """Print which files the real tables need, their content, and where the tables come from."""
    print("No comparison on real tables: they may not be distributed here. Missing files:")
    for path in missing:
        print(f"  {path}")
    print(
        'The tables are "Women\'s E-Commerce Clothing Reviews" and "Twitter US Airline Sentiment"\n'
        "(both on Kaggle), as gzipped CSV with the columns named in this file; the vectors have a\n"
        "line per word: the word and its numbers, gzipped, as in GloVe files. Put them into a\n"
        "folder with these names and set the environment variable TEXTCNN_DATA to the folder."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small sample, tiny networks")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    seed = options.seed
    if options.quick:
        tiny = TextCNNEncoder(cv=2, epochs=1, n_filters=4, random_state=seed)
        part = load_reviews().sample(600, random_state=seed)
        compare("Bundled reviews, a sample", part, BUNDLED, {"tiny TextCNNEncoder": tiny}, seed)
        return

    learned = {"TextCNNEncoder, out of fold": TextCNNEncoder(random_state=seed)}
    results = compare("Bundled reviews", load_reviews(), BUNDLED, learned, seed)
    # The table is made so that every use of the text helps.
    assert results["test_auc"].iloc[1:].min() > results.loc["no text", "test_auc"]

    needed = [VECTORS, *(REAL_DATA / file for file, _ in REAL.values())]
    if missing := [path for path in needed if not path.is_file()]:
        print_missing_files(missing)
        return
    given = "TextCNNEncoder with word vectors, out of fold"
    encoders = {given: TextCNNEncoder(embeddings=str(VECTORS), random_state=seed), **learned}
    smallest = {"women's clothing reviews": 0.94, "airline tweets": 0.90}
    for title, (file, columns) in REAL.items():
        results = compare(title, pd.read_csv(REAL_DATA / file), columns, encoders, seed)
        assert results.loc[given, "test_auc"] > smallest[title]


if __name__ == "__main__":
    main()
