"""LightAutoML: out-of-fold text features on the host's own folds."""

from __future__ import annotations

import numpy as np

from textcnn.integrations.adapter import HostFeatures

try:
    from lightautoml.pipelines.features.base import FeaturesPipeline
    from lightautoml.transformers.base import LAMLTransformer
except ImportError as error:
    FeaturesPipeline = LAMLTransformer = object
    _missing_host: ImportError | None = error
else:
    _missing_host = None

_TARGET_TYPES = {
    "binary": "binary",
    "multiclass": "multiclass",
    "multilabel": "multilabel",
    "reg": "continuous",
    "multi:reg": "multioutput",
}


class TextCNNTransformer(LAMLTransformer):
    """Turn the columns of a LightAutoML data set into out-of-fold predictions, on its own folds.

    Training rows are predicted by the model of the other folds, new rows by the mean of all models.
    If the data set has no folds (hold-out validation), ``cv`` of the encoder is used, and rows with
    identical text stay in the same fold.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer, default="cnn"
        ``TextCNNEncoder``, ``TextLinearEncoder``, or any transformer whose ``fit_transform``
        returns out-of-fold features and that has the parameter ``cv``.
    encoder_params : dict, optional
        Parameters to set on the encoder: ``{"n_filters": 50}``.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder, with its ``report_``.
    features : list of str
        ``review_cnn__review``: the feature and its column.

    Raises
    ------
    ImportError
        If LightAutoML is not installed.
    """

    _fit_checks = ()
    _transform_checks = ()
    _fname_prefix = None

    def __init__(self, encoder="cnn", encoder_params=None):
        _require_host(type(self).__name__)
        super().__init__()
        self._host = HostFeatures(encoder, encoder_params)

    def fit(self, dataset):
        """Fit for new rows; for training rows use :meth:`fit_transform`.

        Parameters
        ----------
        dataset : PandasDataset or NumpyDataset
            Text columns, with ``target``, ``task`` and ``folds``.

        Returns
        -------
        TextCNNTransformer
            The fitted transformer.
        """
        self.fit_transform(dataset)
        return self

    def fit_transform(self, dataset):
        """Fit, and return the out-of-fold features of the training rows.

        Parameters
        ----------
        dataset : PandasDataset or NumpyDataset
            Text columns, with ``target``, ``task`` and ``folds``.

        Returns
        -------
        NumpyDataset
            float32 features of shape (n_rows, n_features).
        """
        task = dataset.task.name
        if task not in _TARGET_TYPES:
            raise ValueError(
                f"The task must be one of {', '.join(_TARGET_TYPES)}. Received: {task!r}."
            )
        dataset = dataset.to_pandas()
        folds = dataset.folds
        features = self._host.fit_transform(
            dataset.data,
            dataset.target,
            target_type=_TARGET_TYPES[task],
            folds=None if folds is None else np.asarray(folds),
        )
        self.encoder_ = self._host.encoder_
        self.features = [
            f"{name}__{_column_of(name, dataset.features)}" for name in features.columns
        ]
        return self._output(dataset, features)

    def transform(self, dataset):
        """Return the features of new rows.

        Parameters
        ----------
        dataset : PandasDataset or NumpyDataset
            The same text columns.

        Returns
        -------
        NumpyDataset
            float32 features of shape (n_rows, n_features).

        Warns
        -----
        InSampleWarning
            If the rows are those that the encoder was fitted on.
        """
        dataset = dataset.to_pandas()
        return self._output(dataset, self._host.transform(dataset.data))

    def _output(self, dataset, features):
        """Return features as a LightAutoML data set."""
        from lightautoml.dataset.roles import NumericRole

        output = dataset.empty().to_numpy()
        is_probability = output.task is not None and output.task.name in ("binary", "multiclass")
        output.set_data(
            features.to_numpy(), self.features, NumericRole(np.float32, prob=is_probability)
        )
        return output


class TextCNNFeatures(FeaturesPipeline):
    """A features pipeline of LightAutoML: text columns become out-of-fold features.

    Parameters
    ----------
    encoder : {"cnn", "linear"} or transformer, default="cnn"
        As for :class:`TextCNNTransformer`.
    encoder_params : dict, optional
        As for :class:`TextCNNTransformer`.
    others : FeaturesPipeline, optional
        Pipeline for the columns that are not text, such as ``LGBSimpleFeatures()``. None drops
        these columns.
    """

    def __init__(self, encoder="cnn", encoder_params=None, *, others=None):
        _require_host(type(self).__name__)
        super().__init__()
        self._encoder, self._encoder_params = encoder, encoder_params
        self._others = others

    def create_pipeline(self, train):
        """Return the transformer for a table, by the roles of its columns.

        Parameters
        ----------
        train : PandasDataset
            Columns with the role Text become out-of-fold features.

        Returns
        -------
        UnionTransformer
        """
        from lightautoml.pipelines.utils import get_columns_by_role
        from lightautoml.transformers.base import (
            ColumnsSelector,
            SequentialTransformer,
            UnionTransformer,
        )

        parts = []
        texts = get_columns_by_role(train, "Text")
        if texts:
            ours = TextCNNTransformer(self._encoder, self._encoder_params)
            parts.append(SequentialTransformer([ColumnsSelector(keys=texts), ours]))
        if self._others is not None:
            parts.append(self._others.create_pipeline(train))
        return UnionTransformer(parts)


def _column_of(feature: str, columns) -> str:
    """Return the input column of a feature, by its name."""
    found = [column for column in columns if feature.startswith(f"{column}_")]
    if not found:
        raise ValueError(
            "LightAutoML maps features to columns by name, so a feature name must begin with its "
            f"column name. Received: feature {feature!r}, columns {list(columns)}."
        )
    return max(found, key=len)


def _require_host(name: str) -> None:
    """Raise an error that says how to install LightAutoML."""
    if _missing_host is not None:
        raise ImportError(
            f"{name} needs LightAutoML, which is not installed. Type: pip install lightautoml"
        ) from _missing_host
