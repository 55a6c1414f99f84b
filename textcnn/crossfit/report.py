"""The report of a cross-fit: the rows and scores of each model, and a check against leaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from textcnn.crossfit import report_display
from textcnn.crossfit.assignments import FoldPlan
from textcnn.crossfit.fingerprints import (
    Fingerprint,
    Verification,
    as_matrix,
    check_records,
    check_returned,
    unchecked,
)
from textcnn.crossfit.gap import distribution_gap, ensemble_of
from textcnn.crossfit.messages import listed
from textcnn.crossfit.records import ColumnRecord, check_record
from textcnn.crossfit.report_tables import ReportTables, json_safe
from textcnn.crossfit.scoring import Scoring
from textcnn.crossfit.targets import Target
from textcnn.crossfit.verification import LeakError, verify_fed

__all__ = ["CrossFitReport", "LeakError"]

NO_LEARNT_ROW = "no model predicted a row that it was trained on"


class CrossFitReport:
    """Training rows, predicted rows and scores of a cross-fit, with a check against leaks.

    A score is computed per fold model, over the rows that it predicted, and then averaged; it is
    not pooled over folds. The base rate of a model's training rows depends on its held-out targets,
    so outputs of different models are not on the same scale: the pooled ROC AUC is below 0.5 for
    noise, and too low for a signal. Rows without a target or of weight 0 are not scored; scores are
    weighted. The spread is the standard deviation over folds, not a confidence interval for the
    mean: folds share training rows.

    Models are numbered from 0, as in every DataFrame and error: model 0 is "fold 0" in the
    encoder's ``history_``. A refit model, which is used for new rows, predicts no training row: it
    is in ``history_`` only.

    Parameters
    ----------
    columns : list of ColumnRecord
    plan : FoldPlan
    target : Target
        Of the training rows, with the plan's dropped classes left out.
    scoring : None, str or sequence of str, default=None
        See :class:`~textcnn.crossfit.scoring.Scoring`.
    notes : sequence of str, default=()
        Notes, shown below those of the plan.
    encoder : transformer, default=None
        The encoder of this report; :meth:`gap` fits a clone of it.
    fingerprint : Fingerprint, default=None
        Of the features that the fit returned, and of its records.
    verification : Verification, default=None
        Of the end of the fit.
    predict_again : callable, default=None
        ``predict_again(X, features)`` lets the fold models predict a sample of rows again, and
        returns a sentence per column; ``features`` is a matrix or None.

    Attributes
    ----------
    metrics : tuple of str
    notes : list of str
    verification : Verification or None
        What was checked and what was not, at the end of the fit or by the last :meth:`verify`.

    Raises
    ------
    ValueError
        If the records do not match the plan, or ``scoring`` does not match the target.

    Examples
    --------
    >>> import numpy as np
    >>> from textcnn.crossfit import make_fold_plan, read_target
    >>> from textcnn.crossfit.records import ColumnRecord
    >>> from textcnn.crossfit.report import CrossFitReport
    >>> target = read_target([0, 1] * 10, n_rows=20)
    >>> plan = make_fold_plan(2, target, random_state=0)
    >>> record = ColumnRecord(
    ...     name="review",
    ...     fed=[vars(assignment) for assignment in plan.assignments],
    ...     predictions=[0.2 + 0.6 * target.values[a.predict, None] for a in plan.assignments],
    ...     prior=[np.array([0.5])] * 2,
    ...     epochs=[3, 3],
    ...     updates=[9, 9],
    ...     seconds=[0.1, 0.1],
    ...     words={},
    ...     documents=np.arange(1, 21, dtype=np.uint64),
    ... )
    >>> report = CrossFitReport([record], plan, target).verify()
    >>> report.scores["score"].tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        columns: list[ColumnRecord],
        plan: FoldPlan,
        target: Target,
        *,
        scoring: str | Sequence[str] | None = None,
        notes: Sequence[str] = (),
        encoder=None,
        fingerprint: Fingerprint | None = None,
        verification: Verification | None = None,
        predict_again: Callable | None = None,
    ):
        self.columns = list(columns)
        self.plan = plan
        self.target = target
        self._encoder = encoder
        self._fingerprint = fingerprint
        self._predict_again = predict_again
        self._of_fit = verification
        self.verification = None
        if verification is not None:
            self.verification = self._completed([NO_LEARNT_ROW, *verification.checked], None)
        self._tables = ReportTables(
            self.columns, plan, Scoring(target, scoring, plan.sample_weight)
        )
        self.metrics = self._tables.scoring.metrics
        self.notes = [*plan.notes, *notes]
        for record in self.columns:
            check_record(record, plan, target)

    def with_scoring(self, scoring: str | Sequence[str] | None) -> CrossFitReport:
        """Return this report with other scores.

        Parameters
        ----------
        scoring : None, str or sequence of str
            Names of scikit-learn's scorers; None chooses by the kind of target.

        Returns
        -------
        CrossFitReport

        Raises
        ------
        ValueError
            If a scorer is unknown or does not go with the target.
        """
        return CrossFitReport(
            self.columns,
            self.plan,
            self.target,
            scoring=scoring,
            notes=self.notes[len(self.plan.notes) :],
            encoder=self._encoder,
            fingerprint=self._fingerprint,
            verification=self._of_fit,
            predict_again=self._predict_again,
        )

    @property
    def verified(self) -> bool:
        """Whether the end of the fit, or the last :meth:`verify`, found no leak."""
        return self.verification is not None

    @property
    def can_predict_again(self) -> bool:
        """Whether the fold models are kept, so that ``verify(X=X)`` can use them."""
        return self._predict_again is not None and not self.serves_refit

    def __repr__(self) -> str:
        """Show the columns and the size."""
        names = listed([record.name for record in self.columns])
        return f"<CrossFitReport of {names}: {self.plan.n_models} models, {self.plan.n_rows} rows>"

    def __str__(self) -> str:
        """Show the report as text."""
        return report_display.as_text(self)

    def _repr_html_(self) -> str:
        return report_display.as_html(self)

    @property
    def serves_refit(self) -> bool:
        """Whether a model refitted on all rows is used for new rows."""
        return ensemble_of(self._encoder, self.plan) == "refit"

    @property
    def membership(self) -> pd.DataFrame:
        """Which model predicted each row, and how many rows that model was trained on.

        One line per column, row and model, from the recorded rows; a row that no model predicted
        has one line with a missing ``model``. ``n_learn`` and ``n_stop`` are the numbers of
        distinct training and validation rows.
        """
        return self._tables.membership()

    @property
    def scores(self) -> pd.DataFrame:
        """One line per column, model and metric.

        ``score``, the score of the base rate (``prior``), the number of scored rows (``n_rows``),
        of training and validation rows (``n_learn``, ``n_stop``), ``epochs``, ``updates``,
        ``seconds``, and ``why_nan``: the reason for a missing score, for example a single class.
        """
        return pd.DataFrame(self._tables.scores)

    @property
    def summary(self) -> pd.DataFrame:
        """One line per column and metric: mean and spread (standard deviation) over folds.

        ``lift`` is the mean difference from the score of the base rate (``prior``), ``n_folds`` the
        number of folds with a score. Counts of words are further columns.
        """
        return pd.DataFrame(self._tables.summary)

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`summary`."""
        return self.summary

    @property
    def duplicates(self) -> pd.DataFrame:
        """Rows whose text or image also occurs in the training rows of the model that predicted it.

        Texts that differ only in case and spaces are counted as the same; other near-copies, such
        as a text with one more word, are not.

        One line per column and metric: ``share`` of the predictions (empty cells do not count),
        their number (``n_duplicates``), the mean score of all rows over the folds that have both
        scores, and the mean ``score_without`` them. If the second is clearly lower, the model
        memorises repeated documents; use ``groups="documents"`` for a score on new documents.
        """
        return pd.DataFrame(self._tables.duplicates)

    def verify(self, features=None, *, X=None) -> CrossFitReport:
        """Check the records of the fit, and a matrix in your hands; return the report.

        The end of a fit does this with its own features, so a fitted encoder's report is verified.
        Inputs are not kept. So without arguments only the records are checked again: no row was
        predicted by a model that was trained on it, on a row of its group, or (in time order) on a
        row that is not earlier; no row without a target or weight was used for training; each
        model predicted exactly its held-out rows; and nothing in the records was changed after the
        fit. The row numbers were recorded during training, validation and prediction, not copied
        from the plan.

        Parameters
        ----------
        features : array or DataFrame of shape (n_rows, n_features), optional
            The matrix that you train the next model on. Each row must be what ``fit_transform``
            returned for it, as float32: features of ``fit(X, y).transform(X)``, in-sample values
            and swapped rows are errors.
        X : list, array, Series or DataFrame of n_rows rows, optional
            The rows of the fit. The recorded models predict 90 of them again (one per model at
            least), and must return the recorded predictions, and `features` if passed.

        Returns
        -------
        CrossFitReport
            Itself; ``verification`` lists what was checked and what was not. Groups, time and
            weights are assumed to be right: a wrong group column cannot be detected. Nothing here
            is secure against someone who forges models, records and fingerprint together.

        Raises
        ------
        LeakError
            A ValueError naming the column, the model and the rows.
        ValueError
            If `features` or `X` has another number of rows or columns, X has other rows, or the
            models are not kept (``ensemble="refit"``).
        """
        self.verification = None
        for record in self.columns:
            verify_fed(record.name, record.fed, self.plan)
        checked, known = [NO_LEARNT_ROW], self._fingerprint
        if known is not None and known.records:
            checked.append(check_records(known, self.columns, self.plan))
        if features is not None:
            if known is None and X is None:
                raise ValueError(
                    "This fit has no fingerprint of the features that it returned: it was saved by "
                    "an earlier version. Expected: verify(features, X=X) with the rows of the fit."
                )
            if known is not None:
                checked.append(check_returned(known, features))
        if X is not None:
            if self._predict_again is None:
                raise ValueError(
                    "This report has no encoder to predict again. Received: X. Expected: the "
                    "report_ of a fitted encoder, or verify() without X."
                )
            checked += self._predict_again(X, None if features is None else as_matrix(features))
        elif self._of_fit is not None:
            checked += [f"at the end of the fit, {line}" for line in self._of_fit.checked]
        self.verification = self._completed(checked, features)
        return self

    def _completed(self, checked: list[str], features) -> Verification:
        """Return what was checked, with what was not."""
        known = self._fingerprint is not None
        not_checked = [] if self._of_fit is None else list(self._of_fit.not_checked)
        not_checked += unchecked(has_fingerprint=known, has_matrix=features is not None)
        return Verification(checked, not_checked)

    def gap(
        self,
        X,
        y,
        *,
        groups=None,
        sample_weight=None,
        time=None,
        share: float = 0.1,
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Compare out-of-fold features with features of new rows; needs another cross-fit.

        Parameters
        ----------
        X, y
            The rows that the encoder was fitted on, in the same order.
        groups, sample_weight, time : array-like of shape (n_rows,), optional
            By default those of the fit.
        share : float, default=0.1
            Share of rows to reserve: by group, or the latest rows with time.
        random_state : int, default=0

        Returns
        -------
        DataFrame
            See :func:`~textcnn.crossfit.gap.distribution_gap`; when printed, a line explains what
            it means for ``ensemble`` (``attrs["reading"]``).

        Raises
        ------
        ValueError
            If the number of rows differs from fit, or there are too few rows.
        """
        if self._encoder is None:
            raise ValueError(
                "This report has no encoder. Received: encoder=None. Call "
                "textcnn.crossfit.gap.distribution_gap(encoder, X, y)."
            )
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows != self.plan.n_rows:
            raise ValueError(
                f"Expected the {self.plan.n_rows} rows that the encoder was fitted on. "
                f"Received: {n_rows} rows. For other rows call "
                "textcnn.crossfit.gap.distribution_gap(encoder, X, y)."
            )
        beside = {
            name: getattr(self.plan, name) if given is None else given
            for name, given in (
                ("groups", groups),
                ("sample_weight", sample_weight),
                ("time", time),
            )
        }
        return distribution_gap(
            self._encoder, X, y, **beside, share=share, random_state=random_state
        )

    def to_dict(self) -> dict:
        """Return the report as lists, dicts, numbers and strings for JSON; NaN becomes None."""
        plan = self.plan
        return {
            "n_rows": plan.n_rows,
            "n_models": plan.n_models,
            "target": self.target.kind,
            "metrics": list(self.metrics),
            "n_groups": None if plan.groups is None else len(np.unique(plan.groups)),
            "time_ordered": bool(plan.ordered),
            "weighted": plan.sample_weight is not None,
            "serves_refit": self.serves_refit,
            "verified": self.verified,
            "checked": self.verification.checked if self.verified else [],
            "not_checked": self.verification.not_checked if self.verified else [],
            "n_uncovered": len(plan.uncovered),
            "notes": list(self.notes),
            "summary": json_safe(self._tables.summary),
            "scores": json_safe(self._tables.scores),
            "duplicates": json_safe(self._tables.duplicates),
            "words": {record.name: json_safe(record.words) for record in self.columns},
        }

    def plot(self, ax=None):
        """Draw the folds as coloured rows, and the scores with their spread.

        Rows are in time order, if there is one, otherwise sorted by the model that predicts them
        and by group; of long tables every n-th row is drawn. Needs matplotlib
        (``pip install 'textcnn[plot]'``).

        Parameters
        ----------
        ax : pair of matplotlib Axes, optional
            Axes for folds and scores.

        Returns
        -------
        ndarray of two matplotlib Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return report_display.plot(self, ax)
