"""Explanations of texts: exact sums, the direction of contributions, pages that are safe."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from checks import signal_table, tiny
from inside import explain_few_rows_at_a_time, keep_model
from scipy.stats import spearmanr

from textcnn import TextCNNClassifier, TextCNNEncoder, TextCNNRegressor, TextLinearEncoder
from textcnn.datasets import load_reviews
from textcnn.inspect import TextExplanation
from textcnn.text.places import placed_tokens

NETWORKS = [
    {},
    {"pooling": "both", "activation": "leaky_relu", "dense_units": (5, 3)},
]
TEXTS = ["", "good", "so good so bad poor film", "unseen words only", "bad " * 30]
HOSTILE = "<script>alert('x')</script> good \"quoted\" & <b>bad</b>\x00 \u202eturned\u202c"


def outputs_of(explanation, column="value"):
    """Return an array (n_rows, n_outputs)."""
    frame = explanation.outputs_to_frame()
    return frame.pivot(index="row", columns="output", values=column)[
        frame["output"].unique()
    ].to_numpy()


def assert_adds_up(explanation, atol=1e-5):
    """Assert that n-grams and words add up to the outputs."""
    outputs = explanation.outputs_to_frame().set_index(["row", "output"])
    np.testing.assert_allclose(outputs["unexplained"], 0, atol=atol)
    for frame in (explanation.to_frame(), explanation.words_to_frame()):
        sums = frame.groupby(["row", "output"])["contribution"].sum()
        sums = sums.reindex(outputs.index, fill_value=0.0)
        np.testing.assert_allclose(sums, outputs["explained"], atol=1e-9)


@pytest.fixture(scope="module")
def encoder():
    X, y = signal_table(120, 0)
    return tiny(cv=2, epochs=15, n_filters=8, output="logit").fit(X["review"].tolist(), y)


@pytest.mark.parametrize("options", NETWORKS, ids=str)
def test_contributions_add_up_to_the_output_of_the_models(options):
    X, y = signal_table(60, 0, n_classes=3)
    options = {"n_filters": 5, "output": "logit"} | options
    fitted = tiny(cv=2, epochs=3, **options).fit(X["review"].tolist(), y)
    explanation = fitted.explain(TEXTS)
    assert explanation.method == "exact" and len(explanation) == len(TEXTS)
    np.testing.assert_allclose(outputs_of(explanation), fitted.transform(TEXTS), atol=1e-6)
    assert_adds_up(explanation)
    np.testing.assert_allclose(
        outputs_of(explanation, "base")[1], outputs_of(explanation)[0], atol=1e-6
    )


def test_one_filter_is_explained_as_by_hand():
    X, y = signal_table(60, 0)
    fitted = tiny(cv=2, epochs=3, n_filters=1, kernel_sizes=(2,), learned_dim=4).fit(
        X["review"].tolist(), y
    )
    network = keep_model(fitted, 0)
    model = network.models[0].model
    weights = dict(zip(model.names, model.weights, strict=True))
    words = ["warm", "good", "film"]
    vocabulary = network.readers[0].vocabulary
    known = model.view["known_0"]
    ids = [i if known[i] else 1 for i in vocabulary.resolve(words)[1]]
    vectors = np.vstack([weights["learned_0/embeddings"][ids], np.zeros((1, 4))])
    kernel = weights["convolution_0_0_0_0/kernel"][:, :, 0]
    bias = weights["convolution_0_0_0_0/bias"][0]
    maps = np.array([np.sum(vectors[i : i + 2] * kernel) + bias for i in range(3)])
    place = int(np.maximum(maps, 0).argmax())
    worth = weights["raw_output/kernel"][0, 0]
    expected = (max(maps[place], 0) - max(bias, 0)) * worth
    frame = fitted.explain([" ".join(words)]).to_frame()
    if expected == 0:
        assert frame.empty
    else:
        assert frame["ngram"].tolist() == [" ".join(words[place : place + 2])]
        np.testing.assert_allclose(frame["contribution"], expected, atol=1e-6)


def test_predictors_are_explained_with_the_base_rate():
    X, y = signal_table(80, 0)
    X["title"] = X["review"].str.slice(0, 9)
    new = X.head(4)
    settings = {"n_filters": 4, "kernel_sizes": (2, 3), "epochs": 4, "random_state": 0}
    classifier = TextCNNClassifier(**settings).fit(X, np.where(y, "yes", "no"))
    explanation = classifier.explain(new)
    share = classifier.predict_proba(new)[:, [1]]
    np.testing.assert_allclose(outputs_of(explanation), np.log(share / (1 - share)), atol=1e-5)
    assert_adds_up(explanation)
    frame = explanation.to_frame()
    assert set(frame["column"]) == {"review", "title"} and set(frame["output"]) == {"yes"}
    regressor = TextCNNRegressor(**settings).fit(X["review"], y * 10 + 100.0)
    explanation = regressor.explain(new["review"])
    assert explanation.units == "units of y"
    np.testing.assert_allclose(
        outputs_of(explanation)[:, 0], regressor.predict(new["review"]), rtol=1e-6
    )
    assert_adds_up(explanation)


def test_contributions_of_other_networks_nearly_add_up():
    X, y = signal_table(60, 0)
    classifier = TextCNNClassifier(network="bigru", n_filters=4, epochs=12, random_state=0)
    classifier.fit(X["review"].tolist(), y)
    texts = ["", "good", *X["review"].iloc[:3]]
    explanation = classifier.explain(texts)
    share = classifier.predict_proba(texts)[:, [1]]
    np.testing.assert_allclose(outputs_of(explanation), np.log(share / (1 - share)), atol=1e-4)
    assert explanation.method == "slopes"
    outputs = explanation.outputs_to_frame()
    moved = (outputs["value"] - outputs["base"]).abs()
    assert moved.max() > 0.1
    assert outputs["unexplained"].abs().max() < 0.05 * moved.max()
    assert "approximately" in str(explanation)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "continuous"])
def test_linear_encoders_are_explained_by_their_weights(kind):
    reviews = load_reviews().iloc[:300]
    y = {
        "binary": reviews["recommended"],
        "multiclass": reviews["rating"].round().astype(int).clip(2, 4),
        "continuous": reviews["rating"],
    }[kind]
    output = "proba" if kind == "continuous" else "logit"
    linear = TextLinearEncoder(cv=2, target_type=kind, output=output, random_state=0)
    linear.fit(reviews[["review"]], y)
    texts = ["", "İt was GOOD\x00", "lovely lovely coat \ud800 a", *reviews["review"].iloc[:4]]
    new = pd.DataFrame({"review": np.array(texts, object)}, dtype=object)
    explanation = linear.explain(new)
    np.testing.assert_allclose(outputs_of(explanation), linear.transform(new), atol=1e-5)
    assert_adds_up(explanation, atol=2e-5)
    twice = explanation.to_frame().query("row == 2 and ngram == 'lovely' and kind == 'words'")
    assert len(twice) == 2 * (3 if kind == "multiclass" else 1)
    top = linear.top_ngrams(reviews[["review"]].head(50), n=3)
    assert (top.groupby("output").size() == 6).all()
    with pytest.raises(ValueError, match="hashes"):
        linear.top_ngrams()


def test_contributions_predict_the_effect_of_removing_words():
    reviews = load_reviews().dropna(subset=["review"])
    train, new = reviews.iloc[:700], reviews.iloc[700:720]
    classifier = TextCNNClassifier(n_filters=30, epochs=6, random_state=0)
    classifier.fit(train["review"].tolist(), train["recommended"])

    def outputs(texts):
        share = classifier.predict_proba(texts)[:, 1]
        return np.log(share / (1 - share))

    whole = outputs(new["review"].tolist())
    contributions, falls, of_ngrams, falls_of_ngrams = [], [], [], []
    for row in classifier.explain(new["review"].tolist()).rows:
        [text] = row.texts
        cut = [text.text[:start] + text.text[stop:] for start, stop in text.word_spans]
        contributions += text.word_contributions[:, 0].tolist()
        falls += (whole[row.row] - outputs(cut)).tolist()
        place = int(np.abs(text.contributions[:, 0]).argmax())
        start, stop = text.spans[place]
        of_ngrams.append(text.contributions[place, 0])
        falls_of_ngrams += (
            whole[row.row] - outputs([text.text[:start] + text.text[stop:]])
        ).tolist()
    assert spearmanr(contributions, falls).statistic > 0.6
    assert np.mean(np.sign(of_ngrams) == np.sign(falls_of_ngrams)) >= 0.8


class Page(HTMLParser):
    """Collects tags and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.pieces, self.titles = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.titles += [value for name, value in attributes if name == "title"]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data):
        self.pieces.append(data)


