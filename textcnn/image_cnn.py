"""2D convolutional networks on columns of images: out-of-fold features, and plain predictors."""

from __future__ import annotations

from textcnn.base.networks import NetworkClassifier, NetworkRegressor
from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.state import history, input_names
from textcnn.image.columns import takes_images
from textcnn.image.fitted import ImageNetwork
from textcnn.image.learner import (
    ImageLearner,
    read_columns_of_images,
    read_one_column_of_images,
)
from textcnn.image.reader import hash_images


class ImageCNNEncoder(OutOfFold):
    """Turn columns of images into out-of-fold predictions of a 2D convolutional network.

    Each column of images gets a network of its own: blocks of convolution and pooling, dense
    output. The rows are split into folds; one model per fold learns from the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that never
    saw that row's target. :meth:`transform` returns, for new rows, the mean of all models.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows
        features from models that saw their targets; what is trained on them looks too good.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features are relative to what each model knows of the target's level, as those of
    :class:`~textcnn.TextCNNEncoder` are. Batch normalisation, the scaling of pixels, augmentation
    and early stopping know a model's own training rows only. For predictions at the real level use
    :class:`~textcnn.ImageCNNClassifier` or :class:`~textcnn.ImageCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each in
    proportion to rows × passes × positions of the maps × kernel size × filters in and out of each
    convolution. Memory: arrays stay as they are (uint8 is a quarter of float32); files are decoded
    once by threads and kept as bytes up to 1 GiB per column, else read again in every pass; floats
    are made of one batch at a time.

    Parameters
    ----------
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, whole groups where ``groups`` are
        given, always shuffled by ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too.
    ensemble : {"auto", "mean", "refit"}, default="auto"
        What serves new rows: the mean of the fold models, or one more model fitted on all rows
        for the share of its schedule that the fold models used. ``"auto"`` is ``"refit"`` for
        folds in order of time, whose first models know only old rows, else ``"mean"``.
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is scikit-learn's ``type_of_target``; whole numbers count as classes, so say
        ``"continuous"`` where they are quantities.
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss of a regression; ``"auto"`` is squared.
    output : {"proba", "logit"}, default="proba"
        Whether features of classes are probabilities or logits.
    uncovered : {"raise", "nan"} or float, default="raise"
        What rows get that no model predicts, such as the first block in time. No prior computed
        from targets is offered: the first block has only its own targets to compute one from,
        and that would be a leak.
    unlabelled : {"fold", "mean"}, default="fold"
        Rows without a target are never learnt from. ``"fold"`` predicts each by the models of one
        part, so that its feature does not show that it has no target; ``"mean"`` by all models.
    missing_class : {"raise", "drop"}, default="raise"
        Where some model's rows lack a class: an error, or no column for that class on any row.
    image_shape : tuple of int or None, default=None
        For X as rows of pixels: their (height, width), (height, width, channels) or (frames,
        height, width, channels); one entry may be -1.
    image_size : int or (height, width), default=None
        What files, or arrays of different sizes, are resized to; None where they are of one size.
        Time and memory grow with its area.
    resize : {"pad", "stretch"}, default="pad"
        Whether an image's aspect is kept, with black borders, or not.
    color_mode : {"auto", "grayscale", "rgb"}, default="auto"
        What files are converted to; ``"auto"`` takes them as they are, if all are grey or none is.
        Transparent pixels show white, 16 bits become 8, of an animation the first frame counts.
    on_error : {"raise", "blank"}, default="raise"
        Whether an image that is missing, or a file that cannot be read at ``transform``,
        is an error or a black image (with a warning that counts them).
    network : None, ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork, str or callable, \
            default=None
        None is plain convolutions: blocks of convolution, batch normalisation, activation and
        pooling. The objects say more about each form, and a grid search reaches their parameters:
        ``network__depth``. ``"residual"`` is ``ResidualNetwork()``, and the name of a network of
        ``keras.applications`` its :class:`~textcnn.Backbone`. A callable takes the shape (height,
        width, channels) and returns a ``keras.Model`` from scaled images to features (batch,
        n_features).
    n_filters : int or tuple of int, default=(32, 64)
        Filters of each block of plain convolutions; there are as many blocks as entries. Only for
        ``network=None``: other networks are told by their object.
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole image. Only for
        ``network=None``.
    dense_units : tuple of int, default=()
        Hidden dense layers between features and output, with the activation of the network's
        object, or ReLU where it has none.
    dropout : float, default=0.3
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions, dense layers and the output; not within a ``Backbone`` or a
        network of your own.
    augment : "auto", None or list of keras.layers.Layer, default="auto"
        Random changes of the images that a model learns from, before scaling, so that value
        ranges are those of X. ``"auto"`` shifts and zooms by up to a tenth and turns by up to 10
        degrees; None leaves images alone; a list of Keras layers (``RandomFlip``,
        ``RandomContrast``, ``RandAugment``, …) is applied in its order, to all frames alike.
    precision : {"auto", "float32", "mixed_bfloat16"}, default="auto"
        In what the network computes; ``"auto"`` is mixed where there is a GPU.
    epochs : "auto" or int, default="auto"
        Passes over a model's training rows. ``"auto"`` chooses by the number of updates: many
        passes for short tables, few for long ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Adam's at the start; it falls along a cosine to 0.
    label_smoothing : float, default=0.0
        Share of certainty that is taken from the classes while training.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows decides when it stops (and keeps the best
        weights) instead of teaching it.
    class_weight : None, "balanced" or dict, default=None
        Weight of each class, computed per model from its own training rows.
    n_jobs : int or None, default=None
        Processes that the fold models are spread over. A worker starts in several seconds
        (it imports the backend and traces the network), so it pays for long fits only.
    random_state : None, int, RandomState or Generator, default=None
        With an int, the same machine and the same number of threads, results are the same bit
        for bit.

    Attributes
    ----------
    classes_ : ndarray or None
        Sorted classes; None for regression.
    target_type_ : str
        The kind of target that was found.
    history_ : DataFrame
        Losses per column, model and epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels where ``image_shape`` is given; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, where they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next. Files are opened, and decoded where they are kept, before training.

    See Also
    --------
    ImageCNNClassifier : The same network as a plain classifier.
    ImageCNNRegressor : The same network as a plain regressor.
    ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork : What ``network=`` takes.
    TextCNNEncoder : The same for columns of text.

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
    >>> images[::2, :, 3] = 255  # every second image holds an upright line,
    >>> images[1::2, 3, :] = 255  # the others a level one
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
        """Say that cells may be paths, and X of more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)

    def _set_names(self, input_features) -> list[str]:
        """Return the names of the columns of images; pixels and arrays make one, "image"."""
        names = input_names(self, input_features)
        is_array = self.image_shape is not None or not self._model_sets[0][0].reader.from_cells
        if is_array and (input_features is None or len(names) > 1):
            names = ["image"]
        return [f"{name}_{self._feature_name}" for name in names]


