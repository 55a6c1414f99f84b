"""Save and load estimators."""

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
        If a part cannot be stored.
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
    """Load a saved estimator.

    No code from the file is run, and only classes of this package and a few of scikit-learn and
    skrub are imported. Every size, hash, name and type is checked first, so loading a damaged file
    fails. A forged file fails too, or loads an estimator that computes wrong features or raises a
    ValueError or TypeError in ``transform`` (scikit-learn estimators in it may raise other errors).

    Parameters
    ----------
    path : str or path
    custom_objects : mapping of str to callable, optional
        Your functions by import name, if a ``tokenizer`` or ``network`` was a function:
        ``{"my_module.my_tokenizer": my_tokenizer}``. The error for a missing one says what to type.

    Returns
    -------
    estimator
        The fitted estimator. Parameters that are not stored (word vectors, random generators, lists
        of splits) are :class:`~textcnn.persistence.NotStored`; set them before fitting again.

    Raises
    ------
    FileFormatError
        A ValueError: the file is damaged, from a newer version, or not a saved estimator.
    OSError
        If the file cannot be read.
    ImportError
        If it contains an encoder of skrub (member ``"svd"`` or ``"sentence"``) and skrub is not
        installed.

    Notes
    -----
    Files of earlier versions can be loaded. Memory: the size of the arrays in the file.

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
                raise FileFormatError("It contains no estimator of textcnn.")
            estimator = ValueReader(archive, Registry(), custom_objects).decode(node)
            archive.check_all_used()
            _check_parts(estimator)
        except FileFormatError as error:
            raise FileFormatError(
                f"The file cannot be loaded as an estimator: {error} Received: {os.fspath(path)!r}."
            ) from error
    return estimator


def _check_parts(estimator) -> None:
    """Refuse an estimator with inconsistent parts."""
    if hasattr(estimator, "_fitted_members"):
        check_table(estimator)
        for fitted in estimator._fitted_members:
            if is_estimator(type(fitted.encoder).__name__):
                _check_parts(fitted.encoder)
        return
    if not hasattr(estimator, "_head"):
        raise FileFormatError("It contains an estimator that is not fitted.")
    check_head(estimator._head)
    check_columns(estimator)
    check_models(estimator)
