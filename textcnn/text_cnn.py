"""1D convolutional networks on text columns: out-of-fold features, and plain predictors."""

from __future__ import annotations

from dataclasses import replace

from sklearn.base import ClassifierMixin, RegressorMixin

from textcnn.base.network_encoder import NetworkEncoder
from textcnn.base.networks import NetworkPredictor
from textcnn.base.training_rows import hash_documents
from textcnn.crossfit.values import has_columns
from textcnn.fit import parameters
from textcnn.text.fitted import TextNetworkEstimator, join_networks
from textcnn.text.network import feature_name
from textcnn.text.reader import embedding_sources, is_corpus

UNSUPERVISED = ("auto", "fold", "all_rows")
SHARED_WORDS = "corpus vectors were trained on the words of all rows, held-out ones included"


class TextCNNEncoder(TextNetworkEstimator, NetworkEncoder):
    """Turn text columns into out-of-fold predictions of a 1D convolutional network.

    Each text column gets a network of its own: word vectors, convolutions of several widths,
    pooling, dense output. The rows are split into folds; one model per fold learns from the other
    folds. :meth:`fit_transform` returns, for each training row, the prediction of the model that
    never saw that row's target. :meth:`transform` returns, for new rows, the mean of all models.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows
        features from models that saw their targets; what is trained on them looks too good.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features are relative to what each model knows of the target's level: a probability is the one
    at even prior odds (0.5 says that the text tells nothing), a regression feature is the
    difference from the mean of the model's own training rows, in y's units. Otherwise a model's
    base level would tell the mean of the targets that it was denied, and a tree would read them
    from it. For predictions at the real level use :class:`~textcnn.TextCNNClassifier` or
    :class:`~textcnn.TextCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each in
    proportion to rows × words × channels × ``n_filters`` × the sum of ``kernel_sizes``; measured
    times are in benchmarks/RESULTS.md.
    Memory: the documents as 4 bytes per word, the vectors of words that occur once for all
    models, and a table of learnt vectors (words × ``learned_dim`` × 4 bytes) per model.

    Parameters
    ----------
    embeddings : None, str, path, gensim KeyedVectors, WordVectors or list of these, default=None
        Word vectors given to the network. A path to a word2vec file (text or binary), a GloVe text
        file or a gensim native file, also ``.gz``; the name of a gensim-data set
        (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a list
        puts several side by side as channels; None leaves all to the learnt vectors. Given
        vectors stay frozen unless ``trainable_embeddings``.
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, whole groups where ``groups`` are
        given, always shuffled by ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too.
    ensemble : {"auto", "mean", "refit"}, default="auto"
        What serves new rows: the mean of the fold models, or one more model fitted on all rows
        for the share of its schedule that the fold models used. ``"auto"`` is ``"refit"`` for
        folds in order of time, whose first models know only old rows, else ``"mean"``. In trials
        on three tables the mean earned more for random rows and, in order of time, the same AUC
        and a better log-loss (benchmarks/RESULTS.md); a refit model serves ``cv`` times as fast.
        ``report_.gap(X, y)`` measures what either does to your features.
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
    unsupervised : {"auto", "fold", "all_rows"}, default="auto"
        Whose words ``embeddings="corpus"`` may learn from: each fold's own rows, or all rows,
        whose words (never their targets) then shape features of rows they do not belong to.
        ``"auto"`` is ``"fold"`` with groups or time, else ``"all_rows"``.
    add_spread : bool, default=False
        Whether to add the standard deviation over the models that predict a row. It is 0 where
        one model does: for training rows unless folds repeat, for new rows under ``"refit"``. Use
        it with repeated splits, so that it means the same for both.
    add_indicator : bool, default=False
        Whether to add a last column that is 1 for rows that no model predicts.
    scoring : None, str or sequence of str, default=None
        Metrics of the receipt: scikit-learn scorer names. None chooses by the kind of target.
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has networks and features of its own, or one network
        reads a row's cells one after another, with a separator between them: one set of features,
        ``joined_cnn``, and one vocabulary for all. `max_length` counts per cell either way.
    level : {"word", "char"}, default="word"
        Whether words or characters are read. Characters, whatever their case, suit misspellings,
        codes and scripts without spaces; they have small learnt vectors of their own, so
        ``embeddings`` must be None, and a `tokenizer` is refused.
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
        4 bytes per channel and word. ``"seen"`` keeps none; new words then look unknown, while
        held-out words of training rows have their vectors.
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
        batch. It has no `kernel_sizes` and `n_blocks`, and reads `activation` in dense layers
        alone. A callable takes the number of channels per word and returns a ``keras.Model`` from
        word vectors (batch, length, channels), zero where padded, and optionally a mask (batch,
        length, 1), to features (batch, n_features). It replaces convolutions and pooling. What a
        network does not read is refused.
    epochs : "auto" or int, default="auto"
        Passes over a model's training rows. ``"auto"`` chooses by the number of updates: many
        passes for short tables, few for long ones, fewer for a recurrent network, and more for
        characters.
    batch_size : int, default=64
    learning_rate : float, default=0.003
        Adam's at the start; it falls along a cosine to 0.
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
    vocabulary_report_ : DataFrame
        Words and tokens that have a given vector, and the bytes kept, per column.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, where they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next.

    See Also
    --------
    TextCNNClassifier : The same network as a plain classifier.
    TextCNNRegressor : The same network as a plain regressor.

    Notes
    -----
    A fitted encoder holds the receipt: targets, row numbers and 64-bit hashes of the training rows,
    about 8 × (8 + models) bytes per row. A `WordVectors` given as ``embeddings`` is shared by
    clones; a gensim ``KeyedVectors`` is copied by them.

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
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it would give training rows
            features from models that saw their targets. Use :meth:`fit_transform` for those.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from.
        groups : array-like of shape (n_rows,) or "documents", optional
            Rows of one group are never on both sides of a fold. ``"documents"`` makes a group of
            each text that occurs several times; empty texts stay apart.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; a row of weight 0 is never learnt from.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models learn only from rows earlier than those they predict.

        Returns
        -------
        TextCNNEncoder
            The fitted encoder.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit, and return the out-of-fold features of the training rows.

        Each row's feature comes from models that never saw that row's target. This is not what
        ``fit(X, y).transform(X)`` returns.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from but that get features. (The
            last step of a Pipeline may refuse such targets.)
        groups : array-like of shape (n_rows,) or "documents", optional
            As for :meth:`fit`.
        sample_weight : array-like of shape (n_rows,), optional
            As for :meth:`fit`; a row of weight 0 is predicted nevertheless.
        time : array-like of numbers or dates, shape (n_rows,), optional
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``
        """
        return self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)

    @property
    def _feature_name(self) -> str:
        """Say what the features are made of."""
        return feature_name(self.level, self.network)

    def _model_set_names(self, input_names) -> list[str]:
        """Return what features are called: by their column, or as joined."""
        if self._is_joined:
            return [f"joined_{self._feature_name}"]
        return super()._model_set_names(input_names)

    def _learning_without_targets(self, plan):
        """Tell whose words corpus vectors may learn from."""
        learns_words = any(map(is_corpus, embedding_sources(self.embeddings)))
        shared = self.unsupervised == "all_rows" or (
            self.unsupervised == "auto" and plan.groups is None and not plan.ordered
        )
        return learns_words and not shared, (SHARED_WORDS,) if learns_words and shared else ()

    def _check_settings(self):
        """Check every parameter of the columns, and of training."""
        parameters.one_of(self, "unsupervised", UNSUPERVISED)
        return super()._check_settings()

    def _describe(self, network) -> dict:
        """Return the counts of words and tokens."""
        return network.readers[0].report


