"""Adam whose cosine decay is data to the traced step; tables of vectors go by Adagrad."""

from __future__ import annotations

from functools import cache

import numpy as np

from textcnn.neural import backend

# Adagrad's rate over Adam's: at 10 both reach the same accuracy (see benchmarks/RESULTS.md).
TABLE_RATE = 10.0


def make_optimizer(model):
    """Return the optimizer of a model, built for its trainable variables.

    Adam moves all rows of a table at every step: those that its batch does not hold go on by their
    momentum, so a step costs time in proportion to the vocabulary. Under Adagrad a row without a
    gradient stays where it is, so that a step costs as much as its batch holds words.
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
