"""Serving from a saved file: the same features, with NumPy alone or with onnxruntime."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from forged_files import forged_state
from inside import HEAD, network_of, onnx_rows_at_a_time

import textcnn.serving
from textcnn import TextCNNClassifier, TextCNNRegressor, TextLinearEncoder, WordVectors
from textcnn.persistence import FileFormatError

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(60, seed=2, n_classes=3)
TEXTS = TABLE["review"].tolist()
NEW = signal_table(60, seed=3)[0]["review"].tolist()
HARD = ["", "good", "ÜBER 你好 🇩🇪", "bad " * 500, "\ud800 x"]
SMALL = {"n_filters": 3, "kernel_sizes": (2, 3), "epochs": 2, "random_state": 0, "n_networks": 1}


def vectors():
    words = ["good", "Bad", "film", "fine", "你"]
    return WordVectors(words, np.random.default_rng(0).normal(size=(5, 4)))


ENCODERS = {
    "plain": {},
    "vectors": {"embeddings": vectors(), "max_length": 7},
    "only vectors": {"embeddings": vectors(), "learned_dim": 0, "output": "logit"},
    "trained vectors": {"embeddings": vectors(), "trainable_embeddings": True, "n_filters": 3},
    "dense": {"dense_units": (3,), "activation": "tanh", "pooling": "both"},
    "characters": {"level": "char", "ensemble": "refit", "kernel_sizes": (2, 4)},
}


def close(received, expected):
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert received.dtype == expected.dtype and received.shape == expected.shape


def test_joined_columns_are_served_joined(tmp_path):
    table = TABLE.assign(title=TABLE["review"].str[:9])
    encoder = tiny(cv=2, join_columns=True).fit(table, Y == 0)
    encoder.save(tmp_path / "a.textcnn")
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    close(model.transform({name: table[name].tolist() for name in table}), encoder.transform(table))
    assert model.feature_names == ["joined_cnn"]


@pytest.mark.parametrize("name", ENCODERS)
def test_numpy_gives_the_features_of_transform(tmp_path, name):
    y = Y == 0 if name != "plain" else Y
    encoder = tiny(**({"cv": 2} | ENCODERS[name])).fit(TEXTS, y)
    encoder.save(tmp_path / "a.textcnn")
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    many = (HARD + NEW) * 12
    assert len(many) > onnx_rows_at_a_time()
    close(model.transform(many), encoder.transform(many))
    close(model.transform(HARD[:1]), encoder.transform(HARD[:1]))
    assert model.feature_names == encoder.get_feature_names_out().tolist()
    assert np.ptp(model.transform(many)[:, 0]) > 0


def test_several_columns_and_missing_cells(tmp_path):
    table = TABLE.assign(title=TABLE["review"].str[::-1])
    encoder = tiny(cv=2).fit(table, Y)
    encoder.save(tmp_path / "a.textcnn")
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    table.loc[[3, 5], "title"] = None
    expected = encoder.transform(table)
    close(model.transform(table.to_dict("list")), expected)
    close(model.transform({"title": table["title"], "review": TABLE["review"]}), expected)
    assert model.columns == ["review", "title"]
    for texts, message in [
        ("good", "Expected a list of texts"),
        (["good"], "dict with the columns"),
        ({"review": ["good"]}, r"without \['title'\]"),
        ({"review": ["good"], "title": []}, "equally many in each column"),
        ({"review": ["good", b"x"], "title": ["a", "b"]}, "column 'review', row 1"),
        ({"review": [], "title": []}, "at least one row"),
    ]:
        with pytest.raises((TypeError, ValueError), match=message):
            model.transform(texts)


def test_classifiers_and_regressors_are_served(tmp_path):
    classifier = TextCNNClassifier(**SMALL).fit(TABLE, np.array(["b", "a", "ü"])[Y])
    classifier.save(tmp_path / "a.textcnn")
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    close(model.predict_proba(TEXTS), classifier.predict_proba(TABLE))
    assert model.predict(TEXTS).tolist() == classifier.predict(TABLE).tolist()
    with pytest.raises(TypeError, match="Call predict or predict_proba"):
        model.transform(TEXTS)
    table = TABLE.assign(title=TABLE["review"].str.upper())
    regressor = TextCNNRegressor(**SMALL).fit(table, Y * 10.0)
    regressor.save(tmp_path / "b.textcnn")
    model = textcnn.serving.load(tmp_path / "b.textcnn")
    np.testing.assert_allclose(
        model.predict(table.to_dict("list")), regressor.predict(table), atol=1e-4
    )


@pytest.mark.parametrize("name", ["vectors", "two blocks"])
def test_onnxruntime_gives_the_features_of_transform(tmp_path, name):
    settings = ENCODERS.get(name, {"n_blocks": 2, "embeddings": vectors()})
    encoder = tiny(**({"cv": 2, "n_filters": 3} | settings)).fit(TEXTS, Y)
    encoder.export(tmp_path / "model.onnx")
    model = textcnn.serving.load(tmp_path / "model.textcnn", runtime="onnxruntime")
    assert "onnxruntime" in repr(model)
    many = (HARD + NEW) * 9
    close(model.transform(many), encoder.transform(many))
    close(model.transform(HARD[1:2]), encoder.transform(HARD[1:2]))
    encoder.export(tmp_path / "model.onnx", vectors="int8")
    small = textcnn.serving.load(tmp_path / "model.textcnn", runtime="onnxruntime")
    differences = np.abs(small.transform(many) - encoder.transform(many))
    assert 0 < differences.max() < 0.02
    # Files that do not belong together are noticed.
    encoder.save(tmp_path / "model.textcnn")
    with pytest.raises(FileFormatError, match="belongs to another saved estimator"):
        textcnn.serving.load(tmp_path / "model.textcnn", runtime="onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07nonsense")
    with pytest.raises(FileFormatError, match=r"onnxruntime cannot load 'model\.onnx'"):
        textcnn.serving.load(tmp_path / "model.textcnn", runtime="onnxruntime")
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(FileFormatError, match=r"needs an \.onnx file next to it"):
        textcnn.serving.load(tmp_path / "model.textcnn", runtime="onnxruntime")
    if name == "two blocks":
        for runtime in ("auto", "numpy"):
            with pytest.raises(
                FileFormatError, match="onnx file next to it|not implemented in NumPy"
            ):
                textcnn.serving.load(tmp_path / "model.textcnn", runtime=runtime)
    with pytest.raises(ValueError, match="Received: runtime='torch'"):
        textcnn.serving.load(tmp_path / "model.textcnn", runtime="torch")


def test_int8_vectors_stay_small_in_memory_and_give_nearly_the_same(tmp_path):
    words = ["good", "bad", *(f"word{i}" for i in range(2998))]
    table = WordVectors(words, np.random.default_rng(0).normal(size=(3000, 40)))
    encoder = tiny(embeddings=table, cv=2, epochs=3).fit(TEXTS, Y == 0)
    encoder.save(tmp_path / "a.textcnn", vectors="int8")
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    given = network_of(model).readers[0].vocabulary.given
    assert given.nbytes < 0.3 * network_of(encoder).readers[0].vocabulary.given.nbytes
    texts = [*NEW, "word1 word2 good", "word7"]
    differences = np.abs(model.transform(texts) - encoder.transform(texts))
    assert 0 < differences.max() < 0.01
    loaded = textcnn.load(tmp_path / "a.textcnn")
    close(model.transform(texts), loaded.transform(texts))


def test_unsupported_estimators_are_refused(tmp_path):
    TextLinearEncoder(cv=2).fit(TEXTS, Y).save(tmp_path / "a.textcnn")
    with pytest.raises(
        FileFormatError, match=r"not support TextLinearEncoder.*hash functions.*textcnn\.load"
    ):
        textcnn.serving.load(tmp_path / "a.textcnn")
    stored = Path(__file__).parent / "data"
    for name, reason in (("pictures", "Pillow"), ("table", "estimators of scikit-learn")):
        with pytest.raises(FileFormatError, match=rf"does not support.*{reason}.*textcnn\.load"):
            textcnn.serving.load(stored / f"{name}_v1.textcnn")
    encoder = tiny(cv=2).fit(TEXTS, Y)
    encoder.save(tmp_path / "b.textcnn")
    with pytest.raises(ValueError, match=r"ends in \.onnx"):
        encoder.export(tmp_path / "b.textcnn")

    def other(state):
        return state | {"object": "TextLinearEncoder"}

    def unfitted(state):
        state["state"]["fitted"]["dict"] = []
        return state

    def empty(state):
        state["state"]["fitted"]["dict"][0][1] = state["state"]["parameters"]["dict"][0][1] = {}
        return {**state, "state": {**state["state"], "fitted": {"dict": [[HEAD, {}]]}}}

    content = (tmp_path / "b.textcnn").read_bytes()
    for change in (other, unfitted, empty, lambda state: [], lambda state: {"object": 1}):
        (tmp_path / "c.textcnn").write_bytes(forged_state(content, change))
        with pytest.raises(FileFormatError):
            textcnn.serving.load(tmp_path / "c.textcnn")


WITHOUT = """
    import sys

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {missing}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Missing())
    import json
    import textcnn.serving
    model = textcnn.serving.load(sys.argv[1], runtime=sys.argv[3])
    print(json.dumps(model.transform(json.loads(sys.argv[2])).tolist()))
    loaded = {{name.partition(".")[0] for name in sys.modules}}
    print(sorted(loaded & {{"onnxruntime", "numpy", *{missing}}}))
