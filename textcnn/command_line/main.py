"""The ``textcnn`` command."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textcnn import __version__
from textcnn.command_line.features import add_commands
from textcnn.command_line.messages import BadInputError, check_column, printable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main"]

_MINIMUM_ROWS = 200
_MINIMUM_CLASS_ROWS = 20
_MAXIMUM_CLASSES = 50
_MINIMUM_TERMS = 100
_SEPARATORS = ";\t|"

_BUNDLED_INTRODUCTION = """\
Bundled table: {n_rows:,} synthetic product reviews. Target: does the customer recommend it?
Their text favours models that use word order, by design: negations, comparisons and contrasts
use the same words in positive and in negative reviews. Results on your table will differ.
"""

_WHERE_NEXT = """\
Next steps
  your own table      textcnn demo --only-csv --csv table.csv --text column --target column
                      (in a working copy: make demo CSV=table.csv TEXT=column TARGET=column)
  in your pipeline    README.md: Pipeline, GridSearchCV, groups, word vectors
  on real reviews     examples/01_reviews_in_a_table.py
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ``textcnn`` command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments after ``textcnn`` on the command line; by default ``sys.argv[1:]``.

    Returns
    -------
    int
        The exit status: 0 for success; 2 for invalid input (with one line on standard error); 3 if
        ``--time-limit`` is too short; 130 after Ctrl-C; 141 for a broken pipe. Unknown options
        raise ``SystemExit(2)``, as in `argparse`.

    Examples
    --------
    >>> from textcnn.command_line.main import main
    >>> main(["demo", "--csv", "table.csv"])
    2
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except BadInputError as error:
        print(f"textcnn: {printable(str(error))}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("textcnn: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Discard the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="textcnn", description="Leak-safe out-of-fold CNN features from text columns."
    )
    parser.add_argument("--version", action="version", version=f"textcnn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="compare four ways to use a text column",
        description="Compare four ways to use a text column together with other columns: on the "
        "bundled table, then on your own table with --csv. Nothing is downloaded.",
    )
    demo.add_argument("--csv", metavar="FILE", help="your table, as CSV (also .gz)")
    demo.add_argument(
        "--text",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a text column of your table; may be given several times",
    )
    demo.add_argument("--target", metavar="COLUMN", help="the column of classes to predict")
    demo.add_argument(
        "--only-csv", action="store_true", help="skip the comparison on the bundled table"
    )
    demo.add_argument("--seed", type=_seed, default=0, help="seed of splits and models (default 0)")
    demo.set_defaults(run=_demo)
    add_commands(commands, _seed)
    return parser


def _seed(text: str) -> int:
    """Read a seed for NumPy."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(
            f"expected an integer from 0 to {2**32 - 1}. Received: {text}"
        )
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    """Compare the four ways on the bundled table and on the user's table, if given."""
    # Report a bad table before the bundled comparison, which takes a minute.
    own_table = _read_own_table(options)

    # TensorFlow reads this once, at its import; this hides its start-up messages.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if options.only_csv:
        _start_backend_quietly()
    else:
        _compare_bundled(options.seed)
    if own_table is not None:
        _compare_own(own_table, options)
    _say(_WHERE_NEXT)
    return 0


def _compare_bundled(seed: int) -> None:
    """Compare the four ways on the bundled table."""
    from textcnn.datasets import load_reviews

    reviews = load_reviews()
    _say(_BUNDLED_INTRODUCTION.format(n_rows=len(reviews)))
    _start_backend_quietly()
    others = ["category", "price", "delivery_days", "rating_count", "verified"]
    _compare(reviews, ["review"], "recommended", others, seed)


