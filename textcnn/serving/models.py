"""Load a saved text estimator for predictions without Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from pathlib import Path

import numpy as np

from textcnn.crossfit.feature_names import safe_names
from textcnn.crossfit.oof import average
from textcnn.persistence.archive import ArchiveReader, FileFormatError
from textcnn.serving.onnx_runs import OnnxNetworks
from textcnn.serving.parts import ServedNetwork, read_parts
from textcnn.text.cells import composed, number_text
from textcnn.text.documents import Documents, TextSource, with_new_words
from textcnn.text.joining import JoinedTokenizer
from textcnn.text.network import feature_name
from textcnn.text.plain import has_plain_form, plain_outputs

# Rows are processed in blocks, so that memory does not grow with the number of rows.
_ROWS_AT_A_TIME = {"numpy": 16_384, "onnx": 512}
RUNTIMES = ("auto", "numpy", "onnxruntime")
_IMAGES = ", because images need Pillow, and image networks are not implemented in NumPy"
_OTHERS = ", because it contains estimators of scikit-learn or other packages"
# Class -> reason why NumPy is not enough.
_NOT_SERVED = {
    "ImageCNNClassifier": _IMAGES,
    "ImageCNNEncoder": _IMAGES,
    "ImageCNNRegressor": _IMAGES,
    "OutOfFoldEncoder": _OTHERS,
    "TableFeatures": _OTHERS,
    "TextLinearEncoder": ", because its n-grams need hash functions of pandas and scikit-learn",
}


class ServedModel:
    """A fitted estimator for new texts; made by :func:`load`.

    Attributes
    ----------
    columns : list of str
        The text columns; ``x0``, ``x1`` if they have no names.
    feature_names : list of str
        Names of the columns of :meth:`transform`; empty for a classifier or regressor.
    classes : ndarray, list or None
        Classes of a classifier.
    """

    def __init__(self, kind: str, parts: dict, onnx: OnnxNetworks | None = None):
        self._kind = kind
        self._head = parts["_head"]
        self._model_sets: list[list[ServedNetwork]] = parts["_model_sets"]
        self._onnx = onnx
        self.classes = parts.get("classes_")
        names = parts.get("feature_names_in_")
        n_columns = parts.get("n_features_in_", 0)
        self.columns = [f"x{i}" for i in range(n_columns)] if names is None else names.tolist()
        self._is_joined = isinstance(self._first_tokenizer, JoinedTokenizer)
        n_read = len(self._model_sets) if self._is_encoder else len(self._model_sets[0][0].readers)
        if n_read != (1 if self._is_joined else len(self.columns)):
            raise FileFormatError("Its columns do not match its networks.")
        self.feature_names = self._feature_names() if self._is_encoder else []

    def __repr__(self) -> str:
        """Show class, columns and runtime."""
        runs = "NumPy" if self._onnx is None else "onnxruntime"
        return f"<ServedModel: {self._kind} of {self.columns}, {runs}>"

    @property
    def _is_encoder(self) -> bool:
        return self._kind.endswith("Encoder")

    def transform(self, texts) -> np.ndarray:
        """Return the features of new rows, like the encoder's ``transform``.

        Parameters
        ----------
        texts : list of str, dict of str to list of str, or frame
            One text per row; for several columns a dict or DataFrame. None and NaN are missing
            values.

        Returns
        -------
        ndarray of float32, shape (n_rows, len(feature_names))

        Raises
        ------
        TypeError, ValueError
            If the texts are invalid, or the saved estimator is not an encoder.
        """
        if not self._is_encoder:
            raise TypeError(
                f"A {self._kind} makes no features. Call predict"
                f"{' or predict_proba' if self.classes is not None else ''}."
            )
        return self._by_blocks(texts, self._features)

    def predict(self, texts) -> np.ndarray:
        """Return the predicted class or value of each row, for a classifier or regressor.

        Parameters
        ----------
        texts : list of str, dict of str to list of str, or frame
            As for :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        return self._head.decode(self._predictions(texts))

    def predict_proba(self, texts) -> np.ndarray:
        """Return the probability of each class, for a classifier.

        Parameters
        ----------
        texts : list of str, dict of str to list of str, or frame
            As for :meth:`transform`.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
        """
        return self._head.probabilities(self._predictions(texts))

    def _predictions(self, texts) -> np.ndarray:
        if self._is_encoder:
            raise TypeError(f"A {self._kind} predicts nothing; call transform.")
        return self._by_blocks(texts, self._predicted)

    def _by_blocks(self, texts, answer) -> np.ndarray:
        columns = self._read(texts)
        n_rows = _ROWS_AT_A_TIME["numpy" if self._onnx is None else "onnx"]
        starts = range(0, len(columns[0]), n_rows)
        blocks = [answer([cells[s : s + n_rows] for cells in columns]) for s in starts]
        return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]

    def _features(self, columns) -> np.ndarray:
        """Return the features of one block of rows."""
        outputs = [
            [
                self._head.features(raw, fold.level)
                for place, network in enumerate(self._model_sets[number])
                for raw, fold in zip(
                    self._raw_outputs(number, place, network, [cells]), network.models, strict=True
                )
            ]
            for number, cells in enumerate(columns)
        ]
        return np.hstack([average(models) for models in outputs])

    def _predicted(self, columns) -> np.ndarray:
        network = self._model_sets[0][0]
        raw = np.mean(self._raw_outputs(0, 0, network, columns), axis=0, dtype=np.float64)
        return self._head.predictions(raw, network.models[0].level)

    def _raw_outputs(self, number: int, place: int, network, columns) -> list[np.ndarray]:
        """Return each model's raw outputs for one block of rows."""
        documents = [
            reader.read(cells) for reader, cells in zip(network.readers, columns, strict=True)
        ]
        if self._onnx is not None:
            known = [part.without_new_vectors() for part in documents]  # a graph's tables are fixed
            return self._onnx.raw_outputs((number, place), known, len(network.models))
        return _plain_outputs(network, documents)

    def _read(self, texts) -> list[list[str]]:
        """Return the cells of each column."""
        if isinstance(texts, str | bytes):
            raise TypeError(f"Expected a list of texts. Received: {texts!r:.60}. Type [text].")
        if hasattr(texts, "columns"):  # a DataFrame, whose list() would be the column names
            texts = {name: texts[name] for name in self.columns if name in texts.columns}
        if not isinstance(texts, Mapping):
            if len(self.columns) != 1:
                raise ValueError(
                    f"Expected a dict with the columns {self.columns}. "
                    f"Received: {type(texts).__name__}."
                )
            texts = {self.columns[0]: texts}
        missing = [name for name in self.columns if name not in texts]
        if missing:
            raise ValueError(
                f"Expected the columns {self.columns}. Received: {list(texts)}, without {missing}."
            )
        columns = [_cells(texts[name], name) for name in self.columns]
        lengths = {len(cells) for cells in columns}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                "Expected at least one row, and equally many in each column. "
                f"Received: {[len(cells) for cells in columns]} rows."
            )
        return [list(zip(*columns, strict=True))] if self._is_joined else columns

    @property
    def _first_tokenizer(self):
        return self._model_sets[0][0].readers[0].tokenizer

    def _feature_names(self) -> list[str]:
        names = []
        tokenizer = self._first_tokenizer
        if self._is_joined:
            tokenizer = tokenizer.tokenizer
        settings = self._model_sets[0][0].settings
        kind = feature_name("char" if tokenizer == "char" else "word", settings.network)
        for column in ["joined"] if self._is_joined else self.columns:
            own = [f"{column}_{kind}{suffix}" for suffix in self._head.column_suffixes()]
            names += own
        return safe_names(names)


