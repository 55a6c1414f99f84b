"""Write a file, or a folder with one part for each part of the table that is read."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from textcnn.command_line.files import COMPRESSIONS, SUFFIXES, Part, TableFormat, parts_of
from textcnn.command_line.messages import BadInputError, one_line
from textcnn.command_line.writing import table_writer

# Writes columns, given the parts from which their rows are, and how many rows are of each.
Write = Callable[[dict, Sequence[tuple[Part, int]]], None]


def is_folder(path: str) -> bool:
    """Return whether an output is a folder: one that exists, or a name that ends in ``/``."""
    return path != "-" and (path.endswith(("/", os.sep)) or Path(path).is_dir())


@contextlib.contextmanager
def writer_like(
    source: str, path: str, table_format: TableFormat, out_format: str | None
) -> Iterator[Write]:
    """Yield a function that writes features of the rows of a table.

    Parameters
    ----------
    source : str
        The table that is read.
    path : str
        A file, ``"-"``, or a folder, which must be new or empty. It is there when all is written.
    table_format : TableFormat
        That of the table.
    out_format : str or None
        By default that of the file's name, in a folder that of the part which is read.

    Raises
    ------
    BadInputError
        If the folder is not empty, or nothing can be written.
    """
    if not is_folder(path):
        with table_writer(path, replace(table_format, format=out_format)) as writer:
            yield lambda columns, sizes: writer.write(columns)
        return
    names = _names(source, out_format)
    with _new_folder(path) as folder, contextlib.ExitStack() as current:
        opened: dict[str, object] = {}

        def write(columns: dict, sizes: Sequence[tuple[Part, int]]) -> None:
            start = 0
            for part, n_rows in sizes:
                if part.path not in opened:
                    current.close()  # the part before
                    file = folder / names[part.path]
                    file.parent.mkdir(parents=True, exist_ok=True)
                    form = replace(table_format, format=out_format or table_format.format)
                    opened[part.path] = current.enter_context(table_writer(str(file), form))
                rows = {name: cells[start : start + n_rows] for name, cells in columns.items()}
                opened[part.path].write(rows)
                start += n_rows

        yield write


def _names(source: str, out_format: str | None) -> dict[str, PurePath]:
    """Return the name of each part's output in the folder, by the part's path."""
    if source == "-":
        raise BadInputError("a folder as --out needs a file or a folder to read, not -")
    root, names = Path(source) if Path(source).is_dir() else Path(source).parent, {}
    for part in parts_of(source):
        name = PurePath(part.path).relative_to(root)
        while name.suffix.lower() == ".zip" or out_format and name.suffix.lower() in _KNOWN:
            name = name.with_suffix("")
        name = name.with_name(f"{name.name}.{out_format}") if out_format else name
        if name in names.values():
            raise BadInputError(f"two parts of {source!r} would be written to one name, {name}")
        names[part.path] = name
    return names


_KNOWN = {*SUFFIXES, *COMPRESSIONS}


@contextlib.contextmanager
def _new_folder(path: str) -> Iterator[Path]:
    """Yield a temporary folder that becomes the target at the end, or is removed."""
    target = Path(os.path.realpath(path))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInputError(f"--out {path} is not empty; expected a new or an empty folder")
    try:
        made = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.chmod(made, 0o777 & ~_mask())
    except OSError as error:
        raise BadInputError(f"cannot write {path!r}: {one_line(error)}") from error
    try:
        yield Path(made)
        os.rename(made, target)
    except OSError as error:
        raise BadInputError(f"cannot write {path!r}: {one_line(error)}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
