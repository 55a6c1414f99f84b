from __future__ import annotations

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax
from sklearn.exceptions import DataConversionWarning

from textcnn.crossfit import read_target


def read(y, **options):
    return read_target(y, n_rows=len(y), **options)


LABELS = ["no", "yes", None, "no"]
HOLDERS_OF_LABELS = {
    "list": LABELS,
    "tuple": tuple(LABELS),
    "object array": np.array(LABELS, dtype=object),
    "NaN in a list": ["no", "yes", float("nan"), "no"],
    "pandas object": pd.Series(LABELS, dtype=object, index=[7, 7, 1, 0]),
    "pandas str": pd.Series(LABELS, dtype="str"),
    "pandas string": pd.Series(LABELS, dtype="string"),
    "pandas arrow string": pd.Series(LABELS, dtype=pd.ArrowDtype(pa.string())),
    "pandas category": pd.Series(LABELS, dtype="category"),
    "pandas NA": pd.Series(["no", "yes", pd.NA, "no"], dtype=object),
    "pandas extension array": pd.array(LABELS, dtype="string"),
    "polars": pl.Series(LABELS),
    "polars categorical": pl.Series(LABELS, dtype=pl.Categorical),
    "arrow": pa.array(LABELS),
    "arrow chunks": pa.chunked_array([LABELS[:1], LABELS[1:]]),
}


@pytest.mark.parametrize("holder", HOLDERS_OF_LABELS)
def test_string_labels_read_the_same_from_every_holder(holder):
    target = read(HOLDERS_OF_LABELS[holder])
    assert (target.kind, target.loss, target.n_outputs) == ("binary", "binary_crossentropy", 1)
    assert target.classes.tolist() == ["no", "yes"]
    assert target.codes().tolist() == [0, 1, -1, 0]
    assert target.labelled.tolist() == [True, True, False, True]
    assert target.column_suffixes() == [""]


NUMBERS = [2, 0, None, 1]
HOLDERS_OF_NUMBERS = {
    "list": NUMBERS,
    "object array": np.array(NUMBERS, dtype=object),
    "float array": np.array([2, 0, np.nan, 1.0]),
    "float16 array": np.array([2, 0, np.nan, 1.0], dtype=np.float16),
    "pandas float": pd.Series(NUMBERS, dtype=float),
    "pandas Int64": pd.Series(NUMBERS, dtype="Int64"),
    "pandas UInt8": pd.Series(NUMBERS, dtype="UInt8"),
    "pandas Float32": pd.Series(NUMBERS, dtype="Float32"),
    "pandas arrow": pd.Series(NUMBERS, dtype="int64[pyarrow]"),
    "pandas category": pd.Series(NUMBERS, dtype="category"),
    "polars": pl.Series(NUMBERS),
    "arrow": pa.array(NUMBERS),
    "decimals": pd.Series(NUMBERS, dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
}


@pytest.mark.parametrize("holder", HOLDERS_OF_NUMBERS)
def test_numbers_read_the_same_from_every_holder(holder):
    classes = read(HOLDERS_OF_NUMBERS[holder])
    assert classes.kind == "multiclass"
    assert classes.classes.tolist() == [0, 1, 2]
    assert classes.codes().tolist() == [2, 0, -1, 1]
    quantity = read(HOLDERS_OF_NUMBERS[holder], target_type="continuous")
    assert (quantity.kind, quantity.loss, quantity.classes) == ("continuous", "squared", None)
    np.testing.assert_array_equal(quantity.values[:, 0], [2, 0, np.nan, 1])
    assert quantity.codes() is None


@pytest.mark.parametrize(
    "y",
    [
        [True, False, None],
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([True, False, None], dtype="bool[pyarrow]"),
        pd.Series([True, False, None], dtype=object),
        pl.Series([True, False, None]),
    ],
)
def test_booleans_are_two_classes(y):
    target = read(y)
    assert target.kind == "binary"
    assert target.classes.tolist() == [False, True]
    assert target.codes().tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("y", "kind", "loss", "n_outputs", "suffixes"),
    [
        (["b", "a", "c"], "multiclass", "categorical_crossentropy", 3, ["_a", "_b", "_c"]),
        ([0.5, 1.5, 2.0], "continuous", "squared", 1, [""]),
        (np.eye(3, dtype=int), "multilabel", "binary_crossentropy", 3, ["_0", "_1", "_2"]),
        (np.eye(2, dtype=bool), "multilabel", "binary_crossentropy", 2, ["_0", "_1"]),
        (csr_matrix(np.eye(2)), "multilabel", "binary_crossentropy", 2, ["_0", "_1"]),
        (pd.DataFrame({"joy": [0, 1], "fear": [1, 1]}), "multilabel", "binary_crossentropy", 2,
         ["_joy", "_fear"]),
        (pl.DataFrame({"joy": [0, 1], "fear": [1, 1]}), "multilabel", "binary_crossentropy", 2,
         ["_joy", "_fear"]),
        (pa.table({"joy": [0, 1], "fear": [1, 1]}), "multilabel", "binary_crossentropy", 2,
         ["_joy", "_fear"]),
        (pd.DataFrame({"price": [0.5, 1], "age": [1.0, 3]}), "multioutput", "squared", 2,
         ["_price", "_age"]),
        ([[0.5, 1.0], [1.0, 3.0]], "multioutput", "squared", 2, ["_0", "_1"]),
    ],
)  # fmt: skip
def test_auto_follows_the_values_of_y(y, kind, loss, n_outputs, suffixes):
    target = read_target(y, n_rows=y.shape[0] if hasattr(y, "shape") else len(y))
    assert (target.kind, target.loss, target.n_outputs) == (kind, loss, n_outputs)
    assert target.column_suffixes() == suffixes
    assert target.labelled.all()


