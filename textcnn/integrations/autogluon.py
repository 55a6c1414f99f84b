"""AutoGluon: a feature generator for out-of-fold text features, for all models or for each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from textcnn.integrations.adapter import HostFeatures, hide_targets

try:
    from autogluon.features.generators import AbstractFeatureGenerator
except ImportError as error:
    AbstractFeatureGenerator = object
    _missing_host: ImportError | None = error
else:
    _missing_host = None

_TARGET_TYPES = {
    "binary": "binary",
    "multiclass": "multiclass",
    "regression": "continuous",
    "quantile": "continuous",
}


class TextCNNFeatureGenerator(AbstractFeatureGenerator):
    """Turn AutoGluon's text columns into out-of-fold predictions of networks or linear models.

    Use it for all models at once as a custom generator of the feature pipeline, or for each model,
    inside each bagging fold, in the model's hyperparameters. The second way never uses the labels
    of a model's validation rows; the first way uses them, like every feature that is made before
    the split (docs/hosts.md shows both, and the difference).

    .. warning::
        Never pass AutoGluon a pipeline that is already fitted: it then only transforms the training
        rows, whose features come from models trained on them (``InSampleWarning``).

    Rows without a label get features but are not used for training. Rows with identical text stay
    in the same fold, because AutoGluon duplicates rows of rare classes before it makes features.
    Models of a process share fits on the same data.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer, default="cnn"
        ``TextCNNEncoder``, ``TextLinearEncoder``, or any transformer whose ``fit_transform``
        returns out-of-fold features.
    encoder_params : dict, optional
        Parameters to set on the encoder: ``{"n_filters": 50}``.
    groups_column : str, optional
        Column of the table with groups, whose rows stay in the same fold. AutoGluon removes the
        column of ``TabularPredictor(groups=)``, so use a copy with another name.
    n_tuning_rows : int, default=0
        Number of rows of ``tuning_data``. AutoGluon appends them to the training rows, with
        labels; the labels of the last ``n_tuning_rows`` labelled rows are then ignored.
    time_share : float or None, default=0.9
        Largest share of the time limit for features, estimated by trial fits on a few rows; None
        for no limit. AutoGluon 1.6 passes a limit to its generators only with
        ``fit(time_limit_preprocessing=)``, and never to generators of a single model.
    **kwargs
        Parameters of all feature generators of AutoGluon: ``features_in``, ``name_prefix`` etc.
        AutoGluon's ``random_state`` is ignored: set it in ``encoder_params`` (default 0).

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder, with its ``report_``. None without a text column.

    Raises
    ------
    ImportError
        If AutoGluon is not installed.

    Notes
    -----
    Used for each model, it needs the raw text: set ``enable_raw_text_features=True`` in
    ``AutoMLPipelineFeatureGenerator``, and use these hyperparameters of the model::

        "ag.model_specific_feature_generator_kwargs": {
            "feature_generators": [
                [["textcnn.integrations.autogluon:TextCNNFeatureGenerator", {}]]
            ],
            "passthrough_types": {"invalid_raw_types": ["object"]},
        },
        "ag.get_features_kwargs": {},

    With one pair of brackets less, AutoGluon drops all other columns from the model.
    ``"ag.prep_params"`` is silently ignored by LightGBM, which drops raw text before it makes
    features.
    """

    def __init__(
        self,
        encoder="cnn",
        encoder_params=None,
        *,
        groups_column=None,
        n_tuning_rows=0,
        time_share=0.9,
        **kwargs,
    ):
        if _missing_host is not None:
            raise ImportError(
                "TextCNNFeatureGenerator needs AutoGluon, which is not installed. "
                "Type: pip install autogluon.tabular"
            ) from _missing_host
        if isinstance(n_tuning_rows, bool) or not isinstance(n_tuning_rows, int | np.integer):
            raise TypeError(
                "n_tuning_rows must be an integer, len(tuning_data). "
                f"Received: n_tuning_rows={n_tuning_rows!r}."
            )
        if n_tuning_rows < 0:
            raise ValueError(
                f"n_tuning_rows must be at least 0. Received: n_tuning_rows={n_tuning_rows!r}."
            )
        super().__init__(**kwargs)
        self._host = HostFeatures(encoder, encoder_params, time_share=time_share)
        self.groups_column = groups_column
        self.n_tuning_rows = int(n_tuning_rows)
        self.encoder_ = None

    def _infer_features_in(self, X) -> list:
        """Return the text columns and the group column."""
        features = super()._infer_features_in(X)
        if self.groups_column is None or self.groups_column in features:
            return features
        return [*features, self.groups_column]

    def _fit_transform(self, X, y, *, problem_type=None, time_limit=None, **kwargs):
        """Return out-of-fold features, without special types."""
        groups = None
        if self.groups_column is not None:
            if self.groups_column not in X.columns:
                raise ValueError(
                    "groups_column must be a column of the table when features are made; AutoGluon "
                    "removes the column of TabularPredictor(groups=), so use a copy of it. "
                    f"Received: groups_column={self.groups_column!r}, columns {list(X.columns)}."
                )
            groups = X[self.groups_column].to_numpy()
            X = X.drop(columns=self.groups_column)
            self._remove_features_in([self.groups_column])  # new rows need no group
        if X.shape[1] == 0:
            return pd.DataFrame(index=X.index), {}
        problem_type = problem_type or self.target_type
        if problem_type not in (None, *_TARGET_TYPES):
            raise ValueError(
                f"The problem type must be one of {', '.join(_TARGET_TYPES)}. "
                f"Received: problem_type={problem_type!r}."
            )
        if self.n_tuning_rows:
            labelled = np.flatnonzero(pd.Series(y).notna())
            y = hide_targets(y, labelled[-self.n_tuning_rows :])
        features = self._host.fit_transform(
            X,
            y,
            target_type=_TARGET_TYPES.get(problem_type, "auto"),
            groups=groups,
            time_limit=time_limit,
        )
        self.encoder_ = self._host.encoder_
        # Not AutoGluon's special type "stack": bagged models drop such columns of other packages.
        return features, {}

    def _transform(self, X):
        """Return the features of new rows."""
        return self._host.transform(X) if self.features_in else pd.DataFrame(index=X.index)

    @staticmethod
    def get_default_infer_features_in_args() -> dict:
        """Return the types of text columns, as for AutoGluon's own n-grams."""
        from autogluon.common.features.types import S_IMAGE_BYTEARRAY, S_IMAGE_PATH, S_TEXT

        return {
            "required_special_types": [S_TEXT],
            "invalid_special_types": [S_IMAGE_PATH, S_IMAGE_BYTEARRAY],
        }
