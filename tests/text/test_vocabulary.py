import copy
import json
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textcnn.text.vectors import WordVectors, load_vectors
from textcnn.text.vocabulary import PADDING, UNKNOWN, Vocabulary


def made_vectors(words, dim=3, seed=0, scale=1.0):
    table = np.random.default_rng(seed).normal(0, scale, (len(words), dim))
    return WordVectors(list(words), table)


def build(counts, vectors=(), **options):
    options = {"seed": 0} | options
    return Vocabulary.build(
        list(counts), np.array(list(counts.values()), int), vectors=list(vectors), **options
    )


class TestLearnedIds:
    def test_most_frequent_first_then_alphabetical(self):
        vocabulary = build({"b": 2, "C": 1, "rare": 1, "a": 2, "c": 3, "A": 0})
        assert vocabulary.words == ["c", "a", "b"]
        assert vocabulary.n_learned == 5
        given_rows, learned = vocabulary.resolve(["a", "A", "B", "c", "rare", "new", "C"])
        assert learned.tolist() == [3, 3, 4, 2, UNKNOWN, UNKNOWN, 2]
        assert given_rows.tolist() == [UNKNOWN] * 7
        assert given_rows.dtype == learned.dtype == np.int32

    def test_without_vectors(self):
        vocabulary = build({"a": 2}, keep_vectors=5)
        assert vocabulary.given.shape == (2, 0)
        assert vocabulary.given.dtype == np.float32
        assert vocabulary.given_is_random.tolist() == [False, True]
        assert vocabulary.dim == 0

    @pytest.mark.parametrize("vectors", [[], [made_vectors("ab")]])
    def test_nothing_occurs(self, vectors):
        vocabulary = build({}, vectors)
        assert vocabulary.words == []
        assert vocabulary.resolve(["a"])[1].tolist() == [UNKNOWN]
        assert [part.tolist() for part in vocabulary.resolve([])] == [[], []]
        assert np.isfinite(vocabulary.given).all()

    def test_min_count(self):
        counts = {"a": 3, "b": 2, "c": 1}
        assert build(counts, min_count=1).words == ["a", "b", "c"]
        assert build(counts, min_count=3).words == ["a"]
        assert build(counts, min_count=4).words == []


