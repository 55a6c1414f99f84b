"""A network that kills the worker process in which it is fitted, once."""

import os
import signal
from pathlib import Path


class DiesOnce:
    """Builds a network; where a file is there, the process that builds its third one is killed.

    The first is built to be traced and then one for each model that is fitted: so one model is done
    by then, and one has begun.
    """

    def __init__(self, armed: Path):
        self.armed = armed
        self.n_built = 0

    def __call__(self, n_channels):
        import keras

        self.n_built += 1
        if self.n_built == 3 and self.armed.exists():
            self.armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        inputs = keras.Input((None, n_channels))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(inputs))
