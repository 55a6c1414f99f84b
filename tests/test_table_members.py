"""The members without a target, counts, static and sentence: values, files, languages, errors."""

import importlib.machinery
import pickle
import sys
import types

import numpy as np
import pandas as pd
import pytest
from checks import signal_table
from inside import forget_vectors
from sklearn.base import clone

import textcnn
from textcnn import TableFeatures
from textcnn.table.counts import NAMES, TextCounts, text_counts
from textcnn.table.static import StaticVectors
from textcnn.text.piece_vectors import open_pieces
from textcnn.text.tokens import word_tokens

pytest.importorskip("wordllama")

TEXTS = ["A good film", "a bad film!!", "", "what a good, good cast", "the bad cast", None] * 5
NEW = ["a GOOD cast", "unheard-of words", "", "😡 \ud83d é"]


def static(**parameters):
    return StaticVectors(**({"n_components": 3} | parameters))


def table_of(members, n_rows=60):
    X, y = signal_table(n_rows, 0)
    X["review"] = [f"{text}{'!' * (row % 3)}" for row, text in enumerate(X["review"])]
    return TableFeatures(members, cv=3, random_state=0), X, y


class TestCounts:
    def test_against_a_plain_computation(self):
        texts = [
            "",
            " \n",
            "Hello, WORLD 42!!!",
            "ÄÖ…… naïve ½ 5€€",
            "no1 a-b",
            "日本語。。",
            "x\ud83dy",
        ]
        for text, counts in zip(texts, text_counts(texts), strict=True):
            others = [c.isalnum() or c.isspace() or "\ud800" <= c <= "\udfff" for c in text]
            is_mark = [not other for other in others]
            words = "".join(c if c.isalnum() else " " for c in text).split()
            expected = {
                "characters": len(text),
                "words": len(words),
                "digits": sum(c.isdecimal() for c in text),
                "capitals": sum(c.isupper() for c in text),
                "punctuation": sum(is_mark),
                "non_ascii": sum(ord(c) > 127 for c in text),
                "repeated_marks": sum(
                    is_mark[i] and text[i] == text[i - 1] for i in range(1, len(text))
                ),
            }
            counted = dict(zip(NAMES, np.expm1(counts).round(3), strict=True))
            assert counted.pop("missing") == pytest.approx(np.expm1(not text.strip()), abs=0.001)
            assert counted == pytest.approx(expected)

    def test_a_mark_at_the_end_of_a_text_does_not_repeat_in_the_next(self):
        counts = text_counts(["a!", "!b", "!"])
        assert not counts[:, NAMES.index("repeated_marks")].any()

    def test_blocks_are_no_limit(self):
        texts = ["Aa1! " * 90_000, "b" * 2_000_000, "", "!!"]
        together = text_counts(texts)
        alone = np.vstack([text_counts([text]) for text in texts])
        np.testing.assert_array_equal(together, alone)
        assert np.expm1(together[0, 1]) == pytest.approx(90_000, rel=1e-5)

    def test_columns_that_do_not_vary_are_left_out(self):
        counts = TextCounts().fit(["one", "three", "four more"])
        assert counts.get_feature_names_out().tolist() == ["characters", "words"]
        assert counts.transform(["NEW 5!!"]).shape == (1, 2)
        assert TextCounts().fit_transform(["same", "same"]).shape == (2, 1)