@pytest.mark.parametrize("reads", ["words", "characters", "linear"])
def test_a_page_shows_hostile_texts_as_text(reads, encoder):
    X, y = signal_table(60, 0)
    names = np.where(y, "<img src=x onerror=alert(1)>", "<a>")
    if reads == "linear":
        fitted = TextLinearEncoder(cv=2, random_state=0).fit(X["review"].tolist(), y)
    elif reads == "characters":
        fitted = TextCNNClassifier(level="char", n_filters=2, epochs=1, random_state=0)
        fitted.fit(X["review"].tolist(), names)
    else:
        fitted = encoder
    explanation = fitted.explain([HOSTILE, "", *X["review"].iloc[:3]])
    assert_adds_up(explanation, atol=2e-5)
    page = Page(explanation._repr_html_())
    assert set(page.tags) <= {"div", "p", "b", "br", "span", "bdi", "i"}
    text = "".join(page.pieces)
    assert "<script>alert('x')</script>" in text and '"quoted" & <b>bad</b>\u2400' in text
    assert not {"\u202e", "\x00"} & set(text)
    assert "empty" in text
    text.encode("utf-8")
    str(explanation).encode("utf-8")
    if reads == "characters":
        assert "<img src=x" in text


def test_the_strongest_word_has_the_deepest_colour(encoder):
    explanation = encoder.explain(["stone bad glass"])
    words = explanation.words_to_frame().set_index("word")["contribution"]
    assert words.idxmax() == "bad"
    page = Page(explanation._repr_html_())
    assert f"{words['bad']:+.3f}" in page.titles
    assert "rgba(59,110,168,0.75)" in explanation._repr_html_()


