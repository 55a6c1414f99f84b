"""2D convolutional networks on columns of images: out-of-fold features, and predictors."""

from __future__ import annotations

from textcnn.base.networks import NetworkClassifier, NetworkRegressor
from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.parameter_docs import documented
from textcnn.base.state import history, input_names
from textcnn.image.columns import takes_images
from textcnn.image.decoding import hash_images
from textcnn.image.fitted import ImageNetwork
from textcnn.image.learner import (
    ImageLearner,
    read_columns_of_images,
    read_one_column_of_images,
)


@documented
class ImageCNNEncoder(OutOfFold):
    """Turn columns of images into out-of-fold predictions of a 2D convolutional network.

    Each column of images has its own network: blocks of convolution and pooling, dense output.
    The rows are split into folds; one model per fold is trained on the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that was not
    trained on it. :meth:`transform` returns, for new rows, the mean of all models.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. With the first, training rows
        get features from models that were trained on them, so models and scores on such features
        are optimistic. Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features do not contain the base rate, like those of :class:`~textcnn.TextCNNEncoder`. Batch
    normalisation, the scaling of pixels, augmentation and early stopping use only the model's own
    training rows. For predictions including the base rate use
    :class:`~textcnn.ImageCNNClassifier` or :class:`~textcnn.ImageCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each
    proportional to rows × epochs × positions of the maps × kernel size × input and output filters
    of each convolution. Memory: arrays are not copied (uint8 is a quarter of float32); files are
    decoded once in threads and kept as bytes up to 1 GiB per column, otherwise read again in every
    epoch; batches are converted to floats one at a time.

    Parameters
    ----------
    {cv}
    {ensemble}
    {target_type}
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss of a regression; ``"auto"`` is squared.
    {output}
    {uncovered}
    {unlabelled}
    {missing_class}
    {image_shape}
    {image_size}
    {resize}
    {color_mode}
    on_error : {"raise", "blank"}, default="raise"
        Whether an image that is missing, or a file that cannot be read in ``transform``,
        is an error or a black image (with a warning that gives their number).
    {image_network}
    {image_n_filters}
    {image_kernel_sizes}
    {image_dense_units}
    {image_dropout}
    {image_l2}
    {augment}
    {precision}
    {image_epochs}
    {batch_size}
    {image_learning_rate}
    {label_smoothing}
    {image_early_stopping}
    {class_weight}
    n_jobs : int or None, default=None
        Number of processes that fit models in parallel; -1 for all cores. A worker starts in
        several seconds (it imports the backend and traces the network), so only long fits become
        faster.
    {image_random_state}

    Attributes
    ----------
    classes_ : ndarray or None
        Sorted classes; None for regression.
    target_type_ : str
        The type of the target.
    history_ : DataFrame
        Losses per column, model and epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels with ``image_shape``; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, if they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next. Files are opened, and decoded if they are kept, before training.

    See Also
    --------
    ImageCNNClassifier : The same network as a classifier.
    ImageCNNRegressor : The same network as a regressor.
    ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork : Values of ``network=``.
    TextCNNEncoder : Out-of-fold features of text columns.

    References
    ----------
    Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
    IEEE 86(11), 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNEncoder
    >>> random = np.random.default_rng(0)
    >>> images = random.integers(0, 50, (60, 8, 8), dtype=np.uint8)
    >>> images[::2, :, 3] = 255  # every second image has a vertical line,
    >>> images[1::2, 3, :] = 255  # the others a horizontal one
    >>> is_upright = [1, 0] * 30
    >>> encoder = ImageCNNEncoder(cv=2, n_filters=(4,), epochs=20, random_state=0)
    >>> features = encoder.fit_transform(images, is_upright)  # out of fold
    >>> features.shape, bool(features[::2].mean() > features[1::2].mean())
    ((60, 1), True)
    >>> encoder.get_feature_names_out().tolist()
    ['image_cnn']
    """

    _groups_by_content = "images"
    _read_columns = staticmethod(read_columns_of_images)
    _hash_column = staticmethod(hash_images)
    _hash_document = staticmethod(hash_images)
    _model_set = ImageNetwork
    _feature_name = "cnn"

    history_ = history

    def __init__(
        self,
        *,
        cv=5,
        ensemble="auto",
        target_type="auto",
        loss="auto",
        output="proba",
        uncovered="raise",
        unlabelled="fold",
        missing_class="raise",
        image_shape=None,
        image_size=None,
        resize="pad",
        color_mode="auto",
        on_error="raise",
        network=None,
        n_filters=(32, 64),
        kernel_sizes=3,
        dense_units=(),
        dropout=0.3,
        l2=0.0,
        augment="auto",
        precision="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        label_smoothing=0.0,
        early_stopping=False,
        class_weight=None,
        n_jobs=None,
        random_state=None,
    ):
        self.cv = cv
        self.ensemble = ensemble
        self.target_type = target_type
        self.loss = loss
        self.output = output
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.image_shape = image_shape
        self.image_size = image_size
        self.resize = resize
        self.color_mode = color_mode
        self.on_error = on_error
        self.network = network
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.augment = augment
        self.precision = precision
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learner(self) -> ImageLearner:
        return ImageLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be paths, and that X may have more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)

    def _set_names(self, input_features) -> list[str]:
        """Return the names of the columns of images; pixels and arrays are one column, "image"."""
        names = input_names(self, input_features)
        is_array = self.image_shape is not None or not self._model_sets[0][0].reader.from_cells
        if is_array and (input_features is None or len(names) > 1):
            names = ["image"]
        return [f"{name}_{self._feature_name}" for name in names]