class ImageCNNClassifier(NetworkClassifier):
    """Classification of images with a 2D convolutional network.

    The network of :class:`~textcnn.ImageCNNEncoder` as a plain predictor: no folds, one model.
    Several columns of 0 and 1 as y are labels, of which an image may have many.

    Cost: time is in proportion to rows × passes × positions of the maps × kernel size × filters in
    and out of each convolution. Arrays stay as they are (uint8 is a quarter of float32); files are
    decoded once by threads and kept as bytes up to 1 GiB, else read again in every pass; floats
    are made of one batch at a time.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        For X as rows of pixels: their (height, width), (height, width, channels) or (frames,
        height, width, channels); one entry may be -1.
    image_size : int or (height, width), default=None
        What files, or arrays of different sizes, are resized to; None where they are of one size.
        Time and memory grow with its area.
    resize : {"pad", "stretch"}, default="pad"
        Whether an image's aspect is kept, with black borders, or not.
    color_mode : {"auto", "grayscale", "rgb"}, default="auto"
        What files are converted to; ``"auto"`` takes them as they are, if all are grey or none is.
        Transparent pixels show white, 16 bits become 8, of an animation the first frame counts.
    on_error : {"raise", "blank"}, default="raise"
        Whether an image that is missing, or a file that cannot be read at ``predict``,
        is an error or a black image (with a warning that counts them).
    network : None, ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork, str or callable, \
            default=None
        None is plain convolutions: blocks of convolution, batch normalisation, activation and
        pooling. The objects say more about each form, and a grid search reaches their parameters:
        ``network__depth``. ``"residual"`` is ``ResidualNetwork()``, and the name of a network of
        ``keras.applications`` its :class:`~textcnn.Backbone`. A callable takes the shape (height,
        width, channels) and returns a ``keras.Model`` from scaled images to features (batch,
        n_features).
    n_filters : int or tuple of int, default=(32, 64)
        Filters of each block of plain convolutions; there are as many blocks as entries. Only for
        ``network=None``: other networks are told by their object.
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole image. Only for
        ``network=None``.
    dense_units : tuple of int, default=()
        Hidden dense layers between features and output, with the activation of the network's
        object, or ReLU where it has none.
    dropout : float, default=0.3
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions, dense layers and the output; not within a ``Backbone`` or a
        network of your own.
    augment : "auto", None or list of keras.layers.Layer, default="auto"
        Random changes of the images that a model learns from, before scaling, so that value
        ranges are those of X. ``"auto"`` shifts and zooms by up to a tenth and turns by up to 10
        degrees; None leaves images alone; a list of Keras layers (``RandomFlip``,
        ``RandomContrast``, ``RandAugment``, …) is applied in its order, to all frames alike.
    precision : {"auto", "float32", "mixed_bfloat16"}, default="auto"
        In what the network computes; ``"auto"`` is mixed where there is a GPU.
    epochs : "auto" or int, default="auto"
        Passes over a model's training rows. ``"auto"`` chooses by the number of updates: many
        passes for short tables, few for long ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Adam's at the start; it falls along a cosine to 0.
    label_smoothing : float, default=0.0
        Share of certainty that is taken from the classes while training.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows decides when it stops (and keeps the best
        weights) instead of teaching it.
    class_weight : None, "balanced" or dict, default=None
        Weight of each class, computed per model from its own training rows.
    random_state : None, int, RandomState or Generator, default=None
        With an int, the same machine and the same number of threads, results are the same bit
        for bit.

    Attributes
    ----------
    classes_ : ndarray
        Sorted classes, or the labels' names.
    history_ : DataFrame
        Losses per epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels where ``image_shape`` is given; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, where they have names.

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
    >>> images[::2, :, 3] = 255  # every second image holds an upright line,
    >>> images[1::2, 3, :] = 255  # the others a level one
    >>> lines = ["upright", "level"] * 30
    >>> classifier = ImageCNNClassifier(n_filters=(4,), epochs=20, random_state=0)
    >>> classifier.fit(images[:40], lines[:40]).predict(images[40:44]).tolist()
    ['upright', 'level', 'upright', 'level']
    """

    _read_columns = staticmethod(read_one_column_of_images)
    _model_set = ImageNetwork

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
        """Say that cells may be paths, and X of more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)


class ImageCNNRegressor(NetworkRegressor):
    """Regression of images with a 2D convolutional network.

    The network of :class:`~textcnn.ImageCNNEncoder` as a plain predictor: no folds, one model.
    Several columns of numbers as y are predicted together.

    Cost: time is in proportion to rows × passes × positions of the maps × kernel size × filters in
    and out of each convolution. Arrays stay as they are (uint8 is a quarter of float32); files are
    decoded once by threads and kept as bytes up to 1 GiB, else read again in every pass; floats
    are made of one batch at a time.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        For X as rows of pixels: their (height, width), (height, width, channels) or (frames,
        height, width, channels); one entry may be -1.
    image_size : int or (height, width), default=None
        What files, or arrays of different sizes, are resized to; None where they are of one size.
        Time and memory grow with its area.
    resize : {"pad", "stretch"}, default="pad"
        Whether an image's aspect is kept, with black borders, or not.
    color_mode : {"auto", "grayscale", "rgb"}, default="auto"
        What files are converted to; ``"auto"`` takes them as they are, if all are grey or none is.
        Transparent pixels show white, 16 bits become 8, of an animation the first frame counts.
    on_error : {"raise", "blank"}, default="raise"
        Whether an image that is missing, or a file that cannot be read at ``predict``,
        is an error or a black image (with a warning that counts them).
    network : None, ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork, str or callable, \
            default=None
        None is plain convolutions: blocks of convolution, batch normalisation, activation and
        pooling. The objects say more about each form, and a grid search reaches their parameters:
        ``network__depth``. ``"residual"`` is ``ResidualNetwork()``, and the name of a network of
        ``keras.applications`` its :class:`~textcnn.Backbone`. A callable takes the shape (height,
        width, channels) and returns a ``keras.Model`` from scaled images to features (batch,
        n_features).
    n_filters : int or tuple of int, default=(32, 64)
        Filters of each block of plain convolutions; there are as many blocks as entries. Only for
        ``network=None``: other networks are told by their object.
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole image. Only for
        ``network=None``.
    dense_units : tuple of int, default=()
        Hidden dense layers between features and output, with the activation of the network's
        object, or ReLU where it has none.
    dropout : float, default=0.3
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions, dense layers and the output; not within a ``Backbone`` or a
        network of your own.
    augment : "auto", None or list of keras.layers.Layer, default="auto"
        Random changes of the images that a model learns from, before scaling, so that value
        ranges are those of X. ``"auto"`` shifts and zooms by up to a tenth and turns by up to 10
        degrees; None leaves images alone; a list of Keras layers (``RandomFlip``,
        ``RandomContrast``, ``RandAugment``, …) is applied in its order, to all frames alike.
    precision : {"auto", "float32", "mixed_bfloat16"}, default="auto"
        In what the network computes; ``"auto"`` is mixed where there is a GPU.
    epochs : "auto" or int, default="auto"
        Passes over a model's training rows. ``"auto"`` chooses by the number of updates: many
        passes for short tables, few for long ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Adam's at the start; it falls along a cosine to 0.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows decides when it stops (and keeps the best
        weights) instead of teaching it.
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        What is minimised; ``"auto"`` is squared. Poisson needs counts or rates, none negative.
    random_state : None, int, RandomState or Generator, default=None
        With an int, the same machine and the same number of threads, results are the same bit
        for bit.

    Attributes
    ----------
    history_ : DataFrame
        Losses per epoch.
    n_features_in_ : int
        Columns of X: paths, or pixels where ``image_shape`` is given; 1 for an array of images.
    feature_names_in_ : ndarray of str
        Names of those columns, where they have names.

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
        """Say that cells may be paths, and X of more than two dimensions."""
        return takes_images(super().__sklearn_tags__(), self.image_shape)
