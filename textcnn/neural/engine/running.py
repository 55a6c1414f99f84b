"""Fits models in parallel, one per thread; callbacks run in the caller's thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from joblib import effective_n_jobs
from joblib.externals.loky import cpu_count
from joblib.parallel import get_active_backend

from textcnn.neural.engine.training import fit_one
from textcnn.utils.threads import one_thread, usable_threads

# Seconds between checks for an interrupt by the user.
PATIENCE = 0.1


class Ended(Exception):  # noqa: N818 - not an error: another model or the user ended the fit
    """The fit was ended while this model was trained."""


@dataclass
class _Message:
    """A call that a training thread sends to the caller's thread, and its answer."""

    call: Any  # () -> answer
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Any = None


class _Told:
    """Listener of one model: passes all calls to the caller's thread."""

    def __init__(self, progress, messages: queue.SimpleQueue, is_over: threading.Event):
        self._progress, self._messages, self._is_over = progress, messages, is_over

    def begin(self) -> None:
        """Report that training begins."""
        self.step()
        if self._progress is not None:
            self._tell(self._progress.begin)

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report an epoch; return whether to stop."""
        if self._progress is None:
            return False
        return bool(self._tell(lambda: self._progress.epoch(epoch, losses)))

    def step(self) -> None:
        """End this model if the fit is over."""
        if self._is_over.is_set():
            raise Ended

    def end(self) -> None:
        """Report that the model is fitted."""
        if self._progress is not None:
            self._tell(self._progress.end)

    def _tell(self, call):
        message = _Message(call)
        self._messages.put(message)
        while not message.answered.wait(PATIENCE):
            self.step()  # the caller's thread may have ended
        self.step()
        return message.answer


def fit_side_by_side(
    groups: Sequence[tuple[tuple[Any, Any], Sequence]], *, n_jobs: int | None = None
) -> list[list]:
    """Fit the jobs of some groups in threads; return results in order.

    Parameters
    ----------
    groups : sequence of ((blueprint, source), jobs)
    n_jobs : int or None
        Number of parallel fits; None for the number of threads.

    Returns
    -------
    list of list of (FittedModel, ndarray)
    """
    places = [(g, j) for g, (_, jobs) in enumerate(groups) for j in range(len(jobs))]
    messages: queue.SimpleQueue = queue.SimpleQueue()
    is_over = threading.Event()

    def fit(place):
        (blueprint, source), jobs = groups[place[0]]
        job = jobs[place[1]]
        try:
            listener = _Told(job.progress, messages, is_over)
            return fit_one(blueprint.design, blueprint.loss, source, job, listener)
        except BaseException as error:
            is_over.set()
            if job.note and isinstance(error, Exception):
                error.add_note(f"while fitting {job.note}")
            raise
        finally:
            messages.put(None)

    if not places:
        return [[] for _ in groups]
    at_a_time = n_threads() if n_jobs is None else effective_n_jobs(n_jobs)
    side_by_side = min(at_a_time, len(places))
    for _, jobs in groups:
        for job in jobs:
            if hasattr(job.progress, "side_by_side"):  # it estimates the time of the fit
                job.progress.side_by_side = side_by_side
    with one_thread(), ThreadPoolExecutor(side_by_side) as threads:
        futures = [threads.submit(fit, place) for place in places]
        try:
            _answer(messages, len(places))
        except BaseException:
            is_over.set()
            for future in futures:
                future.cancel()
            raise
    results: list[list] = [[] for _ in groups]
    _raise_first([future.exception() for future in futures])
    for (group, _), future in zip(places, futures, strict=True):
        results[group].append(future.result())
    return results


def n_threads() -> int:
    """Return the number of models that may be fitted in parallel.

    In a thread of a pool it is 1, because the other threads use the other cores.
    """
    backend, _ = get_active_backend()
    is_nested = getattr(backend, "nesting_level", 0) > 0
    if is_nested and threading.current_thread() is not threading.main_thread():
        return 1
    return max(1, min(usable_threads(), cpu_count()))


def _answer(messages: queue.SimpleQueue, n_models: int) -> None:
    """Run the calls of the training threads in this thread, until all models are done."""
    while n_models:
        try:
            # With short waits, so that interrupts work on every system.
            message = messages.get(timeout=PATIENCE)
        except queue.Empty:
            continue
        if message is None:
            n_models -= 1
            continue
        try:
            message.answer = message.call()
        finally:
            message.answered.set()


def _raise_first(errors: Sequence[BaseException | None]) -> None:
    """Raise the error of the first failed model, not of those that were ended because of it."""
    raised = [error for error in errors if error is not None and not isinstance(error, Ended)]
    if raised:
        raise raised[0]
