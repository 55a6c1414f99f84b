"""1D convolutional networks on text columns: an encoder, a classifier and a regressor."""

from __future__ import annotations

from textcnn.base.explaining import explain, top_ngrams
from textcnn.base.networks import NetworkClassifier, NetworkRegressor
from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.saving import export
from textcnn.base.state import history, vocabulary_report
from textcnn.text.columns import takes_texts
from textcnn.text.fitted import TextNetwork
from textcnn.text.hashes import hash_documents
from textcnn.text.learner import TextLearner, read_text_columns
from textcnn.text.network import feature_name


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
        Whose words ``embeddings="corpus"`` may learn from: each fold's own rows, or all rows,
        whose words (never their targets) then shape features of rows they do not belong to.
        ``"auto"`` is ``"fold"`` with groups or time, else ``"all_rows"``.
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
    engine : {"auto", "numba", "keras"}, default="auto"
        What trains the network. ``"numba"`` is compiled code for convolutions of one block, ten
        times as fast as Keras on a CPU; it needs neither TensorFlow nor padding. ``"auto"`` takes
        it where it can, and Keras for other networks, where a GPU is visible, or where the
        environment variable ``KERAS_BACKEND`` is set.
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

    _read_columns = staticmethod(read_text_columns)
    _hash_column = staticmethod(hash_documents)
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
        """Say that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())


class TextCNNClassifier(NetworkClassifier):
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
    engine : {"auto", "numba", "keras"}, default="auto"
        What trains the network. ``"numba"`` is compiled code for convolutions of one block, ten
        times as fast as Keras on a CPU; it needs neither TensorFlow nor padding. ``"auto"`` takes
        it where it can, and Keras for other networks, where a GPU is visible, or where the
        environment variable ``KERAS_BACKEND`` is set.
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

    _read_columns = staticmethod(read_text_columns)
    _model_set = TextNetwork

    vocabulary_report_ = vocabulary_report
    explain, top_ngrams, export = explain, top_ngrams, export

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
        engine="auto",
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
        self.engine = engine
        self.class_weight = class_weight
        self.random_state = random_state

    def _learner(self) -> TextLearner:
        return TextLearner.of(self)

    def __sklearn_tags__(self):
        """Say that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())


class TextCNNRegressor(NetworkRegressor):
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
    engine : {"auto", "numba", "keras"}, default="auto"
        What trains the network. ``"numba"`` is compiled code for convolutions of one block, ten
        times as fast as Keras on a CPU; it needs neither TensorFlow nor padding. ``"auto"`` takes
        it where it can, and Keras for other networks, where a GPU is visible, or where the
        environment variable ``KERAS_BACKEND`` is set.
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

    _read_columns = staticmethod(read_text_columns)
    _model_set = TextNetwork

    vocabulary_report_ = vocabulary_report
    explain, top_ngrams, export = explain, top_ngrams, export

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
        engine="auto",
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
        self.engine = engine
        self.loss = loss
        self.random_state = random_state

    def _learner(self) -> TextLearner:
        return TextLearner.of(self)

    def __sklearn_tags__(self):
        """Say that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())
