"""H2O-3 with out-of-fold columns and the encoder's folds as its fold column."""

import h2o
import h2o_fold_column
import numpy as np
import pytest
from checks import check_noise, noise_table
from sklearn.metrics import roc_auc_score
from tables import SMALL, TARGET, clothing

from textcnn import TextCNNEncoder, TextLinearEncoder


@pytest.fixture(scope="module", autouse=True)
def server():
    h2o.init(nthreads=2, max_mem_size="1g")
    h2o.no_progress()
    yield
    h2o.cluster().shutdown()


def test_the_example_runs():
    assert h2o_fold_column.main(600) > 0.6


def test_the_text_improves_the_score_on_a_real_table():
    train, test = clothing(1000, 1000)
    columns = ["age", "review_text", TARGET]
    scores = {}
    for way, encoder in {
        "linear": TextLinearEncoder(random_state=0),
        "cnn": TextCNNEncoder(**SMALL | {"epochs": 3}, random_state=0),
    }.items():
        table = h2o_fold_column.training_frame(encoder, train[columns], "review_text", TARGET)
        automl = h2o_fold_column.fit_h2o(table, TARGET)
        new = h2o_fold_column.new_frame(encoder, test[columns], "review_text")
        frame = h2o.H2OFrame(new.drop(columns=TARGET))
        predicted = automl.leader.predict(frame).as_data_frame()["p1"]
        scores[way] = roc_auc_score(test[TARGET], predicted)
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert min(scores.values()) > 0.6, "age alone predicts almost nothing"


def test_noise_predicts_nothing_in_the_shared_folds():
    X, y = noise_table(400, 0)
    train = X.assign(number=np.random.default_rng(0).normal(size=400), target=y)
    encoder = TextLinearEncoder(cv=4, random_state=0)
    table = h2o_fold_column.training_frame(encoder, train, "review", "target")
    folds = [
        (np.flatnonzero(table["fold"] != n), np.flatnonzero(table["fold"] == n)) for n in range(4)
    ]
    check_noise(lambda X, y: table["review_linear"], folds, X, y)
    automl = h2o_fold_column.fit_h2o(table, "target")
    score = automl.leader.auc(xval=True)
    print(f"AUC of noise in H2O's folds: {score:.3f}")
    assert score < 0.62
