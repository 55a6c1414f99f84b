"""Write files completely or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Write to a temporary file that replaces the target at the end.

    If the process is interrupted, the old file is unchanged. An error also removes the temporary
    file. (A killed process leaves a hidden ``.<name>.*.part``, which may be deleted.)

    Parameters
    ----------
    path : str or path
        The target. A symbolic link is followed and stays a link. A device or pipe, such as
        ``/dev/null``, is written directly.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If the folder does not exist or is not writable, or the disk is full.

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
    if _is_device(path):
        with open(path, "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"Expected a file name. Received: the folder {str(path)!r}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder does not exist. Expected: an existing folder. Received: {str(path)!r}."
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


def _is_device(path: str | os.PathLike) -> bool:
    """Return whether a path is neither a regular file, nor a folder, nor free."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _mode_of(target: Path) -> int:
    """Return the permissions of the replaced file, or those of a new file."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Flush the folder to disk; Windows cannot open a folder and does not need it."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
