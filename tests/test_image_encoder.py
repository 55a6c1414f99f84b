"""Out-of-fold features of images: leak checks, tables, files, state."""

import copy
import pickle
import warnings
from collections import Counter

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from checks import check_exact_influence, check_fed_rows, check_noise
from inside import forget_networks, network_of
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline

from textcnn import (
    Backbone,
    BlankImageWarning,
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageError,
    InSampleWarning,
    ResidualNetwork,
    TableFeatures,
)
from textcnn.datasets import load_class_folders
from textcnn.image import reader

TINY = {"n_filters": (3,), "epochs": 2, "augment": None, "batch_size": 16, "random_state": 0}


def line_images(n_rows, seed=0, n_classes=2):
    """Return noisy 8×8 images of an upright, level, falling or rising line, and which."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 80, (n_rows, 8, 8), dtype=np.uint8)
    y = random.integers(0, n_classes, n_rows)
    y[:n_classes] = range(n_classes)
    steps = np.arange(8)
    for image, label, place in zip(images, y, random.integers(2, 6, n_rows), strict=True):
        rows = [steps, place, steps, steps[::-1]][label]
        columns = [place, steps, steps, steps][label]
        image[rows, columns] = 255
    return images, y


def noise_images(n_rows, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (n_rows, 8, 8), dtype=np.uint8), random.integers(0, 2, n_rows)


def flip_classes(y, rows):
    changed = y.copy()
    changed[rows] = 1 - changed[rows]
    return changed


@pytest.fixture
def photos(tmp_path):
    """A table with a column of files, one of numbers, and what is in the files."""
    images, y = line_images(60)
    paths = []
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.png"
        Image.fromarray(image).save(path)
        paths.append(str(path))
    return pd.DataFrame({"photo": paths, "price": np.arange(60.0)}), y, images


# Leaks


def normalised_network(shape):
    """A user's network with statistics of its own."""
    images = keras.Input(shape)
    maps = keras.layers.Conv2D(3, 3, use_bias=False)(images)
    maps = keras.layers.BatchNormalization(momentum=0.5)(maps)
    return keras.Model(images, keras.layers.GlobalMaxPooling2D()(maps))


LEAK_SETTINGS = {
    "plain": {},
    "augmented, with early stopping": {
        "augment": "auto",
        "early_stopping": True,
        "epochs": 4,
        "dropout": 0.5,
    },
    "residual": {"network": ResidualNetwork(6, n_filters=(2, 4))},
    "weighted and smoothed": {"class_weight": "balanced", "label_smoothing": 0.1},
    "user's network": {"network": normalised_network},
}


def tiny(network=None, **changes):
    """Return the tiny settings with a network that has filters of its own, where one is given."""
    settings = TINY | changes
    if network is not None:
        settings = {name: value for name, value in settings.items() if name != "n_filters"}
    return settings | {"network": network}


@pytest.mark.parametrize("name", LEAK_SETTINGS)
def test_targets_of_held_out_rows_have_no_say(name):
    X, y = line_images(60)
    folds = list(KFold(2, shuffle=True, random_state=1).split(X))
    encoder = ImageCNNEncoder(**tiny(**LEAK_SETTINGS[name]))
    check_exact_influence(encoder, X, y, folds, flip_classes)
    encoder.set_params(cv=folds).fit(X, y)
    check_fed_rows(encoder, folds)
    encoder.report_.verify()


def sequences(images):
    """Return three frames of each image."""
    return np.stack([images, images[:, ::-1], images[:, :, ::-1]], axis=1)[..., None]


def test_targets_of_held_out_sequences_have_no_say():
    images, y = line_images(30)
    folds = list(KFold(2, shuffle=True, random_state=1).split(images))
    encoder = ImageCNNEncoder(**TINY)
    check_exact_influence(encoder, sequences(images), y, folds, flip_classes)


