"""Feature makers: out-of-fold predictions of networks as new columns of a table."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from textcnn import text_parameters
from textcnn.crossfit import oof
from textcnn.crossfit.plan import make_fold_plan, whole_assignment
from textcnn.crossfit.targets import read_target
from textcnn.fitting import LevelledModel, refit_updates, training_jobs, without_rows
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.neural.training import fit_models
from textcnn.progress import CallbackSupportMixin, FitProgress, with_callbacks
from textcnn.text.columns import read_columns
from textcnn.text_base import (
    TextNetwork,
    TextNetworkEstimator,
    column_label,
    history_lines,
)
from textcnn.training_rows import hash_rows, warn_if_training_rows

ENSEMBLES = ("mean", "refit")


class TextCNNEncoder(CallbackSupportMixin, TransformerMixin, TextNetworkEstimator):
    """Turn text columns into out-of-fold predictions of a 1D convolutional network.

    Each text column gets a network of its own: word vectors, convolutions of several widths, pooling,
    dense output. The rows are split into folds; one model per fold learns from the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that never saw
    that row's target. :meth:`transform` returns, for new rows, the mean of all fold models.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows features
        from models that saw their targets; whatever is trained on them will look better than it is.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features are relative to what each model knows of the target's level: a probability is the one at
    even prior odds (0.5 says that the text tells nothing), a regression feature is the difference from
    the mean of the model's own training rows, in y's units. Otherwise a model's base level would tell
    the mean of the targets that it was denied, and a tree would read them from it. For predictions
    at the real level use :class:`~textcnn.TextCNNClassifier` or :class:`~textcnn.TextCNNRegressor`.

    Cost: ``cv`` fits of a network per column (one more for ``ensemble="refit"``), each in proportion to
    rows × words × channels × ``n_filters`` × the sum of ``kernel_sizes``. benchmarks/RESULTS.md has measured times.
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
    ensemble : {"mean", "refit"}, default="mean"
        What serves new rows: the mean of the fold models, or one more model fitted on all rows
        with as many updates as the fold models' median, scaled by rows.
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is scikit-learn's ``type_of_target``; whole numbers count as classes, so say
        ``"continuous"`` where they are quantities.
    tokenizer : {"word", "char"} or callable, default="word"
        ``"word"`` splits into Unicode words, punctuation marks and (where a script has no spaces)
        characters; a callable takes a str and returns a list of str, and must be importable if
        the estimator is to be pickled.
    max_length : int or None, default=400
        Tokens of a cell after this many are not read. Longer costs time in proportion.
    min_count : int, default=2
        A word has a vector of its own in a model if it occurs this often in the rows that the
        model learns from. Rarer words train the vector of the unknown word.
    keep_vectors : "seen" or int, default="seen"
        Besides the vectors of words that occur in training, keep those of this many most
        frequent (first) words of the vectors' file for words that are new later.
    learned_dim : "auto" or int, default="auto"
        Size of the small vector that each model learns per word beside the given one: 32, or 100
        where no vectors are given; 0 for none.
    trainable_embeddings : bool, default=False
        Whether the network may adjust the given vectors. Costs a table of vectors per model.
    corpus_options : dict or None, default=None
        Settings of gensim's Word2Vec for ``embeddings="corpus"``.
    n_filters : int, default=100
        Filters per kernel size. Time is in proportion.
    kernel_sizes : int or tuple of int, default=(3, 4, 5)
        Words that a filter spans. Longer texts may want larger ones.
    activation : str, default="relu"
        Name of a Keras activation.
    pooling : {"max", "average", "both"}, default="max"
        How a feature map becomes one number per document.
    n_blocks : int, default=1
        Convolutions stacked over one another, with pooling by two between them.
    dense_units : tuple of int, default=()
        Hidden dense layers between pooling and output.
    dropout : float, default=0.5
        Share of features that is dropped while training.
    l2 : float, default=0.0
        Weight decay of convolutions and dense layers.
    network : callable or None, default=None
        Takes the number of channels per word and returns a ``keras.Model`` from word vectors
        (batch, length, channels), zero where padded, and optionally a mask (batch, length, 1), to
        features (batch, n_features). Replaces convolutions and pooling.
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
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected and
        what to type next.

    See Also
    --------
    TextCNNClassifier : The same network as a plain classifier.
    TextCNNRegressor : The same network as a plain regressor.

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

    def __init__(
        self,
        embeddings=None,
        *,
        cv=5,
        ensemble="mean",
        target_type="auto",
        tokenizer="word",
        max_length=400,
        min_count=2,
        keep_vectors="seen",
        learned_dim="auto",
        trainable_embeddings=False,
        corpus_options=None,
        n_filters=100,
        kernel_sizes=(3, 4, 5),
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

    def fit(self, X, y, *, groups=None, sample_weight=None):
        """Fit the fold models for ``transform`` on new rows.

        .. warning::
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it would give training rows
            features from models that saw their targets. Use :meth:`fit_transform` for training rows.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,)
            Targets.
        groups : array-like of shape (n_rows,), optional
            Rows of one group are never on both sides of a fold.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training; a row of weight 0 is never learnt from.

        Returns
        -------
        TextCNNEncoder
            The fitted encoder.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None):
        """Fit, and return the out-of-fold features of the training rows.

        Each row's feature comes from a model that never saw that row's target. This is not what
        ``fit(X, y).transform(X)`` returns.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array of shape (n_rows,) or (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,)
            Targets.
        groups : array-like of shape (n_rows,), optional
            Rows of one group are never on both sides of a fold.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training; a row of weight 0 is never learnt from, but predicted.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``
        """
        return self._fit(X, y, groups=groups, sample_weight=sample_weight)

    def transform(self, X):
        """Return the features of new rows: the mean of the fold models, or the refit model's.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : list of str, Series, DataFrame or array
            The same columns as at fit.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``

        Warns
        -----
        InSampleWarning
            If 100 rows or more are given and nine in ten of them are training rows.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        warn_if_training_rows(hash_rows(columns), self._row_hashes, type(self).__name__)
        features = []
        for network, column in zip(self._networks, columns, strict=True):
            raw = network.raw_outputs([column])
            features.append(
                oof.average(
                    [
                        self._target.features(output, levelled.level)
                        for output, levelled in zip(raw, network.models, strict=True)
                    ]
                )
            )
        return np.hstack(features)

    def get_feature_names_out(self, input_features=None):
        """Return ``<column>_cnn``, or ``<column>_cnn_<class>`` where there are several classes.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must equal the names seen at fit, if there were any.

        Returns
        -------
        ndarray of object
        """
        check_is_fitted(self)
        names = self._input_names(input_features)
        suffixes = self._target.column_suffixes()
        return np.array([f"{name}_cnn{suffix}" for name in names for suffix in suffixes], object)

    def get_metadata_routing(self):
        """Return which of ``groups`` and ``sample_weight`` this encoder asks for.

        A splitter that needs groups makes the encoder ask for them; with an int ``cv`` say
        ``set_fit_request(groups=True)``.

        Returns
        -------
        MetadataRequest
        """
        requests = super().get_metadata_routing()
        if "groups" in _requests_of(self.cv) and requests.fit.requests["groups"] is None:
            requests.fit.add_request(param="groups", alias=True)
        return requests

    def __sklearn_tags__(self):
        """Say that the output is float32 whatever the input is."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _input_names(self, input_features):
        """Return the input names, checked against those seen at fit."""
        seen = getattr(self, "feature_names_in_", None)
        if input_features is None:
            return [f"x{i}" for i in range(self.n_features_in_)] if seen is None else list(seen)
        names = list(input_features)
        if seen is not None and names != list(seen):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({self.n_features_in_}), got {len(names)}"
            )
        return names

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight) -> np.ndarray:
        """Fit all models on a copy; only a fit that ended leaves anything on the encoder."""
        reader_settings, network_settings, training = self._check_settings()
        if self.ensemble not in ENSEMBLES:
            raise ValueError(
                f"ensemble must be one of {ENSEMBLES}. Received: ensemble={self.ensemble!r}."
            )
        fitted = copy.copy(self)
        columns = read_columns(fitted, X, reset=True)
        n_rows = len(columns[0].cells)
        target = read_target(y, target_type=self.target_type, n_rows=n_rows)
        text_parameters.check_class_weight(self.class_weight, target)
        entropy = entropy_from(self.random_state)
        plan = make_fold_plan(
            self.cv,
            target,
            groups=groups,
            sample_weight=sample_weight,
            stop_fraction=training.stop_fraction,
            random_state=seed_sequence(entropy, "plan"),
        )
        n_models = plan.n_models + (self.ensemble == "refit")
        progress = FitProgress(self, n_models * len(columns), X, y)
        readers, documents = fitted._read(columns, reader_settings, entropy)
        features, networks = [], []
        for number, column in enumerate(columns):
            network = TextNetwork(
                names=[column_label(column, number)],
                readers=[readers[number]],
                settings=network_settings,
                min_count=reader_settings.min_count,
                n_outputs=target.n_outputs,
                loss=target.loss,
                models=[],
                history=[],
            )
            features.append(
                self._fit_column(
                    network, documents[number], plan, target, training, entropy, number, progress
                )
            )
            networks.append(network)
        progress.end()
        fitted._networks = networks
        fitted._plan = plan
        fitted._target = without_rows(target)
        fitted._row_hashes = hash_rows(columns)
        fitted.target_type_ = target.kind
        fitted.classes_ = target.classes
        self._adopt(fitted)
        return np.hstack(features)

    def _fit_column(
        self, network, documents, plan, target, training, entropy, number, progress
    ) -> np.ndarray:
        """Fit one column's models into ``network``; return its out-of-fold features."""
        label = network.names[0]
        source = network.source([documents])
        names = [f"fold {fold + 1} of {plan.n_models}" for fold in range(plan.n_models)]
        first = number * (plan.n_models + (self.ensemble == "refit"))

        def fit(assignments, names, start, updates=None):
            jobs, levels = training_jobs(
                assignments,
                target,
                training,
                sample_weight=plan.sample_weight,
                entropy=entropy,
                column=number,
                first_fold=start,
                notes=[f"column {label!r}, {name}" for name in names],
                progress=[
                    progress.model(first + start + i, f"{label}, {name}")
                    for i, name in enumerate(names)
                ],
                updates=updates,
            )
            results = fit_models(network.blueprint, source, jobs, n_jobs=self.n_jobs)
            models = [model for model, _ in results]
            network.history += history_lines(label, names, models)
            network.fed += [model.fed for model in models]
            outputs = [
                target.features(raw, level) for (_, raw), level in zip(results, levels, strict=True)
            ]
            return [LevelledModel(*pair) for pair in zip(models, levels, strict=True)], outputs

        network.models, outputs = fit(plan.assignments, names, 0)
        if self.ensemble == "refit":
            everything = whole_assignment(target, plan, random_state=seed_sequence(entropy, "plan"))
            updates = refit_updates(
                [levelled.model for levelled in network.models], len(everything.learn)
            )
            network.models, _ = fit([everything], ["refit"], plan.n_models, updates)
        return oof.assemble(plan, outputs)


def _requests_of(splitter) -> set[str]:
    """Return the metadata that a splitter asks for."""
    if not hasattr(splitter, "get_metadata_routing"):
        return set()
    requests = get_routing_for_object(splitter).split.requests
    return {name for name, alias in requests.items() if alias}
