"""Plain predictors on the same network as the encoders, without folds."""

from __future__ import annotations

from sklearn.base import ClassifierMixin, RegressorMixin

from textcnn.network_estimator import NetworkPredictor
from textcnn.text_base import TextNetworkEstimator, join_columns


class _TextPredictor(TextNetworkEstimator, NetworkPredictor):
    """Fits one network with a branch per text column."""

    def _read_network(self, columns, settings, target, entropy):
        """Learn the words of every column; return one network for all."""
        branches = [read() for read in self._reads(columns, settings, target, entropy)]
        network = join_columns([network for network, _, _ in branches])
        return network, network.source([source.columns[0] for _, _, source in branches])


class TextCNNClassifier(ClassifierMixin, _TextPredictor):
    """Classification of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder` as a plain predictor: no folds, one model.
    Several text columns have a branch each, concatenated before the dense part.

    Cost: time is in proportion to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Word vectors given to the network. A path to a word2vec file (text or binary), a GloVe text
        file or a gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        puts several side by side as channels; None leaves all to the learnt vectors. Given
        vectors stay frozen unless ``trainable_embeddings``.
    level : {"word", "char"}, default="word"
        Whether words or characters are read. Characters, whatever their case, suit misspellings,
        codes and scripts without spaces; they have small learnt vectors of their own, so
        ``embeddings`` must be None, and a `tokenizer` has no say.
    tokenizer : "word" or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (where a script has no spaces)
        characters; a callable takes a str and returns a list of str, and must be importable if
        the estimator is to be pickled.
    max_length : "auto", int or None, default="auto"
        Tokens of a cell after this many are not read: 400 words or 1000 characters by
        ``"auto"``. Longer costs time in proportion.
    min_count : int, default=2
        A word has a vector of its own in a model if it occurs this often in the rows that the
        model learns from. Rarer words train the vector of the unknown word.
    keep_vectors : "seen" or int, default=20_000
        Besides the vectors of words that occur in training, keep those of this many most
        frequent (first) words of the vectors' file, so that words that are new later have theirs:
        4 bytes per channel and word. ``"seen"`` keeps none.
    learned_dim : "auto" or int, default="auto"
        Size of the small vector that each model learns per word beside the given one: 32, or 100
        where no vectors are given, or 32 per character; 0 for none.
    trainable_embeddings : bool, default=False
        Whether the network may adjust the given vectors. Costs a table of vectors per model.
    corpus_options : dict or None, default=None
        Settings of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size, or units of a GRU per direction. Time is in proportion.
    kernel_sizes : "auto", int or tuple of int, default="auto"
        Words (or characters) that a filter spans; ``"auto"`` is (3, 4, 5) of words and (3, 5, 7)
        of characters. Longer texts may want larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How a feature map, or a unit's states, becomes one number per document.
    n_blocks : int, default=1
        Convolutions stacked over one another, with pooling by two between them.
    dense_units : tuple of int, default=()
        Hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions, recurrent and dense layers.
    network : None, "bigru" or callable, default=None
        None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, by
        cuDNN on a GPU; on a processor its time grows with the length of the longest text of a
        batch. Then `kernel_sizes` and `n_blocks` have no say. A callable takes the number of
        channels per word and returns a ``keras.Model`` from word vectors (batch, length,
        channels), zero where padded, and optionally a mask (batch, length, 1), to features
        (batch, n_features). It replaces convolutions and pooling.
    epochs : "auto" or int, default="auto"
        Passes over a model's training rows. ``"auto"`` chooses by the number of updates: many
        passes for short tables, few for long ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Adam's at the start; it falls along a cosine to 0.
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
        Sorted classes.
    history_ : DataFrame
        Losses per epoch.
    vocabulary_report_ : DataFrame
        Words and tokens that have a given vector, and the bytes kept, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, where they have names.

    References
    ----------
    Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014,
    arXiv 1408.5882.

    Examples
    --------
    >>> from textcnn import TextCNNClassifier
    >>> texts = ["good film", "bad film", "very good", "so bad", "good plot", "bad plot"] * 5
    >>> labels = ["yes", "no"] * 15
    >>> classifier = TextCNNClassifier(n_filters=4, epochs=40, random_state=0).fit(texts, labels)
    >>> classifier.predict(["a good one", "a bad one"]).tolist()
    ['yes', 'no']
    """

    _target_type = "classes"

    def __init__(
        self,
        embeddings=None,
        *,
        level="word",
        tokenizer="word",
        max_length="auto",
        min_count=2,
        keep_vectors=20_000,
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters=100,
        kernel_sizes="auto",
        activation="relu",
        pooling="max",
        n_blocks=1,
        dense_units=(),
        dropout=0.5,
        l2=0.0,
        network=None,
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        early_stopping=False,
        class_weight=None,
        random_state=None,
    ):
        self.embeddings = embeddings
        self.level = level
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.min_count = min_count
        self.keep_vectors = keep_vectors
        self.learned_dim = learned_dim
        self.trainable_embeddings = trainable_embeddings
        self.corpus_options = corpus_options
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.activation = activation
        self.pooling = pooling
        self.n_blocks = n_blocks
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the network.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,)
            Classes: numbers, strings or booleans, at least two.

        Returns
        -------
        TextCNNClassifier
            The fitted estimator.
        """
        return self._fit(X, y)

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
            Columns in the order of ``classes_``.
        """
        predictions = self._predictions(X)
        return self._head.probabilities(predictions)

    def predict(self, X):
        """Return the most probable class of each row.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self):
        """Say that digits read as words are no measure of this classifier."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class TextCNNRegressor(RegressorMixin, _TextPredictor):
    """Regression of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder` as a plain predictor: no folds, one model.
    Several text columns have a branch each, concatenated before the dense part.

    Cost: time is in proportion to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Word vectors given to the network. A path to a word2vec file (text or binary), a GloVe text
        file or a gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        puts several side by side as channels; None leaves all to the learnt vectors. Given
        vectors stay frozen unless ``trainable_embeddings``.
    level : {"word", "char"}, default="word"
        Whether words or characters are read. Characters, whatever their case, suit misspellings,
        codes and scripts without spaces; they have small learnt vectors of their own, so
        ``embeddings`` must be None, and a `tokenizer` has no say.
    tokenizer : "word" or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (where a script has no spaces)
        characters; a callable takes a str and returns a list of str, and must be importable if
        the estimator is to be pickled.
    max_length : "auto", int or None, default="auto"
        Tokens of a cell after this many are not read: 400 words or 1000 characters by
        ``"auto"``. Longer costs time in proportion.
    min_count : int, default=2
        A word has a vector of its own in a model if it occurs this often in the rows that the
        model learns from. Rarer words train the vector of the unknown word.
    keep_vectors : "seen" or int, default=20_000
        Besides the vectors of words that occur in training, keep those of this many most
        frequent (first) words of the vectors' file, so that words that are new later have theirs:
        4 bytes per channel and word. ``"seen"`` keeps none.
    learned_dim : "auto" or int, default="auto"
        Size of the small vector that each model learns per word beside the given one: 32, or 100
        where no vectors are given, or 32 per character; 0 for none.
    trainable_embeddings : bool, default=False
        Whether the network may adjust the given vectors. Costs a table of vectors per model.
    corpus_options : dict or None, default=None
        Settings of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size, or units of a GRU per direction. Time is in proportion.
    kernel_sizes : "auto", int or tuple of int, default="auto"
        Words (or characters) that a filter spans; ``"auto"`` is (3, 4, 5) of words and (3, 5, 7)
        of characters. Longer texts may want larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How a feature map, or a unit's states, becomes one number per document.
    n_blocks : int, default=1
        Convolutions stacked over one another, with pooling by two between them.
    dense_units : tuple of int, default=()
        Hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions, recurrent and dense layers.
    network : None, "bigru" or callable, default=None
        None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, by
        cuDNN on a GPU; on a processor its time grows with the length of the longest text of a
        batch. Then `kernel_sizes` and `n_blocks` have no say. A callable takes the number of
        channels per word and returns a ``keras.Model`` from word vectors (batch, length,
        channels), zero where padded, and optionally a mask (batch, length, 1), to features
        (batch, n_features). It replaces convolutions and pooling.
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
    vocabulary_report_ : DataFrame
        Words and tokens that have a given vector, and the bytes kept, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, where they have names.

    References
    ----------
    Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014,
    arXiv 1408.5882.

    Examples
    --------
    >>> from textcnn import TextCNNRegressor
    >>> texts = ["cheap wine", "dear wine", "very cheap", "so dear", "cheap beer", "dear beer"] * 5
    >>> prices = [5.0, 50.0] * 15
    >>> regressor = TextCNNRegressor(n_filters=4, epochs=40, random_state=0).fit(texts, prices)
    >>> cheap, dear = regressor.predict(["cheap", "dear"])
    >>> bool(cheap < dear)
    True
    """

    _target_type = "continuous"

    def __init__(
        self,
        embeddings=None,
        *,
        level="word",
        tokenizer="word",
        max_length="auto",
        min_count=2,
        keep_vectors=20_000,
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters=100,
        kernel_sizes="auto",
        activation="relu",
        pooling="max",
        n_blocks=1,
        dense_units=(),
        dropout=0.5,
        l2=0.0,
        network=None,
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        early_stopping=False,
        loss="auto",
        random_state=None,
    ):
        self.embeddings = embeddings
        self.level = level
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.min_count = min_count
        self.keep_vectors = keep_vectors
        self.learned_dim = learned_dim
        self.trainable_embeddings = trainable_embeddings
        self.corpus_options = corpus_options
        self.n_filters = n_filters
        self.kernel_sizes = kernel_sizes
        self.activation = activation
        self.pooling = pooling
        self.n_blocks = n_blocks
        self.dense_units = dense_units
        self.dropout = dropout
        self.l2 = l2
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.loss = loss
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the network.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,)
            Numbers.

        Returns
        -------
        TextCNNRegressor
            The fitted estimator.
        """
        return self._fit(X, y)

    def predict(self, X):
        """Return the predicted target of each row, in y's units.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
        """
        return self._predictions(X)[:, 0]

    def __sklearn_tags__(self):
        """Say that digits read as words are no measure of this regressor."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
