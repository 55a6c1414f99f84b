"""All types of targets, outputs, losses, and what models learn from words."""

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from inside import networks_of
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
)
from sklearn.pipeline import make_pipeline

N_ROWS = 60


def test_a_class_that_some_fold_lacks_has_no_column():
    X, y = signal_table(N_ROWS, 0, n_classes=3)
    y = np.array(["x", "y", "rare"])[y]
    rows = np.arange(N_ROWS)
    rare = y == "rare"
    folds = [(rows[~np.isin(rows, rows[k::3])], rows[k::3]) for k in range(3)]
    folds[1] = (np.setdiff1d(folds[1][0], rows[rare]), folds[1][1])
    with pytest.raises(ValueError, match=r"'rare' in fold 1"):
        tiny(cv=folds).fit(X, y)
    encoder = tiny(cv=folds, missing_class="drop").set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    # Two classes are left, so there is one column; rows of the third are not used for training.
    assert features.columns.tolist() == ["review_cnn"]
    assert encoder.classes_.tolist() == ["x", "y"]
    assert np.isfinite(features.to_numpy()).all()
    for fed in encoder.report_.verify().columns[0].fed:
        assert not rare[fed["learn"]].any()
    assert "no column for class 'rare'" in encoder.report_.notes[0]


@pytest.mark.parametrize(
    ("kind", "names"),
    [("multilabel", ["joy", "anger"]), ("multioutput", ["price", "points"])],
)
def test_several_targets_have_columns_of_their_own(kind, names):
    X, label = signal_table(150, 0)
    y = pd.DataFrame({names[0]: label, names[1]: 1 - label})
    if kind == "multioutput":
        y = y * [50.0, 0.5] + [1000.0, 0.25]
    encoder = tiny(epochs=20, n_filters=4, target_type=kind).set_output(transform="pandas")
    features = encoder.fit_transform(X, y)
    assert features.columns.tolist() == [f"review_cnn_{name}" for name in names]
    assert roc_auc_score(label, features.iloc[:, 0]) > 0.7
    assert roc_auc_score(label, features.iloc[:, 1]) < 0.3
    new = encoder.transform(X.iloc[:9])
    assert new.columns.tolist() == features.columns.tolist()
    spread = features.std().to_numpy()
    if kind == "multioutput":
        assert 0.5 < spread[0] / spread[1] < 2, "each column is in deviations of its target"
        assert abs(features.mean()).to_numpy()[0] < 0.5
    assert encoder.report_.summary["score"].iloc[0] > 0.2


def test_logits_are_the_logits_of_the_probabilities():
    X, y = signal_table(N_ROWS, 0)
    probabilities = tiny(epochs=3).fit_transform(X, y)
    encoder = tiny(epochs=3, output="logit")
    logits = encoder.fit_transform(X, y)
    assert logits.min() < 0 < logits.max()
    np.testing.assert_allclose(expit(logits), probabilities, atol=1e-6)
    raw = encoder.transform(X.iloc[:5])
    assert np.isfinite(raw).all()
    X, y = signal_table(N_ROWS, 0, n_classes=3)
    logits = tiny(output="logit").fit_transform(X, y)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("loss", ["absolute", "poisson"])
def test_losses_of_regression(loss):
    X, label = signal_table(150, 0)
    y = np.random.default_rng(0).poisson(np.where(label == 1, 9.0, 2.0)).astype(float)
    encoder = tiny(epochs=25, loss=loss, target_type="continuous")
    features = encoder.fit_transform(X, y)[:, 0]
    assert roc_auc_score(label, features) > 0.7
    new = encoder.transform(X.iloc[:20])[:, 0]
    if loss == "poisson":
        assert (features > 0).all() and (new > 0).all(), "multiples of the training mean"
        assert 0.3 < np.median(features) < 3
    else:
        assert features.min() < 0 < features.max()
    predictions = np.concatenate(encoder.report_.columns[0].predictions)
    assert y.min() - 5 < predictions.mean() < y.max() + 5


def test_identical_documents_stay_together_on_request():
    X, y = signal_table(N_ROWS, 0)
    X = pd.concat([X, X.iloc[:20], pd.DataFrame({"review": [""] * 6})], ignore_index=True)
    y = np.concatenate([y, y[:20], [0, 1] * 3])
    apart = tiny().fit(X, y).report_.duplicates
    assert apart["share"].iloc[0] > 0.2
    pipeline = make_pipeline(tiny(), HistGradientBoostingClassifier(max_iter=2))
    pipeline.fit(X, y, textcnnencoder__groups="documents")
    encoder = pipeline[0]
    report = encoder.report_.verify()
    assert report.duplicates["n_duplicates"].iloc[0] == 0
    texts = X["review"].to_numpy()
    for fed in report.columns[0].fed:
        both = np.intersect1d(texts[fed["learn"]], texts[fed["predict"]])
        assert both.tolist() in ([], [""])
    groups = encoder.report_.plan.groups
    assert len(np.unique(groups[-6:])) == 6, "empty documents stay apart"
    assert (groups[:20] == groups[60:80]).all()


def test_words_of_held_out_rows_are_unknown_to_vectors_of_their_fold():
    X, y = signal_table(N_ROWS, 0)
    folds = list(KFold(3).split(X))
    held_out = folds[0][1]
    other = X.copy()
    # As many words as before, so that the same rows share a batch.
    other.loc[held_out[0], "review"] = " ".join(["good"] * len(X.loc[0, "review"].split()))
    options = {
        "cv": folds,
        "embeddings": "corpus",
        "corpus_options": {"vector_size": 4, "epochs": 2, "min_count": 1},
    }
    rest = held_out[1:]
    one, two = (
        tiny(unsupervised="fold", **options).fit_transform(table, y) for table in (X, other)
    )
    np.testing.assert_array_equal(one[rest], two[rest])
    assert not np.array_equal(
        one[np.concatenate([f[1] for f in folds[1:]])],
        two[np.concatenate([f[1] for f in folds[1:]])],
    )
    encoder = tiny(unsupervised="all_rows", **options)
    shared = encoder.fit_transform(X, y)
    assert any("all rows" in note for note in encoder.report_.notes)
    changed = tiny(unsupervised="all_rows", **options).fit_transform(other, y)
    assert not np.array_equal(shared[rest], changed[rest])
    groups = np.arange(N_ROWS) % 6
    by_group = tiny(**(options | {"cv": GroupKFold(3)})).fit(X, y, groups=groups)
    assert len(networks_of(by_group)) == 3, "with groups each fold has vectors of its own"
    assert by_group.report_.notes == []