class TestStatic:
    def test_against_a_plain_computation(self):
        encoder = static().fit(TEXTS)
        found = encoder.transform(TEXTS + NEW)
        pieces = open_pieces("wordllama")
        texts = [[word.lower() for word in word_tokens(text or "")] for text in TEXTS + NEW]
        vectors = np.zeros((len(texts), pieces.dim))
        for row, words in enumerate(texts):
            for word in words:
                known, vector = pieces.vectors_of([word])
                if known[0]:
                    vectors[row] += vector[0]
        lengths = np.linalg.norm(vectors, axis=1)
        is_known = lengths > 0
        vectors[is_known] /= lengths[is_known, None]
        known = vectors[: len(TEXTS)][is_known[: len(TEXTS)]]
        centred = known - known.mean(axis=0)
        directions = np.linalg.svd(centred, full_matrices=False)[2][:3]
        scores = centred @ directions.T
        scale = np.sqrt((scores**2).sum() / len(scores))
        expected = (vectors - known.mean(axis=0)) @ directions.T / scale
        signs = np.sign((found * expected).sum(axis=0))
        np.testing.assert_allclose(found[is_known], (expected * signs)[is_known], atol=1e-4)
        assert not found[~is_known].any()
        assert found.dtype == np.float32

    def test_training_rows_and_new_rows_are_read_alike(self):
        encoder = static()
        np.testing.assert_allclose(encoder.fit_transform(TEXTS), encoder.transform(TEXTS))
        together = encoder.transform(NEW)
        alone = np.vstack([encoder.transform([text]) for text in NEW])
        np.testing.assert_allclose(together, alone, atol=1e-6)

    def test_new_words_are_near_words_of_their_meaning(self):
        encoder = static(n_components=1).fit(["film", "movie", "wine", "beer"])
        film, movie, wine, beer, cinema, vodka = encoder.transform(
            ["film", "movie", "wine", "beer", "cinema", "vodka"]
        )[:, 0]
        border = (film + movie + wine + beer) / 4
        assert (film > border) == (movie > border) == (cinema > border) != (wine > border)
        assert (wine > border) == (beer > border) == (vodka > border)

    @pytest.mark.parametrize(
        ("texts", "n_columns"), [(["", None], 1), (["alone"], 1), (["one", "two"], 2)]
    )
    def test_few_texts(self, texts, n_columns):
        encoder = static()
        features = encoder.fit_transform(texts)
        assert features.shape == (len(texts), n_columns)
        assert np.isfinite(features).all()
        assert len(encoder.get_feature_names_out()) == n_columns
        assert encoder.transform(["new", ""]).shape == (2, n_columns)

    def test_a_folder_of_model2vec(self, tmp_path):
        model2vec = pytest.importorskip("model2vec")
        tokenizers = pytest.importorskip("tokenizers")
        tokenizer = tokenizers.Tokenizer(
            tokenizers.models.WordLevel({"[UNK]": 0, "good": 1, "bad": 2}, unk_token="[UNK]")
        )
        table = np.eye(3, 4, dtype=np.float32)
        model2vec.StaticModel(table, tokenizer).save_pretrained(tmp_path / "one")
        encoder = static(vectors=tmp_path / "one")
        features = encoder.fit_transform(["good", "bad", "good film", "film"])
        np.testing.assert_allclose(features[0], features[2], atol=1e-6)
        assert (features[0] * features[1]).sum() < 0 and not features[3].any()
        model2vec.StaticModel(table[::-1].copy(), tokenizer).save_pretrained(tmp_path / "one")
        forget_vectors()
        with pytest.raises(ValueError, match="are not those of the fit"):
            encoder.transform(["good"])
        (tmp_path / "one" / "model.safetensors").unlink()
        forget_vectors()
        with pytest.raises(ImportError, match="no model in the folder"):
            encoder.transform(["good"])

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"n_components": 0}, "n_components must be an integer"),
            ({"n_components": 2.5}, "n_components must be an integer"),
            ({"vectors": "no such folder"}, "model.save_pretrained"),
            ({"vectors": 3}, "vectors must be"),
        ],
    )
    def test_wrong_parameters(self, parameters, message):
        with pytest.raises(ValueError, match=message):
            static(**parameters).fit(TEXTS)

    def test_a_language_that_the_vectors_do_not_know_is_noted(self):
        turkish = "Türk Vatanı ve Milletinin ebedi varlığını ve Yüce Türk Devletinin bütünlüğünü"
        X = pd.DataFrame({"review": [f"{turkish} {i}" for i in range(40)]})
        notes = {}
        for name, cells in (("turkish", X), ("english", signal_table(40, 0)[0])):
            features = TableFeatures(["static"], columns="all", cv=2, random_state=0)
            report = features.fit(cells, np.arange(40) % 2).report_
            notes[name] = "\n".join(report.notes)
        assert "review, static" in notes["turkish"] and "multilingual model" in notes["turkish"]
        assert "multilingual model" not in notes["english"]

    def test_a_machine_without_the_package_is_told_what_to_type(self, monkeypatch):
        encoder = static().fit(TEXTS)
        restored = pickle.loads(pickle.dumps(encoder))
        forget_vectors()
        monkeypatch.setitem(sys.modules, "wordllama", None)
        try:
            for one in (restored, clone(encoder)):
                with pytest.raises(ImportError, match=r"pip install 'textcnn\[vectors\]'"):
                    one.fit(TEXTS) if one is not restored else one.transform(NEW)
        finally:
            monkeypatch.undo()
            forget_vectors()


