"""What members share that read one column of text and do not use y."""

from __future__ import annotations

from sklearn.base import BaseEstimator, TransformerMixin

from textcnn.text.columns import takes_texts


class UnsupervisedMember(TransformerMixin, BaseEstimator):
    """A transformer of one column of text; a subclass has ``fit_transform`` and ``transform``."""

    def fit(self, X, y=None):
        """Fit on the texts of a column.

        Parameters
        ----------
        X : Series, array or list of str, or table of one column
            Missing cells are empty texts.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        self.fit_transform(X)
        return self

    def __sklearn_tags__(self):
        """Accept a column of strings."""
        tags = takes_texts(super().__sklearn_tags__())
        tags.input_tags.two_d_array = False
        return tags
