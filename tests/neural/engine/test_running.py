"""Models side by side in threads: the same bits, callbacks in the caller's, an end in time."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import joblib
import numpy as np
import pytest
from oracle import N_ROWS, job, random_targets, text_network

from textcnn.neural.engine import running
from textcnn.neural.training import fit_groups, fit_models
from textcnn.utils.progress import TimedProgress, TimeLimitReached


@pytest.fixture(scope="module")
def work():
    plan, source = text_network(n_filters=20, given=False)
    targets = random_targets(plan.loss, 1)
    jobs = [
        job(plan, targets, weights_seed=seed, note=f"fold {seed}", updates=30) for seed in range(5)
    ]
    return plan, source, jobs


def assert_same(results, others):
    for (model, outputs), (other, other_outputs) in zip(results, others, strict=True):
        np.testing.assert_array_equal(outputs, other_outputs)
        for mine, theirs in zip(model.weights, other.weights, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert model.history == other.history


def with_threads(monkeypatch, n_threads: int):
    monkeypatch.setattr(running, "n_threads", lambda: n_threads)


def test_any_number_of_threads_gives_the_same_bits(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 1)
    alone = fit_models(plan, source, jobs)
    assert not np.array_equal(alone[0][1], alone[1][1])
    for n_threads in (2, 5):
        with_threads(monkeypatch, n_threads)
        assert_same(fit_models(plan, source, jobs), alone)
        assert_same(fit_models(plan, source, jobs[::-1]), alone[::-1])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_n_jobs_changes_no_bit(work, backend):
    plan, source, jobs = work
    here = fit_models(plan, source, jobs)
    with joblib.parallel_config(backend=backend):
        assert_same(fit_models(plan, source, jobs, n_jobs=2), here)


def test_results_come_in_the_order_of_groups_and_jobs(work):
    plan, source, jobs = work
    together = fit_groups(
        [((plan, source), jobs[:2]), ((plan, source), []), ((plan, source), jobs[2:])]
    )
    assert [len(results) for results in together] == [2, 0, 3]
    assert_same(together[0] + together[2], fit_models(plan, source, jobs))


class Recorder:
    """Keeps what it is told, and by which thread; may stop the model or raise."""

    def __init__(self, *, stop_after=None, raises=None):
        self.told, self.threads = [], set()
        self._stop_after, self._raises = stop_after, raises

    def _note(self, what):
        self.told.append(what)
        self.threads.add(threading.get_ident())

    def begin(self):
        self._note("begin")

    def epoch(self, epoch, losses):
        self._note((epoch, list(losses)))
        if self._raises is not None:
            raise self._raises
        return epoch + 1 == self._stop_after

    def end(self):
        self._note("end")


def test_progress_is_told_by_the_callers_thread(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 3)
    recorders = [Recorder() for _ in jobs]
    jobs = [replace(one, progress=told) for one, told in zip(jobs, recorders, strict=True)]
    results = fit_models(plan, source, jobs)
    for recorder, (model, _) in zip(recorders, results, strict=True):
        epochs = [(line["epoch"], ["loss"]) for line in model.history]
        assert recorder.told == ["begin", *epochs, "end"]
        assert recorder.threads == {threading.get_ident()}


def test_progress_stops_one_model(work):
    plan, source, jobs = work
    stopped = replace(jobs[1], progress=Recorder(stop_after=2))
    results = fit_models(plan, source, [jobs[0], stopped])
    assert [len(model.history) for model, _ in results] == [8, 2]
    assert [model.updates for model, _ in results] == [30, 8]


def test_a_time_limit_ends_the_fit_and_counts_models_side_by_side(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 2)
    late = time.monotonic() + 100
    in_time = [TimedProgress(None, late, len(jobs)) for _ in jobs]
    told = [replace(one, progress=progress) for one, progress in zip(jobs, in_time, strict=True)]
    assert len(fit_models(plan, source, told)) == len(jobs)
    assert {progress.side_by_side for progress in in_time} == {2}
    soon = time.monotonic() + 0.5
    long = [replace(one, updates=10**6, progress=TimedProgress(None, soon, 5)) for one in jobs]
    with pytest.raises(TimeLimitReached):
        fit_models(plan, source, long)
    assert time.monotonic() < soon + 1


def test_what_progress_raises_ends_the_fit(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 2)
    long = [replace(one, updates=10**6, progress=Recorder()) for one in jobs]
    long[1] = replace(long[1], progress=Recorder(raises=TimeoutError("no time left")))
    with pytest.raises(TimeoutError, match="no time left"):
        fit_models(plan, source, long)
    assert running_threads() == 0


def test_an_error_of_one_model_ends_the_others_and_is_told(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 2)
    long = [replace(one, updates=10**6) for one in jobs]
    long[1] = replace(long[1], targets=long[1].targets[:3])
    with pytest.raises(IndexError) as caught:
        fit_models(plan, source, long)
    assert caught.value.__notes__ == ["while fitting fold 1"]
    assert running_threads() == 0


def test_an_interrupt_ends_the_fit_within_a_second(work, monkeypatch):
    plan, source, jobs = work
    with_threads(monkeypatch, 2)
    fit_models(plan, source, jobs)  # compiles
    long = [replace(one, updates=10**6) for one in jobs]
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        _thread.interrupt_main()

    # A shell ignores the signal for what it runs in the background, and so would this process.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.5, interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            fit_models(plan, source, long)
    finally:
        signal.signal(signal.SIGINT, former)
    assert time.monotonic() - sent[0] < 1
    assert running_threads() == 0


def running_threads() -> int:
    return sum(thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate())


def test_a_fit_in_a_thread_of_a_pool_takes_one_thread(monkeypatch):
    monkeypatch.setattr(running, "usable_threads", lambda: 4)
    monkeypatch.setattr(running, "cpu_count", lambda: 4)
    assert running.n_threads() == 4
    found = joblib.Parallel(2, backend="threading")(
        joblib.delayed(running.n_threads)() for _ in range(2)
    )
    assert found == [1, 1]


@pytest.mark.parametrize(("told", "expected"), [("1", 1), ("2", 2), ("99", 2)])
def test_threads_are_those_that_the_process_may_use(told, expected, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(running, "cpu_count", lambda: 64)
    assert running.n_threads() == expected


def start(code, **environment):
    variables = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=variables | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*processes):
    found = []
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        found.append(out)
    return found


def test_two_processes_may_compile_at_once(tmp_path):
    (tmp_path / "small.py").write_text(
        "from textcnn.neural.engine.compiling import compiled\n"
        "@compiled('float64(float64)')\n"
        "def doubled(number):\n"
        "    return 2 * number\n"
    )
    folders = {"NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    folders["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    code = "from small import doubled; print(doubled(4.0), sum(doubled.stats.cache_hits.values()))"
    both = finished(start(code, **folders), start(code, **folders))
    assert [line.split()[0] for line in both] == ["8.0"] * 2
    assert finished(start(code, **folders)) == ["8.0 1\n"], "the third reads what they compiled"


def test_what_joblib_sends_elsewhere_is_sent(work, monkeypatch):
    from textcnn.neural import training

    sent = []
    monkeypatch.setattr(training, "works_here", lambda: False)
    spread = training.spread
    monkeypatch.setattr(
        training, "spread", lambda *args, **kwargs: sent.append(1) or spread(*args, **kwargs)
    )
    plan, source, jobs = work
    results = fit_models(plan, source, jobs[:2])
    assert sent and [model.engine for model, _ in results] == ["numba", "numba"]
    assert len(results[0][1]) == N_ROWS - 30
