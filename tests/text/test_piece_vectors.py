import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from inside import (
    forget_vectors,
    look_for_weights_of_wordllama_at,
    network_of,
    networks_of,
)
from sklearn.base import clone

import textcnn
import textcnn.serving
from textcnn import TableFeatures, TextCNNClassifier, TextCNNEncoder, TextCNNRegressor
from textcnn.text.new_words import PieceChannel, read_channels
from textcnn.text.piece_vectors import PieceVectors, open_pieces
from textcnn.text.vectors import WordVectors, load_vectors

model2vec = pytest.importorskip("model2vec")
wordllama = pytest.importorskip("wordllama")
tokenizers = pytest.importorskip("tokenizers")

REPOSITORY = Path(__file__).parents[2]
TEXTS = ["good film", "bad film", "very good", "so bad"] * 8
LIKED = [1, 0, 1, 0] * 8
NEW = ["excellent", "terrible plot", "good", "Zürich 😡 \ud83d"]
QUICK = {"n_filters": 4, "epochs": 3, "random_state": 0}
PIECES = ["[UNK]", "good", "film", "##s", "un", "##seen", "Paris", "b", "##a", "##d"]


@pytest.fixture(autouse=True)
def empty_cache():
    forget_vectors()
    yield
    forget_vectors()


def made_model(dim=6, **options):
    """A tiny static model: pieces of words, of which the first is unknown."""
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    table = np.random.default_rng(0).normal(1.0, 3.0, (len(PIECES), dim)).astype(np.float32)
    return model2vec.StaticModel(table, tokenizer, **options)


def saved_model(folder, **options):
    made_model(**options).save_pretrained(folder)
    return str(folder)


def quick(embeddings="wordllama", **options):
    return TextCNNEncoder(embeddings, **(QUICK | {"cv": 2} | options))


@pytest.fixture
def without_packages(monkeypatch):
    """Let the process be one in which no package of piece vectors is installed."""

    def hide():
        forget_vectors()
        for name in ("wordllama", "model2vec", "tokenizers", "safetensors"):
            monkeypatch.setitem(sys.modules, name, None)

    return hide


