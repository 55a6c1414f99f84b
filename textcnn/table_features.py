"""A table with text goes in, the same table with out-of-fold text features comes out."""

from __future__ import annotations

import copy
import time as clock
import warnings
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from textcnn.base.out_of_fold import adopt, input_names, with_groups_of
from textcnn.base.saving import SavesToFile
from textcnn.base.training_rows import group_hashes, hash_rows, warn_if_training_rows
from textcnn.crossfit import read_target
from textcnn.crossfit.scoring import Scoring
from textcnn.fit import parameters
from textcnn.fit.defaults import refuse_ignored
from textcnn.neural.randomness import entropy_from
from textcnn.table.columns import JoinedTexts, columns_of_members, read_text
from textcnn.table.fitting import PlanMaker, TableFeaturesWarning, TableFit, make_entries
from textcnn.table.frames import Table, check_new_names, read_table
from textcnn.table.gains import other_columns
from textcnn.table.members import check_foreign, read_members
from textcnn.table.parameters import MemberParametersMixin
from textcnn.table.report import TableReport, nothing_to_do, report_of
from textcnn.utils.progress import CallbackSupportMixin, FitProgress, with_callbacks

KEEP = ("all", "earning")


class TableFeatures(
    CallbackSupportMixin, MemberParametersMixin, SavesToFile, TransformerMixin, BaseEstimator
):
    """Replace the text columns of a table by features that several members make of them.

    Text columns are found, every member makes its features of each of them by one shared fold
    plan, and the other columns pass through untouched. :meth:`fit_transform` gives training rows
    out-of-fold features: predictions of models that never saw a row's target. :meth:`transform`
    gives new rows the mean of all models. ``report_`` says what each member earned.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. The first gives training rows
        features from models that saw their targets; what is trained on them looks too good.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Cost: that of all members on all text columns, and of five linear models per fold, member and
    column for the gains. Of the default members ``"svd"`` and ``"linear"`` take seconds for ten
    thousand texts, ``"cnn"`` takes most of the time.

    Parameters
    ----------
    members : list or tuple of str, encoder or (str, encoder), default=("svd", "linear", "cnn")
        ``"svd"``: skrub's ``StringEncoder``, TF-IDF and a truncated SVD that never look at y
        (needs ``pip install 'textcnn[table]'``); ``"linear"``: :class:`TextLinearEncoder`;
        ``"cnn"``: :class:`TextCNNEncoder`; ``"char_cnn"`` and ``"bigru"``: the same of characters
        and with a recurrent network; ``"image_cnn"``: :class:`ImageCNNEncoder`, which alone reads
        columns of image files, and nothing else. Any other transformer: one that learns from y
        must have a ``cv``, as :class:`OutOfFoldEncoder` has; one that does not is never shown y.
        Their parameters are reached by name: ``cnn__n_filters``. A member with
        ``columns="joined"`` (``cnn__columns="joined"``, or an encoder so made) reads all text
        columns as one, called ``joined``, where there are several.
    columns : "auto", "all", str, list of str or int, or selector, default="auto"
        The text columns. ``"auto"``: columns of strings whose filled cells are at least 5 %
        distinct and hold three words or more on average (a sign of a script without spaces is a
        word), but not those whose cells all end as image files do (``.jpg`` say), which are read
        as images where a member reads such. A selector is one of skrub, scikit-learn's
        ``make_column_selector``, or any function from a frame to names.
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, whole groups where ``groups`` are
        given, always shuffled by ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too. All members follow it.
    keep : {"all", "earning"}, default="all"
        ``"all"``: every member's features are in the table, and the report advises.
        ``"earning"``: a member stays on a column only if what it adds to the other columns and to
        the members kept before it is more than two standard errors above zero over ``n_repeats``
        fold plans: by Student's t for the number of folds, and the more members and columns there
        are the more (Bonferroni), so that chance passes for a gain as rarely in a whole table as
        in one look. That is a selection by the training target: validate it as a part of the
        model, inside cross-validation, never by the rows that it was fitted on. Members that gain
        on the first plan are fitted ``n_repeats`` times.
    keep_text : bool, default=False
        Whether the text columns stay in the table.
    time_limit : float or None, default=None
        Seconds for the members. The cheapest are fitted first, and what does not fit is left out,
        with a warning and a line in the report. A network is ended after an epoch, other
        estimators after a model; skrub's encoder cannot be interrupted. Results then depend on the
        machine.
    n_repeats : int, default=3
        Fold plans for ``keep="earning"``; one where ``cv`` cannot be drawn anew.
    target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
            default="auto"
        ``"auto"`` is scikit-learn's ``type_of_target``; whole numbers count as classes, so say
        ``"continuous"`` where they are quantities.
    uncovered : {"raise", "nan"} or float, default="raise"
        What rows get that no model predicts, such as the first block in time.
    unlabelled : {"fold", "mean"}, default="fold"
        Rows without a target are never learnt from. ``"fold"`` predicts each by the models of one
        part, so that its feature does not show that it has no target; ``"mean"`` by all models.
    missing_class : {"raise", "drop"}, default="raise"
        Where some model's rows lack a class: an error, or no column for that class on any row.
    scoring : None, str or sequence of str, default=None
        Metrics of the members' receipts: scikit-learn scorer names; gains are in the first. None
        chooses by the target: ROC AUC, log-loss for several classes, R² for numbers.
    n_jobs : int or None, default=None
        Handed to members that have none of their own.
    random_state : None, int, RandomState or Generator, default=None
        Source of the folds, and the seed of members that have none of their own. With an int a
        member's features are those that the same encoder alone makes with it.

    Attributes
    ----------
    report_ : TableReport
        Score, gain, seconds and verdict of each member on each column; ``.to_frame()``,
        ``.verify()``.
    encoders_ : dict
        (column, member) → the fitted encoder of each feature set in the table. Ours have a
        ``report_`` of their own.
    text_columns_ : list of str
        Names of the text columns, and of columns of images that a member reads.
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for numbers.
    target_type_ : str
        The kind of target that was found.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    Raises
    ------
    ValueError, TypeError
        From ``fit`` and ``fit_transform``: what happened, what was expected and what to type next.
    ImportError
        If a member's package is missing.

    Warns
    -----
    TableFeaturesWarning
        If there is no text column, a text column is empty, the time was too short for a member,
        or nothing was earned. The table then comes out with fewer features.

    See Also
    --------
    TextCNNEncoder, TextLinearEncoder : The members by themselves.
    OutOfFoldEncoder : Any classifier or regressor as a member.

    Notes
    -----
    A member takes over ``cv``, ``target_type``, ``uncovered``, ``unlabelled``, ``missing_class``
    and ``scoring`` of the table, whatever its own say. New columns are float32 and stand to the
    right, by column and in the order of ``members``, joined ones last, named ``{column}_{member}``
    and the class or component where there are several. A table without text columns comes out as
    it is. On tables of a few thousand rows with several text columns the unsupervised ``"svd"`` has
    beaten out-of-fold features in trials, so it is among the defaults.

    Gains are measured by a linear model on the other columns (numbers, dates, and up to 30
    categories; not more than 300 columns) and one set of out-of-fold predictions per member: logits
    of ours, and those of a linear model on the features of others such as ``"svd"``. They are
    nested without a second fit: a stack learns from the rows of one fold, predicted by the one
    model that saw none of their targets, and is scored on other rows of that fold. So it knows
    few rows and finds a little less than there is. Where several models predict a row (repeated
    folds) gains are optimistic, and labelled so. They tell what a member adds to those above it
    in the report, not what gradient boosting will make of them. Their standard errors follow
    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn import TableFeatures
    >>> train = pd.DataFrame(
    ...     {
    ...         "price": range(80),
    ...         "review": ["a good film", "a bad film", "it was good", "it was so bad"] * 20,
    ...     }
    ... )
    >>> liked = [1, 0, 1, 0] * 20
    >>> features = TableFeatures(members=["linear"], random_state=0)
    >>> table = features.fit_transform(train, liked)  # out of fold
    >>> table.columns.tolist(), table["price"].dtype
    (['price', 'review_linear'], dtype('int64'))
    >>> features.report_.to_frame()[["column", "member", "verdict"]].values.tolist()
    [['review', 'linear', 'earns its place']]
    >>> features.transform(pd.DataFrame({"price": [7], "review": ["a good one"]})).shape
    (1, 2)
    """

    def __init__(
        self,
        members=("svd", "linear", "cnn"),
        *,
        columns="auto",
        cv=5,
        keep="all",
        keep_text=False,
        time_limit=None,
        n_repeats=3,
        target_type="auto",
        uncovered="raise",
        unlabelled="fold",
        missing_class="raise",
        scoring=None,
        n_jobs=None,
        random_state=None,
    ):
        self.members = members
        self.columns = columns
        self.cv = cv
        self.keep = keep
        self.keep_text = keep_text
        self.time_limit = time_limit
        self.n_repeats = n_repeats
        self.target_type = target_type
        self.uncovered = uncovered
        self.unlabelled = unlabelled
        self.missing_class = missing_class
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit all members for ``transform`` on new rows.

        .. warning::
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it would give training rows
            features from models that saw their targets. Use :meth:`fit_transform` for those.

        Parameters
        ----------
        X : DataFrame of pandas or polars, array or list of rows, of shape (n_rows, n_columns)
            The table. A Series is a table of one column.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from.
        groups : array-like of shape (n_rows,) or "documents", optional
            Rows of one group are never on both sides of a fold. ``"documents"`` makes a group of
            rows whose texts are equal; rows without any text stay apart.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; a row of weight 0 is never learnt from.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models learn only from rows earlier than those they predict.

        Returns
        -------
        self
            The fitted transformer.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        self._warn(stacklevel=3)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit, and return the table with out-of-fold features in place of its text.

        Each row's features come from models that never saw that row's target. This is not what
        ``fit(X, y).transform(X)`` returns.

        Parameters
        ----------
        X : DataFrame of pandas or polars, array or list of rows, of shape (n_rows, n_columns)
            The table. A Series is a table of one column.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; missing ones mark rows that nobody learns from but that get features.
        groups : array-like of shape (n_rows,) or "documents", optional
            As for :meth:`fit`.
        sample_weight : array-like of shape (n_rows,), optional
            As for :meth:`fit`; a row of weight 0 gets features nevertheless.
        time : array-like of numbers or dates, shape (n_rows,), optional
            As for :meth:`fit`.

        Returns
        -------
        DataFrame or ndarray, of X's own kind
            The other columns as they were, then the features, float32.
        """
        table, features = self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        self._warn(stacklevel=4)  # behind scikit-learn's wrapper of set_output
        return self._finished(table, features)

    def transform(self, X):
        """Return new rows with features in place of their text.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : DataFrame, array or list of rows
            The same columns as at fit. A text column may be wholly missing (all cells None), not
            absent.

        Returns
        -------
        DataFrame or ndarray, of X's own kind

        Warns
        -----
        InSampleWarning
            If 100 rows or more are given and nine in ten of them are training rows.
        """
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        texts = {
            name: replace(read_text(table, number), name=name)  # an array has no names
            for name, number in zip(self.text_columns_, self._text_numbers, strict=True)
        }
        if any(fitted.is_supervised for fitted in self._fitted_members):
            hashes = hash_rows(list(texts.values()))
            warn_if_training_rows(hashes, self._row_hashes, type(self).__name__)
        blocks = [
            fitted.transform(
                JoinedTexts([texts[name] for name in fitted.joined])
                if fitted.joined
                else texts[fitted.column]
            )
            for fitted in self._fitted_members
        ]
        return self._finished(table, np.hstack([_no_features(table), *blocks]))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must equal the names seen at fit, if there were any.

        Returns
        -------
        ndarray of object
        """
        check_is_fitted(self)
        names = input_names(self, input_features)
        new = []
        for fitted, number in zip(self._fitted_members, self._member_numbers, strict=True):
            column = fitted.column if number is None else names[number]
            new += [f"{column}{name[len(fitted.column) :]}" for name in fitted.names]
        return np.array([*(names[number] for number in self._kept_numbers), *new], dtype=object)

    @property
    def report_(self) -> TableReport:
        """What each member earned on each column."""
        check_is_fitted(self)
        report = replace(self._report)
        report.encoders = self.encoders_
        return report

    @property
    def encoders_(self) -> dict:
        """The fitted encoder of each (column, member)."""
        check_is_fitted(self)
        return {(fitted.column, fitted.member): fitted.encoder for fitted in self._fitted_members}

    def get_metadata_routing(self):
        """Return which of ``groups``, ``sample_weight`` and ``time`` this transformer asks for.

        A splitter that needs groups makes it ask for them; with an int ``cv`` say
        ``set_fit_request(groups=True)``.

        Returns
        -------
        MetadataRequest
        """
        return with_groups_of(self.cv, super().get_metadata_routing())

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether ``fit`` has ended."""
        return hasattr(self, "_fitted_members")

    def __sklearn_tags__(self):
        """Say that cells may be anything, and that a target is needed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_settings(self) -> list:
        """Check every parameter, before X is looked at; return the members."""
        parameters.one_of(self, "keep", KEEP)
        parameters.yes_or_no(self, "keep_text")
        parameters.whole_number(self, "n_repeats", 1)
        if self.keep == "all":
            refuse_ignored(
                self,
                ["n_repeats"],
                why='A table that keeps all members (keep="all")',
                expected='keep="earning", or it left out',
            )
        limit = self.time_limit
        is_number = isinstance(limit, Real) and not isinstance(limit, bool)
        if limit is not None and not (is_number and limit > 0):
            raise ValueError(
                "time_limit must be None or a number of seconds above 0. "
                f"Received: time_limit={limit!r}."
            )
        return read_members(self.members, reserved=list(super().get_params(deep=False)))

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight, time) -> tuple[Table, np.ndarray]:
        """Fit all members on a copy; only a fit that ended leaves anything on the transformer."""
        members = self._check_settings()
        started = clock.monotonic()
        fitted = copy.copy(self)
        table = read_table(fitted, X, reset=True)
        numbers, images = columns_of_members(
            self.columns,
            table,
            reads_text=not all(member.reads_images for member in members),
            reads_images=any(member.reads_images for member in members),
        )
        target = read_target(y, target_type=self.target_type, n_rows=len(table))
        texts = [read_text(table, number) for number in numbers]
        others = [number for number in range(len(table.names)) if number not in set(numbers)]
        fitted._kept_numbers = sorted([*others, *numbers]) if self.keep_text else others
        fitted._text_numbers = numbers
        fitted.text_columns_ = [table.names[number] for number in numbers]
        fitted.target_type_, fitted.classes_ = target.kind, target.classes
        fitted._fitted_members, fitted._member_numbers = [], []
        entries = make_entries(members, texts, [table.names[number] for number in images])
        if entries:
            table.check_names_beside_features(fitted._kept_numbers)
            prefixes = [f"{entry.text.name}_{entry.member.name}" for entry in entries]
            check_new_names([table.names[number] for number in fitted._kept_numbers], prefixes)
        hashes = hash_rows(texts) if texts else np.zeros(len(table), np.uint64)
        if isinstance(groups, str) and groups == "documents":
            groups = group_hashes(hashes)
        maker = PlanMaker(
            cv=list(self.cv) if _is_iterator(self.cv) else self.cv,
            target=target,
            groups=groups,
            sample_weight=sample_weight,
            time=time,
            uncovered=self.uncovered,
            unlabelled=self.unlabelled,
            missing_class=self.missing_class,
            entropy=entropy_from(self.random_state),
        )
        plan = maker.make()
        if plan.dropped_classes:
            target = target.without_classes(plan.dropped_classes)
            fitted.target_type_, fitted.classes_ = target.kind, target.classes
        for member in members:
            check_foreign(
                member,
                all_labelled=bool(target.labelled.all()),
                all_covered=not plan.uncovered.any(),
            )
        if not entries:
            fitted._plan, fitted._row_hashes = plan, hashes
            reason = nothing_to_do(texts, self.columns)
            fitted._report = TableReport([], reason, warnings=[reason])
            adopt(self, fitted)
            return table, _no_features(table)
        Scoring(target, self.scoring, plan.sample_weight)  # refuses an unknown scorer now
        columns, n_columns = other_columns(table, others)
        stage = TableFit(
            entries=entries,
            plans=[plan],
            maker=maker,
            target=target,
            y=y,
            others=columns,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            deadline=None if self.time_limit is None else started + self.time_limit,
        )
        progress = FitProgress(self, len(entries), X, y)
        stage.fit_all(progress)
        if self.keep == "earning":
            stage.select(self.n_repeats)
        else:
            stage.measure()
        progress.end()
        kept = [entry for text in texts for entry in entries if entry.text is text and entry.kept]
        kept += [e for e in entries if isinstance(e.text, JoinedTexts) and e.kept]
        fitted._fitted_members = [entry.fitted for entry in kept]
        place = dict(zip(fitted.text_columns_, numbers, strict=True))
        fitted._member_numbers = [
            None if entry.fitted.joined else place[entry.text.name] for entry in kept
        ]
        fitted._plan, fitted._row_hashes = plan, hashes
        fitted._report = report_of(stage, self.keep, texts, n_others=len(others), n_used=n_columns)
        check_new_names(
            [table.names[number] for number in fitted._kept_numbers],
            [name for entry in kept for name in entry.fitted.names],
        )
        adopt(self, fitted)
        return table, np.hstack([_no_features(table), *(entry.features for entry in kept)])

    def _warn(self, stacklevel: int) -> None:
        """Say what the user must hear even if the report is never read."""
        for line in self._report.warnings:
            warnings.warn(line, TableFeaturesWarning, stacklevel=stacklevel)

    def _finished(self, table: Table, features: np.ndarray):
        """Put columns and features together in the table's own container."""
        names = [name for fitted in self._fitted_members for name in fitted.names]
        # scikit-learn would convert the finished table, whose features are objects in an array.
        chosen = getattr(self, "_sklearn_output_config", {}).get("transform")
        table = table.as_container(chosen or get_config()["transform_output"])
        return table.with_features(self._kept_numbers, features, names)


def _is_iterator(cv) -> bool:
    """Tell whether ``cv`` can be read once only."""
    return hasattr(cv, "__next__") and not isinstance(cv, Integral)


def _no_features(table: Table) -> np.ndarray:
    return np.empty((len(table), 0), np.float32)
