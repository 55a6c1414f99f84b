"""The parser of all commands."""

from __future__ import annotations

import argparse
import codecs

from textcnn import __version__
from textcnn.command_line.cells import USUAL_NA
from textcnn.command_line.files import FORMATS, QUOTING, TableFormat

_TABLE = "CSV, TSV, JSON lines or Parquet, or a folder of such parts; - is standard input"


def make_parser(demo, fit_transform, transform, report) -> argparse.ArgumentParser:
    """Return the parser; each command runs one of the functions."""
    parser = argparse.ArgumentParser(
        prog="textcnn", description="Leak-safe out-of-fold CNN features from text columns."
    )
    parser.add_argument("--version", action="version", version=f"textcnn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_demo(commands).set_defaults(run=demo)
    _add_fit_transform(commands).set_defaults(run=fit_transform)
    _add_transform(commands).set_defaults(run=transform)
    _add_report(commands).set_defaults(run=report)
    return parser


def table_format(options: argparse.Namespace) -> TableFormat:
    """Return the format of the table, from the options."""
    return TableFormat(
        options.format, options.sep, options.quoting, options.encoding, options.decimal
    )


def _add_demo(commands) -> argparse.ArgumentParser:
    demo = commands.add_parser(
        "demo",
        help="compare four ways to use a text column",
        description="Compare four ways to use a text column together with other columns: on the "
        "bundled table, then on your own table with --csv. Nothing is downloaded.",
    )
    demo.add_argument("--csv", metavar="FILE", help=f"your table: {_TABLE}")
    demo.add_argument(
        "--text",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a text column of your table; may be given several times",
    )
    demo.add_argument("--target", metavar="COLUMN", help="the column to predict")
    _add_drop(demo, "for example one that is only known after the target")
    _add_target_type(demo)
    demo.add_argument(
        "--only-csv", action="store_true", help="skip the comparison on the bundled table"
    )
    demo.add_argument("--seed", type=_seed, default=0, help="seed of splits and models (default 0)")
    _add_format(demo, "your table")
    return demo


def _add_fit_transform(commands) -> argparse.ArgumentParser:
    fit = commands.add_parser(
        "fit-transform",
        help="make out-of-fold features of training rows",
        description="Make out-of-fold features of text (or image) columns, or of a whole table, "
        "for training rows, and save the encoder for new rows. Rows keep their order.",
    )
    fit.add_argument("table", metavar="TABLE", help=f"training rows: {_TABLE}")
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
    _add_keep(columns)
    _add_drop(columns, "with --kind table")
    how = fit.add_argument_group("features")
    how.add_argument(
        "--kind",
        choices=("cnn", "linear", "table"),
        default="cnn",
        help="network, linear model on TF-IDF, or TableFeatures on all columns but those of "
        "--target, --group, --time, --keep and --drop",
    )
    how.add_argument(
        "--members",
        metavar="NAMES",
        type=_names,
        help="encoders of --kind table, for example svd,linear",
    )
    _add_target_type(how)
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
    how.add_argument("--seed", type=_seed, default=0, help="seed of folds and models (default 0)")
    how.add_argument("--jobs", type=int, metavar="N", help="number of processes; -1 for all cores")
    how.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=_seconds,
        help="stop with exit status 3 as soon as fitting is expected to take longer; --kind table "
        "leaves out members instead",
    )
    fit.add_argument(
        "--save", metavar="MODEL", help="save the encoder, for example to model.textcnn"
    )
    _add_output(fit)
    return fit


def _add_transform(commands) -> argparse.ArgumentParser:
    transform = commands.add_parser(
        "transform",
        help="make features of new rows with a saved encoder",
        description="Make features of new rows with a saved encoder, a few thousand rows at a "
        "time, so that memory does not grow with the table.",
    )
    transform.add_argument("table", metavar="TABLE", help=f"new rows: {_TABLE}")
    transform.add_argument("--model", metavar="MODEL", required=True, help="file written by --save")
    _add_keep(transform)
    _add_output(transform)
    return transform


def _add_report(commands) -> argparse.ArgumentParser:
    report = commands.add_parser(
        "report",
        help="show the report of a saved encoder",
        description="Show the report of a saved encoder: scores per fold and the score of a "
        "baseline (class frequencies or mean), after checking that no model predicted its "
        "training rows.",
    )
    report.add_argument("model", metavar="MODEL", help="file written by --save")
    report.add_argument("--json", action="store_true", help="as JSON, with every fold")
    return report


def _add_keep(parser) -> None:
    parser.add_argument(
        "--keep", metavar="COLUMN", action="append", default=[], help="copy to the output"
    )


def _add_drop(parser, when: str) -> None:
    parser.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help=f"leave out a column, {when}",
    )


def _add_target_type(parser) -> None:
    parser.add_argument(
        "--target-type",
        choices=("auto", "binary", "multiclass", "continuous"),
        default="auto",
        help="continuous reads the target as numbers; otherwise text is a class",
    )


def _add_output(parser) -> None:
    parser.add_argument(
        "--out",
        metavar="FILE",
        default="-",
        help="features; - is standard output (the default); "
        "FOLDER/ has one part for each part of TABLE",
    )
    parser.add_argument(
        "--out-format", choices=FORMATS, help="format of the features (default: by the file's name)"
    )
    _add_format(parser, "TABLE", " Also for features that are written as CSV")


def _add_format(parser, table: str, also: str = "") -> None:
    form = parser.add_argument_group(
        f"format of {table}",
        "Compressed files are recognised by their content: gzip, bzip2, xz, Zstandard, zip.",
    )
    form.add_argument("--format", choices=FORMATS, help=f"format of {table} (default: by its name)")
    form.add_argument(
        "--sep",
        metavar="CHARACTER",
        type=_separator,
        help="separator of cells, or tab (default: of , ; tab | the first that gives the header "
        f"line the columns that are named).{also}",
    )
    form.add_argument(
        "--quoting",
        choices=QUOTING,
        default="auto",
        help="minimal: quotes enclose cells with separators or line ends; none: they are a part of "
        "the text; auto: minimal, but in TSV a quote that encloses whole rows is a part of the "
        f"text.{also}",
    )
    form.add_argument(
        "--encoding",
        metavar="NAME",
        type=_encoding,
        help="for example cp1252 (default: UTF-8, or UTF-16 and UTF-32 by the mark at the start)."
        f"{also}",
    )
    form.add_argument(
        "--decimal",
        choices=(".", ","),
        default=".",
        help=f"decimal point of numbers (default .).{also}",
    )
    form.add_argument(
        "--na",
        metavar="TEXT",
        action="append",
        help="a spelling of missing cells, may be given several times; replaces the usual ones "
        f"({', '.join(name for name in USUAL_NA if name.isalpha())} and others), which are not "
        "missing in text columns. Empty cells always are",
    )


def _seed(text: str) -> int:
    """Read a seed for NumPy."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(
            f"expected an integer from 0 to {2**32 - 1}. Received: {text}"
        )
    return int(text)


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


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _separator(text: str) -> str:
    sep = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(sep) != 1 or sep in '"\r\n' or not sep.isascii() and not sep.isprintable():
        raise argparse.ArgumentTypeError(
            f"expected one character, or tab, and no quote or line end. Received: {text!r}"
        )
    return sep


def _encoding(text: str) -> str:
    try:
        "".encode(text)  # refuses codecs from bytes to bytes, which are no encodings
        return codecs.lookup(text).name
    except (LookupError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"unknown encoding; expected for example utf-8, utf-16 or cp1252. Received: {text!r}"
        ) from error
