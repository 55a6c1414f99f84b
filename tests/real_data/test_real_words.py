"""Words and vectors as other people publish them; what we make ourselves is in tests/text/."""

import csv
import gzip
import re

import numpy as np
import pytest
from gensim.models import KeyedVectors

from textcnn.text.tokens import word_tokens
from textcnn.text.vectors import load_vectors
from textcnn.text.vocabulary import Vocabulary


def test_no_line_of_chinese_reviews_becomes_a_few_tokens(real_data):
    path = real_data / "text" / "chnsenticorp_hotel.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row, _ in zip(csv.DictReader(file), range(500), strict=False)]
    assert len(texts) == 500
    for text in texts:
        chinese = re.findall("[\u4e00-\u9fff]", text)
        tokens = word_tokens(text)
        assert [token for token in tokens if re.match("[\u4e00-\u9fff]", token)] == chinese


def test_glove_is_read_as_gensim_reads_it(real_data, tmp_path):
    source = real_data / "vectors" / "glove.twitter.12k.25d.txt.gz"
    # With a header, because gensim leaves files without one open.
    lines = gzip.decompress(source.read_bytes())
    unpacked = tmp_path / "vectors.txt"
    unpacked.write_bytes(b"%d 25\n" % lines.count(b"\n") + lines)
    expected = KeyedVectors.load_word2vec_format(str(unpacked))
    for path in (source, unpacked):
        held = load_vectors(path)
        assert held.words == expected.index_to_key
        np.testing.assert_array_equal(held.vectors, expected.vectors)


@pytest.fixture(scope="module")
def google_news(real_data):
    return load_vectors(real_data / "vectors" / "googlenews.8k.300d.bin")


def test_binary_equals_text(google_news, real_data):
    text = load_vectors(real_data / "vectors" / "googlenews.8k.300d.txt.gz")
    assert google_news.words == text.words
    assert len(google_news) == 8000
    np.testing.assert_allclose(google_news.vectors, text.vectors, atol=1e-6)


def test_words_known_only_with_a_capital_are_found(google_news):
    cased = [word for word in google_news.words if word[:1].isupper() and word[1:].islower()]
    only_capitalised = [word for word in cased if word.lower() not in google_news]
    both = [word for word in cased if word.lower() in google_news]
    assert len(only_capitalised) > 100
    assert len(both) > 50
    forms = [word.lower() for word in only_capitalised] + both
    vocabulary = Vocabulary.build(forms, np.ones(len(forms), int), vectors=[google_news], seed=0)
    np.testing.assert_array_equal(
        vocabulary.given[vocabulary.resolve(forms)[0]],
        google_news.take(google_news.find(only_capitalised + both)),
    )
    assert vocabulary.report["words_with_vector"] == vocabulary.report["words"]
