"""Reviews in a table: four ways to use a text column, compared by test AUC.

Gradient boosting predicts a target from the ordinary columns of a table and

1. no text at all;
2. TF-IDF with a truncated SVD, which never looks at the target;
3. out-of-fold probabilities of a logistic regression on TF-IDF;
4. out-of-fold probabilities of a convolutional network: `TextCNNEncoder`.

Ways 3 and 4 look at the target, so training rows get predictions of models that did not see them.

    python examples/01_reviews_in_a_table.py            # some minutes on two cores
    python examples/01_reviews_in_a_table.py --quick    # a part of the bundled table, tiny networks

The bundled table is made by `textcnn.datasets.make_reviews`, and its text favours models that read
word order, by design. For an honest picture the full run adds two real tables where the folder
`TEXTCNN_DATA` (default: `../shared/data` beside the repository) holds them.
"""

import argparse
import math
import os
from pathlib import Path

import pandas as pd

from textcnn import TextCNNEncoder
from textcnn.comparison import compare_text_features, comparison_report, text_stages
from textcnn.datasets import load_reviews

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
VECTORS = REAL_DATA / "vectors" / "domain.50k.100d.txt.gz"

BUNDLED = {
    "text_columns": ["review"],
    "target": "recommended",
    # Not "rating", which nearly decides the target, nor the customer and the date.
    "other_columns": ["category", "price", "delivery_days", "rating_count", "verified"],
}
# Real tables: file and columns. The other columns are weak on purpose: what is known of a row
# before anybody reads its text.
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


def compare(title: str, table: pd.DataFrame, columns: dict, encoder: TextCNNEncoder, seed: int):
    """Print one comparison and return its results."""
    print(f"{title}: {len(table):,} rows, target {columns['target']!r}")
    results = compare_text_features(
        table,
        stages=text_stages(columns["text_columns"], encoder=encoder, random_state=seed),
        random_state=seed,
        **columns,
    )
    print(comparison_report(results) + "\n", flush=True)

    n_classes = table[columns["target"]].nunique()
    n_probabilities = 1 if n_classes == 2 else n_classes
    assert results["test_auc"].map(math.isfinite).all()
    assert results["test_auc"].between(0, 1).all()
    assert results["text_features"].iloc[0] == 0
    assert results["text_features"].iloc[-1] == n_probabilities * len(columns["text_columns"])
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small part, with tiny networks")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    if options.quick:
        tiny = TextCNNEncoder(cv=2, epochs=1, n_filters=4, random_state=options.seed)
        reviews = load_reviews().sample(600, random_state=options.seed)
        compare("Bundled reviews, a part", reviews, BUNDLED, tiny, options.seed)
        return

    encoder = TextCNNEncoder(random_state=options.seed)
    results = compare("Bundled reviews", load_reviews(), BUNDLED, encoder, options.seed)
    # What this table was made for: reading the text helps, whoever reads it best.
    assert results["test_auc"].iloc[1:].min() > results["test_auc"].iloc[0]

    if not REAL_DATA.is_dir():
        print(f"No real tables: TEXTCNN_DATA names no folder. Received: {REAL_DATA}")
        return
    encoder = TextCNNEncoder(embeddings=str(VECTORS), random_state=options.seed)
    smallest = {"women's clothing reviews": 0.94, "airline tweets": 0.90}
    for title, (file, columns) in REAL.items():
        table = pd.read_csv(REAL_DATA / file)
        results = compare(title, table, columns, encoder, options.seed)
        assert results["test_auc"].iloc[-1] > smallest[title]


if __name__ == "__main__":
    main()
