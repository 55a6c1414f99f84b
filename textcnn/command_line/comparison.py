"""Compare four ways to use a text column together with other columns, by their test scores.

Used by the demo and by the first example.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from textcnn.text.tokens import word_tokens

__all__ = ["compare_text_features", "comparison_report", "text_stages", "usable_columns"]

TEST_SHARE = 0.3
N_TOPICS = 30
N_RESAMPLES = 200
# scikit-learn's gradient boosting bins at most 255 values of a category.
MAXIMUM_CATEGORIES = 255
MINIMUM_FILLED_ROWS = 20
_ROWS_OF_ONE_THREAD = 100_000
_METRICS = {"test_auc": "test AUC", "test_r2": "test R²"}

# A step of a ColumnTransformer: (name, transformer, columns).
Stage = tuple[str, object, object]


def _without_missing(cells: pd.Series) -> np.ndarray:
    """Return the texts of a column, with missing cells as empty texts."""
    return np.array(["" if pd.isna(cell) else str(cell) for cell in cells.tolist()], dtype=object)


def _word_counts():
    """Return counts of words and word pairs, with the same tokenizer as the networks."""
    counts = CountVectorizer(
        tokenizer=word_tokens, token_pattern=None, ngram_range=(1, 2), min_df=2
    )
    return make_pipeline(FunctionTransformer(_without_missing), counts)


def text_stages(
    text_columns: Sequence[str],
    *,
    encoders: Mapping[str, object] | None = None,
    regression: bool = False,
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
    regression : bool, default=False
        Whether the target is a number.
    random_state : int, default=0
        Seed of the estimators that this function makes.

    Returns
    -------
    dict of str to list of (name, transformer, columns)
        No text; TF-IDF with a truncated SVD, which does not use the target; an out-of-fold
        linear model on TF-IDF; and the encoders.

    Examples
    --------
    >>> from sklearn.preprocessing import TargetEncoder
    >>> from textcnn.command_line.comparison import text_stages
    >>> list(text_stages(["review"], encoders={"whole texts": TargetEncoder()}))[1:]
    ['TF-IDF + SVD', 'TF-IDF + logistic regression, out of fold', 'whole texts']
    """
    from textcnn import OutOfFoldEncoder, TextCNNEncoder

    if encoders is None:
        numbers = {"target_type": "continuous"} if regression else {}
        encoder = TextCNNEncoder(random_state=random_state, **numbers)
        encoders = {"TextCNNEncoder, out of fold": encoder}
    tfidf = TfidfTransformer(sublinear_tf=True)
    svd = make_pipeline(_word_counts(), tfidf, TruncatedSVD(N_TOPICS, random_state=random_state))
    model = Ridge() if regression else LogisticRegression(C=10, max_iter=1000)
    linear = OutOfFoldEncoder(
        make_pipeline(tfidf, model), shared=_word_counts(), random_state=random_state
    )
    name = "ridge" if regression else "logistic"
    stages: dict[str, list[Stage]] = {
        "no text": [],
        "TF-IDF + SVD": [(f"{c}_svd", svd, c) for c in text_columns],
        f"TF-IDF + {name} regression, out of fold": [
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
    regression: bool = False,
    random_state: int = 0,
    show: Callable[[str], object] | None = None,
) -> pd.DataFrame:
    """Fit gradient boosting on the other columns and the text features of each way; score it.

    The table is split once, 70 to 30, stratified by classes. Every way gets the same rows, the
    same other columns and the same gradient boosting of scikit-learn with its default settings.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    text_columns : sequence of str
        Names of the text columns.
    target : str
        Name of the target: a column of classes, two or more, or of numbers.
    other_columns : sequence of str
        Columns of numbers or categories that every way uses.
    stages : mapping of str to list of (name, transformer, columns)
        The ways, as `text_stages` returns them.
    regression : bool, default=False
        Whether the target is a number; otherwise its values are classes.
    random_state : int, default=0
        Seed of the split, of gradient boosting and of the resampling.
    show : callable, optional
        Called with each line of `comparison_report` as soon as it is ready, e.g. ``print``.

    Returns
    -------
    pandas.DataFrame of shape (n_ways, 4)
        Index: the ways. `test_auc`: area under the ROC curve on the test rows, for several classes
        the unweighted mean of one-vs-rest scores; or `test_r2`, for a regression. `error`: its
        standard error. `processor_seconds`: processor time of this process to fit and predict, all
        threads together. `text_features`: number of features made from the text.
        ``attrs["lead_error"]`` is the standard error of the difference between the best two.

    Notes
    -----
    Costs one fit per way. Standard errors are those of a bootstrap of the test rows with 200
    resamples, stratified by classes, the same for all ways. They include only the variation of the
    test rows: another split or other seeds change the scores further.

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
    y = table[target].to_numpy()
    split = train_test_split(
        inputs,
        y,
        test_size=TEST_SHARE,
        stratify=None if regression else y,
        random_state=random_state,
    )
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    boosting = kind(categorical_features="from_dtype", random_state=random_state)
    # The first fit of gradient boosting starts its threads; that should not count for any way.
    kind(max_iter=1).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
    # Threads that wait for one another use processor time, for small tables most of it.
    spinning = None if len(table) <= _ROWS_OF_ONE_THREAD else "blas"
    show = show or _show_nothing
    metric, width = "test_r2" if regression else "test_auc", _width(stages)
    show(_heading(width, metric))
    lines, resampled = {}, {}
    for way, way_stages in stages.items():
        with threadpool_limits(1, user_api=spinning):
            outputs, results = _outputs(way_stages, list(other_columns), split, boosting)
        resampled[way] = _resampled_scores(split[3], outputs, metric, random_state)
        score, error = _score(split[3], outputs, metric), float(np.std(resampled[way], ddof=1))
        lines[way] = {metric: score, "error": error, **results}
        show(_line(way, lines[way], width))
    results = pd.DataFrame.from_dict(lines, orient="index").rename_axis("way")
    if len(results) > 1:
        best, second = _ranked(results).index[:2]
        leads = resampled[best] - resampled[second]
        results.attrs["lead_error"] = float(np.std(leads, ddof=1))
        show(_verdict(results))
    return results


def _show_nothing(line: str) -> None:
    """Ignore a line."""


def _score(y: np.ndarray, outputs: np.ndarray, metric: str) -> float:
    """Return R², or the area under the ROC curve, the mean of each class against the rest."""
    if metric == "test_r2":
        return r2_score(y, outputs)
    return roc_auc_score(y, outputs, multi_class="ovr", average="macro")


def _resampled_scores(
    y: np.ndarray, outputs: np.ndarray, metric: str, random_state: int
) -> np.ndarray:
    """Return scores of resampled test rows, which depend on the seed and y alone."""
    random = np.random.default_rng(random_state)
    strata = np.zeros(len(y)) if metric == "test_r2" else y
    rows_of = [np.flatnonzero(strata == label) for label in np.unique(strata)]
    scores = []
    for _ in range(N_RESAMPLES):
        rows = np.concatenate([random.choice(rows, len(rows)) for rows in rows_of])
        scores.append(_score(y[rows], outputs[rows], metric))
    return np.array(scores)


def _numbers_and_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column that is not numeric a categorical dtype."""
    return table.astype(
        {c: "category" for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])}
    )


