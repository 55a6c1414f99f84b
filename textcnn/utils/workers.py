"""Distribute fits over joblib's workers: local processes, or those of dask or Ray."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import joblib
from sklearn.utils.parallel import Parallel, delayed


class WorkerTask:
    """The jobs of a worker and their shared data, always sent together.

    joblib's dask backend stores a large argument on one worker, from which the others fetch it. If
    that worker dies, the argument is lost and the fit fails or deadlocks. Data inside the task are
    sent again with it. The backend tracks arguments by weak references, which this class does not
    support.
    """

    __slots__ = ("content",)

    def __init__(self, content: Any):
        self.content = content


def spread(
    function: Callable[[Any, list], list],
    groups: Sequence[tuple[Any, Sequence]],
    *,
    n_jobs: int | None,
    prefer: str | None = None,
) -> list[list]:
    """Run the jobs of groups on joblib's workers; return the results by group.

    The jobs of a group share large data. They are divided into one batch per worker, and a batch is
    one task: so no worker receives the shared data more than once, and if a worker dies, its batch
    is repeated. With one worker, or one job, everything runs in this process.

    Parameters
    ----------
    function : callable
        Takes the shared data of a group and some of its jobs; returns one result per job.
    groups : sequence of (shared, jobs)
    n_jobs : int or None
        As in scikit-learn; None uses ``joblib.parallel_config``.
    prefer : {"processes", "threads"}, optional
        Used if no configuration sets a backend.

    Returns
    -------
    list of list
        One result per job, in the order of the jobs.
    """
    parallel = Parallel(n_jobs=n_jobs, prefer=prefer)
    n_workers = joblib.effective_n_jobs(parallel.n_jobs)
    if n_workers <= 1 or sum(len(jobs) for _, jobs in groups) <= 1:
        return [function(shared, list(jobs)) for shared, jobs in groups]
    batches = [
        (number, range(start, len(jobs), n_workers))
        for number, (_, jobs) in enumerate(groups)
        for start in range(min(n_workers, len(jobs)))
    ]
    tasks = [
        WorkerTask((groups[number][0], [groups[number][1][i] for i in batch]))
        for number, batch in batches
    ]
    with warnings.catch_warnings():
        # dask advises to store large arguments on the workers, which WorkerTask avoids. Raised as
        # an error in dask's own thread, the warning would deadlock joblib.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        done_tasks = parallel(delayed(_do)(function, task) for task in tasks)
    results: list[list] = [[None] * len(jobs) for _, jobs in groups]
    for (number, batch), done in zip(batches, done_tasks, strict=True):
        for i, result in zip(batch, done, strict=True):
            results[number][i] = result
    return results


def _do(function, task: WorkerTask):
    """Run one batch of jobs, in a worker."""
    return function(*task.content)
