"""H2O-3 with text features: out-of-fold columns, and our folds as its fold column.

Needs Java and: pip install h2o.
"""

from __future__ import annotations

import h2o
import numpy as np
import pandas as pd
from h2o.automl import H2OAutoML
from sklearn.metrics import roc_auc_score

from textcnn import TextLinearEncoder
from textcnn.datasets import load_reviews

FOLD = "fold"


def training_frame(encoder, train: pd.DataFrame, text: str, target: str) -> pd.DataFrame:
    """Return the table with out-of-fold features for the text, and the fold of each row."""
    features = encoder.set_output(transform="pandas").fit_transform(train[[text]], train[target])
    fold = np.empty(len(train), int)
    for number, assignment in enumerate(encoder.report_.plan.assignments):
        fold[assignment.predict] = number
    table = train.drop(columns=text).join(features.set_axis(train.index))
    return table.assign(**{FOLD: fold})


def new_frame(encoder, new: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return the table of new rows with features for the text."""
    return new.drop(columns=text).join(encoder.transform(new[[text]]).set_axis(new.index))


def fit_h2o(table: pd.DataFrame, target: str, seed: int = 0) -> H2OAutoML:
    """Fit gradient boosting with the folds of the table; H2O must be running."""
    frame = h2o.H2OFrame(table)
    frame[target] = frame[target].asfactor()
    automl = H2OAutoML(max_models=1, include_algos=["GBM"], seed=seed, sort_metric="AUC")
    inputs = [name for name in table if name not in (target, FOLD)]
    automl.train(x=inputs, y=target, training_frame=frame, fold_column=FOLD)
    return automl


def main(n_train: int = 1000) -> float:
    """Fit on the bundled reviews; return the AUC of later rows."""
    h2o.init(nthreads=2, max_mem_size="1g")
    h2o.no_progress()
    reviews = load_reviews()[["review", "price", "delivery_days", "rating_count", "recommended"]]
    train, test = reviews.iloc[:n_train], reviews.iloc[2000:]
    # TextCNNEncoder takes some minutes and gives a better score here.
    encoder = TextLinearEncoder(random_state=0)
    automl = fit_h2o(training_frame(encoder, train, "review", "recommended"), "recommended")
    frame = h2o.H2OFrame(new_frame(encoder, test, "review").drop(columns="recommended"))
    predicted = automl.leader.predict(frame).as_data_frame()["p1"]
    return roc_auc_score(test["recommended"], predicted)


if __name__ == "__main__":
    print(f"test AUC {main():.3f}")
    h2o.cluster().shutdown()
