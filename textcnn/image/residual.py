"""The residual network for small images of He et al. (2016), section 4.2."""

from __future__ import annotations

from textcnn.neural.backend import import_keras


def blocks_per_stage(depth: int, n_stages: int) -> int | None:
    """Return the number of residual blocks of a stage; None if the depth is invalid."""
    blocks, rest = divmod(depth - 2, 2 * n_stages)
    return blocks if rest == 0 and blocks >= 1 else None


def add_residual_stages(maps, *, n_filters, kernel_size, depth, activation, batch_norm, l2):
    """Apply a first convolution and stages of residual blocks to images.

    Each stage after the first halves the sides of the maps. Shortcuts have no parameters: if the
    shape changes, a shortcut uses every second position and sets the new channels to zero (option
    A).

    Parameters
    ----------
    maps : tensor (batch, height, width, channels)
    n_filters : tuple of int
        One per stage; (16, 32, 64) in the paper.
    kernel_size : tuple of int
    depth : int
        Number of layers with weights, including the output: 6n + 2 for three stages.
    activation : str
    batch_norm : float or None
        Momentum of the batch normalisations; None for networks without.
    l2 : float

    Returns
    -------
    tensor (batch, height / 2^(stages − 1), width / 2^(stages − 1), n_filters[-1])

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    arXiv 1512.03385.
    """
    keras = import_keras()
    ops, layers = keras.ops, keras.layers

    def convolve(maps, filters, strides, name):
        maps = layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=batch_norm is None,
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=name,
        )(maps)
        if batch_norm is None:
            return maps
        return layers.BatchNormalization(
            momentum=batch_norm, name=name.replace("conv", "batch_norm")
        )(maps)

    def activate(maps, name):
        return layers.Activation(activation, name=f"activation_{name}")(maps)

    maps = activate(convolve(maps, n_filters[0], 1, "conv_0"), "0")
    for stage, filters in enumerate(n_filters, start=1):
        for block in range(1, blocks_per_stage(depth, len(n_filters)) + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            name = f"{stage}_{block}"
            inner = activate(convolve(maps, filters, strides, f"conv_{name}_1"), f"{name}_1")
            inner = convolve(inner, filters, 1, f"conv_{name}_2")
            shortcut = maps[:, ::strides, ::strides]
            new_channels = filters - maps.shape[-1]
            if new_channels > 0:
                shortcut = ops.pad(shortcut, [[0, 0], [0, 0], [0, 0], [0, new_channels]])
            maps = activate(layers.Add(name=f"sum_{name}")([inner, shortcut]), f"{name}_2")
    return maps
