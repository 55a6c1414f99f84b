"""The ``textcnn`` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from textcnn.command_line.demo import demo
from textcnn.command_line.features import fit_transform, report, transform
from textcnn.command_line.messages import (
    BadInputError,
    any_characters,
    printable,
    short_warnings,
    stoppable,
)
from textcnn.command_line.parser import make_parser

__all__ = ["main"]


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
    with any_characters(), short_warnings(), stoppable():
        options = make_parser(demo, fit_transform, transform, report).parse_args(arguments)
        try:
            status = options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
            return status
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
