"""Arrays in the IDX format of MNIST."""

from __future__ import annotations

import gzip
import math
from os import PathLike, fspath

import numpy as np

_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def load_idx(path: str | PathLike) -> np.ndarray:
    """Return the array of an IDX file: images or labels of MNIST and similar data sets.

    Parameters
    ----------
    path : str or path-like
        Path of the file, gzip-compressed or not.

    Returns
    -------
    ndarray
        With the file's shape and dtype: uint8 (n, height, width) for images, uint8 (n,) for labels.

    Raises
    ------
    ValueError
        If the file is not an IDX file, or its size does not match its header.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "labels.idx")
    >>> with open(path, "wb") as file:
    ...     size = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    >>> load_idx(path).tolist()
    [7, 8, 9]
    """
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_gzip else open(path, "rb") as file:
        content = file.read()
    n_axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * n_axes
    if len(content) < start or content[:2] != b"\0\0" or content[2] not in _DTYPES or not n_axes:
        raise ValueError(
            "The file is not an IDX file, which starts with two zero bytes, a type and a number "
            f"of axes. Received: {fspath(path)!r}, which starts with {content[:4]!r}."
        )
    shape = np.frombuffer(content, ">i4", n_axes, 4).tolist()
    dtype = np.dtype(_DTYPES[content[2]])
    if len(content) != start + math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"The file's size does not match its header: shape {tuple(shape)} of {dtype.name} "
            f"needs {math.prod(shape) * dtype.itemsize} bytes after the first {start}. Download "
            f"it again. Received: {fspath(path)!r} of {len(content)} bytes."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
