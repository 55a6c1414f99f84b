"""Average pooling of feature maps over all windows of each document, and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textcnn.neural.engine import average_kernels
from textcnn.neural.engine.words import WordBatch


@dataclass
class AveragedMaps:
    """Feature maps of one convolution, and the gradient of their averages."""

    maps: np.ndarray  # float32 (n_windows, n_filters), activated
    starts: np.ndarray  # int32 (n_windows,), where in the line windows begin
    counts: np.ndarray  # int32 (n_rows,), windows of each document
    width: int

    @classmethod
    def of(cls, products, batch: WordBatch, width: int, bias, activate: Callable):
        """Return the maps of a batch, from its products of words and kernel."""
        counts = batch.ends - batch.starts
        before = np.cumsum(counts) - counts
        places = np.repeat(batch.starts - before, counts) + np.arange(counts.sum())
        starts = (places - (width - 1) // 2).astype(np.int32)
        sums = np.zeros((len(starts), products.shape[1]), np.float32)
        average_kernels.window_sums(products, batch.line, starts, width, sums)
        sums += bias
        return cls(activate(sums), starts, counts, width)

    def averages(self) -> np.ndarray:
        """Return the average of each map, float32 (n_rows, n_filters)."""
        firsts = np.cumsum(self.counts) - self.counts
        sums = np.add.reduceat(self.maps, firsts, axis=0)
        return sums / self.counts[:, None].astype(np.float32)

    def slopes(self, slopes: np.ndarray, slope_times: Callable) -> np.ndarray:
        """Return gradients of sums of windows, from those of the averages."""
        shares = slopes / self.counts[:, None].astype(np.float32)
        return slope_times(self.maps, np.repeat(shares, self.counts, axis=0))

    def scatter(self, window_slopes: np.ndarray, line: np.ndarray, product_slopes) -> None:
        """Add the gradients of the products of words and kernel."""
        average_kernels.scatter_window_slopes(
            np.ascontiguousarray(window_slopes), line, self.starts, self.width, product_slopes
        )