@pytest.mark.parametrize("member", ["counts", "static"])
class TestInTables:
    def test_names_and_files(self, member, tmp_path):
        features, X, y = table_of([member, "linear"])
        train = features.fit_transform(X, y)
        names = train.columns.tolist()
        assert names == features.get_feature_names_out().tolist()
        first = {"counts": "review_counts_characters", "static": "review_static_0"}[member]
        assert names[0] == first and names[-1] == "review_linear"
        assert (train.dtypes == np.float32).all()
        new = signal_table(20, 3)[0]
        expected = features.transform(new)
        features.save(tmp_path / "a.textcnn")
        restored = textcnn.load(tmp_path / "a.textcnn")
        pd.testing.assert_frame_equal(restored.transform(new), expected)
        again = clone(features).fit_transform(X, y)
        pd.testing.assert_frame_equal(again, train)

    def test_no_target_has_a_say(self, member):
        features, X, y = table_of([member])
        first = features.fit_transform(X, y)
        pd.testing.assert_frame_equal(clone(features).fit_transform(X, 1 - y), first)
        pd.testing.assert_frame_equal(features.transform(X), first)
        assert not features.report_.verify().reports

    def test_parameters_by_name(self, member):
        features, X, y = table_of([member])
        if member == "static":
            features.set_params(static__n_components=2)
            assert features.fit_transform(X, y).shape == (60, 2)
        assert type(features.get_params()[member]).__module__ == f"textcnn.table.{member}"


class SentenceModel:
    """Stands in for sentence_transformers.SentenceTransformer: hashes of the words as vectors."""

    def __init__(self, name, **_):
        self.name = name

    def encode(self, texts, **_):
        vectors = np.zeros((len(texts), 40), np.float32)
        for row, text in enumerate(texts):
            for word in str(text).split():
                vectors[row, sum(map(ord, word)) % 40] += 1
        return vectors


def test_sentence_is_saved_without_its_model(monkeypatch, tmp_path):
    package = types.ModuleType("sentence_transformers")
    package.__spec__ = importlib.machinery.ModuleSpec("sentence_transformers", None)
    package.SentenceTransformer = SentenceModel
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)
    monkeypatch.setenv("SKB_DATA_DIRECTORY", str(tmp_path))
    features, X, y = table_of(["sentence"])
    features.set_params(
        sentence__model_name=tmp_path / "model",
        sentence__n_components=5,
        sentence__token_env_variable="A_TOKEN",
        sentence__cache_folder=str(tmp_path),
    )
    train = features.fit_transform(X, y)
    assert train.columns.tolist() == [f"review_sentence_{i}" for i in range(5)]
    pd.testing.assert_frame_equal(clone(features).fit_transform(X, 1 - y), train)
    new = signal_table(20, 3)[0]
    expected = features.transform(new)
    features.save(tmp_path / "a.textcnn")
    restored = textcnn.load(tmp_path / "a.textcnn")
    pd.testing.assert_frame_equal(restored.transform(new), expected)
    encoder = restored.encoders_["review", "sentence"]
    assert encoder.model_name == str(tmp_path / "model")
    assert encoder.token_env_variable is None and encoder.cache_folder is None
    assert features.encoders_["review", "sentence"].token_env_variable == "A_TOKEN"


def test_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    features, X, y = table_of(["sentence"])
    with pytest.raises(ImportError, match=r"pip install 'textcnn\[sentence\]'"):
        features.fit(X, y)
    assert features.get_params()["members"] == ["sentence"]
