"""Word vectors as int8 with a scale per row: a quarter of the size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LARGEST = 127


@dataclass(frozen=True, eq=False)
class QuantizedVectors:
    """A table of int8 vectors that returns rows as float32.

    Attributes
    ----------
    codes : ndarray of int8, shape (n_rows, dim)
    scales : ndarray of float32, shape (n_rows,)
    """

    codes: np.ndarray
    scales: np.ndarray

    def __post_init__(self):
        """Refuse inconsistent parts."""
        fits = (
            self.codes.dtype == np.int8
            and self.codes.ndim == 2
            and self.scales.dtype == np.float32
            and self.scales.shape == self.codes.shape[:1]
        )
        if not fits:
            raise ValueError(
                "Expected codes of int8 and one float32 scale per row. Received: "
                f"{self.codes.dtype} of shape {self.codes.shape} and {self.scales.dtype} of shape "
                f"{self.scales.shape}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of dimensions."""
        return self.codes.shape

    @property
    def nbytes(self) -> int:
        """Number of bytes."""
        return self.codes.nbytes + self.scales.nbytes

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def __getitem__(self, rows) -> np.ndarray:
        """Return some rows as float32."""
        return self.codes[rows] * self.scales[rows][..., None]


def quantize(table: np.ndarray) -> QuantizedVectors:
    """Round each row to 255 steps between plus and minus its largest absolute value."""
    largest = np.abs(table).max(axis=1).astype(np.float32)
    scales = np.where(largest > 0, largest / np.float32(_LARGEST), np.float32(1)).astype(np.float32)
    codes = np.rint(table / scales[:, None]).astype(np.int8)
    return QuantizedVectors(codes, scales)


def is_vector_table(path: str) -> bool:
    """Return whether a variable is a table of word vectors, by its Keras path."""
    return path.endswith("/embeddings")