@documented
class ImageCNNClassifier(NetworkClassifier):
    """Classification of images with a 2D convolutional network.

    The network of :class:`~textcnn.ImageCNNEncoder` as a classifier: one model without folds.
    If y has several columns of 0 and 1, they are labels, and an image may have any number of them.

    Cost: time is proportional to rows × epochs × positions of the maps × kernel size × input and
    output filters of each convolution. Arrays are not copied (uint8 is a quarter of float32); files
    are decoded once in threads and kept as bytes up to 1 GiB, otherwise read again in every epoch;
    batches are converted to floats one at a time.

    Parameters
    ----------
    {image_shape}
    {image_size}
    {resize}
    {color_mode}
    {on_error}
    {image_network}
    {image_n_filters}
    {image_kernel_sizes}
    {image_dense_units}
    {image_dropout}
    {image_l2}
    {augment}
    {precision}
    {image_epochs}
    {batch_size}
    {image_learning_rate}
    {label_smoothing}
    {image_early_stopping}
    {class_weight}
    {image_random_state}

    Attributes
    ----------
    classes_ : ndarray
        Sorted classes, or names of the labels.
    history_ : DataFrame
        Losses per epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels with ``image_shape``; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, if they have names.

    References
    ----------
    Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
    IEEE 86(11), 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> random = np.random.default_rng(0)
    >>> images = random.integers(0, 50, (60, 8, 8), dtype=np.uint8)
    >>> images[::2, :, 3] = 255  # every second image has a vertical line,
    >>> images[1::2, 3, :] = 255  # the others a horizontal one
    >>> lines = ["upright", "level"] * 30
    >>> classifier = ImageCNNClassifier(n_filters=(4,), epochs=20, random_state=0)
    >>> classifier.fit(images[:40], lines[:40]).predict(images[40:44]).tolist()
    ['upright', 'level', 'upright', 'level']
    """

    _read_columns = staticmethod(read_one_column_of_images)
    _model_set = ImageNetwork

    history_ = history

    def __init__(
        self,
        *,
        image_shape=None,
        image_size=None,
        resize="pad",
        color_mode="auto",
        on_error="raise",
        network=None,
        n_filters=(32, 64),
        kernel_sizes=3,
        dense_units=(),
        dropout=0.3,
        l2=0.0,
        augment="auto",
        precision="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        label_smoothing=0.0,
        early_stopping=False,
        class_weight=None,
        random_state=None,
    ):
        self.image_shape = image_shape
        self.image_size = image_size
        self.resize = resize
        self.color_mode = color_mode
        self.on_error = on_error
        self.network = network
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.augment = augment
        self.precision = precision
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.random_state = random_state

    def _learner(self) -> ImageLearner:
        return ImageLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be paths, and that X may have more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)


@documented
class ImageCNNRegressor(NetworkRegressor):
    """Regression of images with a 2D convolutional network.

    The network of :class:`~textcnn.ImageCNNEncoder` as a regressor: one model without folds.
    If y has several columns of numbers, they are predicted together.

    Cost: time is proportional to rows × epochs × positions of the maps × kernel size × input and
    output filters of each convolution. Arrays are not copied (uint8 is a quarter of float32); files
    are decoded once in threads and kept as bytes up to 1 GiB, otherwise read again in every epoch;
    batches are converted to floats one at a time.

    Parameters
    ----------
    {image_shape}
    {image_size}
    {resize}
    {color_mode}
    {on_error}
    {image_network}
    {image_n_filters}
    {image_kernel_sizes}
    {image_dense_units}
    {image_dropout}
    {image_l2}
    {augment}
    {precision}
    {image_epochs}
    {batch_size}
    {image_learning_rate}
    {image_early_stopping}
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss to minimise; ``"auto"`` is squared. Poisson needs non-negative counts or rates.
    {image_random_state}

    Attributes
    ----------
    history_ : DataFrame
        Losses per epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels with ``image_shape``; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, if they have names.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNRegressor
    >>> random = np.random.default_rng(0)
    >>> brightness = random.integers(50, 200, 60)
    >>> noise = random.integers(0, 50, (60, 6, 6))
    >>> images = (brightness[:, None, None] + noise).astype(np.uint8)
    >>> regressor = ImageCNNRegressor(n_filters=(4,), epochs=150, random_state=0)
    >>> regressor = regressor.fit(images[:40], brightness[:40])
    >>> bool(regressor.score(images[40:], brightness[40:]) > 0.8)
    True
    """

    _read_columns = staticmethod(read_one_column_of_images)
    _model_set = ImageNetwork

    history_ = history

    def __init__(
        self,
        *,
        image_shape=None,
        image_size=None,
        resize="pad",
        color_mode="auto",
        on_error="raise",
        network=None,
        n_filters=(32, 64),
        kernel_sizes=3,
        dense_units=(),
        dropout=0.3,
        l2=0.0,
        augment="auto",
        precision="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        early_stopping=False,
        loss="auto",
        random_state=None,
    ):
        self.image_shape = image_shape
        self.image_size = image_size
        self.resize = resize
        self.color_mode = color_mode
        self.on_error = on_error
        self.network = network
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.augment = augment
        self.precision = precision
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.loss = loss
        self.random_state = random_state

    def _learner(self) -> ImageLearner:
        return ImageLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be paths, and that X may have more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)
