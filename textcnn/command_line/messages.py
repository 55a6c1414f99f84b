"""Errors that the user can correct, warnings, and progress in a terminal."""

from __future__ import annotations

import contextlib
import difflib
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence

_SECONDS_BETWEEN = 0.2
_MOST_NAMES = 30


class BadInputError(Exception):
    """Invalid input that the user can correct; the message is one line."""

    status = 2


class TimeOverError(BadInputError):
    """The time limit is too short for the fit."""

    status = 3


def one_line(error: BaseException) -> str:
    """Return an error's message without line breaks."""
    return " ".join(str(error).split())


def printable(text: str) -> str:
    """Return a text for a terminal, with line breaks, control characters and surrogates escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode()
        for sign in text
    )


def check_column(columns: Sequence[str], column: str) -> None:
    """Refuse a column that a table lacks and name the most similar one."""
    if column in columns:
        return
    names = [str(name) for name in columns]
    close = difflib.get_close_matches(column, names, n=1)
    shown = [*names[:_MOST_NAMES], "…"] if len(names) > _MOST_NAMES else names
    hint = f"Did you mean {close[0]!r}?" if close else f"Its columns: {', '.join(shown)}."
    raise BadInputError(f"the table has no column {column!r}. {hint}")


@contextlib.contextmanager
def any_characters() -> Iterator[None]:
    """Escape the characters that the encoding of a terminal or pipe lacks."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            with contextlib.suppress(OSError, ValueError):  # a broken pipe, or closed
                stream.reconfigure(errors=errors)


@contextlib.contextmanager
def short_warnings() -> Iterator[None]:
    """Show each warning once, in one line."""
    shown: set[str] = set()

    def show(message, category, *_, **__):
        text = one_line(message)
        if text not in shown and sys.stderr is not None:
            shown.add(text)
            print(f"textcnn: warning: {printable(text)}", file=sys.stderr)

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        # Otherwise every chunk would repeat the warning about training rows.
        warnings.simplefilter("once", UserWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Make SIGTERM remove incomplete output, as Ctrl-C does."""

    def stop(number, frame):
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread, which handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


@contextlib.contextmanager
def progress_bar(encoder) -> Iterator[None]:
    """Show the progress of a fit with scikit-learn's bars, but only in a terminal.

    They need rich, which Keras installs, and scikit-learn 1.9; without these there are no bars.
    """
    try:
        import rich
        from sklearn.callback import ProgressBar
    except ImportError:
        rich = None
    if rich is None or not _is_terminal():
        yield
        return
    rich.reconfigure(stderr=True)  # standard output is for features
    encoder.set_callbacks(ProgressBar(max_propagation_depth=None))
    try:
        yield
    finally:
        encoder.set_callbacks()


class RowCounter:
    """Shows the number of processed rows, but only in a terminal."""

    def __init__(self, what: str):
        self._what = what
        self._shows = _is_terminal()
        self._shown = 0.0
        self._started = time.monotonic()

    def show(self, n_rows: int) -> None:
        """Update the number, a few times a second."""
        now = time.monotonic()
        if self._shows and now - self._shown >= _SECONDS_BETWEEN:
            self._shown = now
            speed = n_rows / max(now - self._started, 1e-9)
            sys.stderr.write(f"\r{self._what}: {n_rows:,} rows, {speed:,.0f} a second ")
            sys.stderr.flush()

    def end(self, n_rows: int) -> None:
        """Write the last number and a line break."""
        self._shown = 0.0
        self.show(n_rows)
        if self._shows:
            sys.stderr.write("\n")
