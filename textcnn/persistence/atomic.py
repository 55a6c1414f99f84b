"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Write a file beside the one of that name and put it in its place at the end.

    Whatever ends the process in between leaves the old file as it was; an error also removes the
    new one. (A killed process leaves a hidden ``.<name>.*.part``, which may be deleted.)

    Parameters
    ----------
    path : str or path
        A link is followed, so that it stays one.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If the folder is not there or cannot be written to, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from textcnn.persistence import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     with atomic_write(path) as file:
    ...         _ = file.write(b"a,b")
    ...     path.read_bytes()
    b'a,b'
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"A file name is expected. Received: the folder {str(path)!r}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder for the file. Expected: one that exists. Received: {str(path)!r}."
        )
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode_of(target))
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _mode_of(target: Path) -> int:
    """Return the access rights of the file to replace, or those of any new file."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the new name last; systems that cannot open a folder (Windows) do so by themselves."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
