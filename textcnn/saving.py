"""What every estimator has for production: ``save``."""

from __future__ import annotations


class SavesToFile:
    """An estimator that can be saved without pickle."""

    def save(self, path, *, vectors="float32"):
        """Save this fitted estimator in one file of JSON and NumPy arrays, without pickle.

        :func:`textcnn.load` reads it, on any machine and in later versions; features are the same.
        The file is written beside an older one of that name and then takes its place, so a process
        that is killed leaves the old file. It holds what the estimator holds: words, the receipt
        with the training targets, and 64-bit hashes of the training rows.

        Cost: one copy of the largest array in memory; the file is as large as the arrays.

        Parameters
        ----------
        path : str or path
            ``"reviews.textcnn"`` say; an existing file is replaced.
        vectors : {"float32", "int8"}, default="float32"
            How tables of word vectors are stored. ``"int8"`` rounds each row to 255 steps: a
            quarter of the size, features nearly the same (benchmarks/RESULTS.md).

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If a part of it can only be pickled: an estimator inside that is not known here, a
            function without a name. Functions that have one are stored by name; loading asks for
            them.
        OSError
            If the file cannot be written.
        """
        from textcnn.persistence import save

        save(self, path, vectors=vectors)

    def _saved_networks(self):
        """Return the networks to export, or refuse."""
        return None
