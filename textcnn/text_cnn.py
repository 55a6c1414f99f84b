"""1D convolutional networks on text columns: an encoder, a classifier and a regressor."""

from __future__ import annotations

from sklearn.base import ClassifierMixin, RegressorMixin

from textcnn.base.network_encoder import NetworkEncoder
from textcnn.base.networks import NetworkPredictor
from textcnn.base.training_rows import hash_documents
from textcnn.fit import parameters
from textcnn.text.fitted import TextNetworkEstimator, join_networks
from textcnn.text.network import feature_name
from textcnn.text.reader import embedding_sources, is_corpus

UNSUPERVISED = ("auto", "fold", "all_rows")
SHARED_WORDS = "corpus vectors were trained on the texts of all rows, including held-out rows"


class TextCNNEncoder(TextNetworkEstimator, NetworkEncoder):
    """Turn text columns into out-of-fold predictions of a 1D convolutional network.

    Each text column has its own network: word vectors, convolutions of several widths,
    pooling, dense output. The rows are split into folds; one model per fold is trained on the other
    folds. :meth:`fit_transform` returns, for each training row, the prediction of the model that
    was not trained on that row. :meth:`transform` returns, for new rows, the mean of all models.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. It gives training rows features
        from models that were trained on them, and models trained on such features overfit.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features do not contain the base rate of the target: a probability is relative to equal class
    frequencies (0.5 means that the text carries no information), and a regression feature is the
    difference from the mean of the model's own training rows, in y's units. Otherwise the base rate
    of a model's training rows would reveal the mean target of its held-out rows to the next model.
    For probabilities and values of the target use :class:`~textcnn.TextCNNClassifier` or
    :class:`~textcnn.TextCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each
    proportional to rows × words × channels × ``n_filters`` × the sum of ``kernel_sizes``;
    benchmarks/RESULTS.md has measured times.
    Memory: 4 bytes per word of the documents, the vectors of words that occur (once for all
    models), and a table of trainable vectors (words × ``learned_dim`` × 4 bytes) per model.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Pretrained word vectors. A path to a word2vec file (text or binary), a GloVe text file or a
        gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        concatenates several as channels; None uses no pretrained vectors. Pretrained vectors stay
        frozen unless ``trainable_embeddings``.
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, by group if ``groups`` are
        given, always shuffled with ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too.
    ensemble : {"auto", "mean", "refit"}, default="auto"
        What is used for new rows: the mean of the fold models, or one more model fitted on all rows
        for the same part of its schedule as the fold models. ``"auto"`` is ``"refit"`` for
        folds in time order, whose first models were trained on old rows only, otherwise ``"mean"``.
        In benchmarks on three tables the mean scored better with random folds, and with folds in
        time order it had the same AUC and a better log-loss (benchmarks/RESULTS.md); a refit model
        is ``cv`` times as fast. ``report_.gap(X, y)`` measures the effect on your features.
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is scikit-learn's ``type_of_target``, which treats integers as classes: pass
        ``"continuous"`` if they are quantities.
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss for regression; ``"auto"`` is squared.
    output : {"proba", "logit"}, default="proba"
        Whether class features are probabilities or logits.
    uncovered : {"raise", "nan"} or float, default="raise"
        Feature of rows that no model predicts, such as the first rows in time: an error, NaN or a
        number. The base rate is not offered: for the first rows in time it could be computed from
        their own targets only, which would be a leak.
    unlabelled : {"fold", "mean"}, default="fold"
        How rows without a target are predicted; models are not trained on them. ``"fold"`` assigns
        each to one fold, so that its feature does not reveal that it has no target; ``"mean"``
        averages all models.
    missing_class : {"raise", "drop"}, default="raise"
        If a class is missing in the training rows of a model: an error, or no column for that
        class.
    unsupervised : {"auto", "fold", "all_rows"}, default="auto"
        Which texts train the vectors of ``embeddings="corpus"``: each fold's training rows, or all
        rows including held-out ones (but never their targets). ``"auto"`` is ``"fold"`` with groups
        or time, otherwise ``"all_rows"``.
    add_spread : bool, default=False
        Whether to add the standard deviation over the models that predict a row. It is 0 for a
        single model: for training rows without repeated folds, for new rows with ``"refit"``. Use
        it with repeated splits, so that it is comparable for both.
    add_indicator : bool, default=False
        Whether to add a last column that is 1 for rows that no model predicts.
    scoring : None, str or sequence of str, default=None
        Metrics of the report: scikit-learn scorer names. None chooses by the type of target.
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has its own networks and features, or one network reads
        the cells of a row one after the other, with a separator: one set of features,
        ``joined_cnn``, and one vocabulary for all. `max_length` applies to each cell in both cases.
    level : {"word", "char"}, default="word"
        Whether tokens are words or characters. Characters (case is ignored) suit misspellings,
        product codes and scripts without spaces; they have small trainable vectors, so
        ``embeddings`` must be None, and `tokenizer` is ignored.
    tokenizer : "word" or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (in scripts without spaces)
        characters; a callable takes a str and returns a list of str, and must be importable for
        pickling.
    max_length : "auto", int or None, default="auto"
        Number of tokens that are read of a cell: with ``"auto"`` 400 words or 1000 characters. Time
        is proportional to it.
    min_count : int, default=2
        A word has its own vector in a model if it occurs this often in the model's training
        rows. Rarer words share the vector of the unknown word.
    keep_vectors : "seen" or int, default=20_000
        Besides the pretrained vectors of words that occur in training, keep those of this many
        most frequent (first) words of the vectors' file, for words that first occur in new rows:
        4 bytes per channel and word. ``"seen"`` keeps none; new words are then unknown words, while
        words of held-out training rows have their vectors.
    learned_dim : "auto" or int, default="auto"
        Dimensions of the trainable vector per word, which is added to the pretrained one as further
        channels. ``"auto"``: 32 with pretrained vectors, 100 without, 32 for characters; 0 for
        none.
    trainable_embeddings : bool, default=False
        Whether pretrained vectors are trained too. Needs memory for a table of vectors per model.
    corpus_options : dict or None, default=None
        Parameters of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size, or units of a GRU per direction. Time is proportional to it.
    kernel_sizes : "auto", int or tuple of int, default="auto"
        Words (or characters) that a filter spans; ``"auto"`` is (3, 4, 5) words or (3, 5, 7)
        characters. Longer texts may need larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How the positions of a document are combined to one number per filter or unit.
    n_blocks : int, default=1
        Number of stacked convolutions, with max pooling by two between them.
    dense_units : tuple of int, default=()
        Units of hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Dropout rate of the features during training.
    l2 : float, default=0.0
        Weight decay of convolutions, recurrent and dense layers.
    network : None, "bigru" or callable, default=None
        None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, using
        cuDNN on a GPU; on a CPU its time grows with the length of the longest text of a
        batch. It ignores `kernel_sizes` and `n_blocks`, and uses `activation` in dense layers only.
        A callable takes the number of channels per word and returns a ``keras.Model``
        from word vectors (batch, length, channels), zero where padded, and optionally a mask
        (batch, length, 1), to features (batch, n_features). It replaces convolutions and pooling.
    epochs : "auto" or int, default="auto"
        Number of epochs. ``"auto"`` aims at a number of updates: many epochs for small tables, few
        for large ones, fewer for a recurrent network, more for characters.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Initial learning rate of Adam; it decays to 0 by a cosine schedule.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows is used for validation: training stops early
        and the best weights are kept.
    class_weight : None, "balanced" or dict, default=None
        Weight of each class, computed per model from its own training rows.
    n_jobs : int or None, default=None
        Number of processes that fit the fold models. Starting one takes several seconds
        (it imports the backend and traces the network), so use it for long fits only.
    random_state : None, int, RandomState or Generator, default=None
        With an int, results are bit-identical on the same machine with the same number of
        threads.

    Attributes
    ----------
    classes_ : ndarray or None
        Sorted classes; None for regression.
    target_type_ : str
        The type of target.
    history_ : DataFrame
        Losses per column, model and epoch.
    vocabulary_report_ : DataFrame
        Words and tokens with a pretrained vector, and bytes of memory, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, if X had column names.

    Raises
    ------
    ValueError, TypeError
        For invalid input, before any training; the message says what was expected.

    See Also
    --------
    TextCNNClassifier : The same network as a classifier.
    TextCNNRegressor : The same network as a regressor.

    Notes
    -----
    A fitted encoder stores the report: targets, row numbers and 64-bit hashes of the training rows,
    about 8 × (8 + models) bytes per row. Clones share a `WordVectors` given as ``embeddings``, but
    copy a gensim ``KeyedVectors``.

    References
    ----------
    Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014,
    arXiv 1408.5882. D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn import TextCNNEncoder
    >>> train = pd.DataFrame({"review": ["good film", "bad film", "very good", "so bad"] * 10})
    >>> liked = [1, 0, 1, 0] * 10
    >>> encoder = TextCNNEncoder(n_filters=4, epochs=30, random_state=0)
    >>> encoder.set_output(transform="pandas")
    TextCNNEncoder(epochs=30, n_filters=4, random_state=0)
    >>> features = encoder.fit_transform(train, liked)  # out of fold
    >>> features.columns.tolist(), features.shape
    (['review_cnn'], (40, 1))
    >>> new = encoder.transform(pd.DataFrame({"review": ["good one", "bad one"]}))
    >>> bool(new["review_cnn"][0] > new["review_cnn"][1])
    True
    """

    _hash_column = staticmethod(hash_documents)

    def __init__(
        self,
        embeddings=None,
        *,
        cv=5,
        ensemble="auto",
        target_type="auto",
        loss="auto",
        output="proba",
        uncovered="raise",
        unlabelled="fold",
        missing_class="raise",
        unsupervised="auto",
        add_spread=False,
        add_indicator=False,
        scoring=None,
        columns="separate",
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
        n_jobs=None,
        random_state=None,
    ):
        self.embeddings = embeddings
        self.cv = cv
        self.ensemble = ensemble
        self.target_type = target_type
        self.loss = loss
        self.output = output
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.unsupervised = unsupervised
        self.add_spread = add_spread
        self.add_indicator = add_indicator
        self.scoring = scoring
        self.columns = columns
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
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit the fold models for ``transform`` on new rows.

        .. warning::
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it gives training rows
            features from models that were trained on them. Use :meth:`fit_transform` for those.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets. Rows with a missing target are not used for training.
        groups : array-like of shape (n_rows,) or "documents", optional
            Rows of a group stay in the same fold. ``"documents"`` makes a group of identical texts;
            empty texts are not grouped.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; rows of weight 0 are not used for training.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models are trained only on rows earlier than those they predict.

        Returns
        -------
        TextCNNEncoder
            The fitted encoder.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit, and return the out-of-fold features of the training rows.

        Each row's feature comes from models that were not trained on that row, unlike those of
        ``fit(X, y).transform(X)``.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets. Rows with a missing target are not used for training but get features. (The
            last step of a Pipeline may refuse missing targets.)
        groups : array-like of shape (n_rows,) or "documents", optional
            As for :meth:`fit`.
        sample_weight : array-like of shape (n_rows,), optional
            As for :meth:`fit`; rows of weight 0 are predicted too.
        time : array-like of numbers or dates, shape (n_rows,), optional
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a DataFrame with ``set_output``
        """
        return self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)

    @property
    def _feature_name(self) -> str:
        """Name of the features, after the network."""
        return feature_name(self.level, self.network)

    def _model_set_names(self, input_names) -> list[str]:
        """Return prefixes of feature names: by column, or "joined"."""
        if self._is_joined:
            return [f"joined_{self._feature_name}"]
        return super()._model_set_names(input_names)

    def _learning_without_targets(self, plan):
        """Return whether vocabularies are per fold, and notes about shared texts."""
        learns_words = any(map(is_corpus, embedding_sources(self.embeddings)))
        shared = self.unsupervised == "all_rows" or (
            self.unsupervised == "auto" and plan.groups is None and not plan.ordered
        )
        return learns_words and not shared, (SHARED_WORDS,) if learns_words and shared else ()

    def _check_settings(self):
        """Check all parameters."""
        parameters.one_of(self, "unsupervised", UNSUPERVISED)
        return super()._check_settings()

    def _describe(self, network) -> dict:
        """Return the counts of words and tokens."""
        return network.readers[0].report


class _TextPredictor(TextNetworkEstimator, NetworkPredictor):
    """One network with a branch per text column."""

    def _read_network(self, columns, settings, target, entropy):
        """Build the vocabulary of every column; return one network for all."""
        branches = [read() for read in self._reads(columns, settings, target, entropy)]
        network = join_networks([network for network, _, _ in branches])
        return network, network.source([source.columns[0] for _, _, source in branches])


class TextCNNClassifier(ClassifierMixin, _TextPredictor):
    """Classification of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder`, as a single model without folds.
    Several text columns have one branch each, concatenated before the dense layers, or are
    joined (``columns="joined"``).

    Cost: time is proportional to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Pretrained word vectors. A path to a word2vec file (text or binary), a GloVe text file or a
        gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        concatenates several as channels; None uses no pretrained vectors. Pretrained vectors stay
        frozen unless ``trainable_embeddings``.
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has its own branch and vocabulary, or one branch reads
        the cells of a row one after the other, with a separator. `max_length` applies to each cell
        in both cases.
    level : {"word", "char"}, default="word"
        Whether tokens are words or characters. Characters (case is ignored) suit misspellings,
        product codes and scripts without spaces; they have small trainable vectors, so
        ``embeddings`` must be None, and `tokenizer` is ignored.
    tokenizer : "word" or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (in scripts without spaces)
        characters; a callable takes a str and returns a list of str, and must be importable for
        pickling.
    max_length : "auto", int or None, default="auto"
        Number of tokens that are read of a cell: with ``"auto"`` 400 words or 1000 characters. Time
        is proportional to it.
    min_count : int, default=2
        A word has its own vector in a model if it occurs this often in the model's training
        rows. Rarer words share the vector of the unknown word.
    keep_vectors : "seen" or int, default=20_000
        Besides the pretrained vectors of words that occur in training, keep those of this many
        most frequent (first) words of the vectors' file, for words that first occur in new rows:
        4 bytes per channel and word. ``"seen"`` keeps none.
    learned_dim : "auto" or int, default="auto"
        Dimensions of the trainable vector per word, which is added to the pretrained one as further
        channels. ``"auto"``: 32 with pretrained vectors, 100 without, 32 for characters; 0 for
        none.
    trainable_embeddings : bool, default=False
        Whether pretrained vectors are trained too. Needs memory for a table of vectors per model.
    corpus_options : dict or None, default=None
        Parameters of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size, or units of a GRU per direction. Time is proportional to it.
    kernel_sizes : "auto", int or tuple of int, default="auto"
        Words (or characters) that a filter spans; ``"auto"`` is (3, 4, 5) words or (3, 5, 7)
        characters. Longer texts may need larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How the positions of a document are combined to one number per filter or unit.
    n_blocks : int, default=1
        Number of stacked convolutions, with max pooling by two between them.
    dense_units : tuple of int, default=()
        Units of hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Dropout rate of the features during training.
    l2 : float, default=0.0
        Weight decay of convolutions, recurrent and dense layers.
    network : None, "bigru" or callable, default=None
        None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, using
        cuDNN on a GPU; on a CPU its time grows with the length of the longest text of a
        batch. It ignores `kernel_sizes` and `n_blocks`, and uses `activation` in dense layers only.
        A callable takes the number of channels per word and returns a ``keras.Model``
        from word vectors (batch, length, channels), zero where padded, and optionally a mask
        (batch, length, 1), to features (batch, n_features). It replaces convolutions and pooling.
    epochs : "auto" or int, default="auto"
        Number of epochs. ``"auto"`` aims at a number of updates: many epochs for small tables, few
        for large ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Initial learning rate of Adam; it decays to 0 by a cosine schedule.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows is used for validation: training stops early
        and the best weights are kept.
    class_weight : None, "balanced" or dict, default=None
        Weight of each class, computed per model from its own training rows.
    random_state : None, int, RandomState or Generator, default=None
        With an int, results are bit-identical on the same machine with the same number of
        threads.

    Attributes
    ----------
    classes_ : ndarray
        Sorted classes.
    history_ : DataFrame
        Losses per epoch.
    vocabulary_report_ : DataFrame
        Words and tokens with a pretrained vector, and bytes of memory, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, if X had column names.

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
        columns="separate",
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
        self.columns = columns
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
        """Mark the poor score on numeric data, which are read as words."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class TextCNNRegressor(RegressorMixin, _TextPredictor):
    """Regression of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder`, as a single model without folds.
    Several text columns have one branch each, concatenated before the dense layers, or are
    joined (``columns="joined"``).

    Cost: time is proportional to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Pretrained word vectors. A path to a word2vec file (text or binary), a GloVe text file or a
        gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        concatenates several as channels; None uses no pretrained vectors. Pretrained vectors stay
        frozen unless ``trainable_embeddings``.
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has its own branch and vocabulary, or one branch reads
        the cells of a row one after the other, with a separator. `max_length` applies to each cell
        in both cases.
    level : {"word", "char"}, default="word"
        Whether tokens are words or characters. Characters (case is ignored) suit misspellings,
        product codes and scripts without spaces; they have small trainable vectors, so
        ``embeddings`` must be None, and `tokenizer` is ignored.
    tokenizer : "word" or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (in scripts without spaces)
        characters; a callable takes a str and returns a list of str, and must be importable for
        pickling.
    max_length : "auto", int or None, default="auto"
        Number of tokens that are read of a cell: with ``"auto"`` 400 words or 1000 characters. Time
        is proportional to it.
    min_count : int, default=2
        A word has its own vector in a model if it occurs this often in the model's training
        rows. Rarer words share the vector of the unknown word.
    keep_vectors : "seen" or int, default=20_000
        Besides the pretrained vectors of words that occur in training, keep those of this many
        most frequent (first) words of the vectors' file, for words that first occur in new rows:
        4 bytes per channel and word. ``"seen"`` keeps none.
    learned_dim : "auto" or int, default="auto"
        Dimensions of the trainable vector per word, which is added to the pretrained one as further
        channels. ``"auto"``: 32 with pretrained vectors, 100 without, 32 for characters; 0 for
        none.
    trainable_embeddings : bool, default=False
        Whether pretrained vectors are trained too. Needs memory for a table of vectors per model.
    corpus_options : dict or None, default=None
        Parameters of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size, or units of a GRU per direction. Time is proportional to it.
    kernel_sizes : "auto", int or tuple of int, default="auto"
        Words (or characters) that a filter spans; ``"auto"`` is (3, 4, 5) words or (3, 5, 7)
        characters. Longer texts may need larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How the positions of a document are combined to one number per filter or unit.
    n_blocks : int, default=1
        Number of stacked convolutions, with max pooling by two between them.
    dense_units : tuple of int, default=()
        Units of hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Dropout rate of the features during training.
    l2 : float, default=0.0
        Weight decay of convolutions, recurrent and dense layers.
    network : None, "bigru" or callable, default=None
        None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, using
        cuDNN on a GPU; on a CPU its time grows with the length of the longest text of a
        batch. It ignores `kernel_sizes` and `n_blocks`, and uses `activation` in dense layers only.
        A callable takes the number of channels per word and returns a ``keras.Model``
        from word vectors (batch, length, channels), zero where padded, and optionally a mask
        (batch, length, 1), to features (batch, n_features). It replaces convolutions and pooling.
    epochs : "auto" or int, default="auto"
        Number of epochs. ``"auto"`` aims at a number of updates: many epochs for small tables, few
        for large ones.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Initial learning rate of Adam; it decays to 0 by a cosine schedule.
    early_stopping : bool, default=False
        Whether a tenth of a model's own training rows is used for validation: training stops early
        and the best weights are kept.
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss function; ``"auto"`` is squared. Poisson needs non-negative counts or rates.
    random_state : None, int, RandomState or Generator, default=None
        With an int, results are bit-identical on the same machine with the same number of
        threads.

    Attributes
    ----------
    history_ : DataFrame
        Losses per epoch.
    vocabulary_report_ : DataFrame
        Words and tokens with a pretrained vector, and bytes of memory, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, if X had column names.

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
        columns="separate",
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
        self.columns = columns
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
        """Mark the poor score on numeric data, which are read as words."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
