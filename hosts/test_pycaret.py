"""PyCaret 3 leaks: it fits a transformer and then transforms the training rows.

PyCaret 3.3.2 needs scikit-learn below 1.5 and NumPy below 2, so textcnn cannot be installed with
it. The leak is shown with scikit-learn's TargetEncoder, whose fit_transform works like that of
textcnn's encoders.
"""

import numpy as np
import pandas as pd
from pycaret.classification import ClassificationExperiment
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder


class RecordsMethod(TransformerMixin, BaseEstimator):
    """Marks rows by method: 0 for ``fit_transform``, 1 for ``transform``."""

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return X[["number"]].assign(way=0.0)

    def transform(self, X):
        return X[["number"]].assign(way=1.0)

    def get_feature_names_out(self, input_features=None):
        return np.array(["number", "way"], object)


def noise(n_rows=300):
    random = np.random.default_rng(0)
    table = pd.DataFrame({"number": random.normal(size=n_rows)})
    table["word"] = [f"word {random.integers(150)}" for _ in range(n_rows)]
    return table.assign(target=random.integers(0, 2, n_rows))


def experiment(table, transformer):
    return ClassificationExperiment().setup(
        table,
        target="target",
        custom_pipeline=[("ours", transformer)],
        custom_pipeline_position=0,
        preprocess=False,
        data_split_shuffle=False,
        data_split_stratify=False,
        fold=3,
        session_id=0,
        verbose=False,
        html=False,
        n_jobs=1,
    )


def test_training_rows_are_only_transformed():
    table = noise()[["number", "target"]]
    fitted = experiment(table, RecordsMethod())
    assert set(fitted.get_config("X_train_transformed")["way"]) == {1.0}
    # In a Pipeline of scikit-learn:
    pipeline = make_pipeline(RecordsMethod(), "passthrough")
    assert set(pipeline.fit_transform(table[["number"]], table["target"])["way"]) == {0.0}


def test_features_of_noise_predict_the_training_targets():
    table = noise()[["word", "target"]]
    fitted = experiment(table, TargetEncoder(random_state=0).set_output(transform="pandas"))
    made = fitted.get_config("X_train_transformed")["word"]
    in_sample = roc_auc_score(fitted.get_config("y_train"), made)
    out_of_fold = TargetEncoder(random_state=0).fit_transform(table[["word"]], table["target"])
    out_of_fold = roc_auc_score(table["target"], out_of_fold)
    print(f"AUC of noise: PyCaret {in_sample:.3f}, out of fold {out_of_fold:.3f}")
    assert out_of_fold < 0.6 < 0.75 < in_sample
