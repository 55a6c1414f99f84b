"""Driverless AI: a custom recipe in one file; upload this file under Expert settings.

Driverless AI installs ``textcnn`` itself, so it needs access to a package index with ``textcnn``.
Imports are inside functions, as recipes require.
"""

from __future__ import annotations

import numpy as np

try:
    from h2oaicore.transformer_utils import CustomTransformer
except ImportError as error:
    CustomTransformer = object
    _missing_host: ImportError | None = error
else:
    _missing_host = None


class TextCNNRecipe(CustomTransformer):
    """Turn a text column into out-of-fold predictions of a network or of linear models.

    ``fit_transform`` returns out-of-fold features, ``transform`` the mean of the fold models.

    Parameters
    ----------
    encoder : {"cnn", "linear"}, default="cnn"
        ``TextCNNEncoder`` or ``TextLinearEncoder``; Driverless AI's evolution tries both.
    cv : int, default=5
        Number of folds.
    **kwargs
        Arguments that Driverless AI passes to every transformer.

    Raises
    ------
    ImportError
        Outside of Driverless AI.
    """

    _unsupervised = False
    _uses_target = True
    _regression = True
    _binary = True
    _multiclass = True
    _numeric_output = True
    _is_reproducible = True
    _parallel_task = True
    _can_use_gpu = False
    _mojo = False
    _testing_can_skip_failure = False
    _modules_needed_by_name = ["textcnn==0.1.0"]
    _display_name = "TextCNN"

    def __init__(self, encoder="cnn", cv=5, **kwargs):
        if _missing_host is not None:
            raise ImportError(
                "TextCNNRecipe needs Driverless AI, which is not installed here. Upload this file "
                "to Driverless AI as a custom recipe; elsewhere use textcnn.TextCNNEncoder."
            ) from _missing_host
        super().__init__(**kwargs)
        self.encoder = encoder
        self.cv = cv

    @staticmethod
    def is_enabled():
        """Enable the recipe."""
        return True

    @staticmethod
    def enabled_setting():
        """Keep the recipe enabled by default."""
        return "on"

    @staticmethod
    def do_acceptance_test():
        """Allow the acceptance test on small random tables."""
        return True

    @staticmethod
    def can_use(
        accuracy,
        interpretability,
        train_shape=None,
        test_shape=None,
        valid_shape=None,
        n_gpus=0,
        num_classes=None,
        **kwargs,
    ):
        """Return whether there are enough training rows."""
        return train_shape is None or train_shape[0] >= 100

    @staticmethod
    def get_default_properties():
        """Return the supported columns: one text column at a time."""
        return {"col_type": "text", "min_cols": 1, "max_cols": 1, "relative_importance": 1}

    @staticmethod
    def get_parameter_choices():
        """Return the choices for evolution; the first is the default."""
        return {"encoder": ["cnn", "linear"], "cv": [5]}

    def fit_transform(self, X, y=None):
        """Fit, and return the out-of-fold features of the training rows.

        Parameters
        ----------
        X : datatable.Frame of shape (n_rows, 1)
        y : array or datatable.Frame of shape (n_rows,)

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features)
        """
        from textcnn.integrations.adapter import HostFeatures

        labels = getattr(self, "labels", None)
        if hasattr(y, "to_numpy"):
            y = y.to_numpy()
        y = np.ravel(y)
        target_type = "continuous"
        if labels is not None:
            # The type must not depend on the classes in a sample of the rows.
            target_type = "binary" if len(labels) == 2 else "multiclass"
        self.features_ = HostFeatures(
            self.encoder, {"cv": self.cv, "n_jobs": getattr(self, "n_jobs", None)}
        )
        table = X.to_pandas()
        features = self.features_.fit_transform(table, y, target_type=target_type)
        self._output_feature_names = list(features.columns)
        self._feature_desc = [
            f"Out-of-fold prediction from the text of {table.columns[0]} ({self.encoder}): {name}"
            for name in features.columns
        ]
        return features.to_numpy()

    def transform(self, X):
        """Return the features of new rows, each independent of the others.

        Parameters
        ----------
        X : datatable.Frame of shape (n_rows, 1)

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features)
        """
        return self.features_.transform(X.to_pandas()).to_numpy()
