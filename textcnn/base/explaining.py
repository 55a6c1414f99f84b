"""Methods that say why: a class of text columns takes them as ``explain = explain``."""

from __future__ import annotations

from numbers import Integral

from sklearn.utils.validation import check_is_fitted

from textcnn.explain import linear, networks
from textcnn.text.linear import LinearModels


def explain(self, X):
    """Say which n-grams move the outputs of some texts, by how much and in which direction.

    What is explained is what ``transform`` gives new rows with ``output="logit"``: the mean
    over the models that serve them. (Of a plain predictor it is the prediction, before
    probabilities are made of it.) Contributions are counted from a text without words, and are
    exact for the default network, whatever its pooling, activation and dense layers, and for
    linear models: with ``base`` they add up to the output. Other networks (``"bigru"``, several
    blocks, your own) are explained word by word, by mean slopes along the way from vectors of
    zero, which add up to a few per cent.

    Contributions are no probabilities, and they say what the models do, not why the world is
    so. Rows that the models learnt from are explained by models that know their targets.

    Cost: milliseconds per row and model of the default network; other networks are run and
    differentiated 16 times per output.

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
    """Return the n-grams that speak most for and against each output.

    Parameters
    ----------
    X : list of str, Series, DataFrame or array, optional
        Texts in which n-grams are looked for, a few hundred say. An n-gram's ``contribution``
        is then its mean over the rows that it stands in, and ``total`` the sum over all rows,
        by which n-grams are chosen. None takes each word that the estimator knows as a text of
        its own; a linear encoder keeps hashes instead of words and needs texts.
    n : int, default=10
        How many n-grams for, and how many against.

    Returns
    -------
    DataFrame
        One line per column, output and n-gram: ``column``, ``output``, ``ngram``,
        ``contribution``, and with texts ``kind`` (of words or of characters), ``total`` and
        ``n_rows``, the rows that hold it. Of linear models also ``weight``, the mean of their
        coefficients, by which n-grams are chosen. Those for an output come first, strongest
        first; then those against it, strongest last.
    """
    check_is_fitted(self)
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n must be a whole number from 1 on. Received: n={n!r}.")
    is_linear = _is_linear(self)
    if X is None and is_linear:
        raise ValueError(
            "This encoder keeps n-grams as hashes, so it cannot name them by itself. Expected: "
            "texts in which they are looked for, top_ngrams(X). Received: X=None."
        )
    if X is None:
        return networks.strongest(networks.words_of(_parts(self), self._head), n)
    frame = networks.mean_ngrams(_explanation(self, X))
    if not is_linear:
        return networks.strongest(frame, n, by="total")
    weights = linear.weights_of(_parts(self, X), self._head)
    frame = frame.merge(weights, on=["column", "output", "ngram", "kind"])
    return networks.strongest(frame, n, by="weight")


def _explanation(estimator, X):
    """Explain rows by all models that new rows go to."""
    parts = _parts(estimator, X)
    if _is_linear(estimator):
        return linear.explain_linear(parts, estimator._head)
    with_level = not hasattr(estimator, "transform")
    return networks.explain_parts(parts, estimator._head, with_level=with_level)


def _is_linear(estimator) -> bool:
    return isinstance(estimator._model_sets[0][0], LinearModels)


def _parts(estimator, X=None) -> list[networks.Part]:
    """Return the models that read the same columns; a predictor has one network for all."""
    columns = None if X is None else estimator._read_columns(estimator, X, reset=False)
    head = estimator._head
    if not hasattr(estimator, "transform"):
        [models] = estimator._model_sets
        return [networks.Part(models, networks.output_names(head), columns)]
    suffixes = head.column_suffixes()
    return [
        networks.Part(
            models,
            tuple(f"{name}{suffix}" for suffix in suffixes),
            None if columns is None else [columns[number]],
        )
        for number, (name, models) in enumerate(
            zip(estimator._set_names(None), estimator._model_sets, strict=True)
        )
    ]
