"""Every public estimator through one file and back, and what a kill or a full disk leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from checks import signal_table, tiny
from forged_files import forged_state, members_of
from inside import WRITE_TO_ARCHIVE, forget_networks, models_of
from PIL import Image
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import textcnn
from textcnn import (
    Backbone,
    ImageCNNClassifier,
    ImageCNNEncoder,
    ImageCNNRegressor,
    OutOfFoldEncoder,
    ResidualNetwork,
    TableFeatures,
    TextCNNClassifier,
    TextCNNRegressor,
    TextLinearEncoder,
    WordVectors,
)
from textcnn.persistence import FileFormatError, NotStored
from textcnn.persistence.registry import Registry

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(40, seed=1, n_classes=3)
NUMBERS = np.random.default_rng(0).normal(size=(40, 3))
IMAGES = np.random.default_rng(1).integers(0, 255, (40, 8, 8), dtype=np.uint8)
SMALL = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "random_state": 0, "n_networks": 1}
SMALL_IMAGES = {"n_filters": (2,), "epochs": 1, "random_state": 0}


def split_words(text):
    return text.split()


def pooled(dim):
    import keras

    words = keras.Input((None, dim))
    return keras.Model(words, keras.layers.GlobalMaxPooling1D()(words))


def vectors():
    words = ["good", "bad", "film", "Fine"]
    return WordVectors(words, np.random.default_rng(2).normal(size=(4, 3)))


ESTIMATORS = {
    "TextCNNEncoder": (tiny(cv=2, random_state=0), TABLE, Y),
    "TextCNNEncoder, vectors": (tiny(embeddings=vectors(), cv=KFold(2)), TABLE, Y == 0),
    "TextCNNEncoder, trained vectors": (
        tiny(embeddings=vectors(), trainable_embeddings=True, cv=2),
        TABLE,
        Y == 0,
    ),
    "TextCNNEncoder, numbers": (
        tiny(cv=2, target_type="continuous", n_blocks=2, dense_units=(3,), pooling="both"),
        TABLE,
        NUMBERS[:, 0],
    ),
    "TextCNNEncoder, characters": (tiny(cv=2, level="char"), TABLE, Y == 0),
    "TextCNNEncoder, recurrent": (tiny(cv=2, network="bigru"), TABLE, Y == 0),
    "TextCNNEncoder, joined": (
        tiny(cv=2, join_columns=True),
        TABLE.assign(title=TABLE["review"].str[:8]),
        Y == 0,
    ),
    "TextCNNEncoder, labels": (tiny(cv=2), TABLE, NUMBERS > 0),
    "TextCNNClassifier": (TextCNNClassifier(**SMALL), TABLE, np.array(list("abc"))[Y]),
    "TextCNNRegressor": (TextCNNRegressor(**SMALL), TABLE, NUMBERS[:, 0]),
    "TextLinearEncoder": (TextLinearEncoder(cv=2, random_state=0), TABLE, Y),
    "TextLinearEncoder, numbers": (
        TextLinearEncoder(cv=2, char_ngrams=None, target_type="continuous"),
        TABLE,
        NUMBERS[:, 0],
    ),
    "OutOfFoldEncoder": (
        OutOfFoldEncoder(make_pipeline(StandardScaler(), LogisticRegression()), cv=2),
        NUMBERS,
        Y,
    ),
    "OutOfFoldEncoder, text": (
        OutOfFoldEncoder(
            make_pipeline(
                make_union(CountVectorizer(dtype=np.int32), TfidfVectorizer()),
                TruncatedSVD(3, random_state=0),
                LogisticRegression(),
            ),
            cv=2,
        ),
        TABLE["review"],
        Y,
    ),
    "TableFeatures": (
        TableFeatures(["linear", ("cnn", tiny())], cv=2, keep_text=True, random_state=0),
        TABLE.assign(price=NUMBERS[:, 0], title=TABLE["review"].str.slice(5)),
        Y,
    ),
    "TableFeatures, skrub": (
        TableFeatures(["svd"], columns=make_column_selector("rev"), cv=2),
        TABLE.assign(price=NUMBERS[:, 0]),
        Y == 0,
    ),
    "TableFeatures, joined": (
        TableFeatures([("linear", TextLinearEncoder(join_columns=True))], cv=2, random_state=0),
        TABLE.assign(price=NUMBERS[:, 0], title=TABLE["review"].str.slice(5)),
        Y == 0,
    ),
    "ImageCNNEncoder": (ImageCNNEncoder(**SMALL_IMAGES, cv=2), IMAGES, Y == 0),
    "ImageCNNClassifier": (ImageCNNClassifier(**SMALL_IMAGES, augment="auto"), IMAGES, Y),
    "ImageCNNRegressor": (ImageCNNRegressor(**SMALL_IMAGES), IMAGES, NUMBERS[:, 0]),
    "ImageCNNClassifier, residual": (
        ImageCNNClassifier(
            network=ResidualNetwork(4, n_filters=2), epochs=1, augment=None, random_state=0
        ),
        IMAGES,
        Y,
    ),
    "ImageCNNEncoder, sequences": (
        ImageCNNEncoder(**SMALL_IMAGES, cv=2, augment=None),
        np.stack([IMAGES, IMAGES[::-1]], axis=1)[..., None],
        Y == 0,
    ),
}


def answers(estimator, X):
    """Return all that an estimator says of rows."""
    names = ("transform", "predict_proba", "predict")
    return {name: getattr(estimator, name)(X) for name in names if hasattr(estimator, name)}


@pytest.fixture(scope="module")
def fitted():
    """Fitted estimators by name, each fitted when it is first asked for."""
    found = {}

    def get(name):
        if name not in found:
            estimator, X, y = ESTIMATORS[name]
            found[name] = clone(estimator).fit(X, y), X[:7]
        return found[name]

    return get


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_loaded_estimator_gives_the_same_results(fitted, tmp_path, name):
    estimator, X = fitted(name)
    estimator.save(tmp_path / "one.textcnn")
    loaded = textcnn.load(tmp_path / "one.textcnn")
    assert type(loaded) is type(estimator)
    before, after = answers(estimator, X), answers(loaded, X)
    assert before and before.keys() == after.keys()
    for method, values in before.items():
        np.testing.assert_array_equal(after[method], values, err_msg=method)
        assert type(after[method]) is type(values)
    if isinstance(estimator, TableFeatures):
        assert repr(loaded.report_) == repr(estimator.report_)
        assert loaded.get_feature_names_out().tolist() == after["transform"].columns.tolist()
        for place, encoder in loaded.encoders_.items():
            if hasattr(encoder, "report_"):
                assert encoder.report_.verify().to_dict() == (
                    estimator.encoders_[place].report_.verify().to_dict()
                )
    elif hasattr(estimator, "report_"):
        assert loaded.report_.verify().to_dict() == estimator.report_.verify().to_dict()
        names = estimator.get_feature_names_out()
        assert loaded.get_feature_names_out().tolist() == names.tolist()
    if hasattr(estimator, "history_"):
        pd.testing.assert_frame_equal(loaded.history_, estimator.history_)
    if hasattr(estimator, "vocabulary_report_"):
        pd.testing.assert_frame_equal(loaded.vocabulary_report_, estimator.vocabulary_report_)
    # What was loaded can be saved again, and nothing was lost on the way.
    loaded.save(tmp_path / "two.textcnn")
    first, second = (members_of((tmp_path / f"{n}.textcnn").read_bytes()) for n in ("one", "two"))
    if "augment" not in loaded.get_params() or loaded.augment is None:
        assert first == second


def check_round_trip(estimator, X, path):
    """Assert that a file gives back an estimator with the same answers; return it."""
    expected = answers(estimator, X)
    estimator.save(path)
    loaded = textcnn.load(path)
    for method, values in answers(loaded, X).items():
        np.testing.assert_array_equal(values, expected[method], err_msg=method)
    assert type(loaded) is type(estimator) and expected
    return loaded


def test_columns_of_files_and_a_table_of_them_come_back(tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(40)]
    for path, image in zip(paths, IMAGES, strict=True):
        Image.fromarray(image).save(path)
    X = pd.DataFrame({"photo": paths, "price": NUMBERS[:, 0]})
    member = ImageCNNEncoder(**SMALL_IMAGES, cv=2, augment=None)
    alone = clone(member).fit(X[["photo"]], Y == 0)
    loaded = check_round_trip(alone, X[["photo"]][:7], tmp_path / "a.textcnn")
    assert loaded.get_feature_names_out().tolist() == ["photo_cnn"]
    table = TableFeatures((member,), cv=2, random_state=0).fit(X, Y == 0)
    loaded = check_round_trip(table, X[:7], tmp_path / "b.textcnn")
    assert loaded.transform(X[:7]).columns.tolist() == ["price", "photo_image_cnn"]


def test_a_frozen_backbone_needs_its_file_of_weights_no_more(backbone_weights, tmp_path):
    weights = tmp_path / "backbone.weights.h5"
    shutil.copy(backbone_weights("MobileNet"), weights)
    X = IMAGES[:12].repeat(4, axis=1).repeat(4, axis=2)
    encoder = ImageCNNEncoder(
        network=Backbone("mobilenet", weights=str(weights), fine_tune=False),
        epochs=1,
        cv=2,
        augment=None,
    ).fit(X, np.arange(12) % 2)
    weights.unlink()
    encoder.save(tmp_path / "a.textcnn")
    expected = encoder.transform(X)
    forget_networks()  # no network that has read the file
    loaded = textcnn.load(tmp_path / "a.textcnn")
    np.testing.assert_allclose(loaded.transform(X), expected, atol=1e-6)
    assert len(np.unique(expected)) > 6


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if "," not in name])
def test_skops_dumps_and_loads_every_estimator(fitted, name):
    estimator, X = fitted(name)
    content = skops.io.dumps(estimator)
    trusted = skops.io.get_untrusted_types(data=content)
    assert {kind.partition(".")[0] for kind in trusted} <= {"keras", "numpy", "sklearn", "textcnn"}
    loaded = skops.io.loads(content, trusted=trusted)
    for method, values in answers(estimator, X).items():
        np.testing.assert_array_equal(getattr(loaded, method)(X), values, err_msg=method)


def test_parameters_routing_and_output_are_kept(tmp_path):
    encoder = tiny(cv=KFold(2, shuffle=True, random_state=3), max_length=None, dropout=0.25)
    encoder.set_output(transform="pandas")
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        encoder.set_fit_request(groups=True, time=False)
    encoder.fit(TABLE, Y == 0)
    encoder.save(tmp_path / "a.textcnn")
    loaded = textcnn.load(tmp_path / "a.textcnn")
    assert repr(loaded) == repr(encoder)
    assert isinstance(loaded.transform(TABLE[:3]), pd.DataFrame)
    requests = loaded.get_metadata_routing().fit.requests
    assert requests == encoder.get_metadata_routing().fit.requests
    assert requests["groups"] is True and requests["time"] is False
    again = clone(loaded).fit_transform(TABLE, Y == 0)
    pd.testing.assert_frame_equal(again, clone(encoder).fit_transform(TABLE, Y == 0))


def test_parameters_that_are_not_stored_are_shown_and_refused_by_fit(fitted, tmp_path):
    encoder, X = fitted("TextCNNEncoder, vectors")
    encoder.save(tmp_path / "a.textcnn")
    loaded = textcnn.load(tmp_path / "a.textcnn")
    assert loaded.embeddings == NotStored("<WordVectors: 4 words, dim=3>")
    assert isinstance(loaded.cv, KFold)
    with pytest.raises(TypeError, match="NotStored.*<WordVectors: 4 words, dim=3>"):
        clone(loaded).fit(TABLE, Y == 0)
    again = clone(loaded).set_params(embeddings=vectors()).fit(TABLE, Y == 0)
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))


def test_functions_are_stored_by_name_and_given_at_load(tmp_path):
    encoder = tiny(cv=2, tokenizer=split_words, network=pooled).fit(TABLE, Y == 0)
    encoder.save(tmp_path / "a.textcnn")
    module = split_words.__module__
    with pytest.raises(FileFormatError, match=rf"custom_objects=\{{'{module}\.") as caught:
        textcnn.load(tmp_path / "a.textcnn")
    assert "not stored in the file" in str(caught.value)
    functions = {f"{module}.split_words": split_words, f"{module}.pooled": pooled}
    loaded = textcnn.load(tmp_path / "a.textcnn", custom_objects=functions)
    np.testing.assert_array_equal(loaded.transform(TABLE[:5]), encoder.transform(TABLE[:5]))
    nameless = tiny(cv=2, tokenizer=lambda text: text.split()).fit(TABLE, Y == 0)
    with pytest.raises(TypeError, match="lambda or has no name.*skops"):
        nameless.save(tmp_path / "b.textcnn")
    assert [path.name for path in tmp_path.iterdir()] == ["a.textcnn"]


def test_what_can_only_be_pickled_is_named(tmp_path):
    encoder = OutOfFoldEncoder(DecisionTreeClassifier(), cv=2).fit(NUMBERS, Y)
    with pytest.raises(TypeError, match=r"DecisionTreeClassifier.*skops\.io\.dump or joblib"):
        encoder.save(tmp_path / "a.textcnn")
    classifier = TextCNNClassifier(**SMALL).fit(TABLE, Y)
    classifier.note_ = object()
    with pytest.raises(TypeError, match="note_"):
        classifier.save(tmp_path / "a.textcnn")
    assert not list(tmp_path.iterdir())
    with pytest.raises(NotFittedError):
        tiny().save(tmp_path / "a.textcnn")

    class Mine(TextCNNClassifier):
        pass

    with pytest.raises(TypeError, match="derived"):
        Mine(**SMALL).fit(TABLE, Y).save(tmp_path / "a.textcnn")


def test_an_unknown_member_of_a_table_is_named(tmp_path):
    member = ("tree", OutOfFoldEncoder(make_pipeline(TfidfVectorizer(), DecisionTreeClassifier())))
    features = TableFeatures([member], cv=2).fit(TABLE, Y)
    with pytest.raises(TypeError, match=r"DecisionTreeClassifier\. Use skops\.io\.dump") as caught:
        features.save(tmp_path / "a.textcnn")
    assert str(caught.value).startswith("TableFeatures.parameters['members'][0]")
    assert not list(tmp_path.iterdir())


def test_another_version_of_skrub_warns(fitted, tmp_path):
    import skrub

    features, _ = fitted("TableFeatures, skrub")
    features.save(tmp_path / "a.textcnn")
    content = (tmp_path / "a.textcnn").read_bytes()
    here = f'"_skrub_version": "{skrub.__version__}"'

    def older(state):
        text = json.dumps(state)
        assert here in text
        return json.loads(text.replace(here, '"_skrub_version": "0.5"'))

    (tmp_path / "a.textcnn").write_bytes(forged_state(content, older))
    with pytest.warns(UserWarning, match=r"saved by skrub 0\.5 and is loaded by skrub"):
        textcnn.load(tmp_path / "a.textcnn")


def test_without_skrub_its_encoder_is_asked_for(fitted, tmp_path, monkeypatch):
    fitted("TableFeatures, skrub")[0].save(tmp_path / "a.textcnn")
    Registry.entry.cache_clear()
    monkeypatch.setitem(sys.modules, "skrub", None)
    with pytest.raises(ImportError, match="skrub's StringEncoder.*pip install skrub"):
        textcnn.load(tmp_path / "a.textcnn")


def test_another_version_of_scikit_learn_warns(tmp_path):
    OutOfFoldEncoder(LogisticRegression(), cv=2).fit(NUMBERS, Y).save(tmp_path / "a.textcnn")
    content = (tmp_path / "a.textcnn").read_bytes()

    def older(state):
        return json.loads(json.dumps(state).replace(f'"{_version()}"', '"1.2.0"'))

    (tmp_path / "a.textcnn").write_bytes(forged_state(content, older))
    with pytest.warns(InconsistentVersionWarning, match=r"LogisticRegression from version 1\.2\.0"):
        textcnn.load(tmp_path / "a.textcnn")


def _version():
    import sklearn

    return sklearn.__version__


def test_strange_words_and_values_come_back(tmp_path):
    texts = ["\ud800 lone", "a\x00b \x1f", "שלום 你好", "🇩🇪 👩‍👩‍👧", "e\u0301"] * 8
    classes = np.array(["\ud800", "ü\n", "𝒳"], object)
    classifier = TextCNNClassifier(**SMALL, level="char", class_weight={"\ud800": 2.0, "ü\n": 1.5})
    classifier.fit(texts, np.resize(classes, 40))
    classifier.save(tmp_path / "a.textcnn")
    loaded = textcnn.load(tmp_path / "a.textcnn")
    assert loaded.classes_.tolist() == sorted(classes.tolist())
    assert loaded.class_weight == classifier.class_weight
    np.testing.assert_array_equal(loaded.predict_proba(texts), classifier.predict_proba(texts))


def test_int8_vectors_are_a_quarter_and_nearly_the_same(tmp_path):
    words = ["good", "bad", *(f"word{i}" for i in range(1998))]
    table = WordVectors(words, np.random.default_rng(0).normal(size=(2000, 50)))
    encoder = tiny(embeddings=table, cv=2, learned_dim=4, epochs=3).fit(TABLE, Y == 0)
    encoder.save(tmp_path / "a.textcnn")
    encoder.save(tmp_path / "b.textcnn", vectors="int8")
    assert (tmp_path / "b.textcnn").stat().st_size < 0.4 * (tmp_path / "a.textcnn").stat().st_size
    near = textcnn.load(tmp_path / "b.textcnn").transform(TABLE)
    exact = textcnn.load(tmp_path / "a.textcnn").transform(TABLE)
    assert 0 < np.abs(near - exact).max() < 0.01
    with pytest.raises(ValueError, match="Received: vectors='int4'"):
        encoder.save(tmp_path / "c.textcnn", vectors="int4")


STORED = sorted((REPOSITORY / "tests" / "data").glob("*_v*.textcnn"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_files_of_every_format_version_are_read(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    loaded = textcnn.load(path)
    X = expected["X"]
    X = np.array(X, np.uint8) if expected["pictures"] else X
    features = getattr(loaded, expected["method"])(X)
    np.testing.assert_allclose(features, expected["features"], atol=2e-6)
    assert len(np.unique(features)) > 2


def test_there_is_a_stored_file_of_each_format_version():
    from textcnn.persistence import FORMAT_VERSION

    found = {path.stem.rpartition("_v")[2] for path in STORED}
    assert found == {str(version) for version in range(1, FORMAT_VERSION + 1)}
    assert all(path.stat().st_size < 100_000 for path in STORED)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Two files of one estimator, one of them to be overwritten."""
    folder = tmp_path_factory.mktemp("stored")
    encoder = tiny(cv=2, learned_dim=4).fit(TABLE, Y == 0)
    encoder.save(folder / "model.textcnn")
    return folder / "model.textcnn"