def test_targets_do_not_leak_through_a_tuned_backbone(small_mobilenet):
    """No fold model starts from weights or moving statistics that another fold's targets tuned."""
    images, y = line_images(12)
    images = images.repeat(4, axis=1).repeat(4, axis=2)
    folds = list(KFold(2, shuffle=True, random_state=1).split(images))
    encoder = ImageCNNEncoder(
        **tiny(Backbone("mobilenet", weights=small_mobilenet), epochs=1, batch_size=4)
    )
    features = check_exact_influence(encoder, images, y, folds, flip_classes)
    for _, held_out in folds:
        assert len(np.unique(features[held_out])) > 3, "what ignores its image passes any check"


def test_targets_of_a_regression_do_not_leak():
    X, y = line_images(60)
    folds = list(KFold(2, shuffle=True, random_state=1).split(X))

    def change(y, rows):
        return np.where(np.isin(np.arange(len(y)), rows), 2 - y, y)

    check_exact_influence(ImageCNNEncoder(**TINY), X, y + 0.5, folds, change)


def test_noise_predicts_nothing():
    X, y = noise_images(300)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    encoder = ImageCNNEncoder(cv=folds, **(TINY | {"n_filters": (8,), "epochs": 15}))
    check_noise(encoder.fit_transform, folds, X, y)
    with pytest.warns(InSampleWarning):
        in_sample = encoder.fit(X, y).transform(X)
    assert roc_auc_score(y, in_sample[:, 0]) > 0.6, "the networks did learn their rows"


def test_a_network_that_learns_nothing_gives_a_constant():
    X, y = line_images(50)
    encoder = ImageCNNEncoder(cv=3, **tiny(constant_network, learning_rate=1e-12))
    features = encoder.fit_transform(X, y)
    np.testing.assert_allclose(features, 0.5, atol=1e-6)


def constant_network(shape):
    images = keras.Input(shape)
    maps = keras.layers.Conv2D(1, 1, kernel_initializer="zeros")(images)
    return keras.Model(images, keras.layers.GlobalMaxPooling2D()(maps))


# What comes out


def test_out_of_fold_features_hold_the_signal():
    X, y = line_images(160)
    encoder = ImageCNNEncoder(cv=3, **(TINY | {"n_filters": (8,), "epochs": 12}))
    features = encoder.fit_transform(X, y)
    assert roc_auc_score(y, features[:, 0]) > 0.9
    new, new_y = line_images(60, seed=1)
    assert roc_auc_score(new_y, encoder.transform(new)[:, 0]) > 0.9
    assert encoder.history_["model"].unique().tolist() == ["fold 0", "fold 1", "fold 2"]
    assert (encoder.report_.summary.set_index("metric")["lift"] > 0).all()


