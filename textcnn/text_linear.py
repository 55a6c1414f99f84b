"""Out-of-fold features by TF-IDF and a linear model."""

from __future__ import annotations

from textcnn.base.explaining import explain, top_ngrams
from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.parameter_docs import documented
from textcnn.text.columns import takes_texts
from textcnn.text.hashes import hash_documents, hash_words
from textcnn.text.learner import read_text_columns
from textcnn.text.linear import LinearLearner, LinearModels


@documented
class TextLinearEncoder(OutOfFold):
    """Turn text columns into out-of-fold predictions of a linear model on TF-IDF weights.

    Each text column has its own models, on n-grams of words and of characters within words.
    The rows are split into folds; one model per fold is trained on the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that was not
    trained on it. :meth:`transform` returns, for new rows, the mean of all models.

    N-grams are counted once per column, which needs neither targets nor other rows. Everything
    that depends on other rows uses only the training rows of the fold: the n-grams that are used
    (``min_df``), their document frequencies, and the model: logistic regression for classes and
    labels, ridge regression for numbers.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. With the first, training rows
        get features from models that were trained on them, so models and scores on such features
        are optimistic. Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features do not contain the base rate: a probability is the one at even prior odds (0.5 means
    that the text has no information), a regression feature is the difference from the mean of the
    model's own training rows, in standard deviations of their targets.

    Cost: one count of the column, and per model about twenty products of the matrix of counts
    with a vector (per class); measured times are in benchmarks/RESULTS.md. Memory: 8 bytes per
    row and distinct n-gram in it (about 600 n-grams for a review of 60 words), twice while a
    model is fitted; a fitted model keeps 4 bytes per n-gram and class.

    Parameters
    ----------
    C : float, default=3.0
        Inverse strength of the penalty on squared coefficients; larger fits the training rows
        more closely. For numbers it is the penalty ``4 / C`` of a ridge regression.
    word_ngrams : tuple of two int or None, default=(1, 2)
        Smallest and largest number of words of an n-gram; None for no words.
    char_ngrams : tuple of two int or None, default=(2, 5)
        Smallest and largest number of characters of an n-gram within a word (parts between spaces,
        with a space at both ends); None for no characters, which is several times as fast.
    min_df : int, default=2
        An n-gram is used by a model if it occurs in at least this many of its training rows.
    lowercase : bool, default=True
        Whether case is ignored.
    tokenizer : {"word", "char"} or callable, default="word"
        How texts are split into words: as for :class:`TextCNNEncoder`.
    join_columns : bool, default=False
        Whether one model reads the n-grams of all text columns and returns one set of features,
        ``joined_linear``. Otherwise each column has its own models and features. No n-gram spans
        two cells.
    {cv}
    {ensemble}
    {target_type}
    {output}
    {uncovered}
    {unlabelled}
    {missing_class}
    {n_jobs}
    random_state : None, int, RandomState or Generator, default=None
        Seed of the folds. The models are deterministic.

    Attributes
    ----------
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for numbers.
    target_type_ : str
        The type of the target.
    n_features_in_ : int
        Number of text columns.
    feature_names_in_ : ndarray of str
        Names of the text columns, if they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next.

    See Also
    --------
    TextCNNEncoder : A neural network per text column; often useful together with this encoder.
    OutOfFoldEncoder : Any scikit-learn estimator, with the same cross-fitting.

    Notes
    -----
    The intercepts of the models start at the prior and the columns are centred, so a model without
    any information gives exactly 0.5. No model starts from the coefficients of another, although
    that would be faster: they depend on the targets of its held-out rows. N-grams are kept as
    64-bit and 31-bit hashes, not as text.

    References
    ----------
    D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn import TextLinearEncoder
    >>> train = pd.DataFrame({"review": ["good film", "bad film", "very good", "so bad"] * 10})
    >>> liked = [1, 0, 1, 0] * 10
    >>> encoder = TextLinearEncoder(random_state=0).set_output(transform="pandas")
    >>> features = encoder.fit_transform(train, liked)  # out of fold
    >>> features.columns.tolist(), features.shape
    (['review_linear'], (40, 1))
    >>> new = encoder.transform(pd.DataFrame({"review": ["good one", "bad one"]}))
    >>> bool(new["review_linear"][0] > 0.5 > new["review_linear"][1])
    True
    """

    _read_columns = staticmethod(read_text_columns)
    _hash_column = staticmethod(hash_documents)
    _hash_document = staticmethod(hash_words)
    _model_set = LinearModels
    _feature_name = "linear"

    explain, top_ngrams = explain, top_ngrams

    def __init__(
        self,
        C=3.0,
        *,
        word_ngrams=(1, 2),
        char_ngrams=(2, 5),
        min_df=2,
        lowercase=True,
        tokenizer="word",
        join_columns=False,
        cv=5,
        ensemble="auto",
        target_type="auto",
        output="proba",
        uncovered="raise",
        unlabelled="fold",
        missing_class="raise",
        n_jobs=None,
        random_state=None,
    ):
        self.C = C
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.join_columns = join_columns
        self.cv = cv
        self.ensemble = ensemble
        self.target_type = target_type
        self.output = output
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learner(self) -> LinearLearner:
        return LinearLearner.of(self)

    def __sklearn_tags__(self):
        """Declare that cells may be strings or missing."""
        return takes_texts(super().__sklearn_tags__())
