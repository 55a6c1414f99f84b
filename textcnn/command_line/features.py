"""``textcnn fit-transform``, ``transform`` and ``report``."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from textcnn.command_line.cells import (
    are_row_numbers,
    groups_of,
    known,
    target_of,
    times_of,
    with_point,
)
from textcnn.command_line.files import check_outputs
from textcnn.command_line.messages import (
    BadInputError,
    RowCounter,
    TimeOverError,
    one_line,
    progress_bar,
)
from textcnn.command_line.parser import table_format
from textcnn.command_line.parts import writer_like
from textcnn.command_line.reading import read_chunks, read_parts

_SAME_NAME = "--keep names a column with the same name as a feature: {!r}"


def fit_transform(options: argparse.Namespace) -> int:
    """Fit on a whole table and write its out-of-fold features."""
    started = time.monotonic()
    _check_columns(options)
    encoder = _encoder(options)
    if options.save is not None and not Path(options.save).absolute().parent.is_dir():
        raise BadInputError(f"the folder of --save {options.save} does not exist")
    outputs = {"--out": options.out, "--save": options.save}
    check_outputs([options.table, *filter(None, [options.vectors])], outputs)
    is_table = options.kind == "table"
    inputs = options.text or options.image
    beside = [name for name in (options.target, options.group, options.time) if name is not None]
    cells, sizes = read_parts(
        options.table,
        [*inputs, *beside, *options.keep],
        table_format(options),
        others=is_table,
        without=options.drop,
    )
    if is_table:
        others = {*beside, *options.keep} - set(options.text)
        inputs = [name for name in cells if name not in others]
        inputs = [name for name in inputs if not _is_index(name, cells[name])]
        if not inputs:
            raise BadInputError("the table has no column but those of --target, --keep and others")
    is_text = options.text and not is_table  # a whole table may find other texts
    found = {name: known(cells[name], options, is_text) for name in inputs}
    found |= {name: known(cells[name], options) for name in beside}
    if options.image:
        images = {cell for name in inputs for cell in found[name] if isinstance(cell, str)}
        check_outputs(list(images), outputs)
    _check_kept(options, inputs, set(found[options.target]))
    X = _frame({name: found[name] for name in inputs}, is_table, options.decimal)
    parameters = {}
    if options.group is not None:
        parameters["groups"] = groups_of(found[options.group], options.group)
    if options.time is not None:
        parameters["time"] = times_of(found[options.time], options.time, options.decimal)
    y = target_of(found[options.target], options.target, options.target_type, options.decimal)
    with _writer(options) as write:
        with _in_time(started, None if is_table else options.time_limit), progress_bar(encoder):
            features = _refused(encoder.fit_transform, X, y, **parameters)
        write(_output(encoder, features, X, cells, options.keep), sizes)
        if options.save is not None:
            _save(encoder, options.save)
    return 0


def transform(options: argparse.Namespace) -> int:
    """Write the features of new rows, a chunk at a time."""
    check_outputs([options.table, options.model], {"--out": options.out})
    encoder = _loaded(options.model)
    columns = _columns_of(encoder, options.model)
    is_table = hasattr(encoder, "text_columns_")
    is_text = _reads_texts(encoder)
    counter, n_rows = RowCounter("textcnn transform"), 0
    with (
        read_chunks(options.table, [*columns, *options.keep], table_format(options)) as chunks,
        _writer(options) as write,
    ):
        for chunk in chunks:
            found = {name: known(chunk[name], options, is_text) for name in columns}
            X = _frame(found, is_table, options.decimal)
            try:
                features = encoder.transform(X)
            except (ValueError, TypeError) as error:
                raise BadInputError(
                    f"in rows {n_rows + 1} to {n_rows + len(X)}: {one_line(error)} (row numbers in "
                    "this message count from 0 within these rows)"
                ) from error
            output = _output(encoder, features, X, chunk, options.keep)
            write(output, [(chunks.part, len(X))])
            n_rows += len(X)
            counter.show(n_rows)
        if not n_rows:
            raise BadInputError(f"{options.table!r} has no rows")
        counter.end(n_rows)
    return 0


def report(options: argparse.Namespace) -> int:
    """Print the report of a saved encoder."""
    encoder = _loaded(options.model)
    if not hasattr(type(encoder), "report_"):
        raise BadInputError(
            f"{options.model!r} contains a {type(encoder).__name__}, which has no report"
        )
    verified = _refused(lambda: encoder.report_.verify())
    print(json.dumps(verified.to_dict(), indent=2) if options.json else verified)
    return 0


def _check_columns(options: argparse.Namespace) -> None:
    """Refuse options that do not act together."""
    if options.kind == "table":
        if options.image or options.vectors or options.epochs or options.image_size:
            raise BadInputError(
                "--image, --image-size, --vectors and --epochs do not act on --kind table"
            )
    elif options.members or options.drop:
        raise BadInputError("--members and --drop need --kind table")
    elif bool(options.text) == bool(options.image):
        raise BadInputError(
            "expected the columns to encode: --text COLUMN or --image COLUMN, not both; or --kind "
            "table"
        )
    if options.image and (options.kind == "linear" or options.vectors):
        raise BadInputError("--kind linear and --vectors need --text; omit them with --image")
    if options.kind == "linear" and (options.vectors or options.epochs):
        raise BadInputError("--vectors and --epochs need --kind cnn")
    if options.image_size and not options.image:
        raise BadInputError("--image-size needs --image")
    if options.target in (*options.text, *options.image):
        raise BadInputError(
            f"--target and --text or --image name the same column, {options.target!r}"
        )
    named = {options.target, options.group, options.time, *options.text, *options.keep}
    if both := set(options.drop) & named:
        raise BadInputError(f"--drop names a column that another option names, {min(both)!r}")


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
    if options.kind == "table":
        settings["time_limit"] = options.time_limit
        if options.text:
            settings["columns"] = options.text
        if options.members:
            settings["members"] = options.members
        return textcnn.TableFeatures(**settings)
    if options.kind == "linear":
        return textcnn.TextLinearEncoder(**settings)
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    if options.image:
        size = None if options.image_size is None else tuple(options.image_size)
        return textcnn.ImageCNNEncoder(image_size=size, **settings)
    return textcnn.TextCNNEncoder(options.vectors, **settings)


def _writer(options):
    """Open the output; it has the format of the table, as far as options name it."""
    return writer_like(options.table, options.out, table_format(options), options.out_format)


def _reads_texts(encoder) -> bool:
    from textcnn import TextCNNEncoder, TextLinearEncoder

    return isinstance(encoder, TextCNNEncoder | TextLinearEncoder)


def _is_index(name: str, cells: list) -> bool:
    """Return whether a column without a name is the index of a frame, with a warning."""
    is_index = name.startswith("Unnamed: ") and are_row_numbers(cells)
    if is_index:
        warnings.warn(f"column {name!r} numbers the rows and is left out", stacklevel=2)
    return is_index


def _frame(cells: dict[str, list], is_table: bool, decimal: str):
    """Return X; in a whole table numbers and dates of JSON and Parquet stay such.

    Those of CSV are strings, which the table reads, with points.
    """
    import pandas as pd

    if is_table and decimal != ".":
        cells = {name: [with_point(cell, decimal) for cell in cells[name]] for name in cells}
    dtype = None if is_table else object
    return pd.DataFrame({name: pd.Series(column, dtype=dtype) for name, column in cells.items()})


def _check_kept(options, inputs: list[str], classes: set) -> None:
    """Refuse, before the fit, a column of --keep with the name of a feature."""
    makers = {"cnn": ["cnn"], "linear": ["linear"], "table": options.members or []}[options.kind]
    for prefix in (f"{name}_{maker}" for name in inputs for maker in makers):
        features = {prefix, *(f"{prefix}_{label}" for label in classes)}
        if twice := features & set(options.keep):
            raise BadInputError(_SAME_NAME.format(min(twice)))


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


def _loaded(path: str):
    """Load a saved estimator; errors are one line."""
    import textcnn

    return _refused(textcnn.load, path)


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
    except (ValueError, TypeError, OSError, ImportError) as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        raise BadInputError(one_line(error) + (f" ({notes})" if notes else "")) from error


def _output(encoder, features, X, cells: dict[str, list], keep: list[str]) -> dict:
    """Return the columns to write: those of --keep, then the features.

    Columns that a whole table passes through are written as they were read.
    """
    import pandas as pd

    names = [str(name) for name in encoder.get_feature_names_out()]
    kept = {name: cells[name] for name in keep}
    if twice := set(kept) & set(names):
        raise BadInputError(_SAME_NAME.format(min(twice)))
    table = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features)
    for place, name in enumerate(names):
        column = table.iloc[:, place]
        is_passed = name in X and column.equals(X[name])
        kept[name] = cells[name] if is_passed else _cells_of(column)
    return kept


def _cells_of(column) -> np.ndarray | list:
    """Return a feature as an array of floats, or a list of cells with None for missing ones."""
    if column.dtype.kind == "f" and isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.astype(object).where(column.notna(), None).tolist()