def test_rows_without_any_of_several_targets_are_unlabelled():
    table = pd.DataFrame({"joy": [0, None, 1], "fear": [1, None, 1]}, dtype="Int64")
    target = read(table)
    assert target.labelled.tolist() == [True, False, True]
    assert target.values.tolist() == [[0, 1], [-1, -1], [1, 1]]


def test_explicit_types():
    assert read([3, 4, 3], target_type="binary").kind == "binary"
    two = read([3, 4, 3], target_type="multiclass")
    assert (two.kind, two.column_suffixes()) == ("multiclass", ["_3", "_4"])
    assert read([3, 4, 3], target_type="classes").kind == "binary"
    assert read([3, 4, 5], target_type="classes").kind == "multiclass"
    assert read([True, False], target_type="continuous").values[:, 0].tolist() == [1, 0]
    assert read([[1], [2]], target_type="multioutput").column_suffixes() == ["_0"]
    assert read(pd.DataFrame({"joy": [0, 1]}), target_type="multilabel").classes == ["joy"]
    many = np.arange(60)
    assert read(many, target_type="multiclass").n_outputs == 60
    with pytest.warns(UserWarning, match="60 different whole numbers"):
        assert read(np.repeat(many, 10)).n_outputs == 60


@pytest.mark.parametrize(
    "y",
    [
        np.array([[0], [1]]),
        [["a"], ["b"]],
        pd.DataFrame({"y": [0, 1]}),
        pl.DataFrame({"y": [0, 1]}),
    ],
)
def test_a_column_of_one_target_is_read_with_a_warning(y):
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array"):
        target = read(y)
    assert target.kind == "binary"
    assert target.codes().tolist() == [0, 1]


NOW = datetime.datetime(2020, 1, 1)