class TestDefinition:
    def test_wordllama_against_a_plain_computation(self):
        from safetensors.numpy import load_file

        folder = Path(wordllama.__file__).parent
        (table,) = load_file(folder / "weights/l2_supercat_256.safetensors").values()
        table = table.astype(np.float64)
        tokenizer = tokenizers.Tokenizer.from_file(
            str(folder / "tokenizers/l2_supercat_tokenizer_config.json")
        )
        words = ["good", "unwatchable", "don't", "好", "😡", "café"]
        expected = []
        for word in words:
            ids = tokenizer.encode(word, add_special_tokens=False).ids
            total = sum(table[i] for i in ids)
            expected.append(total / np.sqrt(len(ids)) / table.std() * 0.25)
        found, vectors = load_vectors("wordllama").vectors_of(words)
        assert found.all()
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-6)

    def test_a_static_model_with_weights_and_a_mapping(self):
        n = len(PIECES)
        weights = np.linspace(0.5, 2.0, n)
        mapping = np.arange(n)[::-1] // 2
        table = np.random.default_rng(1).normal(size=(n // 2, 3)).astype(np.float32)
        model = model2vec.StaticModel(
            table, made_model().tokenizer, weights=weights, token_mapping=mapping
        )
        of_piece = {p: table[mapping[i]] * weights[i] for i, p in enumerate(PIECES)}
        scale = 0.25 / np.std(list(of_piece.values()))
        found, vectors = open_pieces(model).vectors_of(["good", "films", "unseen", "?"])
        assert found.tolist() == [True, True, True, False]
        np.testing.assert_allclose(vectors[0], of_piece["good"] * scale, rtol=1e-5)
        two = (of_piece["film"] + of_piece["##s"]) / np.sqrt(2) * scale
        np.testing.assert_allclose(vectors[1], two, rtol=1e-5)

    def test_case_is_ignored_unless_only_the_word_as_written_is_known(self):
        pieces = open_pieces(made_model())
        found, vectors = pieces.vectors_of(["good", "GOOD", "Paris", "paris"])
        assert found.tolist() == [True, True, True, False]
        np.testing.assert_array_equal(vectors[0], vectors[1])
        held = WordVectors.from_pieces(pieces, ["Good", "good", "Paris", "?"])
        assert held.words == ["good", "Paris"]

    def test_a_word_has_one_vector_in_any_company(self):
        pieces = load_vectors("wordllama")
        words = ["good", "unwatchable", "a" * 500, "\ud83d", "x y"]
        together = pieces.vectors_of(words)[1]
        for word, vector in zip(words, together, strict=True):
            np.testing.assert_array_equal(pieces.vectors_of([word])[1][0], vector)
        assert pieces.vectors_of([""])[0].tolist() == [False]
        assert pieces.vectors_of([])[1].shape == (0, 256)

    def test_first_words_are_whole_lower_case_pieces(self):
        pieces = open_pieces(made_model())
        assert pieces.first_words(2) == ["good", "film"]
        assert pieces.first_words(99) == ["good", "film", "un", "b"]
        assert pieces.first_words(0) == []
        first = load_vectors("wordllama").first_words(500)
        assert len(first) == 500
        assert {"the", "in", "of"} < set(first)


class TestNewWords:
    def test_a_new_word_has_the_vector_that_it_would_have_had_at_fit(self):
        encoder = quick(keep_vectors="seen").fit(TEXTS, LIKED)
        new = encoder.transform(NEW)
        kept = quick(keep_vectors=20_000).fit(TEXTS, LIKED)
        np.testing.assert_allclose(kept.transform(NEW), new, rtol=1e-6)
        assert len(np.unique(encoder.transform(["excellent", "terrible", "plot"]))) == 3

    def test_a_row_has_one_feature_in_any_company(self):
        encoder = quick().fit(TEXTS, LIKED)
        together = encoder.transform(NEW)
        alone = np.vstack([encoder.transform([text]) for text in NEW])
        np.testing.assert_allclose(alone, together, atol=1e-6)

    @pytest.mark.parametrize(
        "options",
        [
            {"engine": "numba"},
            {"engine": "keras"},
            {"engine": "keras", "n_blocks": 2},
            {"engine": "numba", "trainable_embeddings": True},
            {"engine": "keras", "trainable_embeddings": True},
            {"engine": "keras", "trainable_embeddings": True, "n_blocks": 2},
        ],
        ids=str,
    )
    def test_every_engine_reads_them(self, options):
        encoder = quick(keep_vectors="seen", **options)
        encoder.fit(TEXTS, LIKED)
        new = encoder.transform(NEW)
        assert np.isfinite(new).all()
        assert new[0] != encoder.transform(["\x00"])
        again = clone(encoder).fit(TEXTS, LIKED).transform(NEW)
        np.testing.assert_array_equal(again, new)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(NEW), new)

    def test_a_list_leaves_the_unknown_words_numbers_in_other_channels(self):
        other = WordVectors(["good", "bad", "film", "excellent"], np.eye(4, 3) - 0.5)
        encoder = quick([other, "wordllama", "corpus"], keep_vectors="seen")
        encoder.fit(TEXTS, LIKED)
        vocabulary = network_of(encoder).readers[0].vocabulary
        rows, vectors = vocabulary.compose(["excellent"], np.array([1], np.int32))
        assert rows.tolist() == [len(vocabulary.given)]
        made = load_vectors("wordllama").vectors_of(["excellent"])[1][0]
        np.testing.assert_array_equal(vectors[0, 3 : 3 + 256], made)
        np.testing.assert_array_equal(vectors[0, :3], vocabulary.given[1, :3])
        np.testing.assert_array_equal(vectors[0, 259:], vocabulary.given[1, 259:])
        assert np.isfinite(encoder.transform(NEW)).all()

    def test_held_out_words_have_them_where_each_fold_reads_its_own_words(self):
        texts = [f"{text} word{i}" for i, text in enumerate(TEXTS)]
        encoder = quick(["corpus", "wordllama"], unsupervised="fold", keep_vectors="seen")
        features = encoder.fit_transform(texts, LIKED, groups=np.arange(len(texts)) // 2)
        assert np.isfinite(features).all()
        for network in networks_of(encoder):
            found, _ = network.readers[0].vocabulary.resolve([f"word{i}" for i in range(32)])
            assert (found > 1).all()

    def test_explanations_and_other_classes(self):
        encoder = quick(keep_vectors="seen").fit(TEXTS, LIKED)
        assert len(encoder.explain(["excellent film"]).to_frame())
        frame = pd.DataFrame({"a": TEXTS, "b": TEXTS[::-1]})
        new = pd.DataFrame({"a": NEW[:3], "b": NEW[:3]})
        classifier = TextCNNClassifier("wordllama", join_columns=True, **QUICK).fit(frame, LIKED)
        assert classifier.predict_proba(new).shape == (3, 2)
        regressor = TextCNNRegressor("wordllama", **QUICK).fit(frame, np.arange(32.0))
        assert np.isfinite(regressor.predict(new)).all()
        stage = TableFeatures([quick()], cv=2, random_state=0, columns=["a"])
        stage.fit_transform(frame, LIKED)


class TestModels:
    @pytest.mark.parametrize("kind", ["object", "folder", "path"])
    def test_static_models(self, tmp_path, kind):
        folder = saved_model(tmp_path / "model")
        source = {"object": made_model(), "folder": folder, "path": Path(folder)}[kind]
        encoder = quick(source, keep_vectors="seen")
        features = encoder.fit_transform(TEXTS, LIKED)
        reference = quick(folder, keep_vectors="seen")
        np.testing.assert_array_equal(reference.fit_transform(TEXTS, LIKED), features)
        new = encoder.transform(["unseen", "?"])
        assert new[0] != new[1]
        np.testing.assert_array_equal(reference.transform(["unseen", "?"]), new)
        again = pickle.loads(pickle.dumps(encoder))
        np.testing.assert_array_equal(again.transform(["unseen", "?"]), new)
        clone(encoder).fit(TEXTS, LIKED)

    def test_words_without_a_piece_are_as_without_a_vector(self):
        encoder = quick(made_model()).fit([f"{text} ? !" for text in TEXTS], LIKED)
        report = encoder.vocabulary_report_.iloc[0]
        # "good", "film" and "bad" are made of pieces; "very", "so", "?" and "!" are not.
        assert report["words_with_vector"] == 3
        assert report["random_rows"] == 4

    def test_a_model_is_read_once(self, tmp_path):
        folder = saved_model(tmp_path / "model")
        assert load_vectors(folder) is load_vectors(Path(folder))
        assert load_vectors("wordllama") is load_vectors("wordllama")

    def test_a_damaged_folder(self, tmp_path):
        folder = saved_model(tmp_path / "model")
        (tmp_path / "model" / "tokenizer.json").write_text("{}")
        with pytest.raises(ValueError, match="cannot be read.*Expected: a folder"):
            load_vectors(folder)

    def test_vectors_that_are_not_finite(self):
        model = made_model()
        model.embedding[3, 1] = np.nan
        with pytest.raises(ValueError, match="row 3"):
            load_vectors(model)

    def test_other_folders_and_objects(self, tmp_path):
        with pytest.raises(ValueError, match="must be in one file"):
            load_vectors(tmp_path)
        with pytest.raises(TypeError, match="StaticModel"):
            load_vectors(3)


class TestFiles:
    def test_saved_and_served_models_make_them_too(self, tmp_path):
        encoder = quick(keep_vectors="seen").fit(TEXTS, LIKED)
        encoder.save(tmp_path / "a.textcnn")
        new = encoder.transform(NEW)
        loaded = textcnn.load(tmp_path / "a.textcnn")
        np.testing.assert_array_equal(loaded.transform(NEW), new)
        served = textcnn.serving.load(tmp_path / "a.textcnn")
        np.testing.assert_allclose(served.transform(NEW), new, atol=1e-6)
        encoder.save(tmp_path / "small.textcnn", vectors="int8")
        served = textcnn.serving.load(tmp_path / "small.textcnn")
        np.testing.assert_allclose(served.transform(NEW), new, atol=1e-2)

    @pytest.mark.parametrize("trainable", [False, True])
    def test_without_the_package(self, tmp_path, without_packages, trainable):
        encoder = quick(keep_vectors=2000, trainable_embeddings=trainable).fit(TEXTS, LIKED)
        encoder.save(tmp_path / "a.textcnn")
        content = pickle.dumps(encoder)
        known = ["good film", "the last show"]  # of training, and of frequent pieces
        expected, unknown = encoder.transform(known), encoder.transform(["\x00"])
        of_new = encoder.transform(["unwatchable"])
        without_packages()
        for model in (
            textcnn.load(tmp_path / "a.textcnn"),
            textcnn.serving.load(tmp_path / "a.textcnn"),
            pickle.loads(content),
        ):
            np.testing.assert_allclose(model.transform(known), expected, atol=1e-6)
            with pytest.warns(UserWarning, match=r"pip install 'textcnn\[vectors\]'"):
                found = model.transform(["unwatchable"])
            assert found != of_new
            assert np.isfinite(found).all()
        assert np.isfinite(unknown).all()

    def test_onnx_graphs_read_new_words_as_unknown_ones(self, tmp_path):
        pytest.importorskip("tf2onnx")
        encoder = quick(keep_vectors="seen", engine="keras").fit(TEXTS, LIKED)
        encoder.save(tmp_path / "a.textcnn")
        encoder.export(tmp_path / "a.onnx")
        served = textcnn.serving.load(tmp_path / "a.textcnn", runtime="onnxruntime")
        expected = encoder.transform(["good film"])
        np.testing.assert_allclose(served.transform(["good film"]), expected, atol=1e-5)
        known = served.transform(["good unwatchable", "good enjoyable"])
        assert known[0] == known[1]

    def test_another_model_in_the_folder_is_not_used(self, tmp_path):
        folder = saved_model(tmp_path / "model")
        encoder = quick(folder, keep_vectors="seen").fit(TEXTS, LIKED)
        encoder.save(tmp_path / "a.textcnn")
        made = made_model()
        made.embedding[:] *= np.linspace(1, 2, made.dim)
        made.save_pretrained(folder)
        with pytest.warns(UserWarning, match="which is not there, or is another one"):
            textcnn.load(tmp_path / "a.textcnn").transform(["unseen"])

    def test_a_model_given_as_an_object_is_not_in_the_file(self, tmp_path):
        encoder = quick(made_model(), keep_vectors="seen").fit(TEXTS, LIKED)
        encoder.save(tmp_path / "a.textcnn")
        loaded = textcnn.load(tmp_path / "a.textcnn")
        np.testing.assert_array_equal(loaded.transform(["good"]), encoder.transform(["good"]))
        with pytest.warns(UserWarning, match="given as an object"):
            loaded.transform(["unseen"])

    @pytest.mark.parametrize(
        "change", [{"start": -1}, {"dim": 7}, {"dim": True}, {"source": 3}, {"more": 1}]
    )
    def test_channels_of_a_forged_file(self, change):
        state = {"source": "wordllama", "fingerprint": "0", "start": 0, "dim": 6}
        assert read_channels([state], 6) == [PieceChannel("wordllama", "0", 0, 6)]
        with pytest.raises(ValueError, match="channels of pieces"):
            read_channels([state | change], 6)


class TestMissingPackages:
    def test_the_message_says_what_to_type(self, tmp_path, without_packages):
        folder = saved_model(tmp_path / "model")
        without_packages()
        for source in ("wordllama", folder):
            with pytest.raises(ImportError, match=r"pip install 'textcnn\[vectors\]'"):
                quick(source).fit(TEXTS, LIKED)

    def test_importing_textcnn_imports_none_of_them(self):
        code = (
            "import sys, textcnn, textcnn.text.vectors; print([m for m in ('wordllama', "
            "'model2vec', 'tokenizers', 'safetensors', 'requests') if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"

    def test_a_package_without_its_vectors(self, monkeypatch):
        look_for_weights_of_wordllama_at(monkeypatch, "weights/elsewhere.safetensors")
        with pytest.raises(ValueError, match="elsewhere.safetensors.*--force-reinstall"):
            load_vectors("wordllama")


class TestFewMatches:
    def test_a_warning_names_words_of_either_side(self):
        vectors = WordVectors([f"/c/en/{w}" for w in ("good", "bad", "film")], np.eye(3))
        with pytest.warns(UserWarning, match="hardly any word of the column 'x0'") as caught:
            quick(vectors).fit(TEXTS, LIKED)
        assert "texts with 'good', " in str(caught[0].message)
        assert "'/c/en/good'" in str(caught[0].message)

    def test_the_mark_between_joined_columns_is_no_word(self):
        vectors = WordVectors(["/c/en/good"], np.eye(1))
        columns = pd.DataFrame({"a": TEXTS, "b": TEXTS})
        with pytest.warns(UserWarning, match="hardly any word") as caught:
            quick(vectors).set_params(join_columns=True).fit(columns, LIKED)
        assert r"'\x1f'" not in str(caught[0].message)

    def test_a_model_of_another_script(self):
        with pytest.warns(UserWarning, match="hardly any word"):
            quick(made_model()).fit(["так хорошо", "очень плохо"] * 16, [0, *LIKED[1:]])

    def test_no_warning_where_words_match_or_there_are_none(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            quick(WordVectors(["GOOD", "other"], np.eye(2))).fit(TEXTS, LIKED)
            quick(WordVectors(["good"], np.ones((1, 2)))).fit([""] * 32, LIKED)

    def test_words_that_are_not_utf8_are_counted(self, tmp_path):
        path = tmp_path / "vectors.txt"
        path.write_bytes("good 1 2\ncafé 1 3\nbad 0 1\n".encode("latin-1"))
        encoder = quick(path).fit(TEXTS, LIKED)
        assert encoder.vocabulary_report_["vectors_not_utf8"].tolist() == [1]


def test_the_table_is_shared_by_clones():
    pieces = load_vectors("wordllama")
    assert isinstance(pieces, PieceVectors)
    assert clone(quick(pieces)).embeddings is pieces
    assert load_vectors(pieces) is pieces