def targets(y, kind):
    return {
        "binary": np.array(["no", "yes"])[y % 2],
        "multiclass": np.array(["a", "b", "c", "d"])[y],
        "continuous": y + 0.25,
        "multilabel": np.stack([y % 2, y // 2, 1 - y % 2], axis=1),
        "multioutput": np.stack([y + 0.5, 2.5 * y], axis=1),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "n_features"),
    [("binary", 1), ("multiclass", 4), ("continuous", 1), ("multilabel", 3), ("multioutput", 2)],
)
def test_every_kind_of_target(kind, n_features):
    X, codes = line_images(60, n_classes=4)
    encoder = ImageCNNEncoder(cv=2, **TINY)
    features = encoder.fit_transform(X, targets(codes, kind))
    assert encoder.target_type_ == kind
    assert features.shape == (60, n_features) and np.isfinite(features).all()
    assert len(encoder.get_feature_names_out()) == n_features
    assert encoder.transform(X[:5]).shape == (5, n_features)


def test_time_groups_weights_and_unlabelled_rows():
    X, y = line_images(60)
    X[1::2] = X[::2]
    grouped = ImageCNNEncoder(cv=GroupKFold(3), **TINY)
    grouped.fit_transform(X, y, groups="images")
    for assignment in grouped.report_.plan.assignments:
        assert not np.isin(assignment.predict ^ 1, assignment.learn).any()
    assert (grouped.report_.duplicates["share"] == 0).all()
    ordered = ImageCNNEncoder(cv=3, uncovered="nan", **TINY)
    features = ordered.fit_transform(X, y, time=np.arange(60))
    assert np.isnan(features[0, 0]) and np.isfinite(features[-1, 0])
    unlabelled = y.astype(float)
    unlabelled[::7] = np.nan
    weight = np.ones(60)
    weight[3] = 0
    features = ImageCNNEncoder(cv=2, target_type="binary", **TINY).fit_transform(
        X, unlabelled, sample_weight=weight
    )
    assert np.isfinite(features).all()


def test_sequences_of_images():
    images, y = line_images(60)
    X = sequences(images)
    encoder = ImageCNNEncoder(cv=2, **(TINY | {"augment": "auto"}))
    assert encoder.fit_transform(X, y).shape == (60, 1)
    assert network_of(encoder).reader.shape == (3, 8, 8, 1)


def test_a_feature_depends_on_its_image_alone():
    X, y = line_images(60)
    encoder = ImageCNNEncoder(cv=2, **TINY).fit(X, y)
    whole = encoder.transform(X[:20])
    parts = np.vstack([encoder.transform(X[[i]]) for i in reversed(range(20))])[::-1]
    np.testing.assert_allclose(parts, whole, atol=1e-6)


# Tables and files


def test_a_column_of_files_enters_a_table_as_text_does(photos):
    X, y, images = photos
    encoder = ImageCNNEncoder(cv=2, **TINY)
    columns = ColumnTransformer(
        [("photo", encoder, ["photo"]), ("numbers", "passthrough", ["price"])]
    ).set_output(transform="pandas")
    features = columns.fit_transform(X, y)
    assert features.columns.tolist() == ["photo__photo_cnn", "numbers__price"]
    np.testing.assert_array_equal(
        features["photo__photo_cnn"],
        ImageCNNEncoder(cv=2, **TINY).fit_transform(images, y)[:, 0],
    )
    model = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5)).fit(X, y)
    assert model.predict(X.iloc[:3]).shape == (3,)
    as_column = ColumnTransformer([("photo", clone(encoder), "photo")]).fit(X, y)
    assert as_column.get_feature_names_out().tolist() == ["photo__photo_cnn"]


def test_a_table_finds_its_column_of_files(photos):
    X, y, images = photos
    X = X.assign(review=[f"word{i % 7} of row {i}" for i in range(60)])
    X.loc[3, "photo"] = None
    alone = ImageCNNEncoder(cv=2, on_error="blank", **TINY)
    table = TableFeatures(members=("linear", alone), cv=2, random_state=0)
    with pytest.warns(BlankImageWarning, match="1 of 60"):
        features = table.fit_transform(X, y)
    assert features.columns.tolist() == ["price", "photo_image_cnn", "review_linear"]
    images[3] = 0
    of_arrays = clone(alone).set_params(on_error="raise")
    np.testing.assert_array_equal(
        features["photo_image_cnn"], of_arrays.fit_transform(images, y)[:, 0]
    )
    assert table.transform(X[4:9]).shape == (5, 3)
    lines = table.report_.to_frame()[["column", "member"]].to_numpy().tolist()
    assert sorted(lines) == [["photo", "image_cnn"], ["review", "linear"]]
    named = TableFeatures(members=("image_cnn",), columns=["photo"])
    assert named.get_params()["image_cnn__network"] is None
    without = TableFeatures(members=("linear",), others="passthrough", cv=2).fit_transform(X, y)
    assert without.columns.tolist() == ["photo", "price", "review_linear"]


def test_several_columns_of_files_have_a_network_each(photos):
    X, y, _ = photos
    X = pd.DataFrame({"front": X["photo"], "back": X["photo"].to_numpy()[::-1]})
    encoder = ImageCNNEncoder(cv=2, **TINY).set_output(transform="pandas")
    assert encoder.fit_transform(X, y).columns.tolist() == ["front_cnn", "back_cnn"]
    assert [record.name for record in encoder.report_.columns] == ["front", "back"]
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(X[["back", "front"]])


