"""Out-of-fold predictions of any scikit-learn estimator as new columns of a table."""

from __future__ import annotations

import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.parameter_docs import documented
from textcnn.base.state import input_names
from textcnn.fit.estimator_outputs import check_has_fit, target_type_for
from textcnn.fit.estimators import (
    EstimatorLearner,
    EstimatorModels,
    WholeTable,
    hash_whole_table,
)
from textcnn.fit.fitted_parts import refuse_fitted_parts


@documented
class OutOfFoldEncoder(MetaEstimatorMixin, OutOfFold):
    """Turn a table into out-of-fold predictions of any scikit-learn classifier or regressor.

    The rows are split into folds; one clone of ``estimator`` per fold is trained on the other
    folds. :meth:`fit_transform` returns, for each training row, the prediction of the model that
    was not trained on it. :meth:`transform` returns, for new rows, the mean of all models. This
    is the first layer of a stack as a transformer: unlike ``StackingClassifier`` it can be used
    anywhere in a pipeline or column transformer, and its features can be inspected.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. With the first, training rows
        get features from models that were trained on them, so models and scores on such features
        are optimistic. Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features do not contain the base rate: the mean output of a model over its own training rows is
    subtracted, in logits for classes (so 0.5 is the average row), in standard deviations of the
    training targets for numbers; all rows count equally, whatever their weights. Otherwise this
    mean would reveal the mean target of the held-out rows, and a tree could use it.
    If outputs have few distinct values (few neighbours, forests of few trees) or few documents
    occur several times, this is not enough with many folds: a ``FoldLevelWarning`` is issued, and
    folds of single rows are an error.

    Cost: ``cv`` fits of ``estimator`` (one more for ``ensemble="refit"``). ``estimator`` is fitted
    per fold, so put steps that use y, or that must use only the training rows of a fold, into it,
    and other costly steps into ``shared``.

    Parameters
    ----------
    estimator : classifier or regressor
        Any with scikit-learn's interface: a Pipeline, a grid search, gradient boosting. It is
        cloned and never fitted itself; parts that a clone leaves fitted (``FrozenEstimator``,
        ``cv="prefit"``) are an error, wherever they are. Without ``predict_proba``, decision values
        are used as logits, less their mean over the model's own training rows; their scale has
        little meaning (``CalibratedClassifierCV`` returns probabilities). With a regressor,
        integers are numbers, not classes.
    shared : transformer or None, default=None
        A step that all folds share: it is cloned, fitted once on all rows without their targets,
        and ``estimator`` reads its output. ``shared=CountVectorizer()`` counts words once, and
        ``make_pipeline(TfidfTransformer(), LogisticRegression())`` weights them by the training
        rows of each fold. It uses the words of held-out rows, but not their targets; leave it None
        if that is not allowed either, for example with folds in time order.
    feature_name : str, default="stacked"
        Name of the feature: ``stacked``, or ``stacked_<class or target>`` if there are several.
        Each of several encoders in one table needs a distinct name.
    {cv}
    {ensemble}
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is numbers for a regressor, otherwise scikit-learn's ``type_of_target``.
    output : {"proba", "logit"}, default="proba"
        Whether class features are probabilities or logits (clipped at 20, rounded to 5
        digits).
    {uncovered}
    {unlabelled}
    {missing_class}
    {n_jobs}
    random_state : None, int, RandomState or Generator, default=None
        Seed of the folds, and of each ``random_state`` of ``estimator`` that is None, per model;
        those that are set do not change.

    Attributes
    ----------
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for numbers.
    estimators_ : list of estimators
        The fitted models that are used for new rows: one per fold, or the refit one.
    target_type_ : str
        The type of the target.
    n_features_in_ : int
        Number of columns, if X has columns.
    feature_names_in_ : ndarray of str
        Names of the columns, if they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next. Errors of ``estimator`` have a note with the fold.

    See Also
    --------
    TextLinearEncoder : TF-IDF and a linear model, with the same cross-fitting.
    TextCNNEncoder : A neural network per text column.

    Notes
    -----
    Probabilities of exactly 0 and 1 are the same number in every model, and a model that returns
    the same output for every row has neutral features.
    A fitted encoder contains the report: targets, row numbers and 64-bit hashes of the training
    rows. Sample weights are passed to ``fit`` of ``estimator``; in a Pipeline, to its last step.

    References
    ----------
    D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from textcnn import OutOfFoldEncoder
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> encoder = OutOfFoldEncoder(LogisticRegression(max_iter=500), random_state=0)
    >>> features = encoder.fit_transform(X, y)  # out of fold
    >>> features.shape, encoder.get_feature_names_out().tolist()
    ((150, 3), ['stacked_0', 'stacked_1', 'stacked_2'])
    >>> encoder.report_.verify().metrics
    ('accuracy', 'neg_log_loss')
    >>> encoder.transform(X.head(2)).argmax(axis=1).tolist()
    [0, 0]
    """

    _hash_column = staticmethod(hash_whole_table)
    _hash_document = staticmethod(hash_whole_table)
    _model_set = EstimatorModels

    def __init__(
        self,
        estimator,
        *,
        shared=None,
        feature_name="stacked",
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
        self.estimator = estimator
        self.shared = shared
        self.feature_name = feature_name
        self.cv = cv
        self.ensemble = ensemble
        self.target_type = target_type
        self.output = output
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def estimators_(self) -> list:
        """The fitted models that are used for new rows."""
        check_is_fitted(self)
        [[models]] = self._model_sets
        return [fold.model.estimator for fold in models.models]

    def __sklearn_tags__(self):
        """Return tags with the input tags of ``estimator``."""
        tags = super().__sklearn_tags__()
        first = self.estimator if self.shared is None else self.shared
        if hasattr(first, "__sklearn_tags__"):
            tags.input_tags = copy.deepcopy(get_tags(first).input_tags)
        return tags

    @property
    def _feature_name(self) -> str:
        return self.feature_name

    def _set_names(self, input_features) -> list[str]:
        """Return the feature name: all columns are read by one estimator."""
        if hasattr(self, "n_features_in_"):  # a list of texts has no column names
            input_names(self, input_features)
        return [self.feature_name]

    def _learner(self) -> EstimatorLearner:
        check_has_fit(self.estimator)
        _check_shared(self.shared)
        if not isinstance(self.feature_name, str) or not self.feature_name:
            raise ValueError(
                'feature_name must be a non-empty str, for example "stacked". '
                f"Received: feature_name={self.feature_name!r}."
            )
        return EstimatorLearner(self.estimator, self.shared)

    def _target_type(self, y) -> str:
        """Return numbers for a regressor, for any y."""
        return target_type_for(self.estimator, self.target_type, y)

    @staticmethod
    def _read_columns(estimator, X, *, reset: bool) -> list[WholeTable]:
        """Return X unchanged as one column: the estimator reads it, one fold at a time."""
        if issparse(X):
            X = X.tocsr()  # not every format can be indexed by row
        elif not isinstance(X, list | tuple) and not hasattr(X, "shape"):
            X = np.asarray(X)
        if not reset and hasattr(estimator, "n_features_in_") and getattr(X, "ndim", 2) == 1:
            raise ValueError(
                f"Expected a table of {estimator.n_features_in_} columns. Received: X of shape "
                f"{X.shape}. Reshape your data: X.reshape(1, -1) is a table of one row."
            )
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if _num_samples(X) == 0:
            raise ValueError(
                "Found array with 0 sample(s) while a minimum of 1 is required by "
                f"{type(estimator).__name__}."
            )
        return [WholeTable(X, estimator.feature_name)]


def _check_shared(shared) -> None:
    """Refuse a step that is not a transformer, or that uses y, which folds must not share."""
    if shared is None:
        return
    refuse_fitted_parts(shared, "shared", only_with_targets=True)
    refuse_fitted_parts(shared, "shared", only_with_targets=True)
    if isinstance(shared, type) or not all(
        hasattr(shared, name) for name in ("fit_transform", "transform")
    ):
        raise TypeError(
            "shared must be None or a transformer, with fit_transform and transform. "
            f"Received: shared={shared!r}."
        )
    if hasattr(shared, "__sklearn_tags__") and get_tags(shared).target_tags.required:
        raise ValueError(
            "shared uses y, but is fitted on all rows, including those of the held-out fold. "
            f"Expected: a step that needs no y. Received: shared={shared!r}. Type "
            f"OutOfFoldEncoder(make_pipeline({type(shared).__name__}(...), estimator))."
        )