def _start_backend_quietly() -> None:
    """Start Keras without TensorFlow's start-up messages, which no setting can hide.

    C++ code writes them to the process's standard error before any log level is read. If the start
    fails, they are shown.
    """
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed, so nothing can be shown
        _start_backend()
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            _start_backend()
        except BaseException:
            notices.seek(0)
            os.write(kept, notices.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _start_backend() -> None:
    """Import Keras and run one operation."""
    from textcnn.neural.backend import import_keras

    import_keras().ops.zeros(1)


def _compare_own(table: pd.DataFrame, options: argparse.Namespace) -> None:
    """Compare the four ways on the user's table."""
    from textcnn.command_line.comparison import MAXIMUM_CATEGORIES, usable_columns

    used = [*options.text, options.target]
    others = usable_columns(table, exclude=used)
    left_out = [column for column in table.columns if column not in (*used, *others)]
    _say(f"{options.csv}: {len(table):,} rows, target {options.target!r}")
    _say(f"Other columns: {', '.join(others) or 'none'}.")
    if left_out:
        reasons = f"more than {MAXIMUM_CATEGORIES} different values, or almost empty"
        _say(f"Unused columns ({reasons}): {', '.join(left_out)}.")
    _say("Note: columns that are only known after the target make all scores too good.\n")
    _compare(table, options.text, options.target, others, options.seed)


def _compare(
    table: pd.DataFrame, text: list[str], target: str, others: list[str], seed: int
) -> None:
    """Print one comparison, line by line."""
    from textcnn.command_line.comparison import compare_text_features, text_stages

    compare_text_features(
        table,
        text_columns=text,
        target=target,
        other_columns=others,
        stages=text_stages(text, random_state=seed),
        random_state=seed,
        show=_say,
    )
    _say("")


def _read_own_table(options: argparse.Namespace) -> pd.DataFrame | None:
    """Read the user's table and check that the comparison can use it."""
    if options.csv is None:
        if options.only_csv:
            raise BadInputError("--only-csv requires --csv FILE.")
        if options.text or options.target:
            raise BadInputError("--text and --target require --csv FILE.")
        return None
    if not options.text or options.target is None:
        raise BadInputError(
            "--csv needs the columns to use. "
            f"Type: textcnn demo --csv {options.csv} --text COLUMN --target COLUMN"
        )
    table = _read_csv(options.csv)
    for column in (*options.text, options.target):
        check_column(table.columns, column)
    if options.target in options.text:
        raise BadInputError(f"--target and --text name the same column, {options.target!r}.")
    _check_finite(table)
    table = table[table[options.target].notna()].reset_index(drop=True)
    _check_target(table, options.target)
    for column in options.text:
        _check_text(table, column)
    return table


def _read_csv(path: str) -> pd.DataFrame:
    """Read a CSV file; errors are one line."""
    import pandas as pd

    try:
        table = pd.read_csv(path, low_memory=False)
    except (
        OSError,
        EOFError,
        zlib.error,
        UnicodeDecodeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
    ) as error:
        reason = " ".join(str(error).split())
        if "Expected 1 fields" in reason:  # the first line has no comma
            raise _not_commas(path, ";") from error
        raise BadInputError(
            f"cannot read a table from {path!r}; expected a CSV file in UTF-8 with a line of "
            f"column names. {type(error).__name__}: {reason}"
        ) from error
    if len(table.columns) == 1:
        separator = next((mark for mark in _SEPARATORS if mark in str(table.columns[0])), None)
        if separator is not None:
            raise _not_commas(path, separator)
    return table


def _not_commas(path: str, separator: str) -> BadInputError:
    """Return the error for a table with another separator than commas."""
    return BadInputError(
        f"the first line of {path!r} has no comma; expected cells separated by commas. If yours "
        f"are separated by {separator!r}, convert the table in Python: "
        f"pandas.read_csv({path!r}, sep={separator!r}).to_csv('commas.csv', index=False)"
    )


def _check_finite(table: pd.DataFrame) -> None:
    """Refuse infinite numbers with a shorter message than gradient boosting."""
    numbers = table.select_dtypes("number")
    infinite = numbers.columns[numbers.abs().max() == float("inf")]
    if len(infinite):
        raise BadInputError(
            f"column {infinite[0]!r} contains infinite numbers; leave those cells empty."
        )


def _check_target(table: pd.DataFrame, target: str) -> None:
    """Refuse a target without a few classes of enough rows."""
    counts = table[target].value_counts()
    if len(table) < _MINIMUM_ROWS:
        raise BadInputError(
            f"the comparison needs at least {_MINIMUM_ROWS} rows with a target. "
            f"Received: {len(table)} rows"
        )
    if not 2 <= len(counts) <= _MAXIMUM_CLASSES:
        raise BadInputError(
            f"the comparison needs a target of 2 to {_MAXIMUM_CLASSES} classes. Received: "
            f"{target!r} with {len(counts)} different values (for a continuous target use "
            "TextCNNEncoder in your own pipeline: README.md)"
        )
    if counts.min() < _MINIMUM_CLASS_ROWS:
        raise BadInputError(
            f"every class of the target needs at least {_MINIMUM_CLASS_ROWS} rows. Received: class "
            f"{counts.idxmin()!r} of {target!r} with {counts.min()}"
        )


def _check_text(table: pd.DataFrame, column: str) -> None:
    """Refuse a column of labels or numbers instead of text."""
    from textcnn.text.tokens import word_tokens

    cells = table[column].dropna().astype(str)
    rows_of_term: dict[str, int] = {}
    for cell in cells:
        for term in set(word_tokens(cell.lower())):
            rows_of_term[term] = rows_of_term.get(term, 0) + 1
    repeated = sum(n > 1 for n in rows_of_term.values())
    if repeated < _MINIMUM_TERMS:
        raise BadInputError(
            f"{column!r} does not look like text: expected at least {_MINIMUM_TERMS} words that "
            f"occur in several rows. Received: {repeated}"
        )


def _say(text: str) -> None:
    """Print a line without buffering."""
    print(text, flush=True)
