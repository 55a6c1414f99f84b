"""Compare four ways to use a text column together with other columns, by their test scores.

Used by the demo and by the first example.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from textcnn.text.tokens import word_tokens

__all__ = ["compare_text_features", "comparison_report", "text_stages", "usable_columns"]

TEST_SHARE = 0.3
N_TOPICS = 30
N_RESAMPLES = 200
# scikit-learn's gradient boosting bins at most 255 values of a category.
MAXIMUM_CATEGORIES = 255
MINIMUM_FILLED_ROWS = 20

# A step of a ColumnTransformer: (name, transformer, columns).
Stage = tuple[str, object, object]


class OutOfFoldLinear(TransformerMixin, BaseEstimator):
    """Turn one text column into out-of-fold class probabilities of a linear model on TF-IDF.

    In `fit_transform`, rows are predicted by models that were not trained on them; in `transform`,
    by another model that is trained on all training rows.

    Parameters
    ----------
    random_state : int, default=0
        Seed of the five stratified folds.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the model for new rows.

        Parameters
        ----------
        X : sequence of str, length n_rows
            One text per row.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        OutOfFoldLinear
            The fitted transformer.
        """
        self.model_ = self._model().fit(X, y)
        return self

    def fit_transform(self, X, y):
        """Fit and return out-of-fold probabilities.

        Parameters
        ----------
        X : sequence of str, length n_rows
            One text per row.
        y : array-like of shape (n_rows,)
            Classes.

        Returns
        -------
        ndarray of shape (n_rows, 1) for two classes, else (n_rows, n_classes)
            Probabilities.
        """
        self.fit(X, y)
        folds = StratifiedKFold(5, shuffle=True, random_state=self.random_state)
        return self._columns(
            cross_val_predict(self._model(), X, y, cv=folds, method="predict_proba")
        )

    def transform(self, X):
        """Return the probabilities of new rows.

        Parameters
        ----------
        X : sequence of str, length n_rows
            One text per row.

        Returns
        -------
        ndarray of shape (n_rows, 1) for two classes, else (n_rows, n_classes)
            Probabilities.
        """
        check_is_fitted(self)
        return self._columns(self.model_.predict_proba(X))

    def _model(self) -> Pipeline:
        """Return the linear model, not fitted."""
        return make_pipeline(_tfidf(), LogisticRegression(C=10, max_iter=1000))

    def _columns(self, probabilities: np.ndarray) -> np.ndarray:
        """Drop the first of two classes, which is redundant."""
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


def _tfidf() -> TfidfVectorizer:
    """Return TF-IDF of words and word pairs, with the same tokenizer as the networks."""
    return TfidfVectorizer(
        tokenizer=word_tokens, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )


def _without_missing(cells: pd.Series) -> np.ndarray:
    """Return the texts of a column, with missing cells as empty texts."""
    return np.array(["" if pd.isna(cell) else str(cell) for cell in cells.tolist()], dtype=object)


def _texts() -> FunctionTransformer:
    """Return the step that fills missing cells, which TF-IDF refuses."""
    return FunctionTransformer(_without_missing)


def text_stages(
    text_columns: Sequence[str],
    *,
    encoders: Mapping[str, object] | None = None,
    random_state: int = 0,
) -> dict[str, list[Stage]]:
    """Return four ways to use text columns, as steps of a ``ColumnTransformer``.

    Parameters
    ----------
    text_columns : sequence of str
        Names of the text columns.
    encoders : mapping of str to transformer, optional
        Transformers for the last way, by name; each gets all text columns as one frame. By
        default, a `TextCNNEncoder` with default settings.
    random_state : int, default=0
        Seed of the estimators that this function makes.

    Returns
    -------
    dict of str to list of (name, transformer, columns)
        No text; TF-IDF with a truncated SVD, which does not use the target; out-of-fold
        logistic regression on TF-IDF; and the encoders.

    Examples
    --------
    >>> from sklearn.preprocessing import TargetEncoder
    >>> from textcnn.command_line.comparison import text_stages
    >>> list(text_stages(["review"], encoders={"whole texts": TargetEncoder()}))[1:]
    ['TF-IDF + SVD', 'TF-IDF + logistic regression, out of fold', 'whole texts']
    """
    if encoders is None:
        from textcnn import TextCNNEncoder

        encoders = {"TextCNNEncoder, out of fold": TextCNNEncoder(random_state=random_state)}
    svd = make_pipeline(_texts(), _tfidf(), TruncatedSVD(N_TOPICS, random_state=random_state))
    linear = make_pipeline(_texts(), OutOfFoldLinear(random_state))
    stages: dict[str, list[Stage]] = {
        "no text": [],
        "TF-IDF + SVD": [(f"{c}_svd", svd, c) for c in text_columns],
        "TF-IDF + logistic regression, out of fold": [
            (f"{c}_linear", linear, c) for c in text_columns
        ],
    }
    for name, encoder in encoders.items():
        stages[name] = [("text", encoder, list(text_columns))]
    return stages


def usable_columns(table: pd.DataFrame, exclude: Sequence[str]) -> list[str]:
    """Return the columns that gradient boosting can use directly.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table.
    exclude : sequence of str
        Columns to leave out: the texts and the target.

    Returns
    -------
    list of str
        Columns of numbers, or with at most 255 different values, with 20 or more filled rows, in
        the order of the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn.command_line.comparison import usable_columns
    >>> table = pd.DataFrame({"id": [f"n{i}" for i in range(300)], "colour": ["red", "blue"] * 150})
    >>> usable_columns(table, exclude=[])
    ['colour']
    """
    return [
        column
        for column in table.columns
        if column not in exclude
        # Gradient boosting refuses a column without any value among the training rows.
        and table[column].count() >= MINIMUM_FILLED_ROWS
        and (
            pd.api.types.is_numeric_dtype(table[column])
            or table[column].nunique() <= MAXIMUM_CATEGORIES
        )
    ]


def compare_text_features(
    table: pd.DataFrame,
    *,
    text_columns: Sequence[str],
    target: str,
    other_columns: Sequence[str],
    stages: Mapping[str, list[Stage]],
    random_state: int = 0,
    show: Callable[[str], object] | None = None,
) -> pd.DataFrame:
    """Fit gradient boosting on the other columns and the text features of each way; score it.

    The table is split once, 70 to 30, stratified by the target. Every way gets the same rows, the
    same other columns and the same `HistGradientBoostingClassifier` with its default settings.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    text_columns : sequence of str
        Names of the text columns.
    target : str
        Name of the column of classes, two or more.
    other_columns : sequence of str
        Columns of numbers or categories that every way uses.
    stages : mapping of str to list of (name, transformer, columns)
        The ways, as `text_stages` returns them.
    random_state : int, default=0
        Seed of the split, of gradient boosting and of the resampling.
    show : callable, optional
        Called with each line of `comparison_report` as soon as it is ready, e.g. ``print``.

    Returns
    -------
    pandas.DataFrame of shape (n_ways, 3)
        Index: the ways. `test_auc`: area under the ROC curve on the test rows, for several classes
        the unweighted mean of one-vs-rest scores. `seconds`: time to fit and predict.
        `text_features`: number of features made from the text. ``attrs["lead_error"]`` is the
        standard error of the difference between the best two, by a stratified bootstrap of the
        test rows with 200 resamples.

    Notes
    -----
    Costs one fit per way. The standard error includes only the variation of the test rows: another
    split or other seeds change the difference further.

    Examples
    --------
    >>> from sklearn.preprocessing import TargetEncoder
    >>> from textcnn.command_line.comparison import compare_text_features
    >>> from textcnn.datasets import make_reviews
    >>> results = compare_text_features(
    ...     make_reviews(n_rows=300),
    ...     text_columns=["review"],
    ...     target="recommended",
    ...     other_columns=["price", "category"],
    ...     stages={"no text": [], "whole texts": [("te", TargetEncoder(), ["review"])]},
    ... )
    >>> results["text_features"].tolist()
    [0, 1]
    """
    others = _numbers_and_categories(table[list(other_columns)])
    inputs = pd.concat([table[list(text_columns)], others], axis=1)
    labels = table[target].to_numpy()
    split = train_test_split(
        inputs, labels, test_size=TEST_SHARE, stratify=labels, random_state=random_state
    )
    # The first fit of gradient boosting starts its threads; that should not count for any way.
    HistGradientBoostingClassifier(max_iter=1).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
    show = show or _show_nothing
    width = _width(stages)
    show(_heading(width))
    lines, scores = {}, {}
    for way, way_stages in stages.items():
        lines[way], scores[way] = _score(way_stages, list(other_columns), split, random_state)
        show(_line(way, lines[way], width))
    results = pd.DataFrame.from_dict(lines, orient="index").rename_axis("way")
    if len(results) > 1:
        pair = [scores[way] for way in _ranked(results).index[:2]]
        results.attrs["lead_error"] = _lead_error(split[3], pair, random_state)
        show(_verdict(results))
    return results


def _show_nothing(line: str) -> None:
    """Ignore a line."""


def _lead_error(y: np.ndarray, pair: list[np.ndarray], random_state: int) -> float:
    """Return the standard error of the difference of two ways' AUC, by a paired bootstrap."""
    random = np.random.default_rng(random_state)
    rows_of_class = [np.flatnonzero(y == label) for label in np.unique(y)]
    leads = []
    for _ in range(N_RESAMPLES):
        rows = np.concatenate([random.choice(rows, len(rows)) for rows in rows_of_class])
        first, second = (_auc(y[rows], scores[rows]) for scores in pair)
        leads.append(first - second)
    return float(np.std(leads, ddof=1))


