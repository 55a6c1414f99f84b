"""1D convolutional networks on text columns: an encoder, a classifier and a regressor."""

from __future__ import annotations

from textcnn.base.explaining import explain, top_ngrams
from textcnn.base.networks import NetworkClassifier, NetworkRegressor
from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.parameter_docs import documented
from textcnn.base.saving import export
from textcnn.base.state import history, vocabulary_report
from textcnn.text.columns import takes_texts
from textcnn.text.fitted import TextNetwork
from textcnn.text.hashes import hash_documents, hash_words
from textcnn.text.learner import TextLearner, read_text_columns
from textcnn.text.network import feature_name


@documented
class TextCNNEncoder(OutOfFold):
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
    frequencies (0.5 is the mean output for new texts), and a regression feature is the difference
    from the model's mean output, in standard deviations of its training targets. Otherwise the
    base rate of a model's training rows would reveal the mean target of its held-out rows to the
    next model.
    For probabilities and values of the target use :class:`~textcnn.TextCNNClassifier` or
    :class:`~textcnn.TextCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each
    proportional to rows × words × channels × ``n_filters`` × the sum of ``kernel_sizes``;
    benchmarks/RESULTS.md has measured times.
    Memory: 4 bytes per word of the documents, the vectors of words that occur (once for all
    models), and a table of trainable vectors (words × ``learned_dim`` × 4 bytes) per model.

    Parameters
    ----------
    {embeddings}
    {cv}
    {ensemble}
    {target_type}
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss for regression; ``"auto"`` is squared.
    {output}
    {uncovered}
    {unlabelled}
    {missing_class}
    unsupervised : {"auto", "fold", "all_rows"}, default="auto"
        Whose words ``embeddings="corpus"`` may learn from: each fold's own rows, or all rows,
        whose words (never their targets) then shape features of rows they do not belong to.
        ``"auto"`` is ``"fold"`` with groups or time, else ``"all_rows"``.
    join_columns : bool, default=False
        Whether each of several text columns has its own networks and features, or one network reads
        the cells of a row one after the other, with a separator: one set of features,
        ``joined_cnn``, and one vocabulary for all. `max_length` applies to each cell in both cases.
    {level}
    {tokenizer}
    {max_length}
    {min_count}
    keep_vectors : "seen" or int, default=20_000
        Besides the pretrained vectors of words that occur in training, keep those of this many
        most frequent (first) words of the vectors' file, for words that first occur in new rows:
        4 bytes per channel and word. ``"seen"`` keeps none; new words are then unknown words, while
        words of held-out training rows have their vectors. Of vectors made of pieces
        (``"wordllama"``), words of one piece are kept, for machines without the package; with it,
        any new word has its vector.
    {learned_dim}
    {trainable_embeddings}
    {corpus_options}
    {text_n_filters}
    {text_kernel_sizes}
    {activation}
    {pooling}
    {n_blocks}
    {text_dense_units}
    {text_dropout}
    {text_l2}
    {text_network}
    {n_networks}
    {text_epochs}
    {batch_size}
    {text_learning_rate}
    {text_early_stopping}
    {engine}
    {class_weight}
    {text_label_smoothing}
    n_jobs : int or None, default=None
        Number of fold models that are fitted at a time: by threads with the Numba engine (None is
        as many as there are), by processes with Keras. Starting a process takes several seconds
        (it imports the backend and traces the network), so use it for long fits only.
    {text_random_state}

    Attributes
    ----------
    classes_ : ndarray or None
        Sorted classes; None for regression.
    target_type_ : str
        The type of target.
    history_ : DataFrame
        Losses per column, model, network and epoch.
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
    copy a gensim ``KeyedVectors`` or a ``StaticModel``.

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

    _read_columns = staticmethod(read_text_columns)
    _hash_column = staticmethod(hash_documents)
    _hash_document = staticmethod(hash_words)
    _model_set = TextNetwork

    history_ = history
    vocabulary_report_ = vocabulary_report
    explain, top_ngrams, export = explain, top_ngrams, export

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
        join_columns=False,
        level="word",
        tokenizer="word",
        max_length="auto",
        min_count=2,
        keep_vectors=20_000,
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters="auto",
        kernel_sizes="auto",
        activation="relu",
        pooling="max",
        n_blocks=1,
        dense_units=(),
        dropout=0.2,
        l2=0.0,
        network=None,
        n_networks="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        label_smoothing="auto",
        early_stopping=False,
        engine="auto",
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
        self.join_columns = join_columns
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
        self.n_networks = n_networks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.engine = engine
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def _feature_name(self) -> str:
        """Name of the features, after the network."""
        return feature_name(self.level, self.network)

    def _learner(self) -> TextLearner:
        return TextLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())


@documented
class TextCNNClassifier(NetworkClassifier):
    """Classification of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder`, as a single model without folds.
    Several text columns have one branch each, concatenated before the dense layers, or are
    joined (``join_columns=True``).

    Cost: time is proportional to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    {embeddings}
    {join_columns}
    {level}
    {tokenizer}
    {max_length}
    {min_count}
    {keep_vectors}
    {learned_dim}
    {trainable_embeddings}
    {corpus_options}
    {text_n_filters}
    {text_kernel_sizes}
    {activation}
    {pooling}
    {n_blocks}
    {text_dense_units}
    {text_dropout}
    {text_l2}
    {text_network}
    {n_networks}
    {text_epochs}
    {batch_size}
    {text_learning_rate}
    {text_early_stopping}
    {engine}
    {class_weight}
    {text_label_smoothing}
    {text_random_state}

    Attributes
    ----------
    classes_ : ndarray
        Sorted classes.
    history_ : DataFrame
        Losses per network and epoch.
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

    _read_columns = staticmethod(read_text_columns)
    _model_set = TextNetwork

    history_ = history
    vocabulary_report_ = vocabulary_report
    explain, top_ngrams, export = explain, top_ngrams, export

    def __init__(
        self,
        embeddings=None,
        *,
        join_columns=False,
        level="word",
        tokenizer="word",
        max_length="auto",
        min_count=2,
        keep_vectors=20_000,
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters="auto",
        kernel_sizes="auto",
        activation="relu",
        pooling="max",
        n_blocks=1,
        dense_units=(),
        dropout=0.2,
        l2=0.0,
        network=None,
        n_networks="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        label_smoothing="auto",
        early_stopping=False,
        engine="auto",
        class_weight=None,
        random_state=None,
    ):
        self.embeddings = embeddings
        self.join_columns = join_columns
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
        self.n_networks = n_networks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.engine = engine
        self.class_weight = class_weight
        self.random_state = random_state

    def _learner(self) -> TextLearner:
        return TextLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())


