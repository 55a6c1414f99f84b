import copy
import gzip
import json
import os
import pickle
import random
import re
import subprocess
import sys
from pathlib import Path

import gensim.downloader
import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors, Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from inside import forget_vectors, vectors_kept
from sklearn.base import clone

from textcnn.text import vector_files
from textcnn.text.vectors import WordVectors, load_vectors, train_corpus_vectors

REPOSITORY = Path(__file__).parents[2]
WORDS = ["the", "Good", "naïve", "好", "don't", "🙂"]


@pytest.fixture(autouse=True)
def empty_cache():
    forget_vectors()
    yield
    forget_vectors()


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32)


@pytest.fixture
def keyed_vectors(table):
    made = KeyedVectors(8)
    made.add_vectors(WORDS, table)
    return made


def as_text(words, table, header=True):
    lines = [f"{len(words)} {table.shape[1]}"] if header else []
    lines += [
        f"{word} {' '.join(map(repr, row.tolist()))}"
        for word, row in zip(words, table, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def as_binary(words, table, end=b""):
    records = [
        word.encode() + b" " + row.tobytes() + end for word, row in zip(words, table, strict=True)
    ]
    return f"{len(words)} {table.shape[1]}\n".encode() + b"".join(records)


def refusal(tmp_path, content, name="vectors.txt"):
    """The message with which a file of this content is refused."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load_vectors(path)
    assert name in str(caught.value)
    return str(caught.value)


class TestWordVectors:
    def test_find_and_take(self, table):
        held = WordVectors(WORDS, table)
        positions = held.find(["好", "good", "the"])
        assert positions.dtype == np.int64
        assert positions.tolist() == [3, -1, 0]
        taken = held.take([3, 0, 3])
        assert taken.dtype == np.float32
        np.testing.assert_array_equal(taken, table[[3, 0, 3]])
        assert held.take([]).shape == (0, 8)
        assert ("Good" in held, "good" in held, len(held), held.dim) == (True, False, 6, 8)

    def test_take_refuses_the_row_of_a_word_not_found(self, table):
        with pytest.raises(ValueError, match="-1 to 2"):
            WordVectors(WORDS, table).take([2, -1])

    def test_copies_share_the_table(self, table):
        held = WordVectors(WORDS, table)
        assert clone(held, safe=False) is held
        assert clone([held], safe=False)[0] is held
        assert copy.deepcopy(held) is held
        assert copy.copy(held) is held

    def test_the_table_is_shared_and_read_only(self, table):
        held = WordVectors(WORDS, table)
        assert np.shares_memory(held.vectors, table)
        assert table.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            held.vectors[0] = 0

    def test_pickles_contain_only_arrays_and_words(self, keyed_vectors, table):
        written = pickle.dumps(WordVectors.from_keyed_vectors(keyed_vectors))
        assert b"gensim" not in written
        again = pickle.loads(written)
        assert again.words == WORDS
        assert again.find(["好"]).tolist() == [3]
        np.testing.assert_array_equal(again.vectors, table)
        assert not again.vectors.flags.writeable

    def test_the_first_of_equal_words_counts(self):
        held = WordVectors(["a", "b", "a", "c"], np.arange(8.0).reshape(4, 2))
        assert held.words == ["a", "b", "c"]
        assert held.vectors.tolist() == [[0, 1], [2, 3], [6, 7]]

    @pytest.mark.parametrize(
        ("words", "table", "error", "message"),
        [
            (["a"], np.zeros((2, 3)), ValueError, r"1 words and vectors of shape \(2, 3\)"),
            (["a"], np.zeros(3), ValueError, r"shape \(3,\)"),
            (["a"], np.zeros((1, 0)), ValueError, r"shape \(1, 0\)"),
            (["a", "b"], [[0.0], [np.nan]], ValueError, r"'b' \(row 1\)"),
            (["a"], [[1e300]], ValueError, "finite in float32"),
            (["a", 3], np.zeros((2, 3)), TypeError, "3 of type int"),
            (["a"], [["x"]], TypeError, "real numbers"),
            (["a"], [[1j]], TypeError, "complex"),
        ],
    )
    def test_bad_tables_are_refused(self, words, table, error, message):
        with pytest.raises(error, match=message):
            WordVectors(words, table)

    def test_keyed_vectors_are_shared(self, keyed_vectors):
        held = load_vectors(keyed_vectors)
        assert held.words == WORDS
        assert np.shares_memory(held.vectors, keyed_vectors.vectors)
        assert load_vectors(held) is held

    def test_double_precision_keyed_vectors_are_converted(self):
        made = KeyedVectors(2, dtype=np.float64)
        made.add_vectors(["a"], np.array([[0.5, 2.0]]))
        assert load_vectors(made).vectors.dtype == np.float32

    @pytest.mark.parametrize("source", [None, 3, b"vectors.txt", {"a": [1.0]}, np.zeros((2, 2))])
    def test_other_sources_are_refused(self, source):
        with pytest.raises(TypeError, match=f"from a {type(source).__name__}.*WordVectors"):
            load_vectors(source)
        with pytest.raises(TypeError, match=type(source).__name__):
            WordVectors.from_keyed_vectors(source)


class TestFormats:
    @pytest.mark.parametrize("suffix", ["", ".txt", ".bin", ".gz"])
    @pytest.mark.parametrize(
        "options",
        [{"binary": False}, {"binary": True}, {"binary": False, "write_header": False}],
        ids=["text", "binary", "glove"],
    )
    def test_what_gensim_writes_in_word2vec_format(
        self, tmp_path, keyed_vectors, table, options, suffix
    ):
        # gensim gzips what ends in .gz; the other names say nothing true about the format.
        path = tmp_path / f"vectors{suffix}"
        keyed_vectors.save_word2vec_format(str(path), **options)
        for source in (path, str(path)):
            held = load_vectors(source)
            assert held.words == WORDS
            np.testing.assert_array_equal(held.vectors, table)

    @pytest.mark.parametrize("name", ["saved.kv", "saved", "saved.kv.gz"])
    def test_native_keyed_vectors(self, tmp_path, keyed_vectors, table, name):
        path = tmp_path / name
        keyed_vectors.save(str(path))
        held = load_vectors(path)
        assert held.words == WORDS
        np.testing.assert_array_equal(held.vectors, table)

    def test_native_vectors_beside_the_file_are_memory_mapped(self, tmp_path, keyed_vectors, table):
        path = tmp_path / "saved.kv"
        keyed_vectors.save(str(path), sep_limit=0)
        assert (tmp_path / "saved.kv.vectors.npy").is_file()
        held = load_vectors(path)
        base = held.vectors
        while not isinstance(base, np.memmap):
            base = base.base
            assert base is not None
        np.testing.assert_array_equal(held.take([5, 1, 1]), table[[5, 1, 1]])
        again = pickle.loads(pickle.dumps(held))
        np.testing.assert_array_equal(again.vectors, table)

    @pytest.mark.parametrize("model_class", [Word2Vec, FastText])
    def test_full_models(self, tmp_path, model_class):
        options = {"bucket": 50} if model_class is FastText else {}
        model = model_class(
            [["a", "b", "c"]] * 5, vector_size=8, min_count=1, workers=1, seed=1, **options
        )
        path = tmp_path / "model"
        model.save(str(path))
        held = load_vectors(path)
        assert held.words == model.wv.index_to_key
        np.testing.assert_array_equal(held.vectors, model.wv.vectors)
        np.testing.assert_array_equal(load_vectors(model).vectors, model.wv.vectors)

    def test_binary_with_line_ends_as_word2vec_c_writes_it(self, tmp_path, table):
        path = tmp_path / "vectors.bin"
        path.write_bytes(as_binary(WORDS, table, end=b"\n"))
        held = load_vectors(path)
        assert held.words == WORDS
        np.testing.assert_array_equal(held.vectors, table)

    def test_binary_word_cut_inside_a_character(self, tmp_path, table):
        path = tmp_path / "vectors.bin"
        content = as_binary(WORDS[:2], table[:2]).replace(b"Good", "é".encode()[:1])
        path.write_bytes(content)
        assert load_vectors(path).words == ["the", "\ufffd"]

    def test_words_with_spaces_trailing_spaces_and_windows_line_ends(self, tmp_path):
        path = tmp_path / "vectors.txt"
        path.write_bytes(b"a 1 2 \r\n. . . 3 4\r\nb 5 6\r\n\r\n\n")
        held = load_vectors(path)
        assert held.words == ["a", ". . .", "b"]
        assert held.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]

    @pytest.mark.parametrize("header", [b"", b"2 2\n"])
    def test_byte_order_mark(self, tmp_path, header):
        path = tmp_path / "vectors.txt"
        path.write_bytes(b"\xef\xbb\xbf" + header + b"a 1 2\nb 3 4\n")
        assert load_vectors(path).words == ["a", "b"]

    def test_the_first_of_equal_words_counts(self, tmp_path):
        path = tmp_path / "vectors.txt"
        path.write_bytes(b"3 1\na 1\nb 2\na 3\n")
        held = load_vectors(path)
        assert (held.words, held.vectors.tolist()) == (["a", "b"], [[1], [2]])

    def test_many_blocks_equal_one(self, tmp_path, monkeypatch):
        rng = np.random.default_rng(1)
        words = [f"word{i}" for i in range(300)]
        table = rng.normal(size=(300, 5)).astype(np.float32)
        monkeypatch.setattr(vector_files, "BLOCK_BYTES", 64)
        for name, content in [
            ("a.txt", as_text(words, table) + b"\n\n" * 100),
            ("b.txt", as_text(words, table, header=False)),
            ("c.bin", as_binary(words, table, end=b"\n")),
            ("d.gz", gzip.compress(as_binary(words, table))),
        ]:
            (tmp_path / name).write_bytes(content)
            held = load_vectors(tmp_path / name)
            assert held.words == words
            np.testing.assert_array_equal(held.vectors, table)

    def test_equal_to_gensim_on_a_file_as_published(self, tmp_path):
        """As GloVe's are: gzip, no header, digits cut off, words of tweets."""
        random = np.random.default_rng(0)
        words = ["<user>", "#tbt", ":)", "i'm", "...", "ñ", "すごい", "😂", "1990", "c++"]
        words += [f"word{number}" for number in range(3000)]
        lines = "".join(
            f"{word} {' '.join(f'{number:.5g}' for number in random.normal(size=25))}\n"
            for word in words
        ).encode()
        source = tmp_path / "glove.txt.gz"
        source.write_bytes(gzip.compress(lines))
        # With a header, because gensim leaves files without one open.
        unpacked = tmp_path / "vectors.txt"
        unpacked.write_bytes(b"%d 25\n" % len(words) + lines)
        expected = KeyedVectors.load_word2vec_format(str(unpacked))
        for path in (source, unpacked):
            held = load_vectors(path)
            assert held.words == expected.index_to_key == words
            np.testing.assert_array_equal(held.vectors, expected.vectors)

    def test_binary_as_gensim_writes_it_equals_text_as_gensim_writes_it(self, tmp_path):
        """As those of Google News are: 300 dimensions, both forms, the text packed."""
        words = [f"{name}_{number}" for name in ("New_York", "in", "é") for number in range(700)]
        made = KeyedVectors(300)
        table = np.random.default_rng(0).normal(size=(len(words), 300)).astype(np.float32)
        made.add_vectors(words, table)
        made.save_word2vec_format(str(tmp_path / "news.bin"), binary=True)
        made.save_word2vec_format(str(tmp_path / "news.txt.gz"))
        binary, text = (load_vectors(tmp_path / name) for name in ("news.bin", "news.txt.gz"))
        assert binary.words == text.words == words
        np.testing.assert_array_equal(binary.vectors, table)
        np.testing.assert_allclose(binary.vectors, text.vectors, atol=1e-6)

    @settings(max_examples=40, deadline=None)
    @given(
        words=st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1),
            min_size=1,
            max_size=8,
            unique=True,
        ),
        data=st.data(),
    )
    def test_any_words_survive_each_format(self, tmp_path_factory, words, data):
        finite = st.floats(-(2.0**99), 2.0**99, width=32)
        table = data.draw(arrays(np.float32, (len(words), 8), elements=finite))
        path = tmp_path_factory.mktemp("formats") / "vectors"
        for content in (as_text(words, table), as_text(words, table, header=False)):
            path.write_bytes(content)
            forget_vectors()
            held = load_vectors(path)
            assert held.words == words
            np.testing.assert_array_equal(held.vectors, table)


