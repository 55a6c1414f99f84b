"""Pipelines of text features and mljar-supervised."""

import mljar_pipeline
import numpy as np
from checks import check_noise, noise_table
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from tables import SMALL, TARGET, clothing

from textcnn import TextCNNEncoder, TextLinearEncoder


def test_the_example_runs():
    assert mljar_pipeline.main(600) > 0.6


def test_the_text_improves_the_score_on_a_real_table(tmp_path):
    train, test = clothing(1000, 1000)
    scores = {}
    ways = {
        "no text": ("drop", []),
        "linear": (TextLinearEncoder(random_state=0), ["review_text"]),
        "cnn": (TextCNNEncoder(**SMALL | {"epochs": 3}, random_state=0), ["review_text"]),
    }
    for way, (encoder, text) in ways.items():
        pipeline = mljar_pipeline.make_pipeline(encoder, text, ["age"], str(tmp_path / way))
        pipeline.fit(train, train[TARGET])
        scores[way] = roc_auc_score(test[TARGET], pipeline.predict_proba(test)[:, 1])
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert min(scores["linear"], scores["cnn"]) > scores["no text"] + 0.05


def test_noise_predicts_nothing_in_its_folds(tmp_path):
    X, y = noise_table(400, 0)
    X = X.assign(number=np.random.default_rng(0).normal(size=400))
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))
    encoder = TextLinearEncoder(cv=folds)
    pipeline = mljar_pipeline.make_pipeline(encoder, ["review"], ["number"], str(tmp_path / "a"))
    check_noise(pipeline[0].fit_transform, folds, X, y)
    pipeline.fit(X, y)
    # mljar's leaderboard negates metrics that should be large.
    score = pipeline[-1].get_leaderboard()["metric_value"].abs().max()
    print(f"AUC of noise in mljar's folds: {score:.3f}")
    assert score < 0.62
