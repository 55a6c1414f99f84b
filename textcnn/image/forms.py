"""Classes of networks for ``network=`` of the image estimators: their parameters."""

from __future__ import annotations

from sklearn.base import BaseEstimator


class ConvNetwork(BaseEstimator):
    """Plain convolutions: blocks of convolution, batch normalisation, activation and pooling.

    ``network=None`` of an image estimator is this network, with the estimator's ``n_filters`` and
    ``kernel_sizes``. This object also has all other parameters.

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
        Whether images are padded so that maps keep their size.
    activation : str, default="relu"
        Name of a Keras activation, for the convolutions and for the estimator's ``dense_units``.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation. Each model has its own.
    pooling : {"max", "average"}, default="max"
        How the maps of a block are pooled.
    pool_size : "auto", int or tuple, default="auto"
        Side of the pooled squares, for all blocks or each; 1 for no pooling. ``"auto"`` is 2 in
        as many of the last blocks as leave maps of at least 4×4, and 1 in the others.
    pool_stride : int, tuple or None, default=None
        Step between squares; None is ``pool_size``.
    final_pooling : {"auto", "flatten", "average", "max"}, default="auto"
        How the last maps become features. ``"auto"`` flattens up to 64 positions, otherwise it
        averages them, which needs far fewer weights.

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
    """Residual network of He et al. for small images.

    A first convolution, then one stage of residual blocks per entry of ``n_filters``. Each stage
    after the first halves the sides of the maps. ``network="residual"`` is this network with its
    default parameters.

    Cost: on 28×28 pixels 8 times the multiply-adds of the default plain convolutions at depth 20,
    50 times at depth 110.

    Parameters
    ----------
    depth : int, default=20
        Number of layers with weights: 6n + 2 with three stages, 20 to 110 in the paper.
    n_filters : int or tuple of int, default=(16, 32, 64)
        Filters of each stage; they must not decrease.
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

    It needs pixels from 0 to 255 (paths, or arrays of uint8), grey or RGB, and a minimum image size
    that depends on the network (32 to 75 pixels). A name instead of this object, such as
    ``network="mobilenetv3small"``, is this network with its default parameters.

    Parameters
    ----------
    name : str
        Its name in ``keras.applications``, in upper or lower case: ``"MobileNetV3Small"``,
        ``"resnet50"``.
    weights : None, "imagenet" or path, default=None
        Initial weights: random ones, those that Keras downloads, or a file written by
        ``save_weights`` of the same network with ``include_top=False``. A fitted estimator does
        not need the file.
    fine_tune : bool, default=True
        Whether the network is trained, or only the layers after it.
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

    Every network can read sequences, arrays of shape (n_rows, frames, height, width, channels):
    each frame passes through the same network, and features are averaged over time. With this
    object another pooling over time can be chosen. The order of the frames is ignored.

    Parameters
    ----------
    frame_network : None, ConvNetwork, ResidualNetwork, Backbone, str or callable, default=None
        The network that reads a frame, as for ``network=``; None is ``ConvNetwork()``.
    time_pooling : {"average", "max"}, default="average"
        How features of the frames are combined to one row.

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
