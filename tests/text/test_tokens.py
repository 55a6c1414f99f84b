"""Tokens: what a word is in each script, that nothing is lost, and how a column becomes ids."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textcnn.text.tokens import (
    MAXIMUM_TOKEN_LENGTH,
    character_tokens,
    make_tokenizer,
    tokenize_column,
    word_tokens,
)

# What stands between tokens, and the joiners, which may be inside one or dropped.
SEPARATORS = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)

any_text = st.text(st.characters(exclude_categories=()), max_size=60)
tricky_text = st.text(
    st.sampled_from(
        "aZé9०3_.,:'’@#/-&<\"ู่ดี今カがй가\u0301\ufe0f\u200d\u200c\ud800\x00\xad 👩👍🏽🇫🇷𝒳ﬁ²"
    ),
    max_size=60,
)
ascii_text = st.one_of(
    st.text(st.characters(codec="ascii"), max_size=60),
    st.text(st.sampled_from("aZ93_.,:'@#/-& http://www."), max_size=60),
    st.lists(st.sampled_from(["http://", "www.", "a", "9", ".", "'", "@", "#", "_", " "])).map(
        "".join
    ),
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t ", []),
        ("Good film", "Good film"),
        ("I don't", "I don't"),
        ("l'été d’où rock'n'roll", "l'été d’où rock'n'roll"),
        ("dogs' 'tis ''", "dogs ' ' tis ' '"),
        ("Wow!!! (yes), no...", "Wow ! ! ! ( yes ) , no . . ."),
        ("well-known snake_case", "well - known snake _ case"),
        ("3.5 10,000 10:30 1.2.3.4", "3.5 10,000 10:30 1.2.3.4"),
        ("in 2024. 4th 90s 3.5mm -5 $5 50%", "in 2024 . 4th 90s 3.5 mm - 5 $ 5 50 %"),
        ("see http://a.b/c?d=1&e.", "see http://a.b/c?d=1&e ."),
        ("(https://a.b/) www.x.org!", "( https://a.b/ ) www.x.org !"),
        ("@user_name, #fun #1 C# a@b", "@user_name , #fun #1 C # a @ b"),
        ("&#39; @@a", "& # 39 ; @ @ a"),
        ("<br />", "< br / >"),
        ("été Ünïcode naïve", "été Ünïcode naïve"),
        ("e\u0301te\u0301 so\u00adft", "e\u0301te\u0301 soft"),
        ("Привет, мир", "Привет , мир"),
        ("हिन्दी में", "हिन्दी में"),
        ("مُحَمَّد می\u200cخواهم", "مُحَمَّد می\u200cخواهم"),
        ("한국어 문장", "한국어 문장"),
        ("今天很好，ok", "今 天 很 好 ， ok"),
        ("#话题#哈http://t.cn/a今", "# 话 题 # 哈 http://t.cn/a 今"),
        ("コンピュータで", "コ ン ピ ュ ー タ で"),
        ("か\u3099", "か\u3099"),
        ("ดีมาก", "ดี ม า ก"),
        ("ສະບາຍດີ", "ສ ະ ບ າ ຍ ດີ"),
        ("ខ្មែរ", "ខ្ មែ រ"),
        ("မြန်မာ", "မြ န် မာ"),
        ("𠀀𠀁", "𠀀 𠀁"),
        ("😀😀 👍🏽❤️", "😀 😀 👍🏽 ❤️"),
        ("👩\u200d👩\u200d👧x", "👩\u200d👩\u200d👧 x"),
        ("🇫🇷🇩🇪1️⃣", "🇫🇷 🇩🇪 1️⃣"),
        ("a\ud800b \x00c\u200bd\ufeff", "a b c d"),
        ("Ａ１ m² ½", "Ａ１ m² ½"),
    ],
)
def test_words(text, tokens):
    assert word_tokens(text) == (tokens.split(" ") if tokens else [])


@settings(max_examples=300, deadline=None)
@given(st.one_of(any_text, tricky_text, ascii_text))
def test_no_visible_character_is_lost_or_added(text):
    tokens = word_tokens(text)
    assert SEPARATORS.sub("", "".join(tokens)) == SEPARATORS.sub("", text)
    assert all(1 <= len(token) <= MAXIMUM_TOKEN_LENGTH for token in tokens)
    assert not any(re.search(r"\s", token) for token in tokens)
    "".join(tokens).encode()


@settings(max_examples=300, deadline=None)
@given(ascii_text)
def test_the_fast_way_for_ascii_gives_what_the_general_way_gives(text):
    assert word_tokens(text + " é") == [*word_tokens(text), "é"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(any_text, tricky_text), min_size=2, max_size=2))
def test_a_space_always_separates(texts):
    first, second = texts
    assert word_tokens(f"{first} {second}") == word_tokens(first) + word_tokens(second)


@pytest.mark.parametrize(
    "piece",
    [
        *["a", "é", "9", "a'", "é’", "9.", "9,9:", "_", "#", "@", "@_", "#_", "&#", "'", ".", "今"],
        *["http://", "http://.", "www.", "http://a", "e\u0301", "\u0301", "\u200d", "a\u200d"],
        *["👩\u200d", "👩\u200d\u200d", "🇫", "👍🏽", "ดี", "\ud800", "\x00", "é_", "#é_", "é@"],
    ],
)
def test_a_megabyte_without_spaces_is_cut_into_bounded_tokens(piece):
    text = piece * (1_000_000 // len(piece))
    tokens = word_tokens(text)
    assert max(map(len, tokens), default=1) <= MAXIMUM_TOKEN_LENGTH
    assert SEPARATORS.sub("", "".join(tokens)) == SEPARATORS.sub("", text)


def test_a_long_word_is_cut_the_same_way_wherever_it_stands():
    tokens = word_tokens("x" * 150)
    assert tokens == ["x" * 64, "x" * 64, "x" * 22]
    assert word_tokens("é, " + "x" * 150) == ["é", ",", *tokens]


CHINESE_REVIEW = (
    "房间很大，服务员态度也不错！就是早餐一般……距离地铁站步行5分钟，WiFi很快(100M)。价格￥398/晚，性价比高；"
    "下次还会来的~~~\n补充点评 2008年4月3日：“前台”很热情，电视是29寸的，有ADSL可以上网:)"
)


def test_no_line_of_chinese_reviews_becomes_a_few_tokens():
    """Whichever part of a line it is, and whatever of other scripts stands between."""
    for start in range(len(CHINESE_REVIEW)):
        text = CHINESE_REVIEW[start:] + " " + CHINESE_REVIEW[:start]
        chinese = re.findall("[\u4e00-\u9fff]", text)
        tokens = word_tokens(text)
        assert [token for token in tokens if re.match("[\u4e00-\u9fff]", token)] == chinese
    assert {"5", "WiFi", "100M", "398", "2008", "29", "ADSL"} <= set(word_tokens(CHINESE_REVIEW))


def test_characters():
    assert character_tokens("a é\n") == ["a", " ", "é", "\n"]
    assert character_tokens("") == []
    assert character_tokens("a\ud800") == ["a", "\ufffd"]


def spans(text):
    return (word.upper() for word in text.split())


class TestMakeTokenizer:
    def test_names(self):
        assert make_tokenizer("word") is word_tokens
        assert make_tokenizer("char") is character_tokens

    def test_a_checked_tokenizer_is_wrapped_once(self):
        for given_ in [word_tokens, character_tokens, make_tokenizer(str.split)]:
            assert make_tokenizer(given_) is given_

    def test_any_iterable_of_str_is_taken(self):
        assert make_tokenizer(spans)("a b") == ["A", "B"]
        assert make_tokenizer(lambda text: tuple(text))("ab") == ["a", "b"]
        tokens = make_tokenizer(lambda text: np.array(text.split()))("a b")
        assert tokens == ["a", "b"]
        assert {type(token) for token in tokens} == {str}

    def test_it_can_be_pickled(self):
        assert pickle.loads(pickle.dumps(make_tokenizer(spans)))("a") == ["A"]

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(
            ValueError, match="Received: tokenizer='words'. Expected 'word', 'char'"
        ):
            make_tokenizer("words")

    @pytest.mark.parametrize("tokenizer", [None, 3, ["word"]])
    def test_what_cannot_be_called_is_refused(self, tokenizer):
        with pytest.raises(TypeError, match="Received: tokenizer=.*type tokenizer='word'"):
            make_tokenizer(tokenizer)

    @pytest.mark.parametrize("result", ["ab", b"ab", None, 3])
    def test_a_result_that_is_no_list_is_refused(self, result):
        with pytest.raises(TypeError, match="did not return a list.*Expected a list of str"):
            make_tokenizer(lambda text: result)("a")

    @pytest.mark.parametrize("token", [b"b", 3, None, ["b"]])
    def test_tokens_that_are_not_text_are_refused(self, token):
        with pytest.raises(
            TypeError, match=f"not a str. Received: {re.escape(repr(token))} of type"
        ):
            make_tokenizer(lambda text: ["a", token])("a")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(any_text, max_size=6),
    st.sampled_from(["word", "char", str.split]),
    st.one_of(st.none(), st.integers(1, 5)),
)
def test_ids_give_the_tokens_of_each_cell(cells, tokenizer, max_length):
    column = tokenize_column(cells, tokenizer, max_length=max_length)
    assert column.ids.dtype == np.int32
    assert column.offsets.dtype == np.int64
    split = make_tokenizer(tokenizer)
    expected = [split(cell)[:max_length] for cell in cells]
    found = [
        [column.forms[i] for i in column.ids[start:end]]
        for start, end in zip(column.offsets[:-1], column.offsets[1:], strict=True)
    ]
    assert found == expected
    assert column.forms == list(dict.fromkeys(token for tokens in expected for token in tokens))


def test_a_column_without_tokens():
    column = tokenize_column(["", " "], "word")
    assert column.ids.tolist() == []
    assert column.offsets.tolist() == [0, 0, 0]
    assert column.forms == []
    assert tokenize_column([], "word").offsets.tolist() == [0]


def test_the_error_of_a_tokenizer_names_the_row():
    def fail(text):
        return text.split()[1:] if text else 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        tokenize_column(["a b", ""], fail)
    assert caught.value.__notes__ == ["while tokenizing row 1"]


@pytest.mark.parametrize(
    ("max_length", "error"),
    [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)],
)
def test_a_wrong_max_length_is_refused(max_length, error):
    with pytest.raises(error, match=f"Received: max_length={max_length}"):
        tokenize_column(["a"], "word", max_length=max_length)


def test_numpy_integers_are_lengths():
    assert tokenize_column(["a b c"], "word", max_length=np.int64(2)).forms == ["a", "b"]
