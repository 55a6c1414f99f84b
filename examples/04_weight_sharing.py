"""Weight sharing: ten filters against a hidden dense layer of 24 units, on handwritten digits.

Three networks with one hidden layer each classify images of 28×28 pixels. A 3×3 filter uses the
same nine weights at every position: few parameters, many multiply-adds. The layer after the maps
decides the rest: with averages the network needs 210 parameters in all but loses positions; with
all positions it needs 67,710. A kernel as large as the image fits only once: that is a dense layer.

    python examples/04_weight_sharing.py            # MNIST, some minutes
    python examples/04_weight_sharing.py --quick    # the small digits of scikit-learn, enlarged
"""

import numpy as np
import pandas as pd
from example_tools import (
    dense_network,
    new_figure,
    read_arguments,
    real_images,
    save_figure,
    show_table,
    small_digits,
)

from textcnn import ConvNetwork, ImageCNNClassifier
from textcnn.inspect import layer_table

ONE_LAYER = {"n_filters": 10, "padding": "valid", "pool_size": 1, "batch_norm": False}
NETWORKS = {
    "10 filters, averages": ConvNetwork(**ONE_LAYER, final_pooling="average"),
    "10 filters, all positions": ConvNetwork(**ONE_LAYER, final_pooling="flatten"),
    "dense, 24 units": dense_network(24),
}


def assert_that_a_kernel_as_large_as_the_image_is_a_dense_layer(images):
    import keras

    pixels = images[:20].astype(np.float32) / 255
    convolution = keras.layers.Conv2D(24, 28)
    maps = keras.ops.convert_to_numpy(convolution(pixels[..., None]))
    dense = keras.layers.Dense(24)
    dense.build((None, 784))
    kernel, bias = convolution.get_weights()
    dense.set_weights([kernel.reshape(784, 24), bias])
    units = keras.ops.convert_to_numpy(dense(pixels.reshape(20, 784)))
    assert maps.shape == (20, 1, 1, 24)
    np.testing.assert_allclose(maps.reshape(20, 24), units, atol=1e-4)
    print("24 kernels of 28×28 give the same as 24 dense units\n")


def main():
    arguments = read_arguments(__doc__)
    if arguments.quick:
        X, new, y, new_y = small_digits(arguments.seed, border=2, magnify=3)
    else:
        X, new, y, new_y = real_images("mnist")
    assert_that_a_kernel_as_large_as_the_image_is_a_dense_layer(X)

    lines = {}
    for name, network in NETWORKS.items():
        classifier = ImageCNNClassifier(
            network=network,
            augment=None,
            dropout=0.0,
            epochs=10 if arguments.quick else 6,
            random_state=arguments.seed,
        ).fit(X, y)
        table = layer_table(classifier)
        lines[name] = {
            "parameters": int(table["parameters"].sum()),
            "multiply-adds": int(table["multiply_adds"].sum()),
            "bytes": int(table["bytes"].sum()),
            "bytes of the maps": int(table["output_bytes"].max()),
            "accuracy": round(classifier.score(new, new_y), 4),
        }
    results = pd.DataFrame(lines).T
    results = results.astype(dict.fromkeys(results.columns[:-1], int))
    show_table(results)

    assert results["parameters"].tolist() == [210, 67_710, 19_090]
    average, flat, dense = results["accuracy"]
    assert flat > dense - (0.02 if arguments.quick else 0.0)
    assert average < dense, "averages of ten maps should not be enough"

    figure, panels = new_figure(3, width=10, height=2.6, sharey=True)
    for ax, column in zip(panels, ("parameters", "multiply-adds", "accuracy"), strict=True):
        bars = ax.barh(results.index, results[column], color=["#a6cbe3", "#4a7fa5", "#f2c14e"])
        ax.bar_label(bars, fmt="{:,.3f}" if column == "accuracy" else "{:,.0f}", padding=3)
        ax.set(title=column, xticks=[])
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        ax.margins(x=0.3)
    panels[0].invert_yaxis()
    save_figure(figure, arguments, "04_weight_sharing")


if __name__ == "__main__":
    main()
