"""Seeds that depend on their purpose, and not on the order in which they are drawn."""

from __future__ import annotations

import contextlib
import random
import threading

import numpy as np

from textcnn.neural.keras_settings import own_settings

# Every use of randomness has its own number, so that a new one does not change the others.
PURPOSES = {
    "plan": 0,
    "vectors": 1,
    "corpus": 2,
    "weights": 3,
    "batches": 4,
    "estimator": 5,
    "mean_output": 6,
}


def entropy_from(random_state) -> int:
    """Return the integer from which all seeds of a fit are derived.

    Parameters
    ----------
    random_state : None, int, numpy.random.RandomState or numpy.random.Generator
        None uses the operating system; an int is used directly; from a generator one number is
        drawn, as in scikit-learn's splitters.

    Returns
    -------
    int
        A non-negative integer.

    Raises
    ------
    ValueError
        If ``random_state`` is none of these.

    Examples
    --------
    >>> entropy_from(7)
    7
    """
    if random_state is None:
        return int(np.random.SeedSequence().entropy)
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        if random_state < 0:
            raise ValueError(
                "random_state must not be negative. Expected: None, an int of at least 0, a "
                f"numpy RandomState or Generator. Received: random_state={random_state!r}."
            )
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(np.iinfo(np.int32).max))
    raise ValueError(
        "Unsupported type of random_state. Expected: None, an int of at least 0, a numpy "
        f"RandomState or Generator. Received: random_state={random_state!r}."
    )


def seed_sequence(entropy: int, purpose: str, column: int = 0, fold: int = 0, network: int = 0):
    """Return the ``SeedSequence`` of one purpose, column, fold and network of the fold."""
    place = [entropy, column, fold, PURPOSES[purpose]]
    # A further 0 would change the seeds of the first network.
    return np.random.SeedSequence([*place, network] if network else place)


def integer_seed(sequence: np.random.SeedSequence) -> int:
    """Return a 31-bit seed, the largest that all libraries accept."""
    return int(sequence.generate_state(1)[0] >> 1)


# The states are those of the process: two fits in threads take turns.
_lock = threading.RLock()


@contextlib.contextmanager
def keras_seeded(seed: int):
    """Seed Keras while it builds a network; global states and settings are restored.

    Without a seed, initializers and Dropout layers of Keras use Python's ``random.randint``, which
    is therefore replaced by a generator of this thread: other threads may use the global one at the
    same time (those of dask, when a connection is lost). The global states are seeded and restored
    as well, because a user's network may use them.
    """
    with _lock, own_settings():
        yield from _with_seeded_globals(seed)


def _with_seeded_globals(seed: int):
    """Seed the global states of the process, and restore them afterwards."""
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - saved and restored, never drawn from
    own, owner, shared = random.Random(seed), threading.get_ident(), random.randint

    def randint(a, b):
        return (own.randint if threading.get_ident() == owner else shared)(a, b)

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for a user's own network; restored below
    random.randint = randint
    try:
        yield
    finally:
        random.randint = shared
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
