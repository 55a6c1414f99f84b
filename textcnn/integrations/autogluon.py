"""AutoGluon: out-of-fold text features as a feature generator, for all models or for each."""

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

    For all models at once it is a custom generator of the table's pipeline; for each model, and
    there inside each bagging fold, it is named in the model's hyperparameters. The second never
    sees the labels of the rows that a model is validated on; the first sees them, as any feature
    that is made before the split (docs/hosts.md has both, and how much they differ).

    .. warning::
        Never hand AutoGluon a pipeline that is fitted already: it then only transforms the training
        rows, whose features come from models that saw their labels. ``InSampleWarning`` tells.

    Rows without a label get features and teach nothing. Rows of equal text are kept together,
    because AutoGluon copies rows of rare classes before it makes features. Fits on equal data are
    shared between models of a process.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer, default="cnn"
        ``TextCNNEncoder``, ``TextLinearEncoder``, or any transformer whose ``fit_transform``
        returns out-of-fold features.
    encoder_params : dict, optional
        Parameters to set on the encoder: ``{"n_filters": 50}``.
    groups_column : str, optional
        Column of the table whose equal values stay on one side of every fold. AutoGluon removes the
        column that ``TabularPredictor(groups=)`` names, so this needs a copy under another name.
    n_tuning_rows : int, default=0
        Number of rows of ``tuning_data``. AutoGluon appends them to the training rows, labels
        included; the last ``n_tuning_rows`` labelled rows are then taken as having no label.
    time_share : float or None, default=0.9
        Most of the time limit for features that these may take, as far as trial fits on a few rows
        can tell; None for no limit. AutoGluon 1.6 tells its generators of a limit only under
        ``fit(time_limit_preprocessing=)``, and a model tells its own generators of none.
    **kwargs
        What every feature generator of AutoGluon takes: ``features_in``, ``name_prefix`` and so on.
        AutoGluon's ``random_state`` is not used: set it in ``encoder_params``, where it is 0.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder; its ``report_`` is the receipt. None without a text column.

    Raises
    ------
    ImportError
        If AutoGluon is not installed.

    Notes
    -----
    For each model, raw text must reach it: ``AutoMLPipelineFeatureGenerator`` needs
    ``enable_raw_text_features=True``, and the model's hyperparameters are::

        "ag.model_specific_feature_generator_kwargs": {
            "feature_generators": [
                [["textcnn.integrations.autogluon:TextCNNFeatureGenerator", {}]]
            ],
            "passthrough_types": {"invalid_raw_types": ["object"]},
        },
        "ag.get_features_kwargs": {},

    With one pair of brackets less AutoGluon drops all other columns from the model.
    ``"ag.prep_params"`` on LightGBM is ignored without a word, because LightGBM drops raw text
    before it makes features.
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
                "n_tuning_rows must be a whole number, len(tuning_data). "
                f"Received: n_tuning_rows={n_tuning_rows!r}."
            )
        if n_tuning_rows < 0:
            raise ValueError(
                f"n_tuning_rows must be 0 or more. Received: n_tuning_rows={n_tuning_rows!r}."
            )
        super().__init__(**kwargs)
        self._host = HostFeatures(encoder, encoder_params, time_share=time_share)
        self.groups_column = groups_column
        self.n_tuning_rows = int(n_tuning_rows)
        self.encoder_ = None

    def _infer_features_in(self, X) -> list:
        """Return the text columns, and the column of groups."""
        features = super()._infer_features_in(X)
        if self.groups_column is None or self.groups_column in features:
            return features
        return [*features, self.groups_column]

    def _fit_transform(self, X, y, *, problem_type=None, time_limit=None, **kwargs):
        """Return out-of-fold features, and no special type of theirs."""
        groups = None
        if self.groups_column is not None:
            if self.groups_column not in X.columns:
                raise ValueError(
                    "groups_column must be a column of the table when features are made; AutoGluon "
                    "removes the column of TabularPredictor(groups=), so give it a copy. "
                    f"Received: groups_column={self.groups_column!r}, columns {list(X.columns)}."
                )
            groups = X[self.groups_column].to_numpy()
            X = X.drop(columns=self.groups_column)
            self._remove_features_in([self.groups_column])  # new rows need none
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
        # Not AutoGluon's special type "stack": bagged models drop such columns of other makers.
        return features, {}

    def _transform(self, X):
        """Return the features of new rows."""
        return self._host.transform(X) if self.features_in else pd.DataFrame(index=X.index)

    @staticmethod
    def get_default_infer_features_in_args() -> dict:
        """Return what a column must be to be text: what AutoGluon's own n-grams take."""
        from autogluon.common.features.types import S_IMAGE_BYTEARRAY, S_IMAGE_PATH, S_TEXT

        return {
            "required_special_types": [S_TEXT],
            "invalid_special_types": [S_IMAGE_PATH, S_IMAGE_BYTEARRAY],
        }