@documented
class TextCNNRegressor(NetworkRegressor):
    """Regression of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder`, as a single model without folds.
    Several text columns have one branch each, concatenated before the dense layers, or are
    joined (``join_columns=True``).

    Cost: time is proportional to rows × words × channels × filters × the sum of the kernel sizes;
    see :class:`~textcnn.TextCNNEncoder`.

    Parameters
    ----------
    {embeddings}
    {join_columns}
    {level}
    {tokenizer}
    {max_length}
    {min_count}
    {keep_vectors}
    {learned_dim}
    {trainable_embeddings}
    {corpus_options}
    {text_n_filters}
    {text_kernel_sizes}
    {activation}
    {pooling}
    {n_blocks}
    {text_dense_units}
    {text_dropout}
    {text_l2}
    {text_network}
    {n_networks}
    {text_epochs}
    {batch_size}
    {text_learning_rate}
    {text_early_stopping}
    {engine}
    loss : {"auto", "squared", "absolute", "poisson"}, default="auto"
        Loss function; ``"auto"`` is squared. Poisson needs non-negative counts or rates.
    {text_random_state}

    Attributes
    ----------
    history_ : DataFrame
        Losses per network and epoch.
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
    >>> prices = [5.0 + 45 * (row % 2) + row / 10 for row in range(30)]
    >>> regressor = TextCNNRegressor(n_filters=4, epochs=40, random_state=0).fit(texts, prices)
    >>> cheap, dear = regressor.predict(["cheap", "dear"])
    >>> bool(cheap < dear)
    True
    """

    _read_columns = staticmethod(read_text_columns)
    _model_set = TextNetwork

    history_ = history
    vocabulary_report_ = vocabulary_report
    explain, top_ngrams, export = explain, top_ngrams, export

    def __init__(
        self,
        embeddings=None,
        *,
        join_columns=False,
        level="word",
        tokenizer="word",
        max_length="auto",
        min_count=2,
        keep_vectors=20_000,
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters="auto",
        kernel_sizes="auto",
        activation="relu",
        pooling="max",
        n_blocks=1,
        dense_units=(),
        dropout=0.2,
        l2=0.0,
        network=None,
        n_networks="auto",
        epochs="auto",
        batch_size=64,
        learning_rate=3e-3,
        early_stopping=False,
        engine="auto",
        loss="auto",
        random_state=None,
    ):
        self.embeddings = embeddings
        self.join_columns = join_columns
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
        self.n_networks = n_networks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.engine = engine
        self.loss = loss
        self.random_state = random_state

    def _learner(self) -> TextLearner:
        return TextLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())