class TestGivenVectors:
    def test_best_spelling(self):
        vectors = made_vectors(["good", "Good", "GOOD", "Paris", "USA", "iPhone"])
        forms = ["good", "Good", "GOOD", "gOOd", "paris", "PARIS", "usa", "Usa", "iPhone"]
        vocabulary = build(dict.fromkeys(forms, 2), [vectors])
        rows = vocabulary.resolve(forms)[0]
        spelling = ["good", "Good", "GOOD", "good", "Paris", "Paris", "USA", "USA", "iPhone"]
        np.testing.assert_array_equal(vocabulary.given[rows], vectors.take(vectors.find(spelling)))

    def test_rows_in_the_table(self):
        vectors = made_vectors(["good", "bad", "Paris", "never"])
        vocabulary = build({"good": 2, "GOOD": 1, "paris": 1, "oak": 2, "ash": 2}, [vectors])
        # padding, unknown, Paris, good, then the random rows of ash and oak
        assert vocabulary.given.shape == (6, 3)
        np.testing.assert_array_equal(vocabulary.given[PADDING], 0)
        np.testing.assert_array_equal(vocabulary.given[2:4], vectors.take([2, 0]))
        assert vocabulary.given_is_random.tolist() == [False, True, False, False, True, True]
        rows = vocabulary.resolve(["good", "GOOD", "Paris", "ash", "Oak", "bad", "elm"])[0]
        assert rows.tolist() == [3, 3, 2, 4, 5, UNKNOWN, UNKNOWN]

    def test_a_rare_word_without_a_vector_is_unknown(self):
        vocabulary = build({"good": 1, "oak": 1}, [made_vectors(["good"])])
        given_rows, learned = vocabulary.resolve(["good", "oak"])
        assert given_rows.tolist() == [2, UNKNOWN]
        assert learned.tolist() == [UNKNOWN, UNKNOWN]
        assert len(vocabulary.given) == 3

    def test_a_word_known_in_one_odd_spelling_has_a_random_row_for_the_others(self):
        vocabulary = build({"iPhone": 5}, [made_vectors(["iPhone"])])
        rows = vocabulary.resolve(["iPhone", "iphone", "IPHONE"])[0]
        assert rows.tolist() == [2, 3, 3]
        assert vocabulary.given_is_random[3]

    def test_new_words_with_keep_vectors(self):
        vectors = made_vectors(["the", "good", "new", "rare"])
        counts = {"good": 2, "oak": 2}
        seen = build(counts, [vectors])
        kept = build(counts, [vectors], keep_vectors=3)
        new_rows, new_learned = kept.resolve(["new", "NEW", "rare"])
        assert new_rows[0] == new_rows[1] > UNKNOWN
        assert new_rows[2] == UNKNOWN
        assert new_learned.tolist() == [UNKNOWN] * 3
        np.testing.assert_array_equal(kept.given[new_rows[0]], vectors.vectors[2])
        assert seen.resolve(["new"])[0].tolist() == [UNKNOWN]
        # What is kept for new words comes last and changes nothing before it.
        np.testing.assert_array_equal(kept.given[: len(seen.given)], seen.given)
        assert len(kept.given) == len(seen.given) + 2
        everything = build(counts, [vectors], keep_vectors=10**9)
        assert len(everything.given) == len(seen.given) + 3

    def test_random_rows_have_the_scale_of_each_channel(self):
        small = made_vectors([f"w{i}" for i in range(500)], dim=20, scale=0.1)
        large = made_vectors([f"w{i}" for i in range(500)], dim=10, scale=5.0, seed=1)
        counts = {f"w{i}": 1 for i in range(500)} | {f"x{i}": 2 for i in range(300)}
        vocabulary = build(counts, [small, large])
        drawn = vocabulary.given[vocabulary.given_is_random]
        assert drawn.shape == (301, 30)
        assert drawn[:, :20].std() == pytest.approx(0.1, rel=0.05)
        assert drawn[:, 20:].std() == pytest.approx(5.0, rel=0.05)
        assert abs(drawn[:, 20:].mean()) < 0.5

    def test_scale_when_no_word_is_found(self):
        vocabulary = build({"oak": 2}, [made_vectors([f"w{i}" for i in range(99)], 200, scale=3)])
        assert vocabulary.given[2].std() == pytest.approx(3, rel=0.25)

    def test_channels_side_by_side(self):
        first = made_vectors(["good", "bad"], dim=2)
        second = made_vectors(["Good", "wine"], dim=3, seed=1)
        vocabulary = build({"good": 1, "Good": 1, "bad": 1, "wine": 1, "oak": 2}, [first, second])
        assert vocabulary.dim == 5
        rows = vocabulary.resolve(["good", "Good", "bad", "wine", "oak"])[0]
        good = np.concatenate([first.vectors[0], second.vectors[0]])
        np.testing.assert_array_equal(vocabulary.given[rows[0]], good)
        assert rows[0] == rows[1], "equal rows are kept once"
        np.testing.assert_array_equal(vocabulary.given[rows[2], :2], first.vectors[1])
        np.testing.assert_array_equal(vocabulary.given[rows[3], 2:], second.vectors[1])
        assert (vocabulary.given[rows[2], 2:] != 0).all(), "random in the channel that lacks it"
        assert (vocabulary.given[rows[3], :2] != 0).all()
        assert vocabulary.given_is_random[rows].tolist() == [False] * 4 + [True]

    def test_seeds(self):
        counts, vectors = {"oak": 2, "good": 1}, [made_vectors(["good"])]
        first, same, other = (build(counts, vectors, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.given, same.given)
        assert (first.given[first.given_is_random] != other.given[other.given_is_random]).all()
        sequence = np.random.SeedSequence([1, 2, 3])
        np.testing.assert_array_equal(
            build(counts, vectors, seed=sequence).given, build(counts, vectors, seed=sequence).given
        )

    def test_memory_mapped_vectors(self, tmp_path):
        from gensim.models import KeyedVectors

        made = KeyedVectors(4)
        made.add_vectors(["a", "b", "c"], np.arange(12, dtype=np.float32).reshape(3, 4))
        made.save(str(tmp_path / "saved.kv"), sep_limit=0)
        vocabulary = build({"c": 1, "A": 1}, [load_vectors(tmp_path / "saved.kv")])
        rows = vocabulary.resolve(["a", "c"])[0]
        assert vocabulary.given[rows].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]

    def test_cased_variants_in_many_vectors(self):
        """As in vectors of news: many words are there only with a capital, some in both ways."""
        only_capitalised = [f"Only{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(150)]
        both = [f"Both{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(75)]
        words = [*only_capitalised, *both, *(word.lower() for word in both)]
        words = np.random.default_rng(0).permutation(words).tolist()
        vectors = made_vectors(words, dim=20)
        forms = [word.lower() for word in only_capitalised] + both
        vocabulary = build(dict.fromkeys(forms, 1), [vectors])
        np.testing.assert_array_equal(
            vocabulary.given[vocabulary.resolve(forms)[0]],
            vectors.take(vectors.find(only_capitalised + both)),
        )
        assert vocabulary.report["words_with_vector"] == vocabulary.report["words"]


class TestReport:
    def test_counts(self):
        vocabulary = build(
            {"good": 4, "Good": 1, "oak": 3, "elm": 1, "bad": 0}, [made_vectors(["good", "bad"])]
        )
        assert vocabulary.report == {
            "words": 4,
            "words_with_vector": 2,
            "tokens": 9,
            "tokens_with_vector": 5,
            "learned_words": 2,
            "random_rows": 1,
            "kept_rows": 2,
            "dim": 3,
            "bytes_kept": 5 * 3 * 4,
        }
        assert json.loads(json.dumps(vocabulary.report)) == vocabulary.report


class TestState:
    def test_round_trip(self):
        vectors = [made_vectors(["good", "Paris", "kept"]), made_vectors(["wine"], 2)]
        vocabulary = build({"good": 2, "paris": 1, "oak": 2}, vectors, keep_vectors=3)
        forms = ["good", "GOOD", "paris", "oak", "Oak", "kept", "wine", "new"]
        state = vocabulary.to_state()
        assert {type(part) for part in state.values()} == {list, np.ndarray, dict}
        json.dumps({name: part for name, part in state.items() if not hasattr(part, "dtype")})
        for again in (
            Vocabulary.from_state(state),
            pickle.loads(pickle.dumps(vocabulary)),
            copy.deepcopy(vocabulary),
        ):
            assert again.words == vocabulary.words
            assert again.report == vocabulary.report
            for part, expected in zip(again.resolve(forms), vocabulary.resolve(forms), strict=True):
                np.testing.assert_array_equal(part, expected)
            np.testing.assert_array_equal(again.given, vocabulary.given)
            np.testing.assert_array_equal(again.given_is_random, vocabulary.given_is_random)

    def test_pickles_contain_only_the_kept_rows(self):
        vectors = made_vectors([f"w{i}" for i in range(5000)], dim=50)
        vocabulary = build({f"w{i}": 2 for i in range(100)}, [vectors])
        assert len(pickle.dumps(vocabulary)) < 102 * 50 * 4 + 5000

    @pytest.mark.parametrize(
        ("name", "part", "message"),
        [
            ("words", None, "must have the parts"),
            ("given", np.zeros(3), "are inconsistent"),
            ("given", np.zeros((1, 3)), "are inconsistent"),
            ("given_is_random", [True], "are inconsistent"),
            ("key_rows", [2, 2], "are inconsistent"),
            ("key_rows", [99], "are inconsistent"),
            ("random_rows", [-1], "are inconsistent"),
            ("keys", ["a", "b"], "are inconsistent"),
        ],
    )
    def test_damaged_states_are_refused(self, name, part, message):
        state = build({"good": 2, "oak": 2}, [made_vectors(["good"])]).to_state()
        state = state | {name: part}
        if part is None:
            del state[name]
        with pytest.raises(ValueError, match=message):
            Vocabulary.from_state(state)


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"min_count": 0}, ValueError, "min_count=0"),
            ({"min_count": 1.5}, ValueError, "min_count=1.5"),
            ({"min_count": True}, ValueError, "min_count=True"),
            ({"keep_vectors": "all"}, ValueError, "keep_vectors='all'"),
            ({"keep_vectors": -1}, ValueError, "keep_vectors=-1"),
            ({"keep_vectors": None}, ValueError, "keep_vectors=None"),
            ({"vectors": ["vectors.txt"]}, TypeError, "load_vectors.*str"),
        ],
    )
    def test_bad_options(self, options, error, message):
        with pytest.raises(error, match=message):
            build({"a": 1}, **options)

    @pytest.mark.parametrize("counts", [[1], [1, -1], [1.0, 2.0], [[1, 2]]])
    def test_bad_counts(self, counts):
        with pytest.raises(ValueError, match="one integer of at least 0 per form"):
            Vocabulary.build(["a", "b"], np.array(counts), vectors=[], seed=0)


# Few letters, so that spellings meet; among them some whose case changes their length.
WORD = st.text("aAbBßİıſǅé", min_size=1, max_size=3)
COUNTS = st.dictionaries(WORD, st.integers(0, 4), max_size=12)
CHANNELS = st.lists(st.lists(WORD, unique=True, min_size=1, max_size=8), max_size=3)


def build_from(counts, channels, **options):
    vectors = [
        made_vectors(words, dim=2 + number, seed=number) for number, words in enumerate(channels)
    ]
    return build(counts, vectors, **options), vectors


@settings(max_examples=300, deadline=None)
@given(counts=COUNTS, channels=CHANNELS, new=st.lists(WORD), kept=st.integers(0, 4))
def test_forms_resolve_as_the_rules_say(counts, channels, new, kept):
    """A slow second writing of the rules, one form at a time."""
    vocabulary, vectors = build_from(counts, channels, keep_vectors=kept)
    word_counts = Counter()
    for form, count in counts.items():
        word_counts[form.lower()] += count
    words = sorted((w for w in word_counts if word_counts[w] >= 2), key=lambda w: -word_counts[w])
    assert sorted(vocabulary.words) == sorted(words)

    def spellings(form):
        low = form.lower()
        return [form, low, low.capitalize(), low.upper()]

    def first(form, held):
        return next((s for s in spellings(form) if any(s in part for part in held)), None)

    used = {first(form, vectors) for form in counts} - {None}
    known = used | {word for channel in vectors for word in channel.words[:kept]}
    rows, learned = vocabulary.resolve([*counts, *new])
    for form, row, learned_id in zip([*counts, *new], rows, learned, strict=True):
        if form.lower() in vocabulary.words:
            assert vocabulary.words[learned_id - 2] == form.lower()
        else:
            assert learned_id == UNKNOWN
        key = first(form, vectors) if form in counts else first(form, [known])
        if key is None:
            in_words = form.lower() in vocabulary.words and bool(vectors)
            assert vocabulary.given_is_random[row]
            assert (row > UNKNOWN) == in_words
            continue
        assert not vocabulary.given_is_random[row]
        start = 0
        for channel in vectors:
            part = vocabulary.given[row, start : start + channel.dim]
            start += channel.dim
            spelling = first(key, [channel])
            if spelling is not None:
                np.testing.assert_array_equal(part, channel.take(channel.find([spelling]))[0])


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, channels=CHANNELS, new=st.lists(WORD), random=st.randoms())
def test_order_and_company_change_nothing(counts, channels, new, random):
    vocabulary, _ = build_from(counts, channels)
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    other, _ = build_from(dict(shuffled), channels)
    assert other.words == vocabulary.words
    np.testing.assert_array_equal(other.given, vocabulary.given)
    forms = [*counts, *new]
    together = np.stack(vocabulary.resolve(forms))
    np.testing.assert_array_equal(np.stack(other.resolve(forms)), together)
    alone = [np.stack(vocabulary.resolve([form])) for form in forms]
    np.testing.assert_array_equal(np.concatenate([together[:, :0], *alone], axis=1), together)
    again = Vocabulary.from_state(pickle.loads(pickle.dumps(vocabulary.to_state())))
    np.testing.assert_array_equal(np.stack(again.resolve(forms)), together)


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, channels=CHANNELS, kept=st.integers(1, 8))
def test_kept_vectors_change_no_form_that_occurs(counts, channels, kept):
    seen, _ = build_from(counts, channels)
    more, _ = build_from(counts, channels, keep_vectors=kept)
    for part, expected in zip(more.resolve(list(counts)), seen.resolve(list(counts)), strict=True):
        np.testing.assert_array_equal(part, expected)
    np.testing.assert_array_equal(more.given[: len(seen.given)], seen.given)
    assert len(np.unique(more.given[2:], axis=0)) == len(more.given) - 2