def load(
    path: str | os.PathLike,
    *,
    runtime: str = "auto",
    custom_objects: Mapping[str, Callable] | None = None,
) -> ServedModel:
    """Load a text encoder, classifier or regressor for predictions without Keras.

    Needs only NumPy. Networks that are not implemented in NumPy (``n_blocks`` above 1, your own
    networks) need onnxruntime and the ``.onnx`` file that ``export`` writes next to the saved file.

    Parameters
    ----------
    path : str or path
        A file written by ``save`` or ``export`` (``.textcnn``).
    runtime : {"auto", "numpy", "onnxruntime"}, default="auto"
        ``"auto"`` uses NumPy if possible, which needed less processor time per row than onnxruntime
        and half of its memory (benchmarks/RESULTS.md).
    custom_objects : mapping of str to callable, optional
        Your tokenizer by its import name.

    Returns
    -------
    ServedModel

    Raises
    ------
    FileFormatError
        A ValueError: the file is damaged, or contains an unsupported estimator.
    OSError
        If the file cannot be read.
    ImportError
        If onnxruntime is needed and not installed.

    Notes
    -----
    Features equal those of ``transform`` within 1e-5. The report is not loaded, and there is no
    warning about training rows. Small matrix products are fastest on one thread, which
    threadpoolctl sets if it is installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import textcnn, textcnn.serving
    >>> texts, liked = ["good film", "bad film", "very good", "so bad"] * 10, [1, 0, 1, 0] * 10
    >>> encoder = textcnn.TextCNNEncoder(n_filters=4, epochs=2, random_state=0).fit(texts, liked)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encoder.save(Path(folder) / "reviews.textcnn")
    ...     model = textcnn.serving.load(Path(folder) / "reviews.textcnn")
    >>> model.feature_names, model.transform(["good"]).shape
    (['x0_cnn'], (1, 1))
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {RUNTIMES}. Received: runtime={runtime!r}.")
    with open(path, "rb") as file:
        try:
            archive = ArchiveReader(file)
            kind = archive.manifest.get("class")
            if not isinstance(kind, str) or not kind.startswith("TextCNN"):
                reason = _NOT_SERVED.get(str(kind), "")
                raise FileFormatError(
                    f"textcnn.serving does not support {str(kind)[:40]}{reason}. Use textcnn.load, "
                    "with all requirements of textcnn installed."
                )
            name, parts = read_parts(archive, custom_objects)
            if name != kind:
                raise FileFormatError("Its manifest has another class.")
            return ServedModel(kind, parts, _networks_beside(Path(path), parts, runtime))
        except FileFormatError as error:
            raise FileFormatError(
                f"The file cannot be loaded for serving: {error} Received: {os.fspath(path)!r}."
            ) from error


def _networks_beside(path: Path, parts: dict, runtime: str) -> OnnxNetworks | None:
    """Return the networks of the .onnx file where they are needed or asked for."""
    networks = [network for column in parts["_model_sets"] for network in column]
    is_plain = all(has_plain_form(network.settings) for network in networks)
    if runtime == "numpy" and not is_plain:
        raise FileFormatError(
            'This network is not implemented in NumPy. Expected: runtime="onnxruntime".'
        )
    if runtime == "numpy" or (runtime == "auto" and is_plain):
        return None
    onnx = OnnxNetworks.beside(path)
    if onnx is None:
        raise FileFormatError(
            "onnxruntime needs an .onnx file next to it. Type encoder.export('model.onnx')."
        )
    return onnx


def _plain_outputs(network: ServedNetwork, documents: list[Documents]) -> list[np.ndarray]:
    network = with_new_words(network, documents)
    source = TextSource(
        documents,
        [reader.vocabulary for reader in network.readers],
        min_count=network.min_count,
        trainable=network.settings.trainable_embeddings,
        learns_vectors=network.readers[0].learned_dim > 0,
    )
    outputs = []
    for fold in network.models:
        model = fold.model
        weights = dict(zip(model.names, model.weights, strict=True))
        outputs.append(plain_outputs(network.settings, source, weights, model.view))
    return outputs


def _cells(column: Sequence, name: str) -> list[str]:
    """Return the texts of a column; missing ones are empty."""
    cells = column.tolist() if hasattr(column, "tolist") else list(column)
    if set(map(type, cells)) <= {str}:
        return composed(cells)
    for row, cell in enumerate(cells):
        # Missing values: None, pd.NA and NaT by name, NaN because it differs from itself.
        if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
            cells[row] = ""
        elif isinstance(cell, Number):
            cells[row] = "" if cell != cell else number_text(cell)
        elif not isinstance(cell, str):
            raise TypeError(
                f"Expected a text. Received: {cell!r:.60} of type {type(cell).__name__} in "
                f"column {name!r}, row {row}."
            )
    return composed(list(map(str, cells)))
