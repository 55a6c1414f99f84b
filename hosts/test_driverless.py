"""The Driverless AI recipe with real datatable frames; the host itself is a stand-in.

Driverless AI needs a licence. ``tests/driverless_stub.py`` is written from its public transformer
template.
"""

import datatable
import numpy as np
import pytest
from checks import check_noise, noise_table
from driverless_stub import check_recipe, load_recipe
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from tables import TARGET, clothing

from textcnn import InSampleWarning


def frame(X):
    return datatable.Frame(X.reset_index(drop=True).to_dict("list"))


@pytest.fixture
def recipe(monkeypatch):
    return load_recipe(monkeypatch)


def test_a_real_table_in_datatable_frames(recipe):
    train, test = clothing(1000, 1000)
    y = train[TARGET].to_numpy(bool)
    with pytest.warns(InSampleWarning):
        transformer, features = check_recipe(
            recipe, train[["review_text"]], y, frame=frame, encoder="linear"
        )
    new = transformer.transform(frame(test[["review_text"]]))[:, 0]
    scores = {
        "out of fold": roc_auc_score(y, features[:, 0]),
        "new rows": roc_auc_score(test[TARGET], new),
    }
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert min(scores.values()) > 0.8


def test_noise_predicts_nothing(recipe):
    X, y = noise_table(400, 0)
    splits = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))

    def features(X, y):
        return check_recipe(recipe, X, y, frame=frame, encoder="linear", cv=splits)[1]

    with pytest.warns(InSampleWarning):
        assert np.isfinite(check_noise(features, splits, X, y))
