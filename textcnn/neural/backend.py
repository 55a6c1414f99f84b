"""Code that depends on the Keras backend: batches for ``fit``, compiled forward pass, shapes.

Networks use only ``keras.layers`` and ``keras.ops``; all code for a single backend is in this file.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import warnings
import weakref
from dataclasses import dataclass
from functools import cache

import numpy as np

from textcnn.neural.quiet import kept_random_state, without_notices
from textcnn.utils.threads import allotted_threads

# Errors of importing a missing or broken backend: another version of a library, no library.
_BROKEN = (ImportError, AttributeError, OSError, RuntimeError, TypeError, ValueError)
# The process in which a network first ran.
_ran_in: list[int] = []


@dataclass(frozen=True)
class ShapePolicy:
    """Batch shapes for a backend: JAX compiles every new shape, other backends do not."""

    fixed_batch: bool
    lengths: tuple[int, ...] | None

    def length(self, longest: int) -> int:
        """Return the length to which a batch with this longest row is padded."""
        if self.lengths is None:
            return max(longest, 1)
        for length in self.lengths:
            if longest <= length:
                return length
        return longest


def import_keras():
    """Import Keras when a network is first needed; report what to install if that fails."""
    try:
        _import_quietly()
        import keras
    except _BROKEN as error:
        chosen = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise ImportError(
            f"Keras could not be imported with the backend {chosen!r}: {one_line(error)}. "
            f'Type `pip install "keras>=3.14" {chosen}`, or set the environment variable '
            "KERAS_BACKEND to a backend that is installed (tensorflow, jax or torch) before "
            "the first import of keras."
        ) from error
    return keras


@cache
def _import_quietly() -> None:
    """Import Keras for the first time in this process, and let its backend look for devices.

    Without notices to the user, and without moving the global random states.
    """
    with without_notices(), kept_random_state():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            tensorflow.config.list_physical_devices()


def one_line(error: BaseException) -> str:
    """Return the type of an error and its message, without line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def refuse_forked_process() -> None:
    """Refuse to run networks in a process forked from one that ran some.

    The threads of the backend exist only in the parent, so the child would deadlock.
    """
    if not _ran_in:
        _ran_in.append(os.getpid())
    if os.getpid() not in _ran_in:
        raise RuntimeError(
            "This process was forked from one in which Keras has run, and does not have the "
            "threads of Keras: it would deadlock. Expected: a new process. Type "
            'multiprocessing.get_context("spawn"), or use the default backend "loky" of joblib. '
            "Only transform of the default network does not need Keras. "
            f"Received: process {os.getpid()}, forked from {_ran_in[0]}."
        )


@cache
def limit_threads() -> None:
    """Limit the threads of a worker process to its share of the cores, before its first operation.

    joblib, dask and Ray assign threads by OMP_NUM_THREADS, which TensorFlow does not read.
    """
    allotted = allotted_threads() if _in_worker() else None
    if allotted is None or import_keras().backend.backend() != "tensorflow":
        return
    import tensorflow

    threading = tensorflow.config.threading
    if threading.get_intra_op_parallelism_threads() != allotted:
        try:
            threading.set_intra_op_parallelism_threads(allotted)
        except RuntimeError as error:  # the user's own code in this worker started TensorFlow
            warnings.warn(
                f"This worker process cannot be limited to {allotted} threads: {error}",
                stacklevel=2,
            )


def _in_worker() -> bool:
    """Return whether this process is a worker of joblib, dask or Ray."""
    if multiprocessing.parent_process() is not None:
        return True
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return False
    return ray.get_runtime_context().worker.mode == ray.WORKER_MODE


def compiles_every_shape() -> bool | str:
    """Return ``jit_compile`` of Keras: not under TensorFlow, where XLA compiles each shape."""
    return False if import_keras().backend.backend() == "tensorflow" else "auto"


