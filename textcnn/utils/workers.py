"""Spreads fits over joblib's workers: processes on this machine, or those of dask or Ray."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import joblib
from sklearn.utils.parallel import Parallel, delayed


class Parcel:
    """What a worker needs for its jobs, sent with them whatever its size.

    joblib's dask backend puts a large argument on one worker, from where the others fetch it. A
    worker that dies takes what only it holds along, and the fit fails or waits for ever; what comes
    with the task is sent again with it. That backend knows an argument by a weak reference, which
    this class does not allow.
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
    """Do the jobs of some groups on joblib's workers; return the results, group by group.

    The jobs of a group share something large. They are dealt to as many hands as there are workers,
    and a hand is one task: so no worker is sent what a group shares more than once, and a worker
    that is lost costs its hand. With one worker, or one job, everything is done here.

    Parameters
    ----------
    function : callable
        Takes what a group shares and some of its jobs; returns one result per job.
    groups : sequence of (shared, jobs)
    n_jobs : int or None
        As everywhere in scikit-learn; None is what ``joblib.parallel_config`` says.
    prefer : {"processes", "threads"}, optional
        Taken where no configuration names a backend.

    Returns
    -------
    list of list
        One result per job, in the order of the jobs: not in that of their end.
    """
    parallel = Parallel(n_jobs=n_jobs, prefer=prefer)
    n_workers = joblib.effective_n_jobs(parallel.n_jobs)
    if n_workers <= 1 or sum(len(jobs) for _, jobs in groups) <= 1:
        return [function(shared, list(jobs)) for shared, jobs in groups]
    hands = [
        (number, range(start, len(jobs), n_workers))
        for number, (_, jobs) in enumerate(groups)
        for start in range(min(n_workers, len(jobs)))
    ]
    parcels = [
        Parcel((groups[number][0], [groups[number][1][i] for i in hand])) for number, hand in hands
    ]
    with warnings.catch_warnings():
        # dask advises to leave large arguments with the workers, which Parcel is there to avoid. As
        # an error in dask's own thread it would make joblib wait for ever.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        dealt = parallel(delayed(_do)(function, parcel) for parcel in parcels)
    results: list[list] = [[None] * len(jobs) for _, jobs in groups]
    for (number, hand), done in zip(hands, dealt, strict=True):
        for i, result in zip(hand, done, strict=True):
            results[number][i] = result
    return results


def _do(function, parcel: Parcel):
    """Do one hand of jobs, in a worker."""
    return function(*parcel.content)
