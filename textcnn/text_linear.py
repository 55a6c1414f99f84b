"""TF-IDF and a linear model, out of fold: the plain neighbour of the neural text encoders."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from textcnn.base.explaining import ExplainsTexts
from textcnn.base.training_rows import hash_documents, hash_rows
from textcnn.fit import parameters
from textcnn.fit.linear_models import CentredLogisticRegression, FoldTfidf
from textcnn.stacking import EstimatorFeatures, PreparedTable
from textcnn.text.columns import read_columns
from textcnn.text.joining import JoinedColumns
from textcnn.text.ngrams import NgramCounter
from textcnn.text.settings import COLUMNS
from textcnn.text.tokens import make_tokenizer

# The curvature of the logistic loss is at most a quarter of that of the squared one.
_RIDGE_FACTOR = 4.0


class TextLinearEncoder(ExplainsTexts, EstimatorFeatures):
    """Turn text columns into out-of-fold predictions of a linear model on TF-IDF weights.

    Each text column gets models of its own, on n-grams of words and of characters within words.
    The rows are split into folds; one model per fold learns from the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that never
    saw that row's target. :meth:`transform` returns, for new rows, the mean of all models.

    N-grams are counted once per column, which needs neither targets nor other rows. What depends
    on other rows is learnt per fold from that fold's own learning rows: which n-grams count
    (``min_df``), how rare they are, and the model: logistic regression for classes and labels,
    ridge regression for numbers.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows
        features from models that saw their targets; what is trained on them looks too good.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features are relative to what each model knows of the target's level: a probability is the one
    at even prior odds (0.5 says that the text tells nothing), a regression feature is the
    difference from the mean of the model's own training rows, in y's units.

    Cost: one count of the column, and per model some twenty products of the matrix of counts
    with a vector (per class); measured times are in benchmarks/RESULTS.md. Memory: 8 bytes per
    row and distinct n-gram in it (about 600 n-grams for a review of 60 words), twice while a
    model is fitted; a fitted model keeps 4 bytes per n-gram and class.

    Parameters
    ----------
    C : float, default=3.0
        Inverse strength of the penalty on squared coefficients; larger fits the training rows
        more closely. For numbers it is the penalty ``4 / C`` of a ridge regression.
    word_ngrams : tuple of two int or None, default=(1, 2)
        Fewest and most words of an n-gram; None for no words.
    char_ngrams : tuple of two int or None, default=(2, 5)
        Fewest and most characters of an n-gram within a word (parts between spaces, a space at
        both ends); None for no characters, which is several times as fast.
    min_df : int, default=2
        An n-gram counts in a model if it occurs in this many of the rows that the model learns
        from.
    lowercase : bool, default=True
        Whether case is ignored.
    tokenizer : {"word", "char"} or callable, default="word"
        What words are: as for :class:`TextCNNEncoder`.
    columns : {"separate", "joined"}, default="separate"
        Whether each of several text columns has models and features of its own, or one model
        reads the n-grams of all of a row's cells, whichever they are in: one set of features,
        ``joined_linear``. No n-gram reaches over the end of a cell.
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, whole groups where ``groups`` are
        given, always shuffled by ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too.
    ensemble : {"auto", "mean", "refit"}, default="auto"
        What serves new rows: the mean of the fold models, or one more model fitted on all rows.
        ``"auto"`` is ``"refit"`` for folds in order of time, whose first models know only old
        rows, else ``"mean"``.
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is scikit-learn's ``type_of_target``; whole numbers count as classes, so say
        ``"continuous"`` where they are quantities.
    output : {"proba", "logit"}, default="proba"
        Whether features of classes are probabilities or logits.
    uncovered : {"raise", "nan"} or float, default="raise"
        What rows get that no model predicts, such as the first block in time.
    unlabelled : {"fold", "mean"}, default="fold"
        Rows without a target are never learnt from. ``"fold"`` predicts each by the models of one
        part, so that its feature does not show that it has no target; ``"mean"`` by all models.
    missing_class : {"raise", "drop"}, default="raise"
        Where some model's rows lack a class: an error, or no column for that class on any row.
    add_spread : bool, default=False
        Whether to add the standard deviation over the models that predict a row.
    add_indicator : bool, default=False
        Whether to add a last column that is 1 for rows that no model predicts.
    scoring : None, str or sequence of str, default=None
        Metrics of the receipt: scikit-learn scorer names. None chooses by the kind of target.
    n_jobs : int or None, default=None
        Models fitted at the same time, as joblib's backend runs them.
    random_state : None, int, RandomState or Generator, default=None
        Source of the folds. The models draw nothing.

    Attributes
    ----------
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for numbers.
    target_type_ : str
        The kind of target that was found.
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
    TextCNNEncoder : A neural network per text column; beside this one it often adds something.
    OutOfFoldEncoder : Any estimator of your own, by the same machinery.

    Notes
    -----
    The models' intercepts start at the prior and the columns are centred, so that a model that
    learns nothing gives exactly 0.5. No model starts from another one's coefficients, which would
    be faster: they know the targets of the rows that the next model must not see. N-grams are
    kept as 64-bit and 31-bit hashes, not as text.

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

    _feature_name = "linear"
    _is_joined = False  # whether the fitted models read several columns as one

    def __init__(
        self,
        C=3.0,
        *,
        word_ngrams=(1, 2),
        char_ngrams=(2, 5),
        min_df=2,
        lowercase=True,
        tokenizer="word",
        columns="separate",
        cv=5,
        ensemble="auto",
        target_type="auto",
        output="proba",
        uncovered="raise",
        unlabelled="fold",
        missing_class="raise",
        add_spread=False,
        add_indicator=False,
        scoring=None,
        n_jobs=None,
        random_state=None,
    ):
        self.C = C
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.columns = columns
        self.cv = cv
        self.ensemble = ensemble
        self.target_type = target_type
        self.output = output
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.add_spread = add_spread
        self.add_indicator = add_indicator
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self):
        """Say that cells may be strings or missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def _explain(self, X):
        """Explain rows by all serving models."""
        from textcnn.explain.linear import explain_linear

        return explain_linear(self, X)

    def _words_alone(self):
        raise ValueError(
            "This encoder keeps n-grams as hashes, so it cannot name them by itself. Expected: "
            "texts in which they are looked for, top_ngrams(X). Received: X=None."
        )

    def _ngram_weights(self, X):
        """Return the mean coefficients of the n-grams in some texts."""
        from textcnn.explain.linear import weights_of

        return weights_of(self, X)

    def _check_settings(self) -> None:
        """Check every parameter, before X is looked at."""
        super()._check_settings()
        is_number = isinstance(self.C, Real) and not isinstance(self.C, bool)
        if not is_number or not 0 < self.C < np.inf:
            raise ValueError(f"C must be a number above 0. Received: C={self.C!r}.")
        if not _is_whole(self.min_df) or self.min_df < 1:
            raise ValueError(
                f"min_df must be a whole number from 1 on. Received: min_df={self.min_df!r}."
            )
        parameters.yes_or_no(self, "lowercase")
        parameters.one_of(self, "columns", COLUMNS)
        make_tokenizer(self.tokenizer)
        sizes = [_check_sizes(self, name) for name in ("word_ngrams", "char_ngrams")]
        if not any(sizes):
            raise ValueError(
                "There is nothing to count. Expected: word_ngrams or char_ngrams. "
                "Received: word_ngrams=None, char_ngrams=None."
            )

    def _model_set_names(self, input_names) -> list[str]:
        """Return what features are called: by their column, or as joined."""
        if self._is_joined:
            return [f"joined_{self._feature_name}"]
        return super()._model_set_names(input_names)

    def _prepare(self, fitted, X, *, reset):
        """Read the text columns; n-grams are counted when a column's turn comes."""
        columns = read_columns(fitted, X, reset=reset)
        hashes = hash_rows(columns)
        if reset:
            fitted._is_joined = self.columns == "joined" and len(columns) > 1
        if fitted._is_joined:
            columns = [JoinedColumns(columns)]
        if reset:
            fitted._counters = [None] * len(columns)
        tables = []
        for number, column in enumerate(columns):
            tables.append(
                PreparedTable(
                    name=column.label(number),
                    documents=hash_documents(column),
                    read=partial(self._learn, fitted, number, column)
                    if reset
                    else partial(known_counts, fitted._counters[number], column),
                    words=lambda number=number: {"ngrams": fitted._counters[number].n_ngrams},
                    parameters=lambda number=number: {
                        "tfidf__n_words": fitted._counters[number].n_words
                    },
                )
            )
        return tables, hashes

    def _learn(self, fitted, number, column):
        """Count a column's n-grams and keep what counts new rows."""
        counter = NgramCounter(
            word_sizes=_check_sizes(self, "word_ngrams"),
            char_sizes=_check_sizes(self, "char_ngrams"),
            lowercase=self.lowercase,
            tokenizer=self.tokenizer,
        )
        cells = _single_cells(column)
        fitted._counters[number], counts = counter.learn(cells)
        return _per_row(counts, len(column))

    def _fold_estimator(self, target):
        """Return weights and model of a fold."""
        if target.is_regression:
            model = Ridge(alpha=_RIDGE_FACTOR / self.C, solver="sparse_cg")
        else:
            model = CentredLogisticRegression(C=self.C)
        return Pipeline([("tfidf", FoldTfidf(min_df=self.min_df)), ("linear", model)])


