"""scikit-learn's callbacks (1.9 on) over a fit: fit → model → epoch; nothing on older versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's mixin: supports no callbacks."""

    def with_callbacks(method):
        """Stand-in for scikit-learn's decorator: returns the method."""
        return method


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
        if not hasattr(estimator, "_init_callback_context"):
            return
        self._root = estimator._init_callback_context(
            max_subtasks=n_models, sequential_subtasks=False
        )
        self._root.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        self._listened = bool(getattr(estimator, "_skl_callbacks", None))

    def model(self, number: int, name: str) -> ModelProgress | None:
        """Return the progress of one model, or None where nobody listens."""
        if self._root is None or not self._listened:
            return None
        context = self._root.subcontext(task_name=name, task_id=number, max_subtasks=None)
        return ModelProgress(self._estimator, context)

    def end(self) -> None:
        """Announce that the fit is done."""
        if self._root is not None:
            self._root.call_on_fit_task_end(estimator=self._estimator)