def run(code: str, *arguments) -> subprocess.CompletedProcess:
    """Run code in another process, which does not load a backend."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
    )


def test_a_kill_in_the_middle_leaves_the_old_file(stored):
    before = stored.read_bytes()
    code = f"""
        import os, signal, sys, textcnn
        from textcnn.persistence import archive
        encoder = textcnn.load(sys.argv[1])
        write, n = {WRITE_TO_ARCHIVE}, []
        def dying(self, *parts):
            write(self, *parts)
            n.append(1)
            if len(n) == 5:
                os.kill(os.getpid(), signal.SIGKILL)
        {WRITE_TO_ARCHIVE} = dying
        encoder.save(sys.argv[1])
    """
    assert run(code, stored).returncode == -signal.SIGKILL
    assert stored.read_bytes() == before
    (left,) = stored.parent.glob(".model.textcnn.*.part")
    assert 0 < left.stat().st_size < len(before)
    left.unlink()


def test_an_interrupt_and_a_full_disk_leave_the_old_file_and_nothing_else(stored):
    before = stored.read_bytes()
    code = f"""
        import resource, sys, textcnn
        from textcnn.persistence import archive
        encoder = textcnn.load(sys.argv[1])
        def interrupted(self, *parts):
            raise KeyboardInterrupt
        if sys.argv[2] == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        else:
            {WRITE_TO_ARCHIVE} = interrupted
        try:
            encoder.save(sys.argv[1])
        except BaseException as error:
            print(type(error).__name__, error)
    """
    full = run(code, stored, "full")
    assert full.stdout.startswith("OSError [Errno 27]") and not full.stderr
    interrupted = run(code, stored, "interrupt")
    assert interrupted.stdout.startswith("KeyboardInterrupt") and not interrupted.stderr
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == ["model.textcnn"]


def test_places_that_cannot_be_written_to(stored, tmp_path):
    encoder = textcnn.load(stored)
    with pytest.raises(FileNotFoundError):
        encoder.save(tmp_path / "nowhere" / "a.textcnn")
    with pytest.raises(IsADirectoryError, match="folder"):
        encoder.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        textcnn.load(tmp_path / "a.textcnn")


def test_a_link_stays_a_link_and_rights_stay(stored, tmp_path):
    encoder = textcnn.load(stored)
    path, link = tmp_path / "real.textcnn", tmp_path / "link.textcnn"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    encoder.save(link)
    assert link.is_symlink() and path.read_bytes() == stored.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    old = os.umask(0o027)
    try:
        encoder.save(tmp_path / "new.textcnn")
    finally:
        os.umask(old)
    assert (tmp_path / "new.textcnn").stat().st_mode & 0o777 == 0o640


def test_loading_and_serving_a_few_rows_loads_no_backend(stored):
    code = """
        import sys, textcnn
        encoder = textcnn.load(sys.argv[1])
        import pandas
        print(encoder.transform(pandas.DataFrame({"review": ["good"]})).shape)
        print(sorted({"tensorflow", "keras", "gensim"} & set(sys.modules)))
    """
    finished = run(code, stored)
    assert finished.stdout.splitlines() == ["(1, 1)", "[]"], finished.stderr


def test_ridge_is_the_model_of_numbers():
    # The registry keeps it free of scikit-learn's version.
    encoder = ESTIMATORS["TextLinearEncoder, numbers"][0]
    fitted = clone(encoder).fit(TABLE, NUMBERS[:, 0])
    assert type(models_of(fitted)[0].model.estimator[-1]) is Ridge