class _TextPredictor(TextNetworkEstimator, NetworkPredictor):
    """Fits one network with a branch per text column."""

    _target_type_of_columns: str

    def _target_type_of(self, y) -> str:
        """Tell several targets from one by the columns of y."""
        return self._target_type_of_columns if has_columns(y) else self._target_type

    def _read_network(self, columns, settings, target, entropy):
        """Learn the words of every column; return one network for all."""
        branches = [read() for read in self._reads(columns, settings, target, entropy)]
        network = join_networks([network for network, _, _ in branches])
        return network, network.source([source.columns[0] for _, _, source in branches])


class TextCNNClassifier(ClassifierMixin, _TextPredictor):
    """Classification of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder` as a plain predictor: no folds, one model.
    Several text columns have a branch each, concatenated before the dense part, or are
    read as one (``columns="joined"``). Several columns of 0 and 1 as y are labels, of which a row
    may have many.

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
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has a branch and a vocabulary of its own, or one
        branch reads a row's cells one after another, with a separator between them. `max_length`
        counts per cell either way.
    level : {"word", "char"}, default="word"
        Whether words or characters are read. Characters, whatever their case, suit misspellings,
        codes and scripts without spaces; they have small learnt vectors of their own, so
        ``embeddings`` must be None, and a `tokenizer` is refused.
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
        batch. It has no `kernel_sizes` and `n_blocks`, and reads `activation` in dense layers
        alone. A callable takes the number of channels per word and returns a ``keras.Model`` from
        word vectors (batch, length, channels), zero where padded, and optionally a mask (batch,
        length, 1), to features (batch, n_features). It replaces convolutions and pooling. What a
        network does not read is refused.
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
    _target_type_of_columns = "multilabel"

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
        label_smoothing=0.0,
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
        self.label_smoothing = label_smoothing
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.random_state = random_state

    def _check_settings(self):
        """Check every parameter, the one about classes included."""
        parameters.number(self, "label_smoothing", 0.0, below=1.0)
        settings, training = super()._check_settings()
        return settings, replace(training, label_smoothing=float(self.label_smoothing))

    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes: numbers, strings or booleans, at least two; or columns of 0 and 1.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row; a row of weight 0 is not learnt from.

        Returns
        -------
        TextCNNClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight)

    def predict_proba(self, X):
        """Return the probability of each class, or of each label.

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
        """Return the most probable class of each row, or 0 or 1 for each label.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
        """
        predictions = self._predictions(X)
        return self._head.decode(predictions)

    def __sklearn_tags__(self):
        """Say that y may be labels, and that digits read as words are no measure of this."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True
        return tags


class TextCNNRegressor(RegressorMixin, _TextPredictor):
    """Regression of rows by their text columns with a 1D convolutional network.

    The network of :class:`~textcnn.TextCNNEncoder` as a plain predictor: no folds, one model.
    Several text columns have a branch each, concatenated before the dense part, or are
    read as one (``columns="joined"``). Several columns of numbers as y are predicted together.

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
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has a branch and a vocabulary of its own, or one
        branch reads a row's cells one after another, with a separator between them. `max_length`
        counts per cell either way.
    level : {"word", "char"}, default="word"
        Whether words or characters are read. Characters, whatever their case, suit misspellings,
        codes and scripts without spaces; they have small learnt vectors of their own, so
        ``embeddings`` must be None, and a `tokenizer` is refused.
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
        batch. It has no `kernel_sizes` and `n_blocks`, and reads `activation` in dense layers
        alone. A callable takes the number of channels per word and returns a ``keras.Model`` from
        word vectors (batch, length, channels), zero where padded, and optionally a mask (batch,
        length, 1), to features (batch, n_features). It replaces convolutions and pooling. What a
        network does not read is refused.
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
    _target_type_of_columns = "multioutput"

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

    def fit(self, X, y, sample_weight=None):
        """Fit the network.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Numbers.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row; a row of weight 0 is not learnt from.

        Returns
        -------
        TextCNNRegressor
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X):
        """Return the predicted target of each row, in y's units.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of float64, shape (n_rows,) or (n_rows, n_targets)
        """
        predictions = self._predictions(X)
        return self._head.decode(predictions)

    def __sklearn_tags__(self):
        """Say that y may have several columns, and that digits read as words are no measure."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags
