"""CNN or RNN on text: accuracy and time at equal width.

A filter of the CNN sees three words at a time, at all positions in parallel; a unit of the RNN
reads word after word. Both give 64 numbers per text to the same output layer. Time is processor
time of all threads for one epoch, without the time to trace the network.

    python examples/08_cnn_or_rnn.py            # movie reviews (MR), some minutes
    python examples/08_cnn_or_rnn.py --quick    # a sample of the bundled reviews
"""

import sys
import time

import pandas as pd
from example_tools import REAL_DATA, new_figure, read_arguments, save_figure, show_table
from sklearn.model_selection import train_test_split

from textcnn import TextCNNClassifier
from textcnn.datasets import load_reviews


def recurrent_network(n_units):
    """Return a function that builds a GRU over the words of a text, for ``network=``."""

    def build(n_channels):
        import keras

        vectors, mask = keras.Input((None, n_channels)), keras.Input((None, 1))
        is_word = mask[:, :, 0] > 0
        last = keras.layers.GRU(n_units, name="gru")(vectors, mask=is_word)
        return keras.Model([vectors, mask], last)

    return build


def load_texts(arguments):
    if arguments.quick:
        reviews = load_reviews().dropna(subset=["review"]).sample(1200, random_state=arguments.seed)
        return reviews["review"], reviews["recommended"]
    path = REAL_DATA / "text" / "mr.csv.gz"
    if not path.is_file():
        sys.exit(
            "This example needs the sentence polarity data set 1.0 of Pang and Lee (2005), as CSV\n"
            f"with the columns text and label.\nMissing: {path}\nPut it there or set the "
            "environment variable TEXTCNN_DATA to the folder that contains text/, or use --quick."
        )
    table = pd.read_csv(path)
    return table["text"], table["label"]


def main():
    arguments = read_arguments(__doc__)
    texts, y = load_texts(arguments)
    train, new, y, new_y = train_test_split(
        texts, y, test_size=0.25, stratify=y, random_state=arguments.seed
    )
    width, epochs = (16, 16) if arguments.quick else (64, 4)
    lines = {}
    for name, settings in {
        "CNN": {"n_filters": width, "kernel_sizes": (3,)},
        "RNN (GRU)": {"network": recurrent_network(width)},
    }.items():
        seconds = []
        for n_epochs in (1, 1, epochs):  # the first fit in a process takes longer
            classifier = TextCNNClassifier(
                **settings, learned_dim=50, epochs=n_epochs, random_state=arguments.seed
            )
            started = time.process_time()
            classifier.fit(train, y)
            seconds.append(time.process_time() - started)
        lines[name] = {
            "accuracy": round(classifier.score(new, new_y), 4),
            "processor seconds per epoch": round((seconds[2] - seconds[1]) / (epochs - 1), 3),
        }
    results = pd.DataFrame(lines).T
    show_table(results)
    share = max(new_y.value_counts(normalize=True))
    assert results.loc["CNN", "accuracy"] > share
    assert results.loc["CNN", "accuracy"] > results.loc["RNN (GRU)", "accuracy"] - 0.03
    if not arguments.quick:
        assert results["processor seconds per epoch"].idxmin() == "CNN"

    figure, panels = new_figure(2, width=8, height=2.4, sharey=True)
    for ax, column in zip(panels, results.columns, strict=True):
        bars = ax.barh(results.index, results[column], color=["#4a7fa5", "#b5332e"])
        ax.bar_label(bars, fmt="{:.3f}", padding=3)
        ax.set(title=column, xticks=[])
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        ax.margins(x=0.2)
    panels[0].invert_yaxis()
    save_figure(figure, arguments, "08_cnn_or_rnn")


if __name__ == "__main__":
    main()