"""
HEAVY = {
    "gensim",
    "joblib",
    "keras",
    "matplotlib",
    "pandas",
    "PIL",
    "polars",
    "pyarrow",
    "scipy",
} | {"sklearn", "tensorflow", "threadpoolctl", "torch", "jax", "onnx", "tf2onnx"}


@pytest.mark.parametrize("export", [False, True], ids=["NumPy", "onnxruntime"])
def test_serving_needs_neither_tensorflow_nor_pandas_nor_scikit_learn(tmp_path, export):
    encoder = tiny(cv=2, embeddings=vectors()).fit(TEXTS, Y)
    if export:
        encoder.export(tmp_path / "model.onnx")
    else:
        encoder.save(tmp_path / "model.textcnn")
    texts = [*NEW, "", "你好 good"] * 2
    missing = HEAVY if export else HEAVY | {"onnxruntime"}
    code = textwrap.dedent(WITHOUT.format(missing=sorted(missing)))
    finished = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            tmp_path / "model.textcnn",
            json.dumps(texts),
            "onnxruntime" if export else "auto",
        ],  # fmt: skip
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
    )
    features, loaded = finished.stdout.splitlines() or pytest.fail(finished.stderr)
    np.testing.assert_allclose(json.loads(features), encoder.transform(texts), atol=1e-5)
    assert loaded == ("['numpy', 'onnxruntime']" if export else "['numpy']")


def test_without_onnxruntime_the_error_says_what_to_install(tmp_path, monkeypatch):
    tiny(cv=2).fit(TEXTS, Y).save(tmp_path / "a.textcnn")
    (tmp_path / "a.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="pip install onnxruntime"):
        textcnn.serving.load(tmp_path / "a.textcnn", runtime="onnxruntime")


def test_cells_that_are_no_text_are_read_as_transform_reads_them(tmp_path):
    encoder = tiny(cv=2).fit(TEXTS, Y == 0)
    encoder.save(tmp_path / "a.textcnn")
    cells = pd.Series(["good", 3, 2.5, None, float("nan"), pd.NA, pd.NaT, True], dtype=object)
    model = textcnn.serving.load(tmp_path / "a.textcnn")
    close(model.transform(cells), encoder.transform(cells))