class TestHostileFiles:
    def test_empty(self, tmp_path):
        assert "is empty" in refusal(tmp_path, b"")
        assert "is empty" in refusal(tmp_path, b" \n\n")
        assert "is empty" in refusal(tmp_path, gzip.compress(b""), "vectors.gz")

    def test_short_line(self, tmp_path):
        message = refusal(tmp_path, b"a 1 2 3\nb 1 2 3\nc 1 2\nd 1 2 3\n")
        assert "line 3 has 2 numbers. Expected a word and 3 numbers" in message

    def test_line_number_in_a_late_block(self, tmp_path, monkeypatch):
        monkeypatch.setattr(vector_files, "BLOCK_BYTES", 50)
        lines = [f"word{i} 1 2 3\n".encode() for i in range(200)]
        lines[150] = b"bad 1 2\n"
        assert "line 151 " in refusal(tmp_path, b"".join(lines))
        assert "line 152 " in refusal(tmp_path, b"200 3\n" + b"".join(lines))

    def test_long_line(self, tmp_path):
        assert "line 2 has 4 numbers" in refusal(tmp_path, b"a 1 2 3\nb 1 2 3 4\n")

    def test_two_lines_that_only_together_hold_enough_numbers(self, tmp_path):
        assert "line 2 has 1 numbers" in refusal(tmp_path, b"a 1 2\nb 1\nc 1 2 3\n")

    @pytest.mark.parametrize("blank", [b"\n", b"\n\n\n", b"  \n"])
    def test_blank_line_inside(self, tmp_path, monkeypatch, blank):
        monkeypatch.setattr(vector_files, "BLOCK_BYTES", 6)
        assert "line 2 has 0 numbers" in refusal(tmp_path, b"a 1 2\n" + blank + b"b 1 2\n")

    def test_something_that_is_no_number(self, tmp_path):
        message = refusal(tmp_path, b"a 1 2\nb 1 two\n")
        assert "line 2" in message
        assert "'two'" in message

    @pytest.mark.parametrize("header", [b"", b"4 2\n"])
    def test_a_word_that_is_not_utf8_matches_nothing(self, tmp_path, header):
        path = tmp_path / "vectors.txt"
        path.write_bytes(header + "a 1 2\ncafé 3 4\nthé noir 5 6\n".encode("latin-1"))
        if header:
            path.write_bytes(path.read_bytes() + "naïve 7 8\n".encode())
        held = load_vectors(path)
        assert held.words[:3] == ["a", "caf\ufffd", "th\ufffd noir"]
        assert held.n_not_utf8 == 2
        assert held.vectors[:3].tolist() == [[1, 2], [3, 4], [5, 6]]

    @pytest.mark.parametrize("number", [b"nan", b"inf", b"-inf", b"1e60"])
    def test_numbers_that_are_not_finite(self, tmp_path, number):
        message = refusal(tmp_path, b"a 1 2\nb 1 2\nc 1 " + number + b"\n")
        assert "not finite" in message
        assert "line 3 (word 'c')" in message

    def test_nan_in_a_binary_file(self, tmp_path, table):
        table[4, 2] = np.nan
        message = refusal(tmp_path, as_binary(WORDS, table))
        assert 'word number 5 (word "don\'t")' in message

    def test_nan_in_a_native_file(self, tmp_path, table):
        table[1, 2] = np.nan
        made = KeyedVectors(8)
        made.add_vectors(WORDS, table)
        made.save(str(tmp_path / "saved.kv"))
        with pytest.raises(ValueError, match="'Good'"):
            load_vectors(tmp_path / "saved.kv")

    @pytest.mark.parametrize("count", [5, 7, 10**11])
    def test_header_with_another_number_of_words(self, tmp_path, table, count):
        for content in (as_text(WORDS, table), as_binary(WORDS, table)):
            message = refusal(tmp_path, content.replace(b"6 8\n", f"{count} 8\n".encode(), 1))
            assert f"it says {count} words of 8 numbers" in message

    def test_header_with_another_dim(self, tmp_path, table):
        text = as_text(WORDS, table).replace(b"6 8\n", b"6 9\n", 1)
        assert "line 2 has 8 numbers. The header (line 1) says 9" in refusal(tmp_path, text)
        for dim in (7, 9, 99_999):
            binary = as_binary(WORDS, table).replace(b"6 8\n", f"6 {dim}\n".encode(), 1)
            assert "wrong header" in refusal(tmp_path, binary)

    @pytest.mark.parametrize("header", [b"0 5", b"5 0", b"5 999999999999"])
    def test_impossible_header(self, tmp_path, header):
        assert header.decode() in refusal(tmp_path, header + b"\na 1 2 3 4 5\n")

    def test_header_alone(self, tmp_path):
        assert "but the file has 0" in refusal(tmp_path, b"3 5\n")

    def test_binary_cut_short(self, tmp_path, table):
        content = as_binary(WORDS, table)
        assert "only up to word number 5" in refusal(tmp_path, content[:-3])

    def test_gzip_cut_short(self, tmp_path):
        words = [f"word{i}" for i in range(2000)]
        table = np.random.default_rng(0).normal(size=(2000, 5)).astype(np.float32)
        content = gzip.compress(as_text(words, table))
        assert "gzip" in refusal(tmp_path, content[: len(content) // 2], "vectors.gz")
        assert "gzip" in refusal(tmp_path, content[:20] + b"\0" * 50 + content[70:], "vectors.gz")

    def test_arrays_and_archives_given_by_mistake(self, tmp_path, table):
        np.save(tmp_path / "array.npy", table)
        np.savez(tmp_path / "array.npz", table)
        with pytest.raises(ValueError, match=r"NumPy array.*WordVectors\(words"):
            load_vectors(tmp_path / "array.npy")
        with pytest.raises(ValueError, match=r"zip archive.*Unpack"):
            load_vectors(tmp_path / "array.npz")
        assert "gzipped twice" in refusal(tmp_path, gzip.compress(gzip.compress(b"a 1\n")), "a.gz")
        assert "UTF-16" in refusal(tmp_path, "a 1 2\n".encode("utf-16"))

    def test_a_table_of_texts_given_by_mistake(self, tmp_path):
        message = refusal(tmp_path, b"text,label\nsome good text,1\n", "train.csv")
        assert "does not look like word vectors: line 1" in message
        assert "line 1" in refusal(tmp_path, b"\x00" * 600_000, "zeros")

    @pytest.mark.parametrize("content", [{"a": [1.0]}, np.zeros(3), print])
    def test_a_pickle_of_something_else(self, tmp_path, content):
        assert "pickle" in refusal(tmp_path, pickle.dumps(content), "model.kv")

    def test_a_damaged_pickle(self, tmp_path):
        assert "cannot load" in refusal(tmp_path, pickle.dumps({"a": "b" * 100})[:50], "model.kv")

    def test_a_saved_model_without_vectors(self, tmp_path):
        from gensim.corpora import Dictionary

        Dictionary([["a", "b"]]).save(str(tmp_path / "words.dict"))
        with pytest.raises(ValueError, match="no word vectors.*saved Dictionary"):
            load_vectors(tmp_path / "words.dict")

    def test_native_file_whose_table_is_missing(self, tmp_path, keyed_vectors):
        keyed_vectors.save(str(tmp_path / "saved.kv"), sep_limit=0)
        (tmp_path / "saved.kv.vectors.npy").unlink()
        with pytest.raises(ValueError, match=r"second file.*saved\.kv\.vectors\.npy"):
            load_vectors(tmp_path / "saved.kv")

    def test_gzipped_native_file_under_another_name(self, tmp_path, keyed_vectors):
        keyed_vectors.save(str(tmp_path / "saved.gz"))
        (tmp_path / "saved.gz").rename(tmp_path / "saved.kv")
        with pytest.raises(ValueError, match=r"ending in '\.gz'"):
            load_vectors(tmp_path / "saved.kv")

    @settings(max_examples=150, deadline=None)
    @given(content=st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode)))
    def test_any_content_is_read_or_refused(self, tmp_path_factory, content):
        path = tmp_path_factory.mktemp("any") / "vectors"
        for tried in (content, b"2 2\n" + content, b"a 1 2\n" + content):
            path.write_bytes(tried)
            forget_vectors()
            try:
                held = load_vectors(path)
            except ValueError as error:
                assert str(path) in str(error)
            else:
                assert np.isfinite(held.vectors).all()