def shape_policy() -> ShapePolicy:
    """Return the shapes for the running backend."""
    if import_keras().backend.backend() == "jax":
        lengths = [8]
        while lengths[-1] < 4096:
            lengths += [lengths[-1] * 3 // 2, lengths[-1] * 2]
        return ShapePolicy(fixed_batch=True, lengths=tuple(lengths))
    return ShapePolicy(fixed_batch=False, lengths=None)


def for_fit(batches, model, n_steps: int):
    """Wrap :class:`~textcnn.neural.batches.Batches` as input of ``model.fit``.

    Steps are counted across epochs, so that one iterator is used for the whole fit; ``fit``
    needs ``steps_per_epoch=len(batches)``.
    """
    keras = import_keras()
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_dataset(batches, model, n_steps)

    class Adapter(keras.utils.PyDataset):
        num_batches = None  # no limit

        def __getitem__(self, step):
            return batches.step(step)

    return Adapter()


def _tensorflow_dataset(batches, model, n_steps):
    """Return a tf.data pipeline with the free shapes of the model, so that it is traced once.

    Keras' own PyDataset adapter takes the static shapes of the first two batches: another length
    then fails or makes ``fit`` trace again. ``Dataset.from_generator`` takes some 20 ms to start,
    and Keras starts two in each epoch. TensorFlow keeps every function that was ever passed to it,
    so this one must not hold references to the rows of a fit.
    """
    import tensorflow

    def free(array):
        return tensorflow.TensorSpec((None,) * array.ndim, array.dtype)

    inputs, targets, weights = batches.step(0)
    specs = [*_input_signature(model, inputs), free(targets), free(weights)]
    lent = weakref.ref(batches)

    def read(step):
        if step == n_steps:
            return [
                np.empty([size or 0 for size in spec.shape], spec.dtype.as_numpy_dtype)
                for spec in specs
            ]
        inputs, targets, weights = lent().step(int(step))
        return [*inputs, targets, weights]

    @tensorflow.autograph.experimental.do_not_convert
    def load(step):
        arrays = tensorflow.numpy_function(read, [step], [spec.dtype for spec in specs])
        for array, spec in zip(arrays, specs, strict=True):
            array.set_shape(spec.shape)
        *inputs, targets, weights = arrays
        return tuple(inputs), targets, weights

    # One more step, without rows: at the end of the known steps Keras makes another iterator.
    return tensorflow.data.Dataset.range(n_steps + 1).map(load).prefetch(2)


def _input_signature(model, example) -> tuple:
    """Return the shapes of a model's inputs, including free dimensions, and their types."""
    import tensorflow

    return tuple(
        tensorflow.TensorSpec((None, *given.shape[1:]), np.asarray(array).dtype)
        for given, array in zip(model.inputs, example, strict=True)
    )


@contextlib.contextmanager
def seeded_training(seed: int):
    """Seed the global random state of a backend during training; restore it afterwards.

    Under torch a user's Dropout layer without a seed uses the global generator of torch.
    """
    if import_keras().backend.backend() != "torch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def update_rows(variable, squares, gradient, rate, epsilon) -> bool:
    """Make a step of Adagrad on the rows of a sparse gradient; return False if it is dense.

    Only TensorFlow has sparse gradients of a table; the step equals that of the dense gradient.
    """
    if import_keras().backend.backend() != "tensorflow":
        return False
    import tensorflow

    if not isinstance(gradient, tensorflow.IndexedSlices):
        return False
    dim = variable.shape[-1]
    rows, places = tensorflow.unique(tensorflow.reshape(gradient.indices, [-1]))
    sums = tensorflow.math.unsorted_segment_sum(
        tensorflow.reshape(gradient.values, [-1, dim]), places, tensorflow.size(rows)
    )
    totals = tensorflow.gather(squares.value, rows) + tensorflow.square(sums)
    steps = rate * sums / (tensorflow.sqrt(totals) + epsilon)
    table = variable if isinstance(variable, tensorflow.Variable) else variable.value
    squares.value.scatter_update(tensorflow.IndexedSlices(totals, rows))
    table.scatter_sub(tensorflow.IndexedSlices(steps, rows))
    return True


def to_numpy(variable) -> np.ndarray:
    """Return a copy of a Keras variable's value."""
    keras = import_keras()
    if keras.backend.backend() == "tensorflow":
        return np.array(variable.value.numpy())
    return np.array(keras.ops.convert_to_numpy(variable))


def forward(model, example):
    """Return a function from a tuple of input arrays to the network's output as a NumPy array."""
    keras = import_keras()
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        @tensorflow.function(input_signature=[_input_signature(model, example)])
        def compiled(inputs):
            return model(inputs, training=False)

        return lambda inputs: compiled(inputs).numpy()
    return lambda inputs: np.asarray(model.predict_on_batch(list(inputs)))


def gradient(function, start: np.ndarray) -> np.ndarray:
    """Return the gradient of a function from a tensor to one number, at an array."""
    keras = import_keras()
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow

        place = tensorflow.convert_to_tensor(start)
        with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(place)
            value = function(place)
        return tape.gradient(value, place, unconnected_gradients="zero").numpy()
    if name == "torch":
        import torch

        place = keras.ops.convert_to_tensor(start).requires_grad_()
        (slopes,) = torch.autograd.grad(function(place), place, materialize_grads=True)
        return slopes.detach().cpu().numpy()
    if name == "jax":
        import jax

        return np.array(jax.grad(function)(jax.numpy.asarray(start)))
    raise NotImplementedError(
        "Gradients of a score need one of the Keras backends tensorflow, torch and jax. "
        f"Received: backend {name!r}."
    )


def has_gpu() -> bool:
    """Return whether the running backend sees a GPU."""
    name = import_keras().backend.backend()
    if name == "tensorflow":
        import tensorflow

        return bool(tensorflow.config.list_physical_devices("GPU"))
    if name == "torch":
        import torch

        return torch.cuda.is_available()
    import jax

    return jax.default_backend() == "gpu"
