"""Last layers of every network: dense layers, raw outputs, base rate during training."""

from __future__ import annotations

import random
from functools import cache

from textcnn.neural.backend import import_keras

LEVEL_LAYER = "level"
LOSSES = ("binary_crossentropy", "categorical_crossentropy", "squared", "absolute", "poisson")


def keras_loss(name: str):
    """Return the Keras loss of raw outputs (logits, standardised targets, log rates)."""
    keras = import_keras()
    if name == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    if name == "categorical_crossentropy":
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    if name == "squared":
        return keras.losses.MeanSquaredError()
    if name == "absolute":
        return keras.losses.MeanAbsoluteError()
    if name == "poisson":
        return _poisson
    raise ValueError(f"Unknown loss. Expected: one of {LOSSES}. Received: loss={name!r}.")


def _poisson(targets, log_rates):
    """Poisson negative log-likelihood of a log rate, without the constant term."""
    ops = import_keras().ops
    return ops.mean(ops.exp(log_rates) - targets * log_rates, axis=-1)


def add_head(features, *, n_outputs: int, dense_units, activation, dropout: float, l2: float):
    """Add dense layers, dropout and raw outputs to a ``(batch, n_features)`` tensor.

    The output layer has no bias: in training, the base rate of the fold model (for example the
    logit of its prior) is added as a constant, in prediction it is not. So raw outputs are without
    the base rate, and exactly zero for every row if a network learns nothing from its input.
    """
    keras = import_keras()
    regularizer = keras.regularizers.L2(l2) if l2 else None
    for number, units in enumerate(dense_units):
        features = keras.layers.Dense(
            units, activation=activation, kernel_regularizer=regularizer, name=f"dense_{number}"
        )(features)
    if dropout:
        # A separate seed, because torch uses its global generator for a layer without one.
        seed = random.randint(1, 10**9)  # seeded by `keras_seeded` while a network is built
        features = keras.layers.Dropout(dropout, seed=seed)(features)
    raw = keras.layers.Dense(
        n_outputs, use_bias=False, kernel_regularizer=regularizer, name="raw_output"
    )(features)
    return _level_layer()(name=LEVEL_LAYER)(raw)


@cache
def _level_layer():
    """Return the layer class that adds one constant per output (made once Keras is there)."""
    keras = import_keras()

    class Level(keras.layers.Layer):
        def build(self, shape):
            self.offset = self.add_weight(
                shape=(shape[-1],), initializer="zeros", trainable=False, name="offset"
            )

        def call(self, raw):
            return raw + self.offset

    return Level
