"""Input that once gave other features, or an error of another package, without a word."""

import re
import subprocess
import sys
import unicodedata
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from checks import WORDS, signal_table, tiny
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

import textcnn.serving
from textcnn import (
    ImageCNNClassifier,
    ImageCNNEncoder,
    InSampleWarning,
    OutOfFoldEncoder,
    TableFeatures,
    TextCNNClassifier,
    TextCNNEncoder,
    TextLinearEncoder,
)

X, Y = signal_table(60, seed=3)
TABLE = X.assign(
    id=np.arange(60),
    price=np.random.default_rng(0).random(60),
    day=pd.date_range("2024-01-01", periods=60),
    recommended=Y.astype(bool),
)
SMALL = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "random_state": 0}
TEXT_CLASSES = [TextLinearEncoder(cv=2), TextCNNEncoder(cv=2, **SMALL), TextCNNClassifier(**SMALL)]
by_class = pytest.mark.parametrize("estimator", TEXT_CLASSES, ids=lambda e: type(e).__name__)


# Columns that are not text


@by_class
@pytest.mark.parametrize("container", [pd.DataFrame, pl.from_pandas])
def test_a_whole_table_is_refused_by_a_text_encoder(estimator, container):
    with pytest.raises(TypeError) as caught:
        estimator.fit(container(TABLE), Y)
    said = str(caught.value)
    for name, kind in {
        "id": "numbers", "price": "numbers", "day": "dates", "recommended": "booleans",
    }.items():  # fmt: skip
        assert f"{name!r} ({kind})" in said
    assert "X[['review']]" in said and "TableFeatures()" in said
    assert not hasattr(estimator, "n_features_in_")


@pytest.mark.parametrize(
    "numbers",
    [TABLE["price"], list(range(60)), TABLE[["id"]], TABLE["id"].astype("category"),
     TABLE["id"].astype("Int64"), pl.Series(range(60)), pa.array(range(60)), TABLE.to_numpy()],
    ids=str,
)  # fmt: skip
def test_numbers_alone_are_refused_too(numbers):
    with pytest.raises(TypeError, match="Expected text in every column of X"):
        TextLinearEncoder(cv=2).fit(numbers, Y)
    frame = pd.DataFrame({"price": TABLE["price"].astype(str), "review": X["review"]})
    assert TextLinearEncoder(cv=2).fit_transform(frame, Y).shape == (60, 2)


def test_an_array_of_numbers_without_names_is_read_with_a_warning():
    with pytest.warns(UserWarning, match="X is a table of numbers.*X.astype"):
        TextLinearEncoder(cv=2).fit(TABLE[["price"]].to_numpy(), Y)


def test_a_text_column_that_became_one_of_numbers_is_warned_of():
    codes = pd.Series(np.where(Y == 1, "3", "14"), name="code")
    codes[::7] = "text"
    encoder = TextLinearEncoder(cv=2, random_state=0).fit(codes, Y)
    expected = encoder.transform(pd.Series(["3", "14"], name="code"))
    for numbers in (pd.Series([3, 14], name="code"), pd.Series([3.0, 14.0], name="code")):
        with pytest.warns(UserWarning, match=r"no longer text: 'code' \(numbers\).*dtype=str"):
            np.testing.assert_array_equal(encoder.transform(numbers), expected)


@pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "float32", object])
def test_whole_numbers_are_the_same_text_in_every_type(dtype):
    codes = pd.DataFrame({"code": np.arange(60) % 7})
    settings = {"members": ("linear",), "cv": 2, "columns": ["code"], "random_state": 0}
    features = TableFeatures(**settings).fit(codes, Y)
    expected = features.transform(codes[:9])
    np.testing.assert_array_equal(features.transform(codes[:9].astype(dtype)), expected)


def test_a_list_of_dicts_is_refused_with_what_to_type():
    rows = X.to_dict("records")
    with pytest.raises(TypeError, match=r"pd\.DataFrame\(X\)"):
        TextLinearEncoder(cv=2).fit(rows, Y)
    with pytest.raises(ValueError, match=r"pd\.DataFrame\(X\)") as caught:
        TableFeatures(members=("linear",)).fit(rows, Y)
    assert len(str(caught.value)) < 400


# The target among the columns