@pytest.mark.parametrize(
    ("y", "options", "error", "message"),
    [
        ("abc", {}, TypeError, "Received: y of type str"),
        ({0: 1, 1: 0}, {}, TypeError, "Received: y of type dict"),
        ([b"a", b"b"], {}, TypeError, "bytes is not supported"),
        (np.array([b"a", b"b"]), {}, TypeError, "bytes is not supported"),
        ([1j, 1], {}, ValueError, "Complex data not supported"),
        (np.array([1j, 1]), {}, ValueError, "Complex data not supported"),
        ([1, "a"], {}, ValueError, r"mixes cells of the types int and str.*y.astype\(str\)"),
        ([True, 2], {}, ValueError, "mixes cells of the types bool and int"),
        ([{}, {}], {}, ValueError, "Unknown label type"),
        ([NOW, NOW], {}, ValueError, "Unknown label type: 'datetime'"),
        (np.array(["2020"], dtype="M8[D]"), {}, ValueError, r"Unknown label type: 'datetime64"),
        (pd.Series([NOW, None]), {}, ValueError, "Unknown label type: 'datetime64"),
        ([[0, 1], [1]], {}, ValueError, "Unknown label type.*MultiLabelBinarizer"),
        (np.zeros((2, 2, 2)), {}, ValueError, r"Unknown label type.*shape \(2, 2, 2\)"),
        (np.zeros((2, 0)), {}, ValueError, r"Unknown label type.*shape \(2, 0\)"),
        ([[0, 1], [2, 1]], {}, ValueError, "Unknown label type.*'multiclass-multioutput'"),
        ([["a", 1.0], ["b", 2.0]], {}, ValueError, "Unknown label type: y mixes columns"),
        ([1, np.inf, 2], {}, ValueError, r"contains infinity or a value too large.*row 1\."),
        ([None, None], {}, ValueError, "y has no values. Received: 2 rows"),
        (np.full(2, np.nan), {}, ValueError, "y has no values"),
        ([1, None], {"allow_unlabelled": False}, ValueError, "Input y contains NaN.*row 1"),
        (["a", "a"], {}, ValueError, "only one class: 'a' in all 2 rows"),
        ([1.0, 1.0], {}, ValueError, "only one class.*target_type='continuous'"),
        ([1], {}, ValueError, "only one class"),
        ([1, 1], {"target_type": "classes"}, ValueError, "only one class.*use a regressor"),
        ([0, 1, 2], {"target_type": "binary"}, ValueError, "needs two classes. Received: 3"),
        ([0.5, 1], {"target_type": "classes"}, ValueError, "Unknown label type: 'continuous'"),
        ([0.5, 1], {"target_type": "binary"}, ValueError, "Unknown label type: 'continuous'"),
        ([[0, 1], [1, 1]], {"target_type": "classes"}, ValueError, "needs one target.*2 columns"),
        ([[0, 1], [1, 1]], {"target_type": "continuous"}, ValueError, "use target_type='multiout"),
        ([0, 1], {"target_type": "multilabel"}, ValueError, "needs y of shape"),
        ([[0, 2]], {"target_type": "multilabel"}, ValueError, "columns of 0 and 1.*value 2"),
        (["1", "2"], {"target_type": "continuous"}, ValueError, r"pandas.to_numeric"),
        ([[0.5, None], [1, 2]], {}, ValueError, "must have all of its targets or none.*row 0 "),
        (np.arange(60), {}, ValueError, "60 classes with 1.0 rows.*target_type='continuous'"),
        ([f"{i}" for i in range(60)], {}, ValueError, "60 classes.*target_type='multiclass'"),
        ([0, 1], {"target_type": "number"}, ValueError, "target_type='number'"),
        ([0, 1], {"output": "odds"}, ValueError, "output='odds'"),
        ([0, 1], {"loss": "hinge"}, ValueError, "loss='hinge'"),
        ([0, 1], {"loss": "squared"}, ValueError, "needs loss='binary_crossentropy'"),
        ([0.5, 1], {"loss": "binary_crossentropy"}, ValueError, "one of the losses 'squared'"),
        ([-0.5, 1], {"loss": "poisson"}, ValueError, "a target of -0.5"),
        ([0.0, 0], {"loss": "poisson", "target_type": "continuous"}, ValueError, "only zeros"),
        (pd.DataFrame([[0.5, 1]], columns=["a", "a"]), {}, ValueError, "distinct names"),
    ],
)  # fmt: skip
def test_what_bad_targets_get(y, options, error, message):
    with pytest.raises(error, match=message):
        read(y, **options)


