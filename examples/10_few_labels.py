"""Few labels: overfitting, and what helps against it.

A network that has seen few rows knows them by heart: the gap between its accuracy on training rows
and on new ones. Dropout and changed pictures (augmentation) make it smaller. For text, vectors of
words learnt from texts without labels bring knowledge that few labels cannot.

    python examples/10_few_labels.py            # several sizes, a few minutes
    python examples/10_few_labels.py --quick
"""

import numpy as np
import pandas as pd
from example_tools import new_figure, read_arguments, save_figure, show_table, small_digits
from sklearn.metrics import roc_auc_score

from textcnn import ImageCNNClassifier, TextCNNClassifier
from textcnn.datasets import load_reviews

WAYS = {
    "nothing": {"dropout": 0.0, "augment": None},
    "dropout": {"dropout": 0.5, "augment": None},
    "augmentation": {"dropout": 0.0, "augment": "auto"},
    "both": {"dropout": 0.5, "augment": "auto"},
}


def measure_gaps(sizes, epochs, seed):
    """Return accuracy on training rows and on new ones, per way and number of training rows."""
    X, new, y, new_y = small_digits(seed)
    lines = []
    for size in sizes:
        for way, settings in WAYS.items():
            classifier = ImageCNNClassifier(
                n_filters=(16, 32), **settings, epochs=epochs, random_state=seed
            ).fit(X[:size], y[:size])
            known, unknown = classifier.score(X[:size], y[:size]), classifier.score(new, new_y)
            lines.append([size, way, known, unknown, known - unknown])
    columns = ["rows", "against overfitting", "training", "new", "gap"]
    return pd.DataFrame(lines, columns=columns)


def learn_vectors(texts, seed):
    """Return word vectors learnt from texts whose labels nobody looks at."""
    from gensim.models import Word2Vec
    from gensim.utils import simple_preprocess

    sentences = [simple_preprocess(text) for text in texts]
    model = Word2Vec(sentences, vector_size=50, window=3, epochs=8, seed=seed, workers=1)
    return model.wv


def measure_vectors(sizes, epochs, seed):
    """Return AUC on new reviews with and without given vectors, per number of training rows."""
    reviews = load_reviews().sample(frac=1.0, random_state=seed)
    new, rest = reviews[:2000], reviews[2000:]
    vectors = learn_vectors(rest["review"], seed)
    lines = []
    for size in sizes:
        part = rest[:size]
        for way, given in (("learnt from the labelled", None), ("given", vectors)):
            classifier = TextCNNClassifier(
                given, n_filters=32, kernel_sizes=(2, 3), epochs=epochs, random_state=seed
            ).fit(part["review"], part["recommended"])
            shares = classifier.predict_proba(new["review"])[:, 1]
            lines.append([size, way, roc_auc_score(new["recommended"], shares)])
    return pd.DataFrame(lines, columns=["rows", "vectors", "AUC"])


def main():
    arguments = read_arguments(__doc__)
    sizes, epochs = ((150,), 40) if arguments.quick else ((100, 200, 400, 800), 120)
    gaps = measure_gaps(sizes, epochs, arguments.seed)
    show_table(gaps.round(3))
    mean = gaps.groupby("against overfitting")[["training", "new", "gap"]].mean()
    assert mean.loc["nothing", "training"] > 0.99 and mean.loc["nothing", "gap"] > 0.03
    assert mean.loc["augmentation", "gap"] < mean.loc["nothing", "gap"]
    assert mean["new"].idxmax() in ("augmentation", "both")

    few = (120,) if arguments.quick else (100, 200, 400, 800)
    scores = measure_vectors(few, 20 if arguments.quick else 40, arguments.seed)
    show_table(scores.round(3))
    by_way = scores.groupby("vectors")["AUC"].mean()
    assert by_way["given"] > by_way["learnt from the labelled"]

    figure, (left, right) = new_figure(2, width=9, height=3.4)
    part = gaps[gaps["rows"] == sizes[0]]
    places = np.arange(len(part))
    for offset, column, colour in ((-0.2, "training", "#a6cbe3"), (0.2, "new", "#4a7fa5")):
        bars = left.bar(places + offset, part[column], 0.4, color=colour, label=f"{column} rows")
        left.bar_label(bars, fmt="{:.3f}", fontsize=8)
    left.set_xticks(places, part["against overfitting"])
    left.set(title=f"accuracy after {sizes[0]} pictures", ylim=(0.7, 1.06))
    left.legend(frameon=False, ncols=2, loc="upper left", fontsize=8)
    for way, lines in scores.groupby("vectors"):
        if len(few) > 1:
            right.plot(lines["rows"], lines["AUC"], "o-", label=f"vectors {way}")
        else:
            bars = right.bar([f"vectors {way}"], lines["AUC"], color="#4a7fa5")
            right.bar_label(bars, fmt="{:.3f}")
    right.set(
        title="AUC on new reviews", xlabel=f"{few[0]} reviews" if len(few) == 1 else "reviews"
    )
    if len(few) > 1:
        right.legend(frameon=False)
    save_figure(figure, arguments, "10_few_labels")


if __name__ == "__main__":
    main()
