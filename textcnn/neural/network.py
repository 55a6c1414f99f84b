"""A Keras model that is built and traced once and used for any number of fits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textcnn.neural import backend
from textcnn.neural.engine.layout import Design
from textcnn.neural.heads import LEVEL_LAYER, keras_loss
from textcnn.neural.keras_settings import own_settings
from textcnn.neural.optimizer import make_optimizer
from textcnn.neural.randomness import keras_seeded

# Number of idle traced networks kept for the next column or fit, each with its own tables.
MAX_IDLE_NETWORKS = 4
MAX_IDLE_BYTES = 256 * 2**20

_idle: list[tuple[Hashable, TracedNetwork]] = []
_idle_lock = threading.Lock()


@dataclass(frozen=True)
class Blueprint:
    """How to build a network: picklable; networks with equal keys can replace each other."""

    build: Callable  # () -> keras.Model whose last layer is heads.add_head's
    loss: str
    key: Hashable | None  # None: never shared between fits (a user's own callable)
    shared_layers: tuple[str, ...] = ()  # layers with pretrained tables, frozen
    design: Design | None = None  # for the compiled engine; None: not supported by it
    engine: str = "auto"  # or "numba", "keras" if the user chose one


class TracedNetwork:
    """A compiled Keras model whose variables can all be reset."""

    @own_settings()
    def __init__(self, blueprint: Blueprint):
        backend.limit_threads()
        self._build = blueprint.build
        self._shared_layers = blueprint.shared_layers
        with keras_seeded(0):
            self._model = blueprint.build()
        self._optimizer = make_optimizer(self._model)
        self._model.compile(
            optimizer=self._optimizer,
            loss=keras_loss(blueprint.loss),
            jit_compile=backend.compiles_every_shape(),
        )
        self._level = self._model.get_layer(LEVEL_LAYER).offset
        self._tables: dict[str, np.ndarray] = {}
        self._forward = None

    @property
    def n_outputs(self) -> int:
        """Number of raw outputs."""
        return self._level.shape[0]

    @cached_property
    def _frozen(self) -> set[int]:
        """Identities of the variables of no single model: shared tables and the base rate."""
        frozen = {id(self._level)}
        for name in self._shared_layers:
            frozen |= {id(variable) for variable in self._model.get_layer(name).weights}
        return frozen

    @cached_property
    def _owned(self) -> list:
        """Variables that a fitted model consists of."""
        return [weight for weight in self._model.weights if id(weight) not in self._frozen]

    def load_tables(self, tables: dict[str, np.ndarray]) -> None:
        """Load the pretrained tables of this fit, padded with zeros to the size of the network.

        Tables of trainable vectors are the initial values of each model.
        """
        for name, table in tables.items():
            if self._tables.get(name) is not table:
                self._assign_table(name, table)
        self._tables = dict(tables)

    def _assign_table(self, name, table):
        variable = self._model.get_layer(name).weights[0]
        padded = np.zeros(variable.shape, np.float32)
        padded[: len(table)] = table
        variable.assign(padded)

    def forget_tables(self) -> None:
        """Delete references to the tables of the caller, so that idle networks use no memory."""
        self._tables = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the variables, including those of the optimizer."""
        variables = [*self._model.variables, *self._optimizer.variables]
        return sum(int(np.prod(variable.shape)) * 4 for variable in variables)

    def reset(self, seed: int) -> None:
        """Reset weights, dropout seeds, optimizer slots and counters by a seed."""
        with keras_seeded(seed):
            fresh = self._build()
        pairs = zip(_state(self._model), _state(fresh), strict=True)
        for variable, start in pairs:
            if variable is start:
                raise ValueError(
                    "network= must build a new model, with new layers, at each call; otherwise a "
                    "fold model would start from the weights of another. Create the layers inside "
                    f"the callable. Received: the same variable twice, {variable.path!r}."
                )
            if id(variable) not in self._frozen:
                variable.assign(backend.to_numpy(start))
        for name, table in self._tables.items():
            if name not in self._shared_layers:
                self._assign_table(name, table)
        for variable in self._optimizer.variables:  # slots and counters all start at zero
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def set_level(self, offset: np.ndarray) -> None:
        """Set the constants that are added to the raw outputs."""
        self._level.assign(offset)

    def fit(self, batches, stop_batches, job) -> tuple[list[dict], int]:
        """Run ``keras.Model.fit``; return the history (a dict per epoch) and the updates made."""
        keras = backend.import_keras()
        self._optimizer.learning_rate.assign(job.learning_rate)
        self._optimizer.total_updates.assign(float(job.schedule or job.updates))
        n_epochs = -(-job.updates // len(batches))
        history: list[dict] = []
        callbacks = [_epoch_callback(history, job.progress)]
        if job.updates % len(batches):
            callbacks.append(_stop_after(job.updates))
        if stop_batches is not None:
            callbacks.append(
                keras.callbacks.EarlyStopping(
                    "val_loss", patience=job.patience, restore_best_weights=True
                )
            )
        with backend.seeded_training(job.weights_seed):
            try:
                self._model.fit(
                    backend.for_fit(batches, self._model, job.updates),
                    epochs=n_epochs,
                    steps_per_epoch=len(batches),
                    validation_data=None
                    if stop_batches is None
                    else backend.for_fit(stop_batches, self._model, len(stop_batches)),
                    validation_steps=None if stop_batches is None else len(stop_batches),
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=0,
                )
            except Exception:
                for source in (batches, stop_batches):
                    if source is not None and source.error is not None:
                        # The error of the backend would hide the error of a row.
                        raise source.error  # noqa: B904 - the backend's error stays as context
                raise
        updates = int(backend.to_numpy(self._optimizer.iterations))
        if stop_batches is not None:
            # The weights of the best epoch were restored; later ones were discarded.
            best = int(np.argmin([epoch["val_loss"] for epoch in history]))
            updates = min(updates, (best + 1) * len(batches))
        return history, updates

    def weights(self) -> list[np.ndarray]:
        """Return copies of the variables that make up the fitted model."""
        return [backend.to_numpy(variable) for variable in self._owned]

    def weight_names(self) -> list[str]:
        """Return the Keras paths of those variables, in the same order."""
        return [variable.path for variable in self._owned]

    def load_weights(self, weights: list[np.ndarray]) -> None:
        """Set the variables of a fitted model, with a base rate of zero, for prediction."""
        for variable, array in zip(self._owned, weights, strict=True):
            variable.assign(array)
        self.set_level(np.zeros(self.n_outputs, np.float32))

    @property
    def model(self):
        """The Keras model."""
        return self._model

    def export_onnx(self, path: str, inputs: tuple[np.ndarray, ...]) -> None:
        """Export the model with its present variables by Keras, after one call."""
        self.forward(inputs)
        self._model.export(path, format="onnx", verbose=False)

    def forward(self, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return the network's output for one batch, without dropout."""
        if self._forward is None:
            self._forward = backend.forward(self._model, inputs)
        return self._forward(inputs)


@contextlib.contextmanager
def borrow_network(blueprint: Blueprint):
    """Yield a traced network to one fit at a time; it is kept only if there was no error.

    Operations are traced by the first calls, so Keras' settings stay ours until the end.
    """
    backend.refuse_forked_process()
    network = None
    with _idle_lock:
        for position, (key, idle) in enumerate(_idle):
            if blueprint.key is not None and key == blueprint.key:
                network = idle
                del _idle[position]
                break
    with own_settings():
        if network is None:
            network = TracedNetwork(blueprint)
        yield network
    if blueprint.key is not None:
        network.forget_tables()
        with _idle_lock:
            _idle.append((blueprint.key, network))
            while len(_idle) > 1 and (
                len(_idle) > MAX_IDLE_NETWORKS
                or sum(idle.nbytes for _, idle in _idle) > MAX_IDLE_BYTES
            ):
                del _idle[0]


def _state(model) -> list:
    """Return all variables of a model that a fit may change, metrics apart, in a fixed order."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metrics]


def _epoch_callback(history, progress):
    """Record the losses of each epoch, and stop if the caller requests it."""
    keras = backend.import_keras()

    class Epochs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            losses = {name: float(value) for name, value in (logs or {}).items()}
            history.append({"epoch": epoch, **losses})
            if progress is not None and progress.epoch(epoch, losses):
                self.model.stop_training = True

    return Epochs()


def _stop_after(n_updates):
    """End training within an epoch after the last update."""
    keras = backend.import_keras()

    class StopAfter(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.left = n_updates

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if self.left <= 0:
                self.model.stop_training = True

    return StopAfter()
