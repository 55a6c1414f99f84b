"""Shapes: output sizes of kernels and strides on an image of 32×32 pixels and 3 channels.

Twelve filters give twelve maps; 2×2 max pooling with stride 2 halves height and width. A kernel of
k pixels with stride s fits (n - k) // s + 1 times into n pixels; with padding="same" there are
n / s positions, rounded up. Parameters depend on the kernel only, multiply-adds on both.

    python examples/03_shapes.py
"""

import pandas as pd
from example_tools import new_figure, read_arguments, save_figure, show_table

from textcnn import ConvNetwork, ImageCNNClassifier
from textcnn.inspect import layer_table

KERNELS, STRIDES = (2, 3, 5, 7), (1, 2, 3, 4)


def table_of(**settings):
    network = ConvNetwork(n_filters=12, batch_norm=False, **settings)
    classifier = ImageCNNClassifier(network=network, augment=None)
    return layer_table(classifier, image_shape=(32, 32, 3)).set_index("layer")


def main():
    arguments = read_arguments(__doc__)
    table = table_of(kernel_sizes=3)
    show_table(table)
    assert table.loc["conv_1_1", "output_shape"] == (32, 32, 12)
    assert table.loc["pool_1", "output_shape"] == (16, 16, 12)

    lines = []
    for kernel in KERNELS:
        for stride in STRIDES:
            settings = {"kernel_sizes": kernel, "strides": stride, "pool_size": 1}
            line = table_of(**settings, padding="valid").loc["conv_1_1"]
            side = (32 - kernel) // stride + 1
            assert line["output_shape"] == (side, side, 12)
            assert line["parameters"] == (kernel * kernel * 3 + 1) * 12
            assert line["multiply_adds"] == side * side * 12 * kernel * kernel * 3
            lines.append(
                {
                    "kernel": kernel,
                    "stride": stride,
                    "width of the maps": side,
                    "width with padding": -(-32 // stride),
                    "parameters": line["parameters"],
                    "multiply-adds": line["multiply_adds"],
                }
            )
    shapes = pd.DataFrame(lines)
    show_table(shapes)

    figure, (left, right) = new_figure(2, width=8.5, height=3.6)
    for kernel, part in shapes.groupby("kernel"):
        label = f"{kernel}×{kernel}, {part['parameters'].iloc[0]:,} parameters"
        left.plot(part["stride"], part["width of the maps"], "o-", markersize=4, label=label)
        right.plot(part["stride"], part["multiply-adds"], "o-", markersize=4)
    left.set(xlabel="stride", ylabel="width of the maps, pixels")
    left.set(title="12 filters on 32×32 pixels, no padding")
    left.set(xticks=STRIDES, ylim=(0, 33))
    right.set(xlabel="stride", ylabel="multiply-adds per image", title="cost", yscale="log")
    right.set(xticks=STRIDES)
    left.legend(frameon=False, fontsize=8, title="kernel", alignment="left")
    save_figure(figure, arguments, "03_shapes")


if __name__ == "__main__":
    main()
