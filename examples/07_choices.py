"""Choices: pooling, activation, depth and residual links, one table.

Poolings and activations are compared in a network of two blocks. Depths are those of He et al. for
small images, 6n + 2 layers with weights (4n + 2 in the two stages of ``--quick``), with and without
residual links around every two of them; depth 2 is one convolution and the output. Training is
short: a few epochs.

    python examples/07_choices.py            # Fashion-MNIST, 3,000 images: some minutes
    python examples/07_choices.py --quick    # scikit-learn's digits, small networks up to depth 10
"""

import pandas as pd
from example_tools import (
    new_figure,
    read_arguments,
    real_images,
    save_figure,
    show_table,
    small_digits,
)

from textcnn import ConvNetwork, ImageCNNClassifier, ResidualNetwork
from textcnn.inspect import layer_table


def stacked_network(depth, n_filters):
    """Return a function that builds the network without links: the same convolutions in a row."""

    def build(shape):
        import keras

        layers = keras.layers
        stack = [keras.Input(shape)]
        n_blocks = (depth - 2) // (2 * len(n_filters))
        plan = [(n_filters[0], 1)]
        for stage, filters in enumerate(n_filters):
            for layer in range(2 * n_blocks):
                plan.append((filters, 2 if stage and not layer else 1))
        for filters, strides in plan:
            stack += [
                layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
            ]
        return keras.Sequential([*stack, layers.GlobalAveragePooling2D()])

    return build


def main():
    arguments = read_arguments(__doc__)
    if arguments.quick:
        X, new, y, new_y = small_digits(arguments.seed)
        depths, n_filters, blocks, epochs = (2, 10), (8, 12), (8, 16), 6
    else:
        X, new, y, new_y = real_images("fashion_mnist")
        X, y, new, new_y = X[:3000], y[:3000], new[:2000], new_y[:2000]
        depths, n_filters, blocks, epochs = (2, 8, 20, 56), (8, 16, 32), (32, 64), 4

    two_blocks = {"n_filters": blocks, "pool_size": 2}
    ways = {
        ("pooling", "max"): ConvNetwork(**two_blocks),
        ("pooling", "average"): ConvNetwork(**two_blocks, pooling="average"),
        ("activation", "relu"): ConvNetwork(**two_blocks),
        ("activation", "tanh"): ConvNetwork(**two_blocks, activation="tanh"),
        ("activation", "leaky_relu"): ConvNetwork(**two_blocks, activation="leaky_relu"),
    }
    for depth in depths:
        ways["depth, stacked", depth] = stacked_network(depth, n_filters)
        if depth > 2:
            ways["depth, residual", depth] = ResidualNetwork(depth, n_filters=n_filters)
    lines, known = [], {}
    for (subject, choice), network in ways.items():
        key = repr(network)
        if key not in known:
            classifier = ImageCNNClassifier(
                network=network, augment=None, epochs=epochs, random_state=arguments.seed
            ).fit(X, y)
            table = layer_table(classifier)
            known[key] = {
                "parameters": int(table["parameters"].sum()),
                "loss": round(float(classifier.history_["loss"].iloc[-1]), 3),
                "accuracy": round(classifier.score(new, new_y), 4),
            }
        lines.append({"subject": subject, "choice": choice, **known[key]})
        print(lines[-1], flush=True)
    results = pd.DataFrame(lines).set_index(["subject", "choice"])
    show_table(results)

    deepest = depths[-1]
    stacked = results.loc[("depth, stacked", deepest)]
    residual = results.loc[("depth, residual", deepest)]
    assert stacked["parameters"] == residual["parameters"], "links should have no parameters"
    assert residual["loss"] < stacked["loss"], "links should help the deepest network to learn"
    assert results.loc["pooling", "accuracy"].min() > (0.8 if arguments.quick else 0.75)
    assert results.loc["activation", "accuracy"].min() > (0.8 if arguments.quick else 0.75)

    figure, (left, right) = new_figure(2, width=9, height=3.4)
    for place, subject in enumerate(("pooling", "activation")):
        part = results.loc[subject, "accuracy"]
        names = [f"{choice}{' pooling' if not place else ''}" for choice in part.index]
        bars = left.barh(names, part, color=("#a6cbe3", "#f2c14e")[place])
        left.bar_label(bars, fmt="{:.3f}", padding=3)
    left.set(title="two blocks: pooling, activation", xlabel="accuracy on new images")
    left.set(xlim=(0, 1.15), xticks=[0, 0.5, 1])
    left.invert_yaxis()
    for subject, colour in (("depth, stacked", "#b5332e"), ("depth, residual", "#4a7fa5")):
        part = results.loc[subject, "accuracy"]
        right.plot(part.index.astype(int), part, "o-", color=colour, label=subject[7:])
    right.set(xlabel="layers with weights", ylabel="accuracy on new images", xticks=depths)
    right.set(title=f"depth, after {epochs} epochs", ylim=(0, 1))
    right.legend(frameon=False, loc="lower right")
    save_figure(figure, arguments, "07_choices")


if __name__ == "__main__":
    main()
