"""Few labels: overfitting, and how to reduce it.

A network trained on few rows memorises them; overfitting is the gap between its accuracy on
training rows and on new ones. Dropout and augmentation reduce the gap. For text, word vectors
trained on unlabelled texts add knowledge that few labels cannot give, and reduce the gap too.

    python examples/10_few_labels.py            # several sizes, a few minutes
    python examples/10_few_labels.py --quick
"""

import numpy as np
import pandas as pd
from example_tools import (
    REAL_DATA,
    new_figure,
    read_arguments,
    save_figure,
    show_table,
    small_digits,
)

from textcnn import ImageCNNClassifier, TextCNNClassifier

WAYS = {
    "nothing": {"dropout": 0.0, "augment": None},
    "dropout": {"dropout": 0.5, "augment": None},
    "augmentation": {"dropout": 0.0, "augment": "auto"},
    "both": {"dropout": 0.5, "augment": "auto"},
}


def measure_gaps(ways, sizes, epochs, seed):
    """Return accuracy on training rows and on new ones, per way and number of training rows."""
    X, new, y, new_y = small_digits(seed)
    lines = []
    for size in sizes:
        for way in ways:
            classifier = ImageCNNClassifier(
                n_filters=(16, 32), **WAYS[way], epochs=epochs, batch_size=16, random_state=seed
            ).fit(X[:size], y[:size])
            known, unknown = classifier.score(X[:size], y[:size]), classifier.score(new, new_y)
            lines.append([size, way, known, unknown, known - unknown])
    columns = ["rows", "against overfitting", "training", "new", "gap"]
    return pd.DataFrame(lines, columns=columns)


def learn_vectors(texts, seed):
    """Return word vectors by latent semantic analysis, without labels."""
    from gensim.models import KeyedVectors
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    counter = TfidfVectorizer(min_df=5, sublinear_tf=True)
    analysis = TruncatedSVD(50, random_state=seed).fit(counter.fit_transform(texts))
    vectors = analysis.components_.T * analysis.singular_values_
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keyed = KeyedVectors(50)
    keyed.add_vectors(list(counter.get_feature_names_out()), vectors.astype(np.float32))
    return keyed


def make_texts(n_rows, seed):
    """Return texts of eight words, most of which belong to the text's topic, and the topics.

    There are four topics of eighty words each, so that few labelled texts contain few of the words.
    """
    random = np.random.default_rng(seed)
    topics = random.integers(0, 4, n_rows)
    own = random.integers(0, 80, (n_rows, 8)) + 80 * topics[:, None]
    words = np.where(random.random((n_rows, 8)) < 0.7, own, random.integers(0, 320, (n_rows, 8)))
    return np.array([" ".join(f"word{word}" for word in row) for row in words]), topics


def load_texts(arguments):
    """Return texts, labels and word vectors: real ones, if available, without ``--quick``."""
    path, vectors = REAL_DATA / "text" / "mr.csv.gz", REAL_DATA / "vectors/domain.50k.100d.txt.gz"
    if not arguments.quick and path.is_file() and vectors.is_file():
        table = pd.read_csv(path).sample(frac=1.0, random_state=arguments.seed)
        return table["text"].to_numpy(), table["label"].to_numpy(), str(vectors)
    if not arguments.quick:
        print(f"synthetic texts instead of real ones; missing: {path} or {vectors}")
    texts, topics = make_texts(4000, arguments.seed)
    return texts, topics, learn_vectors(texts[1000:], arguments.seed)


def measure_vectors(sizes, epochs, arguments):
    """Return accuracy on training and new texts, without and with pretrained vectors, by size."""
    texts, y, vectors = load_texts(arguments)
    lines = []
    for size in sizes:
        known = slice(1000, 1000 + size)
        for way, given in (("learned", None), ("pretrained", vectors)):
            classifier = TextCNNClassifier(
                given,
                n_filters=32,
                kernel_sizes=(1, 2),
                batch_size=16,
                epochs=epochs,
                random_state=arguments.seed,
            ).fit(texts[known], y[known])
            training = classifier.score(texts[known], y[known])
            new = classifier.score(texts[:1000], y[:1000])
            lines.append([size, way, training, new, training - new])
    return pd.DataFrame(lines, columns=["rows", "vectors", "training", "new", "gap"])


def draw_pairs(axes, lines, way):
    """Draw bars of the accuracy on training rows and on new ones, side by side."""
    places = np.arange(len(lines))
    for offset, column, colour in ((-0.2, "training", "#a6cbe3"), (0.2, "new", "#4a7fa5")):
        bars = axes.bar(places + offset, lines[column], 0.4, color=colour, label=f"{column} rows")
        axes.bar_label(bars, fmt="{:.3f}", fontsize=8)
    axes.set_xticks(places, lines[way])


def main():
    arguments = read_arguments(__doc__)
    sizes, epochs = ((100,), 40) if arguments.quick else ((100, 200, 400), 100)
    ways = list(WAYS)[:3] if arguments.quick else list(WAYS)
    gaps = measure_gaps(ways, sizes, epochs, arguments.seed)
    show_table(gaps.round(3))
    mean = gaps.groupby("against overfitting")[["training", "new", "gap"]].mean()
    assert mean.loc["nothing", "training"] > 0.99 and mean.loc["nothing", "gap"] > 0.03
    assert mean.loc["augmentation", "gap"] < mean.loc["nothing", "gap"]
    assert mean["new"].idxmax() in ("augmentation", "both")

    few = (60,) if arguments.quick else (50, 100, 200, 400, 800)
    scores = measure_vectors(few, 30, arguments)
    show_table(scores.round(3))
    by_way = scores[scores["rows"] < 300].groupby("vectors")[["training", "new", "gap"]].mean()
    given, labelled = by_way.loc["pretrained"], by_way.loc["learned"]
    assert given["new"] > labelled["new"]
    assert labelled["training"] > 0.95 and labelled["gap"] > given["gap"] > 0.03

    figure, (left, right) = new_figure(2, width=9, height=3.4)
    part = gaps[gaps["rows"] == sizes[0]]
    draw_pairs(left, part, "against overfitting")
    left.set(title=f"digits: {sizes[0]} labelled images", ylabel="accuracy")
    left.set(ylim=(0.7, 1.07), yticks=np.linspace(0.7, 1, 4))
    left.legend(frameon=False, ncols=2, loc="upper left", fontsize=8)
    right.margins(y=0.2)
    right.set(title=f"texts: {few[0]} labelled" if len(few) == 1 else "texts", ylabel="accuracy")
    if len(few) == 1:
        draw_pairs(right, scores, "vectors")
        right.legend(frameon=False, ncols=2, loc="upper left", fontsize=8)
    else:
        for way, lines in scores.groupby("vectors"):
            (line,) = right.plot(lines["rows"], lines["new"], "o-", label=f"{way} vectors, new")
            style = {"color": line.get_color(), "label": f"{way} vectors, training"}
            right.plot(lines["rows"], lines["training"], "--", **style)
        right.set(xlabel="labelled texts", xscale="log")
        right.set_xticks(few, few)
        right.minorticks_off()
        right.legend(frameon=False, fontsize=8)
    save_figure(figure, arguments, "10_few_labels")


if __name__ == "__main__":
    main()
