"""Adam whose cosine decay is data of the traced step, and Adagrad for tables of vectors."""

from __future__ import annotations

from functools import cache

import numpy as np

from textcnn.neural import backend

# Learning rate of Adagrad relative to Adam (benchmarks/RESULTS.md).
TABLE_RATE = 20.0


def make_optimizer(model):
    """Return the optimizer of a model, built for its trainable variables.

    Adam changes all rows of a table in every step, also those that are not in the batch, because of
    their momentum, so the time of a step is proportional to the vocabulary. With Adagrad a row
    without a gradient does not change, so the time is proportional to the words in the batch.
    """
    keras = backend.import_keras()
    optimizer = _optimizer_class()(learning_rate=1e-3)
    optimizer.build(model.trainable_variables)
    tables = [
        layer.embeddings
        for layer in model.layers
        if isinstance(layer, keras.layers.Embedding) and layer.trainable
    ]
    optimizer.tables = frozenset(optimizer._get_variable_index(table) for table in tables)
    return optimizer


@cache
def _optimizer_class():
    """Return the class (made once Keras is there)."""
    keras = backend.import_keras()
    ops = keras.ops

    class CosineAdam(keras.optimizers.Adam):
        """Adam with a cosine decay of the learning rate to 0 at update ``total_updates``."""

        tables: frozenset[int] = frozenset()

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.total_updates = self.add_variable(shape=(), name="total_updates")

        def update_step(self, gradient, variable, learning_rate):
            done = ops.cast(self.iterations, "float32") / ops.maximum(self.total_updates, 1.0)
            rate = learning_rate * 0.5 * (1.0 + ops.cos(np.pi * ops.minimum(done, 1.0)))
            index = self._get_variable_index(variable)
            if index not in self.tables:
                super().update_step(gradient, variable, rate)
                return
            squares = self._velocities[index]
            rate = rate * TABLE_RATE
            if backend.update_rows(variable, squares, gradient, rate, self.epsilon):
                return
            self.assign_add(squares, ops.square(gradient))
            step = ops.divide(gradient, ops.add(ops.sqrt(squares), self.epsilon))
            self.assign_sub(variable, ops.multiply(step, rate))

    return CosineAdam
