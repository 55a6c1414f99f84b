"""Every parameter of every public class acts, or is refused where nothing would read it.

A new parameter needs a line in ``WAYS``: a value that changes what comes out, and the setting and
the data in which it does.
"""

import inspect
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from inside import learner_of
from PIL import Image
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

import textcnn
from textcnn import (
    Backbone,
    ConvNetwork,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    OutOfFoldEncoder,
    ResidualNetwork,
    SequenceNetwork,
    TableFeatures,
    TextCNNClassifier,
    TextCNNEncoder,
    TextCNNRegressor,
    TextLinearEncoder,
    WordVectors,
)
from textcnn.fit.defaults import is_given
from textcnn.image.form_settings import form_settings
from textcnn.image.network import ImageNetworkSettings, build_image_network
from textcnn.neural.randomness import keras_seeded

pytestmark = [
    pytest.mark.filterwarnings("ignore::textcnn.TableFeaturesWarning"),
    pytest.mark.filterwarnings("ignore::textcnn.BlankImageWarning"),
]

N_ROWS = 24
VECTORS = WordVectors(["good", "bad", "film", "poem"], np.eye(4, 3) + 0.5)


@dataclass
class Way:
    """A value of a parameter that changes what comes out, and where it does."""

    value: object
    setting: dict = field(default_factory=dict)
    data: str = ""  # "" for the data of the class
    raises: str = ""  # what the error says, where the value is one that is refused


# What the encoders share, whatever their columns hold.
OUT_OF_FOLD = {
    "cv": Way(3),
    "ensemble": Way("refit"),
    "target_type": Way("multilabel", raises="multilabel"),
    "output": Way("logit"),
    "uncovered": Way("nan", data="in time"),
    "unlabelled": Way("mean", data="some unlabelled"),
    "missing_class": Way("drop", data="a rare class"),
    "n_jobs": Way(0, raises="n_jobs"),
    "random_state": Way(1),
}
TRAINING = {
    "epochs": Way(3),
    "batch_size": Way(4),
    "learning_rate": Way(0.1),
    "early_stopping": Way(True),
    "random_state": Way(1),
    "dense_units": Way((3,)),
    "dropout": Way(0.9),
    "l2": Way(1.0),
}
NUMBERS = {"target_type": "continuous"}
TEXT = TRAINING | {
    "embeddings": Way(VECTORS),
    "join_columns": Way(True, data="two columns"),
    "level": Way("char"),
    "tokenizer": Way(str.split),
    "max_length": Way(1),
    "min_count": Way(9),
    "keep_vectors": Way("seen", {"embeddings": VECTORS}),
    "learned_dim": Way(5),
    "trainable_embeddings": Way(True, {"embeddings": VECTORS}),
    "corpus_options": Way({"vector_size": 3}, {"embeddings": "corpus"}),
    "engine": Way("keras"),
    "n_filters": Way(3),
    "kernel_sizes": Way((3,)),
    "activation": Way("tanh"),
    "pooling": Way("average"),
    "n_blocks": Way(2),
    "network": Way("bigru", {"kernel_sizes": "auto"}),
    "n_networks": Way(3),
}
IMAGE = TRAINING | {
    "image_shape": Way((8, 8), data="pixels"),
    "image_size": Way(6, data="several sizes"),
    "resize": Way("stretch", {"image_size": 6}, data="several sizes"),
    "color_mode": Way("rgb", data="files"),
    "on_error": Way("blank", data="a missing image"),
    "network": Way(ResidualNetwork(4, n_filters=2), {"n_filters": (32, 64)}),
    "n_filters": Way((3,)),
    "kernel_sizes": Way(2),
    "augment": Way("auto"),
    "precision": Way("mixed_bfloat16"),
}
CLASSES = {"class_weight": Way({1: 9.0})}
SMOOTHING = {"label_smoothing": Way(0.4)}
LOSS = {"loss": Way("absolute")}
WAYS = {
    "TextCNNEncoder": TEXT
    | OUT_OF_FOLD
    | CLASSES
    | SMOOTHING
    | {
        "loss": Way("absolute", NUMBERS),
        "unsupervised": Way("fold", {"embeddings": "corpus", "corpus_options": {"vector_size": 3}}),
    },
    "TextCNNClassifier": TEXT | CLASSES | SMOOTHING,
    "TextCNNRegressor": TEXT | LOSS,
    "ImageCNNEncoder": IMAGE
    | OUT_OF_FOLD
    | CLASSES
    | SMOOTHING
    | {"loss": Way("absolute", NUMBERS)},
    "ImageCNNClassifier": IMAGE | CLASSES | SMOOTHING,
    "ImageCNNRegressor": IMAGE | LOSS,
    "TextLinearEncoder": OUT_OF_FOLD
    | {
        "C": Way(0.1),
        "word_ngrams": Way(None),
        "char_ngrams": Way(None),
        "min_df": Way(5),
        "lowercase": Way(False),
        "tokenizer": Way(str.split),
        "join_columns": Way(True, data="two columns"),
    },
    "OutOfFoldEncoder": OUT_OF_FOLD
    | {
        "estimator": Way(LogisticRegression(C=0.01)),
        "shared": Way(StandardScaler()),
        "feature_name": Way("another"),
    },
    "TableFeatures": {
        "members": Way([("linear", TextLinearEncoder(C=0.1))]),
        "columns": Way(["review"]),
        "cv": Way(3),
        "selection": Way("significant"),
        "others": Way("drop"),
        "categories": Way("one-hot"),
        "keep_text": Way(True),
        "time_limit": Way(1e-9),
        "n_repeats": Way(2, {"selection": "significant"}),
        "target_type": Way("multilabel", raises="multilabel"),
        "uncovered": Way("nan", data="a table in time"),
        "unlabelled": Way("mean", data="a table, some unlabelled"),
        "missing_class": Way("drop", data="a table, a rare class"),
        "scoring": Way("accuracy"),
        "n_jobs": Way(0, raises="n_jobs"),
        "random_state": Way(1),
    },
}
TINY_TEXT = {"n_filters": 2, "kernel_sizes": (2,), "learned_dim": 3, "epochs": 2, "batch_size": 8}
TINY_IMAGE = {"n_filters": (2,), "epochs": 2, "batch_size": 8, "augment": None}
BASES = {
    TextCNNEncoder: TINY_TEXT | {"cv": 2, "random_state": 0},
    TextCNNClassifier: TINY_TEXT | {"random_state": 0},
    TextCNNRegressor: TINY_TEXT | {"random_state": 0},
    ImageCNNEncoder: TINY_IMAGE | {"cv": 2, "random_state": 0},
    ImageCNNClassifier: TINY_IMAGE | {"random_state": 0},
    ImageCNNRegressor: TINY_IMAGE | {"random_state": 0},
    TextLinearEncoder: {"cv": 2, "random_state": 0},
    OutOfFoldEncoder: {"estimator": LogisticRegression(), "cv": 2, "random_state": 0},
    TableFeatures: {"members": [("linear", TextLinearEncoder())], "cv": 2, "random_state": 0},
}