def test_names_of_features():
    images, y = line_images(40)
    encoder = ImageCNNEncoder(cv=2, **TINY).fit(images, y)
    assert encoder.get_feature_names_out().tolist() == ["image_cnn"]
    assert encoder.get_feature_names_out(["scan"]).tolist() == ["scan_cnn"]
    rows = pd.DataFrame(images.reshape(40, 64)).add_prefix("pixel")
    encoder = ImageCNNEncoder(cv=2, image_shape=(8, 8), **TINY)
    features = encoder.set_output(transform="pandas").fit_transform(rows, y)
    assert features.columns.tolist() == ["image_cnn"] and encoder.n_features_in_ == 64
    np.testing.assert_array_equal(features, ImageCNNEncoder(cv=2, **TINY).fit_transform(images, y))


def test_streamed_files_give_the_same_features(photos, monkeypatch):

    X, y, _ = photos
    kept = ImageCNNEncoder(cv=2, **TINY).fit(X[["photo"]], y)
    expected = kept.transform(X[["photo"]])
    monkeypatch.setattr(reader, "MAX_DECODED_BYTES", 0)
    streamed = ImageCNNEncoder(cv=2, **TINY).fit(X[["photo"]], y)
    np.testing.assert_array_equal(streamed.transform(X[["photo"]]), expected)


