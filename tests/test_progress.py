"""The line of progress: where it is shown, what it says, and that it leaves nothing behind."""

import io
import os
import pickle
import sys
import time
from contextlib import redirect_stderr

import pytest
from checks import signal_table, tiny
from sklearn.base import BaseEstimator, RegressorMixin

import textcnn
from textcnn import OutOfFoldEncoder, TableFeatures, TextCNNClassifier
from textcnn.utils import progress_line
from textcnn.utils.progress_line import CountedProgress, Level, ProgressLine, is_shown

X, Y = signal_table(60, seed=0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def settings():
    yield
    textcnn.set_config(progress="auto")


@pytest.fixture
def terminal(monkeypatch):
    """Return a terminal for ``redirect_stderr``; lines come at once."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress_line, "SECONDS_BEFORE", 0.0)
    monkeypatch.setattr(progress_line, "_SECONDS_BETWEEN", 0.005)
    return Terminal()


def test_it_is_shown_in_a_terminal_alone(terminal, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal)
    assert not is_shown(None)  # in a test
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert is_shown(None)
    monkeypatch.setenv("TERM", "dumb")
    assert not is_shown(None)
    textcnn.set_config(progress=True)
    assert is_shown(None)
    textcnn.set_config(progress=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not is_shown(None)
    textcnn.set_config(progress="auto")
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # a pipe
    assert not is_shown(None)
    monkeypatch.setattr(sys, "stderr", None)
    assert not is_shown(None)


def test_it_is_shown_in_a_notebook_without_widgets(monkeypatch):
    class ZMQInteractiveShell:
        pass

    class Python:
        get_ipython = ZMQInteractiveShell

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setitem(sys.modules, "IPython", Python)
    assert is_shown(None)


def test_callbacks_of_scikit_learn_take_its_place():
    class Callback:
        def setup(self, estimator, context):
            pass

        on_fit_task_begin = teardown = setup

        def on_fit_task_end(self, estimator, context, *, metadata=None):
            pass

    textcnn.set_config(progress=True)
    encoder = tiny(cv=2)
    assert is_shown(encoder)
    encoder.set_callbacks(Callback())
    assert not is_shown(encoder)
    with progress_line.progress_line(encoder):
        assert not is_shown(tiny(cv=2)), "nor has a fit inside it a line"
    assert is_shown(tiny(cv=2))


@pytest.mark.parametrize(
    ("estimator", "shown"),
    [
        (tiny(cv=2, epochs=60), "TextCNNEncoder 0 of 2"),
        (TextCNNClassifier(n_filters=2, epochs=60), "TextCNNClassifier 0 of 2"),
        (TableFeatures([tiny(epochs=60)], cv=2), "TableFeatures 0 of 1 > TextCNNEncoder 0 of 2"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_fit_writes_one_line_and_removes_it(terminal, estimator, shown):
    textcnn.set_config(progress=True)
    before = set(os.listdir(progress_line.tempfile.gettempdir()))
    with redirect_stderr(terminal):
        estimator.fit(X, Y)
    lines = terminal.getvalue().split("\r")
    assert any(line.startswith(shown) for line in lines)
    assert "\n" not in terminal.getvalue()
    assert lines[-1] == "" and not lines[-2].strip()
    left = set(os.listdir(progress_line.tempfile.gettempdir())) - before
    assert not any(name.startswith("textcnn-progress-") for name in left)
    assert progress_line.current_line() is None


def test_a_fit_that_fails_removes_it_too(terminal):
    class Slow(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            time.sleep(0.1)
            raise RuntimeError("it cannot")

        def predict(self, X):
            pass

    textcnn.set_config(progress=True)
    with pytest.raises(RuntimeError, match="it cannot"), redirect_stderr(terminal):
        OutOfFoldEncoder(Slow(), cv=2, target_type="continuous").fit([[0.0], [1.0]] * 30, Y)
    assert progress_line.current_line() is None
    assert terminal.getvalue().endswith("\r")


def test_models_of_worker_processes_are_counted(terminal):
    line = ProgressLine(terminal)
    level = line.push("Encoder", 3)
    here = CountedProgress(level, "review, fold 0")
    there = pickle.loads(pickle.dumps(CountedProgress(level, "review, fold 1")))
    here.begin()
    here.epoch(4, {})
    assert line.text() == "Encoder 0 of 3 (review, fold 0, epoch 5), 0 s"
    here.end()
    there.begin()
    there.end()
    assert level.done == 2
    line.pop(level)
    assert line.text() == "" and isinstance(level, Level)


def test_a_fit_inside_another_that_fails_is_removed(terminal):
    line = ProgressLine(terminal)
    line.push("Table", 2)
    with pytest.raises(TimeoutError), line.inside():
        line.push("Encoder", 3)
        raise TimeoutError
    assert line.text() == "Table 0 of 2, 0 s"


def test_a_long_line_is_cut(terminal):
    line = ProgressLine(terminal)
    line.push("Encoder" * 30, 3)
    line.start()
    time.sleep(0.05)
    line.stop()
    assert max(map(len, terminal.getvalue().split("\r"))) <= 78


def test_settings_are_checked():
    textcnn.set_config()
    assert textcnn.get_config() == {"progress": "auto"}
    with pytest.raises(ValueError, match="progress must be"):
        textcnn.set_config(progress="sometimes")
    with pytest.raises(TypeError):
        textcnn.set_config(verbose=True)
