"""Methods to save and export estimators: a class has them by ``save = save``."""

from __future__ import annotations

from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from textcnn import persistence


def save(self, path, *, vectors="float32"):
    """Save this fitted estimator in one file of JSON and NumPy arrays, without pickle.

    :func:`textcnn.load` reads it, on any machine and in later versions; features are the same.
    An existing file is replaced only when the new one is complete, so a process that is killed
    leaves the old file. The file contains the words, the report with the training targets, and
    64-bit hashes of the training rows.

    Cost: one copy of the largest array in memory; the file is as large as the arrays.

    Parameters
    ----------
    path : str or path
        For example ``"reviews.textcnn"``; an existing file is replaced.
    vectors : {"float32", "int8"}, default="float32"
        How tables of word vectors are stored. ``"int8"`` rounds each row to 255 steps: a
        quarter of the size, with nearly the same features (benchmarks/RESULTS.md).

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If a part of it can only be pickled: an unsupported estimator inside, or a function
        without a name. Functions with a name are stored by name, and must be passed to
        :func:`textcnn.load`.
    OSError
        If the file cannot be written.
    """
    persistence.save(self, path, vectors=vectors)


def export(self, path, *, vectors="float32"):
    """Write the networks as ONNX, and next to them the saved estimator, for serving.

    ``export("model.onnx")`` writes ``model.onnx`` and ``model.textcnn``, which contains
    tokenizer, vocabulary and target; :func:`textcnn.serving.load` reads both, without
    TensorFlow. For networks of one block ``save`` is enough: NumPy computes their predictions.

    Each model is exported by Keras (some seconds) and joined with the others into one graph,
    which contains each table once.

    Parameters
    ----------
    path : str or path
        Must end in ``.onnx``; existing files are replaced.
    vectors : {"float32", "int8"}, default="float32"
        How tables of word vectors are stored, as for ``save``.

    Raises
    ------
    ImportError
        If onnx or tf2onnx is not installed: ``pip install 'textcnn[onnx]'``.
    ValueError, TypeError, OSError
        As for ``save``, and if the path does not end in ``.onnx`` or the graph exceeds 2 GiB.
    """
    from textcnn.serving.onnx_export import merged_model, model_bytes
    from textcnn.serving.onnx_runs import sha256_of

    check_is_fitted(self)
    if Path(path).suffix != ".onnx":
        raise ValueError(
            f"Expected a name that ends in .onnx, for example model.onnx. Received: {str(path)!r}."
        )
    model = merged_model(self._model_sets, vectors=vectors)
    saved = Path(path).with_suffix(".textcnn")
    self.save(saved, vectors=vectors)
    with persistence.atomic_write(path) as file:
        file.write(model_bytes(model, sha256_of(saved)))