def _auc(y: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve, the mean of each class against the rest."""
    return roc_auc_score(y, scores, multi_class="ovr", average="macro")


def _numbers_and_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column that is not numeric a categorical dtype."""
    return table.astype(
        {c: "category" for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])}
    )


def _score(
    stages: list[Stage], other_columns: list[str], split: list, random_state: int
) -> tuple[dict[str, float | int], np.ndarray]:
    """Fit one way on the training rows; return its results and its scores of the test rows."""
    X_train, X_test, y_train, y_test = split
    text = ColumnTransformer(stages)
    boosting = HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=random_state
    )
    start = time.perf_counter()
    train_features = text.fit_transform(X_train, y_train)
    boosting.fit(_beside(X_train[other_columns], train_features), y_train)
    test_features = text.transform(X_test)
    probabilities = boosting.predict_proba(_beside(X_test[other_columns], test_features))
    seconds = time.perf_counter() - start
    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    results = {
        "test_auc": _auc(y_test, scores),
        "seconds": seconds,
        "text_features": train_features.shape[1],
    }
    return results, scores


def _beside(others: pd.DataFrame, features: np.ndarray) -> pd.DataFrame:
    """Return the other columns with the text features to their right."""
    names = [f"text_{i}" for i in range(features.shape[1])]
    return pd.concat([others, pd.DataFrame(features, others.index, names)], axis=1)


