"""Tables of word vectors in 8 bits: a quarter of the size, a row's scale beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LARGEST = 127


@dataclass(frozen=True, eq=False)
class QuantizedVectors:
    """A table of vectors that gives float32 for the rows asked for.

    Attributes
    ----------
    codes : ndarray of int8, shape (n_rows, dim)
    scales : ndarray of float32, shape (n_rows,)
    """

    codes: np.ndarray
    scales: np.ndarray

    def __post_init__(self):
        """Refuse parts that do not fit together."""
        fits = (
            self.codes.dtype == np.int8
            and self.codes.ndim == 2
            and self.scales.dtype == np.float32
            and self.scales.shape == self.codes.shape[:1]
        )
        if not fits:
            raise ValueError(
                "Codes of int8 and one float32 scale per row are expected. Received: "
                f"{self.codes.dtype} of shape {self.codes.shape} and {self.scales.dtype} of shape "
                f"{self.scales.shape}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and numbers per row."""
        return self.codes.shape

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return self.codes.nbytes + self.scales.nbytes

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def __getitem__(self, rows) -> np.ndarray:
        """Return some rows as float32."""
        return self.codes[rows] * self.scales[rows][..., None]


def quantize(table: np.ndarray) -> QuantizedVectors:
    """Round each row to 255 steps between its largest number and that number's opposite."""
    largest = np.abs(table).max(axis=1).astype(np.float32)
    scales = np.where(largest > 0, largest / np.float32(_LARGEST), np.float32(1)).astype(np.float32)
    codes = np.rint(table / scales[:, None]).astype(np.int8)
    return QuantizedVectors(codes, scales)


def is_vector_table(path: str) -> bool:
    """Tell by its Keras path whether a variable is a table of word vectors."""
    return path.endswith("/embeddings")