class TestMissingFiles:
    def test_names_near_the_path(self, tmp_path):
        (tmp_path / "vectors.txt").write_bytes(b"a 1\n")
        with pytest.raises(ValueError, match=r"does not exist.*Similar names: 'vectors\.txt'"):
            load_vectors(tmp_path / "vector.txt")
        with pytest.raises(ValueError, match=r"vectors file does not exist.*KeyedVectors\.$"):
            load_vectors(str(tmp_path / "nowhere" / "vector.txt"))

    def test_errors_show_the_absolute_path(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ValueError, match=re.escape(repr(str(tmp_path / "in" / "v.txt")))):
            load_vectors("in/v.txt")

    def test_a_folder(self, tmp_path):
        (tmp_path / "vectors.txt").write_bytes(b"a 1\n")
        with pytest.raises(ValueError, match=r"the folder.*'vectors\.txt'"):
            load_vectors(tmp_path)

    @pytest.mark.parametrize("name", ["glove", "no file", "", "vectors-100.txt"])
    def test_a_word_is_not_taken_for_a_data_set(self, name, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(gensim.downloader, "BASE_DIR", str(tmp_path / "none"))
        monkeypatch.setattr(gensim.downloader, "load", lambda *_, **__: pytest.fail("fetched"))
        with pytest.raises(ValueError, match="vectors file does not exist|the folder"):
            load_vectors(name)


class TestCache:
    def test_a_file_is_read_once_until_it_changes(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("vectors.txt").write_bytes(b"a 1\n")
        first = load_vectors("vectors.txt")
        assert load_vectors(tmp_path / "vectors.txt") is first
        Path("vectors.txt").write_bytes(b"a 1\nb 2\n")
        assert len(load_vectors("vectors.txt")) == 2

    def test_a_changed_table_beside_the_file_is_noticed(self, tmp_path, keyed_vectors):
        path = tmp_path / "saved[1].kv"
        keyed_vectors.save(str(path), sep_limit=0)
        first = load_vectors(path)
        assert load_vectors(path) is first
        table_file = Path(f"{path}.vectors.npy")
        os.utime(table_file, ns=(1, 1))
        assert load_vectors(path) is not first

    def test_only_two_files_are_kept(self, tmp_path):
        held = []
        for name in "abc":
            (tmp_path / name).write_bytes(b"a 1\n")
            held.append(load_vectors(tmp_path / name))
        assert vectors_kept() == 2
        assert load_vectors(tmp_path / "c") is held[2]
        assert load_vectors(tmp_path / "a") is not held[0]


class TestDataSets:
    NAME = "glove-wiki-gigaword-100"

    @pytest.fixture
    def base(self, tmp_path, monkeypatch, keyed_vectors):
        """A copy of the layout in which gensim keeps its data sets."""
        base = tmp_path / "gensim-data"
        folder = base / self.NAME
        folder.mkdir(parents=True)
        keyed_vectors.save_word2vec_format(str(folder / f"{self.NAME}.gz"))
        (folder / "__init__.py").write_text("raise SystemExit('this code was run')\n")
        self.inform(base, {"file_name": f"{self.NAME}.gz", "parts": 1})
        monkeypatch.setattr(gensim.downloader, "BASE_DIR", str(base))
        monkeypatch.setattr(gensim.downloader, "load", lambda *_, **__: pytest.fail("fetched"))
        monkeypatch.setattr(gensim.downloader, "urlopen", lambda *_: pytest.fail("fetched"))
        return base

    def inform(self, base, entry):
        listed = {"corpora": {"text8": {"file_name": "text8.gz"}}, "models": {self.NAME: entry}}
        (base / "information.json").write_text(json.dumps(listed))

    def test_a_local_folder_is_read_without_its_code(self, base, table):
        held = load_vectors(self.NAME)
        assert held.words == WORDS
        np.testing.assert_array_equal(held.vectors, table)

    def test_without_information_the_only_gz_is_read(self, base):
        (base / "information.json").unlink()
        assert load_vectors(self.NAME).words == WORDS

    def test_the_stated_name_wins_over_other_files(self, base):
        (base / self.NAME / "other.gz").write_bytes(gzip.compress(b"x 1\n"))
        assert load_vectors(self.NAME).words == WORDS
        (base / "information.json").unlink()
        with pytest.raises(ValueError, match=r"is unknown.*other\.gz"):
            load_vectors(self.NAME)

    def test_an_existing_file_of_that_name_comes_first(self, base, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path(self.NAME).write_bytes(b"mine 1\n")
        assert load_vectors(self.NAME).words == ["mine"]

    def test_a_pickle_in_the_folder_is_not_run(self, base, keyed_vectors):
        path = base / self.NAME / f"{self.NAME}.gz"
        keyed_vectors.save(str(path))
        with pytest.raises(ValueError, match="runs code from it"):
            load_vectors(self.NAME)
        assert load_vectors(path).words == WORDS
        with pytest.raises(ValueError, match="runs code from it"):
            load_vectors(self.NAME)

    @pytest.mark.parametrize("stated", ["../outside.gz", "/etc/passwd", "..", 3])
    def test_a_stated_name_outside_the_folder_is_refused(self, base, stated):
        (base / "outside.gz").write_bytes(gzip.compress(b"x 1\n"))
        self.inform(base, {"file_name": stated})
        with pytest.raises(ValueError, match=f"outside the folder.*{re.escape(repr(stated))}"):
            load_vectors(self.NAME)

    def test_a_corpus_is_refused(self, base):
        (base / "text8").mkdir()
        with pytest.raises(ValueError, match="contains texts, not word vectors"):
            load_vectors("text8")

    @pytest.mark.parametrize("content", ["no json", "[]", '{"models": []}', "\ud800"])
    def test_unreadable_information(self, base, content):
        path = base / "information.json"
        path.write_text(content, encoding="utf-8", errors="surrogatepass")
        with pytest.raises(ValueError, match=r"cannot be read.*information\.json"):
            load_vectors(self.NAME)

    def test_an_absent_folder_is_fetched_as_a_path(self, base, monkeypatch, tmp_path):
        (tmp_path / "fetched.txt").write_bytes(b"fetched 1\n")
        calls = []

        def load(name, return_path):
            calls.append((name, return_path))
            return str(tmp_path / "fetched.txt")

        monkeypatch.setattr(gensim.downloader, "load", load)
        assert load_vectors("glove-twitter-25").words == ["fetched"]
        assert calls == [("glove-twitter-25", True)]

    @pytest.mark.parametrize(
        "error", [OSError("no route"), ValueError("Incorrect model/corpus name"), Exception("md5")]
    )
    def test_a_failed_download_is_reported(self, base, monkeypatch, error):
        def load(name, return_path):
            raise error

        monkeypatch.setattr(gensim.downloader, "load", load)
        with pytest.raises(ValueError, match=f"could not download.*{error}") as caught:
            load_vectors("glove-twitter-25")
        assert caught.value.__cause__ is error

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("glove-wiki-gigaword-10", r"\. Did you mean 'glove-wiki-gigaword-100'\? Expected"),
            ("word2vec-google-300", r"\. Did you mean 'word2vec-google-news-300'\? Expected"),
            ("my-own-words", r"\. Expected one of conceptnet"),
        ],
    )
    def test_an_unknown_name_is_refused_with_similar_names(self, base, monkeypatch, name, hint):
        def load(name, return_path):
            raise ValueError("unable to read local cache during fallback")

        monkeypatch.setattr(gensim.downloader, "load", load)
        with pytest.raises(ValueError, match=f"has the name {name!r}{hint}") as caught:
            load_vectors(name)
        assert "cache" not in str(caught.value)


class TestCorpusVectors:
    SENTENCES = [["good", "red", "wine"], ["bad", "red", "wine"], ["wine", "rare"]] * 5
    SMALL = {"vector_size": 8}

    @pytest.mark.parametrize("options", [{}, {"algorithm": "fasttext", "bucket": 50}])
    def test_words_and_seed(self, options):
        options = self.SMALL | options
        first, same = (
            train_corpus_vectors(iter(self.SENTENCES), seed=3, options=options) for _ in range(2)
        )
        other = train_corpus_vectors(self.SENTENCES, seed=4, options=options)
        assert sorted(first.words) == ["bad", "good", "rare", "red", "wine"]
        assert first.words[:2] == ["wine", "red"]
        assert first.dim == 8
        np.testing.assert_array_equal(first.vectors, same.vectors)
        assert not np.array_equal(first.vectors, other.vectors)

    def test_equal_to_gensim_with_the_same_settings(self):
        held = train_corpus_vectors(self.SENTENCES, seed=3, options={"negative": 2, "window": 1})
        model = Word2Vec(
            self.SENTENCES, vector_size=100, window=1, min_count=2, sg=1, epochs=10, workers=1,
            seed=3, negative=2,
        )  # fmt: skip
        np.testing.assert_array_equal(held.vectors, model.wv.vectors)

    def test_global_random_states_are_left_alone(self):
        before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        train_corpus_vectors(self.SENTENCES, seed=np.random.SeedSequence(5), options=self.SMALL)
        assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002

    def test_equal_in_processes_that_hash_differently(self):
        code = (
            "from textcnn.text.vectors import train_corpus_vectors as train\n"
            f"held = train({self.SENTENCES!r}, seed=3, options={self.SMALL!r})\n"
            "print(held.words, held.vectors.tobytes().hex())"
        )
        printed = {
            subprocess.run(
                [sys.executable, "-c", code],
                env=os.environ | {"PYTHONHASHSEED": seed},
                cwd=REPOSITORY,
                check=True,
                capture_output=True,
            ).stdout
            for seed in ("0", "12345")
        }
        assert len(printed) == 1
        assert b"wine" in printed.pop()

    def test_words_after_ten_thousand_in_a_document_are_used(self):
        long = ["a", "b"] * 5000 + ["c", "d"] * 500
        held = train_corpus_vectors([long], seed=0, options=self.SMALL | {"epochs": 20})
        start = train_corpus_vectors([long[:10_000] + ["c", "d"] * 2], seed=0, options=self.SMALL)
        assert sorted(held.words) == ["a", "b", "c", "d"]
        lengths = np.linalg.norm(held.take(held.find(["c", "d"])), axis=1)
        assert lengths.min() > 2 * np.linalg.norm(start.take(start.find(["c"])))

    def test_unknown_options_name_the_valid_ones(self):
        with pytest.raises(ValueError, match="iter, size.*algorithm, alpha.*vector_size"):
            train_corpus_vectors(self.SENTENCES, seed=0, options={"size": 8, "iter": 3})
        with pytest.raises(ValueError, match="Unknown options.*sentences"):
            train_corpus_vectors(self.SENTENCES, seed=0, options={"sentences": []})
        with pytest.raises(ValueError, match="algorithm='glove'"):
            train_corpus_vectors(self.SENTENCES, seed=0, options={"algorithm": "glove"})

    @pytest.mark.parametrize("options", [{"vector_size": 0}, {"seed": -1}, {"window": "wide"}])
    def test_options_that_gensim_refuses(self, options):
        with pytest.raises(ValueError, match=f"{next(iter(options))}"):
            train_corpus_vectors(self.SENTENCES, seed=0, options=options)

    @pytest.mark.parametrize("sentences", [[], [[]], [["a", "b"], ["c"]]])
    def test_text_without_a_frequent_word(self, sentences):
        with pytest.raises(ValueError, match="no word occurs often enough"):
            train_corpus_vectors(sentences, seed=0)


def test_importing_the_module_does_not_import_gensim():
    code = (
        "import sys, textcnn.text.vectors, textcnn.text.vocabulary\n"
        "print(sorted({'gensim', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True
    )
    assert done.stdout.strip() == b"[]"
