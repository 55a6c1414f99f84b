"""The forms of network that ``network=`` of the image estimators takes: parameters alone."""

from __future__ import annotations

from sklearn.base import BaseEstimator


class ConvNetwork(BaseEstimator):
    """Plain convolutions: blocks of convolution, batch normalisation, activation and pooling.

    ``network=None`` of an image estimator is this network, with the estimator's ``n_filters`` and
    ``kernel_sizes``. This object has all other choices too.

    Parameters
    ----------
    n_filters : int or tuple of int, default=(32, 64)
        Filters of each block; there are as many blocks as entries.
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole image.
    strides : int or tuple, default=1
        Pixels from one position of a filter to the next, in the first convolution of a block.
    n_convolutions : int, default=1
        Convolutions per block.
    padding : {"same", "valid"}, default="same"
        Whether convolutions reach beyond the image's border.
    activation : str, default="relu"
        Name of a Keras activation, for the convolutions and for the estimator's ``dense_units``.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation. Each model has its own.
    pooling : {"max", "average"}, default="max"
        How a block's maps are made smaller.
    pool_size : "auto", int or tuple, default="auto"
        Side of the squares that are pooled, for all blocks or each; 1 for none. ``"auto"`` is 2 in
        the last blocks, in as many as leave maps of 4×4 or more, and 1 in the others.
    pool_stride : int, tuple or None, default=None
        Step from square to square; None is ``pool_size``.
    final_pooling : {"auto", "flatten", "average", "max"}, default="auto"
        How the last maps become features. ``"auto"`` flattens up to 64 positions, else takes the
        average, which needs far fewer weights.

    See Also
    --------
    ResidualNetwork, Backbone, SequenceNetwork : The other forms.

    References
    ----------
    Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
    IEEE 86(11), 1998.

    Examples
    --------
    >>> from textcnn import ConvNetwork, ImageCNNClassifier
    >>> network = ConvNetwork(n_filters=(16, 32), kernel_sizes=(5, 3), strides=(2, 1))
    >>> classifier = ImageCNNClassifier(network=network, epochs=5)
    >>> classifier.set_params(network__batch_norm=False).network
    ConvNetwork(batch_norm=False, kernel_sizes=(5, 3), n_filters=(16, 32),
                strides=(2, 1))
    """

    def __init__(
        self,
        n_filters=(32, 64),
        *,
        kernel_sizes=3,
        strides=1,
        n_convolutions=1,
        padding="same",
        activation="relu",
        batch_norm=True,
        pooling="max",
        pool_size="auto",
        pool_stride=None,
        final_pooling="auto",
    ):
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.strides = strides
        self.n_convolutions = n_convolutions
        self.padding = padding
        self.activation = activation
        self.batch_norm = batch_norm
        self.pooling = pooling
        self.pool_size = pool_size
        self.pool_stride = pool_stride
        self.final_pooling = final_pooling


class ResidualNetwork(BaseEstimator):
    """The residual network for small images of He et al.

    A first convolution, then one stage of residual blocks per entry of ``n_filters``. Each stage
    after the first halves the maps' sides. ``network="residual"`` is this network as it is by
    default.

    Cost: on 28×28 pixels 8 times the multiply-adds of the default plain convolutions at depth 20,
    50 times at depth 110.

    Parameters
    ----------
    depth : int, default=20
        Layers with weights: 6n + 2 with three stages, 20 to 110 in the paper.
    n_filters : int or tuple of int, default=(16, 32, 64)
        Filters of each stage; they must not fall from stage to stage.
    kernel_size : int or (height, width), default=3
        Pixels that a filter spans.
    activation : str, default="relu"
        Name of a Keras activation, for the convolutions and for the estimator's ``dense_units``.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation. Each model has its own.
    final_pooling : {"average", "max", "flatten"}, default="average"
        How the last maps become features.

    See Also
    --------
    ConvNetwork, Backbone, SequenceNetwork : The other forms.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    arXiv 1512.03385, section 4.2.

    Examples
    --------
    >>> from textcnn import ImageCNNEncoder, ResidualNetwork
    >>> encoder = ImageCNNEncoder(network=ResidualNetwork(depth=8), epochs=5)
    >>> encoder.get_params()["network__depth"]
    8
    """

    def __init__(
        self,
        depth=20,
        *,
        n_filters=(16, 32, 64),
        kernel_size=3,
        activation="relu",
        batch_norm=True,
        final_pooling="average",
    ):
        self.depth = depth
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.batch_norm = batch_norm
        self.final_pooling = final_pooling


class Backbone(BaseEstimator):
    """A network of ``keras.applications`` without its top, from scratch or with stored weights.

    It reads pixels from 0 to 255 (paths, or arrays of uint8), grey or RGB, and images of the size
    that the network needs (32 to 75 pixels at least). A name in place of this object is this
    network as it is by default: ``network="mobilenetv3small"``.

    Parameters
    ----------
    name : str
        Its name in ``keras.applications``, in upper or lower case: ``"MobileNetV3Small"``,
        ``"resnet50"``.
    weights : None, "imagenet" or path, default=None
        What it starts from: fresh weights, those that Keras downloads, or a file that
        ``save_weights`` made of the same network with ``include_top=False``. Not needed any more
        once fitted.
    fine_tune : bool, default=True
        Whether training changes the network, or only what comes after it.
    final_pooling : {"average", "max", "flatten"}, default="average"
        How the last maps become features.

    See Also
    --------
    ConvNetwork, ResidualNetwork, SequenceNetwork : The other forms.

    Examples
    --------
    >>> from textcnn import Backbone, ImageCNNEncoder
    >>> network = Backbone("mobilenetv3small", weights="small.weights.h5", fine_tune=False)
    >>> ImageCNNEncoder(network=network, image_size=96).get_params()["network__fine_tune"]
    False
    """

    def __init__(self, name, *, weights=None, fine_tune=True, final_pooling="average"):
        self.name = name
        self.weights = weights
        self.fine_tune = fine_tune
        self.final_pooling = final_pooling


class SequenceNetwork(BaseEstimator):
    """One network for every frame of a sequence of images, and a pooling over time.

    Sequences, arrays (n_rows, frames, height, width, channels), are read by every form of network:
    each frame by the same network, whose features are averaged over time. This object says what
    is done in place of the average. The order of the frames is ignored.

    Parameters
    ----------
    frame_network : None, ConvNetwork, ResidualNetwork, Backbone, str or callable, default=None
        The network that reads a frame, as ``network=`` takes it; None is ``ConvNetwork()``.
    time_pooling : {"average", "max"}, default="average"
        How features of the frames become one row.

    See Also
    --------
    ConvNetwork, ResidualNetwork, Backbone : Networks that read a frame.

    Examples
    --------
    >>> from textcnn import ConvNetwork, ImageCNNClassifier, SequenceNetwork
    >>> network = SequenceNetwork(ConvNetwork(n_filters=(8, 16)), time_pooling="max")
    >>> ImageCNNClassifier(network=network).get_params()["network__frame_network__n_filters"]
    (8, 16)
    """

    def __init__(self, frame_network=None, *, time_pooling="average"):
        self.frame_network = frame_network
        self.time_pooling = time_pooling


FORMS = (ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork)