def test_text_and_frames_agree(encoder):
    texts = ["good film plot", "bad music story"] * 8
    explanation = encoder.explain(texts)
    assert isinstance(explanation, TextExplanation)
    frame = explanation.to_frame()
    assert frame.columns.tolist() == [
        "row", "column", "output", "ngram", "kind", "contribution", "start", "stop",
    ]  # fmt: skip
    for line in frame.itertuples():
        assert texts[line.row][line.start : line.stop] == line.ngram
    first = frame.iloc[0]
    assert f"{first['contribution']:+.3f}  {first['ngram']}" in explanation.to_text(n_rows=1)
    assert "… 6 more" in str(explanation)
    with pytest.raises(ValueError, match="Expected: one of .*x0_cnn.*Received: output='nowhere'"):
        explanation.to_text(output="nowhere")
    assert "x0_cnn" in explanation.to_html(output="x0_cnn")


def test_top_ngrams_with_texts_and_without(encoder):
    alone = encoder.top_ngrams(n=3)
    assert alone["ngram"].iloc[0] == "bad" and len(alone) == 6
    assert alone["contribution"].is_monotonic_decreasing
    explanation = encoder.explain(["bad", ""])
    expected = outputs_of(explanation)[0] - outputs_of(explanation)[1]
    np.testing.assert_allclose(alone["contribution"].iloc[0], expected[0], atol=1e-6)
    X, _ = signal_table(40, 1)
    found = encoder.top_ngrams(X["review"].tolist(), n=5)
    assert found["ngram"].str.contains("bad").iloc[0] and len(found) == 10
    np.testing.assert_allclose(found["total"], found["contribution"] * found["n_rows"])
    for n in (0, 1.5, True):
        with pytest.raises(ValueError, match="Received: n="):
            encoder.top_ngrams(n=n)


