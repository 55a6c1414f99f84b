"""Transform partitions of a table on many workers; each worker loads the saved model once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from textcnn.persistence.archive import ArchiveReader
from textcnn.serving.models import load

# Models cached in a worker process, by path, time and size of the file; used by several threads.
MOST_MODELS = 4
_loaded: dict[tuple, tuple[list[str], list[str], Callable]] = {}
_lock = threading.Lock()


class PartitionTransform:
    """A function from a partition of a table to its features, for dask, Ray or Spark.

    It stores the path, not the model, so sending it to workers is cheap; a worker process
    loads the file for its first partition and caches it. Text networks are loaded with
    :func:`textcnn.serving.load` and need only NumPy, other saved encoders with
    :func:`textcnn.load`. Rows are independent of each other: for any partitioning, and if a
    partition is repeated after a worker died, a row gets the same features within 1e-5.

    Parameters
    ----------
    path : str or path
        A file written by ``save``. Workers need it at the same absolute path: in a shared folder,
        or as a copy on each machine.
    keep : sequence of str, default=()
        Columns to return before the features, such as keys for engines without an index.
    custom_objects : mapping of str to callable, optional
        Your tokenizer by its import name, as for :func:`textcnn.serving.load`.

    Raises
    ------
    FileNotFoundError
        If the file does not exist here, or later on a worker.

    Notes
    -----
    If the file is replaced, the next partition loads it again, so replace it between runs.
    Cost: the model's memory once per worker process.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> import textcnn
    >>> from textcnn.serving import PartitionTransform
    >>> texts, liked = ["good film", "bad film", "very good", "so bad"] * 10, [1, 0, 1, 0] * 10
    >>> train = pd.DataFrame({"review": texts})
    >>> encoder = textcnn.TextCNNEncoder(n_filters=4, epochs=2, random_state=0).fit(train, liked)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoder.save(Path(folder) / "reviews.textcnn")
    ...     transform = PartitionTransform(Path(folder) / "reviews.textcnn", keep=["id"])
    ...     transform(pd.DataFrame({"id": [7], "review": ["good"]})).columns.tolist()
    ['id', 'review_cnn']
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        keep: Sequence[str] = (),
        custom_objects: Mapping[str, Callable] | None = None,
    ):
        if isinstance(keep, str):
            raise TypeError(
                f"keep must be a list of columns. Received: keep={keep!r}. Type [{keep!r}]."
            )
        self.path = os.path.abspath(path)  # a worker may run in another folder
        os.stat(self.path)
        self.keep = list(keep)
        self._custom_objects = custom_objects

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, for engines that need a schema; loads the model."""
        return list(_model(self.path, self._custom_objects)[1])

    def __call__(self, frame):
        """Return the kept columns and the features of a partition, with the same order and index.

        Parameters
        ----------
        frame : pandas.DataFrame
            With the columns of the fit, and those to keep; may be empty.

        Returns
        -------
        pandas.DataFrame
            Features are float32.
        """
        import pandas as pd

        columns, names, answer = _model(self.path, self._custom_objects)
        missing = [name for name in [*columns, *self.keep] if name not in frame.columns]
        if missing:
            raise ValueError(
                f"Expected the columns {[*columns, *self.keep]}. Received: "
                f"{list(frame.columns)}, without {missing}."
            )
        values = answer(frame[columns]) if len(frame) else np.empty((0, len(names)), np.float32)
        features = pd.DataFrame(values, index=frame.index, columns=names)
        return pd.concat([frame[self.keep], features], axis=1) if self.keep else features

    def each(self, frames: Iterable) -> Iterator:
        """Yield the result for each frame, for Spark's ``mapInPandas``.

        Parameters
        ----------
        frames : iterable of pandas.DataFrame

        Yields
        ------
        pandas.DataFrame
        """
        for frame in frames:
            yield self(frame)


def _model(path: str, custom_objects) -> tuple[list[str], list[str], Callable]:
    """Return columns, feature names and transform of a saved encoder, loaded once per process."""
    found = os.stat(path)
    # The model references the objects, so their ids stay unique.
    objects = tuple(sorted((name, id(thing)) for name, thing in (custom_objects or {}).items()))
    key = (path, found.st_mtime_ns, found.st_size, objects)
    with _lock:
        if key not in _loaded:
            model = _load(path, custom_objects)
            while len(_loaded) >= MOST_MODELS:
                del _loaded[next(iter(_loaded))]
            _loaded[key] = model
        return _loaded[key]


def _load(path: str, custom_objects) -> tuple[list[str], list[str], Callable]:
    """Load a file with textcnn.serving, or with textcnn.load if serving does not support it."""
    with open(path, "rb") as file:
        kind = ArchiveReader(file).manifest.get("class")
    if not str(kind).endswith("Encoder"):
        raise TypeError(
            "PartitionTransform needs a saved encoder. "
            f"Received: a file with a {kind}. Type textcnn.load(path) and call it per partition."
        )
    if kind.startswith("TextCNN"):
        served = load(path, custom_objects=custom_objects)
        return served.columns, served.feature_names, served.transform
    import textcnn

    encoder = textcnn.load(path, custom_objects=custom_objects)
    names = encoder.get_feature_names_out().tolist()
    columns = getattr(encoder, "feature_names_in_", None)
    if columns is None:
        columns = np.array([f"x{i}" for i in range(encoder.n_features_in_)], object)
    return columns.tolist(), names, lambda frame: np.asarray(encoder.transform(frame))
