"""Methods that explain outputs: a class of text columns has them by ``explain = explain``."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from textcnn.explain import linear, networks
from textcnn.explain.explanations import TextExplanation
from textcnn.text.linear import LinearModels


def explain(self, X):
    """Return the contribution of each n-gram to the outputs of some texts.

    The output explained is that of ``transform`` for new rows with ``output="logit"``: the mean
    over the models that are used for new rows. (For a classifier or regressor it is the
    prediction before it is converted to probabilities.) Contributions are relative to a text
    without words. They are exact for the default network, with any pooling, activation and dense
    layers, and for linear models: their sum with ``base`` is the output. Other networks
    (``"bigru"``, several blocks, a callable) are explained word by word by integrated gradients
    from vectors of zero, whose sum is the output within a few per cent.

    The probability and label of a classifier, or the feature of an encoder, are printed beside the
    output, and rows keep the index of a frame. Contributions are not probabilities, and they
    describe the models, not causes. Training rows are explained by models that were trained on
    their targets.

    Cost: milliseconds per row and model of the default network; other networks compute 16
    gradients per output.

    Parameters
    ----------
    X : list of str, Series, DataFrame or array
        The same columns as at fit.

    Returns
    -------
    TextExplanation
        Data by ``to_frame()``, text by ``print``, coloured words in a notebook.
    """
    check_is_fitted(self)
    return _explanation(self, X)


def top_ngrams(self, X=None, *, n=10):
    """Return the n-grams that most support and most oppose each output.

    Parameters
    ----------
    X : list of str, Series, DataFrame or array, optional
        Texts in which to look for n-grams, for example a few hundred. The ``contribution`` of
        an n-gram is then its mean over the rows that contain it, and ``total`` its sum over all
        rows, by which n-grams are selected. With None, each word of the vocabulary is one text;
        a linear encoder keeps hashes instead of words and needs texts.
    n : int, default=10
        Number of n-grams that support an output, and of those that oppose it.

    Returns
    -------
    DataFrame
        One line per column, output and n-gram: ``column``, ``output``, ``ngram``,
        ``contribution``, and with texts ``kind`` (of words or of characters), ``total`` and
        ``n_rows``, the number of rows that contain it. For linear models also ``weight``, the
        mean of their coefficients, by which n-grams are selected. N-grams that support an
        output come first, strongest first; then those that oppose it, strongest last.
    """
    check_is_fitted(self)
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n must be an integer of at least 1. Received: n={n!r}.")
    is_linear = _is_linear(self)
    if X is None and is_linear:
        raise ValueError(
            "This encoder keeps hashes of n-grams, so it cannot list n-grams without texts. "
            "Expected: texts in which to look for them, top_ngrams(X). Received: X=None."
        )
    if X is None:
        words = networks.words_of(_parts(self), self._head, with_level=_has_level(self))
        return networks.strongest(words, n)
    frame = networks.mean_ngrams(_explanation(self, X))
    if not is_linear:
        return networks.strongest(frame, n, by="total")
    weights = linear.weights_of(_parts(self, X), self._head)
    frame = frame.merge(weights, on=["column", "output", "ngram", "kind"])
    return networks.strongest(frame, n, by="weight")


def _explanation(estimator, X):
    """Explain rows by all models that are used for new rows."""
    parts = _parts(estimator, X)
    if _is_linear(estimator):
        explanation = linear.explain_linear(parts, estimator._head)
    else:
        with_level = _has_level(estimator)
        explanation = networks.explain_parts(parts, estimator._head, with_level=with_level)
    return _with_predictions(explanation, estimator, parts, X)


def _with_predictions(explanation, estimator, parts, X) -> TextExplanation:
    """Return the explanation with what the estimator returns for the rows, and their labels."""
    labels = None
    if hasattr(estimator, "predict_proba"):
        kind, found = "probability", np.asarray(estimator.predict_proba(X))
        labels = estimator.predict(X)
        found = found[:, 1:] if estimator._head.kind == "binary" else found
    elif hasattr(estimator, "predict"):
        kind, found = "prediction", np.asarray(estimator.predict(X))
    else:
        kind = "feature"
        found = np.hstack(
            [estimator._mean_features(part.networks, part.columns[0]) for part in parts]
        )
    found = found.reshape(len(found), -1).astype(np.float64)
    outputs = [name for part in parts for name in part.outputs]
    place = {name: number for number, name in enumerate(outputs)}
    rows = [
        replace(
            row,
            predictions=found[row.row, [place[name] for name in row.outputs]],
            label=None if labels is None else _plain_value(labels[row.row]),
        )
        for row in explanation.rows
    ]
    index = X.index if isinstance(X, pd.DataFrame | pd.Series) else None
    return TextExplanation(
        rows, units=explanation.units, method=explanation.method, index=index, predicts=kind
    )


def _plain_value(label):
    """Return a predicted class as a Python value, and several labels as a list."""
    return label.tolist() if isinstance(label, np.ndarray | np.generic) else label


def _has_level(estimator) -> bool:
    """Return whether outputs include the level, as those of predictors do and features do not."""
    return not hasattr(estimator, "transform")


def _is_linear(estimator) -> bool:
    return isinstance(estimator._model_sets[0][0], LinearModels)


def _parts(estimator, X=None) -> list[networks.Part]:
    """Return the models that read the same columns; a predictor has one network for all columns."""
    columns = None if X is None else estimator._read_columns(estimator, X, reset=False)
    head = estimator._head
    if _has_level(estimator):
        [models] = estimator._model_sets
        return [networks.Part(models, networks.output_names(head), columns)]
    names = estimator.get_feature_names_out().tolist()
    n_outputs = len(head.column_suffixes())
    return [
        networks.Part(
            models,
            tuple(names[number * n_outputs : (number + 1) * n_outputs]),
            None if columns is None else [columns[number]],
        )
        for number, models in enumerate(estimator._model_sets)
    ]