def test_many_rows_are_explained_in_parts_with_the_same_result(encoder, monkeypatch):
    texts = ["good film", "", "bad plot bad", "so good"] * 3
    whole = encoder.explain(texts).to_frame()
    explain_few_rows_at_a_time(monkeypatch, 5)
    pd.testing.assert_frame_equal(encoder.explain(texts).to_frame(), whole)


def test_joined_columns_are_explained_as_one_text():
    X, y = signal_table(60, 0)
    X["title"] = X["review"].str.slice(0, 9)
    fitted = tiny(cv=2, epochs=3, join_columns=True, output="logit").fit(X, y)
    new = X.head(3).assign(title=["", "a | b", "good"])
    explanation = fitted.explain(new)
    assert_adds_up(explanation)
    texts = [row.texts[0] for row in explanation.rows]
    assert texts[1].text == f"{new['review'].iloc[1]} | a | b"
    for text in texts:
        assert [text.text[a:b] for a, b in text.word_spans] == text.words
    assert not fitted.top_ngrams(n=50)["ngram"].str.contains("\x1f").any()


@pytest.mark.parametrize(
    ("tokenizer", "text", "shown", "words"),
    [
        ("word", "Don't  stop\tit!", "Don't  stop\tit!", ["Don't", "stop", "it", "!"]),
        ("word", "co\u00adop \ud800é", "coop \ufffdé", ["coop", "é"]),
        ("char", "a\ud800b", "a\ufffdb", ["a", "\ufffd", "b"]),
        (str.split, "one two", "one two", ["one", "two"]),
        (lambda text: text.lower().split()[1:], "Out In", "in", ["in"]),
        ("word", "", "", []),
    ],
    ids=["signs", "unseen", "characters", "callable", "other length", "empty"],
)
def test_words_are_found_in_their_text(tokenizer, text, shown, words):
    text, tokens, places = placed_tokens(text, tokenizer, None)
    assert (text, tokens) == (shown, words)
    assert [text[start:stop] for start, stop in places] == words


def test_an_unfitted_estimator_explains_nothing():
    with pytest.raises(ValueError, match="not fitted"):
        tiny().explain(["good"])
    with pytest.raises(ValueError, match="not fitted"):
        TextLinearEncoder().top_ngrams(["good"])


def test_explanations_of_a_part_are_part_of_the_whole(encoder):
    rows = encoder.explain(["good", "bad plot"]).rows
    one = TextExplanation([replace(rows[1], row=7)], units="log-odds", method="exact")
    assert one.to_frame()["row"].unique().tolist() == [7]


def test_joined_columns_of_a_linear_encoder_are_explained_cell_by_cell():
    reviews = load_reviews().iloc[:200].assign(again=lambda table: table["review"].str[::-1])
    texts = reviews[["review", "again"]]
    encoder = TextLinearEncoder(join_columns=True, output="logit", cv=2, random_state=0)
    encoder.fit(texts, reviews["recommended"])
    explanation = encoder.explain(texts.head(3))
    assert [[text.column for text in row.texts] for row in explanation.rows] == [
        ["review", "again"]
    ] * 3
    outputs = explanation.outputs_to_frame()
    np.testing.assert_allclose(outputs["value"], encoder.transform(texts.head(3))[:, 0], atol=1e-4)
    np.testing.assert_allclose(outputs["unexplained"], 0, atol=1e-4)
    assert len(encoder.top_ngrams(texts.head(20), n=3)) >= 3


@pytest.fixture(scope="module")
def named_rows():
    texts = ["good film", "bad film\r\nso", "very good\r\nplot twist", "so bad"] * 8
    X = pd.DataFrame({"review": texts}, index=[f"r{number // 2}" for number in range(32)])
    return X, np.array(["yes", "no"] * 16)


