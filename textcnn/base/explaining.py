"""What every estimator of text has to say why: ``explain`` and ``top_ngrams``."""

from __future__ import annotations

from numbers import Integral


class ExplainsTexts:
    """An estimator whose predictions are sums over words and n-grams.

    It has ``_explain(X) -> TextExplanation`` and ``_words_alone() -> DataFrame``.
    """

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
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._explain(X)

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
        from sklearn.utils.validation import check_is_fitted

        from textcnn.explain.networks import mean_ngrams, strongest

        check_is_fitted(self)
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n must be a whole number from 1 on. Received: n={n!r}.")
        if X is None:
            return strongest(self._words_alone(), n)
        frame = mean_ngrams(self._explain(X))
        weights = self._ngram_weights(X)
        if weights is None:
            return strongest(frame, n, by="total")
        frame = frame.merge(weights, on=["column", "output", "ngram", "kind"])
        return strongest(frame, n, by="weight")

    def _ngram_weights(self, X):
        """Return the weight of each n-gram of a linear model; None where there are none."""
        return None
