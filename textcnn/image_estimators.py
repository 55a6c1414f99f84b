"""Plain predictors of pictures, on the same network as the picture encoder, without folds."""

from __future__ import annotations

from sklearn.base import ClassifierMixin, RegressorMixin

from textcnn.image_base import PicturePredictor


class ImageCNNClassifier(ClassifierMixin, PicturePredictor):
    """Classification of pictures with a 2D convolutional network.

    The network of :class:`~textcnn.ImageCNNEncoder` as a plain predictor: no folds, one model.
    Several columns of 0 and 1 as y are labels, of which a picture may have many.

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
        Whether a picture's aspect is kept, with black borders, or not.
    color_mode : {"auto", "grayscale", "rgb"}, default="auto"
        What files are converted to; ``"auto"`` takes them as they are, if all are grey or none is.
        Transparent pixels show white, 16 bits become 8, of an animation the first frame counts.
    on_error : {"raise", "blank"}, default="raise"
        Whether a picture that is missing, or a file that cannot be read at ``predict``,
        is an error or a black picture (with a warning that counts them).
    network : {"simple", "residual"}, name or callable, default="simple"
        ``"simple"``: blocks of convolution, activation and pooling. ``"residual"``: the network of
        He et al. for small pictures. A name of ``keras.applications``, such as
        ``"mobilenetv3small"``: that network without its top, for pixels from 0 to 255. A callable
        takes the shape (height, width, channels) and returns a ``keras.Model`` from scaled pictures
        to features (batch, n_features).
    n_filters : "auto", int or tuple of int, default="auto"
        Filters of each block; there are as many blocks as entries. ``"auto"`` is (32, 64), and for
        the three stages of a residual network (16, 32, 64).
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole picture.
    strides : int or tuple, default=1
        Pixels from one position of a filter to the next, in the first convolution of a block.
    n_convolutions : int, default=1
        Convolutions per block.
    padding : {"same", "valid"}, default="same"
        Whether convolutions reach beyond the picture's border.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average"}, default="max"
        How a block's maps are made smaller.
    pool_size : "auto", int or tuple, default="auto"
        Side of the squares that are pooled, for all blocks or each; 1 for none. ``"auto"`` is 2 in
        the last blocks, in as many as leave maps of 4×4 or more, and 1 in the others.
    pool_stride : int, tuple or None, default=None
        Step from square to square; None is ``pool_size``.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation. Each model has its own.
    depth : int, default=20
        Layers of the residual network: 6n + 2 with three stages, 20 to 110 in the paper.
    final_pooling : {"auto", "flatten", "average", "max"}, default="auto"
        How the last maps become features. ``"auto"`` flattens up to 64 positions of the simple
        network, else takes the average, which needs far fewer weights.
    time_pooling : {"average", "max"}, default="average"
        How features of the frames of a sequence become one row.
    dense_units : tuple of int, default=()
        Hidden dense layers between features and output.
    dropout : float, default=0.3
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions and dense layers.
    augment : "auto", None or list of keras.layers.Layer, default="auto"
        Random changes of the pictures that a model learns from, before scaling, so that value
        ranges are those of X. ``"auto"`` shifts and zooms by up to a tenth and turns by up to 10
        degrees; None leaves pictures alone; a list of Keras layers (``RandomFlip``,
        ``RandomContrast``, ``RandAugment``, …) is applied in its order, to all frames alike.
    pretrained : None, "imagenet" or path, default=None
        Weights that a network of ``keras.applications`` starts from: a file that ``save_weights``
        made of it without its top, or what Keras downloads. Not needed once fitted.
    fine_tune : bool, default=True
        Whether training changes such a network, or only what comes after it.
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
        Columns of X: paths, or pixels where ``image_shape`` is given; 1 for an array of pictures.
    feature_names_in_ : ndarray of str
        Names of those columns, where they have names.

    References
    ----------
    Y. LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
    IEEE 86(11), 1998. K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
    arXiv 1512.03385.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNClassifier
    >>> random = np.random.default_rng(0)
    >>> pictures = random.integers(0, 50, (60, 8, 8), dtype=np.uint8)
    >>> pictures[::2, :, 3] = 255  # every second picture holds an upright line,
    >>> pictures[1::2, 3, :] = 255  # the others a level one
    >>> lines = ["upright", "level"] * 30
    >>> classifier = ImageCNNClassifier(n_filters=(4,), epochs=20, random_state=0)
    >>> classifier.fit(pictures[:40], lines[:40]).predict(pictures[40:44]).tolist()
    ['upright', 'level', 'upright', 'level']
    """

    _target_type = "classes"
    _target_type_of_columns = "multilabel"

    def __init__(
        self,
        *,
        image_shape=None,
        image_size=None,
        resize="pad",
        color_mode="auto",
        on_error="raise",
        network="simple",
        n_filters="auto",
        kernel_sizes=3,
        strides=1,
        n_convolutions=1,
        padding="same",
        activation="relu",
        pooling="max",
        pool_size="auto",
        pool_stride=None,
        batch_norm=True,
        depth=20,
        final_pooling="auto",
        time_pooling="average",
        dense_units=(),
        dropout=0.3,
        l2=0.0,
        augment="auto",
        pretrained=None,
        fine_tune=True,
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
        self.strides = strides
        self.n_convolutions = n_convolutions
        self.padding = padding
        self.activation = activation
        self.pooling = pooling
        self.pool_size = pool_size
        self.pool_stride = pool_stride
        self.batch_norm = batch_norm
        self.depth = depth
        self.final_pooling = final_pooling
        self.time_pooling = time_pooling
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.augment = augment
        self.pretrained = pretrained
        self.fine_tune = fine_tune
        self.precision = precision
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : array of numbers, or list, Series or DataFrame of paths or arrays
            Numbers of shape (n_rows, height, width), (n_rows, height, width, channels) or (n_rows,
            frames, height, width, channels); with ``image_shape`` (n_rows, n_pixels).
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes: numbers, strings or booleans, at least two; or columns of 0 and 1.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row; a row of weight 0 is not learnt from.

        Returns
        -------
        ImageCNNClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight)

    def predict_proba(self, X):
        """Return the probability of each class, or of each label.

        Parameters
        ----------
        X : array, or list, Series or DataFrame of paths
            Pictures of the same form as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
            Columns in the order of ``classes_``.
        """
        predictions = self._predictions(X)
        return self._head.probabilities(predictions)

    def predict(self, X):
        """Return the most probable class of each picture, or 0 or 1 for each label.

        Parameters
        ----------
        X : array, or list, Series or DataFrame of paths
            Pictures of the same form as at fit.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
        """
        predictions = self._predictions(X)
        return self._head.decode(predictions)

    def __sklearn_tags__(self):
        """Say that y may be labels, and that rows of numbers are no measure of this classifier."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True
        return tags


class ImageCNNRegressor(RegressorMixin, PicturePredictor):
    """Regression of pictures with a 2D convolutional network.

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
        Whether a picture's aspect is kept, with black borders, or not.
    color_mode : {"auto", "grayscale", "rgb"}, default="auto"
        What files are converted to; ``"auto"`` takes them as they are, if all are grey or none is.
        Transparent pixels show white, 16 bits become 8, of an animation the first frame counts.
    on_error : {"raise", "blank"}, default="raise"
        Whether a picture that is missing, or a file that cannot be read at ``predict``,
        is an error or a black picture (with a warning that counts them).
    network : {"simple", "residual"}, name or callable, default="simple"
        ``"simple"``: blocks of convolution, activation and pooling. ``"residual"``: the network of
        He et al. for small pictures. A name of ``keras.applications``, such as
        ``"mobilenetv3small"``: that network without its top, for pixels from 0 to 255. A callable
        takes the shape (height, width, channels) and returns a ``keras.Model`` from scaled pictures
        to features (batch, n_features).
    n_filters : "auto", int or tuple of int, default="auto"
        Filters of each block; there are as many blocks as entries. ``"auto"`` is (32, 64), and for
        the three stages of a residual network (16, 32, 64).
    kernel_sizes : int, or tuple of int or (height, width), default=3
        Pixels that a filter spans, for all blocks or each: up to the whole picture.
    strides : int or tuple, default=1
        Pixels from one position of a filter to the next, in the first convolution of a block.
    n_convolutions : int, default=1
        Convolutions per block.
    padding : {"same", "valid"}, default="same"
        Whether convolutions reach beyond the picture's border.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average"}, default="max"
        How a block's maps are made smaller.
    pool_size : "auto", int or tuple, default="auto"
        Side of the squares that are pooled, for all blocks or each; 1 for none. ``"auto"`` is 2 in
        the last blocks, in as many as leave maps of 4×4 or more, and 1 in the others.
    pool_stride : int, tuple or None, default=None
        Step from square to square; None is ``pool_size``.
    batch_norm : bool, default=True
        Whether convolutions are followed by batch normalisation. Each model has its own.
    depth : int, default=20
        Layers of the residual network: 6n + 2 with three stages, 20 to 110 in the paper.
    final_pooling : {"auto", "flatten", "average", "max"}, default="auto"
        How the last maps become features. ``"auto"`` flattens up to 64 positions of the simple
        network, else takes the average, which needs far fewer weights.
    time_pooling : {"average", "max"}, default="average"
        How features of the frames of a sequence become one row.
    dense_units : tuple of int, default=()
        Hidden dense layers between features and output.
    dropout : float, default=0.3
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions and dense layers.
    augment : "auto", None or list of keras.layers.Layer, default="auto"
        Random changes of the pictures that a model learns from, before scaling, so that value
        ranges are those of X. ``"auto"`` shifts and zooms by up to a tenth and turns by up to 10
        degrees; None leaves pictures alone; a list of Keras layers (``RandomFlip``,
        ``RandomContrast``, ``RandAugment``, …) is applied in its order, to all frames alike.
    pretrained : None, "imagenet" or path, default=None
        Weights that a network of ``keras.applications`` starts from: a file that ``save_weights``
        made of it without its top, or what Keras downloads. Not needed once fitted.
    fine_tune : bool, default=True
        Whether training changes such a network, or only what comes after it.
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
        Columns of X: paths, or pixels where ``image_shape`` is given; 1 for an array of pictures.
    feature_names_in_ : ndarray of str
        Names of those columns, where they have names.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn import ImageCNNRegressor
    >>> random = np.random.default_rng(0)
    >>> brightness = random.integers(50, 200, 60)
    >>> noise = random.integers(0, 50, (60, 6, 6))
    >>> pictures = (brightness[:, None, None] + noise).astype(np.uint8)
    >>> regressor = ImageCNNRegressor(n_filters=(4,), epochs=150, random_state=0)
    >>> regressor = regressor.fit(pictures[:40], brightness[:40])
    >>> bool(regressor.score(pictures[40:], brightness[40:]) > 0.8)
    True
    """

    _target_type = "continuous"
    _target_type_of_columns = "multioutput"

    def __init__(
        self,
        *,
        image_shape=None,
        image_size=None,
        resize="pad",
        color_mode="auto",
        on_error="raise",
        network="simple",
        n_filters="auto",
        kernel_sizes=3,
        strides=1,
        n_convolutions=1,
        padding="same",
        activation="relu",
        pooling="max",
        pool_size="auto",
        pool_stride=None,
        batch_norm=True,
        depth=20,
        final_pooling="auto",
        time_pooling="average",
        dense_units=(),
        dropout=0.3,
        l2=0.0,
        augment="auto",
        pretrained=None,
        fine_tune=True,
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
        self.strides = strides
        self.n_convolutions = n_convolutions
        self.padding = padding
        self.activation = activation
        self.pooling = pooling
        self.pool_size = pool_size
        self.pool_stride = pool_stride
        self.batch_norm = batch_norm
        self.depth = depth
        self.final_pooling = final_pooling
        self.time_pooling = time_pooling
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.augment = augment
        self.pretrained = pretrained
        self.fine_tune = fine_tune
        self.precision = precision
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.loss = loss
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : array of numbers, or list, Series or DataFrame of paths or arrays
            Numbers of shape (n_rows, height, width), (n_rows, height, width, channels) or (n_rows,
            frames, height, width, channels); with ``image_shape`` (n_rows, n_pixels).
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Numbers.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row; a row of weight 0 is not learnt from.

        Returns
        -------
        ImageCNNRegressor
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X):
        """Return the predicted target of each picture, in y's units.

        Parameters
        ----------
        X : array, or list, Series or DataFrame of paths
            Pictures of the same form as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows,) or (n_rows, n_targets)
        """
        predictions = self._predictions(X)
        return self._head.decode(predictions)

    def __sklearn_tags__(self):
        """Say that y may have several columns, and that rows of numbers are no measure of this."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags
