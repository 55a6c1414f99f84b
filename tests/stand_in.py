"""A network in NumPy for tests of what is around a network: Keras takes a second to trace one."""

from __future__ import annotations

import contextlib

import numpy as np


class LinearNetwork:
    """A linear model of scaled pixels, used as ``textcnn.neural.network.TracedNetwork`` is."""

    def load_tables(self, tables) -> None:
        """Ignore tables of words: images have none."""

    def reset(self, seed: int) -> None:
        """Draw the next weights from a seed."""
        self._seed, self._weights = seed, None

    def set_level(self, offset) -> None:
        """Set what is added to the raw outputs in training."""
        self._level = np.asarray(offset, np.float32)

    @property
    def n_outputs(self) -> int:
        """Number of raw outputs."""
        return len(self._level)

    def forward(self, inputs) -> np.ndarray:
        """Return outputs of a batch of images."""
        images, scaling = inputs
        shape = (len(images), *[1] * (images.ndim - 2), images.shape[-1])
        mean, spread = scaling[:, 0].reshape(shape), scaling[:, 1].reshape(shape)
        self._pixels = ((images - mean) / spread).reshape(len(images), -1)
        if self._weights is None:
            random = np.random.default_rng(self._seed)
            size = (self._pixels.shape[1], self.n_outputs)
            self._weights = random.normal(0, 0.1, size).astype(np.float32)
        return self._pixels @ self._weights + self._level

    def fit(self, batches, stop_batches, job):
        """Take steps of least squares; return the history and the number of steps."""
        for step in range(job.updates):
            inputs, targets, weights = batches.step(step)
            errors = weights[:, None] * (targets - self.forward(inputs))
            self._weights += 0.1 * self._pixels.T @ errors / max(self._pixels.size, 1)
        losses = {"loss": float(np.mean(errors**2))}
        if job.progress is not None:
            job.progress.epoch(0, losses)
        return [{"epoch": 0, **losses}], job.updates

    def weights(self) -> list[np.ndarray]:
        """Return the weights of the fitted model."""
        return [self._weights]

    def weight_names(self) -> list[str]:
        """Return their names."""
        return ["linear/kernel"]

    def load_weights(self, weights) -> None:
        """Set the weights of a fitted model, for prediction."""
        [self._weights] = weights
        self.set_level(np.zeros(self._weights.shape[1]))


def borrow_linear_network(blueprint):
    """Lend a linear model in place of the network that a blueprint describes."""
    return contextlib.nullcontext(LinearNetwork())
