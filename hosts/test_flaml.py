"""Pipelines of text features and FLAML."""

import flaml_pipeline
import numpy as np
import pytest
from checks import check_noise, noise_table
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from tables import SMALL, TARGET, clothing

from textcnn import InSampleWarning, TextCNNEncoder, TextLinearEncoder


def test_the_example_runs():
    assert flaml_pipeline.main(600) > 0.6


@pytest.mark.parametrize(
    "encoder",
    [TextLinearEncoder(random_state=0), TextCNNEncoder(**SMALL | {"epochs": 3}, random_state=0)],
    ids=["linear", "cnn"],
)
def test_the_text_improves_the_score_on_a_real_table(encoder):
    train, test = clothing(1000, 1000)
    scores = {}
    for way, text in {"no text": [], "text": ["review_text"]}.items():
        pipeline = flaml_pipeline.make_pipeline(encoder if text else "drop", text, ["age"])
        pipeline.fit(train, train[TARGET], **flaml_pipeline.SETTINGS)
        predicted = pipeline.predict_proba(test)[:, 1]
        scores[way] = roc_auc_score(test[TARGET], predicted)
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert scores["text"] > scores["no text"] + 0.05


def noise():
    X, y = noise_table(400, 0)
    return X.assign(number=np.random.default_rng(0).normal(size=400)), y


def test_noise_predicts_nothing_in_its_folds():
    X, y = noise()
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))
    encoder = TextLinearEncoder(cv=folds)
    pipeline = flaml_pipeline.make_pipeline(encoder, ["review"], ["number"])
    check_noise(pipeline[0].fit_transform, folds, X, y)
    pipeline.fit(X, y, **flaml_pipeline.SETTINGS)
    out_of_fold = 1 - pipeline[-1].best_loss
    # The score if training rows were only transformed.
    with pytest.warns(InSampleWarning):
        in_sample = encoder.fit(X[["review"]], y).transform(X[["review"]])
    again = flaml_pipeline.make_pipeline("passthrough", [0], [])
    again.fit(in_sample, y, **flaml_pipeline.SETTINGS)
    leak = 1 - again[-1].best_loss
    print(f"AUC of noise in FLAML's folds: {out_of_fold:.3f}; transformed only: {leak:.3f}")
    assert out_of_fold < 0.62 < 0.8 < leak
