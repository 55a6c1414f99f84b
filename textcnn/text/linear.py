"""Fits TF-IDF and linear models of text columns; n-grams are counted once for all folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from textcnn.crossfit import FoldPlan, Target
from textcnn.fit import parameters
from textcnn.fit.estimators import fit_estimators, outputs_of
from textcnn.fit.linear_models import CentredLogisticRegression, FoldTfidf
from textcnn.fit.models import FoldModel, Prepared, Task
from textcnn.text.columns import TextColumn
from textcnn.text.joining import JoinedColumns
from textcnn.text.ngrams import NgramCounter
from textcnn.text.tokens import make_tokenizer

# The curvature of the logistic loss is at most a quarter of that of the squared one.
_RIDGE_FACTOR = 4.0


@dataclass
class LinearModels:
    """The n-grams of a column, and fitted linear models on their weighted counts."""

    counter: NgramCounter
    head: Target  # without the rows' values
    models: list[FoldModel] = field(default_factory=list)

    needs_backend: ClassVar[bool] = False

    def with_models(self, models: list[FoldModel]) -> LinearModels:
        """Return the same with fitted models in it."""
        return replace(self, models=models)

    def count(self, column: TextColumn | JoinedColumns) -> csr_matrix:
        """Return counts of the known n-grams of new rows."""
        return _per_row(self.counter.count(_single_cells(column)), len(column))

    def outputs_of(self, counts: csr_matrix) -> list[np.ndarray]:
        """Return each model's raw outputs for counted rows."""
        return [outputs_of(fold, counts, self.head) for fold in self.models]

    def raw_outputs(self, columns: Sequence) -> list[np.ndarray]:
        """Return each model's raw outputs for new rows."""
        return self.outputs_of(self.count(columns[0]))


@dataclass(frozen=True)
class LinearLearner:
    """Counts n-grams and fits a linear model per fold."""

    counter: NgramCounter  # without n-grams yet
    C: float
    min_df: int

    loss = "auto"
    stop_fraction = 0.0
    fits_columns_together = False
    n_networks = 1

    @classmethod
    def of(cls, estimator) -> LinearLearner:
        """Check every parameter; return them as settings."""
        C = estimator.C
        if not isinstance(C, Real) or isinstance(C, bool) or not 0 < C < np.inf:
            raise ValueError(f"C must be a number above 0. Received: C={C!r}.")
        parameters.whole_number(estimator, "min_df", 1)
        parameters.yes_or_no(estimator, "lowercase")
        parameters.yes_or_no(estimator, "join_columns")
        make_tokenizer(estimator.tokenizer)
        counter = NgramCounter(
            word_sizes=_sizes(estimator, "word_ngrams"),
            char_sizes=_sizes(estimator, "char_ngrams"),
            lowercase=estimator.lowercase,
            tokenizer=estimator.tokenizer,
        )
        if not counter.word_sizes and not counter.char_sizes:
            raise ValueError(
                "Nothing to count. Expected: word_ngrams or char_ngrams. "
                "Received: word_ngrams=None, char_ngrams=None."
            )
        return cls(counter, C, estimator.min_df)

    def check(self, task: Task) -> None:
        """Accept every target and weights."""

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Return False: all folds share the counts, and weights of n-grams are fitted per fold."""
        return False

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return an empty note."""
        return ()

    def prepare(
        self, column: TextColumn | JoinedColumns, number: int, task: Task, rows=None
    ) -> Prepared:
        """Count the n-grams of a column."""
        key = ("ngrams", *(getattr(self.counter, name) for name in _COUNTED))
        counter, counts = column.once(key, lambda: self._count(column))
        models = LinearModels(counter, task.target.without_rows())
        estimator = self._estimator(task.target, counter)
        return Prepared(models, (estimator, counts), {"ngrams": counter.n_ngrams})

    def fit(self, groups, task: Task) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit weights and a linear model per job."""
        return fit_estimators(groups, task)

    def _count(self, column) -> tuple[NgramCounter, csr_matrix]:
        counter, counts = self.counter.learn(_single_cells(column))
        return counter, _per_row(counts, len(column))

    def _estimator(self, target: Target, counter: NgramCounter) -> Pipeline:
        """Return the unfitted weighting and model of a fold."""
        if target.is_regression:
            model = Ridge(alpha=_RIDGE_FACTOR / self.C, solver="sparse_cg")
        else:
            model = CentredLogisticRegression(C=self.C)
        tfidf = FoldTfidf(n_words=counter.n_words, min_df=self.min_df)
        return Pipeline([("tfidf", tfidf), ("linear", model)])


_COUNTED = ("word_sizes", "char_sizes", "lowercase", "tokenizer")


def _single_cells(column) -> list[str]:
    """Return the cells of a column, or for joined columns all cells of each row in turn."""
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


def _sizes(estimator, name: str) -> tuple[int, ...]:
    """Return the sizes of n-grams as a tuple, empty for none."""
    value = getattr(estimator, name)
    if value is None:
        return ()
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if not is_pair or not all(map(parameters.is_whole, value)) or not 1 <= value[0] <= value[1]:
        raise ValueError(
            f"{name} must be None or the smallest and largest size, for example (1, 2). "
            f"Received: {name}={value!r}."
        )
    return tuple(int(size) for size in value)
