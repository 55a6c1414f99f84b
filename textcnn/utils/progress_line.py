"""One line on standard error that shows how far a fit is."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from contextvars import ContextVar

from textcnn.utils.config import get_config

# Shorter fits show nothing.
SECONDS_BEFORE = 3.0
_SECONDS_BETWEEN = 0.5
_WIDTH = 78

_line: ContextVar[ProgressLine | None] = ContextVar("line", default=None)
# Whether callbacks of a fit around this one show its progress.
_is_listened: ContextVar[bool] = ContextVar("is_listened", default=False)


def current_line() -> ProgressLine | None:
    """Return the line of the fit that is running, if it has one."""
    return _line.get()


@contextlib.contextmanager
def progress_line(estimator):
    """Show a line while a fit runs; a fit within another one shares its line."""
    outer = _line.get()
    if outer is not None:
        with outer.inside():
            yield
        return
    if not is_shown(estimator):
        token = _is_listened.set(_is_listened.get() or _has_callbacks(estimator))
        try:
            yield
        finally:
            _is_listened.reset(token)
        return
    line = ProgressLine(sys.stderr)
    token = _line.set(line)
    line.start()
    try:
        yield
    finally:
        _line.reset(token)
        line.stop()


def is_shown(estimator) -> bool:
    """Return whether a fit has a line: by the user's setting, or by where it runs."""
    chosen = get_config()["progress"]
    if chosen is False or sys.stderr is None or _has_callbacks(estimator) or _is_listened.get():
        return False
    in_worker = multiprocessing.parent_process() is not None
    if in_worker or threading.current_thread() is not threading.main_thread():
        return False
    if chosen is True:
        return True
    return "PYTEST_CURRENT_TEST" not in os.environ and (_is_terminal() or _is_notebook())


def _has_callbacks(estimator) -> bool:
    return bool(getattr(estimator, "_skl_callbacks", None))


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # whatever stands in for it, or it is closed
        return False


def _is_notebook() -> bool:
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if hasattr(python, "get_ipython") else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class Level:
    """How many models of one fit are done; a copy in a worker process counts in a file."""

    def __init__(self, name: str, total: int):
        self.name = name
        self.total = total
        self.place = ""
        self.epoch: int | None = None
        self._done = 0
        handle, self._path = tempfile.mkstemp(prefix="textcnn-progress-")
        os.close(handle)

    @property
    def done(self) -> int:
        """Number of models that are done, here and in worker processes."""
        with contextlib.suppress(OSError):
            return self._done + os.path.getsize(self._path)
        return self._done

    def count(self) -> None:
        """Count one more model in this process."""
        self._done += 1

    def count_in_file(self) -> None:
        """Count one more model for another process."""
        with contextlib.suppress(OSError), open(self._path, "ab") as file:
            file.write(b".")

    def close(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            os.remove(self._path)


class CountedProgress:
    """Counts one model, and forwards its events to callbacks, if any."""

    def __init__(self, level: Level, name: str, inner=None):
        self.level, self.name, self.inner = level, name, inner
        self.is_copy = False

    def begin(self) -> None:
        """Report the start of this model."""
        if not self.is_copy:
            self.level.place, self.level.epoch = self.name, None
        if self.inner is not None:
            self.inner.begin()

    def epoch(self, epoch: int, losses: dict) -> bool:
        """Report an epoch; True stops the training of this model."""
        if not self.is_copy:
            self.level.place, self.level.epoch = self.name, epoch
        return self.inner is not None and self.inner.epoch(epoch, losses)

    def end(self) -> None:
        """Report the end of this model."""
        if self.is_copy:
            self.level.count_in_file()
        else:
            self.level.count()
        if self.inner is not None:
            self.inner.end()

    def __getstate__(self):
        """Let a copy, in a worker process, know that it is one."""
        return self.__dict__ | {"is_copy": True}


class ProgressLine:
    """A line that a thread writes again and again.

    Parameters
    ----------
    stream : text stream
    """

    def __init__(self, stream):
        self._stream = stream
        self._levels: list[Level] = []
        self._started = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._shown = ""

    def start(self) -> None:
        """Start writing, after some seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Remove the line."""
        self._is_over.set()
        self._thread.join()
        for level in self._levels:
            level.close()
        if self._shown:
            self._write("")

    def push(self, name: str, total: int) -> Level:
        """Add a fit of some models, inside of those that are running."""
        level = Level(name, total)
        self._levels.append(level)
        return level

    def pop(self, level: Level) -> None:
        """Remove a fit that is over, and those inside of it."""
        if level in self._levels:
            self._cut(self._levels.index(level))

    @contextlib.contextmanager
    def inside(self):
        """Remove fits that begin in here at the end, also where an error ends them."""
        n_levels = len(self._levels)
        try:
            yield
        finally:
            self._cut(n_levels)

    def _cut(self, n_levels: int) -> None:
        for over in self._levels[n_levels:]:
            over.close()
        del self._levels[n_levels:]

    def text(self) -> str:
        """Return the line: done and all models of each fit, the place, and the seconds."""
        levels = list(self._levels)
        if not levels:
            return ""
        parts = [f"{level.name} {level.done} of {level.total}" for level in levels]
        last = levels[-1]
        where = last.place + (f", epoch {last.epoch + 1}" if last.epoch is not None else "")
        parts[-1] += f" ({where})" if where else ""
        seconds = round(time.monotonic() - self._started)
        return f"{' > '.join(parts)}, {seconds} s"

    def _run(self) -> None:
        wait = SECONDS_BEFORE
        while not self._is_over.wait(wait):
            wait = _SECONDS_BETWEEN
            self._write(self.text())

    def _write(self, text: str) -> None:
        text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
        if text == self._shown:
            return
        padding = " " * (len(self._shown) - len(text))
        with contextlib.suppress(OSError, ValueError):  # a closed terminal ends no fit
            try:
                self._stream.write(f"\r{text}{padding}" + ("" if text else "\r"))
            except UnicodeEncodeError:
                plain = text.encode("ascii", "replace").decode()
                self._stream.write(f"\r{plain}{padding}")
            self._stream.flush()
        self._shown = text