def _outputs(
    stages: list[Stage], other_columns: list[str], split: list, boosting
) -> tuple[np.ndarray, dict[str, float | int]]:
    """Fit one way on the training rows; return its outputs for the test rows, and its costs."""
    X_train, X_test, y_train, _ = split
    text = ColumnTransformer(stages)
    start = time.process_time()
    train_features = text.fit_transform(X_train, y_train)
    boosting.fit(_beside(X_train[other_columns], train_features), y_train)
    test = _beside(X_test[other_columns], text.transform(X_test))
    if is_regressor(boosting):
        outputs = boosting.predict(test)
    else:
        outputs = boosting.predict_proba(test)
        outputs = outputs[:, 1] if outputs.shape[1] == 2 else outputs
    seconds = time.process_time() - start
    return outputs, {"processor_seconds": seconds, "text_features": train_features.shape[1]}


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
        A line per way, and a last line with the highest score and its lead over the second
        (with ``results.attrs["lead_error"]``, if given). A lead of at most two standard errors is
        not significant.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn.command_line.comparison import comparison_report
    >>> results = pd.DataFrame(
    ...     {"test_auc": [0.5, 0.75], "error": [0.02, 0.018], "processor_seconds": [0.1, 2.0]},
    ...     index=["no text", "TF-IDF + SVD"],
    ... )
    >>> results.attrs["lead_error"] = 0.0124
    >>> print(comparison_report(results))
    way           test AUC  std. error  processor seconds
    no text          0.500       0.020                0.1
    TF-IDF + SVD     0.750       0.018                2.0
    Highest test AUC: TF-IDF + SVD, 0.250 ± 0.012 (standard error) above no text.
    """
    width = _width(results.index)
    lines = [_line(way, line, width) for way, line in results.to_dict("index").items()]
    return "\n".join([_heading(width, results.columns[0]), *lines, _verdict(results)])


def _width(ways: Iterable[str]) -> int:
    """Return the width of the first column."""
    return max(len("way"), *map(len, ways))


def _heading(width: int, metric: str) -> str:
    """Return the first line of the report."""
    return f"{'way':<{width}}  {_METRICS[metric]:>8}  std. error  processor seconds"


def _line(way: str, line: Mapping[str, float | int], width: int) -> str:
    """Return the line of one way."""
    score = next(iter(line.values()))
    return f"{way:<{width}}  {score:8.3f}  {line['error']:10.3f}  {line['processor_seconds']:17.1f}"


def _ranked(results: pd.DataFrame) -> pd.Series:
    """Return the scores, best first."""
    return results.iloc[:, 0].sort_values(ascending=False, kind="stable")


def _verdict(results: pd.DataFrame) -> str:
    """Return the last line of the report."""
    ranked = _ranked(results)
    metric, (best, second) = _METRICS[ranked.name], ranked.index[:2]
    # The difference of the printed numbers, so that the sentence agrees with the table.
    lead = f"{ranked.iloc[0].round(3) - ranked.iloc[1].round(3):.3f}"
    error = results.attrs.get("lead_error")
    if error is None:
        return f"Highest {metric}: {best}, {lead} above {second}."
    if ranked.iloc[0] - ranked.iloc[1] <= 2 * error:
        return (
            f"Highest {metric}: {best}, but its lead over {second} is not significant "
            f"({lead} ± {error:.3f} standard error)."
        )
    return f"Highest {metric}: {best}, {lead} ± {error:.3f} (standard error) above {second}."
