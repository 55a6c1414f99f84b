"""One call that verifies the features of a fit and tests an encoder on shuffled targets."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn.base import clone

from textcnn.crossfit.fingerprints import Verification
from textcnn.crossfit.leakage import LeakageResult, fit_params_of, leakage_test
from textcnn.crossfit.verification import LeakError


@dataclass
class AuditResult:
    """Result of :func:`audit`.

    Attributes
    ----------
    leaks : bool
        Whether verification failed or the leakage test found a leak.
    verification : Verification or None
        What was checked of the features of a fit on all rows, and what was not; None if the
        encoder has no report.
    error : LeakError or None
        The failure of the verification.
    leakage : LeakageResult
        Result of the test on shuffled targets.
    """

    leaks: bool
    verification: Verification | None
    error: LeakError | None
    leakage: LeakageResult

    def __str__(self) -> str:
        """Return both parts as text."""
        if self.error is not None:
            verified = f"LEAK: {self.error}"
        elif self.verification is None:
            verified = "not checked: this transformer has no report_ to verify"
        else:
            verified = str(self.verification)
        return (
            f"{'LEAK' if self.leaks else 'No leak found'}\n\n"
            f"Features of a fit on all rows\n{verified}\n\n"
            f"Shuffled targets\n{self.leakage}"
        )


def audit(
    encoder,
    X,
    y,
    *,
    groups=None,
    fit_params: dict | None = None,
    n_repeats: int = 20,
    random_state: int = 0,
    target_type: str = "auto",
) -> AuditResult:
    """Verify the features of a fit, and test the encoder on shuffled targets.

    Two checks with one report. First, a clone of the encoder is fitted on all rows, and the matrix
    that its ``fit_transform`` returned is passed to ``report_.verify``
    (:meth:`CrossFitReport.verify`): each feature must come from a recorded model that was not
    trained on its row. Second, :func:`leakage_test` fits clones on shuffled targets, and checks
    whether their features reveal them. The first is exact but trusts the records; the second
    trusts nothing but sees only leaks larger than its ranges.

    Cost: ``n_repeats`` + 1 fits.

    Parameters
    ----------
    encoder : transformer
        Any with ``fit_transform`` and ``transform``. Without a ``report_`` that has ``verify``,
        only the second check is made. It is cloned and never fitted itself.
    X : array, DataFrame or list, of n_rows rows
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
    groups : array-like of shape (n_rows,), default=None
        As for :func:`leakage_test`.
    fit_params : dict, default=None
        More arguments of ``fit_transform``.
    n_repeats : int, default=20
        Number of fits on shuffled targets.
    random_state : int, default=0
        Seed of the shuffles.
    target_type : str, default="auto"
        Type of y.

    Returns
    -------
    AuditResult
        ``leaks`` is the result; print it for what was checked and what was not.

    Raises
    ------
    ValueError, TypeError
        As :func:`leakage_test`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from textcnn import OutOfFoldEncoder, audit
    >>> random = np.random.default_rng(0)
    >>> X, y = random.normal(size=(200, 5)), random.integers(0, 2, 200)
    >>> encoder = OutOfFoldEncoder(LogisticRegression(), random_state=0)
    >>> result = audit(encoder, X, y, n_repeats=5)
    >>> result.leaks, result.verification.checked[-1]
    (False, 'stacked: 90 rows were predicted again by 5 recorded models')
    """
    leakage = leakage_test(
        encoder,
        X,
        y,
        groups=groups,
        fit_params=fit_params,
        n_repeats=n_repeats,
        random_state=random_state,
        target_type=target_type,
    )
    verification, error = None, None
    fitted = clone(encoder)
    params = fit_params_of(encoder, groups, fit_params)
    try:
        features = fitted.fit_transform(X, y, **params)
        report = getattr(fitted, "report_", None)
        if hasattr(report, "verify"):
            verification = _verified(report, features, X)
    except LeakError as failure:
        error = failure
    return AuditResult(leakage.leaks or error is not None, verification, error, leakage)


def _verified(report, features, X) -> Verification:
    """Verify a report with the matrix, and with X where fold models are there to read it."""
    if getattr(report, "can_predict_again", False):
        return report.verify(features, X=X).verification
    return report.verify(features).verification