def test_the_target_in_a_table_is_refused_everywhere():
    leaking = TABLE[["review", "price", "recommended"]]
    copies = pd.DataFrame({"review": X["review"], "again": Y.astype(str)})
    for estimator, table in (
        (TableFeatures(members=("linear",), cv=2), leaking),
        (TableFeatures(members=("linear",), cv=2), pl.from_pandas(leaking)),
        (OutOfFoldEncoder(LogisticRegression(), cv=2), leaking[["price", "recommended"]]),
        (OutOfFoldEncoder(LogisticRegression(), cv=2), np.stack([TABLE["price"], Y], axis=1)),
        (TextLinearEncoder(cv=2), copies),
        (TextLinearEncoder(cv=2, join_columns=True), copies),
        (TextCNNClassifier(**SMALL), copies),
    ):
        with pytest.raises(ValueError, match="is the target: it equals y in all 60 rows"):
            estimator.fit(table, Y)


def test_a_column_that_determines_y_is_warned_of_by_a_table():
    known_later = X.assign(status=np.where(Y == 1, "kept", "sent back"))
    with pytest.warns(UserWarning, match="Column 'status' of X determines y alone"):
        TableFeatures(members=("linear",), cv=2, random_state=0).fit(known_later, Y)


# Rows in another order


@pytest.mark.parametrize(
    "estimator",
    [
        *TEXT_CLASSES,
        TableFeatures(members=("linear",), cv=2),
        OutOfFoldEncoder(LogisticRegression(), cv=2),
    ],
    ids=lambda e: type(e).__name__,
)
def test_y_with_the_labels_of_x_in_another_order_is_warned_of(estimator):
    table = TABLE[["price"]] if isinstance(estimator, OutOfFoldEncoder) else X
    y = pd.Series(Y).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="another order") as caught:
        estimator.fit(table, y)
    said = str(caught[0].message)
    assert "y.loc[X.index]" in said and "y.to_numpy()" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.fit(table, y.loc[table.index])
        estimator.fit(table, y.to_numpy())
        estimator.fit(table, pd.Series(Y, index=np.arange(60) + 100))  # other labels


def test_weights_and_repeated_labels_in_another_order_are_warned_of():
    weights = pd.Series(np.arange(60) + 1.0).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="X and sample_weight have the same index labels"):
        TextLinearEncoder(cv=2).fit(X, Y, sample_weight=weights)
    twice = X.set_axis(np.arange(60) // 2)
    with pytest.warns(UserWarning, match="shuffle together"):
        TextLinearEncoder(cv=2).fit(twice, pd.Series(Y, index=twice.index[::-1]))


# Accents, long texts, quantities


def test_accents_are_the_same_in_both_forms(tmp_path):
    names = np.array(["Ελένη", "café", "Zoë", "naïve", "Đặng", "müde"])
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 80)
    texts = [f"{' '.join(random.choice(WORDS, 3))} {random.choice(names[c::2])}" for c in y]
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    separate = [unicodedata.normalize("NFD", text) for text in texts]
    assert composed != separate
    for encoder in (
        TextLinearEncoder(cv=2, random_state=0),
        tiny(epochs=3),
        tiny(level="char"),
        tiny(tokenizer=str.split),
    ):
        expected = encoder.fit(composed, y).transform(composed[:30])
        np.testing.assert_array_equal(encoder.transform(separate[:30]), expected)
        again = clone(encoder).fit(separate, y).transform(separate[:30])
        np.testing.assert_array_equal(again, expected)
    encoder = tiny(epochs=3).fit(composed, y)
    encoder.save(tmp_path / "a.textcnn")
    served = textcnn.serving.load(tmp_path / "a.textcnn")
    np.testing.assert_array_equal(served.transform(separate), served.transform(composed))


def test_vectors_of_words_with_separate_accents_are_found():
    words = [unicodedata.normalize("NFD", word) for word in ("schön", "café", "naïve")]
    vectors = textcnn.WordVectors(words, np.eye(3, dtype=np.float32))
    texts = ["schön café", "naïve", "schön", "Café naïve"] * 10
    encoder = tiny(embeddings=vectors).fit(texts, [0, 1] * 20)
    assert encoder.vocabulary_report_["tokens_with_vector"].tolist() == [60]


