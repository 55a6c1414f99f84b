"""Run the networks of an ONNX file with onnxruntime, for networks not implemented in NumPy.

The file contains every model of an estimator. Inputs per column are row numbers of the pretrained
vectors and ids of trainable vectors, from the vocabulary; which words a model knows is part of the
graph.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from textcnn.persistence.archive import FileFormatError
from textcnn.text.documents import Documents

# Metadata key of an ONNX file: the hash of the saved estimator that it belongs to.
SAVED_FILE = "textcnn_saved_file_sha256"
_ROWS_AT_A_TIME = 128
_BYTES_AT_A_TIME = 2**20


def input_name(kind: str, key: tuple[int, int], column: int) -> str:
    """Return the name of a graph's input: ``kind`` is "given" or "learned"."""
    return f"{kind}_{key[0]}_{key[1]}_{column}"


def output_name(key: tuple[int, int], model: int) -> str:
    """Return the name of a graph's output."""
    return f"raw_{key[0]}_{key[1]}_{model}"


def onnx_path(path: str | os.PathLike) -> Path:
    """Return the path of the ONNX file of a saved file."""
    return Path(path).with_suffix(".onnx")


def sha256_of(path: str | os.PathLike) -> str:
    """Return the hash of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while content := file.read(_BYTES_AT_A_TIME):
            digest.update(content)
    return digest.hexdigest()


class OnnxNetworks:
    """An onnxruntime session with the networks of a saved estimator.

    Parameters
    ----------
    path : path
        The ``.onnx`` file.
    saved : path
        The saved estimator that it must belong to.
    """

    def __init__(self, path: Path, saved: Path):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                f"{path.name!r} needs onnxruntime. Type `pip install onnxruntime`, or remove the "
                "file to use NumPy only."
            ) from error
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(path), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise FileFormatError(
                f"onnxruntime cannot load {path.name!r} "
                f"({type(error).__name__}: {str(error)[:200]})."
            ) from error
        belongs = self._session.get_modelmeta().custom_metadata_map.get(SAVED_FILE)
        if belongs != sha256_of(saved):
            raise FileFormatError(
                f"{path.name!r} belongs to another saved estimator. Export both again, or remove "
                "it."
            )
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    @classmethod
    def beside(cls, saved: Path) -> OnnxNetworks | None:
        """Return the networks of the ONNX file next to a saved file, or None."""
        path = onnx_path(saved)
        return cls(path, saved) if path.is_file() else None

    def raw_outputs(
        self, key: tuple[int, int], documents: list[Documents], n_models: int
    ) -> list[np.ndarray]:
        """Return each model's raw outputs, float32 of shape (n_rows, n_outputs)."""
        lengths = np.sum([part.lengths for part in documents], axis=0)
        names = [output_name(key, model) for model in range(n_models)]
        outputs: list[np.ndarray] = []
        order = np.argsort(lengths, kind="stable")  # rows of similar length need little padding
        for start in range(0, len(order), _ROWS_AT_A_TIME):
            rows = order[start : start + _ROWS_AT_A_TIME]
            inputs = {}
            for column, part in enumerate(documents):
                forms = _padded_forms(part, rows)
                for kind, ids in (("given", part.given_rows), ("learned", part.learned_ids)):
                    name = input_name(kind, key, column)
                    if name in self._inputs:
                        inputs[name] = ids[forms]
            found = self._session.run(names, inputs)
            if not outputs:
                outputs = [np.empty((len(order), part.shape[1]), np.float32) for part in found]
            for output, part in zip(outputs, found, strict=True):
                output[rows] = part
        return outputs


def _padded_forms(documents: Documents, rows: np.ndarray) -> np.ndarray:
    """Return the word forms of some rows, padded to the longest row."""
    starts, ends = documents.offsets[rows], documents.offsets[rows + 1]
    steps = np.arange(max(int((ends - starts).max()), 1))
    places = starts[:, None] + steps
    return documents.forms[np.where(places < ends[:, None], places, len(documents.forms) - 1)]
