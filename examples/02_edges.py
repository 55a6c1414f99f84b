"""Edges: one convolution, ReLU and pooling on an image of 300×300 pixels.

The kernel multiplies each pixel by eight and subtracts its eight neighbours: where all are equal
the result is zero, so only edges remain. What Keras calls a convolution is a correlation: the
kernel is not flipped, as SciPy's ``correlate2d`` shows.

    python examples/02_edges.py
"""

import numpy as np
from example_tools import draw_shapes, new_figure, read_arguments, save_figure
from scipy.signal import correlate2d

KERNEL = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], dtype=np.float32)


def main():
    arguments = read_arguments(__doc__)
    import keras
    from matplotlib.patches import Rectangle

    image = draw_shapes()
    convolution = keras.layers.Conv2D(1, 3, use_bias=False)
    convolution.build((None, 300, 300, 1))
    convolution.set_weights([KERNEL[:, :, None, None]])
    convolved = convolution(image[None, ..., None])
    activated = keras.layers.ReLU()(convolved)
    pooled = keras.layers.MaxPooling2D(2)(activated)
    convolved, activated, pooled = (
        keras.ops.convert_to_numpy(maps)[0, ..., 0] for maps in (convolved, activated, pooled)
    )

    np.testing.assert_allclose(convolved, correlate2d(image, KERNEL, "valid"), atol=1e-3)
    assert convolved.shape == (298, 298) and pooled.shape == (149, 149)
    on_edge = np.abs(convolved) > 1e-3
    print(f"{on_edge.mean():.1%} of the positions lie on an edge; everywhere else the map is 0")
    assert on_edge.mean() < 0.06
    assert activated.min() == 0 and np.array_equal(activated, np.maximum(convolved, 0))
    assert np.array_equal(pooled, activated.reshape(149, 2, 149, 2).max(axis=(1, 3)))

    figure, panels = new_figure(4, n_rows=2, width=12, height=6.4)
    reach = np.abs(convolved).max() / 2  # so that weaker edges are visible too
    signed = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    positive = {"cmap": "gray", "vmin": 0, "vmax": reach}
    for (whole, detail), values, title, options in (
        (panels[:, 0], image, "image, 300×300", {"cmap": "gray", "vmin": 0, "vmax": 255}),
        (panels[:, 1], convolved, "convolution: red > 0, blue < 0", signed),
        (panels[:, 2], activated, "ReLU: values above 0", positive),
        (panels[:, 3], pooled, "max pooling, 149×149", positive),
    ):
        whole.imshow(values, interpolation="antialiased", **options)
        whole.set(title=title, xticks=[], yticks=[])
        scale = len(values) / 300
        left, top, side = (int(number * scale) for number in (70, 160, 30))
        detail.imshow(values[top : top + side, left : left + side], **options)
        detail.set(xticks=[], yticks=[])
        box = [left - 0.5, top - 0.5], side, side
        whole.add_patch(Rectangle(*box, fill=False, edgecolor="#f2a900", linewidth=1.5))
    panels[1, 0].set_ylabel("enlarged detail")
    save_figure(figure, arguments, "02_edges")


if __name__ == "__main__":
    main()