def test_names_of_image_files_keep_their_form(tmp_path):
    from PIL import Image

    name = unicodedata.normalize("NFD", "été.png")
    files = []
    for number in range(24):
        files.append(str(tmp_path / f"{number}{name}"))
        pixels = np.full((8, 8), 10 * (number % 2), np.uint8)
        Image.fromarray(pixels).save(files[-1])
    table = pd.DataFrame({"photo": files})
    image = ImageCNNEncoder(n_filters=(2,), epochs=1, augment=None)
    features = TableFeatures(members=[image], cv=2, random_state=0)
    assert features.fit_transform(table, [0, 1] * 12).shape == (24, 1)


def test_texts_that_are_cut_are_counted_and_warned_of():
    filler = " ".join(WORDS[:10])
    texts = [f"{' '.join([filler] * 45)} {text}" if i < 20 else text
             for i, text in enumerate(X["review"])]  # fmt: skip
    with pytest.warns(UserWarning, match="20 of 60 texts of column 'x0' have more than 400 tok"):
        encoder = tiny().fit(texts, Y)
    assert encoder.vocabulary_report_[["texts", "texts_cut"]].to_numpy().tolist() == [[60, 20]]
    assert "20 of 60 texts were cut at max_length" in str(encoder.report_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = tiny(max_length=400).fit(texts, Y)  # the user's own decision
        whole = tiny(max_length=None).fit(texts, Y)
        joined = tiny(join_columns=True, max_length=5).fit(X.assign(b=X["review"]), Y)
    assert chosen.vocabulary_report_["texts_cut"].tolist() == [20]
    assert whole.vocabulary_report_["texts_cut"].tolist() == [0]
    longer = sum(len(text.split()) > 5 for text in X["review"])
    assert joined.vocabulary_report_["texts_cut"].tolist() == [longer]


@pytest.mark.parametrize(
    "y",
    [np.arange(120) % 40, np.arange(120) % 5 + 1, np.arange(120) % 5 + 1.0,
     np.arange(120) % 4 * 25],
    ids=["prices", "stars", "stars as floats", "steps"],
)  # fmt: skip
def test_whole_numbers_that_look_like_quantities_are_warned_of(y):
    texts = signal_table(120, 0)[0]
    with pytest.warns(UserWarning, match="look like quantities.*target_type='continuous'"):
        TextLinearEncoder(cv=2, missing_class="drop").fit(texts, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("continuous", "multiclass"):
            TextLinearEncoder(cv=2, target_type=kind).fit(texts, y)
        TextLinearEncoder(cv=2).fit(texts, np.arange(120) % 4)  # numbers of classes


# Training rows in small calls


def test_training_rows_in_batches_are_recognised():
    texts, y = signal_table(200, seed=5)
    encoder = TextLinearEncoder(cv=2, random_state=0).fit(texts, y)
    new = signal_table(200, seed=6)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for start in range(0, 200, 64):
            encoder.transform(new[start : start + 64])
        for _ in range(150):  # one row, again and again
            encoder.transform(texts[:1])
        encoder.fit(texts, y).transform(texts[:64])
    with pytest.warns(InSampleWarning, match="in several calls"):
        encoder.transform(texts[64:128])


# Parameters


@pytest.mark.parametrize("missing", ["c", "a"])
def test_weights_of_a_dropped_class_are_not_used(missing):
    y = np.array(["a", "b", "c"])[np.where(np.arange(60) == 0, 2, Y)]
    if missing == "a":
        y = np.array(["b", "c", "a"])[np.where(np.arange(60) == 0, 2, Y)]
    weights = {"a": 1.0, "b": 2.0, "c": 3.0}
    encoder = tiny(cv=3, class_weight=weights, missing_class="drop").fit(X, y)
    assert encoder.get_feature_names_out().tolist() == ["review_cnn"]
    table = TableFeatures(members=[tiny(class_weight=weights)], cv=3, missing_class="drop")
    assert table.fit(X, y).classes_.tolist() == sorted({"a", "b", "c"} - {missing})
    with pytest.raises(ValueError, match=r"classes that y does not: \['d'\]"):
        tiny(class_weight={"d": 1.0}, missing_class="drop").fit(X, y)


def test_an_iterator_of_folds_can_be_cloned_and_pickled():
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    expected = TextLinearEncoder(cv=folds, random_state=0).fit_transform(X, Y)
    encoder = TextLinearEncoder(cv=iter(folds), random_state=0)
    columns = ColumnTransformer([("text", encoder, ["review"])])
    np.testing.assert_array_equal(columns.fit_transform(X, Y), expected)
    table = TableFeatures(members=("linear",), cv=iter(folds), random_state=0)
    np.testing.assert_array_equal(clone(table).fit_transform(X, Y), expected)


def test_a_built_model_is_no_network():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    images = np.zeros((60, 4, 4))
    for network in (model, keras.Model, keras.layers.Dense(2)):
        with pytest.raises(ValueError, match="weights all folds would share.*clone_model"):
            TextCNNClassifier(network=network).fit(X, Y)
        with pytest.raises(ValueError, match="weights all folds would share.*clone_model"):
            ImageCNNClassifier(network=network).fit(images, Y)


# Names of features


def test_names_of_features_have_no_characters_that_boosting_refuses(tmp_path):
    y = np.array(["Toys: outdoor", 'A "b"', "[c] {d}", "Toys, outdoor"])[2 * Y + np.arange(60) % 2]
    table = X.rename(columns={"review": "text: all"}).assign(other=X["review"])
    encoder = tiny().fit(table, y)
    names = encoder.get_feature_names_out().tolist()
    assert not re.search(r'[",:\[\]{}<>]', "".join(names))
    assert len(set(names)) == len(names) == 8
    assert names[2] == "text_ all_cnn_Toys_ outdoor_2"
    encoder.save(tmp_path / "a.textcnn")
    assert textcnn.serving.load(tmp_path / "a.textcnn").feature_names == names
    assert encoder.explain(table[:1]).to_frame()["output"].isin(names).all()
    features = TableFeatures(members=("linear",), cv=2, random_state=0)
    frame = features.fit_transform(table, y)
    assert frame.columns.tolist() == features.get_feature_names_out().tolist()
    assert not re.search(r'[",:\[\]{}<>]', "".join(frame.columns))


# Fresh processes

FIRST_FIT = """
    import numpy as np, random
    import textcnn

    before, python = np.random.get_state(), random.getstate()
    images = np.arange(60 * 64.0).reshape(60, 8, 8)
    texts = ["good film", "bad film", "so so"] * 20
    textcnn.ImageCNNClassifier(n_filters=(2,), epochs=1).fit(images, [0, 1] * 30)
    textcnn.TextCNNEncoder(cv=2, network="bigru", n_filters=2, epochs=1).fit(texts, [0, 1] * 30)
    after = np.random.get_state()
    assert np.array_equal(before[1], after[1]) and before[2:] == after[2:]
"""


def test_the_first_fit_of_a_process_is_silent_and_draws_no_random_numbers():
    import os
    import textwrap

    environment = {name: value for name, value in os.environ.items()
                   if name not in ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "always::DeprecationWarning", "-c", textwrap.dedent(FIRST_FIT)],
        capture_output=True, text=True, env=environment, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == done.stdout == ""


def test_a_recurrent_network_is_exported_with_its_loops(tmp_path):
    encoder = tiny(cv=2, network="bigru").fit(X["review"].tolist(), Y)
    encoder.save(tmp_path / "a.textcnn")
    encoder.export(tmp_path / "a.onnx")
    served = textcnn.serving.load(tmp_path / "a.textcnn", runtime="onnxruntime")
    new = signal_table(20, seed=9)[0]["review"].tolist()
    np.testing.assert_allclose(served.transform(new), encoder.transform(new), atol=1e-5)


# Missing targets that became strings


Y_CLASSES = [
    TextLinearEncoder(cv=2),
    TextCNNClassifier(**SMALL),
    OutOfFoldEncoder(LogisticRegression()),
    TableFeatures(("svd",), cv=2),
]


@pytest.mark.parametrize("estimator", Y_CLASSES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("blank", ["", "  "])
def test_empty_strings_are_no_class(estimator, blank):
    y = np.array(["yes", blank, "no"] * 20, dtype=object)
    given = TABLE[["price"]] if isinstance(estimator, OutOfFoldEncoder) else X
    with pytest.raises(ValueError, match="empty strings in 20 of 60 rows.*Expected: None or NaN"):
        clone(estimator).fit(given, y)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_missing_targets_as_strings_are_warned_of(missing):
    y = np.array(["yes", missing, "no"] * 20).astype(str)
    with pytest.warns(UserWarning, match=f"the string '{missing}' in 20 of 60 rows.*Expected"):
        TextLinearEncoder(cv=2).fit(X, y)
    encoder = TextLinearEncoder(cv=2).fit(X, pd.Series(y).replace(str(missing), None))
    assert list(encoder.classes_) == ["no", "yes"]
