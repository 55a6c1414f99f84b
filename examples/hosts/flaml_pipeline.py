"""A pipeline of text features and FLAML, with settings as ``automl__...``.

Needs: pip install "flaml[automl]".
"""

from __future__ import annotations

from flaml import AutoML
from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from textcnn import TextLinearEncoder
from textcnn.datasets import load_reviews

SETTINGS = {
    "automl__task": "classification",
    "automl__metric": "roc_auc",
    "automl__estimator_list": ["lgbm"],
    "automl__eval_method": "cv",
    "automl__n_splits": 3,
    "automl__max_iter": 5,
    "automl__seed": 0,
    "automl__verbose": 0,
}


def make_pipeline(encoder, text: list[str], numbers: list[str]) -> Pipeline:
    """Return a pipeline: text features and numbers, then FLAML."""
    columns = [("text", encoder, text), ("numbers", "passthrough", numbers)]
    return Pipeline([("columns", ColumnTransformer(columns)), ("automl", AutoML())])


def main(n_train: int = 1000) -> float:
    """Fit on the bundled reviews; return the AUC of later rows."""
    reviews = load_reviews()
    train, test = reviews.iloc[:n_train], reviews.iloc[2000:]
    numbers = ["price", "delivery_days", "rating_count"]
    # TextCNNEncoder takes some minutes and gives a better score here.
    pipeline = make_pipeline(TextLinearEncoder(random_state=0), ["review"], numbers)
    pipeline.fit(train, train["recommended"], **SETTINGS)
    return roc_auc_score(test["recommended"], pipeline.predict_proba(test)[:, 1])


if __name__ == "__main__":
    print(f"test AUC {main():.3f}")
