"""Rows like new ones: what a model would read if it had not been trained on a document."""

import numpy as np
import pytest

from textcnn.text.documents import UNKNOWN, Documents, TextSource
from textcnn.text.tokens import tokenize_column
from textcnn.text.vectors import WordVectors
from textcnn.text.vocabulary import Vocabulary

# Occurrences of each word in the training rows.
COUNTS = {"often": 40, "six": 6, "half": 6, "five": 5, "twice": 2, "two": 2, "once": 1, "one": 1}


def source_of(texts, vectors=()):
    tokenized = tokenize_column(texts)
    counts = np.bincount(tokenized.ids, minlength=len(tokenized.forms))
    vocabulary = Vocabulary.build(
        tokenized.forms, counts, vectors=vectors, min_count=1, seed=np.random.SeedSequence(0)
    )
    documents = Documents.resolve(tokenized, vocabulary)
    source = TextSource(
        [documents], [vocabulary], min_count=1, trainable=False, learns_vectors=True
    )
    return source, np.array([*tokenized.forms, "(unknown)", "(padding)"])


def replacements(vectors=()):
    """Return for each word of the training rows the words that replace it."""
    words = np.repeat(list(COUNTS), list(COUNTS.values()))
    texts = [" ".join(words), "elsewhere", ""]
    source, forms = source_of(texts, vectors)
    found = {word: set() for word in COUNTS}
    for seed in range(30):
        like = source.like_new(np.array([0]), np.array([0, 2]), np.random.default_rng(seed))
        assert len(like) == 1 and like.lengths.tolist() == [len(words)]
        (documents,) = like.columns
        for old, new in zip(words, forms[documents.forms[:-1]], strict=True):
            found[old].add(str(new))
    return found, documents


def test_a_rare_word_becomes_one_that_occurs_once_less():
    found, documents = replacements()
    assert found["often"] == {"often"}  # hardly its document's own word
    assert found["six"] == found["half"] == {"five"}
    assert found["five"] == {"five"}  # no word occurs four times
    assert found["twice"] == found["two"] == {"once", "one"}
    assert found["once"] == found["one"] == {"(unknown)"}
    unknown = len(COUNTS) + 1  # words of all rows come first
    assert documents.learned_ids[unknown] == documents.given_rows[unknown] == UNKNOWN
    assert documents.learned_ids[documents.forms[-1]] == 0


def test_a_word_that_occurs_once_keeps_its_given_vector():
    vectors = WordVectors(["once", "six"], np.eye(2, dtype=np.float32))
    found, _ = replacements([vectors])
    assert found["once"] == {"once"} and found["one"] == {"(unknown)"}


@pytest.mark.parametrize("rows", [[2, 0], [1], []])
def test_rows_are_in_their_order_and_may_be_empty(rows):
    source, forms = source_of(["often often often", "", "never seen words"])
    learn = np.array([0, 1])
    like = source.like_new(np.array(rows, int), learn, np.random.default_rng(0))
    (documents,) = like.columns
    found = [
        " ".join(forms[documents.forms[start:stop]])
        for start, stop in zip(documents.offsets[:-1], documents.offsets[1:], strict=True)
    ]
    # Words of other rows stay; a word of three occurrences has no word of two to become.
    expected = {0: "often often often", 1: "", 2: "never seen words"}
    assert found == [expected[row] for row in rows]


def test_words_of_other_rows_change_nothing():
    texts = ["b b c c a a d e e e", "a c e", "d b"]
    learn = np.array([0, 1])
    found = []
    for held_out in ("d b", "z y x e d c b a"):
        source, forms = source_of([held_out, *texts[:2]])  # other words have the first numbers
        like = source.like_new(learn + 1, learn + 1, np.random.default_rng(0))
        found.append(forms[like.columns[0].forms[:-1]].tolist())
    assert found[0] == found[1]


def test_forms_of_a_word_are_counted_together():
    texts = ["Good good good good good", "bad Bad rare two two", "Often held out"]
    source, forms = source_of(texts)
    like = source.like_new(np.array([0, 1]), np.array([0, 1]), np.random.default_rng(0))
    found = forms[like.columns[0].forms[:-1]].tolist()
    # "Good" occurs five times as a word, "Bad" twice: it becomes the word that occurs once.
    assert found == [*texts[0].split(), "rare", "rare", "(unknown)", "rare", "rare"]
