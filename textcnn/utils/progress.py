"""Callbacks (scikit-learn 1.9 or later) for fit → model → epoch, lines, and time limits."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from textcnn.utils.progress_line import CountedProgress, current_line, progress_line

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's mixin: supports no callbacks."""

    def _with_callbacks(method):
        return method


def with_callbacks(method):
    """Decorate a method that fits: scikit-learn's callbacks, or a line of progress."""
    wrapped = _with_callbacks(method)

    @functools.wraps(method)
    def fit(self, *given, **options):
        with progress_line(self):
            return wrapped(self, *given, **options)

    return fit


_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class TimeLimitReached(Exception):  # noqa: N818 - not a caller's error
    """A fit was stopped because the time of :func:`time_limit` is over, or will not suffice."""


@contextlib.contextmanager
def time_limit(deadline: float | None):
    """Stop fits with :class:`TimeLimitReached` once ``time.monotonic()`` is past the deadline.

    Checked after each epoch and each model. A fit is also stopped as soon as its remaining models
    would pass the deadline at the speed of the fastest one so far. None is no limit.
    """
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@dataclass
class TimedProgress:
    """Stops a fit at the deadline, and forwards events to the callbacks, if any."""

    inner: ModelProgress | CountedProgress | None
    deadline: float
    n_models: int
    paces: list[float] = field(default_factory=list)  # shared by the models of a fit
    started: float = 0.0
    owner: int = field(default_factory=os.getpid)  # a worker fits a share of the models
    side_by_side: int = 1  # models that are fitted at the same time

    def begin(self) -> None:
        """Report the start of this model."""
        self._check()
        self.started = time.monotonic()
        if self.inner is not None:
            self.inner.begin()

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report an epoch's losses; True stops the training of this model."""
        self._check()
        return self.inner is not None and self.inner.epoch(epoch, losses)

    def end(self) -> None:
        """Report the end of this model."""
        if self.inner is not None:
            self.inner.end()
        self.paces.append(time.monotonic() - self.started)
        # The first model pays for what all share, so that two at least tell the pace.
        needed = min(self.paces) * (self.n_models - len(self.paces)) / self.side_by_side
        left = self.deadline - time.monotonic()
        is_forecast = os.getpid() == self.owner and len(self.paces) > 1
        if is_forecast and needed > max(left, 0):
            raise TimeLimitReached(f"needs about {needed:.0f} s more, {max(left, 0):.0f} s left")

    def __getstate__(self):
        """Convert the deadline to time of day: monotonic clocks of machines differ."""
        return self.__dict__ | {"deadline": self.deadline - time.monotonic() + time.time()}

    def __setstate__(self, state):
        """Convert the deadline to this machine's monotonic clock."""
        self.__dict__.update(state, deadline=state["deadline"] - time.time() + time.monotonic())

    def _check(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeLimitReached("the time limit was reached during the fit")


@dataclass
class ModelProgress:
    """Calls the callbacks of an estimator for one model; picklable, for worker processes."""

    estimator: Any
    context: Any

    def begin(self) -> None:
        """Report the start of this model."""
        self.context.call_on_fit_task_begin(estimator=self.estimator)

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report an epoch's losses; True stops the training of this model."""
        task = self.context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self.estimator)
        return bool(
            task.call_on_fit_task_end(estimator=self.estimator, metadata={"epoch": epoch, **losses})
        )

    def end(self) -> None:
        """Report the end of this model."""
        self.context.call_on_fit_task_end(estimator=self.estimator)


class FitProgress:
    """Callbacks of a fit of ``n_models`` models.

    Parameters
    ----------
    estimator : estimator
        May have callbacks from ``set_callbacks`` or from a meta-estimator.
    n_models : int
    """

    def __init__(self, estimator, n_models: int, X, y):
        self._estimator = estimator
        self._root = None
        self._n_models = n_models
        self._paces: list[float] = []
        self._line = current_line()
        self._level = None
        if self._line is not None:
            self._level = self._line.push(type(estimator).__name__, n_models)
        if not hasattr(estimator, "_init_callback_context"):
            return
        self._root = estimator._init_callback_context(
            max_subtasks=n_models, sequential_subtasks=False
        )
        self._root.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        self._listened = bool(getattr(estimator, "_skl_callbacks", None))

    def model(
        self, number: int, name: str
    ) -> ModelProgress | CountedProgress | TimedProgress | None:
        """Return the progress of one model, or None if nothing listens."""
        progress = None
        if self._root is not None and self._listened:
            context = self._root.subcontext(task_name=name, task_id=number, max_subtasks=None)
            progress = ModelProgress(self._estimator, context)
        if self._level is not None:
            progress = CountedProgress(self._level, name, progress)
        deadline = _deadline.get()
        if deadline is None:
            return progress
        return TimedProgress(progress, deadline, self._n_models, self._paces)

    def end(self) -> None:
        """Report the end of the fit."""
        if self._line is not None:
            self._line.pop(self._level)
        if self._root is not None:
            self._root.call_on_fit_task_end(estimator=self._estimator)