def test_a_classifier_treats_many_values_as_classes():
    target = read(np.arange(60), target_type="classes")
    assert target.kind == "multiclass" and len(target.classes) == 60


def test_missing_y_and_y_of_another_length():
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        read_target(None, n_rows=2)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        read_target([0, 1], n_rows=3)


def plain_level(y, weights, kind, loss):
    """Oracle: formulas written out row by row."""
    total = sum(weights)
    if kind == "binary":
        prior = sum(w for v, w in zip(y, weights, strict=True) if v == 1) / total
        return [np.log(prior / (1 - prior))], [0.0], [1.0]
    if kind == "multiclass":
        logs = [
            np.log(sum(w for v, w in zip(y, weights, strict=True) if v == c) / total)
            for c in sorted(set(y))
        ]
        return [log - np.mean(logs) for log in logs], [0.0] * len(logs), [1.0] * len(logs)
    mean = sum(v * w for v, w in zip(y, weights, strict=True)) / total
    if loss == "poisson":
        return [np.log(mean)], [0.0], [1.0]
    square = sum((v - mean) ** 2 * w for v, w in zip(y, weights, strict=True)) / total
    return [0.0], [mean], [np.sqrt(square)]


@pytest.mark.parametrize(
    ("y", "kind", "options"),
    [
        ([0, 1, 1, 0, 1, 1], "binary", {}),
        ([0, 2, 1, 0, 1, 2], "multiclass", {}),
        ([0.5, 2, -1, 0, 7, 9], "continuous", {}),
        ([0.5, 2, 1, 0, 7, 9], "continuous", {"loss": "poisson"}),
    ],
)
@pytest.mark.parametrize("weights", [None, [1, 2, 0.5, 3, 1, 1]])
def test_level_equals_the_plain_formulas(y, kind, options, weights):
    target = read(y, **options)
    assert target.kind == kind
    level = target.level(np.arange(6), None if weights is None else np.array(weights))
    expected = plain_level(y, weights or [1.0] * 6, kind, target.loss)
    for found, wanted in zip((level.offset, level.centre, level.scale), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    assert (level.offset.dtype, level.centre.dtype) == (np.float32, np.float64)


def test_level_of_labels_and_of_the_median():
    labels = read([[0, 1], [1, 1], [0, 0], [0, 1]])
    offset = labels.level(np.arange(4)).offset
    np.testing.assert_allclose(offset, [np.log(1 / 3), np.log(3)], rtol=1e-6)
    absolute = read([0.0, 1, 2.5, 100], loss="absolute")
    assert absolute.level(np.arange(3)).centre == 1
    assert absolute.level(np.arange(4), np.array([1.0, 1, 1, 9])).centre == 100


def test_level_looks_at_its_own_rows_only():
    y = np.array([0.5, 1, 2, 4, np.nan, 8])
    changed = np.array([0.5, 1, 2, 400, -3.0, np.nan])
    levels = [read(values).level(np.arange(3)) for values in (y, changed)]
    assert levels[0].centre == levels[1].centre
    assert levels[0].scale == levels[1].scale


def test_level_stays_finite_where_there_is_no_logit():
    assert np.isfinite(read([0, 1, 1]).level([1, 2]).offset).all()
    assert np.isfinite(read([0, 1, 2]).level([1, 2]).offset).all()
    assert np.isfinite(read([[0, 1], [0, 0]]).level([0, 1]).offset).all()
    counts = read([0.0, 0, 2.5], loss="poisson")
    assert np.isfinite(counts.level([0, 1]).offset).all()
    constant = read([0.1, 0.1, 0.1, 0.7])
    assert constant.level([0, 1, 2]).scale == 1
    huge = read([1e300, -1e300, 0.5])
    assert np.isfinite(huge.level([0, 1, 2]).scale).all()


def test_level_refuses_rows_it_cannot_use():
    target = read([0, 1, None, 1])
    with pytest.raises(ValueError, match="Rows without a target.*row 2"):
        target.level([0, 2])
    with pytest.raises(ValueError, match="no training rows"):
        target.level([])
    with pytest.raises(ValueError, match=r"weights of shape \(4,\).*sample_weight\[rows\]"):
        target.level([0, 1], np.ones(4))
    with pytest.raises(ValueError, match="all zero"):
        target.level([0, 1], np.zeros(2))


def test_training_values():
    binary = read(["no", "yes", None, "no"])
    assert binary.training_values([0, 1], binary.level([0, 1])).tolist() == [[0], [1]]
    many = read(["b", "a", "c"])
    rows = np.arange(3)
    assert many.training_values(rows, many.level(rows)).tolist() == np.eye(3)[[1, 0, 2]].tolist()
    labels = read([[0, 1], [1, 1]])
    assert labels.training_values([1], labels.level([0, 1])).tolist() == [[1, 1]]
    numbers = read([1.5, 2.5, 9])
    values = numbers.training_values([0, 1], numbers.level([0, 1]))
    assert (values.tolist(), values.dtype) == ([[-1], [1]], np.float32)
    counts = read([0.5, 2.5, 9], loss="poisson")
    assert counts.training_values(rows, counts.level(rows)).ravel().tolist() == [0.5, 2.5, 9]


def test_features_are_relative_and_predictions_are_not():
    raw = np.array([[0.3], [-2.0]])
    binary = read([0, 1, 1, 1])
    level = binary.level(np.arange(4))
    np.testing.assert_allclose(binary.features(raw, level), expit(raw), rtol=1e-6)
    np.testing.assert_allclose(binary.predictions(raw, level), expit(raw + np.log(3)), rtol=1e-6)
    numbers = read([1.5, 2.5, 9])
    level = numbers.level([0, 1])
    np.testing.assert_allclose(numbers.features(raw, level), raw, rtol=1e-6)
    np.testing.assert_allclose(numbers.predictions(raw, level), raw * 0.5 + 2)
    counts = read([0.5, 2.5, 9], loss="poisson")
    level = counts.level(np.arange(3))
    np.testing.assert_allclose(counts.features(raw, level), np.exp(raw), rtol=1e-6)
    np.testing.assert_allclose(counts.predictions(raw, level), np.exp(raw) * 4, rtol=1e-6)
    assert np.isfinite(counts.features(np.array([[1e9], [-1e9]]), level)).all()
    many = read(["b", "a", "c", "c"])
    level = many.level(np.arange(4))
    raw = np.array([[0.0, 1, 2], [3, -1, 0]])
    np.testing.assert_allclose(many.features(raw, level), softmax(raw, axis=1), rtol=1e-6)
    np.testing.assert_allclose(
        many.predictions(np.zeros((1, 3)), level), [[0.25, 0.25, 0.5]], rtol=1e-6
    )


def test_logit_output():
    raw = np.array([[0.5, -1.0, 2.0]])
    many = read(["b", "a", "c"], output="logit")
    np.testing.assert_allclose(many.features(raw, many.level([0, 1, 2])), raw - 0.5)
    binary = read([0, 1, 1], output="logit")
    assert binary.features([[0.25]], binary.level([0, 1])).tolist() == [[0.25]]
    for y in ([1.5, 2.5], [[1.5, 2.5], [3.5, 4.5]]):
        with pytest.raises(ValueError, match="A regression has no logits.*Received: output=.logit"):
            read(y, output="logit")
    counts = read([1.5, 2.5], output="logit", loss="poisson")
    assert counts.features([[2.0]], counts.level([0, 1])).tolist() == [[2.0]]


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["binary", "multiclass", "multilabel", "continuous", "poisson"]),
    output=st.sampled_from(["proba", "logit"]),
    seed=st.integers(0, 1000),
)
def test_an_output_of_zero_is_the_same_feature_whatever_the_level(kind, output, seed):
    """A network that learns only its bias gives zeros: a constant for any training rows."""
    rng = np.random.default_rng(seed)
    y = {
        "binary": np.arange(12) % 2,
        "multiclass": np.arange(12) % 3,
        "multilabel": rng.integers(0, 2, (12, 3)),
        "continuous": rng.normal(size=12),
        "poisson": rng.exponential(size=12),
    }[kind]
    loss = "poisson" if kind == "poisson" else "auto"
    target = read(y, output="proba" if kind == "continuous" else output, loss=loss)
    raw = np.zeros((2, target.n_outputs))
    levels = [target.level(rng.choice(12, 7, replace=False), rng.random(7)) for _ in range(2)]
    first, second = (target.features(raw, level) for level in levels)
    assert first.dtype == np.float32
    assert first.tobytes() == second.tobytes()