def comparison_report(results: pd.DataFrame) -> str:
    """Write the results of a comparison as aligned lines, with the best way.

    Parameters
    ----------
    results : pandas.DataFrame
        The result of `compare_text_features`.

    Returns
    -------
    str
        A line per way, and a last line with the highest test AUC and its lead over the second
        (with ``results.attrs["lead_error"]``, if given). A lead of at most two standard errors is
        not significant.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn.command_line.comparison import comparison_report
    >>> results = pd.DataFrame(
    ...     {"test_auc": [0.5, 0.75], "seconds": [0.1, 2.0], "text_features": [0, 30]},
    ...     index=["no text", "TF-IDF + SVD"],
    ... )
    >>> results.attrs["lead_error"] = 0.0124
    >>> print(comparison_report(results))
    way           test AUC  seconds  text features
    no text          0.500      0.1              0
    TF-IDF + SVD     0.750      2.0             30
    Highest test AUC: TF-IDF + SVD, 0.250 ± 0.012 (standard error) above no text.
    """
    width = _width(results.index)
    lines = [_line(way, line, width) for way, line in results.to_dict("index").items()]
    return "\n".join([_heading(width), *lines, _verdict(results)])


def _width(ways: Iterable[str]) -> int:
    """Return the width of the first column."""
    return max(len("way"), *map(len, ways))


def _heading(width: int) -> str:
    """Return the first line of the report."""
    return f"{'way':<{width}}  test AUC  seconds  text features"


def _line(way: str, line: Mapping[str, float | int], width: int) -> str:
    """Return the line of one way."""
    numbers = f"{line['test_auc']:8.3f}  {line['seconds']:7.1f}  {line['text_features']:13d}"
    return f"{way:<{width}}  {numbers}"


def _ranked(results: pd.DataFrame) -> pd.Series:
    """Return the scores, best first."""
    return results["test_auc"].sort_values(ascending=False, kind="stable")


def _verdict(results: pd.DataFrame) -> str:
    """Return the last line of the report."""
    ranked = _ranked(results)
    best, second = ranked.index[:2]
    # The difference of the printed numbers, so that the sentence agrees with the table.
    lead = f"{ranked.iloc[0].round(3) - ranked.iloc[1].round(3):.3f}"
    error = results.attrs.get("lead_error")
    if error is None:
        return f"Highest test AUC: {best}, {lead} above {second}."
    if ranked.iloc[0] - ranked.iloc[1] <= 2 * error:
        return (
            f"Highest test AUC: {best}, but its lead over {second} is not significant "
            f"({lead} ± {error:.3f} standard error)."
        )
    return f"Highest test AUC: {best}, {lead} ± {error:.3f} (standard error) above {second}."
