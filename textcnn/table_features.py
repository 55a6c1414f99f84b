"""Replace the text columns of a table by out-of-fold features."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from textcnn.base.out_of_fold import FoldsMixin
from textcnn.base.parameter_docs import documented
from textcnn.base.saving import save
from textcnn.base.state import INPUT_FIELDS, input_names, set_fitted
from textcnn.base.training_rows import warn_if_training_rows
from textcnn.crossfit import FoldPlan
from textcnn.crossfit.feature_names import safe_names
from textcnn.table.columns import read_text
from textcnn.table.explaining import explain_members
from textcnn.table.fitting import (
    TableFeaturesWarning,
)
from textcnn.table.frames import Table, read_table
from textcnn.table.members import FittedMember, as_input
from textcnn.table.others import OtherColumns
from textcnn.table.parameters import MemberParametersMixin
from textcnn.table.report import TableReport
from textcnn.table.stage import chosen_output, fit_table, no_features
from textcnn.text.columns import TEXT
from textcnn.text.hashes import hash_rows
from textcnn.text.kinds import check_kinds
from textcnn.utils.progress import CallbackSupportMixin, with_callbacks


@documented
class TableFeatures(
    FoldsMixin, CallbackSupportMixin, MemberParametersMixin, TransformerMixin, BaseEstimator
):
    """Turn a table with text into a table of numbers, for gradient boosting or any other model.

    Text columns are found automatically, and several encoders, the members, encode each of them
    with the same folds. Dates, categories and booleans become numbers. :meth:`fit_transform` gives
    training rows out-of-fold features: predictions of models that were not trained on that row.
    :meth:`transform` gives new rows the mean of all models. ``report_`` shows what each column was
    taken for, and the gain of each member.

    .. warning::
        ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``. It gives training rows features
        from models that were trained on them, and models trained on such features overfit.
        Pipelines and column transformers call ``fit_transform``, so they are safe.

    Cost: that of all members on all text columns, and five linear models per fold, member and
    column for the gains. Of the default members ``"svd"`` and ``"linear"`` take seconds for ten
    thousand texts, ``"cnn"`` takes most of the time.

    Parameters
    ----------
    members : list or tuple of str, encoder or (str, encoder), default=("svd", "linear", "cnn")
        ``"svd"``: skrub's ``StringEncoder``, TF-IDF and a truncated SVD, which do not use y;
        ``"linear"``: :class:`TextLinearEncoder`;
        ``"counts"``: length, words, digits, capitals and marks of each text; ``"static"``:
        principal components of the mean word vector of each text, from the package wordllama or a
        folder of model2vec (``static__vectors``; needs ``pip install 'textcnn[vectors]'``);
        ``"sentence"``: skrub's encoder of sentence-transformers models
        (``sentence__model_name``; needs ``pip install 'textcnn[sentence]'``); these three do not
        use y;
        ``"cnn"``: :class:`TextCNNEncoder`; ``"char_cnn"`` and ``"bigru"``: the same with characters
        or with a recurrent network; ``"image_cnn"``: :class:`ImageCNNEncoder`, for columns of image
        files only. Other transformers can be passed too: one that uses y must have a ``cv``, such
        as :class:`OutOfFoldEncoder`; others do not get y. Parameters of members are set by
        ``set_params(cnn__n_filters=50)``, or searched as ``cnn__n_filters``. A member with
        ``join_columns=True`` joins several text columns into one, named ``joined``.
    columns : "auto", "all", str, list of str or int, or selector, default="auto"
        The text columns. ``"auto"``: columns of strings with more than 40 distinct values, short or
        long, that are not dates, numbers or names of image files; with fewer values only if more
        than half of the values are distinct and have at least three words on average (in scripts
        without spaces each character is a word). Columns of image files (all cells end with
        ``.jpg``, for example) are used if a member encodes images. A selector is one of skrub,
        scikit-learn's ``make_column_selector``, or a function from a DataFrame to column names.
    cv : int, splitter or iterable, default=5
        An int is the number of folds: stratified for classes, by group if ``groups`` are
        given, always shuffled with ``random_state``. Any scikit-learn splitter or an iterable of
        (train, test) row numbers that covers each row works too. All members use the same folds.
    selection : {"all", "positive", "significant"}, default="all"
        ``"all"``: the table has the features of all members, and the report shows their gains.
        ``"positive"``: a member is kept on a column only if it has a gain over the other columns
        and the members kept before it, on average over ``n_repeats`` fold plans. ``"significant"``:
        only if this gain is above two standard errors, by Student's t for the number of folds and
        with a Bonferroni correction for the number of members and columns. That drops all members
        on noise, but on small tables also members that help: see ``benchmarks/RESULTS.md``. Both
        select by the training target: validate them as a part of the model, inside
        cross-validation, never on the rows that they were fitted on. Members with a gain on the
        first plan are fitted ``n_repeats`` times.
    others : {"encode", "passthrough", "drop"}, default="encode"
        What happens to the other columns. ``"encode"``: numbers keep their values, with infinity
        as missing; booleans become 0 and 1; dates become year, month, day, hour and total seconds,
        by skrub's ``DatetimeEncoder``; strings of numbers or dates are parsed; other strings and
        categories are encoded as ``categories`` says. Columns without values, with one value, or
        with names of image files that no member encodes are dropped. ``"passthrough"``: they come
        out unchanged. ``"drop"``: the table has the features only.
    categories : {"ordinal", "category", "one-hot"}, default="ordinal"
        Encoding of categories, with ``others="encode"``. ``"ordinal"``: float32 codes, in sorted
        order or that of an ordered dtype, and -1 for missing and unseen categories.
        ``"category"``: categories of pandas or polars, for models that use them; missing and unseen
        ones are missing. ``"one-hot"``: a column of 0 and 1 for each of the 40 most frequent.
    keep_text : bool, default=False
        Whether to keep the text columns in the table, as they are.
    time_limit : float or None, default=None
        Seconds for all members. The cheapest are fitted first; members for which there is not
        enough time are left out, with a warning and a note in the report. A network can be stopped
        after an epoch, other estimators after a model; skrub's encoder cannot be stopped. Results
        then depend on the speed of the machine.
    n_repeats : int, default=3
        Number of fold plans for ``selection="positive"`` and ``"significant"``; always one if
        ``cv`` has no random folds.
    {target_type}
    {uncovered}
    {unlabelled}
    {missing_class}
    scoring : None, str or sequence of str, default=None
        Metrics of the members' reports: scikit-learn scorer names; the first is used for gains.
        None chooses by the target: ROC AUC, log-loss for several classes, R² for numbers.
    n_jobs : int or None, default=None
        Number of processes, for members without their own ``n_jobs``.
    random_state : None, int, RandomState or Generator, default=None
        Seed of the folds, and of members without their own seed. With an int a member's features
        equal those of the same encoder alone with that seed.

    Attributes
    ----------
    report_ : TableReport
        Score, gain, seconds and verdict of each member on each column; ``.to_frame()``,
        ``.verify()``. ``.columns`` is a DataFrame with what each column was taken for, and why.
    encoders_ : dict
        (column, member) → the fitted encoder of each feature in the table. Encoders of this package
        have their own ``report_``.
    text_columns_ : list of str
        Names of the text columns, and of image columns that a member encodes.
    classes_ : ndarray, list or None
        Sorted classes; names of labels for multilabel; None for regression.
    target_type_ : str
        The type of target.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, if X had column names.

    Raises
    ------
    ValueError, TypeError
        For invalid input; the message says what was expected.
    ImportError
        If a member's package is missing.

    Warns
    -----
    TableFeaturesWarning
        If there is no text column, a text column is empty, the time was too short for a member,
        or no member was selected: the table then has fewer features. If a column is read as text
        although nearly all of its cells are dates or numbers.

    See Also
    --------
    TextCNNEncoder, TextLinearEncoder : Single encoders.
    OutOfFoldEncoder : Any classifier or regressor as a member.

    Notes
    -----
    ``cv``, ``target_type``, ``uncovered``, ``unlabelled``, ``missing_class`` and ``scoring`` of
    TableFeatures replace those of its members. Features are float32 and follow the other
    columns, by text column and in the order of ``members``, joined ones last, with the names
    ``{column}_{member}``, followed by the class or component if there are several. With
    ``others="encode"`` characters in names that LightGBM or XGBoost refuse become ``_``.
    Missing numbers stay missing: for models that refuse them, add scikit-learn's ``SimpleImputer``
    behind TableFeatures. In benchmarks on tables of a few thousand rows with several
    text columns, the unsupervised ``"svd"`` was better than out-of-fold features, so it is a
    default member.

    Gains are measured by a linear model on the other columns (numbers, dates, and up to 40
    categories; at most 300 columns) and one set of out-of-fold predictions per member: logits
    of encoders of this package, otherwise (``"svd"``, for example) predictions of a linear model on
    the member's features. They are nested, but no member is fitted again: a stack is trained on the
    rows of one fold, predicted by the one model that was not trained on them, and is scored on
    other rows of that fold. With so few rows, gains are slightly underestimated. If several models
    predict a row (repeated folds), gains are optimistic, and the report says so. A gain is relative
    to the members above in the report, and gradient boosting may gain more or less. Standard errors
    follow C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
    2003.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from textcnn import TableFeatures
    >>> from textcnn.datasets import load_reviews
    >>> table = load_reviews().iloc[:300]
    >>> X, y = table.drop(columns="recommended"), table["recommended"]
    >>> features = TableFeatures(members=("svd", "linear"), random_state=0)
    >>> model = make_pipeline(features, HistGradientBoostingClassifier()).fit(X, y)
    >>> model.predict(X.head(2)).shape
    (2,)
    >>> dict(zip(features.report_.columns["column"], features.report_.columns["kind"]))["review"]
    'text'
    """

    # What fit leaves, with the type that a saved file must hold.
    _fitted_fields = INPUT_FIELDS | {
        "_fitted_members": list[FittedMember],
        "_others": OtherColumns,
        "_member_numbers": list[int | None],  # None: it reads several columns as one
        "_plan": FoldPlan,
        "_report": TableReport,
        "_row_hashes": np.ndarray,
        "_text_kinds": list[str],  # of their cells, as in TextColumn.kind
        "_text_numbers": list[int],
        "classes_": np.ndarray | list | None,
        "target_type_": str,
        "text_columns_": list[str],
    }

    _read_columns = staticmethod(read_table)

    save = save

    def __init__(
        self,
        members=("svd", "linear", "cnn"),
        *,
        columns="auto",
        cv=5,
        selection="all",
        others="encode",
        categories="ordinal",
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
        self.selection = selection
        self.others = others
        self.categories = categories
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
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: it gives training rows
            features from models that were trained on them. Use :meth:`fit_transform` for those.

        Parameters
        ----------
        X : DataFrame of pandas or polars, array or list of rows, of shape (n_rows, n_columns)
            The table. A Series is a table of one column.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets. Rows with a missing target are not used for training.
        groups : array-like of shape (n_rows,) or "documents", optional
            Rows of a group stay in the same fold. ``"documents"`` makes a group of rows with
            identical texts, apart from case and spaces; rows without text are not grouped.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; rows of weight 0 are not used for training.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models are trained only on rows earlier than those they predict.

        Returns
        -------
        self
            The fitted transformer.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        self._warn(stacklevel=3)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit, and return the table with out-of-fold features instead of its text.

        Each row's features come from models that were not trained on that row, unlike those of
        ``fit(X, y).transform(X)``.

        Parameters
        ----------
        X : DataFrame of pandas or polars, array or list of rows, of shape (n_rows, n_columns)
            The table. A Series is a table of one column.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets. Rows with a missing target are not used for training but get features.
        groups : array-like of shape (n_rows,) or "documents", optional
            As for :meth:`fit`.
        sample_weight : array-like of shape (n_rows,), optional
            As for :meth:`fit`; rows of weight 0 get features too.
        time : array-like of numbers or dates, shape (n_rows,), optional
            As for :meth:`fit`.

        Returns
        -------
        DataFrame or ndarray, of the same type as X
            The other columns, then the features as float32. A table of pyarrow becomes a DataFrame
            of pandas.
        """
        table, features = self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        self._warn(stacklevel=4)  # behind scikit-learn's wrapper of set_output
        return self._finished(table, features)

    def transform(self, X):
        """Return new rows with features instead of their text.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : DataFrame, array or list of rows
            A frame needs the columns that are used, in any order, and may have others. All cells
            may be missing, and categories may be new. An array needs the same columns as in fit.

        Returns
        -------
        DataFrame or ndarray, of the same type as X

        Raises
        ------
        ValueError
            If a column that is used is missing; the message names it.

        Warns
        -----
        InSampleWarning
            If at least 90 % of 100 or more rows are training rows.
        UserWarning
            If a column that was text, dates or categories in fit is of another kind now, for
            example of numbers.
        """
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        table.check_columns([*self._text_numbers, *self._others.numbers])
        texts = self._texts(table)
        were_text = zip(texts.values(), self._text_kinds, strict=True)
        check_kinds([text for text, kind in were_text if kind == TEXT], X, reset=False)
        if any(fitted.is_supervised for fitted in self._fitted_members):
            hashes = hash_rows(list(texts.values()))
            warn_if_training_rows(hashes, self._row_hashes, self)
        blocks = [fitted.transform(fitted.read(texts)) for fitted in self._fitted_members]
        return self._finished(table, np.hstack([no_features(table), *blocks]))

    def explain(self, X):
        """Return what each word of each text column contributes to the features of some rows.

        Contributions are those of :meth:`TextLinearEncoder.explain` and of
        :meth:`TextCNNEncoder.explain`: to the logit of a class, or in standard deviations of y,
        relative to a text without words. They describe the features, not the model behind
        TableFeatures. Members that do not use the target, such as ``"svd"``, have none.

        Cost: milliseconds per row and model.

        Parameters
        ----------
        X : DataFrame, array or list of rows
            Rows as :meth:`transform` takes them; text columns are enough.

        Returns
        -------
        DataFrame
            One line per row, column, member, output and word: ``row`` (its index label, or its
            number in an array), ``column``, ``member``, ``output``, ``word``, ``contribution``.

        Raises
        ------
        ValueError
            If no member can be explained.

        Examples
        --------
        >>> from textcnn import TableFeatures
        >>> from textcnn.datasets import load_reviews
        >>> table = load_reviews().iloc[:300]
        >>> features = TableFeatures(members=["linear"], random_state=0)
        >>> features = features.fit(table[["review", "price"]], table["recommended"])
        >>> features.explain(table[["review"]].tail(2))["row"].unique().tolist()
        [298, 299]
        """
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        table.check_columns(self._text_numbers)
        return explain_members(self._fitted_members, self._texts(table), table.index)

    def _texts(self, table: Table) -> dict:
        """Return the text columns of new rows by the names that they had in fit."""
        return {
            name: replace(read_text(table, number), name=name)  # an array has no names
            for name, number in zip(self.text_columns_, self._text_numbers, strict=True)
        }

    def _inputs_of_encoders(self, X) -> dict:
        """Return what the encoder of each (column, member) reads of a table."""
        table = read_table(self, X, reset=False)
        table.check_columns(self._text_numbers)
        texts = self._texts(table)
        return {
            (fitted.column, fitted.member): as_input(fitted.encoder, fitted.read(texts))
            for fitted in self._fitted_members
        }

    def get_feature_names_out(self, input_features=None):
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must equal the names seen at fit, if there were any.

        Returns
        -------
        ndarray of object
        """
        check_is_fitted(self)
        labels = input_names(self, input_features)
        return np.array([*self._others.names(labels), *self._new_names(labels)], dtype=object)

    @property
    def report_(self) -> TableReport:
        """The gain of each member on each column."""
        check_is_fitted(self)
        report = replace(self._report)
        report.encoders = self.encoders_
        report.read = self._inputs_of_encoders
        return report

    @property
    def encoders_(self) -> dict:
        """The fitted encoder of each (column, member)."""
        check_is_fitted(self)
        return {(fitted.column, fitted.member): fitted.encoder for fitted in self._fitted_members}

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the transformer is fitted."""
        return hasattr(self, "_fitted_members")

    def __sklearn_tags__(self):
        """Allow any cells and require a target."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    @with_callbacks
    def _fit(self, X, y, *, groups, sample_weight, time) -> tuple[Table, np.ndarray]:
        """Fit all members; only a fit that has ended leaves anything on the transformer."""
        self._list_folds()
        fitted, table, features = fit_table(
            self, X, y, groups=groups, sample_weight=sample_weight, time=time
        )
        set_fitted(self, fitted)
        return table, features

    def _warn(self, stacklevel: int) -> None:
        """Issue the warnings of the report."""
        for line in self._report.warnings:
            warnings.warn(line, TableFeaturesWarning, stacklevel=stacklevel)

    def _finished(self, table: Table, features: np.ndarray):
        """Return columns and features in the table's own container."""
        table = table.as_container(chosen_output(self))
        return self._others.beside(table, features, self._new_names(table.names))

    def _new_names(self, labels) -> list[str]:
        """Return the names of the features, given those of the table's columns."""
        names = []
        for fitted, number in zip(self._fitted_members, self._member_numbers, strict=True):
            column = fitted.column if number is None else labels[number]
            names += [f"{column}{name[len(fitted.column) :]}" for name in fitted.names]
        return safe_names(names)