def test_raw_output_of_another_shape_is_refused():
    target = read(["a", "b", "c"])
    with pytest.raises(ValueError, match=r"3 raw output\(s\).*Received: shape \(2, 1\)"):
        target.features(np.zeros((2, 1)), target.level([0, 1, 2]))


def test_probabilities_and_decode():
    binary = read(["no", "yes", "no"])
    predictions = np.array([[0.2], [0.7]])
    np.testing.assert_allclose(binary.probabilities(predictions), [[0.8, 0.2], [0.3, 0.7]])
    assert binary.decode(predictions).tolist() == ["no", "yes"]
    many = read(["a", "b", "c"])
    predictions = np.array([[0.1, 0.2, 0.7]])
    assert many.probabilities(predictions) is predictions
    assert many.decode(predictions).tolist() == ["c"]
    labels = read([[0, 1], [1, 1]])
    assert labels.decode(np.array([[0.6, 0.4]])).tolist() == [[1, 0]]
    numbers = read([0.5, 1.5])
    assert numbers.decode(np.array([[2.0], [3.0]])).tolist() == [2, 3]
    with pytest.raises(ValueError, match="has no probabilities"):
        numbers.probabilities(np.zeros((1, 1)))


def test_without_classes():
    target = read(["a", "b", "c", "d", None, "a"])
    rest = target.without_classes([1])
    assert rest.classes.tolist() == ["a", "c", "d"]
    assert rest.codes().tolist() == [0, -1, 1, 2, -1, 0]
    assert rest.labelled.tolist() == [True, False, True, True, False, True]
    assert (rest.kind, rest.n_outputs) == ("multiclass", 3)
    assert rest.column_suffixes() == ["_a", "_c", "_d"]
    two = target.without_classes([1, 3])
    assert (two.kind, two.loss, two.n_outputs) == ("binary", "binary_crossentropy", 1)
    assert two.codes().tolist() == [0, -1, 1, -1, -1, 0]
    assert target.without_classes([]) is target
    with pytest.raises(ValueError, match=r"fewer than two classes remain.*missing_class=\"drop\""):
        target.without_classes([0, 1, 2])
    labels = read(pd.DataFrame({"joy": [0, 1], "fear": [1, 1]})).without_classes([0])
    assert (labels.classes, labels.values.tolist()) == (["fear"], [[1], [1]])
    assert labels.labelled.all()
    with pytest.raises(ValueError, match="no classes to leave out"):
        read([0.5, 1.5]).without_classes([0])


def test_reading_y_leaves_it_alone_and_warns_of_nothing():
    y = np.array([1e300, -0.5, np.nan, 3])
    before = y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(y)
        read(pd.Series([3, 1, None, 2, 4, 5, 6, 0], dtype="Int64"))
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("y", "options"),
    [
        (y, options | {"output": output})
        for y, options in [
            ([0, 1, 0, 1], {}),
            (["a", "b", "c", "a"], {}),
            ([0.5, 1.5, 2.0, 4.0], {}),
            ([1.0, 1.0, 2.0, 4.0], {"target_type": "continuous", "loss": "poisson"}),
            ([[0, 1], [1, 0], [1, 1], [0, 0]], {}),
        ]
        for output in ("proba", "logit")
        if y[0] != 0.5 or output == "proba"  # a regression has no logits
    ],
)
def test_neutral_feature_is_that_of_a_raw_output_of_zero(y, options):
    target = read_target(y, n_rows=4, **options)
    nothing = np.zeros((1, target.n_outputs), np.float32)
    features = target.features(nothing, target.level([0, 1, 2, 3]))
    assert (features == np.float32(target.neutral_feature)).all()
