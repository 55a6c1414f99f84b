"""A pipeline of text features and mljar-supervised. Needs: pip install mljar-supervised."""

from __future__ import annotations

import tempfile

from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from supervised.automl import AutoML

from textcnn import TextLinearEncoder
from textcnn.datasets import load_reviews


def make_pipeline(encoder, text: list[str], numbers: list[str], results_path: str) -> Pipeline:
    """Return a pipeline: text features and numbers, then mljar."""
    columns = [("text", encoder, text), ("numbers", "passthrough", numbers)]
    automl = AutoML(
        results_path=results_path,
        algorithms=["LightGBM"],
        eval_metric="auc",
        validation_strategy={"validation_type": "kfold", "k_folds": 3, "shuffle": True},
        train_ensemble=False,
        explain_level=0,
        golden_features=False,
        features_selection=False,
        start_random_models=1,
        hill_climbing_steps=0,
        random_state=0,
        verbose=0,
    )
    features = ColumnTransformer(columns).set_output(transform="pandas")
    return Pipeline([("columns", features), ("automl", automl)])


def main(n_train: int = 1000) -> float:
    """Fit on the bundled reviews; return the AUC of later rows."""
    reviews = load_reviews()
    train, test = reviews.iloc[:n_train], reviews.iloc[2000:]
    numbers = ["price", "delivery_days", "rating_count"]
    # TextCNNEncoder takes some minutes and gives a better score here.
    encoder = TextLinearEncoder(random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = make_pipeline(encoder, ["review"], numbers, folder + "/results")
        pipeline.fit(train, train["recommended"])
        return roc_auc_score(test["recommended"], pipeline.predict_proba(test)[:, 1])


if __name__ == "__main__":
    print(f"test AUC {main():.3f}")