def known_counts(counter: NgramCounter, column) -> csr_matrix:
    """Count the known n-grams of new rows."""
    return _per_row(counter.count(_single_cells(column)), len(column))


def _single_cells(column) -> list[str]:
    """Return a column's cells; of joined columns all cells of a row, one after another."""
    if isinstance(column, JoinedColumns):
        return [cell for cells in column.cells for cell in cells]
    return column.cells


def _per_row(counts: csr_matrix, n_rows: int) -> csr_matrix:
    """Sum the counts of the cells of each row."""
    n_cells = counts.shape[0]
    if n_cells == n_rows:
        return counts
    ends = np.arange(0, n_cells + 1, n_cells // n_rows)
    rows_by_cells = csr_array((np.ones(n_cells, np.float32), np.arange(n_cells), ends))
    return csr_matrix(rows_by_cells @ counts)


def _check_sizes(estimator, name: str) -> tuple[int, ...]:
    """Return the sizes of n-grams as a tuple, empty for none."""
    value = getattr(estimator, name)
    if value is None:
        return ()
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if not is_pair or not all(map(_is_whole, value)) or not 1 <= value[0] <= value[1]:
        raise ValueError(
            f"{name} must be None or the smallest and the largest size, (1, 2) say. "
            f"Received: {name}={value!r}."
        )
    return tuple(int(size) for size in value)


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