@pytest.mark.parametrize("n_ngrams", [0, 1, 3])
@pytest.mark.parametrize(
    "estimator",
    [
        TextCNNClassifier(n_filters=3, epochs=5, random_state=0),
        TextCNNClassifier(n_filters=3, epochs=1, n_blocks=2, random_state=0),
        TextLinearEncoder(cv=2, random_state=0),
    ],
    ids=["exact", "gradients", "linear"],
)
def test_printed_lines_add_up(named_rows, estimator, n_ngrams):
    X, y = named_rows
    shown = estimator.fit(X, y).explain(X[:4]).to_text(n_ngrams=n_ngrams)
    blocks = shown.split("\n\n")[1:]
    assert len(blocks) == 4
    for block in blocks:
        first, *lines = block.splitlines()
        value, base = map(float, re.findall(r": (\S+) = (\S+) without", first)[0])
        total = sum(float(line.split()[0]) for line in lines)
        assert total == pytest.approx(value - base, abs=0.0005 * (len(lines) + 2))
    if n_ngrams == 0:
        assert "(other n-grams)" in shown


def test_rows_keep_the_index_also_where_labels_are_repeated(named_rows):
    X, y = named_rows
    classifier = TextCNNClassifier(n_filters=3, epochs=2, random_state=0).fit(X, y)
    explanation = classifier.explain(X[:3])
    for frame in (
        explanation.to_frame(), explanation.words_to_frame(), explanation.outputs_to_frame()
    ):  # fmt: skip
        assert frame["row"].unique().tolist() == ["r0", "r1"]
    assert str(explanation).count("row r0, yes") == 2 and "row r1, yes" in str(explanation)
    assert [row.row for row in explanation.rows] == [0, 1, 2]
    by_number = classifier.explain(pl.from_pandas(X)[:3])
    assert by_number.to_frame()["row"].unique().tolist() == [0, 1, 2]
    pd.testing.assert_frame_equal(
        classifier.top_ngrams(X[:4]), classifier.top_ngrams(X[:4].reset_index(drop=True))
    )


def test_probability_label_and_feature_are_shown(named_rows):
    X, y = named_rows
    classifier = TextCNNClassifier(n_filters=3, epochs=5, random_state=0).fit(X, y)
    explanation = classifier.explain(X[:4])
    frame = explanation.outputs_to_frame()
    np.testing.assert_allclose(frame["prediction"], classifier.predict_proba(X[:4])[:, 1])
    assert frame["label"].tolist() == classifier.predict(X[:4]).tolist()
    first = explanation.rows[0]
    assert f"; probability {first.predictions[0]:.4g}, predicted: {first.label}" in str(explanation)
    encoder = TextLinearEncoder(cv=2, random_state=0).fit(X.assign(again=X["review"]), y)
    new = X.assign(again="so good")[:4]
    frame = encoder.explain(new).outputs_to_frame()
    features = encoder.transform(new)
    for number, name in enumerate(encoder.get_feature_names_out()):
        found = frame.loc[frame["output"] == name, "prediction"]
        np.testing.assert_allclose(found, features[:, number], rtol=1e-6)
    regressor = TextCNNRegressor(n_filters=3, epochs=2, random_state=0).fit(X, np.arange(32.0))
    frame = regressor.explain(X[:4]).outputs_to_frame()
    np.testing.assert_allclose(frame["prediction"], regressor.predict(X[:4]), rtol=1e-6)
    assert frame["label"].isna().all()


@pytest.mark.parametrize("level", ["word", "char"])
def test_both_line_ends_are_line_ends(named_rows, level):
    X, y = named_rows
    encoder = TextCNNEncoder(cv=2, level=level, n_filters=2, epochs=1, random_state=0).fit(X, y)
    shown = encoder.explain(X[1:2]).to_html()
    text = html.unescape(re.sub("<[^>]+>", "", shown))
    assert "bad film \nso" in text
    assert "\r" not in text and "␍" not in text