def rows_of(kind, random):
    """Return rows that a class reads, and others of their form."""
    if "Image" in kind:
        return random.integers(0, 256, (N_ROWS, 8, 8), dtype=np.uint8), None
    if kind == "OutOfFoldEncoder":
        return random.normal(size=(N_ROWS, 2)) * [1, 50], None
    words = np.array(["Good", "bad", "film", "plot", "Dull,", "river", "fine.", "good"])
    texts = [" ".join(random.choice(words, 5)) for _ in range(N_ROWS)]
    new = ["good river", "Bad poem", "", "fine film"] * 3
    if kind == "TableFeatures":
        table = pd.DataFrame({"review": texts, "note": texts[::-1], "price": np.arange(N_ROWS)})
        table["kind"] = np.where(table["price"] % 3, "film", "book")
        return table, table.assign(review=(new * 2)[:N_ROWS])
    return texts, new


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return what gives (X, y, keywords of fit, new rows) by the name of a class and of a case."""
    folder = tmp_path_factory.mktemp("images")

    def make(kind, case):
        random = np.random.default_rng(0)
        X, new = rows_of(kind, random)
        y, keywords = np.arange(N_ROWS) % 2, {}
        if "Regressor" in kind:
            y = y + random.normal(size=N_ROWS)
        if case.endswith("in time"):
            keywords = {"time": np.arange(N_ROWS)}
        elif case.endswith("some unlabelled"):
            y = np.where(np.arange(N_ROWS) % 5 == 4, np.nan, y)
        elif case.endswith("a rare class"):
            y[0] = 2
        elif case == "two columns":
            X = pd.DataFrame({"title": X[::-1], "review": X})
            new = X.head(5)
        elif case == "pixels":
            X = X.reshape(N_ROWS, 64)
        elif case == "several sizes":
            X = [image[: 4 + row % 4] for row, image in enumerate(X)]
        elif case == "a missing image":
            X = [*X[1:, :7], None]
        elif case == "files":
            paths = [str(folder / f"{row}.png") for row in range(N_ROWS)]
            for path, image in zip(paths, X, strict=True):
                Image.fromarray(image).save(path)
            X = paths
        return X, y, keywords, X if new is None else new

    return make


@pytest.fixture(scope="module")
def outcome(data):
    """Return what comes of parameters, by class and data; each fit is made once."""
    known = {}

    def find(kind, parameters, case):
        key = repr((kind.__name__, sorted(parameters.items(), key=str), case))
        if key not in known:
            known[key] = come_of(kind(**parameters), *data(kind.__name__, case))
        return known[key]

    return find


def come_of(estimator, X, y, keywords, new):
    """Return all that a fitted estimator gives, or the error that it raises."""
    try:
        if not hasattr(estimator, "fit_transform"):
            predict = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
            return [getattr(estimator.fit(X, y), predict)(new)]
        features = estimator.fit_transform(X, y, **keywords)
        names = estimator.get_feature_names_out()
        report = estimator.report_
        metrics = report.to_frame().drop(columns="seconds") if "to_frame" in dir(report) else None
        return [
            names,
            features,
            estimator.transform(new),
            metrics,
            getattr(report, "metrics", None),
        ]
    except (ValueError, TypeError) as error:
        return error


def is_same(one, other):
    if isinstance(one, Exception) or isinstance(other, Exception):
        return repr(one) == repr(other)
    return all(
        repr(np.asarray(a).tolist()) == repr(np.asarray(b).tolist())
        for a, b in zip(one, other, strict=True)
    )


def public_classes():
    everything = [getattr(textcnn, name) for name in textcnn.__all__]
    return [
        thing
        for thing in everything
        if isinstance(thing, type) and issubclass(thing, BaseEstimator)
    ]


def test_every_parameter_has_a_way_in_which_it_acts():
    """A parameter without a line in ``WAYS`` or ``NETWORKS`` is not known to do anything."""
    declared = {name: set(ways) for name, ways in WAYS.items()}
    declared |= {type(network).__name__: set(values) for network, values in NETWORKS}
    parameters = {
        kind.__name__: set(inspect.signature(kind).parameters) for kind in public_classes()
    }
    assert declared == parameters


# The classes of texts, and those of images, hand these parameters to one kind of learner. They are
# fitted with the classifier; of the other classes it is tried that the same reaches the learner.
LEARNERS = {
    TextCNNClassifier: (set(TEXT) - {"join_columns", "random_state"}, "TextCNN"),
    ImageCNNClassifier: (set(IMAGE) - {"image_shape", "random_state"}, "ImageCNN"),
}
HANDED_ON = [
    (name, kind, fitted)
    for fitted, (names, family) in LEARNERS.items()
    for kind in WAYS
    if kind.startswith(family) and kind != fitted.__name__
    for name in sorted(names)
]
FITTED = {(name, kind) for kind, ways in WAYS.items() for name in ways}
FITTED -= {(name, kind) for name, kind, _ in HANDED_ON}


@pytest.mark.parametrize(("name", "kind", "fitted"), HANDED_ON)
def test_a_parameter_reaches_the_learner_on_which_it_acts(name, kind, fitted):
    way = WAYS[kind][name]
    setting = BASES[fitted] | way.setting
    changes = []
    for one in (fitted, getattr(textcnn, kind)):
        before = learner_of(one(**setting))
        after = learner_of(one(**setting | {name: way.value}))
        changes.append(after.items() - before.items())
    assert changes[0] == changes[1] != set()


@pytest.mark.parametrize(("name", "kind"), sorted(FITTED))
def test_a_parameter_acts(name, kind, outcome):
    way, kind = WAYS[kind][name], getattr(textcnn, kind)
    setting = BASES[kind] | way.setting
    before = outcome(kind, setting, way.data)
    after = outcome(kind, setting | {name: way.value}, way.data)
    if way.raises:
        assert isinstance(after, ValueError) and way.raises in str(after)
        assert not isinstance(before, Exception)
        return
    if isinstance(after, Exception):
        raise after
    assert not is_same(before, after)


# The forms of network

NETWORKS = [
    (
        ConvNetwork((2, 3), pool_size=2),
        {
            "n_filters": (2, 4),
            "kernel_sizes": 2,
            "strides": 2,
            "n_convolutions": 2,
            "padding": "valid",
            "activation": "tanh",
            "batch_norm": False,
            "pooling": "average",
            "pool_size": (1, 2),
            "pool_stride": 1,
            "final_pooling": "max",
        },
    ),
    (
        ResidualNetwork(6, n_filters=(2, 3)),
        {
            "depth": 10,
            "n_filters": (2, 4),
            "kernel_size": 2,
            "activation": "tanh",
            "batch_norm": False,
            "final_pooling": "max",
        },
    ),
    (
        SequenceNetwork(ConvNetwork((2,))),
        {"frame_network": ConvNetwork((3,)), "time_pooling": "max"},
    ),
    (
        Backbone("mobilenet"),
        {"name": "mobilenetv2", "weights": "imagenet", "fine_tune": False, "final_pooling": "max"},
    ),
]


@pytest.mark.parametrize(
    ("network", "name", "value"),
    [
        pytest.param(network, name, value, id=f"{type(network).__name__}-{name}")
        for network, values in NETWORKS
        for name, value in values.items()
    ],
)
def test_a_parameter_of_a_network_acts(network, name, value):
    changed = clone(network).set_params(**{name: value})
    before, after = (form_settings(ImageCNNClassifier(network=n)) for n in (network, changed))
    assert before != after
    if isinstance(network, Backbone):  # built and trained in tests/image/test_image_network.py
        return
    shape = (3, 12, 12, 1) if isinstance(network, SequenceNetwork) else (12, 12, 1)
    assert (first_answers(before, shape) != first_answers(after, shape)).any()


def first_answers(settings, shape):
    """Return what a network says of noise before it has learnt anything."""
    with keras_seeded(0):
        model = build_image_network(ImageNetworkSettings(**settings), shape, 1)
    images = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    scaling = np.zeros((4, 2, 1), np.float32)
    scaling[:, 1] = 1
    return np.asarray(model([images, scaling], training=False))


# What nothing would read is refused


def own_network(shape_or_channels):
    raise AssertionError("parameters are checked before a network is built")


RECURRENT = {"network": "bigru"}
OWN = {"network": own_network}
CORPUS = {"embeddings": "corpus"}
TEXT_COMBINATIONS = [
    (RECURRENT, {"kernel_sizes": (2, 3)}),
    (RECURRENT, {"n_blocks": 2}),
    (RECURRENT, {"activation": "tanh"}),
    (RECURRENT, {"engine": "numba"}),
    (OWN, {"n_filters": 8}),
    (OWN, {"kernel_sizes": (2, 3)}),
    (OWN, {"pooling": "average"}),
    (OWN, {"n_blocks": 2}),
    (OWN, {"activation": "tanh"}),
    ({"level": "char"}, {"tokenizer": str.split}),
    ({"level": "char"}, {"embeddings": VECTORS}),
    ({"level": "char"}, {"keep_vectors": "seen"}),
    ({}, {"keep_vectors": 100}),
    (CORPUS, {"keep_vectors": 100}),
    ({}, {"trainable_embeddings": True}),
    ({}, {"corpus_options": {"vector_size": 3}}),
    ({"embeddings": VECTORS}, {"corpus_options": {"vector_size": 3}}),
]
IMAGE_COMBINATIONS = [
    ({"network": form}, {name: value})
    for form in (
        "residual",
        "mobilenetv3small",
        ConvNetwork(),
        ResidualNetwork(),
        Backbone("mobilenet"),
        SequenceNetwork(),
        own_network,
    )
    for name, value in (("n_filters", 8), ("kernel_sizes", 5))
] + [
    ({}, {"image_size": 6}),
    ({}, {"resize": "stretch"}),
    ({}, {"color_mode": "rgb"}),
    ({}, {"on_error": "blank"}),
    ({}, {"network": SequenceNetwork()}),
    ({}, {"network": ConvNetwork(pool_size=1, pooling="average")}),
    ({}, {"network": ConvNetwork(pool_stride=2)}),
]
REFUSED = [
    *((TextCNNEncoder, *pair) for pair in TEXT_COMBINATIONS),
    *((TextCNNClassifier, *pair) for pair in TEXT_COMBINATIONS),
    *((TextCNNRegressor, *pair) for pair in TEXT_COMBINATIONS),
    (TextCNNEncoder, {}, {"unsupervised": "fold"}),
    (TextCNNEncoder, {"embeddings": VECTORS}, {"unsupervised": "all_rows"}),
    *((ImageCNNEncoder, *pair) for pair in IMAGE_COMBINATIONS),
    *((ImageCNNClassifier, *pair) for pair in IMAGE_COMBINATIONS),
    *((ImageCNNRegressor, *pair) for pair in IMAGE_COMBINATIONS),
    *(
        (kind, NUMBERS, {"output": "logit"})
        for kind in (TextCNNEncoder, ImageCNNEncoder, TextLinearEncoder)
    ),
    (OutOfFoldEncoder, {"estimator": Ridge()}, {"output": "logit"}),
    *((kind, NUMBERS, {"class_weight": {1: 2.0}}) for kind in (TextCNNEncoder, ImageCNNEncoder)),
    *((kind, NUMBERS, {"label_smoothing": 0.1}) for kind in (TextCNNEncoder, ImageCNNEncoder)),
    (TextCNNEncoder, {}, {"loss": "absolute"}),
    (ImageCNNEncoder, {}, {"loss": "absolute"}),
    (TextLinearEncoder, {"word_ngrams": None}, {"char_ngrams": None}),
    (TableFeatures, {}, {"n_repeats": 2}),
]


@pytest.mark.parametrize(
    ("kind", "setting", "ignored"),
    [
        pytest.param(*case, id=f"{case[0].__name__}-{number}-{next(iter(case[2]))}")
        for number, case in enumerate(REFUSED)
    ],
)
def test_a_parameter_that_nothing_would_read_is_refused(kind, setting, ignored, data, monkeypatch):
    from textcnn.neural.network import TracedNetwork

    monkeypatch.setattr(TracedNetwork, "fit", lambda *args: pytest.fail("training began"))
    required = {"estimator": LogisticRegression()} if kind is OutOfFoldEncoder else {}
    X, y, _, _ = data(kind.__name__, "")
    with pytest.raises(ValueError, match="Received:") as caught:
        kind(**required | setting | ignored).fit(X, y)
    message = str(caught.value)
    (name,) = ignored
    assert name in message or "SequenceNetwork" in message or "pool" in message
    assert any(way_out in message for way_out in ("Expected", "Leave it out", "Omit it"))


SETTINGS = [
    (TextCNNEncoder, RECURRENT),
    (TextCNNEncoder, OWN),
    (TextCNNEncoder, {"level": "char"}),
    (TextCNNClassifier, RECURRENT),
    (TextCNNRegressor, OWN),
    (ImageCNNEncoder, {"network": "residual"}),
    (ImageCNNEncoder, {"network": Backbone("mobilenet")}),
    (ImageCNNClassifier, OWN),
    (ImageCNNRegressor, {"network": SequenceNetwork()}),
    (TableFeatures, {}),
]


@pytest.mark.parametrize(("kind", "setting"), SETTINGS)
def test_a_parameter_left_at_its_default_is_never_refused(kind, setting, data):
    written_out = {
        name: parameter.default
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    X, y, _, _ = data(kind.__name__, "")
    with pytest.raises(ValueError, match="y has no values|y contains NaN"):
        kind(**written_out | setting).fit(X, np.full(len(y), np.nan))


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ({}, False),
        ({"n_filters": [32, 64]}, False),
        ({"n_filters": (32, 64)}, False),
        ({"n_filters": np.array([32, 64])}, True),
        ({"n_filters": 32}, True),
        ({"n_filters": "auto"}, True),
        ({"n_filters": None}, True),
    ],
)
def test_what_was_given_is_told_from_what_was_left_at_its_default(parameters, given):
    classifier = ImageCNNClassifier(**parameters)
    assert is_given(classifier, "n_filters") is given
    assert not is_given(classifier, "no_such_parameter")
