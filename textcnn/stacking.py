"""Out-of-fold predictions of any scikit-learn estimator as new columns of a table."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted, validate_data

from textcnn.crossfit import Target
from textcnn.estimator_fitting import EstimatorSettings, cross_fit_table
from textcnn.estimator_outputs import check_has_fit, target_type_for
from textcnn.fitted_parts import refuse_fitted_parts
from textcnn.out_of_fold import OutOfFoldFeatures
from textcnn.progress import FitProgress, with_callbacks
from textcnn.training_rows import hash_table, warn_if_training_rows


@dataclass
class PreparedTable:
    """All rows as one set of models reads them; read when the targets are known to be right."""

    name: str
    documents: np.ndarray  # hash of each row, 0 for an empty one
    read: Callable[[], Any]  # returns what rows are taken from by number; shared by all folds
    words: Callable[[], dict] = dict  # counts for the receipt, after reading
    # What the fold estimator must know of the table, as its parameters, after reading.
    parameters: Callable[[], dict] = dict


class EstimatorFeatures(OutOfFoldFeatures, BaseEstimator, ABC):
    """An encoder whose models are scikit-learn estimators.

    A subclass says how X becomes tables that all folds share (:meth:`_prepare`), which needs no
    targets, and which estimator each fold fits on its own rows of them (:meth:`_fold_estimator`).
    """

    def fit(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit the fold models for ``transform`` on new rows.

        .. warning::
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it would give training rows
            features from models that saw their targets. Use :meth:`fit_transform` for those.

        Parameters
        ----------
        X : DataFrame, array, sparse matrix or list, of n_rows rows
            The table.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from.
        groups : array-like of shape (n_rows,) or "documents", optional
            Rows of one group are never on both sides of a fold. ``"documents"`` makes a group of
            each row (text) that occurs several times; empty ones stay apart.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; a row of weight 0 is never learnt from.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models learn only from rows earlier than those they predict.

        Returns
        -------
        self
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
        X : DataFrame, array, sparse matrix or list, of n_rows rows
            The table.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from but that get features.
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

    def transform(self, X):
        """Return the features of new rows: the mean of the fold models, or the refit model's.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : DataFrame, array, sparse matrix or list
            The same columns as at fit.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``

        Warns
        -----
        InSampleWarning
            If 100 rows or more are given and nine in ten of them are training rows. Rows whose
            content came several times in training do not count.
        """
        check_is_fitted(self)
        tables, hashes = self._prepare(self, X, reset=False)
        warn_if_training_rows(hashes, self._row_hashes, type(self).__name__)
        outputs = []
        for table, models in zip(tables, self._models, strict=True):
            rows = table.read()
            outputs.append(
                [
                    self._head.features(model.raw_outputs(rows, self._head), model.level)
                    for model in models
                ]
            )
        return self._assemble_new(outputs)

    @abstractmethod
    def _prepare(self, fitted, X, *, reset: bool) -> tuple[list[PreparedTable], np.ndarray]:
        """Read X without its targets; return the tables, and a hash of each row.

        ``fitted`` is the estimator to leave attributes on, or the fitted one to compare with.
        """

    @abstractmethod
    def _fold_estimator(self, target: Target):
        """Return the unfitted estimator of every fold."""

    def _check_settings(self) -> None:
        """Check every parameter, before X is looked at."""
        self._check_out_of_fold_settings()

    def _target_type(self, y) -> str:
        """Return the kind of target that y is to be read as."""
        return self.target_type

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight, time) -> np.ndarray:
        """Fit all models on a copy; only a fit that ended leaves anything on the encoder."""
        self._check_settings()
        fitted = copy.copy(self)
        tables, hashes = self._prepare(fitted, X, reset=True)
        target = self._read_target(y, len(hashes), self._target_type(y))
        plan, target, entropy = self._plan_fit(
            target, hashes, groups=groups, sample_weight=sample_weight, time=time
        )
        settings = EstimatorSettings(
            estimator=self._fold_estimator(target),
            plan=plan,
            target=target,
            entropy=entropy,
            refit=self._serves_refit(plan),
            n_jobs=self.n_jobs,
        )
        progress = FitProgress(self, settings.n_models * len(tables), X, y)
        fits = []
        for number, table in enumerate(tables):
            rows = table.read()
            parameters = table.parameters()
            estimator = clone(settings.estimator).set_params(**parameters) if parameters else None
            fits.append(
                cross_fit_table(
                    table.name,
                    number,
                    rows,
                    replace(settings, estimator=estimator) if parameters else settings,
                    progress,
                    words=table.words(),
                    documents=table.documents,
                )
            )
        progress.end()
        fitted._models = [fit.serving for fit in fits]
        self._keep_cross_fit(fitted, [fit.record for fit in fits], plan, target, hashes)
        return self._assemble([fit.outputs for fit in fits])

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether ``fit`` has ended."""
        return hasattr(self, "_models")

    def __sklearn_tags__(self):
        """Say that a target is needed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class OutOfFoldEncoder(MetaEstimatorMixin, EstimatorFeatures):
    """Turn a table into out-of-fold predictions of any scikit-learn classifier or regressor.

    The rows are split into folds; one clone of ``estimator`` per fold learns from the other folds.
    :meth:`fit_transform` returns, for each training row, the prediction of the model that never
    saw that row's target. :meth:`transform` returns, for new rows, the mean of all models. This
    is the first layer of a stack as a transformer: unlike ``StackingClassifier`` it stands
    anywhere in a pipeline or column transformer, and its features can be looked at.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows
        features from models that saw their targets; what is trained on them looks too good.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Features are relative to each model's own level: the mean of its outputs over its own learning
    rows, logits for classes (0.5, at even odds, is what such a row has on average), y's units for
    numbers. Otherwise a model's base level would tell the mean of the targets that it was denied,
    and a tree would read them from it. Where outputs are few values (few neighbours, forests of few
    trees) or few documents come again, many folds cannot hide it: a ``FoldLevelWarning`` says so,
    and folds of single rows are refused.

    Cost: ``cv`` fits of ``estimator`` (one more for ``ensemble="refit"``). Everything in
    ``estimator`` is fitted per fold, so put steps that look at y, or that should know a fold's own
    rows alone, into it, and costly steps that look at neither into ``shared``.

    Parameters
    ----------
    estimator : classifier or regressor
        Any with scikit-learn's interface: a Pipeline, a grid search, gradient boosting. It is
        cloned, never fitted itself; parts that a clone leaves fitted (``FrozenEstimator``,
        ``cv="prefit"``) are refused, wherever they stand. Classifiers need ``predict_proba``; else
        decision values, less their mean over the model's own training rows, stand for logits, whose
        scale means little (``CalibratedClassifierCV`` gives probabilities). With a regressor whole
        numbers are numbers, not classes.
    shared : transformer or None, default=None
        A step that all folds share: it is cloned, fitted once on all rows without their targets,
        and ``estimator`` reads what it returns. ``shared=CountVectorizer()`` counts words once,
        and ``make_pipeline(TfidfTransformer(), LogisticRegression())`` weighs them by each fold's
        own rows. It knows which words held-out rows hold, never their targets; leave it None where
        even that is too much, as with folds in order of time.
    feature_name : str, default="stacked"
        What features are called: ``stacked``, or ``stacked_<class or target>`` where there are
        several. Several encoders in one table need different ones.
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
        ``"auto"`` is numbers for a regressor, else scikit-learn's ``type_of_target``.
    output : {"proba", "logit"}, default="proba"
        Whether features of classes are probabilities or logits (cut off at 20, rounded to 5
        digits).
    uncovered : {"raise", "nan"} or float, default="raise"
        What rows get that no model predicts, such as the first block in time.
    unlabelled : {"fold", "mean"}, default="fold"
        Rows without a target are never learnt from. ``"fold"`` predicts each by the models of one
        part, so that its feature does not show that it has no target; ``"mean"`` by all models.
    missing_class : {"raise", "drop"}, default="raise"
        Where some model's rows lack a class: an error, or no column for that class on any row.
    add_spread : bool, default=False
        Whether to add the standard deviation over the models that predict a row. It is 0 where
        one model does: for training rows unless folds repeat, for new rows under ``"refit"``. Use
        it with repeated splits, so that it means the same for both.
    add_indicator : bool, default=False
        Whether to add a last column that is 1 for rows that no model predicts.
    scoring : None, str or sequence of str, default=None
        Metrics of the receipt: scikit-learn scorer names. None chooses by the kind of target.
    n_jobs : int or None, default=None
        Models fitted at the same time, as joblib's backend runs them.
    random_state : None, int, RandomState or Generator, default=None
        Source of the folds, and of a seed per model for each ``random_state`` of ``estimator``
        that is None; those that are set stay as they are.

    Attributes
    ----------
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for numbers.
    estimators_ : list of estimators
        The fitted models that serve new rows: one per fold, or the refit one.
    target_type_ : str
        The kind of target that was found.
    n_features_in_ : int
        Number of columns, where X has columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``, before any training: what happened, what was expected
        and what to type next. What ``estimator`` raises comes with a note naming the fold.

    See Also
    --------
    TextLinearEncoder : TF-IDF and a linear model by the same machinery.
    TextCNNEncoder : A neural network per text column.

    Notes
    -----
    Probabilities of exactly 0 and 1 and constant predictions are the same number in every model.
    A fitted encoder holds the receipt: targets, row numbers and 64-bit hashes of the training
    rows. Sample weights are handed to ``fit`` of ``estimator``, of a Pipeline to its last step.

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
        add_spread=False,
        add_indicator=False,
        scoring=None,
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
        self.add_spread = add_spread
        self.add_indicator = add_indicator
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def estimators_(self) -> list:
        """The fitted models that serve new rows."""
        check_is_fitted(self)
        return [model.estimator for model in self._models[0]]

    def __sklearn_tags__(self):
        """Take what ``estimator`` says of its input."""
        tags = super().__sklearn_tags__()
        first = self.estimator if self.shared is None else self.shared
        if hasattr(first, "__sklearn_tags__"):
            tags.input_tags = copy.deepcopy(get_tags(first).input_tags)
        return tags

    @property
    def _feature_name(self) -> str:
        return self.feature_name

    def _model_set_names(self, input_names) -> list[str]:
        """Return the one name: all columns go to one estimator."""
        return [self.feature_name]

    def _input_names(self, input_features):
        """Return the input names; a list of texts has no columns to check names of."""
        if not hasattr(self, "n_features_in_"):
            return [] if input_features is None else list(input_features)
        return super()._input_names(input_features)

    def _check_settings(self) -> None:
        """Check every parameter, before X is looked at."""
        super()._check_settings()
        check_has_fit(self.estimator)
        _check_shared(self.shared)
        if not isinstance(self.feature_name, str) or not self.feature_name:
            raise ValueError(
                'feature_name must be a str that is not empty, "stacked" say. '
                f"Received: feature_name={self.feature_name!r}."
            )

    def _target_type(self, y) -> str:
        """Return numbers for a regressor, whatever y looks like."""
        return target_type_for(self.estimator, self.target_type, y)

    def _prepare(self, fitted, X, *, reset):
        """Take X as it is: the estimator reads it, one fold at a time."""
        if reset:
            fitted.__dict__.pop("n_features_in_", None)
        if issparse(X):
            X = X.tocsr()  # not every format gives rows by number
        elif not isinstance(X, list | tuple) and not hasattr(X, "shape"):
            X = np.asarray(X)
        if not reset and hasattr(fitted, "n_features_in_") and getattr(X, "ndim", 2) == 1:
            raise ValueError(
                f"A table of {fitted.n_features_in_} columns is expected. Received: X of shape "
                f"{X.shape}. Reshape your data: X.reshape(1, -1) is a table of one row."
            )
        validate_data(fitted, X, reset=reset, skip_check_array=True)
        n_rows = _num_samples(X)
        if n_rows == 0:
            raise ValueError(
                "Found array with 0 sample(s) while a minimum of 1 is required by "
                f"{type(self).__name__}."
            )
        hashes = hash_table(X)
        if reset and self.shared is None:
            fitted.__dict__.pop("_shared", None)
            return [PreparedTable(self.feature_name, hashes, lambda: X)], hashes
        if reset:
            fitted._shared = clone(self.shared)
            read = partial(fitted._shared.fit_transform, X)
        else:
            step = getattr(fitted, "_shared", None)
            read = (lambda: X) if step is None else partial(step.transform, X)
        return [PreparedTable(fitted.feature_name, hashes, partial(_rows_by_number, read))], hashes

    def _fold_estimator(self, target):
        """Return the given estimator."""
        return self.estimator


def _check_shared(shared) -> None:
    """Refuse what is no transformer, and what learns from targets: folds must not share that."""
    if shared is None:
        return
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
            "shared learns from y, but is fitted on all rows, those of the held-out fold too. "
            f"Expected a step that needs no y. Received: shared={shared!r}. Type "
            f"OutOfFoldEncoder(make_pipeline({type(shared).__name__}(...), estimator))."
        )


def _rows_by_number(read: Callable[[], Any]):
    """Return a table in a format that gives rows by number."""
    table = read()
    return table.tocsr() if issparse(table) else table
