"""Common code of all adapters: text columns and a target in, a DataFrame of features out."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import PredefinedSplit

from textcnn.crossfit.row_hashes import group_hashes, hash_table
from textcnn.integrations.budget import check_time_share, fit_in_time
from textcnn.integrations.reuse import KeptFits
from textcnn.text_cnn import TextCNNEncoder
from textcnn.text_linear import TextLinearEncoder

MEMBERS = {"cnn": TextCNNEncoder, "linear": TextLinearEncoder}
# Hosts may pass rare classes and small folds; a class missing in some fold gets no column.
_FOR_HOSTS = {"random_state": 0, "missing_class": "drop"}

_kept_fits = KeptFits(most=16)


class HostFeatures:
    """Out-of-fold features of text columns, independent of the host.

    Rows of a group stay in the same fold; without groups, rows with identical text do, because
    hosts duplicate rows of rare classes. A second fit with the same data and parameters, as hosts
    do for every model of a stack, reuses the features of the first, if ``random_state`` is a
    number. The process keeps its last sixteen fits.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer, default="cnn"
        ``TextCNNEncoder``, ``TextLinearEncoder``, or any transformer whose ``fit_transform``
        returns out-of-fold features; it is cloned. The two names use ``random_state=0`` and
        ``missing_class="drop"``.
    encoder_params : mapping of str, optional
        Parameters to set on the encoder: ``{"n_filters": 50}``.
    time_share : float or None, default=0.25
        Largest share of the host's time limit for the features, estimated by trial fits on a few
        rows; None for no limit. See :func:`~textcnn.integrations.budget.fit_in_time`.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder, with its ``report_``.

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn.integrations.adapter import HostFeatures
    >>> table = pd.DataFrame({"review": ["good a", "bad b", "very good", "so bad"] * 10})
    >>> table["review"] += [f" {number}" for number in range(40)]
    >>> features = HostFeatures("linear").fit_transform(table, [1, 0, 1, 0] * 10)
    >>> features.columns.tolist(), features.shape
    (['review_linear'], (40, 1))
    """

    def __init__(self, encoder="cnn", encoder_params=None, *, time_share=0.25):
        make_encoder(encoder, encoder_params)
        check_time_share(time_share)
        self.encoder = encoder
        self.encoder_params = encoder_params
        self.time_share = time_share

    def fit_transform(
        self, X, y, *, target_type="auto", groups=None, folds=None, time_limit=None
    ) -> pd.DataFrame:
        """Fit, and return the out-of-fold features of all rows.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            Text columns.
        y : array-like of shape (n_rows,)
            Targets. Rows with a missing target get features but are not used for training.
        target_type : str, default="auto"
            As for :class:`~textcnn.TextCNNEncoder`; ignored if the encoder sets its own.
        groups : array-like of shape (n_rows,), optional
            Rows of a group stay in the same fold; a missing value is a separate group.
        folds : array-like of int, shape (n_rows,), optional
            The host's own folds, which are used instead of the encoder's ``cv``.
        time_limit : float, optional
            Seconds that the host has left.

        Returns
        -------
        DataFrame of float32, shape (n_rows, n_features), with the index of X

        Raises
        ------
        ValueError
            If both groups and folds are given, or the encoder refuses the data.
        """
        if groups is not None and folds is not None:
            raise ValueError(
                "The folds of the host already determine which rows stay together. "
                "Received: groups and folds. Pass one of them."
            )
        y = readable_target(y)
        encoder = make_encoder(self.encoder, self.encoder_params)
        names = encoder.get_params(deep=False)
        if names.get("target_type") == "auto":
            encoder.set_params(target_type=target_type)
        fit_params = {}
        if folds is not None:
            encoder.set_params(cv=PredefinedSplit(np.asarray(folds, np.int64)))
        elif groups is not None or isinstance(names.get("cv"), Integral):
            groups = joint_rows(X, groups)
            fit_params = {} if groups is None else {"groups": groups}
        budget = None
        if time_limit is not None and self.time_share is not None:
            budget = self.time_share * time_limit
        key = None
        if isinstance(names.get("random_state"), int) and _is_told_by_parameters(encoder):
            rows = [list(X.columns), hash_table(X), y.to_numpy(object), groups, folds]
            key = joblib.hash([type(encoder).__qualname__, encoder.get_params(), rows])
        fit = _kept_fits.get(key, budget)
        if fit is None:
            fit = fit_in_time(encoder, X, y, budget, **fit_params)
            _kept_fits.put(key, fit)
        self.encoder_ = fit.encoder
        return self._frame(fit.features.copy(), X)

    def transform(self, X) -> pd.DataFrame:
        """Return the features of new rows.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            The same text columns as at fit.

        Returns
        -------
        DataFrame of float32, shape (n_rows, n_features), with the index of X

        Warns
        -----
        InSampleWarning
            If the rows are those that the encoder was fitted on.
        """
        if len(X) == 0:
            names = self.encoder_.get_feature_names_out()
            return self._frame(np.empty((0, len(names)), np.float32), X)
        return self._frame(self.encoder_.transform(X), X)

    def _frame(self, features, X) -> pd.DataFrame:
        """Return features with their names and the index of X."""
        names = [str(name) for name in self.encoder_.get_feature_names_out()]
        return pd.DataFrame(np.asarray(features, np.float32), index=X.index, columns=names)


def _is_told_by_parameters(encoder) -> bool:
    """Return whether equal parameters imply equal fits: not with functions, which may change."""
    return not any(callable(value) for value in encoder.get_params().values())


def make_encoder(encoder="cnn", encoder_params: Mapping | None = None):
    """Return an unfitted encoder: by its name, or a clone of the given one.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer
    encoder_params : mapping of str, optional
        Parameters to set.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If it is neither a name nor a transformer.
    """
    if isinstance(encoder, str):
        if encoder not in MEMBERS:
            raise ValueError(
                f"encoder must be one of {', '.join(map(repr, MEMBERS))}, or a transformer. "
                f"Received: encoder={encoder!r}."
            )
        made = MEMBERS[encoder](**_FOR_HOSTS)
    elif hasattr(encoder, "fit_transform") and hasattr(encoder, "get_params"):
        made = clone(encoder)
    else:
        raise TypeError(
            f"encoder must be one of {', '.join(map(repr, MEMBERS))}, or an object with "
            f"fit_transform and get_params. Received: encoder={encoder!r}."
        )
    return made.set_params(**dict(encoder_params or {}))


def readable_target(y) -> pd.Series | pd.DataFrame:
    """Return y as pandas; integers that became floats because of missing values are converted back.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_targets)

    Returns
    -------
    Series or DataFrame

    Raises
    ------
    ValueError
        If y is None.
    """
    if y is None:
        raise ValueError(
            "This adapter needs the target. Received: y=None. Expected: one target per row."
        )
    y = y if hasattr(y, "isna") else np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        return pd.DataFrame(y)
    y = y if isinstance(y, pd.Series) else pd.Series(np.ravel(y))
    if y.dtype.kind != "f" or not y.isna().any():
        return y
    present = y.dropna()
    return y.astype("Int64") if len(present) and (present == present.round()).all() else y


def hide_targets(y: pd.Series, rows) -> pd.Series:
    """Return a copy of y without the targets of some rows.

    Parameters
    ----------
    y : Series of shape (n_rows,)
    rows : array-like of int
        Row numbers.
    """
    hidden = np.zeros(len(y), bool)
    hidden[rows] = True
    y = pd.Series(y)
    if pd.api.types.is_integer_dtype(y.dtype):
        y = y.astype("Int64")
    elif not pd.api.types.is_numeric_dtype(y.dtype) or pd.api.types.is_bool_dtype(y.dtype):
        y = y.astype(object)
    return y.mask(hidden)


def joint_rows(X: pd.DataFrame, groups=None) -> np.ndarray | None:
    """Return a group number per row: the given groups, or identical texts; None if all differ.

    Parameters
    ----------
    X : DataFrame
        Text columns.
    groups : array-like of shape (n_rows,), optional
        A missing value is a separate group.
    """
    if groups is None:
        codes = group_hashes(hash_table(X))
        return None if len(np.unique(codes)) == len(codes) else codes
    codes, found = pd.factorize(pd.Series(np.asarray(groups)))
    missing = np.flatnonzero(codes < 0)
    codes[missing] = len(found) + np.arange(len(missing))
    return codes
