"""Images as batches of a network's input."""

from __future__ import annotations

import numpy as np

# Mean and standard deviation of the pixels are computed on this many training rows, evenly spaced.
_ROWS_FOR_SCALING = 500
_POSITIONS_AT_A_TIME = 2**20


class ImageSource:
    """Images as a :class:`~textcnn.neural.batches.RowSource`.

    A batch is two arrays: float32 images, not scaled, and float32 (n, 2, channels), the mean and
    the standard deviation of the training pixels, with which the network scales them.

    Parameters
    ----------
    images : ndarray or FileImages
        Shape (n_rows, [frames,] height, width, channels).
    """

    lengths = None

    def __init__(self, images):
        self.images = images
        positions = int(np.prod(images.shape[1:-1]))
        self.prediction_batch_size = int(np.clip(_POSITIONS_AT_A_TIME // positions, 1, 256))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.images)

    def view(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return mean and standard deviation of the pixels of these rows, float32 (2, channels)."""
        step = -(-len(rows) // _ROWS_FOR_SCALING)
        pixels = self.images[np.asarray(rows)[::step]]
        pixels = pixels.reshape(-1, pixels.shape[-1])
        spread = pixels.std(axis=0, dtype=np.float64)
        spread[spread == 0] = 1
        mean = pixels.mean(axis=0, dtype=np.float64)
        return {"scaling": np.stack([mean, spread]).astype(np.float32)}

    def gather(self, rows, view, policy) -> tuple[np.ndarray, np.ndarray]:
        """Return images and scaling of these rows."""
        scaling = np.broadcast_to(view["scaling"], (len(rows), *view["scaling"].shape))
        return self.images[rows].astype(np.float32), np.ascontiguousarray(scaling)

    def tables(self) -> dict[str, np.ndarray]:
        """Return no embedding tables: images have none."""
        return {}

    def like_new(self, rows, learn, random) -> ImageSource:
        """Return these rows as they are."""
        return ImageSource(_SomeImages(self.images, rows))


class _SomeImages:
    """Some rows of images, read when they are needed."""

    def __init__(self, images, rows: np.ndarray):
        self._images, self._rows = images, rows
        self.shape = (len(rows), *images.shape[1:])

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return some of the images."""
        return self._images[self._rows[rows]]
