"""Saving and loading of whole estimators."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from textcnn import __version__
from textcnn.persistence.archive import ArchiveReader, ArchiveWriter, FileFormatError
from textcnn.persistence.atomic import atomic_write
from textcnn.persistence.checks import (
    check_columns,
    check_head,
    check_models,
    check_table,
)
from textcnn.persistence.registry import Registry, is_estimator
from textcnn.persistence.values import ValueReader, ValueWriter

VECTORS = ("float32", "int8")


def save(estimator, path: str | os.PathLike, *, vectors: str = "float32") -> None:
    """Save a fitted estimator; see its ``save``.

    Parameters
    ----------
    estimator : estimator of this package
    path : str or path
    vectors : {"float32", "int8"}, default="float32"

    Raises
    ------
    TypeError
        If a part of it cannot be stored.
    """
    import numpy
    import sklearn
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    if vectors not in VECTORS:
        raise ValueError(f"vectors must be one of {VECTORS}. Received: vectors={vectors!r}.")
    registry = Registry()
    name = registry.name_of(estimator)
    if not is_estimator(name):
        raise TypeError(
            "Only estimators of textcnn can be saved, not classes derived from them. Received: "
            f"{type(estimator).__module__}.{type(estimator).__qualname__}. Use joblib or skops."
        )
    with atomic_write(path) as file, ArchiveWriter(file) as archive:
        state = ValueWriter(archive, registry, vectors).encode(estimator, name)
        versions = {
            "textcnn": __version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
        }
        archive.finish(state, {"class": name, "written_by": versions})


def load(path: str | os.PathLike, *, custom_objects: Mapping[str, Callable] | None = None):
    """Load an estimator that its ``save`` wrote.

    No code from the file runs and nothing is imported but this package's own classes and a few of
    scikit-learn's and skrub's. Every size, hash, name and type in it is checked first, so a damaged
    file raises, and so does a hostile one, or it loads an estimator that computes what its author
    chose: wrong features, or a ValueError or TypeError in ``transform`` (estimators of scikit-learn
    in it may raise others).

    Parameters
    ----------
    path : str or path
    custom_objects : mapping of str to callable, optional
        Your functions by import name, where a ``tokenizer`` or ``network`` was one:
        ``{"my_module.my_tokenizer": my_tokenizer}``. The error that names it tells what to type.

    Returns
    -------
    estimator
        Fitted. Parameters that no file holds (tables of vectors, generators, lists of splits) are
        :class:`~textcnn.persistence.NotStored`; set them anew before fitting again.

    Raises
    ------
    FileFormatError
        A ValueError: the file is damaged, of a newer version, or no saved estimator.
    OSError
        If the file cannot be read.
    ImportError
        If it holds skrub's encoder (member ``"svd"`` of a table) and skrub is not installed.

    Notes
    -----
    Files that were written by earlier versions are read. Memory: the arrays of the file, once.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import textcnn
    >>> texts, liked = ["good film", "bad film", "very good", "so bad"] * 10, [1, 0, 1, 0] * 10
    >>> encoder = textcnn.TextCNNEncoder(n_filters=4, epochs=2, random_state=0).fit(texts, liked)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoder.save(Path(folder) / "reviews.textcnn")
    ...     loaded = textcnn.load(Path(folder) / "reviews.textcnn")
    >>> bool((loaded.transform(["good"]) == encoder.transform(["good"])).all())
    True
    """
    with open(path, "rb") as file:
        try:
            archive = ArchiveReader(file)
            node = archive.state()
            if not isinstance(node, dict) or not is_estimator(node.get("object")):
                raise FileFormatError("It holds no estimator of textcnn.")
            estimator = ValueReader(archive, Registry(), custom_objects).decode(node)
            archive.check_all_used()
            _check_parts(estimator)
        except FileFormatError as error:
            raise FileFormatError(
                f"The file cannot be read as an estimator: {error} Received: {os.fspath(path)!r}."
            ) from error
    return estimator


def _check_parts(estimator) -> None:
    """Refuse an estimator whose parts do not fit together."""
    if hasattr(estimator, "_fitted_members"):
        check_table(estimator)
        for fitted in estimator._fitted_members:
            if is_estimator(type(fitted.encoder).__name__):
                _check_parts(fitted.encoder)
        return
    if not hasattr(estimator, "_head"):
        raise FileFormatError("It holds an estimator that is not fitted.")
    check_head(estimator._head)
    check_columns(estimator)
    check_models(estimator)
