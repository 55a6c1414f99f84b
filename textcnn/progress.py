"""scikit-learn's callbacks (1.9 on) over a fit: fit → model → epoch; nothing on older versions."""

from __future__ import annotations

import contextlib
import os
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's mixin: supports no callbacks."""

    def with_callbacks(method):
        """Stand-in for scikit-learn's decorator: returns the method."""
        return method


_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class TimeLimitReached(Exception):  # noqa: N818 - no error of the caller's
    """A fit was ended because the time given by :func:`time_limit` is over, or will be."""


@contextlib.contextmanager
def time_limit(deadline: float | None):
    """End every fit inside by :class:`TimeLimitReached` once ``time.monotonic()`` has passed this.

    Looked at after each epoch and each model; a fit whose remaining models would pass the deadline
    at the pace of the fastest one so far is ended at once. None is no limit.
    """
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@dataclass
class TimedProgress:
    """Ends a fit in time, and hands everything on to the callbacks' progress, if there is one."""

    inner: ModelProgress | None
    deadline: float
    n_models: int
    paces: list[float] = field(default_factory=list)  # shared by the models of a fit
    started: float = 0.0
    owner: int = field(default_factory=os.getpid)  # a worker fits a share of the models
    side_by_side: int = 1  # models that are fitted at the same time

    def begin(self) -> None:
        """Announce that this model starts."""
        self._check()
        self.started = time.monotonic()
        if self.inner is not None:
            self.inner.begin()

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Announce an epoch's losses; True asks to stop this model."""
        self._check()
        return self.inner is not None and self.inner.epoch(epoch, losses)

    def end(self) -> None:
        """Announce that this model is fitted."""
        if self.inner is not None:
            self.inner.end()
        self.paces.append(time.monotonic() - self.started)
        # The first model pays for what all share, so that two at least tell the pace.
        needed = min(self.paces) * (self.n_models - len(self.paces)) / self.side_by_side
        left = self.deadline - time.monotonic()
        is_forecast = os.getpid() == self.owner and len(self.paces) > 1
        if is_forecast and needed > max(left, 0):
            raise TimeLimitReached(f"about {needed:.0f} s more needed, {max(left, 0):.0f} s left")

    def __getstate__(self):
        """Travel with the time of day: another machine's monotonic clock starts elsewhere."""
        return self.__dict__ | {"deadline": self.deadline - time.monotonic() + time.time()}

    def __setstate__(self, state):
        """Turn the time of day into this machine's monotonic clock."""
        self.__dict__.update(state, deadline=state["deadline"] - time.time() + time.monotonic())

    def _check(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeLimitReached("the time was over while it was fitted")


@dataclass
class ModelProgress:
    """Tells the callbacks of an estimator about one model; picklable, for worker processes."""

    estimator: Any
    context: Any

    def begin(self) -> None:
        """Announce that this model starts."""
        self.context.call_on_fit_task_begin(estimator=self.estimator)

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Announce an epoch's losses; True asks to stop this model."""
        task = self.context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self.estimator)
        return bool(
            task.call_on_fit_task_end(estimator=self.estimator, metadata={"epoch": epoch, **losses})
        )

    def end(self) -> None:
        """Announce that this model is fitted."""
        self.context.call_on_fit_task_end(estimator=self.estimator)


class FitProgress:
    """The callbacks' view of a whole fit of ``n_models`` models.

    Parameters
    ----------
    estimator : estimator
        May hold callbacks set by ``set_callbacks`` or handed down by a meta-estimator.
    n_models : int
    """

    def __init__(self, estimator, n_models: int, X, y):
        self._estimator = estimator
        self._root = None
        self._n_models = n_models
        self._paces: list[float] = []
        if not hasattr(estimator, "_init_callback_context"):
            return
        self._root = estimator._init_callback_context(
            max_subtasks=n_models, sequential_subtasks=False
        )
        self._root.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        self._listened = bool(getattr(estimator, "_skl_callbacks", None))

    def model(self, number: int, name: str) -> ModelProgress | TimedProgress | None:
        """Return the progress of one model, or None where nobody listens and no time is set."""
        progress = self._listener(number, name)
        deadline = _deadline.get()
        if deadline is None:
            return progress
        return TimedProgress(progress, deadline, self._n_models, self._paces)

    def _listener(self, number: int, name: str) -> ModelProgress | None:
        """Return what tells the callbacks of one model, or None where nobody listens."""
        if self._root is None or not self._listened:
            return None
        context = self._root.subcontext(task_name=name, task_id=number, max_subtasks=None)
        return ModelProgress(self._estimator, context)

    def end(self) -> None:
        """Announce that the fit is done."""
        if self._root is not None:
            self._root.call_on_fit_task_end(estimator=self._estimator)