def test_unreadable_files_at_transform_time(photos, tmp_path):
    X, y, _ = photos
    (tmp_path / "text.jpg").write_text("no image")
    new = pd.DataFrame({"photo": [X["photo"][0], str(tmp_path / "text.jpg"), None]})
    encoder = ImageCNNEncoder(cv=2, **TINY).fit(X[["photo"]], y)
    with pytest.raises(ImageError, match="2 of 3 images[\\s\\S]*text.jpg"):
        encoder.transform(new)
    encoder = ImageCNNEncoder(cv=2, on_error="blank", **TINY).fit(X[["photo"]], y)
    with pytest.warns(BlankImageWarning, match="2 of 3 images") as caught:
        features = encoder.transform(new)
    assert len(caught) == 1 and features[1] == features[2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(encoder.transform(new[:1]), features[:1], atol=1e-6)


def test_class_folders_of_photographs(tmp_path):
    """JPEG files of many sizes, with a bar that lies or stands."""
    random = np.random.default_rng(0)
    for number in range(100):
        part, name = ("train", "val")[number % 5 == 4], ("ants", "bees")[number % 2]
        height, width = random.integers(20, 60, 2)
        photo = random.integers(0, 80, (height, width, 3), dtype=np.uint8)
        if name == "ants":
            photo[height // 2 - 2 : height // 2 + 2] = 255
        else:
            photo[:, width // 2 - 2 : width // 2 + 2] = 255
        path = tmp_path / part / name / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(path)
    paths, labels = load_class_folders(tmp_path / "train")
    assert len(paths) == 80 and sorted(set(labels)) == ["ants", "bees"]
    encoder = ImageCNNEncoder(
        cv=2, image_size=24, n_filters=(8, 8), epochs=12, batch_size=16, random_state=0
    )
    features = encoder.fit_transform(paths, labels)
    assert features.shape == (80, 1)
    assert roc_auc_score(labels == "bees", features[:, 0]) > 0.75
    assert encoder.transform(load_class_folders(tmp_path / "val")[0]).shape == (20, 1)
    with pytest.raises(ValueError, match=r"different sizes[\s\S]*image_size="):
        ImageCNNEncoder(cv=2).fit(paths, labels)


# State


def test_pickles_keep_state(photos, tmp_path):
    X, y, images = photos
    encoder = ImageCNNEncoder(
        cv=2, **(TINY | {"augment": [keras.layers.RandomFlip("horizontal")]})
    ).fit(images, y)
    expected = encoder.transform(images[:9])
    joblib.dump(encoder, tmp_path / "encoder.joblib")
    for again in (
        pickle.loads(pickle.dumps(encoder)),
        joblib.load(tmp_path / "encoder.joblib"),
        copy.deepcopy(encoder),
    ):
        forget_networks()
        np.testing.assert_array_equal(again.transform(images[:9]), expected)
        again.report_.verify()
    again = clone(encoder).fit(images, y)
    np.testing.assert_array_equal(again.transform(images[:9]), expected)


def test_an_unpickled_encoder_needs_no_file_of_weights(small_mobilenet):
    images, y = line_images(24)
    images = np.repeat(np.repeat(images, 4, axis=1), 4, axis=2)
    encoder = ImageCNNEncoder(
        cv=2, **tiny(Backbone("MobileNet", weights=small_mobilenet, fine_tune=False))
    ).fit(images, y)
    models = [levelled.model for levelled in network_of(encoder).models]
    shared = [a is b for a, b in zip(models[0].weights, models[1].weights, strict=True)]
    assert shared.count(False) <= 2, "a frozen backbone is kept once"
    expected = encoder.transform(images[:3])
    stored = pickle.dumps(encoder)
    small_mobilenet.unlink()
    forget_networks()
    np.testing.assert_allclose(pickle.loads(stored).transform(images[:3]), expected, atol=1e-6)


def test_a_failed_fit_leaves_nothing():
    X, y = line_images(40)
    encoder = ImageCNNEncoder(cv=2, **TINY).fit(X, y)
    expected = encoder.transform(X[:5])
    with pytest.raises(FloatingPointError, match="learning_rate"):
        encoder.set_params(
            learning_rate=1e30, n_filters=(32, 64), network=ConvNetwork((3,), batch_norm=False)
        ).fit(X, y)
    np.testing.assert_array_equal(encoder.transform(X[:5]), expected)


# Each file once, and in the units of fit


def test_each_file_is_opened_once_per_fit(photos, monkeypatch):
    table, y, _ = photos
    opened, real = [], open

    def counted(file, *given, **options):
        opened.append(str(file))
        return real(file, *given, **options)

    monkeypatch.setattr("builtins.open", counted)
    monkeypatch.setattr("textcnn.crossfit.predicted_again.sample_rows.__defaults__", (6, 0))
    for estimator in (
        ImageCNNClassifier(**TINY),
        ImageCNNClassifier(image_size=6, color_mode="rgb", **TINY),
        ImageCNNEncoder(cv=2, **TINY),
        TableFeatures(members=[ImageCNNEncoder(**TINY)], cv=2, random_state=0),
    ):
        X = table if isinstance(estimator, TableFeatures) else table[["photo"]]
        opened.clear()
        estimator.fit(X, y)
        counts = Counter(path for path in opened if path.endswith(".png"))
        # Those of a sample are predicted again when the fit of an encoder ends.
        assert len(counts) == 60 and counts.total() <= 60 + 6 and max(counts.values()) <= 2
    expected = estimator.transform(table[:9])
    monkeypatch.setattr("textcnn.image.files.MAX_CONTENTS", 0)  # too much to keep
    np.testing.assert_array_equal(clone(estimator).fit(table, y).transform(table[:9]), expected)


def test_cells_in_other_units_than_in_fit_are_refused(photos):
    table, y, images = photos
    settings = {"cv": 2, **TINY}
    fractions = [image / 255 for image in images]
    fractions[0] = fractions[0][:4]  # of another size, so that they are cells
    of_files = ImageCNNEncoder(image_size=8, **settings).fit(table["photo"].tolist(), y)
    with pytest.raises(ValueError, match=r"other units than in fit.*255 \* X.*float64 from 0 to"):
        of_files.transform(fractions)
    of_fractions = ImageCNNEncoder(image_size=8, **settings).fit(fractions, y)
    with pytest.raises(ValueError, match="other units than in fit.*X / 255"):
        of_fractions.transform([(255 * image).astype(np.uint8) for image in fractions])
    assert of_fractions.transform(fractions[:5]).shape == (5, 1)


def test_channels_in_another_place_than_in_fit_are_named():
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (20, 9, 8, 3), dtype=np.uint8)
    classifier = ImageCNNClassifier(**TINY).fit(images, [0, 1] * 10)
    with pytest.raises(ValueError, match=r"np\.moveaxis\(X, -3, -1\)"):
        classifier.predict(np.moveaxis(images, -1, -3))
    with pytest.raises(ValueError, match="Resize them first"):
        classifier.predict(images[:, :4])
