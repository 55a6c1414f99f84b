"""``textcnn fit-transform``, ``transform`` and ``report``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from textcnn.command_line.messages import (
    BadInputError,
    RowCounter,
    TimeOverError,
    one_line,
    printable,
    progress_bar,
)
from textcnn.command_line.reading import FORMATS, read_chunks
from textcnn.command_line.writing import table_writer

_FILES = "CSV, TSV or JSON lines (also .gz), or Parquet; - is standard input, as CSV"


def add_commands(commands, seed) -> None:
    """Add the three commands to the parser; ``seed`` reads a seed."""
    _add_fit_transform(commands, seed)
    _add_transform(commands)
    report = commands.add_parser(
        "report",
        help="show the report of a saved encoder",
        description="Show the report of a saved encoder: scores per fold and the score of a "
        "baseline (class frequencies or mean), after checking that no model predicted its "
        "training rows.",
    )
    report.add_argument("model", metavar="MODEL", help="file written by --save")
    report.add_argument("--json", action="store_true", help="as JSON, with every fold")
    report.set_defaults(run=_report)


def _add_fit_transform(commands, seed) -> None:
    fit = commands.add_parser(
        "fit-transform",
        help="make out-of-fold features of training rows",
        description="Make out-of-fold features of text (or image) columns for training rows, and "
        "save the encoder for new rows. Rows keep their order.",
    )
    fit.add_argument("table", metavar="TABLE", help=f"training rows: {_FILES}")
    columns = fit.add_argument_group("columns")
    columns.add_argument("--text", metavar="COLUMN", action="append", default=[])
    columns.add_argument(
        "--image", metavar="COLUMN", action="append", default=[], help="paths of images"
    )
    columns.add_argument("--target", metavar="COLUMN", required=True)
    columns.add_argument("--group", metavar="COLUMN", help="rows of a group stay in the same fold")
    columns.add_argument(
        "--time",
        metavar="COLUMN",
        help="learn from earlier rows only; the first rows get no feature",
    )
    columns.add_argument(
        "--keep", metavar="COLUMN", action="append", default=[], help="copy to the output"
    )
    how = fit.add_argument_group("features")
    how.add_argument(
        "--kind",
        choices=("cnn", "linear"),
        default="cnn",
        help="network, or linear model on TF-IDF",
    )
    how.add_argument(
        "--target-type",
        choices=("auto", "binary", "multiclass", "continuous"),
        default="auto",
        help="type of target; continuous if integers are quantities",
    )
    how.add_argument("--folds", type=_positive, default=5, help="number of folds (default 5)")
    how.add_argument("--vectors", metavar="FILE", help="word vectors: word2vec or GloVe")
    how.add_argument("--epochs", type=_positive, help="number of epochs")
    how.add_argument(
        "--image-size",
        metavar=("HEIGHT", "WIDTH"),
        type=_positive,
        nargs=2,
        help="resize images to this",
    )
    how.add_argument("--seed", type=seed, default=0, help="seed of folds and models (default 0)")
    how.add_argument("--jobs", type=int, metavar="N", help="number of processes; -1 for all cores")
    how.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=_seconds,
        help="stop with exit status 3 as soon as fitting is expected to take longer",
    )
    fit.add_argument(
        "--save", metavar="MODEL", help="save the encoder, for example to model.textcnn"
    )
    _add_output(fit)
    fit.set_defaults(run=_fit_transform)


def _add_transform(commands) -> None:
    transform = commands.add_parser(
        "transform",
        help="make features of new rows with a saved encoder",
        description="Make features of new rows with a saved encoder, a few thousand rows at a "
        "time, so that memory does not grow with the table.",
    )
    transform.add_argument("table", metavar="TABLE", help=f"new rows: {_FILES}")
    transform.add_argument("--model", metavar="MODEL", required=True, help="file written by --save")
    transform.add_argument(
        "--keep", metavar="COLUMN", action="append", default=[], help="copy to the output"
    )
    _add_output(transform)
    transform.set_defaults(run=_transform)


def _add_output(parser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", default="-", help="features; - is standard output (the default)"
    )
    parser.add_argument("--format", choices=FORMATS, help="format of TABLE (default: by its name)")
    parser.add_argument(
        "--out-format", choices=FORMATS, help="format of the features (default: by the file's name)"
    )


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1. Received: {text}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0. Received: {text}")
    return seconds


def _fit_transform(options: argparse.Namespace) -> int:
    """Fit on a whole table and write its out-of-fold features."""
    import pandas as pd

    started = time.monotonic()
    if bool(options.text) == bool(options.image):
        raise BadInputError(
            "expected the columns to encode: --text COLUMN or --image COLUMN, not both"
        )
    if options.image and (options.kind == "linear" or options.vectors):
        raise BadInputError("--kind linear and --vectors need --text; omit them with --image")
    inputs = options.text or options.image
    beside = [name for name in (options.target, options.group, options.time) if name is not None]
    if options.target in inputs:
        raise BadInputError(
            f"--target and --text or --image name the same column, {options.target!r}"
        )
    if options.save is not None and not Path(options.save).absolute().parent.is_dir():
        raise BadInputError(f"the folder of --save {options.save} does not exist")
    encoder = _encoder(options)
    with _messages(), _stoppable():
        cells: dict[str, list] = {}
        wanted = [*inputs, *beside, *options.keep]
        with read_chunks(options.table, wanted, format=options.format) as chunks:
            for chunk in chunks:
                for name, column in chunk.items():
                    cells.setdefault(name, []).extend(column)
        if not cells:
            raise BadInputError(f"{options.table!r} has no rows")
        X = pd.DataFrame({name: _filled(cells[name]) for name in inputs}, dtype=object)
        y = _target(cells[options.target], options.target)
        parameters = {}
        if options.group is not None:
            parameters["groups"] = _filled(cells[options.group])
        if options.time is not None:
            parameters["time"] = _times(cells[options.time], options.time)
        with table_writer(options.out, format=options.out_format) as writer:
            with _in_time(started, options.time_limit), progress_bar(encoder):
                features = np.asarray(_refused(encoder.fit_transform, X, y, **parameters))
            writer.write(_output(encoder, features, {n: cells[n] for n in options.keep}))
            if options.save is not None:
                _save(encoder, options.save)
    return 0


@contextlib.contextmanager
def _in_time(started: float, limit: float | None) -> Iterator[None]:
    """Stop a fit that would take too long."""
    from textcnn.utils.progress import TimeLimitReached, time_limit

    try:
        with time_limit(None if limit is None else started + limit):
            yield
    except TimeLimitReached as reached:
        raise TimeOverError(
            f"--time-limit {limit:g} is too short: {reached}. Nothing was written. Use fewer "
            "--folds or --epochs, or --kind linear"
        ) from reached


def _save(encoder, path: str) -> None:
    try:
        encoder.save(path)
    except OSError as error:
        raise BadInputError(f"cannot write {path!r}: {one_line(error)}") from error


def _encoder(options):
    """Return the unfitted encoder for the options."""
    import textcnn

    settings = {
        "cv": options.folds,
        "target_type": options.target_type,
        "n_jobs": options.jobs,
        "random_state": options.seed,
        "uncovered": "raise" if options.time is None else "nan",
    }
    if options.kind == "linear":
        if options.vectors or options.epochs:
            raise BadInputError("--vectors and --epochs need --kind cnn")
        return textcnn.TextLinearEncoder(**settings)
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    if options.image:
        size = None if options.image_size is None else tuple(options.image_size)
        return textcnn.ImageCNNEncoder(image_size=size, **settings)
    return textcnn.TextCNNEncoder(options.vectors, **settings)


def _transform(options: argparse.Namespace) -> int:
    """Write the features of new rows, a chunk at a time."""
    encoder = _loaded(options.model)
    columns = _columns_of(encoder, options.model)
    import pandas as pd

    counter, n_rows = RowCounter("textcnn transform"), 0
    with (
        _messages(),
        _stoppable(),
        read_chunks(options.table, [*columns, *options.keep], format=options.format) as chunks,
        table_writer(options.out, format=options.out_format) as writer,
    ):
        for chunk in chunks:
            X = pd.DataFrame({name: _filled(chunk[name]) for name in columns}, dtype=object)
            try:
                features = np.asarray(encoder.transform(X))
            except (ValueError, TypeError) as error:
                raise BadInputError(
                    f"in rows {n_rows + 1} to {n_rows + len(X)}: {one_line(error)} (row numbers in "
                    "this message count from 0 within these rows)"
                ) from error
            writer.write(_output(encoder, features, {n: chunk[n] for n in options.keep}))
            n_rows += len(X)
            counter.show(n_rows)
        if not n_rows:
            raise BadInputError(f"{options.table!r} has no rows")
        counter.end(n_rows)
    return 0


def _report(options: argparse.Namespace) -> int:
    """Print the report of a saved encoder."""
    encoder = _loaded(options.model)
    if not hasattr(type(encoder), "report_"):
        raise BadInputError(
            f"{options.model!r} contains a {type(encoder).__name__}, which has no report"
        )
    report = _refused(lambda: encoder.report_.verify())
    if options.json:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        print(report)
    return 0


def _loaded(path: str):
    """Load a saved estimator; errors are one line."""
    import textcnn

    try:
        return textcnn.load(path)
    except (OSError, ValueError) as error:
        raise BadInputError(one_line(error)) from error


def _columns_of(encoder, path: str) -> list[str]:
    """Return the input columns of a saved encoder."""
    if not hasattr(encoder, "get_feature_names_out"):
        raise BadInputError(
            f"{path!r} contains a {type(encoder).__name__}, which makes no features"
        )
    if not hasattr(encoder, "feature_names_in_"):
        raise BadInputError(
            f"the encoder in {path!r} was fitted without column names; fit it on a DataFrame"
        )
    return list(encoder.feature_names_in_)


def _refused(function, *arguments, **keywords):
    """Call a function; report its errors as bad input, in one line."""
    try:
        return function(*arguments, **keywords)
    except (ValueError, TypeError, OSError) as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        raise BadInputError(one_line(error) + (f" ({notes})" if notes else "")) from error


def _output(encoder, features: np.ndarray, kept: dict[str, list]) -> dict:
    """Return the columns to write: those of --keep, then the features."""
    names = encoder.get_feature_names_out()
    twice = sorted(set(kept) & set(map(str, names)))
    if twice:
        raise BadInputError(f"--keep names a column with the same name as a feature: {twice[0]!r}")
    return kept | {str(name): features[:, place] for place, name in enumerate(names)}


def _filled(cells: list) -> list:
    """Return cells with None for empty ones, for every file format."""
    return [None if cell == "" else cell for cell in cells]


def _target(cells: list, name: str):
    """Return the target: numbers if every cell is one, else classes; empty cells are missing."""
    cells = _filled(cells)
    present = [cell for cell in cells if cell is not None]
    if not present:
        raise BadInputError(f"the target column {name!r} is empty")
    numbers = [_number(cell) for cell in present]
    if any(number is None for number in numbers):
        return np.array([None if cell is None else str(cell) for cell in cells], object)
    values = np.full(len(cells), np.nan)
    values[[place for place, cell in enumerate(cells) if cell is not None]] = numbers
    return values.astype(np.int64) if _is_whole(values) else values


def _is_whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == values.round()).all()) and bool(
        np.abs(values).max() < 2**53
    )


def _number(cell) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _times(cells: list, name: str) -> np.ndarray:
    """Return times as numbers or dates."""
    import pandas as pd

    for row, cell in enumerate(cells, start=1):
        if cell is None or cell == "":
            raise BadInputError(f"row {row} has an empty time in column {name!r}")
    numbers = [_number(cell) for cell in cells]
    if all(number is not None for number in numbers):
        return np.array(numbers)
    found = pd.to_datetime(pd.Series(cells), errors="coerce", utc=True, format="ISO8601")
    if found.isna().any():
        row = int(found.isna().to_numpy().argmax())
        raise BadInputError(
            f"row {row + 1}, column {name!r} is not a time; expected numbers or dates such as "
            f"2024-05-31. Received: {str(cells[row])[:40]!r}"
        )
    return found.dt.tz_localize(None).to_numpy()


@contextlib.contextmanager
def _messages() -> Iterator[None]:
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
def _stoppable() -> Iterator[None]:
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
