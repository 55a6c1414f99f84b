"""scikit-learn's own checks on the networks; those of other estimators stand with their tests."""

import pytest
from checks import contract_checks, numbers_as_texts, signal_table
from sklearn.utils import estimator_checks
from stand_in import borrow_linear_network

import textcnn
from textcnn import (
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    TextCNNClassifier,
    TextCNNEncoder,
    TextCNNRegressor,
)

TINY = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "random_state": 0, "n_networks": 1}
# The checks give rows of numbers, which are read as texts, or as images one pixel high.
ROWS = {
    "image_shape": (1, -1),
    "network": ConvNetwork((2,), pool_size=1),
    "epochs": 1,
    "augment": None,
    "random_state": 0,
}
# Joined columns need one network instead of ten.
ESTIMATORS = [
    TextCNNEncoder(cv=2, join_columns=True, **TINY),
    TextCNNClassifier(join_columns=True, **TINY),
    TextCNNRegressor(join_columns=True, **TINY),
    ImageCNNEncoder(cv=2, **ROWS),
    ImageCNNClassifier(**ROWS),
    ImageCNNRegressor(**ROWS),
]
OUT_OF_FOLD = "fit_transform gives out-of-fold features, fit().transform() does not"
BATCHES = "batches of repeated rows are other batches than batches of weighted rows"
OF_ENCODERS = {
    "check_transformer_general": OUT_OF_FOLD,
    "check_transformer_data_not_an_array": OUT_OF_FOLD,
    "check_sample_weight_equivalence_on_dense_data": BATCHES,
}
OF_PREDICTORS = {"check_sample_weight_equivalence_on_dense_data": BATCHES}
EXPECTED_FAILURES = {
    "TextCNNEncoder": OF_ENCODERS,
    "TextCNNClassifier": OF_PREDICTORS,
    "TextCNNRegressor": OF_PREDICTORS,
    "ImageCNNEncoder": OF_ENCODERS,
    "ImageCNNClassifier": OF_PREDICTORS,
    "ImageCNNRegressor": OF_PREDICTORS,
}


# Checks that look at what a network computes, or at its smallest inputs. All others try what is
# around a network: there a linear model stands for those of images, whose traces take a second.
OF_NETWORKS = (
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_sample_weight_equivalence_on_dense_data",
)


@pytest.fixture
def quick_networks(monkeypatch):
    """Return a function that lets linear models stand for the networks of images."""

    def replace(estimator):
        if hasattr(estimator, "image_shape"):
            monkeypatch.setattr("textcnn.neural.training.borrow_network", borrow_linear_network)

    return replace


@numbers_as_texts
@pytest.mark.parametrize(("estimator", "check"), contract_checks(ESTIMATORS, EXPECTED_FAILURES))
def test_check_estimator(estimator, check, quick_networks, monkeypatch):
    if check.func.__name__ not in OF_NETWORKS:
        quick_networks(estimator)
    # Otherwise scikit-learn skips its check of array API input.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    if "order_invariance" in check.func.__name__:
        compare = estimator_checks.assert_allclose_dense_sparse
        # On some machines the last digit of a sum depends on the place of a row in its batch.
        monkeypatch.setattr(
            estimator_checks,
            "assert_allclose_dense_sparse",
            lambda *given, atol, **options: compare(*given, atol=1e-6, **options),
        )
    check(estimator)


# These checks fit on a frame and transform its array, and transform what they were fitted on.
mixed_input = pytest.mark.filterwarnings(
    "ignore:X (does not have valid|has) feature names", "ignore::textcnn.InSampleWarning"
)


@mixed_input
@numbers_as_texts
@pytest.mark.parametrize("encoder", ESTIMATORS[::3], ids=lambda e: type(e).__name__)
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
def test_transformer_checks_that_check_estimator_leaves_out(
    check, encoder, quick_networks, monkeypatch
):
    quick_networks(encoder)
    monkeypatch.setattr("textcnn.text.learner.check_kinds", lambda *_, **__: None)
    getattr(estimator_checks, check)(type(encoder).__name__, encoder)


@mixed_input
@numbers_as_texts
@pytest.mark.parametrize(
    "check",
    [
        "check_n_features_in",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_estimators_pickle",
        "check_estimators_overwrite_params",
    ],
)
def test_columns_read_apart_pass_what_looks_at_columns(check, monkeypatch):
    monkeypatch.setattr("textcnn.text.learner.check_kinds", lambda *_, **__: None)
    encoder = TextCNNEncoder(cv=2, **TINY)
    getattr(estimator_checks, check)("TextCNNEncoder", encoder)


@mixed_input
@numbers_as_texts
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_dataframe_column_names(estimator, quick_networks, monkeypatch):
    quick_networks(estimator)
    monkeypatch.setattr("textcnn.text.learner.check_kinds", lambda *_, **__: None)
    estimator_checks.check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


def test_every_public_estimator_is_checked():
    """The others in the tests that bear their names, as `pytest -k check_estimator` shows."""
    elsewhere = {"OutOfFoldEncoder", "TableFeatures", "TextLinearEncoder"}
    public = {name for name in textcnn.__all__ if hasattr(getattr(textcnn, name), "fit")}
    assert public == elsewhere | {type(estimator).__name__ for estimator in ESTIMATORS}


def test_feature_names():
    X, y = signal_table(40, 0)
    encoder = TextCNNEncoder(cv=2, **TINY).fit(X, y)
    assert encoder.get_feature_names_out().tolist() == ["review_cnn"]
    encoder = encoder.fit(X["review"].tolist(), y)
    assert encoder.get_feature_names_out().tolist() == ["x0_cnn"]
    assert encoder.get_feature_names_out(["text"]).tolist() == ["text_cnn"]
    with pytest.raises(ValueError, match="should have length equal"):
        encoder.get_feature_names_out(["a", "b"])
