"""scikit-learn's own checks on every public estimator."""

import pytest
from checks import signal_table
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from textcnn import TextCNNClassifier, TextCNNEncoder, TextCNNRegressor

TINY = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "random_state": 0}
ESTIMATORS = [
    TextCNNEncoder(cv=2, **TINY),
    TextCNNClassifier(**TINY),
    TextCNNRegressor(**TINY),
]
OUT_OF_FOLD = "fit_transform gives out-of-fold features, fit().transform() does not"
BATCHES = "batches of repeated rows are other batches than batches of weighted rows"
EXPECTED_FAILURES = {
    "TextCNNEncoder": {
        "check_transformer_general": OUT_OF_FOLD,
        "check_transformer_data_not_an_array": OUT_OF_FOLD,
        "check_sample_weight_equivalence_on_dense_data": BATCHES,
    },
    "TextCNNClassifier": {"check_sample_weight_equivalence_on_dense_data": BATCHES},
    "TextCNNRegressor": {"check_sample_weight_equivalence_on_dense_data": BATCHES},
}


@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator).__name__, {}),
    xfail_strict=True,
)
def test_check_estimator(estimator, check, monkeypatch):
    # Otherwise scikit-learn skips its check of array API input.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


# These checks fit on a frame and transform its array, and transform what they were fitted on.
mixed_input = pytest.mark.filterwarnings(
    "ignore:X (does not have valid|has) feature names", "ignore::textcnn.InSampleWarning"
)


@mixed_input
@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_get_feature_names_out_error",
    ],
)
def test_transformer_checks_that_check_estimator_leaves_out(check):
    getattr(estimator_checks, check)("TextCNNEncoder", ESTIMATORS[0])


@mixed_input
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_dataframe_column_names(estimator):
    estimator_checks.check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


def test_feature_names():
    X, y = signal_table(40, 0)
    encoder = TextCNNEncoder(cv=2, **TINY).fit(X, y)
    assert encoder.get_feature_names_out().tolist() == ["review_cnn"]
    encoder = encoder.fit(X["review"].tolist(), y)
    assert encoder.get_feature_names_out().tolist() == ["x0_cnn"]
    assert encoder.get_feature_names_out(["text"]).tolist() == ["text_cnn"]
    with pytest.raises(ValueError, match="should have length equal"):
        encoder.get_feature_names_out(["a", "b"])
