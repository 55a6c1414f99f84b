"""Sparse connections: the matrix that a convolution equals, and how much of it is zero.

A convolution is a product with a matrix that has a row per position and a column per pixel (a
doubly blocked Toeplitz matrix). For a 3×3 kernel each row contains the same nine numbers and zeros.
A dense layer would store and multiply all of them.

    python examples/05_sparse_connections.py
"""

import numpy as np
from example_tools import new_figure, read_arguments, save_figure
from scipy.signal import correlate2d


def matrix_of(kernel, height, width):
    """Return the matrix whose product with a flat image equals convolution without padding."""
    rows, columns = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
    matrix = np.zeros((rows, columns, height, width))
    for row in range(rows):
        for column in range(columns):
            place = np.s_[row : row + kernel.shape[0], column : column + kernel.shape[1]]
            matrix[row, column][place] = kernel
    return matrix.reshape(rows * columns, height * width)


def main():
    arguments = read_arguments(__doc__)
    random = np.random.default_rng(arguments.seed)
    kernel, image = np.arange(1.0, 10.0).reshape(3, 3), random.normal(size=(6, 6))
    matrix = matrix_of(kernel, 6, 6)
    by_matrix = (matrix @ image.ravel()).reshape(4, 4)
    np.testing.assert_allclose(by_matrix, correlate2d(image, kernel, "valid"))

    import keras

    convolution = keras.layers.Conv2D(1, 3, use_bias=False)
    convolution.build((None, 6, 6, 1))
    convolution.set_weights([kernel[:, :, None, None]])
    by_keras = keras.ops.convert_to_numpy(convolution(image[None, ..., None]))[0, ..., 0]
    np.testing.assert_allclose(by_keras, by_matrix, rtol=1e-4, atol=1e-4)

    assert matrix.shape == (16, 36)
    assert ((matrix != 0).sum(axis=1) == 9).all() and (matrix == 0).mean() == 0.75
    assert set(np.unique(matrix)) == {0, *kernel.ravel()}
    sides = np.array([6, 12, 28, 64, 128, 224])
    positions = (sides - 2) ** 2
    sparse, full = positions * 9, positions * sides**2
    for side, few, many in zip(sides, sparse, full, strict=True):
        print(
            f"{side:3}×{side:<3} pixels: {few:>9,} multiply-adds by the kernel, {many:>13,} by the "
            f"matrix, of which {1 - few / many:.2%} are zeros"
        )
    assert sparse[2] == 6_084 and full[2] == 529_984

    figure, (left, right) = new_figure(2, width=10, height=3.6, width_ratios=[1.5, 1])
    image = left.imshow(np.where(matrix == 0, np.nan, matrix), cmap="viridis")
    left.set(
        xlabel="pixel",
        ylabel="position of the kernel",
        title="3×3 kernel on 6×6 pixels: 75 % zeros",
        yticks=range(0, 16, 5),
    )
    figure.colorbar(image, ax=left, label="weight", shrink=0.6, ticks=[1, 5, 9])
    right.loglog(sides, full, "o-", color="#b5332e", label="the matrix")
    right.loglog(sides, sparse, "o-", color="#4a7fa5", label="the kernel")
    right.set(xlabel="width of the image", ylabel="multiply-adds", title="cost of one map")
    right.set_xticks(sides, sides)
    right.minorticks_off()
    right.legend(frameon=False)
    save_figure(figure, arguments, "05_sparse_connections")


if __name__ == "__main__":
    main()
